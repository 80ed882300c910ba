//! Recalls: what a viewer kept from an earlier session and has offered in its hello
//! ([`crate::message::Offer`]), put into cache slots instead of being sent again.
//!
//! GlyphRecall:
//!
//! | field   | wire   | meaning                                             |
//! |---------|--------|-----------------------------------------------------|
//! | index   | varint | which of the offered glyphs, from 0                 |
//! | slot    | signed | slot to fill, less the index                        |
//! | bearing | point  | from the pen to the mask's first pixel              |
//! | advance | signed | how far the pen moves right after the glyph         |
//!
//! TileRecall:
//!
//! | field   | wire   | meaning                                             |
//! |---------|--------|-----------------------------------------------------|
//! | index   | varint | which of the offered tiles, from 0                  |
//! | slot    | signed | slot to fill, less the index                        |
//!
//! A sender that keeps a slot for every index repeats one number in the place of the
//! slot, which costs next to nothing in a coded frame.

use super::tile::TileSlot;
use super::{GlyphSlot, area_cost};
use crate::canvas::{Canvas, PaintError};
use crate::geometry::Point;
use crate::wire::{
    DecodeError, MAX_COORDINATE, MAX_GLYPH_SLOTS, MAX_OFFERED_GLYPHS, MAX_OFFERED_TILES, MAX_TILE_SLOTS,
    Reader, Writer,
};

/// Puts an offered glyph into a slot (`PROTOCOL.md` section 4.24).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlyphRecall {
    /// Which of the offered glyphs.
    pub index: u32,
    /// Slot to fill; what was there is replaced.
    pub slot: GlyphSlot,
    /// From the pen to the mask's first pixel.
    pub bearing: Point,
    /// Pixels that the pen moves to the right.
    pub advance: i32,
}

/// Puts an offered tile into a slot (`PROTOCOL.md` section 4.25).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileRecall {
    /// Which of the offered tiles.
    pub index: u32,
    /// Slot to fill; what was there is replaced.
    pub slot: TileSlot,
}

fn encode_entry(index: u32, slot: u32, out: &mut Writer) {
    out.varint(u64::from(index));
    // Both are small: see the limits.
    out.signed(slot as i32 - index as i32);
}

/// Index and slot.
fn decode_entry(
    r: &mut Reader<'_>,
    entries: usize,
    slots: u32,
    what: &'static str,
) -> Result<(u32, u32), DecodeError> {
    let index = r.varint_max(entries as u64 - 1, what)? as u32;
    let slot = i64::from(r.signed()?) + i64::from(index);
    match u32::try_from(slot) {
        Ok(slot) if slot < slots => Ok((index, slot)),
        _ => Err(DecodeError::TooLarge { what }),
    }
}

impl GlyphRecall {
    pub(super) fn encode(&self, out: &mut Writer) {
        encode_entry(self.index, self.slot.0, out);
        self.bearing.encode(out);
        out.signed(self.advance);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (index, slot) = decode_entry(r, MAX_OFFERED_GLYPHS, MAX_GLYPH_SLOTS, "recalled glyph")?;
        let bearing = Point::decode(r)?;
        let advance = r.signed()?;
        if advance.unsigned_abs() > MAX_COORDINATE {
            return Err(DecodeError::TooLarge { what: "glyph advance" });
        }
        Ok(Self { index, slot: GlyphSlot(slot), bearing, advance })
    }

    pub(super) fn cost(&self, canvas: &Canvas) -> u64 {
        canvas.library().glyph(self.index).map_or(0, |shape| shape.size.area())
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        let shape = canvas.library().glyph(self.index);
        let shape = shape.ok_or(PaintError::NotOffered { what: "glyph", index: self.index })?;
        let coverage = (**shape).clone();
        canvas.define_glyph(self.slot, coverage, self.bearing, self.advance)
    }
}

impl TileRecall {
    pub(super) fn encode(&self, out: &mut Writer) {
        encode_entry(self.index, self.slot.0, out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (index, slot) = decode_entry(r, MAX_OFFERED_TILES, MAX_TILE_SLOTS, "recalled tile")?;
        Ok(Self { index, slot: TileSlot(slot) })
    }

    pub(super) fn cost(&self, canvas: &Canvas) -> u64 {
        canvas.library().tile(self.index).map_or(0, |tile| area_cost(tile.size()))
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        let tile = canvas.library().tile(self.index);
        let tile = tile.ok_or(PaintError::NotOffered { what: "tile", index: self.index })?.clone();
        canvas.define_tile(self.slot, tile)
    }
}
