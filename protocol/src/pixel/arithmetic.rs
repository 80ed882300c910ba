//! Exact integer colour arithmetic. Both ends run exactly this.

use super::Color;

/// `round(x / 255)` for `0 <= x <= 65_025`, without a division.
pub const fn div255(x: u32) -> u32 {
    let y = x + 128;
    (y + (y >> 8)) >> 8
}

/// Every channel of `c` (alpha too) multiplied by `a / 255`, rounded to nearest.
pub const fn scale(c: Color, a: u8) -> Color {
    let a = a as u32;
    let mut out = 0;
    let mut shift = 0;
    while shift < 32 {
        out |= div255((c >> shift & 0xff) * a) << shift;
        shift += 8;
    }
    out
}

/// `coverage / 255` of `fg` over `bg`, channel by channel:
/// `div255(fg * coverage) + div255(bg * (255 - coverage))`.
///
/// Two roundings, as X servers and cairo paint text: what they painted can be said by the
/// coverage that they used. The sum never exceeds the larger of both colours, since no
/// product of two channels lies half way between two multiples of 255.
pub const fn blend(fg: Color, bg: Color, coverage: u8) -> Color {
    let a = coverage as u32;
    let mut out = 0;
    let mut shift = 0;
    while shift < 32 {
        out |= (div255((fg >> shift & 0xff) * a) + div255((bg >> shift & 0xff) * (255 - a))) << shift;
        shift += 8;
    }
    out
}

/// Premultiplied `src` over `dst`: `src + dst * (255 - alpha(src)) / 255`, saturating.
///
/// Saturation only matters for hostile colours that exceed their own alpha.
pub const fn over(src: Color, dst: Color) -> Color {
    let keep = scale(dst, 255 - (src >> 24) as u8);
    let mut out = 0;
    let mut shift = 0;
    while shift < 32 {
        let sum = (src >> shift & 0xff) + (keep >> shift & 0xff);
        out |= (if sum > 255 { 255 } else { sum }) << shift;
        shift += 8;
    }
    out
}

/// The integer between `a` and `b` at `t / n` of the way, rounded to nearest (`n > 0`).
pub const fn lerp(a: i32, b: i32, t: i32, n: i32) -> i32 {
    let x = (b - a) * t * 2 + n;
    a + x.div_euclid(2 * n)
}

/// Luma of a colour, 0 to 255: `(77 r + 150 g + 29 b + 128) / 256`.
pub const fn luma(c: Color) -> u8 {
    ((77 * (c >> 16 & 0xff) + 150 * (c >> 8 & 0xff) + 29 * (c & 0xff) + 128) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn div255_rounds_exactly() {
        for x in 0..=255 * 255u32 {
            assert_eq!(div255(x), (x * 2 + 255) / 510, "{x}");
        }
    }

    #[test]
    fn blend_ends_are_exact() {
        for c in [0, 0x00ff_ffff, 0x0012_3456] {
            assert_eq!(blend(0x00ab_cdef, c, 0), c);
            assert_eq!(blend(0x00ab_cdef, c, 255), 0x00ab_cdef);
            assert_eq!(over(0xff00_0000 | c, 0x00ff_00ff), 0xff00_0000 | c);
            assert_eq!(over(0, c), c);
        }
    }

    #[test]
    fn luma_ends() {
        assert_eq!(luma(0), 0);
        assert_eq!(luma(0x00ff_ffff), 255);
    }
}
