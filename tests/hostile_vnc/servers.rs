//! VNC servers that lie to `panto view`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use panto_protocol::geometry::{Rect, Size};
use panto_protocol::rfb::EncodingId;
use panto_protocol::rfb::encoding::Encoder;
use panto_tests::harness::{PATIENCE, Panto, panto};

use super::{HARM, deflated, noise, rect, update};
use crate::security::said;

/// Exit codes (`README.md`).
pub const OK: i32 = 0;
const AUTHENTICATION: i32 = 4;
pub const PROTOCOL: i32 = 6;
pub const LOST: i32 = 7;
pub const TIMEOUT: i32 = 10;

/// Address space of the viewer: what it has as a program, and little more.
const LITTLE: u64 = 700 << 20;

/// The screen of the fake servers.
pub const SCREEN: Size = Size::new(64, 48);

/// A fake server's end of the connection.
pub struct Wolf(pub TcpStream);

impl Wolf {
    /// Says something; the viewer may be gone by then.
    pub fn say(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// Says the same again and again until the viewer has gone.
    pub fn flood(&mut self, bytes: &[u8]) {
        let piece = bytes.repeat((1 << 16) / bytes.len().max(1) + 1);
        while self.0.write_all(&piece).is_ok() {}
    }

    /// Reads until the viewer has gone.
    pub fn linger(mut self) {
        let mut buffer = [0; 1 << 16];
        while let Ok(1..) = self.0.read(&mut buffer) {}
    }
}

/// What one viewing came to.
pub struct End {
    pub output: Output,
    pub took: Duration,
}

/// Views a fake server with these arguments, in so much address space.
pub fn meets_in(home: &Panto, memory: u64, more: &[&str], serve: impl FnOnce(Wolf) + Send + 'static) -> End {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a viewer comes");
        stream.set_read_timeout(Some(2 * PATIENCE)).unwrap();
        stream.set_write_timeout(Some(2 * PATIENCE)).unwrap();
        serve(Wolf(stream));
    });
    let target = format!("vnc://127.0.0.1::{port}");
    let arguments = [&["view", &target, "--no-window", "--no-reconnect"], more].concat();
    let plain = home.command(&arguments);
    let mut limited = Command::new("sh");
    let limit = format!("ulimit -v {}; exec \"$0\" \"$@\"", memory >> 10);
    limited.args(["-c", &limit]).arg(plain.get_program()).args(plain.get_args());
    limited.env_clear().stdin(Stdio::null());
    limited.envs(plain.get_envs().filter_map(|(k, v)| Some((k, v?))));
    // How many arenas malloc reserves depends on the machine's cores; it is address space, not memory.
    limited.env("MALLOC_ARENA_MAX", "2");
    let begun = Instant::now();
    let output = home.finish(limited);
    let took = begun.elapsed();
    server.join().expect("the fake server did its part");
    End { output, took }
}

/// The same with a minute and little memory.
fn meets(home: &Panto, more: &[&str], serve: impl FnOnce(Wolf) + Send + 'static) -> End {
    meets_in(home, LITTLE, &[&["--for", "60s"], more].concat(), serve)
}

/// Asserts a clear end with this code, in time, whose last words hold this sentence.
pub fn ended(what: &str, end: &End, code: i32, sentence: &str, within: Duration) {
    let said = said(&end.output);
    assert_eq!(end.output.status.code(), Some(code), "{what}: {:?}: {said}", end.output.status);
    for word in HARM {
        assert!(!said.contains(word), "{what}: {said}");
    }
    assert!(said.contains(sentence), "{what}: {said}");
    assert!(code == OK || said.lines().any(|l| l.starts_with("panto: ") && l.len() > 20), "{what}: {said}");
    assert!(said.len() < 2048, "{what}: {} bytes of words: {said}", said.len());
    assert!(!said.contains('\x1b') && !said.contains('\x07'), "{what}: {said:?}");
    assert!(end.took < within, "{what}: took {:?}", end.took);
}

