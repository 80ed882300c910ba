//! Who may come in, who is believed, and what a bystander on the wire learns.
//!
//! Growing delays are tested with a clock of their own in `transport`; here is what
//! a person with the binary, or an impostor between two of them, meets.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use panto_protocol::connection::{
    Channel, ClientConfig, ClientConnection, ClientEvent, ConnectionError, Mux, ServerConnection,
};
use panto_protocol::geometry::{Point, Size};
use panto_protocol::message::{
    AuthMethods, ByeReason, ClientControl, ClientHello, InputEvent, Offer, Rights, Settings, VERSION, Welcome,
};
use panto_protocol::time::Micros;
use panto_tests::harness::{PATIENCE, Panto, Served, XDisplay, eventually, panto};
use panto_transport::{Pipe, Stream, Target, Turn, start_tls};
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

const SIZE: Size = Size::new(320, 240);
const PASSWORD: &str = "correct horse battery staple";

/// What was printed, for people.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts how a command ended and that its words hold these.
pub fn check(output: &Output, code: i32, words: &[&str]) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

/// A file with a secret that only its owner can read.
fn secret_file(home: &Panto, name: &str, secret: &str) -> PathBuf {
    let path = home.path(name);
    std::fs::write(&path, format!("{secret}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    path
}

/// Sets a password as a script does it.
pub fn passwd(home: &Panto, args: &[&str], password: &str) {
    let file = secret_file(home, "new-password", password);
    let mut command = home.command(&["passwd"]);
    command.args(args).stdin(std::fs::File::open(file).unwrap());
    check(&home.finish(command), 0, &["set in"]);
}

/// Looks at `target` for a moment, with this secret in a file.
fn view(home: &Panto, target: &str, secret: &str, more: &[&str]) -> Output {
    let file = secret_file(home, "secret", secret);
    let mut args = vec!["view", target, "--no-window", "--for", "50ms", "--password-file"];
    args.push(file.to_str().unwrap());
    args.extend(more);
    home.run(&args)
}

fn serve(home: &Panto, display: &XDisplay, more: &[&str]) -> Served {
    let mut args = vec!["--display", display.name()];
    args.extend(more);
    home.serve(&args)
}

fn ticket(served: &Served) -> String {
    served.listening["ticket"].as_str().expect("a ticket").to_owned()
}

/// A viewer that does what it likes: honest bytes, but no manners.
pub struct Raw {
    pipe: Pipe,
    pub connection: ClientConnection,
    origin: Instant,
}

impl Raw {
    /// Says hello over a stream.
    pub fn new(stream: Stream) -> Self {
        let config = ClientConfig { name: "raw".into(), ..ClientConfig::default() };
        Self {
            pipe: Pipe::new(stream),
            connection: ClientConnection::new(config, Micros::ZERO),
            origin: Instant::now(),
        }
    }

    /// Over TLS, trusting whoever answers.
    async fn tls(address: &str) -> Self {
        let tcp = tokio::net::TcpStream::connect(address).await.expect("a server");
        let stream = Stream::from_tcp(tcp).unwrap();
        Self::new(start_tls(stream).await.expect("TLS").into_trusted())
    }

    fn now(&self) -> Micros {
        self.origin.elapsed().into()
    }

    /// Sends what waits, then returns what the server does next. `None` when it hangs up.
    pub async fn next(&mut self) -> Result<Option<ClientEvent>, ConnectionError> {
        tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(event) = self.connection.poll() {
                    return Ok(Some(event));
                }
                if self.pipe.is_writable() {
                    self.connection.poll_transmit(self.pipe.output(), 64 << 10);
                }
                match self.pipe.turn().await {
                    Ok(Turn::Read(bytes)) => {
                        let now = self.origin.elapsed().into();
                        self.connection.feed(bytes, now)?;
                    }
                    Ok(Turn::Written) => {}
                    Ok(Turn::Closed) | Err(_) => return Ok(None),
                }
            }
        })
        .await
        .expect("the server does something")
    }

    /// Passes over everything until the event that `pick` wants.
    pub async fn until<T>(&mut self, mut pick: impl FnMut(&ClientEvent) -> Option<T>) -> T {
        loop {
            let event = self.next().await.expect("no goodbye").expect("no end");
            if let Some(found) = pick(&event) {
                return found;
            }
        }
    }

    /// Proves itself; returns the welcome.
    async fn enter(&mut self, secret: &str) -> Welcome {
        self.until(|e| matches!(e, ClientEvent::Demand(_)).then_some(())).await;
        let now = self.now();
        self.connection.authenticate(AuthMethods::PASSWORD, secret.into(), now);
        self.welcome().await
    }

    /// Waits to be let in.
    pub async fn welcome(&mut self) -> Welcome {
        self.until(|e| if let ClientEvent::Welcome(w) = e { Some((**w).clone()) } else { None }).await
    }

    /// Waits until the server has done all that it was asked: its figures come last.
    pub async fn barrier(&mut self) {
        self.connection.request_stats();
        self.until(|e| matches!(e, ClientEvent::Stats(_)).then_some(())).await;
    }
}

