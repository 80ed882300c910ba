//! What an idle desktop costs, measured: no bytes but the keep-alive, no CPU; and how
//! much memory a busy one takes.
//!
//! Needs the Debian packages xvfb, openbox and xterm.

use std::time::Duration;

use panto_protocol::geometry::Size;
use panto_protocol::message::{Depth, Mode, Settings};
use panto_protocol::pixel::Picture;
use panto_protocol::quantize::Quantizer;
use panto_tests::harness::{Panto, Served, Watcher, XDisplay, eventually, panto};
use panto_transport::{KnownHosts, Target, TrustPolicy};
use panto_viewer::core::{ClientOptions, Command};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, ImageFormat, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::relay::Relay;
use crate::scenes::Dice;

/// One unit of the system's own accounting, and more than any idle process needs.
const TICK: Duration = Duration::from_millis(10);

/// A ping or its answer, with room for two in a window.
const KEEP_ALIVE: u64 = 24;

/// What a viewer with a person in front of it asks of its own accord in 5 s: a ping and
/// the server's figures, with room for two in a window.
const FIGURES: u64 = 256;

fn serve(home: &Panto, size: &str, command: &str) -> (Served, XDisplay) {
    let served = home.serve(&["127.0.0.1:0", "--auth", "none", "--virtual", size, "--", "sh", "-c", command]);
    let remote = XDisplay::open(&served.display());
    (served, remote)
}

/// A viewer behind a wire that counts; with `duration`, one that only measures.
async fn watch(
    home: &Panto,
    served: &Served,
    settings: Settings,
    duration: Option<Duration>,
) -> (Watcher, Relay) {
    let address = served.address();
    let (host, port) = address.rsplit_once(':').expect("HOST:PORT");
    let relay = Relay::to(&Target::tcp(host, port.parse().expect("a port"))).await;
    let options = ClientOptions {
        target: relay.target.clone(),
        trust: TrustPolicy::Strict,
        known_hosts: KnownHosts::at(home.path("known_hosts")),
        tls: true,
        name: "watcher".into(),
        settings,
        view_only: false,
        local_moves: true,
        explain: false,
        disk_cache: None,
        vnc: Default::default(),
        reconnect: false,
        duration,
    };
    (Watcher::start(options), relay)
}

/// CPU time of a process to the nanosecond. The system's ticks are too coarse: a
/// process that uses a tenth of one would be seen to use a whole one in every tenth run.
fn cpu(served: &Served) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", served.pid())).expect("a process has threads");
    let of = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(tasks.flatten().filter_map(of).sum())
}

