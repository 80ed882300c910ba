//! Rle: runs of a colour in raster order, on across the ends of rows.
//!
//! | bytes | field  | meaning                                  |
//! |-------|--------|------------------------------------------|
//! |       |        | *repeated until every pixel is written:* |
//! | 3     | colour | blue, green, red                         |
//! | 1…5   | length | varint, pixels of the run minus one      |

use crate::pixel::{Pixels, PixelsMut};
use crate::wire::{DecodeError, Reader};

use super::raster::{Raster, each_run};

pub(super) fn encode(src: Pixels<'_>, out: &mut Vec<u8>) {
    each_run(src, |color, length| {
        out.extend_from_slice(&color.to_le_bytes()[..3]);
        varint(length - 1, out);
    });
}

pub(super) fn decode(r: &mut Reader<'_>, dst: &mut PixelsMut<'_>) -> Result<(), DecodeError> {
    let mut raster = Raster::new(dst);
    while !raster.is_full() {
        let [blue, green, red] = r.array("run colour")?;
        let length = length(r, 1, raster.left())?;
        raster.fill(u32::from_le_bytes([blue, green, red, 0]), length)?;
    }
    Ok(())
}

/// Appends a varint (`PROTOCOL.md` section 2.1).
pub(super) fn varint(mut v: u64, out: &mut Vec<u8>) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

/// Reads a run's length, sent as a varint less `least`; at most `max`.
pub(super) fn length(r: &mut Reader<'_>, least: u64, max: u64) -> Result<u64, DecodeError> {
    match r.varint()?.checked_add(least) {
        Some(n) if n <= max => Ok(n),
        _ => Err(DecodeError::Invalid { what: "run beyond the rectangle" }),
    }
}

#[cfg(test)]
mod tests {
    use crate::encoding::Packing;
    use crate::encoding::testing::{check_refused, check_vector, picture};
    use crate::geometry::Size;
    use crate::pixel::Picture;

    #[test]
    fn vector() {
        check_vector(
            &picture(&[[1, 2, 2], [2, 2, 2], [2, 2, 0x0033_0000]]),
            Packing::Rle,
            &[0x04, 1, 0, 0, 0, 2, 0, 0, 6, 0, 0, 0x33, 0],
        );
    }

    #[test]
    fn long_runs_take_longer_lengths() {
        check_vector(&Picture::new(Size::new(129, 1), 5), Packing::Rle, &[0x04, 5, 0, 0, 0x80, 0x01]);
    }

    #[test]
    fn runs_must_end_with_the_rectangle() {
        let size = Size::new(2, 2);
        check_refused(&[0x04, 5, 0, 0, 4], size, "run beyond the rectangle");
        check_refused(
            &[0x04, 5, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            size,
            "run beyond the rectangle",
        );
    }
}
