//! Peers that are no browser: what they may ask for, and what they may not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use panto_tests::harness::{PATIENCE, Panto, Served, panto};

use super::browser::novnc;

const RFB: &[u8] = b"RFB 003.008\n";

/// Serves the demo to who asks for nothing, and says where.
fn serve(home: &Panto, more: &[&str]) -> (Served, String) {
    let served = super::serve(home, &[&["--demo"], more].concat());
    let address = served.listening["web"][0].as_str().expect("an address for browsers").to_owned();
    (served, address)
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What is said to these bytes, until the connection is closed.
fn answer(address: &str, bytes: &[u8]) -> String {
    let mut stream = connect(address);
    // It may close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

/// The head of the answer: connections that could ask for more stay open for a while.
fn head(address: &str, bytes: &[u8]) -> String {
    let mut stream = connect(address);
    let _ = stream.write_all(bytes);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the server answers");
        head.extend(byte);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// The answer to one request with these lines beside `Host`.
fn get(address: &str, path: &str, lines: &str) -> String {
    answer(
        address,
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{lines}\r\n").as_bytes(),
    )
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or(answer)
}

/// A WebSocket's handshake with these lines more.
fn upgrade(host: &str, lines: &str) -> String {
    format!(
        "GET /websocket HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n"
    )
}

/// A client's frame: its first byte, and a payload that is masked.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x1f, 0x2e, 0x3d, 0x4c];
    let mut bytes = vec![first];
    match u16::try_from(payload.len()) {
        Ok(short @ 0..126) => bytes.push(0x80 | short as u8),
        Ok(long) => {
            bytes.push(0x80 | 126);
            bytes.extend(long.to_be_bytes());
        }
        Err(_) => {
            bytes.push(0x80 | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A WebSocket, as far as tests need one.
pub struct Socket {
    pub stream: TcpStream,
}

impl Socket {
    pub fn open(address: &str) -> Self {
        let mut socket = Self { stream: connect(address) };
        socket.stream.write_all(upgrade(address, "").as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(socket.take(1));
        }
        let head = String::from_utf8(head).unwrap();
        assert_eq!(status(&head), "101", "{head}");
        assert!(head.to_lowercase().contains("sec-websocket-accept: s3ppl"), "{head}");
        socket
    }

    fn take(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        self.stream.read_exact(&mut bytes).expect("the server answers");
        bytes
    }

    /// The next frame: its first byte and its payload.
    pub fn next(&mut self) -> (u8, Vec<u8>) {
        let head = self.take(2);
        let length = match head[1] {
            126 => usize::from(u16::from_be_bytes(self.take(2).try_into().unwrap())),
            127 => u64::from_be_bytes(self.take(8).try_into().unwrap()) as usize,
            short => usize::from(short),
        };
        (head[0], self.take(length))
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Whether the server closes the connection, whatever it says before.
    fn closes(mut self) -> bool {
        self.stream.read_to_end(&mut Vec::new()).is_ok()
    }
}

#[test]
fn a_fixed_set_of_paths_and_nothing_else() {
    let home = panto();
    let (_served, address) = serve(&home, &["--auth", "none"]);
    let secret = std::path::Path::new(&novnc()).join("../node_modules/playwright-core/package.json");
    assert!(secret.exists(), "what the paths below would find");
    for path in [
        "/novnc/../node_modules/playwright-core/package.json",
        "/novnc/core/../../../node_modules/playwright-core/package.json",
        "/novnc/%2e%2e/node_modules/playwright-core/package.json",
        "/novnc/..%2fnode_modules%2fplaywright-core%2fpackage.json",
        "/novnc/..\\node_modules\\playwright-core\\package.json",
        "/novnc//etc/passwd",
        "//etc/passwd",
        "/novnc/core",
        "/novnc/core/",
        "/novnc/.integrity",
        "/novnc/core/rfb.js/",
        "/novnc/core/rfb.js%00",
        "/index.html",
        "/favicon.ico",
    ] {
        let said = get(&address, path, "");
        assert_eq!(status(&said), "404", "{path}: {said}");
        assert!(!said.contains("playwright") && !said.contains("root:"), "{path}: {said}");
    }
    for (path, kind) in [
        ("/", "text/html"),
        ("/?whatever", "text/html"),
        ("/panto.js", "text/javascript"),
        ("/panto.css", "text/css"),
        ("/novnc/core/rfb.js", "text/javascript"),
        ("/novnc/vendor/pako/lib/zlib/inflate.js", "text/javascript"),
        ("/novnc/LICENSE.txt", "text/plain"),
    ] {
        let said = get(&address, path, "").to_lowercase();
        assert_eq!(status(&said), "200", "{path}: {said}");
        for line in [
            &format!("content-type: {kind}; charset=utf-8\r\n"),
            "content-security-policy: default-src 'none'; script-src 'self';",
            "x-content-type-options: nosniff\r\n",
            "referrer-policy: no-referrer\r\n",
            "cache-control: no-cache\r\n",
        ] {
            assert!(said.contains(line), "{path} without {line}");
        }
        let tag = said.split("etag: ").nth(1).and_then(|rest| rest.split("\r\n").next()).expect("a tag");
        let again = get(&address, path, &format!("If-None-Match: {tag}\r\n"));
        assert!(status(&again) == "304" && again.ends_with("\r\n\r\n"), "{again}");
    }
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let home = panto();
    let (_served, address) = serve(&home, &["--auth", "none"]);
    for (what, request, code) in [
        (
            "a deed",
            format!("POST / HTTP/1.1\r\nHost: {address}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"),
            "405",
        ),
        ("no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n".into(), "400"),
        (
            "two hosts",
            format!("GET / HTTP/1.1\r\nHost: {address}\r\nHost: b\r\nConnection: close\r\n\r\n"),
            "400",
        ),
        ("another's name", "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n".into(), "421"),
        ("an old version", format!("GET / HTTP/1.0\r\nHost: {address}\r\n\r\n"), "505"),
        (
            "a head that is too long",
            format!("GET / HTTP/1.1\r\nHost: {address}\r\nA: {}\r\n\r\n", "a".repeat(20_000)),
            "431",
        ),
        (
            "too many headers",
            format!("GET / HTTP/1.1\r\nHost: {address}\r\n{}\r\n", "A: a\r\n".repeat(200)),
            "431",
        ),
        (
            "a path that is too long",
            format!("GET /{} HTTP/1.1\r\nHost: {address}\r\n\r\n", "a".repeat(70_000)),
            "431",
        ),
        ("no HTTP", "RFB 003.008\n\r\n\r\n".into(), "400"),
    ] {
        let said = answer(&address, request.as_bytes());
        assert_eq!(status(&said), code, "{what}: {said}");
    }
    // Only the head of what GET would bring.
    let said = answer(
        &address,
        format!("HEAD / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    );
    assert!(status(&said) == "200" && said.ends_with("\r\n\r\n"), "{said}");
}

#[test]
fn only_pages_of_this_server_open_its_websocket() {
    let home = panto();
    let (_served, address) = serve(&home, &["--auth", "none"]);
    for (lines, code) in [
        ("Origin: http://example.com\r\n", "403"),
        ("Origin: null\r\n", "403"),
        ("Origin: http://127.0.0.1\r\n", "403"),
        ("Origin: http://ADDRESS.example.com\r\n", "403"),
        ("Origin: http://ADDRESS\r\nOrigin: http://ADDRESS\r\n", "403"),
        ("Sec-WebSocket-Protocol: chat\r\n", "400"),
    ] {
        let said = head(&address, upgrade(&address, &lines.replace("ADDRESS", &address)).as_bytes());
        assert_eq!(status(&said), code, "{lines}: {said}");
    }
    // A page elsewhere whose name was pointed at this machine says what it is called.
    let said = head(&address, upgrade("example.com", "Origin: http://example.com\r\n").as_bytes());
    assert_eq!(status(&said), "421", "{said}");
    for lines in
        ["", "Origin: http://ADDRESS\r\n", "Origin: http://ADDRESS\r\nSec-WebSocket-Protocol: x, binary\r\n"]
    {
        let said = head(&address, upgrade(&address, &lines.replace("ADDRESS", &address)).as_bytes());
        assert_eq!(status(&said), "101", "{lines}: {said}");
        let named = said.to_lowercase().contains("sec-websocket-protocol: binary\r\n");
        assert_eq!(named, lines.contains("binary"), "{said}");
    }
    for (from, to, code) in [
        ("Upgrade: websocket", "Upgrade: h2c", "426"),
        ("Version: 13", "Version: 8", "426"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "short", "400"),
        ("GET", "POST", "405"),
    ] {
        let said = head(&address, upgrade(&address, "").replace(from, to).as_bytes());
        assert_eq!(status(&said), code, "{to}: {said}");
    }
}

#[test]
fn rfb_is_spoken_inside_the_websocket() {
    let home = panto();
    let (_served, address) = serve(&home, &["--auth", "none"]);
    let mut socket = Socket::open(&address);
    assert_eq!(socket.next(), (0x82, RFB.to_vec()));
    // Where messages end means nothing; nor do pings, and empty ones.
    socket.send(&frame(0x02, &RFB[..5]));
    socket.send(&frame(0x89, b"are you there?"));
    assert_eq!(socket.next(), (0x8a, b"are you there?".to_vec()));
    socket.send(&frame(0x00, b""));
    socket.send(&frame(0x80, &RFB[5..]));
    assert_eq!(socket.next().1, [1, 1], "nobody is asked for anything");
    socket.send(&frame(0x82, &[1, 1]));
    let mut said = Vec::new();
    while said.len() < 28 {
        said.extend(socket.next().1);
    }
    assert_eq!(&said[..8], [0, 0, 0, 0, 5, 0, 3, 32], "1280 × 800");
    // A goodbye is answered with one.
    socket.send(&frame(0x88, &1000u16.to_be_bytes()));
    assert_eq!(socket.next().0, 0x88);
    assert!(socket.closes());
}

#[test]
fn frames_that_make_no_sense_end_one_connection() {
    let home = panto();
    let (served, address) = serve(&home, &["--auth", "none"]);
    let memory = served.memory();
    for (what, bytes) in [
        ("text", frame(0x81, RFB)),
        ("no mask", [&[0x82, 12][..], RFB].concat()),
        ("a gigabyte", [&[0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4][..], &[0; 1000]].concat()),
        ("more than all there is", [&[0x82, 0xff][..], &[0xff; 8], &[0; 100]].concat()),
        ("a long message", frame(0x82, &vec![0; 300 << 10])),
        (
            "many fragments of one",
            frame(0x02, &vec![0; 200 << 10]).into_iter().chain(frame(0x80, &vec![0; 200 << 10])).collect(),
        ),
        ("a kind that nobody knows", frame(0x83, b"?")),
        ("bits that are reserved", frame(0xf2, b"?")),
        ("a long ping", frame(0x89, &[0; 126])),
        ("an end without a beginning", frame(0x80, b"?")),
        ("another protocol", frame(0x82, b"GET / HTTP/1.1\r\n\r\n")),
        ("a type that was not offered", frame(0x82, b"RFB 003.008\n\x13")),
    ] {
        let mut socket = Socket::open(&address);
        assert_eq!(socket.next().1, RFB, "{what}");
        // It may close before it has read everything.
        let _ = socket.stream.write_all(&bytes);
        let begun = Instant::now();
        let mut rest = Vec::new();
        let _ = socket.stream.read_to_end(&mut rest);
        assert!(begun.elapsed() < Duration::from_secs(5), "{what}: still open");
    }
    assert!(served.memory() < memory + (32 << 20), "{} before, {} after", memory, served.memory());
    let mut socket = Socket::open(&address);
    assert_eq!(socket.next().1, RFB, "others are served as ever");
}

#[test]
fn nobody_waits_for_a_slow_peer() {
    let home = panto();
    let (_served, address) = serve(&home, &["--auth", "none"]);
    let begun = Instant::now();
    // Who says nothing, who never ends a head, and who opens a WebSocket and says nothing in it.
    let silent = connect(&address);
    let mut half = connect(&address);
    half.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    let mut dripping = connect(&address);
    let mut socket = Socket::open(&address);
    assert_eq!(socket.next().1, RFB);
    for mut stream in [silent, half, socket.stream] {
        dripping.write_all(b"a").ok();
        let _ = stream.read_to_end(&mut Vec::new());
        let waited = begun.elapsed();
        assert!((8..20).contains(&waited.as_secs()), "{waited:?}");
    }
    let _ = dripping.read_to_end(&mut Vec::new());
    assert!(begun.elapsed().as_secs() < 20, "a byte now and then buys no time");
}

#[test]
fn a_crowd_does_not_keep_viewers_out() {
    let home = panto();
    let (served, address) = serve(&home, &["--auth", "none"]);
    // Pages that are being loaded are not those who knock: a viewer still comes in beside them.
    let _crowd: Vec<TcpStream> = (0..40).map(|_| connect(&address)).collect();
    let native = format!("panto://{}", served.address());
    let output = home.run(&["view", &native, "--no-window", "--for", "50ms", "--no-tls"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // WebSockets that have not said who they are, are.
    drop(_crowd);
    let (_served, address) = serve(&home, &["--auth", "none"]);
    let _knocking: Vec<Socket> = (0..8).map(|_| Socket::open(&address)).collect();
    let said = head(&address, upgrade(&address, "").as_bytes());
    assert_eq!(status(&said), "503", "{said}");
}

#[test]
fn a_password_is_asked_for_inside() {
    let home = panto();
    let (_served, address) = serve(&home, &[]);
    let mut socket = Socket::open(&address);
    assert_eq!(socket.next().1, RFB);
    socket.send(&frame(0x82, RFB));
    assert_eq!(socket.next().1, [1, 19], "VeNCrypt");
    socket.send(&frame(0x82, &[19, 0, 2]));
    let mut said = Vec::new();
    while said.len() < 8 {
        said.extend(socket.next().1);
    }
    assert_eq!(said, [0, 2, 0, 1, 0, 0, 1, 0], "Plain, and nothing weaker");
    socket.send(&frame(0x82, &[0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5, b'w', b'r', b'o', b'n', b'g']));
    let mut said = Vec::new();
    while said.len() < 8 {
        said.extend(socket.next().1);
    }
    assert_eq!(&said[..4], [0, 0, 0, 1]);
    assert!(socket.closes());
}
