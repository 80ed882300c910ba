//! Seeds of RFB's targets: what honest peers say, and the classes of flaws that VNC programs had.

use panto_protocol::geometry::{Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::encoding::{ENCODINGS, Encoder};
use panto_protocol::rfb::{
    ClientMessage, Clipboard, EncodingId, Fence, PixelFormat, RectHeader, Screen, ServerMessage, color_map,
    encode_rect_count, encode_screens,
};
use panto_protocol::wire::Writer;

use super::{named, noise};

type Named = Vec<(String, Vec<u8>)>;

const SCREEN: Size = Size::new(64, 48);
const ALL: Rect = Rect::new(0, 0, 64, 48);

fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::default();
    write(&mut out);
    out.finish()
}

/// Nothing offered but no proof, cut in pieces; a viewer of 3.8 that was let in.
fn viewer(rest: &[u8]) -> Vec<u8> {
    [&[0x20, 9][..], b"RFB 003.008\n\x01\x01", rest].concat()
}

fn said(messages: &[ClientMessage]) -> Vec<u8> {
    let bytes: Vec<u8> = messages.iter().flat_map(|m| written(|out| m.encode(out))).collect();
    viewer(&bytes)
}

/// Seeds of `rfb_server_messages`.
pub fn server_messages() -> Named {
    let clipboards = [
        Clipboard::ours(),
        Clipboard::Peek,
        Clipboard::Request { text: true },
        Clipboard::Notify { text: true },
        Clipboard::Provide(Some("Tür\n".into())),
    ];
    let encodings: Vec<EncodingId> = ENCODINGS.into_iter().chain([EncodingId::FENCE]).collect();
    let screens = |n: u32| (0..n).map(|id| Screen { id, rect: ALL, flags: 0 }).collect();
    let update = |rect| ClientMessage::UpdateRequest { incremental: true, rect };
    let fence = |n| Fence { flags: Fence::REQUEST, payload: vec![7; n] };
    named([
        ("version-3.3", [&[0x20, 0][..], b"RFB 003.003\n\x01"].concat()),
        ("version-3.7", [&[0x20, 3][..], b"RFB 003.007\n\x01\x00"].concat()),
        ("version-endless", [&[0x20, 1][..], &[b'9'; 40]].concat()),
        ("nothing-offered", [&[0, 1][..], b"RFB 003.008\n\x01"].concat()),
        ("not-offered", [&[0x20, 1][..], b"RFB 003.008\n\x13"].concat()),
        ("challenge", [&[0x08, 5][..], b"RFB 003.008\n\x02", &[1; 16], &[1]].concat()),
        ("challenge-denied", [&[0x88, 5][..], b"RFB 003.008\n\x02", &[1; 16]].concat()),
        (
            "vencrypt-plain",
            [&[1, 5][..], b"RFB 003.008\n\x13\x00\x02\x00\x00\x01\x06\0\0\0\x01\0\0\0\x02upw\x01"].concat(),
        ),
        ("vencrypt-x509vnc", [&[2, 5][..], b"RFB 003.008\n\x13\x00\x02\x00\x00\x01\x05", &[3; 17]].concat()),
        (
            "vencrypt-name-endless",
            [&[1, 5][..], b"RFB 003.008\n\x13\x00\x02\x00\x00\x01\x06\xff\xff\xff\xff"].concat(),
        ),
        ("rsa-aes", [&[0x40, 5][..], b"RFB 003.008\n\x81\x00\x02pw\x01"].concat()),
        ("rsa-aes-unencrypted", [&[0x41, 3][..], b"RFB 003.008\n\x06\x02me\x02pw\x01"].concat()),
        (
            "rsa-aes-in-vencrypt",
            [&[0xc1, 3][..], b"RFB 003.008\n\x13\x00\x02\x00\x00\x00\x82\x02me\x02pw"].concat(),
        ),
        ("format", said(&[ClientMessage::SetPixelFormat(PixelFormat::NATIVE)])),
        ("encodings", said(&[ClientMessage::SetEncodings(encodings)])),
        ("encodings-65535-lying", viewer(&[2, 0, 0xff, 0xff, 0, 0, 0, 1])),
        ("updates", said(&[update(ALL), update(Rect::new(65_535, 65_535, 65_535, 65_535))])),
        (
            "input",
            said(&[
                ClientMessage::Key { down: true, keysym: 0x61 },
                ClientMessage::ExtendedKey { down: true, keysym: 0x61, code: 30 },
                ClientMessage::Pointer { buttons: 0xff, x: 65_535, y: 1 },
            ]),
        ),
        ("cut-text", said(&[ClientMessage::CutText(b"T\xfcr\r\n".to_vec())])),
        ("cut-text-2-gigabytes", viewer(&[6, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff])),
        ("cut-text-negative", viewer(&[6, 0, 0, 0, 0x80, 0, 0, 0])),
        ("clipboards", said(&clipboards.map(ClientMessage::Clipboard))),
        ("fences", said(&[ClientMessage::Fence(fence(64)), ClientMessage::Fence(fence(0))])),
        ("fence-too-long", viewer(&[248, 0, 0, 0, 0x80, 0, 0, 0, 255])),
        ("continuous", said(&[ClientMessage::ContinuousUpdates { enable: true, rect: ALL }])),
        ("desktop-size", said(&[ClientMessage::SetDesktopSize { size: SCREEN, screens: screens(2) }])),
        ("desktop-size-255-screens", viewer(&[251, 0, 0, 0, 0, 0, 255, 0, 1, 2, 3])),
        ("unknown", viewer(&[77])),
        ("qemu-unknown", viewer(&[255, 9])),
    ])
}

