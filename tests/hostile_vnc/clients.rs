//! Viewers that lie to `panto serve --rfb`.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use panto_protocol::geometry::{Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::{ClientMessage, Clipboard, EncodingId, PixelFormat, Screen};
use panto_tests::harness::{PATIENCE, Panto, Served, XDisplay, eventually, panto};

use super::{HARM, MIB, deflated, peak, written};
use crate::rfb::client::RfbClient;

/// Serves the demo to VNC viewers, and to whoever has a password if `asks`.
fn serve(home: &Panto, asks: bool) -> (Served, String) {
    let auth: &[&str] = if asks { &[] } else { &["--auth", "none"] };
    let served = home.serve(&[&["127.0.0.1:0", "--rfb=127.0.0.1:0", "--demo"], auth].concat());
    let address = address(&served);
    (served, address)
}

pub fn address(served: &Served) -> String {
    served.listening["rfb"][0].as_str().expect("an address for VNC viewers").to_owned()
}

/// Says this, and hangs up when the server has; what it answered.
fn attack(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    let waited = ended.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!waited, "the server keeps the connection");
    answer
}

/// A viewer of 3.8 that was let in without proof, and says this.
fn into(rest: &[u8]) -> Vec<u8> {
    [b"RFB 003.008\n\x01\x01", rest].concat()
}

fn message(message: &ClientMessage) -> Vec<u8> {
    into(&written(|out| message.encode(out)))
}

/// A text's message in the extended clipboard that zlib has hidden.
fn provided(plain: &[u8]) -> Vec<u8> {
    let body = [&[0x10, 0, 0, 1][..], &deflated(plain)].concat();
    into(&[&[6, 0, 0, 0][..], &(body.len() as i32).wrapping_neg().to_be_bytes(), &body].concat())
}

/// A good viewer sees the whole screen, and its screen is the server's.
pub fn still_serves(address: &str) {
    let mut client = RfbClient::connect(address, "003.008");
    client.settle(PixelFormat::NATIVE, &[EncodingId::ZRLE]);
    client.ask(false);
    client.update();
    assert!(client.picture.data().iter().any(|p| *p != client.picture.data()[0]), "a picture");
}

/// Asserts that the log has said this since, and nothing that may not be said.
pub fn logged(served: &Served, before: usize, what: &str, sentence: &str) {
    eventually(&format!("{what}: the log says {sentence:?}"), || {
        served.log()[before..].contains(sentence).then_some(())
    });
    let log = served.log();
    for word in HARM {
        assert!(!log.contains(word), "{what}: {log}");
    }
}

fn attacks() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let format = |bits: u8, depth: u8, true_color: u8, max: [u8; 6], shift: [u8; 3]| {
        into(&[&[0, 0, 0, 0, bits, depth, 0, true_color][..], &max, &shift, &[0; 3]].concat())
    };
    let eight = [0, 255, 0, 255, 0, 255];
    let bomb = ClientMessage::Clipboard(Clipboard::Provide(Some("a".repeat(8 << 20))));
    vec![
        ("a version text without end", [&b"RFB 003.008"[..], &[b'8'; 4000]].concat(), "does not speak RFB"),
        ("a version of letters", b"RFB abc.def\n".to_vec(), "does not speak RFB"),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), "does not speak RFB"),
        ("a security type that is none", b"RFB 003.008\n\x00".to_vec(), "not offered"),
        ("security type 255", b"RFB 003.008\n\xff".to_vec(), "not offered"),
        ("VeNCrypt that was not offered", b"RFB 003.008\n\x13".to_vec(), "not offered"),
        ("an unknown message", into(&[77]), "unknown RFB message 0x4d"),
        ("an unknown message of QEMU", into(&[255, 1]), "unknown QEMU message"),
        ("pixels of 7 bits", format(7, 7, 1, eight, [0; 3]), "invalid RFB pixel format"),
        ("pixels of no bits", format(0, 0, 1, eight, [0; 3]), "invalid RFB pixel format"),
        ("more depth than bits", format(16, 32, 1, [0, 1, 0, 1, 0, 1], [0; 3]), "invalid RFB pixel format"),
        ("a shift of 255", format(32, 24, 1, eight, [255, 8, 0]), "invalid RFB pixel format"),
        ("colours of no levels", format(32, 24, 1, [0; 6], [16, 8, 0]), "invalid RFB pixel format"),
        ("a colour map of 32 bits", format(32, 24, 0, [0; 6], [0; 3]), "invalid RFB pixel format"),
        ("a cut text of 2^31 - 1 bytes", into(&[6, 0, 0, 0, 0x7f, 255, 255, 255]), "clipboard is larger"),
        ("a cut text of -2^31 bytes", into(&[6, 0, 0, 0, 0x80, 0, 0, 0]), "clipboard is larger"),
        ("an extended cut text of 1 byte", into(&[6, 0, 0, 0, 255, 255, 255, 255, 0]), "invalid clipboard"),
        (
            "two actions of the clipboard",
            into(&[6, 0, 0, 0, 255, 255, 255, 252, 6, 0, 0, 0]),
            "clipboard action",
        ),
        ("a zlib bomb in the clipboard", message(&bomb), "clipboard's text is larger"),
        (
            "a text of 4 gigabytes in the clipboard",
            provided(&[&[255; 4][..], &vec![b'a'; 1 << 20]].concat()),
            "clipboard's text is larger",
        ),
        ("a text that is shorter than it says", provided(&[0, 0, 0, 99, b'a']), "invalid clipboard's text"),
        ("a text that is no UTF-8", provided(&[0, 0, 0, 2, 0xff, 0]), "invalid clipboard's text"),
        (
            "a fence of 255 bytes",
            into(&[&[248, 0, 0, 0, 0x80, 0, 0, 0, 255][..], &[7; 255]].concat()),
            "fence is larger",
        ),
        (
            "a desktop of 255 screens",
            into(&[&[251, 0, 4, 0, 3, 0, 255, 0][..], &[0; 16 * 255]].concat()),
            "layout of screens is larger",
        ),
    ]
}

