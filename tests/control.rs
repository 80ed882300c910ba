//! `panto ctl`: looking at a running server and steering it, one viewer or all.

use std::sync::Arc;

use panto_protocol::canvas::digest;
use panto_protocol::geometry::Size;
use panto_protocol::message::{Mode, Settings};
use panto_protocol::pixel::Picture;
use panto_tests::harness::{PATIENCE, Panto, Served, XDisplay, assert_same, eventually, panto};
use panto_transport::{Fingerprint, KnownHosts, Target, TrustPolicy};
use panto_viewer::core::{Client, ClientOptions, Command, Handle, Prompt, View};
use panto_viewer::stats::Stats;
use rustix::process::Signal;
use serde_json::{Value, json};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt as _, CreateGCAux, Gcontext, ImageFormat, Rectangle, Window};
use x11rb::rust_connection::RustConnection;

use crate::errors::Viewing;
use crate::security::check;

const SIZE: Size = Size::new(400, 300);

/// Draws on a display's background, the same for the same seed.
pub struct Painter {
    conn: RustConnection,
    root: Window,
    gc: Gcontext,
    size: Size,
    state: u64,
}

impl Painter {
    pub fn on(display: &str, size: Size) -> Self {
        let (conn, screen) = RustConnection::connect(Some(display)).unwrap();
        let root = conn.setup().roots[screen].root;
        let gc = conn.generate_id().unwrap();
        conn.create_gc(gc, root, &CreateGCAux::new()).unwrap().check().unwrap();
        Self { conn, root, gc, size, state: 0x9e37_79b9_7f4a_7c15 }
    }

    /// Marsaglia's xorshift.
    fn random(&mut self, below: u32) -> u32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 32) as u32 % below
    }

    /// Fills some rectangles, and is back when they are on the screen.
    pub fn rectangles(&mut self, count: usize) {
        for _ in 0..count {
            let (width, height) = (self.size.width, self.size.height);
            let rectangle = Rectangle {
                x: self.random(width) as i16,
                y: self.random(height) as i16,
                width: 1 + self.random(width / 2) as u16,
                height: 1 + self.random(height / 2) as u16,
            };
            let color = self.random(1 << 24);
            let aux = x11rb::protocol::xproto::ChangeGCAux::new().foreground(color);
            self.conn.change_gc(self.gc, &aux).unwrap();
            self.conn.poly_fill_rectangle(self.root, self.gc, &[rectangle]).unwrap();
        }
        self.conn.get_input_focus().unwrap().reply().unwrap();
    }

    /// Fills the screen with noise, which nothing compresses.
    pub fn noise(&mut self) {
        let Size { width, height } = self.size;
        let bytes: Vec<u8> =
            (0..width * height).flat_map(|_| (self.random(1 << 24) << 8).to_be_bytes()).collect();
        self.conn
            .put_image(
                ImageFormat::Z_PIXMAP,
                self.root,
                self.gc,
                width as u16,
                height as u16,
                0,
                0,
                0,
                24,
                &bytes,
            )
            .unwrap();
        self.conn.get_input_focus().unwrap().reply().unwrap();
    }
}

/// A well-behaved viewer inside this process, so that its picture can be looked at.
pub struct Onlooker {
    handle: Handle,
    task: tokio::task::JoinHandle<Stats>,
    runtime: tokio::runtime::Runtime,
}

/// Answers no questions.
pub struct Nobody;

impl Prompt for Nobody {
    fn secret(&self, _: &str, _: Option<&str>) -> Option<String> {
        None
    }
    fn trust(&self, _: &Target, _: Fingerprint) -> bool {
        false
    }
}

impl Onlooker {
    /// Looks at a server without authentication.
    pub fn at(home: &Panto, target: &str, name: &str, mode: Mode) -> Self {
        let view = View::new();
        let handle = view.handle();
        let options = ClientOptions {
            target: target.parse().unwrap(),
            trust: TrustPolicy::Strict,
            known_hosts: KnownHosts::at(home.path("onlookers-known-hosts")),
            tls: true,
            name: name.into(),
            settings: Settings { mode, ..Settings::default() },
            view_only: false,
            local_moves: true,
            explain: false,
            disk_cache: None,
            vnc: Default::default(),
            reconnect: false,
            duration: None,
        };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let task = runtime.spawn(async move {
            let (stats, result) = Client::new(options, Arc::new(Nobody), view).run().await;
            result.expect("an undisturbed viewing");
            stats
        });
        Self { handle, task, runtime }
    }

