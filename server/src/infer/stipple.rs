//! Areas of a two-coloured pattern that repeats every 8 pixels: the weave of an empty X
//! screen, hatching, greyed-out widgets of old toolkits.

use panto_protocol::draw::{Ink, Pattern, SurfaceId};
use panto_protocol::geometry::{Point, Rect};
use panto_protocol::pixel::{Color, Picture};

use super::uniform::uniform_areas;

/// Side of a repetition.
const SIDE: i32 = 8;

/// A pattern that repeats from the picture's first pixel on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stipple {
    /// One byte a row, most significant bit left.
    rows: [u8; SIDE as usize],
    /// The colour of the bits that are 1, the larger of both.
    foreground: Color,
    background: Color,
}

impl Stipple {
    fn color(&self, x: i32, y: i32) -> Color {
        let bits = self.rows[y.rem_euclid(SIDE) as usize];
        if bits >> (SIDE - 1 - x.rem_euclid(SIDE)) & 1 == 1 { self.foreground } else { self.background }
    }

    fn of(picture: &Picture, block: Rect) -> Option<Self> {
        if (block.width() as i32) < SIDE || (block.height() as i32) < SIDE {
            return None;
        }
        let first = picture.row(block.top, block.left, block.left + 1)[0];
        let cell = Rect::new(block.left, block.top, SIDE as u32, SIDE as u32);
        let other = picture.crop(cell).rows().flatten().copied().find(|p| *p != first)?;
        let (foreground, background) = (first.max(other), first.min(other));
        let mut rows = [0; SIDE as usize];
        for y in cell.top..cell.bottom {
            for (x, pixel) in (cell.left..).zip(picture.row(y, cell.left, cell.right)) {
                if *pixel == foreground {
                    rows[y.rem_euclid(SIDE) as usize] |= 1 << (SIDE - 1 - x.rem_euclid(SIDE));
                } else if *pixel != background {
                    return None;
                }
            }
        }
        let stipple = Self { rows, foreground, background };
        stipple.holds(picture, block).then_some(stipple)
    }

    fn holds(&self, picture: &Picture, part: Rect) -> bool {
        (part.top..part.bottom).all(|y| {
            (part.left..).zip(picture.row(y, part.left, part.right)).all(|(x, p)| *p == self.color(x, y))
        })
    }
}

/// Commands that paint such areas inside `rect`, disjoint, each at least 4,096 pixels.
pub fn stippled_areas(picture: &Picture, surface: SurfaceId, rect: Rect) -> Vec<Pattern> {
    let rect = rect.intersection(&picture.bounds());
    let look = |block| Stipple::of(picture, block);
    let holds = |stipple: &Stipple, part| stipple.holds(picture, part);
    let pattern = |(rect, stipple): (Rect, Stipple)| {
        let Stipple { rows, foreground, background } = stipple;
        let ink = Ink::Bits { rows, foreground, background: Some(background) };
        Pattern { surface, rect, origin: Point::default(), ink }
    };
    uniform_areas(rect, look, holds).into_iter().map(pattern).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::canvas::Canvas;
    use panto_protocol::draw::SurfaceResize;
    use panto_protocol::geometry::Size;

    #[test]
    fn the_weave_of_an_empty_screen_is_one_command() {
        let size = Size::new(300, 200);
        let mut picture = Picture::new(size, 0);
        for y in 0..200 {
            for (x, pixel) in picture.row_mut(y, 0, 300).iter_mut().enumerate() {
                // As the X server's default background: a cell of 4 by 4.
                let bits = [0x8, 0x2, 0x4, 0x1][y as usize % 4];
                *pixel = if bits >> (3 - x % 4) & 1 == 1 { 0x00ff_ffff } else { 0 };
            }
        }
        let window = Rect::new(51, 33, 90, 70);
        picture.fill(window, 0x0012_3456);
        let patterns = stippled_areas(&picture, SurfaceId::SCREEN, picture.bounds());
        let mut canvas = Canvas::new();
        canvas.apply(&SurfaceResize { id: SurfaceId::SCREEN, size }.into()).unwrap();
        let mut covered = 0;
        for pattern in &patterns {
            let got = pattern.rect;
            covered += got.area();
            canvas.apply(&pattern.clone().into()).unwrap();
            assert!(canvas.screen().crop(got).rows().eq(picture.crop(got).rows()), "{got:?}");
        }
        let weave = size.area() - window.area();
        assert!(covered * 10 > weave * 7, "{covered} of {weave} pixels in {} commands", patterns.len());
    }

    #[test]
    fn noise_and_plain_colour_are_no_pattern() {
        let size = Size::new(128, 128);
        let noise = (0..size.area() as u32).map(|i| i.wrapping_mul(0x9e37_79b9) >> 31).collect();
        for picture in [Picture::new(size, 7), Picture::from_pixels(size, noise).unwrap()] {
            assert_eq!(stippled_areas(&picture, SurfaceId::SCREEN, picture.bounds()), []);
        }
    }
}
