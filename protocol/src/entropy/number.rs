//! Numbers of any size: how many digits, then the digits.

use super::Coder;
use super::bit::Bit;

/// A number from 0 on, small ones more likely; learns how they are distributed.
#[derive(Debug, Clone)]
pub(super) struct Number {
    /// One more digit?
    longer: [Bit; 32],
    /// The three digits behind the leading one, by the number's length.
    digits: Vec<[Bit; 8]>,
}

impl Default for Number {
    fn default() -> Self {
        Self { longer: [Bit::default(); 32], digits: vec![[Bit::default(); 8]; 33] }
    }
}

impl Number {
    /// Codes a number below 2^32 - 1.
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, value: u32) -> u32 {
        let value = u64::from(value) + 1;
        let digits = 63 - value.leading_zeros();
        let mut n = 0;
        while n < 32 && self.longer[n as usize].code(c, digits > n) {
            n += 1;
        }
        let mut out = 1u64;
        for i in (0..n).rev() {
            let bit = value >> i & 1 == 1;
            let bit = match out {
                1..8 => self.digits[n as usize][out as usize].code(c, bit),
                _ => c.code(bit, 1 << 15),
            };
            out = out << 1 | u64::from(bit);
        }
        (out - 1).min(u64::from(u32::MAX)) as u32
    }
}

/// A number of either sign, those near 0 more likely.
#[derive(Debug, Clone, Default)]
pub(super) struct Signed {
    negative: Bit,
    magnitude: Number,
}

impl Signed {
    /// Codes a number.
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, value: i32) -> i32 {
        let magnitude = self.magnitude.code(c, value.unsigned_abs());
        if magnitude == 0 {
            return 0;
        }
        let negative = self.negative.code(c, value < 0);
        let magnitude = magnitude.min(i32::MAX as u32) as i32;
        if negative { -magnitude } else { magnitude }
    }
}

/// A number that is often what it was the last time.
#[derive(Debug, Clone, Default)]
pub(super) struct Steady {
    last: i32,
    /// Whether it stayed the last two times.
    stayed: usize,
    stays: [Bit; 4],
    change: Signed,
}

impl Steady {
    /// Codes a number.
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, value: i32) -> i32 {
        let stays = self.stays[self.stayed].code(c, value == self.last);
        let value = if stays {
            self.last
        } else {
            self.last.saturating_add(self.change.code(c, value.saturating_sub(self.last)))
        };
        if C::LEARNS {
            self.stayed = (self.stayed << 1 | usize::from(stays)) & 3;
            self.last = value;
        }
        value
    }
}
