//! Rectangles to be told, in order, cut to what a frame may still hold.

use std::collections::VecDeque;

use panto_protocol::geometry::{Point, Rect};
use panto_protocol::wire::MAX_INLINE_PIXELS;

/// Pixels of one piece at most: the finest step in which a large change can be
/// interrupted by a more urgent one, if it costs next to nothing.
const MAX_PIECE: u64 = 128 * 1024;

/// The least side of a piece that is cut off: below it contexts and headers cost more
/// than an interruption is worth.
const MIN_SIDE: i32 = 16;

/// The least width, unless the rectangle is narrower: rows are what is contiguous.
const MIN_WIDTH: u64 = 64;

/// Rectangles that wait to be told.
#[derive(Debug)]
pub(super) struct Pieces {
    waiting: VecDeque<Rect>,
}

impl Pieces {
    /// What lies under the person's eye first, then the smallest: it is on screen soonest.
    /// What is shown roughly already (`rough`) comes last.
    pub(super) fn new(mut rects: Vec<Rect>, focus: Option<Point>, rough: impl Fn(Rect) -> bool) -> Self {
        rects.sort_by_cached_key(|r| (rough(*r), !is_near(r, focus), r.area(), r.top, r.left));
        Self { waiting: rects.into() }
    }

    /// The next piece, such that it takes about `room` bytes by `bytes`, an estimate.
    pub(super) fn next(&mut self, room: u64, bytes: impl Fn(Rect) -> u64) -> Option<Rect> {
        let rect = self.waiting.pop_front()?;
        let all = bytes(rect);
        let area = rect.area();
        let fits = if all > room { (area * room.max(1) / all).max(1) } else { area };
        let fits = fits.min(MAX_PIECE);
        if fits >= area {
            return Some(rect);
        }
        let width = (fits / MIN_SIDE as u64).max(MIN_WIDTH).min(u64::from(rect.width())) as i32;
        let height = (fits / width as u64).clamp(MIN_SIDE as u64, MAX_PIECE) as i32;
        let height = height.min(rect.height() as i32);
        let (right, bottom) = (rect.left + width, rect.top + height);
        // What is below the piece's band waits longest.
        if bottom < rect.bottom {
            self.waiting.push_front(Rect { top: bottom, ..rect });
        }
        if right < rect.right {
            self.waiting.push_front(Rect { left: right, bottom, ..rect });
        }
        Some(Rect { right, bottom, ..rect })
    }

    /// What was not told.
    pub(super) fn left(&self) -> impl Iterator<Item = &Rect> {
        self.waiting.iter()
    }
}

/// Whether a rectangle lies around or close to a point.
pub(super) fn is_near(rect: &Rect, point: Option<Point>) -> bool {
    const REACH: i32 = 48;
    let around =
        Rect::from_corners(rect.left - REACH, rect.top - REACH, rect.right + REACH, rect.bottom + REACH);
    point.is_some_and(|p| around.contains(p))
}

/// A rectangle in bands of no more pixels than one command may have.
pub(super) fn bands(rect: Rect) -> impl Iterator<Item = Rect> {
    let height = (MAX_INLINE_PIXELS / u64::from(rect.width().max(1)) / 16 * 16).max(16) as i32;
    (rect.top..rect.bottom).step_by(height as usize).map(move |top| Rect {
        top,
        bottom: rect.bottom.min(top + height),
        ..rect
    })
}

/// Disjoint rectangles joined where they stand side by side, and then where rows of them
/// stand one below the other.
pub(super) fn merged(mut rects: Vec<Rect>) -> Vec<Rect> {
    rects.sort_unstable_by_key(|r| (r.top, r.bottom, r.left));
    let mut rows: Vec<Rect> = Vec::new();
    for rect in rects {
        match rows.last_mut() {
            Some(l) if (l.top, l.bottom, l.right) == (rect.top, rect.bottom, rect.left) => {
                l.right = rect.right
            }
            _ => rows.push(rect),
        }
    }
    rows.sort_unstable_by_key(|r| (r.left, r.right, r.top));
    let mut out: Vec<Rect> = Vec::new();
    for rect in rows {
        match out.last_mut() {
            Some(l) if (l.left, l.right, l.bottom) == (rect.left, rect.right, rect.top) => {
                l.bottom = rect.bottom
            }
            _ => out.push(rect),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::geometry::Region;

    #[test]
    fn pieces_are_disjoint_and_whole() {
        for room in [1, 700, 5_000, 1 << 20] {
            for rect in [Rect::new(3, 5, 1280, 800), Rect::new(0, 0, 7, 900), Rect::new(0, 0, 900, 7)] {
                let mut pieces = Pieces::new(vec![rect], None, |_| false);
                let mut left: Region = rect.into();
                let mut count = 0u64;
                while let Some(piece) = pieces.next(room, |r| r.area() * 3) {
                    assert!(left.contains_rect(&piece) && !piece.is_empty(), "{piece:?}");
                    assert!(piece.area() <= MAX_PIECE);
                    // Never far above the room, but for the smallest pieces.
                    assert!(piece.area() * 3 <= room.max(64 * 16 * 3) * 2, "{room}: {piece:?}");
                    left.subtract(&piece);
                    count += 1;
                }
                assert!(left.is_empty(), "{room}: {left:?} after {count}");
            }
        }
    }

    #[test]
    fn near_first_then_small() {
        let (far, near, small) =
            (Rect::new(0, 0, 100, 100), Rect::new(500, 500, 200, 200), Rect::new(0, 300, 9, 9));
        let order = |rough: Rect| -> Vec<Rect> {
            let focus = Some(Point::new(480, 500));
            let mut pieces = Pieces::new(vec![far, near, small], focus, |r| r == rough);
            std::iter::from_fn(|| pieces.next(1 << 30, |_| 1)).collect()
        };
        assert_eq!(order(far), [near, small, far]);
        assert_eq!(order(near), [small, far, near]);
    }

    #[test]
    fn blocks_join() {
        let rect = Rect::new(10, 20, 200, 100);
        assert_eq!(merged(rect.grid(32).collect()), [rect]);
        let hole: Vec<Rect> = rect.grid(32).filter(|r| r.left != 64).collect();
        let area: u64 = hole.iter().map(Rect::area).sum();
        let joined = merged(hole);
        assert_eq!(joined.len(), 2);
        assert_eq!(joined.iter().map(Rect::area).sum::<u64>(), area);
    }
}
