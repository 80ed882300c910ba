//! What the community has added to RFB: updates without requests, other sizes, clipboards in
//! UTF-8, lights, names, keys by their codes.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::{ClientMessage, Clipboard, EncodingId, Fence, PixelFormat, Screen, ServerMessage};
use panto_protocol::wire::Writer;
use panto_tests::harness::{Panto, Served, XDisplay, eventually, panto};

use super::client::RfbClient;
use super::{address, rested, serve, serve_with};

const CUT_TEXT: u8 = 3;
const BELL: u8 = 2;
const FENCE: u8 = 248;
const END_OF_CONTINUOUS_UPDATES: u8 = 150;

const REQUEST: u32 = Fence::REQUEST;

fn connect(address: &str, more: &[EncodingId]) -> RfbClient {
    let mut client = RfbClient::connect(address, "003.008");
    client.settle(PixelFormat::NATIVE, &[&[EncodingId::ZRLE, EncodingId::COPY_RECT][..], more].concat());
    client.ask(false);
    client.update();
    client
}

/// A fence as the client reads it: flags and payload.
fn fence(bytes: &[u8]) -> Fence {
    let (flags, payload) = bytes.split_at(4);
    Fence { flags: u32::from_be_bytes(flags.try_into().unwrap()), payload: payload.to_vec() }
}

/// A message of the clipboard, as [`RfbClient::word`] returns it.
fn clipboard(message: Clipboard) -> Vec<u8> {
    let mut w = Writer::default();
    ServerMessage::Clipboard(message).encode(&mut w);
    w.as_slice()[4..].to_vec()
}

/// Puts a text into a display's clipboard; it is there for as long as the program runs.
pub fn copy(display: &XDisplay, text: &str) -> Child {
    let mut xclip =
        xclip(display, &["-i", "-quiet"]).stdin(Stdio::piped()).spawn().expect("xclip (apt install xclip)");
    xclip.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    xclip
}

