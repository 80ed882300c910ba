//! Owned pictures and borrowed views of them.

use super::Color;
use crate::geometry::{Point, Rect, Size};

/// A picture: row-major, `width * height` pixels, no padding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    size: Size,
    data: Vec<Color>,
}

/// A borrowed rectangle of pixels: row-major, `stride` pixels from row to row.
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a> {
    size: Size,
    stride: usize,
    /// `data.len() >= stride * (height - 1) + width`
    data: &'a [Color],
}

/// A mutably borrowed rectangle of pixels.
#[derive(Debug)]
pub struct PixelsMut<'a> {
    size: Size,
    stride: usize,
    data: &'a mut [Color],
}

impl Picture {
    /// A picture of one colour.
    pub fn new(size: Size, color: Color) -> Self {
        Self { size, data: vec![color; size.area() as usize] }
    }

    /// A picture from its pixels; `None` unless there are exactly `width * height`.
    pub fn from_pixels(size: Size, data: Vec<Color>) -> Option<Self> {
        (data.len() as u64 == size.area()).then_some(Self { size, data })
    }

    /// Width and height.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// The rectangle of the whole picture.
    pub const fn bounds(&self) -> Rect {
        Rect::of_size(self.size)
    }

    /// All pixels, row by row.
    pub fn data(&self) -> &[Color] {
        &self.data
    }

    /// All pixels, row by row.
    pub fn data_mut(&mut self) -> &mut [Color] {
        &mut self.data
    }

    /// One row of `rect`'s columns, clipped to nothing: `rect` must lie inside.
    pub fn row(&self, y: i32, left: i32, right: i32) -> &[Color] {
        let start = y as usize * self.size.width as usize;
        &self.data[start + left as usize..start + right as usize]
    }

    /// One row of columns, which must lie inside.
    pub fn row_mut(&mut self, y: i32, left: i32, right: i32) -> &mut [Color] {
        let start = y as usize * self.size.width as usize;
        &mut self.data[start + left as usize..start + right as usize]
    }

    /// The pixel at `p`, or `None` outside.
    pub fn pixel(&self, p: Point) -> Option<Color> {
        self.bounds().contains(p).then(|| self.data[p.y as usize * self.size.width as usize + p.x as usize])
    }

    /// The whole picture as a view.
    pub fn view(&self) -> Pixels<'_> {
        Pixels { size: self.size, stride: self.size.width as usize, data: &self.data }
    }

    /// The part of the picture inside `rect` (clipped to the picture).
    pub fn crop(&self, rect: Rect) -> Pixels<'_> {
        let r = rect.intersection(&self.bounds());
        if r.is_empty() {
            return Pixels { size: Size::default(), stride: 0, data: &[] };
        }
        let stride = self.size.width as usize;
        Pixels { size: r.size(), stride, data: &self.data[r.top as usize * stride + r.left as usize..] }
    }

    /// The part of the picture inside `rect` (clipped to the picture), to write to.
    pub fn crop_mut(&mut self, rect: Rect) -> PixelsMut<'_> {
        let r = rect.intersection(&self.bounds());
        if r.is_empty() {
            return PixelsMut { size: Size::default(), stride: 0, data: &mut [] };
        }
        let stride = self.size.width as usize;
        PixelsMut {
            size: r.size(),
            stride,
            data: &mut self.data[r.top as usize * stride + r.left as usize..],
        }
    }

    /// Paints `rect` (clipped) in one colour.
    pub fn fill(&mut self, rect: Rect, color: Color) {
        let r = rect.intersection(&self.bounds());
        if r.is_empty() {
            return;
        }
        for y in r.top..r.bottom {
            self.row_mut(y, r.left, r.right).fill(color);
        }
    }

    /// Copies `src` to `at`, clipped to this picture.
    pub fn blit(&mut self, at: Point, src: Pixels<'_>) {
        let r = Rect::at(at, src.size()).intersection(&self.bounds());
        if r.is_empty() {
            return;
        }
        for y in r.top..r.bottom {
            let from = src.row((y - at.y) as usize);
            self.row_mut(y, r.left, r.right)
                .copy_from_slice(&from[(r.left - at.x) as usize..(r.right - at.x) as usize]);
        }
    }

    /// Changes the size, keeping what lies in both and filling the rest with `color`.
    pub fn resize(&mut self, size: Size, color: Color) {
        if size == self.size {
            return;
        }
        let mut next = Picture::new(size, color);
        next.blit(Point::default(), self.view());
        *self = next;
    }
}

impl<'a> Pixels<'a> {
    /// A view over `data` with `stride` pixels from row to row; `None` if `data` is too short.
    pub fn new(size: Size, stride: usize, data: &'a [Color]) -> Option<Self> {
        let needed = match size.height {
            0 => 0,
            h => stride.checked_mul(h as usize - 1)?.checked_add(size.width as usize)?,
        };
        (stride >= size.width as usize && data.len() >= needed).then_some(Self { size, stride, data })
    }

    /// Width and height.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Row `y`, `width` pixels.
    pub fn row(&self, y: usize) -> &'a [Color] {
        &self.data[y * self.stride..y * self.stride + self.size.width as usize]
    }

    /// All rows from top to bottom.
    pub fn rows(&self) -> impl Iterator<Item = &'a [Color]> + use<'a> {
        let view = *self;
        (0..view.size.height as usize).map(move |y| view.row(y))
    }

    /// Every pixel from left to right and top to bottom.
    pub fn iter(&self) -> impl Iterator<Item = Color> + use<'a> {
        self.rows().flatten().copied()
    }

    /// The pixels inside `rect`, which is relative to this view and clipped to it.
    pub fn crop(&self, rect: Rect) -> Pixels<'a> {
        let r = rect.intersection(&Rect::of_size(self.size));
        if r.is_empty() {
            return Pixels { size: Size::default(), stride: 0, data: &[] };
        }
        Pixels {
            size: r.size(),
            stride: self.stride,
            data: &self.data[r.top as usize * self.stride + r.left as usize..],
        }
    }

    /// An owned copy.
    pub fn to_picture(&self) -> Picture {
        Picture { size: self.size, data: self.to_vec() }
    }

    /// Every pixel from left to right and top to bottom, copied row by row.
    pub fn to_vec(&self) -> Vec<Color> {
        let mut pixels = Vec::with_capacity(self.size.area() as usize);
        self.rows().for_each(|row| pixels.extend_from_slice(row));
        pixels
    }
}

impl PixelsMut<'_> {
    /// Width and height.
    pub const fn size(&self) -> Size {
        self.size
    }

    /// Row `y`, `width` pixels.
    pub fn row_mut(&mut self, y: usize) -> &mut [Color] {
        &mut self.data[y * self.stride..y * self.stride + self.size.width as usize]
    }
}
