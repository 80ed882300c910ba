//! Viewers that have kept glyphs and tiles: sent less, shown exactly the same, whatever
//! they say that they have.

use std::sync::Arc;

use panto_protocol::canvas::{ContentHash, glyph_hash, tile_hash};
use panto_protocol::draw::{Copy, CopyItem, Coverage, Fill, GlyphDefine, GlyphRun, GlyphSlot};
use panto_protocol::geometry::Size;
use panto_protocol::message::{FrameDecoder, FrameHeader};
use panto_protocol::pixel::Picture;
use panto_protocol::wire::{DecodeError, MAX_OFFERED_GLYPHS, MAX_OFFERED_TILES};
use proptest::prelude::*;

use super::*;

const SIZE: Size = Size::new(420, 300);
const LINE: i32 = 20;

/// One thing that happens on the screen.
#[derive(Debug, Clone)]
enum Op {
    /// A line of text at a multiple of [`LINE`], in one of a few colours.
    Text(i32, Vec<u8>, u8),
    /// A small picture anywhere.
    Icon(i32, i32, u8),
    Fill(Rect, u8),
    Scroll(i32),
}

fn op() -> impl Strategy<Value = Op> {
    let letters = prop::collection::vec(0..26u8, 8..40);
    prop_oneof![
        4 => (0..14i32, letters, 0..3u8).prop_map(|(line, text, color)| Op::Text(line, text, color)),
        3 => (0..320i32, 0..265i32, 0..9u8).prop_map(|(x, y, which)| Op::Icon(x, y, which)),
        1 => (0..380i32, 0..280i32, 5..300u32, 5..200u32, 0..4u8)
            .prop_map(|(x, y, w, h, color)| Op::Fill(Rect::new(x, y, w, h), color)),
        1 => (1..60i32).prop_map(Op::Scroll),
    ]
}

