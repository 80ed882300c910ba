//! A rectangle of a picture with what lies around it.

use crate::geometry::Rect;
use crate::pixel::{Color, Picture};

/// Pixels kept around the rectangle: to the left, to the right, above.
pub(super) const LEFT: usize = 4;
const RIGHT: usize = 4;
pub(super) const ABOVE: usize = 3;

/// A rectangle of a picture with what lies around it, row by row.
pub(super) struct Padded {
    pub(super) pixels: Vec<Color>,
    pub(super) stride: usize,
}

impl Padded {
    /// Beyond the picture everything is 0.
    pub(super) fn of(picture: &Picture, rect: Rect) -> Self {
        let stride = LEFT + rect.width() as usize + RIGHT;
        let mut pixels = vec![0; stride * (ABOVE + rect.height() as usize)];
        let around = Rect {
            left: rect.left - LEFT as i32,
            top: rect.top - ABOVE as i32,
            right: rect.right + RIGHT as i32,
            bottom: rect.bottom,
        };
        let inside = around.intersection(&picture.bounds());
        for y in inside.top..inside.bottom {
            let first = (y - around.top) as usize * stride + (inside.left - around.left) as usize;
            let row = picture.row(y, inside.left, inside.right);
            pixels[first..first + row.len()].copy_from_slice(row);
        }
        Self { pixels, stride }
    }

    /// Where row `y` of the rectangle begins.
    pub(super) fn row(&self, y: usize) -> usize {
        (y + ABOVE) * self.stride + LEFT
    }
}

/// A rectangle that is being coded.
pub(super) struct Raster<'a> {
    pub(super) old: &'a [Color],
    pub(super) new: Vec<Color>,
    /// How far each pixel was from its prediction, from 1 on; 0 if it was not spelt out.
    pub(super) errors: Vec<u8>,
    pub(super) stride: usize,
}
