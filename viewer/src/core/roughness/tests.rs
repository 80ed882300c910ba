use panto_protocol::draw::{
    Composite, Copy, CopyItem, Coverage, Fill, GlyphDefine, GlyphRun, GlyphSlot, InlinePixels, LossyPixels,
    Pattern, SurfaceCreate, SurfaceDestroy, SurfaceResize, TileCapture, TileUse, WindowCreate, WindowId,
    WindowMap, WindowMove,
};
use panto_protocol::geometry::Size;
use panto_protocol::lossy::{Macroblock, columns_and_rows};
use panto_protocol::message::{FRESH_FRAME, FrameHeader};
use panto_protocol::wire::Writer;

use super::*;
use crate::core::Screen;

const SCREEN: SurfaceId = SurfaceId::SCREEN;

/// A screen of 100 × 60 pixels.
fn screen() -> Screen {
    let mut screen = Screen::new();
    paint(&mut screen, [SurfaceResize { id: SCREEN, size: Size::new(100, 60) }.into()]);
    screen
}

fn frame<const N: usize>(screen: &mut Screen, settled: bool, commands: [DrawCommand; N]) {
    let mut out = Writer::new();
    FrameHeader { settled, ..FrameHeader::default() }.encode(&mut out);
    commands.iter().for_each(|c| c.encode(&mut out));
    screen.paint(&out.finish()).unwrap();
}

fn paint<const N: usize>(screen: &mut Screen, commands: [DrawCommand; N]) {
    frame(screen, false, commands);
}

/// Pixels that are shown roughly.
#[track_caller]
fn rough(screen: &Screen) -> u64 {
    let rough = (1.0 - screen.exact_share().unwrap()) * screen.canvas().screen_size().area() as f64;
    assert!((rough - rough.round()).abs() < 1e-6);
    rough.round() as u64
}

/// Macroblocks that are all still: what they leave may be wrong nevertheless.
fn lossy(surface: SurfaceId, rect: Rect) -> DrawCommand {
    let (columns, rows) = columns_and_rows(rect);
    let macroblocks = vec![Macroblock::default(); columns * rows];
    LossyPixels { surface, rect, step: 20, macroblocks, levels: Vec::new() }.into()
}

fn fill(surface: SurfaceId, rect: Rect) -> DrawCommand {
    Fill { surface, color: 0x0080_8080, rects: vec![rect] }.into()
}

fn copy(surface: SurfaceId, items: &[(SurfaceId, Rect, Point)]) -> DrawCommand {
    let items = items.iter().map(|&(source, rect, to)| CopyItem { source, rect, to }).collect();
    Copy { surface, items }.into()
}

fn create(id: SurfaceId, width: u32, height: u32, alpha: bool) -> DrawCommand {
    SurfaceCreate { id, size: Size::new(width, height), alpha }.into()
}

#[test]
fn nothing_is_measured_of_no_picture_and_all_is_exact_without_lossy_pixels() {
    assert_eq!(Screen::new().exact_share(), None);
    let mut s = screen();
    assert_eq!(s.exact_share(), Some(1.0));
    paint(&mut s, [fill(SCREEN, Rect::new(0, 0, 50, 50)), create(SurfaceId(3), 9, 9, true)]);
    assert_eq!(s.exact_share(), Some(1.0));
    assert!(s.roughness().planes.is_empty(), "nothing is kept");
}

#[test]
fn what_is_exact_replaces_what_is_rough() {
    let mut s = screen();
    paint(&mut s, [lossy(SCREEN, Rect::new(10, 10, 50, 40))]);
    assert_eq!(s.exact_share(), Some(1.0 - 2000.0 / 6000.0));
    paint(&mut s, [fill(SCREEN, Rect::new(0, 0, 20, 20))]);
    assert_eq!(rough(&s), 2000 - 100);
    // Again, roughly; twice does not count twice.
    paint(&mut s, [lossy(SCREEN, Rect::new(10, 10, 16, 16)), lossy(SCREEN, Rect::new(10, 10, 16, 16))]);
    assert_eq!(rough(&s), 2000);
    let rect = Rect::new(10, 10, 50, 39);
    let pixels = vec![0x0012_3456; rect.area() as usize];
    paint(&mut s, [InlinePixels { surface: SCREEN, rect, pixels }.into()]);
    assert_eq!(rough(&s), 50);
    paint(&mut s, [fill(SCREEN, Rect::new(0, 49, 100, 1))]);
    assert_eq!(s.exact_share(), Some(1.0));
    assert!(s.roughness().planes.is_empty(), "nothing is kept");
}

