//! Named attacks, on both ends: a clear error or no effect, bounded time and memory.

mod memory;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use memory::peak;
use panto_protocol::canvas::{Canvas, PaintError};
use panto_protocol::connection::{
    Channel, ClientConfig, ClientConnection, ClientEvent, ConnectionError, Demux, Mux, ServerConnection,
    ServerEvent,
};
use panto_protocol::draw::{
    Composite, Copy, CopyItem, Coverage, DrawCommand, Fill, Frames, GlyphDefine, GlyphRun, GlyphSlot, Ink,
    Lines, Pattern, PutPixels, SurfaceCreate, SurfaceDestroy, SurfaceId, SurfaceResize, TileCapture,
    TileDefine, TileSlot, TileUse, WindowCreate, WindowId, WindowMap, WindowMove, WindowStack,
};
use panto_protocol::encoding::{Effort, Encoder};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{
    Ack, Bye, ByeReason, ClientControl, ClientHello, FrameDecoder, FrameHeader, InputEvent, Offer, Rights,
    ServerControl, Settings, VERSION, Welcome,
};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_protocol::wire::{
    DecodeError, MAX_CHUNK, MAX_COMMAND_ITEMS, MAX_COORDINATE, MAX_FRAME_COMMANDS, MAX_FRAME_PAINT,
    MAX_GLYPH_CACHE_PIXELS, MAX_HANDSHAKE_MESSAGE, MAX_MESSAGE, MAX_SURFACES, MAX_WINDOWS, Reader, Writer,
};
use proptest::prelude::*;

const SCREEN: SurfaceId = SurfaceId::SCREEN;
const NOW: Micros = Micros::ZERO;

/// What a frame may cost in these tests.
const BUDGET: u64 = 1 << 22;

fn wire<'a>(messages: impl IntoIterator<Item = (Channel, &'a [u8])>) -> Vec<u8> {
    let mut out = Vec::new();
    for (channel, message) in messages {
        let mut mux = Mux::default();
        mux.push(channel, message.to_vec());
        while mux.poll_chunk(&mut out) {}
    }
    out
}

fn control(message: &ClientControl) -> Vec<u8> {
    wire([(Channel::Control, &message.encode()[..])])
}

fn hello() -> ClientControl {
    ClientControl::Hello(ClientHello {
        version: VERSION,
        name: "viewer".to_owned(),
        resume: None,
        settings: Settings::default(),
        offer: Offer::default(),
    })
}

fn welcome() -> Welcome {
    Welcome {
        version: VERSION,
        name: "server".to_owned(),
        rights: Rights::Control,
        resume_secret: [9; 16],
        resumed: false,
        can_resize: true,
        outputs: vec![Rect::new(0, 0, 64, 48)],
        settings: Settings::default(),
        screen: Size::new(64, 48),
    }
}

fn client() -> ClientConnection {
    ClientConnection::new(ClientConfig::default(), NOW)
}

fn open_client() -> ClientConnection {
    let mut client = client();
    let bytes = wire([(Channel::Control, &ServerControl::Welcome(welcome()).encode()[..])]);
    client.feed(&bytes, NOW).expect("an honest welcome");
    assert!(matches!(client.poll(), Some(ClientEvent::Welcome(_))));
    client
}

fn open_server() -> ServerConnection {
    let mut server = ServerConnection::new(NOW);
    server.feed(&control(&hello()), NOW).expect("an honest hello");
    assert!(matches!(server.poll(), Some(ServerEvent::Hello(_))));
    server.welcome(welcome(), 0, Vec::new(), NOW);
    server
}

fn screen(width: u32, height: u32) -> Canvas {
    let mut canvas = Canvas::new();
    canvas.apply(&SurfaceResize { id: SCREEN, size: Size::new(width, height) }.into()).expect("a screen");
    canvas
}

