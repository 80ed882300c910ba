//! Glyphs and tiles that outlive a session: what a viewer keeps of it, and offers to the
//! same server the next time.
//!
//! Nothing here is trusted to be what it was: an entry is offered by the hash of what it
//! is now, so one that was tampered with is at worst never asked for.

mod store;

use std::collections::HashSet;
use std::sync::Arc;

use panto_protocol::canvas::{Canvas, ContentHash, glyph_hash, tile_hash};
use panto_protocol::draw::Coverage;
use panto_protocol::message::Offer;
use panto_protocol::pixel::Picture;
use panto_protocol::wire::{MAX_GLYPH_PIXELS, MAX_OFFERED_GLYPHS, MAX_OFFERED_TILES, MAX_TILE_PIXELS};

pub use store::{LibraryFile, LibraryStore, Loaded, ServerIdentity};

/// Glyphs, and tiles, that are kept of one server: more than can be offered at once, so that
/// what is met again after a while still counts as such.
const MAX_ENTRIES: usize = 1024;

/// Bytes in memory of all that is kept of one server.
const MAX_BYTES: usize = 32 << 20;

/// Bits below which a shape is sent as quickly as it is offered (64 bits) and recalled (about 24).
const MIN_GLYPH_BITS: usize = 96;

/// What is kept of one server, the most promising first.
#[derive(Debug, Clone, Default)]
pub struct Library {
    glyphs: Shelf<Coverage>,
    tiles: Shelf<Picture>,
}

/// Entries of one kind, each once.
#[derive(Debug, Clone)]
struct Shelf<T> {
    entries: Vec<(ContentHash, Arc<T>)>,
    hashes: HashSet<ContentHash>,
    /// Bytes in memory.
    bytes: usize,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), hashes: HashSet::new(), bytes: 0 }
    }
}

impl<T> Shelf<T> {
    fn add(&mut self, hash: ContentHash, entry: Arc<T>, bytes: usize) {
        if self.hashes.insert(hash) {
            self.entries.push((hash, entry));
            self.bytes += bytes;
        }
    }
}

impl Library {
    /// Adds a shape, unless it is there already, there is no room, or it is not worth keeping.
    pub fn add_glyph(&mut self, shape: Arc<Coverage>) {
        let bytes = shape.mask.len();
        let fits = self.glyphs.entries.len() < MAX_ENTRIES && self.bytes() + bytes <= MAX_BYTES;
        if fits && shape.size.area() <= MAX_GLYPH_PIXELS && bits(&shape) >= MIN_GLYPH_BITS {
            self.glyphs.add(glyph_hash(&shape), shape, bytes);
        }
    }

    /// Adds a tile, unless it is there already or there is no room.
    pub fn add_tile(&mut self, tile: Arc<Picture>) {
        let area = tile.size().area();
        let bytes = area as usize * 4;
        let fits = self.tiles.entries.len() < MAX_ENTRIES && self.bytes() + bytes <= MAX_BYTES;
        if fits && (1..=MAX_TILE_PIXELS).contains(&area) {
            self.tiles.add(tile_hash(tile.view()), tile, bytes);
        }
    }

    /// Adds what another has, as far as there is room.
    pub fn add_all(&mut self, other: &Self) {
        other.glyphs().for_each(|shape| self.add_glyph(Arc::clone(shape)));
        other.tiles().for_each(|tile| self.add_tile(Arc::clone(tile)));
    }

    /// Adds what a session has left in the caches of its canvas. What was kept before and
    /// was of use again comes first, then what is new, then the rest.
    pub fn learn(&mut self, canvas: &Canvas) {
        let before = std::mem::take(self);
        let glyphs = by_slot(canvas.glyphs().map(|(slot, g)| (slot, Arc::new(g.coverage.clone()))));
        let tiles = by_slot(canvas.tiles().map(|(slot, t)| (slot, Arc::clone(t))));
        for again in [true, false] {
            for shape in &glyphs {
                if before.glyphs.hashes.contains(&glyph_hash(shape)) == again {
                    self.add_glyph(Arc::clone(shape));
                }
            }
            for tile in &tiles {
                if before.tiles.hashes.contains(&tile_hash(tile.view())) == again {
                    self.add_tile(Arc::clone(tile));
                }
            }
        }
        self.add_all(&before);
    }

    /// What is to be offered: the most promising.
    pub fn offer(&self) -> Offer {
        Offer {
            glyphs: self.glyphs.entries.iter().map(|(hash, _)| *hash).take(MAX_OFFERED_GLYPHS).collect(),
            tiles: self.tiles.entries.iter().map(|(hash, _)| *hash).take(MAX_OFFERED_TILES).collect(),
        }
    }

    /// Puts what was offered at its place into the library of a new session's canvas.
    pub fn lend(&self, canvas: &mut Canvas) {
        let library = canvas.library_mut();
        for (index, shape) in (0..MAX_OFFERED_GLYPHS as u32).zip(self.glyphs()) {
            library.put_glyph(index, Arc::clone(shape));
        }
        for (index, tile) in (0..MAX_OFFERED_TILES as u32).zip(self.tiles()) {
            library.put_tile(index, Arc::clone(tile));
        }
    }

    /// All shapes, the most promising first.
    pub fn glyphs(&self) -> impl Iterator<Item = &Arc<Coverage>> {
        self.glyphs.entries.iter().map(|(_, shape)| shape)
    }

    /// All tiles, the most promising first.
    pub fn tiles(&self) -> impl Iterator<Item = &Arc<Picture>> {
        self.tiles.entries.iter().map(|(_, tile)| tile)
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.glyphs.entries.is_empty() && self.tiles.entries.is_empty()
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.glyphs.bytes + self.tiles.bytes
    }
}

/// What a shape costs to define, in bits, roughly: masks of single bits take half a bit a
/// pixel, levels three a sample.
fn bits(shape: &Coverage) -> usize {
    match shape.mask.iter().all(|m| matches!(m, 0 | 255)) {
        true => shape.mask.len() / 2,
        false => shape.mask.len() * 3,
    }
}

fn by_slot<S: Ord + Copy, T>(entries: impl Iterator<Item = (S, T)>) -> Vec<T> {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_unstable_by_key(|(slot, _)| *slot);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

#[cfg(test)]
mod tests;
