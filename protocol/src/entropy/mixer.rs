//! Several predictions of one decision, weighed by how well each did before.

use super::Coder;
use super::bit::Bit;

/// `4096 / (1 + e^(-x / 256))` for `x` from -2048 to 2048 in steps of 128.
const SQUASH: [i32; 33] = [
    1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
    3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
];

/// The logistic function between its table's points: -2047 to 2047 → 1 to 4095.
const fn squash(x: i32) -> i32 {
    if x > 2047 {
        return 4095;
    }
    if x < -2047 {
        return 1;
    }
    let (i, part) = ((x + 2048) >> 7, (x + 2048) & 127);
    (SQUASH[i as usize] * (128 - part) + SQUASH[i as usize + 1] * part + 64) >> 7
}

/// The inverse of `squash`: for each `p` the lowest `x` with `squash(x) >= p`.
static STRETCH: [i16; 4096] = {
    let mut table = [0; 4096];
    let (mut p, mut x) = (0, -2047);
    while p < 4096 {
        while x < 2047 && squash(x) < p {
            x += 1;
        }
        table[p as usize] = x as i16;
        p += 1;
    }
    table
};

/// How fast weights learn.
const RATE: i32 = 10;

/// What a weight of 1 is.
const ONE: i32 = 1 << 16;

/// Mixes `N` predictions from a table of contexts.
#[derive(Debug, Clone)]
pub(super) struct Mixer<const N: usize> {
    /// Made at the first use: a connection that needs none pays nothing.
    table: Vec<Bit>,
    slots: usize,
    weights: Vec<[i32; N]>,
}

impl<const N: usize> Mixer<N> {
    /// With `2^bits` contexts for each prediction and `sets` sets of weights.
    pub(super) fn new(bits: u32, sets: usize) -> Self {
        Self { table: Vec::new(), slots: 1 << bits, weights: vec![[ONE * 2 / 5; N]; sets] }
    }

    /// Codes a decision that was reached in these contexts (hashes), with this set of weights.
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, contexts: [u32; N], set: usize, bit: bool) -> bool {
        if self.table.is_empty() {
            self.table = vec![Bit::default(); self.slots * N];
        }
        let weights = &mut self.weights[set];
        let (mut places, mut inputs) = ([0; N], [0; N]);
        let mut sum = 0i64;
        for i in 0..N {
            places[i] = i * self.slots + (contexts[i] as usize & (self.slots - 1));
            inputs[i] = i32::from(STRETCH[self.table[places[i]].p() as usize >> 4]);
            sum += i64::from(inputs[i]) * i64::from(weights[i]);
        }
        let p = squash((sum >> 16).clamp(-2047, 2047) as i32);
        let bit = c.code(bit, p as u32 * 16 + 8);
        if C::LEARNS {
            let error = ((i32::from(bit) << 12) - p) * RATE;
            for i in 0..N {
                weights[i] = (weights[i] + ((inputs[i] * error + 0x8000) >> 16)).clamp(-8 * ONE, 8 * ONE);
                self.table[places[i]].learn(bit);
            }
        }
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::vectors::stated;

    #[test]
    fn the_tables_are_those_of_the_specification() {
        let squashed = [-2047, -1, 0, 1, 100, 2047].map(|x| format!("squash({x}) = {}", squash(x)));
        let stretched = [1, 2, 1024, 2048, 4000, 4094].map(|q| format!("stretch({q}) = {}", STRETCH[q]));
        stated(&[squashed.join("  "), stretched.join("  ")]);
    }

    #[test]
    fn stretch_inverts_squash() {
        for p in 1..4096 {
            let x = i32::from(STRETCH[p as usize]);
            assert!(squash(x) >= p && (x == -2047 || squash(x - 1) < p), "{p}");
        }
        for x in -2047..2047 {
            assert!(squash(x) <= squash(x + 1));
        }
    }
}
