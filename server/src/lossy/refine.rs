//! The search for a vector's fraction: what lies between samples is made once around a whole
//! vector, and all fractions are judged by it. Quarters are means of halves, which is near
//! enough to choose among them.

use panto_protocol::lossy::{FILTERS, Plane};

use super::motion::row_difference;

/// Rows from one above to one below.
const ROWS: usize = 18;

/// Samples of a row from one to the left, and some more than needed.
const WIDTH: usize = 24;

type Samples = [[u8; WIDTH]; ROWS];

/// Samples around a macroblock's: whole ones and those half a sample further to the right,
/// down, and both.
#[derive(Debug)]
pub(super) struct Halves {
    whole: Samples,
    right: Samples,
    down: Samples,
    /// Made when it is needed.
    both: Option<Samples>,
    /// What `both` is made of: as `right`, from three above to three below.
    tall: [[u8; WIDTH]; ROWS + 5],
}

/// The half that lies between the third and the fourth row.
#[inline(always)]
fn between(rows: [&[u8; WIDTH]; 6]) -> [u8; WIDTH] {
    const TAPS: [i16; 6] = FILTERS[0][2];
    let mut out = [0; WIDTH];
    for k in 0..WIDTH {
        let pair = |i: usize| TAPS[i].wrapping_mul(i16::from(rows[i][k]) + i16::from(rows[5 - i][k]));
        out[k] = (32i16.wrapping_add(pair(0)).wrapping_add(pair(1)).wrapping_add(pair(2)) >> 6).clamp(0, 255)
            as u8;
    }
    out
}

impl Halves {
    /// Around the macroblock of a plane at (x, y); there must be four samples more on each side.
    pub(super) fn around(plane: &Plane, x: i32, y: i32) -> Self {
        let mut halves = Self {
            whole: [[0; WIDTH]; ROWS],
            right: [[0; WIDTH]; ROWS],
            down: [[0; WIDTH]; ROWS],
            both: None,
            tall: [[0; WIDTH]; ROWS + 5],
        };
        let (data, stride) = (plane.data(), plane.stride());
        for (j, out) in halves.tall.iter_mut().enumerate() {
            let from = &data[plane.at(x - 3, y - 3 + j as i32)..][..WIDTH + 5];
            *out = between(std::array::from_fn(|i| from[i..].first_chunk().expect("a row for each tap")));
        }
        for j in 0..ROWS {
            let from = &data[plane.at(x - 1, y - 3 + j as i32)..][..5 * stride + WIDTH];
            let row = |i: usize| from[i * stride..].first_chunk().expect("a row for each tap");
            halves.whole[j] = *row(2);
            halves.right[j] = halves.tall[j + 2];
            halves.down[j] = between(std::array::from_fn(row));
        }
        halves
    }

    /// Samples at a place in halves of a sample, from their row and column.
    fn at(&mut self, x: i32, y: i32) -> (&Samples, usize, usize) {
        let samples = match (x & 1, y & 1) {
            (0, 0) => &self.whole,
            (_, 0) => &self.right,
            (0, _) => &self.down,
            _ => {
                let tall = &self.tall;
                self.both.get_or_insert_with(|| {
                    std::array::from_fn(|j| between(std::array::from_fn(|i| &tall[j + i])))
                })
            }
        };
        (samples, ((y >> 1) + 1) as usize, ((x >> 1) + 1) as usize)
    }

    /// The sum of absolute differences to a macroblock at a place in quarters, -3 to 3.
    pub(super) fn difference(&mut self, target: &[[u8; 16]; 16], x: i32, y: i32) -> u32 {
        let (left, right) = (x >> 1, (x + 1) >> 1);
        let (top, bottom) = (y >> 1, (y + 1) >> 1);
        if left == right && top == bottom {
            let (samples, row, column) = self.at(left, top);
            return (0..16).map(|j| row_difference(&target[j], part(&samples[row + j], column))).sum();
        }
        // Of the two diagonals that which runs between halves to the right and halves down.
        let is_falling = left != right && top != bottom && (left + top) & 1 != 0;
        let (first, second) = match is_falling {
            true => ((left, top), (right, bottom)),
            false => ((right, top), (left, bottom)),
        };
        let copy = |(samples, row, column): (&Samples, usize, usize)| {
            let mut block = [[0; 16]; 16];
            for (out, row) in block.iter_mut().zip(&samples[row..]) {
                *out = *part(row, column);
            }
            block
        };
        let (a, b) = (copy(self.at(first.0, first.1)), copy(self.at(second.0, second.1)));
        let mut sum = 0;
        for j in 0..16 {
            let mut mean = [0; 16];
            for k in 0..16 {
                mean[k] = ((u16::from(a[j][k]) + u16::from(b[j][k]) + 1) >> 1) as u8;
            }
            sum += row_difference(&target[j], &mean);
        }
        sum
    }
}

#[inline(always)]
fn part(row: &[u8; WIDTH], column: usize) -> &[u8; 16] {
    row[column..].first_chunk().expect("sixteen samples")
}

#[cfg(test)]
mod tests {
    use panto_protocol::lossy::{Vector, predict_motion};

    use super::*;
    use crate::lossy::motion::difference;

    #[test]
    fn fractions_are_judged_as_they_are_predicted() {
        let mut plane = Plane::new(16, 16, 16);
        let stride = plane.stride() as i32;
        for (i, sample) in plane.data_mut().iter_mut().enumerate() {
            let (x, y) = (i as i32 % stride, i as i32 / stride);
            *sample = (128 + (x * x / 7 + 3 * y) % 90 - (y * y / 5) % 40) as u8;
        }
        let target = [[130; 16]; 16];
        let mut halves = Halves::around(&plane, 0, 0);
        for (x, y) in (-3..=3).flat_map(|y| (-3..=3).map(move |x| (x, y))) {
            let block = predict_motion::<16>(&plane, 0, 0, Vector { x: x as i16, y: y as i16 }, 0);
            let (expected, got) = (difference(&target, &block), halves.difference(&target, x, y));
            let allowed = if (x | y) & 1 == 0 { 0 } else { expected / 8 };
            assert!(expected.abs_diff(got) <= allowed, "{x} {y}: {expected}, {got}");
        }
    }
}