#[test]
fn each_lie_ends_one_connection_with_a_sentence() {
    let home = panto();
    let (served, address) = serve(&home, false);
    still_serves(&address);
    let before = peak(served.pid());
    for (what, bytes, sentence) in attacks() {
        let logged_before = served.log().len();
        attack(&address, &bytes);
        logged(&served, logged_before, what, sentence);
    }
    still_serves(&address);
    let grown = peak(served.pid()) - before;
    assert!(grown < 24 * MIB, "memory grew by {} MiB", grown / MIB);
}

#[test]
fn lies_in_front_of_a_password() {
    let home = panto();
    let (served, address) = serve(&home, true);
    let vencrypt = |rest: &[u8]| [b"RFB 003.008\n\x13", rest].concat();
    for (what, bytes, sentence) in [
        ("no proof", b"RFB 003.008\n\x01".to_vec(), "not offered"),
        ("RFB 3.3", b"RFB 003.003\n".to_vec(), "no encryption"),
        ("VeNCrypt 0.1", vencrypt(&[0, 1]), "not offered"),
        ("VeNCrypt 255.255", vencrypt(&[255, 255]), "not offered"),
        ("subtype 0", vencrypt(&[0, 2, 0, 0, 0, 0]), "not offered"),
        ("subtype 255", vencrypt(&[0, 2, 0, 0, 0, 255]), "not offered"),
        ("subtype 2^32 - 1", vencrypt(&[0, 2, 255, 255, 255, 255]), "not offered"),
        // Whoever speaks on before TLS has begun wants its words believed inside.
        ("words before TLS", vencrypt(&[0, 2, 0, 0, 1, 6, 0, 0, 0, 1]), "not offered"),
    ] {
        let logged_before = served.log().len();
        attack(&address, &bytes);
        logged(&served, logged_before, what, sentence);
    }
    // What begins as TLS and is none.
    let logged_before = served.log().len();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&vencrypt(&[0, 2])).unwrap();
    stream.read_exact(&mut [0; 21]).expect("the subtypes");
    stream.write_all(&[0, 0, 1, 6]).unwrap();
    stream.read_exact(&mut [0]).expect("the answer");
    stream.write_all(&[0x55; 100]).unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
    logged(&served, logged_before, "no TLS", "no TLS with the viewer");
}