/// What a program on the display would paste.
pub fn pasted(display: &XDisplay) -> String {
    let output = xclip(display, &["-o"]).output().expect("xclip (apt install xclip)");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn xclip(display: &XDisplay, how: &[&str]) -> Command {
    let mut command = Command::new("xclip");
    command.args(["-display", display.name(), "-selection", "clipboard"]).args(how).stderr(Stdio::null());
    command
}

fn type_line(client: &mut RfbClient, line: &str) {
    for key in line.chars().map(u32::from).chain([0xff0d]) {
        client.say(&ClientMessage::Key { down: true, keysym: key });
        client.say(&ClientMessage::Key { down: false, keysym: key });
    }
}

#[test]
fn updates_come_without_requests() {
    let home = panto();
    let (served, display) = serve(&home);
    rested(&display);
    let mut client = connect(&address(&served), &[EncodingId::FENCE, EncodingId::CONTINUOUS_UPDATES]);
    let first = fence(&client.word(FENCE));
    assert_eq!((first.flags & REQUEST, first.payload.len()), (REQUEST, 0), "fences are understood");
    client.word(END_OF_CONTINUOUS_UPDATES);
    let all = client.picture.bounds();
    client.say(&ClientMessage::ContinuousUpdates { enable: true, rect: all });
    client.say(&ClientMessage::Pointer { buttons: 0, x: 100, y: 100 });
    for line in 0..20 {
        type_line(&mut client, &format!("continuous {line}"));
        let rest = rested(&display);
        // Each update is followed by a fence, whose answer makes room for the next.
        while client.picture != rest {
            client.update();
            let mark = fence(&client.word(FENCE));
            assert_eq!(mark.flags & REQUEST, REQUEST);
            client.say(&ClientMessage::Fence(Fence { flags: mark.flags & !REQUEST, ..mark }));
        }
    }
    assert!(
        home.ctl(&served, &["viewers"])["viewers"][0]["rtt_ms"].as_f64().is_some(),
        "fences tell the round trip"
    );
    client.say(&ClientMessage::ContinuousUpdates { enable: false, rect: all });
    client.word(END_OF_CONTINUOUS_UPDATES);
    // Asked for again, as ever.
    type_line(&mut client, "asked");
    rested(&display);
    client.until("asked", || display.picture());
}

#[test]
fn a_viewer_that_answers_no_fence_is_not_flooded() {
    let home = panto();
    let (served, display) = serve(&home);
    rested(&display);
    let mut client = connect(&address(&served), &[EncodingId::FENCE, EncodingId::CONTINUOUS_UPDATES]);
    let all = client.picture.bounds();
    client.say(&ClientMessage::ContinuousUpdates { enable: true, rect: all });
    for line in 0..30 {
        type_line(&mut client, &format!("flood {line}"));
    }
    rested(&display);
    let frames = || home.ctl(&served, &["viewers"])["viewers"][0]["frames"].as_u64();
    let sent = frames();
    type_line(&mut client, "more");
    rested(&display);
    assert!(sent < Some(60) && frames() < sent.map(|n| n + 3), "{sent:?} {:?}", frames());
}

#[test]
fn fences_come_back_behind_what_came_before() {
    let home = panto();
    let (served, _display) = serve(&home);
    let mut client = connect(&address(&served), &[]);
    for length in [0, 1, 64] {
        let payload = vec![7; length];
        client.say(&ClientMessage::Fence(Fence { flags: 0xffff_ffff, payload: payload.clone() }));
        let back = fence(&client.word(FENCE));
        assert_eq!(back, Fence { flags: Fence::KNOWN, payload }, "unknown flags are left out");
    }
}

#[test]
fn the_viewer_makes_the_screen_another_size() {
    let home = panto();
    let (served, display) = serve(&home);
    let mut client = connect(&address(&served), &[EncodingId::EXTENDED_DESKTOP_SIZE]);
    let (how, screens) = client.layouts.pop().expect("the layout comes with the first update");
    let all = Screen { id: 0, rect: Rect::new(0, 0, 400, 240), flags: 0 };
    assert_eq!((how, screens), (Point::new(0, 0), vec![all]));
    let ask = |client: &mut RfbClient, size: Size, screens: Vec<Screen>| {
        client.say(&ClientMessage::SetDesktopSize { size, screens });
        while client.layouts.is_empty() {
            client.ask(true);
            client.update();
        }
        client.layouts.pop().unwrap()
    };
    let size = Size::new(360, 200);
    let screen = Screen { rect: Rect::of_size(size), ..all };
    let (how, screens) = ask(&mut client, size, vec![screen]);
    assert_eq!(how, Point::new(1, 0), "by this viewer, done");
    assert_eq!((client.picture.size(), screens[0].rect), (size, screen.rect));
    assert_eq!(display.picture().size(), size);
    client.until("the smaller screen", || display.picture());
    let again = ask(&mut client, size, vec![screen]);
    assert_eq!(again.0, Point::new(1, 0), "it is so already");
    for (what, size, screens) in [
        ("no screen", size, vec![]),
        ("no pixels", Size::new(0, 200), vec![screen]),
        ("a screen outside", size, vec![Screen { rect: Rect::new(300, 0, 100, 100), ..all }]),
    ] {
        assert_eq!(ask(&mut client, size, screens).0, Point::new(1, 3), "{what}");
    }
}

#[test]
fn who_may_only_look_changes_nothing() {
    let home = panto();
    let (served, display) = serve_with(&home, &["--view-only"]);
    let screen = rested(&display);
    let mut client =
        connect(&address(&served), &[EncodingId::EXTENDED_DESKTOP_SIZE, EncodingId::EXTENDED_CLIPBOARD]);
    client.layouts.clear();
    let rect = Rect::new(0, 0, 100, 100);
    let screens = vec![Screen { id: 0, rect, flags: 0 }];
    client.say(&ClientMessage::SetDesktopSize { size: rect.size(), screens });
    client.ask(true);
    client.update();
    assert_eq!(client.layouts.pop().unwrap().0, Point::new(1, 1), "prohibited");
    client.say(&ClientMessage::CutText(b"from outside".to_vec()));
    type_line(&mut client, "typed");
    // What is copied there is not told, and what was said above had no effect: a fence is
    // answered when all of it is done with.
    let mut owner = copy(&display, "a secret");
    eventually("it is in the clipboard", || (pasted(&display) == "a secret").then_some(()));
    client.say(&ClientMessage::Clipboard(Clipboard::Request { text: true }));
    client.say(&ClientMessage::Fence(Fence { flags: REQUEST, payload: vec![1] }));
    client.word(FENCE);
    client.said.retain(|(_, bytes)| *bytes != clipboard(Clipboard::ours()));
    assert_eq!(client.said, []);
    assert_eq!(rested(&display), screen);
    owner.kill().unwrap();
    owner.wait().unwrap();
}

#[test]
fn texts_are_copied_both_ways() {
    let home = panto();
    let (served, display) = serve(&home);
    rested(&display);
    let address = address(&served);
    let mut plain = connect(&address, &[]);
    let mut extended = connect(&address, &[EncodingId::EXTENDED_CLIPBOARD]);
    assert_eq!(extended.word(CUT_TEXT), clipboard(Clipboard::ours()));
    extended.say(&ClientMessage::Clipboard(Clipboard::ours()));
    // Longer than a property of X: it comes in parts.
    let long = "Zeile — 行\n".repeat(40_000);
    for text in ["Grüße\nan € alle", &long] {
        let mut owner = copy(&display, text);
        let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
        assert_eq!(plain.word(CUT_TEXT)[4..], latin1);
        assert_eq!(extended.word(CUT_TEXT), clipboard(Clipboard::Notify { text: true }));
        extended.say(&ClientMessage::Clipboard(Clipboard::Request { text: true }));
        assert!(extended.word(CUT_TEXT) == clipboard(Clipboard::Provide(Some(text.into()))));
        owner.kill().unwrap();
        owner.wait().unwrap();
    }
    // The other way, and what one viewer copies comes to the other, too.
    plain.say(&ClientMessage::CutText(b"T\xfcr\r\nauf".to_vec()));
    eventually("Latin-1 is pasted", || (pasted(&display) == "Tür\nauf").then_some(()));
    assert_eq!(extended.word(CUT_TEXT), clipboard(Clipboard::Notify { text: true }));
    extended.say(&ClientMessage::Clipboard(Clipboard::Notify { text: true }));
    assert_eq!(extended.word(CUT_TEXT), clipboard(Clipboard::Request { text: true }));
    extended.say(&ClientMessage::Clipboard(Clipboard::Provide(Some(long.clone()))));
    eventually("a long text is pasted", || (pasted(&display) == long).then_some(()));
    assert_eq!(plain.word(CUT_TEXT)[4..8], *b"Zeil");
}

/// What a photograph is to an encoder: slopes, and a little noise.
pub fn photograph() -> Picture {
    let mut photo = Picture::new(Size::new(200, 160), 0);
    for y in 0..160 {
        for (x, pixel) in photo.row_mut(y, 0, 200).iter_mut().enumerate() {
            let noise = (x as u32 * 7919 + y as u32 * 104_729) % 13;
            *pixel = (x as u32 + noise) << 16 | (y as u32 + noise) << 8 | (x as u32 / 2 + noise);
        }
    }
    photo
}

/// A screen of nothing but a photograph.
pub fn serve_photograph(home: &Panto) -> (Served, XDisplay) {
    let bare = ["127.0.0.1:0", "--rfb=127.0.0.1:0", "--auth", "none", "--virtual", "400x240", "--"];
    let served = home.serve(&[&bare[..], &["sleep", "1000"]].concat());
    let display = XDisplay::open(&served.display());
    display.paint(Point::new(20, 30), &photograph());
    (served, display)
}

#[test]
fn photographs_are_jpeg_where_that_is_allowed_and_exact_once_they_rest() {
    let home = panto();
    let (served, display) = serve_photograph(&home);
    let screen = rested(&display);
    let connect = |more: &[EncodingId]| {
        let mut client = RfbClient::connect(&address(&served), "003.008");
        client.settle(PixelFormat::NATIVE, &[&[EncodingId::TIGHT][..], more].concat());
        client.until("the photograph", || screen.clone());
        client.bytes_of_updates()
    };
    let exact = connect(&[]);
    let bytes = connect(&[EncodingId::jpeg_quality(5)]);
    assert!(bytes[0] * 4 < exact[0], "{bytes:?} {exact:?}");
    assert!(bytes.len() > 1 && bytes.iter().sum::<usize>() < exact[0] * 3 / 2, "{bytes:?} {exact:?}");
}

#[test]
fn lights_bell_name_and_keys_by_their_codes() {
    let home = panto();
    let name = "ein Bildschirm — с длинным именем";
    let (served, display) = serve_with(&home, &["--name", name]);
    rested(&display);
    let more = [EncodingId::LED_STATE, EncodingId::DESKTOP_NAME, EncodingId::QEMU_KEYS];
    let mut client = connect(&address(&served), &more);
    assert_eq!(client.name, name);
    assert_eq!(client.leds, Some(0));
    assert!(client.seen.contains_key(&EncodingId::QEMU_KEYS.0), "{:?}", client.seen);
    display.key(xkeysym::key::Caps_Lock, true);
    display.key(xkeysym::key::Caps_Lock, false);
    while client.leds != Some(4) {
        client.ask(true);
        client.update();
    }
    display.key(xkeysym::key::Caps_Lock, true);
    display.key(xkeysym::key::Caps_Lock, false);
    while client.leds != Some(0) {
        client.ask(true);
        client.update();
    }
    display.bell();
    client.word(BELL);
    // The key right of Tab, whatever the layout calls it; and Return.
    client.say(&ClientMessage::Pointer { buttons: 0, x: 100, y: 100 });
    let before = rested(&display);
    for (code, keysym) in [(0x10, u32::from('q')), (0x1c, 0xff0d)] {
        client.say(&ClientMessage::ExtendedKey { down: true, keysym, code });
        client.say(&ClientMessage::ExtendedKey { down: false, keysym, code });
    }
    eventually("the terminal shows it", || (display.picture() != before).then_some(()));
    rested(&display);
    client.until("typed", || display.picture());
}