#[test]
fn what_has_holes_leaves_it_rough() {
    let mut s = screen();
    let coverage = Coverage { size: Size::new(4, 4), subpixel: false, mask: vec![255; 16] };
    let slot = GlyphSlot(1);
    let holes = |background| {
        let ink = Ink::Bits { rows: [0xaa; 8], foreground: 1, background };
        Pattern { surface: SCREEN, rect: Rect::new(0, 0, 10, 10), origin: Point::default(), ink }.into()
    };
    paint(
        &mut s,
        [
            lossy(SCREEN, Rect::new(0, 0, 32, 32)),
            GlyphDefine { slot, coverage, bearing: Point::default(), advance: 4 }.into(),
            GlyphRun { surface: SCREEN, color: 1, pen: Point::new(4, 4), slots: vec![slot] }.into(),
            holes(None),
        ],
    );
    assert_eq!(rough(&s), 1024);
    paint(&mut s, [holes(Some(2))]);
    assert_eq!(rough(&s), 924);
}

#[test]
fn copies_take_it_along() {
    let mut s = screen();
    paint(&mut s, [lossy(SCREEN, Rect::new(0, 0, 16, 16))]);
    // Half of it, and as much that is exact.
    paint(&mut s, [copy(SCREEN, &[(SCREEN, Rect::new(8, 0, 16, 16), Point::new(50, 20))])]);
    assert_eq!(rough(&s), 256 + 128);
    // An exact copy over it.
    paint(&mut s, [copy(SCREEN, &[(SCREEN, Rect::new(80, 0, 20, 8), Point::new(50, 20))])]);
    assert_eq!(rough(&s), 256 + 64);
    // All is read before anything is written: two halves change places.
    let (left, right) = (Rect::new(0, 0, 50, 60), Rect::new(50, 0, 50, 60));
    let swap = copy(SCREEN, &[(SCREEN, left, right.origin()), (SCREEN, right, left.origin())]);
    paint(&mut s, [swap, fill(SCREEN, Rect::new(0, 0, 50, 60))]);
    assert_eq!(rough(&s), 256);
    // Overlapping itself, and partly from outside.
    paint(&mut s, [copy(SCREEN, &[(SCREEN, Rect::new(50, -5, 60, 60), Point::new(49, -4))])]);
    assert_eq!(rough(&s), 256 + 16);
}

#[test]
fn tiles_of_it_are_rough_until_they_are_forgotten() {
    let mut s = screen();
    let slot = TileSlot(5);
    let capture = |rect| DrawCommand::from(TileCapture { slot, surface: SCREEN, rect });
    let place = |x| DrawCommand::from(TileUse { surface: SCREEN, slot, points: vec![Point::new(x, 40)] });
    paint(&mut s, [lossy(SCREEN, Rect::new(0, 0, 16, 16))]);
    // One pixel of it is enough.
    paint(&mut s, [capture(Rect::new(15, 15, 10, 10)), place(60)]);
    assert_eq!(rough(&s), 256 + 100);
    let ink = Ink::Tile(slot);
    let rect = Rect::new(60, 40, 20, 10);
    paint(&mut s, [Pattern { surface: SCREEN, rect, origin: Point::default(), ink }.into()]);
    assert_eq!(rough(&s), 256 + 200);
    // A picture that is whole says nothing of what is cached.
    frame(&mut s, true, []);
    assert_eq!(s.exact_share(), Some(1.0));
    paint(&mut s, [place(20)]);
    assert_eq!(rough(&s), 100);
    paint(&mut s, [capture(Rect::new(50, 0, 10, 10)), place(20)]);
    assert_eq!(s.exact_share(), Some(1.0));
    paint(&mut s, [lossy(SCREEN, Rect::new(0, 0, 16, 16)), capture(Rect::new(0, 0, 5, 5))]);
    assert_eq!(s.roughness().tiles.len(), 1);
    s.paint(&FRESH_FRAME).unwrap();
    assert!(s.roughness().tiles.is_empty());
    assert_eq!(rough(&s), 256, "a fresh frame forgets caches, not pixels");
}

