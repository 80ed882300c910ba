//! Colours that something suggests: a memory of neighbourhoods, what was here before, the
//! neighbours, the colours used so far.

use super::super::Coder;
use super::super::bit::Bit;
use super::super::symbol::Symbol;
use super::memory::{self, Ahead, Memory};
use crate::pixel::Color;

/// Neighbourhoods remembered, as powers of two.
const FAR_BITS: u32 = 20;
const NEAR_BITS: u32 = 18;

/// Where a colour comes from. The numbers are those of the protocol.
mod origin {
    pub(super) const WEST: usize = 0;
    pub(super) const NORTH: usize = 1;
    pub(super) const NORTH_EAST: usize = 2;
    pub(super) const NORTH_WEST: usize = 3;
    pub(super) const BEFORE: usize = 4;
    pub(super) const FAR: usize = 5;
    pub(super) const NEAR: usize = 6;
    pub(super) const KEPT: usize = 7;
    pub(super) const SPELT: usize = 8;
}

/// How likely origins are at first, in 32768 parts.
const ORIGINS: [i16; 16] = [9000, 9000, 1500, 1500, 2000, 200, 200, 4000, 5200, 24, 24, 24, 24, 24, 24, 24];

/// Models of colours that something suggests.
#[derive(Debug, Clone)]
pub(super) struct Known {
    far: Memory,
    near: Memory,
    ahead: Ahead,
    is_far: Vec<Bit>,
    is_near: Vec<Bit>,
    origins: Vec<Symbol>,
    kept: Vec<Color>,
    slots: Vec<Symbol>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            far: Memory::new(FAR_BITS),
            near: Memory::new(NEAR_BITS),
            ahead: Ahead::default(),
            is_far: vec![Bit::default(); 8 * 64],
            is_near: vec![Bit::default(); 8 * 64],
            origins: vec![Symbol::of(ORIGINS); 512],
            kept: vec![0; 256],
            slots: vec![Symbol::default(); 32],
        }
    }
}

/// The slot of a colour.
#[inline]
fn slot(color: Color) -> usize {
    (color.wrapping_mul(0x9e37_79b1) >> 24) as usize
}

/// What is seen from a pixel.
pub(super) struct View<'a> {
    pub(super) new: &'a [Color],
    pub(super) stride: usize,
    pub(super) i: usize,
    /// Where its row ends.
    pub(super) end: usize,
    pub(super) w: Color,
    pub(super) n: Color,
    pub(super) nw: Color,
    pub(super) ne: Color,
    pub(super) before: Color,
    /// How many of three neighbours did not change.
    pub(super) still: usize,
    /// How many of four neighbours were spelt out.
    pub(super) spelt: u32,
    /// About what it takes to spell out a colour, in bits.
    pub(super) price: u32,
}

impl Known {
    /// Before the first pixel.
    pub(super) fn make(&mut self) {
        self.far.make();
        self.near.make();
    }

    /// Before a row.
    pub(super) fn row(&mut self) {
        self.ahead.reset();
    }

    /// Whether a kept colour takes no more than to spell it out for about `price` bits.
    fn is_cheap(&self, color: Color, w: Color, origins: &Symbol, price: u32) -> bool {
        let slot = slot(color);
        let place = u64::from(self.slots[self::slot(w) >> 4].p(slot >> 4))
            * u64::from(self.slots[16 + (slot >> 4)].p(slot & 15));
        let kept = u64::from(origins.p(origin::KEPT)) * place;
        kept >= u64::from(origins.p(origin::SPELT)) << (30 - price.min(30))
    }

    /// Codes a colour, if it is one of the suggested ones; `spell` codes any other.
    #[inline]
    pub(super) fn code<C: Coder>(
        &mut self,
        c: &mut C,
        color: Color,
        view: &View<'_>,
        spell: impl FnOnce(&mut C) -> Color,
    ) -> Color {
        let View { w, n, nw, ne, before, still, .. } = *view;
        let (far_above, near_above) =
            self.ahead.lines(&self.far, &self.near, view.new, view.stride, view.i, view.end);
        let (far_left, near_left) = memory::left(view.new, view.i);
        let far_found = self.far.find(far_above, far_left);
        let near_found = self.near.find(near_above, near_left);
        let (far, far_sure) = (far_found.color, far_found.sure);
        let (near, near_sure) = (near_found.color, near_found.sure);
        let color = 'found: {
            let mut context = usize::from(w == n)
                | usize::from(w == nw) << 1
                | usize::from(n == nw) << 2
                | usize::from(n == ne) << 3
                | usize::from(still > 1) << 4;
            let is_rough = view.spelt > 1;
            if !is_rough {
                if far_sure > 0 {
                    let flags = usize::from(near == far)
                        | usize::from(before == far) << 1
                        | usize::from(w == far) << 2
                        | usize::from(n == far) << 3
                        | still << 4;
                    if self.is_far[far_sure << 6 | flags].code(c, color == far) {
                        break 'found far;
                    }
                }
                if near_sure > 0 && (near != far || far_sure == 0) {
                    let flags = usize::from(before == near)
                        | usize::from(w == near) << 1
                        | usize::from(n == near) << 2
                        | still << 3
                        | usize::from(far_sure > 1) << 5;
                    if self.is_near[near_sure << 6 | flags].code(c, color == near) {
                        break 'found near;
                    }
                }
                let refused = |p| far_sure > 0 && p == far || near_sure > 0 && p == near;
                context |=
                    usize::from(refused(w)) << 5 | usize::from(refused(n)) << 6 | (view.spelt as usize) << 7;
            } else {
                context |= (view.spelt as usize - 2) << 5 | 1 << 8;
            }
            let origins = &self.origins[context & 511];
            let origin = match color {
                _ if C::READS => 0,
                _ if color == w => origin::WEST,
                _ if color == n => origin::NORTH,
                _ if color == ne => origin::NORTH_EAST,
                _ if color == nw => origin::NORTH_WEST,
                _ if color == before => origin::BEFORE,
                _ if is_rough && far_sure > 0 && far == color => origin::FAR,
                _ if is_rough && near_sure > 0 && near == color => origin::NEAR,
                _ if self.kept[slot(color)] == color && self.is_cheap(color, w, origins, view.price) => {
                    origin::KEPT
                }
                _ => origin::SPELT,
            };
            match self.origins[context & 511].code(c, origin as u32) as usize {
                origin::WEST => w,
                origin::NORTH => n,
                origin::NORTH_EAST => ne,
                origin::NORTH_WEST => nw,
                origin::BEFORE => before,
                origin::FAR => far,
                origin::NEAR => near,
                origin::KEPT => {
                    let slot = slot(color) as u32;
                    let high = self.slots[self::slot(w) >> 4].code(c, slot >> 4);
                    let low = self.slots[16 + (high as usize & 15)].code(c, slot & 15);
                    self.kept[(high << 4 | low) as usize]
                }
                _ => {
                    let color = spell(c);
                    if C::LEARNS {
                        self.kept[slot(color)] = color;
                    }
                    color
                }
            }
        };
        if C::LEARNS {
            self.far.learn(&far_found, color);
            self.near.learn(&near_found, color);
        }
        color
    }
}
