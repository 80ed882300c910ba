//! What a run is about, and waiting within it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use panto_protocol::geometry::Point;

use crate::link::{Path, Profile};
use crate::work::Work;

use super::process::Watched;
use super::{Options, PeerError, Setting};

/// How often something is looked for that nobody announces.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The longest that a program's death goes unnoticed.
pub(super) const SLICE: Duration = Duration::from_millis(50);

/// How long a display must rest to be called still, beyond what the link makes it wait.
pub(super) const STILL: Duration = Duration::from_millis(300);

/// What a run is about.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub setting: Setting,
    pub work: &'a Work,
    pub options: &'a Options,
    pub stop: &'a AtomicBool,
}

impl Task<'_> {
    /// An error if the run was stopped.
    pub(super) fn go_on(&self) -> Result<(), PeerError> {
        if self.stop.load(Ordering::Relaxed) { Err(PeerError::Stopped) } else { Ok(()) }
    }

    /// Waits until `ready`; an error if that takes too long, or `programs` end, or the run is stopped.
    pub(super) fn wait(
        &self,
        what: &'static str,
        programs: &[&Watched],
        mut ready: impl FnMut() -> Result<bool, PeerError>,
    ) -> Result<(), PeerError> {
        let within = self.options.patience;
        let deadline = Instant::now() + within;
        while !ready()? {
            self.go_on()?;
            programs.iter().try_for_each(|program| program.check())?;
            if Instant::now() > deadline {
                let words = programs.iter().map(|program| program.last_words()).collect();
                return Err(PeerError::TooLate { what, within, words });
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// How long a display must rest over this link: a last input and its answer may
    /// still be on their way.
    pub(super) fn rest(&self) -> Duration {
        let Profile { down, up, .. } = &self.options.profile;
        let one = |path: &Path| Duration::from(path.delay + path.jitter);
        STILL + 3 * (one(down) + one(up))
    }

    /// Where the pointer rests before the work.
    pub(super) fn middle(&self) -> Point {
        Point::new(self.work.size.width as i32 / 2, self.work.size.height as i32 / 2)
    }
}
