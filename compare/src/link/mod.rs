//! A link that is not there: rate, delay, jitter, loss and a bounded queue, as TCP
//! connections feel them.
//!
//! Time is an argument, so the same link runs in virtual time inside a comparison
//! ([`crate::run`]) and in real time between real programs ([`Relay`]).

mod bottleneck;
mod profile;
mod relay;
mod tcp;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use panto_protocol::time::Micros;

use bottleneck::Bottleneck;
use tcp::{Flow, Packet};

pub use profile::{Outage, Path, Profile, ProfileError};
pub use relay::{Relay, RelayCounts};
pub use tcp::{HEADERS, MSS};

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the server to the viewer.
    Down = 0,
    /// From the viewer to the server.
    Up = 1,
}

impl Direction {
    /// Both.
    pub const BOTH: [Direction; 2] = [Direction::Down, Direction::Up];

    const fn other(self) -> Self {
        match self {
            Self::Down => Self::Up,
            Self::Up => Self::Down,
        }
    }
}

/// A connection over a [`Link`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Arrival,
    Ack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: Micros,
    /// Of two events at the same time the older one first.
    number: u64,
    what: What,
    connection: ConnectionId,
    direction: Direction,
    packet: Packet,
}

/// A link with the TCP connections that share it.
#[derive(Debug)]
pub struct Link {
    ways: [Bottleneck; 2],
    connections: BTreeMap<ConnectionId, [Flow; 2]>,
    opened: u64,
    events: BinaryHeap<Reverse<Event>>,
    numbered: u64,
    packets: [u64; 2],
    now: Micros,
}

impl Link {
    /// A link without connections. Chance (loss, jitter) depends on `seed` alone.
    pub fn new(profile: &Profile, seed: u64) -> Self {
        let way = |path, seed| Bottleneck::new(path, profile.outage, seed);
        Self {
            ways: [way(profile.down, seed), way(profile.up, !seed)],
            connections: BTreeMap::new(),
            opened: 0,
            events: BinaryHeap::new(),
            numbered: 0,
            packets: [0, 0],
            now: Micros::ZERO,
        }
    }

    /// Opens a connection from the viewer's side: its first byte may leave after one
    /// round trip (TCP's handshake, whose packets are not counted).
    pub fn open(&mut self, now: Micros) -> ConnectionId {
        self.advance(now);
        let id = ConnectionId(self.opened);
        self.opened += 1;
        let opens = now + self.ways[0].path().delay + self.ways[1].path().delay;
        self.connections.insert(id, [Flow::new(opens), Flow::new(opens)]);
        id
    }

    /// Forgets a connection; what is on its way is lost.
    pub fn close(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
    }

    /// Bytes that may be written now, as with a socket whose send buffer has room for so many.
    pub fn room(&self, id: ConnectionId, direction: Direction) -> usize {
        self.connections.get(&id).map_or(0, |c| c[direction as usize].room() as usize)
    }

    /// Writes at the sending end.
    pub fn write(&mut self, id: ConnectionId, direction: Direction, bytes: &[u8], now: Micros) {
        self.advance(now);
        if let Some(flows) = self.connections.get_mut(&id) {
            flows[direction as usize].write(bytes);
            self.pump(id, direction);
        }
    }

    /// Appends what has arrived at the receiving end; returns how many bytes.
    pub fn read(&mut self, id: ConnectionId, direction: Direction, out: &mut Vec<u8>) -> usize {
        self.connections.get_mut(&id).map_or(0, |c| c[direction as usize].read(out))
    }

    /// Bytes waiting to be read.
    pub fn unread(&self, id: ConnectionId, direction: Direction) -> usize {
        self.connections.get(&id).map_or(0, |c| c[direction as usize].unread() as usize)
    }

    /// Whether all that was written was read.
    pub fn is_drained(&self, id: ConnectionId, direction: Direction) -> bool {
        self.connections.get(&id).is_none_or(|c| c[direction as usize].is_drained())
    }

    /// Packets sent in this direction, those sent again included.
    pub fn packets(&self, direction: Direction) -> u64 {
        self.packets[direction as usize]
    }

    /// When something happens next; call [`Link::advance`] then.
    pub fn next_event(&self) -> Option<Micros> {
        let timers = self.connections.values().flatten().filter_map(Flow::timer).min();
        [self.events.peek().map(|Reverse(e)| e.at), timers].into_iter().flatten().min()
    }

    /// Lets everything happen until `now`.
    pub fn advance(&mut self, now: Micros) {
        while let Some(at) = self.next_event().filter(|at| *at <= now) {
            self.now = self.now.max(at);
            match self.events.peek() {
                Some(Reverse(event)) if event.at == at => self.happen(),
                _ => self.fire(at),
            }
        }
        self.now = self.now.max(now);
    }

    fn happen(&mut self) {
        let Some(Reverse(event)) = self.events.pop() else { return };
        let Some(flows) = self.connections.get_mut(&event.connection) else { return };
        let flow = &mut flows[event.direction as usize];
        match event.what {
            What::Arrival => {
                flow.on_arrival(event.packet);
                let back = self.ways[event.direction.other() as usize].path().delay;
                self.push(Event { at: event.at + back, what: What::Ack, ..event });
            }
            What::Ack => {
                flow.on_ack(event.packet, self.now);
                self.pump(event.connection, event.direction);
            }
        }
    }

    fn fire(&mut self, at: Micros) {
        let due: Vec<_> = self
            .connections
            .iter()
            .flat_map(|(id, flows)| Direction::BOTH.map(|d| (*id, d, flows[d as usize].timer())))
            .filter(|(_, _, timer)| timer.is_some_and(|t| t <= at))
            .collect();
        for (id, direction, _) in due {
            self.drive(id, direction, Flow::on_timer);
        }
    }

    fn pump(&mut self, id: ConnectionId, direction: Direction) {
        self.drive(id, direction, Flow::pump);
    }

    fn drive(
        &mut self,
        id: ConnectionId,
        direction: Direction,
        step: impl FnOnce(&mut Flow, &mut Bottleneck, Micros, &mut dyn FnMut(Packet, Micros)) -> u64,
    ) {
        let Some(flows) = self.connections.get_mut(&id) else { return };
        let mut arrivals = Vec::new();
        let sent = step(
            &mut flows[direction as usize],
            &mut self.ways[direction as usize],
            self.now,
            &mut |packet, at| arrivals.push((packet, at)),
        );
        self.packets[direction as usize] += sent;
        for (packet, at) in arrivals {
            self.push(Event { at, number: 0, what: What::Arrival, connection: id, direction, packet });
        }
    }

    fn push(&mut self, event: Event) {
        self.numbered += 1;
        self.events.push(Reverse(Event { number: self.numbered, ..event }));
    }
}

#[cfg(test)]
mod tests;
