//! When the next frame may go, and how large it may be.
//!
//! Acknowledged frames are the only clock: what is in flight is bounded by what
//! the link was seen to deliver in two round trips, so that no buffer on the way
//! fills and an input's answer waits behind little.

use std::collections::VecDeque;

use panto_protocol::connection::Acked;
use panto_protocol::encoding::Effort;
use panto_protocol::message::Mode;
use panto_protocol::time::Micros;

use crate::plan::Budget;

/// Shortest time between two frames: no display shows more than about 60 a second.
const FRAME_INTERVAL: Micros = Micros(16_000);

/// The same when the person has just done something: the answer must not wait for the
/// rhythm of whatever else moves on the screen.
const ANSWER_INTERVAL: Micros = Micros(3_000);

/// Frames on their way at most, whatever their size.
const MAX_FRAMES: usize = 16;

/// Bytes on their way before anything is known of the link: TCP itself starts
/// with about 14 kB, and a desktop's first picture should not wait long for trust.
const FIRST_WINDOW: usize = 64 << 10;

/// The smallest window: less would starve links of any speed.
const MIN_WINDOW: usize = 16 << 10;

/// The largest window, which also bounds what is kept for a viewer that resumes.
const MAX_WINDOW: usize = 8 << 20;

/// Acknowledgements that rate and round trip are estimated from.
const SAMPLES: usize = 32;

/// How long the shortest round trip is believed.
const REMEMBER: Micros = Micros::from_millis(10_000);

/// Decides when and how much.
#[derive(Debug)]
pub struct Pacer {
    window: usize,
    last_frame: Option<Micros>,
    samples: VecDeque<Sample>,
    /// The shortest round trip, and when it was seen.
    shortest: Option<(Micros, Micros)>,
    delivered: u64,
    /// `delivered` and the time when each frame in flight was sent, oldest first.
    sent: VecDeque<(u64, Micros)>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    round_trip: Micros,
    /// Bytes a second.
    rate: u64,
}

/// Whether a frame may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Now.
    Now,
    /// At this time.
    At(Micros),
    /// When a frame is acknowledged.
    OnAck,
}

impl Default for Pacer {
    fn default() -> Self {
        Self {
            window: FIRST_WINDOW,
            last_frame: None,
            samples: VecDeque::new(),
            shortest: None,
            delivered: 0,
            sent: VecDeque::new(),
        }
    }
}

impl Pacer {
    /// Whether a frame may be sent, with so many frames and bytes on their way.
    /// `answers`: whether it is the first since an input.
    pub fn pace(&self, now: Micros, frames: usize, bytes: usize, answers: bool) -> Pace {
        if frames > 0 && (frames >= MAX_FRAMES || bytes >= self.window) {
            return Pace::OnAck;
        }
        let interval = if answers { ANSWER_INTERVAL } else { FRAME_INTERVAL };
        match self.last_frame {
            Some(last) if now < last + interval => Pace::At(last + interval),
            _ => Pace::Now,
        }
    }

    /// What the next frame may hold. Only `auto` and `hybrid` let the link choose the
    /// effort: the other modes must cost the same bytes in every run.
    pub fn budget(&self, mode: Mode, bytes_in_flight: usize) -> Budget {
        let effort = match (mode, self.rate()) {
            (Mode::Auto | Mode::Hybrid, Some(rate)) if rate > 40_000_000 => Effort::Fast,
            (Mode::Auto | Mode::Hybrid, Some(rate)) if rate < 500_000 => Effort::Dense,
            _ => Effort::Balanced,
        };
        Budget { bytes: self.window.saturating_sub(bytes_in_flight).max(MIN_WINDOW / 2), effort }
    }

    /// A frame was given to the connection.
    pub fn on_sent(&mut self, now: Micros) {
        self.last_frame = Some(now);
        self.sent.push_back((self.delivered, now));
    }

    /// Frames were acknowledged; so many are still on their way.
    pub fn on_acked(&mut self, acked: &Acked, still_in_flight: usize, now: Micros) {
        self.delivered += acked.bytes as u64;
        let mut first = None;
        while self.sent.len() > still_in_flight {
            first = self.sent.pop_front();
        }
        let Some((delivered_then, sent)) = first else { return };
        let round_trip = Micros(now.since(sent).0.max(1));
        let rate = (self.delivered - delivered_then) * 1_000_000 / round_trip.0;
        self.samples.push_back(Sample { round_trip, rate });
        if self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
        // Large frames take longer than the link's own delay: the shortest is remembered
        // for a while, beyond the samples.
        let lately = self.samples.iter().map(|s| s.round_trip).min();
        match (self.shortest, lately) {
            (Some((known, since)), Some(lately)) if lately > known && now.since(since) < REMEMBER => {}
            (_, Some(lately)) => self.shortest = Some((lately, now)),
            _ => {}
        }
        let (Some(rate), Some(shortest)) = (self.rate(), self.round_trip()) else { return };
        // What was delivered at best in the shortest round trip, and 20 ms for what is not
        // the link's: scheduling, decoding, painting. A quarter more than that finds out
        // whether the link takes more.
        let product = rate.saturating_mul(shortest.0 + 20_000) / 1_000_000;
        self.window = (product as usize * 5 / 4).clamp(MIN_WINDOW, MAX_WINDOW);
    }

    /// The best delivery rate lately, bytes a second.
    pub fn rate(&self) -> Option<u64> {
        self.samples.iter().map(|s| s.rate).max()
    }

    /// The shortest round trip of the last ten seconds or so.
    pub fn round_trip(&self) -> Option<Micros> {
        self.shortest.map(|(time, _)| time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_that_never_acks_gets_a_bounded_amount() {
        let mut pacer = Pacer::default();
        let (mut frames, mut bytes, mut now) = (0, 0, Micros::ZERO);
        for _ in 0..10_000 {
            now = now + FRAME_INTERVAL;
            if pacer.pace(now, frames, bytes, false) == Pace::Now {
                frames += 1;
                bytes += pacer.budget(Mode::Pixels, bytes).bytes;
                pacer.on_sent(now);
            }
        }
        assert!(frames <= MAX_FRAMES && bytes <= 2 * FIRST_WINDOW, "{frames} frames, {bytes} bytes");
    }

    #[test]
    fn the_window_follows_the_link() {
        // 250 kB/s and 80 ms. The first window takes 262 ms of them, and a link that is
        // kept full never shows its own delay: the window stays near what it began with.
        let mut pacer = Pacer::default();
        let mut now = Micros::ZERO;
        let mut link_free = Micros::ZERO;
        for _ in 0..100 {
            let size = pacer.window as u64;
            pacer.on_sent(now);
            link_free = link_free.max(now) + Micros(size * 1_000_000 / 250_000);
            now = link_free + Micros(80_000);
            pacer.on_acked(&Acked { frames: 1, bytes: size as usize, sent: Micros::ZERO }, 0, now);
        }
        assert!((MIN_WINDOW..130_000).contains(&pacer.window), "{}", pacer.window);
    }

    #[test]
    fn sixty_frames_a_second_at_most() {
        let mut pacer = Pacer::default();
        pacer.on_sent(Micros(100));
        assert_eq!(pacer.pace(Micros(200), 1, 10, false), Pace::At(Micros(100) + FRAME_INTERVAL));
        assert_eq!(pacer.pace(Micros(100) + FRAME_INTERVAL, 1, 10, false), Pace::Now);
        // An answer need not wait so long.
        assert_eq!(pacer.pace(Micros(100) + ANSWER_INTERVAL, 1, 10, true), Pace::Now);
    }
}