/// Paints a frame as the viewer does: every command is paid for first.
fn paint(canvas: &mut Canvas, frame: &[u8], budget: u64) -> Result<(), String> {
    let mut spent = 0;
    FrameDecoder::default()
        .decode(frame, canvas, |canvas, command, _| {
            spent += command.cost(canvas);
            if spent > budget {
                return Err(Stop("paints too much".to_owned()));
            }
            canvas.apply(&command).map_err(|error| Stop(error.to_string()))
        })
        .map(|_| ())
        .map_err(|Stop(why)| why)
}

struct Stop(String);

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self(error.to_string())
    }
}

/// Feeds a viewer and paints what comes, until an error.
fn view(client: &mut ClientConnection, canvas: &mut Canvas, bytes: &[u8]) -> Result<(), String> {
    let fed = client.feed(bytes, NOW);
    while let Some(event) = client.poll() {
        if let ClientEvent::Frame(frame) = event {
            paint(canvas, &frame, BUDGET)?;
            client.painted(NOW);
        }
    }
    fed.map_err(|error| error.to_string())
}

/// A frame with something of everything.
fn frame() -> Vec<u8> {
    let small = Rect::new(3, 4, 9, 7);
    let noise: Vec<u32> = (0..63u32).map(|i| i.wrapping_mul(0x9e37_79b9) >> 8).collect();
    let picture = Picture::from_pixels(small.size(), noise).expect("63 pixels");
    let mut payload = Vec::new();
    Encoder::new().encode(picture.view(), Effort::Balanced, &mut payload);
    let coverage = Coverage { size: Size::new(3, 2), subpixel: false, mask: vec![0, 17, 255, 128, 255, 0] };
    let commands: [DrawCommand; 14] = [
        SurfaceResize { id: SCREEN, size: Size::new(64, 48) }.into(),
        PutPixels { surface: SCREEN, rect: small, payload: payload.clone() }.into(),
        Fill { surface: SCREEN, color: 0xff, rects: vec![small, Rect::new(-3, 40, 99, 99)] }.into(),
        Copy { surface: SCREEN, items: vec![CopyItem { source: SCREEN, rect: small, to: Point::new(5, 5) }] }
            .into(),
        GlyphDefine { slot: GlyphSlot(3), coverage, bearing: Point::new(0, -2), advance: 4 }.into(),
        GlyphRun { surface: SCREEN, color: 9, pen: Point::new(7, 20), slots: vec![GlyphSlot(3); 5] }.into(),
        TileDefine { slot: TileSlot(1), size: small.size(), payload }.into(),
        TileUse { surface: SCREEN, slot: TileSlot(1), points: vec![Point::new(30, 30), Point::new(60, 1)] }
            .into(),
        Pattern { surface: SCREEN, rect: small, origin: Point::new(1, 1), ink: Ink::Tile(TileSlot(1)) }
            .into(),
        Lines { surface: SCREEN, color: 7, points: vec![Point::new(0, 0), Point::new(60, 40)] }.into(),
        SurfaceCreate { id: SurfaceId(1), size: Size::new(20, 20), alpha: true }.into(),
        WindowCreate { id: WindowId(1), surface: SurfaceId(1), position: Point::new(40, 10) }.into(),
        WindowMap { id: WindowId(1), mapped: true }.into(),
        Composite { surface: SCREEN, source: SurfaceId(1), rect: small, to: Point::new(2, 2), opacity: 99 }
            .into(),
    ];
    encode_frame(&commands)
}

fn encode_frame<'a>(commands: impl IntoIterator<Item = &'a DrawCommand>) -> Vec<u8> {
    let mut out = Writer::new();
    FrameHeader::default().encode(&mut out);
    for command in commands {
        command.encode(&mut out);
    }
    out.finish()
}

fn to_viewer() -> Vec<u8> {
    wire([
        (Channel::Control, &ServerControl::Welcome(welcome()).encode()[..]),
        (Channel::Draw, &frame()),
        (Channel::Control, &ServerControl::Notice("hello".to_owned()).encode()),
        (Channel::Control, &ServerControl::Ping(77).encode()),
        (Channel::Draw, &frame()[..1]),
    ])
}

