//! Text that was found in pixels, said as glyphs where that is the smaller description.

use std::collections::HashMap;
use std::sync::Arc;

use panto_protocol::canvas::{Canvas, ContentHash, PaintError, glyph_hash};
use panto_protocol::draw::{
    Coverage, Fill, GlyphDefine, GlyphPlace, GlyphRecall, GlyphSlot, InlinePixels, PlacedGlyph, SurfaceId,
};
use panto_protocol::entropy::CommandModels;
use panto_protocol::geometry::{Point, Rect, Region};
use panto_protocol::pixel::Picture;
use panto_protocol::wire::MAX_GLYPH_SLOTS;

use super::compare::differences;
use super::frame::FrameBuilder;
use super::price::Prices;
use super::residual::Job;
use super::usage::Use;
use crate::infer::text::{TextArea, TextFinder, TextRun};

/// The planner's own slots; those below belong to sources that tell their text.
const FIRST_SLOT: u32 = MAX_GLYPH_SLOTS / 2;

/// Slots in use, reused in turn: with glyphs of at most 64 × 64 pixels at three bytes,
/// 48 MB on either side at the very worst.
const SLOTS: u32 = 4096;

/// The first of the slots of recalled glyphs, one for each that a viewer may offer: once
/// recalled, they stay.
const RECALLED: u32 = FIRST_SLOT + SLOTS;

/// What a recall costs, in bits, about.
const RECALL_BITS: u64 = 24;

/// What a Fill of one rectangle costs, in bits, about.
const FILL_BITS: u64 = 24;

/// Pieces of which nothing was said before the rest of a reading is left out.
const VAIN_PIECES: usize = 4;

/// Differences of so many pixels are read in part first: a band of so many rows.
const LARGE: u64 = 600_000;
const BAND: i32 = 96;

/// Glyphs that the viewer has, by their shape.
#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    finder: TextFinder,
    known: HashMap<Arc<Coverage>, Glyph>,
    /// By surface.
    uses: HashMap<SurfaceId, Use>,
    /// The shape in each slot used so far.
    shapes: Vec<Arc<Coverage>>,
    next: usize,
    /// What the viewer has offered and was not recalled yet, by its place in the offer.
    offered: HashMap<ContentHash, u32>,
}

/// How a shape was defined.
#[derive(Debug, Clone, Copy)]
struct Glyph {
    slot: GlyphSlot,
    bearing: Point,
}

/// Glyphs of one reading.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    /// Said as text.
    said: usize,
    /// Found, and told as pixels.
    left: usize,
}

/// Lines of text that are decided for together: what one teaches counts for the next.
const LINES: usize = 3;

/// An area cut between its lines into areas of a few: where no glyph is cut, whether runs of one
/// line begin at the same height or not.
fn pieces(area: TextArea) -> Vec<TextArea> {
    let TextArea { rect, background, runs } = area;
    let rows = |run: &TextRun| {
        let glyphs = run.glyphs.iter();
        let first = glyphs.clone().map(|g| g.at.y).min().unwrap_or(rect.bottom);
        let last = glyphs.map(|g| g.at.y + g.shape.size.height as i32).max().unwrap_or(rect.top);
        (first, last)
    };
    // Where a run and all that follow it begin.
    let mut firsts: Vec<i32> = runs.iter().map(|run| rows(run).0).collect();
    for i in (1..firsts.len()).rev() {
        firsts[i - 1] = firsts[i - 1].min(firsts[i]);
    }
    let mut out = vec![TextArea { rect, background, runs: Vec::new() }];
    // Where all before end.
    let mut bottom = rect.top;
    for (run, first) in runs.into_iter().zip(firsts) {
        let (_, last) = rows(&run);
        if let Some(piece) = out.last_mut()
            && piece.runs.len() >= LINES
            && bottom <= first
        {
            piece.rect.bottom = first;
            out.push(TextArea { rect: Rect { top: first, ..rect }, background, runs: Vec::new() });
        }
        bottom = bottom.max(last);
        if let Some(piece) = out.last_mut() {
            piece.runs.push(run);
        }
    }
    out
}

