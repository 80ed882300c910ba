//! What acknowledgements tell of the way to the viewer's eye: rate and round trip.

use std::collections::VecDeque;

use panto_protocol::time::Micros;

/// How long the shortest round trip is believed.
const REMEMBER: Micros = Micros(10_000_000);

/// Round trips that the best rate is remembered for, and the least and most time of that.
const RATE_ROUNDS: u64 = 10;
const RATE_MEMORY: (Micros, Micros) = (Micros(500_000), Micros(5_000_000));

/// The pipe is held to be full when its rate did not grow by a quarter in so many rounds.
const FULL_ROUNDS: u32 = 3;

/// A round trip that is longer than the shortest by this much shows a queue.
const QUEUE: Micros = Micros(20_000);

/// Gains of what may be in flight, by round: one looks for more, the next lets a queue drain.
const GAINS: [u64; 8] = [125, DRAIN, 100, 100, 100, 100, 100, 100];

const DRAIN: u64 = 75;

/// Bytes in flight before anything is known of the link: a second of the slowest that a
/// desktop is used over, and twice what TCP itself starts with.
pub(super) const FIRST_WINDOW: usize = 32 << 10;

/// Bytes of a frame from which on it tells something of the rate by itself.
const TELLING: usize = 4096;

/// Bytes from one acknowledgement to another that tell the rate: in fewer, a pause of the
/// viewer's would count for too much.
const FOLLOWING: u64 = 8192;

/// While starting: twice what was delivered in the last round.
const START_GAIN: u64 = 200;

/// A frame on its way.
#[derive(Debug, Clone, Copy)]
struct Flight {
    sent: Micros,
    /// Bytes delivered when it was sent, and when the last of them were.
    delivered: u64,
    delivered_at: Micros,
    /// When the frame was sent whose delivery that was.
    first_sent: Micros,
    bytes: usize,
    /// Whether the sender had no more to send then.
    limited: bool,
    /// The first acknowledgement while it was on its way: when, and bytes delivered then.
    behind: Option<(Micros, u64)>,
}

/// The frame that was the shortest time on the link.
#[derive(Debug, Clone, Copy)]
struct Quickest {
    on_link: Micros,
    bytes: usize,
    at: Micros,
}

/// A delivery rate, bytes a second.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Micros,
    rate: u64,
}

/// Rate and round trip, estimated from frames' acknowledgements.
#[derive(Debug, Default)]
pub(super) struct Estimate {
    flights: VecDeque<Flight>,
    delivered: u64,
    delivered_at: Option<Micros>,
    /// When the newest acknowledged frame was sent.
    first_sent: Micros,
    /// The best rates: falling, so that the first is the best.
    best: VecDeque<Sample>,
    /// The shortest round trip, and when it was seen.
    shortest: Option<(Micros, Micros)>,
    /// The frame that was the shortest time on the link, painting apart.
    quickest: Option<Quickest>,
    /// A shorter memory to replace it from.
    lately: Option<(Micros, Micros)>,
    /// Rounds are counted by deliveries: the round ends when what was sent in it arrives.
    round: u64,
    round_ends: u64,
    /// The best rate when it last grew by a quarter, and rounds since.
    grown: (u64, u32),
    started: bool,
}

impl Estimate {
    pub(super) fn sent(&mut self, now: Micros, bytes: usize, whole: bool) {
        if self.flights.is_empty() {
            // Nothing is on its way: the clock of deliveries stood still.
            self.first_sent = now;
            self.delivered_at = Some(now);
        }
        self.flights.push_back(Flight {
            sent: now,
            delivered: self.delivered,
            delivered_at: self.delivered_at.unwrap_or(now),
            first_sent: self.first_sent,
            bytes,
            limited: whole,
            behind: None,
        });
    }

    /// The newest frame left only now.
    pub(super) fn left(&mut self, now: Micros) {
        let alone = self.flights.len() == 1;
        let Some(flight) = self.flights.back_mut() else { return };
        flight.sent = now;
        if alone {
            (flight.first_sent, flight.delivered_at) = (now, now);
            (self.first_sent, self.delivered_at) = (now, Some(now));
        }
    }

    /// Bytes were acknowledged, and so many frames are still on their way; the newest
    /// acknowledged one took the viewer so long to paint, as it says.
    pub(super) fn acked(&mut self, bytes: usize, still: usize, painting: Micros, now: Micros) {
        self.delivered += bytes as u64;
        self.delivered_at = Some(now);
        let mut newest = None;
        while self.flights.len() > still {
            newest = self.flights.pop_front();
        }
        for flight in self.flights.iter_mut().filter(|flight| flight.behind.is_none()) {
            flight.behind = Some((now, self.delivered));
        }
        let Some(flight) = newest else { return };
        self.first_sent = flight.sent;
        let round_trip = Micros(now.since(flight.sent).0.max(1));
        let on_link = Micros(round_trip.0.saturating_sub(painting.0));
        self.take_round_trip(round_trip, now);
        self.take_quickest(Quickest { on_link, bytes: flight.bytes, at: now });
        // Neither faster than it was sent nor than it was acknowledged.
        let interval = now.since(flight.delivered_at).0.max(flight.sent.since(flight.first_sent).0).max(1);
        let rate = (self.delivered - flight.delivered) * 1_000_000 / interval;
        let rate = rate.max(self.followed(&flight, now));
        // Who sends little shows a lower bound only.
        let shown = self.shown(&flight, on_link);
        match self.rate() {
            Some(known) if flight.limited => {
                let rate = rate.max(shown.min(2 * known));
                if rate > known {
                    self.take_rate(rate, now);
                }
            }
            // A frame that was alone on its way spent most of its time on the round trip: that
            // is no sign that the link is slower than it was.
            Some(known) => self.take_rate(rate.max(shown.min(known)).max(1), now),
            // A few bytes tell of nothing but the round trip.
            None if self.delivered < TELLING as u64 => {}
            None => self.take_rate(rate.max(1), now),
        }
        if flight.delivered >= self.round_ends {
            self.round += 1;
            self.round_ends = self.delivered;
            self.end_round(round_trip, flight.limited);
        }
    }

