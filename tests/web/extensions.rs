//! What a browser does with what the server has beyond pictures and input.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use panto_protocol::geometry::Size;
use panto_tests::harness::{XDisplay, eventually, panto};
use serde_json::json;

use super::browser::Browser;
use super::{WINDOW, link, serve_terminal, shows};

fn xclip(display: &XDisplay, how: &[&str]) -> Command {
    let mut command = Command::new("xclip");
    command.env("DISPLAY", display.name()).args(["-selection", "clipboard"]).args(how);
    command
}

/// Copies a text at the far side; it is there as long as the process is.
fn copy(display: &XDisplay, text: &str) -> Child {
    let mut xclip =
        xclip(display, &["-i", "-quiet"]).stdin(Stdio::piped()).spawn().expect("xclip (apt install xclip)");
    xclip.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    xclip
}

#[test]
fn the_screen_takes_the_size_of_the_window() {
    let home = panto();
    let (served, display) = serve_terminal(&home, &["--auth", "none"]);
    let mut browser = Browser::start(&home);
    browser.open(&link(&served), WINDOW);
    browser.until("connected");
    shows("the page shows the screen", &mut browser, &display);
    browser.ask("select", json!({ "selector": "#size", "value": "resize" }));
    for window in [WINDOW, Size::new(900, 640), Size::new(500, 400)] {
        browser.ask("resize", json!({ "width": window.width, "height": window.height }));
        eventually("the screen is as large as its place in the window", || {
            let script = "(() => { const r = document.querySelector('#screen').getBoundingClientRect(); \
                          return [r.width, r.height]; })()";
            let place = browser.ask("evaluate", json!({ "script": script }));
            let size = display.picture().size();
            (place == json!([size.width, size.height])).then_some(())
        });
        shows("the page shows the larger or smaller screen", &mut browser, &display);
    }
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn texts_are_copied_both_ways() {
    let home = panto();
    let (served, display) = serve_terminal(&home, &["--auth", "none"]);
    let mut browser = Browser::start(&home);
    browser.open(&link(&served), WINDOW);
    browser.until("connected");
    shows("the page shows the screen", &mut browser, &display);
    browser.ask("click", json!({ "selector": "#clipboard-button" }));
    for text in ["from far away: größer, 大きい 🙂", "two\nlines"] {
        let mut far = copy(&display, text);
        eventually("the page has what was copied", || {
            (browser.ask("value", json!({ "selector": "#clipboard-text" })) == text).then_some(())
        });
        far.kill().expect("xclip is running");
        far.wait().expect("xclip ends");
    }
    for text in ["from the browser: größer, 大きい 🙂", "two\nlines"] {
        browser.ask("fill", json!({ "selector": "#clipboard-text", "value": text }));
        eventually("the far side has what was typed", || {
            let pasted = xclip(&display, &["-o"]).stderr(Stdio::null()).output().expect("xclip");
            (pasted.stdout == text.as_bytes()).then_some(())
        });
    }
    assert_eq!(browser.complaints(), [""; 0]);
}
