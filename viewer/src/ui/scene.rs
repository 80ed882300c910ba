//! The window's pixels: the remote picture at the window's scale, and what lies over it.

use std::rc::Rc;

use panto_protocol::geometry::{Point, Rect, Region, Size};
use panto_protocol::pixel::{Color, Picture, over};

use super::layout::{Layout, Scaling};
use super::scale::Scaler;
use crate::core::Shown;

/// Around the remote picture: black, as a monitor's own border.
const SURROUND: Color = 0;

/// A small picture with alpha (premultiplied) over the remote picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sprite {
    /// Window position of its first pixel.
    pub(super) at: Point,
    /// Its pixels.
    pub(super) picture: Rc<Picture>,
}

/// What the window shows and what of it has not been presented yet.
#[derive(Debug, Default)]
pub(super) struct Scene {
    /// The window's pixels without sprites and dimming.
    base: Picture,
    scaling: Scaling,
    pan: Point,
    layout: Layout,
    scaler: Scaler,
    /// Sizes that `scaler` was made for: picture, screen.
    sizes: (Size, Size),
    /// Whether `base` is to be drawn anew although the sizes are the same.
    stale: bool,
    dim: bool,
    sprites: Vec<Sprite>,
    damage: Region,
}

impl Scene {
    pub(super) fn new(scaling: Scaling) -> Self {
        Self { scaling, ..Self::default() }
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(super) fn size(&self) -> Size {
        self.base.size()
    }

    /// Adapts to the window's new size; the picture is drawn by the next [`Scene::sync`].
    pub(super) fn resize(&mut self, window: Size) {
        if window != self.base.size() {
            self.base = Picture::new(window, SURROUND);
            self.stale = true;
            self.damage_all();
        }
    }

    /// Where the pointer is in the window: a screen larger than the window follows it.
    ///
    /// Returns whether the next [`Scene::sync`] has something to do.
    pub(super) fn pan(&mut self, pointer: Point) -> bool {
        self.pan = pointer;
        if !self.layout.overflows() {
            return false;
        }
        self.layout = Layout::new(self.base.size(), self.sizes.1, self.scaling, self.pan);
        self.stale = true;
        true
    }

    /// Takes over what changed in the remote picture.
    pub(super) fn sync(&mut self, shown: &mut Shown) {
        let damage = std::mem::take(&mut shown.damage);
        let picture = &shown.picture;
        let screen = if shown.screen.is_empty() { picture.size() } else { shown.screen };
        let sizes = (picture.size(), screen);
        if self.stale || sizes != self.sizes {
            (self.stale, self.sizes) = (false, sizes);
            self.layout = Layout::new(self.base.size(), screen, self.scaling, self.pan);
            let place = self.layout.place();
            let bounds = self.base.bounds();
            self.base.fill(bounds, SURROUND);
            self.damage_all();
            if !place.is_empty() && !picture.size().is_empty() {
                self.scaler = Scaler::new(picture.size(), screen, place.size());
                self.scaler.paint(picture, Rect::of_size(place.size()), &mut self.base, place.origin());
            }
            return;
        }
        let place = self.layout.place();
        if place.is_empty() {
            return;
        }
        for rect in damage.rects() {
            let rect = rect.intersection(&picture.bounds());
            if rect.is_empty() {
                continue;
            }
            let part = self.scaler.covering(&rect);
            self.scaler.paint(picture, part, &mut self.base, place.origin());
            self.damage.add(part.offset(place.left, place.top).intersection(&self.base.bounds()));
        }
    }

    /// Darkens the remote picture, which is then not the present one.
    pub(super) fn set_dim(&mut self, dim: bool) {
        if dim != self.dim {
            self.dim = dim;
            self.damage_all();
        }
    }

    /// Replaces what lies over the picture, lowest first.
    pub(super) fn set_sprites(&mut self, sprites: Vec<Sprite>) {
        let bounds = self.base.bounds();
        let gone = self.sprites.iter().filter(|s| !sprites.contains(s));
        let come = sprites.iter().filter(|s| !self.sprites.contains(s));
        for sprite in gone.chain(come) {
            self.damage.add(Rect::at(sprite.at, sprite.picture.size()).intersection(&bounds));
        }
        self.sprites = sprites;
    }

    /// The window's pixels were lost; present all of them.
    pub(super) fn damage_all(&mut self) {
        self.damage = self.base.bounds().into();
    }

    /// Takes the window pixels to be presented.
    pub(super) fn take_damage(&mut self) -> Region {
        // A call of the window system each; few large ones are cheaper than many.
        self.damage.simplify(32);
        std::mem::take(&mut self.damage)
    }

    /// Whether anything is to be presented.
    pub(super) fn is_damaged(&self) -> bool {
        !self.damage.is_empty()
    }

    /// Computes the pixels `left` to `left + out.len()` of row `y`, which must lie inside the window.
    pub(super) fn paint_row(&self, y: i32, left: i32, out: &mut [Color]) {
        let right = left + out.len() as i32;
        for (o, &b) in out.iter_mut().zip(self.base.row(y, left, right)) {
            *o = b & 0x00ff_ffff;
        }
        if self.dim {
            for c in out.iter_mut() {
                // Three eighths of each channel: dark, yet readable.
                *c = (*c >> 2 & 0x003f_3f3f) + (*c >> 3 & 0x001f_1f1f);
            }
        }
        for sprite in &self.sprites {
            let place = Rect::at(sprite.at, sprite.picture.size()).intersection(&Rect::from_corners(
                left,
                y,
                right,
                y + 1,
            ));
            if place.is_empty() {
                continue;
            }
            let from =
                sprite.picture.row(y - sprite.at.y, place.left - sprite.at.x, place.right - sprite.at.x);
            let to = &mut out[(place.left - left) as usize..(place.right - left) as usize];
            for (to, &from) in to.iter_mut().zip(from) {
                *to = over(from, *to) & 0x00ff_ffff;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scene: &Scene, y: i32) -> Vec<Color> {
        let mut out = vec![0; scene.size().width as usize];
        scene.paint_row(y, 0, &mut out);
        out
    }

    fn shown(picture: Picture) -> Shown {
        Shown { screen: picture.size(), picture, ..Shown::default() }
    }

    #[test]
    fn unscaled_damage_is_exactly_that() {
        let mut scene = Scene::new(Scaling::Fit);
        let mut shown = shown(Picture::new(Size::new(8, 6), 7));
        scene.resize(Size::new(8, 6));
        scene.sync(&mut shown);
        assert_eq!(scene.take_damage().area(), 48);
        shown.picture.fill(Rect::new(1, 2, 3, 1), 9);
        shown.damage.add(Rect::new(1, 2, 3, 1));
        scene.sync(&mut shown);
        assert!(shown.damage.is_empty());
        assert_eq!(scene.take_damage().rects(), [Rect::new(1, 2, 3, 1)]);
        assert_eq!(row(&scene, 2), [7, 9, 9, 9, 7, 7, 7, 7]);
    }

    #[test]
    fn sprites_come_and_go_without_a_trace() {
        let mut scene = Scene::new(Scaling::Fit);
        let mut shown = shown(Picture::new(Size::new(4, 2), 0x0040_4040));
        scene.resize(Size::new(4, 2));
        scene.sync(&mut shown);
        let before = row(&scene, 1);
        scene.take_damage();
        let sprite =
            Sprite { at: Point::new(-1, 1), picture: Picture::new(Size::new(3, 9), 0xff00_ff00).into() };
        scene.set_sprites(vec![sprite.clone()]);
        assert_eq!(scene.take_damage().rects(), [Rect::new(0, 1, 2, 1)]);
        assert_eq!(row(&scene, 1), [0x00ff00, 0x00ff00, 0x0040_4040, 0x0040_4040]);
        scene.set_sprites(vec![sprite]);
        assert!(!scene.is_damaged());
        scene.set_sprites(vec![]);
        assert!(scene.is_damaged());
        assert_eq!(row(&scene, 1), before);
    }

    #[test]
    fn dimming_and_letterbox() {
        let mut scene = Scene::new(Scaling::Fit);
        let mut shown = shown(Picture::new(Size::new(2, 2), 0x0080_80ff));
        scene.resize(Size::new(4, 2));
        scene.sync(&mut shown);
        assert_eq!(row(&scene, 0), [0, 0x0080_80ff, 0x0080_80ff, 0]);
        scene.set_dim(true);
        assert_eq!(row(&scene, 0), [0, 0x0030_305e, 0x0030_305e, 0]);
    }
}
