//! Viewers who are sent the same frames: one planner, and the frames that not all of them
//! were sent yet.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use panto_protocol::canvas::{Digest, PaintError};
use panto_protocol::message::FrameHeader;
use panto_protocol::time::Micros;

use crate::plan::{Budget, Frame, Planner, Scratch};
use crate::scene::Scene;

/// A frame as it was planned, for one viewer or several.
#[derive(Debug)]
pub struct PlannedFrame {
    frame: Frame,
    /// Whether nothing was left over for later frames.
    settled: bool,
    /// Which picture of all that were taken it shows, counted from 1.
    pub(super) picture: u64,
    /// Bytes that it was allowed to hold.
    pub(super) budget: usize,
    at: Micros,
    /// What goes to whoever gave no input: the very same bytes for all of them.
    message: OnceLock<Arc<Vec<u8>>>,
}

impl PlannedFrame {
    /// The commands, and what they cost.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The message for a viewer who gave so many inputs since the frame before.
    pub(super) fn message(&self, inputs: u64) -> Arc<Vec<u8>> {
        let message = |inputs| self.frame.message(FrameHeader { inputs, settled: self.settled }).into();
        match inputs {
            0 => Arc::clone(self.message.get_or_init(|| message(0))),
            _ => message(inputs),
        }
    }
}

/// How far a viewer may be behind its group.
struct Leash {
    frames: usize,
    bytes: usize,
    time: Micros,
}

/// Whom the link holds back gets a planner of its own soon: its frames are out of date
/// before they go.
const HELD_BACK: Leash = Leash { frames: 2, bytes: 32 << 10, time: Micros::from_millis(50) };

/// Whose task had no turn yet (a busy machine, twenty woken at once) would gain nothing by
/// that.
const NO_TURN: Leash = Leash { frames: 32, bytes: 1 << 20, time: Micros::from_millis(1000) };

/// One planner and its latest frames.
///
/// Frames are numbered from the planner's beginning; a viewer knows the number of the one
/// that it is sent next. `first <= next <= end` for each viewer of the group.
pub(super) struct Group {
    pub planner: Planner,
    log: VecDeque<Arc<PlannedFrame>>,
    /// Number of the first frame in the log.
    first: u64,
    /// Why there are no more frames.
    failed: Option<PaintError>,
    /// Digest of the picture after so many frames.
    digest: Option<(u64, Digest)>,
    /// Not joined with another group before.
    pub ripe: Micros,
}

impl Group {
    pub(super) fn new(planner: Planner, ripe: Micros) -> Self {
        Self { planner, log: VecDeque::new(), first: 0, failed: None, digest: None, ripe }
    }

    /// A group of its own for viewers who have got the frames before `next`.
    pub(super) fn fork(&self, next: u64, ripe: Micros) -> Self {
        Self {
            planner: self.planner.clone(),
            log: self.log.range((next - self.first) as usize..).cloned().collect(),
            first: next,
            failed: self.failed,
            digest: self.digest,
            ripe,
        }
    }

    /// Number of the frame that will be planned next.
    pub(super) fn end(&self) -> u64 {
        self.first + self.log.len() as u64
    }

    /// The frame of a number, unless it is not planned yet.
    pub(super) fn get(&self, number: u64) -> Option<&Arc<PlannedFrame>> {
        self.log.get((number - self.first) as usize)
    }

    /// Whether every frame was sent to everyone.
    pub(super) fn is_sent(&self) -> bool {
        self.log.is_empty()
    }

    /// Everyone was sent the frames before `next`.
    pub(super) fn trim(&mut self, next: u64) {
        while self.first < next && self.log.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// Whether a viewer that is sent `next` next is too far behind. `held`: because of its
    /// link.
    pub(super) fn is_too_far_behind(&self, next: u64, held: bool, now: Micros) -> bool {
        let leash = if held { HELD_BACK } else { NO_TURN };
        let behind = self.log.range((next - self.first) as usize..);
        let bytes: usize = behind.clone().map(|planned| planned.frame.body.len()).sum();
        let oldest = behind.clone().next();
        behind.len() > leash.frames
            || bytes > leash.bytes
            || oldest.is_some_and(|planned| now.since(planned.at) > leash.time)
    }

    /// Whether the scene has changed since the last frame, or something was left over.
    pub(super) fn is_due(&self, scene: &Scene) -> bool {
        self.failed.is_some() || self.planner.is_due(scene)
    }

    /// Plans a frame into the log, if there is anything to be said.
    ///
    /// # Errors
    ///
    /// Those of [`Planner::plan`], from then on always: every viewer must be given up.
    pub(super) fn plan(
        &mut self,
        scratch: &mut Scratch,
        scene: &mut Scene,
        budget: Budget,
        picture: u64,
        now: Micros,
    ) -> Result<(), PaintError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let frame = self.planner.plan_with(scratch, scene, budget);
        let frame = frame.inspect_err(|error| self.failed = Some(*error))?;
        if let Some(frame) = frame {
            let settled = !self.planner.is_due(scene);
            self.log.push_back(Arc::new(PlannedFrame {
                frame,
                settled,
                picture,
                budget: budget.bytes,
                at: now,
                message: OnceLock::new(),
            }));
        }
        Ok(())
    }

    /// Digest of what everyone shows who has painted every frame.
    pub(super) fn digest(&mut self) -> Digest {
        let end = self.end();
        match self.digest {
            Some((frames, digest)) if frames == end => digest,
            _ => self.digest.insert((end, self.planner.digest())).1,
        }
    }
}
