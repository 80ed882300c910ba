//! Random scenes, every mode and depth: after each frame the viewer's canvas is
//! the shadow, and once settled it is the target.

use panto_protocol::draw::{
    Composite, Copy, CopyItem, Coverage, DrawCommand, Fill, GlyphDefine, GlyphRun, GlyphSlot, Lines,
    PutPixels, SurfaceCreate, SurfaceDestroy, TileCapture, TileSlot, TileUse, WindowCreate, WindowDestroy,
    WindowId, WindowMap, WindowMove, WindowStack,
};
use panto_protocol::encoding::{Effort, Encoder};
use panto_protocol::geometry::Size;
use panto_protocol::message::{Depth, FrameDecoder, FrameHeader};
use panto_protocol::pixel::Picture;
use panto_protocol::quantize::{Quantizer, downscale, scaled_size};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::*;

const SIZE: Size = Size::new(200, 150);

/// One viewer: its planner and the canvas that the frames are painted on.
struct Viewer {
    planner: Planner,
    canvas: Canvas,
    decoder: FrameDecoder,
}

impl Viewer {
    fn new(settings: Settings) -> Self {
        Self { planner: Planner::new(settings), canvas: Canvas::new(), decoder: FrameDecoder::default() }
    }

    /// Sends frames until settled; returns their bytes.
    fn update(&mut self, scene: &mut Scene, budget: usize) -> usize {
        let mut bytes = 0;
        for _ in 0..10_000 {
            let budget = Budget { bytes: budget, ..Budget::UNLIMITED };
            if let Some(frame) = self.planner.plan(scene, budget).unwrap() {
                let message = frame.message(FrameHeader::default());
                bytes += message.len();
                let paint = |canvas: &mut Canvas, command: DrawCommand, _| {
                    canvas.apply(&command).map_err(anyhow_error::Error::from)
                };
                self.decoder.decode(&message, &mut self.canvas, paint).unwrap();
            }
            assert_eq!(self.canvas.screen(), self.planner.shadow().screen());
            if !self.planner.is_due(scene) {
                return bytes;
            }
        }
        panic!("never settles");
    }
}

/// The two errors of painting a frame.
mod anyhow_error {
    #[derive(Debug)]
    pub enum Error {
        Decode,
        Paint,
    }
    impl From<panto_protocol::wire::DecodeError> for Error {
        fn from(_: panto_protocol::wire::DecodeError) -> Self {
            Self::Decode
        }
    }
    impl From<super::PaintError> for Error {
        fn from(_: super::PaintError) -> Self {
            Self::Paint
        }
    }
}

fn settings(mode: Mode, depth: Depth, scale: Scale) -> Settings {
    Settings { mode, depth, scale, dither: false, copy_rect: true, wire: Wire::Coded, exact: false }
}

/// What a viewer with these settings should see.
fn expected(scene: &mut Scene, settings: &Settings) -> Picture {
    let quantizer = Quantizer { depth: settings.depth, dither: settings.dither };
    let reduce = |source: &Picture| {
        let mut out = Picture::new(source.size(), 0);
        quantizer.quantize(source, source.bounds(), &mut out);
        out
    };
    let windows = settings.mode != Mode::Pixels
        && settings.scale == Scale::Full
        && !scene.canvas().windows().is_empty();
    if !windows {
        let screen = scene.canvas().screen();
        let divisor = settings.scale.divisor();
        let mut scaled = Picture::new(scaled_size(screen.size(), divisor), 0);
        let all = scaled.bounds();
        downscale(&screen, divisor, all, &mut scaled);
        return reduce(&scaled);
    }
    // Each surface reduced by itself, then composed.
    let mut canvas = Canvas::new();
    layout::mirror(scene.canvas(), &mut canvas, &mut FrameBuilder::default()).unwrap();
    for (id, surface) in scene.canvas().surfaces() {
        let picture = if surface.alpha { surface.picture.clone() } else { reduce(&surface.picture) };
        canvas.write(id, Point::default(), picture.view()).unwrap();
    }
    canvas.screen()
}