/// A text area as commands.
struct Said {
    fill: Option<Fill>,
    /// Shapes that the viewer does not have yet.
    defines: Vec<GlyphDefine>,
    runs: Vec<GlyphPlace>,
    /// Bits that the runs were weighed at.
    weight: u64,
}

impl Said {
    /// Whether the pixels of the area would take more.
    fn is_smallest(
        &mut self,
        job: &Job<'_>,
        area: Rect,
        prices: &Prices,
        models: &mut CommandModels,
        shadow: &Canvas,
    ) -> Result<bool, PaintError> {
        let define = |models: &mut CommandModels, define: &GlyphDefine| match recalled(define.slot) {
            Some(_) => RECALL_BITS,
            None => prices.invested(models.weigh_shape(define).bits()),
        };
        let mut bits = if self.fill.is_some() { FILL_BITS } else { 0 };
        bits += self.defines.iter().map(|d| define(models, d)).sum::<u64>();
        self.weight = self.runs.iter().map(|run| models.weigh_glyphs(run, shadow).bits()).sum();
        bits += prices.of_glyphs(self.weight);
        let (limit, mut pixels) = (prices.weight_for(bits), 0);
        for rect in differences(job.target, &shadow.surface(job.surface)?.picture, &area.into()) {
            let colors = job.target.crop(rect).to_vec();
            let put = InlinePixels { surface: job.surface, rect, pixels: colors };
            pixels += models.weigh_pixels(&put, shadow, limit - pixels).bits();
            if pixels >= limit {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Text {
    /// The viewer has these shapes.
    pub(super) fn offer(&mut self, shapes: &[ContentHash]) {
        self.offered = shapes.iter().copied().zip(0..).collect();
    }

    /// A surface is gone.
    pub(super) fn forget_surface(&mut self, surface: SurfaceId) {
        self.uses.remove(&surface);
    }

    /// Sends as text what is text inside `rects`, the differences of the job's target and
    /// the shadow's surface, and takes it out of `dirty`; as far as the budget goes.
    /// Nothing without a coded frame: what glyphs cost is only known there.
    pub(super) fn settle(
        &mut self,
        job: &Job<'_>,
        rects: &[Rect],
        dirty: &mut Region,
        prices: &mut Prices,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<(), PaintError> {
        let pixels = rects.iter().map(Rect::area).sum();
        if !self.uses.entry(job.surface).or_default().is_due(pixels) {
            return Ok(());
        }
        let mut probe = Counts::default();
        let largest = rects.iter().copied().max_by_key(Rect::area).unwrap_or_default();
        if pixels > LARGE && largest.height() as i32 > 2 * BAND {
            let top = largest.top + (largest.height() as i32 - BAND) / 2;
            let band = Rect { top, bottom: top + BAND, ..largest };
            probe = self.read(job, &[band], dirty, prices, shadow, frame)?;
        }
        let mut counts = probe;
        if probe.said > 0 || probe.left == 0 {
            let left = dirty.intersection_region(&rects.iter().copied().collect());
            let rects = differences(job.target, &shadow.surface(job.surface)?.picture, &left);
            let rest = self.read(job, &rects, dirty, prices, shadow, frame)?;
            counts = Counts { said: probe.said + rest.said, left: probe.left + rest.left };
        }
        self.uses.entry(job.surface).or_default().was(pixels, counts.said, counts.left);
        Ok(())
    }

    /// Says what is text inside `rects`, as far as that is of use.
    fn read(
        &mut self,
        job: &Job<'_>,
        rects: &[Rect],
        dirty: &mut Region,
        prices: &mut Prices,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<Counts, PaintError> {
        let mut counts = Counts::default();
        let areas = self.finder.find(job.surface.0, job.target, &shadow.surface(job.surface)?.picture, rects);
        let mut vain = 0;
        for area in areas.into_iter().flat_map(pieces) {
            let is_vain = counts.said == 0 && vain >= VAIN_PIECES;
            if frame.len() >= job.budget || frame.is_full() || is_vain {
                break;
            }
            let mut said = self.said(job.surface, &area, &shadow.surface(job.surface)?.picture);
            let Some(models) = frame.models() else { break };
            let glyphs: usize = area.runs.iter().map(|run| run.glyphs.len()).sum();
            if said.is_smallest(job, area.rect, prices, models, shadow)? {
                counts.said += glyphs;
                let painted = self.emit(said, prices, shadow, frame)?.union(&area.rect);
                // The finder is believed, and looked after: what it got wrong is dirty, if it was
                // right before, too. Areas may reach beyond what was dirty.
                let now = shadow.surface(job.surface)?.picture.crop(painted);
                if now.rows().eq(job.target.crop(painted).rows()) {
                    dirty.subtract(&area.rect);
                } else {
                    dirty.add(painted);
                }
            } else {
                counts.left += glyphs;
                vain += 1;
            }
        }
        Ok(counts)
    }

    /// An area in commands, for a surface that looks like `now`.
    fn said(&self, surface: SurfaceId, area: &TextArea, now: &Picture) -> Said {
        let is_background =
            |y| now.row(y, area.rect.left, area.rect.right).iter().all(|p| *p == area.background);
        let fill = match (area.rect.top..area.rect.bottom).all(is_background) {
            true => None,
            false => Some(Fill { surface, color: area.background, rects: vec![area.rect] }),
        };
        let mut defines = Vec::new();
        let runs = area.runs.iter().map(|run| self.run(surface, run, &mut defines)).collect();
        Said { fill, defines, runs, weight: 0 }
    }

    /// Emits text; returns what its glyphs have painted.
    fn emit(
        &mut self,
        said: Said,
        prices: &mut Prices,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<Rect, PaintError> {
        if let Some(fill) = said.fill {
            frame.emit(shadow, &fill.into())?;
        }
        let shapes = said.defines.len();
        for define in said.defines {
            self.keep(&define);
            let GlyphDefine { slot, bearing, advance, .. } = define;
            if let Some(index) = recalled(slot) {
                shadow.library_mut().put_glyph(index, define.coverage.into());
                frame.emit(shadow, &GlyphRecall { index, slot, bearing, advance }.into())?;
            } else {
                frame.emit(shadow, &define.into())?;
            }
        }
        let (glyphs, before) = (said.runs.iter().map(|run| run.glyphs.len()).sum(), frame.len());
        let mut painted = Rect::default();
        for run in said.runs {
            frame.emit(shadow, &run.into())?;
            painted = shadow.touched().iter().fold(painted, |all, (_, rect)| all.union(rect));
        }
        prices.placed(glyphs, shapes, said.weight, frame.len() - before);
        Ok(painted)
    }

    /// A run in slots; appends definitions of the shapes that have none yet.
    fn run(&self, surface: SurfaceId, run: &TextRun, defines: &mut Vec<GlyphDefine>) -> GlyphPlace {
        let baseline = self.baseline(run);
        let mut glyphs = Vec::with_capacity(run.glyphs.len());
        for (i, glyph) in run.glyphs.iter().enumerate() {
            let fresh = defines.iter().find(|d| d.coverage == *glyph.shape);
            let known = fresh
                .map(|d| Glyph { slot: d.slot, bearing: d.bearing })
                .or_else(|| self.known.get(&glyph.shape).copied())
                .unwrap_or_else(|| {
                    let width = glyph.shape.size.width as i32;
                    let advance = match run.glyphs.get(i + 1).map(|next| next.at.x - glyph.at.x) {
                        Some(step) if (width..width + 4).contains(&step) => step,
                        _ => width + 1,
                    };
                    let offered = match self.offered.is_empty() {
                        true => None,
                        false => self.offered.get(&glyph_hash(&glyph.shape)),
                    };
                    let slot = match offered {
                        Some(index) => RECALLED + index,
                        None => {
                            let new = defines.iter().filter(|d| recalled(d.slot).is_none()).count();
                            FIRST_SLOT + ((self.next + new) % SLOTS as usize) as u32
                        }
                    };
                    let define = GlyphDefine {
                        slot: GlyphSlot(slot),
                        coverage: (*glyph.shape).clone(),
                        bearing: Point::new(0, glyph.at.y - baseline),
                        advance,
                    };
                    let known = Glyph { slot: define.slot, bearing: define.bearing };
                    defines.push(define);
                    known
                });
            let pen = glyph.at.offset(-known.bearing.x, -known.bearing.y);
            glyphs.push(PlacedGlyph { slot: known.slot, pen });
        }
        GlyphPlace { surface, color: run.color, glyphs }
    }

    /// Where most known glyphs of the run stand; without any, where most glyphs end.
    fn baseline(&self, run: &TextRun) -> i32 {
        let known: Vec<i32> = run
            .glyphs
            .iter()
            .filter_map(|g| self.known.get(&g.shape).map(|known| g.at.y - known.bearing.y))
            .collect();
        if known.is_empty() {
            commonest(run.glyphs.iter().map(|g| g.at.y + g.shape.size.height as i32).collect())
        } else {
            commonest(known)
        }
    }

    /// The viewer has this shape from now on, instead of what was in its slot.
    fn keep(&mut self, define: &GlyphDefine) {
        let shape = Arc::new(define.coverage.clone());
        if recalled(define.slot).is_some() {
            self.offered.remove(&glyph_hash(&shape));
        } else {
            let index = (define.slot.0 - FIRST_SLOT) as usize;
            match self.shapes.get_mut(index) {
                Some(old) => {
                    self.known.remove(&*std::mem::replace(old, shape.clone()));
                }
                None => self.shapes.push(shape.clone()),
            }
            self.next = (index + 1) % SLOTS as usize;
        }
        self.finder.learn(&shape);
        self.known.insert(shape, Glyph { slot: define.slot, bearing: define.bearing });
    }
}

/// The place in the viewer's offer of the glyph in this slot, if it is a recalled one's.
fn recalled(slot: GlyphSlot) -> Option<u32> {
    slot.0.checked_sub(RECALLED)
}

/// The value that occurs most often; 0 if there is none.
fn commonest(mut values: Vec<i32>) -> i32 {
    values.sort_unstable();
    values.chunk_by(|a, b| a == b).max_by_key(|same| same.len()).map_or(0, |same| same[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::text::FoundGlyph;
    use panto_protocol::geometry::Size;

    #[test]
    fn no_glyph_is_cut_between_pieces() {
        let glyph = |top: i32, height: u32| {
            let size = Size::new(8, height);
            let shape = Arc::new(Coverage { size, subpixel: false, mask: vec![0xff; size.area() as usize] });
            FoundGlyph { at: Point::new(0, top), shape }
        };
        // In each line a low grey word, then a high white one; each line begins right below.
        let line = |y: i32| {
            [(0x0080_8080, 3, 9), (0x00ff_ffff, 0, 12)]
                .map(|(color, top, height)| TextRun { color, glyphs: vec![glyph(y + top, height)] })
        };
        let runs: Vec<TextRun> = (0..7).flat_map(|n| line(5 + 12 * n)).collect();
        let rect = Rect::new(0, 0, 80, 100);
        let cut = pieces(TextArea { rect, background: 0, runs: runs.clone() });
        assert!(cut.len() > 2, "{cut:?}");
        assert_eq!((cut[0].rect.top, cut[cut.len() - 1].rect.bottom), (0, 100));
        assert!(cut.windows(2).all(|pair| pair[0].rect.bottom == pair[1].rect.top));
        for piece in &cut {
            let glyphs = piece.runs.iter().flat_map(|run| &run.glyphs);
            let places: Vec<Rect> = glyphs.map(|g| Rect::at(g.at, g.shape.size)).collect();
            assert!(
                places.iter().all(|place| piece.rect.contains_rect(place)),
                "{:?}: {places:?}",
                piece.rect
            );
        }
        let again: Vec<TextRun> = cut.into_iter().flat_map(|piece| piece.runs).collect();
        assert_eq!(again, runs);
    }
}
