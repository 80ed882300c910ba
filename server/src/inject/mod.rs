//! What the person at the viewer does, done to the real screen.

mod keymap;
mod spare;
mod xtest;

use panto_protocol::message::InputEvent;
use x11rb::errors::{ConnectionError, ReplyError};

use crate::capture::{CaptureError, DisplayError};

pub use xtest::XtestInjector;

/// Does what viewers send. Implementations keep the set of keys and buttons that
/// *they* hold down, so that [`Injector::release_all`] leaves nothing stuck.
pub trait Injector: Send {
    /// Does `event`. What cannot be done (a key that does not exist here) is left out
    /// silently; an error means that no further input will work.
    fn inject(&mut self, event: &InputEvent) -> Result<(), InjectError>;

    /// Releases every key and button that is held down here.
    fn release_all(&mut self) -> Result<(), InjectError>;
}

/// Why input cannot be injected.
#[derive(Debug, thiserror::Error)]
pub enum InjectError {
    /// The display cannot be reached.
    #[error(transparent)]
    Display(#[from] DisplayError),
    /// The X server lacks an extension that injection cannot do without.
    #[error("the X server has no {extension} extension, so it takes no keyboard and pointer from a program")]
    Missing {
        /// The extension's name.
        extension: &'static str,
    },
    /// The X server is gone or refuses a request.
    #[error(transparent)]
    Server(CaptureError),
}

impl From<ConnectionError> for InjectError {
    fn from(error: ConnectionError) -> Self {
        Self::Server(error.into())
    }
}

impl From<ReplyError> for InjectError {
    fn from(error: ReplyError) -> Self {
        Self::Server(error.into())
    }
}
