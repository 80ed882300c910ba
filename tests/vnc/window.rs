//! The viewer's window on a VNC server: pixels, keys and the clipboard.

use std::process::Stdio;

use super::*;

fn copied(display: &XDisplay) -> String {
    let out = Program::new("xclip")
        .env("DISPLAY", display.name())
        .args(["-selection", "clipboard", "-o"])
        .output()
        .expect("xclip starts (apt install xclip)");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Owns the clipboard of a display until it is dropped.
fn copy(home: &Panto, display: &XDisplay, text: &str) -> Running {
    let file = home.path("copied");
    std::fs::write(&file, text).unwrap();
    let mut command = Program::new("xclip");
    command.env("DISPLAY", display.name()).args(["-selection", "clipboard", "-quiet", "-i"]).arg(&file);
    let owner = Running::start(&mut command);
    eventually("it is copied", || (copied(display) == text).then_some(()));
    owner
}

#[test]
fn the_window_shows_types_and_copies() {
    let (home, server) = (panto(), Tiger::open(SIZE));
    let _terminal = terminal(&server.display);
    let near = XDisplay::start(SIZE);
    let ours = copy(&home, &near, "copied here");
    let target = format!("vnc://127.0.0.1::{}", server.port);
    let viewer = Running::start(
        home.command(&["view", &target, "--no-hints", "--fullscreen", "--renderer", "cpu"])
            .env("DISPLAY", near.name())
            .stdout(Stdio::null()),
    );
    near.point(100, 100);
    near.focus(near.window());
    near.point(110, 110);
    let same = |what: &str| {
        eventually(what, || {
            let (shown, want) = (near.picture(), server.display.picture());
            (shown == want && want.data().iter().any(|p| *p != want.data()[0])).then_some(())
        });
    };
    same("the window shows the screen");
    eventually("the server has what was copied here", || {
        (copied(&server.display) == "copied here").then_some(())
    });
    let before = server.display.picture();
    near.type_text("typed in the window: (;)\n");
    eventually("the terminal shows it", || (server.display.picture() != before).then_some(()));
    rested(&server.display);
    same("the window shows what was typed");
    let theirs = copy(&home, &server.display, "copied there");
    eventually("we have what was copied there", || (copied(&near) == "copied there").then_some(()));
    drop((viewer, ours, theirs));
}
