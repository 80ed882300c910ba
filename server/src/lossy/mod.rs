//! Photographs and video as [`LossyPixels`]: what the painter does is in
//! `panto_protocol::lossy`; here it is decided what it shall do.
//!
//! ```text
//!   target, now ─► motion search ─► prediction ─► levels by cost ─► LossyPixels
//! ```

mod cost;
mod motion;
mod quantize;
mod refine;
#[cfg(test)]
mod tests;

use panto_protocol::draw::{LossyPixels, SurfaceId};
use panto_protocol::geometry::Rect;
use panto_protocol::lossy::{
    BLOCKS, FILTERS, INTRA_MODES, IntraMode, MAX_VECTOR, Macroblock, Plane, Planes, Prediction,
    Reconstruction, Vector, block_place, chroma_step, columns_and_rows, forward, predict_intra,
    predict_motion, predict_vector,
};
use panto_protocol::pixel::Picture;

use self::cost::Costs;
use self::motion::{REACH, Search, difference, squared_difference};
use self::quantize::{LevelChooser, sum};

/// Makes [`LossyPixels`]. Keeps what it has learned of costs and motion from one to the next.
#[derive(Debug, Clone, Default)]
pub struct LossyEncoder {
    costs: Costs,
    /// Of the rectangle before, by macroblock.
    vectors: Vec<Vector>,
    rect: Rect,
}

impl LossyEncoder {
    /// A command that makes `rect` of a surface, which shows `now`, look like the same
    /// rectangle of `target`: the more exactly the smaller `step` is (1 to 255, in halves of
    /// a pixel value). `rect` must lie on both pictures, and have at most
    /// [`panto_protocol::wire::MAX_INLINE_PIXELS`] pixels.
    pub fn encode(
        &mut self,
        surface: SurfaceId,
        rect: Rect,
        target: &Picture,
        now: &Picture,
        step: u8,
    ) -> LossyPixels {
        self.search(surface, rect, target, now, step).0
    }

    /// The command, and what it makes of the surface.
    fn search(
        &mut self,
        surface: SurfaceId,
        rect: Rect,
        target: &Picture,
        now: &Picture,
        step: u8,
    ) -> (LossyPixels, Reconstruction) {
        let step = step.max(1);
        let (columns, rows) = columns_and_rows(rect);
        if rect != self.rect {
            self.vectors = vec![Vector::default(); columns * rows];
            self.rect = rect;
        }
        let mut frame = Frame {
            costs: &mut self.costs,
            target: Planes::around(target, rect, 16),
            shown: Reconstruction::new(now, rect, step, REACH),
            choosers: [step.into(), chroma_step(step)].map(LevelChooser::new),
            step: step.into(),
            columns,
            macroblocks: Vec::with_capacity(columns * rows),
            levels: Vec::new(),
        };
        for index in 0..columns * rows {
            if index.is_multiple_of(2 * columns) {
                frame.costs.refresh();
            }
            frame.macroblock(index, &self.vectors);
        }
        let Frame { macroblocks, levels, shown, .. } = frame;
        for (vector, macroblock) in self.vectors.iter_mut().zip(&macroblocks) {
            *vector = macroblock.vector().unwrap_or_default();
        }
        (LossyPixels { surface, rect, step, macroblocks, levels }, shown)
    }
}

/// One command while it is made.
struct Frame<'a> {
    costs: &'a mut Costs,
    target: Planes,
    shown: Reconstruction,
    /// Of luma, of chroma.
    choosers: [LevelChooser; 2],
    step: u32,
    columns: usize,
    macroblocks: Vec<Macroblock>,
    levels: Vec<[i16; 64]>,
}

