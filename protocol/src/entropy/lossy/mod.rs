//! Lossy pixels (`PROTOCOL.md` section 13.11): how each macroblock is predicted, then the
//! levels of its blocks.

mod levels;
#[cfg(test)]
mod tests;

use self::levels::LevelModels;
use super::Coder;
use super::area::Area;
use super::bit::{Bit, Tree};
use super::number::{Signed, Steady};
use crate::canvas::Canvas;
use crate::draw::LossyPixels;
use crate::lossy::{
    BLOCKS, FILTERS, INTRA_MODES, IntraMode, MAX_VECTOR, Macroblock, Prediction, Vector, columns_and_rows,
    predict_vector,
};
use crate::wire::DecodeError;

/// Models of [`LossyPixels`].
#[derive(Debug, Clone)]
pub(super) struct LossyModels {
    area: Area,
    step: Steady,
    /// By how many of the neighbours are still.
    is_still: [Bit; 3],
    /// By how many of the neighbours are intra.
    is_intra: [Bit; 3],
    /// By the filter to the left, or that there is none.
    filter: Vec<Tree>,
    /// Across, down.
    vector: [Signed; 2],
    /// By the mode of the block before; those of chroma by that of the first of luma.
    luma_mode: Vec<Tree>,
    chroma_mode: Vec<Tree>,
    /// By kind of block, and how many of its neighbours are coded.
    is_coded: [[Bit; 3]; UNTRANSFORMED],
    /// By kind of block, and how many of its neighbours are untransformed.
    is_untransformed: [[Bit; 3]; UNTRANSFORMED],
    levels: LevelModels,
}

/// Kinds of blocks: of luma, of chroma, the same intra; all of them untransformed.
pub(super) const KINDS: usize = 8;

/// The first kind of untransformed blocks.
pub(super) const UNTRANSFORMED: usize = 4;

impl Default for LossyModels {
    fn default() -> Self {
        Self {
            area: Area::default(),
            step: Steady::default(),
            is_still: Default::default(),
            is_intra: Default::default(),
            filter: vec![Tree::new(2); FILTERS.len() + 1],
            vector: Default::default(),
            luma_mode: vec![Tree::new(3); INTRA_MODES.len()],
            chroma_mode: vec![Tree::new(3); INTRA_MODES.len()],
            is_coded: Default::default(),
            is_untransformed: Default::default(),
            levels: LevelModels::default(),
        }
    }
}

impl LossyModels {
    /// Codes lossy pixels of a surface of `canvas`. `check` ends a decoding that reads beyond its bytes.
    ///
    /// # Errors
    ///
    /// When decoding, if the rectangle does not lie on a surface without alpha, or if `check` fails.
    pub(super) fn code<C: Coder>(
        &mut self,
        c: &mut C,
        put: &LossyPixels,
        canvas: &Canvas,
        check: impl Fn(&C) -> Result<(), DecodeError>,
    ) -> Result<LossyPixels, DecodeError> {
        let (surface, rect, _) = self.area.code(c, put.surface, put.rect, canvas)?;
        let step = self.step.code(c, put.step.into()).clamp(1, 255) as u8;
        let (columns, rows) = columns_and_rows(rect);
        let mut macroblocks = Vec::with_capacity(columns * rows);
        let (mut levels, mut source) = (Vec::with_capacity(put.levels.len()), &put.levels[..]);
        for index in 0..columns * rows {
            let macroblock = put.macroblocks.get(index).copied().unwrap_or_default();
            let macroblock = self.macroblock(c, &macroblock, &macroblocks, columns);
            for block in (0..BLOCKS).filter(|block| macroblock.coded >> block & 1 == 1) {
                let (first, rest) = source.split_first().unwrap_or((&[0; 64], &[]));
                source = rest;
                levels.push(self.levels.code(c, first, kind(&macroblock, block)));
            }
            macroblocks.push(macroblock);
            check(c)?;
        }
        Ok(LossyPixels { surface, rect, step, macroblocks, levels })
    }

