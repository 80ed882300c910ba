//! The picture that a viewer should have: the scene as its depth and scale make it.

use std::collections::HashMap;

use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Rect, Region, Size};
use panto_protocol::message::Settings;
use panto_protocol::pixel::Picture;
use panto_protocol::quantize::{Quantizer, downscale, scaled_reach, scaled_size};

use crate::scene::Scene;

/// What a viewer's surfaces should look like.
///
/// Without reduction this borrows the scene's own pictures and costs nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    quantizer: Quantizer,
    divisor: u32,
    /// Whether windows are flattened into surface 0.
    flat: bool,
    /// The scaled screen, before its colours are reduced.
    scaled: Picture,
    reduced: HashMap<SurfaceId, Picture>,
}

impl Target {
    pub(super) fn new(settings: &Settings, flat: bool) -> Self {
        Self {
            quantizer: Quantizer { depth: settings.depth, dither: settings.dither },
            divisor: settings.scale.divisor(),
            flat,
            ..Self::default()
        }
    }

    pub(super) fn quantizer(&self) -> &Quantizer {
        &self.quantizer
    }

    /// Whether the target is the scene itself.
    fn is_exact(&self, surface: SurfaceId, scene: &Scene) -> bool {
        if self.divisor != 1 {
            return false;
        }
        // Surfaces with alpha stay exact: there is no palette of transparencies.
        self.quantizer.is_identity() || (!self.flat && scene.canvas().surface(surface).is_ok_and(|s| s.alpha))
    }

    /// Size that the viewer's surface should have; `None` if it should not exist.
    pub(super) fn size(&self, surface: SurfaceId, scene: &Scene) -> Option<Size> {
        match self.flat {
            true if surface == SurfaceId::SCREEN => Some(scaled_size(scene.size(), self.divisor)),
            true => None,
            false => scene.canvas().surface(surface).ok().map(|s| s.picture.size()),
        }
    }

    /// Pixels of the target that can change when `rect` of the scene's surface
    /// (or of the flattened screen) changed.
    pub(super) fn reach(&self, surface: SurfaceId, rect: Rect, scene: &Scene) -> Rect {
        if self.is_exact(surface, scene) {
            return rect;
        }
        let Some(size) = self.size(surface, scene) else { return Rect::default() };
        let rect = if self.divisor == 1 { rect } else { scaled_reach(rect, self.divisor) };
        self.quantizer.reach(rect, size)
    }

    /// Brings `region` of the target (as [`Target::reach`] gave it) up to date.
    pub(super) fn update(&mut self, surface: SurfaceId, region: &Region, scene: &Scene) {
        if self.is_exact(surface, scene) {
            return;
        }
        let Some(size) = self.size(surface, scene) else { return };
        let Some(mut source) = self.source(surface, scene) else { return };
        if self.divisor != 1 {
            self.scaled.resize(size, 0);
            for &rect in region.rects() {
                downscale(source, self.divisor, rect, &mut self.scaled);
            }
            source = &self.scaled;
        }
        let reduced = self.reduced.entry(surface).or_default();
        reduced.resize(size, 0);
        for &rect in region.rects() {
            self.quantizer.quantize(source, rect, reduced);
        }
    }

    /// The target of a surface; as far as [`Target::update`] brought it.
    pub(super) fn picture<'a>(&'a self, surface: SurfaceId, scene: &'a Scene) -> Option<&'a Picture> {
        if self.is_exact(surface, scene) {
            return self.source(surface, scene);
        }
        self.reduced.get(&surface)
    }

    /// Forgets a surface that is gone.
    pub(super) fn forget(&mut self, surface: SurfaceId) {
        self.reduced.remove(&surface);
    }

    fn source<'a>(&self, surface: SurfaceId, scene: &'a Scene) -> Option<&'a Picture> {
        match self.flat {
            true if surface == SurfaceId::SCREEN => Some(scene.flat()),
            true => None,
            false => scene.canvas().surface(surface).ok().map(|s| &s.picture),
        }
    }
}
