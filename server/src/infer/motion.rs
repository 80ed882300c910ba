//! Moves: areas that went somewhere else, in any direction, several at once, exactly.
//!
//! Anchors vote for vectors ([`super::anchors`]); the vectors that worked lately are
//! tried before all others. For each vector the changed area is compared with the old
//! picture shifted, pixel by pixel, and what agrees becomes rectangles.

use panto_protocol::geometry::{Point, Rect, Region};
use panto_protocol::pixel::Picture;

use super::anchors::vote;

/// Pixels of the new picture that are pixels of the old one, moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Where they were.
    pub from: Rect,
    /// Where their first pixel is now.
    pub to: Point,
}

/// Votes that a vector must have.
const MIN_VOTES: u32 = 4;

/// Vectors looked at in one search.
const MAX_VECTORS: usize = 4;

/// Vectors that are remembered.
const MAX_RECENT: usize = 4;

/// How far beyond the changed area pixels are looked for.
const REACH: i32 = 64;

/// Pixels that a search must be able to win; below, it costs more than it saves.
const MIN_AREA: u64 = 256;

/// Shortest row of a copy.
const MIN_WIDTH: i32 = 16;

/// Fewest rows.
const MIN_HEIGHT: i32 = 4;

/// Copies of one search.
const MAX_MOVES: usize = 128;

/// Searches for moves, and remembers which way things went.
#[derive(Debug, Clone, Default)]
pub struct Motion {
    recent: Vec<Point>,
}

impl Motion {
    /// Moves that turn part of `old` into part of `new` inside the changed `region`.
    /// All of them read `old` as it is now (snapshot semantics); none overlaps another's target.
    /// Each puts at least `min_gain` edges right: edges are what pixels cost, blank paper is cheap.
    pub fn find(&mut self, old: &Picture, new: &Picture, region: &Region, min_gain: u32) -> Vec<Moved> {
        let inside = region.rects().iter().map(|r| r.intersection(&new.bounds())).filter(|r| !r.is_empty());
        let rects = gathered(inside);
        let whole = area(&rects);
        if old.size() != new.size() || whole < MIN_AREA {
            return Vec::new();
        }
        // Lines that begin alike agree in part with any other line: the way that explains most by
        // itself comes first, or what went as a whole would be cut to pieces.
        let alone = |vector: Point| {
            let mut found = Found::of(rects.clone());
            found.attempt(old, new, vector, min_gain);
            found
        };
        let mut found = Found::of(rects.clone());
        for &vector in &self.recent {
            found = found.or(alone(vector));
            if area(&found.left) * 8 <= whole {
                break;
            }
        }
        for &vector in &self.recent {
            found.attempt(old, new, vector, min_gain);
        }
        // What is not explained yet is worth a search of its own.
        if area(&found.left) * 8 > whole && found.moves.len() < MAX_MOVES {
            let bounds = found.left.iter().fold(Rect::default(), |all, r| all.union(r));
            let sources = Rect::from_corners(
                bounds.left - REACH,
                bounds.top - REACH,
                bounds.right + REACH,
                bounds.bottom + REACH,
            )
            .intersection(&old.bounds());
            let votes = vote(old, new, sources, &found.left);
            let least = votes.first().map_or(0, |(_, n)| n / 4).max(MIN_VOTES);
            let vectors = votes.into_iter().filter(|(v, n)| *n >= least && !self.recent.contains(v));
            for (i, (vector, _)) in vectors.take(MAX_VECTORS).enumerate() {
                if i == 0 && !found.moves.is_empty() {
                    found = found.or(alone(vector));
                }
                found.attempt(old, new, vector, min_gain);
                if area(&found.left) * 16 < whole || found.moves.len() >= MAX_MOVES {
                    break;
                }
            }
        }
        let Found { moves, mut used, .. } = found;
        // The latest first, but for those that explain little: what agrees by chance must not
        // be cut out of what moved. A vector that no longer works is forgotten when others do.
        if !used.is_empty() {
            used.sort_by_key(|(_, area)| area * 16 < whole);
            self.recent.retain(|v| used.iter().all(|(u, _)| u != v));
            self.recent.splice(0..0, used.into_iter().map(|(vector, _)| vector));
            self.recent.truncate(MAX_RECENT);
        }
        moves
    }
}

