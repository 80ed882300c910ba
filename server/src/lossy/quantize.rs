//! Residuals → levels, each chosen by what it costs and what it saves.

use panto_protocol::lossy::{
    PLACE_SCALES, POSITION_CLASSES, POSITIONS, RANKS, SCAN, SURROUNDINGS, Surroundings, forward,
};

use super::cost::{BIT, Costs, KINDS, MAGNITUDES, MORE, UNTRANSFORMED};

/// What a bit may cost, in 256ths of the squared step, by kind of block (transformed or not).
/// Chroma that moves is worth less: the picture is made exact when it rests.
const LAMBDAS: [i64; UNTRANSFORMED] = [24, 45, 24, 30];

/// What it costs to tell that a block is untransformed, against that it is not.
const UNUSUAL: i64 = 3 * BIT as i64;

/// The least magnitude, in 256ths of a step, that may become a level at a block's end.
const LEAST: u32 = 150;

/// A block's levels.
#[derive(Debug)]
pub(super) struct Levels {
    pub(super) levels: [i16; 64],
    /// They are of samples, not of frequencies.
    pub(super) is_untransformed: bool,
}

/// From the numbers of a residual, transformed or not, to steps.
#[derive(Debug)]
struct Scale {
    places: [u32; 64],
    /// Numbers that come to less than [`LEAST`] are at most so large.
    small: [u16; 64],
}

impl Scale {
    fn new(places: [u32; 64], shift: u32) -> Self {
        Self { places, small: places.map(|scale| ((LEAST << shift).div_ceil(scale) - 1).min(0xffff) as u16) }
    }

    /// The last place of the scan with a number that is not small.
    fn start(&self, numbers: &[i16; 64]) -> Option<usize> {
        let mut start = -1;
        for i in 0..64 {
            let above = numbers[i].unsigned_abs().saturating_sub(self.small[i]);
            start = start.max(if above == 0 { -1 } else { RANKS[i] });
        }
        usize::try_from(start).ok()
    }
}

/// Turns residuals into levels.
#[derive(Debug)]
pub(super) struct LevelChooser {
    /// Of coefficients, of samples.
    scales: [Scale; 2],
    shift: u32,
}

impl LevelChooser {
    /// For a step in halves of a pixel value.
    pub(super) fn new(step: u16) -> Self {
        let step = u32::from(step.max(1));
        let shift = 8 + step.ilog2();
        let coefficients = PLACE_SCALES.map(|scale| (u32::from(scale) << shift) / step);
        let samples = [(1024 << shift) / step; 64];
        Self { scales: [coefficients, samples].map(|places| Scale::new(places, shift + 1)), shift: shift + 1 }
    }

    /// Levels for a block, or `None` if it is better left as it is predicted. `kind` is that of
    /// the block if it is transformed.
    pub(super) fn choose(&self, costs: &mut Costs, residual: &[i16; 64], kind: usize) -> Option<Levels> {
        let kind = kind % UNTRANSFORMED;
        let coefficients = forward(residual);
        // What is much less sparse need not be tried.
        let (frequencies, samples) = (sum(&coefficients) / 8, sum(residual));
        let lambda = LAMBDAS[kind];
        let transformed = (17 * samples > 16 * frequencies)
            .then(|| self.weigh(costs, &coefficients, kind, lambda))
            .flatten();
        let untransformed = (16 * samples < 17 * frequencies)
            .then(|| self.weigh(costs, residual, kind + UNTRANSFORMED, lambda))
            .flatten();
        let best = match (transformed, untransformed) {
            (Some(one), Some(other)) if one.worth <= other.worth + lambda * UNUSUAL => one,
            (one, other) => other.or(one)?,
        };
        let is_untransformed = best.kind >= UNTRANSFORMED;
        let numbers = if is_untransformed { residual } else { &coefficients };
        Some(Levels { levels: best.learn(costs, numbers), is_untransformed })
    }

    /// The best levels of numbers, or `None` if all should be 0.
    fn weigh(&self, costs: &Costs, numbers: &[i16; 64], kind: usize, lambda: i64) -> Option<Choice> {
        let kind = kind % KINDS;
        let scale = &self.scales[kind / UNTRANSFORMED];
        let positions = &POSITION_CLASSES[kind / UNTRANSFORMED];
        let start = scale.start(numbers)?;
        let base = kind * POSITIONS * SURROUNDINGS;
        let mut around = Surroundings::default();
        let (mut contexts, mut chosen) = ([0u16; 64], [0u16; 64]);
        // What all levels are worth against a block of nothing, and those behind a place. What
        // lies behind the last becomes 0 and costs nothing: `best` is the least that an end
        // costs beyond the sum of all.
        let (mut sum, mut best, mut last) = (0i64, i64::MAX, None);
        for n in (0..=start.min(63)).rev() {
            let i = usize::from(SCAN[n] & 63);
            let context = base + usize::from(positions[i]) * SURROUNDINGS + around.class(i);
            contexts[n] = context as u16;
            let table = &costs.level[context];
            // Its magnitude in 256ths of a step.
            let a = (u32::from(numbers[i].unsigned_abs()) * scale.places[i]) >> self.shift;
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
        let worth = sum.saturating_add(best);
        let last = last.filter(|_| worth < 0)?;
        Some(Choice { worth, kind, last, contexts, chosen })
    }
}

/// What a block could be told by.
#[derive(Debug)]
struct Choice {
    /// What is spent less what is saved.
    worth: i64,
    kind: usize,
    /// The place of the last level in the scan.
    last: usize,
    /// By place in the scan.
    contexts: [u16; 64],
    chosen: [u16; 64],
}

impl Choice {
    /// The levels, with the signs of these numbers; costs learn from them.
    fn learn(&self, costs: &mut Costs, numbers: &[i16; 64]) -> [i16; 64] {
        let mut levels = [0; 64];
        costs.learn_last(self.kind, self.last);
        for (n, i) in SCAN.iter().enumerate().take(self.last + 1) {
            let magnitude = usize::from(self.chosen[n]);
            costs.learn(usize::from(self.contexts[n]), magnitude, n == self.last);
            let i = usize::from(*i & 63);
            let level = magnitude.min(i16::MAX as usize) as i16;
            levels[i] = if numbers[i] < 0 { -level } else { level };
        }
        levels
    }
}

/// The sum of magnitudes.
pub(super) fn sum(numbers: &[i16; 64]) -> u32 {
    numbers.iter().map(|n| u32::from(n.unsigned_abs())).sum()
}
