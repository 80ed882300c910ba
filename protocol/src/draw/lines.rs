//! Lines and Frames: strokes of one pixel's width.
//!
//! | command | fields                                                     |
//! |---------|------------------------------------------------------------|
//! | Lines   | surface varint, colour, count, points (a polyline)         |
//! | Frames  | surface varint, colour, count, rectangles (outlined)       |
//!
//! A line from `a` to `b` paints both ends and between them the pixels of
//! Bresenham's algorithm as given in `PROTOCOL.md` section 4.11:
//! `dx = |bx-ax|, dy = -|by-ay|, e = dx+dy`; paint; `e2 = 2e`; if `e2 >= dy` then
//! `e += dy`, step x; if `e2 <= dx` then `e += dx`, step y; until at `b`.

use super::{ITEM_COST, SurfaceId, area_cost, decode_color, decode_rects, encode_color, encode_rects};
use crate::canvas::{Canvas, PaintError};
use crate::geometry::{Point, Rect, Size};
use crate::pixel::Color;
use crate::wire::{DecodeError, MAX_COMMAND_ITEMS, Reader, Writer};

/// A polyline (`PROTOCOL.md` section 4.11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// Where to paint.
    pub surface: SurfaceId,
    /// Colour of the line.
    pub color: Color,
    /// Corners, both ends painted; a single point is one pixel.
    pub points: Vec<Point>,
}

/// Outlines of rectangles (`PROTOCOL.md` section 4.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frames {
    /// Where to paint.
    pub surface: SurfaceId,
    /// Colour of the outline.
    pub color: Color,
    /// The outline is the outermost ring of pixels *inside* each rectangle.
    pub rects: Vec<Rect>,
}

impl Lines {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        encode_color(self.color, out);
        out.varint(self.points.len() as u64);
        // Corners lie near each other: each is sent relative to the one before.
        let mut last = Point::default();
        for p in &self.points {
            out.signed(p.x - last.x);
            out.signed(p.y - last.y);
            last = *p;
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let surface = SurfaceId::decode(r)?;
        let color = decode_color(r)?;
        let n = r.count(MAX_COMMAND_ITEMS, 2, "points")?;
        let mut points = Vec::with_capacity(n);
        let mut last = Point::default();
        for _ in 0..n {
            let (dx, dy) = (r.signed()?, r.signed()?);
            let next = last.x.checked_add(dx).zip(last.y.checked_add(dy));
            let limit = -(crate::wire::MAX_COORDINATE as i32)..=crate::wire::MAX_COORDINATE as i32;
            last = match next {
                Some((x, y)) if limit.contains(&x) && limit.contains(&y) => Point::new(x, y),
                _ => return Err(DecodeError::TooLarge { what: "line" }),
            };
            points.push(last);
        }
        Ok(Self { surface, color, points })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        let length = |w: &[Point]| w[0].x.abs_diff(w[1].x).max(w[0].y.abs_diff(w[1].y));
        1 + self.points.windows(2).map(|w| u64::from(length(w)) + ITEM_COST).sum::<u64>()
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        let single;
        let segments = match self.points[..] {
            [only] => {
                single = [only, only];
                single.windows(2)
            }
            _ => self.points.windows(2),
        };
        for segment in segments {
            let (a, b) = (segment[0], segment[1]);
            let bounds = Rect::from_corners(a.x.min(b.x), a.y.min(b.y), a.x.max(b.x) + 1, a.y.max(b.y) + 1);
            canvas.paint(self.surface, bounds, |target| {
                let color = target.opaque(self.color);
                let clip = target.clip;
                bresenham(a, b, |p| {
                    if clip.contains(p) {
                        target.picture.row_mut(p.y, p.x, p.x + 1)[0] = color;
                    }
                });
            })?;
        }
        Ok(())
    }
}

fn bresenham(a: Point, b: Point, mut paint: impl FnMut(Point)) {
    let (dx, dy) = ((b.x - a.x).abs(), -(b.y - a.y).abs());
    let (step_x, step_y) = ((b.x - a.x).signum(), (b.y - a.y).signum());
    let (mut p, mut error) = (a, dx + dy);
    loop {
        paint(p);
        if p == b {
            return;
        }
        let doubled = 2 * error;
        if doubled >= dy {
            error += dy;
            p.x += step_x;
        }
        if doubled <= dx {
            error += dx;
            p.y += step_y;
        }
    }
}

impl Frames {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        encode_color(self.color, out);
        encode_rects(&self.rects, out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { surface: SurfaceId::decode(r)?, color: decode_color(r)?, rects: decode_rects(r)? })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        let side = |width, height| area_cost(Size::new(width, height));
        self.rects.iter().map(|r| 2 * (side(r.width(), 1) + side(1, r.height()))).sum()
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        for r in &self.rects {
            for side in [
                Rect::from_corners(r.left, r.top, r.right, r.top + 1),
                Rect::from_corners(r.left, r.bottom - 1, r.right, r.bottom),
                Rect::from_corners(r.left, r.top, r.left + 1, r.bottom),
                Rect::from_corners(r.right - 1, r.top, r.right, r.bottom),
            ] {
                canvas.paint(self.surface, side, |target| {
                    let color = target.opaque(self.color);
                    target.picture.fill(target.clip, color);
                })?;
            }
        }
        Ok(())
    }
}
