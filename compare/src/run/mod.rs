//! One workload sent in one way over one link, in virtual time.
//!
//! ```text
//!   workload ─► scene ─► Delivery ─► ServerConnection ─► Link ─► ClientConnection ─► Painting
//!       ▲                                                 │                             │
//!       └────────────── inputs ◄──────────────────────────┴──────── a person ◄──────────┘
//! ```
//!
//! Server and viewer are the very code that real sockets drive; only sockets and clock
//! are replaced. Computing takes no virtual time: what it costs is measured beside, in
//! CPU seconds. So bytes and latencies are exact, and the same in every run.

#[cfg(test)]
mod drag;
mod gauge;
mod server;
mod viewer;

use panto_protocol::canvas::PaintError;
use panto_protocol::connection::ConnectionError;
use panto_protocol::message::{InputEvent, Settings};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_server::trace::TraceError;
use panto_viewer::core::{FrameError, Library};
use thiserror::Error;

use crate::figures::Figures;
use crate::link::{ConnectionId, Direction, Link, Profile};
use crate::workload::{Performance, Workload};
use gauge::Gauge;
use server::ServerSide;
use viewer::ViewerSide;

/// How the work's time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// As it was recorded.
    #[default]
    Recorded,
    /// Everything that happens waits until the change before it is on the viewer's screen
    /// whole: what the work costs when nothing is left out (Nieh et al., slow-motion benchmarking).
    SlowMotion,
}

/// How to run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How the picture is sent.
    pub settings: Settings,
    /// Over which link.
    pub link: Profile,
    /// How time passes.
    pub pace: Pace,
    /// For jitter and loss.
    pub seed: u64,
    /// The run is ended after so much of virtual time, and its figures are partial.
    pub limit: Micros,
    /// Whether the viewer shows a window that is dragged where the pointer is, before the
    /// server says so.
    pub local_moves: bool,
    /// Whether the picture that is left is tinted by how each area was sent.
    pub explain: bool,
    /// What the viewer kept of an earlier session, if it keeps anything ([`Outcome::library`]).
    pub library: Option<Library>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            link: Profile { name: "none".into(), ..Profile::default() },
            pace: Pace::Recorded,
            seed: 1,
            limit: Micros::from_millis(3_600_000),
            local_moves: true,
            explain: false,
            library: None,
        }
    }
}