/// What a search has come to.
#[derive(Debug, Default)]
struct Found {
    moves: Vec<Moved>,
    /// Vectors, and the area that each has explained.
    used: Vec<(Point, u64)>,
    /// Not explained yet.
    left: Vec<Rect>,
}

impl Found {
    fn of(left: Vec<Rect>) -> Self {
        Self { left, ..Self::default() }
    }

    /// Whichever explains more.
    fn or(self, other: Self) -> Self {
        if area(&other.left) < area(&self.left) { other } else { self }
    }

    /// Explains by this vector what it can of what is left.
    fn attempt(&mut self, old: &Picture, new: &Picture, vector: Point, min_gain: u32) {
        if self.used.iter().any(|(used, _)| *used == vector) {
            return;
        }
        let before = self.moves.len();
        for rect in &self.left {
            agreement(old, new, *rect, vector, min_gain, &mut self.moves);
        }
        self.moves.truncate(MAX_MOVES);
        let taken: Vec<Rect> = self.moves[before..].iter().map(|m| Rect::at(m.to, m.from.size())).collect();
        if !taken.is_empty() {
            self.left = without(&self.left, &taken);
            self.used.push((vector, area(&taken)));
        }
    }
}

fn area(rects: &[Rect]) -> u64 {
    rects.iter().map(Rect::area).sum()
}

/// Rectangles that lie together become one: what did not change between them may have
/// moved as well (blank paper does), and one copy is less than many.
fn gathered(rects: impl Iterator<Item = Rect>) -> Vec<Rect> {
    let mut out: Vec<Rect> = Vec::new();
    for mut rect in rects {
        while let Some(i) = out.iter().position(|r| {
            let union = r.union(&rect);
            union.area() <= 3 * (r.area() + rect.area())
        }) {
            rect = rect.union(&out.swap_remove(i));
        }
        out.push(rect);
    }
    // Joined ones may overlap others by now.
    let mut apart: Vec<Rect> = Vec::with_capacity(out.len());
    for mut rect in out {
        while let Some(i) = apart.iter().position(|r| r.intersects(&rect)) {
            rect = rect.union(&apart.swap_remove(i));
        }
        apart.push(rect);
    }
    apart
}

/// A column of rows that agree, not finished yet.
struct Column {
    left: i32,
    right: i32,
    top: i32,
    /// Edges whose pixels are wrong now and would be right.
    gain: u32,
}

/// Appends rectangles inside `rect` where `new` is `old` shifted by `vector`.
fn agreement(old: &Picture, new: &Picture, rect: Rect, vector: Point, min_gain: u32, moves: &mut Vec<Moved>) {
    let rect = rect.intersection(&old.bounds().offset(vector.x, vector.y));
    if rect.is_empty() {
        return;
    }
    let mut open: Vec<Column> = Vec::new();
    let mut runs: Vec<(i32, i32)> = Vec::new();
    let close = |column: Column, bottom: i32, moves: &mut Vec<Moved>| {
        if column.gain >= min_gain && bottom - column.top >= MIN_HEIGHT {
            let target = Rect::from_corners(column.left, column.top, column.right, bottom);
            moves.push(Moved { from: target.offset(-vector.x, -vector.y), to: target.origin() });
        }
    };
    for y in rect.top..rect.bottom {
        let now = new.row(y, rect.left, rect.right);
        let moved = old.row(y - vector.y, rect.left - vector.x, rect.right - vector.x);
        let stayed = old.row(y, rect.left, rect.right);
        equal_runs(now, moved, rect.left, &mut runs);
        let wrong = |left: i32, right: i32| {
            let (a, b) = ((left - rect.left) as usize, (right - rect.left) as usize);
            let (now, stayed) = (&now[a..b], &stayed[a..b]);
            if now == stayed {
                return 0;
            }
            // Without branches: whole vectors at a time.
            let pairs = now[1..].iter().zip(now).zip(&stayed[1..]);
            pairs.map(|((now, before), stayed)| u32::from((now != before) & (now != stayed))).sum()
        };
        let mut still = Vec::with_capacity(open.len() + runs.len());
        for mut column in open {
            // A column goes on while its whole width agrees.
            let run = runs.iter().position(|r| r.0 <= column.left && column.right <= r.1);
            match run {
                Some(i) => {
                    // Enough is enough.
                    if column.gain < min_gain {
                        column.gain += wrong(column.left, column.right);
                    }
                    // What the run has beyond the column begins columns of its own.
                    let (left, right) = runs.swap_remove(i);
                    runs.extend(
                        [(left, column.left), (column.right, right)].into_iter().filter(|r| r.1 > r.0),
                    );
                    still.push(column);
                }
                None => close(column, y, moves),
            }
        }
        for &(left, right) in runs.iter().filter(|r| r.1 - r.0 >= MIN_WIDTH) {
            still.push(Column { left, right, top: y, gain: wrong(left, right) });
        }
        still.sort_unstable_by_key(|c| c.left);
        open = still;
    }
    for column in open {
        close(column, rect.bottom, moves);
    }
}

