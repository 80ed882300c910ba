//! Coded frames come back as they were; broken ones are errors, never panics.

use proptest::prelude::*;

use crate::canvas::Canvas;
use crate::draw::{
    Composite, Copy, CopyItem, Coverage, DrawCommand, Fill, Frames, GlyphDefine, GlyphPlace, GlyphRun,
    GlyphSlot, InlinePixels, Lines, PlacedGlyph, PutPixels, SurfaceCreate, SurfaceDestroy, SurfaceId,
    SurfaceResize, TileCapture, TileSlot, TileUse, WindowCreate, WindowDestroy, WindowId, WindowMap,
    WindowMove, WindowStack,
};
use crate::encoding::{Effort, Encoder};
use crate::entropy::{CommandModels, StreamDecoder, StreamEncoder};
use crate::geometry::{Point, Rect, Size};
use crate::pixel::Picture;

const SCREEN: SurfaceId = SurfaceId::SCREEN;
const SIZE: Size = Size::new(64, 48);

fn canvas() -> Canvas {
    let mut canvas = Canvas::new();
    canvas.apply(&SurfaceResize { id: SCREEN, size: SIZE }.into()).unwrap();
    canvas
}

/// Draws from a few numbers; everything that the canvas refuses is left out by the caller.
fn command(kind: u8, n: [u32; 6]) -> DrawCommand {
    let side = |v: u32| 1 + v % 24;
    let rect = Rect::new((n[0] % 80) as i32 - 8, (n[1] % 60) as i32 - 8, side(n[2]), side(n[3]));
    let at = Point::new((n[4] % 80) as i32 - 8, (n[5] % 60) as i32 - 8);
    let (surface, color) = (SurfaceId(n[5] % 3), n[4] & 0x00ff_ffff);
    let (slot, window) = (GlyphSlot(n[3] % 5), WindowId(n[2] % 3));
    match kind % 22 {
        0 => Fill { surface, color, rects: vec![rect; (n[2] % 4) as usize] }.into(),
        1 => Copy { surface, items: vec![CopyItem { source: SurfaceId(n[2] % 3), rect, to: at }] }.into(),
        2 => {
            let mut payload = Vec::new();
            Encoder::new().encode(Picture::new(rect.size(), color).view(), Effort::Fast, &mut payload);
            PutPixels { surface, rect, payload }.into()
        }
        3 => {
            let size = Size::new(side(n[0]), side(n[1]));
            let subpixel = n[5].is_multiple_of(3);
            let bytes = size.area() as u32 * if subpixel { 3 } else { 1 };
            let level = |i: u32| match n[5] % 3 {
                1 => (i.wrapping_mul(n[4]) >> 7 & 1) as u8 * 255,
                _ => (i.wrapping_mul(n[4]) >> 5) as u8,
            };
            let mask = (0..bytes).map(level).collect();
            let bearing = Point::new(n[1] as i32 % 5, -(n[2] as i32 % 9));
            GlyphDefine {
                slot,
                coverage: Coverage { size, subpixel, mask },
                bearing,
                advance: n[2] as i32 % 30,
            }
            .into()
        }
        4 => GlyphRun { surface, color, pen: at, slots: vec![slot; 3] }.into(),
        5 => {
            let glyph = |i: u32| PlacedGlyph {
                slot: GlyphSlot((i.wrapping_mul(n[1]) >> 3) % 5),
                pen: at.offset((i * (n[0] % 9)) as i32, (i / 7) as i32),
            };
            GlyphPlace { surface, color, glyphs: (0..n[2] % 40).map(glyph).collect() }.into()
        }
        6 => TileCapture { slot: TileSlot(n[5] % 3), surface, rect }.into(),
        7 => TileUse { surface, slot: TileSlot(n[3] % 3), points: vec![at] }.into(),
        8 => Lines { surface, color, points: vec![at, rect.origin()] }.into(),
        9 => Frames { surface, color, rects: vec![rect] }.into(),
        10 => Composite { surface, source: SurfaceId(n[2] % 3), rect, to: at, opacity: n[3] as u8 }.into(),
        11 => SurfaceCreate { id: surface, size: rect.size(), alpha: n[0].is_multiple_of(4) }.into(),
        12 => SurfaceDestroy { id: surface }.into(),
        13 => WindowCreate { id: window, surface, position: at }.into(),
        14 => WindowMove { id: window, position: at }.into(),
        15 => WindowStack { id: window, index: n[0] % 3 }.into(),
        16 => WindowMap { id: window, mapped: n[0].is_multiple_of(2) }.into(),
        17 => WindowDestroy { id: window }.into(),
        _ => {
            let rect = rect.intersection(&Rect::of_size(SIZE)).union(&Rect::new(1, 1, 1, 1));
            let of = |i: u64| match n[4] % 3 {
                0 => (i as u32).wrapping_mul(n[3] | 1) & 0x00ff_ffff,
                1 => color,
                _ => color ^ ((i / 5 % 3) as u32).wrapping_mul(n[2]) & 0x00ff_ffff,
            };
            InlinePixels { surface: SCREEN, rect, pixels: (0..rect.area()).map(of).collect() }.into()
        }
    }
}

fn frames() -> impl Strategy<Value = Vec<Vec<DrawCommand>>> {
    let one = (any::<u8>(), any::<[u32; 6]>()).prop_map(|(kind, n)| command(kind, n));
    prop::collection::vec(prop::collection::vec(one, 0..12), 1..5)
}

