//! Lossy pixels come back as they were, whichever way they are written; hostile ones are
//! errors, never panics; and the vector of `PROTOCOL.md` section 14.8.

use proptest::prelude::*;

use crate::canvas::{Canvas, digest};
use crate::draw::{DrawCommand, LossyPixels, SurfaceCreate, SurfaceId, SurfaceResize};
use crate::entropy::vectors::stated;
use crate::entropy::{CommandModels, StreamDecoder, StreamEncoder};
use crate::geometry::{Rect, Size};
use crate::lossy::{BLOCKS, INTRA_MODES, IntraMode, Macroblock, Prediction, Vector, columns_and_rows};
use crate::pixel::{Color, Picture, rgb};
use crate::wire::{Reader, Writer};

const SCREEN: SurfaceId = SurfaceId::SCREEN;
const SIZE: Size = Size::new(60, 44);

fn canvas(size: Size, pixel: impl Fn(u32, u32) -> Color) -> Canvas {
    let mut canvas = Canvas::new();
    canvas.apply(&SurfaceResize { id: SCREEN, size }.into()).unwrap();
    let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
    let picture = Picture::from_pixels(size, pixels.map(|(x, y)| pixel(x, y)).collect()).unwrap();
    canvas.write(SCREEN, Default::default(), picture.view()).unwrap();
    canvas
}

fn colorful() -> Canvas {
    canvas(SIZE, |x, y| (x * x * 77 + y * 0x1_03_05).wrapping_mul(0x9e37) & 0x00ff_ffff)
}

fn level() -> impl Strategy<Value = i16> {
    prop_oneof![6 => Just(0), 6 => -3..=3i16, 2 => -40..=40i16, 1 => -i16::MAX..=i16::MAX]
}

fn block() -> impl Strategy<Value = [i16; 64]> {
    (prop::collection::vec(level(), 64), 0..64usize).prop_map(|(levels, zeros)| {
        let mut block: [i16; 64] = levels.try_into().unwrap();
        block[64 - zeros..].fill(0);
        // Blocks without a level are not coded.
        block[0] = if block == [0; 64] { 1 } else { block[0] };
        block
    })
}

fn prediction() -> impl Strategy<Value = Prediction> {
    let mode = || (0..INTRA_MODES.len()).prop_map(|i| INTRA_MODES[i]);
    prop_oneof![
        Just(Prediction::Still),
        ([mode(), mode(), mode(), mode()], mode())
            .prop_map(|(luma, chroma)| Prediction::Intra { luma, chroma }),
        (-252..=252i16, -252..=252i16, 0..3u8)
            .prop_map(|(x, y, filter)| Prediction::Motion { vector: Vector { x, y }, filter }),
    ]
}

fn command() -> impl Strategy<Value = LossyPixels> {
    let rect = (0..30i32, 0..20i32, 1..=30u32, 1..=24u32).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h));
    (rect, 1..=255u8).prop_flat_map(|(rect, step)| {
        let (columns, rows) = columns_and_rows(rect);
        let bits = || 0..1u8 << BLOCKS;
        let macroblock = (prediction(), bits(), bits()).prop_map(|(prediction, coded, untransformed)| {
            let coded = if prediction == Prediction::Still { 0 } else { coded };
            Macroblock { prediction, coded, untransformed: untransformed & coded }
        });
        prop::collection::vec(macroblock, columns * rows).prop_flat_map(move |macroblocks| {
            let coded = macroblocks.iter().map(|m| m.coded.count_ones() as usize).sum::<usize>();
            prop::collection::vec(block(), coded).prop_map(move |levels| LossyPixels {
                surface: SCREEN,
                rect,
                step,
                macroblocks: macroblocks.clone(),
                levels,
            })
        })
    })
}

fn encoded(models: &mut CommandModels, canvas: &Canvas, command: &DrawCommand) -> Vec<u8> {
    let mut stream = StreamEncoder::default();
    stream.push(models, command, canvas);
    stream.finish(models).0
}

fn plain(command: &DrawCommand) -> Vec<u8> {
    let mut out = Writer::new();
    command.encode(&mut out);
    out.as_slice().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn commands_come_back(commands in prop::collection::vec(command(), 1..4)) {
        let (mut sender, mut receiver) = (CommandModels::default(), CommandModels::default());
        let (mut shadow, mut shown) = (colorful(), colorful());
        for command in commands {
            let command = DrawCommand::from(command);
            let bytes = plain(&command);
            let mut r = Reader::new(&bytes);
            let read = DrawCommand::decode(&mut r);
            prop_assert_eq!(read.as_ref(), Ok(&command));
            prop_assert!(r.is_empty());
            let coded = encoded(&mut sender, &shadow, &command);
            let mut stream = StreamDecoder::new(&coded, &[]);
            let got = stream.next(&mut receiver, &shown).unwrap();
            prop_assert_eq!(got.as_ref(), Some(&command));
            prop_assert_eq!(stream.next(&mut receiver, &shown), Ok(None));
            prop_assert_eq!(shadow.apply(&command), Ok(()));
            prop_assert_eq!(shown.apply(&got.unwrap()), Ok(()));
            prop_assert_eq!(shown.screen(), shadow.screen());
        }
    }

    #[test]
    fn weighing_teaches_nothing(command in command()) {
        let (mut one, mut other) = (CommandModels::default(), CommandModels::default());
        let canvas = colorful();
        let bits = one.weigh_lossy(&command, &canvas).bits();
        let command = DrawCommand::from(command);
        let coded = encoded(&mut one, &canvas, &command);
        prop_assert_eq!(&coded, &encoded(&mut other, &canvas, &command));
        prop_assert!(bits > 0);
    }

    #[test]
    fn broken_commands_are_errors_or_others(
        command in command(),
        at in any::<prop::sample::Index>(),
        mask in 1..=255u8,
        is_cut in any::<bool>(),
    ) {
        let command = DrawCommand::from(command);
        let break_it = |bytes: &mut Vec<u8>| match is_cut {
            true => bytes.truncate(at.index(bytes.len())),
            false => { let i = at.index(bytes.len()); bytes[i] ^= mask; }
        };
        let mut bytes = plain(&command);
        break_it(&mut bytes);
        if let Ok(other) = DrawCommand::decode(&mut Reader::new(&bytes)) {
            let _ = colorful().apply(&other);
        }
        let mut coded = encoded(&mut CommandModels::default(), &colorful(), &command);
        break_it(&mut coded);
        let mut canvas = colorful();
        let (mut models, mut stream) = (CommandModels::default(), StreamDecoder::new(&coded, &[]));
        for _ in 0..100 {
            let Ok(Some(other)) = stream.next(&mut models, &canvas) else { break };
            let _ = canvas.apply(&other);
        }
    }

    #[test]
    fn noise_is_no_command(mut noise in prop::collection::vec(any::<u8>(), 6..400)) {
        // A rectangle that fits, then anything.
        noise[..6].copy_from_slice(&[0x0f, 0, 4, 6, 40, 30]);
        if let Ok(other) = DrawCommand::decode(&mut Reader::new(&noise)) {
            let _ = colorful().apply(&other);
        }
    }
}

