//! Updates as servers send them, cut anywhere.

use proptest::prelude::*;

use crate::geometry::{Point, Rect, Size};
use crate::pixel::Picture;
use crate::rfb::client::{Config, Connection, ConnectionError, Event, ServerInit};
use crate::rfb::encoding::Encoder;
use crate::rfb::{
    ClientMessage, Clipboard, ClipboardTakes, EncodingId, Fence, MAX_CUT_TEXT, PixelFormat, RectHeader,
    Screen, ServerMessage, encode_rect_count, encode_screens,
};
use crate::wire::{DecodeError, Reader, Writer};

const SIZE: Size = Size::new(300, 260);

fn connection(config: &Config) -> Connection {
    Connection::new(&ServerInit { size: SIZE, name: "x".into() }, config)
}

/// Everything that comes of these bytes, fed `cut` at a time.
fn events(connection: &mut Connection, bytes: &[u8], cut: usize) -> Result<Vec<Event>, ConnectionError> {
    let mut all = Vec::new();
    for piece in bytes.chunks(cut.max(1)) {
        connection.feed(piece);
        while let Some(event) = connection.poll()? {
            all.push(event);
        }
    }
    Ok(all)
}

fn said(connection: &mut Connection) -> Vec<ClientMessage> {
    let bytes = connection.take_output();
    let mut r = Reader::new(&bytes);
    let mut all = Vec::new();
    while !r.is_empty() {
        all.push(ClientMessage::decode(&mut r).expect("what a client says"));
    }
    all
}

/// A picture with lines, areas and noise.
fn drawing(size: Size, seed: u32) -> Picture {
    let mut x = seed;
    let pixels = (0..size.area() as u32).map(|i| {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match i / size.width % 7 {
            0 => x >> 8,
            1 => 0x00ff_ffff * (i & 1),
            _ => 0x0012_3456 * (i / 64 % 3),
        }
    });
    Picture::from_pixels(size, pixels.map(|p| p & 0x00ff_ffff).collect()).unwrap()
}

fn header(out: &mut Writer, rect: Rect, encoding: EncodingId) {
    RectHeader { rect, encoding }.encode(out);
}

/// A stream of everything that a server may say.
fn session() -> Vec<u8> {
    let mut encoder = Encoder::new();
    let mut out = Writer::default();
    let all = [
        EncodingId::RAW,
        EncodingId::RRE,
        EncodingId::HEXTILE,
        EncodingId::TRLE,
        EncodingId::ZRLE,
        EncodingId::TIGHT,
    ];
    encode_rect_count(all.len() as u16 + 1, &mut out);
    for (i, encoding) in all.into_iter().enumerate() {
        let side = 30 + 40 * i as u32;
        let rect = Rect::new(i as i32, 3, side + 20, side);
        header(&mut out, rect, encoding);
        let mut bytes = Vec::new();
        encoder.encode(encoding, &PixelFormat::NATIVE, drawing(rect.size(), i as u32).view(), &mut bytes);
        out.raw(&bytes);
    }
    header(&mut out, Rect::new(5, 6, 100, 90), EncodingId::COPY_RECT);
    out.raw(&[0, 200, 0, 170]);
    ServerMessage::Bell.encode(&mut out);
    ServerMessage::CutText(b"caf\xe9\r\n".to_vec()).encode(&mut out);
    ServerMessage::Fence(Fence { flags: Fence::REQUEST | 0x4001, payload: b"mark".to_vec() })
        .encode(&mut out);
    ServerMessage::ColorMap { first: 250, colors: vec![1, 2, 3] }.encode(&mut out);
    // An update that says by itself where it ends.
    encode_rect_count(u16::MAX, &mut out);
    header(&mut out, Rect::new(1, 2, 16, 9), EncodingId::CURSOR);
    let mut bytes = Vec::new();
    encoder.encode(EncodingId::CURSOR, &PixelFormat::NATIVE, drawing(Size::new(16, 9), 1).view(), &mut bytes);
    out.raw(&bytes);
    header(&mut out, Rect::new(0, 0, 0, 0), EncodingId::CURSOR_WITH_ALPHA);
    out.raw(&[0; 4]);
    header(&mut out, Rect::new(0, 0, 0, 0), EncodingId::DESKTOP_NAME);
    out.raw(&[0, 0, 0, 2]);
    out.raw("ü".as_bytes());
    header(&mut out, Rect::new(0, 0, 0, 0), EncodingId::LED_STATE);
    out.raw(&[2]);
    header(&mut out, Rect::new(0, 0, 0, 0), EncodingId::QEMU_KEYS);
    header(&mut out, Rect::new(0, 0, 0, 0), EncodingId::EXTENDED_BUTTONS);
    header(&mut out, Rect::new(7, 8, 0, 0), EncodingId::POINTER_POSITION);
    header(&mut out, Rect::new(0, 0, 0, 0), EncodingId::LAST_RECT);
    ServerMessage::EndOfContinuousUpdates.encode(&mut out);
    encode_rect_count(3, &mut out);
    let screen = Screen { id: 77, rect: Rect::new(0, 0, 320, 200), flags: 9 };
    header(&mut out, Rect::new(0, 0, 320, 200), EncodingId::EXTENDED_DESKTOP_SIZE);
    encode_screens(&[screen], &mut out);
    header(&mut out, Rect::new(1, 1, 320, 200), EncodingId::EXTENDED_DESKTOP_SIZE);
    encode_screens(&[screen], &mut out);
    header(&mut out, Rect::new(0, 0, 640, 480), EncodingId::DESKTOP_SIZE);
    out.finish()
}