    /// Waits until it shows what the display shows.
    pub fn agrees(&self, display: &XDisplay, what: &str) {
        let mut last = None;
        let agreed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(what, || {
                let (shown, screen) = (self.handle.shown().picture.clone(), display.picture());
                let same = shown == screen;
                last = Some((shown, screen));
                (same || self.task.is_finished()).then_some(())
            });
        }));
        let (shown, screen) = last.expect("it was looked at");
        assert_same(what, &shown, &screen);
        assert!(agreed.is_ok() && !self.task.is_finished(), "{what}");
    }

    /// Whether the server has proved its picture right since this many digests.
    pub fn digests_since(&self, before: u64) -> bool {
        let stats = &self.handle.shown().stats;
        assert_eq!(stats.digests_wrong, 0);
        stats.digests_ok > before
    }

    /// Its figures so far.
    pub fn stats(&self) -> Stats {
        self.handle.shown().stats.clone()
    }

    /// Ends it and returns its figures.
    pub fn quit(self) -> Stats {
        self.handle.send(Command::Quit);
        let task = self.task;
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, task).await })
            .expect("the viewer ends")
            .expect("no panic")
    }
}

fn desk(home: &Panto) -> (XDisplay, Served, Painter) {
    let display = XDisplay::start(SIZE);
    let served =
        home.serve(&["127.0.0.1:0", "--auth", "none", "--name", "desk", "--display", display.name()]);
    let painter = Painter::on(display.name(), SIZE);
    (display, served, painter)
}

fn viewers(home: &Panto, served: &Served) -> Vec<Value> {
    home.ctl(served, &["viewers"])["viewers"].as_array().expect("a list").clone()
}

fn named(home: &Panto, served: &Served, name: &str) -> Value {
    let all = viewers(home, served);
    all.iter().find(|v| v["name"] == name).unwrap_or_else(|| panic!("no {name} in {all:?}")).clone()
}

/// Waits until this viewer is served with this.
fn in_force(home: &Panto, served: &Served, name: &str, what: &str, value: Value) {
    eventually(&format!("{name} has {what} {value}"), || {
        (named(home, served, name)[what] == value).then_some(())
    });
}

#[test]
fn status_and_viewers() {
    let home = panto();
    let (_display, served, _) = desk(&home);
    let nobody = home.ctl(&served, &["status"]);
    assert_eq!(nobody["status"]["viewers"], 0);
    assert_eq!(viewers(&home, &served), Vec::<Value>::new());

    let one = Viewing::start(&home, &served, "one", &["--mode", "pixels", "--depth", "8"], 1);
    let two = Viewing::start(&home, &served, "two", &["--mode", "commands", "--copy-rect"], 2);
    let status = home.ctl(&served, &["status"])["status"].clone();
    for (key, value) in [
        ("name", json!("desk")),
        ("width", json!(400)),
        ("height", json!(300)),
        ("viewers", json!(2)),
        ("failure", Value::Null),
        ("windows_as", json!("surfaces")),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(status[key], value, "{key}");
    }
    assert!(status["uptime_s"].as_f64() > Some(0.0) && status["server_cpu_s"].is_f64(), "{status}");

    let (first, second) = (named(&home, &served, "one"), named(&home, &served, "two"));
    assert_ne!(first["id"], second["id"]);
    for (viewer, mode, depth, copy_rect) in [(&first, "pixels", 8, false), (&second, "commands", 24, true)] {
        assert_eq!(viewer["mode"], mode);
        assert_eq!(viewer["depth"], depth);
        assert_eq!(viewer["scale"], 1);
        assert_eq!(viewer["copy_rect"], copy_rect);
        assert_eq!(viewer["rights"], "control");
        assert!(viewer["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{viewer}");
        assert!(viewer["bytes_down"].as_u64() > Some(0) && viewer["frames"].as_u64() > Some(0), "{viewer}");
    }

    // The same for people.
    let socket = served.socket();
    let text = |command: &str| {
        let output = home.run(&["ctl", "--socket", socket.to_str().unwrap(), command]);
        check(&output, 0, &[]);
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text("status").contains("screen 400x300") && text("status").contains("2 viewers"));
    let table = text("viewers");
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("one") && table.contains("pixels") && table.contains("1/1"), "{table}");

    for viewing in [one, two] {
        assert_eq!(viewing.end(Signal::INT).code, Some(130));
    }
    eventually("both have left", || viewers(&home, &served).is_empty().then_some(()));
}