fn to_server() -> Vec<u8> {
    let mut input = Writer::new();
    InputEvent::Key { physical: 30, keysym: 97, down: true, text: "a".to_owned() }.encode(&mut input);
    InputEvent::KeysDown { keys: vec![30, 31] }.encode(&mut input);
    wire([
        (Channel::Input, input.as_slice()),
        (Channel::Control, &ClientControl::Resize(Size::new(800, 600)).encode()[..]),
        (Channel::Control, &ClientControl::Settings(Settings::default()).encode()),
        (Channel::Control, &ClientControl::Ping(300).encode()),
    ])
}

#[test]
fn streams_cut_anywhere_only_wait_for_more() {
    let bytes = to_viewer();
    for n in 0..=bytes.len() {
        assert_eq!(view(&mut client(), &mut screen(64, 48), &bytes[..n]), Ok(()), "cut to {n}");
    }
    let bytes = to_server();
    for n in 0..=bytes.len() {
        assert_eq!(open_server().feed(&bytes[..n], NOW), Ok(()), "cut to {n}");
    }
}

#[test]
fn flipped_bits_do_no_harm() {
    let bytes = to_viewer();
    let mut refused = 0;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        refused += usize::from(view(&mut client(), &mut screen(64, 48), &flipped).is_err());
    }
    assert!(refused > bytes.len(), "{refused} of {} refused", bytes.len() * 8);
    let bytes = to_server();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let mut server = open_server();
        let _ = server.feed(&flipped, NOW);
        assert_eq!(server.frames_painted(), 0);
    }
}

proptest! {
    #[test]
    fn random_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        cut in 1..300usize,
        framed in any::<bool>(),
    ) {
        // Framed, the noise gets past the demultiplexer.
        let bytes = match framed {
            true => {
                let channel = |i: usize| Channel::ALL[i % 4];
                wire(bytes.chunks(37).enumerate().map(|(i, chunk)| (channel(i / 3), chunk)))
            }
            false => bytes,
        };
        for mut server in [ServerConnection::new(NOW), open_server()] {
            let (_, used) = peak(|| {
                for piece in bytes.chunks(cut) {
                    let failed = server.feed(piece, NOW).is_err();
                    while server.poll().is_some() {}
                    if failed {
                        break;
                    }
                }
            });
            prop_assert!(used < 200 * bytes.len() + 100_000, "{used} bytes for {}", bytes.len());
        }
        for mut client in [client(), open_client()] {
            let mut canvas = screen(64, 48);
            for piece in bytes.chunks(cut) {
                if view(&mut client, &mut canvas, piece).is_err() {
                    break;
                }
            }
        }
    }
}

/// A command whose count says `claimed` while `present` bytes follow.
fn lying(opcode: u8, before: &[u8], claimed: usize, present: usize) -> Vec<u8> {
    let mut out = Writer::new();
    out.u8(opcode);
    out.raw(before);
    out.varint(claimed as u64);
    out.raw(&vec![1; present]);
    out.finish()
}

#[test]
fn counts_that_lie_cost_nothing() {
    for (name, opcode, before) in [
        ("fill", 0x01, &[0, 1, 2, 3][..]),
        ("copy", 0x02, &[0]),
        ("put", 0x03, &[0, 0, 0, 4, 4]),
        ("glyph run", 0x05, &[0, 1, 2, 3, 0, 0]),
        ("tile define", 0x06, &[0, 4, 4]),
        ("tile use", 0x08, &[0, 0]),
        ("lines", 0x0a, &[0, 1, 2, 3]),
        ("frames", 0x0b, &[0, 1, 2, 3]),
    ] {
        for claimed in [100, MAX_COMMAND_ITEMS, MAX_COMMAND_ITEMS + 1, u32::MAX as usize, usize::MAX] {
            let bytes = lying(opcode, before, claimed, 40);
            let (result, used) = peak(|| DrawCommand::decode(&mut Reader::new(&bytes)).map(|_| ()));
            let named = matches!(result, Err(DecodeError::TooShort { .. } | DecodeError::TooLarge { .. }));
            assert!(named, "{name} {claimed}: {result:?}");
            assert!(used < 4096, "{name} {claimed}: {used} bytes for a lie");
        }
    }
    for bytes in [
        [0x05, 0xff, 0x01].to_vec(),
        [&[0x05, 0xff, 0xff, 0x03][..], &[1; 50]].concat(),
        [0x06, 0xff, 0x07].to_vec(),
    ] {
        let (result, used) = peak(|| InputEvent::decode(&mut Reader::new(&bytes)).map(|_| ()));
        assert!(result.is_err() && used < 1024);
    }
}

