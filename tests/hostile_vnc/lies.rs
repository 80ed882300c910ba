//! What lying VNC servers say, by name: the classes of flaws that VNC viewers had.

use panto_protocol::geometry::Rect;
use panto_protocol::rfb::EncodingId;

use super::servers::{AUTHENTICATION, LOST, PROTOCOL, SCREEN};
use super::{deflated, rect, update};

/// What a server of 3.8 says that lets anyone in, with a screen and a name of these sizes.
pub fn init(width: u16, height: u16, name: u32) -> Vec<u8> {
    let mut bytes = b"RFB 003.008\n\x01\x01\0\0\0\0".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
    bytes.extend(name.to_be_bytes());
    bytes
}

/// The same on the usual screen, and no name.
pub fn welcome(rest: &[u8]) -> Vec<u8> {
    [&init(SCREEN.width as u16, SCREEN.height as u16, 0)[..], rest].concat()
}

/// What it is called, its bytes, the viewer's exit code, and what it says.
pub type Lie = (&'static str, Vec<u8>, i32, &'static str);

/// Lies before the viewer is let in.
pub fn handshakes() -> Vec<Lie> {
    let v38 = |rest: &[u8]| [b"RFB 003.008\n", rest].concat();
    let vencrypt = |rest: &[u8]| v38(&[&[1, 19][..], rest].concat());
    let subtypes = [&[0, 2, 0, 255][..], &[0xee; 4 * 255]].concat();
    let all: Vec<u8> = (23..=255).filter(|number| !(129..=130).contains(number)).collect();
    vec![
        (
            "a version text without end",
            [&b"RFB 003.008"[..], &[b'8'; 4000]].concat(),
            PROTOCOL,
            "does not speak RFB",
        ),
        ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), PROTOCOL, "does not speak RFB"),
        ("RFB 1.0", b"RFB 001.000\n".to_vec(), PROTOCOL, "does not speak RFB"),
        ("a reason of 4 gigabytes", v38(&[0, 255, 255, 255, 255, b'x']), PROTOCOL, "reason is larger"),
        ("a reason that rings and paints", v38(b"\0\0\0\0\x0c\x07\x1b[2Jgo away"), LOST, "go away"),
        (
            "security types that are none",
            v38(&[&[all.len() as u8][..], &all].concat()),
            AUTHENTICATION,
            "none can be used",
        ),
        ("security type 0", v38(&[1, 0]), AUTHENTICATION, "none can be used"),
        (
            "3.3 with a type of 2^32 - 1",
            b"RFB 003.003\n\xff\xff\xff\xff".to_vec(),
            AUTHENTICATION,
            "none can be used",
        ),
        ("VeNCrypt 0.1", vencrypt(&[0, 1]), PROTOCOL, "VeNCrypt version"),
        ("VeNCrypt that takes no version", vencrypt(&[0, 2, 255]), PROTOCOL, "VeNCrypt version"),
        ("255 subtypes that are none", vencrypt(&subtypes), AUTHENTICATION, "none can be used"),
        ("no subtypes", vencrypt(&[0, 2, 0, 0]), AUTHENTICATION, "none can be used"),
        ("TLS that is none after all", vencrypt(&[0, 2, 0, 1, 0, 0, 1, 4, 0]), LOST, "has no TLS"),
        ("words before TLS", vencrypt(&[0, 2, 0, 1, 0, 0, 1, 4, 1, 9, 9]), LOST, "before TLS has begun"),
        ("words before its RSA key was asked for", v38(&[1, 129, 0, 0, 8, 0]), LOST, "before it was asked"),
        (
            "RSA-AES inside VeNCrypt, and words",
            vencrypt(&[0, 2, 0, 1, 0, 0, 0, 5, 9]),
            LOST,
            "before it was asked",
        ),
        (
            "a result of 77 and an endless reason",
            v38(&[1, 1, 0, 0, 0, 77, 0x7f, 255, 255, 255]),
            PROTOCOL,
            "reason is larger",
        ),
        ("a name of 4 gigabytes", init(64, 48, u32::MAX), PROTOCOL, "name is larger"),
        ("a name of 2^31 bytes", init(64, 48, 1 << 31), PROTOCOL, "name is larger"),
        ("a screen of 0 × 0", init(0, 0, 0), PROTOCOL, "without pixels"),
        ("a screen of 64 × 0", init(64, 0, 0), PROTOCOL, "without pixels"),
        ("a screen of 65535 × 65535", init(65_535, 65_535, 0), PROTOCOL, "screen is larger"),
        ("a screen of 65535 × 32769", init(65_535, 32_769, 0), PROTOCOL, "screen is larger"),
    ]
}

