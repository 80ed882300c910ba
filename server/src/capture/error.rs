//! What can go wrong while capturing.

use x11rb::errors::{ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::x11_utils::X11Error;

use super::DisplayError;

/// Why a capture cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The display cannot be reached.
    #[error(transparent)]
    Display(#[from] DisplayError),
    /// The X server lacks an extension that capture cannot do without.
    #[error("the X server at {display} has no {extension} extension (version {need} or newer is needed)")]
    Missing {
        /// The display.
        display: String,
        /// The extension's name.
        extension: &'static str,
        /// The oldest version that will do.
        need: &'static str,
    },
    /// The screen's pixels have a form that is not supported.
    #[error(
        "the screen has {what}, which is not supported; \
         start the X server with 24-bit colour (Xvfb -screen 0 1280x800x24, or DefaultDepth 24 in xorg.conf)"
    )]
    Unsupported {
        /// The form.
        what: String,
    },
    /// The X server went away.
    #[error("the X server is gone: {source}")]
    Lost {
        /// What the connection said.
        source: ConnectionError,
    },
    /// The X server refused a request.
    #[error("the X server refused {request}: {error}")]
    Request {
        /// The request's name.
        request: String,
        /// The kind of error.
        error: String,
    },
    /// The X server answered with something impossible.
    #[error("the X server's answer makes no sense: {what}")]
    Nonsense {
        /// What does not fit.
        what: &'static str,
    },
    /// The screen's size cannot be changed.
    #[error("the screen cannot be resized: {why}")]
    Resize {
        /// What stands against it.
        why: &'static str,
    },
    /// The operating system refused something.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What it said.
        source: std::io::Error,
    },
}

impl From<ConnectionError> for CaptureError {
    fn from(source: ConnectionError) -> Self {
        Self::Lost { source }
    }
}

impl From<X11Error> for CaptureError {
    fn from(error: X11Error) -> Self {
        let name = error.request_name.unwrap_or("a request");
        let request = match &error.extension_name {
            Some(extension) => format!("{extension} {name}"),
            None => name.to_owned(),
        };
        Self::Request { request, error: format!("{:?} (value {:#x})", error.error_kind, error.bad_value) }
    }
}

impl From<ReplyError> for CaptureError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::ConnectionError(source) => source.into(),
            ReplyError::X11Error(error) => error.into(),
        }
    }
}

impl From<ReplyOrIdError> for CaptureError {
    fn from(error: ReplyOrIdError) -> Self {
        match error {
            ReplyOrIdError::IdsExhausted => Self::Nonsense { what: "it has no resource ids left" },
            ReplyOrIdError::ConnectionError(source) => source.into(),
            ReplyOrIdError::X11Error(error) => error.into(),
        }
    }
}
