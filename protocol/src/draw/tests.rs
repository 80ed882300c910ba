//! Wire and painting of every command, on small canvases.

use proptest::prelude::*;

use super::*;
use crate::canvas::Canvas;
use crate::encoding::{Effort, Encoder};
use crate::geometry::{Point, Rect, Size};
use crate::pixel::{Picture, blend, over, rgb, scale};

const RED: u32 = rgb(255, 0, 0);
const BLUE: u32 = rgb(0, 0, 255);

fn screen(width: u32, height: u32) -> Canvas {
    let mut canvas = Canvas::new();
    paint(&mut canvas, SurfaceResize { id: SurfaceId::SCREEN, size: Size::new(width, height) });
    canvas
}

/// Paints a command after sending it through its wire form.
fn paint(canvas: &mut Canvas, command: impl Into<DrawCommand>) {
    try_paint(canvas, command).unwrap();
}

fn try_paint(canvas: &mut Canvas, command: impl Into<DrawCommand>) -> Result<(), PaintError> {
    let command = command.into();
    let mut out = Writer::new();
    command.encode(&mut out);
    let bytes = out.finish();
    let mut r = Reader::new(&bytes);
    assert_eq!(DrawCommand::decode(&mut r).as_ref(), Ok(&command));
    assert!(r.is_empty());
    for cut in 0..bytes.len() {
        assert!(DrawCommand::decode(&mut Reader::new(&bytes[..cut])).is_err(), "cut at {cut}: {command:?}");
    }
    canvas.apply(&command)
}

/// Pixels of surface 0, `.` for black, `r` for red, `b` for blue, `?` for anything else.
fn rows(canvas: &Canvas) -> Vec<String> {
    canvas
        .screen()
        .view()
        .rows()
        .map(|row| {
            row.iter()
                .map(|&p| match p {
                    0 => '.',
                    RED => 'r',
                    BLUE => 'b',
                    _ => '?',
                })
                .collect()
        })
        .collect()
}

fn fill(rect: Rect, color: u32) -> Fill {
    Fill { surface: SurfaceId::SCREEN, color, rects: vec![rect] }
}

fn payload(picture: &Picture) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new().encode(picture.view(), Effort::Balanced, &mut out);
    out
}

#[test]
fn fill_is_clipped() {
    let mut canvas = screen(4, 2);
    paint(&mut canvas, fill(Rect::new(-3, 1, 5, 9), RED));
    assert_eq!(rows(&canvas), ["....", "rr.."]);
    assert_eq!(canvas.take_damage().bounds(), Rect::new(0, 0, 4, 2));
}

#[test]
fn copies_read_before_any_is_written() {
    let mut canvas = screen(4, 1);
    paint(&mut canvas, fill(Rect::new(0, 0, 1, 1), RED));
    paint(&mut canvas, fill(Rect::new(1, 0, 1, 1), BLUE));
    let item =
        |x, to| CopyItem { source: SurfaceId::SCREEN, rect: Rect::new(x, 0, 1, 1), to: Point::new(to, 0) };
    // Swapping two pixels is only right with snapshot semantics.
    paint(&mut canvas, Copy { surface: SurfaceId::SCREEN, items: vec![item(0, 1), item(1, 0)] });
    assert_eq!(rows(&canvas), ["br.."]);
}

#[test]
fn overlapping_moves_in_every_direction() {
    for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (2, -1)] {
        let mut canvas = screen(6, 5);
        for i in 0..30 {
            paint(&mut canvas, fill(Rect::new(i % 6, i / 6, 1, 1), i as u32 + 1));
        }
        let before = canvas.screen();
        let rect = Rect::new(1, 1, 4, 3);
        let item = CopyItem { source: SurfaceId::SCREEN, rect, to: Point::new(1 + dx, 1 + dy) };
        paint(&mut canvas, Copy { surface: SurfaceId::SCREEN, items: vec![item] });
        let mut expected = before.clone();
        expected.blit(Point::new(1 + dx, 1 + dy), before.crop(rect));
        assert_eq!(canvas.screen(), expected, "({dx}, {dy})");
    }
}

#[test]
fn copy_from_outside_leaves_pixels() {
    let mut canvas = screen(3, 1);
    paint(&mut canvas, fill(Rect::new(0, 0, 3, 1), RED));
    paint(&mut canvas, fill(Rect::new(0, 0, 1, 1), BLUE));
    let item = CopyItem { source: SurfaceId::SCREEN, rect: Rect::new(-2, 0, 3, 1), to: Point::new(0, 0) };
    paint(&mut canvas, Copy { surface: SurfaceId::SCREEN, items: vec![item] });
    assert_eq!(rows(&canvas), ["brb"]);
}

