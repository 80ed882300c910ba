//! An Xvfb that is captured, with a client that makes windows on it.

use std::ffi::OsString;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use panto_protocol::canvas::digest;
use panto_protocol::draw::DrawCommand;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Picture, Pixels};
use panto_server::capture::{Windows, WindowsState};
use panto_server::plan::{Budget, Planner};
use panto_server::scene::{Scene, SharedScene, Since, Viewing};
use panto_server::source::{Source, X11Source};
use panto_server::virtual_display::VirtualDisplay;
use x11rb::connection::Connection;
use x11rb::protocol::composite::ConnectionExt as _;
use x11rb::protocol::shape::{ConnectionExt as _, SK, SO};
use x11rb::protocol::xproto::{
    AtomEnum, ChangeGCAux, ClipOrdering, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, Gcontext, ImageFormat, MapState, Rectangle, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use crate::xvfb::Xvfb;

/// Generous, because a busy machine is no failure; nothing waits this long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often is looked for what is waited for.
const LOOK: Duration = Duration::from_millis(4);

/// Long enough for a local X server and a capture to do something about what they were told.
const QUIET: Duration = Duration::from_millis(60);

const SIZE: Size = Size::new(640, 400);
const MAX: Size = Size::new(1280, 1024);

/// A display that is captured.
pub struct Desk {
    pub conn: RustConnection,
    pub root: Window,
    pub source: X11Source,
    pub scene: Arc<SharedScene>,
    viewing: Option<Viewing>,
    gc: Gcontext,
    name: String,
    // After everything that is connected to it.
    _server: Server,
}

/// What runs the display.
enum Server {
    Virtual(#[expect(dead_code, reason = "ended when it is dropped")] VirtualDisplay),
    Own(#[expect(dead_code, reason = "ended when it is dropped")] Xvfb),
}

impl Desk {
    /// An empty display.
    pub fn start(windows: Windows) -> Self {
        Self::running(windows, &[])
    }

    /// A display with a command on it.
    pub fn running(windows: Windows, command: &[&str]) -> Self {
        let command: Vec<OsString> = command.iter().map(OsString::from).collect();
        let display = VirtualDisplay::start(SIZE, MAX, &command).expect("Xvfb is installed");
        let name = display.display().to_owned();
        Self::on(Server::Virtual(display), name, windows)
    }

    /// An empty display of an Xvfb as the test wants it.
    pub fn on_xvfb(windows: Windows, arguments: &[&str]) -> Self {
        let xvfb = Xvfb::start(arguments);
        let name = xvfb.display.clone();
        Self::on(Server::Own(xvfb), name, windows)
    }

    fn on(server: Server, name: String, windows: Windows) -> Self {
        let (conn, screen) = RustConnection::connect(Some(&name)).unwrap();
        let root = conn.setup().roots[screen].root;
        let gc = conn.generate_id().unwrap();
        conn.create_gc(gc, root, &CreateGCAux::new()).unwrap();
        let (source, scene) = X11Source::start(Some(&name), windows).unwrap();
        let viewing = Some(scene.view());
        let desk = Self { conn, root, source, scene, viewing, gc, name, _server: server };
        desk.run("xsetroot", &["-solid", "#204060"]);
        desk
    }

    /// Runs a program on the display to its end.
    pub fn run(&self, program: &str, arguments: &[&str]) {
        let status = Command::new(program).args(arguments).env("DISPLAY", &self.name).status();
        assert!(status.unwrap_or_else(|e| panic!("{program}: {e}")).success(), "{program} {arguments:?}");
    }

    /// Nobody watches any more, or somebody does again.
    pub fn watch(&mut self, on: bool) {
        self.viewing = on.then(|| self.scene.view());
    }

    /// A window of one colour, with no border, not mapped.
    pub fn window(&self, place: Rect, color: u32) -> Window {
        self.window_with(place, 0, &CreateWindowAux::new().background_pixel(color).override_redirect(1))
    }

    pub fn window_with(&self, place: Rect, border: u16, aux: &CreateWindowAux) -> Window {
        let window = self.conn.generate_id().unwrap();
        let (x, y) = (place.left as i16, place.top as i16);
        let (width, height) = (place.width() as u16, place.height() as u16);
        let class = WindowClass::INPUT_OUTPUT;
        self.conn
            .create_window(0, window, self.root, x, y, width, height, border, class, 0, aux)
            .unwrap()
            .check()
            .unwrap();
        window
    }

    pub fn map(&self, windows: &[Window]) {
        for &window in windows {
            self.conn.map_window(window).unwrap().check().unwrap();
        }
    }

    pub fn unmap(&self, window: Window) {
        self.conn.unmap_window(window).unwrap().check().unwrap();
    }

    /// Gives a window a shape, or takes it away.
    pub fn shape(&self, window: Window, rects: Option<&[Rectangle]>) {
        let (set, kind) = (SO::SET, SK::BOUNDING);
        match rects {
            Some(rects) => {
                let order = ClipOrdering::UNSORTED;
                self.conn.shape_rectangles(set, kind, order, window, 0, 0, rects).unwrap().check().unwrap();
            }
            None => self.conn.shape_mask(set, kind, window, 0, 0, x11rb::NONE).unwrap().check().unwrap(),
        }
    }

    /// Windows of the scene.
    pub fn windows(&self) -> usize {
        self.scene.lock().canvas().windows().len()
    }

    /// The window with this title, wherever it is, once it is shown.
    pub fn client(&self, title: &str) -> Window {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut waiting = vec![self.root];
            while let Some(window) = waiting.pop() {
                // Windows come and go meanwhile.
                let Ok(tree) = self.conn.query_tree(window).unwrap().reply() else { continue };
                waiting.extend(tree.children);
                let (name, kind) = (AtomEnum::WM_NAME, AtomEnum::STRING);
                let Ok(name) = self.conn.get_property(false, window, name, kind, 0, 100).unwrap().reply()
                else {
                    continue;
                };
                let attributes = self.conn.get_window_attributes(window).unwrap().reply();
                let shown = attributes.is_ok_and(|a| a.map_state == MapState::VIEWABLE);
                if name.value == title.as_bytes() && shown {
                    return window;
                }
            }
            assert!(Instant::now() < deadline, "there is no window {title}");
            std::thread::sleep(LOOK);
        }
    }

    pub fn configure(&self, window: Window, aux: &ConfigureWindowAux) {
        self.conn.configure_window(window, aux).unwrap().check().unwrap();
    }

    pub fn move_to(&self, window: Window, at: Point) {
        self.configure(window, &ConfigureWindowAux::new().x(at.x).y(at.y));
    }

    /// Fills a rectangle of a window.
    pub fn paint(&self, window: Window, rect: Rect, color: u32) {
        self.conn.change_gc(self.gc, &ChangeGCAux::new().foreground(color)).unwrap();
        let rect = Rectangle {
            x: rect.left as i16,
            y: rect.top as i16,
            width: rect.width() as u16,
            height: rect.height() as u16,
        };
        self.conn.poly_fill_rectangle(window, self.gc, &[rect]).unwrap().check().unwrap();
    }

    /// Waits until `done`, which is asked after every change of the scene and now and then.
    pub fn until(&self, what: &str, mut done: impl FnMut(&Scene) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(&self.scene.lock()) {
            assert!(Instant::now() < deadline, "still not: {what}");
            std::thread::sleep(LOOK);
        }
    }

    pub fn until_state(&self, state: WindowsState) {
        self.until(&state.to_string(), |_| self.source.windows() == Some(state));
    }

    /// Whether the server keeps this window's pixels apart from the screen's.
    pub fn is_redirected(&self, window: Window) -> bool {
        self.conn.composite_query_version(0, 4).unwrap().reply().unwrap();
        let pixmap = self.conn.generate_id().unwrap();
        self.conn.composite_name_window_pixmap(window, pixmap).unwrap().check().is_ok()
    }

    /// As [`Desk::assert_same`], when programs have had time to do what they were asked for.
    pub fn until_settled(&self, what: &str) {
        self.quiet();
        self.assert_same(what);
    }

    /// Waits until the scene's picture is the server's.
    pub fn assert_same(&self, what: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let truth = self.picture();
            let shown = self.scene.lock().canvas().screen();
            if truth == shown {
                return;
            }
            if Instant::now() > deadline {
                let wrong = truth.view().iter().zip(shown.view().iter()).filter(|(a, b)| a != b).count();
                let first = truth.data().iter().zip(shown.data()).position(|(a, b)| a != b).unwrap_or(0);
                let width = truth.size().width as usize;
                panic!(
                    "{what}: {wrong} pixels differ, the first at {},{}: {:06x} for {:06x}; {:?}",
                    first % width,
                    first / width,
                    shown.data()[first],
                    truth.data()[first],
                    self.scene.lock().canvas(),
                );
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Does something again and again until `done`.
    pub fn until_doing(&self, doing: impl Fn(), done: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < deadline, "doing it again and again does not help");
            doing();
        }
    }

    /// What a viewer of this planner has after the next frames is what the scene shows.
    pub fn assert_sent(&self, planner: &mut Planner) {
        let mut scene = self.scene.lock();
        while planner.is_due(&scene) {
            planner.plan(&mut scene, Budget::UNLIMITED).expect("a frame inside the limits");
        }
        let mode = planner.settings().mode;
        assert_eq!(planner.digest(), digest(scene.canvas().screen().view()), "{mode:?}");
    }

    /// What the scene is told of something done, once the scene shows it and is quiet.
    pub fn commands_of(&self, doing: impl FnOnce()) -> Vec<Option<DrawCommand>> {
        let before = self.quiet();
        doing();
        self.until("told", |scene| scene.position() > before);
        self.assert_same("told");
        self.quiet();
        let scene = self.scene.lock();
        let Since::Changes(changes) = scene.since(before) else { panic!("the journal is short") };
        changes.map(|c| c.command.as_deref().cloned()).collect()
    }

    /// Waits until the scene does not change; its position then.
    pub fn quiet(&self) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let before = self.scene.lock().position();
            std::thread::sleep(QUIET);
            if self.scene.lock().position() == before {
                return before;
            }
            assert!(Instant::now() < deadline, "the scene never falls quiet");
        }
    }

    /// The root window by core GetImage, the plainest way there is.
    pub fn picture(&self) -> Picture {
        let g = self.conn.get_geometry(self.root).unwrap().reply().unwrap();
        let format = ImageFormat::Z_PIXMAP;
        let image =
            self.conn.get_image(format, self.root, 0, 0, g.width, g.height, !0).unwrap().reply().unwrap();
        let size = Size::new(g.width.into(), g.height.into());
        let words = image.data.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let pixels: Vec<u32> = words.map(|p| p & 0x00ff_ffff).collect();
        Pixels::new(size, size.width as usize, &pixels).unwrap().to_picture()
    }
}

/// Random enough, and the same every time.
pub struct Lcg(pub u64);

impl Lcg {
    /// A number below `end`.
    pub fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(end)) as u32
    }
}
