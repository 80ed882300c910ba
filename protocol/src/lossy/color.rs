//! Pixels ↔ luma and chroma: the full-range YCbCr of JPEG, in integers.

use crate::pixel::Color;

/// Luma of a row of pixels, 0 to 255: that of [`crate::pixel::luma`].
pub(super) fn luma_row(pixels: &[Color], out: &mut [u8]) {
    for (out, p) in out.iter_mut().zip(pixels) {
        let (r, g, b) = ((p >> 16 & 255) as u16, (p >> 8 & 255) as u16, (p & 255) as u16);
        *out = ((77 * r + 150 * g + 29 * b + 128) >> 8) as u8;
    }
}

/// Both chromas of two rows of pixels, one for each square of four pixels.
pub(super) fn chroma_rows(above: &[Color], below: &[Color], cb: &mut [u8], cr: &mut [u8]) {
    let squares = above.as_chunks::<2>().0.iter().zip(below.as_chunks::<2>().0);
    for (((a, b), cb), cr) in squares.zip(cb).zip(cr) {
        // Two channels in one word: a sum of four takes ten bits.
        let rb = (a[0] & 0xff_00ff) + (a[1] & 0xff_00ff) + (b[0] & 0xff_00ff) + (b[1] & 0xff_00ff);
        let g = (a[0] >> 8 & 255) + (a[1] >> 8 & 255) + (b[0] >> 8 & 255) + (b[1] >> 8 & 255);
        let (r, g, b) = ((rb >> 16 & 0x3ff) as i32, (g & 0x3ff) as i32, (rb & 0x3ff) as i32);
        *cb = ((128 * b - 43 * r - 85 * g + (128 << 10) + 512) >> 10).min(255) as u8;
        *cr = ((128 * r - 107 * g - 21 * b + (128 << 10) + 512) >> 10).min(255) as u8;
    }
}

/// Pixels of two rows of sixteen from their luma and the chroma that each square of four shares.
pub(super) fn pixels(luma: [&[u8; 16]; 2], cb: &[u8; 8], cr: &[u8; 8]) -> [[Color; 16]; 2] {
    // For both pixels of a square; each factor is less by a whole 256, for sixteen bits to do.
    let (mut red, mut green, mut blue) = ([0i16; 16], [0i16; 16], [0i16; 16]);
    for i in 0..8 {
        let (cb, cr) = (i16::from(cb[i]) - 128, i16::from(cr[i]) - 128);
        let r = ((103 * cr + 128) >> 8) + cr;
        let g = ((128 - 88 * cb + 73 * cr) >> 8) - cr;
        let b = ((198 * cb + 128) >> 8) + cb;
        (red[2 * i], red[2 * i + 1]) = (r, r);
        (green[2 * i], green[2 * i + 1]) = (g, g);
        (blue[2 * i], blue[2 * i + 1]) = (b, b);
    }
    let mut out = [[0; 16]; 2];
    for (out, luma) in out.iter_mut().zip(luma) {
        let (mut high, mut low) = ([0u16; 16], [0u16; 16]);
        for x in 0..16 {
            let y = i16::from(luma[x]);
            let channel = |offset: i16| (y + offset).clamp(0, 255) as u16;
            (high[x], low[x]) = (channel(red[x]), channel(green[x]) << 8 | channel(blue[x]));
        }
        for x in 0..16 {
            out[x] = u32::from(high[x]) << 16 | u32::from(low[x]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_are_enough() {
        for (cb, cr) in (0..=255u8).flat_map(|cb| (0..=255).map(move |cr| (cb, cr))) {
            let luma = std::array::from_fn(|i| (i * 17) as u8);
            let rows = pixels([&luma, &luma], &[cb; 8], &[cr; 8]);
            let (b, r) = (i32::from(cb) - 128, i32::from(cr) - 128);
            let expected = luma.map(|luma| {
                let channel = |change: i32| (i32::from(luma) + change).clamp(0, 255) as u8;
                crate::pixel::rgb(
                    channel((359 * r + 128) >> 8),
                    channel((128 - 88 * b - 183 * r) >> 8),
                    channel((454 * b + 128) >> 8),
                )
            });
            assert_eq!(rows, [expected; 2], "{cb} {cr}");
        }
    }
}
