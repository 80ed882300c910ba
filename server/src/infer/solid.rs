//! Solid areas inside changed rectangles.

use panto_protocol::geometry::Rect;
use panto_protocol::pixel::{Color, Picture};

/// Side of the blocks that are looked at.
const BLOCK: u32 = 16;

/// Smallest area worth a command of its own: below it, pixels of one colour
/// inside a larger rectangle cost next to nothing.
const MIN_AREA: u64 = 64 * 64;

/// Disjoint rectangles of one colour inside `rect`, each at least 4,096 pixels.
pub fn solid_areas(picture: &Picture, rect: Rect) -> Vec<(Rect, Color)> {
    let rect = rect.intersection(&picture.bounds());
    if rect.area() < MIN_AREA {
        return Vec::new();
    }
    let columns = rect.width().div_ceil(BLOCK) as usize;
    let block = |i: usize, j: usize| {
        let (x, y) = (rect.left + j as i32 * BLOCK as i32, rect.top + i as i32 * BLOCK as i32);
        Rect::new(x, y, BLOCK, BLOCK).intersection(&rect)
    };
    let rows = rect.height().div_ceil(BLOCK) as usize;
    let mut colors: Vec<Option<Color>> =
        (0..rows * columns).map(|k| solid(picture, block(k / columns, k % columns))).collect();
    let mut out = Vec::new();
    for i in 0..rows {
        for j in 0..columns {
            let Some(color) = colors[i * columns + j] else { continue };
            let same = |i: usize, j: usize| colors[i * columns + j] == Some(color);
            let right = (j..columns).take_while(|&k| same(i, k)).count() + j;
            let bottom = (i..rows).take_while(|&r| (j..right).all(|k| same(r, k))).count() + i;
            let area = block(i, j).union(&block(bottom - 1, right - 1));
            if area.area() < MIN_AREA {
                continue;
            }
            for r in i..bottom {
                colors[r * columns + j..r * columns + right].fill(None);
            }
            out.push((grow(picture, area, rect, color), color));
        }
    }
    // Growing may have made neighbours overlap.
    let mut disjoint: Vec<(Rect, Color)> = Vec::new();
    for (area, color) in out {
        if disjoint.iter().all(|(other, _)| !other.intersects(&area)) {
            disjoint.push((area, color));
        }
    }
    disjoint
}

fn solid(picture: &Picture, rect: Rect) -> Option<Color> {
    let view = picture.crop(rect);
    let color = view.row(0)[0];
    view.rows().all(|row| row.iter().all(|&p| p == color)).then_some(color)
}

/// The blocks' grid is not the picture's: a solid area usually goes on a few pixels.
fn grow(picture: &Picture, mut area: Rect, limit: Rect, color: Color) -> Rect {
    let all = |r: Rect| picture.crop(r).rows().all(|row| row.iter().all(|&p| p == color));
    while area.left > limit.left && all(Rect { left: area.left - 1, right: area.left, ..area }) {
        area.left -= 1;
    }
    while area.right < limit.right && all(Rect { left: area.right, right: area.right + 1, ..area }) {
        area.right += 1;
    }
    while area.top > limit.top && all(Rect { top: area.top - 1, bottom: area.top, ..area }) {
        area.top -= 1;
    }
    while area.bottom < limit.bottom && all(Rect { top: area.bottom, bottom: area.bottom + 1, ..area }) {
        area.bottom += 1;
    }
    area
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::geometry::Size;

    #[test]
    fn finds_a_panel_exactly() {
        let mut p = Picture::new(Size::new(200, 200), 0);
        for (i, pixel) in p.data_mut().iter_mut().enumerate() {
            *pixel = i as u32;
        }
        let panel = Rect::new(37, 21, 101, 99);
        p.fill(panel, 7);
        assert_eq!(solid_areas(&p, p.bounds()), [(panel, 7)]);
    }

    #[test]
    fn small_areas_are_left_to_the_pixels() {
        let mut p = Picture::new(Size::new(200, 200), 0);
        for (i, pixel) in p.data_mut().iter_mut().enumerate() {
            *pixel = i as u32;
        }
        p.fill(Rect::new(37, 21, 40, 40), 7);
        assert!(solid_areas(&p, p.bounds()).is_empty());
    }
}
