//! What people meet when something is not as it should be: an exit code that a script
//! can tell apart, and a sentence that says what to try next.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use panto_protocol::geometry::Size;
use panto_protocol::pixel::Picture;
use panto_tests::harness::{Panto, Served, XDisplay, eventually, panto};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::security::{check, said};

const SIZE: Size = Size::new(320, 240);

fn serve_plain(home: &Panto, display: &XDisplay) -> Served {
    home.serve(&["127.0.0.1:0", "--auth", "none", "--display", display.name()])
}

/// `panto view` without a window, while it runs.
pub struct Viewing {
    child: Child,
    stats: PathBuf,
    screenshot: PathBuf,
}

/// How a viewing ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stats: Value,
    pub picture: Option<Picture>,
}

impl Viewing {
    /// Starts it and waits until the server has `viewers` viewers that were sent something.
    pub fn start(home: &Panto, served: &Served, name: &str, more: &[&str], viewers: usize) -> Self {
        let (stats, screenshot) = (home.path(&format!("{name}.json")), home.path(&format!("{name}.png")));
        let mut command = home.command(&["view", &served.address(), "--no-window", "--name", name]);
        command.arg("--stats").arg(&stats).arg("--screenshot").arg(&screenshot).args(more);
        let child = command.stderr(Stdio::null()).spawn().expect("the viewer starts");
        let viewing = Self { child, stats, screenshot };
        eventually("the viewer is in and has a picture", || {
            let all = home.ctl(served, &["viewers"]);
            let all = all["viewers"].as_array()?;
            let seeing = all.iter().filter(|v| v["frames"].as_u64() > Some(0));
            (seeing.count() == viewers).then_some(())
        });
        viewing
    }

    /// Ends it with this signal.
    pub fn end(self, signal: Signal) -> Ended {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.ended()
    }

    /// Waits for the end that comes by itself.
    pub fn ended(mut self) -> Ended {
        let status = eventually("the viewer ends", || self.child.try_wait().unwrap());
        let picture = self.screenshot.exists().then(|| png(&self.screenshot));
        let stats = std::fs::read(&self.stats).expect("figures were written");
        Ended { code: status.code(), stats: serde_json::from_slice(&stats).unwrap(), picture }
    }
}

impl Drop for Viewing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn png(path: &Path) -> Picture {
    let image = image::open(path).unwrap().into_rgb8();
    let pixels = image.pixels().map(|p| panto_protocol::pixel::rgb(p[0], p[1], p[2])).collect();
    Picture::from_pixels(Size::new(image.width(), image.height()), pixels).unwrap()
}

#[test]
fn screens_that_cannot_be_served() {
    let home = panto();
    // A number that no display of this machine has.
    let nobody = (500..)
        .map(|n| format!(":{n}"))
        .find(|d| !Path::new(&format!("/tmp/.X11-unix/X{}", &d[1..])).exists());
    let nobody = nobody.unwrap();
    let output = home.run(&["serve", "0", "--display", &nobody]);
    check(&output, 8, &["no X server answers at display", &nobody]);
    check(&home.run(&["serve", "0", "--display", "nonsense"]), 8, &["nonsense"]);
    check(&home.run(&["serve", "0"]), 8, &["$DISPLAY is not set", "--display :0", "--virtual"]);

    let mut wayland = home.command(&["serve", "0"]);
    wayland.env("WAYLAND_DISPLAY", "wayland-0");
    let output = home.finish(wayland);
    check(&output, 8, &["Wayland session", "wayland-0", "X11 session", "--virtual"]);

    let mut bare = home.command(&["serve", "0", "--virtual", "640x480", "--", "xterm"]);
    bare.env("PATH", home.path("empty"));
    check(&home.finish(bare), 8, &["Xvfb is not installed", "apt install xvfb"]);

    let output = home.run(&["serve", "0", "--virtual", "640x480", "--", "/no/such/program"]);
    check(&output, 8, &["/no/such/program", "cannot be started"]);
    for output in [
        home.run(&["serve", "0", "--", "xterm"]),
        home.run(&["serve", "0", "--display", ":0", "--", "xterm"]),
    ] {
        check(&output, 2, &["--virtual WxH -- COMMAND"]);
    }
}

