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

/// Pixels of two rows from their luma and the chroma that each square of four shares.
pub(super) fn pixels(luma: &[u8], cb: &[u8], cr: &[u8], out: &mut [Color; 16]) {
    let (mut red, mut green, mut blue) = ([0i16; 8], [0i16; 8], [0i16; 8]);
    for i in 0..8 {
        let (cb, cr) = (i32::from(cb[i]) - 128, i32::from(cr[i]) - 128);
        red[i] = ((359 * cr + 128) >> 8) as i16;
        green[i] = ((-88 * cb - 183 * cr + 128) >> 8) as i16;
        blue[i] = ((454 * cb + 128) >> 8) as i16;
    }
    for x in 0..16 {
        let y = i16::from(luma[x]);
        let channel = |offset: i16| (y + offset).clamp(0, 255) as u32;
        out[x] = channel(red[x / 2]) << 16 | channel(green[x / 2]) << 8 | channel(blue[x / 2]);
    }
}