/// Everything may be proved, JPEG is taken, and cut in pieces; a server of 3.8 that lets anyone in.
fn server(rest: &[u8]) -> Vec<u8> {
    let mut init = vec![0, 64, 0, 48];
    init.extend([0; 16]);
    init.extend([0, 0, 0, 4]);
    init.extend(b"wolf");
    [&[0x1f, 0x40, 9][..], b"RFB 003.008\n\x01\x01\0\0\0\0", &init, rest].concat()
}

/// Before anything was let in.
fn handshake(rest: &[u8]) -> Vec<u8> {
    [&[0x1f, 0x40, 9][..], b"RFB 003.008\n", rest].concat()
}

fn rect(rect: Rect, encoding: EncodingId, payload: &[u8]) -> Vec<u8> {
    [&written(|out| RectHeader { rect, encoding }.encode(out))[..], payload].concat()
}

fn update(count: u16, rects: &[Vec<u8>]) -> Vec<u8> {
    server(&[&written(|out| encode_rect_count(count, out))[..], &rects.concat()].concat())
}

fn encoded(encoding: EncodingId, format: &PixelFormat, picture: &Picture) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new().encode(encoding, format, picture.view(), &mut out);
    out
}

fn jpeg(picture: &Picture) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(Encoder::new().encode_jpeg(5, picture.view(), &mut out));
    out
}

/// A picture with some of everything: an area of one colour, a line of few, noise.
fn mixed(size: Size) -> Picture {
    let mut picture = noise(size, 200);
    picture.fill(Rect::new(0, 0, size.width / 2, size.height), 0x0020_4060);
    picture.fill(Rect::new(2, 3, size.width / 3, 1), 0x00ff_0000);
    picture
}

