//! Work being done, in a time of its own that begins with the work.

use std::path::Path;

use panto_protocol::geometry::Size;
use panto_protocol::message::InputEvent;
use panto_protocol::time::Micros;
use panto_server::demo::Desktop;
use panto_server::scene::Scene;
use panto_server::trace::{Player, TraceError};

use super::synthetic::{self, Synthetic};

/// A workload that is under way.
pub struct Performance {
    scene: Scene,
    stage: Stage,
}

enum Stage {
    Demo(Box<Desktop>),
    Trace(Box<Replay>),
    Synthetic(Box<synthetic::Stage>),
}

/// A trace, whose screen cannot answer an input before that has arrived: what follows
/// an input waits for it, and all that comes later is late by as much.
struct Replay {
    player: Player,
    /// By how much the trace is late.
    late: Micros,
    /// Inputs that arrived and were not reached in the trace yet.
    arrived: u64,
}

impl Performance {
    pub(super) fn demo(size: Size) -> Self {
        let mut scene = Scene::new(size);
        let desktop = Desktop::new(&mut scene, Micros::ZERO);
        Self { scene, stage: Stage::Demo(Box::new(desktop)) }
    }

    pub(super) fn synthetic(what: Synthetic) -> Self {
        let mut scene = Scene::new(synthetic::SIZE);
        let stage = synthetic::Stage::new(what, &mut scene);
        Self { scene, stage: Stage::Synthetic(Box::new(stage)) }
    }

    pub(super) fn trace(path: &Path) -> Result<Self, TraceError> {
        let (player, scene) = Player::open(path)?;
        let replay = Replay { player, late: Micros::ZERO, arrived: 0 };
        Ok(Self { scene, stage: Stage::Trace(Box::new(replay)) })
    }

    /// The screen as it is now.
    pub fn scene(&mut self) -> &mut Scene {
        &mut self.scene
    }

    /// When something happens next by itself; `None` when only an input can make anything happen.
    pub fn next_at(&self) -> Option<Micros> {
        match &self.stage {
            Stage::Demo(desktop) => desktop.next_tick(),
            Stage::Synthetic(stage) => stage.next_at(),
            Stage::Trace(replay) => {
                let waits = replay.player.next_is_input() && replay.arrived == 0;
                replay.player.next_at().filter(|_| !waits).map(|at| at + replay.late)
            }
        }
    }

    /// Whether nothing more happens, whatever comes.
    pub fn is_over(&self) -> bool {
        match &self.stage {
            Stage::Demo(desktop) => desktop.next_tick().is_none(),
            Stage::Synthetic(stage) => stage.next_at().is_none(),
            Stage::Trace(replay) => replay.player.next_at().is_none(),
        }
    }

    /// Lets the next thing happen, if its time has come. Returns whether it did.
    ///
    /// # Errors
    ///
    /// If the trace cannot be played.
    pub fn advance(&mut self, now: Micros) -> Result<bool, TraceError> {
        let Some(next) = self.next_at().filter(|at| *at <= now) else { return Ok(false) };
        match &mut self.stage {
            Stage::Demo(desktop) => desktop.tick(&mut self.scene, next),
            Stage::Synthetic(stage) => stage.tick(&mut self.scene),
            Stage::Trace(replay) => {
                let at = Micros(next.0 - replay.late.0);
                let is_input = replay.player.next_is_input();
                if is_input {
                    replay.arrived -= 1;
                    replay.player.skip_input()?;
                } else {
                    replay.player.advance_to_input(&mut self.scene, at)?;
                }
            }
        }
        Ok(true)
    }

    /// An input arrives at the screen.
    pub fn input(&mut self, event: &InputEvent, now: Micros) {
        match &mut self.stage {
            Stage::Demo(desktop) => {
                desktop.input(event, &mut self.scene, now);
                if let InputEvent::Pointer { position } = event {
                    self.scene.set_pointer(*position);
                }
            }
            Stage::Synthetic(stage) => stage.input(event, now),
            Stage::Trace(replay) => {
                replay.arrived += 1;
                if let Some(at) = replay.player.next_at().filter(|_| replay.player.next_is_input()) {
                    replay.late = replay.late.max(now - at);
                }
            }
        }
    }

    /// Why it ended before its end, if it did.
    pub fn cut(&self) -> Option<String> {
        match &self.stage {
            Stage::Demo(_) | Stage::Synthetic(_) => None,
            Stage::Trace(replay) => replay.player.cut().map(ToString::to_string),
        }
    }
}
