//! Pixels in the context of those around them, and of those that were there before.
//!
//! For each pixel in raster order a few colours are asked for in turn: what followed this
//! neighbourhood the last time (a far one of 19 pixels, a near one of 6), what was here
//! before, the neighbours, the colours used before; only then a colour is spelt out. The
//! memory of neighbourhoods is what learns a session's fonts and widgets. Where most pixels
//! are spelt out, as in photographs, one step says so of the next.

mod around;
mod known;
mod memory;
mod natural;
mod run;

use super::Coder;
use super::area::Area;
use crate::canvas::Canvas;
use crate::draw::InlinePixels;
use crate::geometry::Rect;
use crate::pixel::{Color, Picture};
use crate::wire::DecodeError;
use around::{Padded, Raster};
use known::{Known, View};
use natural::{Around, Natural};
use run::{Place, Runs};

/// Models of [`InlinePixels`].
#[derive(Debug, Clone, Default)]
pub(super) struct PixelModels {
    area: Area,
    runs: Runs,
    known: Known,
    natural: Natural,
}

impl PixelModels {
    /// Codes pixels of a surface of `canvas`. `check` ends a decoding that reads beyond its bytes.
    ///
    /// # Errors
    ///
    /// When decoding, if the rectangle does not lie on a surface without alpha, or if `check` fails.
    pub(super) fn code<C: Coder>(
        &mut self,
        c: &mut C,
        put: &InlinePixels,
        canvas: &Canvas,
        check: impl Fn(&C) -> Result<(), DecodeError>,
    ) -> Result<InlinePixels, DecodeError> {
        let (surface, rect, on) = self.area.code(c, put.surface, put.rect, canvas)?;
        let pixels = self.raster(c, &on.picture, rect, &put.pixels, check)?;
        Ok(InlinePixels { surface, rect, pixels })
    }

    fn raster<C: Coder>(
        &mut self,
        c: &mut C,
        picture: &Picture,
        rect: Rect,
        source: &[Color],
        check: impl Fn(&C) -> Result<(), DecodeError>,
    ) -> Result<Vec<Color>, DecodeError> {
        let old = Padded::of(picture, rect);
        self.known.make();
        let (stride, width) = (old.stride, rect.width() as usize);
        let new = old.pixels.clone();
        let errors = vec![0; new.len()];
        let mut raster = Raster { old: &old.pixels, new, errors, stride };
        let mut out = Vec::with_capacity(width * rect.height() as usize);
        for y in 0..rect.height() as usize {
            let first = old.row(y);
            let end = first + width;
            let source = source.get(y * width..(y + 1) * width).unwrap_or_default();
            self.known.row();
            let (mut i, mut place) = (first, Place::row(first, end));
            while i < end {
                let rest = source.get(i - first..).unwrap_or_default();
                let run = self.runs.code(c, &mut raster, i, &mut place, rest);
                if run > 0 {
                    i += run;
                    continue;
                }
                let color = rest.first().copied().unwrap_or(0);
                self.pixel(c, &mut raster, i, end, color);
                i += 1;
            }
            out.extend_from_slice(&raster.new[first..end]);
            check(c)?;
        }
        Ok(out)
    }

    /// Codes pixel `i`, where all before `i` are right already.
    #[inline]
    fn pixel<C: Coder>(&mut self, c: &mut C, raster: &mut Raster<'_>, i: usize, end: usize, color: Color) {
        let Raster { old, new, errors, stride } = raster;
        let up = i - *stride;
        let (w, n, nw, ne) = (new[i - 1], new[up], new[up - 1], new[up + 1]);
        let before = old[i];
        // Around here nothing changed, as far as three neighbours tell.
        let still = usize::from(w == old[i - 1]) + usize::from(n == old[up]) + usize::from(ne == old[up + 1]);
        let [ew, en, enw, ene] = [errors[i - 1], errors[up], errors[up - 1], errors[up + 1]];
        let spelt: u32 = [ew, en, enw, ene].iter().map(|e| u32::from(*e > 0)).sum();
        let around = Around { w, n, nw, ne, errors: u32::from(ew) + u32::from(en), edge: spelt < 2 };
        let view = View {
            new,
            stride: *stride,
            i,
            end,
            w,
            n,
            nw,
            ne,
            before,
            still,
            spelt,
            price: if C::READS { 0 } else { around.price() },
        };
        let mut error = 0;
        let natural = &mut self.natural;
        let color = self.known.code(c, color, &view, |c| {
            let (color, off) = natural.code(c, color, &around);
            error = off;
            color
        });
        new[i] = color;
        errors[i] = error;
    }
}
