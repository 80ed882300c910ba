//! One direction of a TCP connection: what loss, delay and rate do to a stream of bytes.
//!
//! Modelled: segments of at most [`MSS`] bytes, an initial window of ten of them
//! (RFC 6928), CUBIC with its Reno-friendly region (RFC 9438) and an early end of
//! slow start when the delay grows (HyStart), selective acknowledgements, loss
//! recognised by later acknowledgements, tail loss probe (RFC 8985) and
//! retransmission timeout (RFC 6298, with Linux's least value of 200 ms), slow start
//! after idling, in-order delivery. Every segment is acknowledged at once;
//! acknowledgements take the way's delay, wait nowhere and are never lost.

use std::collections::{BTreeMap, VecDeque};

use panto_protocol::time::Micros;

use super::bottleneck::{Bottleneck, Fate};

/// Bytes of data in a full segment: 1,500 without [`HEADERS`].
pub const MSS: u64 = 1448;

/// IPv4 and TCP headers with timestamps.
pub const HEADERS: u64 = 52;

const INITIAL_WINDOW: f64 = 10.0;

/// Bytes that arrived and were not read yet, at most.
const RECEIVE_BUFFER: u64 = 4 << 20;

/// A segment counts as lost once so many sent after it have arrived.
const REORDERING: u64 = 3;

const MIN_TIMEOUT: Micros = Micros::from_millis(200);
const FIRST_TIMEOUT: Micros = Micros::from_millis(1_000);
const MAX_TIMEOUT: Micros = Micros::from_millis(60_000);

const CUBIC_C: f64 = 0.4;
const CUBIC_BETA: f64 = 0.7;

/// A segment on its way, or lost and not yet sent again.
#[derive(Debug, Clone, Copy)]
struct Segment {
    len: u64,
    /// Number of its latest transmission.
    transmission: u64,
    sent: Micros,
    lost: bool,
}

/// A segment that will come out at the far end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Packet {
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) transmission: u64,
}

/// Both ends of one direction. Offsets count the stream's bytes.
///
/// Invariant: `read <= delivered <= written`, `acked <= next <= written`, and `bytes`
/// holds everything from the smaller of `read` and `acked` to `written`.
#[derive(Debug)]
pub(super) struct Flow {
    bytes: VecDeque<u8>,
    base: u64,
    written: u64,
    next: u64,
    acked: u64,
    flight: BTreeMap<u64, Segment>,
    transmissions: u64,
    /// Losses of transmissions before this one were answered already.
    recovered: u64,
    newest_acked: u64,
    window: f64,
    threshold: f64,
    cubic: Cubic,
    round_trip: Option<RoundTrip>,
    round: Round,
    timer: Option<Micros>,
    timeouts: u32,
    probed: bool,
    last_sent: Micros,
    opens: Micros,
    out_of_order: BTreeMap<u64, u64>,
    delivered: u64,
    read: u64,
}

#[derive(Debug, Default)]
struct Cubic {
    /// Window before the last loss.
    largest: f64,
    /// When growth began after it, and the window then.
    epoch: Option<(Micros, f64)>,
    /// Seconds until `largest` is reached again.
    k: f64,
}

/// A round of slow start. HyStart looks at its first samples only: those behind them wait
/// for the burst that they are part of.
#[derive(Debug, Default)]
struct Round {
    /// The round ends with the first acknowledgement of a transmission after this one.
    end: u64,
    samples: u32,
    shortest: Micros,
}

/// Samples of a round that HyStart looks at.
const ROUND_SAMPLES: u32 = 8;

#[derive(Debug, Clone, Copy)]
struct RoundTrip {
    smoothed: f64,
    variation: f64,
    shortest: Micros,
}

impl Flow {
    /// A flow whose connection is established at `opens`.
    pub(super) fn new(opens: Micros) -> Self {
        Self {
            bytes: VecDeque::new(),
            base: 0,
            written: 0,
            next: 0,
            acked: 0,
            flight: BTreeMap::new(),
            transmissions: 0,
            recovered: 0,
            newest_acked: 0,
            window: INITIAL_WINDOW,
            threshold: f64::INFINITY,
            cubic: Cubic::default(),
            round_trip: None,
            round: Round::default(),
            timer: Some(opens),
            timeouts: 0,
            probed: false,
            last_sent: opens,
            opens,
            out_of_order: BTreeMap::new(),
            delivered: 0,
            read: 0,
        }
    }

