//! The transform of 8 × 8 residuals: an integer relative of the DCT that needs only sums
//! and shifts (that of ITU-T H.264, 8.5.13). All sums are mod 2^16.

use std::num::Wrapping;

/// Eight rows become columns.
#[inline(always)]
fn transpose(from: &[i16; 64], to: &mut [i16; 64]) {
    for (i, row) in to.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        *row = [
            from[i],
            from[8 + i],
            from[16 + i],
            from[24 + i],
            from[32 + i],
            from[40 + i],
            from[48 + i],
            from[56 + i],
        ];
    }
}

/// Transforms each column. One loop over columns, with all sums in it, becomes vector
/// instructions; sums of arrays of eight, one after the other, do not always.
#[inline(always)]
fn forward_columns(x: &[i16; 64], out: &mut [i16; 64]) {
    for i in 0..8 {
        let at = |row: usize| Wrapping(x[8 * row + i]);
        let (s07, s16, s25, s34) = (at(0) + at(7), at(1) + at(6), at(2) + at(5), at(3) + at(4));
        let (a0, a1, a2, a3) = (s07 + s34, s16 + s25, s07 - s34, s16 - s25);
        let (d07, d16, d25, d34) = (at(0) - at(7), at(1) - at(6), at(2) - at(5), at(3) - at(4));
        let a4 = d16 + d25 + d07 + (d07 >> 1);
        let a5 = d07 - d34 - d25 - (d25 >> 1);
        let a6 = d07 + d34 - d16 - (d16 >> 1);
        let a7 = d16 - d25 + d34 + (d34 >> 1);
        out[i] = (a0 + a1).0;
        out[8 + i] = (a4 + (a7 >> 2)).0;
        out[16 + i] = (a2 + (a3 >> 1)).0;
        out[24 + i] = (a5 + (a6 >> 2)).0;
        out[32 + i] = (a0 - a1).0;
        out[40 + i] = (a6 - (a5 >> 2)).0;
        out[48 + i] = ((a2 >> 1) - a3).0;
        out[56 + i] = ((a4 >> 2) - a7).0;
    }
}

/// Undoes [`forward_columns`], but for its scale; sums begin with `first`.
#[inline(always)]
fn inverse_columns(x: &[i16; 64], out: &mut [i16; 64], first: i16, shift: usize) {
    for i in 0..8 {
        let at = |row: usize| Wrapping(x[8 * row + i]);
        let (a0, a2) = (at(0) + at(4) + Wrapping(first), at(0) - at(4) + Wrapping(first));
        let (a4, a6) = ((at(2) >> 1) - at(6), (at(6) >> 1) + at(2));
        let (b0, b2, b4, b6) = (a0 + a6, a2 + a4, a2 - a4, a0 - a6);
        let a1 = at(5) - at(3) - at(7) - (at(7) >> 1);
        let a3 = at(1) + at(7) - at(3) - (at(3) >> 1);
        let a5 = at(7) - at(1) + at(5) + (at(5) >> 1);
        let a7 = at(3) + at(5) + at(1) + (at(1) >> 1);
        let (b1, b3) = ((a7 >> 2) + a1, a3 + (a5 >> 2));
        let (b5, b7) = ((a3 >> 2) - a5, a7 - (a1 >> 2));
        out[i] = ((b0 + b7) >> shift).0;
        out[8 + i] = ((b2 + b5) >> shift).0;
        out[16 + i] = ((b4 + b3) >> shift).0;
        out[24 + i] = ((b6 + b1) >> shift).0;
        out[32 + i] = ((b6 - b1) >> shift).0;
        out[40 + i] = ((b4 - b3) >> shift).0;
        out[48 + i] = ((b2 - b5) >> shift).0;
        out[56 + i] = ((b0 - b7) >> shift).0;
    }
}

/// The coefficients of a residual, both row by row; those of the first column and row are
/// the lowest frequencies.
pub fn forward(residual: &[i16; 64]) -> [i16; 64] {
    let (mut one, mut other) = ([0; 64], [0; 64]);
    forward_columns(residual, &mut other);
    transpose(&other, &mut one);
    forward_columns(&one, &mut other);
    transpose(&other, &mut one);
    one
}

/// The residual of dequantised coefficients.
pub fn inverse(coefficients: &[i16; 64]) -> [i16; 64] {
    let (mut one, mut other) = ([0; 64], [0; 64]);
    inverse_columns(coefficients, &mut other, 0, 0);
    transpose(&other, &mut one);
    inverse_columns(&one, &mut other, 32, 6);
    transpose(&other, &mut one);
    one
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
