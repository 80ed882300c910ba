//! The seeds of the corpus: one of everything, by hand, so that they are small and say what they are.

mod rfb;

use panto_protocol::canvas::{ContentHash, CursorImage, Digest};
use panto_protocol::connection::{Channel, Mux};
use panto_protocol::draw::{
    Composite, Copy, CopyItem, Coverage, DrawCommand, Fill, Frames, GlyphDefine, GlyphPlace, GlyphRecall,
    GlyphRun, GlyphSlot, Ink, InlinePixels, Lines, LossyPixels, Pattern, PlacedGlyph, PutPixels,
    SurfaceCreate, SurfaceDestroy, SurfaceId, SurfaceResize, TileCapture, TileDefine, TileRecall, TileSlot,
    TileUse, WindowCreate, WindowDestroy, WindowId, WindowMap, WindowMove, WindowStack,
};
use panto_protocol::encoding::{Compressor, Effort, Encoder, Packing};
use panto_protocol::entropy::{CommandModels, StreamEncoder};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::lossy::{IntraMode, Macroblock, Prediction, Vector, columns_and_rows};
use panto_protocol::message::{
    Ack, Auth, AuthMethods, Bye, ByeReason, ClientControl, ClientHello, CursorMessage, Depth, FRESH_FRAME,
    FrameBody, FrameHeader, InputEvent, Mode, Offer, ResumeTicket, Rights, Scale, ServerControl, ServerHello,
    Settings, VERSION, Welcome, Wire,
};
use panto_protocol::oracle::furnished;
use panto_protocol::pixel::Picture;
use panto_protocol::wire::Writer;

/// Target, name and bytes.
pub type Seed = (&'static str, String, Vec<u8>);

/// Every seed.
pub fn all() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (target, make) in [
        ("reader", reader as fn() -> Vec<(String, Vec<u8>)>),
        ("encoding", encoding),
        ("draw", draw),
        ("message", message),
        ("demux", demux),
        ("server", server),
        ("client", client),
        ("rfb_server_messages", rfb::server_messages),
        ("rfb_client", rfb::client),
        ("rfb_decoders", rfb::decoders),
        ("rfb_round_trip", rfb::round_trip),
        ("rfb_clipboard", rfb::clipboard),
    ] {
        seeds.extend(make().into_iter().map(|(name, bytes)| (target, name, bytes)));
    }
    seeds
}

fn named<'a>(seeds: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    seeds.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

/// How many operations, the operations, and what they read.
fn reading(ops: &[u8], payload: &[u8]) -> Vec<u8> {
    [&[ops.len() as u8], ops, payload].concat()
}

fn reader() -> Vec<(String, Vec<u8>)> {
    named([
        ("bytes", reading(&[0, 0, 1, 2], &[7; 14])),
        ("varint-short", reading(&[3, 3, 3], &[0x00, 0x7f, 0x80, 0x01])),
        ("varint-largest", reading(&[3], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])),
        ("varint-beyond", reading(&[3], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02])),
        ("varint-overlong", reading(&[3], &[0x80, 0x80, 0x00])),
        ("varint-endless", reading(&[3], &[0x80; 40])),
        ("signed", reading(&[4, 4, 4], &[0x01, 0x02, 0xff, 0xff, 0xff, 0xff, 0x0f])),
        ("signed-beyond", reading(&[4], &[0x80, 0x80, 0x80, 0x80, 0x10])),
        ("limited", reading(&[5, 200, 5, 1], &[0x90, 0x01, 0x02])),
        ("slice", reading(&[6, 9, 6, 1], &[3, 1, 2, 3, 9, 9])),
        ("slice-lying", reading(&[6, 255], &[0xfe, 0x01, 3])),
        ("text", reading(&[7, 20], "\u{8}gr\u{fc}\u{df}e!".as_bytes())),
        ("text-bad", reading(&[7, 20], &[3, 0xff, 0xfe, 0x80])),
        ("count", reading(&[8, 100, 2], &[3, 1, 2, 3, 4, 5, 6])),
        ("count-lying", reading(&[8, 255, 255], &[0x7f, 1])),
    ])
}

fn noise(size: Size, colors: u32) -> Picture {
    let pixel = |i: u32| ((i.wrapping_mul(0x9e37_79b9) >> 7) % colors * 0x01_23_45) & 0x00ff_ffff;
    let data = (0..size.area() as u32).map(pixel).collect();
    Picture::from_pixels(size, data).expect("as many pixels")
}

