//! `panto serve --source vnc://…`: what a VNC server shows, to every kind of viewer.
//!
//! Needs the Debian packages tigervnc-standalone-server, x11vnc, xterm, xclip, x11-xserver-utils and openssl.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command as Program;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{InputEvent, Mode, Settings};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::{ClientMessage, EncodingId, PixelFormat, Screen};
use panto_tests::harness::{Panto, Served, Watcher, XDisplay, eventually, panto, rested};
use panto_transport::{KnownHosts, Target, TrustPolicy};
use panto_viewer::core::{ClientOptions, Command, Connection, ViewError};

use crate::rfb::address;
use crate::rfb::client::RfbClient;
use crate::rfb::extensions::{copy, pasted};
use crate::security::said;
use crate::vnc::servers::{Tiger, certificate, free_port, terminal};
use crate::vnc::trust::password_file;
use crate::vnc::{enter, shows, type_line, x11vnc};

const SIZE: Size = Size::new(480, 320);

/// Message of the server's clipboard.
const CUT_TEXT: u8 = 3;

fn url(port: u16) -> String {
    format!("vnc://127.0.0.1::{port}")
}

/// A gateway to the VNC server at this port.
fn gateway(home: &Panto, port: u16, more: &[&str]) -> Served {
    let url = url(port);
    let all = ["127.0.0.1:0", "--rfb=127.0.0.1:0", "--auth", "none", "--source", &url];
    home.serve(&[&all[..], more].concat())
}

fn watch(home: &Panto, served: &Served, mode: Mode) -> Watcher {
    let address = served.address();
    let (host, port) = address.rsplit_once(':').expect("HOST:PORT");
    Watcher::start(ClientOptions {
        target: Target::tcp(host, port.parse().expect("a port")),
        trust: TrustPolicy::Strict,
        known_hosts: KnownHosts::at(home.path("nobody")),
        tls: true,
        name: "watcher".into(),
        settings: Settings { mode, ..Settings::default() },
        view_only: false,
        local_moves: false,
        explain: false,
        disk_cache: None,
        vnc: Default::default(),
        reconnect: false,
        duration: None,
    })
}

