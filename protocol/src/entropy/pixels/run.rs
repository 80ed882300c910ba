//! Runs: many pixels in one decision where everything around suggests them.

use super::super::Coder;
use super::super::bit::Bit;
use super::around::Raster;
use crate::pixel::Color;

/// Pixels of the shortest run.
const SHORTEST: usize = 16;

/// Each run that was right makes the next one four times as long, so often at most.
const LEVELS: usize = 3;

/// Which pixels may be told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Those that were there before.
    Unchanged = 0,
    /// The colour around.
    Flat = 1,
}

impl Kind {
    /// What is likely of `length` pixels from `i` on, seen from the one to the left and the row above.
    #[inline]
    fn at(old: &[Color], new: &[Color], stride: usize, i: usize, length: usize) -> Option<Self> {
        let (up, left) = (i - stride, new[i - 1]);
        let above = up - 1..up + length + 1;
        // The nearest pixels first: mostly they already say no.
        if left == old[i - 1] && new[up] == old[up] && new[above.clone()] == old[above.clone()] {
            Some(Self::Unchanged)
        } else if new[up - 1] == left
            && new[up] == left
            && new[above.start..above.end - 1] == new[above.start + 1..above.end]
        {
            Some(Self::Flat)
        } else {
            None
        }
    }
}

/// Models of runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    /// By kind of run, its length, and whether the run before was one.
    is_run: [[[Bit; 2]; LEVELS]; 2],
    ran: usize,
}

/// Where in a row runs may begin.
pub(super) struct Place {
    barrier: usize,
    end: usize,
    level: usize,
}

impl Place {
    /// A row of the rectangle.
    pub(super) fn row(first: usize, end: usize) -> Self {
        Self { barrier: first, end, level: 0 }
    }
}

impl Runs {
    /// Codes whether a run begins at pixel `i`, which may be more than one question. Those
    /// of its pixels that follow are put in the raster; returns how many. `source` begins at `i`.
    #[inline]
    pub(super) fn code<C: Coder>(
        &mut self,
        c: &mut C,
        raster: &mut Raster<'_>,
        i: usize,
        place: &mut Place,
        source: &[Color],
    ) -> usize {
        if i < place.barrier {
            return 0;
        }
        let Raster { old, new, stride, .. } = raster;
        loop {
            let length = SHORTEST << (2 * place.level);
            let kind = match i + length <= place.end {
                true => Kind::at(old, new, *stride, i, length),
                false => None,
            };
            if let Some(kind) = kind {
                let same = match kind {
                    Kind::Unchanged => source.get(..length) == Some(&old[i..i + length]),
                    Kind::Flat => {
                        source.get(..length).is_some_and(|s| s[0] == new[i - 1] && s[1..] == s[..length - 1])
                    }
                };
                let same = self.is_run[kind as usize][place.level][self.ran].code(c, same);
                if C::LEARNS {
                    self.ran = usize::from(same);
                }
                if same {
                    match kind {
                        Kind::Unchanged => new[i..i + length].copy_from_slice(&old[i..i + length]),
                        Kind::Flat => {
                            let color = new[i - 1];
                            new[i..i + length].fill(color);
                        }
                    }
                    place.level = (place.level + 1).min(LEVELS - 1);
                    return length;
                }
                if place.level == 0 {
                    place.barrier = i + SHORTEST;
                    return 0;
                }
            } else if place.level == 0 {
                return 0;
            }
            place.level -= 1;
        }
    }
}