    /// The rate that a frame shows by following another: as long as it is on its way, what comes
    /// before it and itself arrive as fast as the link is. Over whole round trips, of which the
    /// first are spent waiting, the link would seem slower until much later.
    fn followed(&self, flight: &Flight, now: Micros) -> u64 {
        let Some((begin, delivered)) = flight.behind else { return 0 };
        let (bytes, time) = (self.delivered - delivered, now.since(begin).0.max(5_000));
        // Later, what is told in no time may have waited for the viewer.
        let least = if self.started { QUEUE.0.max(self.round_trip().map_or(0, |r| r.0 / 2)) } else { 0 };
        if bytes < FOLLOWING || time < least { 0 } else { bytes * 1_000_000 / time }
    }

    /// The rate that one frame shows by being longer on the link than the quickest: a film sends
    /// one frame at a time, and would never find out how fast the link is else. While the viewer
    /// paints it the next can be on its way.
    fn shown(&self, flight: &Flight, on_link: Micros) -> u64 {
        match self.quickest {
            Some(quickest) if flight.bytes >= TELLING + quickest.bytes => {
                let more = (flight.bytes - quickest.bytes) as u64;
                more * 1_000_000 / on_link.0.saturating_sub(quickest.on_link.0).max(500)
            }
            _ => 0,
        }
    }

    fn take_quickest(&mut self, sample: Quickest) {
        let replaces = self.quickest.is_none_or(|known| {
            // A film's pictures, large for minutes, do not show how long the link itself takes.
            let is_old = sample.bytes <= TELLING && sample.at.since(known.at).0 > REMEMBER.0;
            sample.on_link <= known.on_link || is_old
        });
        if replaces {
            self.quickest = Some(sample);
        }
    }

    fn take_round_trip(&mut self, sample: Micros, now: Micros) {
        let replaces = |known: Option<(Micros, Micros)>, age: u64| match known {
            Some((time, since)) => sample <= time || now.since(since).0 > age,
            None => true,
        };
        if replaces(self.lately, REMEMBER.0 / 2) {
            self.lately = Some((sample, now));
        }
        if replaces(self.shortest, u64::MAX) {
            self.shortest = Some((sample, now));
        } else if self.shortest.is_some_and(|(_, since)| now.since(since) > REMEMBER) {
            self.shortest = self.lately;
        }
    }

    fn take_rate(&mut self, rate: u64, now: Micros) {
        let rounds = self.round_trip().map_or(0, |r| r.0 * RATE_ROUNDS);
        let memory = Micros(rounds.clamp(RATE_MEMORY.0.0, RATE_MEMORY.1.0));
        while self.best.back().is_some_and(|s| s.rate <= rate) {
            self.best.pop_back();
        }
        self.best.push_back(Sample { at: now, rate });
        while self.best.len() > 1 && self.best.front().is_some_and(|s| now.since(s.at) > memory) {
            self.best.pop_front();
        }
    }

    fn end_round(&mut self, round_trip: Micros, limited: bool) {
        let Some(rate) = self.rate() else { return };
        if rate * 4 >= self.grown.0 * 5 {
            self.grown = (rate, 0);
        } else if !limited {
            self.grown.1 += 1;
        }
        let queue =
            self.round_trip().is_some_and(|shortest| round_trip.0 > shortest.0 + QUEUE.0.max(shortest.0 / 4));
        self.started |= self.grown.1 >= FULL_ROUNDS || (queue && !limited);
    }

    /// The best delivery rate lately, bytes a second.
    pub(super) fn rate(&self) -> Option<u64> {
        self.best.front().map(|s| s.rate)
    }

    /// Whether the link was seen to be full: its rate is no mere lower bound then.
    pub(super) fn was_full(&self) -> bool {
        self.started
    }

    /// What the link can probably take, even if little was sent so far: networks of so
    /// short a round trip are that fast.
    pub(super) fn likely_rate(&self) -> u64 {
        let usual = match self.round_trip() {
            _ if self.started => 0,
            Some(Micros(..3_000)) => 25_000_000,
            Some(Micros(3_000..10_000)) => 2_500_000,
            Some(_) => 600_000,
            None => 2_500_000,
        };
        self.rate().unwrap_or(0).max(usual)
    }

    /// The shortest round trip of the last ten seconds or so.
    pub(super) fn round_trip(&self) -> Option<Micros> {
        self.shortest.map(|(time, _)| time)
    }

    fn gain(&self) -> u64 {
        if self.started { GAINS[self.round as usize % GAINS.len()] } else { START_GAIN }
    }

    /// Whether queues are to drain in this round, so that the link shows its own delay.
    pub(super) fn drains(&self) -> bool {
        self.gain() == DRAIN
    }

    /// At which rate to send in this round, bytes a second.
    pub(super) fn pace(&self) -> Option<u64> {
        let pace = self.rate()?.saturating_mul(self.gain()) / 100;
        let at_first = (FIRST_WINDOW as u64) * 1_000_000 / self.round_trip()?.0;
        Some(if self.started { pace } else { pace.max(at_first) })
    }

    /// What may be in flight in this round: what the link holds by itself, bytes.
    pub(super) fn in_flight(&self) -> Option<u64> {
        Some(self.pace()?.saturating_mul(self.round_trip()?.0) / 1_000_000)
    }
}