/// Passes a TCP connection on and keeps a copy of every byte.
struct Relay {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, server) = (listener.local_addr().unwrap(), server.to_owned());
        let seen = Arc::new(Mutex::default());
        let all = Arc::clone(&seen);
        // Ends with the test's process: nothing waits for it.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(upstream) = TcpStream::connect(&server) else { return };
                for (from, to) in [(&client, &upstream), (&upstream, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let seen = Arc::clone(&all);
                    std::thread::spawn(move || tee(from, to, &seen));
                }
            }
        });
        Self { address, seen }
    }

    fn saw(&self, text: &str) -> bool {
        let seen = self.seen.lock().unwrap();
        seen.windows(text.len()).any(|w| w == text.as_bytes())
    }
}

fn tee(mut from: TcpStream, mut to: TcpStream, seen: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 16 << 10];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        seen.lock().unwrap().extend_from_slice(&buffer[..n]);
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Addresses that a process listens on by TCP.
fn listens_on(pid: u32) -> BTreeSet<SocketAddr> {
    let inodes: BTreeSet<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut found = BTreeSet::new();
    for table in ["tcp", "tcp6"] {
        let text = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (local, state, inode) = (fields[1], fields[3], fields[9]);
            const LISTEN: &str = "0A";
            if state == LISTEN && inodes.contains(inode) {
                found.insert(kernel_address(local));
            }
        }
    }
    found
}

/// `0100007F:1F90` is 127.0.0.1:8080: words of the address as the machine stores them.
fn kernel_address(text: &str) -> SocketAddr {
    let (ip, port) = text.split_once(':').unwrap();
    let port = u16::from_str_radix(port, 16).unwrap();
    let bytes: Vec<u8> = ip
        .as_bytes()
        .chunks(8)
        .flat_map(|word| u32::from_str_radix(std::str::from_utf8(word).unwrap(), 16).unwrap().to_ne_bytes())
        .collect();
    let ip: IpAddr = match <[u8; 4]>::try_from(&bytes[..]) {
        Ok(v4) => Ipv4Addr::from(v4).into(),
        Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(&bytes[..]).unwrap()).into(),
    };
    SocketAddr::new(ip, port)
}

#[test]
fn listens_on_both_loopbacks_and_nothing_else() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    // A bare port is the default's address with another port (the default port may be taken here).
    let served = serve(&home, &display, &["0"]);
    let port = served.address().parse::<SocketAddr>().unwrap().port();
    let mut expected = BTreeSet::from([SocketAddr::from((Ipv4Addr::LOCALHOST, port))]);
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        expected.insert((Ipv6Addr::LOCALHOST, port).into());
    }
    assert_eq!(listens_on(served.pid()), expected);
    let said: BTreeSet<SocketAddr> = served.listening["addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a.as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(said, expected, "what is announced is what is done");
    // Other files that let someone in are the user's alone.
    for path in [served.socket(), home.path("data/panto/server.key")] {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
}

#[test]
fn trust_passwords_and_tickets() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    passwd(&home, &["me"], PASSWORD);
    let served = serve(&home, &display, &["127.0.0.1:0"]);
    let (address, ticket) = (served.address(), ticket(&served));
    let known_hosts = home.path("data/panto/known_hosts");

    // A server never seen before, and nobody to ask: nothing is sent to it.
    let fingerprint = served.listening["fingerprint"].as_str().unwrap();
    let refused = view(&home, &address, &ticket, &["--trust", "strict"]);
    check(&refused, 5, &["never seen before", fingerprint, "--trust new"]);
    check(&view(&home, &address, &ticket, &[]), 5, &["never seen before"]);
    assert!(!known_hosts.exists());
    assert!(!served.log().contains("wrong password"), "a secret was sent");

    // The ticket is therefore still good. It works once, and the server is remembered.
    check(&view(&home, &address, &ticket, &["--trust", "new"]), 0, &[]);
    let lines = std::fs::read_to_string(&known_hosts).unwrap();
    assert_eq!(lines.trim_end(), format!("{address} {fingerprint}"));
    check(&view(&home, &address, &ticket, &["--trust", "strict"]), 4, &["wrong password or ticket"]);

    check(&view(&home, &address, PASSWORD, &["--trust", "strict"]), 0, &[]);
    check(&view(&home, &address, "wrong", &["--trust", "strict"]), 4, &["wrong password or ticket"]);
    // Without any secret it is said what is missing.
    let none = home.run(&["view", &address, "--no-window", "--for", "50ms"]);
    check(&none, 4, &["--password-file"]);

    // A descriptor works as well, and so does the address with the fingerprint in it.
    let other = panto();
    let target = format!("panto://{address}/?fingerprint={fingerprint}");
    let mut command = other.command(&["view", &target, "--no-window", "--for", "50ms", "--password-fd", "0"]);
    command.stdin(std::fs::File::open(secret_file(&home, "fd", PASSWORD)).unwrap());
    check(&other.finish(command), 0, &[]);
    let wrong = format!("panto://{address}/?fingerprint=SHA256:{}", "A".repeat(43));
    let pinned = view(&other, &wrong, PASSWORD, &["--trust", "new"]);
    check(&pinned, 5, &["not the server that you were given the address of"]);
}

