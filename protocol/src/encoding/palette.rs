//! Palettes: finding the colours of a picture, and their wire form.
//!
//! | bytes | field   | meaning                                    |
//! |-------|---------|--------------------------------------------|
//! | 1     | count   | colours minus one; one colour is an error  |
//! | 3·n   | colours | blue, green, red                           |

use crate::pixel::{Color, Pixels};
use crate::wire::{DecodeError, Reader};

use super::raster::all_equal;

/// The most colours that an index of one byte can tell apart.
pub(crate) const MAX_PALETTE: usize = 256;

/// Slots of the hash table: four times the colours, so that chains stay short.
const SLOTS: usize = 4 * MAX_PALETTE;

/// No colour: colours keep their top byte 0.
const FREE: Color = u32::MAX;

/// Finds the colours of a picture and turns its pixels into indices, in one pass.
///
/// Colours are numbered in order of appearance. The top byte of pixels is ignored.
#[derive(Debug, Clone)]
pub(crate) struct Finder {
    keys: [Color; SLOTS],
    values: [u8; SLOTS],
    colors: Vec<Color>,
}

impl Finder {
    /// A finder that has seen nothing.
    pub(crate) fn new() -> Self {
        Self { keys: [FREE; SLOTS], values: [0; SLOTS], colors: Vec::with_capacity(MAX_PALETTE) }
    }

    /// The colours found, by index.
    pub(crate) fn colors(&self) -> &[Color] {
        &self.colors
    }

    /// Numbers every pixel of `src`: `indices` becomes one byte a pixel, row by row.
    ///
    /// False, with `indices` of no use, as soon as there are more than `max` colours.
    pub(crate) fn index(&mut self, src: Pixels<'_>, max: usize, indices: &mut Vec<u8>) -> bool {
        self.keys.fill(FREE);
        self.colors.clear();
        let width = src.size().width as usize;
        let area = src.size().area() as usize;
        // Never shrunk before growing: what is there will be overwritten.
        indices.resize(area, 0);
        if area == 0 {
            return true;
        }
        let mut above: &[Color] = &[];
        for (y, row) in src.rows().enumerate() {
            let (done, rest) = indices.split_at_mut(y * width);
            let out = &mut rest[..width];
            if row == above {
                out.copy_from_slice(&done[(y - 1) * width..]);
            } else if !self.index_row(row, max, out) {
                return false;
            }
            above = row;
        }
        true
    }

    fn index_row(&mut self, row: &[Color], max: usize, out: &mut [u8]) -> bool {
        const STEP: usize = 16;
        let (chunks, rest) = row.as_chunks::<STEP>();
        let (out_chunks, out_rest) = out.as_chunks_mut::<STEP>();
        let mut last = row[0];
        let Some(mut last_index) = self.number(last, max) else { return false };
        for (chunk, out) in chunks.iter().zip(out_chunks) {
            if all_equal(chunk, last) {
                *out = [last_index; STEP];
                continue;
            }
            for (&pixel, out) in chunk.iter().zip(&mut *out) {
                let Some(i) = self.number(pixel, max) else { return false };
                *out = i;
            }
            last = chunk[STEP - 1];
            last_index = out[STEP - 1];
        }
        for (&pixel, out) in rest.iter().zip(out_rest) {
            let Some(i) = self.number(pixel, max) else { return false };
            *out = i;
        }
        true
    }

    /// The number of a colour, a new one if it was never seen; `None` beyond `max`.
    #[inline]
    fn number(&mut self, pixel: Color, max: usize) -> Option<u8> {
        let color = pixel & 0x00ff_ffff;
        let slot = slot(color);
        if self.keys[slot] == color { Some(self.values[slot]) } else { self.number_slowly(color, slot, max) }
    }

    #[cold]
    #[inline(never)]
    fn number_slowly(&mut self, color: Color, mut slot: usize, max: usize) -> Option<u8> {
        loop {
            if self.keys[slot] == color {
                return Some(self.values[slot]);
            }
            if self.keys[slot] == FREE {
                let n = self.colors.len();
                if n >= max {
                    return None;
                }
                self.keys[slot] = color;
                self.values[slot] = n as u8;
                self.colors.push(color);
                return Some(n as u8);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

const fn slot(color: Color) -> usize {
    (color.wrapping_mul(0x9e37_79b1) >> (32 - SLOTS.ilog2())) as usize
}

/// Appends the wire form of 2 to 256 colours.
pub(super) fn encode(colors: &[Color], out: &mut Vec<u8>) {
    out.push((colors.len() - 1) as u8);
    for c in colors {
        out.extend_from_slice(&c.to_le_bytes()[..3]);
    }
}

/// Reads the wire form; returns the colours by index and how many there are, `2..=max`.
pub(super) fn decode(r: &mut Reader<'_>, max: usize) -> Result<([Color; MAX_PALETTE], usize), DecodeError> {
    let count = usize::from(r.u8("palette size")?) + 1;
    if count < 2 {
        return Err(DecodeError::Invalid { what: "palette of one colour" });
    }
    if count > max {
        return Err(DecodeError::TooLarge { what: "palette" });
    }
    let (bytes, _) = r.take(3 * count, "palette colours")?.as_chunks::<3>();
    let mut colors = [0; MAX_PALETTE];
    for (color, &[blue, green, red]) in colors.iter_mut().zip(bytes) {
        *color = u32::from_le_bytes([blue, green, red, 0]);
    }
    Ok((colors, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::testing::{picture, pictures};
    use crate::geometry::Size;
    use crate::pixel::Picture;
    use proptest::prelude::*;

    #[test]
    fn numbers_in_order_of_appearance() {
        let mut finder = Finder::new();
        let mut indices = Vec::new();
        assert!(finder.index(picture(&[[9, 8], [8, 9], [7, 9]]).view(), 256, &mut indices));
        assert_eq!(finder.colors(), [9, 8, 7]);
        assert_eq!(indices, [0, 1, 1, 0, 2, 0]);
        assert!(!finder.index(picture(&[[9, 8], [8, 9], [7, 9]]).view(), 2, &mut indices));
    }

    #[test]
    fn exactly_256_colours_fit() {
        let of = |n: u32| Picture::from_pixels(Size::new(n, 1), (0..n).collect()).expect("n pixels");
        let mut finder = Finder::new();
        let mut indices = Vec::new();
        assert!(finder.index(of(256).view(), 256, &mut indices));
        assert!(!finder.index(of(257).view(), 256, &mut indices));
    }

    proptest! {
        #[test]
        fn indices_lead_back_to_the_picture(source in pictures(false)) {
            let mut plain = Vec::new();
            for c in source.view().iter() {
                if !plain.contains(&c) { plain.push(c) }
            }
            let mut finder = Finder::new();
            let mut indices = vec![7; 3];
            let found = finder.index(source.view(), 256, &mut indices);
            prop_assert_eq!(found, plain.len() <= 256);
            if found {
                prop_assert_eq!(finder.colors(), plain);
                let back: Vec<_> = indices.iter().map(|&i| finder.colors()[usize::from(i)]).collect();
                prop_assert_eq!(&back, source.data());
            }
        }
    }
}
