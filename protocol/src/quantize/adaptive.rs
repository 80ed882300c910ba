//! Depths 8 and 4: at most 256 or 16 colours in each cell, chosen from the cell.
//!
//! A cell with few enough colours is exact. For any other `cut.rs` chooses a palette
//! from all of its pixels, and every pixel becomes the nearest colour (`nearest.rs`).
//! With dither a pixel is first moved by `(2·b - 15) · step / 32` in every channel, where
//! `b` is its number in the Bayer matrix and `step` the palette's mean distance from
//! a colour to the next: as much as the palette is coarse there.

use super::cut::Cutter;
use super::nearest::Nearest;
use super::{CELL, bayer, cells_around, copy};
use crate::encoding::Finder;
use crate::geometry::Rect;
use crate::pixel::{Picture, Pixels};

/// Quantises cells, reusing memory from one to the next.
pub(super) struct Cells {
    most: usize,
    dither: bool,
    finder: Finder,
    indices: Vec<u8>,
    cutter: Cutter,
    nearest: Nearest,
}

impl Cells {
    /// For cells of at most `most` colours.
    pub(super) fn new(most: usize, dither: bool) -> Self {
        let (cutter, nearest) = (Cutter::new(), Nearest::new());
        Self { most, dither, finder: Finder::new(), indices: Vec::new(), cutter, nearest }
    }

    /// Quantises the pixels of `rect`, which lies inside both pictures.
    pub(super) fn quantize(&mut self, src: &Picture, rect: Rect, dst: &mut Picture) {
        for cell in cells_around(rect).grid(CELL) {
            let inside = cell.intersection(&rect);
            let pixels = src.crop(cell);
            if self.finder.index(pixels, self.most, &mut self.indices) {
                copy(src, inside, dst);
            } else {
                self.reduce(src, pixels, inside, dst);
            }
        }
    }

    /// A cell with too many colours.
    fn reduce(&mut self, src: &Picture, cell: Pixels<'_>, inside: Rect, dst: &mut Picture) {
        self.nearest.set(self.cutter.cut(cell, self.most));
        let step = if self.dither { self.nearest.mean_step() } else { 0 };
        // Many pixels equal their neighbour.
        let mut last = (u32::MAX, 0, 0);
        for y in inside.top..inside.bottom {
            let from = src.row(y, inside.left, inside.right);
            let to = dst.row_mut(y, inside.left, inside.right);
            let offsets = [0, 1, 2, 3].map(|x| ((2 * i32::from(bayer(x, y)) - 15) * step).div_euclid(32));
            for (x, (out, &pixel)) in (inside.left..).zip(to.iter_mut().zip(from)) {
                let (pixel, by) = (pixel & 0x00ff_ffff, offsets[(x & 3) as usize]);
                if (pixel, by) != (last.0, last.1) {
                    last = (pixel, by, self.nearest.of(moved(pixel, by)));
                }
                *out = last.2;
            }
        }
    }
}

/// The colour with `by` added to every channel, cut to 0 and 255.
fn moved(pixel: u32, by: i32) -> [i32; 3] {
    let [blue, green, red, _] = pixel.to_le_bytes();
    [red, green, blue].map(|v| (i32::from(v) + by).clamp(0, 255))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::quantize::testing::distance;

    fn shaded(size: Size) -> Picture {
        let pixels =
            (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x * 4) << 16 | (y * 4) << 8));
        Picture::from_pixels(size, pixels.collect()).expect("as many pixels")
    }

    fn reduced(src: &Picture, most: usize, dither: bool) -> Picture {
        let mut dst = Picture::new(src.size(), 0);
        Cells::new(most, dither).quantize(src, src.bounds(), &mut dst);
        dst
    }

    #[test]
    fn every_pixel_gets_the_nearest_colour() {
        let src = shaded(Size::new(64, 64));
        let dst = reduced(&src, 16, false);
        let mut palette = dst.data().to_vec();
        palette.sort_unstable();
        palette.dedup();
        assert!(palette.len() <= 16);
        for (&s, &d) in src.data().iter().zip(dst.data()) {
            let best = palette.iter().map(|&c| distance(s, c)).min().expect("colours");
            assert_eq!(distance(s, d), best);
        }
    }

    #[test]
    fn a_shade_keeps_close() {
        let src = shaded(Size::new(64, 64));
        let error = |most| {
            let dst = reduced(&src, most, false);
            let sum: u32 = src.data().iter().zip(dst.data()).map(|(&a, &b)| distance(a, b)).sum();
            sum / 4096
        };
        // A grid of 16 × 16 colours would have a mean square of 2 · 20, one of 4 × 4 of 2 · 340.
        assert!(error(256) <= 60, "{}", error(256));
        assert!(error(16) <= 800, "{}", error(16));
    }

    #[test]
    fn dither_keeps_the_mean_of_a_shade() {
        let src = shaded(Size::new(64, 64));
        let mean = |p: &Picture| p.data().iter().map(|p| p >> 16 & 0xff).sum::<u32>() / 4096;
        let dithered = reduced(&src, 16, true);
        assert_ne!(dithered, reduced(&src, 16, false));
        assert!(mean(&src).abs_diff(mean(&dithered)) <= 3);
    }
}
