//! Damage as the server reports it → few rectangles worth asking for.

use panto_protocol::geometry::{Rect, Region, Size};

/// Rectangles asked for in one grab. A request costs about 0.02 ms, as much as
/// reading 60,000 pixels more, so beyond some tens merging is cheaper.
pub(super) const MAX_RECTS: usize = 64;

/// Beyond this many reported rectangles exact set arithmetic (quadratic) gives
/// way to a grid.
const MAX_EXACT: usize = 256;

/// The reported rectangles clipped to the screen and merged: disjoint, at most
/// [`MAX_RECTS`], covering at least what was reported on the screen.
pub(super) fn merge(reported: impl Iterator<Item = Rect>, screen: Size) -> Region {
    let bounds = Rect::of_size(screen);
    let clipped: Vec<Rect> = reported.map(|r| r.intersection(&bounds)).filter(|r| !r.is_empty()).collect();
    let mut region =
        if clipped.len() <= MAX_EXACT { clipped.into_iter().collect() } else { grid(&clipped, bounds) };
    region.simplify(MAX_RECTS);
    region
}

/// Whole grid cells that any of `rects` touches, the finest grid from 64 pixels
/// up that gives at most [`MAX_EXACT`] runs.
fn grid(rects: &[Rect], bounds: Rect) -> Region {
    let mut side = 64;
    loop {
        let columns = bounds.right.div_ceil_by(side) as usize;
        let rows = bounds.bottom.div_ceil_by(side) as usize;
        let mut touched = vec![false; columns * rows];
        for r in rects {
            for row in r.top / side..r.bottom.div_ceil_by(side) {
                let first = row as usize * columns;
                touched[first + (r.left / side) as usize..first + r.right.div_ceil_by(side) as usize]
                    .fill(true);
            }
        }
        let mut runs = Vec::new();
        for row in 0..rows {
            let mut column = 0;
            for run in touched[row * columns..(row + 1) * columns].chunk_by(|a, b| a == b) {
                if run[0] {
                    let cell = Rect::from_corners(
                        column * side,
                        row as i32 * side,
                        (column + run.len() as i32) * side,
                        (row as i32 + 1) * side,
                    );
                    runs.push(cell.intersection(&bounds));
                }
                column += run.len() as i32;
            }
        }
        if runs.len() <= MAX_EXACT {
            return runs.into_iter().collect();
        }
        side *= 2;
    }
}

trait DivCeil {
    fn div_ceil_by(self, side: Self) -> Self;
}

impl DivCeil for i32 {
    fn div_ceil_by(self, side: i32) -> i32 {
        (self + side - 1) / side
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rects: &[Rect], screen: Size) {
        let region = merge(rects.iter().copied(), screen);
        assert!(region.rects().len() <= MAX_RECTS);
        let bounds = Rect::of_size(screen);
        for (i, r) in region.rects().iter().enumerate() {
            assert!(bounds.contains_rect(r), "{r:?} leaves the screen");
            assert!(region.rects()[..i].iter().all(|o| !o.intersects(r)), "{r:?} overlaps");
        }
        for r in rects {
            assert!(region.contains_rect(&r.intersection(&bounds)), "{r:?} is not covered");
        }
    }

    #[test]
    fn few_are_kept_exactly() {
        let region =
            merge([Rect::new(-5, 3, 10, 4), Rect::new(90, 90, 50, 50)].into_iter(), Size::new(100, 100));
        assert_eq!(region.area(), 5 * 4 + 10 * 10);
        check(&[], Size::new(10, 10));
        check(&[Rect::new(200, 200, 5, 5)], Size::new(100, 100));
    }

    #[test]
    fn many_are_covered() {
        // A checkerboard of single pixels: the worst that a region can be.
        let dots: Vec<Rect> = (0..200)
            .flat_map(|y| (0..100).map(move |x| Rect::new(x * 10 + y % 2 * 5, y * 4, 1, 1)))
            .collect();
        check(&dots, Size::new(1001, 799));
        check(&dots[..200], Size::new(1001, 799));
        let sparse: Vec<Rect> = (0..90)
            .flat_map(|y| (0..160).map(move |x| Rect::new(x * 128 + y % 2 * 64, y * 64, 1, 1)))
            .collect();
        check(&sparse, Size::new(20_480, 5760));
    }
}