#[test]
fn absurd_surfaces_are_refused() {
    for (width, height) in [(65_535, 65_535), (32_768, 32_768), (u32::MAX, 1), (1, MAX_COORDINATE + 1)] {
        let size = Size::new(width, height);
        for command in [
            SurfaceResize { id: SCREEN, size }.into(),
            SurfaceCreate { id: SurfaceId(1), size, alpha: true }.into(),
        ] {
            let mut canvas = screen(8, 8);
            let bytes = encode_frame([&command]);
            let (result, used) = peak(|| paint(&mut canvas, &bytes, u64::MAX));
            assert!(result.is_err() && used < 4096, "{size:?}");
            // A program that skips the wire is refused as well.
            assert_eq!(canvas.apply(&command), Err(PaintError::TooLarge { what: "surface" }));
            assert_eq!(canvas.screen_size(), Size::new(8, 8));
        }
    }
}

#[test]
fn coordinates_at_their_limits_do_not_overflow() {
    let m = MAX_COORDINATE as i32;
    let ends = [-m, -1, 0, 1, m];
    let mut points = Vec::new();
    let mut rects = Vec::new();
    for x in ends {
        for y in ends {
            points.push(Point::new(x, y));
            for (w, h) in [(1, 1), (MAX_COORDINATE, 1), (1, MAX_COORDINATE), (MAX_COORDINATE, MAX_COORDINATE)]
            {
                rects.push(Rect::new(x, y, w, h));
            }
        }
    }
    let mut canvas = screen(MAX_COORDINATE, 2);
    let mut commands: Vec<DrawCommand> = vec![
        SurfaceCreate { id: SurfaceId(1), size: Size::new(2, MAX_COORDINATE), alpha: true }.into(),
        SurfaceCreate { id: SurfaceId(2), size: Size::new(MAX_COORDINATE, 1), alpha: false }.into(),
        WindowCreate { id: WindowId(1), surface: SurfaceId(1), position: Point::new(m, m) }.into(),
        WindowMap { id: WindowId(1), mapped: true }.into(),
        TileCapture { slot: TileSlot(0), surface: SurfaceId(2), rect: Rect::new(0, 0, MAX_COORDINATE, 1) }
            .into(),
        GlyphDefine {
            slot: GlyphSlot(0),
            coverage: Coverage { size: Size::new(1 << 14, 1), subpixel: false, mask: vec![99; 1 << 14] },
            bearing: Point::new(m, -m),
            advance: m,
        }
        .into(),
        Lines { surface: SCREEN, color: 1, points: points.clone() }.into(),
        TileUse { surface: SCREEN, slot: TileSlot(0), points: points.clone() }.into(),
    ];
    for &rect in &rects {
        commands.push(Frames { surface: SCREEN, color: 3, rects: vec![rect] }.into());
        commands.push(Fill { surface: SurfaceId(1), color: 3, rects: vec![rect] }.into());
    }
    for &to in &points {
        commands.push(WindowMove { id: WindowId(1), position: to }.into());
        commands.push(GlyphRun { surface: SCREEN, color: 5, pen: to, slots: vec![GlyphSlot(0); 4] }.into());
        for &rect in &rects[..rects.len() / 2] {
            for source in [SCREEN, SurfaceId(1)] {
                commands.push(Copy { surface: SCREEN, items: vec![CopyItem { source, rect, to }] }.into());
            }
            commands.push(Composite { surface: SCREEN, source: SurfaceId(1), rect, to, opacity: 9 }.into());
            let bits = Ink::Bits { rows: [1; 8], foreground: 1, background: None };
            for ink in [bits, Ink::Tile(TileSlot(0))] {
                // Few pixels are painted, at places from one end to the other.
                let rect = Rect::new(rect.left, rect.top, 2, rect.height());
                commands.push(Pattern { surface: SurfaceId(1), rect, origin: to, ink }.into());
            }
        }
    }
    for command in &commands {
        let bytes = encode_frame([command]);
        // A pen may run off; nothing else may fail, and nothing may panic.
        let result = paint(&mut canvas, &bytes, u64::MAX);
        assert!(result.is_ok() || matches!(command, DrawCommand::GlyphRun(_)), "{command:?} {result:?}");
    }
    let _ = canvas.screen();
}

