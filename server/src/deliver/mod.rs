//! What goes to one viewer, and when: planner, pacer, pointer and digests behind one
//! connection machine. No I/O, and time is an argument, so a real session
//! (`frontend`) and a simulated one (the comparison's virtual time) are the same code.

mod group;
mod groups;
mod inputs;
mod pointer;
mod stages;

use std::sync::Arc;

use panto_protocol::canvas::{Digest, PaintError};
use panto_protocol::connection::{Acked, ServerConnection};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{FRESH_FRAME, InputEvent, Settings};
use panto_protocol::time::Micros;

use crate::pace::{Pace, Pacer};
use crate::plan::Planner;
use crate::scene::Scene;
use groups::Membership;
use inputs::Inputs;
use pointer::PointerNews;
use stages::StageClock;

pub use group::PlannedFrame;
pub use groups::{Groups, PlannerRef, Sharing};
pub use stages::ServerStages;

/// A picture must be at rest for this long before its digest is sent.
const DIGEST_DELAY: Micros = Micros(150_000);

/// Bytes a second of a link for which learning again, some ten kilobytes, is nothing.
const FAST_RATE: u64 = 1_250_000;

/// The same, told by the round trip: decoding, too, keeps rates low.
const FAST_ROUND_TRIP: Micros = Micros(10_000);

/// When to call [`Delivery::deliver`] again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// At this time, whatever happens.
    pub at: Option<Micros>,
    /// When the scene changes. Not while a frame is due already and merely must wait:
    /// a busy scene would wake the session for nothing. An acknowledgement always wakes it.
    pub on_change: bool,
}

/// What one call of [`Delivery::deliver`] did.
#[derive(Debug)]
pub struct Delivered {
    /// The frame that was given to the connection.
    pub frame: Option<Arc<PlannedFrame>>,
    /// When to look again.
    pub wake: Wake,
}

/// One viewer's share of the scene.
pub struct Delivery {
    member: Membership,
    pacer: Pacer,
    pointer: PointerNews,
    /// The screen's size and outputs, as the viewer was told.
    screen: (Size, Vec<Rect>),
    /// Input events since the last frame.
    inputs: Inputs,
    /// Where the person has pointed since the planner was told.
    focus: Option<Point>,
    stages: StageClock,
    /// When the newest frame was sent, until its digest followed.
    undigested: Option<Micros>,
    sent_digest: Option<Digest>,
}

impl Delivery {
    /// Delivers what `planner` plans to the only viewer, who was told this size of the screen and
    /// these outputs.
    pub fn new(planner: Planner, screen: (Size, Vec<Rect>), now: Micros) -> Self {
        Self::shared(Arc::default(), planner, screen, now)
    }

    /// Delivers to a viewer among others of the same scene. It begins with `planner` and may
    /// come to share one with whoever is to have the same picture.
    pub fn shared(groups: Arc<Groups>, planner: Planner, screen: (Size, Vec<Rect>), now: Micros) -> Self {
        Self {
            member: Membership::new(groups, planner, now),
            pacer: Pacer::default(),
            pointer: PointerNews::default(),
            screen,
            inputs: Inputs::default(),
            focus: None,
            stages: StageClock::default(),
            undigested: Some(now),
            sent_digest: None,
        }
    }

    /// An input event of the viewer arrived; `obeyed`: it was allowed and goes to the source.
    pub fn input(&mut self, event: &InputEvent, obeyed: bool, now: Micros) {
        self.inputs.add(self.member.groups().pictures());
        self.stages.input(now);
        self.pacer.on_input(now);
        if let InputEvent::Pointer { position } = event
            && obeyed
        {
            self.pointer.moved_by_viewer(*position);
            // Not at once: whoever plans now would hold up the input.
            self.focus = Some(*position);
        }
    }

    /// Frames were acknowledged; so many are still on their way.
    pub fn acked(&mut self, acked: &Acked, still_in_flight: usize, now: Micros) {
        self.pacer.on_acked(acked, still_in_flight, now);
    }

    /// Other settings from the next frame on.
    pub fn set_settings(&mut self, settings: Settings) {
        let mut groups = self.member.groups().lock();
        if groups.settings(self.member.id()) != settings {
            groups.alone(self.member.id()).set_settings(settings);
        }
    }

    /// Sends everything again from the next frame on.
    pub fn refresh(&mut self) {
        self.member.groups().lock().alone(self.member.id()).refresh();
    }