#[test]
fn addresses_that_cannot_be_listened_on() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = home.run(&["serve", &address, "--display", display.name()]);
    check(&output, 9, &[&address, "already in use", "ss -tlnp", "choose another port"]);
    // Both loopbacks or none.
    check(&home.run(&["serve", &port, "--display", display.name()]), 9, &["already in use"]);
    let socket = format!("unix:{}", home.path("s/panto.sock").display());
    let served = home.serve(&[&socket, "--display", display.name()]);
    let output = home.run(&["serve", &socket, "--display", display.name()]);
    check(&output, 9, &[&socket, "already in use"]);
    served.stop();
    // What a server that was killed leaves behind is in nobody's way.
    std::fs::write(home.path("file"), "mine").unwrap();
    let file = format!("unix:{}", home.path("file").display());
    check(&home.run(&["serve", &file, "--display", display.name()]), 1, &["is no socket", "another path"]);
    assert_eq!(std::fs::read_to_string(home.path("file")).unwrap(), "mine");

    check(&home.run(&["serve", "192.0.2.1:0"]), 1, &["no address of this machine", "ip address"]);
    check(&home.run(&["serve", ":1"]), 2, &["--display :1"]);
    check(&home.run(&["serve", "localhost:99999"]), 2, &["is no port"]);
}

#[test]
fn words_that_mean_nothing() {
    let home = panto();
    for (args, words) in [
        (&["view", "host:1"][..], &["VNC's spelling", "host:4920", "vnc://host:5901"][..]),
        (&["view", "host::5901"], &["host:4920"]),
        (&["view", "ssh://me@host"], &["not available in this version"]),
        (&["view", "host", "--mode", "fast"], &["'fast'", "pixels", "commands", "hybrid", "auto"]),
        (&["view", "host", "--depth", "15"], &["no depth '15'", "24, 16, 8, 4 or 1"]),
        (&["view", "host", "--scale", "3"], &["no scale '3'", "1/2 or 1/4"]),
        (&["view", "host", "--for", "soon"], &["'soon' is no time", "10s"]),
        (&["view", "host", "--trust", "blind"], &["'blind'", "strict"]),
        (&["serve", "0", "--virtual", "640"], &["'640' is no size", "1280x800"]),
        (&["serve", "0", "--virtual", "640x480", "--display", ":1"], &["cannot be used with"]),
        (&["ctl", "mode", "fast"], &["'fast'"]),
        (&["ctl", "depth", "15"], &["no depth '15'"]),
        (&["ctl", "kick", "someone"], &["someone"]),
        (&["conquer"], &["conquer", "--help"]),
        (&[], &["Usage"]),
    ] {
        check(&home.run(args), 2, words);
    }
}

#[test]
fn servers_that_are_not_there() {
    let home = panto();
    // A port that was free a moment ago, at an address that nothing else uses.
    let port = TcpListener::bind("127.78.0.1:0").unwrap().local_addr().unwrap().port();
    let target = format!("127.78.0.1:{port}");
    check(&home.run(&["view", &target, "--no-window"]), 3, &["refuses connections", "`panto serve`"]);
    let output = home.run(&["view", "no-such-host.invalid", "--no-window"]);
    check(&output, 3, &["cannot find the address of no-such-host.invalid", "spelling"]);
    let socket = format!("unix:{}", home.path("nothing").display());
    check(&home.run(&["view", &socket, "--no-window"]), 3, &["no server listens", "panto serve unix:"]);
    for command in [&["status"][..], &["mode", "pixels"], &["kick", "1"]] {
        let mut args = vec!["ctl"];
        args.extend(command);
        check(&home.run(&args), 3, &["no server answers", "panto serve", "--socket"]);
    }
}