#[test]
fn everything_is_understood_however_it_is_cut() {
    let bytes = session();
    let mut whole = connection(&Config::default());
    let expected = events(&mut whole, &bytes, bytes.len()).expect("a sound session");
    let mut picture = Picture::new(SIZE, 0);
    let mut others = Vec::new();
    for event in &expected {
        match event {
            Event::Pixels { rect, picture: pixels, .. } => picture.blit(rect.origin(), pixels.view()),
            Event::Copy { from, to } => {
                assert_eq!((*from, *to), (Rect::new(200, 170, 100, 90), Point::new(5, 6)));
            }
            Event::Cursor(_) => {}
            other => others.push(other.clone()),
        }
    }
    let mut want = Picture::new(SIZE, 0);
    for i in 0..6 {
        let side = 30 + 40 * i as u32;
        want.blit(Point::new(i, 3), drawing(Size::new(side + 20, side), i as u32).view());
    }
    assert!(picture == want);
    assert_eq!(
        others,
        [
            Event::UpdateEnd,
            Event::Bell,
            Event::CutText("café\n".into()),
            Event::Name("ü".into()),
            Event::Leds(2),
            Event::Pointer(Point::new(7, 8)),
            Event::UpdateEnd,
            Event::Resized(Size::new(320, 200)),
            Event::NotResized { status: 1 },
            Event::Resized(Size::new(640, 480)),
            Event::UpdateEnd,
        ]
    );
    assert_eq!(whole.bytes_by_encoding().values().sum::<u64>() as usize, {
        // All but what is no rectangle with a name: counts, messages and pseudo-encodings.
        bytes.len() - 4 - 1 - 14 - 13 - 24 - 4 - 18 - 13 - 12 - 12 - 12 - 12 - 1 - 4 - 32 - 32 - 12
    });
    let output = whole.take_output();
    for cut in [1, 2, 3, 7, 64, 1000, 4096, 65_536] {
        let mut parts = connection(&Config::default());
        assert_eq!(events(&mut parts, &bytes, cut).as_ref(), Ok(&expected), "{cut} bytes at a time");
        assert_eq!(parts.bytes_by_encoding(), whole.bytes_by_encoding());
        assert_eq!(parts.take_output(), output);
    }
    for at in (0..bytes.len()).step_by(97) {
        let mut parts = connection(&Config::default());
        let mut all = events(&mut parts, &bytes[..at], at).expect("the beginning of a sound session");
        all.extend(events(&mut parts, &bytes[at..], bytes.len()).expect("the rest"));
        assert!(all == expected, "cut at {at}");
    }
}