#[derive(Debug, Clone)]
enum Op {
    Fill(u32, Rect, u32),
    Noise(u32, Rect, u32),
    Pixels(Rect, u32),
    Copy(u32, u32, Rect, i32, i32),
    Glyph(u32, u32),
    Run(u32, Vec<u32>, i32, i32, u32),
    Capture(u32, u32, Rect),
    Use(u32, u32, i32, i32),
    Composite(u32, u32, Rect, u8),
    Line(u32, i32, i32, i32, i32),
    Create(u32, u32, u32, bool),
    Destroy(u32),
    Move(u32, i32, i32),
    Stack(u32, u32),
    Map(u32, bool),
    Resize(u32, u32),
}

fn rect() -> impl Strategy<Value = Rect> {
    (-10..190i32, -10..140i32, 1..90u32, 1..90u32).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h))
}

fn op() -> impl Strategy<Value = Op> {
    let surface = || 0..4u32;
    prop_oneof![
        (surface(), rect(), any::<u32>()).prop_map(|(s, r, c)| Op::Fill(s, r, c)),
        (surface(), rect(), any::<u32>()).prop_map(|(s, r, c)| Op::Noise(s, r, c)),
        (rect(), any::<u32>()).prop_map(|(r, c)| Op::Pixels(r, c)),
        (surface(), surface(), rect(), -20..150i32, -20..120i32)
            .prop_map(|(s, d, r, x, y)| Op::Copy(s, d, r, x, y)),
        (0..6u32, any::<u32>()).prop_map(|(g, seed)| Op::Glyph(g, seed)),
        (surface(), prop::collection::vec(0..6u32, 1..9), 0..190i32, 0..140i32, any::<u32>())
            .prop_map(|(s, g, x, y, c)| Op::Run(s, g, x, y, c)),
        (surface(), 0..3u32, rect()).prop_map(|(s, t, r)| Op::Capture(s, t, r)),
        (surface(), 0..3u32, -9..190i32, -9..140i32).prop_map(|(s, t, x, y)| Op::Use(s, t, x, y)),
        (surface(), surface(), rect(), any::<u8>()).prop_map(|(s, d, r, o)| Op::Composite(s, d, r, o)),
        (surface(), 0..190i32, 0..140i32, 0..190i32, 0..140i32)
            .prop_map(|(s, a, b, c, d)| Op::Line(s, a, b, c, d)),
        (1..4u32, 1..90u32, 1..90u32, any::<bool>()).prop_map(|(s, w, h, a)| Op::Create(s, w, h, a)),
        (1..4u32).prop_map(Op::Destroy),
        (1..4u32, -20..180i32, -20..140i32).prop_map(|(w, x, y)| Op::Move(w, x, y)),
        (1..4u32, 0..4u32).prop_map(|(w, i)| Op::Stack(w, i)),
        (1..4u32, any::<bool>()).prop_map(|(w, m)| Op::Map(w, m)),
        (60..220u32, 60..160u32).prop_map(|(w, h)| Op::Resize(w, h)),
    ]
}

fn noise(size: Size, seed: u32) -> Picture {
    let mut state = u64::from(seed) | 1;
    let data = (0..size.area())
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as u32
        })
        .collect();
    Picture::from_pixels(size, data).unwrap()
}

