//! PaletteRle: up to 128 colours, then runs of an index in raster order.
//!
//! | bytes | field   | meaning                                                   |
//! |-------|---------|-----------------------------------------------------------|
//! | 1+3·n | palette | 2 to 128 colours (`palette.rs`)                           |
//! |       |         | *repeated until every pixel is written:*                  |
//! | 1     | index   | bits 0 to 6 the colour; bit 7 set for a run of two or more |
//! | 1…5   | length  | with bit 7 only: varint, pixels of the run minus two      |

use crate::pixel::{Color, PixelsMut};
use crate::wire::{DecodeError, Reader};

use super::palette;
use super::raster::{Raster, prefix_of};
use super::rle::{length, varint};

/// Bit 7 of the index is taken.
pub(super) const MAX_COLORS: usize = 128;

const RUN: u8 = 0x80;

/// Packs `indices` (one byte a pixel, row by row, all below `colors.len() <= 128`).
pub(super) fn encode(colors: &[Color], indices: &[u8], out: &mut Vec<u8>) {
    palette::encode(colors, out);
    let mut rest = indices;
    while let [index, tail @ ..] = rest {
        if tail.first() != Some(index) {
            out.push(*index);
            rest = tail;
            continue;
        }
        let n = prefix_of(rest, *index);
        out.push(index | RUN);
        varint(n as u64 - 2, out);
        rest = &rest[n..];
    }
}

pub(super) fn decode(r: &mut Reader<'_>, dst: &mut PixelsMut<'_>) -> Result<(), DecodeError> {
    let (colors, count) = palette::decode(r, MAX_COLORS)?;
    let mut raster = Raster::new(dst);
    while !raster.is_full() {
        let byte = r.u8("palette run")?;
        let index = usize::from(byte & !RUN);
        if index >= count {
            return Err(DecodeError::Invalid { what: "palette index" });
        }
        let length = if byte & RUN == 0 { 1 } else { length(r, 2, raster.left())? };
        raster.fill(colors[index], length)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::encoding::testing::{check_refused, check_vector, picture};
    use crate::encoding::{Decoder, Packing};
    use crate::geometry::Size;
    use crate::wire::DecodeError;

    #[test]
    fn vector() {
        check_vector(
            &picture(&[[3, 4, 4], [4, 4, 3], [5, 5, 5]]),
            Packing::PaletteRle,
            &[0x05, 2, 3, 0, 0, 4, 0, 0, 5, 0, 0, 0, 0x81, 2, 0, 0x82, 1],
        );
    }

    #[test]
    fn lying_palettes_and_runs() {
        let size = Size::new(2, 1);
        check_refused(&[0x05, 0, 1, 1, 1, 0x80, 0], size, "palette of one colour");
        check_refused(&[0x05, 1, 1, 1, 1, 2, 2, 2, 0x82, 0], size, "palette index");
        check_refused(&[0x05, 1, 1, 1, 1, 2, 2, 2, 0x80, 1], size, "run beyond the rectangle");
        check_refused(&[0x05, 1, 1, 1, 1, 2, 2, 2, 0, 0x80, 0], size, "run beyond the rectangle");
        let mut large = vec![0x05, 128];
        large.extend([0; 129 * 3]);
        large.extend([0x80, 0]);
        assert_eq!(
            Decoder::new().decode(&large, size, false),
            Err(DecodeError::TooLarge { what: "palette" })
        );
    }
}