#[test]
fn what_is_said_to_servers() {
    let mut c = connection(&Config { jpeg: Some(6), cursor: false, ..Config::default() });
    let whole = Rect::of_size(SIZE);
    let ask = |incremental, rect| ClientMessage::UpdateRequest { incremental, rect };
    match said(&mut c).as_slice() {
        [ClientMessage::SetPixelFormat(format), ClientMessage::SetEncodings(ids), first] => {
            assert_eq!(*format, PixelFormat::NATIVE);
            assert!(ids.contains(&EncodingId(-26)) && !ids.contains(&EncodingId::CURSOR));
            assert_eq!(*first, ask(false, whole));
        }
        other => panic!("{other:?}"),
    }
    c.key(true, 0x61, 30);
    c.pointer(1, Point::new(-5, 9000));
    c.cut_text("a€");
    assert_eq!(
        said(&mut c),
        [
            ClientMessage::Key { down: true, keysym: 0x61 },
            ClientMessage::Pointer { buttons: 1, x: 0, y: 259 },
            ClientMessage::CutText(b"a?".to_vec()),
        ]
    );
    assert!(!c.has_fences() && !c.can_resize() && c.is_between_updates());
    events(&mut c, &session(), 100).expect("a sound session");
    let said_since = said(&mut c);
    let large = Rect::new(0, 0, 640, 480);
    assert_eq!(
        said_since,
        [
            ask(true, whole),
            ClientMessage::Fence(Fence { flags: 1, payload: b"mark".to_vec() }),
            ask(true, whole),
            ClientMessage::ContinuousUpdates { enable: true, rect: whole },
            ClientMessage::ContinuousUpdates { enable: true, rect: Rect::new(0, 0, 320, 200) },
            ClientMessage::ContinuousUpdates { enable: true, rect: large },
        ]
    );
    assert!(c.has_fences() && c.can_resize());
    c.key(true, 0x61, 30);
    c.key(false, 0, 103);
    c.pointer(3, Point::new(1, 2));
    c.set_desktop_size(Size::new(9, 8));
    c.ping(b"now");
    assert_eq!(
        said(&mut c),
        [
            ClientMessage::ExtendedKey { down: true, keysym: 0x61, code: 30 },
            ClientMessage::ExtendedKey { down: false, keysym: 0, code: 0xc8 },
            ClientMessage::Pointer { buttons: 3, x: 1, y: 2 },
            ClientMessage::SetDesktopSize {
                size: Size::new(9, 8),
                screens: vec![Screen { id: 0, rect: Rect::new(0, 0, 9, 8), flags: 0 }],
            },
            ClientMessage::Fence(Fence { flags: Fence::REQUEST | 3, payload: b"now".to_vec() }),
        ]
    );
    c.pointer(1 << 7 | 1 << 8 | 1, Point::new(1, 2));
    assert_eq!(c.take_output(), [5, 0x81, 0, 1, 0, 2, 3]);
    // The server's fences come back as they went.
    let mut out = Writer::default();
    ServerMessage::Fence(Fence { flags: 3, payload: b"now".to_vec() }).encode(&mut out);
    assert_eq!(events(&mut c, out.as_slice(), 5), Ok(vec![Event::Pong(b"now".to_vec())]));
}

#[test]
fn a_large_raw_rectangle_comes_in_bands() {
    let size = Size::new(1000, 700);
    let mut c = Connection::new(&ServerInit { size, name: String::new() }, &Config::default());
    let picture = drawing(size, 5);
    let mut out = Writer::default();
    encode_rect_count(1, &mut out);
    header(&mut out, Rect::of_size(size), EncodingId::RAW);
    let mut bytes = Vec::new();
    Encoder::new().encode(EncodingId::RAW, &PixelFormat::NATIVE, picture.view(), &mut bytes);
    out.raw(&bytes);
    let mut got = Picture::new(size, 0);
    let all = events(&mut c, out.as_slice(), 1500).expect("a picture");
    assert_eq!(all.len(), 12);
    for event in all {
        if let Event::Pixels { rect, picture, .. } = event {
            got.blit(rect.origin(), picture.view());
        }
    }
    assert!(got == picture);
}

#[test]
fn long_clipboards_are_skipped_and_longer_ones_end_it() {
    let text = |length: u32| [&[3, 0, 0, 0][..], &length.to_be_bytes()].concat();
    let length = MAX_CUT_TEXT as u32 + 5;
    let mut c = connection(&Config::default());
    let bytes = [text(length), vec![b'x'; length as usize], vec![2]].concat();
    let all = events(&mut c, &bytes, 50_000);
    assert_eq!(all, Ok(vec![Event::CutTextTooLong { length: length as usize }, Event::Bell]));
    // Longer than any, and, as the extended one has it, negative.
    for length in [0x7fff_ffff, 0x8000_0000] {
        let error = events(&mut connection(&Config::default()), &text(length), 8);
        assert_eq!(error, Err(DecodeError::TooLarge { what: "clipboard" }.into()));
    }
}

