//! What descriptions have really cost lately, so that one can be preferred to another
//! before either is made.

use panto_protocol::geometry::Rect;
use panto_protocol::pixel::Picture;

/// Bits for each thing of a kind, the latest things counting most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mean {
    pub bits: u64,
    pub things: u64,
    /// Things after which the past counts half.
    pub memory: u64,
}

impl Mean {
    pub(super) fn add(&mut self, bits: u64, things: u64) {
        self.bits += bits;
        self.things += things;
        while self.things > self.memory {
            self.bits /= 2;
            self.things /= 2;
        }
    }

    /// Bits of so many things.
    pub(super) fn of(&self, things: u64) -> u64 {
        things.saturating_mul(self.bits) / self.things.max(1)
    }
}

/// What a copy costs beside its own bits, in copies: pixels around it lose their neighbours,
/// and what would have been learned from those that it moves makes no later ones cheaper.
const CUT: u64 = 6;

/// Prices of moving pixels and of telling them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prices {
    copy: Mean,
    edge: Mean,
    /// Bits of inline pixels for each bit that they were weighed at.
    weighed: Mean,
    /// Bits of glyphs for each bit that they were weighed at.
    glyphs: Mean,
    /// New shapes for each glyph that was placed (things: glyphs, bits: shapes).
    shapes: Mean,
}

impl Default for Prices {
    /// Ten bytes a copy, and as much for 128 edges.
    fn default() -> Self {
        Self {
            copy: Mean { bits: 80, things: 1, memory: 64 },
            edge: Mean { bits: 80, things: 128, memory: 1 << 15 },
            glyphs: Mean { bits: 500, things: 1000, memory: 1 << 16 },
            shapes: Mean { bits: 64, things: 256, memory: 4096 },
            weighed: Mean { bits: 500, things: 1000, memory: 1 << 18 },
        }
    }
}

impl Prices {
    /// So many copies were sent in so many bytes.
    pub(super) fn copied(&mut self, copies: usize, bytes: usize) {
        self.copy.add(8 * bytes as u64, copies as u64);
    }

    /// So many edges were sent, however, in so many bytes.
    pub(super) fn told(&mut self, edges: u64, bytes: usize) {
        self.edge.add(8 * bytes as u64, edges);
    }

    /// Inline pixels that were weighed at so many bits took so many bytes.
    pub(super) fn weighed(&mut self, bits: u64, bytes: usize) {
        self.weighed.add(8 * bytes as u64, bits);
    }

    /// What inline pixels may be weighed at to take so many bits: coding learns on the way.
    pub(super) fn weight_for(&self, bits: u64) -> u64 {
        bits.saturating_mul(self.weighed.things) / self.weighed.bits.max(1)
    }

    /// So many glyphs were placed, for which so many shapes had to be defined. They were
    /// weighed at so many bits and took so many bytes, shapes apart.
    pub(super) fn placed(&mut self, glyphs: usize, shapes: usize, bits: u64, bytes: usize) {
        self.shapes.add(shapes as u64, glyphs as u64);
        self.glyphs.add(8 * bytes as u64, bits);
    }

    /// Bits that glyphs will take which are weighed at so many: coding learns on the way.
    pub(super) fn of_glyphs(&self, bits: u64) -> u64 {
        bits.saturating_mul(self.glyphs.bits) / self.glyphs.things.max(1)
    }

    /// What a definition of so many bits has to be worth at once: a shape is used again, as
    /// often as the shapes before it were. Five eighths of it at least, since pixels that come again
    /// cost less as well.
    pub(super) fn invested(&self, bits: u64) -> u64 {
        let (shapes, glyphs) = (self.shapes.bits.max(1), self.shapes.things.max(1));
        (bits * 5 / 8 + bits * shapes / glyphs * 3 / 8).min(bits)
    }

    /// Edges that a copy has to put right, which cuts what remains into pieces of `piece` bits
    /// more.
    pub(super) fn edges_of_a_copy(&self, piece: u64) -> u32 {
        let copy = self.copy.bits / self.copy.things.max(1) + piece;
        (CUT * copy * self.edge.things.max(1) / self.edge.bits.max(1)).clamp(16, 4096) as u32
    }
}

/// Pixels inside `rects` that differ from their left neighbour: what makes pixels dear.
pub(super) fn edges(picture: &Picture, rects: &[Rect]) -> u64 {
    let row = |r: &Rect, y: i32| picture.row(y, r.left, r.right).windows(2).filter(|w| w[0] != w[1]).count();
    rects.iter().map(|r| (r.top..r.bottom).map(|y| row(r, y) as u64).sum::<u64>()).sum()
}
