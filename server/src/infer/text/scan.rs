//! What is where on one background: ink, gaps, differences.

use panto_protocol::geometry::Rect;
use panto_protocol::pixel::{Color, Picture};

use super::ink::distance;

/// Rows that are looked at for a background.
const SAMPLE_ROWS: usize = 16;

/// Pixels of one row that are looked at, at each of [`SAMPLE_PLACES`].
const SAMPLE_WIDTH: i32 = 64;

/// Places along a row that are looked at.
const SAMPLE_PLACES: i32 = 4;

/// Colours that are counted; text has one background and few others that repeat.
const MAX_COUNTED: usize = 24;

/// Pixels from which on an area must have its background in stretches.
const LARGE: u64 = 128 * 128;

/// Mean length of the stretches of background, at least, in pixels.
const MIN_STRETCH: usize = 3;

/// How far ink is followed beyond a rectangle, in pixels.
const MAX_GROWTH: i32 = 40;

/// The colour of all pixels of a rectangle, if they have one.
pub(super) fn solid(picture: &Picture, rect: Rect) -> Option<Color> {
    let color = *picture.row(rect.top, rect.left, rect.right).first()?;
    blank(picture, rect, color).then_some(color)
}

/// Whether all pixels have that colour.
pub(super) fn blank(picture: &Picture, rect: Rect, color: Color) -> bool {
    (rect.top..rect.bottom).all(|y| picture.row(y, rect.left, rect.right).iter().all(|&p| p == color))
}

/// The commonest colour of a sample, if it is common enough for something to be written on it.
pub(super) fn background(picture: &Picture, rect: Rect) -> Option<Color> {
    // A letter alone is mostly ink; what is around it tells the paper.
    const AROUND: i32 = 6;
    let rect = match rect.width() < 32 || rect.height() < 10 {
        true => Rect::from_corners(
            rect.left - AROUND,
            rect.top - AROUND,
            rect.right + AROUND,
            rect.bottom + AROUND,
        )
        .intersection(&picture.bounds()),
        false => rect,
    };
    let mut counted: Vec<(Color, u32)> = Vec::with_capacity(MAX_COUNTED);
    let mut total = 0;
    let step = (rect.height() as usize).div_ceil(SAMPLE_ROWS).max(1);
    for y in (rect.top..rect.bottom).step_by(step) {
        for place in 0..SAMPLE_PLACES {
            let left = rect.left + rect.width() as i32 * place / SAMPLE_PLACES;
            let limit = rect.left + rect.width() as i32 * (place + 1) / SAMPLE_PLACES;
            for &p in picture.row(y, left, limit.min(left + SAMPLE_WIDTH)) {
                total += 1;
                match counted.iter().position(|c| c.0 == p) {
                    Some(i) => {
                        counted[i].1 += 1;
                        if i > 0 && counted[i].1 > counted[i - 1].1 {
                            counted.swap(i, i - 1);
                        }
                    }
                    None if counted.len() < MAX_COUNTED => counted.push((p, 1)),
                    None => {}
                }
            }
        }
    }
    let (color, count) = counted.into_iter().max_by_key(|c| c.1)?;
    if count * 4 < total {
        return None;
    }
    // Paper is seen in stretches; what is strewn over a large area is a photograph's.
    let speckled = rect.area() >= LARGE && {
        let begins = |row: &[Color]| row.windows(2).filter(|p| p[0] != color && p[1] == color).count() + 1;
        let rows = || (rect.top..rect.bottom).step_by(step).map(|y| picture.row(y, rect.left, rect.right));
        let paper: usize = rows().map(|row| row.iter().filter(|&&p| p == color).count()).sum();
        paper < MIN_STRETCH * rows().map(begins).sum::<usize>()
    };
    (!speckled).then_some(color)
}

/// The rectangle around all pixels that are not background.
pub(super) fn ink_box(picture: &Picture, rect: Rect, background: Color) -> Option<Rect> {
    around(rect, |y| {
        let row = picture.row(y, rect.left, rect.right);
        let first = row.iter().position(|&p| p != background)?;
        Some((first, row.iter().rposition(|&p| p != background).unwrap_or(first)))
    })
}

/// The rectangle around all pixels that differ between two pictures.
pub(super) fn difference_box(a: &Picture, b: &Picture, rect: Rect) -> Option<Rect> {
    around(rect, |y| {
        let (a, b) = (a.row(y, rect.left, rect.right), b.row(y, rect.left, rect.right));
        if a == b {
            return None;
        }
        let first = a.iter().zip(b).position(|(p, q)| p != q)?;
        Some((first, a.iter().zip(b).rposition(|(p, q)| p != q).unwrap_or(first)))
    })
}

