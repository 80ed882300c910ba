//! Fixed pitch: the grid of a terminal's cells.

use panto_protocol::geometry::Rect;
use panto_protocol::pixel::{Color, Picture};

/// Widths of a cell that are tried.
const WIDTHS: std::ops::RangeInclusive<i32> = 5..=24;

/// Heights of a cell that are tried.
const HEIGHTS: std::ops::RangeInclusive<i32> = 8..=48;

/// Rows around the text that are looked at as well: line pitch shows in several lines.
const CONTEXT: u32 = 200;

/// Columns of ink that a grid must explain.
const MIN_COLUMNS: i32 = 48;

/// Per mille of the ink that may cross the edges of cells, of what crosses edges anywhere.
const MAX_SHARE: u64 = 350;

/// Phases whose shares differ by less are equally good.
const SAME_SHARE: u64 = 10;

/// Pitches whose shares differ by less are tried.
const SLACK: u64 = 120;

/// Cells of one size, side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    /// Where a column of cells begins, `0 <= left < width`.
    left: i32,
    width: i32,
    /// Where a row of cells begins, `0 <= top < height`.
    top: i32,
    height: i32,
    /// Where text was found on it.
    pub seen: Rect,
}

impl Grid {
    /// Whether a rectangle lies where text was found, or right beside it.
    pub(super) fn reaches(&self, rect: &Rect) -> bool {
        Rect::from_corners(
            self.seen.left - self.width,
            self.seen.top - self.height,
            self.seen.right + self.width,
            self.seen.bottom + self.height,
        )
        .contains_rect(rect)
    }

    /// The cells that a rectangle touches.
    pub(super) fn align(&self, rect: &Rect) -> Rect {
        let down = |v: i32, phase: i32, pitch: i32| (v - phase).div_euclid(pitch) * pitch + phase;
        let up = |v: i32, phase: i32, pitch: i32| down(v + pitch - 1, phase, pitch);
        Rect::from_corners(
            down(rect.left, self.left, self.width),
            down(rect.top, self.top, self.height),
            up(rect.right, self.left, self.width),
            up(rect.bottom, self.top, self.height),
        )
    }

    /// Rows of cells of an aligned rectangle.
    pub(super) fn lines(&self, rect: Rect) -> impl Iterator<Item = Rect> + use<> {
        let height = self.height;
        (rect.top..rect.bottom).step_by(height as usize).map(move |top| Rect {
            top,
            bottom: (top + height).min(rect.bottom),
            ..rect
        })
    }

    /// From the first to the last column of each cell of a line.
    pub(super) fn cells(&self, line: Rect) -> impl Iterator<Item = (i32, i32)> + use<> {
        let width = self.width;
        let first = self.align(&line).left;
        (first..line.right)
            .step_by(width as usize)
            .map(move |left| (left.max(line.left), (left + width).min(line.right)))
    }

    /// The same grid, seen elsewhere.
    pub(super) fn seen_in(self, seen: Rect) -> Self {
        Self { seen, ..self }
    }

    /// Whether it is the same grid, wherever it was seen.
    pub(super) fn same(&self, other: &Grid) -> bool {
        self.seen_in(other.seen) == *other
    }
}

/// Grids on which the text of a rectangle may lie, the likeliest first.
pub(super) fn candidates(picture: &Picture, rect: Rect, background: Color) -> Vec<Grid> {
    let context = context(picture, rect, background, CONTEXT);
    let seen = sheet(picture, rect, background);
    let (across, down) = crossings(picture, context, background);
    let ink_columns = across.iter().filter(|c| **c > 0).count() as i32;
    if ink_columns < MIN_COLUMNS {
        return Vec::new();
    }
    let mut rows = pitches(&down, HEIGHTS);
    // Several pitches fit into wide gaps; lines look alike at the right one.
    rows.sort_by_key(|(_, height)| unlikeness(&down, *height as usize) / 50);
    let columns = pitches(&across, WIDTHS);
    let pairs = rows.iter().take(2).flat_map(|row| columns.iter().take(3).map(move |column| (*row, *column)));
    pairs
        .map(|((top, height), (left, width))| Grid {
            left: (context.left + left).rem_euclid(width),
            width,
            top: (context.top + top).rem_euclid(height),
            height,
            seen,
        })
        .collect()
}

