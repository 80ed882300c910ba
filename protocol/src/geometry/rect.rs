//! Point, size and the half-open rectangle, with their wire form.
//!
//! | type  | wire (`PROTOCOL.md` section 2.3)                          |
//! |-------|-----------------------------------------------------------|
//! | point | x, y as signed varints                                    |
//! | size  | width, height as varints                                  |
//! | rect  | left, top as signed varints, width, height as varints     |

use crate::wire::{DecodeError, MAX_COORDINATE, Reader, Writer};

/// A position in pixels, x to the right and y down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Point {
    /// Pixels from the left edge.
    pub x: i32,
    /// Pixels from the top edge.
    pub y: i32,
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// A half-open rectangle: `left <= x < right`, `top <= y < bottom`.
///
/// Any rectangle with `left >= right` or `top >= bottom` is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rect {
    /// First column inside.
    pub left: i32,
    /// First row inside.
    pub top: i32,
    /// First column to the right of the rectangle.
    pub right: i32,
    /// First row below the rectangle.
    pub bottom: i32,
}

impl Point {
    /// The point at (`x`, `y`).
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }

    /// This point moved by (`dx`, `dy`).
    pub const fn offset(self, dx: i32, dy: i32) -> Self {
        Self { x: self.x + dx, y: self.y + dy }
    }

    /// Appends the wire form.
    pub fn encode(self, out: &mut Writer) {
        out.signed(self.x);
        out.signed(self.y);
    }

    /// Reads the wire form; coordinates beyond [`MAX_COORDINATE`] are an error.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { x: coordinate(r, "x")?, y: coordinate(r, "y")? })
    }
}

impl Size {
    /// `width` by `height` pixels.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Pixels in all.
    pub const fn area(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Whether there is no pixel in it.
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// Appends the wire form.
    pub fn encode(self, out: &mut Writer) {
        out.varint(u64::from(self.width));
        out.varint(u64::from(self.height));
    }

    /// Reads the wire form; sides beyond [`MAX_COORDINATE`] are an error.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { width: side(r, "width")?, height: side(r, "height")? })
    }
}

impl Rect {
    /// The rectangle with its first pixel at (`x`, `y`), `width` by `height` pixels.
    pub const fn new(x: i32, y: i32, width: u32, height: u32) -> Self {
        Self { left: x, top: y, right: x + width as i32, bottom: y + height as i32 }
    }

    /// The rectangle between two corners, the second one outside.
    pub const fn from_corners(left: i32, top: i32, right: i32, bottom: i32) -> Self {
        Self { left, top, right, bottom }
    }

    /// A rectangle of `size` with its first pixel at `origin`.
    pub const fn at(origin: Point, size: Size) -> Self {
        Self::new(origin.x, origin.y, size.width, size.height)
    }

    /// The rectangle of `size` at the origin.
    pub const fn of_size(size: Size) -> Self {
        Self::new(0, 0, size.width, size.height)
    }

    /// Columns; 0 when empty.
    pub const fn width(&self) -> u32 {
        if self.right > self.left { (self.right - self.left) as u32 } else { 0 }
    }

    /// Rows; 0 when empty.
    pub const fn height(&self) -> u32 {
        if self.bottom > self.top { (self.bottom - self.top) as u32 } else { 0 }
    }

    /// Width and height.
    pub const fn size(&self) -> Size {
        Size::new(self.width(), self.height())
    }

    /// The first pixel.
    pub const fn origin(&self) -> Point {
        Point::new(self.left, self.top)
    }

    /// Pixels inside.
    pub const fn area(&self) -> u64 {
        self.size().area()
    }

    /// Whether no pixel is inside.
    pub const fn is_empty(&self) -> bool {
        self.left >= self.right || self.top >= self.bottom
    }

    /// Whether the pixel at `p` is inside.
    pub const fn contains(&self, p: Point) -> bool {
        self.left <= p.x && p.x < self.right && self.top <= p.y && p.y < self.bottom
    }

