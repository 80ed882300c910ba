//! Palette: up to 256 colours, then packed indices, rows padded to a byte.
//!
//! | bytes | field   | meaning                                                    |
//! |-------|---------|------------------------------------------------------------|
//! | 1+3·n | palette | 2 to 256 colours (`palette.rs`)                            |
//! | …     | rows    | 1 bit a pixel for 2 colours, 2 for up to 4, 4 for up to 16, else 8 |
//!
//! The leftmost pixel is in the highest bits. Padding is 0.

use crate::pixel::{Color, PixelsMut};
use crate::wire::{DecodeError, Reader};

use super::palette::{self, MAX_PALETTE};

/// Bits of an index into so many colours.
const fn bits(count: usize) -> usize {
    match count {
        0..=2 => 1,
        3..=4 => 2,
        5..=16 => 4,
        _ => 8,
    }
}

/// Packs `indices` (one byte a pixel, row by row, all below `colors.len()`).
pub(super) fn encode(colors: &[Color], width: usize, indices: &[u8], out: &mut Vec<u8>) {
    palette::encode(colors, out);
    let bits = bits(colors.len());
    if bits == 8 {
        out.extend_from_slice(indices);
        return;
    }
    if width == 0 {
        return;
    }
    let row_bytes = (width * bits).div_ceil(8);
    let mut at = out.len();
    out.resize(at + indices.len() / width * row_bytes, 0);
    for row in indices.chunks_exact(width) {
        let packed = &mut out[at..at + row_bytes];
        match bits {
            1 => pack::<8>(row, packed, pack_1),
            2 => pack::<4>(row, packed, |[a, b, c, d]| a << 6 | b << 4 | c << 2 | d),
            _ => pack::<2>(row, packed, |[a, b]| a << 4 | b),
        }
        at += row_bytes;
    }
}

/// Packs groups of `N` indices to a byte each, the last group filled up with 0.
fn pack<const N: usize>(row: &[u8], out: &mut [u8], byte: impl Fn([u8; N]) -> u8) {
    let (groups, rest) = row.as_chunks::<N>();
    for (&group, out) in groups.iter().zip(&mut *out) {
        *out = byte(group);
    }
    if !rest.is_empty() {
        let mut last = [0; N];
        last[..rest.len()].copy_from_slice(rest);
        out[groups.len()] = byte(last);
    }
}

/// Eight bytes of 0 or 1 to one byte. The product puts bit `8·i` of the word at
/// bit `63 - i`; no two of its terms meet, so nothing carries.
fn pack_1(group: [u8; 8]) -> u8 {
    (u64::from_le_bytes(group).wrapping_mul(0x8040_2010_0804_0201) >> 56) as u8
}

pub(super) fn decode(r: &mut Reader<'_>, dst: &mut PixelsMut<'_>) -> Result<(), DecodeError> {
    let (colors, count) = palette::decode(r, MAX_PALETTE)?;
    let bits = bits(count);
    let width = dst.size().width as usize;
    let row_bytes = (width * bits).div_ceil(8);
    for y in 0..dst.size().height as usize {
        let packed = r.take(row_bytes, "palette row")?;
        let out = dst.row_mut(y);
        match bits {
            1 => unpack::<1, 8>(packed, out, &colors, count)?,
            2 => unpack::<2, 4>(packed, out, &colors, count)?,
            4 => unpack::<4, 2>(packed, out, &colors, count)?,
            _ => unpack::<8, 1>(packed, out, &colors, count)?,
        }
    }
    Ok(())
}

/// Unpacks a row of indices of `BITS` bits, `N` to a byte.
fn unpack<const BITS: usize, const N: usize>(
    packed: &[u8],
    out: &mut [Color],
    colors: &[Color; MAX_PALETTE],
    count: usize,
) -> Result<(), DecodeError> {
    let mask = (0xffu16 >> (8 - BITS)) as u8;
    let index = |byte: u8, k: usize| byte >> (8 - BITS - k * BITS) & mask;
    // Looked at once a row: an index beyond the palette reads a 0 of the table meanwhile.
    let mut highest = 0;
    let (groups, rest) = out.as_chunks_mut::<N>();
    for (&byte, group) in packed.iter().zip(&mut *groups) {
        for (k, pixel) in group.iter_mut().enumerate() {
            let i = index(byte, k);
            highest = highest.max(i);
            *pixel = colors[usize::from(i)];
        }
    }
    if !rest.is_empty() {
        let byte = packed[groups.len()];
        for (k, pixel) in rest.iter_mut().enumerate() {
            let i = index(byte, k);
            highest = highest.max(i);
            *pixel = colors[usize::from(i)];
        }
        if (rest.len()..N).any(|k| index(byte, k) != 0) {
            return Err(DecodeError::Invalid { what: "padding of a palette row" });
        }
    }
    if usize::from(highest) >= count {
        return Err(DecodeError::Invalid { what: "palette index" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::encoding::Packing;
    use crate::encoding::testing::{check_refused, check_vector, picture};
    use crate::geometry::Size;
    use crate::pixel::Picture;

    #[test]
    fn vector_of_one_bit() {
        check_vector(
            &picture(&[[3, 0x00ff_ffff, 3, 3, 3, 3, 3, 0x00ff_ffff, 3, 0x00ff_ffff], [3; 10]]),
            Packing::Palette,
            &[0x03, 1, 3, 0, 0, 0xff, 0xff, 0xff, 0b0100_0001, 0b0100_0000, 0, 0],
        );
    }

    #[test]
    fn vector_of_two_bits() {
        check_vector(
            &picture(&[[7, 8, 9, 7, 9]]),
            Packing::Palette,
            &[0x03, 2, 7, 0, 0, 8, 0, 0, 9, 0, 0, 0b0001_1000, 0b1000_0000],
        );
    }

    #[test]
    fn vector_of_four_bits() {
        check_vector(
            &picture(&[[7, 8, 9, 10, 11]]),
            Packing::Palette,
            &[0x03, 4, 7, 0, 0, 8, 0, 0, 9, 0, 0, 10, 0, 0, 11, 0, 0, 0x01, 0x23, 0x40],
        );
    }

    #[test]
    fn vector_of_eight_bits() {
        let picture = Picture::from_pixels(Size::new(17, 1), (100..117).collect()).expect("17 pixels");
        let mut bytes = vec![0x03, 16];
        bytes.extend((100..117).flat_map(|c| [c, 0, 0]));
        bytes.extend(0..17);
        check_vector(&picture, Packing::Palette, &bytes);
    }

    #[test]
    fn lying_palettes() {
        let size = Size::new(2, 1);
        check_refused(&[0x03, 0, 1, 1, 1, 0], size, "palette of one colour");
        // Three colours, index 3.
        check_refused(&[0x03, 2, 7, 0, 0, 8, 0, 0, 9, 0, 0, 0b0011_0000], size, "palette index");
        check_refused(&[0x03, 2, 7, 0, 0, 8, 0, 0, 9, 0, 0, 0b0001_0001], size, "padding of a palette row");
        // 17 colours, index 17.
        let mut bytes = vec![0x03, 16];
        bytes.extend([0; 51]);
        bytes.extend([0, 17]);
        check_refused(&bytes, size, "palette index");
    }
}
