//! Where a macroblock's pixels were before.

use panto_protocol::lossy::{Plane, Vector, predict_motion};

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
fn row_difference<const N: usize>(a: &[u8; N], b: &[u8; N]) -> u32 {
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

    fn part(&self, vector: Vector) -> u32 {
        let block = predict_motion::<16>(self.reference, self.x, self.y, vector, 0);
        difference(self.target, &block) + self.price(vector)
    }

    /// The best vector near one of the candidates, and its differences and price.
    pub(super) fn run(&self, candidates: &[Vector]) -> (Vector, u32) {
        let inside = |v: i16| v.clamp(-LIMIT, LIMIT);
        let round = |v: i16| inside((v + 2) & !3);
        let mut best = (Vector::default(), self.whole(Vector::default()));
        for candidate in candidates {
            let vector = Vector { x: round(candidate.x), y: round(candidate.y) };
            if vector != best.0 {
                let cost = self.whole(vector);
                if cost < best.1 {
                    best = (vector, cost);
                }
            }
        }
        for _ in 0..STEPS {
            let before = best;
            self.around(&mut best, 4, Self::whole);
            if best == before {
                break;
            }
        }
        for (i, candidate) in candidates.iter().enumerate() {
            if (candidate.x | candidate.y) & 3 != 0 && !candidates[..i].contains(candidate) {
                let vector = Vector { x: inside(candidate.x), y: inside(candidate.y) };
                let cost = self.part(vector);
                if cost < best.1 {
                    best = (vector, cost);
                }
            }
        }
        // A neighbour's vector is near enough for the smaller step.
        if (best.0.x | best.0.y) & 3 == 0 {
            self.around(&mut best, 2, Self::part);
        }
        self.around(&mut best, 1, Self::part);
        best
    }

    /// Tries the four vectors at a distance.
    fn around(&self, best: &mut (Vector, u32), distance: i16, cost: fn(&Self, Vector) -> u32) {
        let center = best.0;
        for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
            let vector = Vector { x: center.x + dx * distance, y: center.y + dy * distance };
            if vector.x.abs() <= LIMIT && vector.y.abs() <= LIMIT {
                let cost = cost(self, vector);
                if cost < best.1 {
                    *best = (vector, cost);
                }
            }
        }
    }
}
