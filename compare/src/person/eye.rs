//! Someone who watches a display: when its pixels changed, and what it shows.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Picture, Pixels};
use panto_server::capture::{CaptureError, CaptureSink, X11Capture};
use rustix::event::{EventfdFlags, eventfd};

use super::PersonError;

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
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Seen {
    picture: Picture,
    /// When pixels really changed, oldest first.
    changes: Vec<Instant>,
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
        let mut capture = X11Capture::open(Some(display))?;
        let shared = Arc::new(Shared { seen: Mutex::default(), changed: Condvar::new() });
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

    /// Waits until the picture satisfies `condition`; `false` after `patience`.
    pub fn wait_for(&self, patience: Duration, mut condition: impl FnMut(&Picture) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        let mut seen = self.shared.lock();
        loop {
            if condition(&seen.picture) {
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