    /// Bytes that [`Flow::write`] takes now: as a socket's send buffer, which grows with the window.
    pub(super) fn room(&self) -> u64 {
        let send_buffer = (2.0 * self.window.max(INITIAL_WINDOW)) as u64 * MSS;
        let unsent = send_buffer.saturating_sub(self.written - self.acked);
        unsent.min((RECEIVE_BUFFER + send_buffer).saturating_sub(self.written - self.read))
    }

    /// Appends to the stream. More than [`Flow::room`] is taken as well, as the last write of a program may be.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.written += bytes.len() as u64;
    }

    /// Takes what was delivered.
    pub(super) fn read(&mut self, out: &mut Vec<u8>) -> usize {
        let (from, to) = ((self.read - self.base) as usize, (self.delivered - self.base) as usize);
        out.extend(self.bytes.range(from..to));
        self.read = self.delivered;
        self.forget();
        to - from
    }

    pub(super) fn unread(&self) -> u64 {
        self.delivered - self.read
    }

    /// Whether all that was written was read.
    pub(super) fn is_drained(&self) -> bool {
        self.read == self.written
    }

    /// When [`Flow::on_timer`] is to be called.
    pub(super) fn timer(&self) -> Option<Micros> {
        self.timer
    }

    /// Sends what the window allows. Calls `arrives` for each packet that gets through;
    /// returns packets sent.
    pub(super) fn pump(
        &mut self,
        way: &mut Bottleneck,
        now: Micros,
        arrives: &mut dyn FnMut(Packet, Micros),
    ) -> u64 {
        if now < self.opens {
            return 0;
        }
        // A window that was not used says nothing of the way any more.
        if self.flight.is_empty() && now.since(self.last_sent) > self.timeout() {
            self.window = self.window.min(INITIAL_WINDOW);
            self.cubic.epoch = None;
        }
        let mut sent = 0;
        let mut on_way: u64 = self.flight.values().filter(|s| !s.lost).map(|s| s.len).sum();
        let window = (self.window * MSS as f64) as u64;
        while on_way == 0 || on_way + MSS <= window {
            let lost = self.flight.iter().find(|(_, s)| s.lost).map(|(o, s)| (*o, s.len));
            let (offset, len) = match lost {
                Some(lost) => lost,
                None if self.next < self.written => {
                    let offset = self.next;
                    let len = MSS.min(self.written - offset);
                    self.next += len;
                    (offset, len)
                }
                None => break,
            };
            self.transmit(offset, len, way, now, arrives);
            on_way += len;
            sent += 1;
        }
        sent
    }

    fn transmit(
        &mut self,
        offset: u64,
        len: u64,
        way: &mut Bottleneck,
        now: Micros,
        arrives: &mut dyn FnMut(Packet, Micros),
    ) {
        self.transmissions += 1;
        let transmission = self.transmissions;
        self.flight.insert(offset, Segment { len, transmission, sent: now, lost: false });
        self.last_sent = now;
        if let Fate::Arrives(at) = way.send(len + HEADERS, now) {
            arrives(Packet { offset, len, transmission }, at);
        }
        if self.timer.is_none_or(|t| t <= now) {
            self.rearm(now);
        }
    }

    /// A packet comes out at the far end.
    pub(super) fn on_arrival(&mut self, packet: Packet) {
        if packet.offset >= self.delivered {
            self.out_of_order.insert(packet.offset, packet.len);
        }
        while let Some(len) = self.out_of_order.remove(&self.delivered) {
            self.delivered += len;
        }
    }

    /// Its acknowledgement is back.
    pub(super) fn on_ack(&mut self, packet: Packet, now: Micros) {
        let Some(segment) = self.flight.get(&packet.offset).copied() else { return };
        let limited =
            self.flight.values().map(|s| s.len).sum::<u64>() + MSS > (self.window * MSS as f64) as u64;
        self.flight.remove(&packet.offset);
        self.newest_acked = self.newest_acked.max(packet.transmission);
        self.acked = self.flight.keys().next().copied().unwrap_or(self.next);
        self.forget();
        self.timeouts = 0;
        self.probed = false;
        // Of a segment that was sent twice nobody knows which one was acknowledged (Karn).
        if segment.transmission == packet.transmission {
            self.measure(Micros(now.since(segment.sent).0.max(1)), packet.transmission);
        }
        let newest = self.newest_acked;
        let mut answered = true;
        for s in self.flight.values_mut().filter(|s| !s.lost && s.transmission + REORDERING <= newest) {
            s.lost = true;
            answered &= s.transmission <= self.recovered;
        }
        if !answered {
            self.recovered = self.transmissions;
            self.cubic = Cubic { largest: self.window, epoch: None, k: 0.0 };
            self.window = (self.window * CUBIC_BETA).max(2.0);
            self.threshold = self.window;
        } else if limited && packet.transmission > self.recovered {
            self.grow(segment.len as f64 / MSS as f64, now);
        }
        self.timer = None;
        if !self.flight.is_empty() {
            self.rearm(now);
        }
    }

    /// The timer has run out: the end of what was sent may be lost.
    pub(super) fn on_timer(
        &mut self,
        way: &mut Bottleneck,
        now: Micros,
        arrives: &mut dyn FnMut(Packet, Micros),
    ) -> u64 {
        self.timer = None;
        let last = self.flight.iter().next_back().map(|(o, s)| (*o, s.len));
        let Some((offset, len)) = last else { return self.pump(way, now, arrives) };
        if !self.probed && self.timeouts == 0 {
            self.probed = true;
            self.transmit(offset, len, way, now, arrives);
            return 1;
        }
        self.flight.values_mut().for_each(|s| s.lost = true);
        self.timeouts += 1;
        self.recovered = self.transmissions;
        self.threshold = (self.window * CUBIC_BETA).max(2.0);
        self.cubic = Cubic { largest: self.window, epoch: None, k: 0.0 };
        self.window = 1.0;
        self.pump(way, now, arrives)
    }

    fn rearm(&mut self, now: Micros) {
        let wait = match self.round_trip {
            Some(rtt) if !self.probed && self.timeouts == 0 => {
                // One segment alone may be acknowledged late; here it never is.
                Micros((2.0 * rtt.smoothed) as u64 + 2_000).min(self.timeout())
            }
            _ => self.timeout(),
        };
        self.timer = Some(now + wait);
    }

    fn timeout(&self) -> Micros {
        let once = match self.round_trip {
            Some(rtt) => Micros(rtt.smoothed as u64) + Micros((4.0 * rtt.variation) as u64).max(MIN_TIMEOUT),
            None => FIRST_TIMEOUT,
        };
        Micros(once.0 << self.timeouts.min(8)).min(MAX_TIMEOUT)
    }

    fn measure(&mut self, sample: Micros, transmission: u64) {
        let s = sample.0 as f64;
        let rtt = match self.round_trip {
            None => RoundTrip { smoothed: s, variation: s / 2.0, shortest: sample },
            Some(r) => RoundTrip {
                variation: 0.75 * r.variation + 0.25 * (r.smoothed - s).abs(),
                smoothed: 0.875 * r.smoothed + 0.125 * s,
                shortest: r.shortest.min(sample),
            },
        };
        self.round_trip = Some(rtt);
        if transmission > self.round.end {
            self.round = Round { end: self.transmissions, samples: 0, shortest: sample };
        }
        self.round.samples += 1;
        self.round.shortest = self.round.shortest.min(sample);
        // HyStart: a queue builds up, so the way is full.
        let late = Micros((rtt.shortest.0 / 8).clamp(4_000, 16_000));
        if self.round.samples == ROUND_SAMPLES
            && self.window < self.threshold
            && self.window >= 16.0
            && self.round.shortest > rtt.shortest + late
        {
            self.threshold = self.window;
        }
    }

    fn grow(&mut self, segments: f64, now: Micros) {
        if self.window < self.threshold {
            self.window += segments;
            return;
        }
        let (since, start) = match self.cubic.epoch {
            Some(epoch) => epoch,
            None => {
                self.cubic.largest = self.cubic.largest.max(self.window);
                self.cubic.k = cube_root((self.cubic.largest - self.window) / CUBIC_C);
                *self.cubic.epoch.insert((now, self.window))
            }
        };
        let rtt = self.round_trip.map_or(0.0, |r| r.smoothed) / 1e6;
        let t = now.since(since).0 as f64 / 1e6;
        let d = t + rtt - self.cubic.k;
        let target = (CUBIC_C * d * d * d + self.cubic.largest).min(1.5 * self.window);
        let alpha = 3.0 * (1.0 - CUBIC_BETA) / (1.0 + CUBIC_BETA);
        let friendly = if rtt > 0.0 { start + alpha * t / rtt } else { start };
        let step = ((target - self.window) / self.window).max(0.0) * segments;
        self.window = (self.window + step).max(friendly.min(self.window + segments));
    }

    fn forget(&mut self) {
        let to = self.read.min(self.acked);
        self.bytes.drain(..(to - self.base) as usize);
        self.base = to;
    }
}

/// By Newton's method, so that it is the same on every machine.
fn cube_root(x: f64) -> f64 {
    let mut y = x.max(1.0);
    for _ in 0..64 {
        y -= (y * y * y - x) / (3.0 * y * y);
    }
    if x <= 0.0 { 0.0 } else { y }
}
