//! What can be wrong with a trace.

use std::io;
use std::path::PathBuf;

use panto_protocol::canvas::PaintError;
use panto_protocol::wire::DecodeError;

/// Why a trace cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be opened, read or written.
    #[error("the trace {} cannot be read or written: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not begin as a trace does.
    #[error("{} is no Panto trace; make one with: panto record FILE -- COMMAND", .path.display())]
    NotATrace {
        /// Which file.
        path: PathBuf,
    },
    /// It was made by a newer or older Panto.
    #[error(
        "{}: this Panto reads traces of version {known}, and this one has version {found}; \
         use the Panto that made it, or record it again", .path.display()
    )]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u16,
        /// Ours.
        known: u16,
    },
    /// Its draw commands are not the ones that this program knows.
    #[error(
        "{}: its draw commands are of protocol version {found}, and this Panto draws version {known}; record it again",
        .path.display()
    )]
    Commands {
        /// Which file.
        path: PathBuf,
        /// Its protocol version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The file ends before the trace does: the recording was interrupted, or the file cut.
    #[error(
        "{} is cut short after {seconds:.1} s: {}", .path.display(),
        if *.seconds > 0.0 { "what comes before can be used" } else { "nothing of it can be used" }
    )]
    Cut {
        /// Which file.
        path: PathBuf,
        /// Seconds of the trace until there.
        seconds: f64,
    },
    /// Bytes that make no sense.
    #[error("{} is damaged at byte {offset}: {what}", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where its section begins.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// An event that cannot happen to this scene.
    #[error("the trace cannot be played after {seconds:.3} s: {source}")]
    Unplayable {
        /// Seconds of the trace.
        seconds: f64,
        /// Why.
        source: PaintError,
    },
}

impl TraceError {
    /// Whether everything before was read well, so that the part may be used and marked.
    pub fn is_partial(&self) -> bool {
        matches!(self, Self::Cut { .. } | Self::Damaged { .. })
    }
}

/// What is wrong with a section, before it is known of which file.
pub(super) fn wrong(error: DecodeError) -> String {
    error.to_string()
}
