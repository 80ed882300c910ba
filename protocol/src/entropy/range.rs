//! The range coder: decisions and their probabilities ↔ bytes; and a scale that only
//! tells what decisions would cost.

use super::Coder;
use super::log2::log2;
use crate::wire::{DecodeError, MAX_FRAME_DECISIONS};

/// The part of 32768 that is a symbol's.
#[inline]
fn ends(below: &[i16; 16], symbol: usize) -> (u64, u64) {
    let end = below.get(symbol + 1).map_or(32768, |end| *end as u64);
    (below[symbol & 15] as u64, end)
}

/// Turns decisions into bytes.
#[derive(Debug)]
pub(super) struct RangeEncoder {
    low: u64,
    /// 2^32 <= range, the interval is `low..low + range`.
    range: u64,
    decisions: u32,
    out: Vec<u8>,
}

impl Default for RangeEncoder {
    fn default() -> Self {
        Self { low: 0, range: u64::MAX, decisions: 0, out: Vec::new() }
    }
}

impl RangeEncoder {
    /// Bytes so far, about.
    pub(super) fn len(&self) -> usize {
        self.out.len() + self.range.leading_zeros() as usize / 8
    }

    /// Whether the frame should be ended: half of the decisions that it may have are used.
    pub(super) fn is_full(&self) -> bool {
        self.decisions >= MAX_FRAME_DECISIONS / 2
    }

    /// Ends with the fewest bytes that, followed by zeros, lie in the range.
    pub(super) fn finish(mut self) -> Vec<u8> {
        for bytes in 0..=8 {
            // The lowest number of this many leading bytes that is not below the range.
            let rest = u64::MAX.checked_shr(8 * bytes).unwrap_or(0);
            let value = self.low.wrapping_add(rest) & !rest;
            if value.wrapping_sub(self.low) < self.range {
                if value < self.low {
                    self.carry();
                }
                self.out.extend_from_slice(&value.to_be_bytes()[..bytes as usize]);
                break;
            }
        }
        self.out
    }

    /// Adds one to the number that the bytes so far are. It is below 1 as a fraction, so
    /// there is a byte that takes it.
    #[cold]
    fn carry(&mut self) {
        for byte in self.out.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }

    /// Moves the lower end up.
    #[inline]
    fn raise(&mut self, by: u64) {
        let (low, carried) = self.low.overflowing_add(by);
        self.low = low;
        if carried {
            self.carry();
        }
    }

    #[inline]
    fn normalize(&mut self) {
        // Once is enough: a step leaves at least 2^16 of a range, and most steps need none.
        if self.range >> 32 == 0 {
            self.out.extend_from_slice(&((self.low >> 32) as u32).to_be_bytes());
            self.low <<= 32;
            self.range <<= 32;
        }
    }
}

impl Coder for RangeEncoder {
    const LEARNS: bool = true;

    #[inline]
    fn code(&mut self, bit: bool, p: u32) -> bool {
        self.decisions = self.decisions.saturating_add(1);
        let ones = (self.range >> 16) * u64::from(p);
        if bit {
            self.range = ones;
        } else {
            self.range -= ones;
            self.raise(ones);
        }
        self.normalize();
        bit
    }

    #[inline]
    fn raw(&mut self, value: u32, count: u32) -> u32 {
        self.decisions = self.decisions.saturating_add(1);
        self.range >>= count;
        self.raise(self.range * u64::from(value));
        self.normalize();
        value
    }

    #[inline]
    fn among(&mut self, below: &[i16; 16], symbol: usize) -> usize {
        self.decisions = self.decisions.saturating_add(1);
        let (first, end) = ends(below, symbol);
        self.range >>= 15;
        self.raise(self.range * first);
        self.range *= end - first;
        self.normalize();
        symbol
    }
}

