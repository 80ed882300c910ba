//! A person at a real display: hands that follow a [`Script`], and an [`Eye`].
//!
//! Whatever brings the picture there, the person is the same: keys and pointer by XTEST at
//! the display where they sit, latencies from what they see on it.

mod eye;

use std::time::{Duration, Instant};

use panto_protocol::message::InputEvent;
use panto_server::capture::{CaptureError, connect};
use panto_server::inject::{InjectError, Injector, XtestInjector};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, MapState, Window};
use x11rb::rust_connection::RustConnection;

use crate::figures::Distribution;
use crate::quality::Marks;
use crate::script::{Script, Step};

pub use eye::Eye;

/// How long a screen may take to come to rest when a script waits for it.
const STILL_PATIENCE: Duration = Duration::from_secs(30);

/// A change that comes later than this after an input is no answer to it (METRICS.md).
const LONGEST_ANSWER: Duration = Duration::from_secs(2);

/// The longest that an order to stop goes unnoticed.
const SLICE: Duration = Duration::from_millis(50);

/// How often it is looked for a window.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Why a script could not be followed to its end.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// The display cannot be watched.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Keys and pointer cannot be driven.
    #[error(transparent)]
    Inject(#[from] InjectError),
    /// The system refuses a thread or a descriptor.
    #[error("nobody can watch the display: {0}")]
    System(#[from] std::io::Error),
    /// A window that was waited for did not come.
    #[error("no window of class {class} was shown within {} s; is its program installed, and does it start?",
        .within.as_secs_f64())]
    NoWindow {
        /// Either half of its `WM_CLASS`.
        class: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// The screen never came to rest.
    #[error("the screen did not rest for {} ms within {} s", .time.as_millis(), STILL_PATIENCE.as_secs())]
    NeverStill {
        /// How long it should have rested.
        time: Duration,
    },
    /// Whoever started the person wanted it to end.
    #[error("the script was stopped before its end")]
    Stopped,
}

/// A person at a display.
pub struct Person {
    hands: XtestInjector,
    eye: Eye,
    /// Where the programs are that the script waits for.
    programs: RustConnection,
    root: Window,
    inputs: Vec<Instant>,
    begun: Option<Instant>,
    marks: Marks,
}

impl Person {
    /// Sits down at `display`, to work with programs whose windows are on `programs`:
    /// the same one, or that of a remote session which the display shows.
    ///
    /// # Errors
    ///
    /// If one of the displays cannot be used.
    pub fn at(display: &str, programs: &str) -> Result<Self, PersonError> {
        Self::at_since(display, programs, Instant::now())
    }

    /// The same, with an eye whose times are those since `began`.
    ///
    /// # Errors
    ///
    /// If one of the displays cannot be used.
    pub fn at_since(display: &str, programs: &str, began: Instant) -> Result<Self, PersonError> {
        let (conn, screen) = connect(Some(programs)).map_err(CaptureError::from)?;
        let root = conn.setup().roots[screen].root;
        Ok(Self {
            hands: XtestInjector::open(Some(display))?,
            eye: Eye::open_since(display, began)?,
            programs: conn,
            root,
            inputs: Vec::new(),
            begun: None,
            marks: Marks::default(),
        })
    }

    /// Looks at these from the script's beginning on.
    pub fn mark(&mut self, marks: Marks) {
        self.marks = marks;
    }

    /// What the person sees.
    pub fn eye(&self) -> &Eye {
        &self.eye
    }

    /// Follows a script to its end, or until `stop` says so (asked at every step and every 50 ms).
    ///
    /// # Errors
    ///
    /// If something that is waited for does not happen, or a display is gone. Keys and
    /// buttons are released in any case.
    pub fn follow(&mut self, script: &Script, mut stop: impl FnMut() -> bool) -> Result<(), PersonError> {
        // Pauses are kept by the clock, not one by one: what a step costs is not added to them.
        let mut due = Instant::now();
        for step in &script.steps {
            if stop() {
                return self.leave();
            }
            match step {
                Step::Begin => {
                    self.inputs.clear();
                    self.begun = Some(Instant::now());
                    if let Some(clip) = self.marks.clip {
                        self.eye.tape(clip);
                    }
                    if let Some(cells) = self.marks.echo {
                        self.eye.expect_echoes(cells);
                    }
                    due = Instant::now();
                }
                Step::Input(event) => {
                    if counts(event) {
                        self.inputs.push(Instant::now());
                    }
                    if matches!(event, InputEvent::Key { down: true, .. }) {
                        self.eye.typed();
                    }
                    self.hands.inject(event)?;
                }
                Step::Pause(time) => {
                    due = due.max(Instant::now() - *time) + *time;
                    while let Some(rest) = due.checked_duration_since(Instant::now()) {
                        std::thread::sleep(rest.min(SLICE));
                        if stop() {
                            return self.leave();
                        }
                    }
                }
                Step::WaitStill(time) => {
                    let began = Instant::now();
                    loop {
                        let rested = self.eye.last_change().map_or(began, |at| at.max(began)).elapsed();
                        if rested >= *time {
                            break;
                        }
                        if stop() {
                            return self.leave();
                        }
                        if began.elapsed() > STILL_PATIENCE {
                            self.hands.release_all()?;
                            return Err(PersonError::NeverStill { time: *time });
                        }
                        std::thread::sleep((*time - rested).min(SLICE));
                    }
                    due = Instant::now();
                }
                Step::WaitWindow { class, within } => {
                    let deadline = Instant::now() + *within;
                    while !self.has_window(class)? {
                        if stop() {
                            return self.leave();
                        }
                        if Instant::now() > deadline {
                            return Err(PersonError::NoWindow { class: class.clone(), within: *within });
                        }
                        std::thread::sleep(LOOK_EVERY);
                    }
                    due = Instant::now();
                }
            }
        }
        self.hands.release_all()?;
        Ok(())
    }