#[test]
fn a_server_with_another_key_is_refused() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    passwd(&home, &["me"], PASSWORD);
    let keys = home.path("first-key");
    // An address that no other program's ports are taken from, since the port is used three times.
    let first = serve(&home, &display, &["127.77.0.1:0", "--key-dir", keys.to_str().unwrap()]);
    let address = first.address();
    let known_hosts = home.path("data/panto/known_hosts");
    std::fs::create_dir_all(known_hosts.parent().unwrap()).unwrap();
    std::fs::write(&known_hosts, "# mine\n\n").unwrap();
    check(&view(&home, &address, PASSWORD, &["--trust", "new"]), 0, &[]);
    let old = first.listening["fingerprint"].as_str().unwrap().to_owned();
    first.stop();

    let other_keys = home.path("second-key");
    let second = serve(&home, &display, &[&address, "--key-dir", other_keys.to_str().unwrap()]);
    let new = second.listening["fingerprint"].as_str().unwrap().to_owned();
    assert_ne!(old, new);
    let line = format!("remove line 3 of {}", known_hosts.display());
    for trust in ["new", "strict", "ask"] {
        let output = view(&home, &address, PASSWORD, &["--trust", trust]);
        check(&output, 5, &["identity", "changed", &old, &new, &line]);
    }
    second.stop();

    // Nor is a server believed that suddenly needs no key at all.
    let plain = serve(&home, &display, &[&address, "--auth", "none"]);
    check(&view(&home, &address, PASSWORD, &["--trust", "new"]), 3, &["TLS"]);
    plain.stop();

    // The first one is still the one that is known.
    let back = serve(&home, &display, &[&address, "--key-dir", keys.to_str().unwrap()]);
    check(&view(&home, &address, PASSWORD, &["--trust", "strict"]), 0, &[]);
    back.stop();
}

/// Answers the first connection as something without TLS, the next as a server that
/// asks for a password. Returns all bytes that came.
fn plain_impostor(listener: &TcpListener) -> Vec<u8> {
    let mut seen = Vec::new();
    let (mut first, _) = listener.accept().unwrap();
    let mut buffer = [0; 4096];
    let n = first.read(&mut buffer).unwrap();
    seen.extend_from_slice(&buffer[..n]);
    drop(first);
    // A viewer that gives up now never comes back: the test ends the waiting by connecting itself.
    let (mut second, _) = listener.accept().unwrap();
    let mut server = ServerConnection::new(Micros::ZERO);
    let mut out = Vec::new();
    while let Ok(n @ 1..) = second.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..n]);
        let _ = server.feed(&buffer[..n], Micros::ZERO);
        while let Some(event) = server.poll() {
            use panto_protocol::connection::ServerEvent;
            if matches!(event, ServerEvent::Hello(_)) {
                server.demand("impostor", AuthMethods::PASSWORD, Micros::ZERO);
            }
        }
        server.poll_transmit(&mut out, usize::MAX);
        if second.write_all(&std::mem::take(&mut out)).is_err() {
            break;
        }
    }
    seen
}

