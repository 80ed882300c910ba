//! What of the picture is shown roughly: the exact share (METRICS.md).
//!
//! Each surface that has something of `LossyPixels` on it has a set of pixels. What is painted
//! exactly leaves it, copies take it along, and what is painted over with holes or
//! translucently stays in it. A server need not repair what happens to be right already:
//! that all is exact it says by settling.

mod plane;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use panto_protocol::canvas::{Canvas, Presentation};
use panto_protocol::draw::{Composite, Copy, DrawCommand, Ink, SurfaceId, TileSlot};
use panto_protocol::geometry::{Point, Rect, Region};

use plane::{Plane, Put};

/// Which pixels may be rough; empty, and next to free, as long as no `LossyPixels` come.
#[derive(Debug, Default)]
pub(super) struct Roughness {
    /// Only of surfaces with rough pixels; those of a frame until its end. A bit for each
    /// pixel of the surface, so at most an eighth of `MAX_CANVAS_PIXELS` in bytes.
    planes: HashMap<SurfaceId, Plane>,
    /// Tiles that were captured where something was rough; one of a canvas's tiles each.
    tiles: HashSet<TileSlot>,
}

impl Roughness {
    /// `command` was painted on the canvas, and was the last one.
    pub(super) fn painted(&mut self, command: &DrawCommand, canvas: &Canvas) {
        let nothing = self.planes.is_empty() && self.tiles.is_empty();
        if nothing && !matches!(command, DrawCommand::LossyPixels(_)) {
            return;
        }
        match command {
            // What a still macroblock leaves may be right, or not worth its bytes: who can tell?
            DrawCommand::LossyPixels(c) => self.fill(c.surface, c.rect, true, canvas),
            DrawCommand::InlinePixels(c) => self.fill(c.surface, c.rect, false, canvas),
            DrawCommand::PutPixels(c) => self.fill(c.surface, c.rect, false, canvas),
            DrawCommand::Fill(c) => c.rects.iter().for_each(|r| self.fill(c.surface, *r, false, canvas)),
            DrawCommand::Copy(c) => self.copied(c, canvas),
            DrawCommand::Composite(c) => self.composed(c, canvas),
            DrawCommand::TileDefine(c) => drop(self.tiles.remove(&c.slot)),
            DrawCommand::TileRecall(c) => drop(self.tiles.remove(&c.slot)),
            DrawCommand::TileCapture(c) => {
                let rough = self.planes.get(&c.surface).is_some_and(|p| p.crop(c.rect).is_some());
                match rough {
                    true => drop(self.tiles.insert(c.slot)),
                    false => drop(self.tiles.remove(&c.slot)),
                }
            }
            DrawCommand::TileUse(c) => {
                let Some(tile) = canvas.tile(c.slot) else { return };
                let rough = self.tiles.contains(&c.slot);
                for &at in &c.points {
                    self.fill(c.surface, Rect::at(at, tile.size()), rough, canvas);
                }
            }
            DrawCommand::Pattern(c) => match &c.ink {
                Ink::Tile(slot) => {
                    self.fill(c.surface, c.rect, self.tiles.contains(slot), canvas);
                }
                // Through the holes one sees what was there.
                Ink::Bits { background: None, .. } => {}
                Ink::Bits { .. } => self.fill(c.surface, c.rect, false, canvas),
            },
            DrawCommand::SurfaceResize(c) => {
                if let Some(plane) = self.planes.get_mut(&c.id) {
                    plane.resize(c.size);
                }
            }
            DrawCommand::SurfaceDestroy(c) => drop(self.planes.remove(&c.id)),
            // Glyphs, lines and frames leave most of what is around them; of the rest nothing
            // is painted.
            _ => {}
        }
    }

    /// A frame was painted as a whole. After a settled one all is exact, tiles apart: they
    /// stay what they were captured as.
    pub(super) fn frame_painted(&mut self, settled: bool) {
        match settled {
            true => self.planes.clear(),
            false => self.planes.retain(|_, plane| plane.count() > 0),
        }
    }

    /// A fresh frame begins: the canvas forgets its tiles.
    pub(super) fn forget_tiles(&mut self) {
        self.tiles.clear();
    }

