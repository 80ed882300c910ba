//! Smoothing the edges of blocks, where they are likely to come from the quantiser.

use super::macroblock::{Macroblock, Prediction};
use super::planes::{Plane, Planes};

/// How much an edge may differ to be smoothed, and how far samples may move.
#[derive(Debug, Clone, Copy)]
struct Limits {
    across: i16,
    beside: i16,
    change: i16,
}

/// Smooths the edges between the blocks of all macroblocks: first those between columns, then those between rows.
pub(super) fn deblock(planes: &mut Planes, macroblocks: &[Macroblock], columns: usize, step: u8) {
    let step = i16::from(step);
    let limits =
        |change: i16| Limits { across: 5 * step / 8, beside: step / 4, change: (change * step + 8) / 16 };
    if limits(2).change == 0 || columns == 0 {
        return;
    }
    for is_row in [false, true] {
        for (index, macroblock) in macroblocks.iter().enumerate() {
            let (column, row) = (index % columns, index / columns);
            let before = match is_row {
                false => (column > 0).then(|| &macroblocks[index - 1]),
                true => (row > 0).then(|| &macroblocks[index - columns]),
            };
            // Blocks on both sides, by the side's place along the edge.
            let inner = if is_row { [(0, 2), (1, 3)] } else { [(0, 1), (2, 3)] };
            let outer = if is_row { [(2, 0), (3, 1)] } else { [(1, 0), (3, 2)] };
            let (x, y) = ((column * 16) as i32, (row * 16) as i32);
            for along in 0..2 {
                let (dx, dy) = if is_row { (8 * along, 0) } else { (0, 8 * along) };
                let (ix, iy) = if is_row { (0, 8) } else { (8, 0) };
                if let Some(before) = before {
                    let (p, q) = outer[along as usize];
                    let strength = strength(before, p, macroblock, q);
                    if strength > 0 {
                        edge(&mut planes.luma, x + dx, y + dy, is_row, limits(strength));
                    }
                }
                let (p, q) = inner[along as usize];
                let strength = strength(macroblock, p, macroblock, q);
                if strength > 0 {
                    edge(&mut planes.luma, x + dx + ix, y + dy + iy, is_row, limits(strength));
                }
            }
            for (i, plane) in planes.chroma.iter_mut().enumerate() {
                let strength = before.map_or(0, |before| strength(before, 4 + i, macroblock, 4 + i));
                if strength > 0 {
                    edge(plane, x / 2, y / 2, is_row, limits(strength));
                }
            }
        }
    }
}

/// 2 where either side is intra, 1 where either block is coded or both were moved
/// differently, else 0.
fn strength(p: &Macroblock, p_block: usize, q: &Macroblock, q_block: usize) -> i16 {
    if p.is_intra() || q.is_intra() {
        return 2;
    }
    let coded = (p.coded >> p_block | q.coded >> q_block) & 1 == 1;
    let moved = match (p.prediction, q.prediction) {
        (Prediction::Motion { vector: p, .. }, Prediction::Motion { vector: q, .. }) => {
            p.x.abs_diff(q.x) >= 4 || p.y.abs_diff(q.y) >= 4
        }
        (p, q) => p != q,
    };
    (coded || moved).into()
}

/// Smooths eight samples along an edge: that left of, or above, the place.
fn edge(plane: &mut Plane, x: i32, y: i32, is_row: bool, limits: Limits) {
    let (first, stride) = (plane.at(x, y), plane.stride());
    let (along, across) = if is_row { (1, stride) } else { (stride, 1) };
    let data = plane.data_mut();
    let (mut p1, mut p0, mut q0, mut q1) = ([0i16; 8], [0i16; 8], [0i16; 8], [0i16; 8]);
    for k in 0..8 {
        let i = first + k * along;
        p1[k] = data[i - 2 * across].into();
        p0[k] = data[i - across].into();
        q0[k] = data[i].into();
        q1[k] = data[i + across].into();
    }
    // No branches here, for vector instructions.
    for k in 0..8 {
        let is_edge = ((p0[k] - q0[k]).abs() < limits.across)
            & ((p1[k] - p0[k]).abs() < limits.beside)
            & ((q1[k] - q0[k]).abs() < limits.beside);
        let change = (4 * (q0[k] - p0[k]) + p1[k] - q1[k] + 4) >> 3;
        let change = change.clamp(-limits.change, limits.change) & -i16::from(is_edge);
        p0[k] = (p0[k] + change).clamp(0, 255);
        q0[k] = (q0[k] - change).clamp(0, 255);
    }
    for k in 0..8 {
        let i = first + k * along;
        data[i - across] = p0[k] as u8;
        data[i] = q0[k] as u8;
    }
}
