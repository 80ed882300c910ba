//! The range coder: decisions and their probabilities ↔ bytes; and a scale that only
//! tells what decisions would cost.

use super::Coder;
use crate::wire::{DecodeError, MAX_FRAME_DECISIONS};

/// Turns decisions into bytes.
#[derive(Debug)]
pub(super) struct RangeEncoder {
    low: u32,
    high: u32,
    decisions: u32,
    out: Vec<u8>,
}

impl Default for RangeEncoder {
    fn default() -> Self {
        Self { low: 0, high: u32::MAX, decisions: 0, out: Vec::new() }
    }
}

impl RangeEncoder {
    /// Bytes that are certain by now.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether the frame should be ended: half of the decisions that it may have are used.
    pub(super) fn is_full(&self) -> bool {
        self.decisions >= MAX_FRAME_DECISIONS / 2
    }

    /// Ends with the fewest bytes that, followed by zeros, lie in the range.
    pub(super) fn finish(mut self) -> Vec<u8> {
        for bytes in 0..=4 {
            // The lowest number of this many leading bytes that is not below the range.
            let rest = u32::MAX.checked_shr(8 * bytes).unwrap_or(0);
            let Some(value) = self.low.checked_add(rest).map(|v| v & !rest) else { continue };
            if value <= self.high {
                self.out.extend_from_slice(&value.to_be_bytes()[..bytes as usize]);
                break;
            }
        }
        self.out
    }
}

/// Where the range is cut for a probability.
fn cut(low: u32, high: u32, p: u32) -> u32 {
    low + ((u64::from(high - low) * u64::from(p)) >> 16) as u32
}

impl Coder for RangeEncoder {
    const LEARNS: bool = true;

    fn code(&mut self, bit: bool, p: u32) -> bool {
        self.decisions = self.decisions.saturating_add(1);
        let cut = cut(self.low, self.high, p);
        if bit {
            self.high = cut;
        } else {
            self.low = cut + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.out.push((self.high >> 24) as u8);
            self.low <<= 8;
            self.high = self.high << 8 | 0xff;
        }
        bit
    }
}

/// Turns bytes back into decisions. Never fails: behind the end it reads zeros, and
/// [`RangeDecoder::check`] tells.
#[derive(Debug)]
pub(super) struct RangeDecoder<'a> {
    low: u32,
    high: u32,
    code: u32,
    decisions: u32,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> RangeDecoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self { low: 0, high: u32::MAX, code: 0, decisions: 0, bytes, at: 0 };
        for _ in 0..4 {
            decoder.shift();
        }
        decoder
    }

    fn shift(&mut self) {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.code = self.code << 8 | u32::from(byte);
        self.at += 1;
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
        if self.at > self.bytes.len() + 4 {
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

    fn code(&mut self, _: bool, p: u32) -> bool {
        self.decisions = self.decisions.saturating_add(1);
        let cut = cut(self.low, self.high, p);
        let bit = self.code <= cut;
        if bit {
            self.high = cut;
        } else {
            self.low = cut + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.low <<= 8;
            self.high = self.high << 8 | 0xff;
            self.shift();
        }
        bit
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

/// `-log2(i / 256)` in 4096ths of a bit, by the halving method: squares tell the next binary digit.
const COSTS: [u16; 257] = {
    let mut costs = [u16::MAX; 257];
    let mut i = 1;
    while i <= 256 {
        // i / 256 = m · 2^-e with 1 <= m < 2.
        let e = 8 - (31 - (i as u32).leading_zeros());
        let mut m = (i as u64) << (30 - (31 - (i as u32).leading_zeros()));
        let mut log = 0u32;
        let mut digit = 0;
        while digit < 12 {
            m = (m * m) >> 30;
            log <<= 1;
            if m >= 1 << 31 {
                m >>= 1;
                log |= 1;
            }
            digit += 1;
        }
        costs[i] = (e * 4096 - log) as u16;
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
