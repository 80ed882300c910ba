//! New glyphs: their masks, pixel by pixel, in the context of the pixels around.

use super::bit::{Bit, Tree};
use super::number::{Signed, Steady};
use super::Coder;
use crate::draw::{Coverage, GlyphDefine, GlyphSlot};
use crate::geometry::{Point, Size};
use crate::wire::{DecodeError, MAX_COORDINATE, MAX_GLYPH_PIXELS, MAX_GLYPH_SLOTS};

/// Kinds of masks.
const BITS: u32 = 0;
const LEVELS: u32 = 1;
const SUBPIXEL: u32 = 2;

/// Contexts of a level's first decisions: the neighbours' levels in five steps each.
const LEVEL_CONTEXTS: usize = 625;

/// Models of glyphs.
#[derive(Debug, Clone)]
pub(super) struct Shapes {
    next_slot: u32,
    expected: Bit,
    width: Steady,
    height: Steady,
    bearing: [Steady; 2],
    advance: Signed,
    kind: Tree,
    kinds: u32,
    /// One bit of a mask, by ten neighbours.
    bits: Vec<Bit>,
    empty: Vec<Bit>,
    full: Vec<Bit>,
    /// The level itself, by the mean of two neighbours.
    level: Vec<Tree>,
}

impl Default for Shapes {
    fn default() -> Self {
        Self {
            next_slot: 0,
            expected: Bit::default(),
            width: Steady::default(),
            height: Steady::default(),
            bearing: Default::default(),
            advance: Signed::default(),
            kind: Tree::new(4),
            kinds: 0,
            bits: vec![Bit::default(); 1024],
            empty: vec![Bit::default(); LEVEL_CONTEXTS],
            full: vec![Bit::default(); LEVEL_CONTEXTS],
            level: vec![Tree::new(8); 9],
        }
    }
}

impl Shapes {
    /// Codes a definition.
    ///
    /// # Errors
    ///
    /// When decoding, if it is beyond a limit.
    pub(super) fn code<C: Coder>(
        &mut self,
        c: &mut C,
        define: &GlyphDefine,
    ) -> Result<GlyphDefine, DecodeError> {
        let expected = self.expected.code(c, define.slot.0 == self.next_slot);
        let slot = if expected { self.next_slot } else { c.literal(define.slot.0, 16) };
        let Coverage { size, subpixel, mask } = &define.coverage;
        let width = side(self.width.code(c, size.width as i32))?;
        let height = side(self.height.code(c, size.height as i32))?;
        let bearing = Point::new(
            self.bearing[0].code(c, define.bearing.x),
            self.bearing[1].code(c, define.bearing.y),
        );
        let advance = self.advance.code(c, define.advance.saturating_sub(width as i32));
        let advance = advance.saturating_add(width as i32);
        if [bearing.x, bearing.y, advance].iter().any(|v| v.unsigned_abs() > MAX_COORDINATE) {
            return Err(DecodeError::TooLarge { what: "glyph metrics" });
        }
        let kind = if *subpixel {
            SUBPIXEL
        } else if mask.iter().all(|m| matches!(m, 0 | 255)) {
            BITS
        } else {
            LEVELS
        };
        // The kind of the glyph before is the context.
        let kind = self.kind.code(c, self.kinds << 2 | kind) & 3;
        let size = Size::new(width, height);
        if size.area() > MAX_GLYPH_PIXELS {
            return Err(DecodeError::TooLarge { what: "glyph" });
        }
        let mask = match kind {
            BITS => self.bits(c, size, mask),
            LEVELS => self.levels(c, width as usize, 1, height as usize, mask),
            SUBPIXEL => self.levels(c, width as usize * 3, 3, height as usize, mask),
            _ => return Err(DecodeError::Unknown { what: "glyph kind", value: kind.into() }),
        };
        if C::LEARNS {
            self.next_slot = (slot + 1) % MAX_GLYPH_SLOTS;
            self.kinds = kind;
        }
        let coverage = Coverage { size, subpixel: kind == SUBPIXEL, mask };
        Ok(GlyphDefine { slot: GlyphSlot(slot), coverage, bearing, advance })
    }

    fn bits<C: Coder>(&mut self, c: &mut C, size: Size, mask: &[u8]) -> Vec<u8> {
        let (w, h) = (size.width as usize, size.height as usize);
        let mut out = vec![0u8; w * h];
        for y in 0..h {
            for x in 0..w {
                let at = |dx: isize, dy: usize| match (x.checked_add_signed(dx), y.checked_sub(dy)) {
                    (Some(x), Some(y)) if x < w => usize::from(out[y * w + x] & 1),
                    _ => 0,
                };
                let context = at(-1, 0)
                    | at(-2, 0) << 1
                    | at(-2, 1) << 2
                    | at(-1, 1) << 3
                    | at(0, 1) << 4
                    | at(1, 1) << 5
                    | at(2, 1) << 6
                    | at(-1, 2) << 7
                    | at(0, 2) << 8
                    | at(1, 2) << 9;
                let bit = mask.get(y * w + x).is_some_and(|m| *m != 0);
                let bit = self.bits[context].code(c, bit);
                out[y * w + x] = if bit { 255 } else { 0 };
            }
        }
        out
    }

    /// `width`: samples in a row; `step`: from a sample to its neighbour of the same channel.
    fn levels<C: Coder>(&mut self, c: &mut C, width: usize, step: usize, height: usize, mask: &[u8]) -> Vec<u8> {
        let mut out = vec![0u8; width * height];
        for y in 0..height {
            for x in 0..width {
                let above = |x: Option<usize>| match (x, y.checked_sub(1)) {
                    (Some(x), Some(y)) if x < width => out[y * width + x],
                    _ => 0,
                };
                let west = x.checked_sub(1).map_or(0, |x| out[y * width + x]);
                let north = above(Some(x));
                let (north_west, north_east) = (above(x.checked_sub(step)), above(Some(x + step)));
                let context = [west, north, north_west, north_east].iter().fold(0, |n, m| n * 5 + fifth(*m));
                let value = mask.get(y * width + x).copied().unwrap_or(0);
                out[y * width + x] = if self.empty[context].code(c, value == 0) {
                    0
                } else if self.full[context].code(c, value == 255) {
                    255
                } else {
                    let mean = (usize::from(west) + usize::from(north)).div_ceil(64);
                    self.level[mean.min(8)].code(c, value.into()) as u8
                };
            }
        }
        out
    }
}

fn side(side: i32) -> Result<u32, DecodeError> {
    match u32::try_from(side) {
        Ok(side) if side <= MAX_COORDINATE => Ok(side),
        _ => Err(DecodeError::TooLarge { what: "glyph" }),
    }
}

/// A level in five steps: none, three between, all.
fn fifth(level: u8) -> usize {
    match level {
        0 => 0,
        255 => 4,
        m => 1 + usize::from(m) * 3 / 256,
    }
}

