//! Where a macroblock's pixels were before.

use panto_protocol::lossy::{Plane, Vector};

use super::refine::Halves;

/// How far vectors may point, in pixels.
pub(super) const REACH: usize = 32;

const LIMIT: i16 = REACH as i16 * 4;

/// Steps of the search in whole pixels, at most.
const STEPS: usize = 24;

/// The sum of absolute differences of two blocks.
#[inline]
pub(super) fn difference<const N: usize>(a: &[[u8; N]; N], b: &[[u8; N]; N]) -> u32 {
    a.iter().zip(b).map(|(a, b)| row_difference(a, b)).sum()
}

#[inline(always)]
pub(super) fn row_difference<const N: usize>(a: &[u8; N], b: &[u8; N]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum()
}

/// The sum of squared differences of two blocks.
#[inline]
pub(super) fn squared_difference<const N: usize>(a: &[[u8; N]; N], b: &[[u8; N]; N]) -> u32 {
    let row = |a: &[u8; N], b: &[u8; N]| -> u32 {
        a.iter().zip(b).map(|(a, b)| (i16::from(*a) - i16::from(*b)) as i32).map(|d| (d * d) as u32).sum()
    };
    a.iter().zip(b).map(|(a, b)| row(a, b)).sum()
}

/// A search for the best vector of one macroblock.
#[derive(Debug)]
pub(super) struct Search<'a> {
    pub(super) target: &'a [[u8; 16]; 16],
    pub(super) reference: &'a Plane,
    pub(super) x: i32,
    pub(super) y: i32,
    /// What the vector is told against.
    pub(super) likely: Vector,
    /// What a bit may cost, in differences, times 16.
    pub(super) lambda: u32,
}

impl Search<'_> {
    /// What it costs to tell a vector, in differences.
    fn price(&self, vector: Vector) -> u32 {
        let bits = |a: i16, b: i16| {
            let d = u32::from(a.abs_diff(b));
            if d == 0 { 1 } else { 2 * d.ilog2() + 4 }
        };
        ((bits(vector.x, self.likely.x) + bits(vector.y, self.likely.y)) * self.lambda) >> 4
    }

    fn whole(&self, vector: Vector) -> u32 {
        let (data, stride) = (self.reference.data(), self.reference.stride());
        let first = self.reference.at(self.x + i32::from(vector.x >> 2), self.y + i32::from(vector.y >> 2));
        let mut sum = self.price(vector);
        for (j, row) in self.target.iter().enumerate() {
            let start = first + j * stride;
            sum += row_difference(row, data[start..start + 16].try_into().expect("sixteen samples"));
        }
        sum
    }

    /// The best whole vector near one of the candidates, and its differences and price.
    pub(super) fn coarse(&self, candidates: &[Vector]) -> (Vector, u32) {
        let inside = |v: i16| v.clamp(-LIMIT, LIMIT);
        let round = |v: i16| inside((v + 2) & !3);
        let mut best = (Vector::default(), self.whole(Vector::default()));
        for (i, candidate) in candidates.iter().enumerate() {
            let vector = Vector { x: round(candidate.x), y: round(candidate.y) };
            if vector != best.0 && !candidates[..i].contains(candidate) {
                let cost = self.whole(vector);
                if cost < best.1 {
                    best = (vector, cost);
                }
            }
        }
        for _ in 0..STEPS {
            let before = best;
            self.around(&mut best, before.0, 4, |vector| self.whole(vector));
            if best.0 == before.0 {
                break;
            }
        }
        best
    }

    /// The best vector around that which [`Search::coarse`] found.
    pub(super) fn fine(&self, mut best: (Vector, u32), candidates: &[Vector]) -> (Vector, u32) {
        let center = best.0;
        let (x, y) = (self.x + i32::from(center.x >> 2), self.y + i32::from(center.y >> 2));
        let mut halves = Halves::around(self.reference, x, y);
        let mut cost = |vector: Vector| {
            let (dx, dy) = (i32::from(vector.x - center.x), i32::from(vector.y - center.y));
            halves.difference(self.target, dx, dy) + self.price(vector)
        };
        for (i, candidate) in candidates.iter().enumerate() {
            let is_near = candidate.x.abs_diff(center.x).max(candidate.y.abs_diff(center.y)) < 4;
            if is_near && *candidate != center && !candidates[..i].contains(candidate) {
                let cost = cost(*candidate);
                if cost < best.1 {
                    best = (*candidate, cost);
                }
            }
        }
        // A neighbour's vector is near enough for the smaller step.
        if best.0 == center {
            self.around(&mut best, center, 2, &mut cost);
        }
        let half = best.0;
        let near = |vector: Vector| vector.x.abs_diff(center.x).max(vector.y.abs_diff(center.y)) < 4;
        self.around(&mut best, half, 1, |vector| if near(vector) { cost(vector) } else { u32::MAX });
        best
    }

    /// Tries the four vectors at a distance.
    fn around(
        &self,
        best: &mut (Vector, u32),
        center: Vector,
        distance: i16,
        mut cost: impl FnMut(Vector) -> u32,
    ) {
        for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
            let vector = Vector { x: center.x + dx * distance, y: center.y + dy * distance };
            if vector.x.abs() <= LIMIT && vector.y.abs() <= LIMIT {
                let cost = cost(vector);
                if cost < best.1 {
                    *best = (vector, cost);
                }
            }
        }
    }
}
