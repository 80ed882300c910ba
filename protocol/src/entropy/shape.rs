//! New glyphs: their masks, pixel by pixel, in the context of the pixels around, and of a
//! known glyph that looks alike.

use std::collections::VecDeque;

use super::bit::{Bit, Tree};
use super::mixer::Mixer;
use super::number::{Number, Signed, Steady};
use super::{Coder, hash};
use crate::draw::{Coverage, GlyphDefine, GlyphSlot};
use crate::geometry::{Point, Size};
use crate::wire::{DecodeError, MAX_COORDINATE, MAX_GLYPH_PIXELS, MAX_GLYPH_SLOTS};

/// Kinds of masks.
const BITS: u32 = 0;
const LEVELS: u32 = 1;
const SUBPIXEL: u32 = 2;

/// Contexts of a mask's decisions: two neighbours; five; eight; those of a similar glyph.
const CONTEXTS: usize = 4;

/// Glyphs that a new one may be likened to: the latest.
const KNOWN: usize = 128;

/// Glyphs are alike when their samples differ by less than this in the mean.
const ALIKE: u64 = 48;

/// Models of glyphs.
#[derive(Debug, Clone)]
pub(super) struct Shapes {
    next_slot: u32,
    expected: Bit,
    width: Steady,
    height: Steady,
    bearing: [Steady; 2],
    advance: Signed,
    /// By the kind of the glyph before.
    kind: [Tree; 3],
    last_kind: u32,
    samples: Mixer<CONTEXTS>,
    /// The latest glyphs, the last one first.
    known: VecDeque<Coverage>,
    alike: Number,
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
            kind: [Tree::new(2), Tree::new(2), Tree::new(2)],
            last_kind: BITS,
            samples: Mixer::new(14, 6),
            known: VecDeque::with_capacity(KNOWN),
            alike: Number::default(),
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
        let bearing =
            Point::new(self.bearing[0].code(c, define.bearing.x), self.bearing[1].code(c, define.bearing.y));
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
        let kind = self.kind[self.last_kind as usize].code(c, kind);
        let size = Size::new(width, height);
        if size.area() > MAX_GLYPH_PIXELS {
            return Err(DecodeError::TooLarge { what: "glyph" });
        }
        if kind > SUBPIXEL {
            return Err(DecodeError::Unknown { what: "glyph kind", value: kind.into() });
        }
        let place = self.alike.code(c, self.alike_to(&define.coverage)) as usize;
        let alike = place.checked_sub(1).and_then(|i| self.known.get(i)).cloned();
        let alike = alike.filter(|a| a.size == size && a.subpixel == (kind == SUBPIXEL));
        let mask = self.mask(c, size, kind, mask, alike.as_ref());
        let coverage = Coverage { size, subpixel: kind == SUBPIXEL, mask };
        if C::LEARNS {
            self.next_slot = (slot + 1) % MAX_GLYPH_SLOTS;
            self.last_kind = kind;
            self.known.truncate(KNOWN - 1);
            self.known.push_front(coverage.clone());
        }
        Ok(GlyphDefine { slot: GlyphSlot(slot), coverage, bearing, advance })
    }

    /// The place of the most similar glyph among the known ones, counted from 1; 0 for none.
    fn alike_to(&self, new: &Coverage) -> u32 {
        let distance = |old: &Coverage| -> u64 {
            old.mask.iter().zip(&new.mask).map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
        };
        let same_kind = |old: &&Coverage| old.size == new.size && old.subpixel == new.subpixel;
        let known = self.known.iter().enumerate().filter(|(_, old)| same_kind(old));
        let best = known.map(|(i, old)| (distance(old), i)).min();
        best.filter(|(far, _)| *far < ALIKE * new.mask.len() as u64).map_or(0, |(_, i)| i as u32 + 1)
    }

    fn mask<C: Coder>(
        &mut self,
        c: &mut C,
        size: Size,
        kind: u32,
        mask: &[u8],
        alike: Option<&Coverage>,
    ) -> Vec<u8> {
        // With a byte for each channel, a sample's neighbour is that of its own channel.
        let step = if kind == SUBPIXEL { 3 } else { 1 };
        let (width, height) = (size.width as usize * step, size.height as usize);
        let mut out = vec![0u8; width * height];
        for i in 0..width * height {
            let (x, y) = (i % width, i / width);
            let near = |dx: isize, dy: usize| match (x.checked_add_signed(dx), y.checked_sub(dy)) {
                (Some(x), Some(y)) if x < width => fifth(out[y * width + x]),
                _ => 0,
            };
            let likely = |dx: isize, dy: isize| {
                let place = x.checked_add_signed(dx).filter(|x| *x < width).zip(y.checked_add_signed(dy));
                let sample = |a: &Coverage| place.and_then(|(x, y)| a.mask.get(y * width + x)).copied();
                alike.and_then(sample).map_or(0, |m| 1 + fifth(m))
            };
            let s = step as isize;
            let (w, n) = (near(-1, 0), near(0, 1));
            let few = w * 5 + n;
            let five = (few * 5 + near(-s, 1)) * 25 + near(s, 1) * 5 + near(-s - 1, 0).min(4);
            let eight = ((five * 5 + near(0, 2)) * 5 + near(s, 2)) * 5 + near(2 * s, 1);
            let other = (likely(0, 0) * 6 + likely(-1, 0)) * 36 + likely(1, 0) * 6 + likely(0, 1);
            let contexts = [few, five + 1000, eight + 1_000_000, (other * 25 + few) + 1_000_000_000];
            let contexts = contexts.map(|context| hash(kind, context));
            let mut decide = |c: &mut C, node: u32, bit: bool| {
                let set = usize::from(alike.is_some()) * 3 + node.min(2) as usize;
                self.samples.code(c, contexts.map(|context| hash(context, node)), set, bit)
            };
            let value = mask.get(i).copied().unwrap_or(0);
            out[i] = if decide(c, 0, value == 0) {
                0
            } else if kind == BITS || decide(c, 1, value == 255) {
                255
            } else {
                let mut node = 1u32;
                for shift in (0..8).rev() {
                    node = node << 1 | u32::from(decide(c, node + 1, value >> shift & 1 == 1));
                }
                node as u8
            };
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
fn fifth(level: u8) -> u32 {
    match level {
        0 => 0,
        255 => 4,
        m => 1 + u32::from(m) * 3 / 256,
    }
}
