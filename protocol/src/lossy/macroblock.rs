//! A macroblock: how it is predicted, and which of its blocks are corrected.

use super::intra::IntraMode;

/// Transform blocks of a macroblock: four of luma in raster order, Cb, Cr.
pub const BLOCKS: usize = 6;

/// Where a macroblock's prediction comes from, in quarters of a pixel to the right and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vector {
    /// To the right.
    pub x: i16,
    /// Down.
    pub y: i16,
}

/// Where a macroblock's pixels come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prediction {
    /// They stay as they are; nothing is painted, and nothing corrected.
    #[default]
    Still,
    /// The surface as it was, moved and filtered.
    Motion {
        /// Within ±[`super::MAX_VECTOR`].
        vector: Vector,
        /// One of [`super::FILTERS`].
        filter: u8,
    },
    /// What is around, for each block of luma, and for both of chroma.
    Intra {
        /// In raster order.
        luma: [IntraMode; 4],
        /// Cb and Cr.
        chroma: IntraMode,
    },
}

/// 16 × 16 pixels of a [`crate::draw::LossyPixels`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Macroblock {
    /// What it is before it is corrected.
    pub prediction: Prediction,
    /// Which blocks are corrected: bit `i` for block `i` of [`BLOCKS`].
    pub coded: u8,
    /// Which coded blocks have levels of samples, not of frequencies: bit `i` for block `i`.
    pub untransformed: u8,
}

impl Macroblock {
    /// Its vector; others than moved ones have none.
    pub fn vector(&self) -> Option<Vector> {
        match self.prediction {
            Prediction::Motion { vector, .. } => Some(vector),
            _ => None,
        }
    }

    /// Whether the levels of one of [`BLOCKS`] are those of samples.
    pub fn is_untransformed(&self, block: usize) -> bool {
        self.untransformed >> block & 1 == 1
    }

    /// Whether it is predicted from what is around.
    pub fn is_intra(&self) -> bool {
        matches!(self.prediction, Prediction::Intra { .. })
    }
}

/// Where a block lies in its plane, relative to the macroblock: which plane, x, y.
pub const fn block_place(block: usize) -> (usize, i32, i32) {
    match block {
        0..4 => (0, (block as i32 & 1) * 8, (block as i32 >> 1) * 8),
        _ => (block - 3, 0, 0),
    }
}

/// The vector that macroblock `index` is likely to have: the median of those to the left,
/// above, and above right. One that is outside or not moved counts as 0; below the first
/// row the one to the left counts alone.
pub fn predict_vector(macroblocks: &[Macroblock], columns: usize, index: usize) -> Vector {
    let column = index % columns;
    let of = |there: bool, back: usize| match there {
        true => macroblocks[index - back].vector().unwrap_or_default(),
        false => Vector::default(),
    };
    let left = of(column > 0, 1);
    if index < columns {
        return left;
    }
    let above = of(true, columns);
    let corner = match column + 1 < columns {
        true => of(true, columns - 1),
        false => of(column > 0, columns + 1),
    };
    let median = |a: i16, b: i16, c: i16| a.max(b).min(c).max(a.min(b));
    Vector { x: median(left.x, above.x, corner.x), y: median(left.y, above.y, corner.y) }
}