/// The rectangle with the rows above and below it that are mostly background, too, up
/// to that many in all.
fn context(picture: &Picture, rect: Rect, background: Color, rows: u32) -> Rect {
    let written = |y: i32| mostly(picture.row(y, rect.left, rect.right).iter(), background);
    let mut context = rect;
    while context.height() < rows && context.top > 0 && written(context.top - 1) {
        context.top -= 1;
    }
    while context.height() < rows && context.bottom < picture.bounds().bottom && written(context.bottom) {
        context.bottom += 1;
    }
    context
}

/// As far as the same background goes on around a rectangle.
fn sheet(picture: &Picture, rect: Rect, background: Color) -> Rect {
    let mut sheet = context(picture, rect, background, u32::MAX);
    let written =
        |x: i32| mostly((sheet.top..sheet.bottom).map(|y| &picture.row(y, x, x + 1)[0]), background);
    let left = (0..sheet.left).rev().take_while(|x| written(*x)).last();
    let right = (sheet.right..picture.bounds().right).take_while(|x| written(*x)).last();
    sheet.left = left.unwrap_or(sheet.left);
    sheet.right = right.map_or(sheet.right, |x| x + 1);
    sheet
}

fn mostly<'a>(pixels: impl ExactSizeIterator<Item = &'a Color>, background: Color) -> bool {
    let all = pixels.len();
    pixels.filter(|p| **p == background).count() * 4 >= all
}

/// For each column how many rows have ink in it and in the column before, and for each
/// row how many columns have ink in it and in the row before.
fn crossings(picture: &Picture, rect: Rect, background: Color) -> (Vec<u32>, Vec<u32>) {
    let mut across = vec![0; rect.width() as usize];
    let mut down = vec![0; rect.height() as usize];
    let mut above: &[Color] = &[];
    for (y, down) in (rect.top..rect.bottom).zip(&mut down) {
        let row = picture.row(y, rect.left, rect.right);
        for (x, pair) in row.windows(2).enumerate() {
            across[x + 1] += u32::from(pair[0] != background && pair[1] != background);
        }
        *down = row.iter().zip(above).filter(|(a, b)| **a != background && **b != background).count() as u32;
        above = row;
    }
    (across, down)
}

/// Phases and pitches at which little ink crosses, the likeliest first.
fn pitches(crossings: &[u32], pitches: std::ops::RangeInclusive<i32>) -> Vec<(i32, i32)> {
    let length = crossings.len() as i32;
    let total: u64 = crossings.iter().map(|c| u64::from(*c)).sum();
    let mut found: Vec<(u64, i32, i32)> = Vec::new();
    for pitch in pitches.filter(|p| p * 3 <= length) {
        // Per mille of what would cross edges anywhere.
        let shares: Vec<u64> = (0..pitch as usize)
            .map(|phase| {
                let at_edges = crossings[phase..].iter().step_by(pitch as usize);
                at_edges.map(|c| u64::from(*c)).sum::<u64>() * pitch as u64 * 1000 / total.max(1)
            })
            .collect();
        let least = shares.iter().copied().min().unwrap_or(0);
        if least < MAX_SHARE {
            found.push((least, middle(&shares, least + SAME_SHARE), pitch));
        }
    }
    // Multiples of a pitch are as good as itself: the smallest of those that are almost
    // as good as the best is meant.
    let best = found.iter().map(|f| f.0).min().unwrap_or(0);
    found.retain(|f| f.0 <= best + SLACK);
    found.into_iter().map(|(_, phase, pitch)| (phase, pitch)).collect()
}

/// The middle of the longest run of phases with at most that share; the last phase is
/// followed by the first.
fn middle(shares: &[u64], most: u64) -> i32 {
    let n = shares.len();
    let run = |start: usize| (0..n).take_while(|i| shares[(start + i) % n] <= most).count();
    let start = (0..n).rev().max_by_key(|start| run(*start)).unwrap_or(0);
    ((start + run(start).saturating_sub(1) / 2) % n) as i32
}

/// How much a profile differs from itself some rows further down, per mille.
fn unlikeness(profile: &[u32], rows: usize) -> u64 {
    let pairs = || profile.iter().zip(profile.iter().skip(rows));
    let all: u64 = pairs().map(|(a, b)| u64::from(a + b)).sum();
    pairs().map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>() * 1000 / all.max(1)
}