/// Seeds of `rfb_client`.
pub fn client() -> Named {
    let small = Rect::new(3, 5, 20, 17);
    let mut seeds = named([
        ("not-rfb", [&[0x1f, 0, 1][..], b"HTTP/1.1 400 Bad"].concat()),
        ("version-3.3", [&[0x1f, 0, 1][..], b"RFB 003.003\n\0\0\0\x01"].concat()),
        ("refused", handshake(&[0, 0, 0, 0, 2, b'n', b'o'])),
        ("reason-endless", handshake(&[0, 0xff, 0xff, 0xff, 0xff, b'n', b'o'])),
        ("types-none-known", handshake(&[3, 5, 30, 200])),
        ("challenge", handshake(&[&[1, 2][..], &[9; 16], &[0, 0, 0, 0]].concat())),
        ("denied", handshake(&[&[1, 2][..], &[9; 16], &[0, 0, 0, 1, 0, 0, 0, 1, b'x']].concat())),
        ("vencrypt", handshake(&[1, 19, 0, 2, 0, 2, 0, 0, 1, 4, 0, 0, 1, 6, 1, 0, 0, 0, 0])),
        ("vencrypt-255", handshake(&[&[1, 19, 0, 2, 0, 255][..], &[0xee; 1020]].concat())),
        ("rsa-aes", [&[0x7f, 0, 1][..], b"RFB 003.008\n\x02\x05\x81\x01\0\0\0\0"].concat()),
        ("rsa-aes-unencrypted", [&[0x7f, 0, 3][..], b"RFB 003.008\n\x02\x06\x02\x02\0\0\0\0"].concat()),
        ("rsa-aes-subtype", [&[0x7f, 0, 1][..], b"RFB 003.008\n\x01\x05\x03"].concat()),
        ("rsa-aes-in-vencrypt", {
            let types = [19, 0, 2, 0, 1, 0, 0, 0, 0x81, 1];
            [&[0x7f, 0, 1][..], b"RFB 003.008\n\x01", &types, &[0; 4]].concat()
        }),
        ("name-endless", handshake(&[&[1, 1, 0, 0, 0, 0, 0, 9, 0, 9][..], &[0; 16], &[0xff; 4]].concat())),
        ("screen-empty", handshake(&[&[1, 1, 0, 0, 0, 0, 0, 0, 0, 9][..], &[0; 20]].concat())),
        ("screen-65535", handshake(&[&[1, 1, 0, 0, 0, 0][..], &[0xff; 4], &[0; 20]].concat())),
        ("copy", update(1, &[rect(small, EncodingId::COPY_RECT, &[0, 1, 0, 2])])),
        ("copy-outside", update(1, &[rect(small, EncodingId::COPY_RECT, &[0, 60, 0, 2])])),
        ("rect-outside", update(1, &[rect(small.offset(50, 0), EncodingId::RAW, &[])])),
        ("rect-empty", update(1, &[rect(Rect::new(0, 0, 0, 5), EncodingId::RAW, &[])])),
        ("last-rect", update(0xffff, &[rect(Rect::default(), EncodingId::LAST_RECT, &[])])),
        ("last-rect-early", update(3, &[rect(Rect::default(), EncodingId::LAST_RECT, &[]), vec![2]])),
        ("size", update(1, &[rect(Rect::new(0, 0, 90, 30), EncodingId::DESKTOP_SIZE, &[])])),
        ("size-empty", update(1, &[rect(Rect::new(0, 0, 90, 0), EncodingId::DESKTOP_SIZE, &[])])),
        ("screens", {
            let screen = Screen { id: 1, rect: ALL, flags: 0 };
            let payload = written(|out| encode_screens(&[screen], out));
            update(1, &[rect(ALL, EncodingId::EXTENDED_DESKTOP_SIZE, &payload)])
        }),
        ("cursor-65535", update(1, &[rect(Rect::new(0, 0, 65_535, 65_535), EncodingId::CURSOR, &[])])),
        ("name", update(1, &[rect(Rect::default(), EncodingId::DESKTOP_NAME, &[0, 0, 0, 2, 7, b'x'])])),
        ("others", {
            let at = Rect::new(4, 4, 0, 0);
            update(
                4,
                &[
                    rect(at, EncodingId::POINTER_POSITION, &[]),
                    rect(at, EncodingId::QEMU_KEYS, &[]),
                    rect(at, EncodingId::EXTENDED_BUTTONS, &[]),
                    rect(at, EncodingId::LED_STATE, &[3]),
                ],
            )
        }),
        ("bell-and-map", {
            let map = ServerMessage::ColorMap { first: 0, colors: color_map() };
            server(&[written(|out| map.encode(out)), vec![2]].concat())
        }),
        ("map-beyond", server(&[1, 0, 1, 0, 0, 9])),
        ("cut-text", server(&written(|out| ServerMessage::CutText(b"a\r\nb".to_vec()).encode(out)))),
        ("cut-text-skipped", server(&[3, 0, 0, 0, 0, 0x20, 0, 0, 1, 2, 3])),
        ("cut-text-negative", server(&[3, 0, 0, 0, 0xff, 0, 0, 0])),
        ("fence", server(&[248, 0, 0, 0, 0x80, 0, 0, 1, 2, 5, 6, 150, 248, 0, 0, 0, 0, 0, 0, 0, 0])),
        (
            "jpeg",
            update(1, &[rect(Rect::new(0, 0, 32, 32), EncodingId::TIGHT, &jpeg(&mixed(Size::new(32, 32))))]),
        ),
    ]);
    for encoding in ENCODINGS {
        let payload = encoded(encoding, &PixelFormat::NATIVE, &mixed(small.size()));
        let twice = [rect(small, encoding, &payload), rect(small, EncodingId::RAW, &[0x55; 4 * 340])];
        seeds.push((format!("pixels-{}", encoding.0), update(2, &twice)));
    }
    seeds
}

