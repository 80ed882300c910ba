//! Coefficients → levels, each chosen by what it costs and what it saves.

use panto_protocol::lossy::{PLACE_SCALES, POSITION_CLASSES, POSITIONS, SCAN, SURROUNDINGS, Surroundings};

use super::cost::{Costs, KINDS, MAGNITUDES, MORE};

/// What a bit may cost, in 256ths of the squared step, by kind of block. Chroma that moves is
/// worth less: it is a third of a clip's bytes, and the picture is made exact when it rests.
const LAMBDAS: [u64; KINDS] = [30, 90, 30, 30];

/// Turns coefficients into levels.
#[derive(Debug)]
pub(super) struct LevelChooser {
    scales: [i32; 64],
    shift: u32,
    /// By kind.
    lambda: [u64; KINDS],
}

impl LevelChooser {
    pub(super) fn new(step: u8) -> Self {
        let step = u32::from(step.max(1));
        let shift = 8 + step.ilog2();
        let scales = PLACE_SCALES.map(|scale| ((u32::from(scale) << shift) / step) as i32);
        Self { scales, shift: shift + 1, lambda: LAMBDAS }
    }

    /// Levels for a block, or `None` if it is better left as it is predicted.
    pub(super) fn choose(
        &self,
        costs: &mut Costs,
        coefficients: &[i16; 64],
        kind: usize,
    ) -> Option<[i16; 64]> {
        // Magnitudes in 256ths of a step.
        let mut exact = [0i32; 64];
        let mut largest = 0;
        for i in 0..64 {
            let a = (i32::from(coefficients[i]).abs() * self.scales[i]) >> self.shift;
            exact[i] = a;
            largest = a.max(largest);
        }
        if largest < 150 {
            return None;
        }
        let start = SCAN.iter().rposition(|i| exact[usize::from(*i & 63)] >= 150)?;
        let lambda = self.lambda[kind];
        let base = kind * POSITIONS * SURROUNDINGS;
        let mut around = Surroundings::default();
        let (mut contexts, mut chosen, mut worth) = ([0u16; 64], [0u16; 64], [0i64; 64]);
        for n in (0..=start).rev() {
            let i = usize::from(SCAN[n] & 63);
            let context = base + usize::from(POSITION_CLASSES[i]) * SURROUNDINGS + around.class(i);
            contexts[n] = context as u16;
            let table = &costs.level[context];
            let a = exact[i] as u32;
            // Against 0: what is saved and what is spent.
            let zero = u64::from(a) * u64::from(a) + lambda * u64::from(table[0]);
            let mut best = (zero, 0);
            if a >= 128 {
                let near = (a + 128) >> 8;
                for level in near.saturating_sub(1).max(1)..=near {
                    let error = u64::from(a.abs_diff(level << 8));
                    let cost = match table.get(level as usize) {
                        Some(cost) => *cost,
                        None => table[MAGNITUDES - 1] + (level - MAGNITUDES as u32 + 1) * MORE,
                    };
                    let total = error * error + lambda * u64::from(cost);
                    if total < best.0 {
                        best = (total, level);
                    }
                }
            }
            if best.1 > 0 {
                around.set(i, best.1);
            }
            chosen[n] = best.1 as u16;
            worth[n] = best.0 as i64 - i64::from(a) * i64::from(a);
        }
        // Where to end: what lies behind becomes 0 and costs nothing.
        let (mut sum, mut best, mut last) = (0i64, 0i64, None);
        for n in 0..=start {
            if chosen[n] > 0 {
                let known = i64::from(costs.last[kind][n]) - i64::from(costs.some[usize::from(contexts[n])]);
                let total = sum + worth[n] + lambda as i64 * known;
                if total < best {
                    (best, last) = (total, Some(n));
                }
            }
            sum += worth[n];
        }
        let last = last?;
        let mut levels = [0; 64];
        costs.learn_last(kind, last);
        for n in 0..=last {
            let context = usize::from(contexts[n]);
            let magnitude = usize::from(chosen[n]);
            costs.learn(context, magnitude, n == last);
            let i = usize::from(SCAN[n] & 63);
            let level = magnitude.min(i16::MAX as usize) as i16;
            levels[i] = if coefficients[i] < 0 { -level } else { level };
        }
        Some(levels)
    }
}
