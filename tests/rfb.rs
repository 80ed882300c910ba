//! VNC viewers: the tests' own, which reads every encoding and format, and those that people use.

pub mod client;
pub mod extensions;
mod programs;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use panto_protocol::geometry::Rect;
use panto_protocol::rfb::{ClientMessage, EncodingId, PixelFormat, TrueColor};
use panto_tests::harness::{Panto, Served, TERMINAL, XDisplay, assert_same, eventually, panto, rested};

use panto_transport::HANDSHAKE_DEADLINE;

use client::RfbClient;

const PIXELS: [EncodingId; 6] = [
    EncodingId::RAW,
    EncodingId::RRE,
    EncodingId::HEXTILE,
    EncodingId::TRLE,
    EncodingId::ZRLE,
    EncodingId::TIGHT,
];

pub fn address(served: &Served) -> String {
    served.listening["rfb"][0].as_str().expect("an address for VNC viewers").to_owned()
}

/// A terminal that writes what it is told.
fn serve(home: &Panto) -> (Served, XDisplay) {
    serve_with(home, &[])
}

fn serve_with(home: &Panto, more: &[&str]) -> (Served, XDisplay) {
    let arguments = ["127.0.0.1:0", "--rfb=127.0.0.1:0", "--auth", "none", "--virtual", "400x240", "--"];
    let served = home.serve(&[more, &arguments, &TERMINAL].concat());
    let display = XDisplay::open(&served.display());
    display.window();
    (served, display)
}

fn formats() -> Vec<(&'static str, PixelFormat)> {
    let of = |bits_per_pixel, depth, big_endian, max, shift| PixelFormat {
        bits_per_pixel,
        depth,
        big_endian,
        true_color: Some(TrueColor { max, shift }),
    };
    vec![
        ("native", PixelFormat::NATIVE),
        ("32 bits, big endian, blue first", of(32, 24, true, [255; 3], [0, 8, 16])),
        ("32 bits, highest bytes", of(32, 24, false, [255; 3], [24, 16, 8])),
        ("16 bits", of(16, 16, false, [31, 63, 31], [11, 5, 0])),
        ("16 bits, big endian", of(16, 16, true, [31, 63, 31], [11, 5, 0])),
        ("8 bits", of(8, 8, false, [7, 7, 3], [0, 3, 6])),
        ("a colour map", PixelFormat { bits_per_pixel: 8, depth: 8, big_endian: false, true_color: None }),
    ]
}

#[test]
fn every_encoding_in_every_format_shows_the_screen() {
    let home = panto();
    let (served, display) = serve(&home);
    let screen = rested(&display);
    for (name, format) in formats() {
        let mut client = RfbClient::connect(&address(&served), "003.008");
        for encoding in PIXELS {
            let what = format!("{name}, encoding {}", encoding.0);
            client.settle(format, &[encoding, EncodingId::COPY_RECT]);
            client.picture.fill(Rect::of_size(client.picture.size()), 0x00ff_00ff);
            client.ask(false);
            client.update();
            assert_same(&what, &client.picture, &client.reduced(&screen));
            assert_eq!(client.seen.keys().copied().collect::<Vec<_>>(), [encoding.0], "{what}");
            client.seen.clear();
        }
    }
}

#[test]
fn changes_keys_and_the_pointer_in_every_version() {
    let home = panto();
    let (served, display) = serve(&home);
    rested(&display);
    for (version, encoding) in
        [("003.003", EncodingId::HEXTILE), ("003.007", EncodingId::ZRLE), ("003.008", EncodingId::TIGHT)]
    {
        let mut client = RfbClient::connect(&address(&served), version);
        let cursor = [EncodingId::CURSOR, EncodingId::CURSOR_WITH_ALPHA][usize::from(version == "003.008")];
        client.settle(PixelFormat::NATIVE, &[encoding, EncodingId::COPY_RECT, cursor]);
        client.ask(false);
        client.update();
        client.until("before", || display.picture());
        // Twenty lines in a window of sixteen: it scrolls.
        client.say(&ClientMessage::Pointer { buttons: 0, x: 100, y: 100 });
        for line in 0..20 {
            let before = display.picture();
            for key in format!("{line} {version}").chars().map(u32::from).chain([0xff0d]) {
                client.say(&ClientMessage::Key { down: true, keysym: key });
                client.say(&ClientMessage::Key { down: false, keysym: key });
            }
            eventually("the terminal shows a line", || (display.picture() != before).then_some(()));
        }
        rested(&display);
        client.until("typed", || display.picture());
        assert!(client.cursor.is_some(), "the pointer's picture came");
    }
}

