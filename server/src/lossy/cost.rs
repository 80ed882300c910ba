//! What levels are likely to cost: learned from those chosen before.

use panto_protocol::entropy;
use panto_protocol::lossy::{POSITIONS, SURROUNDINGS};

/// Kinds of blocks, as the entropy coder tells them apart.
pub(super) const KINDS: usize = 8;

/// The first kind of blocks whose transform is skipped.
pub(super) const UNTRANSFORMED: usize = 4;

/// Magnitudes that have a cost of their own; larger ones cost [`MORE`] for each 1.
pub(super) const MAGNITUDES: usize = 16;

/// Contexts of a level.
pub(super) const CONTEXTS: usize = KINDS * POSITIONS * SURROUNDINGS;

/// Costs are in 256ths of a bit.
pub(super) const BIT: u32 = 256;

/// `log2(1 + i / 64)` in 256ths.
const LOGARITHMS: [u16; 64] = {
    let mut table = [0; 64];
    let mut i = 0;
    while i < 64 {
        table[i] = (entropy::log2(64 + i as u32, 8) - 6 * BIT) as u16;
        i += 1;
    }
    table
};

/// `log2(n)` in 256ths, for `n >= 1`; of `n` only the leading seven digits count.
fn log2(n: u32) -> u32 {
    let whole = n.ilog2();
    let part = (n << (31 - whole)) >> 25 & 63;
    whole * BIT + u32::from(LOGARITHMS[part as usize])
}

/// Outcomes of a decision: 0, 1.
#[derive(Debug, Clone, Copy)]
struct Count([u32; 2]);

impl Count {
    fn learn(&mut self, bit: bool) {
        self.0[usize::from(bit)] += 16;
    }

    /// What both outcomes cost; older ones lose weight.
    fn costs(&mut self) -> [u32; 2] {
        let sum = self.0[0] + self.0[1];
        let costs = self.0.map(|n| log2(sum) - log2(n));
        if sum > 16 << 10 {
            self.0 = self.0.map(|n| n / 2 + 1);
        }
        costs
    }
}

/// Costs of everything about a block's levels, in 256ths of a bit.
#[derive(Debug, Clone)]
pub(super) struct Costs {
    counts: Vec<[Count; MAGNITUDES]>,
    /// By context: whether something was learned since costs were made.
    is_new: Vec<bool>,
    lasts: Vec<[u32; 64]>,
    /// By context, then magnitude; with its sign.
    pub(super) level: Vec<[u32; MAGNITUDES]>,
    /// By context: what is saved where a level is known not to be 0.
    pub(super) some: Vec<u32>,
    /// By kind, then place in the scan.
    pub(super) last: Vec<[u32; 64]>,
}

impl Default for Costs {
    fn default() -> Self {
        let count = |i: usize, m: usize| {
            let (position, around) = (i / SURROUNDINGS % POSITIONS, i % SURROUNDINGS);
            let some = 8 + 10 * around as u32 * (POSITIONS - position) as u32 / 4;
            if m == 0 { Count([40, some]) } else { Count([30, 6 + 4 * around as u32]) }
        };
        let counts = (0..CONTEXTS).map(|i| std::array::from_fn(|m| count(i, m))).collect();
        let mut costs = Self {
            counts,
            is_new: vec![true; CONTEXTS],
            lasts: vec![[16; 64]; KINDS],
            level: vec![[0; MAGNITUDES]; CONTEXTS],
            some: vec![0; CONTEXTS],
            last: vec![[0; 64]; KINDS],
        };
        costs.refresh();
        costs
    }
}

impl Costs {
    /// Notes a level's magnitude; `known` if it was the last, which is not 0.
    #[inline]
    pub(super) fn learn(&mut self, context: usize, magnitude: usize, known: bool) {
        let counts = &mut self.counts[context];
        self.is_new[context] = true;
        if !known {
            counts[0].learn(magnitude > 0);
        }
        if magnitude > 0 {
            let more = magnitude.min(MAGNITUDES - 1);
            counts[1..more].iter_mut().for_each(|count| count.learn(true));
            if magnitude < MAGNITUDES {
                counts[more].learn(false);
            }
        }
    }

    /// Notes where a block's last level was.
    pub(super) fn learn_last(&mut self, kind: usize, last: usize) {
        self.lasts[kind][last] += 16;
    }

    /// Makes costs of what was learned.
    pub(super) fn refresh(&mut self) {
        let tables = self.counts.iter_mut().zip(&mut self.level).zip(&mut self.some);
        for (((counts, level), some), is_new) in tables.zip(&mut self.is_new) {
            if !std::mem::take(is_new) {
                continue;
            }
            let mut costs = [[0; 2]; MAGNITUDES];
            for (costs, counts) in costs.iter_mut().zip(counts) {
                *costs = counts.costs();
            }
            level[0] = costs[0][0];
            *some = costs[0][1];
            // The sign.
            let mut sum = costs[0][1] + BIT;
            for m in 1..MAGNITUDES {
                level[m] = sum + costs[m][0];
                sum += costs[m][1];
            }
        }
        for (counts, costs) in self.lasts.iter_mut().zip(&mut self.last) {
            let sum: u32 = counts.iter().sum();
            *costs = counts.map(|n| log2(sum) - log2(n));
            if sum > 16 << 12 {
                *counts = counts.map(|n| n / 2 + 1);
            }
        }
    }
}

/// What each 1 beyond [`MAGNITUDES`] costs, about.
pub(super) const MORE: u32 = BIT / 4;