#[test]
fn a_crowd_is_told_why_it_waits_and_whoever_types_has_time() {
    let home = panto();
    let file = home.path("vnc-password");
    home.write_private(&file, "12345678");
    let served =
        home.serve(&["127.0.0.1:0", "--rfb=127.0.0.1:0", "--demo", "--rfb-vncauth", file.to_str().unwrap()]);
    let address = address(&served);
    let connect = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    };
    // Somebody looks for a password.
    let mut typing = connect(b"RFB 003.008\n\x02");
    let mut heard = Vec::new();
    // The version, how many types and which, and the challenge.
    while heard.get(12).is_none_or(|types| heard.len() < 13 + usize::from(*types) + 16) {
        let mut byte = [0];
        typing.read_exact(&mut byte).unwrap();
        heard.extend(byte);
    }
    let asked = Instant::now();
    // Eight that say nothing, and one too many, which hears of it.
    let greeted = |_| {
        let mut stream = connect(b"");
        stream.read_exact(&mut [0; 12]).expect("it is let as far as the door");
        stream
    };
    let silent: Vec<_> = (0..8).map(greeted).collect();
    let mut refused = Vec::new();
    connect(b"RFB 003.008\n").read_to_end(&mut refused).unwrap();
    let refused = String::from_utf8_lossy(&refused).into_owned();
    assert!(refused.contains("8 connections from 127.0.0.1 are waiting"), "{refused:?}");
    for mut stream in silent {
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert!(asked.elapsed() > Duration::from_secs(9), "{:?}", asked.elapsed());
    // The silent ones are gone by now, and whoever was asked for a password is still listened to.
    typing.write_all(&[0; 16]).unwrap();
    let mut answer = Vec::new();
    typing.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(&[0, 0, 0, 1]), "{answer:02x?}");
    assert!(String::from_utf8_lossy(&answer).contains("wrong password"), "{answer:02x?}");
}

#[test]
fn handshakes_that_never_end() {
    let home = panto();
    let (served, address) = serve(&home, false);
    let begun = Instant::now();
    let connect = || {
        let stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    };
    // Nothing, half a version, no type, no flag; and one that says a letter a second.
    let mut all: Vec<TcpStream> = Vec::new();
    for bytes in [&b""[..], b"RFB 00", b"RFB 003.008\n", b"RFB 003.008\n\x01"] {
        let mut stream = connect();
        stream.write_all(bytes).unwrap();
        all.push(stream);
    }
    let mut dripping = connect();
    let mut dripped = dripping.try_clone().unwrap();
    let drip = std::thread::spawn(move || {
        for byte in b"RFB 003.008\n\x01\x01".iter().cycle() {
            if dripping.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1500));
        }
    });
    all.push(dripped.try_clone().unwrap());
    // Others come in meanwhile.
    still_serves(&address);
    for mut stream in all {
        let ended = stream.read_to_end(&mut Vec::new());
        assert!(!ended.is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock), "a handshake without end");
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let _ = dripped.read(&mut [0]);
    drip.join().unwrap();
    logged(&served, 0, "slow", "did not say in time who it is");
    still_serves(&address);
}