#[test]
fn a_settled_frame_says_that_all_is_exact() {
    let mut s = screen();
    frame(&mut s, true, [lossy(SCREEN, Rect::new(0, 0, 16, 16))]);
    assert_eq!(s.exact_share(), Some(1.0));
    paint(&mut s, [lossy(SCREEN, Rect::new(0, 0, 16, 16))]);
    assert_eq!(rough(&s), 256);
    paint(&mut s, []);
    assert_eq!(rough(&s), 256);
    s.settled();
    assert_eq!(s.exact_share(), Some(1.0));
    paint(&mut s, [lossy(SCREEN, Rect::new(0, 0, 16, 16))]);
    s.clear();
    paint(&mut s, [SurfaceResize { id: SCREEN, size: Size::new(30, 20) }.into()]);
    assert_eq!(s.exact_share(), Some(1.0), "a new session has a new picture");
}

#[test]
fn sizes_keep_what_is_left_and_the_end_of_a_surface_nothing() {
    let mut s = screen();
    let resize = |width, height| SurfaceResize { id: SCREEN, size: Size::new(width, height) }.into();
    paint(&mut s, [lossy(SCREEN, Rect::new(80, 40, 20, 20)), resize(90, 50)]);
    assert_eq!(rough(&s), 100);
    paint(&mut s, [resize(131, 77)]);
    assert_eq!(rough(&s), 100);
    paint(&mut s, [resize(80, 77), resize(100, 60)]);
    assert_eq!(s.exact_share(), Some(1.0));
    let id = SurfaceId(4);
    let all = Rect::new(0, 0, 20, 20);
    paint(&mut s, [create(id, 20, 20, false), lossy(id, all)]);
    assert_eq!(s.exact_share(), Some(1.0), "it is not shown");
    paint(&mut s, [SurfaceDestroy { id }.into(), create(id, 30, 30, false)]);
    paint(&mut s, [copy(SCREEN, &[(id, all, Point::default())])]);
    assert_eq!(s.exact_share(), Some(1.0), "the new one has nothing of the old one");
}

#[test]
fn what_counts_is_what_is_shown() {
    let mut s = screen();
    let (surface, id) = (SurfaceId(2), WindowId(7));
    let at = |x, y| DrawCommand::from(WindowMove { id, position: Point::new(x, y) });
    paint(
        &mut s,
        [
            lossy(SCREEN, Rect::new(0, 0, 40, 40)),
            create(surface, 20, 20, false),
            WindowCreate { id, surface, position: Point::new(30, 30) }.into(),
        ],
    );
    assert_eq!(rough(&s), 1600, "a hidden window hides nothing");
    paint(&mut s, [WindowMap { id, mapped: true }.into()]);
    assert_eq!(rough(&s), 1600 - 100);
    paint(&mut s, [lossy(surface, Rect::new(0, 0, 20, 10))]);
    assert_eq!(rough(&s), 1500 + 200);
    // Partly outside of the screen.
    paint(&mut s, [at(90, -5)]);
    assert_eq!(rough(&s), 1600 + 10 * 5);
    // Moved ahead of the server's word, it counts where it is shown.
    s.show(&[crate::core::MovedWindow { id, position: Point::new(0, 0) }], &mut Default::default());
    assert_eq!(rough(&s), 1600 - 200);
}

#[test]
fn translucent_windows_show_what_is_below() {
    let mut s = screen();
    let (surface, id, rough_one) = (SurfaceId(2), WindowId(7), SurfaceId(3));
    paint(
        &mut s,
        [
            lossy(SCREEN, Rect::new(0, 0, 16, 16)),
            create(surface, 10, 10, true),
            create(rough_one, 10, 10, false),
            lossy(rough_one, Rect::new(0, 0, 10, 10)),
            WindowCreate { id, surface, position: Point::new(10, 10) }.into(),
            WindowMap { id, mapped: true }.into(),
        ],
    );
    assert_eq!(rough(&s), 256);
    let rect = Rect::new(0, 0, 10, 10);
    let composite = |to: SurfaceId, source, opacity| {
        DrawCommand::from(Composite { surface: to, source, rect, to: Point::default(), opacity })
    };
    paint(&mut s, [composite(surface, rough_one, 40)]);
    assert_eq!(rough(&s), 256 + 100 - 36);
    // What is composed translucently leaves what was there, and what is opaque does not.
    paint(&mut s, [WindowMap { id, mapped: false }.into(), create(SurfaceId(9), 10, 10, false)]);
    paint(&mut s, [composite(SCREEN, SurfaceId(9), 254)]);
    assert_eq!(rough(&s), 256);
    paint(&mut s, [composite(SCREEN, SurfaceId(9), 255)]);
    assert_eq!(rough(&s), 156);
}