/// Codes commands, also those that the canvas refuses; returns them with their bytes.
fn code(
    models: &mut CommandModels,
    canvas: &mut Canvas,
    frame: &[DrawCommand],
) -> (Vec<DrawCommand>, Vec<u8>, Vec<u8>) {
    let (mut stream, mut sent) = (StreamEncoder::default(), Vec::new());
    for command in frame {
        stream.push(models, command, canvas);
        // Half a command that is refused is painted the same on both ends.
        let _ = canvas.apply(command);
        sent.push(command.clone());
    }
    let (coded, payloads) = stream.finish(models);
    (sent, coded, payloads)
}

/// Paints what decodes; stops at the first error in the bytes.
fn decode(
    models: &mut CommandModels,
    canvas: &mut Canvas,
    coded: &[u8],
    payloads: &[u8],
) -> Result<Vec<DrawCommand>, String> {
    let mut stream = StreamDecoder::new(coded, payloads);
    let mut got = Vec::new();
    while let Some(command) = stream.next(models, canvas).map_err(|e| e.to_string())? {
        let _ = canvas.apply(&command);
        got.push(command);
        // An honest frame of this test has a dozen.
        if got.len() > 1000 {
            return Err("endless".into());
        }
    }
    Ok(got)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn frames_come_back(frames in frames()) {
        let (mut sender, mut receiver) = (CommandModels::default(), CommandModels::default());
        let (mut shadow, mut shown) = (canvas(), canvas());
        for frame in &frames {
            let (sent, coded, payloads) = code(&mut sender, &mut shadow, frame);
            let got = decode(&mut receiver, &mut shown, &coded, &payloads);
            prop_assert_eq!(got, Ok(sent));
            prop_assert_eq!(shown.screen(), shadow.screen());
        }
    }

    #[test]
    fn weighing_teaches_nothing(frames in frames()) {
        let (mut one, mut other) = (CommandModels::default(), CommandModels::default());
        let (mut a, mut b) = (canvas(), canvas());
        for frame in &frames {
            for command in frame {
                match command {
                    DrawCommand::GlyphPlace(c) => drop(one.weigh_glyphs(c, &a)),
                    DrawCommand::GlyphDefine(c) => drop(one.weigh_shape(c)),
                    DrawCommand::InlinePixels(c) => drop(one.weigh_pixels(c, &a, u64::MAX)),
                    _ => {}
                }
            }
            prop_assert_eq!(code(&mut one, &mut a, frame), code(&mut other, &mut b, frame));
        }
    }

    #[test]
    fn broken_frames_are_errors_or_other_frames(
        frames in frames(),
        cut in any::<prop::sample::Index>(),
        flip in prop::option::of((any::<prop::sample::Index>(), 1..=255u8)),
    ) {
        let (mut sender, mut shadow) = (CommandModels::default(), canvas());
        let (_, mut coded, payloads) = code(&mut sender, &mut shadow, &frames[0]);
        if let Some((at, mask)) = flip && !coded.is_empty() {
            let at = at.index(coded.len());
            coded[at] ^= mask;
        } else {
            coded.truncate(cut.index(coded.len() + 1));
        }
        let _ = decode(&mut CommandModels::default(), &mut canvas(), &coded, &payloads);
    }

    #[test]
    fn noise_is_no_frame(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let (coded, payloads) = noise.split_at(noise.len() / 2);
        let _ = decode(&mut CommandModels::default(), &mut canvas(), coded, payloads);
    }
}

#[test]
fn a_repeated_command_costs_bits() {
    let (mut models, mut canvas) = (CommandModels::default(), canvas());
    let item = CopyItem { source: SCREEN, rect: Rect::new(3, 15, 50, 30), to: Point::new(3, 0) };
    let scroll = DrawCommand::from(Copy { surface: SCREEN, items: vec![item] });
    let frame = vec![scroll; 100];
    let (_, coded, _) = code(&mut models, &mut canvas, &frame);
    assert!(coded.len() < 60, "{} bytes", coded.len());
    let (_, coded, _) = code(&mut models, &mut canvas, &frame[..1]);
    assert!(coded.len() <= 2, "{} bytes", coded.len());
}

#[test]
fn text_that_comes_again_costs_little() {
    let (mut models, mut canvas) = (CommandModels::default(), canvas());
    let mut size = |commands: &[DrawCommand]| code(&mut models, &mut canvas, commands).1.len();
    let define = |slot: u32| {
        let mask = (0..40).map(|i| if i * (slot + 3) % 7 < 3 { 255 } else { 0 }).collect();
        let coverage = Coverage { size: Size::new(5, 8), subpixel: false, mask };
        DrawCommand::from(GlyphDefine {
            slot: GlyphSlot(slot),
            coverage,
            bearing: Point::default(),
            advance: 6,
        })
    };
    let defines: Vec<_> = (0..20).map(define).collect();
    let shapes = size(&defines);
    assert!(shapes < 20 * 9, "{shapes} bytes for 20 shapes of 40 pixels");
    let line = |y: i32| {
        let glyph = |i: u32| PlacedGlyph { slot: GlyphSlot(i * i % 20), pen: Point::new(i as i32 * 6, y) };
        DrawCommand::from(GlyphPlace { surface: SCREEN, color: 0, glyphs: (0..10).map(glyph).collect() })
    };
    let first = size(&[line(0)]);
    for y in 1..9 {
        size(&[line(y * 4)]);
    }
    let last = size(&[line(36)]);
    assert!(first >= 8 && last <= 3, "{first} bytes, then {last}");
}
