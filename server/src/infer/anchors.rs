//! Which way did it go? Short pieces of rows that look the same in two pictures, at
//! different places, vote for the vector between them.
//!
//! A window of [`WINDOW`] pixels runs along every row with a rolling hash. Where the
//! hash falls into a sparse set the window is an *anchor*: the choice depends on the
//! pixels alone, so what moved is chosen again wherever it went. Windows of few edges
//! (blank paper, frames) look the same everywhere and are left out.

use std::collections::HashMap;

use panto_protocol::geometry::{Point, Rect};
use panto_protocol::pixel::Picture;

/// Pixels of a window.
const WINDOW: usize = 32;

/// Changes of colour that a window must have.
const MIN_EDGES: u32 = 4;

/// Places of one anchor that are remembered; one that is everywhere says nothing.
const MAX_PLACES: usize = 4;

/// Changed pixels from which on a sample of the rows is enough: one row in four (or eight)
/// of the new picture, and eight rows of every 32 (or 64) of the old one, so that a move by
/// any number of rows brings some of them together.
const SAMPLE_FROM: u64 = 0x4_0000;
const SAMPLE_LESS_FROM: u64 = 0x10_0000;

/// Multiplier of the rolling hash; odd.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// `FACTOR` to the power of `WINDOW`: what the pixel that leaves a window has grown to.
const LEAVING: u64 = power(FACTOR, WINDOW as u32);

const fn power(base: u64, exponent: u32) -> u64 {
    let mut result = 1u64;
    let mut i = 0;
    while i < exponent {
        result = result.wrapping_mul(base);
        i += 1;
    }
    result
}

/// Vectors from `old` to `new`, and how many anchors agree on each: the most votes
/// first. `sources` is where in `old` the pixels may have come from, `targets` where in
/// `new` they may have gone.
pub(super) fn vote(old: &Picture, new: &Picture, sources: Rect, targets: &[Rect]) -> Vec<(Point, u32)> {
    // Small changes need every anchor, large ones have more than enough.
    let area: u64 = targets.iter().map(Rect::area).sum();
    let sparse = match area {
        0..0x4000 => 7,
        0x4000..0x2_0000 => 31,
        _ => 63,
    };
    // Rows are looked at where these bits of their number are 0.
    let (new_rows, old_rows) = match area {
        SAMPLE_LESS_FROM.. => (7, 0x38),
        SAMPLE_FROM.. => (3, 0x18),
        _ => (0, 0),
    };
    let mut places: HashMap<u64, Vec<Point>> = HashMap::new();
    for rect in targets {
        for y in (rect.top..rect.bottom).filter(|y| y & new_rows == 0) {
            anchors(new.row(y, rect.left, rect.right), sparse, |x, hash| {
                let found = places.entry(hash).or_default();
                if found.len() <= MAX_PLACES {
                    found.push(Point::new(rect.left + x as i32, y));
                }
            });
        }
    }
    places.retain(|_, found| found.len() <= MAX_PLACES);
    if places.is_empty() {
        return Vec::new();
    }
    let mut votes: HashMap<(i32, i32), u32> = HashMap::new();
    for y in (sources.top..sources.bottom).filter(|y| y & old_rows == 0) {
        anchors(old.row(y, sources.left, sources.right), sparse, |x, hash| {
            for to in places.get(&hash).map_or(&[][..], Vec::as_slice) {
                let vector = (to.x - sources.left - x as i32, to.y - y);
                if vector != (0, 0) {
                    *votes.entry(vector).or_default() += 1;
                }
            }
        });
    }
    let mut votes: Vec<(Point, u32)> = votes.into_iter().map(|((x, y), n)| (Point::new(x, y), n)).collect();
    // Ties by the vector, so that the same pictures always give the same copies.
    votes.sort_unstable_by_key(|(v, n)| (std::cmp::Reverse(*n), v.y.abs() + v.x.abs(), v.y, v.x));
    votes
}

/// Calls `found` with the place and the hash of every anchor of a row.
fn anchors(row: &[u32], sparse: u64, mut found: impl FnMut(usize, u64)) {
    let mut hash = 0u64;
    let mut edges = 0u32;
    let edge = |i: usize| u32::from(row[i] != row[i - 1]);
    for i in 0..row.len() {
        hash = hash.wrapping_mul(FACTOR).wrapping_add(u64::from(row[i]) + 1);
        if i > 0 {
            edges += edge(i);
        }
        if i < WINDOW {
            continue;
        }
        hash = hash.wrapping_sub((u64::from(row[i - WINDOW]) + 1).wrapping_mul(LEAVING));
        // The edge before the window's first pixel is not inside it.
        edges -= edge(i - WINDOW + 1);
        // The upper half is the well mixed one.
        if edges >= MIN_EDGES && (hash >> 40) & sparse == 0 {
            found(i + 1 - WINDOW, hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_depend_on_the_window_alone() {
        let row: Vec<u32> = (0..400u32).map(|i| i.wrapping_mul(2_654_435_761) >> 30).collect();
        let collect = |row: &[u32]| {
            let mut all = Vec::new();
            anchors(row, 7, |x, hash| all.push((x, hash)));
            all
        };
        let all = collect(&row);
        assert!(all.len() > 20, "{}", all.len());
        for shift in [1, 17, 100] {
            let shifted = collect(&row[shift..]);
            // A row's first window is never looked at: it has no pixel that left.
            let expected: Vec<_> =
                all.iter().filter(|(x, _)| *x > shift).map(|(x, hash)| (x - shift, *hash)).collect();
            assert_eq!(shifted, expected);
        }
    }
}
