//! The bytes of one pixel: PIXEL (7.7), CPIXEL (7.7.5) or Tight's TPIXEL.

use super::super::{Compact, PixelFormat};
use crate::wire::{DecodeError, Reader};

/// How a value becomes one to four bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct PixelBytes {
    order: Order,
    bytes: usize,
}

/// Where the bytes of a value go. They are the first ones of four after a shift, so that loops
/// over many pixels need no look at each.
#[derive(Debug, Clone, Copy)]
enum Order {
    /// Lowest first, after so many bits to the right.
    Little(u32),
    /// Highest first, after so many bits to the left.
    Big(u32),
    /// Red, green and blue, which are so many bits to the left.
    Rgb([u8; 3]),
}

impl PixelBytes {
    /// PIXEL: all bytes.
    pub(super) fn whole(format: &PixelFormat) -> Self {
        let bytes = format.bytes().clamp(1, 4);
        let order = match format.big_endian {
            true => Order::Big(32 - 8 * bytes as u32),
            false => Order::Little(0),
        };
        Self { order, bytes }
    }

    /// CPIXEL: three of four bytes if one means nothing.
    pub(super) fn compact(format: &PixelFormat) -> Self {
        let order = match (format.compact(), format.big_endian) {
            (Compact::Whole, _) => return Self::whole(format),
            (Compact::Low, false) => Order::Little(0),
            (Compact::Low, true) => Order::Big(8),
            (Compact::High, false) => Order::Little(8),
            (Compact::High, true) => Order::Big(0),
        };
        Self { order, bytes: 3 }
    }

    /// TPIXEL: red, green and blue if each is a byte.
    pub(super) fn tight(format: &PixelFormat) -> Self {
        match format.true_color {
            Some(color) if format.is_tight() => Self { order: Order::Rgb(color.shift), bytes: 3 },
            _ => Self::whole(format),
        }
    }

    /// Bytes of a pixel.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends one pixel.
    pub(super) fn put(&self, value: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.spread(value)[..self.bytes]);
    }

    /// Appends many.
    pub(super) fn put_all(&self, values: &[u32], out: &mut Vec<u8>) {
        match self.bytes {
            1 => self.put_each::<1>(values, out),
            2 => self.put_each::<2>(values, out),
            3 => self.put_each::<3>(values, out),
            _ => self.put_each::<4>(values, out),
        }
    }

    /// Reads one pixel.
    pub(super) fn read(&self, r: &mut Reader<'_>) -> Result<u32, DecodeError> {
        let mut all = [0; 4];
        all[..self.bytes].copy_from_slice(r.take(self.bytes, "RFB pixel")?);
        Ok(self.gather(all))
    }

    /// Reads `count` pixels to the end of `values`. Nothing is allocated before they are all there.
    pub(super) fn read_all(
        &self,
        r: &mut Reader<'_>,
        count: usize,
        values: &mut Vec<u32>,
    ) -> Result<(), DecodeError> {
        let bytes = r.take(count.saturating_mul(self.bytes), "RFB pixels")?;
        match self.bytes {
            1 => self.get_each::<1>(bytes, values),
            2 => self.get_each::<2>(bytes, values),
            3 => self.get_each::<3>(bytes, values),
            _ => self.get_each::<4>(bytes, values),
        }
        Ok(())
    }

    fn put_each<const N: usize>(&self, values: &[u32], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + N * values.len(), 0);
        for (to, &value) in out[start..].as_chunks_mut::<N>().0.iter_mut().zip(values) {
            to.copy_from_slice(&self.spread(value)[..N]);
        }
    }

    fn get_each<const N: usize>(&self, bytes: &[u8], values: &mut Vec<u32>) {
        values.extend(bytes.as_chunks::<N>().0.iter().map(|from| {
            let mut all = [0; 4];
            all[..N].copy_from_slice(from);
            self.gather(all)
        }));
    }

    #[inline]
    fn spread(&self, value: u32) -> [u8; 4] {
        match self.order {
            Order::Little(shift) => (value >> shift).to_le_bytes(),
            Order::Big(shift) => (value << shift).to_be_bytes(),
            Order::Rgb([red, green, blue]) => {
                [(value >> red) as u8, (value >> green) as u8, (value >> blue) as u8, 0]
            }
        }
    }

    #[inline]
    fn gather(&self, all: [u8; 4]) -> u32 {
        match self.order {
            Order::Little(shift) => u32::from_le_bytes(all) << shift,
            Order::Big(shift) => u32::from_be_bytes(all) >> shift,
            Order::Rgb([red, green, blue]) => {
                u32::from(all[0]) << red | u32::from(all[1]) << green | u32::from(all[2]) << blue
            }
        }
    }
}
