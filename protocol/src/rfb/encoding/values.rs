//! A rectangle of pixel values.

use super::super::{PixelFormat, TrueColor};
use crate::geometry::{Rect, Size};
use crate::pixel::{Color, Picture, Pixels};

/// Values of a pixel format, row by row: what encodings work on.
///
/// Colours that a format cannot tell apart are one value, so that encodings find the runs and
/// palettes that the peer will see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values {
    size: Size,
    /// `data.len() == width * height`
    data: Vec<u32>,
}

impl Values {
    /// A rectangle of one value.
    pub fn new(size: Size, value: u32) -> Self {
        Self { size, data: vec![value; size.area() as usize] }
    }

    /// The values that `format` has for `pixels`.
    pub fn of(format: &PixelFormat, pixels: Pixels<'_>) -> Self {
        let mut values = Self::default();
        values.set(format, pixels);
        values
    }

    /// A rectangle of as many values as it has pixels.
    pub(super) fn from_data(size: Size, data: Vec<u32>) -> Self {
        debug_assert_eq!(data.len() as u64, size.area());
        Self { size, data }
    }

    /// Becomes the values that `format` has for `pixels`, in the memory that is there.
    pub(super) fn set(&mut self, format: &PixelFormat, pixels: Pixels<'_>) {
        self.size = pixels.size();
        self.data.clear();
        self.data.reserve(self.size.area() as usize);
        match format.true_color {
            Some(TrueColor { max: [255, 255, 255], shift: [16, 8, 0] }) => {
                pixels.rows().for_each(|row| self.data.extend(row.iter().map(|c| c & 0x00ff_ffff)));
            }
            Some(TrueColor { max: [255, 255, 255], shift: [red, green, blue] }) => {
                let value = |c: &Color| (c >> 16 & 255) << red | (c >> 8 & 255) << green | (c & 255) << blue;
                pixels.rows().for_each(|row| self.data.extend(row.iter().map(value)));
            }
            _ => {
                // Screens have many runs, and a value costs divisions.
                let mut last = (0, format.value(0));
                pixels.rows().for_each(|row| {
                    self.data.extend(row.iter().map(|&color| {
                        if color != last.0 {
                            last = (color, format.value(color));
                        }
                        last.1
                    }));
                });
            }
        }
    }

    /// Width and height.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// All values, row by row.
    pub fn data(&self) -> &[u32] {
        &self.data
    }

    /// Row `y`, `width` values.
    pub fn row(&self, y: usize) -> &[u32] {
        let width = self.size.width as usize;
        &self.data[y * width..(y + 1) * width]
    }

    /// The values inside `rect`, clipped to what there is.
    pub fn crop(&self, rect: Rect) -> Self {
        let rect = rect.intersection(&Rect::of_size(self.size));
        if rect.is_empty() {
            return Self::default();
        }
        let mut data = Vec::with_capacity(rect.area() as usize);
        self.copy_tile(rect, &mut data);
        Self { size: rect.size(), data }
    }

    /// The colours of these values; `map` is asked if the format has none of its own.
    pub fn into_picture(mut self, format: &PixelFormat, map: &[Color]) -> Picture {
        match format.true_color {
            Some(TrueColor { max: [255, 255, 255], shift: [16, 8, 0] }) => {
                self.data.iter_mut().for_each(|value| *value &= 0x00ff_ffff);
            }
            _ => {
                let mut last = (0, format.color(0, map));
                for value in &mut self.data {
                    if *value != last.0 {
                        last = (*value, format.color(*value, map));
                    }
                    *value = last.1;
                }
            }
        }
        Picture::from_pixels(self.size, self.data).unwrap_or_default()
    }

    /// `tile` becomes the values inside `rect`, which must lie inside.
    pub(super) fn copy_tile(&self, rect: Rect, tile: &mut Vec<u32>) {
        tile.clear();
        for y in rect.top..rect.bottom {
            tile.extend_from_slice(&self.row(y as usize)[rect.left as usize..rect.right as usize]);
        }
    }

    /// The values inside `rect`, which must lie inside and not be empty, become those of `tile`.
    pub(super) fn paste_tile(&mut self, rect: Rect, tile: &[u32]) {
        let width = self.size.width as usize;
        for (y, row) in (rect.top as usize..).zip(tile.chunks_exact(rect.width() as usize)) {
            let start = y * width + rect.left as usize;
            self.data[start..start + row.len()].copy_from_slice(row);
        }
    }
}
