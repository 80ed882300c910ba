//! How a peer wants its pixels: RFC 6143, section 7.4.

use super::be16;
use crate::pixel::{Color, rgb};
use crate::wire::{DecodeError, Reader, Writer};

/// PIXEL_FORMAT: bytes of a pixel, and where its colours are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelFormat {
    /// 8, 16 or 32.
    pub bits_per_pixel: u8,
    /// Bits that mean something.
    pub depth: u8,
    /// Whether the highest byte comes first.
    pub big_endian: bool,
    /// How colours are made of bits; without, pixels are entries of a colour map.
    pub true_color: Option<TrueColor>,
}

/// Where red, green and blue are in a pixel's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrueColor {
    /// Greatest values, each one less than a power of two.
    pub max: [u16; 3],
    /// Bits that each is shifted to the left by.
    pub shift: [u8; 3],
}

impl PixelFormat {
    /// Panto's own pixels, lowest byte first.
    pub const NATIVE: Self = Self {
        bits_per_pixel: 32,
        depth: 24,
        big_endian: false,
        true_color: Some(TrueColor { max: [255; 3], shift: [16, 8, 0] }),
    };

    /// Reads the 16 bytes.
    ///
    /// # Errors
    ///
    /// If pixels have another size than 8, 16 or 32 bits, or colours do not fit into them.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let what = "RFB pixel format";
        let [bits_per_pixel, depth, big_endian, true_color] = r.array(what)?;
        let max = [be16(r)?, be16(r)?, be16(r)?];
        let [red, green, blue, _, _, _] = r.array(what)?;
        let format = Self {
            bits_per_pixel,
            depth,
            big_endian: big_endian != 0,
            true_color: (true_color != 0).then_some(TrueColor { max, shift: [red, green, blue] }),
        };
        if format.is_sound() { Ok(format) } else { Err(DecodeError::Invalid { what }) }
    }

    /// Writes the 16 bytes.
    pub fn encode(&self, out: &mut Writer) {
        let color = self.true_color.unwrap_or(TrueColor { max: [0; 3], shift: [0; 3] });
        out.raw(&[self.bits_per_pixel, self.depth, self.big_endian.into(), self.true_color.is_some().into()]);
        for max in color.max {
            out.raw(&max.to_be_bytes());
        }
        out.raw(&color.shift);
        out.raw(&[0; 3]);
    }

    fn is_sound(&self) -> bool {
        let bits = u32::from(self.bits_per_pixel);
        if !matches!(bits, 8 | 16 | 32) || u32::from(self.depth) > bits {
            return false;
        }
        let Some(TrueColor { max, shift }) = self.true_color else {
            // A colour map has 256 entries here, as everywhere.
            return bits == 8;
        };
        max.iter().zip(shift).all(|(&max, shift)| {
            let width = 16 - max.leading_zeros();
            max > 0 && (max & max.wrapping_add(1)) == 0 && u32::from(shift) + width <= bits
        })
    }

    /// Bytes of a pixel.
    #[inline]
    pub const fn bytes(&self) -> usize {
        self.bits_per_pixel as usize / 8
    }

    /// The value of a colour: the nearest that the format has. Of a colour map: the entry of
    /// [`color_map`].
    #[inline]
    pub fn value(&self, color: Color) -> u32 {
        let [red, green, blue] = [color >> 16 & 255, color >> 8 & 255, color & 255];
        let Some(TrueColor { max, shift }) = self.true_color else {
            let level = |c: u32| (c * 5 + 127) / 255;
            return (level(red) * 6 + level(green)) * 6 + level(blue);
        };
        let part = |c: u32, i: usize| {
            let max = u32::from(max[i]);
            // Most formats have 8 bits of each.
            let level = if max == 255 { c } else { (c * max + 127) / 255 };
            level << shift[i]
        };
        part(red, 0) | part(green, 1) | part(blue, 2)
    }

    /// The colour of a value; those of fewer bits are spread over the whole range.
    #[inline]
    pub fn color(&self, value: u32, map: &[Color]) -> Color {
        let Some(TrueColor { max, shift }) = self.true_color else {
            return map.get(value as usize).copied().unwrap_or_default();
        };
        let part = |i: usize| {
            let max = u32::from(max[i]);
            let level = value >> shift[i] & max;
            if max == 255 { level } else { (level * 255 + max / 2) / max }
        };
        rgb(part(0) as u8, part(1) as u8, part(2) as u8)
    }

    /// Writes a value as it goes over the wire.
    #[inline]
    pub fn put(&self, value: u32, out: &mut Vec<u8>) {
        match (self.bits_per_pixel, self.big_endian) {
            (8, _) => out.push(value as u8),
            (16, false) => out.extend_from_slice(&(value as u16).to_le_bytes()),
            (16, true) => out.extend_from_slice(&(value as u16).to_be_bytes()),
            (_, false) => out.extend_from_slice(&value.to_le_bytes()),
            (_, true) => out.extend_from_slice(&value.to_be_bytes()),
        }
    }

    /// Reads a value of [`PixelFormat::bytes`] bytes.
    #[inline]
    pub fn get(&self, bytes: &[u8]) -> u32 {
        let fold = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
        match self.big_endian {
            true => bytes.iter().fold(0, fold),
            false => bytes.iter().rev().fold(0, fold),
        }
    }

    /// Which bytes of a pixel of 32 bits are left out in CPIXEL (7.7.5): none, or the highest or
    /// lowest of its value.
    pub fn compact(&self) -> Compact {
        let Some(TrueColor { max, shift }) = self.true_color else { return Compact::Whole };
        if self.bits_per_pixel != 32 || self.depth > 24 {
            return Compact::Whole;
        }
        let top = max.iter().zip(shift).map(|(max, shift)| 16 - max.leading_zeros() + u32::from(shift));
        match (top.max(), shift.iter().min()) {
            (Some(..=24), _) => Compact::Low,
            (_, Some(8..)) => Compact::High,
            _ => Compact::Whole,
        }
    }

    /// Whether Tight sends its pixels as three bytes red, green, blue (TPIXEL).
    pub fn is_tight(&self) -> bool {
        let full = |color: &TrueColor| color.max == [255; 3];
        self.bits_per_pixel == 32 && self.depth == 24 && self.true_color.as_ref().is_some_and(full)
    }
}

/// The bytes of a CPIXEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compact {
    /// All of the pixel's.
    Whole,
    /// The three lowest of its value.
    Low,
    /// The three highest.
    High,
}

/// The map that is told to peers that want one: 216 colours in a cube of six levels, red first,
/// and 40 that are black.
pub fn color_map() -> Vec<Color> {
    let level = |i: u32| (i * 51) as u8;
    let cube = (0..216).map(|i| rgb(level(i / 36), level(i / 6 % 6), level(i % 6)));
    cube.chain(std::iter::repeat_n(0, 40)).collect()
}