#[test]
fn pixels_arrive_exactly() {
    let mut canvas = screen(5, 3);
    let mut picture = Picture::new(Size::new(3, 2), RED);
    picture.data_mut()[4] = BLUE;
    let put =
        PutPixels { surface: SurfaceId::SCREEN, rect: Rect::new(1, 1, 3, 2), payload: payload(&picture) };
    paint(&mut canvas, put);
    assert_eq!(rows(&canvas), [".....", ".rrr.", ".rbr."]);
    let large = PutPixels {
        surface: SurfaceId::SCREEN,
        rect: Rect::new(0, 0, 4000, 4000),
        payload: vec![0, 1, 2, 3],
    };
    assert!(try_paint(&mut canvas, large).is_err());
}

#[test]
fn glyphs_blend_by_coverage() {
    for mask in [vec![255, 0, 255, 255], vec![255, 0, 17, 34], vec![1, 0, 254, 99]] {
        let mut canvas = screen(4, 3);
        paint(&mut canvas, fill(Rect::new(0, 0, 4, 3), BLUE));
        paint(
            &mut canvas,
            GlyphDefine {
                slot: GlyphSlot(9),
                coverage: Coverage { size: Size::new(2, 2), subpixel: false, mask: mask.clone() },
                bearing: Point::new(0, -2),
                advance: 2,
            },
        );
        let run = GlyphRun {
            surface: SurfaceId::SCREEN,
            color: RED,
            pen: Point::new(0, 3),
            slots: vec![GlyphSlot(9); 2],
        };
        paint(&mut canvas, run);
        let got = canvas.screen();
        for (i, &m) in mask.iter().enumerate() {
            let (x, y) = (i as i32 % 2, i as i32 / 2 + 1);
            for x in [x, x + 2] {
                assert_eq!(got.pixel(Point::new(x, y)), Some(blend(RED, BLUE, m)));
            }
        }
        assert_eq!(got.row(0, 0, 4), [BLUE; 4]);
    }
    let missing =
        GlyphRun { surface: SurfaceId::SCREEN, color: RED, pen: Point::default(), slots: vec![GlyphSlot(1)] };
    assert_eq!(try_paint(&mut screen(1, 1), missing), Err(PaintError::UnknownGlyph(GlyphSlot(1))));
}

#[test]
fn tiles_defined_captured_used_and_repeated() {
    let mut canvas = screen(6, 2);
    let mut picture = Picture::new(Size::new(2, 1), RED);
    picture.data_mut()[1] = BLUE;
    paint(&mut canvas, TileDefine { slot: TileSlot(0), size: picture.size(), payload: payload(&picture) });
    let points = vec![Point::new(0, 0), Point::new(5, 0)];
    paint(&mut canvas, TileUse { surface: SurfaceId::SCREEN, slot: TileSlot(0), points });
    assert_eq!(rows(&canvas), ["rb...r", "......"]);
    paint(
        &mut canvas,
        TileCapture { slot: TileSlot(1), surface: SurfaceId::SCREEN, rect: Rect::new(1, 0, 2, 1) },
    );
    paint(
        &mut canvas,
        Pattern {
            surface: SurfaceId::SCREEN,
            rect: Rect::new(0, 1, 6, 1),
            origin: Point::new(1, 1),
            ink: Ink::Tile(TileSlot(1)),
        },
    );
    assert_eq!(rows(&canvas), ["rb...r", ".b.b.b"]);
    let outside = TileCapture { slot: TileSlot(1), surface: SurfaceId::SCREEN, rect: Rect::new(5, 1, 2, 1) };
    assert!(try_paint(&mut canvas, outside).is_err());
}

#[test]
fn bit_patterns_with_and_without_background() {
    let mut canvas = screen(8, 2);
    let pattern = |background| Pattern {
        surface: SurfaceId::SCREEN,
        rect: Rect::new(0, 0, 8, 1),
        origin: Point::new(1, 0),
        ink: Ink::Bits { rows: [0b1100_0000, 0, 0, 0, 0, 0, 0, 0], foreground: RED, background },
    };
    paint(&mut canvas, pattern(Some(BLUE)));
    assert_eq!(rows(&canvas), ["brrbbbbb", "........"]);
    let mut canvas = screen(8, 2);
    paint(&mut canvas, pattern(None));
    assert_eq!(rows(&canvas), [".rr.....", "........"]);
}

#[test]
fn lines_follow_bresenham() {
    for (a, b, expected) in [
        ((0, 0), (4, 2), ["r....", ".rr..", "...rr"]),
        ((4, 2), (0, 0), ["rr...", "..rr.", "....r"]),
        ((2, 0), (2, 9), ["..r..", "..r..", "..r.."]),
    ] {
        let mut canvas = screen(5, 3);
        let points = vec![Point::new(a.0, a.1), Point::new(b.0, b.1)];
        paint(&mut canvas, Lines { surface: SurfaceId::SCREEN, color: RED, points });
        assert_eq!(rows(&canvas), expected, "{a:?} {b:?}");
    }
    let mut canvas = screen(3, 1);
    paint(&mut canvas, Lines { surface: SurfaceId::SCREEN, color: RED, points: vec![Point::new(1, 0)] });
    assert_eq!(rows(&canvas), [".r."]);
}

