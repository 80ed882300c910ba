//! Pixels: colours, borrowed views and owned pictures.
//!
//! There is one pixel inside Panto: a `u32` `0xAARRGGBB`. Surfaces without alpha
//! keep the top byte 0; surfaces with alpha hold premultiplied colours. Formats of
//! peers are converted at their own edge.

mod arithmetic;
mod picture;

pub use arithmetic::{blend, div255, lerp, luma, over, scale};
pub use picture::{Picture, Pixels, PixelsMut};

/// A colour as `0x00RRGGBB`, or premultiplied `0xAARRGGBB` on surfaces with alpha.
pub type Color = u32;

/// The colour with the given red, green and blue.
pub const fn rgb(r: u8, g: u8, b: u8) -> Color {
    (r as u32) << 16 | (g as u32) << 8 | b as u32
}

/// Red, green and blue of a colour.
pub const fn channels(c: Color) -> [u8; 3] {
    [(c >> 16) as u8, (c >> 8) as u8, c as u8]
}