/// The rectangle around what each row has, from its first to its last column.
fn around(rect: Rect, row: impl Fn(i32) -> Option<(usize, usize)>) -> Option<Rect> {
    let mut found: Option<Rect> = None;
    for y in rect.top..rect.bottom {
        if let Some((first, last)) = row(y) {
            let (left, right) = (rect.left + first as i32, rect.left + last as i32 + 1);
            let all = found.get_or_insert(Rect::from_corners(left, y, right, y + 1));
            (all.left, all.right, all.bottom) = (all.left.min(left), all.right.max(right), y + 1);
        }
    }
    found
}

/// The colour farthest from the background.
pub(super) fn extreme(picture: &Picture, rect: Rect, background: Color) -> Color {
    let mut found = (background, 0);
    let mut last = background;
    for y in rect.top..rect.bottom {
        for &p in picture.row(y, rect.left, rect.right) {
            if p != last {
                last = p;
                let far = distance(p, background);
                if far > found.1 {
                    found = (p, far);
                }
            }
        }
    }
    found.0
}

/// In each channel what is farthest from the background.
pub(super) fn extreme_channels(picture: &Picture, rect: Rect, background: Color) -> Color {
    let mut found = background;
    for y in rect.top..rect.bottom {
        for &p in picture.row(y, rect.left, rect.right) {
            for mask in [0x0000_00ff, 0x0000_ff00, 0x00ff_0000] {
                let (p, old, paper) = (p & mask, found & mask, background & mask);
                if p.abs_diff(paper) > old.abs_diff(paper) {
                    found = found & !mask | p;
                }
            }
        }
    }
    found
}

/// Maximal runs of rows with ink.
pub(super) fn bands(picture: &Picture, rect: Rect, background: Color) -> Vec<(i32, i32)> {
    let mut ink = vec![false; rect.height() as usize];
    for (y, ink) in (rect.top..rect.bottom).zip(&mut ink) {
        *ink = picture.row(y, rect.left, rect.right).iter().any(|&p| p != background);
    }
    runs(&ink, rect.top, 1)
}

/// Maximal runs of columns with ink; gaps of fewer than `gap` columns are none.
pub(super) fn columns(picture: &Picture, rect: Rect, background: Color, gap: i32) -> Vec<(i32, i32)> {
    let mut ink = vec![false; rect.width() as usize];
    for y in rect.top..rect.bottom {
        for (p, ink) in picture.row(y, rect.left, rect.right).iter().zip(&mut ink) {
            *ink |= *p != background;
        }
    }
    runs(&ink, rect.left, gap)
}

fn runs(ink: &[bool], start: i32, gap: i32) -> Vec<(i32, i32)> {
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for (at, _) in (start..).zip(ink).filter(|(_, ink)| **ink) {
        match runs.last_mut() {
            Some(last) if at - last.1 < gap.max(1) => last.1 = at + 1,
            _ => runs.push((at, at + 1)),
        }
    }
    runs
}

/// The rectangle, larger until no ink crosses its edges. An edge from which ink goes on
/// for long (a frame) stays where it was.
pub(super) fn grow_to_gaps(picture: &Picture, rect: Rect, background: Color) -> Rect {
    let bounds = picture.bounds();
    let ink =
        |x: i32, y: i32| bounds.left <= x && x < bounds.right && picture.row(y, x, x + 1)[0] != background;
    // Ink touches ink beyond the edge, also diagonally.
    let crosses_column = |inner: i32, outer: i32, r: &Rect| {
        let near = |y: i32| (y - 1..=y + 1).any(|y| r.top <= y && y < r.bottom && ink(outer, y));
        bounds.left <= outer && outer < bounds.right && (r.top..r.bottom).any(|y| ink(inner, y) && near(y))
    };
    let crosses_row = |inner: i32, outer: i32, r: &Rect| {
        let near = |x: i32| (x - 1..=x + 1).any(|x| r.left <= x && x < r.right && ink(x, outer));
        bounds.top <= outer && outer < bounds.bottom && (r.left..r.right).any(|x| ink(x, inner) && near(x))
    };
    let mut grown = rect;
    for _ in 0..2 {
        let mut next = grown;
        while next.left > rect.left - MAX_GROWTH && crosses_column(next.left, next.left - 1, &grown) {
            next.left -= 1;
        }
        if next.left <= rect.left - MAX_GROWTH {
            next.left = rect.left;
        }
        while next.right < rect.right + MAX_GROWTH && crosses_column(next.right - 1, next.right, &grown) {
            next.right += 1;
        }
        if next.right >= rect.right + MAX_GROWTH {
            next.right = rect.right;
        }
        grown = next;
        while next.top > rect.top - MAX_GROWTH && crosses_row(next.top, next.top - 1, &grown) {
            next.top -= 1;
        }
        if next.top <= rect.top - MAX_GROWTH {
            next.top = rect.top;
        }
        while next.bottom < rect.bottom + MAX_GROWTH && crosses_row(next.bottom - 1, next.bottom, &grown) {
            next.bottom += 1;
        }
        if next.bottom >= rect.bottom + MAX_GROWTH {
            next.bottom = rect.bottom;
        }
        grown = next;
    }
    grown
}