#[test]
fn settings_of_one_viewer_and_of_all() {
    let home = panto();
    let (display, served, mut painter) = desk(&home);
    let one = Onlooker::at(&home, &served.address(), "one", Mode::Pixels);
    let two = Onlooker::at(&home, &served.address(), "two", Mode::Hybrid);
    one.agrees(&display, "one");
    two.agrees(&display, "two");
    let first = named(&home, &served, "one")["id"].to_string();
    let before = named(&home, &served, "two");

    for (command, value, key, expected) in [
        ("mode", "commands", "mode", json!("commands")),
        ("depth", "16", "depth", json!(16)),
        ("scale", "1/2", "scale", json!(2)),
        ("dither", "on", "dither", json!(true)),
        ("copy-rect", "on", "copy_rect", json!(true)),
        ("exact", "on", "exact", json!(true)),
        ("wire", "plain", "wire", json!("plain")),
    ] {
        painter.rectangles(5);
        let reached = home.ctl(&served, &[command, value, "--viewer", &first]);
        assert_eq!(reached, json!({"reached": 1}));
        in_force(&home, &served, "one", key, expected);
        assert_eq!(named(&home, &served, "two")[key], before[key], "{command} for one is for one");
    }
    for (command, value, key, expected) in [
        ("mode", "pixels", "mode", json!("pixels")),
        ("depth", "8", "depth", json!(8)),
        ("scale", "1/4", "scale", json!(4)),
        ("dither", "off", "dither", json!(false)),
        ("copy-rect", "off", "copy_rect", json!(false)),
        ("exact", "off", "exact", json!(false)),
        ("wire", "coded", "wire", json!("coded")),
    ] {
        painter.rectangles(5);
        assert_eq!(home.ctl(&served, &[command, value]), json!({"reached": 2}));
        for name in ["one", "two"] {
            in_force(&home, &served, name, key, expected.clone());
        }
    }
    // Back to all of it: nothing of what was coarse may be left.
    for args in [["mode", "auto"], ["depth", "24"], ["scale", "1"]] {
        home.ctl(&served, &args);
    }
    for name in ["one", "two"] {
        in_force(&home, &served, name, "scale", json!(1));
    }
    painter.rectangles(1);
    for (name, viewer) in [("one", one), ("two", two)] {
        viewer.agrees(&display, name);
        let stats = viewer.quit();
        assert_eq!((stats.digests_wrong, stats.reconnects), (0, 0), "{name}");
        assert_eq!((stats.mode.as_str(), stats.depth, stats.lossless), ("auto", 24, true));
    }
}

#[test]
fn a_mode_switched_mid_run_keeps_the_picture_exact() {
    let home = panto();
    let (display, served, mut painter) = desk(&home);
    let onlooker = Onlooker::at(&home, &served.address(), "two", Mode::Auto);
    let viewing = Viewing::start(&home, &served, "one", &["--mode", "pixels"], 2);
    for mode in ["commands", "hybrid", "auto", "pixels", "hybrid"] {
        painter.rectangles(20);
        home.ctl(&served, &["mode", mode]);
        painter.rectangles(20);
        in_force(&home, &served, "one", "mode", json!(mode));
    }
    painter.noise();
    painter.rectangles(3);
    let screen: Picture = display.picture();
    onlooker.agrees(&display, "after five switches");
    let stats = onlooker.quit();
    assert_eq!((stats.mode.as_str(), stats.digests_wrong, stats.reconnects), ("hybrid", 0, 0));
    assert_eq!(stats.digest, digest(screen.view()).to_string());

    let ended = viewing.end(Signal::TERM);
    assert_eq!(ended.code, Some(130));
    assert_eq!(ended.stats["mode"], "hybrid");
    assert_eq!(ended.stats["digests_wrong"], 0);
    assert_eq!(ended.stats["reconnects"], 0);
}

