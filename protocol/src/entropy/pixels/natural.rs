//! Colours spelt out: what is left of them after a prediction, in the context of how rough it is around.

use super::super::Coder;
use super::super::symbol::Symbol;
use crate::pixel::Color;

/// Levels of roughness.
const LEVELS: usize = 12;

/// First number and raw bits of each class of differences.
const CLASSES: [(i32, u32); 16] = [
    (-160, 7),
    (-32, 4),
    (-16, 3),
    (-8, 2),
    (-4, 1),
    (-2, 0),
    (-1, 0),
    (0, 0),
    (1, 0),
    (2, 0),
    (3, 1),
    (5, 2),
    (9, 3),
    (17, 4),
    (33, 5),
    (65, 6),
];

/// The class of each difference mod 256.
const CLASS: [u8; 256] = {
    let mut classes = [0; 256];
    let mut class = 0;
    while class < 16 {
        let (first, bits) = CLASSES[class];
        let mut i = 0;
        while i < 1 << bits {
            let v = first + i;
            if -128 <= v && v <= 127 {
                classes[(v & 255) as usize] = class as u8;
            }
            i += 1;
        }
        class += 1;
    }
    classes
};

/// A level for each roughness below 256.
const LEVEL: [u8; 256] = {
    let mut levels = [0; 256];
    let mut i = 0;
    while i < 256 {
        levels[i] = match i {
            0 => 0,
            1..=2 => 1,
            3..=4 => 2,
            5..=7 => 3,
            8..=11 => 4,
            12..=17 => 5,
            18..=25 => 6,
            26..=37 => 7,
            38..=55 => 8,
            56..=81 => 9,
            82..=121 => 10,
            _ => 11,
        };
        i += 1;
    }
    levels
};

/// How likely classes are at first, in 32768 parts.
const SHARES: [i16; 16] =
    [600, 900, 1500, 2300, 3000, 2400, 3200, 5000, 3200, 2400, 3000, 2300, 1500, 900, 400, 168];

/// About what a colour takes at each level, in bits: measured on photographs.
const PRICE: [u32; LEVELS] = [4, 5, 6, 7, 8, 10, 12, 13, 15, 16, 17, 18];

/// What surrounds a pixel.
pub(super) struct Around {
    pub(super) w: Color,
    pub(super) n: Color,
    pub(super) nw: Color,
    pub(super) ne: Color,
    /// What was left of the pixels to the left and above.
    pub(super) errors: u32,
    /// Most pixels around were not spelt out.
    pub(super) edge: bool,
}

impl Around {
    /// How rough it is: one of `LEVELS`.
    #[inline]
    fn level(&self) -> usize {
        let green = |p| part(p, 8);
        let rough = (green(self.w) - green(self.nw)).abs()
            + (green(self.n) - green(self.nw)).abs()
            + (green(self.n) - green(self.ne)).abs()
            + self.errors as i32;
        usize::from(LEVEL[rough.min(255) as usize])
    }

    /// About what it takes to spell out a colour, in bits.
    #[inline]
    pub(super) fn price(&self) -> u32 {
        if self.edge { 14 } else { PRICE[self.level()] }
    }
}

/// Models of colours spelt out.
#[derive(Debug, Clone)]
pub(super) struct Natural {
    channels: Vec<Symbol>,
}

impl Default for Natural {
    fn default() -> Self {
        Self { channels: vec![Symbol::of(SHARES); 2 * LEVELS * (1 + 3 + 3)] }
    }
}

fn part(color: Color, shift: u32) -> i32 {
    (color >> shift & 255) as i32
}

/// How large a class is: 0, 1 or more.
fn size(class: u32) -> usize {
    match class {
        7 => 0,
        6 | 8 => 1,
        _ => 2,
    }
}

impl Natural {
    /// Codes a colour; also returns how far it was from its prediction, from 1 on.
    #[inline]
    pub(super) fn code<C: Coder>(&mut self, c: &mut C, color: Color, around: &Around) -> (Color, u8) {
        let Around { w, n, nw, .. } = *around;
        let guess = |shift| median(part(w, shift), part(n, shift), part(nw, shift));
        let (red, green, blue) = (guess(16), guess(8), guess(0));
        let level = around.level() + if around.edge { LEVELS } else { 0 };
        let dg = (part(color, 8) - green) & 255;
        let dr = (part(color, 16) - red - dg) & 255;
        let db = (part(color, 0) - blue - dg) & 255;
        let class = |d: i32| u32::from(CLASS[d as usize]);
        let cg = self.channels[level].code(c, class(dg));
        let cr = self.channels[2 * LEVELS * (1 + size(cg)) + level].code(c, class(dr));
        let cb = self.channels[2 * LEVELS * (4 + size(cr)) + level].code(c, class(db));
        let [(g0, gb), (r0, rb), (b0, bb)] = [cg, cr, cb].map(|c| CLASSES[c as usize & 15]);
        let low = |d: i32, first: i32, bits: u32| ((d - first) & ((1 << bits) - 1)) as u32;
        let mut rest = (low(dg, g0, gb) << rb | low(dr, r0, rb)) << bb | low(db, b0, bb);
        let bits = gb + rb + bb;
        if bits > 0 {
            rest = c.literal(rest, bits);
        }
        let low = |shift: u32, bits: u32| (rest >> shift & ((1 << bits) - 1)) as i32;
        let dg = g0 + low(rb + bb, gb);
        let dr = r0 + low(bb, rb);
        let db = b0 + low(0, bb);
        let color = ((red + dr + dg) & 255) << 16 | ((green + dg) & 255) << 8 | ((blue + db + dg) & 255);
        let error = dg.abs() + ((dr.abs() + db.abs()) >> 1);
        (color as Color, 1 + error.min(254) as u8)
    }
}

/// The median of west, north and their gradient (MED).
#[inline]
fn median(w: i32, n: i32, nw: i32) -> i32 {
    let (low, high) = (w.min(n), w.max(n));
    (w + n - nw).clamp(low, high)
}
