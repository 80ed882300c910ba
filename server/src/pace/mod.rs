//! When the next frame may go, and how large it may be.
//!
//! Acknowledged frames are the only clock. From them come the rate at which the way to
//! the viewer's eye delivers (link, decoding and painting in one) and the shortest round
//! trip, as BBR estimates them (Cardwell et al., 2016). In flight is what the link holds
//! by itself and one frame more; a frame is no larger than what the link takes in one
//! frame's time. So no buffer on the way fills, and an input's answer waits behind little.

mod estimate;

#[cfg(test)]
mod tests;

use panto_protocol::connection::Acked;
use panto_protocol::message::Mode;
use panto_protocol::time::Micros;

use crate::plan::Budget;
use estimate::{Estimate, FIRST_WINDOW};

/// Shortest time between two frames: no display shows more than about 60 a second. Also
/// what one frame may take of the link.
pub(crate) const FRAME_INTERVAL: Micros = Micros(16_000);

/// The same while a person waits for an answer: it must not wait for the rhythm of
/// whatever else moves on the screen.
pub(crate) const ANSWER_INTERVAL: Micros = Micros(3_000);

/// An answer is expected for so long after an input.
pub(crate) const ANSWER_TIME: Micros = Micros(150_000);

/// A first round trip of less is quick: hardly any of it was the first frame's bytes.
const QUICK: Micros = Micros(150_000);

/// Frames on their way at most, whatever their size.
const MAX_FRAMES: usize = 64;

/// The largest window, which also bounds what is kept for a viewer that resumes; and the
/// smallest that it is bounded to, whatever the picture.
const MAX_WINDOW: usize = 8 << 20;
const MIN_WINDOW: usize = 256 << 10;

/// The smallest frame that bulk is cut into: a packet of most networks.
const MIN_FRAME: usize = 1400;

/// Decides when and how much.
#[derive(Debug)]
pub struct Pacer {
    estimate: Estimate,
    /// The largest window, bytes.
    largest: usize,
    /// When the last frame went, and its bytes.
    last_frame: Option<(Micros, usize)>,
    /// Whether it left something over.
    cut: bool,
    /// Whether it is not known yet when that left.
    encoding: bool,
    last_input: Option<Micros>,
}

/// Whether a frame may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Now.
    Now,
    /// Only what can be an answer may be sent now: what is small or near the pointer.
    Urgent,
    /// At this time.
    At(Micros),
    /// When a frame is acknowledged.
    OnAck,
}

impl Default for Pacer {
    fn default() -> Self {
        Self {
            estimate: Estimate::default(),
            largest: MAX_WINDOW,
            last_frame: None,
            cut: false,
            encoding: false,
            last_input: None,
        }
    }
}

impl Pacer {
    /// The screen has so many pixels: with what is on its way, a viewer takes less memory than
    /// half a picture beside its shadow.
    pub fn shows(&mut self, pixels: u64) {
        self.largest = (pixels as usize / 4).clamp(MIN_WINDOW, MAX_WINDOW);
    }

    /// The person did something: an answer is expected.
    pub fn on_input(&mut self, now: Micros) {
        self.last_input = Some(now);
    }

    /// Whether a frame may be sent, with so many frames and bytes on their way. `news`: whether
    /// the scene has changed since the last one.
    pub fn pace(&self, now: Micros, frames: usize, bytes: usize, news: bool) -> Pace {
        let is_full = |room| frames > 0 && (frames >= MAX_FRAMES || bytes >= self.window() + room);
        let Some((last, bytes)) = self.last_frame else { return Pace::Now };
        // While an answer is expected, a link that is free is used at once.
        let answers = self.is_answering(now);
        let hurries = answers || self.estimate.round_trip().is_none();
        let interval = match () {
            // The rest of a picture follows as soon as the link takes it.
            () if self.cut && self.estimate.pace().is_some() => Micros::ZERO,
            () if hurries => ANSWER_INTERVAL,
            () => FRAME_INTERVAL,
        };
        // A link that is empty has no queue, whatever it was thought to take.
        let next = last + if frames > 0 { interval.max(self.time_of(bytes)) } else { interval };
        if !is_full(0) && now >= next {
            return Pace::Now;
        }
        let soon = last + ANSWER_INTERVAL;
        match (answers && news && !is_full(self.frame_bytes()), is_full(0)) {
            (true, _) if now >= soon => Pace::Urgent,
            (true, true) => Pace::At(soon),
            (true, false) => Pace::At(soon.min(next)),
            (false, true) => Pace::OnAck,
            (false, false) => Pace::At(next),
        }
    }