#[test]
fn empty_chunks_are_refused_at_once() {
    for channel in 0..4u8 {
        let refused = Err(ConnectionError::Decode(DecodeError::Invalid { what: "empty chunk" }));
        if channel == 0 {
            assert_eq!(ServerConnection::new(NOW).feed(&[channel, 0], NOW), refused);
            assert_eq!(client().feed(&[channel, 0], NOW), refused);
        }
        assert_eq!(open_server().feed(&[channel, 0], NOW), refused);
        assert_eq!(open_client().feed(&[channel, 0], NOW), refused);
    }
}

#[test]
fn before_the_handshake_a_stranger_holds_little_memory() {
    let too_large = ConnectionError::Decode(DecodeError::TooLarge { what: "message" });
    let chunk = [&[0x00, 0x80, 0x01][..], &[7; 128]].concat();
    for end in ["server", "client"] {
        let ((fed, error), used) = peak(|| {
            let (mut server, mut client) = (ServerConnection::new(NOW), client());
            let mut fed = 0;
            loop {
                let result = match end {
                    "server" => server.feed(&chunk, NOW),
                    _ => client.feed(&chunk, NOW),
                };
                match result {
                    Ok(()) => fed += 128,
                    Err(error) => break (fed, error),
                }
            }
        });
        assert_eq!((fed, &error), (MAX_HANDSHAKE_MESSAGE, &too_large), "{end}");
        assert!(used < 8 * MAX_HANDSHAKE_MESSAGE, "{end}: {used} bytes");
    }
    // One chunk may not claim more either.
    let claim = [0x08, 0x81, 0x20];
    let error = ConnectionError::Decode(DecodeError::TooLarge { what: "chunk" });
    assert_eq!(ServerConnection::new(NOW).feed(&claim, NOW), Err(error));
}

#[test]
fn messages_beyond_their_limit_are_cut_off() {
    let mut demux = Demux::new();
    demux.open();
    let chunk = [&[Channel::Input as u8, 0x80, 0x20][..], &[7; MAX_CHUNK]].concat();
    let mut messages = VecDeque::new();
    let (fed, used) = peak(|| {
        let mut fed = 0;
        while demux.feed(&chunk, &mut messages).is_ok() {
            fed += MAX_CHUNK;
        }
        fed
    });
    assert_eq!(fed, MAX_MESSAGE);
    assert!(used < 3 * MAX_MESSAGE && messages.is_empty());
}

#[test]
fn pings_without_end_from_a_peer_that_never_reads() {
    let flood = Err(ConnectionError::Unexpected { what: "flood of pings" });
    let ping = control(&ClientControl::Ping(u64::MAX)).repeat(10);
    let (result, used) = peak(|| {
        let mut server = open_server();
        (0..10_000).map(|_| server.feed(&ping, NOW)).find(Result::is_err)
    });
    assert_eq!(result.as_ref(), Some(&flood));
    assert!(used < 1 << 20, "{used} bytes");
    let ping = wire([(Channel::Control, &ServerControl::Ping(1).encode()[..])]).repeat(10);
    let (result, used) = peak(|| {
        let mut client = open_client();
        (0..10_000).map(|_| client.feed(&ping, NOW)).find(Result::is_err)
    });
    assert_eq!(result.as_ref(), Some(&flood));
    assert!(used < 1 << 20, "{used} bytes");
    // Who reads its answers may ask as often as it likes.
    let mut server = open_server();
    let mut out = Vec::new();
    for _ in 0..10_000 {
        assert_eq!(server.feed(&control(&ClientControl::Ping(1)), NOW), Ok(()));
        out.clear();
        server.poll_transmit(&mut out, usize::MAX);
    }
}

