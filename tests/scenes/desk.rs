//! A real X display with real programs, captured in the test's own process.

use std::ffi::OsString;
use std::sync::Arc;

use panto_protocol::geometry::{Rect, Size};
use panto_protocol::message::Settings;
use panto_server::capture::Windows;
use panto_server::scene::SharedScene;
use panto_server::source::X11Source;
use panto_server::virtual_display::VirtualDisplay;
use panto_tests::harness::{XDisplay, eventually};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, Window};
use x11rb::rust_connection::RustConnection;

use super::Stage;

/// A display, its capture, and a connection of the test's own to look behind it.
pub struct Desk {
    /// To look at and to type into.
    pub display: Arc<XDisplay>,
    /// For requests that [`XDisplay`] has no word for.
    pub conn: RustConnection,
    pub root: Window,
    source: Arc<X11Source>,
    scene: Arc<SharedScene>,
    // After everything that is connected to it.
    _xvfb: VirtualDisplay,
    dir: TempDir,
}

/// A program that can be held still: many draw for ever, or whenever they get to it, and
/// a picture can be compared only while it rests.
pub struct Program(Pid);

impl Program {
    pub fn stop(&self) {
        kill_process(self.0, Signal::STOP).expect("it runs");
    }

    pub fn go_on(&self) {
        kill_process(self.0, Signal::CONT).expect("it runs");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Held still it would not end with its display.
        let _ = kill_process(self.0, Signal::CONT);
    }
}

impl Desk {
    /// Starts a display of `size` that can grow to `max`, and a shell command on it, in
    /// which `$DIR` is a directory of its own.
    pub fn start(size: Size, max: Size, command: &str) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let setting = format!("DIR={}; export DIR\n{command}", dir.path().display());
        let command: Vec<OsString> = ["sh", "-c", &setting].map(OsString::from).into();
        let xvfb = VirtualDisplay::start(size, max, &command).expect("Xvfb starts (apt install xvfb)");
        let (source, scene) =
            X11Source::start(Some(xvfb.display()), Windows::Auto).expect("the display can be captured");
        let (conn, screen) =
            RustConnection::connect(Some(xvfb.display())).expect("the display can be opened");
        let root = conn.setup().roots[screen].root;
        let display = Arc::new(XDisplay::open(xvfb.display()));
        Self { display, conn, root, source: Arc::new(source), scene, _xvfb: xvfb, dir }
    }

    /// An xterm that prints numbered lines whenever [`Desk::print`] says so.
    pub fn with_printer(size: Size, max: Size, geometry: &str) -> Self {
        // Colours and antialiased glyphs give the palettes something to choose from.
        let script = r#"
            mkfifo "$DIR/lines"
            echo $$ > "$DIR/pid"
            exec xterm -fa Monospace -fs 9 -geometry GEOMETRY -title ready -e sh -c '
                while read -r from to < "$DIR/lines"; do
                    while [ "$from" -lt "$to" ]; do
                        printf "\033[3%dmline %d\033[0m of a log: %d\n" $((from % 8)) $from $((from * 7919 % 99991))
                        from=$((from + 1))
                        [ $((from % 8)) = 0 ] && sleep 0.01
                    done
                    printf "\033]2;printed %d\007" "$to"
                done'
        "#;
        let desk = Self::start(size, max, &script.replace("GEOMETRY", geometry));
        desk.display.window();
        desk.wait_for_title("ready");
        eventually("the printer waits", || desk.dir.path().join("lines").exists().then_some(()));
        desk
    }

    /// Lets the xterm print lines, and returns at once.
    pub fn print(&self, from: u32, to: u32) {
        std::fs::write(self.dir.path().join("lines"), format!("{from} {to}\n")).expect("the printer listens");
    }

    /// Waits until the xterm has drawn everything up to this line: it handles the
    /// title, which follows the lines, after them.
    pub fn printed(&self, to: u32) {
        self.wait_for_title(&format!("printed {to}"));
    }

    fn wait_for_title(&self, title: &str) {
        eventually(title, || {
            let tree = self.conn.query_tree(self.root).ok()?.reply().ok()?;
            let has = |w: Window| {
                let cookie =
                    self.conn.get_property(false, w, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64).ok()?;
                (cookie.reply().ok()?.value == title.as_bytes()).then_some(())
            };
            tree.children.into_iter().find_map(has)
        });
    }

    /// A file that the command wrote.
    pub fn file(&self, name: &str) -> String {
        eventually(name, || {
            std::fs::read_to_string(self.dir.path().join(name)).ok().filter(|s| s.ends_with('\n'))
        })
    }

    /// The program whose number stands in the file `pid`, which runs until it is stopped.
    pub fn program(&self) -> Program {
        let process: i32 = self.file("pid").trim().parse().expect("a process number");
        Program(Pid::from_raw(process).expect("a process number"))
    }

    /// Serves it to these viewers.
    pub async fn stage(&self, name: &str, settings: Vec<Settings>) -> Stage {
        let (display, source) = (Arc::clone(&self.display), Arc::clone(&self.source));
        Stage::of_display(name, display, source, Arc::clone(&self.scene), settings).await
    }

    /// The screen's size.
    pub fn size(&self) -> Size {
        let geometry = self.conn.get_geometry(self.root).unwrap().reply().unwrap();
        Size::new(geometry.width.into(), geometry.height.into())
    }

    /// Does something and waits until it shows inside `place`.
    pub fn changes(&self, what: &str, place: Rect, act: impl FnOnce()) {
        let look = || self.display.picture().crop(place).to_picture();
        let before = look();
        act();
        eventually(what, || (look() != before).then_some(()));
    }

    /// A click.
    pub fn click(&self, x: i16, y: i16) {
        self.display.point(x, y);
        self.display.button(1, true);
        self.display.button(1, false);
    }
}