/// Why a run ended early.
#[derive(Debug, Error)]
pub enum RunError {
    /// The workload cannot be read or played.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The planner could not describe the picture.
    #[error("the picture cannot be described: {0}")]
    Plan(#[from] PaintError),
    /// The viewer could not paint what the planner sent.
    #[error("the viewer cannot paint: {0}")]
    Paint(#[from] FrameError),
    /// One end refused what the other said.
    #[error("the connection failed: {0}")]
    Connection(#[from] ConnectionError),
    /// The viewer's picture is not the server's: a bug, never a matter of settings.
    #[error("after {frames} frames the viewer's picture is not the server's: a bug, please report it")]
    Different {
        /// Frames until then.
        frames: u64,
    },
    /// The workload does not end, or the link is too slow for it.
    #[error(
        "not at its end after {seconds:.0} s of virtual time, so it was stopped: allow more (--limit), or use a faster link"
    )]
    Endless {
        /// The limit.
        seconds: f64,
    },
    /// Whoever started it wanted it to end.
    #[error("stopped before its end")]
    Stopped,
}

/// What a run leaves.
#[derive(Debug)]
pub struct Outcome {
    /// Figures; those of a run that ended early have [`Figures::error`] set.
    pub figures: Figures,
    /// What the viewer shows at the end.
    pub picture: Picture,
    /// What the viewer keeps for its next session, if it keeps anything.
    pub library: Option<Library>,
    /// Why it ended early.
    pub error: Option<RunError>,
}

/// Runs a workload to its end, or to an error, with figures until then. `progress` is told
/// now and then how much of the work is done, 0 to 1, and whether to go on is its answer.
pub fn run(workload: &Workload, options: &RunOptions, progress: &mut dyn FnMut(f64) -> bool) -> Outcome {
    let mut gauge = Gauge::new(workload.marks(), options.settings.is_lossless());
    let mut viewer = ViewerSide::new(options);
    let mut server = ServerSide::default();
    let mut link = Link::new(&options.link, options.seed);
    let result = workload.perform().map_err(RunError::from).and_then(|performance| {
        let connection = link.open(Micros::ZERO);
        let inputs = workload.inputs();
        let person = inputs.into_iter().peekable();
        let length = Micros((workload.info().duration_s * 1e6) as u64);
        let work = Work { performance, person, began: None, shift: Micros::ZERO, length };
        Run { options, work, link: &mut link, connection, now: Micros::ZERO }.play(
            &mut server,
            &mut viewer,
            &mut gauge,
            progress,
        )
    });
    let (cut, error) = match result {
        Ok(cut) => (cut, None),
        Err(error) => (Some(error.to_string()), Some(error)),
    };
    let mut figures = gauge.figures(&server, &viewer, &link);
    let settings = options.settings;
    figures.workload = workload.name().into();
    figures.link = options.link.name.clone();
    figures.system = "panto".into();
    figures.mode = settings.mode.name().into();
    figures.depth = settings.depth.bits();
    figures.scale = settings.scale.divisor() as u8;
    figures.copy_rect = settings.copy_rect;
    figures.exact_only = settings.exact;
    figures.wire = settings.wire.name().into();
    figures.lossless = settings.is_lossless();
    figures.warm = options.library.as_ref().is_some_and(|library| !library.is_empty());
    figures.time = "virtual".into();
    figures.error = cut;
    let (picture, library) = viewer.into_left();
    Outcome { figures, picture, library, error }
}

/// The work and its clock.
struct Work {
    performance: Performance,
    person: std::iter::Peekable<std::vec::IntoIter<(Micros, InputEvent)>>,
    /// When the first picture was whole: the person begins.
    began: Option<Micros>,
    /// By how much slow motion is late.
    shift: Micros,
    length: Micros,
}

impl Work {
    /// When anything happens next, on the run's clock.
    fn next_at(&mut self) -> Option<Micros> {
        let begin = self.began? + self.shift;
        let person = self.person.peek().map(|(at, _)| *at);
        let next = [person, self.performance.next_at()].into_iter().flatten().min()?;
        Some(begin + next)
    }

    fn is_over(&mut self) -> bool {
        self.person.peek().is_none() && self.performance.is_over()
    }
}

struct Run<'a> {
    options: &'a RunOptions,
    work: Work,
    link: &'a mut Link,
    connection: ConnectionId,
    now: Micros,
}

