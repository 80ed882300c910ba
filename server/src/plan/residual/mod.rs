//! What differs between the shadow and the target, turned into commands.

mod ahead;
mod put;

use std::collections::HashMap;

use panto_protocol::canvas::{Canvas, PaintError, Surface};
use panto_protocol::draw::{Copy, CopyItem, DrawCommand, Fill, SurfaceId};
use panto_protocol::encoding::{Effort, Encoder};
use panto_protocol::geometry::{Point, Rect, Region};
use panto_protocol::message::Offer;
use panto_protocol::pixel::Picture;
use panto_protocol::quantize::CELL;
use panto_protocol::time::Micros;

use self::ahead::Ahead;
use super::compare::{differences, differences_around};
use super::frame::FrameBuilder;
use super::lossy::Lossy;
use super::pieces::{Pieces, is_near};
use super::price::{Prices, edges};
use super::text::Text;
use super::tiers::{Clock, Look, Tier, Tiers};
use crate::infer::{Motion, Nature, Repeats, nature, solid_areas, stippled_areas};

/// Bytes of a PutPixels apart from its payload, about: opcode, surface, rectangle, length.
const PUT_HEADER: usize = 12;

/// Bytes of a cell of 256 colours at most, apart from its pixels' indices.
const CELL_MOST: u64 = 256 * 3 + PUT_HEADER as u64;

/// What one PutPixels more costs, in bytes, beside its pixels: its header, its encoding's
/// palette and a compressor that begins anew.
const PUT_PIECE: u64 = 30;

/// Differences of no more pixels are told before larger ones are looked at: an echo.
const SMALL: u64 = 2048;

/// The same under the person's eye.
const CLOSE: u64 = 16_384;

/// Small rectangles that an answer has at most.
const MAX_ANSWERS: usize = 6;

/// Frames that what is small may have to itself.
const PUT_OFF: u32 = 4;

/// Pixels of a fill at least, in a coded frame.
const FILL_MIN: u64 = 16384;

/// Rates, bytes a second, above which pixels with alpha are squeezed less, and below which
/// more. They are few (shadows of windows), so that the effort pays on any link but a LAN.
const HURRY: u64 = 40_000_000;
const PATIENCE: u64 = 3_000_000;

/// Which commands may describe a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tools {
    /// Copies inside the surface.
    pub copies: bool,
    /// Fills.
    pub fills: bool,
    /// Cached tiles.
    pub tiles: bool,
    /// Text.
    pub text: bool,
    /// Photographs and films roughly first.
    pub lossy: bool,
    /// Pixels inside a coded stream of commands.
    pub inline: bool,
}

/// What a residual is made with, from frame to frame.
#[derive(Clone, Default)]
pub(super) struct Residual {
    encoder: Encoder,
    payload: Vec<u8>,
    motion: Motion,
    text: Text,
    prices: Prices,
    tiers: Tiers,
    lossy: Lossy,
    pub(super) repeats: Repeats,
    /// What was looked at already and is still to be told, as pixels.
    seen: HashMap<SurfaceId, Region>,
    /// How many frames in a row had no room but for what is small.
    put_off: u32,
    /// What is shown roughly and has to rest before it is told exactly.
    held: HashMap<SurfaceId, Region>,
    /// When what is held is looked at again.
    rests_at: Option<Micros>,
}

/// One surface's difference.
pub(super) struct Job<'a> {
    pub surface: SurfaceId,
    pub target: &'a Picture,
    pub alpha: bool,
    pub tools: Tools,
    /// The link's rate, bytes a second, if it may decide.
    pub rate: Option<u64>,
    /// The time.
    pub now: Micros,
    /// Whether only what can be an answer is told.
    pub urgent: bool,
    /// Where the person just typed or pointed, in the surface's coordinates.
    pub focus: Option<Point>,
    /// Bytes that the frame may have in all.
    pub budget: usize,
    /// Whether each cell of the target has a palette of its own (depths 8 and 4).
    pub palette_cells: bool,
}

/// What a frame leaves over.
struct Left<'a> {
    /// All of it.
    dirty: &'a mut Region,
    /// What was looked at, and has to wait only.
    seen: &'a mut Region,
}

#[cfg(test)]
impl<'a> Job<'a> {
    /// All of a picture on the screen, with whatever there is.
    fn of(target: &'a Picture) -> Self {
        Self {
            surface: SurfaceId::SCREEN,
            target,
            alpha: false,
            tools: Tools { copies: true, fills: true, tiles: true, text: true, lossy: true, inline: true },
            rate: None,
            now: Micros::ZERO,
            urgent: false,
            focus: None,
            budget: usize::MAX,
            palette_cells: false,
        }
    }
}

