//! VNC programs that others have written: what they show is the screen, what they type and copy
//! arrives, and what goes over the wire makes sense to them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use panto_protocol::geometry::Size;
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::{ClientMessage, EncodingId, PixelFormat};
use panto_tests::harness::{Panto, Served, XDisplay, assert_same, eventually, panto};

use super::client::RfbClient;
use super::extensions::{copy, pasted, serve_photograph};
use super::{PIXELS, address, rested, serve, serve_with};

/// The server's port for VNC viewers.
fn port(served: &Served) -> u16 {
    address(served).rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// TigerVNC's viewer on a display; ends with this.
struct TigerVnc(Child);

impl TigerVnc {
    fn start(home: &Panto, near: &XDisplay, served: &Served, more: &[&str]) -> Self {
        let viewer = Command::new("xtigervncviewer")
            .env("DISPLAY", near.name())
            .env("HOME", home.path("."))
            .args(["-AutoSelect=0", "-FullColor", "-NoJPEG", "-MenuKey="])
            .args(["-ReconnectOnError=0", "-AlertOnFatalError=0"])
            .args(more)
            .arg(format!("127.0.0.1::{}", port(served)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(viewer.expect("xtigervncviewer starts (apt install tigervnc-viewer)"))
    }
}

impl Drop for TigerVnc {
    fn drop(&mut self) {
        self.0.kill().expect("the viewer is running");
        self.0.wait().expect("the viewer ends");
    }
}

fn leave(home: &Panto, served: &Served, viewer: TigerVnc) {
    drop(viewer);
    eventually("the server notices", || {
        let viewers = home.ctl(served, &["viewers"]);
        viewers["viewers"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
}

fn shows(what: &str, near: &XDisplay, far: &XDisplay) {
    eventually(what, || {
        let (shown, want) = (near.picture(), far.picture());
        (shown == want && want.data().iter().any(|p| *p != want.data()[0])).then_some(())
    });
}

fn click(display: &XDisplay) {
    display.point(200, 120);
    display.button(1, true);
    display.button(1, false);
}

#[test]
fn tigervnc_shows_the_screen_and_types() {
    let home = panto();
    let (served, display) = serve(&home);
    let near = XDisplay::start(Size::new(400, 240));
    for (n, encoding) in ["Tight", "ZRLE", "Hextile", "Raw"].into_iter().enumerate() {
        let preferred = format!("-PreferredEncoding={encoding}");
        let viewer = TigerVnc::start(&home, &near, &served, &["-FullScreen", "-RemoteResize=0", &preferred]);
        shows(&format!("{encoding}: the viewer shows the screen"), &near, &display);
        click(&near);
        // Over the terminal the pointer is an I-beam of two colours; it is hidden while one types.
        eventually("the viewer's pointer looks like the terminal's", || {
            let (shown, want) = (near.cursor(), display.cursor());
            (shown == want && !want.picture.size().is_empty()).then_some(())
        });
        let before = display.picture();
        near.type_text(&format!("viewer {n} types\n"));
        eventually("the far terminal shows it", || (display.picture() != before).then_some(()));
        rested(&display);
        shows(&format!("{encoding}: the viewer shows what was typed"), &near, &display);
        leave(&home, &served, viewer);
    }
}

/// In Tight photographs are gradients, where nobody has allowed JPEG.
#[test]
fn tigervnc_shows_photographs_exactly() {
    let home = panto();
    let (served, display) = serve_photograph(&home);
    let near = XDisplay::start(Size::new(400, 240));
    for encoding in ["Tight", "ZRLE"] {
        let preferred = format!("-PreferredEncoding={encoding}");
        let options = ["-FullScreen", "-RemoteResize=0", "-NoJPEG", &preferred];
        let viewer = TigerVnc::start(&home, &near, &served, &options);
        shows(&format!("{encoding}: the photograph"), &near, &display);
        leave(&home, &served, viewer);
    }
}

#[test]
fn tigervnc_resizes_and_copies_both_ways() {
    let home = panto();
    let (served, display) = serve(&home);
    let near = XDisplay::start(Size::new(360, 200));
    let viewer = TigerVnc::start(&home, &near, &served, &["-FullScreen", "-RemoteResize=1"]);
    eventually("the screen has the window's size", || {
        (display.picture().size() == Size::new(360, 200)).then_some(())
    });
    shows("the viewer shows the smaller screen", &near, &display);
    click(&near);
    let mut owner = copy(&near, "from the viewer: Grüße, 行");
    eventually("the text has come", || (pasted(&display) == "from the viewer: Grüße, 行").then_some(()));
    owner.kill().unwrap();
    owner.wait().unwrap();
    let mut owner = copy(&display, "from the screen: €");
    eventually("the text has gone", || (pasted(&near) == "from the screen: €").then_some(()));
    owner.kill().unwrap();
    owner.wait().unwrap();
    leave(&home, &served, viewer);
}

#[test]
fn tigervnc_comes_in_with_a_password() {
    let home = panto();
    let file = home.path("vnc-password");
    home.write_private(&file, "secret\n");
    let (served, display) = serve_with(&home, &["--rfb-vncauth", file.to_str().unwrap()]);
    let obscured = home.path("obscured");
    let passwd = |password: &str| {
        // As vncpasswd writes it: obscured by a key that everybody knows.
        let out = Command::new("sh")
            .args(["-c", "printf %s \"$1\" | tigervncpasswd -f", "sh", password])
            .output()
            .expect("tigervncpasswd (apt install tigervnc-tools)");
        home.write_private(&obscured, out.stdout);
    };
    passwd("secret");
    let near = XDisplay::start(Size::new(400, 240));
    let file = format!("-PasswordFile={}", obscured.display());
    let more = ["-FullScreen", "-RemoteResize=0", "-SecurityTypes=VncAuth", &file];
    let viewer = TigerVnc::start(&home, &near, &served, &more);
    shows("the viewer was let in", &near, &display);
    leave(&home, &served, viewer);
    passwd("Secret");
    let mut refused = TigerVnc::start(&home, &near, &served, &more);
    eventually("who has another password is not let in", || refused.0.try_wait().unwrap());
    assert!(home.ctl(&served, &["viewers"])["viewers"].as_array().is_some_and(Vec::is_empty));
}

/// A program's end, with all that it has said if it failed.
fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn opened(path: &Path) -> Picture {
    let image = image::open(path).expect("a picture").to_rgb8();
    let size = Size::new(image.width(), image.height());
    let pixels = image.pixels().map(|p| u32::from_be_bytes([0, p[0], p[1], p[2]])).collect();
    Picture::from_pixels(size, pixels).expect("as many as its size says")
}

#[test]
fn gvnccapture_and_vncsnapshot_take_pictures_of_the_screen() {
    let home = panto();
    let (served, display) = serve(&home);
    let screen = rested(&display);
    let gvnc = home.path("gvnc.png");
    // Both take displays; a port of ours is one, whatever its number.
    let display_number = i32::from(port(&served)) - 5900;
    let address = format!("127.0.0.1:{display_number}");
    run(Command::new("gvnccapture").args(["-q", &address]).arg(&gvnc));
    assert_same("gvnccapture", &opened(&gvnc), &screen);
    for encoding in ["raw", "tight", "zrle", "hextile", "rre"] {
        let path = home.path("snapshot.jpg");
        run(Command::new("vncsnapshot")
            .args(["-quality", "100", "-encodings", encoding, &address])
            .arg(&path));
        // It writes JPEG, which is not exact.
        let shown = opened(&path);
        assert_eq!(shown.size(), screen.size());
        let far = |a: u32, b: u32| (0..3).any(|i| (a >> (8 * i) & 255).abs_diff(b >> (8 * i) & 255) > 40);
        let wrong = shown.data().iter().zip(screen.data()).filter(|(a, b)| far(**a, **b)).count();
        assert_eq!(wrong, 0, "{encoding}");
    }
    // A photograph, which Tight may say by gradients.
    let (served, display) = serve_photograph(&home);
    let screen = rested(&display);
    let display_number = i32::from(port(&served)) - 5900;
    run(Command::new("gvnccapture").args(["-q", &format!("127.0.0.1:{display_number}")]).arg(&gvnc));
    assert_same("gvnccapture of a photograph", &opened(&gvnc), &screen);
}

/// What `tests/rfb/fetch.sh` has brought.
fn vncdo() -> Command {
    let binary = std::env::current_exe().expect("the test's own path");
    let found = binary.ancestors().map(|dir| dir.join("vncdotool/bin/vncdo")).find(|path| path.exists());
    Command::new(
        found.expect(
            "run ./test.sh, or tests/rfb/fetch.sh DIR with DIR `vncdotool` in Cargo's target directory",
        ),
    )
}

#[test]
fn vncdotool_types_and_takes_a_picture() {
    let home = panto();
    let (served, display) = serve(&home);
    let before = rested(&display);
    let server = format!("127.0.0.1::{}", port(&served));
    let path = home.path("captured.png");
    run(vncdo().args(["-s", &server, "move", "200", "120", "type", "vncdotool types", "key", "enter"]));
    eventually("the terminal shows it", || (display.picture() != before).then_some(()));
    let screen = rested(&display);
    run(vncdo().args(["-s", &server, "capture"]).arg(&path));
    assert_same("vncdotool", &opened(&path), &screen);
}

/// tcpdump of a port; ends with this.
struct Recorded {
    child: Child,
    file: PathBuf,
}

impl Recorded {
    /// `None` where capturing is not allowed.
    fn start(home: &Panto, port: u16) -> Option<Self> {
        let file = home.path("recorded.pcap");
        let mut child = Command::new("tcpdump")
            .args(["-i", "lo", "-U", "-s", "0", "-B", "16384", "--immediate-mode", "-w"])
            .arg(&file)
            .arg(format!("tcp port {port}"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("tcpdump starts (apt install tcpdump)");
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listens = lines.map_while(Result::ok).any(|line| line.contains("listening on"));
        if !listens {
            child.wait().expect("tcpdump ends");
            return None;
        }
        Some(Self { child, file })
    }

    fn tshark(&self, port: u16, more: &[&str]) -> String {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(&self.file).args(["-d", &format!("tcp.port=={port},vnc")]).args(more);
        String::from_utf8(run(&mut command).stdout).expect("text")
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn tshark_reads_every_message() {
    let home = panto();
    let (served, display) = serve(&home);
    rested(&display);
    let port = port(&served);
    let Some(recorded) = Recorded::start(&home, port) else {
        eprintln!("tcpdump may not capture here: nothing is shown to tshark");
        return;
    };
    let mut seen = BTreeMap::new();
    // Of the pseudo-encodings those that this dissector knows, and no clipboard: it looks for its
    // length in the padding (7.6.4 has three bytes before it).
    let pseudo = [EncodingId::COPY_RECT, EncodingId::CURSOR, EncodingId::DESKTOP_SIZE];
    for encoding in PIXELS.into_iter().filter(|e| *e != EncodingId::TRLE) {
        let mut client = RfbClient::connect(&address(&served), "003.008");
        client.settle(PixelFormat::NATIVE, &[&[encoding][..], &pseudo].concat());
        client.ask(false);
        client.update();
        client.say(&ClientMessage::Pointer { buttons: 0, x: 100, y: 100 });
        for key in "dissected".chars().map(u32::from).chain([0xff0d]) {
            client.say(&ClientMessage::Key { down: true, keysym: key });
            client.say(&ClientMessage::Key { down: false, keysym: key });
        }
        let screen = rested(&display);
        client.until("typed", || screen.clone());
        for (encoding, n) in client.seen {
            *seen.entry(encoding).or_insert(0) += n;
        }
    }
    eventually("every connection's end is recorded", || {
        let ends = recorded.tshark(port, &["-Y", "tcp.flags.fin==1", "-T", "fields", "-e", "tcp.srcport"]);
        (ends.lines().count() >= 2 * (PIXELS.len() - 1)).then_some(())
    });
    // It inflates each rectangle of ZRLE by itself, and says so where the stream goes on.
    let complaints = recorded.tshark(port, &["-Y", "_ws.malformed"]);
    assert_eq!(complaints, "", "what does not make sense to it");
    // What comes in several segments is shown for each of them, and as a whole.
    let whole = "vnc && !(_ws.expert.message contains \"See further on\")";
    let encodings =
        recorded.tshark(port, &["-Y", whole, "-T", "fields", "-e", "vnc.fb_update_encoding_type"]);
    let mut read = BTreeMap::new();
    for encoding in encodings.split([',', '\n']).filter_map(|field| field.trim().parse::<i32>().ok()) {
        *read.entry(encoding).or_insert(0) += 1;
    }
    assert_eq!(read, seen, "rectangles by encoding");
}