#[test]
fn nonsense_ends_the_connection_with_a_name() {
    let update = |rect: Rect, encoding: i32, payload: &[u8]| {
        let mut out = Writer::default();
        encode_rect_count(1, &mut out);
        header(&mut out, rect, EncodingId(encoding));
        out.raw(payload);
        out.finish()
    };
    let outside = |rect| ConnectionError::Outside { rect, screen: SIZE };
    let small = Rect::new(0, 0, 4, 4);
    for (bytes, error) in [
        (vec![77], DecodeError::Unknown { what: "RFB message", value: 77 }.into()),
        (update(small, 1234, &[]), DecodeError::Unknown { what: "RFB encoding", value: 1234 }.into()),
        (update(Rect::new(299, 0, 2, 1), 0, &[]), outside(Rect::new(299, 0, 2, 1))),
        (update(Rect::new(0, 0, 0, 9), 5, &[]), outside(Rect::new(0, 0, 0, 9))),
        (update(small, 1, &[1, 41, 0, 0]), outside(Rect::new(297, 0, 4, 4))),
        (update(Rect::new(0, 0, 513, 1), -239, &[]), DecodeError::TooLarge { what: "cursor" }.into()),
        (update(small, -307, &[0, 0, 16, 1]), DecodeError::TooLarge { what: "server's name" }.into()),
        (
            update(Rect::new(0, 0, 0, 4), -223, &[]),
            DecodeError::Invalid { what: "screen without pixels" }.into(),
        ),
        (
            update(Rect::new(0, 0, 65_535, 65_535), -308, &[0; 4]),
            DecodeError::TooLarge { what: "RFB screen" }.into(),
        ),
        (update(small, 16, &[255; 4]), DecodeError::TooLarge { what: "ZRLE length" }.into()),
        // JPEG was not asked for.
        (update(small, 7, &[0x90]), DecodeError::Unknown { what: "Tight compression", value: 9 }.into()),
        (vec![1, 0, 0, 255, 0, 2], DecodeError::TooLarge { what: "colour map" }.into()),
        ([&[248, 0, 0, 0, 0, 0, 0, 0][..], &[65]].concat(), DecodeError::TooLarge { what: "fence" }.into()),
    ] {
        let mut c = connection(&Config::default());
        assert_eq!(events(&mut c, &bytes, 1), Err(error));
        assert_eq!(events(&mut c, &[2; 100], 100), Ok(vec![]), "nothing comes after the end");
    }
}

#[test]
fn a_server_that_never_reads_is_left() {
    let mut c = connection(&Config::default());
    let mut fence = Writer::default();
    ServerMessage::Fence(Fence { flags: Fence::REQUEST, payload: vec![7; 64] }).encode(&mut fence);
    let many = fence.finish().repeat(1000);
    let result = (0..100).try_for_each(|_| events(&mut c, &many, many.len()).map(drop));
    assert_eq!(result, Err(ConnectionError::Unread));
}

#[test]
fn jpeg_comes_where_it_was_asked_for() {
    // 16 × 8 pixels, the left half red and the right half blue, by cjpeg -quality 95 -optimize.
    let file = include_bytes!("red_blue.jpg");
    let mut bytes = update_header();
    bytes.push(0x90);
    bytes.extend([(file.len() & 0x7f) as u8 | 0x80, (file.len() >> 7) as u8]);
    bytes.extend(file);
    let mut c = connection(&Config { jpeg: Some(8), ..Config::default() });
    let all = events(&mut c, &bytes, 100).expect("a picture");
    let [Event::Pixels { picture, .. }, Event::UpdateEnd] = all.as_slice() else { panic!("{all:?}") };
    let near = |x, want: u32| {
        let got = picture.pixel(Point::new(x, 4)).unwrap();
        let parts = |c: u32| [c >> 16 & 255, c >> 8 & 255, c & 255];
        let far = parts(got).into_iter().zip(parts(want)).any(|(a, b)| a.abs_diff(b) > 16);
        assert!(!far, "{got:06x} instead of {want:06x} at {x}");
    };
    near(2, 0x00ff_0000);
    near(13, 0x0000_00ff);
    // Of another size it is none of this rectangle.
    let mut wrong = bytes.clone();
    wrong[9] = 8;
    let mut c = connection(&Config { jpeg: Some(8), ..Config::default() });
    let error = events(&mut c, &wrong, 100).expect_err("another size");
    assert!(error.to_string().contains("Tight JPEG"), "{error}");
}

/// An update of one Tight rectangle of 16 × 8.
fn update_header() -> Vec<u8> {
    let mut out = Writer::default();
    encode_rect_count(1, &mut out);
    header(&mut out, Rect::new(0, 0, 16, 8), EncodingId::TIGHT);
    out.finish()
}

