//! `panto view vnc://…` against VNC servers: TigerVNC's, x11vnc, wayvnc, and Panto's own.

mod rsa_aes;
pub mod servers;
pub mod trust;
mod wayland;
mod window;

use std::process::Command as Program;
use std::sync::{Arc, Mutex};

use panto_protocol::geometry::{Point, Size};
use panto_protocol::message::{Depth, InputEvent, Settings};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::{EncodingId, PixelFormat, TrueColor};
use panto_tests::harness::{Panto, TERMINAL, Watcher, XDisplay, assert_same, eventually, panto, rested};
use panto_transport::{Fingerprint, KnownHosts, Target, TrustPolicy};
use panto_viewer::core::{ClientOptions, Command, Connection, Prompt, ViewError, VncOptions};

use servers::{Running, Tiger, free_port, listens, terminal};

const SIZE: Size = Size::new(480, 320);

/// What viewing this server takes.
fn options(home: &Panto, port: u16) -> ClientOptions {
    ClientOptions {
        target: Target::vnc("127.0.0.1", port),
        trust: TrustPolicy::New,
        known_hosts: KnownHosts::at(home.path("known_hosts")),
        tls: true,
        name: "watcher".into(),
        settings: Settings::default(),
        view_only: false,
        local_moves: true,
        explain: false,
        disk_cache: None,
        vnc: VncOptions::default(),
        reconnect: false,
        duration: None,
    }
}

/// Someone who knows these passwords, and tries them in order.
struct Knows(Mutex<Vec<&'static str>>);

impl Knows {
    fn one(password: &'static str) -> Arc<Self> {
        Self::some(vec![password])
    }

    fn some(passwords: Vec<&'static str>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(passwords)))
    }
}

impl Prompt for Knows {
    fn secret(&self, _: &str, _: Option<&str>) -> Option<String> {
        let mut all = self.0.lock().unwrap();
        (!all.is_empty()).then(|| all.remove(0).to_owned())
    }

    fn trust(&self, _: &Target, _: Fingerprint) -> bool {
        false
    }
}

/// What a picture looks like at a depth. All servers here take the nearest level; `half` of 255 is
/// 127 or 128, as theirs is.
fn reduced(picture: &Picture, depth: Depth, half: u32) -> Picture {
    let (max, shift): ([u16; 3], [u8; 3]) = match depth {
        Depth::D16 => ([31, 63, 31], [11, 5, 0]),
        Depth::D8 => ([7, 7, 3], [0, 3, 6]),
        _ => return picture.clone(),
    };
    let true_color = Some(TrueColor { max, shift });
    let format = PixelFormat { bits_per_pixel: 16, depth: 16, big_endian: false, true_color };
    let reduce = |c: &u32| {
        let level = |i: usize| ((*c >> (16 - 8 * i) & 255) * u32::from(max[i]) + half) / 255;
        format.color((0..3).map(|i| level(i) << shift[i]).sum(), &[])
    };
    Picture::from_pixels(picture.size(), picture.data().iter().map(reduce).collect()).unwrap()
}

/// Waits until the viewer shows this.
pub fn shows(watcher: &Watcher, what: &str, want: impl Fn() -> Picture) {
    let agreed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        eventually(what, || (watcher.handle.shown().picture == want()).then_some(()));
    }));
    if agreed.is_err() {
        assert_same(what, &watcher.handle.shown().picture, &want());
        panic!("{what}: agrees too late");
    }
}

fn connected(watcher: &Watcher) {
    eventually("connected", || (watcher.handle.shown().connection == Connection::Connected).then_some(()));
}

/// The person's pointer enters the picture: TigerVNC's server paints a pointer that it believes to
/// be somebody else's.
pub fn enter(watcher: &Watcher) {
    connected(watcher);
    // It notices only pointers that move.
    for side in [90, 100] {
        watcher.send(Command::Input(InputEvent::Pointer { position: Point::new(side, side) }));
    }
}

/// Types a line as a person does whose keyboard is American: physical keys, and what they mean.
pub fn type_line(watcher: &Watcher, text: &str) {
    for c in text.chars().chain(['\n']) {
        let (physical, keysym) = match c {
            '\n' => (28, 0xff0d),
            'a' => (30, 0x61),
            'b' => (48, 0x62),
            'c' => (46, 0x63),
            // Without a code: what an input method makes.
            other => (0, u32::from(other)),
        };
        for down in [true, false] {
            watcher.send(Command::Input(InputEvent::Key { physical, keysym, down, text: String::new() }));
        }
    }
}