fn encoding() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for packing in Packing::ALL {
        for compressor in Compressor::ALL {
            let colors = match packing {
                Packing::Solid | Packing::Rgb565 => 1,
                Packing::Palette => 13,
                Packing::PaletteRle => 3,
                _ => 1000,
            };
            let picture = noise(Size::new(13, 9), colors);
            let mut bytes = vec![13, 9, u8::from(packing.has_alpha())];
            let encoded =
                Encoder::new().encode_with(picture.view(), packing, compressor, Effort::Balanced, &mut bytes);
            if encoded.is_some() {
                seeds.push((format!("{}-{}", packing.name(), compressor.name()), bytes));
            }
        }
    }
    for colors in [2, 4, 200, 256] {
        let mut bytes = vec![33, 17, 0];
        Encoder::new().encode(noise(Size::new(33, 17), colors).view(), Effort::Dense, &mut bytes);
        seeds.push((format!("colours-{colors}"), bytes));
    }
    seeds.extend(named([
        ("empty", vec![0, 9, 0, 0x00, 1, 2, 3]),
        ("bomb-lz4", [&[80, 80, 0, 0x11, 0x1f, 0, 1, 0][..], &[0xff; 40]].concat()),
        ("bomb-zstd", vec![80, 80, 0, 0x21, 0x00, 0xa0, 0x03 | 5 << 3, 0, 0, 9]),
    ]));
    seeds
}

fn frame(commands: &[DrawCommand]) -> Vec<u8> {
    let mut out = Writer::new();
    FrameHeader { inputs: 1, settled: true }.encode(&mut out);
    for command in commands {
        command.encode(&mut out);
    }
    out.finish()
}

/// The same entropy-coded, without what the oracle's canvas refuses.
fn coded_frame(commands: &[DrawCommand]) -> Vec<u8> {
    let mut canvas = furnished();
    let (mut models, mut stream) = (CommandModels::default(), StreamEncoder::default());
    for command in commands {
        let mut painted = canvas.clone();
        if painted.apply(command).is_ok() {
            stream.push(&mut models, command, &canvas);
            canvas = painted;
        }
    }
    FrameBody::coded(stream, &mut models).message(FrameHeader { inputs: 1, settled: true })
}

fn payload(size: Size, alpha: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let picture = noise(size, 9);
    match alpha {
        true => Encoder::new().encode_argb(picture.view(), Effort::Fast, &mut out),
        false => Encoder::new().encode(picture.view(), Effort::Fast, &mut out),
    };
    out
}