/// Lies about rectangles, each the only one of an update.
pub fn rectangles() -> Vec<Lie> {
    let whole = Rect::of_size(SCREEN);
    let zrle = |plain: &[u8]| {
        let packed = deflated(plain);
        [&(packed.len() as u32).to_be_bytes()[..], &packed].concat()
    };
    let tight = |head: &[u8], plain: &[u8]| {
        let packed = deflated(plain);
        let n = packed.len();
        let length = [(n & 0x7f | 0x80) as u8, (n >> 7 & 0x7f | 0x80) as u8, (n >> 14) as u8];
        [head, &length, &packed].concat()
    };
    let tile = |bytes: &[u8]| zrle(bytes);
    let bomb = vec![0; 64 << 20];
    let lies: Vec<(&'static str, Rect, EncodingId, Vec<u8>, &'static str)> = vec![
        (
            "a rectangle outside",
            whole.offset(1, 0),
            EncodingId::RAW,
            vec![],
            "a rectangle of 64 × 48 pixels at (1, 0)",
        ),
        (
            "a rectangle far outside",
            Rect::new(65_535, 65_535, 1, 1),
            EncodingId::TIGHT,
            vec![0x80, 1, 2, 3],
            "at (65535, 65535)",
        ),
        (
            "width × height beyond 32 bits",
            Rect::new(0, 0, 65_535, 65_535),
            EncodingId::RAW,
            vec![],
            "65535 × 65535",
        ),
        ("a rectangle of no width", Rect::new(0, 0, 0, 48), EncodingId::RAW, vec![], "a rectangle of 0 × 48"),
        (
            "an empty rectangle of Hextile",
            Rect::new(0, 0, 64, 0),
            EncodingId::HEXTILE,
            vec![],
            "a rectangle of 64 × 0",
        ),
        (
            "an empty rectangle of ZRLE",
            Rect::new(0, 0, 0, 0),
            EncodingId::ZRLE,
            zrle(&[]),
            "a rectangle of 0 × 0",
        ),
        ("an encoding that is none", whole, EncodingId(0x7777), vec![0; 64], "unknown RFB encoding 0x7777"),
        (
            "a copy from outside",
            Rect::new(0, 0, 32, 32),
            EncodingId::COPY_RECT,
            vec![0, 33, 0, 0],
            "at (33, 0)",
        ),
        (
            "a copy from far outside",
            Rect::new(0, 0, 32, 32),
            EncodingId::COPY_RECT,
            vec![255; 4],
            "at (65535, 65535)",
        ),
        ("a copy to outside", Rect::new(60, 0, 32, 32), EncodingId::COPY_RECT, vec![0; 4], "at (60, 0)"),
        ("RRE of 2^32 - 1 rectangles", whole, EncodingId::RRE, vec![255; 64], "RRE count is larger"),
        (
            "a rectangle of RRE outside",
            whole,
            EncodingId::RRE,
            [&[0, 0, 0, 1][..], &[0; 8], &[0, 63, 0, 0, 0, 2, 0, 1]].concat(),
            "invalid RRE rectangle outside",
        ),
        (
            "RRE that paints the same for ever",
            whole,
            EncodingId::RRE,
            [&[0, 0, 0x0c, 0][..], &[0; 4], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 48].repeat(0xc00)].concat(),
            "RRE rectangles is larger",
        ),
        (
            "a wrong subencoding of Hextile",
            whole,
            EncodingId::HEXTILE,
            vec![0x20; 64],
            "unknown Hextile tile 0x20",
        ),
        (
            "a rectangle of Hextile outside",
            Rect::new(0, 0, 8, 8),
            EncodingId::HEXTILE,
            vec![14, 1, 2, 3, 4, 5, 6, 7, 8, 1, 0x44, 0xff],
            "Hextile rectangle outside",
        ),
        (
            "a palette of TRLE that is overrun",
            whole,
            EncodingId::TRLE,
            [&[131][..], &[9; 9], &[3; 64]].concat(),
            "beyond the palette",
        ),
        (
            "bits of TRLE beyond the palette",
            whole,
            EncodingId::TRLE,
            [&[3][..], &[9; 9], &[255; 64]].concat(),
            "beyond the palette",
        ),
        ("a palette of TRLE that is none", whole, EncodingId::TRLE, vec![127; 64], "palette of indices"),
        (
            "a run of TRLE beyond the tile",
            whole,
            EncodingId::TRLE,
            [&[128, 1, 2, 3][..], &[255; 64]].concat(),
            "run beyond the tile",
        ),
        ("a wrong subencoding of TRLE", whole, EncodingId::TRLE, vec![17; 64], "unknown tile 0x11"),
        (
            "a palette of ZRLE that is overrun",
            whole,
            EncodingId::ZRLE,
            tile(&[&[131][..], &[9; 9], &[3; 4000]].concat()),
            "beyond the palette",
        ),
        (
            "bits of ZRLE beyond the palette",
            whole,
            EncodingId::ZRLE,
            tile(&[&[3][..], &[9; 9], &[255; 768]].concat()),
            "beyond the palette",
        ),
        (
            "a run of ZRLE beyond the tile",
            whole,
            EncodingId::ZRLE,
            tile(&[&[128, 1, 2, 3][..], &[255; 64]].concat()),
            "run beyond the tile",
        ),
        ("a wrong subencoding of ZRLE", whole, EncodingId::ZRLE, tile(&[129, 0]), "unknown tile 0x81"),
        ("tiles of ZRLE that end early", whole, EncodingId::ZRLE, tile(&[0, 1, 2, 3]), "invalid ZRLE tiles"),
        ("ZRLE with something behind", whole, EncodingId::ZRLE, tile(&[1, 1, 2, 3, 9]), "behind ZRLE tiles"),
        ("ZRLE of 4 gigabytes", whole, EncodingId::ZRLE, vec![255; 64], "ZRLE length is larger"),
        (
            "ZRLE that is no zlib",
            whole,
            EncodingId::ZRLE,
            vec![0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
            "invalid zlib data",
        ),
        ("ZRLE of nothing", whole, EncodingId::ZRLE, vec![0; 4], "invalid ZRLE tiles"),
        (
            "a zlib bomb in ZRLE",
            Rect::new(0, 0, 32, 32),
            EncodingId::ZRLE,
            zrle(&bomb[..1 << 20]),
            "zlib data is larger",
        ),
        ("a large zlib bomb in ZRLE", whole, EncodingId::ZRLE, zrle(&bomb), "larger than the limit"),
        ("a zlib bomb in Tight", whole, EncodingId::TIGHT, tight(&[0], &bomb), "zlib data is larger"),
        ("too little in Tight", whole, EncodingId::TIGHT, tight(&[0], &[1; 64]), "invalid Tight data"),
        (
            "a palette of Tight that is overrun",
            whole,
            EncodingId::TIGHT,
            tight(&[&[0x40, 1, 2][..], &[7; 9]].concat(), &[9; 64 * 48]),
            "beyond the palette",
        ),
        (
            "one colour in two of Tight",
            whole,
            EncodingId::TIGHT,
            tight(&[0x40, 1, 0, 7, 7, 7], &[255; 8 * 48]),
            "beyond the palette",
        ),
        (
            "a wrong filter of Tight",
            whole,
            EncodingId::TIGHT,
            vec![0x40, 3, 0, 0],
            "unknown Tight filter 0x3",
        ),
        (
            "a wrong compression of Tight",
            whole,
            EncodingId::TIGHT,
            vec![0xa0, 3, 0, 0],
            "unknown Tight compression 0xa",
        ),
        (
            "JPEG that nobody asked for",
            whole,
            EncodingId::TIGHT,
            vec![0x90, 3, 0, 0],
            "unknown Tight compression 0x9",
        ),
        (
            "a cursor of 65535 × 65535",
            Rect::new(0, 0, 65_535, 65_535),
            EncodingId::CURSOR,
            vec![],
            "cursor is larger",
        ),
        (
            "a cursor of 1 × 65535",
            Rect::new(0, 0, 1, 65_535),
            EncodingId::CURSOR_WITH_ALPHA,
            vec![],
            "cursor is larger",
        ),
        (
            "a cursor in Tight",
            Rect::new(0, 0, 4, 4),
            EncodingId::CURSOR_WITH_ALPHA,
            vec![0, 0, 0, 7, 9],
            "unknown cursor's encoding",
        ),
        ("a size of 0 × 48", Rect::new(0, 0, 0, 48), EncodingId::DESKTOP_SIZE, vec![], "without pixels"),
        (
            "a size of 65535 × 65535",
            Rect::new(0, 0, 65_535, 65_535),
            EncodingId::DESKTOP_SIZE,
            vec![],
            "screen is larger",
        ),
        (
            "an extended size of 65535 × 65535",
            Rect::new(0, 0, 65_535, 65_535),
            EncodingId::EXTENDED_DESKTOP_SIZE,
            vec![0; 4],
            "screen is larger",
        ),
        (
            "a new name of 4 gigabytes",
            Rect::default(),
            EncodingId::DESKTOP_NAME,
            vec![255; 16],
            "name is larger",
        ),
    ];
    let update = |(what, at, encoding, payload, sentence): (_, Rect, EncodingId, Vec<u8>, _)| {
        (what, update(1, &[rect(at, encoding, &payload)]), PROTOCOL, sentence)
    };
    lies.into_iter().map(update).collect()
}