/// Does one thing to the scene; what makes no sense there is refused by the scene itself.
fn perform(scene: &mut Scene, op: &Op) {
    let id = SurfaceId;
    let command: DrawCommand = match op.clone() {
        Op::Fill(s, r, color) => Fill { surface: id(s), color: color & 0x00ff_ffff, rects: vec![r] }.into(),
        Op::Noise(s, r, seed) => {
            let Ok(surface) = scene.canvas().surface(id(s)) else { return };
            if surface.alpha || r.area() > surface.picture.size().area() {
                return;
            }
            let mut payload = Vec::new();
            Encoder::new().encode(noise(r.size(), seed).view(), Effort::Fast, &mut payload);
            PutPixels { surface: id(s), rect: r, payload }.into()
        }
        Op::Pixels(r, seed) => {
            let _ = scene.pixels(SurfaceId::SCREEN, r.origin(), noise(r.size(), seed).view());
            return;
        }
        Op::Copy(s, d, rect, x, y) => {
            // Between surfaces with and without alpha a copy has no sensible meaning.
            let alpha = |i| scene.canvas().surface(id(i)).map(|s| s.alpha);
            if alpha(s) != alpha(d) {
                return;
            }
            Copy { surface: id(d), items: vec![CopyItem { source: id(s), rect, to: Point::new(x, y) }] }
                .into()
        }
        Op::Glyph(slot, seed) => {
            let size = Size::new(7 + slot % 3, 9);
            let levels = if seed % 2 == 0 { 255 } else { 17 };
            let mask = noise(size, seed).data().iter().map(|p| (*p as u8 / 128) * levels).collect();
            let coverage = Coverage { size, subpixel: false, mask };
            GlyphDefine { slot: GlyphSlot(slot), coverage, bearing: Point::new(0, -8), advance: 8 }.into()
        }
        Op::Run(s, slots, x, y, color) => GlyphRun {
            surface: id(s),
            color: color & 0x00ff_ffff,
            pen: Point::new(x, y),
            slots: slots.into_iter().map(GlyphSlot).collect(),
        }
        .into(),
        Op::Capture(s, slot, rect) => TileCapture { slot: TileSlot(slot), surface: id(s), rect }.into(),
        Op::Use(s, slot, x, y) => {
            TileUse { surface: id(s), slot: TileSlot(slot), points: vec![Point::new(x, y)] }.into()
        }
        Op::Composite(s, d, rect, opacity) => {
            Composite { surface: id(d), source: id(s), rect, to: rect.origin(), opacity }.into()
        }
        Op::Line(s, a, b, c, d) => {
            Lines { surface: id(s), color: 0x00aa_5500, points: vec![Point::new(a, b), Point::new(c, d)] }
                .into()
        }
        Op::Create(s, w, h, alpha) => {
            if scene.draw(SurfaceCreate { id: id(s), size: Size::new(w, h), alpha }).is_err() {
                return;
            }
            let position = Point::new(s as i32 * 20, s as i32 * 10);
            let _ = scene.draw(WindowCreate { id: WindowId(s), surface: id(s), position });
            WindowMap { id: WindowId(s), mapped: true }.into()
        }
        Op::Destroy(s) => {
            let _ = scene.draw(WindowDestroy { id: WindowId(s) });
            SurfaceDestroy { id: id(s) }.into()
        }
        Op::Move(w, x, y) => WindowMove { id: WindowId(w), position: Point::new(x, y) }.into(),
        Op::Stack(w, index) => WindowStack { id: WindowId(w), index }.into(),
        Op::Map(w, mapped) => WindowMap { id: WindowId(w), mapped }.into(),
        Op::Resize(w, h) => {
            scene.resize(Size::new(w, h), Vec::new());
            return;
        }
    };
    // The scene journals only what it could paint.
    let _ = scene.draw(command);
}

fn check(
    steps: &[(Vec<Op>, Mode, u8)],
    depth: Depth,
    scale: Scale,
    budget: usize,
) -> Result<(), TestCaseError> {
    let mut scene = Scene::new(SIZE);
    let mut viewer = Viewer::new(settings(Mode::Auto, depth, scale));
    for (ops, mode, lazy) in steps {
        for op in ops {
            perform(&mut scene, op);
        }
        if *lazy == 0 {
            continue;
        }
        let settings = Settings { mode: *mode, ..viewer.planner.settings() };
        viewer.planner.set_settings(settings);
        viewer.update(&mut scene, budget);
        prop_assert_eq!(viewer.canvas.screen(), expected(&mut scene, &settings));
    }
    Ok(())
}