/// Answers everything as a web server does, until the test's process ends.
fn web_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<p>What?</p>");
        }
    });
    address
}

#[test]
fn servers_of_other_kinds() {
    let home = panto();
    let output = home.run(&["view", &web_server(), "--no-window", "--for", "1s"]);
    assert!(matches!(output.status.code(), Some(3 | 6)), "{:?}: {}", output.status, said(&output));
    check(&output, output.status.code().unwrap(), &["does not speak Panto", "panto serve"]);
}

#[test]
fn an_answer_that_never_comes_can_be_interrupted() {
    let home = panto();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = silent.local_addr().unwrap().to_string();
    let child = home.command(&["view", &target, "--no-window"]).stderr(Stdio::null()).spawn();
    let mut child = child.unwrap();
    // It is connected and waits for the other side's part of TLS.
    let (mut stream, _) = silent.accept().unwrap();
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    let began = std::time::Instant::now();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let status = eventually("it ends", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "before TLS gives up by itself");
}

#[test]
fn a_virtual_display_that_dies_is_no_good_end() {
    let home = panto();
    // The command ends with its display; sleeping would go on without one.
    let kill = r#"for p in /proc/[0-9]*; do
            grep -qs "^PPid:[[:space:]]*$PPID\$" "$p/status" && grep -qs Xvfb "$p/comm" && kill -KILL "${p#/proc/}"
        done
        exec xterm"#;
    let virtual_display = ["serve", "127.0.0.1:0", "--auth", "none", "--virtual", "300x200", "--"];
    let output = home.run(&[&virtual_display[..], &["sh", "-c", kill]].concat());
    check(&output, 8, &[]);
    let output = home.run(&[&virtual_display[..], &["sh", "-c", "sleep 1"]].concat());
    check(&output, 0, &[]);
}

#[test]
fn a_window_needs_a_display() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    let served = serve_plain(&home, &display);
    let output = home.run(&["view", &served.address()]);
    check(&output, 8, &["DISPLAY", "--no-window"]);
    let mut gone = home.command(&["view", &served.address()]);
    gone.env("DISPLAY", ":98765");
    check(&home.finish(gone), 8, &["--no-window"]);
}

#[test]
fn every_end_of_a_viewing_leaves_what_was_asked_for() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    let served = serve_plain(&home, &display);
    let black = display.picture();

    for (signal, name) in [(Signal::INT, "int"), (Signal::TERM, "term")] {
        let ended = Viewing::start(&home, &served, name, &[], 1).end(signal);
        assert_eq!(ended.code, Some(130));
        assert_eq!(ended.picture.as_ref(), Some(&black));
        assert_eq!(ended.stats["digest"], panto_protocol::canvas::digest(black.view()).to_string());
        assert_eq!(ended.stats["reconnects"], 0);
    }

    let (stats, picture) = (home.path("for.json"), home.path("for.png"));
    let mut command = home.command(&["view", &served.address(), "--no-window", "--for", "100ms"]);
    command.arg("--stats").arg(&stats).arg("--screenshot").arg(&picture);
    check(&home.finish(command), 0, &[]);
    let stats: Value = serde_json::from_slice(&std::fs::read(stats).unwrap()).unwrap();
    assert!(stats["frames"].as_u64() > Some(0) && stats["bytes_down"].as_u64() > Some(0), "{stats}");
    assert!(stats["duration_s"].as_f64() >= Some(0.1), "{stats}");
    assert_eq!(png(&picture), black);
    // `-` is stdout, and nothing else is there.
    let output = home.run(&["view", &served.address(), "--no-window", "--for", "1ms", "--stats", "-"]);
    let printed: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(printed["lossless"], true);
    // A file that cannot be written is an error with its name.
    let output =
        home.run(&["view", &served.address(), "--no-window", "--for", "1ms", "--stats", "/no/such/dir/f"]);
    check(&output, 1, &["cannot write /no/such/dir/f"]);

    // The server is killed, and the viewer may not wait for it: what it had is kept.
    let viewing = Viewing::start(&home, &served, "killed", &["--no-reconnect"], 1);
    kill_process(Pid::from_raw(served.pid() as i32).unwrap(), Signal::KILL).unwrap();
    let ended = viewing.ended();
    assert_eq!(ended.code, Some(7));
    assert_eq!(ended.picture.as_ref(), Some(&black));
}