/// Lies in messages, and in what holds an update together.
pub fn messages() -> Vec<Lie> {
    let last = rect(Rect::default(), EncodingId::LAST_RECT, &[]);
    let wrong = rect(Rect::new(0, 0, 65, 1), EncodingId::RAW, &[]);
    vec![
        ("an unknown message", vec![77], PROTOCOL, "unknown RFB message 0x4d"),
        ("a colour map beyond 256 entries", vec![1, 0, 0, 1, 1, 0], PROTOCOL, "colour map is larger"),
        ("a colour map of 65535 entries", vec![1, 0, 0, 0, 255, 255], PROTOCOL, "colour map is larger"),
        ("a colour map from 65535 on", vec![1, 0, 255, 255, 0, 1], PROTOCOL, "colour map is larger"),
        ("a cut text of 2^31 bytes", vec![3, 0, 0, 0, 0x80, 0, 0, 0], PROTOCOL, "clipboard is larger"),
        (
            "an extended clipboard of 1 byte",
            vec![3, 0, 0, 0, 255, 255, 255, 255, 0],
            PROTOCOL,
            "invalid clipboard",
        ),
        (
            "a fence of 255 bytes",
            [&[248, 0, 0, 0, 0, 0, 0, 0, 255][..], &[1; 255]].concat(),
            PROTOCOL,
            "fence is larger",
        ),
        // What follows the last rectangle is a message again.
        (
            "rectangles behind the last one",
            update(3, &[last.clone(), vec![99], last]),
            PROTOCOL,
            "unknown RFB message 0x63",
        ),
        ("a wrong one of 65535", update(0xffff, &[wrong]), PROTOCOL, "a rectangle of 65 × 1"),
    ]
}