proptest! {
    #[test]
    fn any_bytes_are_events_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        encoding in prop::sample::select(vec![0, 1, 2, 5, 7, 15, 16, -239, -314, -308, -307, -223, -261]),
        cut in 1usize..100,
    ) {
        for config in [Config::default(), Config { jpeg: Some(5), ..Config::default() }] {
            let mut c = connection(&config);
            let _ = events(&mut c, &bytes, cut);
            let mut out = Writer::default();
            encode_rect_count(u16::MAX, &mut out);
            header(&mut out, Rect::new(1, 1, 40, 20), EncodingId(encoding));
            let all = [out.finish(), bytes.clone()].concat();
            let (mut parts, mut whole) = (connection(&config), connection(&config));
            let cut = events(&mut parts, &all, cut);
            prop_assert_eq!(cut, events(&mut whole, &all, all.len()));
        }
    }

    #[test]
    fn a_session_with_errors_is_events_or_an_error(at in 0usize..20_000, value in any::<u8>()) {
        let mut bytes = session();
        let at = at % bytes.len();
        bytes[at] = value;
        let _ = events(&mut connection(&Config::default()), &bytes, 1000);
    }
}

#[test]
fn clipboards_in_utf_8_are_asked_for_and_given_when_asked() {
    let mut c = connection(&Config::default());
    said(&mut c);
    let hear = |c: &mut Connection, message: Clipboard| {
        let mut out = Writer::default();
        ServerMessage::Clipboard(message).encode(&mut out);
        let events = events(c, out.as_slice(), 7).expect("a sound message");
        (events, said(c))
    };
    let says = |message: Clipboard| vec![ClientMessage::Clipboard(message)];
    assert_eq!(hear(&mut c, Clipboard::ours()), (vec![], says(Clipboard::ours())));
    let request = Clipboard::Request { text: true };
    assert_eq!(hear(&mut c, Clipboard::Notify { text: true }), (vec![], says(request.clone())));
    let text = "Tür\n€";
    let provide = Clipboard::Provide(Some(text.into()));
    assert_eq!(hear(&mut c, provide.clone()), (vec![Event::CutText(text.into())], vec![]));
    assert_eq!(hear(&mut c, Clipboard::Peek), (vec![], says(Clipboard::Notify { text: false })));
    c.cut_text(text);
    assert_eq!(said(&mut c), says(Clipboard::Notify { text: true }));
    assert_eq!(hear(&mut c, request), (vec![], says(provide)));
    // Who is not to be notified is given the text: what Latin-1 can say in the old way, which such a
    // server understands in any case.
    let unnotified = ClipboardTakes { text: Some(1 << 20), request: true, notify: false };
    hear(&mut c, Clipboard::Caps(unnotified));
    c.cut_text("Tür");
    assert_eq!(said(&mut c), [ClientMessage::CutText(b"T\xfcr".to_vec())]);
    c.cut_text(text);
    assert_eq!(said(&mut c), says(Clipboard::Provide(Some(text.into()))));
    // Nonsense inside of its length is no waiting for more.
    let mut r = connection(&Config::default());
    assert!(events(&mut r, &[3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1], 9).is_err());
}

#[test]
fn at_rest_nothing_is_asked_for() {
    let whole = Rect::of_size(SIZE);
    let ask = |incremental, rect| ClientMessage::UpdateRequest { incremental, rect };
    let continuous = |enable| ClientMessage::ContinuousUpdates { enable, rect: whole };
    let mut update = Writer::default();
    encode_rect_count(0, &mut update);
    let mut end = Writer::default();
    ServerMessage::EndOfContinuousUpdates.encode(&mut end);
    let (update, end) = (update.finish(), end.finish());

    let mut c = Connection::at_rest(&ServerInit { size: SIZE, name: "x".into() }, &Config::default());
    c.look();
    assert_eq!(said(&mut c).split_off(2), [ask(false, Rect::new(0, 0, 1, 1))]);
    let mut step = |bytes: &[u8], act: fn(&mut Connection), expected: &[ClientMessage]| {
        events(&mut c, bytes, 1).expect("sound");
        act(&mut c);
        assert_eq!(said(&mut c), expected);
    };
    step(&update, |_| (), &[]);
    step(&[], Connection::wake, &[ask(false, whole)]);
    step(&[], Connection::wake, &[]);
    step(&update, |_| (), &[ask(true, whole)]);
    step(&[], Connection::rest, &[]);
    step(&update, |_| (), &[]);
    // A server that needs not be asked is told to stop, and says when it has.
    step(&end, |_| (), &[]);
    step(&[], Connection::wake, &[ask(false, whole), continuous(true)]);
    step(&update, Connection::rest, &[continuous(false)]);
    step(&[], Connection::wake, &[ask(false, whole), continuous(true)]);
    step(&end, |_| (), &[]);
    step(&update, Connection::rest, &[continuous(false)]);
    step(&end, Connection::rest, &[]);
    // And one that stops by itself is asked.
    step(&[], Connection::wake, &[ask(false, whole), continuous(true)]);
    step(&end, |_| (), &[ask(true, whole)]);
}
