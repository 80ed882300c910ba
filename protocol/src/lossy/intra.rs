//! Prediction from samples to the left and above.

use super::planes::Plane;

/// How a block of 8 × 8 samples goes on from those around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum IntraMode {
    /// Their mean.
    #[default]
    Mean = 0,
    /// Columns go on.
    Vertical = 1,
    /// Rows go on.
    Horizontal = 2,
    /// Between rows and columns.
    Planar = 3,
    /// Diagonals from above right.
    DownLeft = 4,
    /// Diagonals from above left.
    DownRight = 5,
}

/// All of them, by number.
pub const INTRA_MODES: [IntraMode; 6] = [
    IntraMode::Mean,
    IntraMode::Vertical,
    IntraMode::Horizontal,
    IntraMode::Planar,
    IntraMode::DownLeft,
    IntraMode::DownRight,
];

/// The block at a place, from what the plane holds around it.
pub fn predict_intra(plane: &Plane, x: i32, y: i32, mode: IntraMode) -> [[u8; 8]; 8] {
    let (data, stride, first) = (plane.data(), plane.stride(), plane.at(x, y));
    let above: [u8; 16] = data[first - stride..first - stride + 16].try_into().expect("sixteen samples");
    let left: [u8; 8] = std::array::from_fn(|j| data[first + j * stride - 1]);
    let corner = data[first - stride - 1];
    match mode {
        IntraMode::Mean => {
            let sum: u32 = above[..8].iter().chain(&left).map(|v| u32::from(*v)).sum();
            [[((sum + 8) >> 4) as u8; 8]; 8]
        }
        IntraMode::Vertical => [*above.first_chunk().expect("eight samples"); 8],
        IntraMode::Horizontal => {
            let mut block = [[0; 8]; 8];
            for (row, v) in block.iter_mut().zip(left) {
                *row = [v; 8];
            }
            block
        }
        IntraMode::Planar => {
            let mut block = [[0; 8]; 8];
            for (j, row) in block.iter_mut().enumerate() {
                for (i, out) in row.iter_mut().enumerate() {
                    let (from_left, from_right) = (7 - i as u16, i as u16 + 1);
                    let (from_above, from_below) = (7 - j as u16, j as u16 + 1);
                    let across = from_left * u16::from(left[j]) + from_right * u16::from(above[7]);
                    let down = from_above * u16::from(above[i]) + from_below * u16::from(left[7]);
                    *out = ((across + down + 8) >> 4) as u8;
                }
            }
            block
        }
        IntraMode::DownLeft => {
            let at = |i: usize| u32::from(above[i.min(15)]);
            let line: [u8; 15] =
                std::array::from_fn(|i| ((at(i) + 2 * at(i + 1) + at(i + 2) + 2) >> 2) as u8);
            std::array::from_fn(|j| std::array::from_fn(|i| line[i + j]))
        }
        IntraMode::DownRight => {
            // From the lowest on the left over the corner to the last above.
            let edge: [u8; 17] = std::array::from_fn(|i| match i {
                0..8 => left[7 - i],
                8 => corner,
                _ => above[i - 9],
            });
            let at = |i: usize| u32::from(edge[i]);
            let line: [u8; 15] =
                std::array::from_fn(|i| ((at(i) + 2 * at(i + 1) + at(i + 2) + 2) >> 2) as u8);
            std::array::from_fn(|j| std::array::from_fn(|i| line[7 + i - j]))
        }
    }
}
