//! `panto demo`, the first thing that a newcomer types.

use panto_protocol::geometry::{Point, Size};
use panto_tests::harness::{XDisplay, eventually, panto};

#[test]
fn with_a_display_it_opens_a_window() {
    let home = panto();
    let display = XDisplay::start(Size::new(1280, 800));
    let mut command = home.command(&["demo"]);
    let mut child = command.env("DISPLAY", display.name()).spawn().expect("panto demo starts");
    display.window();
    // The panel at the desktop's top edge, right of the overlay.
    eventually("the desktop is shown", || {
        (display.picture().pixel(Point::new(700, 5)) == Some(0x0016_1824)).then_some(())
    });
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn without_a_display_it_says_so_and_leaves_picture_and_table() {
    let home = panto();
    let (png, json) = (home.path("demo.png"), home.path("demo.json"));
    let output = home.run(&[
        "demo",
        "--size",
        "640x480",
        "--screenshot",
        png.to_str().unwrap(),
        "--stats",
        json.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no display"));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    for mode in [" pixels ", " pixels+copyrect ", " pixels 8 bit ", " commands ", " hybrid ", " auto "] {
        assert!(table.contains(mode), "{mode} is missing in\n{table}");
    }
    let picture = image::open(&png).expect("a picture");
    assert_eq!((picture.width(), picture.height()), (640, 480));
    let figures: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(figures["rows"].as_array().map(Vec::len), Some(9));
}

#[test]
fn a_viewing_whose_server_is_gone_at_the_end_says_so() {
    let home = panto();
    let socket = format!("unix:{}", home.path("s/panto.sock").display());
    let served = home.serve(&[&socket, "--demo", "--size", "640x480"]);
    let mut child =
        home.command(&["view", &socket, "--no-window", "--for", "3s"]).spawn().expect("panto view");
    eventually("the viewer is in", || {
        (home.ctl(&served, &["viewers"])["viewers"].as_array()?.len() == 1).then_some(())
    });
    // Killed, so that no goodbye is said: the viewer tries to come back until its time is over.
    let pid = rustix::process::Pid::from_raw(served.pid() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert!(matches!(child.wait().unwrap().code(), Some(7 | 3)), "lost, or no longer to be reached");
}
