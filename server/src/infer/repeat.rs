//! Rectangles seen before: icons, buttons, pages flipped back and forth.
//!
//! What was sent once is kept in the viewer's tile cache by [`TileCapture`],
//! which costs no pixels, and used again by slot. The cache here only knows
//! hashes; a hit is compared with the tile that the shadow holds before it is used.
//! Tiles that the viewer kept from earlier sessions and offered come into it by [`TileRecall`].

use std::collections::HashMap;

use panto_protocol::canvas::{Canvas, ContentHash, tile_hash};
use panto_protocol::draw::{SurfaceId, TileCapture, TileRecall, TileSlot, TileUse};
use panto_protocol::geometry::{Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::wire::MAX_TILE_SLOTS;

/// The planner's own slots; those below belong to sources that cache tiles themselves.
const FIRST_SLOT: u32 = MAX_TILE_SLOTS / 2;

/// Slots in use, reused in turn. With [`MAX_AREA`] this bounds either side to
/// 1,024 × 8,192 pixels = 32 MB.
const SLOTS: u32 = 1024;

/// The first of the slots of recalled tiles, one for each that a viewer may offer: once
/// recalled, they stay. Another 7 MB at most.
const RECALLED: u32 = FIRST_SLOT + SLOTS;

/// Larger rectangles seldom come again exactly.
const MAX_AREA: u64 = 8192;

/// Tiles smaller than this cost less as pixels than as a capture and a use.
const MIN_AREA: u64 = 200;

/// Rectangles that the viewer has in its tile cache.
#[derive(Debug, Clone, Default)]
pub struct Repeats {
    slots: HashMap<u64, TileSlot>,
    /// Hash of the tile in each slot used so far; at most [`SLOTS`].
    hashes: Vec<u64>,
    next: usize,
    /// What the viewer has offered and was not recalled yet, by its place in the offer.
    offered: HashMap<ContentHash, u32>,
}

impl Repeats {
    /// A cache that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The viewer has these tiles.
    pub fn offer(&mut self, tiles: &[ContentHash]) {
        self.offered = tiles.iter().copied().zip(0..).collect();
    }

    /// A command after which [`Repeats::find`] finds `rect` of `picture`, if the viewer has
    /// it from an earlier session; the shadow has it in its library then.
    pub fn recall(&mut self, picture: &Picture, rect: Rect, shadow: &mut Canvas) -> Option<TileRecall> {
        if self.offered.is_empty() || !worthwhile(rect.size()) || !picture.bounds().contains_rect(&rect) {
            return None;
        }
        let hash = hash(picture, rect);
        if self.slots.contains_key(&hash) {
            return None;
        }
        let index = self.offered.remove(&tile_hash(picture.crop(rect)))?;
        let slot = TileSlot(RECALLED + index);
        shadow.library_mut().put_tile(index, picture.crop(rect).to_picture().into());
        self.slots.insert(hash, slot);
        Some(TileRecall { index, slot })
    }

    /// A command that paints `rect` of `picture` from the cache, if it is there.
    pub fn find(
        &self,
        picture: &Picture,
        surface: SurfaceId,
        rect: Rect,
        shadow: &Canvas,
    ) -> Option<TileUse> {
        if !worthwhile(rect.size()) {
            return None;
        }
        let slot = *self.slots.get(&hash(picture, rect))?;
        let tile = shadow.tile(slot)?;
        let same = tile.size() == rect.size() && tile.view().rows().eq(picture.crop(rect).rows());
        same.then(|| TileUse { surface, slot, points: vec![rect.origin()] })
    }

    /// A command that keeps `rect`, which was just painted as in `picture`, for later.
    pub fn keep(&mut self, picture: &Picture, surface: SurfaceId, rect: Rect) -> Option<TileCapture> {
        if !worthwhile(rect.size()) || !picture.bounds().contains_rect(&rect) {
            return None;
        }
        let hash = hash(picture, rect);
        if self.slots.contains_key(&hash) {
            return None;
        }
        if self.hashes.len() < SLOTS as usize {
            self.hashes.push(hash);
        } else {
            let old = std::mem::replace(&mut self.hashes[self.next], hash);
            self.slots.remove(&old);
        }
        let slot = TileSlot(FIRST_SLOT + self.next as u32);
        self.next = (self.next + 1) % SLOTS as usize;
        self.slots.insert(hash, slot);
        Some(TileCapture { slot, surface, rect })
    }
}

fn worthwhile(size: Size) -> bool {
    (MIN_AREA..=MAX_AREA).contains(&size.area())
}

fn hash(picture: &Picture, rect: Rect) -> u64 {
    let mut hash = u64::from(rect.width()) << 32 | u64::from(rect.height());
    for row in picture.crop(rect).rows() {
        for &p in row {
            hash = (hash.rotate_left(5) ^ u64::from(p)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }
    hash
}
