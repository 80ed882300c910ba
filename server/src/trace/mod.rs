//! Traces: everything that a source did to its scene, in a file, so that the same
//! work can be sent again in another way.
//!
//! ```text
//!   scene ─► Recorder ─► Writer ─► file ─► Reader ─► Player ─► scene
//! ```
//!
//! A trace is lossless: a player's scene equals the recorded one after every entry,
//! pixel for pixel. It holds times of input, never which keys were pressed. Its format
//! does not depend on how Panto encodes pixels on the wire (`format.rs`); draw commands
//! are those of one version of PROTOCOL.md, which the header names.

mod error;
mod format;
mod player;
mod reader;
mod recorder;
mod snapshot;
mod writer;

use std::path::Path;

use panto_protocol::canvas::CursorImage;
use panto_protocol::draw::{DrawCommand, SurfaceId};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::time::Micros;
use serde::{Deserialize, Serialize};

pub use error::TraceError;
pub use player::Player;
pub use reader::{Reader, Summary};
pub use recorder::Recorder;
pub use writer::Writer;

/// Version of the file format.
pub const VERSION: u16 = 1;

/// The oldest protocol version whose plain draw commands read and paint as today's do.
const COMMANDS_SINCE: u32 = 2;

/// What a trace says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// Short name, for tables.
    pub title: String,
    /// What can be seen in it, and how it was made.
    #[serde(default)]
    pub description: String,
    /// `panto` and its version.
    #[serde(default)]
    pub generator: String,
    /// Width of the screen at the beginning, pixels.
    pub width: u32,
    /// Height of the screen at the beginning, pixels.
    pub height: u32,
    /// Version of PROTOCOL.md that the draw commands are of.
    pub commands_version: u32,
}

/// What a person did; never which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// A key was pressed.
    Key,
    /// A button was pressed or released.
    Button,
    /// The wheel was turned.
    Scroll,
    /// The pointer was moved.
    Motion,
}

/// Something that happened to the scene.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The source drew this.
    Draw(DrawCommand),
    /// The source only knew that pixels of a rectangle may have changed.
    Pixels {
        /// Where.
        surface: SurfaceId,
        /// Which; on the surface.
        rect: Rect,
        /// The rows that really changed.
        rows: Rows,
    },
    /// The pointer looks like this.
    Cursor(CursorImage),
    /// The pointer is here.
    Pointer(Point),
    /// Size of the screen and its monitors.
    Outputs {
        /// The screen.
        size: Size,
        /// At least one.
        outputs: Vec<Rect>,
    },
    /// A person did something.
    Input(InputKind),
}

/// Rows of a rectangle that differ from what was there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// For every row of the rectangle, from the top: whether it is in `pixels`.
    pub changed: Vec<bool>,
    /// The changed rows' pixels, one after the other, each row whole.
    pub pixels: Vec<u32>,
}

/// An event and its time since the beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Since the recording began.
    pub at: Micros,
    /// What happened.
    pub event: Event,
}

/// Reads a trace's header and counts what is in it.
///
/// # Errors
///
/// If the file is no trace, or one of another version. One that is cut short is
/// summarised as far as it goes, with [`Summary::cut`] set.
pub fn summarize(path: &Path) -> Result<Summary, TraceError> {
    Reader::open(path)?.summarize()
}
