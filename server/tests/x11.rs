//! Capture, injection and the virtual display against real X servers.
//!
//! Needs the Debian packages xvfb, xterm, x11-xserver-utils (xsetroot) and x11-xkb-utils (setxkbmap).

mod xvfb;

use std::ffi::OsString;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::InputEvent;
use panto_protocol::pixel::{Picture, Pixels};
use panto_server::capture::{CaptureError, CaptureSink, DisplayError, Wake, X11Capture};
use panto_server::inject::{Injector, XtestInjector};
use panto_server::virtual_display::{CommandExit, VirtualDisplay, VirtualError};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    ChangeGCAux, ChangeWindowAttributesAux, ConnectionExt as _, CreateGCAux, ImageFormat, Rectangle,
};
use x11rb::rust_connection::RustConnection;
use xkeysym::key;
use xvfb::Xvfb;

/// Generous, because a busy machine is no failure; nothing waits this long when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough for a local X server to report what it has drawn.
const QUIET: Duration = Duration::from_millis(100);

const SIZE: Size = Size::new(640, 400);
const MAX: Size = Size::new(1280, 1024);

/// What a capture has told.
#[derive(Default)]
struct Screen {
    picture: Picture,
    pointer: Option<Point>,
    cursor: Option<CursorImage>,
    pixels: u64,
    resizes: usize,
}

impl CaptureSink for Screen {
    fn resize(&mut self, size: Size) {
        self.picture = Picture::new(size, 0xdead_beef);
        self.resizes += 1;
    }

    fn pixels(&mut self, at: Point, src: Pixels<'_>) {
        assert!(self.picture.bounds().contains_rect(&Rect::at(at, src.size())), "pixels off the screen");
        assert!(src.iter().all(|p| p >> 24 == 0), "a top byte is not 0");
        self.pixels += src.size().area();
        self.picture.blit(at, src);
    }

    fn pointer(&mut self, position: Point) {
        assert_ne!(self.pointer, Some(position), "the pointer has not moved");
        self.pointer = Some(position);
    }

    fn cursor(&mut self, image: CursorImage) {
        self.cursor = Some(image);
    }
}

/// A capture with its sink and a descriptor that nobody signals.
struct Watch {
    capture: X11Capture,
    screen: Screen,
    never: std::io::PipeReader,
    _writer: std::io::PipeWriter,
}

impl Watch {
    fn open(display: &str) -> Self {
        let (never, writer) = std::io::pipe().unwrap();
        let capture = X11Capture::open(Some(display)).unwrap();
        let mut watch = Self { capture, screen: Screen::default(), never, _writer: writer };
        watch.settle();
        watch
    }

    fn wait(&mut self, timeout: Duration) -> Result<Wake, CaptureError> {
        self.capture.wait(self.never.as_fd(), Some(timeout))
    }

    /// Grabs until the screen is quiet.
    fn settle(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.wait(QUIET).unwrap().screen {
            assert!(Instant::now() < deadline, "the screen never falls quiet");
            self.capture.grab(&mut self.screen).unwrap();
        }
    }

    /// Grabs whenever there is something until `done`.
    fn until(&mut self, what: &str, done: impl Fn(&Screen) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(&self.screen) {
            assert!(Instant::now() < deadline, "still not: {what}");
            if self.wait(QUIET).unwrap().screen {
                self.capture.grab(&mut self.screen).unwrap();
            }
        }
    }

    /// Compares with what the server says in a moment when nothing changes.
    fn assert_exact(&mut self, display: &str) {
        let deadline = Instant::now() + PATIENCE;
        let truth = loop {
            self.settle();
            let truth = core_picture(display);
            if !self.wait(QUIET).unwrap().screen {
                break truth;
            }
            assert!(Instant::now() < deadline, "the screen never falls quiet");
        };
        assert_eq!(self.screen.picture.size(), truth.size());
        let wrong =
            self.screen.picture.view().iter().zip(truth.view().iter()).filter(|(a, b)| a != b).count();
        assert_eq!(wrong, 0, "pixels differ from the server's");
    }
}

