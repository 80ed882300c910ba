//! Surfaces and windows of the shadow, brought to those of the scene by state,
//! not by history: on entering a mode, after a lost journal, for a new viewer.

use panto_protocol::canvas::{Canvas, PaintError, Window};
use panto_protocol::draw::{
    Composite, Copy, CopyItem, DrawCommand, Fill, GlyphDefine, SurfaceCreate, SurfaceDestroy, SurfaceId,
    SurfaceResize, TileDefine, WindowCreate, WindowDestroy, WindowMap, WindowMove, WindowStack,
};
use panto_protocol::encoding::{Effort, Encoder};
use panto_protocol::geometry::{Point, Rect};

use super::frame::FrameBuilder;

/// Gives the shadow the scene's surfaces and windows. Pixels of surfaces that are
/// new to the shadow are taken from its flat screen where they show there, which
/// costs a few bytes; whatever is still wrong must be marked dirty by the caller.
pub(super) fn mirror(
    scene: &Canvas,
    shadow: &mut Canvas,
    frame: &mut FrameBuilder,
) -> Result<(), PaintError> {
    // Windows that are gone or show something else.
    let stale: Vec<_> = shadow
        .windows()
        .iter()
        .filter(|w| !scene.windows().iter().any(|s| s.id == w.id && s.surface == w.surface))
        .map(|w| w.id)
        .collect();
    for id in stale {
        frame.emit(shadow, &WindowDestroy { id }.into())?;
    }
    // Surfaces that are gone or of another kind.
    let mut stale: Vec<_> = shadow
        .surfaces()
        .filter(|(id, s)| {
            *id != SurfaceId::SCREEN && !scene.surface(*id).is_ok_and(|other| other.alpha == s.alpha)
        })
        .map(|(id, _)| id)
        .collect();
    stale.sort_unstable();
    for id in stale {
        // A window of the same number may show it still, if the surface's kind changed.
        let showing: Vec<_> = shadow.windows().iter().filter(|w| w.surface == id).map(|w| w.id).collect();
        for id in showing {
            frame.emit(shadow, &WindowDestroy { id }.into())?;
        }
        frame.emit(shadow, &SurfaceDestroy { id }.into())?;
    }
    let mut surfaces: Vec<_> = scene.surfaces().map(|(id, s)| (id, s.picture.size(), s.alpha)).collect();
    surfaces.sort_unstable_by_key(|(id, ..)| *id);
    let flat = shadow.is_flat();
    for (id, size, alpha) in surfaces {
        match shadow.surface(id) {
            Ok(s) if s.picture.size() == size => {}
            Ok(_) => frame.emit(shadow, &SurfaceResize { id, size }.into())?,
            Err(_) => {
                frame.emit(shadow, &SurfaceCreate { id, size, alpha }.into())?;
                let shown = scene.windows().iter().find(|w| w.surface == id && w.mapped);
                let screen = Rect::of_size(shadow.screen_size());
                let place = shown.map(|w| Rect::at(w.position, size)).filter(|r| r.intersects(&screen));
                if let Some(rect) = place.filter(|_| flat && !alpha) {
                    let item = CopyItem { source: SurfaceId::SCREEN, rect, to: Point::default() };
                    frame.emit(shadow, &Copy { surface: id, items: vec![item] }.into())?;
                }
            }
        }
    }
    caches(scene, shadow, frame)?;
    for (index, want) in scene.windows().iter().enumerate() {
        if !shadow.windows().iter().any(|w| w.id == want.id) {
            let create = WindowCreate { id: want.id, surface: want.surface, position: want.position };
            frame.emit(shadow, &create.into())?;
        }
        let at = shadow.windows().iter().position(|w| w.id == want.id).unwrap_or(index);
        if at != index {
            frame.emit(shadow, &WindowStack { id: want.id, index: index as u32 }.into())?;
        }
        let have = shadow.windows()[index].clone();
        if have.position != want.position {
            frame.emit(shadow, &WindowMove { id: want.id, position: want.position }.into())?;
        }
        if have.mapped != want.mapped {
            frame.emit(shadow, &WindowMap { id: want.id, mapped: want.mapped }.into())?;
        }
    }
    Ok(())
}

/// Glyphs and tiles that the viewer has under another meaning than the scene.
fn caches(scene: &Canvas, shadow: &mut Canvas, frame: &mut FrameBuilder) -> Result<(), PaintError> {
    let mut commands: Vec<DrawCommand> = Vec::new();
    for (slot, want) in scene.glyphs() {
        if shadow.glyph(slot).is_some_and(|have| have != want) {
            commands.push(
                GlyphDefine {
                    slot,
                    coverage: want.coverage.clone(),
                    bearing: want.bearing,
                    advance: want.advance,
                }
                .into(),
            );
        }
    }
    for (slot, want) in scene.tiles() {
        if shadow.tile(slot).is_some_and(|have| have != want) {
            let mut payload = Vec::new();
            Encoder::new().encode(want.view(), Effort::Balanced, &mut payload);
            commands.push(TileDefine { slot, size: want.size(), payload }.into());
        }
    }
    commands.sort_unstable_by_key(|c| match c {
        DrawCommand::GlyphDefine(c) => (0, c.slot.0),
        DrawCommand::TileDefine(c) => (1, c.slot.0),
        _ => (2, 0),
    });
    for command in commands {
        frame.emit(shadow, &command)?;
    }
    Ok(())
}

/// Paints the shadow's windows onto surface 0, as they show, and removes them and
/// all other surfaces: the picture stays what it was, for a few bytes a window.
pub(super) fn flatten(shadow: &mut Canvas, frame: &mut FrameBuilder) -> Result<(), PaintError> {
    let windows: Vec<Window> = shadow.windows().to_vec();
    for window in &windows {
        if window.mapped {
            let surface = shadow.surface(window.surface)?;
            let rect = surface.picture.bounds();
            if rect.is_empty() {
                continue;
            }
            if surface.alpha {
                let composite = Composite {
                    surface: SurfaceId::SCREEN,
                    source: window.surface,
                    rect,
                    to: window.position,
                    opacity: 255,
                };
                frame.emit(shadow, &composite.into())?;
            } else {
                let item = CopyItem { source: window.surface, rect, to: window.position };
                frame.emit(shadow, &Copy { surface: SurfaceId::SCREEN, items: vec![item] }.into())?;
            }
        }
    }
    for window in &windows {
        frame.emit(shadow, &WindowDestroy { id: window.id }.into())?;
    }
    let mut surfaces: Vec<_> = shadow.surfaces().map(|(id, _)| id).collect();
    surfaces.retain(|id| *id != SurfaceId::SCREEN);
    surfaces.sort_unstable();
    for id in surfaces {
        frame.emit(shadow, &SurfaceDestroy { id }.into())?;
    }
    Ok(())
}

/// Leaves nothing but a black surface 0.
pub(super) fn wipe(shadow: &mut Canvas, frame: &mut FrameBuilder) -> Result<(), PaintError> {
    flatten(shadow, frame)?;
    let rect = Rect::of_size(shadow.screen_size());
    if rect.is_empty() {
        return Ok(());
    }
    frame.emit(shadow, &Fill { surface: SurfaceId::SCREEN, color: 0, rects: vec![rect] }.into())
}