/// Commands for the canvas that the draw oracle starts with: a screen of 48 × 40,
/// surface 1 (16 × 12, alpha) in window 1, surface 2 (20 × 20), tile 0 and glyph 0.
fn commands() -> Vec<(&'static str, Vec<DrawCommand>)> {
    let screen = SurfaceId::SCREEN;
    let (alpha, other) = (SurfaceId(1), SurfaceId(2));
    let window = WindowId(1);
    let at = Point::new;
    let far = Rect::new(-32_768, -32_768, 32_768, 32_768);
    let wide = Rect::new(-5, -5, 32_768, 32_768);
    let small = Rect::new(4, 6, 9, 7);
    let item = |source, rect, to| CopyItem { source, rect, to };
    let bits = |background| Ink::Bits {
        rows: [0xaa, 0x55, 0xf0, 0x0f, 0, 255, 1, 128],
        foreground: 0xff,
        background,
    };
    let solid = vec![0x00, 1, 2, 3];
    vec![
        (
            "fill",
            vec![
                Fill { surface: screen, color: 0xff_00_80, rects: vec![small, wide, far] }.into(),
                Fill { surface: alpha, color: 0x00_00_80, rects: vec![Rect::new(-3, -3, 9, 9)] }.into(),
            ],
        ),
        ("copy-self", vec![Copy { surface: screen, items: vec![item(screen, small, at(6, 8))] }.into()]),
        (
            "copy-far",
            vec![Copy { surface: screen, items: vec![item(screen, wide, at(-32_768, 32_768))] }.into()],
        ),
        (
            "copy-many",
            vec![
                Copy {
                    surface: screen,
                    items: vec![
                        item(other, small, at(0, 0)),
                        item(screen, small, at(5, 6)),
                        item(alpha, wide, at(-4, 3)),
                        item(screen, far, at(1, 1)),
                    ],
                }
                .into(),
                Copy {
                    surface: alpha,
                    items: vec![item(other, small, at(1, 1)), item(alpha, wide, at(2, 2))],
                }
                .into(),
            ],
        ),
        (
            "put",
            vec![
                PutPixels { surface: screen, rect: small, payload: payload(small.size(), false) }.into(),
                PutPixels {
                    surface: screen,
                    rect: Rect::new(44, 36, 9, 7),
                    payload: payload(small.size(), false),
                }
                .into(),
                PutPixels { surface: alpha, rect: small, payload: payload(small.size(), true) }.into(),
            ],
        ),
        ("put-lying", vec![PutPixels { surface: screen, rect: small, payload: vec![0x21, 1, 2, 3] }.into()]),
        (
            "put-larger-than-surface",
            vec![
                PutPixels { surface: screen, rect: Rect::new(0, 0, 400, 30), payload: solid.clone() }.into(),
            ],
        ),
        (
            "put-wrong-kind",
            vec![PutPixels { surface: alpha, rect: small, payload: payload(small.size(), false) }.into()],
        ),
        (
            "glyphs",
            vec![
                GlyphDefine {
                    slot: GlyphSlot(65_535),
                    coverage: Coverage { size: Size::new(2, 2), subpixel: false, mask: vec![1, 2, 3, 255] },
                    bearing: at(-1, -1),
                    advance: -3,
                }
                .into(),
                GlyphDefine {
                    slot: GlyphSlot(1),
                    coverage: Coverage::default(),
                    bearing: at(0, 0),
                    advance: 7,
                }
                .into(),
                GlyphRun {
                    surface: screen,
                    color: 0xff_ff_ff,
                    pen: at(3, 9),
                    slots: [0, 1, 0, 65_535, 0].map(GlyphSlot).to_vec(),
                }
                .into(),
                GlyphRun { surface: alpha, color: 0x80, pen: at(-1, 1), slots: vec![GlyphSlot(0); 6] }.into(),
            ],
        ),
        (
            "glyph-unknown",
            vec![GlyphRun { surface: screen, color: 1, pen: at(0, 0), slots: vec![GlyphSlot(7)] }.into()],
        ),
        (
            "pen-runs-away",
            vec![
                GlyphDefine {
                    slot: GlyphSlot(2),
                    coverage: Coverage::default(),
                    bearing: at(0, 0),
                    advance: 32_768,
                }
                .into(),
                GlyphRun { surface: screen, color: 1, pen: at(32_768, 0), slots: vec![GlyphSlot(2); 9] }
                    .into(),
            ],
        ),
        (
            "tiles",
            vec![
                TileDefine {
                    slot: TileSlot(16_383),
                    size: small.size(),
                    payload: payload(small.size(), false),
                }
                .into(),
                TileCapture { slot: TileSlot(3), surface: screen, rect: small }.into(),
                TileUse {
                    surface: screen,
                    slot: TileSlot(3),
                    points: vec![at(0, 0), at(45, -3), at(32_768, 1)],
                }
                .into(),
                TileUse { surface: alpha, slot: TileSlot(0), points: vec![at(2, 2)] }.into(),
            ],
        ),
        (
            "recalled",
            vec![
                GlyphRecall { index: 0, slot: GlyphSlot(40_000), bearing: at(0, -2), advance: 3 }.into(),
                GlyphRun {
                    surface: screen,
                    color: 0xff00ff,
                    pen: at(4, 9),
                    slots: vec![GlyphSlot(40_000); 3],
                }
                .into(),
                TileRecall { index: 0, slot: TileSlot(16_383) }.into(),
                TileUse { surface: screen, slot: TileSlot(16_383), points: vec![at(1, 1), at(46, 38)] }
                    .into(),
            ],
        ),
        ("recalled-unoffered", vec![TileRecall { index: 1, slot: TileSlot(0) }.into()]),
        (
            "tile-of-alpha",
            vec![TileCapture { slot: TileSlot(3), surface: alpha, rect: Rect::new(0, 0, 2, 2) }.into()],
        ),
        (
            "tile-outside",
            vec![TileCapture { slot: TileSlot(3), surface: screen, rect: Rect::new(40, 0, 9, 2) }.into()],
        ),
        (
            "patterns",
            vec![
                Pattern { surface: screen, rect: wide, origin: at(-7, 3), ink: bits(Some(0x80)) }.into(),
                Pattern { surface: screen, rect: small, origin: at(7, -3), ink: bits(None) }.into(),
                Pattern {
                    surface: screen,
                    rect: wide,
                    origin: at(-32_768, 32_768),
                    ink: Ink::Tile(TileSlot(0)),
                }
                .into(),
                Pattern { surface: alpha, rect: wide, origin: at(1, 1), ink: Ink::Tile(TileSlot(0)) }.into(),
            ],
        ),
        (
            "lines",
            vec![
                Lines {
                    surface: screen,
                    color: 0xff,
                    points: vec![at(0, 0), at(40, 9), at(40, 9), at(3, 39), at(-5, -7), at(60, 3)],
                }
                .into(),
                Lines { surface: screen, color: 0xff00, points: vec![at(5, 5)] }.into(),
                Lines { surface: screen, color: 0xff00, points: vec![] }.into(),
            ],
        ),
        (
            "lines-far",
            vec![
                Lines { surface: screen, color: 9, points: vec![at(-32_768, -32_768), at(32_768, 32_768)] }
                    .into(),
            ],
        ),
        (
            "frames",
            vec![
                Frames { surface: screen, color: 0xff, rects: vec![small, wide, far, Rect::new(1, 1, 1, 1)] }
                    .into(),
            ],
        ),
        (
            "composites",
            vec![
                Composite { surface: screen, source: alpha, rect: wide, to: at(-2, 3), opacity: 200 }.into(),
                Composite { surface: screen, source: other, rect: small, to: at(40, 30), opacity: 3 }.into(),
                Composite { surface: alpha, source: other, rect: small, to: at(1, 1), opacity: 128 }.into(),
            ],
        ),
        (
            "composite-itself",
            vec![Composite { surface: screen, source: screen, rect: small, to: at(0, 0), opacity: 9 }.into()],
        ),
        (
            "surfaces",
            vec![
                SurfaceCreate { id: SurfaceId(9), size: Size::new(20, 9), alpha: true }.into(),
                SurfaceResize { id: SurfaceId(9), size: Size::new(9, 20) }.into(),
                WindowCreate { id: WindowId(5), surface: SurfaceId(9), position: at(-3, 8) }.into(),
                WindowMap { id: WindowId(5), mapped: true }.into(),
                WindowStack { id: WindowId(5), index: 0 }.into(),
                Fill { surface: SurfaceId(9), color: 0xff, rects: vec![wide] }.into(),
                SurfaceResize { id: SurfaceId(9), size: Size::new(0, 3) }.into(),
                WindowDestroy { id: WindowId(5) }.into(),
                SurfaceDestroy { id: SurfaceId(9) }.into(),
            ],
        ),
        ("surface-absurd", vec![SurfaceResize { id: screen, size: Size::new(32_768, 4_096) }.into()]),
        (
            "surface-65535",
            vec![SurfaceCreate { id: SurfaceId(4), size: Size::new(65_535, 65_535), alpha: false }.into()],
        ),
        ("surface-in-use", vec![SurfaceDestroy { id: alpha }.into()]),
        (
            "screen-shown-by-a-window",
            vec![
                WindowCreate { id: WindowId(2), surface: screen, position: at(9, 9) }.into(),
                WindowMap { id: WindowId(2), mapped: true }.into(),
                Fill { surface: screen, color: 0xff, rects: vec![small] }.into(),
            ],
        ),
        (
            "screen-resized",
            vec![
                SurfaceResize { id: screen, size: Size::new(20, 60) }.into(),
                Fill { surface: screen, color: 0xff, rects: vec![small] }.into(),
                SurfaceResize { id: screen, size: Size::new(0, 0) }.into(),
                SurfaceResize { id: screen, size: Size::new(33, 3) }.into(),
            ],
        ),
        (
            "windows",
            vec![
                WindowMove { id: window, position: at(-9, 2) }.into(),
                WindowCreate { id: WindowId(2), surface: other, position: at(1, 1) }.into(),
                WindowMap { id: WindowId(2), mapped: true }.into(),
                WindowStack { id: window, index: 1_024 }.into(),
                WindowMove { id: WindowId(2), position: at(32_768, -32_768) }.into(),
                WindowMap { id: window, mapped: false }.into(),
                WindowDestroy { id: window }.into(),
            ],
        ),
        ("lossy", vec![lossy(Rect::new(3, 2, 37, 20)).into(), lossy(Rect::new(2, 2, 13, 16)).into()]),
        (
            "glyph-places",
            vec![
                place(screen, &[at(3, 9), at(7, 9), at(11, 9), at(2, 20), at(-1, 1), at(47, 39)]).into(),
                place(screen, &[at(3, 29), at(7, 29)]).into(),
                place(alpha, &[at(3, 9), at(7, 9)]).into(),
            ],
        ),
        (
            "inline",
            vec![
                inline(screen, Rect::new(0, 0, 40, 10), 3).into(),
                inline(screen, Rect::new(2, 1, 40, 10), 3).into(),
                inline(other, Rect::new(1, 2, 17, 9), 1000).into(),
            ],
        ),
        ("inline-of-alpha", vec![inline(alpha, Rect::new(0, 0, 2, 2), 3).into()]),
        ("inline-outside", vec![inline(screen, Rect::new(40, 0, 9, 2), 3).into()]),
        ("nothing", vec![]),
    ]
}

