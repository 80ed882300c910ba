//! Whether windows are captured one by one, and if not, why.

use std::fmt;

/// Whether windows may be captured one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Windows {
    /// Where the X server lets us.
    #[default]
    Auto,
    /// Never: the screen is one flat picture.
    No,
}

/// How an X display is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowsState {
    /// Each window is a surface of its own.
    Surfaces,
    /// The screen is one picture, for this reason.
    Flat(Reason),
}

/// Why windows are not captured one by one. Each reads well after "flat: ".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nobody wants it.
    #[error("it was started with --windows no")]
    Unwanted,
    /// The extension is missing or too old.
    #[error("the X server has no COMPOSITE extension of version 0.4 or newer")]
    NoComposite,
    /// Somebody else puts the screen together.
    #[error("a compositing manager is running")]
    Compositor,
    /// The X server said no.
    #[error("the X server refused to redirect windows")]
    Refused,
    /// The pixmap of a window could not be had.
    #[error("the X server does not give a window's pixels")]
    Unnamed,
    /// A window's pixels have another form than the screen's.
    #[error("a window has another pixel format than the screen")]
    Format,
    /// More windows, or larger ones, than a viewer holds.
    #[error("there are more or larger windows than viewers can hold")]
    TooMuch,
}

impl Reason {
    /// Whether windows that come and go can take the reason away.
    pub(in super::super) fn may_pass(self) -> bool {
        matches!(self, Self::Unnamed | Self::Format | Self::TooMuch)
    }
}

impl fmt::Display for WindowsState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Surfaces => f.write_str("surfaces"),
            Self::Flat(reason) => write!(f, "flat: {reason}"),
        }
    }
}
