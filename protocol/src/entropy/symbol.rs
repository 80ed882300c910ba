//! One of sixteen symbols in one step.

use super::Coder;

/// How likely each of 16 symbols is, learned from those that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol {
    /// For each symbol the probability of those before it, in 32768 parts: rising, 0 at first.
    below: [i16; 16],
    /// Symbols that came, at most `LIMIT`.
    count: u16,
}

/// Symbols after which the probabilities keep their pace.
const LIMIT: u16 = 63;

impl Default for Symbol {
    fn default() -> Self {
        Self { below: std::array::from_fn(|i| i as i16 * 2048), count: 0 }
    }
}

/// What a probability moves to: each symbol keeps 8 parts of 32768.
const fn goals(symbol: usize) -> [i16; 16] {
    let (mut goals, mut i) = ([0; 16], 0);
    while i < 16 {
        goals[i] = if i <= symbol { 8 * i as i16 } else { (32768 - 8 * (16 - i as i32)) as i16 };
        i += 1;
    }
    goals
}

const GOALS: [[i16; 16]; 16] = {
    let (mut all, mut symbol) = ([[0; 16]; 16], 0);
    while symbol < 16 {
        all[symbol] = goals(symbol);
        symbol += 1;
    }
    all
};

/// How fast probabilities move (a power of two) by the binary digits of the count.
const PACE: [u8; 7] = [2, 2, 3, 4, 5, 5, 6];

impl Symbol {
    /// Begins with these shares of 32768.
    pub(super) const fn of(shares: [i16; 16]) -> Self {
        let (mut below, mut i) = ([0; 16], 1);
        while i < 16 {
            below[i] = below[i - 1] + shares[i - 1];
            i += 1;
        }
        Self { below, count: 2 }
    }

    /// The probability of a symbol, in 32768 parts.
    #[inline]
    pub(super) fn p(&self, symbol: usize) -> u32 {
        let end = self.below.get(symbol + 1).map_or(32768, |end| i32::from(*end));
        (end - i32::from(self.below[symbol & 15])) as u32
    }

    /// Codes a number below 16 and learns from it.
    #[inline(always)]
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, symbol: u32) -> u32 {
        let symbol = c.among(&self.below, symbol as usize & 15);
        if C::LEARNS {
            let pace = PACE[16 - self.count.leading_zeros() as usize];
            for (below, goal) in self.below.iter_mut().zip(&GOALS[symbol & 15]) {
                *below += (*goal - *below) >> pace;
            }
            self.count = (self.count + 1).min(LIMIT);
        }
        symbol as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::range::RangeEncoder;
    use crate::entropy::vectors::stated;

    #[test]
    fn learning_is_as_the_specification_says() {
        let line = |what: &str, symbol: &Symbol| {
            let below: Vec<_> = symbol.below.iter().map(i16::to_string).collect();
            format!("{what}  {}", below.join(" "))
        };
        let (mut symbol, mut out) = (Symbol::default(), RangeEncoder::default());
        let mut lines = vec![line("a new Symbol", &symbol)];
        symbol.code(&mut out, 3);
        lines.push(line("after a 3   ", &symbol));
        symbol.code(&mut out, 9);
        lines.push(line("after a 9   ", &symbol));
        for _ in 0..1000 {
            symbol.code(&mut out, 3);
        }
        lines.push(line("1000 more 3 ", &symbol));
        stated(&lines);
        assert!((0..16).all(|s| symbol.p(s) > 0), "everything stays possible");
    }
}
