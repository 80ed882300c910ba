//! The window on a real X server: its pixels, its keys and its errors.
//!
//! This program is test and tested at once: winit wants the main thread, so every
//! test runs the program again as a child that shows a window (`PANTO_TEST_WINDOW`),
//! obeys lines on its standard input and writes the commands it would send on its
//! standard output. `PANTO_TEST_SHOTS=DIR` keeps pictures to look at.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::Picture;
use panto_viewer::core::{Command as Sent, Connection, Means, View};
use panto_viewer::stats::Latency;
use panto_viewer::ui::{self, Renderer, Scaling, WindowOptions};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateWindowAux, ImageFormat, InputFocus, Window, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// The longest that anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    if let Ok(options) = std::env::var("PANTO_TEST_WINDOW") {
        return child(&options);
    }
    let wanted: Vec<_> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    if std::env::args().any(|a| a == "--list") {
        for (name, _) in TESTS {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    for (name, test) in TESTS {
        if wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str())) {
            // A panic says what was wrong and ends the run with a failure.
            print!("test {name} ... ");
            let _ = std::io::stdout().flush();
            test();
            println!("ok");
        }
    }
    ExitCode::SUCCESS
}

const TESTS: &[(&str, fn())] = &[
    ("cpu_shows_the_exact_pixels", || exact("cpu", Size::new(640, 480))),
    ("gpu_shows_the_exact_pixels", gpu),
    ("a_window_that_grows_and_is_covered_shows_the_exact_pixels", || {
        ["cpu", "gpu"].into_iter().for_each(grows)
    }),
    ("whole_factors_are_sharp", sharp),
    ("keys_and_pointer_are_sent", input),
    ("what_the_resting_pointer_is_over_is_told", || ["cpu", "gpu"].into_iter().for_each(resting)),
    ("shortcuts_stay_here", shortcuts),
    ("overlays_leave_no_trace", overlays),
    ("a_lost_connection_keeps_the_picture", reconnecting),
    ("view_only_sends_nothing", view_only),
    ("the_remote_screen_follows_the_window", remote_resize),
    ("errors_are_plain", errors),
];

fn exact(renderer: &str, size: Size) {
    let x = Server::start();
    let mut w = x.window(&format!("renderer={renderer} size={}x{}", size.width, size.height));
    let mut picture = picture(size);
    w.expect_pixels("first picture", &picture);
    for (i, r) in
        [Rect::new(5, 7, 100, 3), Rect::new(0, 0, 1, 1), Rect::new(600, 470, 99, 99)].into_iter().enumerate()
    {
        let color = 0x0001_80ff * (i as u32 + 1);
        w.tell(&format!("fill {} {} {} {} {color}", r.left, r.top, r.width(), r.height()));
        picture.fill(r, color);
        w.expect_pixels("after damage", &picture);
    }
    w.quit();
}

fn gpu() {
    // Any driver will do, the emulated one too.
    let drivers = std::fs::read_dir("/usr/share/vulkan/icd.d").map(|d| d.count()).unwrap_or(0);
    if drivers == 0 {
        print!("skipped, no Vulkan driver (apt install mesa-vulkan-drivers) ");
        return;
    }
    exact("gpu", Size::new(640, 480));
    exact("gpu", Size::new(641, 479));
}

/// As when a person pulls at its edge: it is larger again before the last size was shown.
fn grows(renderer: &str) {
    let x = Server::start();
    let mut w = x.window(&format!("renderer={renderer} size=640x480"));
    let all = picture(Size::new(640, 480));
    w.expect_pixels("first picture", &all);
    for step in 0..100 {
        w.tell(&format!("fill {step} {step} 50 50 {step}"));
        w.resize(300 + 3 * step, 200 + 2 * step);
    }
    w.tell("picture");
    w.resize(640, 480);
    w.expect_pixels("its old size", &all);
    let over = x.cover(100, 100, 200, 200);
    w.expect_other_pixels("covered", &all);
    x.uncover(over);
    w.expect_pixels("uncovered", &all);
    w.quit();
}

