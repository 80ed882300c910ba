//! The picture that a viewer should have: the scene as its depth and scale make it.

use std::collections::HashMap;

use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Rect, Region, Size};
use panto_protocol::message::Settings;
use panto_protocol::pixel::Picture;
use panto_protocol::quantize::{Quantizer, downscale, scaled_reach, scaled_size};

use crate::scene::{Scene, Since};

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
    /// Journal position that a common target is of.
    position: u64,
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

    /// Whether it differs from the scene: all planners of its kind may use the same.
    pub(super) fn is_common(&self) -> bool {
        self.divisor != 1 || !self.quantizer.is_identity()
    }

    /// Whether both make the same of a scene.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.quantizer, self.divisor, self.flat) == (other.quantizer, other.divisor, other.flat)
    }

    /// Whether its pictures were taken.
    pub(super) fn is_taken(&self) -> bool {
        self.is_common() && self.reduced.is_empty()
    }

    /// Takes its pictures.
    pub(super) fn take(&mut self) -> Self {
        let (quantizer, divisor, flat) = (self.quantizer, self.divisor, self.flat);
        std::mem::replace(self, Self { quantizer, divisor, flat, ..Self::default() })
    }

    /// Brings it up to date with whatever has changed since it was.
    pub(super) fn catch_up(&mut self, scene: &Scene) {
        if !self.is_common() {
            return;
        }
        let mut changed: HashMap<SurfaceId, Region> = HashMap::new();
        if let Since::Changes(changes) = scene.since(self.position) {
            for change in changes {
                if self.flat {
                    let screen = changed.entry(SurfaceId::SCREEN).or_default();
                    screen.add_region(&change.screen);
                    screen.simplify(64);
                    continue;
                }
                for &(surface, rect) in &change.touched {
                    let region = changed.entry(surface).or_default();
                    region.add(rect);
                    region.simplify(64);
                }
            }
        } else {
            self.reduced.clear();
        }
        for surface in self.surfaces(scene) {
            let whole = self.size(surface, scene).unwrap_or_default();
            let is_known = self.reduced.get(&surface).is_some_and(|known| known.size() == whole);
            let mut reach: Region = match changed.get(&surface) {
                _ if !is_known => Rect::of_size(whole).into(),
                Some(region) => region.rects().iter().map(|&r| self.reach(surface, r, scene)).collect(),
                None => continue,
            };
            reach.simplify(64);
            self.update(surface, &reach, scene);
        }
        let (flat, canvas) = (self.flat, scene.canvas());
        self.reduced.retain(|&id, _| flat || canvas.surface(id).is_ok());
        self.position = scene.position();
    }

    /// Those that the viewer should have.
    fn surfaces(&self, scene: &Scene) -> Vec<SurfaceId> {
        match self.flat {
            true => vec![SurfaceId::SCREEN],
            false => scene.canvas().surfaces().map(|(id, _)| id).collect(),
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
    fn update(&mut self, surface: SurfaceId, region: &Region, scene: &Scene) {
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

    fn source<'a>(&self, surface: SurfaceId, scene: &'a Scene) -> Option<&'a Picture> {
        match self.flat {
            true if surface == SurfaceId::SCREEN => Some(scene.flat()),
            true => None,
            false => scene.canvas().surface(surface).ok().map(|s| &s.picture),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Budget, Planner, Scratch};
    use panto_protocol::draw::{SurfaceCreate, WindowCreate, WindowId, WindowMap};
    use panto_protocol::geometry::Point;
    use panto_protocol::message::{Depth, Mode, Scale};

    fn check_shared(depth: Depth, scale: Scale, expected_targets: usize) {
        let mut scene = Scene::new(Size::new(300, 200));
        check_shared_of(&mut scene, depth, scale, expected_targets, |_| SurfaceId::SCREEN);
    }

    /// Planners of one depth and scale; `surface` says where each turn's change is.
    fn check_shared_of(
        scene: &mut Scene,
        depth: Depth,
        scale: Scale,
        expected_targets: usize,
        surface: impl Fn(usize) -> SurfaceId,
    ) {
        let mut scratch = Scratch::default();
        let of = |mode| Settings { mode, depth, scale, ..Settings::default() };
        let settings = [of(Mode::Pixels), of(Mode::Hybrid), of(Mode::Commands)];
        let mut planners = settings.map(Planner::new);
        let mut state = 1u32;
        let mut roll = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % n
        };
        for turn in 0..60 {
            let size = Size::new(1 + roll(90), 1 + roll(60));
            let noise = (0..size.area()).map(|_| roll(1 << 24)).collect();
            let noise = Picture::from_pixels(size, noise).unwrap();
            let at = Point::new(roll(280) as i32, roll(180) as i32);
            scene.pixels(surface(turn), at, noise.view()).unwrap();
            if turn == 30 {
                scene.resize(Size::new(330, 190), Vec::new());
            }
            // Each falls behind by another number of changes, and leaves something over.
            let budget = Budget { bytes: 900, ..Budget::UNLIMITED };
            for (every, planner) in [1, 2, 7].into_iter().zip(&mut planners) {
                if turn % every == 0 {
                    planner.plan_with(&mut scratch, scene, budget).unwrap();
                }
            }
        }
        for (planner, settings) in planners.iter_mut().zip(settings) {
            planner.plan_with(&mut scratch, scene, Budget::UNLIMITED).unwrap();
            let mut fresh = Planner::new(settings);
            fresh.plan(scene, Budget::UNLIMITED).unwrap();
            assert!(!planner.is_due(scene) && !fresh.is_due(scene));
            assert!(planner.shadow().screen() == fresh.shadow().screen(), "{settings:?}");
        }
        assert_eq!(scratch.targets.len(), expected_targets);
        // Without what was shared, by itself.
        scene.pixels(SurfaceId::SCREEN, Point::new(9, 9), Picture::new(Size::new(50, 50), 7).view()).unwrap();
        let [mut alone, ..] = planners;
        scratch.tidy([].into_iter());
        assert!(scratch.targets.is_empty());
        alone.plan(scene, Budget::UNLIMITED).unwrap();
        let mut fresh = Planner::new(settings[0]);
        fresh.plan(scene, Budget::UNLIMITED).unwrap();
        assert!(alone.shadow().screen() == fresh.shadow().screen());
    }

    #[test]
    fn planners_of_a_kind_share_one_target() {
        check_shared(Depth::D24, Scale::Full, 0);
        check_shared(Depth::D16, Scale::Full, 1);
        check_shared(Depth::D8, Scale::Full, 1);
        check_shared(Depth::D4, Scale::Half, 1);
        check_shared(Depth::D24, Scale::Half, 1);
    }

    #[test]
    fn windows_of_few_colours_are_shared() {
        let mut scene = Scene::new(Size::new(300, 200));
        for id in 1..3 {
            scene.draw(SurfaceCreate { id: SurfaceId(id), size: Size::new(290, 150), alpha: false }).unwrap();
            let position = Point::new(10 * id as i32, 5);
            scene.draw(WindowCreate { id: WindowId(id), surface: SurfaceId(id), position }).unwrap();
            scene.draw(WindowMap { id: WindowId(id), mapped: true }).unwrap();
        }
        // One planner is for pixels only, and has the screen flat.
        check_shared_of(&mut scene, Depth::D8, Scale::Full, 2, |turn| SurfaceId(turn as u32 % 3));
    }
}
