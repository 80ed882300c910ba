//! Scrolls: areas that moved up, down, left or right, exactly.
//!
//! The changed area is cut into strips across the direction of movement. In each
//! strip every line (row or column) is hashed in the old and in the new picture;
//! lines that are unique in the old one and found elsewhere in the new one vote
//! for a distance. The distances with the most votes are then verified pixel by
//! pixel, and what holds becomes copies.

use std::collections::HashMap;

use panto_protocol::geometry::{Point, Rect, Region};
use panto_protocol::pixel::Picture;

/// Pixels of the new picture that are pixels of the old one, moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Where they were.
    pub from: Rect,
    /// Where their first pixel is now.
    pub to: Point,
}

/// Width of a strip in pixels: narrow enough to follow a scrolled column beside
/// something that stays, wide enough that lines of it are distinct.
const STRIP: i32 = 64;

/// Lines that must agree for a distance to be believed.
const MIN_VOTES: u32 = 6;

/// Lines that a run must have: shorter ones cost more as a copy than as pixels.
const MIN_RUN: i32 = 4;

/// Distances tried, the best first.
const MAX_DISTANCES: usize = 2;

/// Smallest side of a changed area worth looking at.
const MIN_SIDE: u32 = 24;

/// Moves that turn part of `old` into part of `new` inside the changed `region`.
/// All of them read `old` as it is now (snapshot semantics); none overlaps another's target.
pub fn scrolls(old: &Picture, new: &Picture, region: &Region) -> Vec<Moved> {
    if old.size() != new.size() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut taken = Region::new();
    for &rect in region.rects() {
        let rect = rect.intersection(&new.bounds());
        if rect.width() < MIN_SIDE || rect.height() < MIN_SIDE {
            continue;
        }
        for axis in [Axis::Vertical, Axis::Horizontal] {
            let moves = along(axis, old, new, rect);
            let gained: u64 = moves.iter().map(|m| m.from.area()).sum();
            // A movement that explains little of the change is a coincidence of blank lines.
            if gained * 4 < rect.area() {
                continue;
            }
            for m in moves {
                let target = Rect::at(m.to, m.from.size());
                if !taken.intersects(&target) {
                    taken.add(target);
                    found.push(m);
                }
            }
            break;
        }
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Vertical,
    Horizontal,
}

/// Hashes of the lines of one strip, and whether a line has more than one colour.
type Lines = Vec<(u64, bool)>;

fn along(axis: Axis, old: &Picture, new: &Picture, rect: Rect) -> Vec<Moved> {
    let strips = strips(axis, rect);
    let lines: Vec<(Lines, Lines)> =
        strips.iter().map(|&s| (hashes(axis, old, s), hashes(axis, new, s))).collect();
    let mut votes: HashMap<i32, u32> = HashMap::new();
    for (before, after) in &lines {
        let mut places: HashMap<u64, Option<i32>> = HashMap::new();
        for (i, &(hash, varied)) in before.iter().enumerate() {
            if varied {
                places.entry(hash).and_modify(|p| *p = None).or_insert(Some(i as i32));
            }
        }
        for (i, (hash, _)) in after.iter().enumerate() {
            if let Some(Some(place)) = places.get(hash)
                && *place != i as i32
            {
                *votes.entry(i as i32 - place).or_default() += 1;
            }
        }
    }
    let mut distances: Vec<(i32, u32)> = votes.into_iter().filter(|&(_, n)| n >= MIN_VOTES).collect();
    // Ties by distance, so that the same pictures always give the same copies.
    distances.sort_unstable_by_key(|&(d, n)| (std::cmp::Reverse(n), d.abs(), d));
    distances.truncate(MAX_DISTANCES);

    let mut moves: Vec<Moved> = Vec::new();
    for (&strip, (before, after)) in strips.iter().zip(&lines) {
        let mut covered = vec![false; after.len()];
        for &(distance, _) in &distances {
            for (start, end) in runs(before, after, distance, &covered) {
                covered[start as usize..end as usize].fill(true);
                let (from, to) = match axis {
                    Axis::Vertical => (
                        Rect::from_corners(
                            strip.left,
                            strip.top + start - distance,
                            strip.right,
                            strip.top + end - distance,
                        ),
                        Point::new(strip.left, strip.top + start),
                    ),
                    Axis::Horizontal => (
                        Rect::from_corners(
                            strip.left + start - distance,
                            strip.top,
                            strip.left + end - distance,
                            strip.bottom,
                        ),
                        Point::new(strip.left + start, strip.top),
                    ),
                };
                let m = Moved { from, to };
                if verified(old, new, &m) {
                    join(axis, &mut moves, m);
                }
            }
        }
    }
    moves
}

/// Neighbouring strips usually moved together: one copy says it for all.
fn join(axis: Axis, moves: &mut Vec<Moved>, m: Moved) {
    let neighbour = moves.iter_mut().find(|n| {
        let same_distance =
            n.to.x - n.from.left == m.to.x - m.from.left && n.to.y - n.from.top == m.to.y - m.from.top;
        same_distance
            && match axis {
                Axis::Vertical => {
                    n.from.right == m.from.left && n.from.top == m.from.top && n.from.bottom == m.from.bottom
                }
                Axis::Horizontal => {
                    n.from.bottom == m.from.top && n.from.left == m.from.left && n.from.right == m.from.right
                }
            }
    });
    match neighbour {
        Some(n) => n.from = n.from.union(&m.from),
        None => moves.push(m),
    }
}

fn strips(axis: Axis, rect: Rect) -> Vec<Rect> {
    let (start, end) = match axis {
        Axis::Vertical => (rect.left, rect.right),
        Axis::Horizontal => (rect.top, rect.bottom),
    };
    let mut out = Vec::new();
    let mut at = start;
    while at < end {
        // The last strip takes the remainder rather than leaving a sliver.
        let next = if end - at < 2 * STRIP { end } else { at + STRIP };
        out.push(match axis {
            Axis::Vertical => Rect::from_corners(at, rect.top, next, rect.bottom),
            Axis::Horizontal => Rect::from_corners(rect.left, at, rect.right, next),
        });
        at = next;
    }
    out
}

fn hashes(axis: Axis, picture: &Picture, strip: Rect) -> Lines {
    match axis {
        Axis::Vertical => (strip.top..strip.bottom)
            .map(|y| {
                let row = picture.row(y, strip.left, strip.right);
                let hash = row.iter().fold(0, |h, &p| mix(h, p));
                (hash, row.iter().any(|p| *p != row[0]))
            })
            .collect(),
        Axis::Horizontal => {
            let mut lines = vec![(0u64, false); strip.width() as usize];
            let first = picture.row(strip.top, strip.left, strip.right);
            for y in strip.top..strip.bottom {
                for ((line, &p), &f) in
                    lines.iter_mut().zip(picture.row(y, strip.left, strip.right)).zip(first)
                {
                    line.0 = mix(line.0, p);
                    line.1 |= p != f;
                }
            }
            lines
        }
    }
}

/// A weak and fast hash: every hit is verified.
const fn mix(hash: u64, pixel: u32) -> u64 {
    (hash.rotate_left(5) ^ pixel as u64).wrapping_mul(0x517c_c1b7_2722_0a95)
}

/// Maximal runs of lines of `after` that equal lines of `before` at `distance`,
/// not covered yet, and of which at least one line changed at all.
fn runs(before: &Lines, after: &Lines, distance: i32, covered: &[bool]) -> Vec<(i32, i32)> {
    let count = after.len() as i32;
    let matches = |i: i32| {
        let j = i - distance;
        0 <= j && j < count && !covered[i as usize] && after[i as usize].0 == before[j as usize].0
    };
    let mut out = Vec::new();
    let mut i = 0;
    while i < count {
        if !matches(i) {
            i += 1;
            continue;
        }
        let start = i;
        while i < count && matches(i) {
            i += 1;
        }
        // Blank ends of the run may be unchanged lines that merely look moved: harmless.
        let useful = (start..i).filter(|&k| after[k as usize].0 != before[k as usize].0).count() as i32;
        if i - start >= MIN_RUN && useful >= MIN_RUN {
            out.push((start, i));
        }
    }
    out
}

fn verified(old: &Picture, new: &Picture, m: &Moved) -> bool {
    let target = Rect::at(m.to, m.from.size());
    old.bounds().contains_rect(&m.from)
        && new.bounds().contains_rect(&target)
        && old.crop(m.from).rows().eq(new.crop(target).rows())
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::geometry::Size;

    /// Text-like rows: most lines distinct, every fifth blank.
    fn page(seed: u32) -> Picture {
        let mut p = Picture::new(Size::new(400, 300), 0x00ff_ffff);
        for y in (0..300).filter(|y| y % 5 != 4) {
            for (x, pixel) in p.row_mut(y, 0, 400).iter_mut().enumerate() {
                let h = mix(mix(u64::from(seed), y as u32), x as u32);
                if h >> 60 < 4 {
                    *pixel = 0;
                }
            }
        }
        p
    }

    fn check(dx: i32, dy: i32) {
        let area = Rect::new(40, 30, 300, 200);
        let old = page(1);
        let mut new = old.clone();
        // New content comes in where the old moved away.
        new.blit(area.origin(), page(2).crop(area));
        let moved = area.offset(dx, dy).intersection(&area);
        new.blit(moved.origin(), old.crop(moved.offset(-dx, -dy)));
        let moves = scrolls(&old, &new, &area.into());
        let covered: u64 = moves.iter().map(|m| m.from.area()).sum();
        assert!(covered * 10 >= moved.area() * 9, "{dx} {dy}: {covered} of {}", moved.area());
        let mut applied = old.clone();
        for m in &moves {
            assert_eq!((m.to.x - m.from.left, m.to.y - m.from.top), (dx, dy));
            applied.blit(m.to, old.crop(m.from));
        }
        for m in &moves {
            let target = Rect::at(m.to, m.from.size());
            assert!(applied.crop(target).rows().eq(new.crop(target).rows()));
        }
    }

    #[test]
    fn finds_scrolls_in_four_directions() {
        for (dx, dy) in [(0, -15), (0, 15), (0, -1), (0, 120), (-24, 0), (33, 0)] {
            check(dx, dy);
        }
    }

    #[test]
    fn finds_nothing_in_new_content() {
        let (old, new) = (page(1), page(2));
        assert_eq!(scrolls(&old, &new, &old.bounds().into()), []);
    }
}
