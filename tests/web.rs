//! `panto serve --web`: a real browser, and peers that are none.

mod browser;
mod extensions;
pub mod http;
mod rsa_aes;

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use panto_protocol::geometry::{Point, Size};
use panto_tests::harness::{Panto, Served, XDisplay, eventually, panto};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::rfb::extensions::photograph;
use crate::security::passwd;
use browser::{Browser, novnc};

const WINDOW: Size = Size::new(700, 500);
const PASSWORD: &str = "correct horse battery staple";

/// Serves browsers what `more` says.
fn serve(home: &Panto, more: &[&str]) -> Served {
    let novnc = novnc();
    home.serve(&[&["127.0.0.1:0", "--web=127.0.0.1:0", "--web-assets", &novnc], more].concat())
}

/// A terminal that writes what it is told.
fn serve_terminal(home: &Panto, more: &[&str]) -> (Served, XDisplay) {
    let xterm = ["xterm", "-geometry", "60x16+0+0", "-fa", "Monospace", "-fs", "9", "-e", "sh", "-c"];
    let script = ["printf 'ready\\n'; exec cat"];
    let screen = ["--virtual", "400x240", "--"];
    let served = serve(home, &[more, &screen, &xterm, &script].concat());
    let display = XDisplay::open(&served.display());
    display.window();
    (served, display)
}

/// The page to open, with its ticket where one is needed.
fn link(served: &Served) -> String {
    served.listening["links"][0].as_str().expect("a link").to_owned()
}

/// Waits until the page shows the display, pixel for pixel.
fn shows(what: &str, browser: &mut Browser, display: &XDisplay) {
    eventually(what, || {
        let (shown, want) = (browser.picture()?, display.picture());
        (shown == want && want.data().iter().any(|p| *p != want.data()[0])).then_some(())
    });
}

/// Types a line in the page until the far terminal shows something else.
fn types(browser: &mut Browser, display: &XDisplay, text: &str) {
    let before = display.picture();
    browser.type_text(text);
    eventually("the far terminal shows it", || (display.picture() != before).then_some(()));
}

#[test]
fn a_browser_shows_the_screen_and_types() {
    let home = panto();
    let (served, display) = serve_terminal(&home, &["--auth", "none", "--name", "the <far> desk"]);
    let mut browser = Browser::start(&home);
    browser.open(&link(&served), WINDOW);
    browser.until("connected");
    shows("the page shows the screen", &mut browser, &display);
    assert_eq!(browser.ask("text", json!({ "selector": "#name" })), "the <far> desk");
    browser.ask("point", json!({ "x": 350, "y": 250 }));
    types(&mut browser, &display, "Hello, (far) side: ~@# {}\n");
    shows("the page shows what was typed", &mut browser, &display);

    // Fitted to the window, whatever its size; the picture itself stays as it is.
    for (window, fits) in [(Size::new(700, 300), "height"), (Size::new(300, 700), "width")] {
        browser.ask("resize", json!({ "width": window.width, "height": window.height }));
        let script = format!(
            "(() => {{ const of = (e) => document.querySelector(e).getBoundingClientRect(); \
             return Math.abs(of('#screen canvas').{fits} - of('#screen').{fits}) < 1.5; }})()"
        );
        eventually("the screen fits", || {
            (browser.ask("evaluate", json!({ "script": script })) == true).then_some(())
        });
    }
    shows("the page still shows the screen", &mut browser, &display);

    // Nobody else's eyes: what the page does not send, the far side does not get.
    browser.ask("resize", json!({ "width": WINDOW.width, "height": WINDOW.height }));
    browser.ask("check", json!({ "selector": "#view-only", "value": true }));
    let before = display.picture();
    browser.ask("point", json!({ "x": 350, "y": 250 }));
    browser.type_text("unheard");
    browser.ask("check", json!({ "selector": "#view-only", "value": false }));
    browser.ask("point", json!({ "x": 350, "y": 250 }));
    browser.type_text("x");
    browser.ask("press", json!({ "key": "Backspace" }));
    shows("a letter that was taken back", &mut browser, &display);
    eventually("nothing else was typed", || (display.picture() == before).then_some(()));
    assert_eq!(browser.complaints(), [""; 0]);

    let viewers = home.ctl(&served, &["viewers"]);
    assert_eq!(viewers["viewers"][0]["name"], "browser", "{viewers}");
    home.ctl(&served, &["kick", &viewers["viewers"][0]["id"].to_string()]);
    browser.until("ended");
    assert!(browser.message().contains("ended the connection"), "{}", browser.message());
}

