//! Pixels of a rectangle as bytes: section 7.7, and Tight, TRLE and cursors of rfbproto.
//!
//! | number | encoding                     | file         | state                  |
//! |--------|------------------------------|--------------|------------------------|
//! | 0      | Raw                          | `raw.rs`     | none                   |
//! | 2      | RRE                          | `rre.rs`     | none                   |
//! | 5      | Hextile                      | `hextile.rs` | none                   |
//! | 7      | Tight                        | `tight.rs`   | up to four zlib streams |
//! | 15     | TRLE                         | `trle.rs`    | none                   |
//! | 16     | ZRLE                         | `zrle.rs`    | one zlib stream        |
//! | −239   | Cursor                       | `cursor.rs`  | none                   |
//! | −314   | Cursor With Alpha            | `cursor.rs`  | none                   |
//!
//! What is encoded and decoded here is what follows the twelve bytes of a rectangle's header
//! ([`RectHeader`](super::RectHeader)). CopyRect has no pixels and is the caller's.
//!
//! zlib streams live as long as the connection: an [`Encoder`] belongs to one peer, every rectangle
//! that it has encoded must be sent, and in that order.
//!
//! Zero or more of a rectangle's bytes may be missing when a [`Decoder`] is called. It then says
//! [`TooShort`](crate::wire::DecodeError::TooShort), has changed nothing, and is to be called again
//! from the rectangle's beginning, or from where its [`Progress`] is. Its memory is bounded by the rectangle's size, which the caller
//! has to hold to the screen's, and by [`MAX_SURFACE_PIXELS`](crate::wire::MAX_SURFACE_PIXELS).

mod cursor;
mod decoder;
mod encoder;
mod hextile;
mod jpeg;
mod palette;
mod pixel_bytes;
mod progress;
mod raw;
mod rre;
mod subrects;
mod tight;
mod tile;
mod trle;
mod values;
mod zlib;
mod zrle;

#[cfg(test)]
mod tests;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use progress::Progress;
pub use tight::{TIGHT_MAX_AREA, TIGHT_MAX_WIDTH};
pub use values::Values;

use super::EncodingId;

/// The encodings of [`Encoder`] and [`Decoder`], those of cursors too.
pub const ENCODINGS: [EncodingId; 8] = [
    EncodingId::RAW,
    EncodingId::RRE,
    EncodingId::HEXTILE,
    EncodingId::TIGHT,
    EncodingId::TRLE,
    EncodingId::ZRLE,
    EncodingId::CURSOR,
    EncodingId::CURSOR_WITH_ALPHA,
];
