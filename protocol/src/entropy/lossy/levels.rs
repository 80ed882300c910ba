//! The levels of a block: where the last one is, then each from there down to the lowest
//! frequency, in the context of those of higher frequencies around it.

use super::{KINDS, UNTRANSFORMED};
use crate::entropy::Coder;
use crate::entropy::bit::{Bit, Tree};
use crate::entropy::number::Number;
use crate::lossy::{POSITION_CLASSES, POSITIONS, RANKS, SCAN, SURROUNDINGS, Surroundings};

/// Magnitudes up to here are coded by counting.
const COUNTED: usize = 14;

/// Decisions about a level in one context.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    /// Is it 0?
    is_some: Bit,
    /// Is it more than 1, 2, …?
    is_more: [Bit; COUNTED],
}

#[derive(Debug, Clone)]
pub(super) struct LevelModels {
    /// By kind.
    last: Vec<Tree>,
    /// By kind, class of place, class of surroundings.
    levels: Vec<Level>,
    rest: Number,
}

impl Default for LevelModels {
    fn default() -> Self {
        Self {
            last: vec![Tree::new(6); KINDS],
            levels: vec![Level::default(); KINDS * POSITIONS * SURROUNDINGS],
            rest: Number::default(),
        }
    }
}

impl LevelModels {
    /// Codes the levels of a block of this kind, of which not all are 0.
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, levels: &[i16; 64], kind: usize) -> [i16; 64] {
        let last = if C::READS { 0 } else { last_place(levels) };
        let last = self.last[kind].code(c, last as u32) as usize & 63;
        let mut around = Surroundings::default();
        let mut out = [0; 64];
        let positions = &POSITION_CLASSES[kind / UNTRANSFORMED];
        let models = &mut self.levels[kind * POSITIONS * SURROUNDINGS..][..POSITIONS * SURROUNDINGS];
        for n in (0..=last).rev() {
            let i = usize::from(SCAN[n] & 63);
            let context = usize::from(positions[i]) * SURROUNDINGS + around.class(i);
            let model = &mut models[context];
            let level = i32::from(levels[i]);
            // The last one is known to be something.
            if n != last && !model.is_some.code(c, level != 0) {
                continue;
            }
            let magnitude = level.unsigned_abs();
            let mut m = 1;
            while m <= COUNTED as u32 && model.is_more[m as usize - 1].code(c, magnitude > m) {
                m += 1;
            }
            if m > COUNTED as u32 {
                m = m.saturating_add(self.rest.code(c, magnitude.saturating_sub(m)));
            }
            let m = m.min(i16::MAX as u32);
            let negative = c.raw(u32::from(level < 0), 1) == 1;
            around.set(i, m);
            out[i] = if negative { -(m as i16) } else { m as i16 };
        }
        out
    }
}

/// The last place of the scan whose level is not 0.
fn last_place(levels: &[i16; 64]) -> usize {
    let mut last = 0;
    for i in 0..64 {
        last = last.max(if levels[i] == 0 { 0 } else { RANKS[i] });
    }
    last as usize
}