fn small(rect: Rect) -> LossyPixels {
    let (columns, rows) = columns_and_rows(rect);
    LossyPixels {
        surface: SCREEN,
        rect,
        step: 8,
        macroblocks: vec![Macroblock::default(); columns * rows],
        levels: Vec::new(),
    }
}

#[test]
fn what_stays_still_stays_exactly() {
    let (mut canvas, before) = (colorful(), colorful().screen());
    canvas.apply(&small(Rect::new(3, 2, 40, 33)).into()).unwrap();
    assert_eq!(canvas.screen(), before);
}

#[test]
fn surfaces_with_alpha_and_places_outside_are_refused() {
    let mut canvas = colorful();
    let id = SurfaceId(1);
    canvas.apply(&SurfaceCreate { id, size: SIZE, alpha: true }.into()).unwrap();
    let mut refused = |command: LossyPixels| assert!(canvas.apply(&command.into()).is_err());
    refused(LossyPixels { surface: id, ..small(Rect::new(0, 0, 16, 16)) });
    refused(LossyPixels { surface: SurfaceId(2), ..small(Rect::new(0, 0, 16, 16)) });
    refused(small(Rect::new(50, 0, 16, 16)));
    refused(LossyPixels { macroblocks: Vec::new(), ..small(Rect::new(0, 0, 16, 16)) });
}

#[test]
fn only_coded_blocks_are_untransformed() {
    let mut levels = [0; 64];
    levels[0] = 1;
    let read = |untransformed| {
        let prediction = Prediction::Motion { vector: Vector::default(), filter: 0 };
        let macroblocks = vec![Macroblock { prediction, coded: 0b101, untransformed }];
        let command = LossyPixels { macroblocks, levels: vec![levels; 2], ..small(Rect::new(0, 0, 16, 16)) };
        DrawCommand::decode(&mut Reader::new(&plain(&command.into()))).is_ok()
    };
    assert_eq!(
        [0, 0b001, 0b101, 0b010, 0b111, 0b1000_0000].map(read),
        [true, true, true, false, false, false]
    );
}

/// The vector of `PROTOCOL.md` section 14.8.
#[test]
fn painting_is_as_the_specification_says() {
    let size = Size::new(24, 20);
    let fresh = || canvas(size, |x, y| rgb((10 * x) as u8, (12 * y) as u8, (5 * (x + y)) as u8));
    let [mut first, mut second, mut third, mut fourth] = [[0; 64]; 4];
    (first[0], first[1], first[8], first[63]) = (-9, 4, -2, 1);
    second[0] = 5;
    (third[9], third[2]) = (-3, 16);
    (fourth[0], fourth[14]) = (3, -2);
    let modes = [IntraMode::Planar, IntraMode::DownLeft, IntraMode::DownRight, IntraMode::Mean];
    let command = DrawCommand::from(LossyPixels {
        surface: SCREEN,
        rect: Rect::new(3, 2, 18, 16),
        step: 20,
        macroblocks: vec![
            Macroblock {
                prediction: Prediction::Intra { luma: modes, chroma: IntraMode::Vertical },
                coded: 0b01_0001,
                untransformed: 0,
            },
            Macroblock {
                prediction: Prediction::Motion { vector: Vector { x: -7, y: 5 }, filter: 2 },
                coded: 0b01_0001,
                untransformed: 0b01_0000,
            },
        ],
        levels: vec![first, second, third, fourth],
    });
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
    let mut canvas = fresh();
    let coded = encoded(&mut CommandModels::default(), &canvas, &command);
    canvas.apply(&command).unwrap();
    let picture = canvas.screen();
    let row = |y: i32| picture.row(y, 3, 21).iter().map(|p| format!("{p:06x}")).collect::<Vec<_>>().join(" ");
    stated(&[
        "plain".into(),
        hex(&plain(&command)),
        "stream".into(),
        hex(&coded),
        "row 2".into(),
        row(2),
        "row 17".into(),
        row(17),
        "digest of the surface".into(),
        digest(picture.view()).to_string(),
    ]);
}
