//! Luma and chroma of a rectangle of a picture and of what lies around it.

use super::color::{chroma_rows, luma_row};
use crate::geometry::Rect;
use crate::pixel::Picture;

/// Samples of one kind, row by row. Places are relative to the rectangle's corner.
#[derive(Debug, Clone)]
pub struct Plane {
    data: Vec<u8>,
    stride: usize,
    margin: i32,
}

impl Plane {
    /// Of `width × height` samples with `margin` more on each side, all 0.
    pub fn new(width: usize, height: usize, margin: usize) -> Self {
        let stride = width + 2 * margin;
        Self { data: vec![0; stride * (height + 2 * margin)], stride, margin: margin as i32 }
    }

    /// Samples from row to row.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// All samples; [`Plane::at`] tells where.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// All samples; [`Plane::at`] tells where.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The index of a sample within the margin.
    pub fn at(&self, x: i32, y: i32) -> usize {
        ((y + self.margin) * self.stride as i32 + x + self.margin) as usize
    }

    /// The square of `N × N` samples at a place.
    pub fn block<const N: usize>(&self, x: i32, y: i32) -> [[u8; N]; N] {
        let mut block = [[0; N]; N];
        let mut i = self.at(x, y);
        for row in &mut block {
            row.copy_from_slice(&self.data[i..i + N]);
            i += self.stride;
        }
        block
    }

    /// Replaces the square of `N × N` samples at a place.
    pub fn put<const N: usize>(&mut self, x: i32, y: i32, block: &[[u8; N]; N]) {
        let mut i = self.at(x, y);
        for row in block {
            self.data[i..i + N].copy_from_slice(row);
            i += self.stride;
        }
    }
}

/// Luma at full, chroma at half size: one sample for each square of four pixels, counted
/// from the rectangle's corner.
#[derive(Debug, Clone)]
pub struct Planes {
    /// Y.
    pub luma: Plane,
    /// Cb and Cr.
    pub chroma: [Plane; 2],
}

impl Planes {
    /// Of `rect`, padded to whole macroblocks, and `margin` pixels (an even number) around
    /// it. Beyond the picture's borders its outermost pixels go on. `rect` must lie on the picture.
    pub fn around(picture: &Picture, rect: Rect, margin: usize) -> Self {
        let (columns, rows) = super::columns_and_rows(rect);
        let (width, height) = (16 * columns, 16 * rows);
        let mut luma = Plane::new(width, height, margin);
        let mut chroma = [0, 1].map(|_| Plane::new(width / 2, height / 2, margin / 2));
        let (full, bounds) = (width + 2 * margin, picture.bounds());
        let (left, top) = (rect.left - margin as i32, rect.top - margin as i32);
        // A row of the picture with its ends drawn out.
        let row = |y: usize, out: &mut Vec<u32>| {
            let y = (top + y as i32).clamp(0, bounds.bottom - 1);
            let inside = left.clamp(0, bounds.right)..(left + full as i32).clamp(0, bounds.right);
            let pixels = picture.row(y, inside.start, inside.end);
            out.clear();
            out.resize((inside.start - left) as usize, picture.row(y, 0, 1)[0]);
            out.extend_from_slice(pixels);
            out.resize(full, picture.row(y, bounds.right - 1, bounds.right)[0]);
        };
        let (mut above, mut below) = (Vec::with_capacity(full), Vec::with_capacity(full));
        for y in 0..(height + 2 * margin) / 2 {
            row(2 * y, &mut above);
            row(2 * y + 1, &mut below);
            luma_row(&above, &mut luma.data[2 * y * full..(2 * y + 1) * full]);
            luma_row(&below, &mut luma.data[(2 * y + 1) * full..(2 * y + 2) * full]);
            let [cb, cr] = &mut chroma;
            let half = y * full / 2..(y + 1) * full / 2;
            chroma_rows(&above, &below, &mut cb.data[half.clone()], &mut cr.data[half]);
        }
        Self { luma, chroma }
    }
}