impl Frame<'_> {
    fn macroblock(&mut self, index: usize, before: &[Vector]) {
        let (x, y) = ((index % self.columns * 16) as i32, (index / self.columns * 16) as i32);
        let mut macroblock = Macroblock::default();
        // Worth its bits?
        if self.still_error(x, y) * 16 > self.step * self.step {
            macroblock.prediction = self.predict(index, x, y, before);
            self.correct(&mut macroblock, x, y);
        }
        self.macroblocks.push(macroblock);
    }

    /// How wrong the macroblock is if it stays as it is.
    fn still_error(&self, x: i32, y: i32) -> u32 {
        let (now, then) = (&self.shown.planes, &self.target);
        let chroma = |plane: usize| {
            squared_difference(
                &now.chroma[plane].block::<8>(x / 2, y / 2),
                &then.chroma[plane].block(x / 2, y / 2),
            )
        };
        squared_difference(&now.luma.block::<16>(x, y), &then.luma.block(x, y)) + chroma(0) + chroma(1)
    }

    /// Chooses a prediction; puts its luma if it is moved.
    fn predict(&mut self, index: usize, x: i32, y: i32, before: &[Vector]) -> Prediction {
        let target = self.target.luma.block::<16>(x, y);
        let likely = predict_vector_for_next(&self.macroblocks, self.columns, index);
        let at = |list: &[Macroblock], i: Option<usize>| {
            i.and_then(|i| list.get(i)).and_then(Macroblock::vector).unwrap_or_default()
        };
        let candidates = [
            likely,
            at(&self.macroblocks, index.checked_sub(1)),
            at(&self.macroblocks, index.checked_sub(self.columns)),
            before.get(index).copied().unwrap_or_default(),
            before.get(index + 1).copied().unwrap_or_default(),
            before.get(index + self.columns).copied().unwrap_or_default(),
        ];
        let search = Search {
            target: &target,
            reference: &self.shown.reference.luma,
            x,
            y,
            likely,
            lambda: 3 * self.step,
        };
        let good = 32 * self.step;
        let coarse = search.coarse(&candidates);
        let intra = (coarse.1 >= good).then(|| self.intra(x, y));
        // Fractions are of no use where nothing moved.
        if let Some(intra) = intra.as_ref().filter(|intra| 2 * intra.difference < coarse.1) {
            return Prediction::Intra { luma: intra.modes, chroma: self.chroma_mode(x, y) };
        }
        let (vector, cost) = search.fine(coarse, &candidates);
        let (mut best, mut filter, mut block) = (u32::MAX, 0, target);
        for i in 0..FILTERS.len() as u8 {
            let predicted = predict_motion::<16>(&self.shown.reference.luma, x, y, vector, i);
            let error = difference(&target, &predicted);
            if error < best {
                (best, filter, block) = (error, i, predicted);
            }
        }
        // Unless hardly a level is left anyway, or intra is much worse; its modes cost bits too.
        let price = 6 * self.step;
        let is_better = |intra: &Intra| {
            cost >= good
                && 4 * intra.difference < 5 * cost
                && intra.residuals.iter().map(block_difference).sum::<u32>() + price
                    < transformed_difference(&target, &block)
        };
        if let Some(intra) = intra.filter(is_better) {
            return Prediction::Intra { luma: intra.modes, chroma: self.chroma_mode(x, y) };
        }
        self.shown.planes.luma.put(x, y, &block);
        Prediction::Motion { vector, filter }
    }

    /// The best modes, judged by the target's own neighbours.
    fn intra(&self, x: i32, y: i32) -> Intra {
        let mut intra = Intra { difference: 0, modes: Default::default(), residuals: [[0; 64]; 4] };
        for block in 0..4 {
            let (_, dx, dy) = block_place(block);
            let difference;
            (difference, intra.modes[block], intra.residuals[block]) =
                best_mode_of(&self.target.luma, x + dx, y + dy);
            intra.difference += difference;
        }
        intra
    }

    fn chroma_mode(&self, x: i32, y: i32) -> IntraMode {
        best_mode_of(&self.target.chroma[0], x / 2, y / 2).1
    }

    /// Puts the rest of the prediction, and decides of each block how to correct it.
    fn correct(&mut self, macroblock: &mut Macroblock, x: i32, y: i32) {
        if let Prediction::Motion { vector, filter } = macroblock.prediction {
            self.shown.predict_chroma_motion(x, y, vector, filter);
        }
        for block in 0..BLOCKS {
            let (plane, dx, dy) = block_place(block);
            let (x, y) = if plane == 0 { (x + dx, y + dy) } else { (x / 2, y / 2) };
            if let Prediction::Intra { luma, chroma } = macroblock.prediction {
                let mode = luma.get(block).copied().unwrap_or(chroma);
                let shown = self.shown.plane(plane);
                shown.put(x, y, &predict_intra(shown, x, y, mode));
            }
            let target = if plane == 0 { &self.target.luma } else { &self.target.chroma[plane - 1] };
            let residual = residual(&target.block(x, y), &self.shown.plane(plane).block(x, y));
            let kind = usize::from(block >= 4) + 2 * usize::from(macroblock.is_intra());
            let chooser = &self.choosers[usize::from(plane > 0)];
            if let Some(chosen) = chooser.choose(self.costs, &residual, kind) {
                self.shown.correct(plane, x, y, &chosen.levels, chosen.is_untransformed);
                self.levels.push(chosen.levels);
                macroblock.coded |= 1 << block;
                macroblock.untransformed |= u8::from(chosen.is_untransformed) << block;
            }
        }
    }
}

