//! A whole scene as events.

use panto_protocol::canvas::Canvas;
use panto_protocol::draw::{
    DrawCommand, GlyphDefine, SurfaceCreate, SurfaceId, TileDefine, WindowCreate, WindowMap,
};
use panto_protocol::encoding::{Effort, Encoder};
use panto_protocol::geometry::Rect;

use super::{Event, Rows};
use crate::scene::Scene;

/// Events that turn an empty scene into this one.
pub(super) fn snapshot(scene: &Scene) -> Vec<Event> {
    let canvas = scene.canvas();
    let mut events = vec![Event::Outputs { size: scene.size(), outputs: scene.outputs().to_vec() }];
    surfaces(canvas, &mut events);
    events.extend(caches(canvas));
    for window in canvas.windows() {
        // In stacking order, each above the one before.
        let create = WindowCreate { id: window.id, surface: window.surface, position: window.position };
        events.push(Event::Draw(create.into()));
        events.push(Event::Draw(WindowMap { id: window.id, mapped: window.mapped }.into()));
    }
    events.push(Event::Cursor((**scene.cursor().0).clone()));
    events.push(Event::Pointer(scene.pointer()));
    events
}

fn surfaces(canvas: &Canvas, events: &mut Vec<Event>) {
    let mut surfaces: Vec<_> = canvas.surfaces().collect();
    surfaces.sort_unstable_by_key(|(id, _)| *id);
    for (id, surface) in surfaces {
        let size = surface.picture.size();
        if id != SurfaceId::SCREEN {
            events.push(Event::Draw(SurfaceCreate { id, size, alpha: surface.alpha }.into()));
        }
        if !size.is_empty() {
            let rows =
                Rows { changed: vec![true; size.height as usize], pixels: surface.picture.data().to_vec() };
            events.push(Event::Pixels { surface: id, rect: Rect::of_size(size), rows });
        }
    }
}

/// Events that fill the caches.
pub(super) fn caches(canvas: &Canvas) -> Vec<Event> {
    let mut events = Vec::new();
    let mut glyphs: Vec<_> = canvas.glyphs().collect();
    glyphs.sort_unstable_by_key(|(slot, _)| *slot);
    for (slot, glyph) in glyphs {
        let coverage = glyph.coverage.clone();
        let define = GlyphDefine { slot, coverage, bearing: glyph.bearing, advance: glyph.advance };
        events.push(Event::Draw(define.into()));
    }
    let mut tiles: Vec<_> = canvas.tiles().collect();
    tiles.sort_unstable_by_key(|(slot, _)| *slot);
    for (slot, tile) in tiles {
        let mut payload = Vec::new();
        Encoder::new().encode(tile.view(), Effort::Balanced, &mut payload);
        let define: DrawCommand = TileDefine { slot, size: tile.size(), payload }.into();
        events.push(Event::Draw(define));
    }
    events
}