/// Maximal runs of equal pixels of two rows, in coordinates that begin at `left`.
fn equal_runs(a: &[u32], b: &[u32], left: i32, runs: &mut Vec<(i32, i32)>) {
    runs.clear();
    // Most rows of what moved agree as a whole.
    if a == b {
        runs.push((left, left + a.len() as i32));
        return;
    }
    let end = a.len().min(b.len());
    let mut i = 0;
    while i < end {
        i += until(&a[i..end], &b[i..end], |x, y| x == y);
        let start = i;
        i += until(&a[i..end], &b[i..end], |x, y| x != y);
        if i > start {
            runs.push((left + start as i32, left + i as i32));
        }
    }
}

/// How many pixels come before the first pair of which `is` holds: sixteen at a time without
/// a branch, which the compiler makes vectors of, then one by one.
fn until(a: &[u32], b: &[u32], is: impl Fn(u32, u32) -> bool) -> usize {
    let none = |(a, b): &(&[u32; 16], &[u32; 16])| {
        !a.iter().zip(b.iter()).fold(false, |any, (&x, &y)| any | is(x, y))
    };
    let (blocks, others) = (a.as_chunks::<16>().0, b.as_chunks::<16>().0);
    let i = 16 * blocks.iter().zip(others).take_while(none).count();
    i + a[i..].iter().zip(&b[i..]).take_while(|&(&x, &y)| !is(x, y)).count()
}

