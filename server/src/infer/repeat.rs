//! Rectangles seen before: icons, buttons, pages flipped back and forth.
//!
//! What was sent once is kept in the viewer's tile cache by [`TileCapture`],
//! which costs no pixels, and used again by slot. The cache here only knows
//! hashes; a hit is compared with the tile that the shadow holds before it is used.

use std::collections::HashMap;

use panto_protocol::canvas::Canvas;
use panto_protocol::draw::{SurfaceId, TileCapture, TileSlot, TileUse};
use panto_protocol::geometry::{Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::wire::MAX_TILE_SLOTS;

/// The planner's own slots; those below belong to sources that cache tiles themselves.
const FIRST_SLOT: u32 = MAX_TILE_SLOTS / 2;

/// Slots in use, reused in turn. With [`MAX_AREA`] this bounds either side to
/// 1,024 × 8,192 pixels = 32 MB.
const SLOTS: u32 = 1024;

/// Larger rectangles seldom come again exactly.
const MAX_AREA: u64 = 8192;

/// Tiles smaller than this cost less as pixels than as a capture and a use.
const MIN_AREA: u64 = 200;

/// Rectangles that the viewer has in its tile cache.
#[derive(Debug, Default)]
pub struct Repeats {
    slots: HashMap<u64, TileSlot>,
    /// Hash of the tile in each slot used so far; at most [`SLOTS`].
    hashes: Vec<u64>,
    next: usize,
}

impl Repeats {
    /// A cache that knows nothing.
    pub fn new() -> Self {
        Self::default()
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