#[test]
fn a_password_is_never_sent_without_tls() {
    let home = panto();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let impostor = std::thread::spawn(move || plain_impostor(&listener));
    let output = view(&home, &address.to_string(), PASSWORD, &["--trust", "new"]);
    let _ = TcpStream::connect(address);
    let seen = impostor.join().unwrap();
    assert!(!seen.windows(8).any(|w| w == &PASSWORD.as_bytes()[..8]), "the password went over the wire");
    check(&output, 4, &["without TLS"]);
}

/// Where the pointer is and whether this keycode is down.
fn input_state(display: &XDisplay, keycode: u8) -> (Point, bool) {
    let (conn, screen) = RustConnection::connect(Some(display.name())).unwrap();
    let root = x11rb::connection::Connection::setup(&conn).roots[screen].root;
    let pointer = conn.query_pointer(root).unwrap().reply().unwrap();
    let keys = conn.query_keymap().unwrap().reply().unwrap().keys;
    let down = keys[usize::from(keycode / 8)] & (1 << (keycode % 8)) != 0;
    (Point::new(pointer.root_x.into(), pointer.root_y.into()), down)
}

/// Sends what would move the pointer and hold a key, whatever the server allows.
async fn meddle(raw: &mut Raw, to: Point) {
    raw.connection.send_input(&InputEvent::Pointer { position: to });
    raw.connection.send_input(&InputEvent::Key {
        physical: KEY_A,
        keysym: u32::from(b'a'),
        down: true,
        text: "a".into(),
    });
    raw.connection.send_resize(Size::new(200, 200));
    raw.barrier().await;
}

/// Linux's code of the key A, and X11's, which is 8 higher.
const KEY_A: u16 = 30;
const KEYCODE_A: u8 = KEY_A as u8 + 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_view_only_credential_changes_nothing() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    passwd(&home, &["me"], PASSWORD);
    passwd(&home, &["guest", "--view-only"], "just looking");
    let served = serve(&home, &display, &["127.0.0.1:0"]);
    let (before, _) = input_state(&display, KEYCODE_A);

    let mut guest = Raw::tls(&served.address()).await;
    let welcome = guest.enter("just looking").await;
    assert_eq!(welcome.rights, Rights::View);
    assert!(!welcome.can_resize);
    meddle(&mut guest, Point::new(33, 44)).await;
    assert_eq!(input_state(&display, KEYCODE_A), (before, false));

    // The same from someone who may, on the same path: had the guest's input been passed
    // on, it would have arrived before this.
    let mut me = Raw::tls(&served.address()).await;
    assert_eq!(me.enter(PASSWORD).await.rights, Rights::Control);
    me.connection.send_input(&InputEvent::Pointer { position: Point::new(111, 99) });
    me.barrier().await;
    eventually("the pointer moves", || {
        (input_state(&display, KEYCODE_A).0 == Point::new(111, 99)).then_some(())
    });
    assert!(!input_state(&display, KEYCODE_A).1, "the guest's key is down");
    assert_eq!(display.picture().size(), SIZE);
    meddle(&mut me, Point::new(5, 6)).await;
    eventually("the key is down", || {
        (input_state(&display, KEYCODE_A) == (Point::new(5, 6), true)).then_some(())
    });
    // What a viewer holds is released when it vanishes.
    drop(me);
    eventually("the key is released", || (!input_state(&display, KEYCODE_A).1).then_some(()));

    let viewers = home.ctl(&served, &["viewers"]);
    assert_eq!(viewers["viewers"][0]["rights"], "view");
    assert_eq!(viewers["viewers"][0]["credential"], "guest");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_only_server_lets_nobody_control() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    passwd(&home, &["me"], PASSWORD);
    let served = serve(&home, &display, &["127.0.0.1:0", "--view-only"]);
    let before = input_state(&display, KEYCODE_A);
    let mut raw = Raw::tls(&served.address()).await;
    assert_eq!(raw.enter(PASSWORD).await.rights, Rights::View);
    meddle(&mut raw, Point::new(33, 44)).await;
    let mut by_ticket = Raw::tls(&served.address()).await;
    assert_eq!(by_ticket.enter(&ticket(&served)).await.rights, Rights::View);
    meddle(&mut by_ticket, Point::new(33, 44)).await;
    assert_eq!(input_state(&display, KEYCODE_A), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_wrong_password_ends_the_connection() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    passwd(&home, &["me"], PASSWORD);
    let served = serve(&home, &display, &["127.0.0.1:0"]);
    let mut raw = Raw::tls(&served.address()).await;
    raw.until(|e| matches!(e, ClientEvent::Demand(_)).then_some(())).await;
    for _ in 0..2 {
        let now = raw.now();
        raw.connection.authenticate(AuthMethods::PASSWORD, "guess".into(), now);
        let event = raw.next().await.unwrap().unwrap();
        assert!(matches!(event, ClientEvent::Retry(_)), "{event:?}");
    }
    let now = raw.now();
    raw.connection.authenticate(AuthMethods::PASSWORD, "guess".into(), now);
    match raw.next().await {
        Err(ConnectionError::Bye(bye)) => assert_eq!(bye.reason, ByeReason::Auth),
        other => panic!("a third attempt is answered with {other:?}"),
    }
    // Whoever guessed waits, but the right password gets in.
    let mut right = Raw::tls(&served.address()).await;
    right.enter(PASSWORD).await;
}

