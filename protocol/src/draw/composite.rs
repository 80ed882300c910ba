//! Composite: a surface painted over another with opacity.
//!
//! | field   | wire   | meaning                                   |
//! |---------|--------|-------------------------------------------|
//! | surface | varint | destination                               |
//! | source  | varint | another surface                           |
//! | rect    | rect   | in the source, clipped to it              |
//! | to      | point  | where the rectangle's first pixel goes    |
//! | opacity | u8     | 255 is opaque                             |
//!
//! A source with alpha: `over(scale(source, opacity), pixel)`.
//! A source without: `blend(source, pixel, opacity)` (section 1.4).

use super::{SurfaceId, area_cost};
use crate::canvas::{Canvas, PaintError};
use crate::geometry::{Point, Rect};
use crate::pixel::{blend, over, scale};
use crate::wire::{DecodeError, Reader, Writer};

/// Blends one surface over another (`PROTOCOL.md` section 4.13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composite {
    /// Where to paint.
    pub surface: SurfaceId,
    /// Surface to read; not the destination itself.
    pub source: SurfaceId,
    /// Pixels to read, clipped to the source.
    pub rect: Rect,
    /// Where the first pixel of `rect` goes.
    pub to: Point,
    /// 0 transparent to 255 opaque.
    pub opacity: u8,
}

impl Composite {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        self.source.encode(out);
        self.rect.encode(out);
        self.to.encode(out);
        out.u8(self.opacity);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            surface: SurfaceId::decode(r)?,
            source: SurfaceId::decode(r)?,
            rect: Rect::decode(r)?,
            to: Point::decode(r)?,
            opacity: r.u8("opacity")?,
        })
    }

    pub(super) fn cost(&self, canvas: &Canvas) -> u64 {
        area_cost(canvas.clipped_size(self.source, &self.rect))
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        if self.surface == self.source {
            return Err(PaintError::OutOfRange { what: "surface composed over itself" });
        }
        let bounds = canvas.surface(self.source)?.picture.bounds();
        let rect = self.rect.intersection(&bounds);
        let to = self.to.offset(rect.left - self.rect.left, rect.top - self.rect.top);
        canvas.paint_from(self.source, self.surface, Rect::at(to, rect.size()), |source, target| {
            let clip = target.clip;
            for y in clip.top..clip.bottom {
                let (dx, dy) = (rect.left - to.x, rect.top - to.y);
                let from = source.picture.row(y + dy, clip.left + dx, clip.right + dx);
                let opaque_target = !target.alpha;
                for (pixel, &s) in target.picture.row_mut(y, clip.left, clip.right).iter_mut().zip(from) {
                    let mixed = if source.alpha {
                        over(scale(s, self.opacity), *pixel)
                    } else if opaque_target {
                        blend(s, *pixel, self.opacity)
                    } else {
                        blend(s | 0xff00_0000, *pixel, self.opacity)
                    };
                    *pixel = if opaque_target { mixed & 0x00ff_ffff } else { mixed };
                }
            }
        })
    }
}