#[test]
fn frames_are_inside() {
    let mut canvas = screen(5, 4);
    let rects = vec![Rect::new(0, 0, 4, 3), Rect::new(4, 3, 1, 1)];
    paint(&mut canvas, Frames { surface: SurfaceId::SCREEN, color: RED, rects });
    assert_eq!(rows(&canvas), ["rrrr.", "r..r.", "rrrr.", "....r"]);
}

#[test]
fn composite_with_and_without_alpha() {
    for alpha in [false, true] {
        let mut canvas = screen(2, 1);
        paint(&mut canvas, fill(Rect::new(0, 0, 2, 1), BLUE));
        paint(&mut canvas, SurfaceCreate { id: SurfaceId(1), size: Size::new(1, 1), alpha });
        paint(&mut canvas, Fill { surface: SurfaceId(1), color: RED, rects: vec![Rect::new(0, 0, 1, 1)] });
        paint(
            &mut canvas,
            Composite {
                surface: SurfaceId::SCREEN,
                source: SurfaceId(1),
                rect: Rect::new(0, 0, 3, 3),
                to: Point::new(1, 0),
                opacity: 100,
            },
        );
        let expected = if alpha {
            over(scale(0xff00_0000 | RED, 100), BLUE) & 0x00ff_ffff
        } else {
            blend(RED, BLUE, 100)
        };
        assert_eq!(canvas.screen().data(), [BLUE, expected]);
    }
}

#[test]
fn windows_stack_move_hide_and_uncover_without_pixels() {
    let mut canvas = screen(5, 1);
    for (i, color) in [(1, RED), (2, BLUE)] {
        paint(&mut canvas, SurfaceCreate { id: SurfaceId(i), size: Size::new(2, 1), alpha: false });
        paint(&mut canvas, Fill { surface: SurfaceId(i), color, rects: vec![Rect::new(0, 0, 2, 1)] });
        let position = Point::new(i as i32 - 1, 0);
        paint(&mut canvas, WindowCreate { id: WindowId(i), surface: SurfaceId(i), position });
        assert!(canvas.is_flat() || i == 2);
        paint(&mut canvas, WindowMap { id: WindowId(i), mapped: true });
    }
    assert_eq!(rows(&canvas), ["rbb.."]);
    paint(&mut canvas, WindowStack { id: WindowId(1), index: 9 });
    assert_eq!(rows(&canvas), ["rrb.."]);
    canvas.take_damage();
    paint(&mut canvas, WindowMove { id: WindowId(1), position: Point::new(3, 0) });
    assert_eq!(rows(&canvas), [".bbrr"]);
    assert_eq!(canvas.take_damage().area(), 4);
    paint(&mut canvas, WindowMap { id: WindowId(2), mapped: false });
    assert_eq!(rows(&canvas), ["...rr"]);
    assert_eq!(
        try_paint(&mut canvas, SurfaceDestroy { id: SurfaceId(1) }),
        Err(PaintError::InUse(SurfaceId(1)))
    );
    paint(&mut canvas, WindowDestroy { id: WindowId(1) });
    paint(&mut canvas, SurfaceDestroy { id: SurfaceId(1) });
    assert_eq!(rows(&canvas), ["....."]);
}

#[test]
fn translucent_windows_show_what_is_below_them_only() {
    let mut canvas = screen(3, 1);
    let half = 0x8080_0000; // red, premultiplied by about a half
    paint(&mut canvas, SurfaceCreate { id: SurfaceId(1), size: Size::new(2, 1), alpha: true });
    let mut pixels = Vec::new();
    Encoder::new().encode_argb(Picture::new(Size::new(2, 1), half).view(), Effort::Fast, &mut pixels);
    let put = PutPixels { surface: SurfaceId(1), rect: Rect::new(0, 0, 2, 1), payload: pixels };
    paint(&mut canvas, put);
    paint(&mut canvas, SurfaceCreate { id: SurfaceId(2), size: Size::new(1, 1), alpha: false });
    paint(&mut canvas, Fill { surface: SurfaceId(2), color: BLUE, rects: vec![Rect::new(0, 0, 1, 1)] });
    for (i, x) in [(2, 0), (1, 0)] {
        let position = Point::new(x, 0);
        paint(&mut canvas, WindowCreate { id: WindowId(i), surface: SurfaceId(i), position });
        paint(&mut canvas, WindowMap { id: WindowId(i), mapped: true });
    }
    let opaque = |c| c & 0x00ff_ffff;
    assert_eq!(canvas.screen().data(), [opaque(over(half, BLUE)), opaque(over(half, 0)), 0]);
    paint(&mut canvas, WindowStack { id: WindowId(1), index: 0 });
    assert_eq!(canvas.screen().data(), [BLUE, opaque(over(half, 0)), 0]);
}

