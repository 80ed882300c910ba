//! Frames of draw commands.

use std::collections::VecDeque;

use super::choices::pieces;
use crate::canvas::{Canvas, Digest, PaintError, digest};
use crate::connection::{Channel, Demux, Mux};
use crate::draw::{
    Coverage, DrawCommand, Fill, GlyphDefine, GlyphSlot, SurfaceCreate, SurfaceId, SurfaceResize,
    TileCapture, TileSlot, WindowCreate, WindowId, WindowMap,
};
use crate::geometry::{Point, Rect, Size};
use crate::message::FrameDecoder;
use crate::pixel::Picture;
use crate::wire::{DecodeError, MAX_CANVAS_PIXELS, MAX_GLYPH_CACHE_PIXELS, Reader, Writer};

/// What a frame may cost here, so that a fuzzer tries thousands of them a second.
pub(super) const BUDGET: u64 = 1 << 18;

/// A frame, painted on a small canvas that has one of everything. What decodes
/// must encode to what decodes to the same; damage must cover every change; the
/// picture must not depend on how the frame was cut on the wire.
///
/// # Panics
/// If not.
pub fn draw(bytes: &[u8]) {
    let mut canvas = furnished();
    let mut shown = canvas.screen();
    let mut out = Writer::new();
    let whole = paint(&mut canvas, bytes, |command| check_wire(command, &mut out));
    check_bounds(&canvas);
    check_damage(&mut canvas, &mut shown);

    let mut mux = Mux::default();
    mux.push(Channel::Draw, bytes.to_vec());
    let mut wire = Vec::new();
    while mux.poll_chunk(&mut wire) {}
    let mut demux = Demux::new();
    demux.open();
    let mut messages = VecDeque::new();
    for piece in pieces(&wire, bytes.len() as u8 | 1) {
        assert_eq!(demux.feed(piece, &mut messages), Ok(()));
    }
    assert_eq!(messages.len(), 1);
    let mut other = furnished();
    let cut = paint(&mut other, &messages[0].1, |_| {});
    assert_eq!(whole, cut);
    assert_eq!(digests(&canvas), digests(&other));
}

/// Why a frame was not painted to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Decode(DecodeError),
    Paint(PaintError),
    Budget,
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// Paints a frame as a viewer does: every command is paid for before it is painted.
pub(super) fn paint(
    canvas: &mut Canvas,
    frame: &[u8],
    mut each: impl FnMut(&DrawCommand),
) -> Result<(), Stop> {
    let mut spent = 0;
    FrameDecoder::default()
        .decode(frame, canvas, |canvas, command, _| {
            each(&command);
            spent += command.cost(canvas);
            if spent > BUDGET {
                return Err(Stop::Budget);
            }
            let result = canvas.apply(&command);
            for (id, rect) in canvas.touched() {
                // What was touched is there, unless the command went on to fail.
                let bounds = canvas.surface(*id).map(|s| s.picture.bounds());
                assert!(bounds.is_ok_and(|b| b.contains_rect(rect)), "{id:?} {rect:?}");
            }
            result.map_err(Stop::Paint)
        })
        .map(|_| ())
}

fn check_wire(command: &DrawCommand, out: &mut Writer) {
    *out = Writer::new();
    command.encode(out);
    let mut r = Reader::new(out.as_slice());
    assert_eq!(DrawCommand::decode(&mut r).as_ref(), Ok(command));
    assert!(r.is_empty());
}

/// The canvas keeps the limits of `wire/limits.rs`.
pub(super) fn check_bounds(canvas: &Canvas) {
    let surfaces: u64 = canvas.surfaces().map(|(_, s)| s.picture.size().area()).sum();
    let tiles: u64 = canvas.tiles().map(|(_, t)| t.size().area()).sum();
    assert!(surfaces + tiles <= MAX_CANVAS_PIXELS);
    let glyphs: u64 = canvas.glyphs().map(|(_, g)| g.coverage.size.area()).sum();
    assert!(glyphs <= MAX_GLYPH_CACHE_PIXELS);
}

fn check_damage(canvas: &mut Canvas, shown: &mut Picture) {
    let damage = canvas.take_damage();
    // Blending thousands of translucent windows is checked once, not here.
    if canvas.compose_cost(&damage) > BUDGET || canvas.screen_size().area() > BUDGET {
        return;
    }
    shown.resize(canvas.screen_size(), 0);
    canvas.compose(&damage, shown);
    assert_eq!(*shown, canvas.screen());
}

pub(super) fn digests(canvas: &Canvas) -> Vec<(SurfaceId, Digest)> {
    let mut all: Vec<_> = canvas.surfaces().map(|(id, s)| (id, digest(s.picture.view()))).collect();
    all.sort_unstable_by_key(|(id, _)| *id);
    all
}

/// The canvas that [`draw`] starts with: a screen, an alpha surface 1 in window 1, an
/// opaque surface 2, a tile and a glyph in slots 0, and one of each offered as well.
pub fn furnished() -> Canvas {
    let mut canvas = Canvas::new();
    let screen = Rect::new(0, 0, 48, 40);
    let commands: [DrawCommand; 9] = [
        SurfaceResize { id: SurfaceId::SCREEN, size: screen.size() }.into(),
        SurfaceCreate { id: SurfaceId(1), size: Size::new(16, 12), alpha: true }.into(),
        SurfaceCreate { id: SurfaceId(2), size: Size::new(20, 20), alpha: false }.into(),
        Fill { surface: SurfaceId::SCREEN, color: 0x20_40_60, rects: vec![screen] }.into(),
        Fill { surface: SurfaceId(2), color: 0xff_80_01, rects: vec![Rect::new(3, 3, 9, 9)] }.into(),
        WindowCreate { id: WindowId(1), surface: SurfaceId(1), position: Point::new(30, 5) }.into(),
        WindowMap { id: WindowId(1), mapped: true }.into(),
        TileCapture { slot: TileSlot(0), surface: SurfaceId(2), rect: Rect::new(0, 0, 5, 4) }.into(),
        GlyphDefine {
            slot: GlyphSlot(0),
            coverage: Coverage {
                size: Size::new(3, 2),
                subpixel: false,
                mask: vec![0, 17, 255, 128, 255, 0],
            },
            bearing: Point::new(1, -2),
            advance: 4,
        }
        .into(),
    ];
    for command in &commands {
        canvas.apply(command).expect("the furniture is sound");
    }
    let library = canvas.library_mut();
    library.put_glyph(0, Coverage { size: Size::new(2, 2), subpixel: true, mask: (0..12).collect() }.into());
    library.put_tile(0, Picture::new(Size::new(3, 5), 0x11_22_33).into());
    canvas.take_damage();
    canvas
}