#[test]
fn viewers_cut_off_anywhere() {
    let home = panto();
    let (served, address) = serve(&home, false);
    let honest = into(
        &[
            written(|out| ClientMessage::SetPixelFormat(PixelFormat::NATIVE).encode(out)),
            written(|out| {
                ClientMessage::SetEncodings(vec![EncodingId::TIGHT, EncodingId::FENCE]).encode(out)
            }),
            written(|out| {
                let rect = Rect::new(0, 0, 640, 480);
                ClientMessage::UpdateRequest { incremental: false, rect }.encode(out);
            }),
            written(|out| ClientMessage::CutText(b"text".to_vec()).encode(out)),
            written(|out| ClientMessage::Clipboard(Clipboard::Provide(Some("text".into()))).encode(out)),
        ]
        .concat(),
    );
    for end in 0..honest.len() {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.write_all(&honest[..end]);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    for (i, bit) in (0..honest.len()).zip((0..8).cycle()) {
        let mut bytes = honest.clone();
        bytes[i] ^= 1 << bit;
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    logged(&served, 0, "cut off", "connection ended");
    still_serves(&address);
}

#[test]
fn nonsense_that_is_borne() {
    let home = panto();
    let served = home.serve(&[
        "127.0.0.1:0",
        "--rfb=127.0.0.1:0",
        "--auth",
        "none",
        "--virtual",
        "320x240",
        "--max-size",
        "800x600",
        "--",
        "sleep",
        "1000",
    ]);
    let display = XDisplay::open(&served.display());
    let mut client = RfbClient::connect(&address(&served), "003.008");
    client.settle(PixelFormat::NATIVE, &[EncodingId::RAW, EncodingId::EXTENDED_DESKTOP_SIZE]);
    client.ask(false);
    client.update();
    let before = peak(served.pid());

    // Encodings that nobody knows, as many as can be said, again and again.
    let mut all: Vec<EncodingId> = (0..65_535).map(|i| EncodingId(1000 + i)).collect();
    all[0] = EncodingId::RAW;
    all[1] = EncodingId::EXTENDED_DESKTOP_SIZE;
    for _ in 0..20 {
        client.say(&ClientMessage::SetEncodings(all.clone()));
    }

    // Sizes and layouts that make no sense: each is refused by name.
    let whole = |size: Size| vec![Screen { id: 0, rect: Rect::of_size(size), flags: 0 }];
    let (vast, empty) = (Size::new(65_535, 65_535), Size::default());
    let small = Size::new(400, 300);
    let outside = Screen { id: 1, rect: Rect::new(399, 299, 65_535, 65_535), flags: u32::MAX };
    let nothing = Screen { id: 1, rect: Rect::new(5, 5, 0, 0), flags: 0 };
    for (what, size, screens) in [
        ("65535 × 65535", vast, whole(vast)),
        ("0 × 0", empty, whole(empty)),
        ("0 × 300", Size::new(0, 300), whole(Size::new(0, 300))),
        ("no screens", small, Vec::new()),
        ("a screen outside", small, vec![outside]),
        ("an empty screen", small, vec![nothing]),
    ] {
        client.layouts.clear();
        client.say(&ClientMessage::SetDesktopSize { size, screens });
        client.ask(true);
        client.update();
        let (at, _) = client.layouts.first().unwrap_or_else(|| panic!("{what}: no answer"));
        assert_eq!((at.x, at.y), (1, 3), "{what}: an invalid layout of this viewer's");
    }
    assert_eq!(display.picture().size(), Size::new(320, 240));
    for i in 0..500u32 {
        let size = Size::new(200 + i * 7 % 500, 200 + i * 11 % 300);
        client.say(&ClientMessage::SetDesktopSize { size, screens: whole(size) });
    }
    client.say(&ClientMessage::SetDesktopSize { size: small, screens: whole(small) });
    eventually("the last size is the one", || (display.picture().size() == small).then_some(()));

    // A flood of requests: everything at once, bit by bit, and nowhere.
    let mut flood = Vec::new();
    for i in 0..50_000 {
        let rect = match i % 3 {
            0 => Rect::new(0, 0, 400, 300),
            1 => Rect::new(i * 13 % 390, i * 7 % 290, 3, 3),
            _ => Rect::new(65_535, 65_535, 65_535, 65_535),
        };
        let request = ClientMessage::UpdateRequest { incremental: i % 2 == 0, rect };
        flood.extend(written(|out| request.encode(out)));
    }
    client.send(&flood);
    client.ask(false);
    let deadline = Instant::now() + PATIENCE;
    while client.picture.size() != small || client.picture != display.picture() {
        assert!(Instant::now() < deadline, "the flood was not survived");
        client.ask(true);
        client.ask(false);
        client.update();
    }
    let grown = peak(served.pid()) - before;
    assert!(grown < 24 * MIB, "memory grew by {} MiB", grown / MIB);
    assert!(served.log().lines().all(|l| HARM.iter().all(|word| !l.contains(word))), "{}", served.log());
}

#[test]
fn who_stops_in_a_message_keeps_nobody_waiting() {
    let home = panto();
    let (served, address) = serve(&home, false);
    let mut all: Vec<RfbClient> = Vec::new();
    for half in [
        &[3, 0, 0][..],
        &[0, 0, 0, 0, 32],
        &[6, 0, 0, 0, 0, 0x10, 0, 0, 65, 65],
        &[248, 0],
        &[2, 0, 0xff, 0xff],
    ] {
        let mut client = RfbClient::connect(&address, "003.008");
        client.send(half);
        all.push(client);
    }
    still_serves(&address);
    // The one whose message is complete after all is understood.
    let mut slow = all.remove(0);
    std::thread::sleep(Duration::from_secs(1));
    slow.send(&[0, 0, 0, 0, 1, 0, 1]);
    for _ in 0..2 {
        slow.ask(false);
        slow.update();
    }
    assert_ne!(slow.picture, Picture::new(slow.picture.size(), 0));
    drop(all);
    still_serves(&address);
    served.stop();
}