#[test]
fn acknowledgements_that_lie() {
    for (acks, fails) in [(&[0, 1, 2, 2][..], false), (&[3], true), (&[1, 0], true), (&[u64::MAX], true)] {
        let mut server = open_server();
        server.send_frame(vec![1], NOW);
        server.send_frame(vec![2], NOW);
        let results: Vec<_> = acks
            .iter()
            .map(|&n| server.feed(&control(&ClientControl::Ack(Ack { frames: n, units: n })), NOW).is_err())
            .collect();
        assert_eq!(results.contains(&true), fails, "{acks:?}");
        assert!(server.frames_painted() <= server.frames_sent());
        assert_eq!(server.frames_sent(), 2);
    }
}

#[test]
fn a_program_that_is_late_does_not_revive_a_closed_connection() {
    let mut server = ServerConnection::new(NOW);
    server.feed(&control(&hello()), NOW).expect("an honest hello");
    server.close(ByeReason::Busy, "busy");
    server.welcome(welcome(), 0, Vec::new(), NOW);
    server.send_frame(vec![1], NOW);
    server.send_notice("hello?");
    assert!(!server.is_open() && server.is_closed());
    let mut out = Vec::new();
    server.poll_transmit(&mut out, usize::MAX);
    let mut messages = VecDeque::new();
    Demux::new().feed(&out, &mut messages).expect("sound bytes");
    assert_eq!(messages.len(), 1, "only the goodbye");
    // The frame waits for the viewer's next connection.
    assert_eq!(server.into_unpainted().1.len(), 1);
}

#[test]
fn a_goodbye_counts_whatever_follows_it() {
    let bye = Bye { reason: ByeReason::Kicked, text: "kicked".to_owned() };
    let bytes = wire([(Channel::Control, &ServerControl::Bye(bye.clone()).encode()[..])]);
    let noise = [&bytes[..], &[0xff; 9]].concat();
    assert_eq!(open_client().feed(&noise, NOW), Err(ConnectionError::Bye(bye.clone())));
    assert_eq!(open_server().feed(&noise, NOW), Err(ConnectionError::Bye(bye)));
}

#[test]
fn a_million_tiny_commands() {
    let dot = Fill { surface: SCREEN, color: 1, rects: vec![Rect::new(1, 1, 1, 1)] };
    let mut one = Writer::new();
    DrawCommand::from(dot).encode(&mut one);
    let mut frame = vec![0];
    frame.extend(one.as_slice().repeat(MAX_FRAME_COMMANDS));
    // So many are allowed on an empty desk …
    let mut canvas = screen(64, 48);
    let (result, used) = peak(|| paint(&mut canvas, &frame, MAX_FRAME_PAINT));
    assert_eq!(result, Ok(()));
    assert!(used < 100_000, "{used} bytes");
    // … and not one more.
    frame.extend_from_slice(one.as_slice());
    let error = DecodeError::TooLarge { what: "commands in a frame" }.to_string();
    assert_eq!(paint(&mut screen(64, 48), &frame, u64::MAX), Err(error));
    // Where each of them damages a thousand windows, they are paid for.
    let mut canvas = desk(MAX_WINDOWS as u32);
    let dot = Fill { surface: SurfaceId(1), color: 1, rects: vec![Rect::new(1, 1, 1, 1)] };
    let cost = DrawCommand::from(dot).cost(&canvas);
    assert!(cost > 100 * MAX_WINDOWS as u64, "{cost}");
    canvas.take_damage();
}

/// A screen with `n` windows that all show surface 1.
fn desk(n: u32) -> Canvas {
    let mut canvas = screen(4096, 2048);
    let size = Size::new(256, 256);
    canvas.apply(&SurfaceCreate { id: SurfaceId(1), size, alpha: false }.into()).expect("a surface");
    for i in 0..n {
        let place = i.wrapping_mul(0x9e37_79b9) >> 8;
        let position = Point::new((place % 4000) as i32, (place / 4000 % 2000) as i32);
        canvas
            .apply(&WindowCreate { id: WindowId(i), surface: SurfaceId(1), position }.into())
            .expect("a window");
        canvas.apply(&WindowMap { id: WindowId(i), mapped: true }.into()).expect("a window");
    }
    canvas
}

