//! A recorded trace as a source: it plays while somebody looks.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use panto_protocol::geometry::Size;
use panto_protocol::message::InputEvent;
use panto_protocol::time::Micros;
use tokio::sync::watch;

use super::Source;
use crate::scene::SharedScene;
use crate::trace::{Player, Reader, TraceError};

/// How long a player may change the scene without a rest. Whoever waits for a lock is
/// passed over as long as another takes it again at once: viewers would get no frames.
const SLICE: Duration = Duration::from_millis(8);

/// The rest: the shortest time that the runtime's timer knows.
const REST: Duration = Duration::from_millis(1);

/// How fast a trace is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As it was recorded.
    Recorded {
        /// Seconds of the trace in one second; `> 0` and finite.
        speed: f64,
    },
    /// Every moment as soon as the one before is in the scene.
    Fast,
    /// Every moment when all viewers show the one before, whole: Nieh's slow-motion
    /// benchmarking, in which nothing is ever left out. The pointer's place is not waited for.
    SlowMotion,
}

/// A trace being played. It stands still while there are no viewers.
pub struct ReplaySource {
    failure: Arc<OnceLock<String>>,
    task: tokio::task::JoinHandle<()>,
}

impl ReplaySource {
    /// Opens a trace and shows its first picture; the rest begins with the first viewer.
    /// `looped`: from the beginning again at its end, instead of keeping the last picture.
    /// Call inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// If the trace's beginning cannot be read. What is wrong later becomes
    /// [`Source::failure`] when viewers have everything before it.
    pub fn start(path: &Path, pace: Pace, looped: bool) -> Result<(Self, Arc<SharedScene>), TraceError> {
        let length = Reader::open(path)?.duration().unwrap_or_default();
        let (player, scene) = Player::open(path)?;
        let scene = Arc::new(SharedScene::new(scene));
        let failure = Arc::new(OnceLock::new());
        let playback = Playback {
            path: path.to_owned(),
            pace,
            looped: looped && player.next_at().is_some(),
            length,
            player,
            viewers: scene.subscribe_viewers(),
            scene: Arc::clone(&scene),
            played: Micros::ZERO,
            running: None,
            rested: Instant::now(),
        };
        let task = tokio::spawn(playback.run(Arc::clone(&failure)));
        Ok((Self { failure, task }, scene))
    }
}

impl Source for ReplaySource {
    fn input(&self, _: &InputEvent) {}

    fn can_resize(&self) -> bool {
        false
    }

    fn resize(&self, _: Size) -> Result<(), String> {
        Err("this is a recording, which has the size it was recorded in; the picture is scaled instead"
            .into())
    }

    fn failure(&self) -> Option<String> {
        self.failure.get().cloned()
    }
}

impl Drop for ReplaySource {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Playback {
    path: PathBuf,
    pace: Pace,
    looped: bool,
    length: Micros,
    player: Player,
    scene: Arc<SharedScene>,
    viewers: watch::Receiver<usize>,
    /// Time in the trace when the clock last stood still.
    played: Micros,
    /// Since when the clock runs, if it does.
    running: Option<Instant>,
    /// When viewers last had their turn.
    rested: Instant,
}

impl Playback {
    async fn run(mut self, failure: Arc<OnceLock<String>>) {
        if let Err(reason) = self.play().await {
            tracing::error!(reason, "replay ended");
            self.everyone_has_it().await;
            let _ = failure.set(reason);
            // Viewers learn of it by looking.
            self.scene.update(|_| ());
        }
    }

    /// Plays to the end; an error is why it came early.
    async fn play(&mut self) -> Result<(), String> {
        loop {
            while let Some(at) = self.player.next_at() {
                self.wait_for(at).await;
                let player = &mut self.player;
                self.scene
                    .update(|scene| player.advance(scene, at, |_, _| ()))
                    .map_err(|error| error.to_string())?;
            }
            if let Some(cut) = self.player.cut() {
                return Err(cut.to_string());
            }
            if !self.looped {
                return Ok(());
            }
            self.wait_for(self.length).await;
            let (player, scene) = Player::open(&self.path).map_err(|error| error.to_string())?;
            self.player = player;
            self.scene.replace(scene);
            (self.played, self.running) = (Micros::ZERO, None);
        }
    }

    /// Waits until the events of this time in the trace are due.
    async fn wait_for(&mut self, at: Micros) {
        match self.pace {
            Pace::Recorded { speed } => self.clock_shows(at, speed).await,
            Pace::Fast => {
                self.somebody_looks().await;
                self.rest().await;
            }
            Pace::SlowMotion => self.everyone_has_it().await,
        }
    }

    async fn clock_shows(&mut self, at: Micros, speed: f64) {
        loop {
            self.somebody_looks().await;
            let since = *self.running.get_or_insert_with(Instant::now);
            // A speed next to nothing makes a time beyond all clocks.
            let wait = at.since(self.played).0 as f64 / 1e6 / speed;
            let wait = Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX);
            let rest = wait.saturating_sub(since.elapsed());
            if rest.is_zero() {
                // Behind: moments follow one another without a wait.
                return self.rest().await;
            }
            tokio::select! {
                () = tokio::time::sleep(rest) => return,
                _ = self.viewers.wait_for(|&n| n == 0) => {
                    self.played = self.played + Micros((since.elapsed().as_secs_f64() * speed * 1e6) as u64);
                    self.running = None;
                }
            }
        }
    }

    async fn somebody_looks(&mut self) {
        // The sender is in the scene.
        let _ = self.viewers.wait_for(|&n| n > 0).await;
    }

    async fn everyone_has_it(&self) {
        let position = self.scene.lock().position();
        self.scene.delivered(position).await;
    }

    async fn rest(&mut self) {
        if self.rested.elapsed() < SLICE {
            return tokio::task::yield_now().await;
        }
        tokio::time::sleep(REST).await;
        self.rested = Instant::now();
    }
}
