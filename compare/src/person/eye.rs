//! Someone who watches a display: when its pixels changed, and what it shows.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Picture, Pixels};
use panto_protocol::time::Micros;
use panto_server::capture::{CaptureError, CaptureSink, X11Capture};
use rustix::event::{EventfdFlags, eventfd};

use super::PersonError;
use crate::quality::{Cells, Echoes, Tape};

/// Watches one display until it is dropped.
#[derive(Debug)]
pub struct Eye {
    shared: Arc<Shared>,
    wake: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    seen: Mutex<Seen>,
    /// When times of tape and echoes begin.
    began: Instant,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Seen {
    picture: Picture,
    /// When pixels really changed, oldest first.
    changes: Vec<Instant>,
    /// The film that plays there, if it is taped.
    tape: Option<Tape>,
    /// The keys whose echoes are looked for.
    echoes: Option<Echoes>,
    /// Why nothing more is seen.
    failure: Option<String>,
    stop: bool,
}

impl Eye {
    /// Begins to watch. The first picture is there when this returns.
    ///
    /// # Errors
    ///
    /// If the display cannot be captured.
    pub fn open(display: &str) -> Result<Self, PersonError> {
        Self::open_since(display, Instant::now())
    }

    /// The same, with times of films and echoes since `began`: two eyes with the same can be compared.
    ///
    /// # Errors
    ///
    /// If the display cannot be captured.
    pub fn open_since(display: &str, began: Instant) -> Result<Self, PersonError> {
        let mut capture = X11Capture::open(Some(display))?;
        let shared = Arc::new(Shared { seen: Mutex::default(), began, changed: Condvar::new() });
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).map_err(std::io::Error::from)?);
        look(&mut capture, &shared)?;
        shared.lock().changes.clear();
        let thread = std::thread::Builder::new().name("eye".into()).spawn({
            let (shared, wake) = (Arc::clone(&shared), Arc::clone(&wake));
            move || {
                let result = watch(&mut capture, &wake, &shared);
                let mut seen = shared.lock();
                seen.failure = result.err().map(|e| e.to_string());
                shared.changed.notify_all();
            }
        })?;
        Ok(Self { shared, wake, thread: Some(thread) })
    }

    /// What the display shows, pointer apart.
    pub fn picture(&self) -> Picture {
        self.shared.lock().picture.clone()
    }

    /// When its times began.
    pub fn began(&self) -> Instant {
        self.shared.began
    }

    /// Keeps the pictures of this part of the display from now on.
    pub fn tape(&self, clip: Rect) {
        let mut seen = self.shared.lock();
        let mut tape = Tape::new(clip);
        tape.look(&seen.picture, self.shared.since_began(Instant::now()));
        seen.tape = Some(tape);
    }

    /// What was kept since.
    pub fn take_tape(&self) -> Option<Tape> {
        self.shared.lock().tape.take()
    }

    /// Waits for keys in these cells from now on, which have not been typed yet.
    pub fn expect_echoes(&self, cells: Cells) {
        let mut seen = self.shared.lock();
        seen.echoes = Some(Echoes::new(cells, &seen.picture));
    }

    /// A key is being pressed.
    pub fn typed(&self) {
        if let Some(echoes) = &mut self.shared.lock().echoes {
            echoes.typed(self.shared.since_began(Instant::now()));
        }
    }

    /// Milliseconds from keys to their echoes, if those are waited for.
    pub fn echoes(&self) -> Option<Vec<f64>> {
        self.shared.lock().echoes.as_ref().map(|echoes| echoes.samples().to_vec())
    }

    /// When its pixels changed, oldest first.
    pub fn changes(&self) -> Vec<Instant> {
        self.shared.lock().changes.clone()
    }

    /// When they changed last.
    pub fn last_change(&self) -> Option<Instant> {
        self.shared.lock().changes.last().copied()
    }

    /// Waits until nothing has changed for `time`; `false` if that takes longer than `patience`.
    pub fn wait_still(&self, time: Duration, patience: Duration) -> bool {
        let began = Instant::now();
        let mut seen = self.shared.lock();
        loop {
            let now = Instant::now();
            let since = seen.changes.last().copied().unwrap_or(began).max(began);
            if now.saturating_duration_since(since) >= time {
                return true;
            }
            if now.saturating_duration_since(began) >= patience || seen.failure.is_some() {
                return false;
            }
            let rest = time - now.saturating_duration_since(since);
            seen = self.shared.changed.wait_timeout(seen, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the picture, and the time since when it is there, satisfy `condition`; `false` after `patience`.
    pub fn wait_for(
        &self,
        patience: Duration,
        mut condition: impl FnMut(&Picture, Option<Instant>) -> bool,
    ) -> bool {
        let deadline = Instant::now() + patience;
        let mut seen = self.shared.lock();
        loop {
            if condition(&seen.picture, seen.changes.last().copied()) {
                return true;
            }
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() || seen.failure.is_some() {
                return false;
            }
            seen = self.shared.changed.wait_timeout(seen, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Eye {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn since_began(&self, at: Instant) -> Micros {
        Micros(at.saturating_duration_since(self.began).as_micros() as u64)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn watch(capture: &mut X11Capture, wake: &OwnedFd, shared: &Shared) -> Result<(), CaptureError> {
    loop {
        if shared.lock().stop {
            return Ok(());
        }
        if capture.wait(wake.as_fd(), None)?.screen {
            look(capture, shared)?;
        }
    }
}

fn look(capture: &mut X11Capture, shared: &Shared) -> Result<(), CaptureError> {
    // The moment when the display said so, before the pixels are fetched.
    let at = Instant::now();
    let mut seen = shared.lock();
    let mut retina = Retina { picture: &mut seen.picture, changed: false };
    capture.grab(&mut retina)?;
    if retina.changed {
        seen.changes.push(at);
        let Seen { picture, tape, echoes, .. } = &mut *seen;
        if let Some(tape) = tape {
            tape.look(picture, shared.since_began(at));
        }
        if let Some(echoes) = echoes {
            echoes.look(picture, shared.since_began(at));
        }
        shared.changed.notify_all();
    }
    Ok(())
}

struct Retina<'a> {
    picture: &'a mut Picture,
    changed: bool,
}

impl CaptureSink for Retina<'_> {
    fn resize(&mut self, size: Size) {
        self.picture.resize(size, 0);
        self.changed = true;
    }

    fn pixels(&mut self, at: Point, src: Pixels<'_>) {
        // Programs paint what is there already; only what looks different counts.
        let rect = Rect::at(at, src.size());
        let known = self.picture.crop(rect);
        if known.size() != src.size() || known.rows().zip(src.rows()).any(|(a, b)| a != b) {
            self.picture.blit(at, src);
            self.changed = true;
        }
    }

    fn pointer(&mut self, _: Point) {}

    fn cursor(&mut self, _: CursorImage) {}
}
