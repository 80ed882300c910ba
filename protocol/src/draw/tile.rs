//! Tiles: rectangles of pixels in cache slots.
//!
//! | command     | fields                                                        |
//! |-------------|---------------------------------------------------------------|
//! | TileDefine  | slot varint, size, payload bytes (encoded pixels, section 3)  |
//! | TileCapture | slot varint, surface varint, rect (must lie on the surface)   |
//! | TileUse     | surface varint, slot varint, count, points                    |
//!
//! A tile has no alpha; on an alpha surface it is painted opaque.

use super::{SurfaceId, area_cost};
use crate::canvas::{Canvas, PaintError};
use crate::geometry::{Point, Rect, Size};
use crate::wire::{
    DecodeError, MAX_COMMAND_ITEMS, MAX_MESSAGE, MAX_TILE_PIXELS, MAX_TILE_SLOTS, Reader, Writer,
};

/// A numbered place in the tile cache, `< MAX_TILE_SLOTS`; the sender assigns them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileSlot(pub u32);

/// Puts encoded pixels into a slot (`PROTOCOL.md` section 4.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileDefine {
    /// Slot to fill; what was there is replaced.
    pub slot: TileSlot,
    /// Size of the tile.
    pub size: Size,
    /// Encoded pixels, see [`crate::encoding`].
    pub payload: Vec<u8>,
}

/// Puts pixels that are on a surface already into a slot (`PROTOCOL.md` section 4.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileCapture {
    /// Slot to fill; what was there is replaced.
    pub slot: TileSlot,
    /// Surface to read, one without alpha.
    pub surface: SurfaceId,
    /// Pixels to read; must lie on the surface.
    pub rect: Rect,
}

/// Paints a tile at several places (`PROTOCOL.md` section 4.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileUse {
    /// Where to paint.
    pub surface: SurfaceId,
    /// Which tile.
    pub slot: TileSlot,
    /// Where its first pixel goes, each clipped to the surface.
    pub points: Vec<Point>,
}

impl TileSlot {
    pub(super) fn encode(self, out: &mut Writer) {
        out.varint(u64::from(self.0));
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(r.varint_max(u64::from(MAX_TILE_SLOTS) - 1, "tile slot")? as u32))
    }
}

fn tile_sized(size: Size) -> Result<(), DecodeError> {
    match size.area() {
        0 => Err(DecodeError::Invalid { what: "empty tile" }),
        n if n > MAX_TILE_PIXELS => Err(DecodeError::TooLarge { what: "tile" }),
        _ => Ok(()),
    }
}

impl TileDefine {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.slot.encode(out);
        self.size.encode(out);
        out.bytes(&self.payload);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let slot = TileSlot::decode(r)?;
        let size = Size::decode(r)?;
        tile_sized(size)?;
        Ok(Self { slot, size, payload: r.bytes(MAX_MESSAGE, "encoded tile")?.to_vec() })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        2 * area_cost(self.size)
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        canvas.decoded(&self.payload, self.size, false, |canvas, picture| {
            canvas.define_tile(self.slot, picture.into())
        })
    }
}

impl TileCapture {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.slot.encode(out);
        self.surface.encode(out);
        self.rect.encode(out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let slot = TileSlot::decode(r)?;
        let surface = SurfaceId::decode(r)?;
        let rect = Rect::decode(r)?;
        tile_sized(rect.size())?;
        Ok(Self { slot, surface, rect })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        area_cost(self.rect.size())
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        let source = canvas.surface(self.surface)?;
        if source.alpha || !source.picture.bounds().contains_rect(&self.rect) {
            return Err(PaintError::OutOfRange { what: "captured tile" });
        }
        let picture = source.picture.crop(self.rect).to_picture();
        canvas.define_tile(self.slot, picture.into())
    }
}

impl TileUse {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        self.slot.encode(out);
        out.varint(self.points.len() as u64);
        for p in &self.points {
            p.encode(out);
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let surface = SurfaceId::decode(r)?;
        let slot = TileSlot::decode(r)?;
        let n = r.count(MAX_COMMAND_ITEMS, 2, "points")?;
        Ok(Self { surface, slot, points: (0..n).map(|_| Point::decode(r)).collect::<Result<_, _>>()? })
    }

    pub(super) fn cost(&self, canvas: &Canvas) -> u64 {
        canvas.tile(self.slot).map_or(0, |t| area_cost(t.size()) * self.points.len() as u64)
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        let tile = canvas.tile(self.slot).ok_or(PaintError::UnknownTile(self.slot))?.clone();
        for &at in &self.points {
            canvas.paint(self.surface, Rect::at(at, tile.size()), |target| {
                target.blit_opaque(at, tile.view())
            })?;
        }
        Ok(())
    }
}
