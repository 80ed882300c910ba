//! Viewers that ask and never read, and those that say more than anybody can do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use panto_protocol::geometry::{Rect, Size};
use panto_protocol::rfb::{ClientMessage, Clipboard, EncodingId, Fence, PixelFormat};
use panto_tests::harness::{PATIENCE, Panto, Served, XDisplay, eventually, panto};

use super::clients::{address, logged, still_serves};
use super::{MIB, peak, written};
use crate::control::Painter;
use crate::rfb::client::RfbClient;

const SIZE: Size = Size::new(640, 480);

/// A display that somebody else paints on.
struct Besieged {
    home: Panto,
    display: XDisplay,
    served: Served,
    address: String,
}

fn besieged() -> Besieged {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    let served =
        home.serve(&["127.0.0.1:0", "--rfb=127.0.0.1:0", "--auth", "none", "--display", display.name()]);
    let address = address(&served);
    Besieged { home, display, served, address }
}

impl Besieged {
    /// A viewer that is in and will not read any more.
    fn deaf(&self, encodings: &[EncodingId]) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let said = [
            &b"RFB 003.008\n\x01\x01"[..],
            &written(|out| ClientMessage::SetEncodings(encodings.to_vec()).encode(out)),
        ];
        stream.write_all(&said.concat()).unwrap();
        stream
    }

    fn viewers(&self) -> usize {
        self.home.ctl(&self.served, &["viewers"])["viewers"].as_array().map_or(0, Vec::len)
    }
}

/// Says the same again and again until the server has had enough; the bytes that it took.
fn flood(stream: &mut TcpStream, bytes: &[u8], most: usize) -> usize {
    let deadline = Instant::now() + PATIENCE;
    let piece = bytes.repeat((1 << 16) / bytes.len().max(1));
    let mut said = 0;
    while said < most && Instant::now() < deadline {
        match stream.write(&piece) {
            Ok(n) => said += n,
            Err(_) => return said,
        }
    }
    said
}

#[test]
fn answers_that_are_not_read() {
    let besieged = besieged();
    let mut painter = Painter::on(besieged.display.name(), SIZE);
    painter.noise();
    // Something to be asked for: a text that becomes little, and one that does not.
    let mut owner = RfbClient::connect(&besieged.address, "003.008");
    owner.settle(PixelFormat::NATIVE, &[EncodingId::ZRLE, EncodingId::EXTENDED_CLIPBOARD]);
    let text = "a".repeat(1 << 20);
    owner.say(&ClientMessage::Clipboard(Clipboard::Provide(Some(text))));
    owner.ask(false);
    owner.update();
    let before = peak(besieged.served.pid());
    let fence = Fence { flags: Fence::REQUEST, payload: vec![7; 64] };
    let toggled = |on: &[EncodingId]| written(|out| ClientMessage::SetEncodings(on.to_vec()).encode(out));
    for (what, message) in [
        ("fences", written(|out| ClientMessage::Fence(fence.clone()).encode(out))),
        (
            "clipboard requests",
            written(|out| ClientMessage::Clipboard(Clipboard::Request { text: true }).encode(out)),
        ),
        ("clipboard peeks", written(|out| ClientMessage::Clipboard(Clipboard::Peek).encode(out))),
        ("encodings on and off", [toggled(&[EncodingId::FENCE]), toggled(&[])].concat()),
    ] {
        let logged_before = besieged.served.log().len();
        let mut deaf = besieged.deaf(&[EncodingId::RAW, EncodingId::EXTENDED_CLIPBOARD]);
        let begun = Instant::now();
        let said = flood(&mut deaf, &message, 256 << 20);
        assert!(said < 256 << 20, "{what}: the server puts up with it");
        logged(&besieged.served, logged_before, what, "flood of messages whose answers are not read");
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {:?}", begun.elapsed());
        // Nobody else has to wait.
        owner.ask(false);
        owner.update();
        still_serves(&besieged.address);
    }
    let grown = peak(besieged.served.pid()) - before;
    assert!(grown < 48 * MIB, "memory grew by {} MiB", grown / MIB);
}