/// Painting takes a time that its cost bounds, whatever the shape. The factor is
/// two hundred times what an optimised build takes: before rows, items and windows
/// had their price, some shapes took ten thousand times as long as they cost.
#[test]
fn time_is_bounded_by_cost() {
    let tall = Rect::new(5, 0, 1, 2048);
    let dot = Rect::new(5, 5, 1, 1);
    let at = Point::new(5, 5);
    let item = |rect| CopyItem { source: SCREEN, rect, to: at };
    let rects: Vec<_> = (0..32).map(|i| Rect::new(i % 6 * 40, i / 6 * 40, 1, 1)).collect();
    let shapes: Vec<(&str, u32, DrawCommand)> = vec![
        ("dots", 0, Fill { surface: SCREEN, color: 1, rects: vec![dot; MAX_COMMAND_ITEMS] }.into()),
        ("columns", 0, Fill { surface: SCREEN, color: 1, rects: vec![tall; 500] }.into()),
        ("copied dots", 0, Copy { surface: SCREEN, items: vec![item(dot); MAX_COMMAND_ITEMS] }.into()),
        ("copied columns", 0, Copy { surface: SCREEN, items: vec![item(tall); 500] }.into()),
        ("frames", 0, Frames { surface: SCREEN, color: 1, rects: vec![tall; 500] }.into()),
        ("framed dots", 0, Frames { surface: SCREEN, color: 1, rects: vec![dot; MAX_COMMAND_ITEMS] }.into()),
        (
            "line of no length",
            0,
            Lines { surface: SCREEN, color: 1, points: vec![at; MAX_COMMAND_ITEMS] }.into(),
        ),
        (
            "lines far outside",
            0,
            Lines {
                surface: SCREEN,
                color: 1,
                points: (0..60).map(|i| Point::new((i % 2 * 2 - 1) * 32_768, 100)).collect(),
            }
            .into(),
        ),
        (
            "tiny tiles",
            0,
            TileUse { surface: SCREEN, slot: TileSlot(0), points: vec![at; MAX_COMMAND_ITEMS] }.into(),
        ),
        ("tall tiles", 0, TileUse { surface: SCREEN, slot: TileSlot(1), points: vec![at; 500] }.into()),
        (
            "pattern of a dot",
            0,
            Pattern {
                surface: SCREEN,
                rect: Rect::new(0, 0, 2048, 1024),
                origin: at,
                ink: Ink::Tile(TileSlot(0)),
            }
            .into(),
        ),
        (
            "empty glyphs",
            0,
            GlyphRun { surface: SCREEN, color: 1, pen: at, slots: vec![GlyphSlot(0); MAX_COMMAND_ITEMS] }
                .into(),
        ),
        ("fill under windows", 1000, Fill { surface: SurfaceId(1), color: 1, rects }.into()),
        ("window moved", 1000, WindowMove { id: WindowId(999), position: at }.into()),
        ("window stacked", 1000, WindowStack { id: WindowId(999), index: 0 }.into()),
    ];
    for (name, windows, command) in shapes {
        let mut canvas = desk(windows);
        for command in [
            TileCapture { slot: TileSlot(0), surface: SCREEN, rect: dot }.into(),
            TileCapture { slot: TileSlot(1), surface: SCREEN, rect: tall }.into(),
            GlyphDefine { slot: GlyphSlot(0), coverage: Coverage::default(), bearing: at, advance: 0 }.into(),
        ] as [DrawCommand; 3]
        {
            canvas.apply(&command).expect("furniture");
        }
        let cost = command.cost(&canvas);
        let start = Instant::now();
        canvas.apply(&command).expect(name);
        let took = start.elapsed();
        let allowed = Duration::from_millis(100) + Duration::from_nanos(cost * 200);
        assert!(took < allowed, "{name} took {took:?}, cost {cost}");
    }
}