    /// What is known of the link.
    pub fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// What the viewer has when it was sent all frames, and has painted them.
    pub fn planner(&self) -> PlannerRef<'_> {
        self.member.planner()
    }

    /// Whether the viewer lacks anything of the scene.
    pub fn is_due(&self, scene: &Scene) -> bool {
        self.member.groups().lock().is_due(self.member.id(), scene)
    }

    /// The planner, to be kept for a viewer that comes back. Frames that it was not sent yet
    /// are given to the connection, whose unpainted frames are to be kept as well.
    pub fn into_planner(mut self, connection: &mut ServerConnection, now: Micros) -> Planner {
        let groups = Arc::clone(self.member.groups());
        let mut groups = groups.lock();
        while let Some(planned) = groups.take(self.member.id()) {
            self.send(&planned, connection, now);
        }
        std::mem::replace(groups.alone(self.member.id()), Planner::new(Settings::default()))
    }

    /// Where the time between an input and its frame went so far.
    pub fn stages(&self) -> ServerStages {
        self.stages.means()
    }

    /// Gives the connection what the viewer lacks, if a frame may go now. `writable`:
    /// the socket has taken everything so far.
    ///
    /// # Errors
    ///
    /// Those of [`Planner::plan`]: the viewer must be given up.
    pub fn deliver(
        &mut self,
        scene: &mut Scene,
        connection: &mut ServerConnection,
        writable: bool,
        now: Micros,
    ) -> Result<Delivered, PaintError> {
        let nothing = |at, on_change| Delivered { frame: None, wake: Wake { at, on_change } };
        if !connection.is_open() {
            return Ok(nothing(None, false));
        }
        // Only the newest place counts for a viewer that is behind: what the pipe holds
        // cannot be overtaken anyway, and its end wakes the session.
        if writable {
            for message in self.pointer.news(scene) {
                connection.send_cursor(&message);
            }
        }
        // A display can grow around outputs that stay as they are.
        if self.screen.0 != scene.size() || self.screen.1 != scene.outputs() {
            self.screen = (scene.size(), scene.outputs().to_vec());
            connection.send_outputs(scene.size(), self.screen.1.clone());
        }
        let (shared, id) = (Arc::clone(self.member.groups()), self.member.id());
        let mut groups = shared.lock();
        let (frames, bytes) = (connection.frames_in_flight(), connection.bytes_in_flight());
        self.pacer.shows(scene.size().area());
        let budget = self.pacer.budget(groups.settings(id).mode, bytes, now);
        groups.note(id, budget, self.is_fast());
        if let Some(focus) = self.focus.take() {
            groups.group_mut(id).planner.set_focus(Some(focus));
        }
        if !groups.is_due(id, scene) {
            let at = [self.digest_due(), groups.merge(id, scene, now)].into_iter().flatten().min();
            return Ok(nothing(at, true));
        }
        if let Some(at) = groups.waits_until(id, scene).filter(|at| now < *at) {
            return Ok(nothing(Some(at), true));
        }
        self.stages.changed(now);
        // Who is behind its group catches up as fast as the link lets it.
        let behind = groups.is_behind(id);
        let pace = self.pacer.pace(now, frames, bytes, behind || groups.has_news(id, scene));
        groups.hold(id, pace == Pace::OnAck || (behind && matches!(pace, Pace::At(_))));
        match pace {
            Pace::Now => {}
            Pace::Urgent => groups.note(id, self.pacer.urgent(budget), self.is_fast()),
            // The acknowledgement wakes the session; a change only where it may be an answer.
            Pace::OnAck => return Ok(nothing(None, self.pacer.is_answering(now))),
            Pace::At(time) => return Ok(nothing(Some(time), self.pacer.is_answering(now))),
        }
        if !behind {
            groups.plan(id, scene, shared.take_picture(), now)?;
        }
        let frame = groups.take(id);
        let rests = !groups.is_due(id, scene);
        // What is left may have to rest first: there is nothing more to be sent now either.
        let waits = groups.waits_until(id, scene);
        match &frame {
            Some(planned) => {
                let (bytes, inputs) = self.send(planned, connection, now);
                // What another's link has kept small shows nothing of this one.
                let whole = rests || waits.is_some() || planned.budget < budget.bytes;
                self.pacer.on_sent(now, bytes, whole);
                self.stages.planned(now, inputs > 0);
                self.undigested = Some(now);
            }
            None if rests => self.stages.unchanged(),
            None => {}
        }
        let at = match rests {
            true => [self.digest_due(), groups.merge(id, scene, now)].into_iter().flatten().min(),
            false => Some(waits.unwrap_or(now)),
        };
        Ok(Delivered { frame, wake: Wake { at, on_change: rests || at > Some(now) } })
    }

    /// Gives a frame to the connection; returns its bytes and the inputs that it answers.
    fn send(
        &mut self,
        planned: &PlannedFrame,
        connection: &mut ServerConnection,
        now: Micros,
    ) -> (usize, u64) {
        if planned.frame().fresh {
            connection.send_frame(FRESH_FRAME.to_vec(), now);
            self.pacer.on_sent(now, FRESH_FRAME.len(), true);
        }
        let inputs = self.inputs.take_before(planned.picture);
        let message = planned.message(inputs);
        let bytes = message.len();
        connection.send_frame(message, now);
        (bytes, inputs)
    }

    /// Whether the viewer may be made to learn again: its link is fast, or was never full.
    fn is_fast(&self) -> bool {
        let Some(time) = self.pacer.round_trip() else { return false };
        let rate = self.pacer.rate().unwrap_or(0);
        rate >= FAST_RATE || time <= FAST_ROUND_TRIP || !self.pacer.was_full()
    }

    /// The frame of the last [`Delivery::deliver`] is encoded: so late is it now.
    pub fn encoded(&mut self, now: Micros) {
        self.pacer.on_encoded(now);
        self.stages.encoded(now);
    }

    /// The socket has taken every frame.
    pub fn written(&mut self, now: Micros) {
        self.stages.written(now);
    }

    /// Sends the digest of a picture that has rested for long enough. Needs no scene.
    pub fn digest(&mut self, connection: &mut ServerConnection, now: Micros) {
        if self.digest_due().is_none_or(|at| now < at) {
            return;
        }
        let Some(digest) = self.member.groups().lock().digest(self.member.id()) else { return };
        self.undigested = None;
        if connection.frames_sent() > 0 && self.sent_digest.replace(digest) != Some(digest) {
            connection.send_digest(digest);
        }
    }

    fn digest_due(&self) -> Option<Micros> {
        self.undigested.map(|at| at + DIGEST_DELAY)
    }
}