/// An honest viewer may say much while a large picture is still on its way.
#[test]
fn a_large_picture_on_its_way_is_no_flood() {
    let (home, size) = (panto(), Size::new(2560, 1600));
    let display = XDisplay::start(size);
    let served =
        home.serve(&["127.0.0.1:0", "--rfb=127.0.0.1:0", "--auth", "none", "--display", display.name()]);
    Painter::on(display.name(), size).noise();
    let mut client = RfbClient::connect(&address(&served), "003.008");
    client.settle(PixelFormat::NATIVE, &[EncodingId::RAW, EncodingId::FENCE]);
    client.ask(false);
    eventually("the server is in the middle of sixteen megabytes", || {
        (home.ctl(&served, &["viewers"])["viewers"][0]["frames"].as_u64() > Some(0)).then_some(())
    });
    for i in 0..10 {
        let fence = Fence { flags: Fence::REQUEST, payload: vec![i] };
        client.say(&ClientMessage::Fence(fence));
    }
    // Nothing tells that it has read them: this gives it time to be wrong.
    std::thread::sleep(Duration::from_millis(300));
    client.update();
    assert_eq!(client.picture, display.picture());
    let answers = (0..11).filter(|_| client.word(248).len() == 5).count();
    assert_eq!(answers, 10, "each fence comes back");
}

#[test]
fn who_never_reads_is_given_up() {
    let besieged = besieged();
    let mut painter = Painter::on(besieged.display.name(), SIZE);
    painter.noise();
    let mut good = RfbClient::connect(&besieged.address, "003.008");
    good.settle(PixelFormat::NATIVE, &[EncodingId::RAW]);
    good.ask(false);
    good.update();
    let before = peak(besieged.served.pid());
    let all = Rect::of_size(SIZE);
    let asked = ClientMessage::UpdateRequest { incremental: false, rect: all };
    let on = ClientMessage::ContinuousUpdates { enable: true, rect: all };
    let mut deaf: Vec<TcpStream> = Vec::new();
    for encodings in [
        &[EncodingId::RAW][..],
        &[EncodingId::TIGHT, EncodingId::FENCE, EncodingId::CONTINUOUS_UPDATES],
        &[EncodingId::ZRLE],
    ] {
        let mut stream = besieged.deaf(encodings);
        stream.write_all(&written(|out| on.encode(out))).unwrap();
        stream.write_all(&written(|out| asked.encode(out)).repeat(1000)).unwrap();
        deaf.push(stream);
    }
    // Sixty pictures, and a hundred megabytes of clipboard that nobody but these does not read.
    let begun = Instant::now();
    for i in 0..60u8 {
        painter.noise();
        good.say(&ClientMessage::CutText(vec![b'a' + i % 26; 1 << 20]));
        good.until("a new picture", || besieged.display.picture());
    }
    let grown = peak(besieged.served.pid()) - before;
    assert!(grown < 64 * MIB, "memory grew by {} MiB", grown / MIB);
    // Whoever reads nothing for half a minute is gone.
    while besieged.viewers() > 1 {
        assert!(begun.elapsed() < 3 * PATIENCE, "they are kept");
        std::thread::sleep(Duration::from_secs(1));
    }
    logged(&besieged.served, 0, "deaf", "the viewer reads nothing");
    painter.rectangles(3);
    good.until("the last picture", || besieged.display.picture());
}

/// Ten million moves of the pointer: more than any display takes.
#[test]
fn a_flood_of_input() {
    let besieged = besieged();
    let mut good = RfbClient::connect(&besieged.address, "003.008");
    good.settle(PixelFormat::NATIVE, &[EncodingId::RAW]);
    good.ask(false);
    good.update();
    let before = peak(besieged.served.pid());
    let mut wild = besieged.deaf(&[EncodingId::RAW]);
    let mut moves = Vec::new();
    for i in 0..10_000u32 {
        let buttons = if i % 50 == 0 { 1 } else { 0 };
        let pointer = ClientMessage::Pointer { buttons, x: (i * 7 % 640) as u16, y: (i * 3 % 480) as u16 };
        moves.extend(written(|out| pointer.encode(out)));
    }
    for _ in 0..300 {
        wild.write_all(&moves).expect("the server reads");
    }
    let grown = peak(besieged.served.pid()) - before;
    assert!(grown < 64 * MIB, "memory grew by {} MiB", grown / MIB);
    drop(wild);
    Painter::on(besieged.display.name(), SIZE).rectangles(5);
    good.until("what is painted afterwards", || besieged.display.picture());
    // It had been let in, so there is something to read.
    let mut stream = TcpStream::connect(&besieged.address).unwrap();
    stream.read_exact(&mut [0; 12]).expect("the server greets");
}
