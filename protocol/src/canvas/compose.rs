//! The picture that surfaces and windows make together.

use super::store::{Canvas, Window};
use crate::draw::SurfaceId;
use crate::geometry::{Point, Rect, Region};
use crate::pixel::{Color, Picture, over};

/// What a viewer shows otherwise than the canvas has it. The canvas itself, and so its
/// digest, knows nothing of it.
pub trait Presentation {
    /// Screen position at which a window is shown.
    fn position(&self, window: &Window) -> Point {
        window.position
    }

    /// Whether [`Presentation::shade`] does anything.
    fn shades(&self) -> bool {
        false
    }

    /// Changes pixels before they are shown. `row` begins at `at` of the surface, and has
    /// the surface's kind of pixels (premultiplied with alpha), which it must stay.
    fn shade(&self, _surface: SurfaceId, _at: Point, _row: &mut [Color]) {}
}

/// Everything as the canvas has it.
struct AsItIs;

impl Presentation for AsItIs {}

impl Canvas {
    /// Paints the pixels of `region` of the screen into `out`, which has the
    /// screen's size: surface 0, and the mapped windows over it from the lowest
    /// to the highest.
    pub fn compose(&self, region: &Region, out: &mut Picture) {
        self.compose_as(&AsItIs, region, out);
    }

    /// As [`Canvas::compose`], in another presentation.
    pub fn compose_as(&self, shown: &impl Presentation, region: &Region, out: &mut Picture) {
        for &rect in region.rects() {
            let rect = rect.intersection(&out.bounds());
            if !rect.is_empty() {
                self.compose_rect(shown, rect, out);
            }
        }
    }

    /// What [`Canvas::compose`] of `region` may cost, in pixels: every translucent
    /// window over a pixel is blended, and nothing else bounds how many there are.
    pub fn compose_cost(&self, region: &Region) -> u64 {
        self.compose_cost_as(&AsItIs, region)
    }

    /// What [`Canvas::compose_as`] of `region` may cost.
    pub fn compose_cost_as(&self, shown: &impl Presentation, region: &Region) -> u64 {
        let layers = self.windows().iter().filter(|w| w.mapped).filter_map(|w| {
            let surface = self.surface(w.surface).ok().filter(|s| s.alpha)?;
            let place = Rect::at(shown.position(w), surface.picture.size());
            Some(region.rects().iter().map(|r| r.intersection(&place).area()).sum::<u64>())
        });
        region.area() + layers.sum::<u64>()
    }

    /// The whole screen as a new picture.
    pub fn screen(&self) -> Picture {
        let size = self.screen_size();
        let mut out = Picture::new(size, 0);
        self.compose(&Rect::of_size(size).into(), &mut out);
        out
    }

    /// Whether the screen is surface 0 and nothing else.
    pub fn is_flat(&self) -> bool {
        self.windows().iter().all(|w| !w.mapped)
    }

    fn compose_rect(&self, shown: &impl Presentation, rect: Rect, out: &mut Picture) {
        // From the top down, each opaque window takes what it covers out of what
        // is still to be painted; translucent ones are painted afterwards.
        let mut open = Region::from(rect);
        let mut translucent: Vec<(SurfaceId, Point, Region)> = Vec::new();
        for window in self.windows().iter().rev().filter(|w| w.mapped) {
            if open.is_empty() {
                break;
            }
            let Ok(surface) = self.surface(window.surface) else { continue };
            let position = shown.position(window);
            let place = Rect::at(position, surface.picture.size());
            let part = open.intersection(&place);
            if part.is_empty() {
                continue;
            }
            if surface.alpha {
                translucent.push((window.surface, position, part));
            } else {
                self.blit(shown, window.surface, position, &part, out);
                open.subtract(&place);
            }
        }
        self.blit(shown, SurfaceId::SCREEN, Point::default(), &open, out);
        // A translucent window must see everything below it, opaque windows too, and
        // these are painted by now. What lies above it was taken out of its region.
        let mut shaded = Vec::new();
        for (id, position, part) in translucent.into_iter().rev() {
            let Ok(surface) = self.surface(id) else { continue };
            for r in part.rects() {
                for y in r.top..r.bottom {
                    let at = Point::new(r.left - position.x, y - position.y);
                    let mut from = surface.picture.row(at.y, at.x, r.right - position.x);
                    if shown.shades() {
                        shaded.clear();
                        shaded.extend_from_slice(from);
                        shown.shade(id, at, &mut shaded);
                        from = &shaded;
                    }
                    for (pixel, &s) in out.row_mut(y, r.left, r.right).iter_mut().zip(from) {
                        *pixel = over(s, *pixel) & 0x00ff_ffff;
                    }
                }
            }
        }
    }

    fn blit(
        &self,
        shown: &impl Presentation,
        id: SurfaceId,
        position: Point,
        part: &Region,
        out: &mut Picture,
    ) {
        let Ok(surface) = self.surface(id) else { return };
        for r in part.rects() {
            let from = r.offset(-position.x, -position.y);
            out.blit(r.origin(), surface.picture.crop(from));
            if shown.shades() {
                for y in r.top..r.bottom {
                    let at = Point::new(r.left - position.x, y - position.y);
                    shown.shade(id, at, out.row_mut(y, r.left, r.right));
                }
            }
        }
    }
}
