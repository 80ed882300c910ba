//! Copy: pixels moved inside or between surfaces, with snapshot semantics.
//!
//! | field    | wire   | meaning                                            |
//! |----------|--------|----------------------------------------------------|
//! | surface  | varint | destination                                        |
//! | items    | count  | then for each:                                     |
//! | – source | varint | surface                                            |
//! | – rect   | rect   | in the source                                      |
//! | – to     | point  | where the rectangle's first pixel goes             |
//!
//! Every item reads the picture as it was before the first of them, and later
//! items overwrite earlier ones. Pixels outside the source are not copied.
//! Pixels without alpha arrive opaque on a surface with alpha; the alpha of others
//! is dropped on a surface without.

use super::{SurfaceId, area_cost};
use crate::canvas::{Canvas, PaintError};
use crate::geometry::{Point, Rect};
use crate::pixel::Picture;
use crate::wire::{DecodeError, MAX_COMMAND_ITEMS, Reader, Writer};

/// Copies rectangles as if all at once (`PROTOCOL.md` section 4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Where to paint.
    pub surface: SurfaceId,
    /// What goes where; all read before any is written.
    pub items: Vec<CopyItem>,
}

/// One rectangle of a [`Copy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyItem {
    /// Surface to read.
    pub source: SurfaceId,
    /// Pixels to read; those outside the source are not copied.
    pub rect: Rect,
    /// Where the first pixel of `rect` goes.
    pub to: Point,
}

/// Items whose sources are looked at before they are kept: as many as there usually are.
const LOOKED_AT: usize = 32;

/// What an item paints.
enum Source {
    /// What is at this place of the surface when its turn comes.
    There(Rect),
    /// These pixels, and whether they have alpha.
    Kept(Picture, bool),
}

impl Copy {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        out.varint(self.items.len() as u64);
        for item in &self.items {
            item.source.encode(out);
            item.rect.encode(out);
            item.to.encode(out);
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let surface = SurfaceId::decode(r)?;
        let n = r.count(MAX_COMMAND_ITEMS, 7, "copies")?;
        let item = |r: &mut Reader<'_>| {
            Ok(CopyItem { source: SurfaceId::decode(r)?, rect: Rect::decode(r)?, to: Point::decode(r)? })
        };
        Ok(Self { surface, items: (0..n).map(|_| item(r)).collect::<Result<_, _>>()? })
    }

    pub(super) fn cost(&self, canvas: &Canvas) -> u64 {
        // Read and written.
        self.items.iter().map(|i| 2 * area_cost(canvas.clipped_size(i.source, &i.rect))).sum()
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        if let [item] = &self.items[..]
            && item.source == self.surface
        {
            return canvas.move_rect(self.surface, item.rect, item.to);
        }
        // What an item reads is kept before anything is painted, unless nothing before it paints
        // there. The snapshot is at most as large as the sources; a frame's paint budget bounds
        // their sum.
        let mut read: Vec<(Point, Source)> = Vec::with_capacity(self.items.len());
        let (mut read_pixels, limit) = (0, canvas.pixel_limit());
        for (i, item) in self.items.iter().enumerate() {
            let source = canvas.surface(item.source)?;
            let rect = item.rect.intersection(&source.picture.bounds());
            if rect.is_empty() {
                continue;
            }
            read_pixels += rect.area();
            if read_pixels > limit {
                return Err(PaintError::TooLarge { what: "pixels copied at once" });
            }
            let to = item.to.offset(rect.left - item.rect.left, rect.top - item.rect.top);
            let is_intact = item.source == self.surface
                && i < LOOKED_AT
                && self.items[..i]
                    .iter()
                    .all(|before| !Rect::at(before.to, before.rect.size()).intersects(&rect));
            let source = match is_intact {
                true => Source::There(rect),
                false => Source::Kept(source.picture.crop(rect).to_picture(), source.alpha),
            };
            read.push((to, source));
        }
        for (to, source) in read {
            let (picture, alpha) = match source {
                Source::There(rect) => {
                    canvas.move_rect(self.surface, rect, to)?;
                    continue;
                }
                Source::Kept(picture, alpha) => (picture, alpha),
            };
            canvas.paint(self.surface, Rect::at(to, picture.size()), |target| match alpha {
                true => target.blit(to, picture.view()),
                false => target.blit_opaque(to, picture.view()),
            })?;
        }
        Ok(())
    }
}
