//! Solid: one colour for the whole rectangle. Not for surfaces with alpha.
//!
//! | bytes | field  | meaning          |
//! |-------|--------|------------------|
//! | 3     | colour | blue, green, red |

use crate::pixel::{Color, Pixels, PixelsMut};
use crate::wire::{DecodeError, Reader};

use super::raster::all_equal;

/// The colour of a rectangle that has just one; `None` for none or several.
pub(super) fn only_color(src: Pixels<'_>) -> Option<Color> {
    if src.size().is_empty() {
        return None;
    }
    let color = src.row(0)[0];
    src.rows().all(|row| row.chunks(64).all(|c| all_equal(c, color))).then_some(color)
}

pub(super) fn encode(color: Color, out: &mut Vec<u8>) {
    out.extend_from_slice(&color.to_le_bytes()[..3]);
}

pub(super) fn decode(r: &mut Reader<'_>, dst: &mut PixelsMut<'_>) -> Result<(), DecodeError> {
    let [b, g, r] = r.array("solid colour")?;
    for y in 0..dst.size().height as usize {
        dst.row_mut(y).fill(u32::from_le_bytes([b, g, r, 0]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Packing;
    use crate::encoding::testing::{check_vector, picture};

    #[test]
    fn vector() {
        check_vector(&picture(&[[0x0012_3456; 3]; 2]), Packing::Solid, &[0x00, 0x56, 0x34, 0x12]);
    }

    #[test]
    fn finds_the_only_colour() {
        assert_eq!(only_color(picture(&[[7; 3]; 2]).view()), Some(7));
        assert_eq!(only_color(picture(&[[7, 7, 7], [7, 7, 8]]).view()), None);
    }
}
