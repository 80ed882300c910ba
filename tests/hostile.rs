//! Peers that mean harm: against a server that others look at meanwhile, and against a
//! viewer that met the wrong server. A clear end, bounded memory, the others unharmed.
//!
//! The decoders and state machines are fuzzed in `protocol`; here are the whole programs.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use panto_protocol::connection::{Channel, Demux, Mux, ServerConnection, ServerEvent};
use panto_protocol::draw::{DrawCommand, Fill, SurfaceId, SurfaceResize};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{
    ClientControl, FrameHeader, InputEvent, Mode, Rights, ServerControl, Settings, VERSION, Welcome,
};
use panto_protocol::time::Micros;
use panto_protocol::wire::Writer;
use panto_server::scene::{Scene, SharedScene};
use panto_tests::harness::{Local, PATIENCE, Panto, Watcher, XDisplay, assert_same, eventually, panto};
use panto_transport::{Endpoint, KnownHosts, Stream, Target, TrustPolicy};
use panto_viewer::core::{Client, ClientOptions, Command as Order, View, ViewError};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::control::{Nobody, Onlooker, Painter};
use crate::security::{Raw, said};

const SIZE: Size = Size::new(320, 240);

/// Marsaglia's xorshift: the same attack every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| (self.next() >> 32) as u8).collect()
    }

    fn flip(&mut self, bytes: &[u8], at: usize) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1 << (self.next() % 8);
        bytes
    }
}

/// What a real viewer and a real server said to each other.
struct Recording {
    up: Vec<u8>,
    down: Vec<u8>,
}

type Tape = Arc<Mutex<Vec<u8>>>;