fn steps() -> impl Strategy<Value = Vec<(Vec<Op>, Mode, u8)>> {
    let mode = prop::sample::select(Mode::ALL.to_vec());
    prop::collection::vec((prop::collection::vec(op(), 0..12), mode, 0..3u8), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_mode_gives_the_exact_picture(steps in steps(), small in any::<bool>()) {
        check(&steps, Depth::D24, Scale::Full, if small { 300 } else { usize::MAX })?;
    }

    #[test]
    fn every_depth_gives_its_exact_reduction(
        steps in steps(),
        depth in prop::sample::select(Depth::ALL.to_vec()),
        scale in prop::sample::select(Scale::ALL.to_vec()),
        small in any::<bool>(),
    ) {
        check(&steps, depth, scale, if small { 300 } else { usize::MAX })?;
    }
}

#[test]
fn a_refused_command_is_not_journalled() {
    let mut scene = Scene::new(SIZE);
    let before = scene.position();
    let unknown = Fill { surface: SurfaceId(9), color: 0, rects: vec![Rect::new(0, 0, 1, 1)] };
    assert!(scene.draw(unknown).is_err());
    assert_eq!(scene.position(), before);
}

#[test]
fn a_still_scene_sends_nothing() {
    let mut scene = Scene::new(SIZE);
    let mut viewer = Viewer::new(Settings::default());
    viewer.update(&mut scene, usize::MAX);
    assert_eq!(viewer.update(&mut scene, usize::MAX), 0);
    assert_eq!(viewer.planner.plan(&mut scene, Budget::UNLIMITED), Ok(None));
}

#[test]
fn moving_a_window_costs_bytes_and_no_pixels() {
    let mut scene = Scene::new(SIZE);
    perform(&mut scene, &Op::Create(1, 80, 60, false));
    perform(&mut scene, &Op::Noise(1, Rect::new(0, 0, 80, 60), 3));
    for mode in [Mode::Commands, Mode::Hybrid, Mode::Auto] {
        let mut viewer = Viewer::new(settings(mode, Depth::D24, Scale::Full));
        viewer.update(&mut scene, usize::MAX);
        perform(&mut scene, &Op::Move(1, 90, 50));
        assert!(viewer.update(&mut scene, usize::MAX) < 12, "{mode:?}");
        perform(&mut scene, &Op::Move(1, 10, 5));
    }
}

#[test]
fn leaving_and_entering_windows_costs_few_bytes() {
    let mut scene = Scene::new(SIZE);
    perform(&mut scene, &Op::Create(1, 80, 60, false));
    perform(&mut scene, &Op::Noise(1, Rect::new(0, 0, 80, 60), 3));
    let mut viewer = Viewer::new(settings(Mode::Commands, Depth::D24, Scale::Full));
    viewer.update(&mut scene, usize::MAX);
    for mode in [Mode::Pixels, Mode::Hybrid, Mode::Pixels, Mode::Commands] {
        viewer.planner.set_settings(settings(mode, Depth::D24, Scale::Full));
        let bytes = viewer.update(&mut scene, usize::MAX);
        // The part of the screen behind the window is not known in `pixels`; it is black here.
        assert!(bytes < 120, "{mode:?}: {bytes}");
    }
}

#[test]
fn hybrid_takes_the_smaller_description() {
    let mut bytes = Vec::new();
    for mode in [Mode::Commands, Mode::Hybrid] {
        let mut scene = Scene::new(SIZE);
        perform(&mut scene, &Op::Create(1, 80, 60, false));
        // Coded, sixty like commands cost little more than one.
        let settings = Settings { wire: Wire::Plain, ..settings(mode, Depth::D24, Scale::Full) };
        let mut viewer = Viewer::new(settings);
        viewer.update(&mut scene, usize::MAX);
        // A program that redraws everything to change one pixel.
        for i in 0..60 {
            perform(&mut scene, &Op::Fill(1, Rect::new(0, i, 80, 1), 0));
        }
        perform(&mut scene, &Op::Fill(1, Rect::new(7, 7, 1, 1), 0x00ff_ffff));
        bytes.push(viewer.update(&mut scene, usize::MAX));
        assert_eq!(viewer.canvas.screen(), scene.canvas().screen());
    }
    assert!(bytes[1] * 10 < bytes[0], "{bytes:?}");
}

/// Writes words in letters of 8 × 12 on white paper: some shape for each letter, always the same.
fn write(scene: &mut Scene, at: Point, text: &[u8], ink: u32) {
    for (i, &letter) in text.iter().enumerate().filter(|(_, letter)| **letter != b' ') {
        let mut shape = Picture::new(Size::new(8, 12), 0x00ff_ffff);
        for k in 0..96i32 {
            // The first column is full, so that no letter falls apart.
            let seed = (u32::from(letter) * 97 + k as u32).wrapping_mul(0x9e37_79b9);
            if k % 8 == 0 || (seed ^ seed >> 15).wrapping_mul(0x85eb_ca6b) >> 30 == 1 {
                shape.fill(Rect::new(k % 8, k / 8, 1, 1), ink);
            }
        }
        scene.pixels(SurfaceId::SCREEN, at.offset(i as i32 * 10, 0), shape.view()).unwrap();
    }
}

/// Letters that begin lower than others of the same line, which have another colour.
#[test]
fn text_of_two_colours_and_heights_is_exact_wherever_it_changes() {
    for depth in [Depth::D24, Depth::D8] {
        let mut scene = Scene::new(SIZE);
        let paper = 0x0016_1820;
        scene.pixels(SurfaceId::SCREEN, Point::default(), Picture::new(SIZE, paper).view()).unwrap();
        let settings = settings(Mode::Commands, depth, Scale::Full);
        let mut viewer = Viewer::new(settings);
        viewer.update(&mut scene, usize::MAX);
        let mut seed = 7u32;
        let mut random = |n: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % n
        };
        let (columns, lines) = (SIZE.width / 8 - 1, SIZE.height / 14 - 1);
        for step in 0..400 {
            let (from, line) = (random(columns), random(lines));
            let (word, count) = (random(columns), 1 + random(if step < 40 { columns } else { 4 }));
            let height = if step < 40 { 1 + random(lines) } else { 1 };
            for y in line..(line + height).min(lines) {
                for x in from..(from + count).min(columns) {
                    // Grey ones are low, white ones high.
                    let (ink, top) = if x < word { (0x0080_8490, 3) } else { (0x00d0_d4de, 0) };
                    let letter = random(9);
                    let mut shape = Picture::new(Size::new(8, 14), paper);
                    for k in 0..7 * 11 {
                        let at = (letter * 97 + k).wrapping_mul(0x9e37_79b9);
                        let (px, py) = (k as i32 % 7, k as i32 / 7);
                        if py >= top && (px == 0 || (at ^ at >> 15).wrapping_mul(0x85eb_ca6b) >> 30 == 1) {
                            shape.fill(Rect::new(px, py, 1, 1), ink);
                        }
                    }
                    let at = Point::new(4 + 8 * x as i32, 3 + 14 * y as i32);
                    scene.pixels(SurfaceId::SCREEN, at, shape.view()).unwrap();
                }
            }
            viewer.update(&mut scene, if random(2) == 0 { usize::MAX } else { 300 });
            assert_eq!(viewer.canvas.screen(), expected(&mut scene, &settings), "step {step}, {depth:?}");
        }
    }
}