#[test]
fn a_kicked_viewer_does_not_come_back() {
    let home = panto();
    let (_display, served, mut painter) = desk(&home);
    let kicked = Viewing::start(&home, &served, "kicked", &[], 1);
    let stays = Viewing::start(&home, &served, "stays", &[], 2);
    let id = named(&home, &served, "kicked")["id"].to_string();
    assert_eq!(home.ctl(&served, &["kick", &id]), json!({"reached": 1}));
    // It would reconnect after a loss: this is none.
    let ended = kicked.ended();
    assert_eq!(ended.code, Some(7));
    assert_eq!(ended.stats["reconnects"], 0);
    assert!(ended.picture.is_some(), "what it had seen is kept");
    eventually("one is left", || (viewers(&home, &served).len() == 1).then_some(()));
    let again = home.ctl(&served, &["kick", &id]);
    assert!(again["error"].as_str().unwrap().contains("panto ctl viewers"), "{again}");

    let frames = named(&home, &served, "stays")["frames"].as_u64();
    painter.rectangles(1);
    eventually("the other still sees", || {
        (named(&home, &served, "stays")["frames"].as_u64() > frames).then_some(())
    });
    let ended = stays.end(Signal::INT);
    assert_eq!((ended.code, &ended.stats["digests_wrong"]), (Some(130), &json!(0)));
}

#[test]
fn requests_that_cannot_be_met() {
    let home = panto();
    let (_display, served, _) = desk(&home);
    let socket = served.socket();
    let socket = socket.to_str().unwrap();
    for args in
        [&["kick", "99"][..], &["mode", "pixels", "--viewer", "99"], &["scale", "1/2", "--viewer", "99"]]
    {
        let mut all = vec!["ctl", "--socket", socket];
        all.extend(args);
        check(&home.run(&all), 1, &["no viewer 99", "panto ctl viewers"]);
        all.insert(1, "--json");
        let output = home.run(&all);
        check(&output, 1, &[]);
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON, for a failure too");
        assert!(answer["error"].is_string(), "{answer}");
    }
    // To all of nobody is no mistake.
    assert_eq!(home.ctl(&served, &["mode", "pixels"]), json!({"reached": 0}));
}

#[test]
fn the_socket_takes_one_request_a_line_and_bears_nonsense() {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixStream;
    let home = panto();
    let (_display, served, _) = desk(&home);
    let mut socket = UnixStream::connect(served.socket()).unwrap();
    let mut answers = BufReader::new(socket.try_clone().unwrap());
    let mut ask = |line: &[u8]| -> Value {
        socket.write_all(line).unwrap();
        socket.write_all(b"\n").unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"))
    };
    for (line, error) in [
        (&b"hello"[..], "not a request"),
        (b"{}", "not a request"),
        (b"\xff\xfe", "not a request"),
        (b"{\"command\":\"kick\",\"viewer\":-1}", "not a request"),
        (b"{\"command\":\"set\",\"mode\":\"fast\"}", "pixels, commands, hybrid or auto"),
        (b"{\"command\":\"set\",\"depth\":7}", "24, 16, 8, 4 or 1"),
        (b"{\"command\":\"set\",\"scale\":3}", "1, 2 or 4"),
        (b"{\"command\":\"kick\",\"viewer\":1}", "no viewer 1"),
    ] {
        let answer = ask(line);
        assert!(answer["error"].as_str().is_some_and(|e| e.contains(error)), "{answer}");
    }
    assert_eq!(ask(b"{\"command\":\"status\"}")["status"]["name"], "desk");
    // A line without an end is cut off, and costs others nothing.
    let mut endless = UnixStream::connect(served.socket()).unwrap();
    while endless.write_all(&[b'['; 1 << 16]).is_ok() {}
    assert_eq!(ask(b"{\"command\":\"viewers\"}"), json!({"viewers": []}));
}

#[test]
fn several_servers_of_one_user_are_told_apart() {
    let home = panto();
    let (display, first, _) = desk(&home);
    let second =
        home.serve(&["127.0.0.1:0", "--auth", "none", "--name", "other", "--display", display.name()]);
    assert_ne!(first.socket(), second.socket());
    assert_eq!(home.ctl(&first, &["status"])["status"]["name"], "desk");
    assert_eq!(home.ctl(&second, &["status"])["status"]["name"], "other");
    // Without a name, the first one answers.
    let output = home.run(&["ctl", "status", "--json"]);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["status"]["name"], "desk");
    let own = home.path("own/ctl.sock");
    let own = own.to_str().unwrap();
    let third = home.serve(&["127.0.0.1:0", "--auth", "none", "--socket", own, "--display", display.name()]);
    assert_eq!(third.socket().to_str(), Some(own));
    let taken = home.run(&["serve", "0", "--socket", own, "--display", display.name()]);
    check(&taken, 9, &["already in use"]);
}
