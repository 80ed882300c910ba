//! Looks at a run from outside while it goes on: bytes, CPU, memory, and whether all its
//! programs live.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::link::Relay;

use super::PeerError;
use super::process::Watched;
use super::usage::Usage;

/// How often the relay is asked.
const EVERY: Duration = Duration::from_millis(50);

/// Every so many of these, the processes are looked at: that costs a little.
const USAGE_EVERY: u32 = 10;

/// What is looked at.
pub(super) struct Sides {
    pub relay: Arc<Relay>,
    /// Programs of the server's side.
    pub server: Vec<Watched>,
    /// Programs of the viewer's side.
    pub viewer: Vec<Watched>,
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// When bytes to the viewer were more than the last time, and how many.
    pub bytes_down: Vec<(Instant, u64)>,
    /// CPU and memory of the server's side.
    pub server: Option<Usage>,
    /// The same of the viewer's.
    pub viewer: Option<Usage>,
}

/// Watches until it is told to finish, or dropped.
pub(super) struct Watch {
    sides: Arc<Sides>,
    seen: Arc<Mutex<Seen>>,
    died: Arc<AtomicBool>,
    finish: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(sides: Sides) -> Result<Self, PeerError> {
        let sides = Arc::new(sides);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let died = Arc::new(AtomicBool::new(false));
        let (finish, finished) = channel();
        let thread = std::thread::Builder::new().name("watch".into()).spawn({
            let (sides, seen, died) = (Arc::clone(&sides), Arc::clone(&seen), Arc::clone(&died));
            move || {
                for turn in 0.. {
                    let usage = turn % USAGE_EVERY == 0;
                    look(&sides, &mut seen.lock().unwrap_or_else(PoisonError::into_inner), usage);
                    died.store(check(&sides).is_err(), Ordering::Relaxed);
                    if finished.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                        return;
                    }
                }
            }
        });
        let thread = thread.map_err(PeerError::system("starting a thread"))?;
        Ok(Self { sides, seen, died, finish: Some(finish), thread: Some(thread) })
    }

    /// Whether a program has ended; noticed within a moment, and cheap to ask.
    pub(super) fn died(&self) -> bool {
        self.died.load(Ordering::Relaxed)
    }

    /// An error if a program has ended.
    pub(super) fn check(&self) -> Result<(), PeerError> {
        check(&self.sides)
    }

    /// The last words of all programs that may have something to say.
    pub(super) fn last_words(&self) -> String {
        let sides = [&self.sides.server, &self.sides.viewer].into_iter().flatten();
        sides.filter(|program| program.name() != "Xvfb").map(Watched::last_words).collect()
    }

    /// Looks a last time and says what was seen. Before the programs are ended.
    pub(super) fn finish(mut self) -> Seen {
        self.end();
        let mut seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        look(&self.sides, &mut seen, true);
        seen
    }

    fn end(&mut self) {
        drop(self.finish.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

fn check(sides: &Sides) -> Result<(), PeerError> {
    sides.viewer.iter().chain(&sides.server).try_for_each(Watched::check)
}

fn look(sides: &Sides, seen: &mut Seen, usage: bool) {
    let bytes = sides.relay.counts().bytes_down;
    if seen.bytes_down.last().map_or(0, |(_, last)| *last) < bytes {
        seen.bytes_down.push((Instant::now(), bytes));
    }
    if usage {
        let grown = |known: &mut Option<Usage>, programs: &[Watched]| {
            let pids: Vec<Pid> = programs.iter().map(Watched::pid).collect();
            let now = Usage::of(&pids);
            *known = known.zip(now).map(|(a, b)| a.max(b)).or(*known).or(now);
        };
        grown(&mut seen.server, &sides.server);
        grown(&mut seen.viewer, &sides.viewer);
    }
}