    fn leave(&mut self) -> Result<(), PersonError> {
        self.hands.release_all()?;
        Err(PersonError::Stopped)
    }

    /// When the script came to its `begin`, if it has one and did.
    pub fn begun(&self) -> Option<Instant> {
        self.begun
    }

    /// Times of the inputs since then that may have an answer.
    pub fn inputs(&self) -> &[Instant] {
        &self.inputs
    }

    /// From each input to the first change of the pixels after it (METRICS.md,
    /// `input_to_pixel_ms`, "From outside").
    pub fn latencies(&self) -> Option<Distribution> {
        if let Some(echoes) = self.eye.echoes() {
            return Distribution::new(echoes);
        }
        Distribution::new(answers(&self.inputs, &self.eye.changes()))
    }

    /// Whether a window of this class is shown, at any depth: window managers put theirs around it.
    fn has_window(&self, class: &str) -> Result<bool, CaptureError> {
        let mut open = vec![self.root];
        while let Some(window) = open.pop() {
            // Windows come and go while they are looked at.
            let Ok(tree) = self.programs.query_tree(window)?.reply() else { continue };
            for &child in &tree.children {
                let shown = self.programs.get_window_attributes(child)?.reply();
                if !shown.is_ok_and(|a| a.map_state == MapState::VIEWABLE) {
                    continue;
                }
                let named =
                    self.programs.get_property(false, child, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 256)?;
                let name = named.reply().map(|p| p.value).unwrap_or_default();
                if name.split(|b| *b == 0).any(|half| half.eq_ignore_ascii_case(class.as_bytes())) {
                    return Ok(true);
                }
            }
            open.extend(tree.children);
        }
        Ok(false)
    }
}

/// Whether an input is one that people wait for: not every step of the pointer, and not
/// the release of a key.
fn counts(event: &InputEvent) -> bool {
    match event {
        InputEvent::Key { down, .. } | InputEvent::Button { down, .. } => *down,
        InputEvent::Scroll { .. } | InputEvent::Text { .. } => true,
        InputEvent::Pointer { .. } | InputEvent::KeysDown { .. } => false,
    }
}

/// Milliseconds from inputs to their answers; both oldest first. Only where it is clear what
/// answers what: an input made before the one before it was answered makes no sample, and
/// neither does that one.
fn answers(inputs: &[Instant], changes: &[Instant]) -> Vec<f64> {
    let mut before_is_answered = true;
    let mut samples = Vec::new();
    for (i, input) in inputs.iter().enumerate() {
        let answer = changes.get(changes.partition_point(|c| c <= input));
        let answer = answer.filter(|a| inputs.get(i + 1).is_none_or(|next| *a <= next));
        if let Some(answer) = answer.filter(|a| before_is_answered && **a - *input <= LONGEST_ANSWER) {
            samples.push((*answer - *input).as_secs_f64() * 1e3);
        }
        before_is_answered = answer.is_some();
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clear_answers_count() {
        let began = Instant::now();
        let at = |ms: &[u64]| ms.iter().map(|ms| began + Duration::from_millis(*ms)).collect::<Vec<_>>();
        let samples = |inputs: &[u64], changes: &[u64]| {
            answers(&at(inputs), &at(changes)).into_iter().map(f64::round).collect::<Vec<_>>()
        };
        assert_eq!(samples(&[0, 100, 200], &[10, 130, 140, 250]), [10.0, 30.0, 50.0]);
        // The second came before the first was answered: the change at 70 may be of either.
        assert_eq!(samples(&[0, 50, 200], &[70, 90, 220]), [20.0]);
        // Nothing answers the last one in time.
        assert_eq!(samples(&[0, 100], &[10, 3_000]), [10.0]);
        assert!(samples(&[], &[5]).is_empty());
    }
}
