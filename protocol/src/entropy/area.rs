//! Where pixels go: a surface and a rectangle on it (`PROTOCOL.md` sections 13.9 and 13.11).

use super::Coder;
use super::number::Steady;
use crate::canvas::{Canvas, Surface};
use crate::draw::SurfaceId;
use crate::geometry::Rect;
use crate::wire::{DecodeError, MAX_COORDINATE, MAX_INLINE_PIXELS};

/// Models of a surface and of a rectangle's left, top, width and height.
#[derive(Debug, Clone, Default)]
pub(super) struct Area {
    surface: Steady,
    sides: [Steady; 4],
}

impl Area {
    /// Codes a rectangle on a surface of `canvas`; returns that surface as well.
    ///
    /// # Errors
    ///
    /// When decoding, if the rectangle is empty, has more than [`MAX_INLINE_PIXELS`] or does
    /// not lie on a surface without alpha.
    pub(super) fn code<'a, C: Coder>(
        &mut self,
        c: &mut C,
        surface: SurfaceId,
        rect: Rect,
        canvas: &'a Canvas,
    ) -> Result<(SurfaceId, Rect, &'a Surface), DecodeError> {
        let surface = SurfaceId(self.surface.code(c, surface.0 as i32) as u32);
        let [x, y, w, h] = &mut self.sides;
        let (left, top) = (x.code(c, rect.left), y.code(c, rect.top));
        let (width, height) = (w.code(c, rect.width() as i32), h.code(c, rect.height() as i32));
        let limits = -(MAX_COORDINATE as i32)..=MAX_COORDINATE as i32;
        if ![left, top, width, height].iter().all(|v| limits.contains(v)) || width < 1 || height < 1 {
            return Err(DecodeError::TooLarge { what: "rectangle of pixels" });
        }
        let rect = Rect::new(left, top, width as u32, height as u32);
        // What is only weighed is cut before it is sent.
        if C::LEARNS && rect.area() > MAX_INLINE_PIXELS {
            return Err(DecodeError::TooLarge { what: "rectangle of pixels" });
        }
        let Some(on) = canvas.surface(surface).ok().filter(|s| !s.alpha) else {
            return Err(DecodeError::Invalid { what: "surface of pixels" });
        };
        if !on.picture.bounds().contains_rect(&rect) {
            return Err(DecodeError::Invalid { what: "rectangle of pixels" });
        }
        Ok((surface, rect, on))
    }
}