impl Run<'_> {
    /// Returns why the workload itself was cut short, if it was.
    fn play(
        mut self,
        server: &mut ServerSide,
        viewer: &mut ViewerSide,
        gauge: &mut Gauge,
        progress: &mut dyn FnMut(f64) -> bool,
    ) -> Result<Option<String>, RunError> {
        let mut told = Micros::ZERO;
        loop {
            self.now_step(server, viewer, gauge)?;
            if self.is_finished(server, viewer) {
                break;
            }
            let next = self.next(server, viewer);
            // Nothing will ever happen again, yet it is not finished: a picture that is never whole.
            let Some(next) = next.filter(|at| *at <= self.options.limit) else {
                return Err(RunError::Endless { seconds: self.options.limit.0 as f64 / 1e6 });
            };
            self.now = next.max(self.now);
            if self.now.since(told) > Micros(100_000) {
                told = self.now;
                let done = self.now.since(self.work.began.unwrap_or(self.now)).0 as f64;
                if !progress((done / self.work.length.0.max(1) as f64).min(1.0)) {
                    return Err(RunError::Stopped);
                }
            }
        }
        let lossless = self.options.settings.is_lossless();
        let right = match lossless {
            true => viewer.has(&self.work.performance.scene().canvas().screen()),
            false => server.shadow().is_none_or(|shadow| viewer.has(&shadow)),
        };
        if !right || viewer.digests_wrong() > 0 {
            return Err(RunError::Different { frames: viewer.frames() });
        }
        gauge.finished();
        Ok(self.work.performance.cut())
    }

    /// Does everything that is to be done now.
    fn now_step(
        &mut self,
        server: &mut ServerSide,
        viewer: &mut ViewerSide,
        gauge: &mut Gauge,
    ) -> Result<(), RunError> {
        loop {
            self.link.advance(self.now);
            let mut moved = self.happen(server, viewer, gauge)?;
            let mut ends = Ends { link: self.link, connection: self.connection, now: self.now };
            moved |= server.step(
                &mut ends,
                &mut self.work.performance,
                self.work.began,
                self.work.shift,
                gauge,
            )?;
            moved |= viewer.step(&mut ends, gauge)?;
            if self.work.began.is_none() && viewer.first_picture().is_some() {
                self.work.began = Some(self.now);
                gauge.began(self.work.performance.scene(), viewer.picture(), self.now);
                moved = true;
            }
            if !moved {
                return Ok(());
            }
        }
    }

    /// Lets the screen and the person do what they do now.
    fn happen(
        &mut self,
        server: &mut ServerSide,
        viewer: &mut ViewerSide,
        gauge: &mut Gauge,
    ) -> Result<bool, RunError> {
        let mut moved = false;
        while let Some(at) = self.work.next_at().filter(|at| *at <= self.now) {
            if self.options.pace == Pace::SlowMotion {
                if !self.is_delivered(server, viewer) {
                    break;
                }
                self.work.shift = self.work.shift + self.now.since(at);
            }
            let began = self.work.began.unwrap_or(self.now) + self.work.shift;
            let time = self.now.since(began);
            let before = self.work.performance.scene().position();
            if let Some((_, event)) = self.work.person.next_if(|(at, _)| *at <= time) {
                if matches!(event, InputEvent::Key { down: true, .. }) {
                    gauge.typed(self.now);
                }
                viewer.input(&event, self.now);
            } else if !self.work.performance.advance(time)? {
                break;
            }
            if self.work.performance.scene().position() != before {
                gauge.changed(self.work.performance.scene(), self.now);
            }
            moved = true;
            if self.options.pace == Pace::SlowMotion {
                break;
            }
        }
        Ok(moved)
    }

    /// Whether the viewer shows the screen as it is, and nothing is on its way.
    fn is_delivered(&mut self, server: &ServerSide, viewer: &ViewerSide) -> bool {
        server.is_settled(self.work.performance.scene())
            && server.frames_sent() == viewer.frames()
            && Direction::BOTH.iter().all(|&d| self.link.is_drained(self.connection, d))
            && viewer.is_idle()
    }

    fn is_finished(&mut self, server: &ServerSide, viewer: &ViewerSide) -> bool {
        self.work.began.is_some()
            && self.work.is_over()
            && self.is_delivered(server, viewer)
            && server.is_silent(self.now)
    }

    fn next(&mut self, server: &ServerSide, viewer: &ViewerSide) -> Option<Micros> {
        let delivered = self.is_delivered(server, viewer);
        // In slow motion what is due waits for the picture, not for the clock.
        let waits = self.options.pace == Pace::SlowMotion && !delivered;
        let work = self.work.next_at().filter(|_| !waits);
        [work, self.link.next_event(), server.next_at(), viewer.next_at()].into_iter().flatten().min()
    }
}

/// Where both sides plug in.
struct Ends<'a> {
    link: &'a mut Link,
    connection: ConnectionId,
    now: Micros,
}

impl Ends<'_> {
    /// Writes as much of `out` as there is room for, as a socket would.
    fn write(&mut self, direction: Direction, out: &mut Outbox) -> bool {
        let room = self.link.room(self.connection, direction).min(out.bytes.len() - out.written);
        if room == 0 {
            return false;
        }
        let bytes = &out.bytes[out.written..out.written + room];
        self.link.write(self.connection, direction, bytes, self.now);
        out.written += room;
        out.total += room as u64;
        true
    }

    fn read(&mut self, direction: Direction) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.link.read(self.connection, direction, &mut bytes);
        bytes
    }
}

/// Bytes chosen for the wire that the socket has not taken yet, as in `panto_transport::Pipe`.
#[derive(Debug, Default)]
struct Outbox {
    bytes: Vec<u8>,
    written: usize,
    total: u64,
}

impl Outbox {
    fn is_empty(&self) -> bool {
        self.written == self.bytes.len()
    }

    /// The buffer, emptied: call only when everything is written.
    fn begin(&mut self) -> &mut Vec<u8> {
        self.bytes.clear();
        self.written = 0;
        &mut self.bytes
    }
}

/// Seconds of processor time of this thread, and what a part of the work took of it.
fn timed<T>(sum: &mut f64, work: impl FnOnce() -> T) -> T {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let began = now();
    let result = work();
    *sum += now() - began;
    result
}
