//! PutPixels: a rectangle of pixels in one of the encodings of `encoding/`.
//!
//! | field   | wire   | meaning                                    |
//! |---------|--------|--------------------------------------------|
//! | surface | varint |                                            |
//! | rect    | rect   | clipped to the surface                     |
//! | payload | bytes  | length, encoded pixels (section 3)         |

use super::{SurfaceId, area_cost};
use crate::canvas::{Canvas, PaintError};
use crate::geometry::Rect;
use crate::wire::{DecodeError, MAX_DRAW_MESSAGE, MAX_SURFACE_PIXELS, Reader, Writer};

/// Puts encoded pixels (`PROTOCOL.md` section 4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutPixels {
    /// Where to paint.
    pub surface: SurfaceId,
    /// The rectangle that `payload` describes; painting is clipped to the surface.
    pub rect: Rect,
    /// Encoded pixels, see [`crate::encoding`].
    pub payload: Vec<u8>,
}

impl PutPixels {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        self.rect.encode(out);
        out.bytes(&self.payload);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let surface = SurfaceId::decode(r)?;
        let rect = Rect::decode(r)?;
        if rect.area() > MAX_SURFACE_PIXELS {
            return Err(DecodeError::TooLarge { what: "rectangle of pixels" });
        }
        Ok(Self { surface, rect, payload: r.bytes(MAX_DRAW_MESSAGE, "encoded pixels")?.to_vec() })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        // Decoded, then painted.
        2 * area_cost(self.rect.size())
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        let alpha = canvas.surface(self.surface)?.alpha;
        // A rectangle larger than its surface is no honest sender's; refusing it
        // keeps the decoder's buffer within the canvas' own limit.
        if self.rect.area() > canvas.surface(self.surface)?.picture.size().area() {
            return Err(PaintError::OutOfRange { what: "pixels larger than their surface" });
        }
        canvas.decoded(&self.payload, self.rect.size(), alpha, |canvas, picture| {
            canvas.paint(self.surface, self.rect, |target| target.blit(self.rect.origin(), picture.view()))
        })
    }
}