/// Turns bytes back into decisions. Never fails: behind the end it reads zeros, and
/// [`RangeDecoder::check`] tells.
#[derive(Debug)]
pub(super) struct RangeDecoder<'a> {
    /// 2^32 <= range
    range: u64,
    /// The number that the bytes are, from the lower end of the interval. Below `range`
    /// unless the bytes are no stream.
    code: u64,
    decisions: u32,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> RangeDecoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { range: u64::MAX, code: 0, decisions: 0, bytes, at: 0 };
        decoder.shift();
        decoder.shift();
        decoder
    }

    #[inline]
    fn shift(&mut self) {
        let next = match self.bytes.get(self.at..self.at + 4) {
            Some(bytes) => u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            None => self.last(),
        };
        self.code = self.code << 32 | u64::from(next);
        self.at += 4;
    }

    /// The last bytes, followed by zeros.
    #[cold]
    fn last(&self) -> u32 {
        let byte = |i| u32::from(self.bytes.get(self.at + i).copied().unwrap_or(0));
        (0..4).fold(0, |next, i| next << 8 | byte(i))
    }

    #[inline]
    fn normalize(&mut self) {
        if self.range >> 32 == 0 {
            self.range <<= 32;
            self.shift();
        }
    }

    /// Bytes that were needed so far.
    pub(super) fn used(&self) -> usize {
        self.at.min(self.bytes.len())
    }

    /// An error if more was read than any encoder leaves out at its end, or decided than
    /// a frame may have.
    pub(super) fn check(&self) -> Result<(), DecodeError> {
        if self.decisions > MAX_FRAME_DECISIONS {
            return Err(DecodeError::TooLarge { what: "coded commands" });
        }
        if self.at > self.bytes.len() + 8 {
            return Err(DecodeError::TooShort {
                what: "coded commands",
                need: self.at,
                have: self.bytes.len(),
            });
        }
        Ok(())
    }

    /// The end: an error unless all bytes were needed.
    pub(super) fn finish(&self) -> Result<(), DecodeError> {
        self.check()?;
        match self.bytes.len().checked_sub(self.at) {
            None | Some(0) => Ok(()),
            Some(extra) => Err(DecodeError::Trailing { what: "coded commands", extra }),
        }
    }
}

impl Coder for RangeDecoder<'_> {
    const LEARNS: bool = true;
    const READS: bool = true;

    #[inline]
    fn code(&mut self, _: bool, p: u32) -> bool {
        self.decisions = self.decisions.saturating_add(1);
        let ones = (self.range >> 16) * u64::from(p);
        let bit = self.code < ones;
        if bit {
            self.range = ones;
        } else {
            self.range -= ones;
            self.code -= ones;
        }
        self.normalize();
        bit
    }

    #[inline]
    fn raw(&mut self, _: u32, count: u32) -> u32 {
        self.decisions = self.decisions.saturating_add(1);
        self.range >>= count;
        let value = (self.code / self.range).min((1 << count) - 1);
        self.code -= value * self.range;
        self.normalize();
        value as u32
    }

    #[inline]
    fn among(&mut self, below: &[i16; 16], _: usize) -> usize {
        self.decisions = self.decisions.saturating_add(1);
        self.range >>= 15;
        let at = (self.code / self.range).min(32767) as i16;
        let symbol = below[1..].iter().map(|b| i16::from(*b <= at)).sum::<i16>() as usize;
        let (first, end) = ends(below, symbol);
        self.code -= self.range * first;
        self.range *= end - first;
        self.normalize();
        symbol
    }
}

/// What decisions would cost as things stand, without coding or learning.
#[derive(Debug, Default, Clone, Copy)]
pub struct Weight {
    /// In 4096ths of a bit.
    cost: u64,
}

impl Weight {
    /// Whole bits, rounded up.
    pub fn bits(&self) -> u64 {
        self.cost.div_ceil(4096)
    }
}

/// `-log2(i / 256)` in 4096ths of a bit.
const COSTS: [u16; 257] = {
    let mut costs = [u16::MAX; 257];
    let mut i = 1;
    while i <= 256 {
        costs[i] = (8 * 4096 - log2(i as u32, 12)) as u16;
        i += 1;
    }
    costs
};

impl Coder for Weight {
    const LEARNS: bool = false;

    fn code(&mut self, bit: bool, p: u32) -> bool {
        let p = if bit { p } else { 65536 - p };
        // Eight digits of the probability are enough.
        let shift = 24u32.saturating_sub(p.leading_zeros());
        let (mantissa, down) = (p >> shift, 8 - shift);
        self.cost += u64::from(COSTS[mantissa as usize]) + u64::from(down) * 4096;
        bit
    }

    #[inline]
    fn raw(&mut self, value: u32, count: u32) -> u32 {
        self.cost += u64::from(count) * 4096;
        value
    }

    #[inline]
    fn among(&mut self, below: &[i16; 16], symbol: usize) -> usize {
        let (first, end) = ends(below, symbol);
        self.code(true, 2 * (end - first) as u32);
        symbol
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_without_end_are_refused() {
        let mut decoder = RangeDecoder { decisions: MAX_FRAME_DECISIONS - 1, ..RangeDecoder::new(&[]) };
        decoder.code(false, 65512);
        assert_eq!(decoder.check(), Ok(()));
        decoder.code(false, 65512);
        assert_eq!(decoder.check(), Err(DecodeError::TooLarge { what: "coded commands" }));
    }
}
