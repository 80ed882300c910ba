//! Why a command could not be painted.

use thiserror::Error;

use crate::draw::{GlyphSlot, SurfaceId, TileSlot, WindowId};
use crate::wire::DecodeError;

/// Why a command could not be painted; the sender is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PaintError {
    /// A command names a surface that does not exist.
    #[error("no surface {}", .0.0)]
    UnknownSurface(SurfaceId),
    /// A command names a window that does not exist.
    #[error("no window {}", .0.0)]
    UnknownWindow(WindowId),
    /// A run uses a glyph slot that was never filled.
    #[error("nothing in glyph slot {}", .0.0)]
    UnknownGlyph(GlyphSlot),
    /// A command uses a tile slot that was never filled.
    #[error("nothing in tile slot {}", .0.0)]
    UnknownTile(TileSlot),
    /// A recall names an entry that the viewer has not offered.
    #[error("{what} {index} was not offered")]
    NotOffered {
        /// Glyph or tile.
        what: &'static str,
        /// Its place in the offer.
        index: u32,
    },
    /// A surface or window is created with a number in use.
    #[error("{what} {id} exists already")]
    Exists {
        /// Surface or window.
        what: &'static str,
        /// Its number.
        id: u32,
    },
    /// A surface is destroyed while a window shows it, or surface 0 is created or destroyed.
    #[error("surface {} is in use", .0.0)]
    InUse(SurfaceId),
    /// More than the limits of `wire/limits.rs` allow.
    #[error("{what} beyond the limit")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
    },
    /// Something lies where it cannot.
    #[error("{what} out of range")]
    OutOfRange {
        /// What lies wrong.
        what: &'static str,
    },
    /// Encoded pixels are not valid.
    #[error("bad pixels: {0}")]
    Pixels(#[from] DecodeError),
}
