//! Pixels of windows and of the root, read and handed over.

use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Point, Rect, Region, Size};
use panto_protocol::pixel::{Color, Pixels};
use x11rb::protocol::xproto::Window;

use super::super::images::{Images, Part};
use super::super::pending::Pending;
use super::super::server::{Server, rectangles};
use super::super::{CaptureError, CaptureSink, rects};
use super::WindowCapture;
use super::backing::known;

/// Whose pixels are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    Root,
    Window(Window),
}

impl WindowCapture {
    /// What has to be read of windows, in their pixmaps' coordinates; damage of the root
    /// goes to the background.
    pub(super) fn damaged_parts(
        &mut self,
        server: &Server,
        screen: Size,
        pending: &mut Pending,
    ) -> Result<Vec<(Owner, Rect)>, CaptureError> {
        let mut asked = Vec::new();
        for (&window, backing) in self.backings.iter_mut().filter(|(_, b)| b.is_due()) {
            backing.held = None;
            if let (true, Some(damage)) = (std::mem::take(&mut backing.damaged), backing.damage) {
                asked.push((window, server.take_damage(damage)?));
            }
        }
        let of_root = match pending.root_damage {
            Some(damage) if std::mem::take(&mut pending.damage) => Some(server.take_damage(damage)?),
            _ => None,
        };
        let mut parts = Vec::new();
        for (window, reported) in asked {
            let Some(reported) = known(reported.reply())? else { continue };
            let Some(backing) = self.backings.get(&window).filter(|b| b.pixmap.is_some() && !b.whole) else {
                continue;
            };
            let rects = rectangles(&reported).map(|r| r.offset(backing.border, backing.border));
            for rect in rects::merge(rects, backing.size).rects() {
                parts.push((Owner::Window(window), *rect));
            }
        }
        for (&window, backing) in self.backings.iter_mut().filter(|(_, b)| b.held.is_none()) {
            if std::mem::take(&mut backing.whole) {
                parts.push((Owner::Window(window), Rect::of_size(backing.size)));
            }
        }
        if let Some(of_root) = of_root {
            self.background.doubt(&rects::merge(rectangles(&of_root.reply()?), screen));
        }
        Ok(parts)
    }

    /// Reads parts and hands them over.
    pub(super) fn read(
        &mut self,
        server: &Server,
        parts: &[(Owner, Rect)],
        pending: &mut Pending,
        images: &mut Images,
        sink: &mut dyn CaptureSink,
    ) -> Result<(), CaptureError> {
        let mut pieces = Vec::with_capacity(parts.len());
        for &(owner, rect) in parts {
            let drawable = match owner {
                Owner::Root => Some(server.root),
                Owner::Window(window) => self.backings.get(&window).and_then(|b| b.pixmap),
            };
            let Some(drawable) = drawable else { continue };
            pieces.extend(images.pieces(rect).map(|rect| (owner, Part { drawable, rect })));
        }
        let mut rest = &pieces[..];
        while !rest.is_empty() {
            let asked: Vec<Part> = rest.iter().map(|(_, part)| *part).collect();
            let fetched = images.fetch(&server.conn, &asked)?;
            // Every event of what was done before the images were made has arrived with them.
            self.drain(server, pending)?;
            for ((owner, part), image) in rest.iter().zip(&fetched) {
                let result = match *owner {
                    Owner::Root => {
                        // Where a window came or went in the meantime it may be in the picture.
                        let mut sure = Region::from(part.rect);
                        sure.subtract_region(self.tree.disturbed());
                        sure.rects().iter().try_for_each(|r| {
                            images.hand_over(image, *r, &mut |at, pixels| {
                                sink.surface_pixels(SurfaceId::SCREEN, at, pixels);
                            })
                        })
                    }
                    Owner::Window(window) => {
                        let Some(surface) = self.layout.surface(window) else { continue };
                        let shape = self.backings.get(&window).and_then(|b| b.shape.as_ref());
                        let band = &mut self.band;
                        images.hand_over(image, part.rect, &mut |at, pixels| match shape {
                            None => sink.surface_pixels(surface, at, pixels),
                            Some(shape) => sink.surface_pixels(surface, at, cut(pixels, at, shape, band)),
                        })
                    }
                };
                match result {
                    // A window's pixmap is ours: only sharing memory can have failed.
                    Err(error @ CaptureError::Request { .. }) if images.is_shared() => {
                        pending.refused = Some(error);
                    }
                    Err(error @ CaptureError::Request { .. }) => match owner {
                        Owner::Root => pending.refused = Some(error),
                        Owner::Window(_) => tracing::debug!(%error, "a window's image"),
                    },
                    result => result?,
                }
            }
            rest = &rest[fetched.len()..];
        }
        Ok(())
    }
}

/// Opaque pixels inside the shape, and nothing outside.
fn cut<'b>(pixels: Pixels<'_>, at: Point, shape: &Region, band: &'b mut Vec<Color>) -> Pixels<'b> {
    let size = pixels.size();
    band.clear();
    band.resize(size.area() as usize, 0);
    for r in shape.intersection(&Rect::at(at, size)).rects() {
        let r = r.offset(-at.x, -at.y);
        for y in r.top as usize..r.bottom as usize {
            let columns = r.left as usize..r.right as usize;
            let row = &mut band[y * size.width as usize..][columns.clone()];
            for (out, pixel) in row.iter_mut().zip(&pixels.row(y)[columns]) {
                *out = pixel | 0xff00_0000;
            }
        }
    }
    Pixels::new(size, size.width as usize, band).expect("the band was just made for this size")
}
