//! Smaller pictures: every pixel the mean of a box of source pixels.
//!
//! A channel is `⌊(sum + ⌊n/2⌋) / n⌋` over the `n` pixels of the box that lie inside
//! the source: `divisor²`, fewer at the right and bottom edge. All four bytes are
//! treated alike, which is right for premultiplied colours too.

use crate::geometry::{Rect, Size};
use crate::pixel::Picture;

/// Size of a picture of `size` at one `divisor`-th (at least 1), rounded up.
pub const fn scaled_size(size: Size, divisor: u32) -> Size {
    Size::new(size.width.div_ceil(divisor), size.height.div_ceil(divisor))
}

/// The pixels of the scaled picture that change with those of `rect` in the source.
pub const fn reach(rect: Rect, divisor: u32) -> Rect {
    if rect.is_empty() {
        return Rect::from_corners(0, 0, 0, 0);
    }
    let d = divisor as i32;
    Rect::from_corners(
        rect.left.div_euclid(d),
        rect.top.div_euclid(d),
        (rect.right - 1).div_euclid(d) + 1,
        (rect.bottom - 1).div_euclid(d) + 1,
    )
}

/// Writes the pixels `rect_in_dst` (clipped) of the scaled `src` to `dst`, which has [`scaled_size`].
pub fn downscale(src: &Picture, divisor: u32, rect_in_dst: Rect, dst: &mut Picture) {
    debug_assert_eq!(dst.size(), scaled_size(src.size(), divisor));
    let scaled = Rect::of_size(scaled_size(src.size(), divisor));
    let rect = rect_in_dst.intersection(&scaled).intersection(&dst.bounds());
    // Boxes that lie inside as a whole.
    let full = Size::new(src.size().width / divisor, src.size().height / divisor);
    for y in rect.top..rect.bottom {
        let right = if y < full.height as i32 { rect.right.min(full.width as i32) } else { rect.left };
        let fast = match divisor {
            1 => whole_boxes::<1>(src, y, rect.left, right, dst),
            2 => whole_boxes::<2>(src, y, rect.left, right, dst),
            4 => whole_boxes::<4>(src, y, rect.left, right, dst),
            _ => rect.left,
        };
        for x in fast..rect.right {
            dst.row_mut(y, x, x + 1)[0] = mean(src, divisor, x, y);
        }
    }
}

/// The mean of any box.
fn mean(src: &Picture, divisor: u32, x: i32, y: i32) -> u32 {
    let d = divisor as i32;
    let inside = Rect::new(x * d, y * d, divisor, divisor).intersection(&src.bounds());
    let n = inside.area().max(1);
    let mut sums = [0u64; 4];
    for row in inside.top..inside.bottom {
        for pixel in src.row(row, inside.left, inside.right) {
            for (sum, v) in sums.iter_mut().zip(pixel.to_le_bytes()) {
                *sum += u64::from(v);
            }
        }
    }
    u32::from_le_bytes(sums.map(|sum| ((sum + n / 2) / n) as u8))
}

/// The means of whole boxes with a side of 1, 2 or 4, up to `right`; returns where it ended.
///
/// Two channels at a time in one word: 16 bytes add up to 4080 at most, so nothing carries over.
fn whole_boxes<const D: usize>(src: &Picture, y: i32, left: i32, right: i32, dst: &mut Picture) -> i32 {
    const LANES: u32 = 0x00ff_00ff;
    if left >= right {
        return left;
    }
    let d = D as i32;
    let half = (D * D / 2) as u32 * 0x0001_0001;
    let shift = (D * D).ilog2();
    let mut rows = [&[][..]; D];
    for (k, row) in rows.iter_mut().enumerate() {
        *row = src.row(y * d + k as i32, left * d, right * d).as_chunks::<D>().0;
    }
    let out = dst.row_mut(y, left, right);
    for (i, out) in out.iter_mut().enumerate() {
        let (mut even, mut odd) = (half, half);
        for row in rows {
            for pixel in row[i] {
                even += pixel & LANES;
                odd += pixel >> 8 & LANES;
            }
        }
        *out = (even >> shift & LANES) | (odd >> shift & LANES) << 8;
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::testing::mixed;
    use proptest::prelude::*;

    fn whole(src: &Picture, divisor: u32) -> Picture {
        let mut dst = Picture::new(scaled_size(src.size(), divisor), 0);
        let bounds = dst.bounds();
        downscale(src, divisor, bounds, &mut dst);
        dst
    }

    #[test]
    fn vectors() {
        let src = Picture::from_pixels(Size::new(3, 3), vec![0, 1, 9, 1, 0, 4, 0x0100, 0x0200, 0x0300])
            .expect("nine");
        // 2/4 rounds up to 1; 13/2 up to 7; 3/2 of green up to 2.
        assert_eq!(whole(&src, 2).data(), [1, 7, 0x0200, 0x0300]);
        assert_eq!(whole(&src, 1), src);
        let white = Picture::new(Size::new(8, 8), u32::MAX);
        assert_eq!(whole(&white, 4), Picture::new(Size::new(2, 2), u32::MAX));
    }

    #[test]
    fn reaches() {
        assert_eq!(reach(Rect::new(3, 4, 1, 1), 4), Rect::new(0, 1, 1, 1));
        assert_eq!(reach(Rect::new(3, 3, 2, 2), 2), Rect::new(1, 1, 2, 2));
        assert_eq!(reach(Rect::new(5, 5, 2, 2), 1), Rect::new(5, 5, 2, 2));
        assert!(reach(Rect::new(9, 9, 0, 3), 2).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn agrees_with_the_plain_mean(seed in any::<u32>(), w in 1..70u32, h in 1..40u32, divisor in 1..7u32) {
            let src = mixed(Size::new(w, h), seed);
            let dst = whole(&src, divisor);
            for y in 0..dst.size().height as i32 {
                for x in 0..dst.size().width as i32 {
                    prop_assert_eq!(dst.row(y, x, x + 1)[0], mean(&src, divisor, x, y));
                }
            }
        }

        #[test]
        fn a_change_stays_in_its_reach(
            seed in any::<u32>(), x in 0..60, y in 0..40, w in 1..20u32, h in 1..20u32, divisor in 1..5u32,
        ) {
            let before = mixed(Size::new(61, 43), seed);
            let mut after = before.clone();
            after.fill(Rect::new(x, y, w, h), 0x0012_3456);
            let mut dst = whole(&before, divisor);
            downscale(&after, divisor, reach(Rect::new(x, y, w, h), divisor), &mut dst);
            prop_assert_eq!(&dst, &whole(&after, divisor));
        }
    }
}
