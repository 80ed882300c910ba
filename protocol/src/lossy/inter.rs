//! Prediction from the surface as it was, moved by a vector.

use super::Vector;
use super::planes::Plane;

/// Filters for a quarter, a half and three quarters of a sample, and for whole ones: sums
/// are 64, the third tap is the sample itself. *Sharp* keeps detail, *soft* and *blurred*
/// leave out the noise of the picture before, which would otherwise be added to its own.
pub const FILTERS: [[[i16; 6]; 4]; 3] = [
    [[0, 0, 64, 0, 0, 0], [1, -5, 54, 18, -4, 0], [2, -8, 38, 38, -8, 2], [0, -4, 18, 54, -5, 1]],
    [[0, 16, 32, 16, 0, 0], [0, 9, 32, 21, 2, 0], [0, 5, 27, 27, 5, 0], [0, 2, 21, 32, 9, 0]],
    [[6, 16, 20, 16, 6, 0], [4, 13, 20, 17, 8, 2], [3, 10, 19, 19, 10, 3], [2, 8, 17, 20, 13, 4]],
];

/// The `N × N` samples (8 or 16) that lie at a place moved by a vector in quarters of a
/// sample. The plane must have them, and three more on each side.
pub fn predict_motion<const N: usize>(
    plane: &Plane,
    x: i32,
    y: i32,
    vector: Vector,
    filter: u8,
) -> [[u8; N]; N] {
    let bank = &FILTERS[usize::from(filter) % FILTERS.len()];
    let (across, down) = (&bank[(vector.x & 3) as usize], &bank[(vector.y & 3) as usize]);
    let (x, y) = (x + i32::from(vector.x >> 2), y + i32::from(vector.y >> 2));
    if across[2] == 64 && down[2] == 64 {
        return plane.block(x, y);
    }
    // Rows from two above to three below.
    let mut rows = [[0u8; N]; 24];
    let rows = &mut rows[..N + 5];
    let mut i = plane.at(x, y - 2);
    for row in rows.iter_mut() {
        let from = &plane.data()[i - 2..i + N + 3];
        if across[2] == 64 {
            row.copy_from_slice(&from[2..N + 2]);
        } else {
            *row = filtered(across, |tap| from[tap..tap + N].first_chunk().expect("a row"));
        }
        i += plane.stride();
    }
    let mut block = [[0; N]; N];
    for (j, out) in block.iter_mut().enumerate() {
        *out = if down[2] == 64 { rows[j + 2] } else { filtered(down, |tap| &rows[j + tap]) };
    }
    block
}

/// A row of samples from the rows that each tap is for.
#[inline(always)]
fn filtered<'a, const N: usize>(taps: &[i16; 6], row: impl Fn(usize) -> &'a [u8; N]) -> [u8; N] {
    // At most 84 · 255 in all: sixteen bits do.
    let mut sums = [32i16; N];
    for (i, tap) in taps.iter().enumerate() {
        let row = row(i);
        for k in 0..N {
            sums[k] += tap * i16::from(row[k]);
        }
    }
    let mut out = [0; N];
    for k in 0..N {
        out[k] = (sums[k] >> 6).clamp(0, 255) as u8;
    }
    out
}