/// What intra prediction comes to.
struct Intra {
    /// The sum of absolute differences.
    difference: u32,
    modes: [IntraMode; 4],
    residuals: [[i16; 64]; 4],
}

/// The vector that the macroblock behind the last is told against.
fn predict_vector_for_next(macroblocks: &[Macroblock], columns: usize, index: usize) -> Vector {
    let likely = predict_vector(macroblocks, columns, index);
    debug_assert!(likely.x.abs() <= MAX_VECTOR && likely.y.abs() <= MAX_VECTOR);
    likely
}

/// The least sum of absolute differences of a block, its mode and its residual.
fn best_mode_of(plane: &Plane, x: i32, y: i32) -> (u32, IntraMode, [i16; 64]) {
    let block = plane.block::<8>(x, y);
    let (mut best, mut best_mode, mut best_block) = (u32::MAX, IntraMode::default(), [[0; 8]; 8]);
    for mode in INTRA_MODES {
        let predicted = predict_intra(plane, x, y, mode);
        let cost = difference(&block, &predicted);
        if cost < best {
            (best, best_mode, best_block) = (cost, mode, predicted);
        }
    }
    (best, best_mode, residual(&block, &best_block))
}

fn residual(target: &[[u8; 8]; 8], prediction: &[[u8; 8]; 8]) -> [i16; 64] {
    let mut residual = [0; 64];
    for ((out, a), b) in residual.as_chunks_mut::<8>().0.iter_mut().zip(target).zip(prediction) {
        for i in 0..8 {
            out[i] = i16::from(a[i]) - i16::from(b[i]);
        }
    }
    residual
}

/// The sum of a residual's coefficients or samples, whichever is less: about what is to be told of it.
fn block_difference(residual: &[i16; 64]) -> u32 {
    (sum(&forward(residual)) / 8).min(sum(residual))
}

fn transformed_difference(a: &[[u8; 16]; 16], b: &[[u8; 16]; 16]) -> u32 {
    (0..4).map(|block| block_difference(&residual(&quarter(a, block), &quarter(b, block)))).sum()
}

fn quarter(a: &[[u8; 16]; 16], block: usize) -> [[u8; 8]; 8] {
    let (dx, dy) = (block % 2 * 8, block / 2 * 8);
    let mut out = [[0; 8]; 8];
    for (out, row) in out.iter_mut().zip(&a[dy..dy + 8]) {
        out.copy_from_slice(&row[dx..dx + 8]);
    }
    out
}
