//! Raster order: runs that go on across the ends of rows, read and written.

use crate::pixel::{Color, Pixels, PixelsMut};
use crate::wire::DecodeError;

/// Calls `f` with the colour and the length of every run, in raster order.
pub(super) fn each_run(src: Pixels<'_>, mut f: impl FnMut(Color, u64)) {
    let mut color = 0;
    let mut length = 0u64;
    for row in src.rows() {
        let mut rest = row;
        while let Some(&first) = rest.first() {
            if first != color || length == 0 {
                if length > 0 {
                    f(color, length);
                }
                color = first;
                length = 0;
            }
            let n = prefix_of(rest, color);
            length += n as u64;
            rest = &rest[n..];
        }
    }
    if length > 0 {
        f(color, length);
    }
}

/// Runs in the picture, give or take the ends of rows (each row starts one).
///
/// Much faster than walking the runs: whole rows are compared with themselves shifted by one.
pub(super) fn count_runs(src: Pixels<'_>) -> u64 {
    src.rows().map(changes).sum()
}

/// Places in `row` that differ from their left neighbour, the first one included.
pub(super) fn changes<T: Copy + PartialEq>(row: &[T]) -> u64 {
    let Some(rest) = row.get(1..) else { return 0 };
    // A chunk's count fits a byte, which keeps the lanes narrow.
    let chunks = row.chunks(128).zip(rest.chunks(128));
    1 + chunks
        .map(|(a, b)| u64::from(a.iter().zip(b).map(|(a, b)| u8::from(a != b)).sum::<u8>()))
        .sum::<u64>()
}

/// How many items at the front of `row` equal `value`.
pub(super) fn prefix_of<T: Copy + PartialEq>(row: &[T], value: T) -> usize {
    let mut n = 0;
    for chunk in row.chunks_exact(16) {
        if !all_equal(chunk, value) {
            break;
        }
        n += 16;
    }
    n + row[n..].iter().take_while(|&&v| v == value).count()
}

/// Whether all items are `value`; without early exit, so that it is a few vector instructions.
pub(super) fn all_equal<T: Copy + PartialEq>(chunk: &[T], value: T) -> bool {
    chunk.iter().fold(true, |all, &v| all & (v == value))
}

/// Writes runs into a rectangle in raster order.
pub(super) struct Raster<'a, 'b> {
    dst: &'a mut PixelsMut<'b>,
    x: usize,
    y: usize,
    left: u64,
}

impl<'a, 'b> Raster<'a, 'b> {
    /// Starts at the first pixel.
    pub(super) fn new(dst: &'a mut PixelsMut<'b>) -> Self {
        let left = dst.size().area();
        Self { dst, x: 0, y: 0, left }
    }

    /// Whether every pixel is written.
    pub(super) const fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Pixels not written yet.
    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    /// Writes `n` pixels; more than are left are an error.
    pub(super) fn fill(&mut self, color: Color, n: u64) -> Result<(), DecodeError> {
        if n > self.left {
            return Err(DecodeError::Invalid { what: "run beyond the rectangle" });
        }
        self.left -= n;
        let width = self.dst.size().width as usize;
        let mut n = n as usize;
        while n > 0 {
            let now = n.min(width - self.x);
            self.dst.row_mut(self.y)[self.x..self.x + now].fill(color);
            n -= now;
            self.x += now;
            if self.x == width {
                self.x = 0;
                self.y += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::testing::{picture, pictures};
    use crate::geometry::Size;
    use crate::pixel::Picture;
    use proptest::prelude::*;

    #[test]
    fn runs_cross_rows() {
        let mut runs = Vec::new();
        each_run(picture(&[[1, 2, 2], [2, 2, 3], [3, 3, 3]]).view(), |c, n| runs.push((c, n)));
        assert_eq!(runs, [(1, 1), (2, 4), (3, 4)]);
    }

    #[test]
    fn counts_long_rows() {
        let row: Vec<u32> = (0..1000).collect();
        assert_eq!(changes(&row), 1000);
        assert_eq!(changes(&[7u8; 1000]), 1);
        assert_eq!(changes::<u8>(&[]), 0);
    }

    proptest! {
        #[test]
        fn runs_rebuild_the_picture(source in pictures(false)) {
            let mut copy = Picture::new(source.size(), 0xdead_beef);
            let mut dst = copy.crop_mut(source.bounds());
            let mut raster = Raster::new(&mut dst);
            let mut runs = 0;
            let mut last = None;
            each_run(source.view(), |c, n| {
                assert_ne!(last, Some(c), "two runs of one colour side by side");
                last = Some(c);
                runs += 1;
                raster.fill(c, n).expect("it fits");
            });
            prop_assert!(raster.is_full());
            prop_assert!(raster.fill(0, 1).is_err());
            prop_assert_eq!(&copy, &source);
            let counted = count_runs(source.view());
            prop_assert!(runs <= counted && counted < runs + u64::from(source.size().height));
        }
    }

    #[test]
    fn an_empty_rectangle_is_full() {
        let mut empty = Picture::new(Size::new(0, 5), 0);
        let mut dst = empty.crop_mut(empty.bounds());
        assert!(Raster::new(&mut dst).is_full());
    }
}
