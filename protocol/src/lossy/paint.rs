//! From macroblocks to pixels.

use super::color;
use super::deblock::deblock;
use super::inter::predict_motion;
use super::intra::predict_intra;
use super::macroblock::{BLOCKS, Macroblock, Prediction, Vector, block_place};
use super::planes::{Plane, Planes};
use super::quantizer::{Quantizer, chroma_step};
use super::transform::inverse;
use crate::geometry::Rect;
use crate::pixel::Picture;

/// How many macroblocks cover a rectangle, across and down.
pub fn columns_and_rows(rect: Rect) -> (usize, usize) {
    ((rect.width() as usize).div_ceil(16), (rect.height() as usize).div_ceil(16))
}

/// A rectangle of a surface while its macroblocks are put together, in raster order.
#[derive(Debug)]
pub struct Reconstruction {
    rect: Rect,
    step: u8,
    /// Of luma, of chroma.
    quantizers: [Quantizer; 2],
    /// The surface as it was.
    pub reference: Planes,
    /// The surface as it is so far.
    pub planes: Planes,
}

impl Reconstruction {
    /// Begins with what the surface shows. Vectors may point `reach` pixels away at most.
    pub fn new(picture: &Picture, rect: Rect, step: u8, reach: usize) -> Self {
        // Filters need 3 samples more, also of chroma; what is above right needs 8.
        let reference = Planes::around(picture, rect, 16 + reach.next_multiple_of(2));
        let planes = reference.clone();
        let quantizers = [step.into(), chroma_step(step)].map(Quantizer::new);
        Self { rect, step, quantizers, reference, planes }
    }

    /// How far the vectors of macroblocks point.
    pub fn reach(macroblocks: &[Macroblock]) -> usize {
        let longest = |v: Vector| v.x.unsigned_abs().max(v.y.unsigned_abs());
        let quarters = macroblocks.iter().filter_map(Macroblock::vector).map(longest).max();
        usize::from(quarters.unwrap_or(0)).div_ceil(4)
    }

    /// One of the planes: luma, Cb, Cr.
    pub fn plane(&mut self, plane: usize) -> &mut Plane {
        match plane {
            0 => &mut self.planes.luma,
            _ => &mut self.planes.chroma[(plane - 1) & 1],
        }
    }

    /// Puts what is predicted of a macroblock, whose corner is at (x, y), from the surface as it was.
    pub fn predict_motion(&mut self, x: i32, y: i32, vector: Vector, filter: u8) {
        let luma = predict_motion::<16>(&self.reference.luma, x, y, vector, filter);
        self.planes.luma.put(x, y, &luma);
        self.predict_chroma_motion(x, y, vector, filter);
    }

    /// The same of its chroma alone.
    pub fn predict_chroma_motion(&mut self, x: i32, y: i32, vector: Vector, filter: u8) {
        let half = Vector { x: vector.x >> 1, y: vector.y >> 1 };
        for (plane, reference) in self.planes.chroma.iter_mut().zip(&self.reference.chroma) {
            plane.put(x / 2, y / 2, &predict_motion::<8>(reference, x / 2, y / 2, half, filter));
        }
    }

    /// Corrects a block of a plane by its levels, which are those of samples if it is `untransformed`.
    pub fn correct(&mut self, plane: usize, x: i32, y: i32, levels: &[i16; 64], untransformed: bool) {
        let quantizer = &self.quantizers[usize::from(plane > 0)];
        let residual = match untransformed {
            true => quantizer.samples(levels),
            false => inverse(&quantizer.dequantize(levels)),
        };
        let plane = self.plane(plane);
        let mut i = plane.at(x, y);
        let stride = plane.stride();
        for row in residual.as_chunks::<8>().0 {
            let samples: &mut [u8; 8] = plane.data_mut()[i..].first_chunk_mut().expect("a row of the block");
            for (sample, residual) in samples.iter_mut().zip(row) {
                *sample = residual.saturating_add(i16::from(*sample)).clamp(0, 255) as u8;
            }
            i += stride;
        }
    }

    /// Puts a macroblock together; takes the levels of its coded blocks from the front of `levels`.
    pub fn put(&mut self, index: usize, macroblock: &Macroblock, levels: &mut &[[i16; 64]]) {
        let (columns, _) = columns_and_rows(self.rect);
        let (x, y) = ((index % columns * 16) as i32, (index / columns * 16) as i32);
        if let Prediction::Motion { vector, filter } = macroblock.prediction {
            self.predict_motion(x, y, vector, filter);
        }
        for block in 0..BLOCKS {
            let (plane, dx, dy) = block_place(block);
            let (x, y) = if plane == 0 { (x + dx, y + dy) } else { (x / 2, y / 2) };
            if let Prediction::Intra { luma, chroma } = macroblock.prediction {
                let mode = luma.get(block).copied().unwrap_or(chroma);
                let plane = self.plane(plane);
                plane.put(x, y, &predict_intra(plane, x, y, mode));
            }
            if macroblock.coded >> block & 1 == 1
                && let Some((first, rest)) = levels.split_first()
            {
                self.correct(plane, x, y, first, macroblock.is_untransformed(block));
                *levels = rest;
            }
        }
    }

    /// Smooths the edges of blocks, and gives the rectangle's pixels: those of macroblocks that are not still, and else those of `picture`.
    pub fn finish(mut self, picture: &Picture, macroblocks: &[Macroblock]) -> Picture {
        let mut out = Picture::new(self.rect.size(), 0);
        let (width, height) = (self.rect.width() as usize, self.rect.height() as usize);
        let (columns, _) = columns_and_rows(self.rect);
        deblock(&mut self.planes, macroblocks, columns, self.step);
        let [cb, cr] = &self.planes.chroma;
        for (index, macroblock) in macroblocks.iter().enumerate() {
            let (left, top) = (index % columns * 16, index / columns * 16);
            let (w, h) = (16.min(width - left), 16.min(height - top));
            let place = |y: usize| (top + y) * width + left..(top + y) * width + left + w;
            if macroblock.prediction == Prediction::Still {
                let (x, y) = (self.rect.left + left as i32, self.rect.top + top as i32);
                for j in 0..h {
                    out.data_mut()[place(j)].copy_from_slice(picture.row(y + j as i32, x, x + w as i32));
                }
                continue;
            }
            let (x, y) = (left as i32, top as i32);
            let luma = self.planes.luma.block::<16>(x, y);
            let (cb, cr) = (cb.block::<8>(x / 2, y / 2), cr.block::<8>(x / 2, y / 2));
            for j in 0..h.div_ceil(2) {
                let rows = color::pixels([&luma[2 * j], &luma[2 * j + 1]], &cb[j], &cr[j]);
                for (j, row) in (2 * j..h).zip(&rows) {
                    out.data_mut()[place(j)].copy_from_slice(&row[..w]);
                }
            }
        }
        out
    }
}
