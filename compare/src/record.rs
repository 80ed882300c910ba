//! Recording what happens on a display, with or without a scripted person.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use panto_protocol::geometry::Size;
use panto_protocol::message::InputEvent;
use panto_protocol::time::Micros;
use panto_server::capture::{CaptureError, InputWatch, ObservedInput, Windows};
use panto_server::demo::{Desktop, perform, script};
use panto_server::scene::{Scene, SharedScene};
use panto_server::source::{Source, X11Source, X11SourceError};
use panto_server::trace::{Header, InputKind, Recorder, TraceError};
use panto_server::virtual_display::{CommandExit, VirtualDisplay, VirtualError};

use crate::person::{Person, PersonError};
use crate::script::{Script, Step};

/// How long the first picture of a display may take.
const FIRST_PICTURE: Duration = Duration::from_secs(10);

/// What comes within this time after a script's end still belongs to it.
const TAIL: Duration = Duration::from_millis(500);

/// How often a running recording looks for its end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What to record.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A display that is there.
    Display(String),
    /// A new virtual display of this size with a command on it.
    Virtual {
        /// Its size.
        size: Size,
        /// Program and arguments.
        command: Vec<OsString>,
    },
    /// The demo desktop's script, in virtual time.
    Demo(Size),
}

/// How to record.
#[derive(Debug, Clone)]
pub struct RecordOptions {
    /// Title and description.
    pub header: Header,
    /// What a person does; recording ends with it.
    pub script: Option<Script>,
    /// Ends the recording, whatever is still going on.
    pub limit: Option<Duration>,
    /// zstd's level, 1 to 19.
    pub level: i32,
    /// Whether windows are recorded one by one.
    pub windows: Windows,
}

/// How a recording ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The script was followed to its end.
    Script,
    /// The command ended.
    Command(CommandExit),
    /// The limit was reached.
    Limit,
    /// Someone stopped it.
    Stopped,
}

/// Why there is no recording, or only a part.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The virtual display cannot start.
    #[error(transparent)]
    Virtual(#[from] VirtualError),
    /// The display cannot be captured.
    #[error(transparent)]
    Source(#[from] X11SourceError),
    /// Its input cannot be observed.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The script cannot be followed. What was recorded until then is kept.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// The trace cannot be written.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The display shows nothing.
    #[error("the display gave no picture within {} s", FIRST_PICTURE.as_secs())]
    NoPicture,
    /// The display is gone. What was recorded until then is kept.
    #[error("{0}; what was recorded until then is kept")]
    Lost(String),
    /// The command ended before the script did.
    #[error("the command ended ({0}) before its script did; what was recorded until then is kept")]
    CommandEnded(CommandExit),
}

/// Records until the script's or the command's end, the limit, or `stop`.
///
/// # Errors
///
/// What was recorded before an error stays in the file, and can be played.
pub fn record(
    out: &Path,
    subject: Subject,
    options: &RecordOptions,
    stop: &AtomicBool,
) -> Result<Ending, RecordError> {
    let (display, own) = match subject {
        Subject::Demo(size) => return record_demo(out, size, options),
        Subject::Display(name) => (name, None),
        Subject::Virtual { size, command } => {
            let display = VirtualDisplay::start(size, size, &command)?;
            (display.display().to_owned(), Some(display))
        }
    };
    let (source, scene) = X11Source::start(Some(&display), options.windows)?;
    let tape = Tape::default();
    scene.on_update({
        let tape = tape.clone();
        move |scene| tape.observe(scene)
    });
    let watch = Watch::start(InputWatch::open(Some(&display))?, tape.clone());
    // Capture rests without viewers.
    let _viewing = scene.view();
    if !tape.wait_for_picture() {
        return Err(RecordError::NoPicture);
    }
    let recording = Recording { out, options, stop, tape, scene: &scene, source: &source, own: own.as_ref() };
    let result = recording.run(&display);
    drop(watch);
    let finished = recording.tape.finish();
    let ending = result?;
    finished?;
    Ok(ending)
}

struct Recording<'a> {
    out: &'a Path,
    options: &'a RecordOptions,
    stop: &'a AtomicBool,
    tape: Tape,
    scene: &'a SharedScene,
    source: &'a X11Source,
    own: Option<&'a VirtualDisplay>,
}

