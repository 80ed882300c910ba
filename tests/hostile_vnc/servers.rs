//! VNC servers that lie to `panto view`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use panto_protocol::geometry::{Rect, Size};
use panto_protocol::rfb::EncodingId;
use panto_protocol::rfb::encoding::Encoder;
use panto_tests::harness::{PATIENCE, Panto, panto};

use super::lies::{handshakes, init, messages, rectangles, welcome};
use super::{HARM, noise, rect, update};
use crate::security::said;

/// Exit codes (`README.md`).
pub const OK: i32 = 0;
pub const AUTHENTICATION: i32 = 4;
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