/// Format, cuts and encoding, and one rectangle.
fn decoding(encoding: EncodingId, size: Size, payload: &[u8]) -> Vec<u8> {
    let number = ENCODINGS.iter().position(|e| *e == encoding).expect("one of them") as u8;
    [&[0, 7, 0x80 | number, size.width as u8, size.height as u8][..], payload].concat()
}

/// Seeds of `rfb_decoders`.
pub fn decoders() -> Named {
    let size = Size::new(37, 21);
    let zrle = |tiles: &[u8]| {
        let stored = [
            &[0x78, 1, 0, tiles.len() as u8, 0, !(tiles.len() as u8), 0xff][..],
            tiles,
            &[0, 0, 0, 0xff, 0xff],
        ];
        let packed = stored.concat();
        [&(packed.len() as u32).to_be_bytes()[..], &packed].concat()
    };
    let tiny = Size::new(3, 2);
    let mut seeds = named([
        (
            "zrle-palette-overrun",
            decoding(EncodingId::ZRLE, tiny, &zrle(&[3, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0xff, 0xff])),
        ),
        ("zrle-run-beyond", decoding(EncodingId::ZRLE, tiny, &zrle(&[128, 1, 1, 1, 255, 255, 9]))),
        ("zrle-reuse", decoding(EncodingId::ZRLE, tiny, &zrle(&[127, 0]))),
        ("trle-reuse-nothing", decoding(EncodingId::TRLE, tiny, &[127, 0, 0])),
        ("trle-runs-of-palette", decoding(EncodingId::TRLE, tiny, &[130, 1, 1, 1, 2, 2, 2, 0x80, 4, 1])),
        ("trle-palette-overrun", decoding(EncodingId::TRLE, tiny, &[130, 1, 1, 1, 2, 2, 2, 9])),
        ("hextile-unknown", decoding(EncodingId::HEXTILE, tiny, &[0xe0])),
        ("hextile-outside", decoding(EncodingId::HEXTILE, tiny, &[10, 1, 2, 3, 4, 1, 0x11, 0xff])),
        ("rre-2-32", decoding(EncodingId::RRE, tiny, &[0xff; 12])),
        (
            "rre-outside",
            decoding(EncodingId::RRE, tiny, &[0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 2, 0, 0, 0, 2, 0, 1]),
        ),
        ("tight-fill", decoding(EncodingId::TIGHT, size, &[0x8f, 1, 2, 3])),
        (
            "tight-palette-overrun",
            decoding(EncodingId::TIGHT, tiny, &[0x40, 1, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 1, 2, 3, 4, 5]),
        ),
        ("tight-filter-unknown", decoding(EncodingId::TIGHT, tiny, &[0x40, 9])),
        (
            "tight-gradient",
            decoding(EncodingId::TIGHT, Size::new(1, 3), &[0x40, 2, 9, 8, 7, 1, 2, 3, 4, 5, 6]),
        ),
        ("tight-jpeg", decoding(EncodingId::TIGHT, Size::new(32, 32), &jpeg(&mixed(Size::new(32, 32))))),
        (
            "tight-jpeg-other-size",
            decoding(EncodingId::TIGHT, Size::new(31, 32), &jpeg(&mixed(Size::new(32, 32)))),
        ),
        ("tight-jpeg-cut", {
            let mut bytes = jpeg(&mixed(Size::new(32, 32)));
            let length = bytes.len();
            bytes[length / 2..].fill(0);
            decoding(EncodingId::TIGHT, Size::new(32, 32), &bytes)
        }),
        ("cursor-empty", decoding(EncodingId::CURSOR, Size::new(0, 0), &[])),
        ("cursor-encoding", decoding(EncodingId::CURSOR_WITH_ALPHA, tiny, &[0, 0, 0, 7])),
    ]);
    for encoding in ENCODINGS {
        seeds.push((
            format!("each-{}", encoding.0),
            decoding(encoding, size, &encoded(encoding, &PixelFormat::NATIVE, &mixed(size))),
        ));
    }
    // Two in a row through one stream, and a format of the seed's own.
    for encoding in [EncodingId::ZRLE, EncodingId::TIGHT] {
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        for size in [Size::new(70, 9), Size::new(20, 20)] {
            bytes.extend([size.width as u8, size.height as u8]);
            encoder.encode(encoding, &PixelFormat::NATIVE, mixed(size).view(), &mut bytes);
        }
        let number = ENCODINGS.iter().position(|e| *e == encoding).expect("one of them") as u8;
        seeds.push((format!("stream-{}", encoding.0), [&[0, 7, number][..], &bytes].concat()));
    }
    let own =
        [&[255][..], &written(|out| PixelFormat::NATIVE.encode(out)), &[3, 0, 1, 2], &[0x11; 8]].concat();
    seeds.push(("format-of-its-own".into(), own));
    seeds
}