impl Recording<'_> {
    fn run(&self, display: &str) -> Result<Ending, RecordError> {
        let began = Instant::now();
        let over = || self.options.limit.is_some_and(|limit| began.elapsed() >= limit);
        let exited = || self.own.and_then(VirtualDisplay::command_exited);
        let Some(script) = &self.options.script else {
            self.begin()?;
            return loop {
                if let Some(ending) = self.end(over(), exited())? {
                    // What a command draws last arrives after it has ended.
                    std::thread::sleep(LOOK_EVERY.max(Duration::from_millis(100)));
                    break Ok(ending);
                }
                std::thread::sleep(LOOK_EVERY);
            };
        };
        let mut person = Person::at(display, display)?;
        let waits = script.steps.iter().position(|s| matches!(s, Step::Begin));
        let (before, after) = script.steps.split_at(waits.unwrap_or(0));
        let part = |steps: &[Step]| Script { steps: steps.to_vec() };
        let mut quit = || self.stop.load(Ordering::Relaxed) || over() || exited().is_some();
        let mut result = person.follow(&part(before), &mut quit);
        if result.is_ok() {
            self.begin()?;
            result = person.follow(&part(after), &mut quit);
        }
        match result {
            Ok(()) => {
                std::thread::sleep(TAIL);
                Ok(Ending::Script)
            }
            Err(PersonError::Stopped) => match (exited(), self.end(over(), None)?) {
                (Some(exit), _) => Err(RecordError::CommandEnded(exit)),
                (None, ending) => Ok(ending.unwrap_or(Ending::Stopped)),
            },
            Err(error) => match self.source.failure() {
                Some(failure) => Err(RecordError::Lost(failure)),
                None => Err(error.into()),
            },
        }
    }

    fn end(&self, over: bool, exited: Option<CommandExit>) -> Result<Option<Ending>, RecordError> {
        if let Some(failure) = self.source.failure() {
            return Err(RecordError::Lost(failure));
        }
        Ok(if self.stop.load(Ordering::Relaxed) {
            Some(Ending::Stopped)
        } else if let Some(exit) = exited {
            Some(Ending::Command(exit))
        } else {
            over.then_some(Ending::Limit)
        })
    }

    /// The recording begins with what the screen shows now.
    fn begin(&self) -> Result<(), TraceError> {
        // The scene stands still while its lock is held.
        let scene = self.scene.lock();
        self.tape.begin(self.out, self.options, &scene)
    }
}

/// The recorder between the capture's thread, the input's and the person's.
#[derive(Clone, Default)]
struct Tape(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    seen: Condvar,
}

#[derive(Default)]
struct State {
    recorder: Option<(Recorder, Instant)>,
    /// Whether the display has shown anything.
    seen: bool,
}

impl Tape {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe(&self, scene: &Scene) {
        let mut state = self.lock();
        state.seen = true;
        if let Some((recorder, began)) = &mut state.recorder {
            recorder.observe(scene, began.elapsed().into());
        }
        self.0.seen.notify_all();
    }

    fn input(&self, kind: InputKind) {
        if let Some((recorder, began)) = &mut self.lock().recorder {
            recorder.input(kind, began.elapsed().into());
        }
    }

    fn wait_for_picture(&self) -> bool {
        let state = self.lock();
        let waited = self.0.seen.wait_timeout_while(state, FIRST_PICTURE, |s| !s.seen);
        waited.unwrap_or_else(PoisonError::into_inner).0.seen
    }

    fn begin(&self, out: &Path, options: &RecordOptions, scene: &Scene) -> Result<(), TraceError> {
        let recorder = Recorder::create(out, options.header.clone(), options.level, scene)?;
        self.lock().recorder = Some((recorder, Instant::now()));
        Ok(())
    }

    fn finish(&self) -> Result<(), TraceError> {
        let recorder = self.lock().recorder.take();
        recorder.map_or(Ok(()), |(recorder, began)| recorder.finish(began.elapsed().into()))
    }
}

/// A thread that notes inputs, until it is dropped.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    fn start(mut watch: InputWatch, tape: Tape) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                // The display's end is reported by the capture.
                let Ok(input) = watch.next(Duration::from_millis(100)) else { return };
                match input {
                    Some(ObservedInput::Key) => tape.input(InputKind::Key),
                    Some(ObservedInput::Button) => tape.input(InputKind::Button),
                    Some(ObservedInput::Scroll) => tape.input(InputKind::Scroll),
                    Some(ObservedInput::Motion) => tape.input(InputKind::Motion),
                    None => {}
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The demo's script needs no clock.
fn record_demo(out: &Path, size: Size, options: &RecordOptions) -> Result<Ending, RecordError> {
    let mut scene = Scene::new(size);
    let mut desktop = Desktop::new(&mut scene, Micros::ZERO);
    let mut recorder = Recorder::create(out, options.header.clone(), options.level, &scene)?;
    let limit = options.limit.map_or(Micros(u64::MAX), Micros::from);
    let mut last = Micros::ZERO;
    let more = perform(&mut desktop, &mut scene, limit, |input, scene, now| {
        match input {
            Some(InputEvent::Button { .. }) => recorder.input(InputKind::Button, now),
            Some(InputEvent::Scroll { .. }) => recorder.input(InputKind::Scroll, now),
            Some(InputEvent::Pointer { .. }) => recorder.input(InputKind::Motion, now),
            Some(_) => recorder.input(InputKind::Key, now),
            None => {}
        }
        recorder.observe(scene, now);
        last = now;
    });
    if more.is_some() {
        recorder.finish(limit)?;
        return Ok(Ending::Limit);
    }
    recorder.finish(last.max(script(size).rest))?;
    Ok(Ending::Script)
}
