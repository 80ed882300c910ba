//! Coefficients → levels, each chosen by what it costs and what it saves.

use panto_protocol::lossy::{
    PLACE_SCALES, POSITION_CLASSES, POSITIONS, RANKS, SCAN, SURROUNDINGS, Surroundings,
};

use super::cost::{Costs, KINDS, MAGNITUDES, MORE};

/// What a bit may cost, in 256ths of the squared step, by kind of block. Chroma that moves is
/// worth less: it is a third of a clip's bytes, and the picture is made exact when it rests.
const LAMBDAS: [i64; KINDS] = [30, 90, 30, 30];

/// The least magnitude, in 256ths of a step, that may become a level at a block's end.
const LEAST: u32 = 150;

/// Turns coefficients into levels.
#[derive(Debug)]
pub(super) struct LevelChooser {
    scales: [u32; 64],
    shift: u32,
    /// Coefficients that come to less than [`LEAST`] are at most so large.
    small: [u16; 64],
    /// By kind.
    lambda: [i64; KINDS],
}

impl LevelChooser {
    pub(super) fn new(step: u8) -> Self {
        let step = u32::from(step.max(1));
        let shift = 8 + step.ilog2();
        let scales = PLACE_SCALES.map(|scale| (u32::from(scale) << shift) / step);
        let shift = shift + 1;
        let small = scales.map(|scale| ((LEAST << shift).div_ceil(scale) - 1).min(0xffff) as u16);
        Self { scales, shift, small, lambda: LAMBDAS }
    }

    /// The last place of the scan with a coefficient that is not small.
    fn start(&self, coefficients: &[i16; 64]) -> Option<usize> {
        let mut start = -1;
        for i in 0..64 {
            let above = coefficients[i].unsigned_abs().saturating_sub(self.small[i]);
            start = start.max(if above == 0 { -1 } else { RANKS[i] });
        }
        usize::try_from(start).ok()
    }

    /// Levels for a block, or `None` if it is better left as it is predicted.
    pub(super) fn choose(
        &self,
        costs: &mut Costs,
        coefficients: &[i16; 64],
        kind: usize,
    ) -> Option<[i16; 64]> {
        let start = self.start(coefficients)?;
        let kind = kind % KINDS;
        let lambda = self.lambda[kind];
        let base = kind * POSITIONS * SURROUNDINGS;
        let mut around = Surroundings::default();
        let (mut contexts, mut chosen) = ([0u16; 64], [0u16; 64]);
        // What all levels are worth against a block of nothing, and those behind a place. What
        // lies behind the last becomes 0 and costs nothing: `best` is the least that an end
        // costs beyond the sum of all.
        let (mut sum, mut best, mut last) = (0i64, i64::MAX, None);
        for n in (0..=start.min(63)).rev() {
            let i = usize::from(SCAN[n] & 63);
            let context = base + usize::from(POSITION_CLASSES[i]) * SURROUNDINGS + around.class(i);
            contexts[n] = context as u16;
            let table = &costs.level[context];
            // Its magnitude in 256ths of a step.
            let a = (u32::from(coefficients[i].unsigned_abs()) * self.scales[i]) >> self.shift;
            // The nearest level, the next smaller one, or 0: what is spent less what is saved. No
            // branches, for nobody can foretell them.
            let near = (a + 128) >> 8;
            let worth = |level: u32| {
                let reached = i64::from(level) << 8;
                let cost = match table.get(level as usize) {
                    Some(cost) => *cost,
                    None => table[MAGNITUDES - 1] + (level - MAGNITUDES as u32 + 1) * MORE,
                };
                (reached * (reached - 2 * i64::from(a)) + lambda * i64::from(cost), level)
            };
            let (worth, magnitude) = worth(0).min(worth(near.saturating_sub(1))).min(worth(near));
            if magnitude > 0 {
                around.set(i, magnitude);
                chosen[n] = magnitude as u16;
                let known = i64::from(costs.last[kind][n]) - i64::from(costs.some[context]);
                let end = lambda * known - sum;
                if end <= best {
                    (best, last) = (end, Some(n));
                }
            }
            sum += worth;
        }
        let last = last.filter(|_| sum.saturating_add(best) < 0)?;
        let mut levels = [0; 64];
        costs.learn_last(kind, last);
        for n in 0..=last {
            let magnitude = usize::from(chosen[n]);
            costs.learn(usize::from(contexts[n]), magnitude, n == last);
            let i = usize::from(SCAN[n] & 63);
            let level = magnitude.min(i16::MAX as usize) as i16;
            levels[i] = if coefficients[i] < 0 { -level } else { level };
        }
        Some(levels)
    }
}
