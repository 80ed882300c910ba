//! A real desktop with real applications, seen in the viewer's real window: typed
//! into, scrolled, and switched between modes, with not one wrong pixel.
//!
//! Needs the Debian packages xvfb, openbox and xterm.

use std::process::{Child, Command, Stdio};

use panto_protocol::geometry::Size;
use panto_tests::harness::{Panto, Served, XDisplay, assert_same, eventually, panto};

const SIZE: Size = Size::new(1280, 800);

/// A viewer's window on a display of its own.
struct Window {
    display: XDisplay,
    child: Child,
    stats: std::path::PathBuf,
}

impl Window {
    fn open(home: &Panto, served: &Served, mode: &str, renderer: &str) -> Self {
        let display = XDisplay::start(SIZE);
        let stats = home.path(&format!("stats-{mode}-{renderer}.json"));
        let mut command: Command = home.command(&["view", &served.address(), "--mode", mode, "--no-hints"]);
        let child = command
            .args(["--renderer", renderer, "--stats", stats.to_str().unwrap()])
            .env("DISPLAY", display.name())
            .stdout(Stdio::null())
            .spawn()
            .expect("the viewer starts");
        let window = display.window();
        display.point(600, 400);
        display.focus(window);
        Self { display, child, stats }
    }

    /// Waits until the window shows what the remote display shows.
    fn agrees(&self, remote: &XDisplay, what: &str) {
        let mut last = None;
        let agreed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(what, || {
                // The remote picture may change between the two looks: it must be the same before and after.
                let before = remote.picture();
                let shown = self.display.picture();
                let after = remote.picture();
                let same = before == after && shown == before;
                last = Some((shown, after));
                same.then_some(())
            });
        }));
        if agreed.is_err() {
            let (shown, remote) = last.expect("a picture was taken");
            assert_same(what, &shown, &remote);
            panic!("{what}: the remote screen never rests");
        }
    }

    /// Ends the viewer as a person with a terminal would; returns its figures.
    fn close(mut self) -> serde_json::Value {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(130), "interrupted");
        serde_json::from_slice(&std::fs::read(&self.stats).expect("figures were written")).unwrap()
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn desktop(home: &Panto, command: &str) -> (Served, XDisplay) {
    let served =
        home.serve(&["127.0.0.1:0", "--auth", "none", "--virtual", "1280x800", "--", "sh", "-c", command]);
    let remote = XDisplay::open(&served.display());
    remote.window();
    (served, remote)
}

/// An xterm whose typed lines end in `file`. Started by openbox, because a window that
/// asks to be mapped in the very moment when openbox takes over is never mapped.
fn typing(file: &std::path::Path) -> String {
    format!("exec openbox --startup \"xterm -geometry 100x40+30+30 -e sh -c 'cat > {}'\"", file.display())
}

#[test]
fn typed_through_the_window_in_every_mode() {
    for (mode, renderer) in [("pixels", "cpu"), ("commands", "gpu"), ("hybrid", "cpu"), ("auto", "auto")] {
        let home = panto();
        let file = home.path("typed");
        let (served, remote) = desktop(&home, &typing(&file));
        let window = Window::open(&home, &served, mode, renderer);
        window.agrees(&remote, &format!("{mode}: first picture"));
        // A click through the viewer gives the remote terminal the keyboard.
        window.display.button(1, true);
        window.display.button(1, false);
        eventually("the click reaches the terminal", || remote.has_focus("XTerm").then_some(()));
        let empty = remote.picture();
        window.display.type_text("The Quick brown fox, 42 times!\n");
        let mut got = String::new();
        eventually("what was typed arrives", || {
            got = std::fs::read_to_string(&file).unwrap_or_default();
            if got.ends_with('\n') { Some(()) } else { None }
        });
        assert_eq!(got, "The Quick brown fox, 42 times!\n");
        window.agrees(&remote, &format!("{mode}: typed"));
        assert_ne!(remote.picture(), empty, "the characters are on the remote screen");
        let figures = window.close();
        assert_eq!(figures["digests_wrong"], 0);
        assert_eq!(figures["mode"], mode);
    }
}

#[test]
fn modes_switched_in_the_middle_of_scrolling() {
    let home = panto();
    let go = home.path("go");
    let script = home.path("scroll.sh");
    std::fs::write(
        &script,
        format!(
            "while [ ! -e {} ]; do sleep 0.02; done\n\
             for i in $(seq 1 1200); do echo \"line $i of a log: $((i * 7919 % 1000))\"; sleep 0.002; done\n\
             exec cat\n",
            go.display()
        ),
    )
    .unwrap();
    let command = format!("exec openbox --startup 'xterm -geometry 120x45+20+20 -e sh {}'", script.display());
    let (served, remote) = desktop(&home, &command);
    let window = Window::open(&home, &served, "pixels", "cpu");
    window.agrees(&remote, "before");
    std::fs::write(&go, "").unwrap();
    let modes = ["commands", "hybrid", "auto", "pixels", "commands"];
    let mut seen = remote.picture();
    for mode in modes {
        // Each switch falls into moving pictures.
        eventually("it scrolls", || (remote.picture() != seen).then_some(()));
        let reached = home.ctl(&served, &["mode", mode]);
        assert_eq!(reached["reached"], 1, "{reached}");
        eventually("the mode is in force", || {
            (home.ctl(&served, &["viewers"])["viewers"][0]["mode"] == mode).then_some(())
        });
        seen = remote.picture();
    }
    window.agrees(&remote, "after five switches");
    let figures = window.close();
    assert_eq!(figures["digests_wrong"], 0);
    assert_eq!(figures["reconnects"], 0);
    assert_eq!(figures["mode"], "commands");
}

/// A window that stays, because its server has gone, is for persons: a script's signal ends it, and what was
/// asked for is written.
#[test]
fn a_signal_ends_a_window_that_shows_why_the_connection_ended() {
    let home = panto();
    let (served, remote) = desktop(&home, "xterm -geometry 80x24+40+40 -e sh -c 'echo here; exec cat'");
    let display = XDisplay::start(SIZE);
    let picture = home.path("last.png");
    let child = home
        .command(&["view", &served.address(), "--no-reconnect", "--no-hints", "--renderer", "cpu"])
        .args(["--screenshot", picture.to_str().unwrap()])
        .env("DISPLAY", display.name())
        .stdout(Stdio::null())
        .spawn()
        .expect("the viewer starts");
    display.window();
    let mut window = Window { display, child, stats: picture.clone() };
    window.agrees(&remote, "the window shows the screen");
    let last = window.display.picture();
    drop(served);
    eventually("the window says that it is over", || (window.display.picture() != last).then_some(()));
    assert!(window.child.try_wait().unwrap().is_none(), "it stays, for somebody to read it");
    let pid = rustix::process::Pid::from_child(&window.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    eventually("the viewer ends", || window.child.try_wait().unwrap());
    let saved = image::open(&picture).expect("the picture is written").to_rgb8();
    assert_eq!((saved.width(), saved.height()), (SIZE.width, SIZE.height));
}
