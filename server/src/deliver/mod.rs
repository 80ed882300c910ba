//! What goes to one viewer, and when: planner, pacer, pointer and digests behind one
//! connection machine. No I/O, and time is an argument, so a real session
//! (`frontend`) and a simulated one (the comparison's virtual time) are the same code.

mod pointer;
mod stages;

use panto_protocol::canvas::{Digest, PaintError};
use panto_protocol::connection::{Acked, ServerConnection};
use panto_protocol::geometry::Rect;
use panto_protocol::message::{FrameHeader, InputEvent, Settings};
use panto_protocol::time::Micros;

use crate::pace::{Pace, Pacer};
use crate::plan::{Frame, Planner};
use crate::scene::Scene;
use pointer::PointerNews;
use stages::StageClock;

pub use stages::ServerStages;

/// A picture must be at rest for this long before its digest is sent.
const DIGEST_DELAY: Micros = Micros(150_000);

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
#[derive(Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The frame that was given to the connection, without its bytes.
    pub frame: Option<Frame>,
    /// When to look again.
    pub wake: Wake,
}

/// One viewer's share of the scene.
pub struct Delivery {
    planner: Planner,
    pacer: Pacer,
    pointer: PointerNews,
    outputs: Vec<Rect>,
    /// Input events since the last frame.
    inputs: u64,
    stages: StageClock,
    /// When the newest frame was sent, until its digest followed.
    undigested: Option<Micros>,
    sent_digest: Option<Digest>,
}

impl Delivery {
    /// Delivers what `planner` plans to a viewer that was told these outputs.
    pub fn new(planner: Planner, outputs: Vec<Rect>, now: Micros) -> Self {
        Self {
            planner,
            pacer: Pacer::default(),
            pointer: PointerNews::default(),
            outputs,
            inputs: 0,
            stages: StageClock::default(),
            undigested: Some(now),
            sent_digest: None,
        }
    }

    /// An input event of the viewer arrived; `obeyed`: it was allowed and goes to the source.
    pub fn input(&mut self, event: &InputEvent, obeyed: bool, now: Micros) {
        self.inputs += 1;
        self.stages.input(now);
        if let InputEvent::Pointer { position } = event
            && obeyed
        {
            self.pointer.moved_by_viewer(*position);
            self.planner.set_focus(Some(*position));
        }
    }

    /// Frames were acknowledged; so many are still on their way.
    pub fn acked(&mut self, acked: &Acked, still_in_flight: usize, now: Micros) {
        self.pacer.on_acked(acked, still_in_flight, now);
    }

    /// Other settings from the next frame on.
    pub fn set_settings(&mut self, settings: Settings) {
        self.planner.set_settings(settings);
    }

    /// Sends everything again from the next frame on.
    pub fn refresh(&mut self) {
        self.planner.refresh();
    }

    /// What is known of the link.
    pub fn pacer(&self) -> &Pacer {
        &self.pacer
    }

    /// What the viewer has when all frames are painted.
    pub fn planner(&self) -> &Planner {
        &self.planner
    }

    /// The planner, to be kept for a viewer that comes back.
    pub fn into_planner(self) -> Planner {
        self.planner
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
        if self.outputs != scene.outputs() {
            self.outputs = scene.outputs().to_vec();
            connection.send_outputs(scene.size(), self.outputs.clone());
        }
        if !self.planner.is_due(scene) {
            return Ok(nothing(self.digest_due(), true));
        }
        self.stages.changed(now);
        let (frames, bytes) = (connection.frames_in_flight(), connection.bytes_in_flight());
        match self.pacer.pace(now, frames, bytes, self.inputs > 0) {
            Pace::Now => {}
            // The acknowledgement wakes the session.
            Pace::OnAck => return Ok(nothing(None, false)),
            Pace::At(time) => return Ok(nothing(Some(time), false)),
        }
        let budget = self.pacer.budget(self.planner.settings().mode, bytes);
        let mut frame = self.planner.plan(scene, budget)?;
        let settled = !self.planner.is_due(scene);
        if let Some(frame) = &mut frame {
            let inputs = std::mem::take(&mut self.inputs);
            connection.send_frame(frame.take_message(FrameHeader { inputs, settled }), now);
            self.pacer.on_sent(now);
            self.stages.planned(now, inputs > 0);
            self.undigested = Some(now);
        } else if settled {
            self.stages.unchanged();
        }
        let at = if settled { self.digest_due() } else { Some(now) };
        Ok(Delivered { frame, wake: Wake { at, on_change: settled } })
    }

    /// The frame of the last [`Delivery::deliver`] is encoded: so late is it now.
    pub fn encoded(&mut self, now: Micros) {
        self.stages.encoded(now);
    }

    /// The socket has taken every frame.
    pub fn written(&mut self, now: Micros) {
        self.stages.written(now);
    }

    /// Sends the digest of a picture that has rested for long enough. Needs no scene.
    pub fn digest(&mut self, connection: &mut ServerConnection, now: Micros) {
        if self.digest_due().is_none_or(|at| now < at) || !self.planner.is_settled() {
            return;
        }
        self.undigested = None;
        if connection.frames_sent() > 0 {
            let digest = self.planner.digest();
            if self.sent_digest.replace(digest) != Some(digest) {
                connection.send_digest(digest);
            }
        }
    }

    fn digest_due(&self) -> Option<Micros> {
        self.undigested.map(|at| at + DIGEST_DELAY)
    }
}