/// The oracle's glyph at each of these places.
fn place(surface: SurfaceId, pens: &[Point]) -> GlyphPlace {
    let glyphs = pens.iter().map(|&pen| PlacedGlyph { slot: GlyphSlot(0), pen }).collect();
    GlyphPlace { surface, color: 0x80_ff_00, glyphs }
}

fn inline(surface: SurfaceId, rect: Rect, colors: u32) -> InlinePixels {
    let pixels = noise(rect.size(), colors).view().rows().flatten().copied().collect();
    InlinePixels { surface, rect, pixels }
}

/// A macroblock of each kind, twice.
fn lossy(rect: Rect) -> LossyPixels {
    let intra = Prediction::Intra {
        luma: [IntraMode::Mean, IntraMode::Planar, IntraMode::DownLeft, IntraMode::DownRight],
        chroma: IntraMode::Vertical,
    };
    let moved = Prediction::Motion { vector: Vector { x: 252, y: -7 }, filter: 1 };
    let mut levels = [[0; 64]; 3];
    (levels[0][0], levels[0][63]) = (-9, i16::MAX);
    levels[1][8] = 3;
    levels[2][0] = 1;
    let macroblocks = [
        Macroblock { prediction: intra, coded: 0b01_0010, untransformed: 0b01_0000 },
        Macroblock { prediction: moved, coded: 0b00_0001, untransformed: 0 },
        Macroblock::default(),
    ];
    let (columns, rows) = columns_and_rows(rect);
    let macroblocks: Vec<_> = macroblocks.into_iter().cycle().take(columns * rows).collect();
    let coded = macroblocks.iter().map(|m| m.coded.count_ones() as usize).sum();
    let levels = levels.into_iter().cycle().take(coded).collect();
    LossyPixels { surface: SurfaceId::SCREEN, rect, step: 12, macroblocks, levels }
}

