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
    let (across, down) = (phase(filter, vector.x), phase(filter, vector.y));
    let (x, y) = (x + i32::from(vector.x >> 2), y + i32::from(vector.y >> 2));
    let stride = plane.stride();
    let mut block = [[0; N]; N];
    match (across == WHOLE, down == WHOLE) {
        (true, true) => return plane.block(x, y),
        (true, false) => filter_rows(down, &plane.data()[plane.at(x, y - 2)..], stride, stride, &mut block),
        (false, true) => filter_rows(across, &plane.data()[plane.at(x - 2, y)..], stride, 1, &mut block),
        (false, false) => {
            // Rows from two above to three below.
            let mut rows = [[0; N]; 24];
            let rows = &mut rows[..N + 5];
            filter_rows(across, &plane.data()[plane.at(x - 2, y - 2)..], stride, 1, rows);
            filter_rows(down, rows.as_flattened(), N, N, &mut block);
        }
    }
    block
}

/// The number of the taps that leave samples as they are.
const WHOLE: u8 = 0;

/// The number of a filter's taps for a vector's part: four for each filter.
fn phase(filter: u8, part: i16) -> u8 {
    filter % FILTERS.len() as u8 * 4 + (part & 3) as u8
}

/// Filters rows which begin `stride` samples apart; taps are for samples `gap` apart, the
/// first of them for the first.
///
/// Each set of taps has its own code: most have some that are 0, or a power of two.
fn filter_rows<const N: usize>(phase: u8, from: &[u8], stride: usize, gap: usize, out: &mut [[u8; N]]) {
    match phase {
        WHOLE | 12.. => out.iter_mut().zip(from[2 * gap..].chunks(stride)).for_each(|(out, row)| {
            out.copy_from_slice(&row[..N]);
        }),
        1 => rows::<N, 0, 1>(from, stride, gap, out),
        2 => rows::<N, 0, 2>(from, stride, gap, out),
        3 => rows::<N, 0, 3>(from, stride, gap, out),
        4 => rows::<N, 1, 0>(from, stride, gap, out),
        5 => rows::<N, 1, 1>(from, stride, gap, out),
        6 => rows::<N, 1, 2>(from, stride, gap, out),
        7 => rows::<N, 1, 3>(from, stride, gap, out),
        8 => rows::<N, 2, 0>(from, stride, gap, out),
        9 => rows::<N, 2, 1>(from, stride, gap, out),
        10 => rows::<N, 2, 2>(from, stride, gap, out),
        11 => rows::<N, 2, 3>(from, stride, gap, out),
    }
}

fn rows<const N: usize, const FILTER: usize, const PHASE: usize>(
    from: &[u8],
    stride: usize,
    gap: usize,
    out: &mut [[u8; N]],
) {
    for (j, out) in out.iter_mut().enumerate() {
        let from = &from[j * stride..][..5 * gap + N];
        // At most 84 · 255 in all: sixteen bits do.
        let mut sums = [32i16; N];
        for (i, tap) in const { FILTERS[FILTER][PHASE] }.into_iter().enumerate() {
            if tap != 0 {
                let row: &[u8; N] = from[i * gap..].first_chunk().expect("a row for each tap");
                for k in 0..N {
                    sums[k] = sums[k].wrapping_add(tap.wrapping_mul(i16::from(row[k])));
                }
            }
        }
        for k in 0..N {
            out[k] = (sums[k] >> 6).clamp(0, 255) as u8;
        }
    }
}
