//! The source's own commands, passed on to a viewer.
//!
//! A command is passed on only if the viewer's caches hold what it needs. What is
//! not passed on leaves its area *dirty*, and whatever reads a dirty area makes its
//! own area dirty too, so that at every moment: a pixel of the shadow that is not
//! the scene's is dirty.

use std::collections::{BTreeMap, HashSet};

use panto_protocol::canvas::{Canvas, PaintError};
use panto_protocol::draw::{
    DrawCommand, Fill, Frames, GlyphDefine, GlyphRun, GlyphSlot, Ink, Lines, Pattern, SurfaceId, TileSlot,
};
use panto_protocol::geometry::{Point, Rect, Region, Size};
use panto_protocol::message::Depth;
use panto_protocol::pixel::{Color, Picture};
use panto_protocol::quantize::Quantizer;

use super::frame::FrameBuilder;
use crate::scene::Change;

/// Dirty areas by surface.
pub(super) type Dirty = BTreeMap<SurfaceId, Region>;

/// Passes changes on, in order.
pub(super) struct Replay<'a> {
    pub scene: &'a Canvas,
    pub quantizer: &'a Quantizer,
    /// Whether the shadow's caches saw every definition so far. Becomes false when
    /// one is not passed on; [`super::layout::mirror`] makes it true again.
    pub caches_current: bool,
    /// Whether drawing commands are passed on at all; if not, only surfaces and windows are.
    pub drawing: bool,
}

/// Slots that are defined anew somewhere in the changes.
#[derive(Default)]
struct Redefined {
    glyphs: HashSet<GlyphSlot>,
    tiles: HashSet<TileSlot>,
}

