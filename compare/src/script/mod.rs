//! The scripted user: what a person would do, as a flat list of inputs and waits.
//!
//! One command a line; a line that begins with `#` is a comment. Times are written
//! `300ms`, `1.5s` or `2m`; options in brackets may come in any order.
//!
//! | line                                                     | what it does                                      |
//! |----------------------------------------------------------|---------------------------------------------------|
//! | `begin`                                                  | what came before was preparation: recording and measuring begin here |
//! | `wait window CLASS [within 10s]`                         | waits until a window of this class is shown       |
//! | `wait still 300ms`                                       | waits until the screen has rested for so long     |
//! | `pause 500ms`                                            | does nothing for so long                          |
//! | `type "TEXT" [every 50ms]`                               | types; `\n`, `\t`, `\"` and `\\` are escapes      |
//! | `key Ctrl+Shift+Return [times 3] [every 100ms]`          | presses a key, by its X keysym's name             |
//! | `move X Y [over 300ms] [steps 10]`                       | moves the pointer                                 |
//! | `click X Y [button 2] [times 2]`                         | clicks there                                      |
//! | `drag X1 Y1 X2 Y2 [steps 20] [every 16ms] [button 1]`    | presses, moves, releases                          |
//! | `wheel up\|down\|left\|right [N] [every 50ms] [at X Y]`  | turns the wheel by N notches                      |
//! | `repeat N` … `end`                                       | does the lines between N times, four deep at most |
//!
//! `every` is the pause *after* each key, step or notch, the last one included, so
//! that two lines one after the other keep their rhythm. A pointer that has not been
//! moved yet begins at 0 0.

mod keys;
mod line;
mod parse;
mod unroll;
mod words;

use std::time::Duration;

use panto_protocol::message::InputEvent;

/// Steps that a script may have once its loops are unrolled: an hour of typing at
/// more than nine keys a second (two inputs and a pause each).
pub const MAX_STEPS: usize = 100_000;

/// Loops within loops.
pub const MAX_NESTING: usize = 4;

/// What a scripted user does, loops unrolled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// In order; [`MAX_STEPS`] at most.
    pub steps: Vec<Step>,
}

/// One thing that a scripted user does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What came before was preparation: recording and measuring begin here.
    Begin,
    /// An input. Keys are given by keysym, with no physical key and no text.
    Input(InputEvent),
    /// Nothing for so long.
    Pause(Duration),
    /// Wait until the screen has not changed for so long.
    WaitStill(Duration),
    /// Wait for a window.
    WaitWindow {
        /// Its class: either half of the window's `WM_CLASS`.
        class: String,
        /// Give up after this time.
        within: Duration,
    },
}

/// A line that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, `{quoted}`: {problem}")]
pub struct ScriptError {
    /// Number of the line, from 1.
    pub line: usize,
    /// The line itself, shortened if it is long.
    pub quoted: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// The first line that is not understood.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        parse::parse(text).map(|steps| Self { steps })
    }

    /// Inputs, each press and each release counted.
    pub fn inputs(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, Step::Input(_))).count()
    }

    /// Sum of the pauses: what the script takes when nothing else has to be waited for.
    pub fn duration(&self) -> Duration {
        self.steps.iter().map(|step| if let Step::Pause(time) = step { *time } else { Duration::ZERO }).sum()
    }
}
