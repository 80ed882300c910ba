//! Areas that one thing describes, found by looking at blocks.

use panto_protocol::geometry::Rect;

/// Side of the blocks that are looked at.
const BLOCK: u32 = 16;

/// Smallest area worth a command of its own: below it, such pixels inside a larger
/// rectangle cost next to nothing.
const MIN_AREA: u64 = 64 * 64;

/// Disjoint rectangles inside `rect`, each at least 4,096 pixels, that one description
/// holds for. `look` describes a block if that is possible; `holds` says whether a
/// description fits another area as well.
pub(super) fn uniform_areas<D: Copy + PartialEq>(
    rect: Rect,
    look: impl Fn(Rect) -> Option<D>,
    holds: impl Fn(&D, Rect) -> bool,
) -> Vec<(Rect, D)> {
    if rect.area() < MIN_AREA {
        return Vec::new();
    }
    let columns = rect.width().div_ceil(BLOCK) as usize;
    let block = |i: usize, j: usize| {
        let (x, y) = (rect.left + j as i32 * BLOCK as i32, rect.top + i as i32 * BLOCK as i32);
        Rect::new(x, y, BLOCK, BLOCK).intersection(&rect)
    };
    let rows = rect.height().div_ceil(BLOCK) as usize;
    let mut found: Vec<Option<D>> =
        (0..rows * columns).map(|k| look(block(k / columns, k % columns))).collect();
    let mut out: Vec<(Rect, D)> = Vec::new();
    for i in 0..rows {
        for j in 0..columns {
            let Some(description) = found[i * columns + j] else { continue };
            let same = |i: usize, j: usize| found[i * columns + j] == Some(description);
            let right = (j..columns).take_while(|&k| same(i, k)).count() + j;
            let bottom = (i..rows).take_while(|&r| (j..right).all(|k| same(r, k))).count() + i;
            let area = block(i, j).union(&block(bottom - 1, right - 1));
            if area.area() < MIN_AREA {
                continue;
            }
            for r in i..bottom {
                found[r * columns + j..r * columns + right].fill(None);
            }
            let area = grow(area, rect, |part| holds(&description, part));
            // Growing may have made neighbours overlap.
            if out.iter().all(|(other, _)| !other.intersects(&area)) {
                out.push((area, description));
            }
        }
    }
    out
}

/// The blocks' grid is not the picture's: an area usually goes on a few pixels.
fn grow(mut area: Rect, limit: Rect, holds: impl Fn(Rect) -> bool) -> Rect {
    while area.left > limit.left && holds(Rect { left: area.left - 1, right: area.left, ..area }) {
        area.left -= 1;
    }
    while area.right < limit.right && holds(Rect { left: area.right, right: area.right + 1, ..area }) {
        area.right += 1;
    }
    while area.top > limit.top && holds(Rect { top: area.top - 1, bottom: area.top, ..area }) {
        area.top -= 1;
    }
    while area.bottom < limit.bottom && holds(Rect { top: area.bottom, bottom: area.bottom + 1, ..area }) {
        area.bottom += 1;
    }
    area
}
