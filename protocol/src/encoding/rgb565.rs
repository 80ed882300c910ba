//! Rgb565: every pixel as two bytes, for pictures reduced to depth 16.
//!
//! | bytes        | field  | meaning                                             |
//! |--------------|--------|-----------------------------------------------------|
//! | 2·width·height | pixels | red in bits 11 to 15, green 5 to 10, blue 0 to 4, little endian |
//!
//! The pixel is the expansion by bit replication ([`expand565`]), so the packing
//! is exact for the 65,536 colours of that form and not offered for others.

use crate::pixel::{Color, Pixels, PixelsMut};
use crate::wire::{DecodeError, Reader};

/// The colour that 16 bits stand for: `r5 << 3 | r5 >> 2`, `g6 << 2 | g6 >> 4`, `b5 << 3 | b5 >> 2`.
pub const fn expand565(v: u16) -> Color {
    let v = v as u32;
    let (r, g, b) = (v >> 11, v >> 5 & 0x3f, v & 0x1f);
    (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8 | (b << 3 | b >> 2)
}

/// The 16 highest bits of the channels.
const fn top565(c: Color) -> u16 {
    ((c >> 8 & 0xf800) | (c >> 5 & 0x07e0) | (c >> 3 & 0x001f)) as u16
}

/// Whether the colour (its top byte aside) is one that [`expand565`] makes.
pub const fn is_565(c: Color) -> bool {
    (expand565(top565(c)) ^ c) & 0x00ff_ffff == 0
}

/// Whether every pixel is one that [`expand565`] makes.
pub(super) fn fits(src: Pixels<'_>) -> bool {
    // Chunks: early enough out of photographs, long enough for vectors.
    src.rows().all(|row| row.chunks(64).all(|c| c.iter().fold(true, |all, &p| all & is_565(p))))
}

pub(super) fn encode(src: Pixels<'_>, out: &mut Vec<u8>) {
    let mut at = out.len();
    out.resize(at + 2 * src.size().area() as usize, 0);
    for row in src.rows() {
        let (pairs, _) = out[at..at + 2 * row.len()].as_chunks_mut::<2>();
        for (pixel, out) in row.iter().zip(pairs) {
            *out = top565(*pixel).to_le_bytes();
        }
        at += 2 * row.len();
    }
}

pub(super) fn decode(r: &mut Reader<'_>, dst: &mut PixelsMut<'_>) -> Result<(), DecodeError> {
    let width = dst.size().width as usize;
    for y in 0..dst.size().height as usize {
        let (pairs, _) = r.take(2 * width, "rgb565 row")?.as_chunks::<2>();
        for (out, bytes) in dst.row_mut(y).iter_mut().zip(pairs) {
            *out = expand565(u16::from_le_bytes(*bytes));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::testing::{check_vector, picture};
    use crate::encoding::{Compressor, Effort, Encoder, Packing};

    #[test]
    fn vector() {
        check_vector(
            &picture(&[[0x00ff_ffff, 0x00ff_0000, 0x0000_ff00, 0x0000_00ff, 0x0008_0408]]),
            Packing::Rgb565,
            &[0x02, 0xff, 0xff, 0x00, 0xf8, 0xe0, 0x07, 0x1f, 0x00, 0x21, 0x08],
        );
    }

    #[test]
    fn every_value_survives() {
        for v in 0..=u16::MAX {
            assert!(is_565(expand565(v)));
            assert_eq!(top565(expand565(v)), v);
        }
    }

    #[test]
    fn other_colours_are_not_offered() {
        let mut out = Vec::new();
        let one = picture(&[[0x0000_0001]]);
        let encoded =
            Encoder::new().encode_with(one.view(), Packing::Rgb565, Compressor::None, Effort::Fast, &mut out);
        assert_eq!((encoded, out.len()), (None, 0));
    }
}
