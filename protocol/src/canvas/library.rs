//! Glyphs and tiles that a viewer kept from earlier sessions, by their place in its offer.
//!
//! A viewer puts in all that it offers. A server's shadow has an entry from the moment
//! in which the server, having met the very content, recalls it; so painting is the same
//! on both sides, and a server needs no memory for what it never recalls.

use std::collections::BTreeMap;
use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::digest::digest;
use crate::draw::Coverage;
use crate::pixel::{Picture, Pixels};
use crate::wire::{MAX_GLYPH_PIXELS, MAX_OFFERED_GLYPHS, MAX_OFFERED_TILES, MAX_TILE_PIXELS};

/// Names the content of a glyph or tile: the low 64 bits of its XXH3-128.
///
/// With as many offered as may be, a billion shapes looked for find a wrong one with a
/// chance of one in eight million, and the digest of the screen (`PROTOCOL.md` section
/// 5.5) tells that one as well. Who forges one is in a place to send wrong pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct ContentHash(pub u64);

/// The hash of a glyph's shape: width, height (`u32`, little endian), bytes a pixel (`u8`:
/// 1 or 3), and the mask.
pub fn glyph_hash(shape: &Coverage) -> ContentHash {
    let mut hasher = Xxh3::new();
    hasher.update(&shape.size.width.to_le_bytes());
    hasher.update(&shape.size.height.to_le_bytes());
    hasher.update(&[if shape.subpixel { 3 } else { 1 }]);
    hasher.update(&shape.mask);
    ContentHash(hasher.digest128() as u64)
}

/// The hash of a tile: of its [`digest()`].
pub fn tile_hash(tile: Pixels<'_>) -> ContentHash {
    ContentHash(digest(tile).0 as u64)
}

/// Entries by index.
#[derive(Debug, Clone, Default)]
pub struct Library {
    glyphs: BTreeMap<u32, Arc<Coverage>>,
    tiles: BTreeMap<u32, Arc<Picture>>,
}

impl Library {
    /// Puts a glyph in; returns whether it is one that commands may recall.
    pub fn put_glyph(&mut self, index: u32, shape: Arc<Coverage>) -> bool {
        let whole = shape.row_bytes() as u64 * u64::from(shape.size.height) == shape.mask.len() as u64;
        let fits = whole && shape.size.area() <= MAX_GLYPH_PIXELS && (index as usize) < MAX_OFFERED_GLYPHS;
        if fits {
            self.glyphs.insert(index, shape);
        }
        fits
    }

    /// Puts a tile in; returns whether it is one that commands may recall.
    pub fn put_tile(&mut self, index: u32, tile: Arc<Picture>) -> bool {
        let fits =
            (1..=MAX_TILE_PIXELS).contains(&tile.size().area()) && (index as usize) < MAX_OFFERED_TILES;
        if fits {
            self.tiles.insert(index, tile);
        }
        fits
    }

    /// An offered glyph.
    pub fn glyph(&self, index: u32) -> Option<&Arc<Coverage>> {
        self.glyphs.get(&index)
    }

    /// An offered tile.
    pub fn tile(&self, index: u32) -> Option<&Arc<Picture>> {
        self.tiles.get(&index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;

    #[test]
    fn a_hash_is_of_size_kind_and_every_byte() {
        let shape = Coverage { size: Size::new(3, 1), subpixel: false, mask: vec![0, 7, 255] };
        let mut other = shape.clone();
        other.mask[1] = 8;
        let turned = Coverage { size: Size::new(1, 3), ..shape.clone() };
        let colored = Coverage { size: Size::new(1, 1), subpixel: true, ..shape.clone() };
        let all = [&shape, &other, &turned, &colored].map(glyph_hash);
        for (i, hash) in all.iter().enumerate() {
            assert!(!all[..i].contains(hash), "{i}");
        }
        let tile = Picture::new(Size::new(4, 2), 7);
        assert_eq!(u128::from(tile_hash(tile.view()).0), digest(tile.view()).0 & u128::from(u64::MAX));
    }

    #[test]
    fn the_hashes_of_the_specification() {
        let shape = Coverage { size: Size::new(3, 2), subpixel: false, mask: vec![0, 128, 255, 64, 1, 254] };
        assert_eq!(format!("{:016x}", glyph_hash(&shape).0), "66455d07ceb498f8");
        let tile = Picture::new(Size::new(4, 2), 7);
        assert_eq!(format!("{:016x}", tile_hash(tile.view()).0), "54f0ad3c0a7b1e46");
    }

    #[test]
    fn nothing_gets_in_that_could_not_be_painted() {
        let mut library = Library::default();
        let short = Coverage { size: Size::new(3, 2), subpixel: false, mask: vec![0; 5] };
        assert!(!library.put_glyph(0, short.into()));
        let large = Coverage { size: Size::new(129, 128), subpixel: false, mask: vec![0; 129 * 128] };
        assert!(!library.put_glyph(0, large.into()));
        assert!(!library.put_glyph(MAX_OFFERED_GLYPHS as u32, Arc::default()));
        assert!(library.put_glyph(MAX_OFFERED_GLYPHS as u32 - 1, Arc::default()));
        assert!(!library.put_tile(0, Picture::new(Size::new(0, 9), 0).into()));
        assert!(!library.put_tile(0, Picture::new(Size::new(257, 256), 0).into()));
        assert!(library.put_tile(0, Picture::new(Size::new(256, 256), 0).into()));
        assert!(library.glyph(0).is_none() && library.tile(0).is_some());
    }
}