fn rfb(served: &Served, more: &[EncodingId]) -> RfbClient {
    let mut client = RfbClient::connect(&address(served), "003.008");
    client.settle(PixelFormat::NATIVE, &[&[EncodingId::TIGHT, EncodingId::COPY_RECT][..], more].concat());
    client.ask(false);
    client.update();
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mode_shows_what_is_typed_and_scrolled() {
    let (home, server) = (panto(), Tiger::open(SIZE));
    let _terminal = terminal(&server.display);
    let served = gateway(&home, server.port, &[]);
    for mode in [Mode::Pixels, Mode::Commands, Mode::Hybrid] {
        let name = mode.name();
        let watcher = watch(&home, &served, mode);
        enter(&watcher);
        shows(&watcher, &format!("{name}: before"), || server.display.picture());
        // Twenty lines in a window of sixteen: it scrolls.
        for line in 0..20 {
            let before = server.display.picture();
            type_line(&watcher, &format!("{line} {name} abcba"));
            eventually("the terminal shows a line", || (server.display.picture() != before).then_some(()));
        }
        let typed = rested(&server.display);
        shows(&watcher, &format!("{name}: typed"), || typed.clone());
        assert!(watcher.handle.shown().cursor.is_some(), "the pointer's picture came");
        for dy in [-240, 240] {
            let before = server.display.picture();
            watcher.send(Command::Input(InputEvent::Scroll { dx: 0, dy }));
            eventually("the wheel turns", || (server.display.picture() != before).then_some(()));
            let turned = rested(&server.display);
            shows(&watcher, &format!("{name}: turned by {dy}"), || turned.clone());
        }
        let (stats, result) = watcher.quit().await;
        result.expect("a good end");
        assert_eq!((stats.mode.as_str(), stats.lossless), (name, true));
        let copies = stats.payload_bytes_by_kind.get("Copy").copied().unwrap_or(0);
        assert!(copies > 0 || mode == Mode::Pixels, "{name}: scrolling is copied: {stats:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_without_updates_by_themselves_and_gateways_to_gateways() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    let _terminal = terminal(&display);
    let (port, _server) = x11vnc(&display, &[]);
    let near = gateway(&home, port, &[]);
    let port = address(&near).rsplit(':').next().unwrap().parse().expect("a port");
    let far = gateway(&home, port, &[]);
    let watcher = watch(&home, &far, Mode::Hybrid);
    enter(&watcher);
    shows(&watcher, "before", || display.picture());
    let before = display.picture();
    type_line(&watcher, "abc through two gateways");
    eventually("the terminal shows a line", || (display.picture() != before).then_some(()));
    let typed = rested(&display);
    shows(&watcher, "typed", || typed.clone());
    watcher.quit().await.1.expect("a good end");
}

#[test]
fn vnc_viewers_see_it_too_and_get_copies() {
    let home = panto();
    let server = Tiger::start(SIZE, free_port(), &["-SecurityTypes", "None", "-desktop", "a desk"]);
    let _terminal = terminal(&server.display);
    let served = gateway(&home, server.port, &["--name", "gate"]);
    let mut client = rfb(&served, &[]);
    assert_eq!(client.name, "gate");
    client.say(&ClientMessage::Pointer { buttons: 0, x: 90, y: 90 });
    client.say(&ClientMessage::Pointer { buttons: 0, x: 100, y: 100 });
    rested(&server.display);
    client.until("before", || server.display.picture());
    for line in 0..20 {
        let before = server.display.picture();
        for key in format!("{line} typed").chars().map(u32::from).chain([0xff0d]) {
            client.say(&ClientMessage::Key { down: true, keysym: key });
            client.say(&ClientMessage::Key { down: false, keysym: key });
        }
        eventually("the terminal shows a line", || (server.display.picture() != before).then_some(()));
        client.ask(true);
        client.update();
    }
    rested(&server.display);
    client.until("typed", || server.display.picture());
    assert!(client.seen.contains_key(&EncodingId::COPY_RECT.0), "scrolling is copied: {:?}", client.seen);
    // Without a name of its own, the gateway has the server's.
    drop(served);
    let served = gateway(&home, server.port, &[]);
    assert_eq!(rfb(&served, &[]).name, "a desk");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_changes_its_size() {
    let (home, server) = (panto(), Tiger::open(SIZE));
    let _terminal = terminal(&server.display);
    let served = gateway(&home, server.port, &[]);
    let watcher = watch(&home, &served, Mode::Hybrid);
    enter(&watcher);
    shows(&watcher, "before", || server.display.picture());
    assert!(watcher.handle.shown().can_resize);
    let resized = |size: Size| {
        eventually("the screen has the size", || (watcher.handle.shown().screen == size).then_some(()));
        shows(&watcher, &format!("{size:?}"), || server.display.picture());
        assert_eq!(watcher.handle.shown().picture.size(), size);
    };
    for size in [Size::new(601, 399), Size::new(200, 150)] {
        watcher.send(Command::Resize(size));
        resized(size);
    }
    let status = Program::new("xrandr")
        .args(["-display", server.display.name(), "--fb", "700x500"])
        .status()
        .expect("xrandr starts");
    assert!(status.success());
    resized(Size::new(700, 500));
    // And a VNC viewer's wish.
    let mut client = rfb(&served, &[EncodingId::EXTENDED_DESKTOP_SIZE]);
    let size = Size::new(520, 340);
    let screens = vec![Screen { id: 0, rect: Rect::of_size(size), flags: 0 }];
    client.say(&ClientMessage::SetDesktopSize { size, screens });
    resized(size);
    client.until("resized", || server.display.picture());
    watcher.quit().await.1.expect("a good end");
}

#[test]
fn a_size_that_the_server_refuses_is_answered() {
    let home = panto();
    let options = ["-SecurityTypes", "None", "-AcceptSetDesktopSize=0"];
    let server = Tiger::start(SIZE, free_port(), &options);
    let served = gateway(&home, server.port, &[]);
    let mut client = rfb(&served, &[EncodingId::EXTENDED_DESKTOP_SIZE]);
    client.layouts.clear();
    let size = Size::new(520, 340);
    let screens = vec![Screen { id: 0, rect: Rect::of_size(size), flags: 0 }];
    client.say(&ClientMessage::SetDesktopSize { size, screens });
    while client.layouts.is_empty() {
        client.ask(true);
        client.update();
    }
    let (how, screens) = client.layouts.pop().unwrap();
    assert_eq!(how, Point::new(1, 2), "asked for by this viewer, out of resources");
    assert_eq!((client.picture.size(), screens[0].rect), (SIZE, Rect::of_size(SIZE)));
}

#[test]
fn clipboards_both_ways() {
    let (home, server) = (panto(), Tiger::open(SIZE));
    let served = gateway(&home, server.port, &[]);
    let mut client = rfb(&served, &[]);
    client.say(&ClientMessage::CutText(b"from the viewer: Gr\xfc\xdfe".to_vec()));
    eventually("the server has it", || (pasted(&server.display) == "from the viewer: Grüße").then_some(()));
    let mut owner = copy(&server.display, "from the server: é");
    let bytes = client.word(CUT_TEXT);
    assert_eq!(&bytes[4..], b"from the server: \xe9");
    let _ = owner.kill();
    let _ = owner.wait();
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords() {
    let home = panto();
    let file = password_file(&home);
    let server = Tiger::start(SIZE, free_port(), &["-SecurityTypes", "VncAuth", "-PasswordFile", &file]);
    let _terminal = terminal(&server.display);
    let (right, wrong) = (home.path("right"), home.path("wrong"));
    home.write_private(&right, "password\n");
    home.write_private(&wrong, "nonsense\n");
    let (right, wrong) = (right.to_str().unwrap(), wrong.to_str().unwrap());
    let url = url(server.port);
    let refused = |more: &[&str]| {
        let all = ["serve", "127.0.0.1:0", "--auth", "none", "--source", &url];
        home.run(&[&all[..], more].concat())
    };
    let output = refused(&["--source-password-file", wrong]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(said(&output).contains("Authentication failure") && !said(&output).contains("nonsense"));
    let output = refused(&[]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(said(&output).contains("none was given (--source-password-file)"), "{}", said(&output));
    let open = home.path("open");
    std::fs::write(&open, "password\n").unwrap();
    let output = refused(&["--source-password-file", open.to_str().unwrap()]);
    assert!(!output.status.success() && said(&output).contains("open"), "{output:?}");

    let served = gateway(&home, server.port, &["--source-password-file", right]);
    let watcher = watch(&home, &served, Mode::Hybrid);
    enter(&watcher);
    shows(&watcher, "let in", || server.display.picture());
    watcher.quit().await.1.expect("a good end");
}

#[test]
fn what_cannot_be_a_source_is_said_at_once() {
    let home = panto();
    let run = |more: &[&str]| {
        let output = home.run(&[&["serve", "127.0.0.1:0", "--auth", "none"][..], more].concat());
        (output.status.code(), said(&output))
    };
    let (code, words) = run(&["--source", "panto://localhost"]);
    assert!(code == Some(2) && words.contains("write vnc://HOST"), "{code:?} {words}");
    let (code, words) = run(&["--source", "rdp://localhost"]);
    assert!(code == Some(2) && words.contains("rdp://"), "{code:?} {words}");
    let (code, words) = run(&["--source", "vnc://localhost", "--demo"]);
    assert!(code == Some(2) && words.contains("--demo"), "{code:?} {words}");
    let (code, words) = run(&["--source-trust", "new"]);
    assert!(code == Some(2) && words.contains("--source"), "{code:?} {words}");
    let (code, words) = run(&["--source", &url(free_port())]);
    assert_eq!(code, Some(3), "{words}");
    // A key that nobody knows, and nobody to ask.
    let [cert, key] = certificate(&home.path("."), "vnc");
    let types = ["-SecurityTypes", "X509None", "-X509Cert", &cert, "-X509Key", &key];
    let server = Tiger::start(SIZE, free_port(), &types);
    let (code, words) = run(&["--source", &url(server.port)]);
    assert!(code == Some(5) && words.contains("SHA256:"), "{code:?} {words}");
    drop(gateway(&home, server.port, &["--source-trust", "new"]));
    // And now it is known.
    drop(gateway(&home, server.port, &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_and_comes_back_until_it_wants_a_password() {
    let (home, port) = (panto(), free_port());
    let server = Tiger::start(SIZE, port, &["-SecurityTypes", "None"]);
    let first = terminal(&server.display);
    let served = gateway(&home, port, &[]);
    let watcher = watch(&home, &served, Mode::Hybrid);
    enter(&watcher);
    shows(&watcher, "before", || server.display.picture());
    let last = server.display.picture();
    drop((first, server));
    eventually("the loss is noticed", || served.log().contains("is lost").then_some(()));
    eventually("viewers hear of it", || {
        watcher.handle.shown().notice.text.contains("this is its last picture").then_some(())
    });
    let trouble = home.ctl(&served, &["status"])["status"]["trouble"].as_str().map(str::to_owned);
    assert!(trouble.as_ref().is_some_and(|text| text.contains("is lost")), "{trouble:?}");
    assert!(watcher.handle.shown().connection == Connection::Connected);
    assert_eq!(watcher.handle.shown().picture, last, "the last picture stays");
    let size = Size::new(500, 300);
    let server = Tiger::start(size, port, &["-SecurityTypes", "None"]);
    let second = terminal(&server.display);
    eventually("its size", || (watcher.handle.shown().screen == size).then_some(()));
    enter(&watcher);
    type_line(&watcher, "abc again");
    shows(&watcher, "after", || server.display.picture());
    assert!(home.ctl(&served, &["status"])["status"]["trouble"].is_null());
    assert!(watcher.handle.shown().notice.text.contains("as it is again"));
    drop((second, server));
    let file = password_file(&home);
    let _server = Tiger::start(SIZE, port, &["-SecurityTypes", "VncAuth", "-PasswordFile", &file]);
    let error = watcher.ended().await.1.expect_err("the source has failed");
    let why = "the VNC server cannot be served any more: authentication failed";
    assert!(matches!(&error, ViewError::Capture { reason } if reason.contains(why)), "{error}");
}

/// A port that leads to this one, and the bytes that have gone through, both ways.
fn counted(to: u16) -> (u16, Arc<AtomicU64>) {
    fn carry(mut from: TcpStream, mut to: TcpStream, bytes: Arc<AtomicU64>) {
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                bytes.fetch_add(n as u64, Ordering::SeqCst);
                if to.write_all(&buffer[..n]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let (port, bytes) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU64::new(0)));
    let all = Arc::clone(&bytes);
    std::thread::spawn(move || {
        for near in listener.incoming() {
            let (Ok(near), Ok(far)) = (near, TcpStream::connect(("127.0.0.1", to))) else { return };
            let (Ok(back), Ok(forth)) = (far.try_clone(), near.try_clone()) else { return };
            carry(near, far, Arc::clone(&all));
            carry(back, forth, Arc::clone(&all));
        }
    });
    (port, bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_flows_while_nobody_views() {
    let (home, server) = (panto(), Tiger::open(SIZE));
    let (port, bytes) = counted(server.port);
    let served = gateway(&home, port, &[]);
    let paint = |color: u32| {
        server.display.paint(Point::default(), &Picture::new(SIZE, color));
        std::thread::sleep(Duration::from_millis(50));
    };
    for round in 1..=2 {
        // One update may be on its way that was asked for before.
        (0..4).for_each(|i| paint(round << 8 | i));
        let before = bytes.load(Ordering::SeqCst);
        (4..24).for_each(|i| paint(round << 8 | i));
        assert_eq!(bytes.load(Ordering::SeqCst), before, "round {round}");
        let watcher = watch(&home, &served, Mode::Pixels);
        watcher
            .until("a picture", |shown| {
                if shown.size() == SIZE {
                    assert_eq!(shown.pixel(Point::new(400, 300)), Some(round << 8 | 23), "an old picture");
                }
                shown.size() == SIZE
            })
            .await;
        assert!(bytes.load(Ordering::SeqCst) > before);
        watcher.quit().await.1.expect("a good end");
        eventually("nobody views", || {
            home.ctl(&served, &["viewers"])["viewers"].as_array().is_some_and(Vec::is_empty).then_some(())
        });
    }
}
