//! VNC servers that others have written, each with a terminal to look at.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use panto_protocol::geometry::Size;
use panto_protocol::pixel::Picture;
use panto_tests::harness::{TERMINAL, XDisplay, eventually, rested};

/// A program that ends with this.
pub struct Running(Child);

impl Running {
    /// Starts it without a word.
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error} (see test.sh)")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody has.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr()).expect("a port").port()
}

/// Waits until somebody listens there.
pub fn listens(port: u16) {
    eventually("the VNC server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
}

/// TigerVNC's X server.
pub struct Tiger {
    pub display: XDisplay,
    pub port: u16,
    _server: Running,
}

impl Tiger {
    /// Starts it with these options, and nothing in it.
    pub fn start(size: Size, port: u16, args: &[&str]) -> Self {
        let mut command = Command::new("Xtigervnc");
        command
            .args(["-displayfd", "1", "-rfbport", &port.to_string(), "-localhost", "-nolisten", "tcp"])
            .args(["-geometry", &format!("{}x{}", size.width, size.height), "-depth", "24"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("Xtigervnc starts (apt install tigervnc-standalone-server)");
        let mut number = String::new();
        let stdout = child.stdout.take().unwrap();
        let server = Running(child);
        BufReader::new(stdout).read_line(&mut number).expect("Xtigervnc tells its display");
        assert!(!number.trim().is_empty(), "Xtigervnc does not start: {command:?}");
        listens(port);
        let display = XDisplay::open(&format!(":{}", number.trim()));
        Self { display, port, _server: server }
    }

    /// Puts the pointer where it believes that of a viewer to be which has not said anything. It
    /// paints others into the picture, as somebody else's.
    pub fn hide_pointer(&self) {
        self.display.point(0, 0);
    }

    /// A server that lets everybody in.
    pub fn open(size: Size) -> Self {
        Self::start(size, free_port(), &["-SecurityTypes", "None"])
    }
}

/// A terminal that writes what it is told, with the keyboard.
pub fn terminal(display: &XDisplay) -> Running {
    let [program, arguments @ ..] = TERMINAL;
    let running = Running::start(Command::new(program).env("DISPLAY", display.name()).args(arguments));
    let window = display.window();
    display.focus(window);
    rested(display);
    running
}

/// A certificate for TLS, made for this test, and its key.
pub fn certificate(dir: &std::path::Path, name: &str) -> [String; 2] {
    let [cert, key] = ["crt", "key"].map(|end| dir.join(format!("{name}.{end}")).display().to_string());
    let status = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-keyout", &key, "-out", &cert])
        .stderr(Stdio::null())
        .status()
        .expect("openssl starts");
    assert!(status.success());
    [cert, key]
}

/// Paints the root of a display.
pub fn paint(display: &XDisplay, picture: &Picture) {
    use x11rb::connection::Connection;
    use x11rb::protocol::xproto::{ConnectionExt, CreateGCAux, ImageFormat};
    let (conn, screen) = x11rb::connect(Some(display.name())).expect("the display can be opened");
    let root = conn.setup().roots[screen].root;
    let gc = conn.generate_id().unwrap();
    conn.create_gc(gc, root, &CreateGCAux::new()).unwrap();
    let width = picture.size().width;
    for (y, row) in picture.view().rows().enumerate() {
        let bytes: Vec<u8> = row.iter().flat_map(|c| c.to_le_bytes()).collect();
        let format = ImageFormat::Z_PIXMAP;
        conn.put_image(format, root, gc, width as u16, 1, 0, y as i16, 0, 24, &bytes).unwrap();
    }
    conn.get_input_focus().unwrap().reply().unwrap();
}