fn mix(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An antialiased letter: strokes at random, always the same for the same letter.
fn letter(c: u8) -> Coverage {
    let size = Size::new(8, 11);
    let level = |i: u64| match mix(u64::from(c) << 16 | i) {
        _ if i % 8 == 7 => 0,
        hash if hash & 3 == 0 && i / 8 != 10 => 0,
        hash if hash & 4 == 0 => 255,
        hash => (hash >> 8) as u8,
    };
    Coverage { size, subpixel: false, mask: (0..size.area()).map(level).collect() }
}

/// A small picture, but larger than anything that might pass for a letter.
fn icon(which: u8) -> Picture {
    let size = Size::new(90 + u32::from(which % 3), 30);
    let color = |i: u64| (mix(u64::from(which) << 32 | i) as u32) & 0x0030_f0c3;
    Picture::from_pixels(size, (0..size.area()).map(color).collect()).unwrap()
}

fn scene() -> Scene {
    let mut scene = Scene::new(SIZE);
    for c in 0..26 {
        let slot = GlyphSlot(c.into());
        let define = GlyphDefine { slot, coverage: letter(c), bearing: Point::new(0, -11), advance: 9 };
        scene.draw(define).unwrap();
    }
    let all = Rect::of_size(SIZE);
    scene.draw(Fill { surface: SurfaceId::SCREEN, color: 0x00ff_ffff, rects: vec![all] }).unwrap();
    scene
}

fn perform(scene: &mut Scene, op: &Op) {
    let surface = SurfaceId::SCREEN;
    let command: DrawCommand = match op.clone() {
        Op::Text(line, text, color) => {
            let rect = Rect::new(0, line * LINE, SIZE.width, LINE as u32);
            scene.draw(Fill { surface, color: 0x00ff_ffff, rects: vec![rect] }).unwrap();
            let slots = text.into_iter().map(|c| GlyphSlot(c.into())).collect();
            let color = [0, 0x0000_40a0, 0x00c0_2020][usize::from(color)];
            GlyphRun { surface, color, pen: Point::new(4, line * LINE + 14), slots }.into()
        }
        Op::Icon(x, y, which) => {
            scene.pixels(surface, Point::new(x, y), icon(which).view()).unwrap();
            return;
        }
        Op::Fill(rect, color) => {
            let color = [0x00ff_ffff, 0x00e0_e0e0, 0x0020_3040, 0x0080_8080][usize::from(color)];
            Fill { surface, color, rects: vec![rect] }.into()
        }
        Op::Scroll(by) => {
            let rect = Rect::new(0, by, SIZE.width, SIZE.height - by as u32);
            Copy { surface, items: vec![CopyItem { source: surface, rect, to: Point::default() }] }.into()
        }
    };
    scene.draw(command).unwrap();
}

/// What a viewer has on its disk.
#[derive(Debug, Clone, Default)]
struct Kept {
    glyphs: Vec<Arc<Coverage>>,
    tiles: Vec<Arc<Picture>>,
}

impl Kept {
    /// All that a session has left.
    fn of(canvas: &Canvas) -> Self {
        let mut glyphs: Vec<_> = canvas.glyphs().collect();
        glyphs.sort_unstable_by_key(|(slot, _)| *slot);
        let mut tiles: Vec<_> = canvas.tiles().collect();
        tiles.sort_unstable_by_key(|(slot, _)| *slot);
        let glyphs = glyphs.into_iter().map(|(_, g)| g.coverage.clone().into());
        let tiles = tiles.into_iter().map(|(_, t)| Arc::clone(t));
        Self {
            glyphs: glyphs.take(MAX_OFFERED_GLYPHS).collect(),
            tiles: tiles.take(MAX_OFFERED_TILES).collect(),
        }
    }

    fn offer(&self) -> Offer {
        Offer {
            glyphs: self.glyphs.iter().map(|shape| glyph_hash(shape)).collect(),
            tiles: self.tiles.iter().map(|tile| tile_hash(tile.view())).collect(),
        }
    }

    fn lend(&self, canvas: &mut Canvas) {
        for (index, shape) in (0..).zip(&self.glyphs) {
            canvas.library_mut().put_glyph(index, Arc::clone(shape));
        }
        for (index, tile) in (0..).zip(&self.tiles) {
            canvas.library_mut().put_tile(index, Arc::clone(tile));
        }
    }
}

/// Why a viewer could not paint.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    Decode(DecodeError),
    Paint(PaintError),
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// One session: its planner, the canvas that the frames are painted on, and what they cost.
struct Session {
    planner: Planner,
    canvas: Canvas,
    decoder: FrameDecoder,
    bytes: usize,
    recalls: [usize; 2],
    failure: Option<Failure>,
}

impl Session {
    /// With a viewer that has `kept` and says that it has `offer`.
    fn new(mode: Mode, wire: Wire, kept: &Kept, offer: &Offer) -> Self {
        let mut planner = Planner::new(Settings { mode, wire, ..Settings::default() });
        planner.offer(offer);
        let mut canvas = Canvas::new();
        kept.lend(&mut canvas);
        Self { planner, canvas, decoder: FrameDecoder::default(), bytes: 0, recalls: [0; 2], failure: None }
    }

    /// Sends frames until settled.
    fn update(&mut self, scene: &mut Scene, budget: usize) {
        let budget = Budget { bytes: budget, ..Budget::UNLIMITED };
        for _ in 0..10_000 {
            if let Some(frame) = self.planner.plan(scene, budget).unwrap() {
                let message = frame.message(FrameHeader::default());
                self.bytes += message.len();
                let recalls = &mut self.recalls;
                let painted = self.decoder.decode(&message, &mut self.canvas, |canvas, command, _| {
                    recalls[0] += usize::from(matches!(command, DrawCommand::GlyphRecall(_)));
                    recalls[1] += usize::from(matches!(command, DrawCommand::TileRecall(_)));
                    canvas.apply(&command).map_err(Failure::Paint)
                });
                if let Err(failure) = painted {
                    self.failure.get_or_insert(failure);
                }
            }
            if !self.planner.is_due(scene) {
                assert_eq!(
                    self.planner.shadow().screen(),
                    scene.canvas().screen(),
                    "what the server believes"
                );
                return;
            }
        }
        panic!("never settles");
    }

    fn run(&mut self, steps: &[Vec<Op>], budget: usize) {
        let mut scene = scene();
        for ops in steps {
            ops.iter().for_each(|op| perform(&mut scene, op));
            self.update(&mut scene, budget);
            if self.failure.is_none() {
                assert_eq!(self.canvas.screen(), scene.canvas().screen());
            }
        }
    }
}

fn honest(mode: Mode, wire: Wire, kept: &Kept, steps: &[Vec<Op>], budget: usize) -> Session {
    let mut session = Session::new(mode, wire, kept, &kept.offer());
    session.run(steps, budget);
    assert_eq!(session.failure, None);
    session
}

/// An hour at the desk, shortened.
fn work() -> Vec<Vec<Op>> {
    let text =
        |line: i32| Op::Text(line, (0..30).map(|i| (mix((line * 31 + i) as u64) % 26) as u8).collect(), 0);
    (0..12)
        .map(|n| {
            vec![
                text(n),
                text(n + 1),
                Op::Icon(20 + n * 20, 265, n as u8),
                Op::Fill(Rect::new(300, 252, 90, 10), n as u8 % 4),
            ]
        })
        .collect()
}

#[test]
fn a_second_session_costs_less_and_looks_the_same() {
    let cold = honest(Mode::Commands, Wire::Coded, &Kept::default(), &work(), usize::MAX);
    assert_eq!(cold.recalls, [0, 0]);
    let warm = honest(Mode::Commands, Wire::Coded, &Kept::of(&cold.canvas), &work(), usize::MAX);
    assert!(warm.recalls[0] >= 15 && warm.recalls[1] >= 5, "{:?}", warm.recalls);
    assert!(warm.bytes * 10 < cold.bytes * 7, "{} of {} bytes", warm.bytes, cold.bytes);
    // Plain frames have no text that was found, but tiles.
    let cold = honest(Mode::Commands, Wire::Plain, &Kept::default(), &work(), usize::MAX);
    let warm = honest(Mode::Commands, Wire::Plain, &Kept::of(&cold.canvas), &work(), usize::MAX);
    assert!(warm.recalls[1] >= 5 && warm.bytes < cold.bytes, "{} of {} bytes", warm.bytes, cold.bytes);
}

#[test]
fn a_refresh_recalls_nothing() {
    let first = honest(Mode::Commands, Wire::Coded, &Kept::default(), &work(), usize::MAX);
    let kept = Kept::of(&first.canvas);
    let mut session = Session::new(Mode::Commands, Wire::Coded, &kept, &kept.offer());
    session.planner.refresh();
    session.run(&work(), usize::MAX);
    assert_eq!((session.recalls, session.failure), ([0, 0], None));
}

#[test]
fn whoever_offers_what_it_does_not_have_harms_itself() {
    let first = honest(Mode::Commands, Wire::Coded, &Kept::default(), &work(), usize::MAX);
    let mut liar =
        Session::new(Mode::Commands, Wire::Coded, &Kept::default(), &Kept::of(&first.canvas).offer());
    // The server goes on as if nothing was, and believes the right picture throughout.
    liar.run(&work(), usize::MAX);
    assert!(
        matches!(liar.failure, Some(Failure::Paint(PaintError::NotOffered { .. }))),
        "{:?}",
        liar.failure
    );
}

#[test]
fn lists_of_the_same_hash_and_of_none_are_harmless() {
    let first = honest(Mode::Commands, Wire::Coded, &Kept::default(), &work(), usize::MAX);
    let mut kept = Kept::of(&first.canvas);
    let (glyph, tile) = (Arc::clone(&kept.glyphs[0]), Arc::clone(&kept.tiles[0]));
    kept.glyphs.splice(1.., vec![glyph; MAX_OFFERED_GLYPHS - 1]);
    kept.tiles.splice(1.., vec![tile; MAX_OFFERED_TILES - 1]);
    let session = honest(Mode::Commands, Wire::Coded, &kept, &work(), usize::MAX);
    assert!(session.recalls[0] <= 1 && session.recalls[1] <= 1, "{:?}", session.recalls);
    let nobodys = Offer { glyphs: vec![ContentHash(0); 9], tiles: (0..99).map(ContentHash).collect() };
    let mut session = Session::new(Mode::Commands, Wire::Coded, &Kept::default(), &nobodys);
    session.run(&work(), usize::MAX);
    assert_eq!((session.recalls, session.failure), ([0, 0], None));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever happened before, whatever part of it was kept and in whatever order, and
    /// whatever happens now.
    #[test]
    fn every_picture_is_exact(
        before in prop::collection::vec(prop::collection::vec(op(), 0..6), 1..6),
        now in prop::collection::vec(prop::collection::vec(op(), 0..6), 1..6),
        again in any::<bool>(),
        seed in any::<u64>(),
        mode in prop::sample::select(Mode::ALL.to_vec()),
        plain in any::<bool>(),
        small in any::<bool>(),
    ) {
        let wire = if plain { Wire::Plain } else { Wire::Coded };
        let budget = if small { 300 } else { usize::MAX };
        let first = honest(mode, wire, &Kept::default(), &before, budget);
        let mut kept = Kept::of(&first.canvas);
        let lost = |n: &mut u64| { *n += 1; mix(seed ^ *n) & 3 == 0 };
        let mut n = 0;
        kept.glyphs.retain(|_| !lost(&mut n));
        kept.tiles.retain(|_| !lost(&mut n));
        let (glyphs, tiles) = (kept.glyphs.len().max(1), kept.tiles.len().max(1));
        kept.glyphs.rotate_left(seed as usize % glyphs);
        kept.tiles.rotate_left(seed as usize % tiles);
        honest(mode, wire, &kept, if again { &before } else { &now }, budget);
    }
}