    /// Codes how the macroblock behind `before` is predicted, and which of its blocks are coded.
    fn macroblock<C: Coder>(
        &mut self,
        c: &mut C,
        macroblock: &Macroblock,
        before: &[Macroblock],
        columns: usize,
    ) -> Macroblock {
        let index = before.len();
        let left = (!index.is_multiple_of(columns)).then(|| before[index - 1]);
        let above = (index >= columns).then(|| before[index - columns]);
        let count = |is: fn(&Macroblock) -> bool| {
            usize::from(left.as_ref().is_some_and(is)) + usize::from(above.as_ref().is_some_and(is))
        };
        let is_still = |m: &Macroblock| m.prediction == Prediction::Still;
        if self.is_still[count(is_still)].code(c, is_still(macroblock)) {
            return Macroblock::default();
        }
        let prediction = if self.is_intra[count(Macroblock::is_intra)].code(c, macroblock.is_intra()) {
            self.modes(c, macroblock)
        } else {
            self.motion(c, macroblock, left, predict_vector(before, columns, index))
        };
        let mut out = Macroblock { prediction, ..Macroblock::default() };
        let (left, above) = (left.unwrap_or_default(), above.unwrap_or_default());
        for block in 0..BLOCKS {
            let coded = macroblock.coded >> block & 1 == 1;
            let near = near(block, left.coded, above.coded, out.coded);
            if !self.is_coded[kind(&out, block)][near].code(c, coded) {
                continue;
            }
            out.coded |= 1 << block;
            let near = self::near(block, left.untransformed, above.untransformed, out.untransformed);
            let untransformed = macroblock.is_untransformed(block);
            let untransformed = self.is_untransformed[kind(&out, block)][near].code(c, untransformed);
            out.untransformed |= u8::from(untransformed) << block;
        }
        out
    }

    fn modes<C: Coder>(&mut self, c: &mut C, macroblock: &Macroblock) -> Prediction {
        let (mut luma, mut chroma) = ([IntraMode::default(); 4], IntraMode::default());
        if let Prediction::Intra { luma: l, chroma: c } = macroblock.prediction {
            (luma, chroma) = (l, c);
        }
        let mut before = IntraMode::default();
        for mode in &mut luma {
            *mode = code_mode(c, &mut self.luma_mode[before as usize], *mode);
            before = *mode;
        }
        chroma = code_mode(c, &mut self.chroma_mode[luma[0] as usize], chroma);
        Prediction::Intra { luma, chroma }
    }

    fn motion<C: Coder>(
        &mut self,
        c: &mut C,
        macroblock: &Macroblock,
        left: Option<Macroblock>,
        likely: Vector,
    ) -> Prediction {
        let (mut vector, mut filter) = (Vector::default(), 0);
        if let Prediction::Motion { vector: v, filter: f } = macroblock.prediction {
            (vector, filter) = (v, f);
        }
        let beside = match left.map(|m| m.prediction) {
            Some(Prediction::Motion { filter, .. }) => usize::from(filter),
            _ => FILTERS.len(),
        };
        let filter = self.filter[beside].code(c, filter.into()).min(FILTERS.len() as u32 - 1) as u8;
        let [across, down] = &mut self.vector;
        let mut part = |models: &mut Signed, part: i16, likely: i16| {
            let difference = models.code(c, i32::from(part) - i32::from(likely));
            let limit = i32::from(MAX_VECTOR);
            i32::from(likely).saturating_add(difference).clamp(-limit, limit) as i16
        };
        let vector = Vector { x: part(across, vector.x, likely.x), y: part(down, vector.y, likely.y) };
        Prediction::Motion { vector, filter }
    }
}

fn code_mode<C: Coder>(c: &mut C, tree: &mut Tree, mode: IntraMode) -> IntraMode {
    INTRA_MODES.get(tree.code(c, mode as u32) as usize).copied().unwrap_or_default()
}

/// How many of a block's neighbours to the left and above have their bit set: `own` are the bits of its
/// macroblock, the others those of the macroblocks beside it.
fn near(block: usize, left: u8, above: u8, own: u8) -> usize {
    let (left, above) = match block {
        0 => (left >> 1, above >> 2),
        1 => (own, above >> 3),
        2 => (left >> 3, own),
        3 => (own >> 2, own >> 1),
        _ => (left >> block, above >> block),
    };
    usize::from(left & 1) + usize::from(above & 1)
}

/// The kind of a macroblock's block.
fn kind(macroblock: &Macroblock, block: usize) -> usize {
    let kind = usize::from(block >= 4) + 2 * usize::from(macroblock.is_intra());
    kind + UNTRANSFORMED * usize::from(macroblock.is_untransformed(block))
}