fn sharp() {
    let x = Server::start();
    let mut w = x.window("renderer=cpu size=200x150 scaling=2");
    let small = picture(Size::new(200, 150));
    let mut large = Picture::new(Size::new(400, 300), 0);
    for y in 0..300 {
        for (x, p) in large.row_mut(y, 0, 400).iter_mut().enumerate() {
            *p = small.data()[y as usize / 2 * 200 + x / 2];
        }
    }
    w.expect_pixels("twice the size", &large);
    w.quit();
}

fn input() {
    let x = Server::start();
    let mut w = x.window("renderer=cpu size=640x480 cursor=1");
    w.expect_pixels("first picture", &picture(Size::new(640, 480)));
    w.focus();
    x.pointer(100, 200);
    w.expect_sent("Pointer { position: Point { x: 100, y: 200 } }");
    x.button(1, true);
    x.button(1, false);
    w.expect_sent("Button { button: 1, down: true }");
    w.expect_sent("Button { button: 1, down: false }");
    x.button(5, true);
    x.button(5, false);
    w.expect_sent("Scroll { dx: 0, dy: 120 }");
    x.key(30, true);
    w.expect_sent(r#"Key { physical: 30, keysym: 97, down: true, text: "a" }"#);
    x.key(30, false);
    w.expect_sent(r#"Key { physical: 30, keysym: 97, down: false, text: "" }"#);
    x.key(42, true);
    w.expect_sent(r#"Key { physical: 42, keysym: 65505, down: true, text: "" }"#);
    x.key(3, true);
    w.expect_sent(r#"Key { physical: 3, keysym: 64, down: true, text: "@" }"#);
    // The focus goes with two keys down.
    x.unfocus();
    w.expect_sent("KeysDown { keys: [] }");
    x.key(3, false);
    x.key(42, false);
    w.quit();
}

fn resting(renderer: &str) {
    let x = Server::start();
    let mut w = x.window(&format!("renderer={renderer} size=640x480"));
    w.expect_pixels("first picture", &picture(Size::new(640, 480)));
    w.focus();
    x.pointer(100, 120);
    w.expect_sent("Pointer { position: Point { x: 100, y: 120 } }");
    // The picture shrinks below the hand: a click is meant for what is seen there now.
    w.resize(320, 240);
    w.expect_sent("Pointer { position: Point { x: 200, y: 240 } }");
    x.button(1, true);
    x.button(1, false);
    w.expect_sent("Button { button: 1, down: true }");
    w.expect_sent("Button { button: 1, down: false }");
    // Once it has left, nothing is below it: the server's stays where it was.
    let left = w.next;
    x.pointer(330, 250);
    w.resize(160, 120);
    w.settle();
    x.pointer(80, 60);
    w.expect_sent("Pointer { position: Point { x: 320, y: 240 } }");
    let told = &w.log[left..w.next];
    let places = told.iter().filter(|l| l.contains("Pointer")).count();
    assert_eq!(places, 1, "{told:?}");
    w.quit();
}

fn shortcuts() {
    let x = Server::start();
    let mut w = x.window("renderer=cpu size=640x480");
    w.expect_pixels("first picture", &picture(Size::new(640, 480)));
    w.focus();
    for (key, mode) in [(2, "Pixels"), (3, "Commands"), (4, "Hybrid"), (11, "Auto")] {
        x.chord(key);
        w.expect_sent(&format!("Settings(Settings {{ mode: {mode}, "));
    }
    x.chord(38);
    w.expect_sent("Refresh");
    x.chord(19);
    w.expect_sent("Reconnect");
    x.chord(16);
    w.expect_sent("Quit");
    let (status, _) = w.wait();
    assert!(status, "the window ended with an error");
    assert!(!w.log.iter().any(|l| l.contains("physical: 38,")), "the letter of a shortcut was sent");
}

fn overlays() {
    let x = Server::start();
    let size = Size::new(960, 640);
    let mut w = x.window("renderer=cpu size=960x640 stats=1");
    let plain = picture(size);
    w.expect_pixels("first picture", &plain);
    w.focus();
    x.chord(31);
    w.expect_other_pixels("three lines of statistics", &plain);
    w.shot("statistics-three");
    x.chord(31);
    w.settle();
    w.shot("statistics-all");
    x.chord(31);
    w.expect_pixels("statistics gone", &plain);
    x.chord(18);
    w.expect_sent("Explain(true)");
    w.expect_other_pixels("legend", &plain);
    w.settle();
    w.shot("legend");
    x.chord(18);
    w.expect_sent("Explain(false)");
    w.expect_pixels("legend gone", &plain);
    x.chord(50);
    w.expect_other_pixels("menu", &plain);
    x.pointer(480, 300);
    w.settle();
    w.shot("menu");
    x.tap(1);
    w.expect_pixels("menu closed by Escape", &plain);
    x.chord(66);
    w.expect_other_pixels("menu by F8", &plain);
    x.tap(3);
    w.expect_sent("Settings(Settings { mode: Commands, ");
    w.expect_pixels("menu closed by choosing", &plain);
    w.tell("notice The clipboard was cut to 1 MB; the rest did not fit.");
    w.expect_other_pixels("notice", &plain);
    w.shot("notice");
    w.expect_pixels("notice gone by itself", &plain);
    w.quit();
    let mut w = x.window("renderer=cpu size=960x640 hints=1");
    w.expect_other_pixels("hint on connecting", &plain);
    w.settle();
    w.shot("hint");
    w.expect_pixels("hint gone after three seconds", &plain);
    w.quit();
}

fn reconnecting() {
    let x = Server::start();
    let size = Size::new(640, 480);
    let mut w = x.window("renderer=cpu size=640x480");
    let plain = picture(size);
    w.expect_pixels("first picture", &plain);
    w.tell("reconnecting connection timed out after 10 s");
    w.expect_other_pixels("dimmed", &plain);
    w.settle();
    w.shot("reconnecting");
    // A corner far from the banner: dark, but the same picture.
    let seen = w.pixels();
    let dark = |c: u32| (c >> 2 & 0x003f_3f3f) + (c >> 3 & 0x001f_1f1f);
    assert_eq!(seen.data()[..600], plain.data()[..600].iter().map(|&c| dark(c)).collect::<Vec<_>>());
    w.tell("connected");
    w.expect_pixels("well again", &plain);
    w.focus();
    w.tell("closed the server was shut down");
    w.expect_other_pixels("ended", &plain);
    w.settle();
    w.shot("closed");
    x.tap(1);
    w.expect_sent("Quit");
    assert!(w.wait().0);
    // Ended on request: no window stays.
    let mut w = x.window("renderer=cpu size=64x48");
    w.expect_pixels("second window", &picture(Size::new(64, 48)));
    w.tell("closed");
    assert!(w.wait().0);
}

fn view_only() {
    let x = Server::start();
    let mut w = x.window("renderer=cpu size=640x480 view-only=1");
    w.expect_pixels("first picture", &picture(Size::new(640, 480)));
    w.focus();
    x.pointer(10, 10);
    x.tap(30);
    x.chord(38);
    w.expect_sent("Refresh");
    assert!(!w.log.iter().any(|l| l.contains("Input")), "{:?}", w.log);
    x.chord(47);
    w.tell("echo done");
    w.expect_sent("done");
    x.tap(30);
    w.expect_sent("Key { physical: 30,");
    w.quit();
}

fn remote_resize() {
    let x = Server::start();
    let mut w = x.window("renderer=cpu size=400x300 remote-resize=1");
    w.expect_pixels("first picture", &picture(Size::new(400, 300)));
    w.resize(500, 350);
    w.expect_sent("Resize(Size { width: 500, height: 350 })");
    // The child made its screen that large, as a server would.
    w.expect_pixels("followed", &picture(Size::new(500, 350)));
    w.quit();
}

fn errors() {
    let run = |display: Option<&str>| {
        let mut command = itself("renderer=cpu size=64x48");
        match display {
            Some(d) => command.env("DISPLAY", d),
            None => command.env_remove("DISPLAY"),
        };
        let out = command.stdin(Stdio::null()).output().expect("the test can run itself");
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (code, text) = run(None);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("neither DISPLAY nor WAYLAND_DISPLAY is set"), "{text}");
    assert!(text.contains("--no-window") && !text.contains("panicked"), "{text}");
    // No X server has this number: its port would be beyond 65,535.
    let (code, text) = run(Some(":60000"));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("cannot open the display :60000") && !text.contains("panicked"), "{text}");
}

/// The child: a window with a synthetic picture.
fn child(options: &str) -> ExitCode {
    let option = |name: &str| {
        options.split(' ').find_map(|o| o.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    let size = option("size").and_then(|s| {
        let (w, h) = s.split_once('x')?;
        Some(Size::new(w.parse().ok()?, h.parse().ok()?))
    });
    let size = size.expect("the test gives a size");
    let mut view = View::new();
    view.update(|s| {
        s.picture = picture(size);
        s.screen = size;
        s.connection = Connection::Connected;
        s.may_control = true;
        s.can_resize = true;
        s.server_name = "workstation.example".to_owned();
        if option("cursor").is_some() {
            let picture = Picture::new(Size::new(9, 9), 0xff00_ff00);
            s.cursor = Some(CursorImage { picture, hot: Point::new(4, 4) }.into());
        }
        if option("stats").is_some() {
            s.stats.bytes_down = 12_345_678;
            s.stats.bytes_up = 45_678;
            s.stats.frames = 1234;
            s.stats.updates = 5678;
            s.stats.digests_ok = 42;
            s.stats.lossless = true;
            s.stats.exact_share = Some(0.978);
            s.stats.mode = "hybrid".to_owned();
            s.stats.rtt_ms = Some(0.42);
            s.stats.server_cpu_s = Some(1.0);
            s.stats.input_to_pixel_ms = Some(Latency { p50: 3.2, p95: 5.9, max: 12.0 });
            for (kind, bytes) in [
                ("InlinePixels", 72_200_000),
                ("Copy", 12_000),
                ("Fill", 40_000),
                ("GlyphPlace", 22_900_000),
                ("LossyPixels", 11_800_000),
                ("Composite", 300_000),
                ("WindowMove", 4_000),
            ] {
                s.stats.payload_bytes_by_kind.insert(kind.to_owned(), bytes);
            }
            for (means, bytes) in
                Means::ALL.into_iter().zip([12_000, 40_000, 22_900_000, 0, 0, 72_200_000, 11_800_000, 304])
            {
                s.stats.payload_bytes_by_means.insert(means.name().to_owned(), bytes);
            }
        }
    });
    let handle = view.handle();
    let last = handle.clone();
    let (said, all_said) = mpsc::channel();
    std::thread::spawn(move || obey(&mut view, &said));
    let options = WindowOptions {
        title: "window test".to_owned(),
        view_only: option("view-only").is_some(),
        hints: option("hints").is_some(),
        remote_resize: option("remote-resize").is_some(),
        renderer: if option("renderer").as_deref() == Some("gpu") { Renderer::Gpu } else { Renderer::Cpu },
        scaling: option("scaling").map_or(Scaling::Fit, |s| Scaling::Whole(s.parse().unwrap_or(1))),
        ..WindowOptions::default()
    };
    let result = ui::run(handle, options);
    // What the window sent last is still to be said.
    last.send(Sent::Resize(END));
    let _ = all_said.recv_timeout(PATIENCE);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

/// No window has this size: the end of what is sent.
const END: Size = Size::new(0, 0);

/// Does what the lines on standard input say, and says what is sent.
fn obey(view: &mut View, said: &mpsc::Sender<()>) {
    let (lines, received) = mpsc::channel();
    let reader = lines.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let _ = reader.send(Ok(line));
        }
    });
    let mut commands = std::mem::replace(&mut view.commands, View::new().commands);
    std::thread::spawn(move || {
        while let Some(command) = commands.blocking_recv() {
            let _ = lines.send(Err(command));
        }
    });
    for event in received {
        match event {
            Err(Sent::Resize(END)) => {
                let _ = said.send(());
            }
            Err(command) => {
                println!("{command:?}");
                match command {
                    Sent::Resize(size) => view.update(|s| {
                        s.picture = picture(size);
                        s.screen = size;
                        s.damage = Rect::of_size(size).into();
                    }),
                    Sent::Settings(settings) => view.update(|s| s.settings = settings),
                    Sent::Explain(on) => view.update(|s| s.explained = on),
                    _ => {}
                }
            }
            Ok(line) => {
                let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
                let connection = match verb {
                    "fill" => {
                        let n: Vec<i64> = rest.split(' ').filter_map(|n| n.parse().ok()).collect();
                        let r = Rect::new(n[0] as i32, n[1] as i32, n[2] as u32, n[3] as u32);
                        view.update(|s| {
                            s.picture.fill(r, n[4] as u32 & 0x00ff_ffff);
                            s.damage.add(r);
                            s.generation += 1;
                        });
                        continue;
                    }
                    "picture" => {
                        view.update(|s| {
                            s.picture = picture(s.screen);
                            s.damage = Rect::of_size(s.screen).into();
                            s.generation += 1;
                        });
                        continue;
                    }
                    "notice" => {
                        view.notice(rest);
                        continue;
                    }
                    "bytes" => {
                        let n: u64 = rest.parse().unwrap_or(0);
                        view.update(|s| {
                            s.stats.bytes_down += n;
                            s.stats.frames += 1 + n / 50_000;
                        });
                        continue;
                    }
                    "echo" => {
                        println!("{rest}");
                        continue;
                    }
                    "reconnecting" => Connection::Reconnecting { reason: rest.to_owned(), attempt: 3 },
                    "closed" => Connection::Closed { reason: rest.to_owned() },
                    _ => Connection::Connected,
                };
                view.update(|s| s.connection = connection);
            }
        }
    }
}

/// A picture with every byte value and no two neighbours alike, over a soft ground to look at.
fn picture(size: Size) -> Picture {
    let mut x = 1u32;
    let data = (0..size.area()).map(|i| {
        let (column, row) = ((i % u64::from(size.width)) as u32, (i / u64::from(size.width)) as u32);
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match column / 64 + row / 64 {
            n if n % 5 == 0 => x >> 8,
            n if n % 5 == 1 => 0x00ff_ffff,
            _ => (column & 0xff) << 16 | (row & 0xff) << 8 | (column ^ row) & 0xff,
        }
    });
    Picture::from_pixels(size, data.collect()).expect("as many pixels as the size says")
}

fn itself(options: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test has a path"));
    command.env("PANTO_TEST_WINDOW", options).env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    command.env_remove("XMODIFIERS");
    command
}

/// An X server of its own, and a connection to it.
struct Server {
    process: Child,
    display: String,
    x: RustConnection,
    root: Window,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1000x800x24", "-nolisten", "tcp", "-noreset"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts (apt install xvfb)");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("Xvfb says its display");
        let display = format!(":{}", line.trim());
        let (x, _) = x11rb::connect(Some(&display)).expect("Xvfb answers");
        let root = x.setup().roots[0].root;
        Self { process, display, x, root }
    }

    fn window(&self, options: &str) -> Shown<'_> {
        let mut process = itself(options)
            .env("DISPLAY", &self.display)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the test can run itself");
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().expect("stdout is piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Shown { server: self, process, stdin, lines, log: Vec::new(), next: 0 }
    }

    fn fake(&self, kind: u8, detail: u8, x: i16, y: i16) {
        self.x.xtest_fake_input(kind, detail, 0, self.root, x, y, 0).expect("XTEST works");
        self.x.flush().expect("Xvfb answers");
    }

    /// A key by its evdev code.
    fn key(&self, code: u8, down: bool) {
        self.fake(if down { 2 } else { 3 }, code + 8, 0, 0);
    }

    fn tap(&self, code: u8) {
        self.key(code, true);
        self.key(code, false);
    }

    /// Ctrl+Alt+Shift and a key.
    fn chord(&self, code: u8) {
        for (key, down) in [
            (29, true),
            (56, true),
            (42, true),
            (code, true),
            (code, false),
            (42, false),
            (56, false),
            (29, false),
        ] {
            self.key(key, down);
        }
    }

    fn button(&self, button: u8, down: bool) {
        self.fake(if down { 4 } else { 5 }, button, 0, 0);
    }

    fn pointer(&self, x: i16, y: i16) {
        self.fake(6, 0, x, y);
    }

    /// Puts a window over what is there.
    fn cover(&self, x: i16, y: i16, width: u16, height: u16) -> Window {
        let id = self.x.generate_id().expect("Xvfb answers");
        let made = CreateWindowAux::new().override_redirect(1).background_pixel(0x12_3456);
        let class = WindowClass::INPUT_OUTPUT;
        self.x
            .create_window(0, id, self.root, x, y, width, height, 0, class, 0, &made)
            .expect("Xvfb answers");
        self.x.map_window(id).expect("Xvfb answers");
        self.x.flush().expect("Xvfb answers");
        id
    }

    fn uncover(&self, id: Window) {
        self.x.destroy_window(id).expect("Xvfb answers");
        self.x.flush().expect("Xvfb answers");
    }

    fn unfocus(&self) {
        let none = x11rb::NONE;
        self.x.set_input_focus(InputFocus::NONE, none, x11rb::CURRENT_TIME).expect("Xvfb answers");
        self.x.flush().expect("Xvfb answers");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A child that shows a window.
struct Shown<'a> {
    server: &'a Server,
    process: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    log: Vec<String>,
    next: usize,
}

impl Shown<'_> {
    fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is piped");
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).expect("the child listens");
    }

    /// The window, once it is there.
    fn id(&self) -> Option<Window> {
        let tree = self.server.x.query_tree(self.server.root).ok()?.reply().ok()?;
        tree.children.into_iter().find(|&w| {
            let attributes = self.server.x.get_window_attributes(w).ok().and_then(|a| a.reply().ok());
            attributes.is_some_and(|a| a.map_state == x11rb::protocol::xproto::MapState::VIEWABLE)
        })
    }

    /// What the X server's screen shows where the window is.
    fn pixels(&self) -> Picture {
        self.try_pixels().expect("the window is there")
    }

    fn try_pixels(&self) -> Option<Picture> {
        let x = &self.server.x;
        let g = x.get_geometry(self.id()?).ok()?.reply().ok()?;
        let image =
            x.get_image(ImageFormat::Z_PIXMAP, self.server.root, g.x, g.y, g.width, g.height, !0).ok()?;
        let image = image.reply().ok()?;
        let data = image.data.as_chunks().0.iter().map(|&b| u32::from_le_bytes(b) & 0x00ff_ffff);
        Picture::from_pixels(Size::new(g.width.into(), g.height.into()), data.collect())
    }

    fn expect_pixels(&mut self, what: &str, expected: &Picture) {
        self.await_pixels(what, |seen| seen == expected, Some(expected));
    }

    fn expect_other_pixels(&mut self, what: &str, not: &Picture) {
        self.await_pixels(what, |seen| seen.size() == not.size() && seen != not, None);
    }

    /// Until two looks in a row see the same.
    fn settle(&mut self) {
        let mut last = self.pixels();
        self.await_pixels(
            "rest",
            move |seen| {
                let same = *seen == last;
                last = seen.clone();
                same
            },
            None,
        );
    }

    fn await_pixels(
        &mut self,
        what: &str,
        mut right: impl FnMut(&Picture) -> bool,
        expected: Option<&Picture>,
    ) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.try_pixels();
            if seen.as_ref().is_some_and(&mut right) {
                return;
            }
            if Instant::now() > deadline || self.process.try_wait().is_ok_and(|s| s.is_some()) {
                self.shot("wrong");
                let _ = self.process.kill();
                let mut errors = String::new();
                if let Some(stderr) = &mut self.process.stderr {
                    let _ = stderr.read_to_string(&mut errors);
                }
                let difference = match (&seen, expected) {
                    (Some(s), Some(e)) if s.size() == e.size() => {
                        let wrong = s.data().iter().zip(e.data()).filter(|(a, b)| a != b).count();
                        let first = s.data().iter().zip(e.data()).position(|(a, b)| a != b).unwrap_or(0);
                        let (a, b) = (s.data()[first], e.data()[first]);
                        format!("{wrong} pixels differ, first {first}: {a:06x} for {b:06x}")
                    }
                    (Some(s), _) => format!("the window is {:?}", s.size()),
                    (None, _) => "no window".to_owned(),
                };
                panic!("{what}: {difference}; the child said {errors:?}");
            }
            // The X server has no event for "a pixel is now as wished".
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for a line that contains `part`, after the one found last.
    fn expect_sent(&mut self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while self.next < self.log.len() {
                self.next += 1;
                if self.log[self.next - 1].contains(part) {
                    return;
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.log.push(line),
                Err(e) => panic!("{part:?} was not sent ({e}), but {:#?}", self.log),
            }
        }
    }

    /// Gives the window the focus, as a window manager would, and waits until it knows.
    fn focus(&mut self) {
        let x = &self.server.x;
        let id = self.id().expect("the window is there");
        x.set_input_focus(InputFocus::PARENT, id, x11rb::CURRENT_TIME).expect("Xvfb answers");
        x.flush().expect("Xvfb answers");
        x.get_input_focus().expect("Xvfb answers").reply().expect("Xvfb answers");
    }

    fn resize(&self, width: u32, height: u32) {
        use x11rb::protocol::xproto::ConfigureWindowAux;
        let id = self.id().expect("the window is there");
        let size = ConfigureWindowAux::new().width(width).height(height);
        self.server.x.configure_window(id, &size).expect("Xvfb answers");
        self.server.x.flush().expect("Xvfb answers");
    }

    /// Ends the window by its own shortcut.
    fn quit(&mut self) {
        self.focus();
        self.server.chord(16);
        let (well, errors) = self.wait();
        assert!(well, "the window ended with {errors:?}");
    }

    fn wait(&mut self) -> (bool, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.process.try_wait().expect("the child can be waited for") {
                break status;
            }
            assert!(Instant::now() < deadline, "the window did not close; sent {:#?}", self.log);
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut errors = String::new();
        if let Some(stderr) = &mut self.process.stderr {
            let _ = stderr.read_to_string(&mut errors);
        }
        (status.success(), errors)
    }

    /// Keeps a picture for people, if wanted.
    fn shot(&self, name: &str) {
        let Ok(folder) = std::env::var("PANTO_TEST_SHOTS") else { return };
        let Some(picture) = self.try_pixels() else { return };
        let bytes = picture.data().iter().flat_map(|&c| panto_protocol::pixel::channels(c)).collect();
        let size = picture.size();
        let image = image::RgbImage::from_raw(size.width, size.height, bytes).expect("three bytes a pixel");
        image.save(format!("{folder}/{name}.png")).expect("the folder can be written");
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
