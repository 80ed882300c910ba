//! When a VNC viewer is sent an update, and how large it may be.
//!
//! A viewer that asks for each update is sent no more than it takes. One that wants them
//! continuously answers fences (rfbproto), which tell the pacer what acknowledgements tell it of
//! Panto's own viewers.

use std::collections::VecDeque;

use panto_protocol::connection::Acked;
use panto_protocol::geometry::{Rect, Region};
use panto_protocol::message::Mode;
use panto_protocol::rfb::Fence;
use panto_protocol::time::Micros;

use crate::pace::{self, Pace, Pacer};

/// Rectangles that a region of requests is made of at most.
const MAX_ASKED: usize = 32;

/// An update that no fence has come back for.
#[derive(Debug)]
struct Sent {
    number: u64,
    at: Micros,
    bytes: usize,
}

/// Whether an update may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    /// Now, with about so many bytes.
    Now(usize),
    /// At this time.
    At(Micros),
    /// When the viewer says something.
    Not,
}

/// What a viewer has asked for, and what is on its way.
#[derive(Debug, Default)]
pub(super) struct Flow {
    asked: Region,
    continuous: Option<Rect>,
    sent: VecDeque<Sent>,
    numbers: u64,
    pacer: Pacer,
    last_update: Option<Micros>,
    last_input: Option<Micros>,
}

impl Flow {
    /// The viewer asks for one update (7.5.3).
    pub(super) fn ask(&mut self, rect: Rect) {
        self.asked.add(rect);
        self.asked.simplify(MAX_ASKED);
    }

    /// The viewer wants updates of `rect` as they come, or no longer.
    pub(super) fn go_on(&mut self, rect: Option<Rect>) {
        self.continuous = rect;
    }

    pub(super) fn is_continuous(&self) -> bool {
        self.continuous.is_some()
    }

    /// The person did something.
    pub(super) fn input(&mut self, now: Micros) {
        self.last_input = Some(now);
        self.pacer.on_input(now);
    }

    /// Where updates are wanted.
    pub(super) fn wanted(&self) -> Region {
        let mut wanted = self.asked.clone();
        if let Some(rect) = self.continuous {
            wanted.add(rect);
        }
        wanted
    }

    /// Whether an update may go now.
    pub(super) fn go(&self, now: Micros) -> Go {
        if self.continuous.is_none() {
            let answers = self.last_input.is_some_and(|at| now.since(at) < pace::ANSWER_TIME);
            let interval = if answers { pace::ANSWER_INTERVAL } else { pace::FRAME_INTERVAL };
            return match self.last_update.map(|at| at + interval) {
                _ if self.asked.is_empty() => Go::Not,
                Some(next) if now < next => Go::At(next),
                // What is left over would cost a round trip.
                _ => Go::Now(usize::MAX),
            };
        }
        let bytes = self.sent.iter().map(|sent| sent.bytes).sum();
        let budget = self.pacer.budget(Mode::Pixels, bytes, now);
        match self.pacer.pace(now, self.sent.len(), bytes, true) {
            Pace::Now => Go::Now(budget.bytes),
            Pace::Urgent => Go::Now(self.pacer.urgent(budget).bytes),
            Pace::At(time) => Go::At(time),
            Pace::OnAck => Go::Not,
        }
    }

    /// An update of so many bytes went, `whole` if nothing was left over. Returns the fence that
    /// has to follow it.
    pub(super) fn sent(&mut self, bytes: usize, whole: bool, began: Micros, now: Micros) -> Option<Fence> {
        self.asked = Region::new();
        self.last_update = Some(began);
        self.continuous?;
        self.pacer.on_sent(began, bytes, whole);
        self.pacer.on_encoded(now);
        self.numbers += 1;
        self.sent.push_back(Sent { number: self.numbers, at: began, bytes });
        let payload = self.numbers.to_be_bytes().to_vec();
        Some(Fence { flags: Fence::REQUEST | Fence::BLOCK_BEFORE, payload })
    }

    /// A fence came back.
    pub(super) fn came_back(&mut self, fence: &Fence, now: Micros) {
        let Ok(number) = fence.payload.as_slice().try_into().map(u64::from_be_bytes) else { return };
        let mut acked = Acked { frames: number, bytes: 0, sent: now, painting: Micros::ZERO };
        while self.sent.front().is_some_and(|sent| sent.number <= number)
            && let Some(sent) = self.sent.pop_front()
        {
            acked.bytes += sent.bytes;
            acked.sent = sent.at;
        }
        if acked.bytes > 0 {
            let still = self.sent.iter().map(|sent| sent.bytes).sum();
            self.pacer.on_acked(&acked, still, now);
        }
    }

    /// The shortest round trip and the delivery rate, bytes a second, as far as fences tell.
    pub(super) fn link(&self) -> (Option<Micros>, Option<u64>) {
        (self.pacer.round_trip(), self.pacer.rate())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Rect = Rect::new(0, 0, 100, 100);

    #[test]
    fn who_asks_gets_one_update() {
        let mut flow = Flow::default();
        assert_eq!(flow.go(Micros(0)), Go::Not);
        flow.ask(ALL);
        assert_eq!(flow.go(Micros(0)), Go::Now(usize::MAX));
        assert_eq!(flow.sent(1000, true, Micros(0), Micros(5)), None);
        assert_eq!(flow.go(Micros(10)), Go::Not);
        flow.ask(ALL);
        assert_eq!(flow.go(Micros(10)), Go::At(pace::FRAME_INTERVAL));
        flow.input(Micros(20));
        assert_eq!(flow.go(Micros(30)), Go::At(pace::ANSWER_INTERVAL));
    }

    #[test]
    fn updates_go_on_until_the_link_is_full() {
        let mut flow = Flow::default();
        flow.go_on(Some(ALL));
        assert_eq!(flow.wanted().rects(), [ALL]);
        let mut now = Micros(0);
        let mut fences = Vec::new();
        // Nothing comes back: it ends by itself.
        for _ in 0..1000 {
            match flow.go(now) {
                Go::Now(bytes) => fences.push(flow.sent(bytes, false, now, now).expect("a fence")),
                Go::At(time) => now = time,
                Go::Not => break,
            }
        }
        assert_eq!(flow.go(now), Go::Not);
        assert!(!fences.is_empty() && fences.len() < 100, "{}", fences.len());
        // One for all.
        now = now + Micros(30_000);
        flow.came_back(fences.last().unwrap(), now);
        assert!(matches!(flow.go(now), Go::Now(_) | Go::At(_)));
        assert!(flow.link().0.is_some());
        // What was never sent counts for nothing.
        flow.came_back(&Fence { flags: 0, payload: vec![1, 2] }, now);
        flow.came_back(&Fence { flags: 0, payload: vec![0xff; 8] }, now);
        flow.go_on(None);
        assert_eq!(flow.go(now), Go::Not);
    }
}