impl Replay<'_> {
    pub(super) fn run<'c>(
        &mut self,
        changes: impl Iterator<Item = &'c Change> + Clone,
        shadow: &mut Canvas,
        dirty: &mut Dirty,
        frame: &mut FrameBuilder,
    ) -> Result<(), PaintError> {
        let mut redefined = Redefined::default();
        for change in changes.clone() {
            match change.command.as_deref() {
                Some(DrawCommand::GlyphDefine(c)) => {
                    redefined.glyphs.insert(c.slot);
                }
                Some(DrawCommand::TileDefine(c)) => {
                    redefined.tiles.insert(c.slot);
                }
                Some(DrawCommand::TileCapture(c)) => {
                    redefined.tiles.insert(c.slot);
                }
                _ => {}
            }
        }
        for change in changes {
            let passed = match change.command.as_deref() {
                Some(command) => self.pass(command, &redefined, shadow, dirty, frame)?,
                None => false,
            };
            if !passed
                && matches!(
                    change.command.as_deref(),
                    Some(
                        DrawCommand::GlyphDefine(_)
                            | DrawCommand::TileDefine(_)
                            | DrawCommand::TileCapture(_)
                    )
                )
            {
                self.caches_current = false;
            }
            // At reduced depths blending does not give the target's pixels exactly.
            if !passed || !self.quantizer.is_identity() {
                for &(surface, rect) in &change.touched {
                    dirty.entry(surface).or_default().add(rect);
                }
            }
        }
        Ok(())
    }

    /// Passes one command on if that is possible; otherwise its area is to be made dirty.
    fn pass(
        &self,
        command: &DrawCommand,
        redefined: &Redefined,
        shadow: &mut Canvas,
        dirty: &mut Dirty,
        frame: &mut FrameBuilder,
    ) -> Result<bool, PaintError> {
        let is_dirty = |dirty: &Dirty, surface, rect: &Rect| {
            dirty.get(&surface).is_some_and(|region: &Region| region.intersects(rect))
        };
        let exact = self.quantizer.is_identity();
        if command.is_structure() {
            frame.emit(shadow, command)?;
            if let DrawCommand::SurfaceDestroy(c) = command {
                dirty.remove(&c.id);
            }
            return Ok(true);
        }
        match command {
            _ if !self.drawing => return Ok(false),
            DrawCommand::GlyphDefine(_) => frame.emit(shadow, command)?,
            // Tiles hold colours as the source has them: of use only where colours are exact.
            DrawCommand::TileDefine(_) if exact => frame.emit(shadow, command)?,
            DrawCommand::TileCapture(c) if exact && !is_dirty(dirty, c.surface, &c.rect) => {
                frame.emit(shadow, command)?;
            }
            DrawCommand::GlyphRun(c) => {
                if !self.glyphs_ready(c, redefined, shadow, frame)? {
                    return Ok(false);
                }
                let run = GlyphRun { color: self.color(c.color), ..c.clone() };
                frame.emit(shadow, &run.into())?;
            }
            DrawCommand::TileUse(c) => {
                if !exact || !self.tile_ready(c.slot, redefined, shadow) {
                    return Ok(false);
                }
                frame.emit(shadow, command)?;
            }
            DrawCommand::Fill(c) => {
                frame.emit(shadow, &Fill { color: self.color(c.color), ..c.clone() }.into())?;
            }
            DrawCommand::Lines(c) => {
                frame.emit(shadow, &Lines { color: self.color(c.color), ..c.clone() }.into())?;
            }
            DrawCommand::Frames(c) => {
                frame.emit(shadow, &Frames { color: self.color(c.color), ..c.clone() }.into())?;
            }
            DrawCommand::Pattern(c) => match &c.ink {
                Ink::Bits { rows, foreground, background } => {
                    let ink = Ink::Bits {
                        rows: *rows,
                        foreground: self.color(*foreground),
                        background: background.map(|b| self.color(b)),
                    };
                    frame.emit(shadow, &Pattern { ink, ..c.clone() }.into())?;
                }
                Ink::Tile(slot) if exact && self.tile_ready(*slot, redefined, shadow) => {
                    frame.emit(shadow, command)?;
                }
                Ink::Tile(_) => return Ok(false),
            },
            DrawCommand::Copy(c) => {
                frame.emit(shadow, command)?;
                if c.items.iter().any(|i| is_dirty(dirty, i.source, &i.rect)) {
                    return Ok(false);
                }
            }
            DrawCommand::Composite(c) => {
                frame.emit(shadow, command)?;
                if is_dirty(dirty, c.source, &c.rect) {
                    return Ok(false);
                }
            }
            DrawCommand::PutPixels(_) if exact => frame.emit(shadow, command)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Makes sure that the viewer has the glyphs of a run as they were when it was drawn.
    fn glyphs_ready(
        &self,
        run: &GlyphRun,
        redefined: &Redefined,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<bool, PaintError> {
        for &slot in &run.slots {
            let have = shadow.glyph(slot);
            if redefined.glyphs.contains(&slot) {
                // The scene holds a later shape than the run may mean.
                if self.caches_current && have.is_some() {
                    continue;
                }
                return Ok(false);
            }
            let Some(want) = self.scene.glyph(slot) else { return Ok(false) };
            if have != Some(want) {
                let define = GlyphDefine {
                    slot,
                    coverage: want.coverage.clone(),
                    bearing: want.bearing,
                    advance: want.advance,
                };
                frame.emit(shadow, &define.into())?;
            }
        }
        Ok(true)
    }

    fn tile_ready(&self, slot: TileSlot, redefined: &Redefined, shadow: &Canvas) -> bool {
        let have = shadow.tile(slot);
        if redefined.tiles.contains(&slot) {
            return self.caches_current && have.is_some();
        }
        have.is_some() && have == self.scene.tile(slot)
    }

    /// A colour as the viewer's depth has it, where that does not depend on its surroundings.
    fn color(&self, color: Color) -> Color {
        if !matches!(self.quantizer.depth, Depth::D16 | Depth::D1) || self.quantizer.dither {
            return color;
        }
        let source = Picture::new(Size::new(1, 1), color);
        let mut result = source.clone();
        self.quantizer.quantize(&source, source.bounds(), &mut result);
        result.pixel(Point::default()).unwrap_or(color)
    }
}