/// What a server of 3.8 says that lets anyone in, with a screen and a name of these sizes.
fn init(width: u16, height: u16, name: u32) -> Vec<u8> {
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

type Lie = (&'static str, Vec<u8>, i32, &'static str);

fn handshakes() -> Vec<Lie> {
    let v38 = |rest: &[u8]| [b"RFB 003.008\n", rest].concat();
    let vencrypt = |rest: &[u8]| v38(&[&[1, 19][..], rest].concat());
    let subtypes = [&[0, 2, 0, 255][..], &[0xee; 4 * 255]].concat();
    let all: Vec<u8> = (23..=255).collect();
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
fn rectangles() -> Vec<Lie> {
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

fn messages() -> Vec<Lie> {
    let last = rect(Rect::default(), EncodingId::LAST_RECT, &[]);
    let wrong = rect(Rect::new(0, 0, 65, 1), EncodingId::RAW, &[]);
    vec![
        ("an unknown message", vec![77], PROTOCOL, "unknown RFB message 0x4d"),
        ("a colour map beyond 256 entries", vec![1, 0, 0, 1, 1, 0], PROTOCOL, "colour map is larger"),
        ("a colour map of 65535 entries", vec![1, 0, 0, 0, 255, 255], PROTOCOL, "colour map is larger"),
        ("a colour map from 65535 on", vec![1, 0, 255, 255, 0, 1], PROTOCOL, "colour map is larger"),
        ("a cut text of 2^31 bytes", vec![3, 0, 0, 0, 0x80, 0, 0, 0], PROTOCOL, "clipboard is larger"),
        ("a cut text of -1 bytes", vec![3, 0, 0, 0, 255, 255, 255, 255], PROTOCOL, "clipboard is larger"),
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

fn says(bytes: Vec<u8>) -> impl FnOnce(Wolf) + Send + 'static {
    move |mut wolf| {
        wolf.say(&bytes);
        wolf.linger();
    }
}

#[test]
fn each_lie_in_a_handshake_ends_with_a_sentence() {
    let home = panto();
    for (what, bytes, code, sentence) in handshakes() {
        let end = meets(&home, &[], says(bytes));
        ended(what, &end, code, sentence, Duration::from_secs(8));
    }
}

#[test]
fn each_lie_about_a_rectangle_ends_with_a_sentence() {
    let home = panto();
    for (what, bytes, code, sentence) in rectangles() {
        let end = meets(&home, &[], says(welcome(&bytes)));
        ended(what, &end, code, sentence, Duration::from_secs(8));
        assert!(said(&end.output).contains("the server broke the RFB protocol"), "{what}");
    }
}

#[test]
fn each_lie_in_a_message_ends_with_a_sentence() {
    let home = panto();
    for (what, bytes, code, sentence) in messages() {
        let end = meets(&home, &[], says(welcome(&bytes)));
        ended(what, &end, code, sentence, Duration::from_secs(8));
    }
}

/// A JPEG file of noise in Tight, with another size written into its header if there is one.
fn jpeg(size: Size, said: Option<(u16, u16)>, cut: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(Encoder::new().encode_jpeg(5, noise(size).view(), &mut bytes));
    let begins = bytes.windows(2).position(|w| w == [0xff, 0xd8]).expect("a JPEG file");
    let mut file = bytes.split_off(begins);
    // SOF0: marker, length, precision, height, width.
    let at = file.windows(2).position(|w| w == [0xff, 0xc0]).expect("a frame");
    if let Some((width, height)) = said {
        file[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
        file[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    }
    file.truncate(file.len() - cut.min(file.len()));
    let n = file.len();
    let length = [(n & 0x7f | 0x80) as u8, (n >> 7 & 0x7f | 0x80) as u8, (n >> 14) as u8];
    [&[0x90][..], &length, &file].concat()
}

#[test]
fn jpeg_bombs() {
    let home = panto();
    let whole = Rect::of_size(SCREEN);
    let tight = |payload: &[u8]| welcome(&update(1, &[rect(whole, EncodingId::TIGHT, payload)]));
    for (what, payload, sentence) in [
        ("a JPEG of 65535 × 65535", jpeg(SCREEN, Some((65_535, 65_535)), 0), "Tight JPEG"),
        ("a JPEG of 65535 × 1", jpeg(SCREEN, Some((65_535, 1)), 0), "Tight JPEG"),
        ("a JPEG of 0 × 0", jpeg(SCREEN, Some((0, 0)), 0), "Tight JPEG"),
        ("a JPEG that is smaller", jpeg(Size::new(32, 32), None, 0), "size of a Tight JPEG"),
        ("a JPEG of its head", jpeg(SCREEN, None, 1 << 20), "Tight JPEG"),
        ("a JPEG that is none", vec![0x90, 4, 1, 2, 3, 4], "Tight JPEG"),
        ("a JPEG of nothing", vec![0x90, 0], "Tight JPEG"),
    ] {
        let end = meets(&home, &["--jpeg", "5"], says(tight(&payload)));
        ended(what, &end, PROTOCOL, sentence, Duration::from_secs(8));
    }
    // A wide one, where no server may send any.
    let wide = [
        &init(8192, 8192, 0)[..],
        &update(
            1,
            &[rect(Rect::new(0, 0, 8192, 8192), EncodingId::TIGHT, &jpeg(SCREEN, Some((8192, 8192)), 0))],
        ),
    ]
    .concat();
    let end = meets_in(&home, 3 * LITTLE, &["--for", "60s", "--jpeg", "5"], says(wide));
    ended("a JPEG of 8192 × 8192", &end, PROTOCOL, "Tight", Duration::from_secs(15));
    // One that is cut in its data is painted as far as it goes, or refused; nothing else.
    let end = meets_in(&home, LITTLE, &["--for", "2s", "--jpeg", "5"], says(tight(&jpeg(SCREEN, None, 700))));
    let code = end.output.status.code();
    assert!(code == Some(OK) || code == Some(PROTOCOL), "{}", said(&end.output));
}