fn draw() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    let mut everything = Vec::new();
    for (name, commands) in commands() {
        seeds.push((name.to_owned(), frame(&commands)));
        if ["put", "glyphs", "glyph-places", "recalled", "inline", "lossy"].contains(&name) {
            seeds.push((format!("coded-{name}"), coded_frame(&commands)));
        }
        if !name.contains("absurd") {
            everything.extend(commands);
        }
    }
    // Many tiny ones, a count that lies, an unknown opcode behind a good command.
    let dot = Fill { surface: SurfaceId::SCREEN, color: 1, rects: vec![Rect::new(1, 1, 1, 1)] };
    seeds.push(("tiny-ones".to_owned(), frame(&vec![dot.clone().into(); 300])));
    let mut lying = frame(&[]);
    lying.extend([0x01, 0, 1, 2, 3, 0xff, 0xff, 0x03, 1, 1, 1, 1]);
    seeds.push(("lying-count".to_owned(), lying));
    let mut unknown = frame(&[dot.into()]);
    unknown.push(0xee);
    seeds.push(("unknown-opcode".to_owned(), unknown));
    seeds.push(("everything".to_owned(), frame(&everything)));
    seeds.push(("coded-everything".to_owned(), coded_frame(&everything)));
    // Caches are forgotten before the first command.
    let fresh = [&FRESH_FRAME[..], &frame(&[place(SurfaceId::SCREEN, &[Point::new(3, 9)]).into()])[1..]];
    seeds.push(("fresh".to_owned(), fresh.concat()));
    seeds
}

fn settings() -> Settings {
    Settings {
        mode: Mode::Hybrid,
        depth: Depth::D8,
        scale: Scale::Half,
        dither: true,
        copy_rect: true,
        wire: Wire::Plain,
        exact: true,
    }
}

fn offer() -> Offer {
    Offer {
        glyphs: vec![ContentHash(1), ContentHash(u64::MAX)],
        tiles: vec![ContentHash(0x0123_4567_89ab_cdef)],
    }
}