#[test]
fn caches_and_counts_are_bounded() {
    // Surfaces.
    let mut canvas = screen(4, 4);
    let create =
        |i| DrawCommand::from(SurfaceCreate { id: SurfaceId(i), size: Size::new(1, 1), alpha: false });
    let made = (1..2 * MAX_SURFACES as u32).take_while(|&i| canvas.apply(&create(i)).is_ok()).count();
    assert_eq!(made, MAX_SURFACES - 1, "and the screen");
    // Windows.
    let window =
        |i| DrawCommand::from(WindowCreate { id: WindowId(i), surface: SCREEN, position: Point::new(0, 0) });
    let made = (1..2 * MAX_WINDOWS as u32).take_while(|&i| canvas.apply(&window(i)).is_ok()).count();
    assert_eq!(made, MAX_WINDOWS);

    // Glyphs: the masks together.
    let mut canvas = screen(4, 4);
    let coverage = Coverage { size: Size::new(128, 128), subpixel: false, mask: vec![255; 1 << 14] };
    let glyph = |i| {
        let (bearing, coverage) = (Point::new(0, 0), coverage.clone());
        DrawCommand::from(GlyphDefine { slot: GlyphSlot(i), coverage, bearing, advance: 0 })
    };
    let (made, used) = peak(|| (0..65_536).take_while(|&i| canvas.apply(&glyph(i)).is_ok()).count());
    assert!(made as u64 <= MAX_GLYPH_CACHE_PIXELS >> 14);
    assert!(used as u64 <= MAX_GLYPH_CACHE_PIXELS + (1 << 20), "{used} bytes");
    // A slot that is filled again gives back what it had.
    for _ in 0..3 {
        assert_eq!(canvas.apply(&glyph(0)), Ok(()));
    }

    // Tiles and surfaces share one limit; the surface here is never touched, so
    // that this test does not need its memory.
    let mut canvas = screen(4, 4);
    let large = SurfaceCreate { id: SurfaceId(1), size: Size::new(16_384, 8_191), alpha: false };
    assert_eq!(canvas.apply(&large.into()), Ok(()));
    let small = SurfaceCreate { id: SurfaceId(2), size: Size::new(128, 64), alpha: false };
    assert_eq!(canvas.apply(&small.into()), Ok(()));
    let tile = |i| {
        let rect = Rect::new(0, 0, 128, 8);
        DrawCommand::from(TileCapture { slot: TileSlot(i), surface: SurfaceId(2), rect })
    };
    let (made, used) = peak(|| (0..16_384).take_while(|&i| canvas.apply(&tile(i)).is_ok()).count());
    assert_eq!(made, 7, "what is left, but for the screen of 16 pixels");
    assert!(used < 100_000, "{used} bytes");
    assert_eq!(canvas.apply(&tile(3)), Ok(()), "filled again");
    let resize = |h| SurfaceResize { id: SCREEN, size: Size::new(64, h) };
    assert!(canvas.apply(&resize(64).into()).is_err());
    assert_eq!(canvas.screen_size(), Size::new(4, 4), "refused, so nothing changed");
    // What is destroyed makes room again.
    assert_eq!(canvas.apply(&SurfaceDestroy { id: SurfaceId(1) }.into()), Ok(()));
    assert_eq!(canvas.apply(&resize(64).into()), Ok(()));
}

#[test]
fn translucent_windows_have_their_price() {
    let mut canvas = screen(64, 64);
    let size = Size::new(64, 64);
    canvas.apply(&SurfaceCreate { id: SurfaceId(1), size, alpha: true }.into()).expect("a surface");
    for i in 0..100 {
        let position = Point::new(0, 0);
        canvas
            .apply(&WindowCreate { id: WindowId(i), surface: SurfaceId(1), position }.into())
            .expect("room");
        canvas.apply(&WindowMap { id: WindowId(i), mapped: true }.into()).expect("it is there");
    }
    assert_eq!(canvas.compose_cost(&Rect::of_size(size).into()), 101 * 64 * 64);
}
