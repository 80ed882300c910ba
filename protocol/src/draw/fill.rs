//! Fill: rectangles of one colour.
//!
//! | field   | wire              | meaning                                         |
//! |---------|-------------------|-------------------------------------------------|
//! | surface | varint            |                                                 |
//! | colour  | blue, green, red  | alpha surfaces get it opaque                    |
//! | rects   | count, rectangles | clipped to the surface                          |

use super::{SurfaceId, area_cost, decode_color, decode_rects, encode_color, encode_rects};
use crate::canvas::{Canvas, PaintError};
use crate::geometry::Rect;
use crate::pixel::Color;
use crate::wire::{DecodeError, Reader, Writer};

/// Paints rectangles in one colour (`PROTOCOL.md` section 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    /// Where to paint.
    pub surface: SurfaceId,
    /// `0x00RRGGBB`.
    pub color: Color,
    /// Clipped to the surface.
    pub rects: Vec<Rect>,
}

impl Fill {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        encode_color(self.color, out);
        encode_rects(&self.rects, out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { surface: SurfaceId::decode(r)?, color: decode_color(r)?, rects: decode_rects(r)? })
    }

    pub(super) fn cost(&self, canvas: &Canvas) -> u64 {
        self.rects.iter().map(|r| area_cost(canvas.clipped_size(self.surface, r))).sum()
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        for rect in &self.rects {
            canvas.paint(self.surface, *rect, |target| {
                let color = target.opaque(self.color);
                target.picture.fill(target.clip, color);
            })?;
        }
        Ok(())
    }
}