#[test]
fn text_goes_as_glyphs_and_known_letters_cost_bits() {
    let mut scene = Scene::new(SIZE);
    scene.pixels(SurfaceId::SCREEN, Point::default(), Picture::new(SIZE, 0x00ff_ffff).view()).unwrap();
    let mut viewer = Viewer::new(settings(Mode::Commands, Depth::D24, Scale::Full));
    viewer.update(&mut scene, usize::MAX);
    let mut line = |y: i32, text: &[u8], ink: u32| {
        write(&mut scene, Point::new(4, y), text, ink);
        let frame = viewer.planner.plan(&mut scene, Budget::UNLIMITED).unwrap().expect("a change");
        let message = frame.message(FrameHeader { inputs: 1, settled: true });
        // The chunk's header and length come to two more bytes.
        assert!(message.len() - frame.body.len() + 2 <= 6, "framing");
        let paint = |canvas: &mut Canvas, command: DrawCommand, _| {
            canvas.apply(&command).map_err(anyhow_error::Error::from)
        };
        viewer.decoder.decode(&message, &mut viewer.canvas, paint).unwrap();
        assert_eq!(viewer.canvas.screen(), scene.canvas().screen());
        frame
    };
    line(10, b"the quick brown fox", 0x0010_1010);
    line(24, b"over the lazy dog", 0x0010_1010);
    let black = line(38, b"going over the log", 0x0010_1010);
    let red = line(52, b"the lazy fox and", 0x00c0_1010);
    for (name, frame) in [("black", &black), ("red", &red)] {
        assert!(frame.bytes_by_kind.contains_key("GlyphPlace"), "{name}: {:?}", frame.bytes_by_kind);
        assert!(!frame.bytes_by_kind.contains_key("GlyphDefine"), "{name}: {:?}", frame.bytes_by_kind);
        // 15 letters of 96 pixels each: 180 bytes as a bitmap.
        assert!(frame.body.len() < 72, "{name}: {} bytes", frame.body.len());
    }
}