    /// Whether every pixel of `other` is inside; an empty `other` always is.
    pub const fn contains_rect(&self, other: &Rect) -> bool {
        other.is_empty()
            || (self.left <= other.left
                && other.right <= self.right
                && self.top <= other.top
                && other.bottom <= self.bottom)
    }

    /// The pixels in both; may be empty.
    pub fn intersection(&self, other: &Rect) -> Rect {
        Rect {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// Whether any pixel is in both.
    pub fn intersects(&self, other: &Rect) -> bool {
        !self.intersection(other).is_empty()
    }

    /// The smallest rectangle around both; an empty one does not count.
    pub fn union(&self, other: &Rect) -> Rect {
        if self.is_empty() {
            return *other;
        }
        if other.is_empty() {
            return *self;
        }
        Rect {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// This rectangle moved by (`dx`, `dy`).
    pub const fn offset(&self, dx: i32, dy: i32) -> Rect {
        Rect { left: self.left + dx, top: self.top + dy, right: self.right + dx, bottom: self.bottom + dy }
    }

    /// This rectangle cut into pieces at multiples of `side` from the origin, row by row.
    pub fn grid(self, side: u32) -> impl Iterator<Item = Rect> {
        let step = side as i32;
        let rows =
            if self.is_empty() { 0..0 } else { self.top.div_euclid(step)..div_ceil(self.bottom, step) };
        rows.flat_map(move |row| {
            (self.left.div_euclid(step)..div_ceil(self.right, step))
                .map(move |column| Rect::new(column * step, row * step, side, side).intersection(&self))
        })
    }

    /// Appends the wire form.
    pub fn encode(&self, out: &mut Writer) {
        self.origin().encode(out);
        self.size().encode(out);
    }

    /// Reads the wire form. A side of 0 or beyond [`MAX_COORDINATE`] is an error.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let origin = Point::decode(r)?;
        let size = Size::decode(r)?;
        if size.is_empty() {
            return Err(DecodeError::Invalid { what: "empty rectangle" });
        }
        Ok(Self::at(origin, size))
    }
}

fn div_ceil(a: i32, b: i32) -> i32 {
    -(-a).div_euclid(b)
}

fn coordinate(r: &mut Reader<'_>, what: &'static str) -> Result<i32, DecodeError> {
    let v = r.signed()?;
    if v.unsigned_abs() > MAX_COORDINATE { Err(DecodeError::TooLarge { what }) } else { Ok(v) }
}

fn side(r: &mut Reader<'_>, what: &'static str) -> Result<u32, DecodeError> {
    let v = r.varint()?;
    if v > u64::from(MAX_COORDINATE) { Err(DecodeError::TooLarge { what }) } else { Ok(v as u32) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_open_corners() {
        let r = Rect::new(2, 3, 4, 5);
        assert!(r.contains(Point::new(2, 3)));
        assert!(r.contains(Point::new(5, 7)));
        assert!(!r.contains(Point::new(6, 7)));
        assert_eq!(r.area(), 20);
    }

    #[test]
    fn grid_covers_once() {
        let r = Rect::from_corners(-70, 10, 65, 130);
        let pieces: Vec<_> = r.grid(64).collect();
        assert_eq!(pieces.iter().map(Rect::area).sum::<u64>(), r.area());
        assert_eq!(pieces.len(), 4 * 3);
        assert!(Rect::default().grid(64).next().is_none());
    }

    #[test]
    fn wire_round_trip_and_limits() {
        let mut out = Writer::new();
        Rect::new(-5, 7, 300, 1).encode(&mut out);
        let bytes = out.finish();
        assert_eq!(Rect::decode(&mut Reader::new(&bytes)), Ok(Rect::new(-5, 7, 300, 1)));
        let mut out = Writer::new();
        Rect::new(0, 0, 70_000, 1).encode(&mut out);
        assert!(Rect::decode(&mut Reader::new(&out.finish())).is_err());
    }
}