#[test]
fn scrolling_is_copied() {
    let home = panto();
    let (served, display) = serve(&home);
    rested(&display);
    let mut client = RfbClient::connect(&address(&served), "003.008");
    client.settle(PixelFormat::NATIVE, &[EncodingId::ZRLE, EncodingId::COPY_RECT]);
    client.ask(false);
    client.update();
    client.say(&ClientMessage::Pointer { buttons: 0, x: 100, y: 100 });
    for line in 0..40u64 {
        // Lines that have nothing in common: of alike ones only the numbers would change.
        let text = format!("{:016x}", (line + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for key in text.chars().map(u32::from).chain([0xff0d]) {
            client.say(&ClientMessage::Key { down: true, keysym: key });
            client.say(&ClientMessage::Key { down: false, keysym: key });
        }
        let rest = rested(&display);
        client.until("scrolled", || rest.clone());
    }
    assert!(client.seen.get(&1).is_some_and(|n| *n > 10), "{:?}", client.seen);
}

/// What the server says until it closes the connection.
fn answer(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    // It may close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    all
}

#[test]
fn nonsense_ends_one_connection_and_no_more() {
    let home = panto();
    let (served, display) = serve(&home);
    let address = address(&served);
    let into = |rest: &[u8]| [b"RFB 003.008\n\x01\x01", rest].concat();
    let cases: [(&str, Vec<u8>); 8] = [
        ("no RFB", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("a type that was not offered", b"RFB 003.008\n\x02".to_vec()),
        ("an unknown message", into(&[77])),
        ("pixels of 7 bits", into(&[0, 0, 0, 0, 7, 7, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])),
        (
            "colours that do not fit",
            into(&[0, 0, 0, 0, 8, 8, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]),
        ),
        ("a colour map of 32 bits", into(&[0, 0, 0, 0, 32, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
        ("a clipboard of four gigabytes", into(&[6, 0, 0, 0, 255, 255, 255, 255])),
        ("a fence of 255 bytes", into(&[248, 0, 0, 0, 0, 0, 0, 0, 255])),
    ];
    for (what, bytes) in &cases {
        let said = answer(&address, bytes);
        assert!(said.starts_with(b"RFB 003.008\n"), "{what}: {said:?}");
    }
    let refused = answer(&address, b"RFB 003.008\n\x02");
    let text = String::from_utf8_lossy(&refused);
    assert!(text.contains("not offered"), "{text}");
    // Rectangles beyond the screen and of no size are cut, and nobody waits for them.
    let mut client = RfbClient::connect(&address, "003.008");
    client.settle(PixelFormat::NATIVE, &[EncodingId::RAW]);
    for rect in
        [Rect::new(65_535, 65_535, 65_535, 65_535), Rect::new(0, 0, 0, 0), Rect::new(399, 0, 65_535, 1)]
    {
        client.say(&ClientMessage::UpdateRequest { incremental: false, rect });
    }
    client.ask(false);
    let screen = rested(&display);
    client.update();
    client.until("after nonsense", || screen.clone());
}

#[test]
fn a_password_is_asked_for_where_nobody_reads_it() {
    let home = panto();
    let served = home.serve(&["127.0.0.1:0", "--rfb=127.0.0.1:0", "--demo"]);
    let address = address(&served);
    // VeNCrypt, and RSA-AES; from this machine those as well that seal the password alone.
    let said = answer(&address, b"RFB 003.008\n\x01");
    assert_eq!(&said[..18], b"RFB 003.008\n\x05\x13\x81\x05\x82\x06");
    // Inside VeNCrypt there is X509Plain, and the same again.
    let said = answer(&address, b"RFB 003.008\n\x13\x00\x02\x00\x00\x00\x01");
    let inside = [0, 2, 0, 5, 0, 0, 1, 6, 0, 0, 0, 129, 0, 0, 0, 5, 0, 0, 0, 130, 0, 0, 0, 6, 0];
    assert_eq!(&said[18..], inside, "what was not offered is refused");
    let said = answer(&address, b"RFB 003.003\n");
    assert!(String::from_utf8_lossy(&said).contains("3.3"), "{said:?}");
    // RSA-AES begins with a key of 2048 bits, and wants none of another kind.
    let choose = |number: u8| {
        let mut stream = TcpStream::connect(&address).expect("the server listens");
        stream.set_read_timeout(Some(3 * HANDSHAKE_DEADLINE)).unwrap();
        stream.write_all(&[b"RFB 003.008\n", &[number][..]].concat()).unwrap();
        let mut said = [0; 18 + 4 + 2 * 256];
        stream.read_exact(&mut said).expect("a key");
        assert_eq!(said[18..22], [0, 0, 8, 0], "type {number}");
        stream
    };
    for number in [129, 5, 130, 6] {
        for key in [&[0, 0, 0, 0][..], &[0, 0, 4, 0], &[255; 4], &[&[0, 0, 8, 0][..], &[0; 512]].concat()] {
            let mut stream = choose(number);
            let begun = Instant::now();
            stream.write_all(key).unwrap();
            assert_eq!(stream.read(&mut [0; 9]).expect("an end"), 0, "type {number}");
            assert!(begun.elapsed() < HANDSHAKE_DEADLINE, "it leaves at once");
        }
    }
}