fn connect(display: &str) -> RustConnection {
    RustConnection::connect(Some(display)).unwrap().0
}

/// The root window by core GetImage, the plainest way there is (24-bit screens only).
fn core_picture(display: &str) -> Picture {
    let conn = connect(display);
    let root = conn.setup().roots[0].root;
    let g = conn.get_geometry(root).unwrap().reply().unwrap();
    let image =
        conn.get_image(ImageFormat::Z_PIXMAP, root, 0, 0, g.width, g.height, !0).unwrap().reply().unwrap();
    let size = Size::new(g.width.into(), g.height.into());
    let pixels: Vec<u32> = image
        .data
        .chunks_exact(4)
        .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) & 0x00ff_ffff)
        .collect();
    Pixels::new(size, size.width as usize, &pixels).unwrap().to_picture()
}

fn run(display: &str, program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).env("DISPLAY", display).status();
    assert!(status.unwrap_or_else(|e| panic!("{program}: {e}")).success(), "{program} {arguments:?}");
}

fn words(command: &[&str]) -> Vec<OsString> {
    command.iter().map(OsString::from).collect()
}

fn await_file(path: &Path, done: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if done(&text) {
            return text;
        }
        assert!(Instant::now() < deadline, "{path:?} has {text:?} only");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn root_colour_is_exact() {
    let x = VirtualDisplay::start(SIZE, MAX, &[]).unwrap();
    run(x.display(), "xsetroot", &["-solid", "#123456"]);
    let mut watch = Watch::open(x.display());
    assert!(watch.capture.is_shared(), "a local Xvfb shares memory");
    assert_eq!(watch.capture.size(), SIZE);
    assert_eq!(watch.capture.outputs(), [Rect::of_size(SIZE)]);
    assert!(watch.screen.picture.view().iter().all(|p| p == 0x12_3456));
    run(x.display(), "xsetroot", &["-mod", "5", "7", "-fg", "#fedcba", "-bg", "#012345"]);
    watch.assert_exact(x.display());
    assert_eq!(watch.screen.picture.view().iter().filter(|p| *p == 0xfe_dcba).count() % 10, 0);
}

#[test]
fn many_small_rectangles_are_exact_and_cheap() {
    let x = VirtualDisplay::start(SIZE, MAX, &[]).unwrap();
    let mut watch = Watch::open(x.display());
    let before = watch.screen.pixels;
    let conn = connect(x.display());
    let root = conn.setup().roots[0].root;
    let gc = conn.generate_id().unwrap();
    conn.create_gc(gc, root, &CreateGCAux::new()).unwrap();
    let paint = |color: u32, rects: &[Rectangle]| {
        conn.change_gc(gc, &ChangeGCAux::new().foreground(color)).unwrap();
        conn.poly_fill_rectangle(root, gc, rects).unwrap().check().unwrap();
    };
    // One request each: the server reports a request's bounding box.
    paint(0xff_8800, &[Rectangle { x: 3, y: 5, width: 7, height: 9 }]);
    paint(0xff_8800, &[Rectangle { x: 600, y: 390, width: 99, height: 99 }]);
    watch.assert_exact(x.display());
    assert!(watch.screen.pixels - before <= 7 * 9 + 40 * 10, "read more than what changed");
    for round in 0..20u32 {
        let rects: Vec<Rectangle> = (0..500u32)
            .map(|i| {
                let n = i.wrapping_mul(2_654_435_761).wrapping_add(round * 97);
                Rectangle {
                    x: (n % 640) as i16,
                    y: (n / 640 % 400) as i16,
                    width: 1 + (n >> 29) as u16,
                    height: 2,
                }
            })
            .collect();
        paint(0x01_0203 * (round + 1), &rects);
        watch.capture.grab(&mut watch.screen).unwrap();
    }
    watch.assert_exact(x.display());
}

#[test]
fn terminal_output_arrives() {
    let files = tempfile::tempdir().unwrap();
    let done = files.path().join("done");
    let script = format!("seq 1 500; echo end > {}; exec sleep 1000", done.display());
    let command = words(&["xterm", "-geometry", "80x24+20+30", "-e", "sh", "-c", &script]);
    let x = VirtualDisplay::start(SIZE, MAX, &command).unwrap();
    let mut watch = Watch::open(x.display());
    watch.until("the terminal has printed", |_| done.exists());
    watch.assert_exact(x.display());
    let colors: std::collections::HashSet<u32> = watch.screen.picture.view().iter().collect();
    assert!(colors.len() >= 2, "there is no terminal on the screen");
    assert_eq!(x.command_exited(), None);
}

#[test]
fn idle_screen_wakes_nobody() {
    let x = VirtualDisplay::start(SIZE, MAX, &[]).unwrap();
    let mut watch = Watch::open(x.display());
    assert_eq!(watch.wait(Duration::from_millis(300)).unwrap(), Wake::default());
    let (reader, writer) = std::io::pipe().unwrap();
    let wake = watch.capture.wait(reader.as_fd(), Some(Duration::ZERO)).unwrap();
    assert_eq!(wake, Wake::default());
    std::io::Write::write_all(&mut &writer, b"x").unwrap();
    let wake = watch.capture.wait(reader.as_fd(), None).unwrap();
    assert_eq!(wake, Wake { screen: false, woken: true });
}

#[test]
fn paused_capture_hears_nothing_and_catches_up() {
    let x = VirtualDisplay::start(SIZE, MAX, &[]).unwrap();
    let mut watch = Watch::open(x.display());
    watch.capture.pause().unwrap();
    let pixels = watch.screen.pixels;
    run(x.display(), "xsetroot", &["-solid", "#00ff00"]);
    assert_eq!(watch.wait(QUIET).unwrap(), Wake::default());
    watch.capture.grab(&mut watch.screen).unwrap();
    assert_eq!(watch.screen.pixels, pixels);
    watch.capture.resume().unwrap();
    watch.assert_exact(x.display());
    assert_eq!(watch.screen.picture.view().iter().next(), Some(0x00_ff00));
    // And damage is heard again.
    run(x.display(), "xsetroot", &["-solid", "#0000ff"]);
    watch.until("the new colour", |s| s.picture.view().iter().next() == Some(0xff));
}

#[test]
fn pointer_moves_and_changes_by_events() {
    let x = VirtualDisplay::start(SIZE, MAX, &[]).unwrap();
    let mut watch = Watch::open(x.display());
    let mut injector = XtestInjector::open(Some(x.display())).unwrap();
    for position in [Point::new(17, 23), Point::new(639, 399), Point::new(0, 0)] {
        injector.inject(&InputEvent::Pointer { position }).unwrap();
        watch.until("the pointer is there", |s| s.pointer == Some(position));
    }
    // Off the screen is at its edge.
    injector.inject(&InputEvent::Pointer { position: Point::new(40_000, -5) }).unwrap();
    watch.until("the pointer is in the corner", |s| s.pointer == Some(Point::new(639, 0)));
    // Cursors of a living client are shown as they are …
    let conn = connect(x.display());
    let root = conn.setup().roots[0].root;
    let font = conn.generate_id().unwrap();
    conn.open_font(font, b"cursor").unwrap();
    for glyph in [34, 68] {
        let cursor = conn.generate_id().unwrap();
        let (black, red) = ((0, 0, 0), (0xffff, 0, 0));
        let (f, b) = (red, black);
        conn.create_glyph_cursor(cursor, font, font, glyph, glyph + 1, f.0, f.1, f.2, b.0, b.1, b.2).unwrap();
        conn.change_window_attributes(root, &ChangeWindowAttributesAux::new().cursor(cursor)).unwrap();
        let before = watch.screen.cursor.clone();
        conn.flush().unwrap();
        watch.until("another cursor", |s| s.cursor != before);
        let image = watch.screen.cursor.as_ref().unwrap();
        assert!(image.picture.view().iter().any(|p| p == 0xffff_0000), "no red in {image:?}");
        assert!(image.picture.bounds().contains(image.hot));
    }
    // … and those of one that is gone, which nobody may see, as an arrow.
    let before = watch.screen.cursor.clone();
    run(x.display(), "xsetroot", &["-cursor_name", "watch"]);
    watch.until("the arrow", |s| s.cursor != before);
}

#[test]
fn screen_is_resized() {
    let x = VirtualDisplay::start(SIZE, MAX, &[]).unwrap();
    let mut watch = Watch::open(x.display());
    assert!(watch.capture.can_resize().unwrap());
    let larger = Size::new(1001, 777);
    for (wanted, expected) in
        [(larger, larger), (Size::new(4000, 3000), MAX), (Size::new(320, 200), Size::new(320, 200))]
    {
        assert_eq!(watch.capture.request_size(wanted).unwrap(), expected);
        run(x.display(), "xsetroot", &["-solid", "#336699"]);
        watch.assert_exact(x.display());
        assert_eq!(watch.screen.picture.size(), expected);
        assert_eq!(watch.capture.outputs(), [Rect::of_size(expected)]);
    }
    assert_eq!(watch.screen.resizes, 4);
    // A window that is dragged larger asks for many sizes.
    for width in 400..450 {
        watch.capture.request_size(Size::new(width, 300)).unwrap();
        watch.capture.grab(&mut watch.screen).unwrap();
    }
    watch.assert_exact(x.display());
}

#[test]
fn sixteen_bit_screen() {
    let x = Xvfb::start(&["-screen", "0", "321x200x16"]);
    run(&x.display, "xsetroot", &["-solid", "#ff0084"]);
    let watch = Watch::open(&x.display);
    // 0x84 is 16 of 31 in five bits: round(16 * 255 / 31) = 132 = 0x84.
    assert!(watch.screen.picture.view().iter().all(|p| p == 0xff_0084));
}

#[test]
fn without_shared_memory_the_picture_is_the_same() {
    let x = Xvfb::start(&["-screen", "0", "640x480x24", "-extension", "MIT-SHM"]);
    run(&x.display, "xsetroot", &["-mod", "3", "4", "-fg", "#fedcba"]);
    let mut watch = Watch::open(&x.display);
    assert!(!watch.capture.is_shared());
    watch.assert_exact(&x.display);
}

#[test]
fn errors_say_what_to_do() {
    let error = X11Capture::open(Some(":59124")).unwrap_err();
    assert!(matches!(error, CaptureError::Display(DisplayError::NoAnswer { .. })), "{error}");

    let palette = Xvfb::start(&["-screen", "0", "320x200x8"]);
    let error = X11Capture::open(Some(&palette.display)).unwrap_err().to_string();
    assert!(error.contains("PseudoColor") && error.contains("24-bit"), "{error}");

    let no_damage = Xvfb::start(&["-screen", "0", "320x200x24", "-extension", "DAMAGE"]);
    let error = X11Capture::open(Some(&no_damage.display)).unwrap_err().to_string();
    assert!(error.contains("DAMAGE"), "{error}");

    let files = tempfile::tempdir().unwrap();
    let authority = files.path().join("authority");
    let mut entry = b"\xff\xff\0\0\0\0\0\x12MIT-MAGIC-COOKIE-1\0\x10".to_vec();
    entry.extend_from_slice(&[7; 16]);
    std::fs::write(&authority, entry).unwrap();
    let closed = Xvfb::start(&["-screen", "0", "320x200x24", "-auth", authority.to_str().unwrap()]);
    let error = X11Capture::open(Some(&closed.display)).unwrap_err();
    assert!(matches!(error, CaptureError::Display(DisplayError::Refused { .. })), "{error}");
}

#[test]
fn loss_of_the_server_is_an_error() {
    let x = Xvfb::start(&["-screen", "0", "320x200x24"]);
    let mut watch = Watch::open(&x.display);
    let mut injector = XtestInjector::open(Some(&x.display)).unwrap();
    drop(x);
    let error = watch.wait(PATIENCE).unwrap_err();
    assert!(matches!(error, CaptureError::Lost { .. }), "{error}");
    assert!(watch.capture.grab(&mut watch.screen).is_err());
    assert!(watch.capture.request_size(SIZE).is_err());
    let key = InputEvent::Key { physical: 30, keysym: key::a, down: true, text: String::new() };
    assert!(injector.inject(&key).is_err());
}

/// An xterm that writes down what is typed into it.
struct Typist {
    x: VirtualDisplay,
    files: tempfile::TempDir,
    injector: XtestInjector,
}

impl Typist {
    fn start(layout: &[&str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let script = format!("cd {} && echo > ready && exec cat > typed", files.path().display());
        let command = words(&[
            "env",
            "LC_ALL=C.UTF-8",
            "xterm",
            "-u8",
            "-geometry",
            "100x30+0+0",
            "-e",
            "sh",
            "-c",
            &script,
        ]);
        let x = VirtualDisplay::start(SIZE, MAX, &command).unwrap();
        run(x.display(), "setxkbmap", layout);
        await_file(&files.path().join("ready"), |text| text == "\n");
        let mut injector = XtestInjector::open(Some(x.display())).unwrap();
        // There is no window manager: keys go to the window under the pointer.
        injector.inject(&InputEvent::Pointer { position: Point::new(100, 100) }).unwrap();
        // The shell may be there before the window is.
        let conn = connect(x.display());
        let root = conn.setup().roots[0].root;
        let deadline = Instant::now() + PATIENCE;
        while conn.query_pointer(root).unwrap().reply().unwrap().child == x11rb::NONE {
            assert!(Instant::now() < deadline, "there is no window under the pointer");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { x, files, injector }
    }

    fn key(&mut self, physical: u16, keysym: u32, down: bool) {
        self.injector.inject(&InputEvent::Key { physical, keysym, down, text: String::new() }).unwrap();
    }

    fn tap(&mut self, physical: u16, keysym: u32) {
        self.key(physical, keysym, true);
        self.key(physical, keysym, false);
    }

    fn text(&mut self, text: &str) {
        self.injector.inject(&InputEvent::Text { text: text.to_owned() }).unwrap();
    }

    /// Waits for the line to be complete.
    fn assert_typed(&mut self, expected: &str) {
        let typed =
            await_file(&self.files.path().join("typed"), |t| t.lines().count() >= expected.lines().count());
        assert_eq!(typed, expected);
        assert_eq!(self.x.command_exited(), None);
    }

    /// Keycodes that are down on the server.
    fn down(&self) -> Vec<u8> {
        let keys = connect(self.x.display()).query_keymap().unwrap().reply().unwrap().keys;
        (0..=255u8).filter(|k| keys[usize::from(k / 8)] >> (k % 8) & 1 != 0).collect()
    }
}

const TEXT: &str = "hello AltGr/é/€/Ж {[]}\\|@~^ \"'` äöüßÄÖÜ 漢字 😀 ¡Ünïcödé! Привет, мир\n";

#[test]
fn text_on_an_american_keyboard() {
    let mut typist = Typist::start(&["us"]);
    typist.text(TEXT);
    typist.assert_typed(TEXT);
}

#[test]
fn text_on_a_german_keyboard() {
    let mut typist = Typist::start(&["de", "-variant", "nodeadkeys"]);
    typist.text(TEXT);
    typist.assert_typed(TEXT);
}

#[test]
fn text_on_two_layouts() {
    let mut typist = Typist::start(&["us,ru"]);
    typist.text(TEXT);
    typist.assert_typed(TEXT);
}

#[test]
fn more_foreign_characters_than_spare_keys() {
    let mut typist = Typist::start(&["us"]);
    let text: String = ('Ͱ'..='Ͽ').chain('א'..='ת').filter(|c| c.is_alphabetic()).chain(['\n']).collect();
    typist.text(&text);
    typist.assert_typed(&text);
}

#[test]
fn keys_of_a_german_viewer_on_an_american_server() {
    let mut typist = Typist::start(&["us"]);
    // AltGr+Q is @ there; here it takes Shift, and no Alt.
    typist.key(100, key::ISO_Level3_Shift, true);
    typist.tap(16, key::at);
    typist.key(100, key::ISO_Level3_Shift, false);
    // Shift+7 is / there; here it takes no Shift.
    typist.key(42, key::Shift_L, true);
    typist.tap(8, key::slash);
    typist.tap(30, key::A);
    typist.key(42, key::Shift_L, false);
    // Z and Y have changed places.
    typist.tap(21, key::z);
    typist.tap(39, key::odiaeresis);
    // No keysym at all: the place counts; then the text does.
    typist.tap(21, 0);
    typist
        .injector
        .inject(&InputEvent::Key { physical: 0, keysym: 0, down: true, text: "ß".into() })
        .unwrap();
    typist
        .injector
        .inject(&InputEvent::Key { physical: 0, keysym: 0, down: false, text: String::new() })
        .unwrap();
    typist.tap(28, key::Return);
    typist.assert_typed("@/Azöyß\n");
    assert!(typist.down().is_empty());
}

#[test]
fn a_changed_layout_is_noticed() {
    let mut typist = Typist::start(&["us"]);
    // The terminal reads a key by the layout in force when it gets to it: each line must
    // have arrived before the layout changes.
    typist.tap(0, key::z);
    typist.tap(0, key::Return);
    typist.assert_typed("z\n");
    run(typist.x.display(), "setxkbmap", &["fr"]);
    typist.tap(0, key::z);
    typist.tap(0, key::_7);
    typist.tap(0, key::Return);
    typist.assert_typed("z\nz7\n");
    run(typist.x.display(), "setxkbmap", &["de"]);
    typist.tap(0, key::z);
    typist.tap(0, key::at);
    typist.tap(0, key::Return);
    typist.assert_typed("z\nz7\nz@\n");
}

#[test]
fn held_keys_are_a_set() {
    let x = VirtualDisplay::start(SIZE, MAX, &[]).unwrap();
    let injector = XtestInjector::open(Some(x.display())).unwrap();
    let mut typist = Typist { x, files: tempfile::tempdir().unwrap(), injector };
    typist.key(42, key::Shift_L, true);
    typist.key(30, key::A, true);
    typist.key(30, key::A, true);
    typist.key(48, key::B, true);
    assert_eq!(typist.down(), [38, 50, 56]);
    typist.injector.inject(&InputEvent::KeysDown { keys: vec![30, 99] }).unwrap();
    assert_eq!(typist.down(), [38]);
    // Released by what it pressed, whatever the keysym says by now.
    typist.key(30, key::a, false);
    assert!(typist.down().is_empty());
    typist.key(29, key::Control_L, true);
    typist.key(0, key::c, true);
    typist.injector.inject(&InputEvent::Button { button: 1, down: true }).unwrap();
    typist.injector.inject(&InputEvent::Button { button: 200, down: true }).unwrap();
    typist.injector.inject(&InputEvent::Scroll { dx: -120, dy: 250 }).unwrap();
    let pointer = |typist: &Typist| {
        let conn = connect(typist.x.display());
        let root = conn.setup().roots[0].root;
        u16::from(conn.query_pointer(root).unwrap().reply().unwrap().mask)
    };
    assert_eq!(typist.down(), [37, 54]);
    assert_eq!(pointer(&typist), 0x0104, "Control and the left button");
    typist.injector.release_all().unwrap();
    assert!(typist.down().is_empty());
    assert_eq!(pointer(&typist), 0);
    // Dropping releases too, and gives borrowed keycodes back.
    typist.key(30, key::a, true);
    typist.key(0, key::Cyrillic_zhe, true);
    assert_eq!(typist.down().len(), 2);
    let Typist { x, injector, .. } = typist;
    drop(injector);
    let conn = connect(x.display());
    assert_eq!(conn.query_keymap().unwrap().reply().unwrap().keys, [0; 32]);
    let map = conn.get_keyboard_mapping(8, 248).unwrap().reply().unwrap().keysyms;
    assert!(!map.contains(&key::Cyrillic_zhe));
}

#[test]
fn virtual_display_ends_what_it_started() {
    let files = tempfile::tempdir().unwrap();
    let script = format!("cd {}; sleep 1000 & echo $! $$ > pids; exec sleep 1000", files.path().display());
    let x = VirtualDisplay::start(SIZE, SIZE, &words(&["sh", "-c", &script])).unwrap();
    let pids = await_file(&files.path().join("pids"), |text| text.ends_with('\n'));
    let authority = x.authority();
    assert!(authority.exists());
    let display = x.display().to_owned();
    drop(x);
    for pid in pids.split_whitespace() {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z"), "{pid} is still there: {state}");
    }
    assert!(!authority.exists());
    assert!(X11Capture::open(Some(&display)).is_err());
}

#[test]
fn virtual_display_knows_how_its_command_ended() {
    let x = VirtualDisplay::start(SIZE, SIZE, &words(&["sh", "-c", "exit 7"])).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while x.command_exited().is_none() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(x.command_exited(), Some(CommandExit::Code(7)));
    let error = VirtualDisplay::start(SIZE, SIZE, &words(&["/no/such/program"])).unwrap_err();
    assert!(
        matches!(&error, VirtualError::Command { command, .. } if command == "/no/such/program"),
        "{error}"
    );
}

/// Not a test of its own: the process that the next one kills.
#[test]
#[ignore = "run by virtual_display_dies_with_a_killed_server"]
fn server_that_will_be_killed() {
    let Some(file) = std::env::var_os("PANTO_TEST_FILE") else { return };
    let script = format!("echo $$ > {}; exec sleep 1000", Path::new(&file).with_extension("pid").display());
    let x = VirtualDisplay::start(SIZE, SIZE, &words(&["sh", "-c", &script])).unwrap();
    std::fs::write(file, format!("{} {}\n", x.display(), x.authority().display())).unwrap();
    // Until the end.
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn virtual_display_dies_with_a_killed_server() {
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("display");
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "server_that_will_be_killed"])
        .env("PANTO_TEST_FILE", &file)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let said = await_file(&file, |text| text.ends_with('\n'));
    let pid = await_file(&file.with_extension("pid"), |text| text.ends_with('\n'));
    let (display, authority) = said.trim().split_once(' ').unwrap();
    assert!(X11Capture::open(Some(display)).is_ok());
    server.kill().unwrap();
    server.wait().unwrap();
    let deadline = Instant::now() + PATIENCE;
    let lives = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z")
    };
    while X11Capture::open(Some(display)).is_ok() || lives() {
        assert!(Instant::now() < deadline, "display {display} outlives the server");
        std::thread::sleep(Duration::from_millis(10));
    }
    // A killed process cannot tidy up; the directory is ours to remove.
    std::fs::remove_dir_all(Path::new(authority).parent().unwrap()).unwrap();
}