impl Job<'_> {
    /// Effort of what is coded by itself.
    fn effort(&self) -> Effort {
        match self.rate {
            Some(rate) if rate > HURRY => Effort::Fast,
            Some(rate) if rate >= PATIENCE => Effort::Balanced,
            // The fewest bytes where the link is slow, or may not decide.
            _ => Effort::Dense,
        }
    }

    /// A rectangle of the target as far as estimates look at it.
    pub(super) fn look(&self, rect: Rect) -> Look {
        let area = rect.area();
        let most = match self.palette_cells {
            // An index for each pixel, and a palette for each cell.
            true => area + rect.grid(CELL).count() as u64 * CELL_MOST,
            false => area * 3,
        };
        Look::at(self.target, rect, most)
    }

    fn reads_text(&self) -> bool {
        self.tools.text && !self.alpha
    }
}

impl Residual {
    /// Makes the shadow's surface equal to the target inside `dirty`, as far as the
    /// budget goes; what is settled is taken out of `dirty`.
    pub(super) fn settle(
        &mut self,
        job: &Job<'_>,
        dirty: &mut Region,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<(), PaintError> {
        let seen = self.seen.remove(&job.surface).unwrap_or_default();
        let mut fresh = dirty.clone();
        fresh.subtract_region(&seen);
        let now = &shadow.surface(job.surface)?.picture;
        let mut old = differences(job.target, now, &seen.intersection_region(dirty));
        let mut rects = differences(job.target, now, &fresh);
        // Nothing outside the differences is dirty any more.
        fresh = rects.iter().copied().collect();
        if job.tools.copies && !job.urgent && !rects.is_empty() {
            let right = self.copies(job, &fresh, shadow, frame)?;
            if !right.is_empty() {
                let now = &shadow.surface(job.surface)?.picture;
                let still = |mut region: Region| {
                    region.subtract_region(&right);
                    differences_around(job.target, now, &region)
                };
                rects = still(fresh);
                old = still(old.into_iter().collect());
            }
        }
        *dirty = rects.iter().chain(&old).copied().collect();
        let put_off = !job.urgent && self.put_off >= PUT_OFF;
        let (first, mut then): (Vec<Rect>, Vec<Rect>) = rects.into_iter().partition(|r| {
            // What is small and changes all the time leaves some frames to the rest.
            if put_off {
                return false;
            }
            let small = r.area() <= SMALL || r.area() <= CLOSE && is_near(r, job.focus);
            small && !self.lossy.is_left_over(job.surface, *r)
        });
        let first = if job.urgent { answers(job, first, &then) } else { first };
        let mut seen = Region::default();
        if !first.is_empty() {
            let mut left = Left { dirty, seen: &mut seen };
            self.tell(job, first, Vec::new(), &mut left, shadow, frame)?;
        }
        if job.urgent || frame.len() >= job.budget {
            self.put_off += u32::from(!job.urgent);
            // The rest is looked at another time.
            seen.add_region(&old.into_iter().collect());
            self.seen.insert(job.surface, seen);
            return Ok(());
        }
        self.put_off = 0;
        if job.tools.lossy && !job.alpha {
            then = self.roughly(job, then, &mut old, dirty, shadow, frame)?;
        }
        if !then.is_empty() || !old.is_empty() {
            let mut left = Left { dirty, seen: &mut seen };
            self.tell(job, then, old, &mut left, shadow, frame)?;
        }
        if !seen.is_empty() {
            self.seen.insert(job.surface, seen);
        }
        if job.tools.lossy {
            let mut left = dirty.clone();
            left.add_region(self.held.get(&job.surface).unwrap_or(&Region::default()));
            self.lossy.exact(job.surface, &left);
        }
        Ok(())
    }

    /// Tells photographs and films roughly where exact pixels would be late. What is told so
    /// is held instead of dirty, and what has rested goes to `old`; returns what is to be told
    /// exactly as whatever suits it.
    fn roughly(
        &mut self,
        job: &Job<'_>,
        rects: Vec<Rect>,
        old: &mut Vec<Rect>,
        dirty: &mut Region,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<Vec<Rect>, PaintError> {
        let mut sorted = self.lossy.sort(job, rects, &self.tiers);
        old.append(&mut sorted.pixels);
        let mut held: Region = std::mem::take(&mut sorted.held).into_iter().collect();
        let (films, stills) = (std::mem::take(&mut sorted.films), std::mem::take(&mut sorted.stills));
        for rect in films.iter().chain(&stills) {
            dirty.subtract(rect);
        }
        let told = self.lossy.tell(job, films, stills, &self.tiers, shadow, frame)?;
        for rect in told.left.iter().chain(&told.exact) {
            dirty.add(*rect);
        }
        sorted.exact.extend(told.exact);
        // Whatever the budget is: nobody is to see them as they are now.
        for rect in told.drawn {
            self.put(job, rect, None, shadow, frame)?;
            dirty.subtract(&rect);
        }
        held.add_region(&told.held);
        if !held.is_empty() {
            dirty.subtract_region(&held);
            self.held.entry(job.surface).or_default().add_region(&held);
            // Blocks rest one by one: whoever came late keeps none of the others waiting.
            let at = self.lossy.take_due().unwrap_or(job.now + Micros(1)).max(job.now + Micros(1));
            self.rests_at = Some(self.rests_at.map_or(at, |known| known.min(at)));
        }
        Ok(sorted.exact)
    }

    /// What was held and may have rested by now, to be looked at again.
    pub(super) fn take_rested(&mut self, now: Micros) -> Option<HashMap<SurfaceId, Region>> {
        self.rests_at.take_if(|at| *at <= now)?;
        Some(std::mem::take(&mut self.held))
    }

    /// What is held, to be looked at again whatever its time.
    pub(super) fn take_held(&mut self) -> HashMap<SurfaceId, Region> {
        std::mem::take(&mut self.held)
    }

    /// When something that is shown roughly may have rested; `None` if all is exact.
    pub(super) fn rests_at(&self) -> Option<Micros> {
        self.rests_at
    }

    /// Tells differences: `rects` as whatever suits them, `old` ones, which were looked at
    /// before, as pixels. What is told is taken out of `dirty`, what was looked at and has to
    /// wait goes into `seen`.
    fn tell(
        &mut self,
        job: &Job<'_>,
        mut rects: Vec<Rect>,
        old: Vec<Rect>,
        left: &mut Left<'_>,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<(), PaintError> {
        let Left { dirty, seen } = left;
        let before = frame.len();
        let edges = edges(job.target, &rects);
        if job.tools.fills && !job.alpha {
            rects = self.fills(job, rects, dirty, shadow, frame)?;
        }
        if job.reads_text() {
            let area: Region = rects.iter().copied().collect();
            self.text.settle(job, &rects, dirty, &mut self.prices, shadow, frame)?;
            if frame.len() >= job.budget || frame.is_full() {
                // Text may be left: all of it is looked at again.
                seen.add_region(&old.into_iter().collect());
                return Ok(());
            }
            let left = dirty.intersection_region(&area);
            rects = differences(job.target, &shadow.surface(job.surface)?.picture, &left);
            dirty.subtract_region(&area);
            dirty.add_region(&rects.iter().copied().collect());
        }
        rects.extend(old.iter().copied());
        let mut pieces = Pieces::new(rects, job.focus, |r| self.lossy.is_rough(job.surface, r));
        let (mut whole, mut ahead) = (old.is_empty(), Ahead::default());
        loop {
            if frame.len() >= job.budget || frame.is_full() {
                break;
            }
            let room = (job.budget - frame.len()) as u64;
            let Some((rect, encoded)) = ahead.next(self, job, &mut pieces, room) else { break };
            // What lay in a film was told with it.
            let now = &shadow.surface(job.surface)?.picture;
            if !now.crop(rect).rows().eq(job.target.crop(rect).rows()) {
                self.put(job, rect, encoded, shadow, frame)?;
            }
            dirty.subtract(&rect);
        }
        for rect in ahead.left().chain(pieces.left()) {
            whole = false;
            seen.add(*rect);
        }
        if whole {
            self.prices.told(edges, frame.len() - before);
        }
        Ok(())
    }

    /// Fills and patterns; returns what differs then.
    fn fills(
        &mut self,
        job: &Job<'_>,
        rects: Vec<Rect>,
        dirty: &mut Region,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<Vec<Rect>, PaintError> {
        let mut fills: Vec<_> = rects.iter().flat_map(|&r| solid_areas(job.target, r)).collect();
        if job.tools.inline {
            // Runs of one colour are nearly nothing there, and pixels in one piece are less.
            fills.retain(|(area, _)| area.area() >= FILL_MIN);
        }
        let patterns: Vec<_> =
            rects.iter().flat_map(|&r| stippled_areas(job.target, job.surface, r)).collect();
        if fills.is_empty() && patterns.is_empty() {
            return Ok(rects);
        }
        fill(job.surface, fills, shadow, frame)?;
        for pattern in patterns {
            frame.emit(shadow, &pattern.into())?;
        }
        let area: Region = rects.into_iter().collect();
        let rects = differences(job.target, &shadow.surface(job.surface)?.picture, &area);
        dirty.subtract_region(&area);
        dirty.add_region(&rects.iter().copied().collect());
        Ok(rects)
    }

    /// The target has changed here: what was seen of it does not count.
    pub(super) fn changed(&mut self, surface: SurfaceId, region: &Region) {
        for known in [&mut self.seen, &mut self.held] {
            if let Some(known) = known.get_mut(&surface) {
                known.subtract_region(region);
            }
        }
    }

    /// Exchanges what rectangles are encoded with.
    pub(super) fn swap_encoder(&mut self, encoder: &mut Encoder, payload: &mut Vec<u8>) {
        std::mem::swap(&mut self.encoder, encoder);
        std::mem::swap(&mut self.payload, payload);
    }

    /// A surface is gone.
    pub(super) fn forget_surface(&mut self, surface: SurfaceId) {
        self.seen.remove(&surface);
        self.held.remove(&surface);
        self.lossy.forget(surface);
        self.text.forget_surface(surface);
    }

    /// Nothing that was seen or held counts.
    pub(super) fn look_anew(&mut self) {
        self.seen.clear();
        self.held.clear();
        self.rests_at = None;
    }

    /// Forgets what the viewer has and what was learned of it. How long things take is known still.
    pub(super) fn forget(&mut self) {
        *self = Self { tiers: std::mem::take(&mut self.tiers), ..Self::default() };
    }

    /// Estimates of time follow this clock.
    pub(super) fn calibrate(&mut self, clock: Clock) {
        self.tiers.clock = Some(clock);
    }

    /// The viewer has these shapes and tiles.
    pub(super) fn offer(&mut self, offer: &Offer) {
        self.text.offer(&offer.glyphs);
        self.repeats.offer(&offer.tiles);
    }

    /// Bytes that the differences inside `region` would take as pixels; stops counting at `limit`.
    pub(super) fn weigh(
        &mut self,
        target: &Picture,
        shadow: &Surface,
        region: &Region,
        limit: usize,
    ) -> usize {
        let mut bytes = 0;
        for rect in differences(target, &shadow.picture, region) {
            self.payload.clear();
            let pixels = target.crop(rect);
            if shadow.alpha {
                self.encoder.encode_argb(pixels, Effort::Balanced, &mut self.payload);
            } else {
                self.encoder.encode(pixels, Effort::Balanced, &mut self.payload);
            }
            bytes += self.payload.len() + PUT_HEADER;
            if bytes >= limit {
                break;
            }
        }
        bytes
    }

    /// Emits the moves that it finds; returns what they put right, every pixel of it.
    fn copies(
        &mut self,
        job: &Job<'_>,
        dirty: &Region,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<Region, PaintError> {
        let piece = if job.tools.inline { 0 } else { 8 * PUT_PIECE };
        let worth = self.prices.edges_of_a_copy(piece);
        let moves = self.motion.find(&shadow.surface(job.surface)?.picture, job.target, dirty, worth);
        if moves.is_empty() {
            return Ok(Region::default());
        }
        let right = moves.iter().map(|m| Rect::at(m.to, m.from.size())).collect();
        let items = moves.iter().map(|m| CopyItem { source: job.surface, rect: m.from, to: m.to }).collect();
        let before = frame.len();
        frame.emit(shadow, &DrawCommand::Copy(Copy { surface: job.surface, items }))?;
        self.prices.copied(moves.len(), frame.len() - before);
        Ok(right)
    }
}

/// What can be an answer by itself. Pieces of a larger change, such as the lines of a page
/// that scrolls, are cheaper told with the rest of it; a photograph or a film is no such change.
fn answers(job: &Job<'_>, small: Vec<Rect>, large: &[Rect]) -> Vec<Rect> {
    let screen = job.target.size().area();
    let is_page = |r: &Rect| r.area() * 8 >= screen && nature(job.target, *r) != Nature::Natural;
    match small.len() > MAX_ANSWERS || large.iter().any(is_page) {
        true => Vec::new(),
        false => small,
    }
}

fn fill(
    surface: SurfaceId,
    fills: Vec<(Rect, u32)>,
    shadow: &mut Canvas,
    frame: &mut FrameBuilder,
) -> Result<(), PaintError> {
    let mut by_color: Vec<(u32, Vec<Rect>)> = Vec::new();
    for (rect, color) in fills {
        match by_color.iter_mut().find(|(c, _)| *c == color) {
            Some((_, rects)) => rects.push(rect),
            None => by_color.push((color, vec![rect])),
        }
    }
    for (color, rects) in by_color {
        frame.emit(shadow, &Fill { surface, color, rects }.into())?;
    }
    Ok(())
}
