//! Glyphs: coverage masks in cache slots, and runs of them in one colour.
//!
//! GlyphDefine:
//!
//! | field    | wire        | meaning                                                  |
//! |----------|-------------|----------------------------------------------------------|
//! | slot     | varint      | replaces what was there                                  |
//! | size     | size        | may be empty (a space)                                   |
//! | bearing  | point       | from the pen to the mask's first pixel                   |
//! | advance  | signed      | how far the pen moves right after the glyph              |
//! | kind     | u8          | 0: 1 bit, 1: 4 bits (level × 17), 2: 8 bits a pixel, 3: 8 bits a channel |
//! | mask     | bytes       | rows padded to a byte, most significant bit first        |
//!
//! GlyphRun:
//!
//! | field   | wire             | meaning                                             |
//! |---------|------------------|-----------------------------------------------------|
//! | surface | varint           |                                                     |
//! | colour  | blue, green, red |                                                     |
//! | pen     | point            | baseline position of the first glyph                |
//! | slots   | count, varints   |                                                     |
//!
//! GlyphPlace:
//!
//! | field   | wire             | meaning                                             |
//! |---------|------------------|-----------------------------------------------------|
//! | surface | varint           |                                                     |
//! | colour  | blue, green, red |                                                     |
//! | glyphs  | count            | then for each:                                      |
//! | – slot  | varint           |                                                     |
//! | – pen   | point            |                                                     |
//!
//! Each pixel becomes `blend(colour, pixel, coverage)` (section 1.4), with a coverage of
//! its own for each channel where the glyph has such; an alpha channel takes green's.

use super::{SurfaceId, area_cost, decode_color, encode_color};
use crate::canvas::{Canvas, PaintError};
use crate::geometry::{Point, Rect, Size};
use crate::pixel::{Color, blend};
use crate::wire::{
    DecodeError, MAX_COMMAND_ITEMS, MAX_COORDINATE, MAX_GLYPH_PIXELS, MAX_GLYPH_SLOTS, Reader, Writer,
};

/// A numbered place in the glyph cache, `< MAX_GLYPH_SLOTS`; the sender assigns them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GlyphSlot(pub u32);

/// How much of each pixel a glyph covers: row-major, 0 to 255.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Coverage {
    /// Width and height of the mask.
    pub size: Size,
    /// Whether blue, green and red of a pixel have a byte each, in this order: text
    /// smoothed for the stripes of a flat panel.
    pub subpixel: bool,
    /// `width * height` bytes, three times as many with `subpixel`.
    pub mask: Vec<u8>,
}

/// Puts a glyph into a slot (`PROTOCOL.md` section 4.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlyphDefine {
    /// Slot to fill.
    pub slot: GlyphSlot,
    /// The shape.
    pub coverage: Coverage,
    /// From the pen to the mask's first pixel.
    pub bearing: Point,
    /// Pixels that the pen moves to the right.
    pub advance: i32,
}

/// Paints glyphs from their slots (`PROTOCOL.md` section 4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlyphRun {
    /// Where to paint.
    pub surface: SurfaceId,
    /// Colour at full coverage.
    pub color: Color,
    /// Pen position of the first glyph.
    pub pen: Point,
    /// Glyphs from left to right.
    pub slots: Vec<GlyphSlot>,
}

/// Paints glyphs from their slots, each at a place of its own (`PROTOCOL.md` section 4.22).
///
/// Where a source tells its text, [`GlyphRun`] is what it says; this is what can be seen
/// of text on a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlyphPlace {
    /// Where to paint.
    pub surface: SurfaceId,
    /// Colour at full coverage.
    pub color: Color,
    /// Glyphs in the order of painting.
    pub glyphs: Vec<PlacedGlyph>,
}

/// One glyph of a [`GlyphPlace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedGlyph {
    /// Which glyph.
    pub slot: GlyphSlot,
    /// Its pen position: the mask's first pixel lies at `pen + bearing`.
    pub pen: Point,
}

impl GlyphSlot {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(r.varint_max(u64::from(MAX_GLYPH_SLOTS) - 1, "glyph slot")? as u32))
    }
}

impl Coverage {
    /// Bytes of one row of the mask.
    pub fn row_bytes(&self) -> usize {
        self.size.width as usize * if self.subpixel { 3 } else { 1 }
    }
}

impl GlyphDefine {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.varint(u64::from(self.slot.0));
        self.coverage.size.encode(out);
        self.bearing.encode(out);
        out.signed(self.advance);
        let mask = &self.coverage.mask;
        let bits = if self.coverage.subpixel {
            24
        } else if mask.iter().all(|&m| m == 0 || m == 255) {
            1
        } else if mask.iter().all(|m| m % 17 == 0) {
            4
        } else {
            8
        };
        out.u8(match bits {
            1 => 0,
            4 => 1,
            8 => 2,
            _ => 3,
        });
        for row in mask.chunks(self.coverage.row_bytes().max(1)) {
            pack_row(row, bits, out.buffer());
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let slot = GlyphSlot::decode(r)?;
        let size = Size::decode(r)?;
        if size.area() > MAX_GLYPH_PIXELS {
            return Err(DecodeError::TooLarge { what: "glyph" });
        }
        let bearing = Point::decode(r)?;
        let advance = r.signed()?;
        if advance.unsigned_abs() > MAX_COORDINATE {
            return Err(DecodeError::TooLarge { what: "glyph advance" });
        }
        let bits = match r.u8("glyph kind")? {
            0 => 1,
            1 => 4,
            2 => 8,
            3 => 24,
            kind => return Err(DecodeError::Unknown { what: "glyph kind", value: kind.into() }),
        };
        let width = size.width as usize;
        let row_bytes = (width * bits).div_ceil(8);
        let subpixel = bits == 24;
        let mut mask = Vec::with_capacity(row_bytes.max(width) * size.height as usize);
        for _ in 0..if width == 0 { 0 } else { size.height } {
            unpack_row(r.take(row_bytes, "glyph mask")?, bits, width, &mut mask);
        }
        Ok(Self { slot, coverage: Coverage { size, subpixel, mask }, bearing, advance })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        self.coverage.size.area()
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        canvas.define_glyph(self.slot, self.coverage.clone(), self.bearing, self.advance)
    }
}