#[test]
fn plain_bytes_get_nothing_from_a_tls_server() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    let served = serve(&home, &display, &["127.0.0.1:0", "--name", "hidden-name"]);
    let mut mux = Mux::default();
    let hello = ClientHello {
        version: VERSION,
        name: "plain".into(),
        resume: None,
        settings: Settings::default(),
        offer: Offer::default(),
    };
    mux.push(Channel::Control, ClientControl::Hello(hello).encode());
    let mut bytes = Vec::new();
    while mux.poll_chunk(&mut bytes) {}
    for bytes in [&bytes[..], b"GET / HTTP/1.0\r\n\r\n", b"RFB 003.008\n"] {
        let mut tcp = TcpStream::connect(served.address()).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.write_all(bytes).unwrap();
        let _ = tcp.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        // A reset is an end as well.
        let _ = tcp.read_to_end(&mut answer);
        // At most TLS's own word for "I do not understand": an alert, record type 21.
        assert!(answer.is_empty() || (answer[0] == 21 && answer.len() <= 7), "{answer:?}");
    }
    assert_eq!(home.ctl(&served, &["status"])["status"]["viewers"], 0);
}

#[test]
fn without_tls_only_where_there_is_none() {
    let home = panto();
    let display = XDisplay::start(SIZE);
    let served = serve(&home, &display, &["127.0.0.1:0"]);
    let (target, ticket) = (served.address(), ticket(&served));
    let words = ["does not answer without TLS", "leave out --no-tls"];
    check(&view(&home, &target, &ticket, &["--no-tls", "--trust", "new"]), 2, &words);
    check(&view(&home, "192.0.2.1", &ticket, &["--no-tls"]), 2, &["only servers on this machine"]);
    // Once it is known to have a key, nobody says anything to it without.
    check(&view(&home, &target, &ticket, &["--trust", "new"]), 0, &[]);
    check(&view(&home, &target, "x", &["--no-tls"]), 2, &["shown a key before"]);
}

#[test]
fn nothing_can_be_read_on_the_wire() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    passwd(&home, &["me"], PASSWORD);
    let served = serve(&home, &display, &["127.0.0.1:0", "--name", "hidden-server"]);
    let relay = Relay::to(&served.address());
    let target = relay.address.to_string();
    check(&view(&home, &target, PASSWORD, &["--trust", "new", "--name", "hidden-viewer"]), 0, &[]);
    assert!(relay.seen.lock().unwrap().len() > 1000, "the relay was used");
    for secret in [PASSWORD, "PANTO", "hidden-server", "hidden-viewer"] {
        assert!(!relay.saw(secret), "{secret}");
    }
    // The relay would have seen it.
    let plain = serve(&home, &display, &["127.0.0.1:0", "--auth", "none", "--name", "hidden-server"]);
    let relay = Relay::to(&plain.address());
    let target = relay.address.to_string();
    check(&view(&home, &target, PASSWORD, &["--name", "hidden-viewer"]), 0, &[]);
    for word in ["PANTO", "hidden-server", "hidden-viewer"] {
        assert!(relay.saw(word), "{word}");
    }
    assert!(!relay.saw(PASSWORD), "a server that asks for nothing is told nothing");
}

fn make_readable(path: &Path) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o640)).unwrap();
}

