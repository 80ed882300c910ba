//! The probability of one decision, learned from its outcomes.

use super::Coder;

/// How fast a probability moves at first: by `2 / (2n + 3)` of the error after `n` outcomes.
const RATES: [i64; 64] = {
    let mut rates = [0; 64];
    let mut n = 0;
    while n < rates.len() {
        rates[n] = 65536 * 2 / (2 * n as i64 + 3);
        n += 1;
    }
    rates
};

/// Outcomes after which a probability keeps its pace.
const LIMIT: u32 = 60;

/// No probability comes closer to 0 or 1 than this in 65536.
const FLOOR: u32 = 24;

/// How likely a decision is a 1: 22 bits of probability, 10 bits counting outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bit(u32);

impl Default for Bit {
    fn default() -> Self {
        Self(1 << 31)
    }
}

impl Bit {
    /// The probability of a 1, in 65536 parts.
    #[inline]
    pub(super) fn p(self) -> u32 {
        (self.0 >> 16).clamp(FLOOR, 65536 - FLOOR)
    }

    /// Learns an outcome.
    #[inline]
    pub(super) fn learn(&mut self, bit: bool) {
        let (p, n) = (i64::from(self.0 >> 10), self.0 & 1023);
        let goal = if bit { (1 << 22) - 1 } else { 0 };
        let p = p + (((goal - p) * RATES[n as usize & 63]) >> 16);
        self.0 = (p as u32) << 10 | (n + 1).min(LIMIT);
    }

    /// Codes a decision and learns from it.
    #[inline(always)]
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, bit: bool) -> bool {
        let bit = c.code(bit, self.p());
        if C::LEARNS {
            self.learn(bit);
        }
        bit
    }
}

/// A number of `BITS` bits, from the highest down, each in the context of those above it.
#[derive(Debug, Clone)]
pub(super) struct Tree(Vec<Bit>);

impl Tree {
    /// For numbers of this many bits.
    pub(super) fn new(bits: u32) -> Self {
        Self(vec![Bit::default(); 1 << bits])
    }

    /// Codes a number.
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, value: u32) -> u32 {
        let bits = self.0.len().trailing_zeros();
        let mut node = 1;
        for i in (0..bits).rev() {
            let bit = self.0[node].code(c, value >> i & 1 == 1);
            node = node << 1 | usize::from(bit);
        }
        node as u32 & ((1 << bits) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::vectors::stated;

    #[test]
    fn learning_is_as_the_specification_says() {
        let line = |outcome: &str, bit: Bit| {
            format!("{outcome}  P {}, n {}, p {}", bit.0 >> 10, bit.0 & 1023, bit.p())
        };
        let mut bit = Bit::default();
        let mut lines = vec![line("a new Bit  ", bit)];
        for outcome in [true, true, false, true] {
            bit.learn(outcome);
            lines.push(line(if outcome { "after a 1  " } else { "after a 0  " }, bit));
        }
        (0..1000).for_each(|_| bit.learn(true));
        lines.push(line("1000 more 1", bit));
        (0..1000).for_each(|_| bit.learn(false));
        lines.push(line("1000 more 0", bit));
        stated(&lines);
    }
}