    /// Share of the screen, as `shown`, in which no pixel is rough, 0 to 1; `None` of a screen
    /// without pixels. What lies below a translucent window counts with it.
    pub(super) fn exact_share(&self, canvas: &Canvas, shown: &impl Presentation) -> Option<f64> {
        let screen = canvas.screen_size();
        if screen.is_empty() {
            return None;
        }
        let rough = match self.planes.get(&SurfaceId::SCREEN) {
            _ if self.planes.is_empty() => 0,
            bottom if canvas.is_flat() => bottom.map_or(0, Plane::count),
            _ => self.shown_rough(canvas, shown),
        };
        Some(1.0 - rough as f64 / screen.area() as f64)
    }

    /// Pixels of the screen that show something rough.
    fn shown_rough(&self, canvas: &Canvas, shown: &impl Presentation) -> u64 {
        let screen = canvas.screen_size();
        let mut rough = Plane::new(screen);
        let mut add = |surface: SurfaceId, position: Point, part: &Region| {
            let Some(plane) = self.planes.get(&surface) else { return };
            for r in part.rects() {
                rough.put(plane, r.offset(-position.x, -position.y), r.origin(), Put::Unite);
            }
        };
        // From the top down, as the picture is composed: what an opaque window covers is not shown.
        let mut open = Region::from(Rect::of_size(screen));
        for window in canvas.windows().iter().rev().filter(|w| w.mapped) {
            if open.is_empty() {
                break;
            }
            let Ok(surface) = canvas.surface(window.surface) else { continue };
            let position = shown.position(window);
            let place = Rect::at(position, surface.picture.size());
            add(window.surface, position, &open.intersection(&place));
            if !surface.alpha {
                open.subtract(&place);
            }
        }
        add(SurfaceId::SCREEN, Point::default(), &open);
        rough.count()
    }

    fn fill(&mut self, surface: SurfaceId, rect: Rect, rough: bool, canvas: &Canvas) {
        if rough {
            if let Some(plane) = self.plane(surface, canvas) {
                plane.fill(rect, true);
            }
        } else if let Some(plane) = self.planes.get_mut(&surface) {
            plane.fill(rect, false);
        }
    }

    /// The plane of a surface that is about to become rough.
    fn plane(&mut self, surface: SurfaceId, canvas: &Canvas) -> Option<&mut Plane> {
        let size = canvas.surface(surface).ok()?.picture.size();
        let plane = self.planes.entry(surface).or_insert_with(|| Plane::new(size));
        debug_assert_eq!(plane.size(), size);
        Some(plane)
    }

    fn copied(&mut self, copy: &Copy, canvas: &Canvas) {
        // All is read before anything is written.
        let mut read = Vec::new();
        for item in &copy.items {
            let Ok(source) = canvas.surface(item.source) else { continue };
            let rect = item.rect.intersection(&source.picture.bounds());
            let to = item.to.offset(rect.left - item.rect.left, rect.top - item.rect.top);
            let part = self.planes.get(&item.source).and_then(|p| p.crop(rect));
            read.push((Rect::at(to, rect.size()), part));
        }
        for (to, part) in read {
            self.put(copy.surface, to, part, Put::Replace, canvas);
        }
    }

    fn composed(&mut self, composite: &Composite, canvas: &Canvas) {
        let Ok(source) = canvas.surface(composite.source) else { return };
        let rect = composite.rect.intersection(&source.picture.bounds());
        let to = composite.to.offset(rect.left - composite.rect.left, rect.top - composite.rect.top);
        let opaque = !source.alpha && composite.opacity == 255;
        let how = if opaque { Put::Replace } else { Put::Unite };
        let part = self.planes.get(&composite.source).and_then(|p| p.crop(rect));
        self.put(composite.surface, Rect::at(to, rect.size()), part, how, canvas);
    }

    /// Puts a part of a plane, `None` if nothing is rough in it, onto a surface.
    fn put(&mut self, surface: SurfaceId, to: Rect, part: Option<Plane>, how: Put, canvas: &Canvas) {
        match part {
            Some(part) => {
                if let Some(plane) = self.plane(surface, canvas) {
                    plane.put(&part, Rect::of_size(part.size()), to.origin(), how);
                }
            }
            None if how == Put::Replace => self.fill(surface, to, false, canvas),
            None => {}
        }
    }
}