/// Lets `window` pass; returns the server's CPU time in it.
async fn cpu_during(served: &Served, window: Duration) -> Duration {
    let before = cpu(served);
    // There is nothing to wait for: that nothing happens is the point.
    tokio::time::sleep(window).await;
    cpu(served).saturating_sub(before)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_desktop_costs_nothing() {
    let home = panto();
    let (served, remote) =
        serve(&home, "1280x800", "exec openbox --startup 'xterm -geometry 100x40+30+30 -e cat'");
    remote.window();
    let (watcher, relay) = watch(&home, &served, Settings::default(), Some(Duration::from_secs(600))).await;
    let pixels = Settings { mode: Mode::Pixels, ..Settings::default() };
    let (person, persons) = watch(&home, &served, pixels, None).await;
    // The xterm draws its cursor when it has the keyboard: the last thing to happen.
    remote.point(300, 300);
    remote.button(1, true);
    remote.button(1, false);
    eventually("the terminal has the keyboard", || remote.has_focus("XTerm").then_some(()));
    settled(&watcher, &remote, &relay);
    settled(&person, &remote, &persons);

    let before = [&relay, &persons].map(|r| (r.down(), r.up()));
    let ticks = served.cpu_seconds();
    let used = cpu_during(&served, Duration::from_secs(5)).await;
    let ticks = served.cpu_seconds() - ticks;
    let [quiet, asking] =
        [(&relay, before[0]), (&persons, before[1])].map(|(r, b)| (r.down() - b.0, r.up() - b.1));
    println!(
        "idle for 5 s with two viewers: server CPU {used:?}; bytes down and up {quiet:?}, a person's {asking:?}"
    );
    assert!(used < TICK, "an idle server used {used:?} of CPU in 5 s");
    assert!(ticks < 1.5 * TICK.as_secs_f64(), "{ticks} s of CPU in ticks");
    assert!(quiet.0 <= KEEP_ALIVE && quiet.1 <= KEEP_ALIVE, "bytes down and up in 5 idle seconds: {quiet:?}");
    assert!(asking.0 <= FIGURES && asking.1 <= KEEP_ALIVE, "bytes down and up in 5 idle seconds: {asking:?}");
    for watcher in [watcher, person] {
        let (stats, result) = watcher.quit().await;
        assert!(result.is_ok());
        assert_eq!(stats.digests_wrong, 0);
    }
}

/// Waits until the viewer has the picture and its digest, and the wire has been silent
/// for half a second.
fn settled(watcher: &Watcher, remote: &XDisplay, relay: &Relay) {
    let mut last = (0, std::time::Instant::now());
    eventually("everything rests", || {
        if relay.down() != last.0 {
            last = (relay.down(), std::time::Instant::now());
        }
        let shown = watcher.handle.shown();
        let exact = shown.stats.digests_ok > 0 && shown.picture == remote.picture();
        (exact && last.1.elapsed() >= Duration::from_millis(500)).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_captured_while_nobody_looks() {
    let home = panto();
    // In the middle of a flood there is always something to capture.
    let flood = "exec xterm -geometry 100x40+30+30 -e sh -c 'while :; do seq 1 100000; done'";
    let (served, remote) = serve(&home, "1280x800", flood);
    remote.window();
    let moves = |what: &str| {
        let before = remote.picture();
        eventually(what, || (remote.picture() != before).then_some(()));
    };
    moves("it floods before anyone looks");
    let never = cpu_during(&served, Duration::from_secs(2)).await;

    let (watcher, _relay) = watch(&home, &served, Settings::default(), None).await;
    let mut frames = 0;
    eventually("the viewer sees it move", || {
        frames = watcher.handle.shown().stats.frames;
        (frames > 20).then_some(())
    });
    let (stats, result) = watcher.quit().await;
    assert!(result.is_ok());
    assert_eq!(stats.digests_wrong, 0);
    eventually("the viewer is gone", || {
        (home.ctl(&served, &["viewers"])["viewers"].as_array()?.is_empty()).then_some(())
    });
    // The server may still be putting its things away.
    eventually("the capture stops", || {
        let before = cpu(&served);
        std::thread::sleep(Duration::from_millis(100));
        (cpu(&served) - before < TICK / 10).then_some(())
    });
    let after = cpu_during(&served, Duration::from_secs(2)).await;
    moves("it floods to the end");
    println!("2 s of flood without viewers: server CPU {never:?} before the first, {after:?} after the last");
    // Less than half a tick: 0 in the system's accounting.
    assert!(never < TICK / 2 && after < TICK / 2, "{never:?} and {after:?} of CPU with nobody looking");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_at_1080p_stays_small() {
    let home = panto();
    let (served, remote) = serve(&home, "1920x1080", "exec sleep 1000");
    let painter = Painter::start(&served.display());
    let (watcher, _relay) = watch(&home, &served, Settings::default(), None).await;
    let mut dice = Dice::new(700);
    let mut most = 0;
    // Every kind of target that a planner keeps beside the scene and its shadow.
    let ways = [
        (Mode::Auto, Depth::D24),
        (Mode::Pixels, Depth::D24),
        (Mode::Commands, Depth::D8),
        (Mode::Auto, Depth::D1),
    ];
    for (mode, depth) in ways {
        let settings = Settings { mode, depth, ..Settings::default() };
        watcher.send(Command::Settings(settings));
        let quantizer = Quantizer { depth, dither: false };
        for _ in 0..3 {
            let picture = dice.picture(SIZE_1080P);
            let mut wanted = Picture::new(SIZE_1080P, 0);
            quantizer.quantize(&picture, picture.bounds(), &mut wanted);
            painter.paint(&picture);
            eventually("the picture is seen", || {
                most = most.max(served.memory());
                (watcher.handle.shown().picture == wanted).then_some(())
            });
        }
    }
    watcher.send(Command::Settings(Settings::default()));
    eventually("the last picture is there", || {
        (watcher.handle.shown().picture == remote.picture()).then_some(())
    });
    // Frames are kept until they are acknowledged, and the picture is shown before that.
    let mut steady = u64::MAX;
    eventually("the server takes at most 100 MB at rest", || {
        steady = steady.min(served.memory());
        (steady <= 100_000_000).then_some(())
    });
    let mb = |bytes: u64| bytes as f64 / 1e6;
    println!("1920x1080, one viewer: {:.1} MB steady, {:.1} MB at most", mb(steady), mb(most));
    let (stats, result) = watcher.quit().await;
    assert!(result.is_ok());
    assert_eq!(stats.digests_wrong, 0);
}

const SIZE_1080P: Size = Size::new(1920, 1080);

/// A program that fills the whole screen.
struct Painter {
    conn: RustConnection,
    window: Window,
    gc: u32,
}

impl Painter {
    fn start(display: &str) -> Self {
        let (conn, screen) = RustConnection::connect(Some(display)).expect("the display can be opened");
        let (window, gc) = (conn.generate_id().unwrap(), conn.generate_id().unwrap());
        let root = conn.setup().roots[screen].root;
        let (width, height) = (SIZE_1080P.width as u16, SIZE_1080P.height as u16);
        let look = CreateWindowAux::new().event_mask(EventMask::EXPOSURE);
        conn.create_window(0, window, root, 0, 0, width, height, 0, WindowClass::INPUT_OUTPUT, 0, &look)
            .unwrap();
        conn.map_window(window).unwrap();
        conn.create_gc(gc, window, &CreateGCAux::new()).unwrap();
        conn.flush().unwrap();
        // Painted before it is exposed, the picture would be lost.
        conn.wait_for_event().expect("an exposure");
        Self { conn, window, gc }
    }

    fn paint(&self, picture: &Picture) {
        let width = picture.size().width;
        for (i, rows) in picture.data().chunks(width as usize * 32).enumerate() {
            let bytes: Vec<u8> = rows.iter().flat_map(|p| p.to_le_bytes()).collect();
            let height = (rows.len() / width as usize) as u16;
            let (window, gc, y) = (self.window, self.gc, i as i16 * 32);
            self.conn
                .put_image(ImageFormat::Z_PIXMAP, window, gc, width as u16, height, 0, y, 0, 24, &bytes)
                .unwrap();
        }
        self.conn.sync().unwrap();
    }
}