/// noVNC allows JPEG: what rests becomes exact, by Tight's gradients.
#[test]
fn a_photograph_is_exact_once_it_rests() {
    let home = panto();
    let served = serve(&home, &["--auth", "none", "--virtual", "400x240", "--", "sleep", "1000"]);
    let display = XDisplay::open(&served.display());
    display.paint(Point::new(20, 30), &photograph());
    let mut browser = Browser::start(&home);
    browser.open(&link(&served), WINDOW);
    browser.until("connected");
    shows("the photograph, exactly", &mut browser, &display);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_link_lets_in_once_and_a_password_whenever_it_is_right() {
    let home = panto();
    passwd(&home, &[], PASSWORD);
    passwd(&home, &["onlooker", "--view-only"], "may only look at it");
    let (served, display) = serve_terminal(&home, &[]);
    let mut browser = Browser::start(&home);
    let link = link(&served);
    browser.open(&link, WINDOW);
    browser.until("connected");
    shows("a ticket lets in", &mut browser, &display);
    let address = browser.ask("address", json!({}));
    assert!(!address.as_str().unwrap().contains("ticket"), "not in the history: {address}");
    assert!(!served.log().contains(link.rsplit('=').next().unwrap()), "not in the log");

    browser.open(&link, WINDOW);
    browser.until("login");
    assert!(browser.message().contains("a ticket is good once"), "{}", browser.message());
    browser.log_in("correct horse");
    eventually("a wrong password is one", || browser.message().contains("wrong password").then_some(()));
    browser.until("login");
    browser.log_in(PASSWORD);
    browser.until("connected");
    browser.ask("point", json!({ "x": 350, "y": 250 }));
    types(&mut browser, &display, "let in\n");
    shows("a password lets in", &mut browser, &display);

    // Without a ticket it asks, and rights are the server's to keep.
    browser.open(link.split('#').next().unwrap(), WINDOW);
    browser.until("login");
    browser.log_in("may only look at it");
    browser.until("connected");
    shows("who may look sees", &mut browser, &display);
    let before = display.picture();
    browser.ask("point", json!({ "x": 350, "y": 250 }));
    browser.type_text("not mine to type\n");
    // Bytes of one connection are in order: when the server has seen it leave, it has read them.
    browser.ask("click", json!({ "selector": "#leave" }));
    browser.until("ended");
    eventually("the viewer is gone", || {
        home.ctl(&served, &["viewers"])["viewers"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
    assert!(display.picture() == before, "an onlooker has typed");
}

#[test]
fn a_server_that_comes_back_is_found_again() {
    let home = panto();
    let mut served = serve(&home, &["--auth", "none", "--demo"]);
    let mut browser = Browser::start(&home);
    browser.open(&link(&served), WINDOW);
    browser.until("connected");
    let web = served.listening["web"][0].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let pid = Pid::from_raw(served.pid().cast_signed()).unwrap();
        kill_process(pid, Signal::KILL).expect("the server can be killed");
        browser.until("waiting");
        assert!(browser.message().contains("lost"), "{}", browser.message());
        drop(served);
        served = home.serve(&[
            "127.0.0.1:0",
            &format!("--web={web}"),
            "--web-assets",
            &novnc(),
            "--auth",
            "none",
            "--demo",
        ]);
        browser.until("connected");
        eventually("the screen is there again", || browser.picture());
    }
    served.stop();
    browser.until("ended");
}

/// A port that leads to this one, and a way to cut all that goes through it.
fn cuttable(to: &str) -> (u16, impl Fn() + use<>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().unwrap().port();
    let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    let (all, to) = (Arc::clone(&open), to.to_owned());
    std::thread::spawn(move || {
        for near in listener.incoming() {
            let (Ok(near), Ok(far)) = (near, TcpStream::connect(&to)) else { return };
            for (from, to) in [(&near, &far), (&far, &near)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
            all.lock().unwrap().extend([near, far]);
        }
    });
    let cut = move || {
        open.lock().unwrap().drain(..).for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    };
    (port, cut)
}

#[test]
fn who_came_by_a_link_comes_back_and_who_was_sent_away_does_not() {
    let home = panto();
    let (served, display) = serve_terminal(&home, &[]);
    let (port, cut) = cuttable(served.listening["web"][0].as_str().unwrap());
    let link = link(&served);
    let mut browser = Browser::start(&home);
    browser.open(&format!("http://127.0.0.1:{port}/#{}", link.split_once('#').unwrap().1), WINDOW);
    browser.until("connected");
    let viewers = || home.ctl(&served, &["viewers"])["viewers"].as_array().cloned().unwrap_or_default();
    for again in 0..3 {
        let before = viewers()[0]["id"].as_u64();
        cut();
        eventually("the page is back", || (viewers().first()?["id"].as_u64() > before).then_some(()));
        browser.until("connected");
        browser.ask("point", json!({ "x": 350, "y": 250 }));
        types(&mut browser, &display, &format!("back {again}\n"));
        shows("what is typed is shown", &mut browser, &display);
    }
    home.ctl(&served, &["kick", &viewers()[0]["id"].to_string()]);
    browser.until("ended");
    browser.ask("click", json!({ "selector": "#connect" }));
    browser.until("login");
    assert!(browser.message().contains("Type a password"), "{}", browser.message());
    assert!(!served.log().contains("return="), "{}", served.log());
}

#[test]
fn other_machines_get_https() {
    let home = panto();
    let novnc = novnc();
    let served = home.serve(&["127.0.0.1:0", "--web=0.0.0.0:0", "--web-assets", &novnc, "--demo"]);
    let link = link(&served);
    let (host, ticket) = link.strip_prefix("https://").expect("https").split_once('/').unwrap();
    let port = host.rsplit(':').next().unwrap();
    let mut browser = Browser::start(&home);
    // Who types the address without `https` is sent there, ticket and all.
    browser.open(&format!("http://127.0.0.1:{port}/{ticket}"), WINDOW);
    browser.until("connected");
    let address = browser.ask("address", json!({}));
    assert_eq!(address, format!("https://127.0.0.1:{port}/"));
    eventually("there is a picture", || browser.picture());
    assert_eq!(browser.complaints(), [""; 0]);
    let certificate = served.listening["certificate"].as_str().expect("a fingerprint");
    assert_eq!(certificate.len(), 32 * 3 - 1, "{certificate}");
}

#[test]
fn without_novnc_a_page_says_how_to_get_it() {
    let home = panto();
    let dir = home.path("nothing");
    let dir = dir.to_str().unwrap();
    let served =
        home.serve(&["127.0.0.1:0", "--web=127.0.0.1:0", "--web-assets", dir, "--auth", "none", "--demo"]);
    let mut browser = Browser::start(&home);
    browser.open(&link(&served), WINDOW);
    let text = browser.ask("text", json!({ "selector": "main" }));
    assert!(text.as_str().is_some_and(|t| t.contains("assets/web/fetch.sh") && t.contains(dir)), "{text}");
    // Somebody gets it, and the page only has to be loaded again.
    std::os::unix::fs::symlink(novnc(), dir).unwrap();
    browser.open(&link(&served), WINDOW);
    browser.until("connected");
}
