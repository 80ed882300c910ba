//! Depths with a fixed set of colours: 16 bits (RGB565) and 1 bit (black and white).
//!
//! A channel `v` becomes level `(v · max + 127) / 255` of `max` (31 or 63), which is
//! the nearest; with dither level `(16 · v · max + 255 · b + 127) / 4080`, where `b` is
//! the position's number in the Bayer matrix. 0 and 255 stay what they are in both.

use super::bayer;
use crate::geometry::Rect;
use crate::pixel::{Picture, luma};

/// What each channel value becomes, for 5 and for 6 bits.
struct Tables {
    five: [u8; 256],
    six: [u8; 256],
}

static NEAREST: Tables = Tables { five: nearest_table(5), six: nearest_table(6) };

/// By the position's number in the Bayer matrix.
static DITHERED: [Tables; 16] = {
    const EMPTY: Tables = Tables { five: [0; 256], six: [0; 256] };
    let mut tables = [EMPTY; 16];
    let mut b = 0;
    while b < 16 {
        tables[b] = Tables { five: dithered_table(5, b as u32), six: dithered_table(6, b as u32) };
        b += 1;
    }
    tables
};

/// Bit replication of a level of 5 or 6 bits.
const fn expand(level: u32, bits: u32) -> u8 {
    (level << (8 - bits) | level >> (2 * bits - 8)) as u8
}

const fn nearest_table(bits: u32) -> [u8; 256] {
    let max = (1 << bits) - 1;
    let mut table = [0; 256];
    let mut v = 0;
    while v < 256 {
        table[v] = expand((v as u32 * max + 127) / 255, bits);
        v += 1;
    }
    table
}

const fn dithered_table(bits: u32, b: u32) -> [u8; 256] {
    let max = (1 << bits) - 1;
    let mut table = [0; 256];
    let mut v = 0;
    while v < 256 {
        table[v] = expand((16 * v as u32 * max + 255 * b + 127) / 4080, bits);
        v += 1;
    }
    table
}

impl Tables {
    fn apply(&self, pixel: u32) -> u32 {
        let [blue, green, red, _] = pixel.to_le_bytes().map(usize::from);
        u32::from_le_bytes([self.five[blue], self.six[green], self.five[red], 0])
    }
}

/// Depth 16; `rect` lies inside both pictures.
pub(super) fn quantize_16(src: &Picture, rect: Rect, dither: bool, dst: &mut Picture) {
    for y in rect.top..rect.bottom {
        let from = src.row(y, rect.left, rect.right);
        let to = dst.row_mut(y, rect.left, rect.right).iter_mut().zip(from);
        if dither {
            let tables = [0, 1, 2, 3].map(|x| &DITHERED[usize::from(bayer(x, y))]);
            for (x, (out, &pixel)) in (rect.left..).zip(to) {
                *out = tables[(x & 3) as usize].apply(pixel);
            }
        } else {
            for (out, &pixel) in to {
                *out = NEAREST.apply(pixel);
            }
        }
    }
}

/// Depth 1; `rect` lies inside both pictures.
pub(super) fn quantize_1(src: &Picture, rect: Rect, dither: bool, dst: &mut Picture) {
    for y in rect.top..rect.bottom {
        // 8, 24, … 248 with dither: black stays black and white white.
        let thresholds = [0, 1, 2, 3].map(|x| if dither { bayer(x, y) * 16 + 8 } else { 128 });
        let from = src.row(y, rect.left, rect.right);
        let to = dst.row_mut(y, rect.left, rect.right).iter_mut().zip(from);
        for (x, (out, &pixel)) in (rect.left..).zip(to) {
            *out = if luma(pixel) < thresholds[(x & 3) as usize] { 0 } else { 0x00ff_ffff };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{expand565, is_565};
    use crate::geometry::Size;
    use crate::pixel::rgb;

    fn gray(v: u8, size: Size) -> Picture {
        Picture::new(size, rgb(v, v, v))
    }

    #[test]
    fn colours_of_565_stay() {
        for v in 0..=u16::MAX {
            assert_eq!(NEAREST.apply(expand565(v)), expand565(v));
        }
    }

    #[test]
    fn levels_are_the_nearest() {
        for (bits, table) in [(5, &NEAREST.five), (6, &NEAREST.six)] {
            let max = (1u32 << bits) - 1;
            for v in 0..256u32 {
                // In units of 1 / (255 · max).
                let off = |level: u32| (v * max).abs_diff(level * 255);
                let best = (0..=max).min_by_key(|&l| off(l)).expect("levels");
                assert_eq!(table[v as usize], expand(best, bits), "{v}");
            }
        }
    }

    #[test]
    fn dither_keeps_the_mean_and_the_ends() {
        let size = Size::new(4, 4);
        for v in 0..=255u8 {
            let src = gray(v, size);
            let mut dst = src.clone();
            quantize_16(&src, src.bounds(), true, &mut dst);
            assert!(dst.data().iter().all(|&p| is_565(p)));
            let sum: u32 = dst.data().iter().map(|p| p >> 16).sum();
            assert!(sum.abs_diff(u32::from(v) * 16) <= 16, "{v}: {sum}");
            quantize_1(&src, src.bounds(), true, &mut dst);
            let white = dst.data().iter().filter(|&&p| p != 0).count() as u32;
            assert!((white * 255).abs_diff(u32::from(v) * 16) <= 255, "{v}: {white}");
            if v == 0 || v == 255 {
                assert_eq!(dst, src);
            }
        }
    }

    #[test]
    fn black_and_white() {
        let src = Picture::from_pixels(
            Size::new(4, 1),
            vec![rgb(127, 127, 127), rgb(128, 128, 128), rgb(0, 0, 255), rgb(0, 255, 0)],
        )
        .expect("four");
        let mut dst = src.clone();
        quantize_1(&src, src.bounds(), false, &mut dst);
        assert_eq!(dst.data(), [0, 0x00ff_ffff, 0, 0x00ff_ffff]);
    }
}