/// Every encoding in every depth shows what the server has, and is the one that was asked for.
async fn every_encoding(home: &Panto, port: u16, encodings: &[EncodingId], screen: &Picture, half: u32) {
    for &encoding in encodings {
        for depth in [Depth::D24, Depth::D16, Depth::D8] {
            let what = format!("{} at {} bits", encoding.name().unwrap(), depth.bits());
            let mut options = options(home, port);
            options.vnc.encoding = Some(encoding);
            options.settings.depth = depth;
            let watcher = Watcher::start(options);
            shows(&watcher, &what, || reduced(screen, depth, half));
            // The last rectangles may be what a picture begins with.
            eventually("all of it has come", || {
                watcher.handle.shown().stats.first_picture_ms.is_some().then_some(())
            });
            let (stats, result) = watcher.quit().await;
            result.expect("a good end");
            assert_eq!(
                (stats.mode.as_str(), stats.depth, stats.lossless),
                ("rfb", depth.bits(), depth == Depth::D24)
            );
            assert!(stats.payload_bytes_by_kind.contains_key(encoding.name().unwrap()), "{what}: {stats:?}");
            assert!(
                stats.bytes_down > stats.payload_bytes_by_kind.values().sum::<u64>() && stats.bytes_up > 50
            );
            assert!(stats.first_picture_ms.is_some() && stats.frames > 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tigervnc_in_every_encoding_and_depth() {
    let (home, server) = (panto(), Tiger::open(SIZE));
    let _terminal = terminal(&server.display);
    server.hide_pointer();
    let screen = rested(&server.display);
    let encodings =
        [EncodingId::TIGHT, EncodingId::ZRLE, EncodingId::HEXTILE, EncodingId::RRE, EncodingId::RAW];
    every_encoding(&home, server.port, &encodings, &screen, 128).await;
}

/// x11vnc for this display, with these options.
pub fn x11vnc(display: &XDisplay, more: &[&str]) -> (u16, Running) {
    let port = free_port();
    let server = Running::start(
        Program::new("x11vnc")
            .args(["-display", display.name(), "-rfbport", &port.to_string(), "-localhost", "-nopw"])
            .args(["-forever", "-shared", "-quiet", "-noxdamage", "-nocursor", "-norc"])
            .args(more)
            // It touches no selection for 45 seconds, else: a display manager could be about to leave.
            .env("X11VNC_AVOID_WINDOWS", "never"),
    );
    listens(port);
    (port, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn x11vnc_in_every_encoding_and_depth_and_typed_into() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    let _terminal = terminal(&display);
    let (port, _server) = x11vnc(&display, &[]);
    let screen = rested(&display);
    let encodings =
        [EncodingId::TIGHT, EncodingId::ZRLE, EncodingId::HEXTILE, EncodingId::RRE, EncodingId::RAW];
    every_encoding(&home, port, &encodings, &screen, 127).await;
    let watcher = Watcher::start(options(&home, port));
    enter(&watcher);
    type_line(&watcher, "abc 123");
    eventually("the terminal shows a line", || (display.picture() != screen).then_some(()));
    let after = rested(&display);
    shows(&watcher, "typed", || after.clone());
    watcher.quit().await.1.expect("a good end");
}

#[tokio::test(flavor = "multi_thread")]
async fn pantos_own_server_in_every_encoding_and_depth() {
    let home = panto();
    let arguments = ["127.0.0.1:0", "--rfb=127.0.0.1:0", "--auth", "none", "--virtual", "480x320", "--"];
    let served = home.serve(&[&arguments[..], &TERMINAL].concat());
    let display = XDisplay::open(&served.display());
    display.focus(display.window());
    let screen = rested(&display);
    let address = served.listening["rfb"][0].as_str().expect("an address").to_owned();
    let port = address.rsplit(':').next().unwrap().parse().unwrap();
    let encodings = [
        EncodingId::TIGHT,
        EncodingId::ZRLE,
        EncodingId::TRLE,
        EncodingId::HEXTILE,
        EncodingId::RRE,
        EncodingId::RAW,
    ];
    every_encoding(&home, port, &encodings, &screen, 127).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_scrolling_and_the_pointer() {
    let (home, server) = (panto(), Tiger::open(SIZE));
    let _terminal = terminal(&server.display);
    let watcher = Watcher::start(options(&home, server.port));
    enter(&watcher);
    shows(&watcher, "before", || server.display.picture());
    // Twenty lines in a window of sixteen: it scrolls.
    for line in 0..20 {
        let before = server.display.picture();
        type_line(&watcher, &format!("{line} abcba"));
        eventually("the terminal shows a line", || (server.display.picture() != before).then_some(()));
    }
    let after = rested(&server.display);
    shows(&watcher, "typed", || after.clone());
    assert!(watcher.handle.shown().cursor.is_some(), "the pointer's picture came");
    // Selected by dragging: lines turn dark.
    for (event, x) in [(Some(true), 20), (None, 200), (Some(false), 200)] {
        watcher.send(Command::Input(InputEvent::Pointer { position: Point::new(x, 60) }));
        if let Some(down) = event {
            watcher.send(Command::Input(InputEvent::Button { button: 1, down }));
        }
    }
    eventually("something is selected", || (server.display.picture() != after).then_some(()));
    let selected = rested(&server.display);
    shows(&watcher, "selected", || selected.clone());
    let (stats, result) = watcher.quit().await;
    result.expect("a good end");
    let latency = stats.input_to_pixel_ms.expect("typing was answered");
    assert!(latency.p50 > 0.0 && latency.p50 < 2000.0, "{latency:?}");
    assert!(stats.payload_bytes_by_kind.contains_key("CopyRect"), "scrolling is copied: {stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_held_types_on() {
    let (home, server) = (panto(), Tiger::open(SIZE));
    let _terminal = terminal(&server.display);
    let watcher = Watcher::start(options(&home, server.port));
    enter(&watcher);
    let key = |down| InputEvent::Key { physical: 30, keysym: 0x61, down, text: String::new() };
    let mut last = server.display.picture();
    watcher.send(Command::Input(key(true)));
    for count in 1..=5 {
        eventually(&format!("{count} letters"), || (server.display.picture() != last).then_some(()));
        last = server.display.picture();
    }
    watcher.send(Command::Input(key(false)));
    rested(&server.display);
    watcher.quit().await.1.expect("a good end");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_follows_the_window_and_the_server() {
    let (home, server) = (panto(), Tiger::open(SIZE));
    let _terminal = terminal(&server.display);
    let watcher = Watcher::start(options(&home, server.port));
    enter(&watcher);
    shows(&watcher, "before", || server.display.picture());
    for size in [Size::new(601, 399), Size::new(200, 150)] {
        assert!(watcher.handle.shown().can_resize);
        watcher.send(Command::Resize(size));
        eventually("the screen has the size", || (watcher.handle.shown().screen == size).then_some(()));
        shows(&watcher, "resized", || server.display.picture());
        assert_eq!(watcher.handle.shown().picture.size(), size);
    }
    let status = Program::new("xrandr")
        .args(["-display", server.display.name(), "--fb", "700x500"])
        .status()
        .expect("xrandr starts");
    assert!(status.success());
    let size = Size::new(700, 500);
    eventually("the server's own size", || (watcher.handle.shown().screen == size).then_some(()));
    shows(&watcher, "resized there", || server.display.picture());
    watcher.quit().await.1.expect("a good end");
    // Who may not is told.
    let server = Tiger::start(SIZE, free_port(), &["-SecurityTypes", "None", "-AcceptSetDesktopSize=0"]);
    let watcher = Watcher::start(options(&home, server.port));
    eventually("sizes are known", || watcher.handle.shown().can_resize.then_some(()));
    watcher.send(Command::Resize(Size::new(300, 200)));
    eventually("a refusal", || {
        watcher.handle.shown().notice.text.contains("not allowed to change it").then_some(())
    });
    watcher.quit().await.1.expect("a good end");
}

#[tokio::test(flavor = "multi_thread")]
async fn clipboards_both_ways() {
    let server = Tiger::open(SIZE);
    copies(server.port, &server.display, "from here: Grüße, 行", "from there: é €\n").await;
}

/// It knows no text but Latin-1's, and its library says that it takes the extended clipboard.
#[tokio::test(flavor = "multi_thread")]
async fn x11vnc_copies_both_ways() {
    let display = XDisplay::start(SIZE);
    let (port, _server) = x11vnc(&display, &[]);
    copies(port, &display, "from here", "from there\n").await;
}

/// What is copied here reaches the server's display, and the other way round.
async fn copies(port: u16, display: &XDisplay, here: &str, there: &str) {
    let home = panto();
    let watcher = Watcher::start(options(&home, port));
    connected(&watcher);
    eventually("the server has it", || {
        // Copied and asked for again until it is there: what comes in its first second x11vnc
        // drops, and some requests it never answers.
        watcher.send(Command::Clipboard(here.into()));
        let out = Program::new("timeout")
            .env("DISPLAY", display.name())
            .args(["1", "xclip", "-selection", "clipboard", "-o"])
            .output()
            .expect("xclip starts");
        (String::from_utf8_lossy(&out.stdout) == here).then_some(())
    });
    let file = home.path("text");
    std::fs::write(&file, there).unwrap();
    let _owner = Running::start(
        Program::new("xclip")
            .env("DISPLAY", display.name())
            .args(["-selection", "clipboard", "-quiet", "-i"])
            .arg(&file),
    );
    eventually("it came here", || (&*watcher.handle.shown().clipboard.text == there).then_some(()));
    watcher.quit().await.1.expect("a good end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_and_comes_back() {
    let (home, port) = (panto(), free_port());
    let server = Tiger::start(SIZE, port, &["-SecurityTypes", "None"]);
    let first = terminal(&server.display);
    let watcher = Watcher::start(ClientOptions { reconnect: true, ..options(&home, port) });
    enter(&watcher);
    shows(&watcher, "before", || server.display.picture());
    drop((first, server));
    eventually("the loss is noticed", || {
        matches!(watcher.handle.shown().connection, Connection::Reconnecting { .. }).then_some(())
    });
    let server = Tiger::start(Size::new(500, 300), port, &["-SecurityTypes", "None"]);
    let _second = terminal(&server.display);
    enter(&watcher);
    shows(&watcher, "after", || server.display.picture());
    let (stats, result) = watcher.quit().await;
    result.expect("a good end");
    assert!(stats.reconnects > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn jpeg_is_near_and_said_to_be_no_more() {
    let (home, server) = (panto(), Tiger::open(SIZE));
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demo/alpine-lake.png");
    let image = image::open(picture).expect("a picture").to_rgb8();
    let pixel = |i: u64| {
        let (x, y) = (i as u32 % SIZE.width % image.width(), i as u32 / SIZE.width % image.height());
        let [red, green, blue] = image.get_pixel(x, y).0;
        u32::from_be_bytes([0, red, green, blue])
    };
    let lake = Picture::from_pixels(SIZE, (0..SIZE.area()).map(pixel).collect()).unwrap();
    servers::paint(&server.display, &lake);
    let mut options = options(&home, server.port);
    options.vnc.jpeg = Some(6);
    let watcher = Watcher::start(options);
    enter(&watcher);
    let error = |shown: &Picture| {
        let parts = |c: u32| [c >> 16 & 255, c >> 8 & 255, c & 255];
        let far = |(a, b): (&u32, &u32)| -> u64 {
            parts(*a).into_iter().zip(parts(*b)).map(|(a, b)| u64::from(a.abs_diff(b))).sum()
        };
        shown.data().iter().zip(lake.data()).map(far).sum::<u64>() as f64 / (3 * SIZE.area()) as f64
    };
    watcher.until("the lake is there", |shown| shown.size() == SIZE && error(shown) < 8.0).await;
    assert!(error(&watcher.handle.shown().picture) > 0.0, "JPEG of this quality is never exact");
    let (stats, result) = watcher.quit().await;
    result.expect("a good end");
    assert!(
        !stats.lossless && stats.exact_share.is_none() && stats.payload_bytes_by_kind.contains_key("Tight")
    );
    assert!(stats.bytes_down < SIZE.area() / 2, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_speaks_no_rfb_is_named() {
    let (home, port) = (panto(), free_port());
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let server = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").unwrap();
    });
    let (_, result) = Watcher::start(options(&home, port)).ended().await;
    server.join().unwrap();
    let error = result.expect_err("no VNC server");
    assert!(matches!(error, ViewError::RfbHandshake { .. }), "{error:?}");
    assert!(error.to_string().contains("does not speak RFB"), "{error}");
    let (_, result) = Watcher::start(options(&home, port)).ended().await;
    let error = result.expect_err("nobody");
    assert!(error.to_string().contains("a VNC server running there"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_left_when_the_person_likes() {
    let (home, port) = (panto(), free_port());
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let watcher = Watcher::start(options(&home, port));
    let _silent = listener.accept().unwrap();
    let began = std::time::Instant::now();
    watcher.quit().await.1.expect("a good end");
    assert!(began.elapsed() < std::time::Duration::from_secs(3));
}