#[test]
fn plain_and_coded_frames_may_alternate() {
    let mut scene = Scene::new(SIZE);
    let mut viewer = Viewer::new(settings(Mode::Commands, Depth::D24, Scale::Full));
    for i in 0..12 {
        let wire = if i % 3 == 2 { Wire::Plain } else { Wire::Coded };
        let settings = Settings { wire, ..viewer.planner.settings() };
        viewer.planner.set_settings(settings);
        write(&mut scene, Point::new(3, 1 + i * 12), b"words in both form", 0x00e0_e0e0);
        perform(&mut scene, &Op::Noise(0, Rect::new(100, 20 + i * 3, 40, 20), i as u32));
        viewer.update(&mut scene, usize::MAX);
        assert_eq!(viewer.canvas.screen(), scene.canvas().screen());
    }
}

#[test]
fn outlines_and_lines_cost_little_as_pixels() {
    let mut scene = Scene::new(SIZE);
    scene.pixels(SurfaceId::SCREEN, Point::default(), Picture::new(SIZE, 0x00ff_ffff).view()).unwrap();
    let mut viewer = Viewer::new(settings(Mode::Commands, Depth::D24, Scale::Full));
    viewer.update(&mut scene, usize::MAX);
    let mut bytes = Vec::new();
    for i in 0..4 {
        let r = Rect::new(20 + 10 * i, 20 + 8 * i, 120, 80);
        let (top, left) = (Rect { bottom: r.top + 1, ..r }, Rect { right: r.left + 1, ..r });
        for side in [top, left, top.offset(0, 79), left.offset(119, 0)] {
            scene
                .pixels(SurfaceId::SCREEN, side.origin(), Picture::new(side.size(), 0x0030_3030).view())
                .unwrap();
        }
        bytes.push(viewer.update(&mut scene, usize::MAX));
        assert_eq!(viewer.canvas.screen(), scene.canvas().screen());
    }
    // A Frames command takes 13 bytes plain, its frame's header 1: nothing is lost by not inferring it.
    assert!(bytes.iter().all(|b| *b < 32) && bytes[3] < 16, "{bytes:?}");
}
