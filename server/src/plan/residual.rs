//! What differs between the shadow and the target, turned into commands.

use panto_protocol::canvas::{Canvas, PaintError, Surface};
use panto_protocol::draw::{Copy, CopyItem, DrawCommand, Fill, InlinePixels, PutPixels, SurfaceId};
use panto_protocol::encoding::{Effort, Encoder};
use panto_protocol::geometry::{Point, Rect, Region};
use panto_protocol::message::Offer;
use panto_protocol::pixel::Picture;
use panto_protocol::quantize::CELL;

use super::compare::differences;
use super::frame::FrameBuilder;
use super::price::{Prices, edges};
use super::text::Text;
use crate::infer::{Motion, Repeats, solid_areas, stippled_areas};

/// Pixels of one PutPixels at most: the finest step in which a large change can
/// be interrupted by a more urgent one.
const MAX_PUT: u64 = 128 * 1024;

/// Bytes of a PutPixels apart from its payload, about: opcode, surface, rectangle, length.
const PUT_HEADER: usize = 12;

/// Pixels that are always coded inside the stream, however fast the link: their coding
/// (10 ns each on either side, 300 in a photograph) delays nobody for long.
const INLINE_ALWAYS: u64 = 64 * 1024;

/// Inline pixels that are weighed before they are sent, so that later weighings are understood.
const WEIGHED_MIN: u64 = 256;
const WEIGHED_MAX: u64 = 8192;

/// What one PutPixels more costs, in bytes, beside its pixels: its header, its encoding's
/// palette and a compressor that begins anew.
const PUT_PIECE: u64 = 30;

/// Which commands may describe a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tools {
    /// Copies inside the surface.
    pub copies: bool,
    /// Fills.
    pub fills: bool,
    /// Cached tiles.
    pub tiles: bool,
    /// Pixels inside a coded stream of commands.
    pub inline: bool,
}

/// What a residual is made with, from frame to frame.
#[derive(Default)]
pub(super) struct Residual {
    encoder: Encoder,
    payload: Vec<u8>,
    motion: Motion,
    text: Text,
    prices: Prices,
    pub(super) repeats: Repeats,
}

