//! Draw commands: the wire form of each beside its exact painting.
//!
//! A frame is a sequence of commands (`PROTOCOL.md` section 4). Pixels are one
//! command among others ([`PutPixels`]); which commands a sender uses is its
//! own policy and needs no agreement.

mod composite;
mod copy;
mod fill;
mod glyph;
mod inline_pixels;
mod lines;
mod lossy_pixels;
mod pattern;
mod put_pixels;
mod recall;
mod surface;
mod tile;
mod window;

use crate::canvas::{Canvas, PaintError};
use crate::wire::{DecodeError, Reader, Writer};

pub use composite::Composite;
pub use copy::{Copy, CopyItem};
pub use fill::Fill;
pub use glyph::{Coverage, GlyphDefine, GlyphPlace, GlyphRun, GlyphSlot, PlacedGlyph};
pub use inline_pixels::InlinePixels;
pub use lines::{Frames, Lines};
pub use lossy_pixels::LossyPixels;
pub use pattern::{Ink, Pattern};
pub use put_pixels::PutPixels;
pub use recall::{GlyphRecall, TileRecall};
pub use surface::{SurfaceCreate, SurfaceDestroy, SurfaceId, SurfaceResize};
pub use tile::{TileCapture, TileDefine, TileSlot, TileUse};
pub use window::{WindowCreate, WindowDestroy, WindowId, WindowMap, WindowMove, WindowStack};

macro_rules! commands {
    ($($(#[$doc:meta])* $op:literal $name:ident),* $(,)?) => {
        /// One draw command.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum DrawCommand {
            $($(#[$doc])* $name($name),)*
        }

        impl DrawCommand {
            /// Names of all kinds, in the order of their opcodes.
            pub const KINDS: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The kind's name, as statistics print it.
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }

            /// Appends opcode and fields.
            pub fn encode(&self, out: &mut Writer) {
                out.u8(self.opcode());
                self.encode_fields(out);
            }

            /// Reads opcode and fields.
            pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let op = r.u8("draw opcode")?;
                Self::decode_fields(op, r)
            }

            pub(crate) const fn opcode(&self) -> u8 {
                match self { $(Self::$name(_) => $op,)* }
            }

            pub(crate) fn encode_fields(&self, out: &mut Writer) {
                match self { $(Self::$name(c) => c.encode(out),)* }
            }

            pub(crate) fn decode_fields(op: u8, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                match op {
                    $($op => Ok(Self::$name($name::decode(r)?)),)*
                    op => Err(DecodeError::Unknown { what: "draw opcode", value: op.into() }),
                }
            }

            /// What painting may cost at most, for [`crate::wire::MAX_FRAME_PAINT`]: in
            /// pixels, where a command, a rectangle and a row of it count as some as well.
            pub fn cost(&self, canvas: &Canvas) -> u64 {
                COMMAND_COST
                    + WINDOW_COST * canvas.windows().len() as u64
                    + match self { $(Self::$name(c) => c.cost(canvas),)* }
            }

            pub(crate) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
                match self { $(Self::$name(c) => c.paint(canvas),)* }
            }
        }

        $(impl From<$name> for DrawCommand {
            fn from(c: $name) -> Self { Self::$name(c) }
        })*
    };
}

commands! {
    /// Rectangles of one colour.
    0x01 Fill,
    /// Pixels moved inside or between surfaces, as if all at once.
    0x02 Copy,
    /// A rectangle of pixels.
    0x03 PutPixels,
    /// A glyph's shape put into a cache slot.
    0x04 GlyphDefine,
    /// Cached glyphs painted in one colour.
    0x05 GlyphRun,
    /// A tile's pixels put into a cache slot.
    0x06 TileDefine,
    /// A tile put into a cache slot from pixels that are on a surface already.
    0x07 TileCapture,
    /// A cached tile painted at several places.
    0x08 TileUse,
    /// Rectangle filled with a repeated small picture.
    0x09 Pattern,
    /// A line of one pixel's width through several points.
    0x0a Lines,
    /// Outlines of rectangles, one pixel wide.
    0x0b Frames,
    /// A surface painted over another with opacity.
    0x0c Composite,
    /// Cached glyphs painted in one colour, each at a place of its own.
    0x0d GlyphPlace,
    /// A rectangle of pixels inside the stream of commands.
    0x0e InlinePixels,
    /// A rectangle of a photograph or a video, nearly as it is.
    0x0f LossyPixels,
    /// A new surface.
    0x10 SurfaceCreate,
    /// A surface's new size.
    0x11 SurfaceResize,
    /// The end of a surface.
    0x12 SurfaceDestroy,
    /// A glyph that the viewer has kept put into a cache slot.
    0x14 GlyphRecall,
    /// A tile that the viewer has kept put into a cache slot.
    0x15 TileRecall,
    /// A new window showing a surface.
    0x18 WindowCreate,
    /// A window's new place.
    0x19 WindowMove,
    /// A window's new place in the stack.
    0x1a WindowStack,
    /// A window shown or hidden.
    0x1b WindowMap,
    /// The end of a window.
    0x1c WindowDestroy,
}

impl DrawCommand {
    /// Whether it is about surfaces and windows themselves, and brings no pixels.
    pub const fn is_structure(&self) -> bool {
        matches!(
            self,
            Self::SurfaceCreate(_)
                | Self::SurfaceResize(_)
                | Self::SurfaceDestroy(_)
                | Self::WindowCreate(_)
                | Self::WindowMove(_)
                | Self::WindowStack(_)
                | Self::WindowMap(_)
                | Self::WindowDestroy(_)
        )
    }
}

/// Cost of a command without any pixels: up to 0.3 µs was measured where a
/// pixel takes 1 to 3 ns.
const COMMAND_COST: u64 = 128;

/// Cost of a command for every window that there is: each that shows the painted
/// surface is damaged (0.05 µs, and 1 µs where the damage is new).
const WINDOW_COST: u64 = 128;

/// Cost of each rectangle, glyph, point or copy in a command, however small (20 to 50 ns).
const ITEM_COST: u64 = 32;

/// Cost of each row of a rectangle: columns one pixel wide take 6 to 14 ns a pixel,
/// since every pixel is on a cache line of its own.
const ROW_COST: u64 = 8;

/// What painting a rectangle of this size costs.
fn area_cost(size: crate::geometry::Size) -> u64 {
    ITEM_COST + u64::from(size.height) * (u64::from(size.width) + ROW_COST)
}

fn encode_color(color: crate::pixel::Color, out: &mut Writer) {
    out.raw(&color.to_le_bytes()[..3]);
}

fn decode_color(r: &mut Reader<'_>) -> Result<crate::pixel::Color, DecodeError> {
    let [b, g, red] = r.array("colour")?;
    Ok(crate::pixel::rgb(red, g, b))
}

fn decode_rects(r: &mut Reader<'_>) -> Result<Vec<crate::geometry::Rect>, DecodeError> {
    let n = r.count(crate::wire::MAX_COMMAND_ITEMS, 4, "rectangles")?;
    (0..n).map(|_| crate::geometry::Rect::decode(r)).collect()
}

fn encode_rects(rects: &[crate::geometry::Rect], out: &mut Writer) {
    out.varint(rects.len() as u64);
    for rect in rects {
        rect.encode(out);
    }
}

#[cfg(test)]
mod tests;
