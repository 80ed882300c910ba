//! Both ends of a connection in one thread, with virtual time, latency and rate
//! (after `quinn: quinn-proto/src/tests/util.rs`).

use std::collections::VecDeque;

use panto_protocol::connection::{
    ClientConfig, ClientConnection, ClientEvent, ConnectionError, ServerConnection, ServerEvent, Unpainted,
};
use panto_protocol::geometry::{Rect, Size};
use panto_protocol::message::{ResumeTicket, Rights, Settings, VERSION, Welcome};
use panto_protocol::time::Micros;

/// Deterministic numbers.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number in `0..n`.
    pub fn roll(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// One direction of a link: chunks leave one after the other at the link's rate,
/// arrive after the latency, in order.
pub struct Link {
    pub latency: Micros,
    /// Bytes a second; 0 is without limit.
    pub rate: u64,
    /// Whether what is sent never arrives, and nobody is told.
    pub dead: bool,
    /// Bytes that were sent.
    pub sent: u64,
    free_at: Micros,
    flying: VecDeque<(Micros, Vec<u8>)>,
}

impl Link {
    fn new(latency: Micros, rate: u64) -> Self {
        Self { latency, rate, dead: false, sent: 0, free_at: Micros::ZERO, flying: VecDeque::new() }
    }

    fn send(&mut self, bytes: Vec<u8>, now: Micros) {
        self.sent += bytes.len() as u64;
        let took = (bytes.len() as u64 * 1_000_000).checked_div(self.rate).unwrap_or(0);
        self.free_at = now.max(self.free_at) + Micros(took);
        if !self.dead {
            self.flying.push_back((self.free_at + self.latency, bytes));
        }
    }
}

/// Both ends and the links between them.
pub struct Pair {
    pub server: ServerConnection,
    pub client: ClientConnection,
    pub up: Link,
    pub down: Link,
    pub now: Micros,
    pub server_events: VecDeque<(Micros, ServerEvent)>,
    pub client_events: VecDeque<(Micros, ClientEvent)>,
    pub server_error: Option<(Micros, ConnectionError)>,
    pub client_error: Option<(Micros, ConnectionError)>,
    /// How arrivals are cut into reads.
    dice: Dice,
}

impl Pair {
    pub fn new(config: ClientConfig, latency: Micros, rate: u64, seed: u64) -> Self {
        Self::at(Micros::ZERO, config, latency, rate, seed)
    }

    /// A pair whose connection is made at `now`.
    pub fn at(now: Micros, config: ClientConfig, latency: Micros, rate: u64, seed: u64) -> Self {
        Self {
            server: ServerConnection::new(now),
            client: ClientConnection::new(config, now),
            up: Link::new(latency, rate),
            down: Link::new(latency, rate),
            now,
            server_events: VecDeque::new(),
            client_events: VecDeque::new(),
            server_error: None,
            client_error: None,
            dice: Dice::new(seed),
        }
    }

    /// Does what can be done now; then moves the clock to the next thing that
    /// happens, at most to `until`. `false` when that is later than `until`.
    pub fn step(&mut self, until: Micros) -> bool {
        self.settle();
        let Some(next) = self.next() else {
            self.now = until;
            return false;
        };
        if next > until {
            self.now = until;
            return false;
        }
        assert!(next > self.now, "the clock stands still at {:?}", self.now);
        self.now = next;
        self.settle();
        true
    }

    /// Runs until `done` or the time `until`; says whether it was `done`.
    pub fn run(&mut self, until: Micros, mut done: impl FnMut(&mut Pair) -> bool) -> bool {
        loop {
            self.settle();
            if done(self) {
                return true;
            }
            if !self.step(until) {
                self.settle();
                return done(self);
            }
        }
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, time: Micros) {
        let until = self.now + time;
        self.run(until, |_| false);
    }

    /// The next event at the client, of which there must be one before `until`.
    pub fn client_event(&mut self) -> ClientEvent {
        let until = self.now + Micros::from_millis(300_000);
        assert!(self.run(until, |p| !p.client_events.is_empty()), "{:?}", self.client_error);
        self.client_events.pop_front().expect("it was waited for").1
    }

    /// The next event at the server, of which there must be one before `until`.
    pub fn server_event(&mut self) -> ServerEvent {
        let until = self.now + Micros::from_millis(300_000);
        assert!(self.run(until, |p| !p.server_events.is_empty()), "{:?}", self.server_error);
        self.server_events.pop_front().expect("it was waited for").1
    }

    /// Lets the viewer in without a proof.
    pub fn open(&mut self) {
        let ServerEvent::Hello(_) = self.server_event() else { panic!("no hello") };
        self.server.welcome(welcome(false), 0, Vec::new(), self.now);
        let ClientEvent::Welcome(_) = self.client_event() else { panic!("no welcome") };
    }

    /// Lets a viewer in that comes back, as a server does: what its ticket says is
    /// painted is not sent again.
    pub fn resume(&mut self, painted: u64, mut unpainted: Vec<Unpainted>) {
        let ServerEvent::Hello(hello) = self.server_event() else { panic!("no hello") };
        let ticket = hello.resume.expect("a ticket");
        let known = usize::try_from(ticket.painted - painted).expect("few frames");
        unpainted.drain(..known);
        self.server.welcome(welcome(true), ticket.painted, unpainted, self.now);
        let ClientEvent::Welcome(welcome) = self.client_event() else { panic!("no welcome") };
        assert!(welcome.resumed);
    }

    fn settle(&mut self) {
        loop {
            let before = (self.up.sent, self.down.sent);
            self.settle_once();
            if before == (self.up.sent, self.down.sent) {
                return;
            }
        }
    }

    fn settle_once(&mut self) {
        let now = self.now;
        if self.server_error.is_none() {
            let result = match arrived(&mut self.up, now) {
                Some(bytes) => cut(&bytes, &mut self.dice, |piece| self.server.feed(piece, now)),
                None => Ok(()),
            };
            let result = result.and_then(|()| self.server.handle_timeout(now));
            while let Some(event) = self.server.poll() {
                self.server_events.push_back((now, event));
            }
            self.server_error = result.err().map(|error| (now, error));
        }
        if self.client_error.is_none() {
            let result = match arrived(&mut self.down, now) {
                Some(bytes) => cut(&bytes, &mut self.dice, |piece| self.client.feed(piece, now)),
                None => Ok(()),
            };
            let result = result.and_then(|()| self.client.handle_timeout(now));
            while let Some(event) = self.client.poll() {
                self.client_events.push_back((now, event));
            }
            self.client_error = result.err().map(|error| (now, error));
        }
        // A chunk is chosen when the link is free and not earlier.
        if self.up.free_at <= now && self.client.has_transmit() {
            let mut out = Vec::new();
            self.client.poll_transmit(&mut out, 1);
            self.up.send(out, now);
        }
        if self.down.free_at <= now && self.server.has_transmit() {
            let mut out = Vec::new();
            self.server.poll_transmit(&mut out, 1);
            self.down.send(out, now);
        }
    }

    fn next(&self) -> Option<Micros> {
        let mut next: Vec<Micros> = Vec::new();
        if self.server_error.is_none() {
            next.extend(self.up.flying.front().map(|(t, _)| *t));
            next.extend(self.server.poll_timeout());
        }
        if self.client_error.is_none() {
            next.extend(self.down.flying.front().map(|(t, _)| *t));
            next.extend(self.client.poll_timeout());
        }
        next.extend(self.client.has_transmit().then_some(self.up.free_at));
        next.extend(self.server.has_transmit().then_some(self.down.free_at));
        next.into_iter().min()
    }
}

/// All that has arrived by `now`.
fn arrived(link: &mut Link, now: Micros) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    while link.flying.front().is_some_and(|(t, _)| *t <= now) {
        all.extend(link.flying.pop_front().expect("it is there").1);
    }
    (!all.is_empty()).then_some(all)
}

fn cut(
    bytes: &[u8],
    dice: &mut Dice,
    mut feed: impl FnMut(&[u8]) -> Result<(), ConnectionError>,
) -> Result<(), ConnectionError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let longest = if dice.roll(3) == 0 { 4 } else { rest.len() as u64 };
        let (piece, after) = rest.split_at((1 + dice.roll(longest) as usize).min(rest.len()));
        feed(piece)?;
        rest = after;
    }
    Ok(())
}

/// A welcome to a small screen.
pub fn welcome(resumed: bool) -> Welcome {
    Welcome {
        version: VERSION,
        name: "server".to_owned(),
        rights: Rights::Control,
        resume_secret: [9; 16],
        resumed,
        can_resize: true,
        outputs: vec![Rect::new(0, 0, 640, 480)],
        settings: Settings::default(),
        screen: Size::new(640, 480),
    }
}

/// A viewer that comes for the first time.
pub fn viewer() -> ClientConfig {
    ClientConfig { name: "viewer".to_owned(), ..ClientConfig::default() }
}

/// A viewer that comes back and has painted so many frames.
pub fn returning(painted: u64) -> ClientConfig {
    ClientConfig { resume: Some(ResumeTicket { secret: [9; 16], painted }), ..viewer() }
}
