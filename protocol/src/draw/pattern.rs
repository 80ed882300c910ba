//! Pattern: a rectangle filled with a repeated small picture.
//!
//! | field   | wire   | meaning                                                      |
//! |---------|--------|--------------------------------------------------------------|
//! | surface | varint |                                                              |
//! | rect    | rect   | clipped to the surface                                       |
//! | origin  | point  | where a repetition's first pixel lies                        |
//! | ink     | u8     | 0: 8 bytes of 8 × 8 bits, foreground, background             |
//! |         |        | 1: 8 bytes of 8 × 8 bits, foreground; bits 0 leave pixels    |
//! |         |        | 2: a tile's slot                                             |
//!
//! Bits: one byte a row, most significant bit left, 1 is foreground.

use std::sync::Arc;

use super::{SurfaceId, TileSlot, area_cost, decode_color, encode_color};
use crate::canvas::{Canvas, PaintError};
use crate::geometry::{Point, Rect};
use crate::pixel::{Color, Picture};
use crate::wire::{DecodeError, Reader, Writer};

/// What a [`Pattern`] repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ink {
    /// 8 × 8 pixels of two colours, or of one colour and holes.
    Bits {
        /// One byte a row, most significant bit left.
        rows: [u8; 8],
        /// Colour of the bits that are 1.
        foreground: Color,
        /// Colour of the bits that are 0; `None` leaves those pixels.
        background: Option<Color>,
    },
    /// A tile of the cache.
    Tile(TileSlot),
}

/// Fills a rectangle with repetitions (`PROTOCOL.md` section 4.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Where to paint.
    pub surface: SurfaceId,
    /// Clipped to the surface.
    pub rect: Rect,
    /// Where the first pixel of one repetition lies; the others follow from it.
    pub origin: Point,
    /// What is repeated.
    pub ink: Ink,
}

impl Pattern {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        self.rect.encode(out);
        self.origin.encode(out);
        match &self.ink {
            Ink::Bits { rows, foreground, background } => {
                out.u8(u8::from(background.is_none()));
                out.raw(rows);
                encode_color(*foreground, out);
                if let Some(color) = background {
                    encode_color(*color, out);
                }
            }
            Ink::Tile(slot) => {
                out.u8(2);
                slot.encode(out);
            }
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let surface = SurfaceId::decode(r)?;
        let rect = Rect::decode(r)?;
        let origin = Point::decode(r)?;
        let ink = match r.u8("ink")? {
            kind @ (0 | 1) => Ink::Bits {
                rows: r.array("pattern")?,
                foreground: decode_color(r)?,
                background: if kind == 0 { Some(decode_color(r)?) } else { None },
            },
            2 => Ink::Tile(TileSlot::decode(r)?),
            kind => return Err(DecodeError::Unknown { what: "ink", value: kind.into() }),
        };
        Ok(Self { surface, rect, origin, ink })
    }

    pub(super) fn cost(&self, canvas: &Canvas) -> u64 {
        area_cost(canvas.clipped_size(self.surface, &self.rect))
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        match &self.ink {
            Ink::Bits { rows, foreground, background } => canvas.paint(self.surface, self.rect, |target| {
                let (on, off) = (target.opaque(*foreground), background.map(|c| target.opaque(c)));
                let clip = target.clip;
                for y in clip.top..clip.bottom {
                    let bits = rows[(y - self.origin.y).rem_euclid(8) as usize];
                    let pixels = target.picture.row_mut(y, clip.left, clip.right);
                    for (x, pixel) in (clip.left..).zip(pixels) {
                        let bit = bits >> (7 - (x - self.origin.x).rem_euclid(8)) & 1;
                        *pixel = if bit == 1 { on } else { off.unwrap_or(*pixel) };
                    }
                }
            }),
            Ink::Tile(slot) => {
                let tile: Arc<Picture> = canvas.tile(*slot).ok_or(PaintError::UnknownTile(*slot))?.clone();
                let (width, height) = (tile.size().width as i32, tile.size().height as i32);
                canvas.paint(self.surface, self.rect, |target| {
                    let clip = target.clip;
                    for y in clip.top..clip.bottom {
                        let from = tile.row((y - self.origin.y).rem_euclid(height), 0, width);
                        for x in clip.left..clip.right {
                            let color = target.opaque(from[(x - self.origin.x).rem_euclid(width) as usize]);
                            target.picture.row_mut(y, x, x + 1)[0] = color;
                        }
                    }
                })
            }
        }
    }
}
