//! Rectangles of pixels: as tiles that the viewer has, in the coded stream, or each by itself.

use panto_protocol::canvas::{Canvas, PaintError};
use panto_protocol::draw::{DrawCommand, InlinePixels, PutPixels};
use panto_protocol::encoding::Effort;
use panto_protocol::geometry::Rect;
use panto_protocol::quantize::CELL;

use super::{FrameBuilder, Job, Look, PUT_HEADER, Residual, Tier};

/// Inline pixels that are weighed before they are sent, so that later weighings are understood.
const WEIGHED_MIN: u64 = 256;
const WEIGHED_MAX: u64 = 8192;

impl Residual {
    /// Encodes a rectangle of the target into `self.payload`.
    fn encode(&mut self, job: &Job<'_>, rect: Rect, effort: Effort) {
        self.payload.clear();
        let pixels = job.target.crop(rect);
        if job.alpha {
            self.encoder.encode_argb(pixels, effort, &mut self.payload);
        } else {
            self.encoder.encode(pixels, effort, &mut self.payload);
        }
    }

    /// Tells a rectangle exactly; `encoded` is what [`Residual::effort_of`] said of it and the
    /// payload, if there is one already.
    pub(super) fn put(
        &mut self,
        job: &Job<'_>,
        rect: Rect,
        encoded: Option<(Effort, Vec<u8>)>,
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
        let (look, began) = (job.look(rect), self.tiers.begin());
        // On several cores at once, nobody knows how long one would have taken.
        let is_ahead = encoded.is_some();
        let (effort, began, payload) = match encoded {
            Some((effort, payload)) => (effort, None, payload),
            None => {
                let Some(effort) = self.effort_of(job, look) else {
                    return self.put_inline(job, rect, look, shadow, frame);
                };
                self.encode(job, rect, effort);
                if job.palette_cells
                    && let Some(bytes) = self.put_cells(job, rect, effort, shadow, frame)?
                {
                    self.took(look, effort, bytes, began);
                    return Ok(());
                }
                (effort, began, std::mem::take(&mut self.payload))
            }
        };
        let bytes = payload.len();
        let command = DrawCommand::PutPixels(PutPixels { surface: job.surface, rect, payload });
        frame.emit(shadow, &command)?;
        if let (DrawCommand::PutPixels(put), false) = (command, is_ahead) {
            self.payload = put.payload;
        }
        self.took(look, effort, bytes + PUT_HEADER, began);
        self.keep(job, rect, bytes, shadow, frame)
    }

    /// How hard to squeeze a rectangle that is coded by itself; `None` if it goes into the
    /// coded stream.
    pub(super) fn effort_of(&self, job: &Job<'_>, look: Look) -> Option<Effort> {
        if !job.tools.inline || job.alpha {
            return Some(job.effort());
        }
        match self.tiers.choose(look, job.rate?) {
            Tier::Dense => None,
            Tier::Balanced => Some(Effort::Balanced),
            Tier::Fast => Some(Effort::Fast),
        }
    }

    /// A rectangle that was coded by itself took so many bytes.
    fn took(&mut self, look: Look, effort: Effort, bytes: usize, began: Option<u64>) {
        match effort {
            Effort::Fast => self.tiers.told(look, Tier::Fast, bytes, began),
            Effort::Balanced => self.tiers.told(look, Tier::Balanced, bytes, began),
            Effort::Dense => {}
        }
    }

    /// Puts cell by cell what takes more as a whole (`self.payload`): cells have few colours
    /// each and together perhaps too many for a palette. Returns the bytes; `None` if it does not.
    fn put_cells(
        &mut self,
        job: &Job<'_>,
        rect: Rect,
        effort: Effort,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<Option<usize>, PaintError> {
        let whole = std::mem::take(&mut self.payload);
        let (mut parts, mut bytes) = (Vec::new(), 0);
        for cell in rect.grid(CELL) {
            self.encode(job, cell, effort);
            bytes += self.payload.len() + PUT_HEADER;
            parts.push((cell, std::mem::take(&mut self.payload)));
        }
        if bytes >= whole.len() + PUT_HEADER {
            self.payload = whole;
            return Ok(None);
        }
        for (rect, payload) in parts {
            frame.emit(shadow, &PutPixels { surface: job.surface, rect, payload }.into())?;
        }
        // Its memory is used again.
        self.payload = whole;
        Ok(Some(bytes))
    }

    fn put_inline(
        &mut self,
        job: &Job<'_>,
        rect: Rect,
        look: Look,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<(), PaintError> {
        let began = self.tiers.begin();
        let pixels = job.target.crop(rect).to_vec();
        let put = InlinePixels { surface: job.surface, rect, pixels };
        let sample = (WEIGHED_MIN..=WEIGHED_MAX).contains(&rect.area());
        let weight = match frame.models() {
            Some(models) if sample => models.weigh_pixels(&put, shadow, u64::MAX).bits(),
            _ => 0,
        };
        let before = frame.len();
        frame.emit(shadow, &put.into())?;
        self.tiers.told(look, Tier::Dense, frame.len() - before, began);
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