    /// What a frame of [`Pace::Urgent`] may hold.
    pub fn urgent(&self, budget: Budget) -> Budget {
        Budget { bytes: self.frame_bytes() / 2, urgent: true, ..budget }
    }

    /// Whether a change of the scene may be an answer.
    pub fn is_answering(&self, now: Micros) -> bool {
        self.last_input.is_some_and(|at| now.since(at) < ANSWER_TIME)
    }

    /// What the next frame may hold. Only `auto` and `hybrid` are told the link's rate: the
    /// other modes must cost the same bytes in every run.
    pub fn budget(&self, mode: Mode, bytes_in_flight: usize, now: Micros) -> Budget {
        let frame = match self.is_answering(now) {
            true => self.frame_bytes() / 2,
            false => self.frame_bytes(),
        };
        let room = self.window().saturating_sub(bytes_in_flight);
        let rate = matches!(mode, Mode::Auto | Mode::Hybrid).then(|| self.estimate.likely_rate());
        Budget { bytes: frame.min(room).max(MIN_FRAME / 2), rate, now, urgent: false }
    }

    /// A frame of so many bytes was given to the connection; `whole`: nothing was left over
    /// that could have been sent as well.
    pub fn on_sent(&mut self, now: Micros, bytes: usize, whole: bool) {
        (self.last_frame, self.cut, self.encoding) = (Some((now, bytes)), !whole, true);
        self.estimate.sent(now, bytes, whole);
    }

    /// The frame of the last [`Pacer::on_sent`] left at `now`: until then it was encoded, which
    /// says nothing of the link.
    pub fn on_encoded(&mut self, now: Micros) {
        if std::mem::take(&mut self.encoding) {
            self.estimate.left(now);
        }
    }

    /// Frames were acknowledged; so many are still on their way.
    pub fn on_acked(&mut self, acked: &Acked, still_in_flight: usize, now: Micros) {
        self.estimate.acked(acked.bytes, still_in_flight, acked.painting, now);
    }

    /// The delivery rate, bytes a second; unknown until enough was sent to tell.
    pub fn rate(&self) -> Option<u64> {
        self.estimate.rate()
    }

    /// Whether the link was seen to be full. Until then [`Pacer::rate`] is a lower bound.
    pub fn was_full(&self) -> bool {
        self.estimate.was_full()
    }

    /// The shortest round trip of the last ten seconds or so.
    pub fn round_trip(&self) -> Option<Micros> {
        self.estimate.round_trip()
    }

    /// How long the link takes for so many bytes.
    fn time_of(&self, bytes: usize) -> Micros {
        self.estimate.pace().map_or(Micros::ZERO, |rate| Micros(bytes as u64 * 1_000_000 / rate.max(1)))
    }

    /// What the link takes in one frame's time.
    fn frame_bytes(&self) -> usize {
        match self.estimate.pace() {
            Some(rate) => (rate * FRAME_INTERVAL.0 / 1_000_000) as usize,
            // The very first shows the link's delay, so it should not take long itself.
            None if self.last_frame.is_none() => MIN_FRAME,
            None => FIRST_WINDOW / 2,
        }
        .clamp(MIN_FRAME, self.largest)
    }

    /// Bytes that may be on their way: what the link holds, and one frame.
    fn window(&self) -> usize {
        match self.estimate.in_flight() {
            Some(bytes) if self.estimate.drains() => bytes as usize,
            Some(bytes) => bytes as usize + self.frame_bytes(),
            // Who answers the very first so soon is not behind the slowest of links.
            None if self.round_trip().is_some_and(|time| time < QUICK) => FIRST_WINDOW * 3 / 2,
            None => FIRST_WINDOW,
        }
        .clamp(2 * MIN_FRAME, self.largest)
    }
}