#[test]
fn a_server_that_ends_says_so() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    let served = serve_plain(&home, &display);
    let mut command = home.command(&["view", &served.address(), "--no-window"]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    eventually("the viewer is in", || {
        (home.ctl(&served, &["status"])["status"]["viewers"] == 1).then_some(())
    });
    let socket = served.socket();
    served.stop();
    // A goodbye is not a loss: nothing to come back for.
    let output = child.wait_with_output().unwrap();
    check(&output, 7, &["the server is closing"]);
    assert!(!socket.exists(), "the control socket is removed");
}

#[test]
fn a_screen_that_goes_away_is_named() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    let served = serve_plain(&home, &display);
    let child =
        home.command(&["view", &served.address(), "--no-window"]).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the viewer is in", || {
        (home.ctl(&served, &["status"])["status"]["viewers"] == 1).then_some(())
    });
    drop(display);
    let output = child.wait_with_output().unwrap();
    check(&output, 8, &["the server has no picture"]);
    let status = home.ctl(&served, &["status"]);
    assert!(status["status"]["failure"].is_string(), "{status}");
}

#[test]
fn doctor_manual_and_completions() {
    let home = panto();
    let output = home.run(&["doctor", "--json"]);
    check(&output, 0, &[]);
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let findings = findings.as_array().unwrap();
    for what in ["serve: X display", "serve: virtual display", "serve: port", "view: window"] {
        let found = findings.iter().find(|f| f["what"] == what).unwrap_or_else(|| panic!("{what}"));
        assert!(found["ok"].is_boolean() && !found["detail"].as_str().unwrap().is_empty(), "{found}");
    }
    let display = findings.iter().find(|f| f["what"] == "serve: X display").unwrap();
    assert_eq!(display["ok"], false, "this process has none");
    let text = String::from_utf8(home.run(&["doctor"]).stdout).unwrap();
    assert!(text.contains("missing  serve: X display"), "{text}");

    let manual = String::from_utf8(home.run(&["man"]).stdout).unwrap();
    for word in [".TH panto 1", "serve", "Exit codes", "130 interrupted"] {
        assert!(manual.contains(word), "{word}");
    }
    let pages = home.path("man");
    check(&home.run(&["man", pages.to_str().unwrap()]), 0, &[]);
    for page in ["panto.1", "panto-serve.1", "panto-view.1", "panto-ctl.1"] {
        assert!(std::fs::read_to_string(pages.join(page)).unwrap().contains(".SH"), "{page}");
    }
    for (shell, word) in [("bash", "_panto()"), ("zsh", "#compdef panto"), ("fish", "complete -c panto")] {
        let output = home.run(&["completions", shell]);
        check(&output, 0, &[]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(word) && text.contains("--no-window") || shell == "fish", "{shell}");
    }
    let script = home.path("completions.bash");
    std::fs::write(&script, home.run(&["completions", "bash"]).stdout).unwrap();
    let checked = Command::new("bash").arg("-n").arg(&script).status().expect("bash");
    assert!(checked.success(), "bash can read it");

    let help = home.run(&["--help"]);
    assert!(String::from_utf8(help.stdout).unwrap().contains("Exit codes"));
    check(&home.run(&["--version"]), 0, &[]);
}

#[test]
fn nobody_who_reads_the_output_is_no_panic() {
    let home = panto();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = home.command(&["doctor"]);
    let output = command.stdout(writer).stderr(Stdio::piped()).output().expect("panto doctor");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("Broken pipe") && !said.contains("panicked"), "{said}");
}