fn message() -> Vec<(String, Vec<u8>)> {
    let ticket = ResumeTicket { secret: [3; 16], painted: 700 };
    let hello = |version, resume| {
        ClientControl::Hello(ClientHello {
            version,
            name: "viewer".to_owned(),
            resume,
            settings: settings(),
            offer: offer(),
        })
    };
    let bye = Bye { reason: ByeReason::Other(77), text: "bye".to_owned() };
    let client = [
        ("hello", hello(VERSION, None)),
        ("hello-resume", hello(VERSION, Some(ticket))),
        ("hello-version", hello(VERSION + 1, None)),
        ("auth", ClientControl::Auth(Auth { method: AuthMethods::TICKET, secret: "x".repeat(300) })),
        ("ack", ClientControl::Ack(Ack { frames: u64::MAX, units: u64::MAX })),
        ("ping", ClientControl::Ping(300)),
        ("pong", ClientControl::Pong(0)),
        ("settings", ClientControl::Settings(settings())),
        ("refresh", ClientControl::Refresh),
        ("resize", ClientControl::Resize(Size::new(1920, 1080))),
        ("stats", ClientControl::StatsRequest),
        ("bye", ClientControl::Bye(bye.clone())),
    ];
    let server = [
        (
            "hello",
            ServerControl::Hello(ServerHello {
                version: VERSION,
                name: "server".to_owned(),
                methods: AuthMethods::PASSWORD,
            }),
        ),
        ("retry", ServerControl::Retry("wrong password".to_owned())),
        (
            "welcome",
            ServerControl::Welcome(Welcome {
                version: VERSION,
                name: "server".to_owned(),
                rights: Rights::Control,
                resume_secret: [9; 16],
                resumed: true,
                can_resize: true,
                outputs: vec![Rect::new(0, 0, 1920, 1080), Rect::new(1920, -20, 800, 600)],
                settings: Settings::default(),
                screen: Size::new(2720, 1080),
            }),
        ),
        ("digest", ServerControl::Digest { frames: 7, digest: Digest(u128::MAX / 3) }),
        (
            "outputs",
            ServerControl::Outputs { screen: Size::new(7, 7), outputs: vec![Rect::new(0, 0, 7, 7); 64] },
        ),
        ("stats", ServerControl::Stats("{\"frames\":1}".to_owned())),
        ("notice", ServerControl::Notice("grüße".to_owned())),
        ("bye", ServerControl::Bye(bye)),
    ];
    let mut seeds = Vec::new();
    seeds.extend(client.map(|(name, m)| (format!("client-{name}"), [&[0], &m.encode()[..]].concat())));
    seeds.extend(server.map(|(name, m)| (format!("server-{name}"), [&[1], &m.encode()[..]].concat())));
    let mut out = Writer::new();
    out.u8(2);
    for event in [
        InputEvent::Pointer { position: Point::new(-1, 700) },
        InputEvent::Button { button: 1, down: true },
        InputEvent::Scroll { dx: -120, dy: 360 },
        InputEvent::Key { physical: 30, keysym: 0x61, down: true, text: "a".to_owned() },
        InputEvent::KeysDown { keys: vec![30, 42, 65_535] },
        InputEvent::Text { text: "日本語".to_owned() },
    ] {
        event.encode(&mut out);
    }
    seeds.push(("input".to_owned(), out.finish()));
    let image = CursorImage { picture: noise(Size::new(7, 9), 5), hot: Point::new(1, 2) };
    for (name, message) in [
        ("define", CursorMessage::Define { slot: 63, image }),
        ("hidden", CursorMessage::Define { slot: 0, image: CursorImage::default() }),
        ("use", CursorMessage::Use { slot: 5 }),
        ("move", CursorMessage::Move { position: Point::new(32_768, -32_768) }),
    ] {
        seeds.push((format!("cursor-{name}"), [&[3], &message.encode()[..]].concat()));
    }
    seeds.push(("cursor-absurd".to_owned(), vec![3, 1, 0, 0, 0, 0x81, 0x04, 0x81, 0x04, 1, 0x06]));
    seeds
}

