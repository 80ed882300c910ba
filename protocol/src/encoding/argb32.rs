//! Argb32: every pixel as four bytes, premultiplied. Only for surfaces with alpha.
//!
//! | bytes        | field  | meaning                              |
//! |--------------|--------|--------------------------------------|
//! | 4·width·height | pixels | blue, green, red, alpha, row by row |
//!
//! Channels beyond their alpha are not refused: `pixel::over` saturates.

use crate::pixel::{Pixels, PixelsMut};
use crate::wire::{DecodeError, Reader};

pub(super) fn encode(src: Pixels<'_>, out: &mut Vec<u8>) {
    let mut at = out.len();
    out.resize(at + 4 * src.size().area() as usize, 0);
    for row in src.rows() {
        let (words, _) = out[at..at + 4 * row.len()].as_chunks_mut::<4>();
        for (pixel, out) in row.iter().zip(words) {
            *out = pixel.to_le_bytes();
        }
        at += 4 * row.len();
    }
}

pub(super) fn decode(r: &mut Reader<'_>, dst: &mut PixelsMut<'_>) -> Result<(), DecodeError> {
    let width = dst.size().width as usize;
    for y in 0..dst.size().height as usize {
        let (words, _) = r.take(4 * width, "argb32 row")?.as_chunks::<4>();
        for (out, bytes) in dst.row_mut(y).iter_mut().zip(words) {
            *out = u32::from_le_bytes(*bytes);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::encoding::Packing;
    use crate::encoding::testing::{check_vector, picture};

    #[test]
    fn vector() {
        check_vector(
            &picture(&[[0x8011_2233], [0xff00_00ff]]),
            Packing::Argb32,
            &[0x06, 0x33, 0x22, 0x11, 0x80, 0xff, 0, 0, 0xff],
        );
    }
}
