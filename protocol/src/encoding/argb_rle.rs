//! ArgbRle: runs of a premultiplied colour in raster order. Only for surfaces with alpha.
//!
//! | bytes | field  | meaning                                  |
//! |-------|--------|------------------------------------------|
//! |       |        | *repeated until every pixel is written:* |
//! | 4     | colour | blue, green, red, alpha                  |
//! | 1…5   | length | varint, pixels of the run minus one      |

use crate::pixel::{Pixels, PixelsMut};
use crate::wire::{DecodeError, Reader};

use super::raster::{Raster, each_run};
use super::rle::{length, varint};

pub(super) fn encode(src: Pixels<'_>, out: &mut Vec<u8>) {
    each_run(src, |color, length| {
        out.extend_from_slice(&color.to_le_bytes());
        varint(length - 1, out);
    });
}

pub(super) fn decode(r: &mut Reader<'_>, dst: &mut PixelsMut<'_>) -> Result<(), DecodeError> {
    let mut raster = Raster::new(dst);
    while !raster.is_full() {
        let color = r.u32("run colour")?;
        let length = length(r, 1, raster.left())?;
        raster.fill(color, length)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::encoding::Packing;
    use crate::encoding::testing::{check_refused, check_vector, picture};
    use crate::geometry::Size;

    #[test]
    fn vector() {
        check_vector(
            &picture(&[[0x8011_2233, 0], [0, 0]]),
            Packing::ArgbRle,
            &[0x07, 0x33, 0x22, 0x11, 0x80, 0, 0, 0, 0, 0, 2],
        );
    }

    #[test]
    fn runs_must_end_with_the_rectangle() {
        check_refused(&[0x07, 5, 0, 0, 0, 4], Size::new(2, 2), "run beyond the rectangle");
    }
}