fn wire(messages: &[(Channel, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (channel, message) in messages {
        let mut mux = Mux::default();
        mux.push(*channel, message.clone());
        while mux.poll_chunk(&mut out) {}
    }
    out
}

fn demux() -> Vec<(String, Vec<u8>)> {
    let with = |open: u8, seed: u8, bytes: &[u8]| [&[open, seed], bytes].concat();
    let large = wire(&[(Channel::Draw, vec![5; 9_000])]);
    let mixed = [&large[..4_099], &wire(&[(Channel::Control, vec![1, 2])]), &large[4_099..]].concat();
    let each: Vec<_> = Channel::ALL.into_iter().map(|c| (c, vec![c as u8; 200])).collect();
    named([
        ("one", with(1, 3, &wire(&[(Channel::Control, vec![3, 5])]))),
        ("each", with(1, 9, &wire(&each))),
        ("large", with(1, 77, &large)),
        ("overtaken", with(1, 200, &mixed)),
        ("empty-message", with(1, 1, &wire(&[(Channel::Draw, vec![]), (Channel::Input, vec![])]))),
        ("empty-chunk", with(1, 5, &[0x03, 0, 0x03, 0])),
        ("handshake", with(0, 5, &wire(&[(Channel::Control, vec![1; 60]), (Channel::Control, vec![2; 5])]))),
        ("handshake-largest", with(0, 5, &wire(&[(Channel::Control, vec![1; 4_096])]))),
        ("handshake-too-large", with(0, 5, &wire(&[(Channel::Control, vec![1; 4_097])]))),
        ("handshake-draw", with(0, 5, &wire(&[(Channel::Draw, vec![1])]))),
        ("unknown-channel", with(1, 5, &[0x08, 1, 7, 0x0c, 1, 7])),
        ("reserved-bits", with(1, 5, &[0x18, 1, 7])),
        ("chunk-too-long", with(1, 5, &[0x08, 0x81, 0x20, 1, 2, 3])),
        ("length-overlong", with(1, 5, &[0x08, 0x81, 0x00, 1])),
        ("length-endless", with(1, 5, &[0x80; 30])),
        ("cut", with(1, 5, &large[..5_000])),
    ])
}

/// Operations of the server oracle, as `oracle/server.rs` numbers them.
fn server() -> Vec<(String, Vec<u8>)> {
    const HELLO: [u8; 3] = [2, 0, 0];
    const RESUME: [u8; 3] = [2, 1, 8];
    const AUTH: [u8; 3] = [2, 2, 0];
    const DEMAND: u8 = 5;
    const RETRY: u8 = 6;
    const WELCOME: [u8; 2] = [7, 0];
    const ALL_OUT: u8 = 15;
    let open = [&HELLO[..], &[DEMAND], &AUTH, &WELCOME, &[ALL_OUT]].concat();
    let ops = |any_order: u8, seed: u8, parts: &[&[u8]]| [&[any_order, seed][..], &parts.concat()].concat();
    named([
        ("handshake", ops(0, 1, &[&open])),
        ("no-proof", ops(0, 2, &[&HELLO, &WELCOME, &[ALL_OUT]])),
        ("wrong-proof", ops(0, 3, &[&HELLO, &[DEMAND], &AUTH, &[RETRY], &AUTH, &WELCOME, &[ALL_OUT]])),
        ("proof-unasked", ops(0, 3, &[&HELLO, &AUTH])),
        ("other-version", ops(0, 3, &[&[2, 0, 9, ALL_OUT]])),
        ("hello-twice", ops(0, 3, &[&HELLO, &HELLO])),
        ("resume", ops(0, 4, &[&RESUME, &[7, 0x85], &[ALL_OUT, 2, 3, 1, 2, 3, 1]])),
        ("frames-and-acks", ops(0, 5, &[&open, &[8, 200, 8, 3, 12, 1, 2, 3, 1, 8, 0, ALL_OUT, 2, 3, 2]])),
        ("ack-too-many", ops(0, 6, &[&open, &[8, 9, ALL_OUT, 2, 3, 2]])),
        ("ack-backwards", ops(0, 6, &[&open, &[8, 9, 8, 9, ALL_OUT, 2, 3, 2, 2, 4, 0]])),
        ("never-acks", ops(0, 7, &[&open, &[8, 9, ALL_OUT, 10, 100, 2, 6, 0, 11, 11, 11]])),
        ("silence", ops(0, 7, &[&open, &[11, ALL_OUT, 11]])),
        ("slow-loris", ops(0, 7, &[&[0, 1, 0x08, 10, 90, 0, 1, 0x22, 10, 90, 0, 1, 1, 11, 11]])),
        ("keeps-asking", ops(0, 8, &[&open, &[2, 5, 9, 2, 7, 0, 2, 8, 0, 2, 9, 9, 2, 10, 0, ALL_OUT]])),
        ("input", ops(0, 9, &[&open, &[4, 3, 0, 1, 1, 2, 2, 3, 3, 4, 4, 3, 4, 9, 5, 5, 3, 200, 1, 130]])),
        ("input-bad", ops(0, 9, &[&open, &[1, 0x09, 3, 1, 0xff, 0xff]])),
        ("wrong-channel", ops(0, 9, &[&open, &[1, 0x0b, 1, 0]])),
        ("noise", ops(0, 9, &[&[0, 9, 200, 3, 99, 0, 0, 1, 2, 3, 4]])),
        ("bye", ops(0, 9, &[&open, &[8, 9, 2, 11, 3]])),
        ("bye-then-noise", ops(0, 9, &[&open, &[0, 9, 0x08, 3, 0x7f, 0, 0, 0xff, 0xff, 0xff, 0xff]])),
        ("closed", ops(0, 9, &[&open, &[8, 99, 12, 0, 13, ALL_OUT, 8, 1, 9, 0, ALL_OUT]])),
        ("closed-while-proving", ops(1, 9, &[&HELLO, &[DEMAND], &AUTH, &[13], &WELCOME, &[8, 9, ALL_OUT]])),
        ("says-everything", ops(0, 9, &[&open, &[9, 0, 9, 1, 9, 2, 9, 3, 9, 4, 9, 5, 9, 6, ALL_OUT]])),
        (
            "any-order",
            ops(1, 9, &[&[8, 9, 9, 5, RETRY, 7, 0xc5, DEMAND, 8, 200, 11, 11, 13, 7, 0, ALL_OUT, 11]]),
        ),
    ])
}

/// Operations of the client oracle, as `oracle/client.rs` numbers them.
fn client() -> Vec<(String, Vec<u8>)> {
    const HELLO: [u8; 3] = [2, 0, 0];
    const RETRY: [u8; 3] = [2, 1, 0];
    const PROVE: u8 = 6;
    const WELCOME: [u8; 3] = [2, 2, 1];
    const RESUMED: [u8; 3] = [2, 3, 1];
    const ALL_OUT: u8 = 15;
    let open = [&HELLO[..], &[PROVE], &WELCOME, &[ALL_OUT]].concat();
    let ops = |resume: u8, seed: u8, parts: &[&[u8]]| [&[resume, seed][..], &parts.concat()].concat();
    let frame = |commands: &[DrawCommand]| {
        let bytes = frame(commands);
        [&[4, bytes.len() as u8], &bytes[..]].concat()
    };
    let dot = Fill { surface: SurfaceId::SCREEN, color: 0xff, rects: vec![Rect::new(1, 1, 9, 9)] };
    let dot = frame(&[dot.into()]);
    let unknown = frame(&[SurfaceDestroy { id: SurfaceId(8) }.into()]);
    let absurd = frame(&[SurfaceResize { id: SurfaceId::SCREEN, size: Size::new(32_768, 4_096) }.into()]);
    let welcome_and_noise = [0u8, 3, 0x08, 0x84, 0x05];
    named([
        ("handshake", ops(0, 1, &[&open])),
        ("no-proof", ops(0, 2, &[&WELCOME, &dot])),
        ("wrong-proof", ops(0, 3, &[&HELLO, &[PROVE], &RETRY, &[PROVE], &WELCOME, &[ALL_OUT]])),
        ("retry-unasked", ops(0, 3, &[&RETRY])),
        ("other-version", ops(0, 3, &[&[2, 0, 9]])),
        ("welcome-other-version", ops(0, 3, &[&[2, 2, 9]])),
        ("welcome-without-outputs", ops(0, 3, &[&[2, 2, 0]])),
        ("welcome-twice", ops(0, 3, &[&open, &WELCOME])),
        ("resumed", ops(7, 4, &[&RESUMED, &dot, &dot, &[ALL_OUT]])),
        ("resume-refused", ops(7, 4, &[&HELLO, &[PROVE], &WELCOME, &dot, &[ALL_OUT]])),
        ("resumed-unasked", ops(0, 4, &[&RESUMED, &dot, &[ALL_OUT]])),
        ("frames", ops(0, 5, &[&open, &dot, &dot, &[12, 0], &dot, &[ALL_OUT]])),
        ("frame-empty", ops(0, 5, &[&open, &[4, 0]])),
        ("frame-unknown", ops(0, 5, &[&open, &dot, &unknown])),
        ("frame-absurd", ops(0, 5, &[&open, &absurd])),
        ("frame-too-early", ops(0, 5, &[&HELLO, &dot])),
        ("cursor", ops(0, 6, &[&open, &[5, 9, 1, 0x0a, 2, 2, 5, 1, 0x0a, 1, 9]])),
        ("pings", ops(0, 7, &[&open, &[8, 2, 6, 0, 2, 4, 9, 10, 100, 8, 2, 6, 100, ALL_OUT]])),
        ("silence", ops(0, 7, &[&open, &[11, ALL_OUT, 11]])),
        ("slow-loris", ops(0, 7, &[&[10, 90, 0, 1, 0x08, 10, 90, 0, 1, 0x22, 11, 11]])),
        ("talk", ops(0, 8, &[&open, &[2, 7, 0, 2, 8, 0, 2, 9, 0, 2, 10, 0, 2, 11, 0]])),
        ("input", ops(0, 8, &[&open, &[7, 0, 3, 200, 7, 0, 4, 5, 7, 1, 7, 2, 7, 3, 7, 4, 12, 0, ALL_OUT]])),
        ("wrong-channel", ops(0, 9, &[&open, &[1, 0x09, 1, 0]])),
        ("noise", ops(0, 9, &[&[0, 9, 200, 3, 99, 0, 0, 1, 2, 3, 4]])),
        ("bye", ops(0, 9, &[&open, &[2, 13, 3]])),
        ("bye-then-noise", ops(0, 9, &[&open, &[0, 9, 0x08, 3, 0x7f, 0, 0, 0xff, 0xff, 0xff, 0xff]])),
        ("notice-then-noise", ops(0, 9, &[&open, &[0, 9, 0x08, 2, 0x8a, 0, 0xff, 0xff, 0xff, 0xff, 0xff]])),
        ("welcome-cut", ops(0, 9, &[&HELLO, &[PROVE], &welcome_and_noise, &WELCOME])),
        ("closed", ops(0, 9, &[&open, &dot, &[7, 0, 1, 1, 13, ALL_OUT, 7, 0, 1, 1], &dot, &[ALL_OUT]])),
    ])
}