/// Seeds of `rfb_round_trip`: every encoding in every style.
pub fn round_trip() -> Named {
    let mut seeds = Named::new();
    for (number, encoding) in (0u8..).zip(ENCODINGS) {
        let one = |style: u8, width: u8, height: u8| {
            [
                &[width, height, style, style << 3 | style, 24][..],
                &noise(Size::new(6, 1), 9).data().iter().flat_map(|c| c.to_le_bytes()).collect::<Vec<_>>(),
            ]
            .concat()
        };
        let all: Vec<u8> =
            [one(0, 20, 3), one(1, 66, 17), one(2, 70, 65), one(3, 9, 9), one(0, 1, 1)].concat();
        for format in [0, 0x81, 2, 3, 6] {
            seeds.push((format!("{}-{format}", encoding.0), [&[format, number][..], &all].concat()));
        }
    }
    let jpeg = [0, 0x80 | 3, 40, 30, 0x85, 3, 4, 1, 2, 3, 4, 0, 0x80, 0, 0];
    seeds.push(("jpeg".into(), jpeg.to_vec()));
    seeds
}

/// Seeds of `rfb_clipboard`.
pub fn clipboard() -> Named {
    let sized = |n: u32, text: &[u8]| [&n.to_be_bytes()[..], text].concat();
    named([
        ("caps", vec![0, 0x1f, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("caps-cut", vec![0, 0x1f, 0, 0xff, 0xff, 0, 0]),
        ("request", vec![0, 2, 0, 0, 1]),
        ("peek", vec![0, 4, 0, 0, 0]),
        ("notify", vec![0, 8, 0, 0, 1]),
        ("provide-nothing", vec![0, 16, 0, 0, 0]),
        ("two-actions", vec![0, 6, 0, 0, 0]),
        ("empty", vec![0]),
        ("provide-no-zlib", vec![0, 16, 0, 0, 1, 1, 2, 3]),
        ("provide", [&[1][..], &sized(6, b"T\xc3\xbcr\n\0")].concat()),
        ("provide-lines", [&[0x91][..], &sized(5, b"a\r\r\n\0")].concat()),
        ("provide-size-lying", [&[1][..], &sized(0xffff_ffff, b"x")].concat()),
        ("provide-size-short", [&[1][..], &sized(1, b"xyz")].concat()),
        ("provide-no-utf8", [&[1][..], &sized(3, b"\xff\xfe\0")].concat()),
        ("bomb", vec![0x82 | 0x38, b'a']),
        ("text", [&[3][..], "grüße\r\n\n\0".as_bytes()].concat()),
        ("text-no-utf8", vec![3, 0xff, 0, b'\r', b'\n']),
    ])
}