fn without(rects: &[Rect], taken: &[Rect]) -> Vec<Rect> {
    let mut region: Region = rects.iter().copied().collect();
    for rect in taken {
        region.subtract(rect);
    }
    region.rects().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::geometry::Size;

    /// splitmix64's last steps: rows that look alike by chance would be moves, too.
    const fn mix(hash: u64, value: u64) -> u64 {
        let z = hash.wrapping_add(value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Text-like rows: most lines distinct, every fifth blank.
    fn page(seed: u64) -> Picture {
        let mut p = Picture::new(Size::new(400, 300), 0x00ff_ffff);
        for y in (0..300).filter(|y| y % 5 != 4) {
            for (x, pixel) in p.row_mut(y, 0, 400).iter_mut().enumerate() {
                if mix(mix(seed << 32, y as u64), x as u64) >> 60 < 4 {
                    *pixel = 0;
                }
            }
        }
        p
    }

    /// Applies moves to `old` at once, and makes sure that they are right and apart.
    fn apply(old: &Picture, new: &Picture, moves: &[Moved]) -> u64 {
        let mut applied = old.clone();
        let mut covered = Region::new();
        for m in moves {
            let target = Rect::at(m.to, m.from.size());
            assert!(!covered.intersects(&target), "targets overlap");
            covered.add(target);
            applied.blit(m.to, old.crop(m.from));
        }
        for m in moves {
            let target = Rect::at(m.to, m.from.size());
            assert!(applied.crop(target).rows().eq(new.crop(target).rows()));
        }
        covered.area()
    }

    #[test]
    fn finds_scrolls_in_any_direction() {
        for (dx, dy) in [(0, -15), (0, 15), (0, -1), (0, 120), (-24, 0), (33, 0), (7, -13), (-60, 40)] {
            let area = Rect::new(40, 30, 300, 200);
            let old = page(1);
            let mut new = old.clone();
            // New content comes in where the old moved away.
            new.blit(area.origin(), page(2).crop(area));
            let moved = area.offset(dx, dy).intersection(&area);
            new.blit(moved.origin(), old.crop(moved.offset(-dx, -dy)));
            let moves = Motion::default().find(&old, &new, &area.into(), 128);
            let covered = apply(&old, &new, &moves);
            assert!(covered * 10 >= moved.area() * 9, "{dx} {dy}: {covered} of {}", moved.area());
        }
    }

    #[test]
    fn finds_two_windows_that_went_different_ways() {
        let old = page(1);
        let mut new = page(3);
        let (a, b) = (Rect::new(10, 20, 150, 120), Rect::new(220, 60, 140, 180));
        new.blit(Point::new(30, 45), old.crop(a));
        new.blit(Point::new(200, 90), old.crop(b));
        let moves = Motion::default().find(&old, &new, &new.bounds().into(), 128);
        let covered = apply(&old, &new, &moves);
        assert!(covered * 10 >= (a.area() + b.area()) * 9, "{covered}");
    }

    #[test]
    fn remembers_the_way_that_a_drag_goes() {
        // A window without any texture but its frame: too few edges for anchors, yet a
        // vector that worked a moment ago is tried again.
        let mut motion = Motion::default();
        let (old, mut new) = (page(1), page(1));
        let window = Rect::new(40, 40, 200, 150);
        new.blit(Point::new(46, 43), old.crop(window));
        assert!(!motion.find(&old, &new, &Rect::new(30, 30, 230, 180).into(), 128).is_empty());
        assert_eq!(motion.recent, [Point::new(6, 3)]);
    }

    #[test]
    fn an_old_way_that_fits_in_part_cuts_nothing_to_pieces() {
        // A log whose lines begin alike, ten rows each: any number of lines agrees in the first column.
        let line = |n: u64| {
            let mut p = Picture::new(Size::new(300, 10), 0x00ff_ffff);
            for y in 0..8 {
                for (x, pixel) in p.row_mut(y, 0, 300).iter_mut().enumerate() {
                    let seed = if x < 180 { 0 } else { n + 1 };
                    *pixel = if mix(mix(seed, y as u64), x as u64) >> 60 < 4 { 0 } else { *pixel };
                }
            }
            p
        };
        let log = |first: u64| {
            let mut p = Picture::new(Size::new(300, 300), 0x00ff_ffff);
            (0..30).for_each(|i| p.blit(Point::new(0, 10 * i as i32), line(first + i).view()));
            p
        };
        let mut motion = Motion::default();
        let mut first = 0;
        for lines in [2, 4, 2, 2, 6, 4, 2, 6, 2] {
            let (old, new) = (log(first), log(first + lines));
            first += lines;
            let moves = motion.find(&old, &new, &new.bounds().into(), 48);
            let covered = apply(&old, &new, &moves);
            assert!(covered >= 300 * 10 * (30 - lines), "{lines}: {covered}");
            let whole = Rect::new(0, 0, 300, 300 - 10 * lines as u32);
            assert!(
                moves.iter().any(|m| Rect::at(m.to, m.from.size()).contains_rect(&whole)),
                "{lines}: {moves:?}"
            );
        }
    }

    #[test]
    fn finds_nothing_in_new_content() {
        let (old, new) = (page(1), page(2));
        assert_eq!(Motion::default().find(&old, &new, &old.bounds().into(), 128), []);
    }
}