/// One surface's difference.
pub(super) struct Job<'a> {
    pub surface: SurfaceId,
    pub target: &'a Picture,
    pub alpha: bool,
    pub tools: Tools,
    pub effort: Effort,
    /// Where the person just typed or pointed, in the surface's coordinates.
    pub focus: Option<Point>,
    /// Bytes that the frame may have in all.
    pub budget: usize,
    /// Whether each cell of the target has a palette of its own (depths 8 and 4).
    pub palette_cells: bool,
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
        let mut rects = differences(job.target, &shadow.surface(job.surface)?.picture, dirty);
        // Nothing outside the differences is dirty any more.
        *dirty = rects.iter().copied().collect();
        if rects.is_empty() {
            return Ok(());
        }
        if job.tools.copies && self.copies(job, dirty, shadow, frame)? {
            rects = differences(job.target, &shadow.surface(job.surface)?.picture, dirty);
            *dirty = rects.iter().copied().collect();
        }
        let (edges, before) = (edges(job.target, &rects), frame.len());
        if job.tools.fills && !job.alpha {
            let fills: Vec<_> = rects.iter().flat_map(|&r| solid_areas(job.target, r)).collect();
            let patterns: Vec<_> =
                rects.iter().flat_map(|&r| stippled_areas(job.target, job.surface, r)).collect();
            if !fills.is_empty() || !patterns.is_empty() {
                fill(job.surface, fills, shadow, frame)?;
                for pattern in patterns {
                    frame.emit(shadow, &pattern.into())?;
                }
                rects = differences(job.target, &shadow.surface(job.surface)?.picture, dirty);
                *dirty = rects.iter().copied().collect();
            }
        }
        if job.tools.inline && !job.alpha {
            self.text.settle(job, &rects, dirty, &mut self.prices, shadow, frame)?;
            rects = differences(job.target, &shadow.surface(job.surface)?.picture, dirty);
            *dirty = rects.iter().copied().collect();
        }
        let mut pieces: Vec<Rect> = rects.into_iter().flat_map(split).collect();
        // What lies under the person's eye first, then the smallest: it is on screen soonest.
        pieces.sort_by_key(|r| {
            let far = !job.focus.is_some_and(|p| near(r, p));
            (far, r.area(), r.top, r.left)
        });
        let mut whole = true;
        for rect in pieces {
            if frame.len() >= job.budget || frame.is_full() {
                whole = false;
                break;
            }
            self.put(job, rect, shadow, frame)?;
            dirty.subtract(&rect);
        }
        if whole {
            self.prices.told(edges, frame.len() - before);
        }
        Ok(())
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
        effort: Effort,
        limit: usize,
    ) -> usize {
        let mut bytes = 0;
        for rect in differences(target, &shadow.picture, region) {
            self.payload.clear();
            let pixels = target.crop(rect);
            if shadow.alpha {
                self.encoder.encode_argb(pixels, effort, &mut self.payload);
            } else {
                self.encoder.encode(pixels, effort, &mut self.payload);
            }
            bytes += self.payload.len() + PUT_HEADER;
            if bytes >= limit {
                break;
            }
        }
        bytes
    }

    /// Finds moves; `true` if any was emitted. `dirty` grows by nothing: copies only
    /// make pixels right.
    fn copies(
        &mut self,
        job: &Job<'_>,
        dirty: &Region,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<bool, PaintError> {
        let piece = if job.tools.inline { 0 } else { 8 * PUT_PIECE };
        let worth = self.prices.edges_of_a_copy(piece);
        let moves = self.motion.find(&shadow.surface(job.surface)?.picture, job.target, dirty, worth);
        if moves.is_empty() {
            return Ok(false);
        }
        let items = moves.iter().map(|m| CopyItem { source: job.surface, rect: m.from, to: m.to }).collect();
        let before = frame.len();
        frame.emit(shadow, &DrawCommand::Copy(Copy { surface: job.surface, items }))?;
        self.prices.copied(moves.len(), frame.len() - before);
        Ok(true)
    }

    /// Encodes a rectangle of the target into `self.payload`.
    fn encode(&mut self, job: &Job<'_>, rect: Rect) {
        self.payload.clear();
        let pixels = job.target.crop(rect);
        if job.alpha {
            self.encoder.encode_argb(pixels, job.effort, &mut self.payload);
        } else {
            self.encoder.encode(pixels, job.effort, &mut self.payload);
        }
    }

    fn put(
        &mut self,
        job: &Job<'_>,
        rect: Rect,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<(), PaintError> {
        if job.tools.tiles && !job.alpha {
            if let Some(recall) = self.repeats.recall(job.target, rect, shadow) {
                frame.emit(shadow, &recall.into())?;
            }
            if let Some(tile) = self.repeats.find(job.target, job.surface, rect, shadow) {
                return frame.emit(shadow, &tile.into());
            }
        }
        if job.tools.inline && !job.alpha && (job.effort != Effort::Fast || rect.area() <= INLINE_ALWAYS) {
            return self.put_inline(job, rect, shadow, frame);
        }
        self.encode(job, rect);
        if job.palette_cells {
            // Cells have few colours each and together perhaps too many for a palette.
            let cells: Vec<Rect> = rect.grid(CELL).collect();
            let whole = std::mem::take(&mut self.payload);
            let mut parts = Vec::with_capacity(cells.len());
            let mut bytes = 0;
            for &cell in &cells {
                self.encode(job, cell);
                bytes += self.payload.len() + PUT_HEADER;
                parts.push((cell, std::mem::take(&mut self.payload)));
            }
            if bytes < whole.len() + PUT_HEADER {
                for (rect, payload) in parts {
                    frame.emit(shadow, &PutPixels { surface: job.surface, rect, payload }.into())?;
                }
                return Ok(());
            }
            self.payload = whole;
        }
        let put = PutPixels { surface: job.surface, rect, payload: std::mem::take(&mut self.payload) };
        let command = DrawCommand::PutPixels(put);
        frame.emit(shadow, &command)?;
        let bytes = if let DrawCommand::PutPixels(put) = command {
            self.payload = put.payload;
            self.payload.len()
        } else {
            0
        };
        self.keep(job, rect, bytes, shadow, frame)
    }

    fn put_inline(
        &mut self,
        job: &Job<'_>,
        rect: Rect,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<(), PaintError> {
        let pixels = job.target.crop(rect).rows().flatten().copied().collect();
        let put = InlinePixels { surface: job.surface, rect, pixels };
        let sample = (WEIGHED_MIN..=WEIGHED_MAX).contains(&rect.area());
        let weight = match frame.models() {
            Some(models) if sample => models.weigh_pixels(&put, shadow, u64::MAX).bits(),
            _ => 0,
        };
        let before = frame.len();
        frame.emit(shadow, &put.into())?;
        if weight > 0 {
            self.prices.weighed(weight, frame.len() - before);
        }
        self.keep(job, rect, frame.len() - before, shadow, frame)
    }

    /// Keeps what was just put for so many bytes as a tile, if it may come again.
    fn keep(
        &mut self,
        job: &Job<'_>,
        rect: Rect,
        bytes: usize,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<(), PaintError> {
        // A tile whose pixels cost no more than its capture and a use is not worth a slot.
        if job.tools.tiles
            && !job.alpha
            && bytes > 24
            && let Some(capture) = self.repeats.keep(job.target, job.surface, rect)
        {
            frame.emit(shadow, &capture.into())?;
        }
        Ok(())
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

/// Cuts a rectangle into pieces of at most [`MAX_PUT`] pixels.
fn split(rect: Rect) -> Vec<Rect> {
    if rect.area() <= MAX_PUT {
        return vec![rect];
    }
    let rows = (MAX_PUT / u64::from(rect.width())).max(16) as i32;
    (rect.top..rect.bottom)
        .step_by(rows as usize)
        .map(|top| Rect { top, bottom: (top + rows).min(rect.bottom), ..rect })
        .collect()
}

/// Whether a rectangle lies around or close to a point.
fn near(rect: &Rect, p: Point) -> bool {
    const REACH: i32 = 48;
    Rect::from_corners(rect.left - REACH, rect.top - REACH, rect.right + REACH, rect.bottom + REACH)
        .contains(p)
}