fn pack_row(row: &[u8], bits: usize, out: &mut Vec<u8>) {
    match bits {
        1 => out.extend(
            row.chunks(8)
                .map(|c| c.iter().enumerate().fold(0, |byte, (i, &m)| byte | u8::from(m != 0) << (7 - i))),
        ),
        4 => out.extend(row.chunks(2).map(|c| (c[0] / 17) << 4 | c.get(1).map_or(0, |m| m / 17))),
        _ => out.extend_from_slice(row),
    }
}

fn unpack_row(bytes: &[u8], bits: usize, width: usize, mask: &mut Vec<u8>) {
    match bits {
        1 => mask.extend((0..width).map(|x| (bytes[x / 8] >> (7 - x % 8) & 1) * 255)),
        4 => mask.extend((0..width).map(|x| (bytes[x / 2] >> (4 - x % 2 * 4) & 15) * 17)),
        _ => mask.extend_from_slice(bytes),
    }
}

impl GlyphRun {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        encode_color(self.color, out);
        self.pen.encode(out);
        out.varint(self.slots.len() as u64);
        for slot in &self.slots {
            out.varint(u64::from(slot.0));
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let surface = SurfaceId::decode(r)?;
        let color = decode_color(r)?;
        let pen = Point::decode(r)?;
        let n = r.count(MAX_COMMAND_ITEMS, 1, "glyphs")?;
        Ok(Self {
            surface,
            color,
            pen,
            slots: (0..n).map(|_| GlyphSlot::decode(r)).collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn cost(&self, canvas: &Canvas) -> u64 {
        self.slots.iter().filter_map(|&s| canvas.glyph(s)).map(|g| area_cost(g.coverage.size)).sum()
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        let mut pen = self.pen;
        for &slot in &self.slots {
            pen.x += paint_glyph(canvas, self.surface, self.color, slot, pen)?;
            // Hostile advances could add up beyond any coordinate.
            if pen.x.unsigned_abs() > 4 * MAX_COORDINATE {
                return Err(PaintError::OutOfRange { what: "pen" });
            }
        }
        Ok(())
    }
}

impl GlyphPlace {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        encode_color(self.color, out);
        out.varint(self.glyphs.len() as u64);
        for glyph in &self.glyphs {
            out.varint(u64::from(glyph.slot.0));
            glyph.pen.encode(out);
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let surface = SurfaceId::decode(r)?;
        let color = decode_color(r)?;
        let n = r.count(MAX_COMMAND_ITEMS, 3, "glyphs")?;
        let mut glyph = || Ok(PlacedGlyph { slot: GlyphSlot::decode(r)?, pen: Point::decode(r)? });
        Ok(Self { surface, color, glyphs: (0..n).map(|_| glyph()).collect::<Result<_, DecodeError>>()? })
    }

    pub(super) fn cost(&self, canvas: &Canvas) -> u64 {
        self.glyphs.iter().filter_map(|g| canvas.glyph(g.slot)).map(|g| area_cost(g.coverage.size)).sum()
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        for glyph in &self.glyphs {
            paint_glyph(canvas, self.surface, self.color, glyph.slot, glyph.pen)?;
        }
        Ok(())
    }
}

/// Paints one glyph; returns its advance.
fn paint_glyph(
    canvas: &mut Canvas,
    surface: SurfaceId,
    color: Color,
    slot: GlyphSlot,
    pen: Point,
) -> Result<i32, PaintError> {
    let glyph = canvas.glyph(slot).ok_or(PaintError::UnknownGlyph(slot))?.clone();
    let at = pen.offset(glyph.bearing.x, glyph.bearing.y);
    let Coverage { size, subpixel, mask } = &glyph.coverage;
    let channels = if *subpixel { 3 } else { 1 };
    canvas.paint(surface, Rect::at(at, *size), |target| {
        let color = target.opaque(color);
        let clip = target.clip;
        for y in clip.top..clip.bottom {
            let first = (y - at.y) as usize * size.width as usize + (clip.left - at.x) as usize;
            let row = target.picture.row_mut(y, clip.left, clip.right).iter_mut();
            let mask = mask[first * channels..].chunks_exact(channels);
            for (pixel, coverage) in row.zip(mask) {
                *pixel = match *coverage {
                    [0] => *pixel,
                    [255] => color,
                    [m] => blend(color, *pixel, m),
                    [b, g, r] => {
                        blend(color, *pixel, b) & 0x0000_00ff
                            | blend(color, *pixel, g) & 0xff00_ff00
                            | blend(color, *pixel, r) & 0x00ff_0000
                    }
                    _ => *pixel,
                };
            }
        }
    })?;
    Ok(glyph.advance)
}
