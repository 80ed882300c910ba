//! What is kept, what of it is offered, and in which order.

use panto_protocol::draw::{
    GlyphDefine, GlyphRecall, GlyphSlot, SurfaceId, SurfaceResize, TileCapture, TileRecall, TileSlot,
};
use panto_protocol::geometry::{Point, Rect, Size};

use super::*;

/// A shape of many levels; each seed another.
fn shape(seed: u32) -> Arc<Coverage> {
    let mut mask: Vec<u8> = (0..80u8).map(|i| i * 3 + 2).collect();
    mask[..4].copy_from_slice(&seed.to_le_bytes());
    Arc::new(Coverage { size: Size::new(8, 10), subpixel: false, mask })
}

fn tile(seed: u32) -> Arc<Picture> {
    Arc::new(Picture::new(Size::new(20, 20), seed))
}

fn define(slot: u32, shape: &Coverage) -> GlyphDefine {
    GlyphDefine { slot: GlyphSlot(slot), coverage: shape.clone(), bearing: Point::default(), advance: 0 }
}

fn hashes(shapes: &[u32]) -> Vec<ContentHash> {
    shapes.iter().map(|&s| glyph_hash(&shape(s))).collect()
}

#[test]
fn what_is_met_again_is_offered_first() {
    let mut library = Library::default();
    (1..4).for_each(|s| library.add_glyph(shape(s)));
    let mut canvas = Canvas::new();
    library.lend(&mut canvas);
    // 4 is new, 3 is recalled, 2 was sent once more; 1 is not seen.
    canvas.apply(&define(0, &shape(4)).into()).unwrap();
    canvas.apply(&define(1, &shape(2)).into()).unwrap();
    let recall = GlyphRecall { index: 2, slot: GlyphSlot(9), bearing: Point::default(), advance: 0 };
    canvas.apply(&recall.into()).unwrap();
    library.learn(&canvas);
    assert_eq!(library.offer().glyphs, hashes(&[2, 3, 4, 1]));
    // Learning from the same canvas again changes nothing but that 4 is an old acquaintance too.
    library.learn(&canvas);
    assert_eq!(library.offer().glyphs, hashes(&[4, 2, 3, 1]));
}

#[test]
fn tiles_of_a_session_are_kept_and_recalled() {
    let mut canvas = Canvas::new();
    let size = Size::new(40, 20);
    canvas.apply(&SurfaceResize { id: SurfaceId::SCREEN, size }.into()).unwrap();
    let rect = Rect::new(3, 3, 20, 10);
    canvas.apply(&TileCapture { slot: TileSlot(5), surface: SurfaceId::SCREEN, rect }.into()).unwrap();
    let mut library = Library::default();
    library.learn(&canvas);
    assert_eq!(library.offer().tiles, [tile_hash(canvas.tile(TileSlot(5)).unwrap().view())]);
    let mut next = Canvas::new();
    library.lend(&mut next);
    next.apply(&TileRecall { index: 0, slot: TileSlot(7) }.into()).unwrap();
    assert_eq!(next.tile(TileSlot(7)), canvas.tile(TileSlot(5)));
}

#[test]
fn shapes_that_are_sent_as_quickly_as_recalled_are_not_kept() {
    let mut library = Library::default();
    let bits = |n: u32| Coverage {
        size: Size::new(n, n),
        subpixel: false,
        mask: (0..n * n).map(|i| (i % 3 == 0) as u8 * 255).collect(),
    };
    library.add_glyph(bits(9).into());
    library.add_glyph(Arc::default());
    assert!(library.is_empty());
    library.add_glyph(bits(20).into());
    assert_eq!(library.offer().glyphs.len(), 1);
}

#[test]
fn what_is_kept_is_bounded() {
    let mut library = Library::default();
    for seed in 0..3000 {
        library.add_glyph(shape(seed));
        library.add_tile(tile(seed));
    }
    assert_eq!((library.glyphs().count(), library.tiles().count()), (MAX_ENTRIES, MAX_ENTRIES));
    let offer = library.offer();
    assert_eq!((offer.glyphs.len(), offer.tiles.len()), (MAX_OFFERED_GLYPHS, MAX_OFFERED_TILES));
    let mut large = Library::default();
    for seed in 0..300 {
        large.add_tile(Arc::new(Picture::new(Size::new(256, 256), seed)));
    }
    assert_eq!(large.bytes(), MAX_BYTES);
    assert_eq!(large.tiles().count(), MAX_BYTES / (256 * 256 * 4));
}
