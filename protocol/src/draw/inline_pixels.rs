//! InlinePixels: pixels that are part of the stream of commands.
//!
//! | field   | wire             | meaning                                              |
//! |---------|------------------|------------------------------------------------------|
//! | surface | varint           | one without alpha                                    |
//! | rect    | rect             | must lie on the surface                              |
//! | pixels  | blue, green, red | for each pixel, row by row                           |
//!
//! Plain, this is as large as pixels can be. Coded (section 13.9) it is the smallest: each
//! pixel is told in the context of those around it and of the picture that it replaces.

use super::{SurfaceId, area_cost, decode_color, encode_color};
use crate::canvas::{Canvas, PaintError};
use crate::geometry::Rect;
use crate::pixel::{Color, Pixels};
use crate::wire::{DecodeError, MAX_INLINE_PIXELS, Reader, Writer};

/// Puts pixels that are coded in their context (`PROTOCOL.md` section 4.23).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinePixels {
    /// Where to paint.
    pub surface: SurfaceId,
    /// The rectangle to paint; must lie on the surface.
    pub rect: Rect,
    /// `width * height` colours, row by row.
    pub pixels: Vec<Color>,
}

impl InlinePixels {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        self.rect.encode(out);
        for &pixel in &self.pixels {
            encode_color(pixel, out);
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let surface = SurfaceId::decode(r)?;
        let rect = Rect::decode(r)?;
        let area = rect.area();
        if area > MAX_INLINE_PIXELS {
            return Err(DecodeError::TooLarge { what: "rectangle of pixels" });
        }
        let need = area as usize * 3;
        if need > r.left() {
            return Err(DecodeError::TooShort { what: "inline pixels", need, have: r.left() });
        }
        let pixels = (0..area).map(|_| decode_color(r)).collect::<Result<_, _>>()?;
        Ok(Self { surface, rect, pixels })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        // Decoding takes 10 to 300 ns a pixel where copying takes 1 to 3.
        64 * area_cost(self.rect.size())
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        let surface = canvas.surface(self.surface)?;
        if surface.alpha || !surface.picture.bounds().contains_rect(&self.rect) {
            return Err(PaintError::OutOfRange { what: "inline pixels" });
        }
        let size = self.rect.size();
        let Some(pixels) = Pixels::new(size, size.width as usize, &self.pixels) else {
            return Err(PaintError::OutOfRange { what: "inline pixels" });
        };
        canvas.paint(self.surface, self.rect, |target| target.blit_opaque(self.rect.origin(), pixels))
    }
}