async fn record(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, tape: Tape) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        tape.lock().unwrap().extend_from_slice(&buffer[..n]);
        if to.write_all(&buffer[..n]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

fn path_of(target: &Target) -> &Path {
    match &target.endpoint {
        Endpoint::Unix(path) => path,
        Endpoint::Tcp { .. } => panic!("not a Unix socket: {target}"),
    }
}

/// A viewing with a little of everything, through a relay that writes it down.
async fn recorded(local: &mut Local, scene: &SharedScene) -> Recording {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("relay.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let server = std::mem::replace(&mut local.target, Target::unix(&path));
    let (up, down) = (Tape::default(), Tape::default());
    let relay = {
        let (server, up, down) = (server.clone(), Arc::clone(&up), Arc::clone(&down));
        tokio::spawn(async move {
            let (viewer, _) = listener.accept().await.unwrap();
            let server = tokio::net::UnixStream::connect(path_of(&server)).await.unwrap();
            let ((vr, vw), (sr, sw)) = (viewer.into_split(), server.into_split());
            tokio::join!(record(vr, sw, up), record(sr, vw, down));
        })
    };
    let watcher = local.watch(Settings::default());
    local.target = server;
    watcher.until("the first picture", |p| p.size() == SIZE).await;
    for event in [
        InputEvent::Pointer { position: Point::new(10, 20) },
        InputEvent::Button { button: 1, down: true },
        InputEvent::Button { button: 1, down: false },
        InputEvent::Scroll { dx: -120, dy: 240 },
        InputEvent::Key { physical: 30, keysym: 97, down: true, text: "a".into() },
        InputEvent::KeysDown { keys: vec![30, 42] },
        InputEvent::Text { text: "über".into() },
    ] {
        watcher.send(Order::Input(event));
    }
    for mode in [Mode::Commands, Mode::Pixels] {
        watcher.send(Order::Settings(Settings { mode, copy_rect: true, ..Settings::default() }));
    }
    watcher.send(Order::Resize(Size::new(640, 480)));
    watcher.send(Order::Refresh);
    let mut random = Random(7);
    for _ in 0..5 {
        scribble(scene, &mut random);
        let now = flat(scene);
        watcher.until("what was painted", |p| *p == now).await;
    }
    let (_, result) = watcher.quit().await;
    result.unwrap();
    relay.await.unwrap();
    let take = |tape: Tape| std::mem::take(&mut *tape.lock().unwrap());
    Recording { up: take(up), down: take(down) }
}

impl Recording {
    /// What the viewer said, apart from its goodbye and its acknowledgements: replayed too
    /// early, these would be the first thing wrong.
    fn up_without_acks(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (channel, message) in messages(&self.up) {
            let early = channel == Channel::Control
                && matches!(
                    ClientControl::decode(&message),
                    Ok(ClientControl::Ack(_) | ClientControl::Bye(_))
                );
            if !early {
                bytes.extend(muxed(channel, message));
            }
        }
        bytes
    }
}

fn muxed(channel: Channel, message: Vec<u8>) -> Vec<u8> {
    let (mut mux, mut bytes) = (Mux::default(), Vec::new());
    mux.push(channel, message);
    while mux.poll_chunk(&mut bytes) {}
    bytes
}

/// The whole messages in these bytes.
fn messages(bytes: &[u8]) -> Vec<(Channel, Vec<u8>)> {
    let (mut demux, mut messages) = (Demux::new(), std::collections::VecDeque::new());
    demux.open();
    demux.feed(bytes, &mut messages).unwrap();
    messages.into()
}

/// Paints a rectangle somewhere.
fn scribble(scene: &SharedScene, random: &mut Random) {
    let r = random.next();
    let rect = Rect::new(
        (r % 300) as i32,
        (r >> 16) as i32 % 220,
        1 + (r >> 32) as u32 % 90,
        1 + (r >> 48) as u32 % 70,
    );
    let fill = Fill { surface: SurfaceId::SCREEN, color: r as u32 & 0x00ff_ffff, rects: vec![rect] };
    scene.update(|s| s.draw(fill)).unwrap();
}

fn flat(scene: &SharedScene) -> panto_protocol::pixel::Picture {
    let mut scene = scene.lock();
    scene.flatten();
    scene.flat().clone()
}

/// A server whose picture changes all the time, and two viewers that want it exactly.
struct Besieged {
    local: Local,
    scene: Arc<SharedScene>,
    painter: tokio::task::JoinHandle<()>,
    watchers: Vec<Watcher>,
}

impl Besieged {
    async fn start() -> (Self, Recording) {
        let (mut local, scene) = Local::of_scene(Scene::new(SIZE)).await;
        let recording = recorded(&mut local, &scene).await;
        let watchers = [Mode::Pixels, Mode::Hybrid]
            .map(|mode| local.watch(Settings { mode, ..Settings::default() }))
            .into();
        let painter = tokio::spawn({
            let scene = Arc::clone(&scene);
            async move {
                let (mut random, mut tick) = (Random(3), tokio::time::interval(Duration::from_millis(3)));
                loop {
                    tick.tick().await;
                    scribble(&scene, &mut random);
                }
            }
        });
        (Self { local, scene, painter, watchers }, recording)
    }

    /// Sends bytes, hangs up, and returns the answer. Ends when the server has closed.
    async fn attack(&self, bytes: &[u8]) -> Vec<u8> {
        self.attack_in_two(&[], bytes).await
    }

    /// The same, where the rest waits for the answer to a beginning that deserves one.
    async fn attack_in_two(&self, beginning: &[u8], rest: &[u8]) -> Vec<u8> {
        let attack = async {
            let mut stream = tokio::net::UnixStream::connect(path_of(&self.local.target)).await.unwrap();
            let mut answer = Vec::new();
            // A server that closes first is right.
            let _ = stream.write_all(beginning).await;
            if !beginning.is_empty() {
                // The beginning may be one that the server waits for the rest of.
                let patience = Duration::from_millis(50);
                let _ = tokio::time::timeout(patience, stream.read_buf(&mut answer)).await;
            }
            let (mut reader, mut writer) = stream.into_split();
            let writing = async {
                let _ = writer.write_all(rest).await;
                let _ = writer.shutdown().await;
            };
            let _ = tokio::join!(writing, reader.read_to_end(&mut answer));
            answer
        };
        tokio::time::timeout(PATIENCE, attack).await.expect("the server closes the connection")
    }

    /// The others saw everything, exactly.
    async fn unharmed(self) {
        self.painter.abort();
        let _ = self.painter.await;
        let last = flat(&self.scene);
        for watcher in self.watchers {
            watcher.until("the last picture", |p| *p == last).await;
            let deadline = tokio::time::Instant::now() + PATIENCE;
            // The picture rests: the server proves it.
            while watcher.handle.shown().stats.digests_ok == 0 {
                assert!(tokio::time::Instant::now() < deadline, "no digest");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let shown = watcher.handle.shown().picture.clone();
            assert_same("a well-behaved viewer", &shown, &last);
            let (stats, result) = watcher.quit().await;
            result.unwrap();
            assert_eq!((stats.digests_wrong, stats.reconnects), (0, 0));
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.local.server.viewers().is_empty() {
            assert!(tokio::time::Instant::now() < deadline, "{:?}", self.local.server.viewers());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes() {
    let (besieged, recording) = Besieged::start().await;
    let mut random = Random(1);
    for i in 0..60 {
        let bytes = random.bytes(1 << (i % 14));
        besieged.attack(&bytes).await;
    }
    // From inside the session as well.
    let hello = muxed(Channel::Control, messages(&recording.up).swap_remove(0).1);
    for i in 0..60 {
        let answer = besieged.attack_in_two(&hello, &random.bytes(1 << (i % 14))).await;
        assert!(!answer.is_empty(), "at least a welcome");
    }
    besieged.attack(&[]).await;
    besieged.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_viewers_bytes_flipped() {
    let (besieged, recording) = Besieged::start().await;
    let mut random = Random(2);
    let honest = recording.up_without_acks();
    let hello = muxed(Channel::Control, messages(&honest).swap_remove(0).1).len();
    let answers: Vec<ServerControl> =
        messages(&besieged.attack_in_two(&honest[..hello], &honest[hello..]).await)
            .into_iter()
            .filter(|(channel, _)| *channel == Channel::Control)
            .map(|(_, message)| ServerControl::decode(&message).unwrap())
            .collect();
    let settings = answers.iter().filter(|a| matches!(a, ServerControl::Settings(_))).count();
    assert!(matches!(answers[0], ServerControl::Welcome(_)) && settings == 2, "{answers:?}");
    for at in 0..honest.len() {
        let bytes = random.flip(&honest, at);
        besieged.attack_in_two(&bytes[..hello], &bytes[hello..]).await;
        besieged.attack(&random.flip(&recording.up, at)).await;
    }
    besieged.unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_viewers_bytes_cut_off() {
    let (besieged, recording) = Besieged::start().await;
    let honest = recording.up_without_acks();
    let hello = muxed(Channel::Control, messages(&honest).swap_remove(0).1).len();
    for end in 0..honest.len() {
        let (beginning, rest) = honest[..end].split_at(hello.min(end));
        besieged.attack_in_two(if rest.is_empty() { &[] } else { beginning }, rest).await;
        besieged.attack(&honest[..end]).await;
    }
    besieged.unharmed().await;
}

/// A viewer on a thread of its own that reads and never acknowledges anything.
fn never_acks(address: &str) -> std::thread::JoinHandle<()> {
    let address = address.to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
            let mut raw = Raw::new(Stream::from_tcp(tcp).unwrap());
            raw.welcome().await;
            while let Ok(Some(_)) = raw.next().await {}
        });
    })
}

/// The hello of a viewer with this name.
fn hello(name: &str) -> Vec<u8> {
    let hello = panto_protocol::message::ClientHello {
        version: VERSION,
        name: name.into(),
        resume: None,
        settings: Settings::default(),
        offer: Default::default(),
    };
    muxed(Channel::Control, ClientControl::Hello(hello).encode())
}

#[test]
fn viewers_that_take_and_never_give() {
    const SIZE: Size = Size::new(640, 480);
    const MIB: u64 = 1 << 20;
    let (home, display) = (panto(), XDisplay::start(SIZE));
    let served = home.serve(&["127.0.0.1:0", "--auth", "none", "--display", display.name()]);
    let address = served.address();
    let mut painter = Painter::on(display.name(), SIZE);
    let onlooker = Onlooker::at(&home, &address, "good", Mode::Pixels);
    let silent = never_acks(&address);
    let mut deaf = std::net::TcpStream::connect(&address).unwrap();
    deaf.write_all(&hello("deaf")).unwrap();
    eventually("all are in", || {
        (home.ctl(&served, &["viewers"])["viewers"].as_array()?.len() == 3).then_some(())
    });
    for _ in 0..3 {
        painter.noise();
        onlooker.agrees(&display, "the first pictures");
    }
    let before = served.memory();
    // Sixty pictures of 0.9 MiB that nothing compresses; the good viewer gets each.
    for i in 0..60 {
        painter.noise();
        onlooker.agrees(&display, &format!("picture {i}"));
    }
    let grown = served.memory().saturating_sub(before);
    assert!(grown < 16 * MIB, "memory grew by {} MiB", grown / MIB);

    // One that asks and asks, and never reads the answers.
    let mut asker = std::net::TcpStream::connect(&address).unwrap();
    asker.write_all(&hello("asker")).unwrap();
    let ask = muxed(Channel::Control, ClientControl::StatsRequest.encode()).repeat(10_000);
    asker.set_write_timeout(Some(PATIENCE)).unwrap();
    let mut asked = 0;
    while asked < 64 * MIB && asker.write_all(&ask).is_ok() {
        asked += ask.len() as u64;
    }
    assert!(asked < 64 * MIB, "the server puts up with it");
    eventually("it is thrown out", || {
        let all = home.ctl(&served, &["viewers"]);
        all["viewers"].as_array()?.iter().all(|v| v["name"] != "asker").then_some(())
    });
    let grown = served.memory().saturating_sub(before);
    assert!(grown < 24 * MIB, "memory grew by {} MiB", grown / MIB);

    painter.rectangles(3);
    onlooker.agrees(&display, "afterwards");
    let digests = onlooker.stats().digests_ok;
    painter.rectangles(3);
    eventually("the server proves its picture", || onlooker.digests_since(digests).then_some(()));
    assert_eq!(onlooker.quit().digests_wrong, 0);
    drop(deaf);
    served.stop();
    silent.join().unwrap();
}

/// Three million moves of the pointer: more than any display takes.
#[test]
fn a_viewer_whose_pointer_is_everywhere() {
    const SIZE: Size = Size::new(640, 480);
    const MIB: u64 = 1 << 20;
    let (home, display) = (panto(), XDisplay::start(SIZE));
    let served = home.serve(&["127.0.0.1:0", "--auth", "none", "--display", display.name()]);
    let mut painter = Painter::on(display.name(), SIZE);
    let onlooker = Onlooker::at(&home, &served.address(), "good", Mode::Pixels);
    painter.rectangles(3);
    onlooker.agrees(&display, "before");
    let before = served.memory();
    let mut wild = std::net::TcpStream::connect(served.address()).unwrap();
    wild.set_write_timeout(Some(PATIENCE)).unwrap();
    wild.write_all(&hello("wild")).unwrap();
    eventually("it is in", || {
        (home.ctl(&served, &["viewers"])["viewers"].as_array()?.len() == 2).then_some(())
    });
    let moved = |i: i32| InputEvent::Pointer { position: Point::new(i * 7 % 640, i * 3 % 480) };
    let (mut mux, mut moves) = (Mux::default(), Vec::new());
    for i in 0..10_000 {
        let mut message = Writer::new();
        moved(i).encode(&mut message);
        mux.push(Channel::Input, message.finish());
    }
    while mux.poll_chunk(&mut moves) {}
    for _ in 0..300 {
        wild.write_all(&moves).expect("the server reads");
    }
    let grown = served.memory().saturating_sub(before);
    assert!(grown < 32 * MIB, "memory grew by {} MiB", grown / MIB);
    drop(wild);
    painter.rectangles(5);
    onlooker.agrees(&display, "afterwards");
    onlooker.quit();
}

#[tokio::test(flavor = "multi_thread")]
async fn absurd_sizes_are_asked_for() {
    let home = panto();
    let served = home.serve(&[
        "127.0.0.1:0",
        "--auth",
        "none",
        "--virtual",
        "320x240",
        "--max-size",
        "800x600",
        "--",
        "sleep",
        "1000",
    ]);
    let display = XDisplay::open(&served.display());
    let onlooker =
        tokio::task::block_in_place(|| Onlooker::at(&home, &served.address(), "good", Mode::Hybrid));
    let tcp = tokio::net::TcpStream::connect(served.address()).await.unwrap();
    let mut raw = Raw::new(Stream::from_tcp(tcp).unwrap());
    assert!(raw.welcome().await.can_resize);
    for (width, height) in
        [(32_768, 32_768), (32_768, 1), (1, 32_768), (0, 0), (0, 480), (1, 1), (801, 600), (15, 15)]
    {
        raw.connection.send_resize(Size::new(width, height));
        raw.barrier().await;
    }
    for i in 0..100 {
        raw.connection.send_resize(Size::new(300 + i * 7 % 500, 200 + i * 11 % 400));
    }
    raw.connection.send_resize(Size::new(500, 400));
    raw.barrier().await;
    tokio::task::block_in_place(|| {
        eventually("the last size is the one", || {
            (display.picture().size() == Size::new(500, 400)).then_some(())
        });
        Painter::on(display.name(), Size::new(500, 400)).rectangles(10);
        onlooker.agrees(&display, "after all sizes");
        assert_eq!(onlooker.quit().digests_wrong, 0);
        let status = home.ctl(&served, &["status"])["status"].clone();
        assert_eq!((&status["width"], &status["height"]), (&500.into(), &400.into()));
    });
    // More than any link allows is a broken peer.
    raw.connection.send_resize(Size::new(40_000, 40_000));
    while let Ok(Some(_)) = raw.next().await {}
}

/// A server that does what it likes.
struct Host {
    stream: UnixStream,
    connection: ServerConnection,
}

impl Host {
    /// Waits for the viewer's hello and lets it in.
    fn welcome(stream: UnixStream) -> Self {
        let mut host = Self { stream, connection: ServerConnection::new(Micros::ZERO) };
        let mut buffer = [0; 4096];
        loop {
            let n = host.stream.read(&mut buffer).expect("a hello");
            assert_ne!(n, 0, "the viewer says hello");
            host.connection.feed(&buffer[..n], Micros::ZERO).unwrap();
            if let Some(ServerEvent::Hello(hello)) = host.connection.poll() {
                let welcome = Welcome {
                    version: VERSION,
                    name: "wolf".into(),
                    rights: Rights::Control,
                    resume_secret: [7; 16],
                    resumed: false,
                    can_resize: true,
                    outputs: vec![Rect::of_size(SIZE)],
                    settings: hello.settings,
                    screen: SIZE,
                };
                host.connection.welcome(welcome, 0, Vec::new(), Micros::ZERO);
                host.flush();
                return host;
            }
        }
    }

    fn flush(&mut self) {
        let mut out = Vec::new();
        self.connection.poll_transmit(&mut out, usize::MAX);
        let _ = self.stream.write_all(&out);
    }

    /// Sends a frame of these commands.
    fn frame(&mut self, commands: &[DrawCommand]) {
        let mut out = Writer::new();
        FrameHeader::default().encode(&mut out);
        for command in commands {
            command.encode(&mut out);
        }
        self.raw_frame(out.finish());
    }

    fn raw_frame(&mut self, bytes: Vec<u8>) {
        self.connection.send_frame(bytes, Micros::ZERO);
        self.flush();
    }

    /// Sends bytes again and again until the viewer has had enough.
    fn flood(&mut self, bytes: &[u8]) {
        self.stream.set_write_timeout(Some(PATIENCE)).unwrap();
        while self.stream.write_all(bytes).is_ok() {}
    }

    /// Waits until the viewer has gone.
    fn linger(mut self) {
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 4096];
        while let Ok(1..) = self.stream.read(&mut buffer) {}
    }
}

/// A Unix socket at which `serve` meets one viewer.
fn fake(path: &Path, serve: impl FnOnce(UnixStream) + Send + 'static) -> std::thread::JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || serve(listener.accept().unwrap().0))
}

/// Runs the viewer against a fake server, with 2 GiB of address space at most.
fn meets(home: &Panto, name: &str, serve: impl FnOnce(UnixStream) + Send + 'static) -> Output {
    let path = home.path(&format!("{name}.sock"));
    let server = fake(&path, serve);
    let target = format!("unix:{}", path.display());
    let plain = home.command(&["view", &target, "--no-window", "--no-reconnect", "--for", "60s"]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -v 2097152; exec \"$0\" \"$@\""])
        .arg(plain.get_program())
        .args(plain.get_args());
    limited.env_clear().stdin(Stdio::null());
    limited.envs(plain.get_envs().filter_map(|(k, v)| Some((k, v?))));
    // How many arenas malloc reserves depends on the machine's cores; it is address space, not memory.
    limited.env("MALLOC_ARENA_MAX", "2");
    let output = home.finish(limited);
    server.join().expect("the fake server did its part");
    output
}

/// Asserts a clear end with one of these codes.
fn ended(what: &str, output: &Output, codes: &[i32]) {
    let said = said(output);
    assert!(output.status.code().is_some_and(|c| codes.contains(&c)), "{what}: {:?}: {said}", output.status);
    for word in ["panicked", "overflow", "memory allocation", "backtrace"] {
        assert!(!said.contains(word), "{what}: {said}");
    }
    assert!(said.lines().any(|l| l.starts_with("panto: ") && l.len() > 20), "{what}: {said}");
    assert!(said.len() < 4096, "{what}: {} bytes of words", said.len());
}

const PROTOCOL: i32 = 6;
const LOST: i32 = 7;

#[test]
fn a_server_that_sends_garbage() {
    let home = panto();
    let garbage = |seed| Random(seed).bytes(1 << 16);
    let output = meets(&home, "at-once", move |mut stream| {
        let _ = stream.write_all(&garbage(11));
        let _ = stream.read_to_end(&mut Vec::new());
    });
    ended("garbage at once", &output, &[PROTOCOL]);
    assert!(said(&output).contains("does not speak Panto"), "{}", said(&output));

    let output = meets(&home, "after-welcome", move |stream| {
        let mut host = Host::welcome(stream);
        let bytes = garbage(12);
        host.flood(&bytes);
    });
    ended("garbage after the welcome", &output, &[PROTOCOL]);

    for seed in 20..28 {
        let output = meets(&home, &format!("frame-{seed}"), move |stream| {
            let mut host = Host::welcome(stream);
            host.raw_frame(garbage(seed));
            host.linger();
        });
        ended("a frame of garbage", &output, &[PROTOCOL]);
    }

    let output = meets(&home, "mute", drop);
    ended("a server that hangs up", &output, &[LOST]);
    let output = meets(&home, "gone", |stream| drop(Host::welcome(stream)));
    ended("a server that welcomes and hangs up", &output, &[LOST]);
}

#[test]
fn a_server_that_asks_for_too_much_memory() {
    let home = panto();
    // 65535 × 65535, which no encoder here would write.
    let output = meets(&home, "65535", |stream| {
        let mut host = Host::welcome(stream);
        let mut out = Writer::new();
        FrameHeader::default().encode(&mut out);
        out.u8(0x11);
        for number in [0, 65_535, 65_535] {
            out.varint(number);
        }
        host.raw_frame(out.finish());
        host.linger();
    });
    ended("a screen of 65535 × 65535", &output, &[PROTOCOL]);

    let surface = |id, width, height| -> DrawCommand {
        let (id, size) = (SurfaceId(id), Size::new(width, height));
        panto_protocol::draw::SurfaceCreate { id, size, alpha: true }.into()
    };
    let output = meets(&home, "many", move |stream| {
        let mut host = Host::welcome(stream);
        for id in 1..100 {
            host.frame(&[surface(id, 4096, 4096)]);
        }
        host.linger();
    });
    ended("a hundred large surfaces", &output, &[PROTOCOL]);

    // The largest screen that is allowed: too much for a small machine, but no reason to crash.
    let output = meets(&home, "largest", |stream| {
        let mut host = Host::welcome(stream);
        let resize = |width, height| SurfaceResize { id: SurfaceId::SCREEN, size: Size::new(width, height) };
        host.frame(&[resize(16_384, 8192).into()]);
        host.frame(&[resize(8192, 16_384).into()]);
    });
    ended("the largest screen", &output, &[PROTOCOL, LOST]);

    // A message that never ends.
    let output = meets(&home, "endless", |stream| {
        let mut host = Host::welcome(stream);
        let mut chunk = vec![Channel::Draw as u8, 0x80, 0x20];
        chunk.extend([0x55; 4096]);
        host.flood(&chunk.repeat(256));
    });
    ended("an endless message", &output, &[PROTOCOL]);
    let output = meets(&home, "endless-hello", |mut stream| {
        let mut chunk = vec![Channel::Control as u8, 0x80, 0x08];
        chunk.extend([0x55; 1024]);
        while stream.write_all(&chunk).is_ok() {}
    });
    ended("an endless hello", &output, &[PROTOCOL]);
}

#[test]
fn a_server_that_never_reads() {
    let home = panto();
    let frame = muxed(Channel::Draw, vec![0]);
    let ping = muxed(Channel::Control, ServerControl::Ping(5).encode());
    for (name, message) in [("frames", frame), ("pings", ping)] {
        let output = meets(&home, name, move |stream| {
            let mut host = Host::welcome(stream);
            host.flood(&message.repeat(1000));
        });
        let words = said(&output);
        let last = words.lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(PROTOCOL), "{name}: {last}");
        assert!(last.contains("flood"), "{name}: {last}");
    }
}

/// Replays bytes to whoever says hello, then hangs up.
fn replay(bytes: Vec<u8>) -> impl FnOnce(UnixStream) + Send + 'static {
    move |mut stream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// The viewer's core against a fake server, in this process.
async fn core_meets(dir: &TempDir, name: usize, bytes: Vec<u8>) -> Result<(), ViewError> {
    let path: PathBuf = dir.path().join(format!("{name}.sock"));
    let server = fake(&path, replay(bytes));
    let options = ClientOptions {
        target: Target::unix(&path),
        trust: TrustPolicy::Strict,
        known_hosts: KnownHosts::at(dir.path().join("known_hosts")),
        tls: true,
        name: "victim".into(),
        settings: Settings::default(),
        view_only: false,
        local_moves: true,
        explain: false,
        disk_cache: None,
        vnc: Default::default(),
        reconnect: false,
        duration: None,
    };
    let running = tokio::spawn(Client::new(options, Arc::new(Nobody), View::new()).run());
    let (_, result) =
        tokio::time::timeout(PATIENCE, running).await.expect("the viewer ends").expect("no panic");
    server.join().unwrap();
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_servers_bytes_flipped_and_cut_off() {
    let (mut local, scene) = Local::of_scene(Scene::new(SIZE)).await;
    let recording = recorded(&mut local, &scene).await;
    let down = recording.down;
    let dir = TempDir::new().unwrap();
    let unharmed = core_meets(&dir, 0, down.clone()).await;
    assert!(matches!(unharmed, Err(ViewError::Lost { .. })), "{unharmed:?}");

    let mut random = Random(5);
    let step = (down.len() / 400).max(1);
    let (mut broken, mut lost) = (0, 0);
    for (i, at) in (0..down.len()).step_by(step).enumerate() {
        for (kind, bytes) in [random.flip(&down, at), down[..at].to_vec()].into_iter().enumerate() {
            match core_meets(&dir, 1 + 2 * i + kind, bytes).await {
                Err(ViewError::Lost { .. }) => lost += 1,
                // A flipped letter of its goodbye, or a request for a password out of nothing.
                Err(_) => broken += 1,
                Ok(()) => panic!("flip or cut at {at}: the viewer was never asked to end"),
            }
        }
    }
    // A wrong colour is nobody's error, a wrong length is.
    assert!(broken > 20 && lost > 20, "{broken} broken, {lost} lost");

    let home = panto();
    tokio::task::block_in_place(|| {
        for i in 0..12 {
            let at = i * down.len() / 12;
            let output = meets(&home, &format!("flip-{i}"), replay(random.flip(&down, at)));
            ended(&format!("bit flipped at {at}"), &output, &[PROTOCOL, LOST, 4, 8]);
        }
    });
}
