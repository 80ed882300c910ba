//! The transform of 8 × 8 residuals: an integer relative of the DCT that needs only sums
//! and shifts (that of ITU-T H.264, 8.5.13). All sums are mod 2^16.

use std::ops::{Add, Shr, Sub};

/// A row of eight numbers. Plain loops here become vector instructions; `array::map` does not.
#[derive(Clone, Copy)]
struct Lanes([i16; 8]);

impl Add for Lanes {
    type Output = Self;
    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for i in 0..8 {
            self.0[i] = self.0[i].wrapping_add(other.0[i]);
        }
        self
    }
}

impl Sub for Lanes {
    type Output = Self;
    #[inline(always)]
    fn sub(mut self, other: Self) -> Self {
        for i in 0..8 {
            self.0[i] = self.0[i].wrapping_sub(other.0[i]);
        }
        self
    }
}

impl Shr<u32> for Lanes {
    type Output = Self;
    #[inline(always)]
    fn shr(mut self, by: u32) -> Self {
        for i in 0..8 {
            self.0[i] >>= by;
        }
        self
    }
}

/// Eight rows become columns by three times putting the upper and the lower half together
/// like the teeth of a zip.
#[inline(always)]
fn transposed(mut block: [Lanes; 8]) -> [Lanes; 8] {
    for _ in 0..3 {
        let before = block;
        for i in 0..4 {
            for k in 0..4 {
                block[2 * i].0[2 * k] = before[i].0[k];
                block[2 * i].0[2 * k + 1] = before[i + 4].0[k];
                block[2 * i + 1].0[2 * k] = before[i].0[k + 4];
                block[2 * i + 1].0[2 * k + 1] = before[i + 4].0[k + 4];
            }
        }
    }
    block
}

#[inline(always)]
fn forward_pass(x: [Lanes; 8]) -> [Lanes; 8] {
    let (s07, s16, s25, s34) = (x[0] + x[7], x[1] + x[6], x[2] + x[5], x[3] + x[4]);
    let (a0, a1, a2, a3) = (s07 + s34, s16 + s25, s07 - s34, s16 - s25);
    let (d07, d16, d25, d34) = (x[0] - x[7], x[1] - x[6], x[2] - x[5], x[3] - x[4]);
    let a4 = d16 + d25 + d07 + (d07 >> 1);
    let a5 = d07 - d34 - d25 - (d25 >> 1);
    let a6 = d07 + d34 - d16 - (d16 >> 1);
    let a7 = d16 - d25 + d34 + (d34 >> 1);
    [
        a0 + a1,
        a4 + (a7 >> 2),
        a2 + (a3 >> 1),
        a5 + (a6 >> 2),
        a0 - a1,
        a6 - (a5 >> 2),
        (a2 >> 1) - a3,
        (a4 >> 2) - a7,
    ]
}

#[inline(always)]
fn inverse_pass(x: [Lanes; 8]) -> [Lanes; 8] {
    let (a0, a2) = (x[0] + x[4], x[0] - x[4]);
    let (a4, a6) = ((x[2] >> 1) - x[6], (x[6] >> 1) + x[2]);
    let (b0, b2, b4, b6) = (a0 + a6, a2 + a4, a2 - a4, a0 - a6);
    let a1 = x[5] - x[3] - x[7] - (x[7] >> 1);
    let a3 = x[1] + x[7] - x[3] - (x[3] >> 1);
    let a5 = x[7] - x[1] + x[5] + (x[5] >> 1);
    let a7 = x[3] + x[5] + x[1] + (x[1] >> 1);
    let (b1, b3) = ((a7 >> 2) + a1, a3 + (a5 >> 2));
    let (b5, b7) = ((a3 >> 2) - a5, a7 - (a1 >> 2));
    [b0 + b7, b2 + b5, b4 + b3, b6 + b1, b6 - b1, b4 - b3, b2 - b5, b0 - b7]
}

#[inline(always)]
fn rows(block: &[i16; 64]) -> [Lanes; 8] {
    let mut rows = [Lanes([0; 8]); 8];
    for (row, from) in rows.iter_mut().zip(block.as_chunks::<8>().0) {
        row.0 = *from;
    }
    rows
}

#[inline(always)]
fn block(rows: [Lanes; 8]) -> [i16; 64] {
    let mut block = [0; 64];
    for (row, to) in rows.iter().zip(block.as_chunks_mut::<8>().0) {
        *to = row.0;
    }
    block
}

/// The coefficients of a residual, both row by row; those of the first column and row are
/// the lowest frequencies.
pub fn forward(residual: &[i16; 64]) -> [i16; 64] {
    let once = transposed(forward_pass(rows(residual)));
    block(transposed(forward_pass(once)))
}

/// The residual of dequantised coefficients.
pub fn inverse(coefficients: &[i16; 64]) -> [i16; 64] {
    let once = transposed(inverse_pass(rows(coefficients)));
    let mut twice = inverse_pass(once);
    let half = Lanes([32; 8]);
    for row in &mut twice {
        *row = (*row + half) >> 6;
    }
    block(transposed(twice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_transformed_comes_back() {
        // Places of rows and columns have the squared lengths 8, 289/32 and 5.
        let lengths = [8.0, 289.0 / 32.0, 5.0, 289.0 / 32.0, 8.0, 289.0 / 32.0, 5.0, 289.0 / 32.0];
        let residual: [i16; 64] = std::array::from_fn(|i| (i as i16 * 37 % 511) - 255);
        let coefficients = forward(&residual);
        let scaled = std::array::from_fn(|i| {
            (f64::from(coefficients[i]) * 64.0 / (lengths[i / 8] * lengths[i % 8])).round() as i16
        });
        for (a, b) in inverse(&scaled).iter().zip(&residual) {
            assert!(a.abs_diff(*b) <= 2, "{a} {b}");
        }
        assert_eq!(forward(&[3; 64])[0], 3 * 64);
    }

    #[test]
    fn extremes_wrap() {
        for extreme in [i16::MIN, i16::MAX] {
            forward(&[extreme; 64]);
            inverse(&[extreme; 64]);
        }
    }
}
