//! The picture that surfaces and windows make together.

use super::store::{Canvas, Window};
use crate::draw::SurfaceId;
use crate::geometry::{Rect, Region};
use crate::pixel::{Picture, over};

impl Canvas {
    /// Paints the pixels of `region` of the screen into `out`, which has the
    /// screen's size: surface 0, and the mapped windows over it from the lowest
    /// to the highest.
    pub fn compose(&self, region: &Region, out: &mut Picture) {
        for &rect in region.rects() {
            let rect = rect.intersection(&out.bounds());
            if !rect.is_empty() {
                self.compose_rect(rect, out);
            }
        }
    }

    /// What [`Canvas::compose`] of `region` may cost, in pixels: every translucent
    /// window over a pixel is blended, and nothing else bounds how many there are.
    pub fn compose_cost(&self, region: &Region) -> u64 {
        let layers = self.windows().iter().filter(|w| w.mapped).filter_map(|w| {
            let surface = self.surface(w.surface).ok().filter(|s| s.alpha)?;
            let place = Rect::at(w.position, surface.picture.size());
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

    fn compose_rect(&self, rect: Rect, out: &mut Picture) {
        // From the top down, each opaque window takes what it covers out of what
        // is still to be painted; translucent ones are painted afterwards.
        let mut open = Region::from(rect);
        let mut translucent: Vec<(&Window, Region)> = Vec::new();
        for window in self.windows().iter().rev().filter(|w| w.mapped) {
            if open.is_empty() {
                break;
            }
            let Ok(surface) = self.surface(window.surface) else { continue };
            let place = Rect::at(window.position, surface.picture.size());
            let part = open.intersection(&place);
            if part.is_empty() {
                continue;
            }
            if surface.alpha {
                translucent.push((window, part));
            } else {
                self.blit(window, &part, out);
                open.subtract(&place);
            }
        }
        if let Ok(background) = self.surface(SurfaceId::SCREEN) {
            for r in open.rects() {
                out.blit(r.origin(), background.picture.crop(*r));
            }
        }
        // A translucent window must see everything below it, opaque windows too, and
        // these are painted by now. What lies above it was taken out of its region.
        for (window, part) in translucent.into_iter().rev() {
            let Ok(surface) = self.surface(window.surface) else { continue };
            for r in part.rects() {
                for y in r.top..r.bottom {
                    let from = surface.picture.row(
                        y - window.position.y,
                        r.left - window.position.x,
                        r.right - window.position.x,
                    );
                    for (pixel, &s) in out.row_mut(y, r.left, r.right).iter_mut().zip(from) {
                        *pixel = over(s, *pixel) & 0x00ff_ffff;
                    }
                }
            }
        }
    }

    fn blit(&self, window: &Window, part: &Region, out: &mut Picture) {
        let Ok(surface) = self.surface(window.surface) else { return };
        for r in part.rects() {
            let from = r.offset(-window.position.x, -window.position.y);
            out.blit(r.origin(), surface.picture.crop(from));
        }
    }
}
