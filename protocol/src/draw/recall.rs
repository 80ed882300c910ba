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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Coverage, DrawCommand, GlyphPlace, PlacedGlyph, SurfaceId, SurfaceResize, TileUse};
    use crate::geometry::Size;
    use crate::pixel::Picture;

    fn wire(command: impl Into<DrawCommand>) -> Vec<u8> {
        let mut out = Writer::new();
        command.into().encode(&mut out);
        out.finish()
    }

    fn read(bytes: &[u8]) -> Result<DrawCommand, DecodeError> {
        let r = &mut Reader::new(bytes);
        let command = DrawCommand::decode(r)?;
        r.finish("command")?;
        Ok(command)
    }

    #[test]
    fn the_bytes_of_the_specification() {
        let glyph = GlyphRecall { index: 3, slot: GlyphSlot(9), bearing: Point::new(0, -8), advance: 7 };
        assert_eq!(wire(glyph), [0x14, 0x03, 0x0c, 0x00, 0x0f, 0x0e]);
        let tile = TileRecall { index: 200, slot: TileSlot(0) };
        assert_eq!(wire(tile), [0x15, 0xc8, 0x01, 0x8f, 0x03]);
        for bytes in [wire(glyph), wire(tile)] {
            assert_eq!(read(&bytes).map(wire), Ok(bytes.clone()));
            for end in 0..bytes.len() {
                assert!(read(&bytes[..end]).is_err(), "{end}");
            }
        }
    }

    #[test]
    fn places_and_slots_that_cannot_be_are_refused() {
        let first = TileRecall { index: MAX_OFFERED_TILES as u32 - 1, slot: TileSlot(MAX_TILE_SLOTS - 1) };
        assert_eq!(read(&wire(first)), Ok(first.into()));
        for (index, slot) in [(MAX_OFFERED_TILES as u32, 0), (0, MAX_TILE_SLOTS)] {
            assert!(read(&wire(TileRecall { index, slot: TileSlot(slot) })).is_err(), "{index} {slot}");
        }
        // A slot below 0, and one beyond all numbers.
        assert!(read(&[0x15, 0x05, 0x0b]).is_err());
        assert!(read(&[0x15, 0x05, 0xfe, 0xff, 0xff, 0xff, 0x0f]).is_err());
        let glyph = |index, slot, advance| GlyphRecall {
            index,
            slot: GlyphSlot(slot),
            bearing: Point::default(),
            advance,
        };
        assert!(read(&wire(glyph(0, MAX_GLYPH_SLOTS - 1, 0))).is_ok());
        assert!(read(&wire(glyph(MAX_OFFERED_GLYPHS as u32, 0, 0))).is_err());
        assert!(read(&wire(glyph(0, MAX_GLYPH_SLOTS, 0))).is_err());
        assert!(read(&wire(glyph(0, 0, MAX_COORDINATE as i32 + 1))).is_err());
    }

    #[test]
    fn what_was_offered_is_painted_and_nothing_else() {
        let mut canvas = Canvas::new();
        let (surface, slot) = (SurfaceId::SCREEN, GlyphSlot(5));
        canvas.apply(&SurfaceResize { id: surface, size: Size::new(4, 2) }.into()).unwrap();
        let shape = Coverage { size: Size::new(2, 1), subpixel: false, mask: vec![255, 0] };
        assert!(canvas.library_mut().put_glyph(1, shape.into()));
        assert!(canvas.library_mut().put_tile(0, Picture::new(Size::new(1, 1), 0x12_34_56).into()));

        let recall = GlyphRecall { index: 1, slot, bearing: Point::new(1, -1), advance: 0 };
        canvas.apply(&recall.into()).unwrap();
        let glyphs = vec![PlacedGlyph { slot, pen: Point::new(0, 1) }];
        canvas.apply(&GlyphPlace { surface, color: 0xff_00_00, glyphs }.into()).unwrap();
        canvas.apply(&TileRecall { index: 0, slot: TileSlot(7) }.into()).unwrap();
        canvas.apply(&TileUse { surface, slot: TileSlot(7), points: vec![Point::new(3, 1)] }.into()).unwrap();
        let screen = canvas.screen();
        assert_eq!(screen.data(), [0, 0xff_00_00, 0, 0, 0, 0, 0, 0x12_34_56]);

        let unknown = GlyphRecall { index: 0, ..recall };
        let error = PaintError::NotOffered { what: "glyph", index: 0 };
        assert_eq!((unknown.cost(&canvas), canvas.apply(&unknown.into())), (0, Err(error)));
        let unknown = TileRecall { index: 1, slot: TileSlot(8) };
        assert_eq!(canvas.apply(&unknown.into()), Err(PaintError::NotOffered { what: "tile", index: 1 }));
        assert!(canvas.tile(TileSlot(8)).is_none());
    }
}