#[test]
fn absurd_sizes_are_refused() {
    let mut canvas = Canvas::new();
    for size in [Size::new(65_535, 65_535), Size::new(32_768, 32_768)] {
        let command = DrawCommand::from(SurfaceResize { id: SurfaceId::SCREEN, size });
        let mut out = Writer::new();
        command.encode(&mut out);
        assert!(DrawCommand::decode(&mut Reader::new(&out.finish())).is_err());
        assert!(canvas.apply(&command).is_err());
    }
    // Many legal surfaces are no way around the sum.
    let mut refused = false;
    for id in 1..200 {
        let create = SurfaceCreate { id: SurfaceId(id), size: Size::new(8192, 4096), alpha: false };
        refused |= canvas.apply(&create.into()).is_err();
        if refused {
            break;
        }
    }
    assert!(refused);
}

fn any_rect() -> impl Strategy<Value = Rect> {
    (-8..40i32, -8..40i32, 1..30u32, 1..30u32).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h))
}

proptest! {
    #[test]
    fn damage_covers_every_change(
        fills in prop::collection::vec((any_rect(), 0..4u32), 1..10),
        copies in prop::collection::vec((any_rect(), -9..40i32, -9..40i32), 0..6),
        moves in prop::collection::vec((-9..30i32, -9..30i32), 0..4),
    ) {
        let mut canvas = screen(32, 32);
        paint(&mut canvas, SurfaceCreate { id: SurfaceId(1), size: Size::new(8, 8), alpha: false });
        paint(&mut canvas, Fill { surface: SurfaceId(1), color: RED, rects: vec![Rect::new(0, 0, 5, 9)] });
        paint(&mut canvas, WindowCreate { id: WindowId(1), surface: SurfaceId(1), position: Point::new(3, 3) });
        paint(&mut canvas, WindowMap { id: WindowId(1), mapped: true });
        let mut shown = canvas.screen();
        canvas.take_damage();
        for (rect, color) in fills {
            paint(&mut canvas, fill(rect, color));
        }
        let items = copies
            .into_iter()
            .map(|(rect, x, y)| CopyItem { source: SurfaceId::SCREEN, rect, to: Point::new(x, y) })
            .collect();
        paint(&mut canvas, Copy { surface: SurfaceId::SCREEN, items });
        for (x, y) in moves {
            paint(&mut canvas, WindowMove { id: WindowId(1), position: Point::new(x, y) });
        }
        let damage = canvas.take_damage();
        canvas.compose(&damage, &mut shown);
        prop_assert_eq!(shown, canvas.screen());
    }

    #[test]
    fn all_is_read_before_any_is_written(
        copies in prop::collection::vec((any_rect(), -9..40i32, -9..40i32, any::<bool>()), 0..40),
    ) {
        let mut canvas = screen(32, 32);
        for i in 0..1024 {
            paint(&mut canvas, fill(Rect::new(i % 32, i / 32, 1, 1), 1 + i as u32));
        }
        let size = Size::new(16, 16);
        paint(&mut canvas, SurfaceCreate { id: SurfaceId(1), size, alpha: false });
        paint(&mut canvas, Fill { surface: SurfaceId(1), color: RED, rects: vec![Rect::of_size(size)] });
        let before = canvas.clone();
        let items: Vec<CopyItem> = copies
            .into_iter()
            .map(|(rect, x, y, own)| {
                CopyItem { source: SurfaceId(u32::from(!own)), rect, to: Point::new(x, y) }
            })
            .collect();
        let mut expected = canvas.screen();
        for item in &items {
            let source = &before.surface(item.source).unwrap().picture;
            let (rect, to) = (item.rect.intersection(&source.bounds()), item.to);
            for y in rect.top..rect.bottom {
                for x in rect.left..rect.right {
                    let at = Rect::new(to.x + x - item.rect.left, to.y + y - item.rect.top, 1, 1);
                    expected.fill(at, source.pixel(Point::new(x, y)).unwrap());
                }
            }
        }
        paint(&mut canvas, Copy { surface: SurfaceId::SCREEN, items });
        prop_assert_eq!(canvas.screen(), expected);
    }

    #[test]
    fn noise_is_no_command_that_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut canvas = screen(16, 16);
        let mut r = Reader::new(&bytes);
        while let Ok(command) = DrawCommand::decode(&mut r) {
            if command.cost(&canvas) < 1 << 22 {
                let _ = canvas.apply(&command);
            }
        }
    }
}