#[test]
fn files_that_others_can_read_are_refused() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    passwd(&home, &["me"], PASSWORD);
    let passwords = home.path("config/panto/passwd");
    assert_eq!(std::fs::metadata(&passwords).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(&passwords).unwrap().contains(PASSWORD), "a verifier, not the password");
    let args = ["serve", "0", "--display", display.name()];
    make_readable(&passwords);
    let chmod = format!("chmod 600 {}", passwords.display());
    check(&home.run(&args), 1, &["0640", &chmod]);
    check(&home.run(&["passwd", "--list"]), 1, &[&chmod]);
    std::fs::set_permissions(&passwords, PermissionsExt::from_mode(0o600)).unwrap();

    serve(&home, &display, &["0"]).stop();
    let key = home.path("data/panto/server.key");
    make_readable(&key);
    check(&home.run(&args), 1, &[&format!("chmod 600 {}", key.display())]);
}

#[test]
fn secrets_have_no_place_in_a_command_line() {
    let home = panto();
    for args in [
        &["view", "localhost", "--password", "x"][..],
        &["view", "localhost", "--ticket", "x"],
        &["serve", "0", "--password", "x"],
        &["passwd", "me", "--password", "x"],
        &["passwd", "me", "x"],
        &["view", "me:x@localhost"],
        &["view", "panto://localhost/?password=x"],
        &["view", "panto://localhost/?ticket=x"],
    ] {
        check(&home.run(args), 2, &[]);
    }
    check(&home.run(&["view", "panto://localhost/?ticket=x"]), 2, &["a secret does not belong"]);
    // Nor does an empty one let everybody in.
    let mut empty = home.command(&["passwd", "me"]);
    empty.stdin(Stdio::null());
    check(&home.finish(empty), 2, &["empty password"]);
    let display = XDisplay::start(SIZE);
    let nobody = home.run(&["serve", "0", "--no-ticket", "--display", display.name()]);
    check(&nobody, 2, &["panto passwd"]);
}

#[test]
fn no_authentication_only_where_nobody_else_is() {
    let home = panto();
    for address in ["0.0.0.0:0", "*:0", "[::]:0", "192.0.2.1:4920"] {
        let output = home.run(&["serve", address, "--auth", "none", "--virtual", "640x480"]);
        check(&output, 2, &["--auth none is refused", "panto passwd"]);
        assert!(output.stdout.is_empty());
    }
    // One address of many is enough to refuse.
    let output = home.run(&["serve", "127.0.0.1:0", "0.0.0.0:0", "--auth", "none", "--virtual", "640x480"]);
    check(&output, 2, &["0.0.0.0:0"]);
}

#[test]
fn slow_knockers_keep_nobody_else_out() {
    let (home, display) = (panto(), XDisplay::start(SIZE));
    passwd(&home, &["me"], PASSWORD);
    let served = serve(&home, &display, &["127.0.0.1:0"]);
    let server: SocketAddr = served.address().parse().unwrap();
    // Forty connections from one other address; each says half a word and waits.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut knockers: Vec<TcpStream> = (0..40)
        .map(|_| {
            runtime.block_on(async {
                let socket = tokio::net::TcpSocket::new_v4().unwrap();
                socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
                let tcp = socket.connect(server).await.unwrap().into_std().unwrap();
                tcp.set_nonblocking(true).unwrap();
                tcp
            })
        })
        .collect();
    for tcp in &mut knockers {
        // The beginning of a TLS record. A refused connection may be gone already.
        let _ = tcp.write(&[22, 3, 1]);
    }
    let is_closed = |tcp: &mut TcpStream| match tcp.read(&mut [0; 16]) {
        Ok(n) => n == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    let mut open = knockers.len();
    eventually("all but a few are refused", || {
        knockers.retain_mut(|tcp| !is_closed(tcp));
        open = knockers.len();
        (open <= panto_transport::MAX_UNAUTHENTICATED_PER_IP).then_some(())
    });
    assert!(open > 0, "some are waited for");
    let began = Instant::now();
    check(&view(&home, &served.address(), PASSWORD, &["--trust", "new"]), 0, &[]);
    assert!(began.elapsed() < Duration::from_secs(10), "it had to wait for the others' end");
    // They were still waiting, so this proves something.
    knockers.retain_mut(|tcp| !is_closed(tcp));
    assert_eq!(knockers.len(), open);
    let _: Target = served.address().parse().unwrap();
}
