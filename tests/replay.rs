//! Traces served as screens: the right pictures at the right pace, and broken ones told apart.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use panto_protocol::draw::{Fill, SurfaceId};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{Mode, Settings};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_server::demo::{Desktop, perform};
use panto_server::scene::Scene;
use panto_server::trace::{Header, InputKind, Recorder};
use panto_tests::harness::{Panto, Watcher, assert_same, panto};
use panto_transport::{KnownHosts, TrustPolicy};
use panto_viewer::core::ClientOptions;
use serde_json::Value;

use crate::security::check;

const MODES: [(&str, Mode); 4] =
    [("pixels", Mode::Pixels), ("commands", Mode::Commands), ("hybrid", Mode::Hybrid), ("auto", Mode::Auto)];

/// A trace and what it shows.
struct Trace {
    path: PathBuf,
    first: Picture,
    last: Picture,
}

/// Tests that measure time do not run beside one another.
static CLOCK: Mutex<()> = Mutex::new(());

fn header() -> Header {
    Header { title: "test".into(), ..Header::default() }
}

/// The demo desktop's script until `end`: windows, glyphs, copies.
fn record_demo(home: &Panto, end: Micros) -> Trace {
    let path = home.path("demo.trace");
    let size = Size::new(800, 600);
    let mut scene = Scene::new(size);
    let mut desktop = Desktop::new(&mut scene, Micros::ZERO);
    let mut recorder = Recorder::create(&path, header(), 1, &scene).unwrap();
    let first = scene.canvas().screen();
    perform(&mut desktop, &mut scene, end, |input, scene, now| {
        if input.is_some() {
            recorder.input(InputKind::Key, now);
        }
        recorder.observe(scene, now);
    });
    recorder.finish(end).unwrap();
    Trace { path, first, last: scene.canvas().screen() }
}

/// So many changes so far apart: one more square each, of its own colour.
fn record_squares(home: &Panto, changes: u64, apart: Micros) -> Trace {
    let path = home.path("squares.trace");
    let mut scene = Scene::new(Size::new(320, 240));
    let mut recorder = Recorder::create(&path, header(), 1, &scene).unwrap();
    let first = scene.canvas().screen();
    for i in 1..=changes {
        let at = Point::new((i % 20) as i32 * 16, (i / 20) as i32 * 16);
        let rects = vec![Rect::at(at, Size::new(12, 12))];
        let color = 0x0020_4060 + i as u32 * 0x0001_0305;
        scene.draw(Fill { surface: SurfaceId::SCREEN, color, rects }).unwrap();
        recorder.observe(&scene, Micros(i * apart.0));
    }
    recorder.finish(Micros((changes + 1) * apart.0)).unwrap();
    Trace { path, first, last: scene.canvas().screen() }
}

/// A running `panto replay`.
struct Replaying {
    child: Child,
    listening: Value,
    log: PathBuf,
}

impl Replaying {
    fn of(home: &Panto, trace: &Trace, more: &[&str]) -> Self {
        let log = home.path("replay.log");
        let mut command = home.command(&["replay", trace.path.to_str().unwrap(), "--json", "--auth", "none"]);
        command.arg("127.0.0.1:0").args(more).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().expect("panto starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("panto speaks");
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let listening = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no replay: {}", said()));
        Self { child, listening, log }
    }

    fn address(&self) -> &str {
        self.listening["addresses"][0].as_str().expect("an address")
    }

    fn watch(&self, home: &Panto, mode: Mode) -> Watcher {
        Watcher::start(ClientOptions {
            target: self.address().parse().expect("an address"),
            trust: TrustPolicy::Strict,
            known_hosts: KnownHosts::at(home.path("known_hosts")),
            tls: true,
            name: "watcher".into(),
            settings: Settings { mode, ..Settings::default() },
            view_only: false,
            local_moves: true,
            explain: false,
            disk_cache: None,
            vnc: Default::default(),
            reconnect: false,
            duration: None,
        })
    }

    /// Time from connecting until a viewer shows the last picture.
    async fn time_to_last(&self, home: &Panto, trace: &Trace) -> Duration {
        let began = Instant::now();
        let watcher = self.watch(home, Mode::Hybrid);
        watcher.until("the last picture", |p| *p == trace.last).await;
        let time = began.elapsed();
        watcher.quit().await.1.expect("a good end");
        time
    }
}

impl Drop for Replaying {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            eprintln!("--- log of panto replay\n{log}");
        }
    }
}

/// `panto view` for a while; what it said, showed and counted.
fn view(home: &Panto, address: &str, mode: &str, time: &str) -> (Output, Picture, Value) {
    let (shot, stats) = (home.path(&format!("{mode}.png")), home.path(&format!("{mode}.json")));
    let (shot_file, stats_file) = (shot.to_str().unwrap(), stats.to_str().unwrap());
    let files = ["--screenshot", shot_file, "--stats", stats_file];
    let output =
        home.run(&[&["view", address, "--no-window", "--mode", mode, "--for", time], &files[..]].concat());
    let figures = serde_json::from_slice(&std::fs::read(&stats).expect("figures")).expect("JSON");
    (output, picture(&shot), figures)
}

fn picture(path: &Path) -> Picture {
    let image = image::open(path).expect("a screenshot").into_rgb8();
    let size = Size::new(image.width(), image.height());
    let data = image.pixels().map(|p| u32::from_be_bytes([0, p.0[0], p.0[1], p.0[2]])).collect();
    Picture::from_pixels(size, data).expect("as many pixels as its size says")
}

#[test]
fn every_mode_ends_with_the_traces_last_picture() {
    let home = panto();
    let trace = record_demo(&home, Micros::from_millis(1500));
    assert!(trace.first != trace.last);
    let served = home.serve(&["--replay", trace.path.to_str().unwrap(), "--auth", "none", "127.0.0.1:0"]);
    let address = served.address();
    std::thread::scope(|scope| {
        for (mode, _) in MODES {
            let (home, trace, address) = (&home, &trace, &address);
            scope.spawn(move || {
                let (output, picture, figures) = view(home, address, mode, "4s");
                check(&output, 0, &[]);
                assert_same(&format!("replay in {mode}"), &picture, &trace.last);
                assert_eq!(figures["digests_wrong"], 0, "{mode}");
                assert!(figures["frames"].as_u64() > Some(1), "{mode}: {figures}");
            });
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_motion_leaves_nothing_out_and_fast_may() {
    const CHANGES: u64 = 120;
    let home = panto();
    let trace = record_squares(&home, CHANGES, Micros::from_millis(1));
    let slow = Replaying::of(&home, &trace, &["--pace", "slow-motion"]);
    let first = slow.watch(&home, Mode::Pixels);
    first.until("a picture", |p| p.size() == trace.first.size()).await;
    // The trace waits for whoever joins on the way too.
    let second = slow.watch(&home, Mode::Commands);
    for (watcher, at_least) in [(first, CHANGES), (second, CHANGES / 4)] {
        watcher.until("the last picture", |p| *p == trace.last).await;
        let (stats, result) = watcher.quit().await;
        result.expect("a good end");
        assert!(stats.frames >= at_least, "{} frames of {CHANGES} changes", stats.frames);
    }
    let fast = Replaying::of(&home, &trace, &["--pace", "fast"]);
    let watcher = fast.watch(&home, Mode::Hybrid);
    watcher.until("the last picture", |p| *p == trace.last).await;
    let (stats, _) = watcher.quit().await;
    // Were it not for the pace, the frames above would prove nothing.
    assert!(stats.frames < CHANGES, "{} frames", stats.frames);
}

#[test]
fn slow_motion_by_the_command_line() {
    let home = panto();
    let trace = record_squares(&home, 30, Micros::from_millis(1));
    let slow = Replaying::of(&home, &trace, &["--pace", "slow-motion"]);
    let (output, picture, figures) = view(&home, slow.address(), "hybrid", "4s");
    check(&output, 0, &[]);
    assert_same("slow motion", &picture, &trace.last);
    assert!(figures["frames"].as_u64() >= Some(30), "{figures}");
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::await_holding_lock, reason = "each test has a runtime of its own")]
async fn paces_take_their_time() {
    let _alone = CLOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let home = panto();
    let trace = record_squares(&home, 60, Micros::from_millis(50));
    let time = async |more: &[&str]| {
        Replaying::of(&home, &trace, more).time_to_last(&home, &trace).await.as_secs_f64()
    };
    let recorded = time(&[]).await;
    assert!((2.9..6.0).contains(&recorded), "3 s took {recorded:.2} s");
    let four = time(&["--speed", "4"]).await;
    assert!((0.7..1.6).contains(&four), "a quarter of 3 s took {four:.2} s");
    let fast = time(&["--pace", "fast"]).await;
    assert!(fast < recorded / 3.0, "as fast as possible took {fast:.2} s, as recorded {recorded:.2} s");
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::await_holding_lock, reason = "each test has a runtime of its own")]
async fn nothing_is_played_while_nobody_looks() {
    let _alone = CLOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let home = panto();
    let trace = record_squares(&home, 40, Micros::from_millis(50));
    let replaying = Replaying::of(&home, &trace, &[]);
    // Long enough for all of it, were it played: that nothing happens is the point.
    let rest = Duration::from_millis(2500);
    tokio::time::sleep(rest).await;
    let watcher = replaying.watch(&home, Mode::Hybrid);
    watcher.until("the beginning", |p| p.size() == trace.first.size() && *p != trace.last).await;
    watcher.until("the tenth square", |p| p.row(0, 10 * 16, 10 * 16 + 1) != [0]).await;
    watcher.quit().await.1.expect("a good end");
    tokio::time::sleep(rest).await;
    let left = replaying.time_to_last(&home, &trace).await;
    assert!(left > Duration::from_millis(700), "of 1.5 s, {left:?} were left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_comes_back_to_the_first_picture() {
    let home = panto();
    let trace = record_demo(&home, Micros::from_millis(1000));
    for (mode, pace) in
        [(Mode::Pixels, "recorded"), (Mode::Commands, "slow-motion"), (Mode::Hybrid, "recorded")]
    {
        let replaying = Replaying::of(&home, &trace, &["--loop", "--pace", pace]);
        let watcher = replaying.watch(&home, mode);
        for _ in 0..2 {
            watcher.until("the last picture", |p| *p == trace.last).await;
            watcher.until("the first picture", |p| *p == trace.first).await;
        }
        let (stats, result) = watcher.quit().await;
        result.expect("a good end");
        assert_eq!(stats.digests_wrong, 0);
    }
}

#[test]
fn a_cut_trace_ends_when_its_last_good_picture_was_shown() {
    let home = panto();
    let trace = record_squares(&home, 20, Micros::from_millis(10));
    let whole = std::fs::read(&trace.path).unwrap();
    // Without its index: nobody can know that nothing is missing.
    std::fs::write(&trace.path, &whole[..whole.len() - 20]).unwrap();
    let served = home.serve(&["--replay", trace.path.to_str().unwrap(), "--auth", "none", "127.0.0.1:0"]);
    let (output, picture, _) = view(&home, &served.address(), "hybrid", "20s");
    check(&output, 8, &["the server has no picture", "squares.trace is cut short after 0.2 s"]);
    assert_same("a cut trace", &picture, &trace.last);
    // Whoever comes later is told at once, and so is the administrator.
    let late = home.run(&["view", &served.address(), "--no-window", "--for", "20s"]);
    check(&late, 8, &["cut short"]);
    let status = home.ctl(&served, &["status"]);
    assert!(status["status"]["failure"].as_str().is_some_and(|f| f.contains("cut short")), "{status}");
}

#[test]
fn a_damaged_trace_is_played_until_there() {
    let home = panto();
    // One change in 31 s: after each of them a chapter begins.
    let path = home.path("long.trace");
    let mut scene = Scene::new(Size::new(320, 240));
    let mut recorder = Recorder::create(&path, header(), 1, &scene).unwrap();
    let mut good = scene.canvas().screen();
    for i in 1..=3 {
        let rects = vec![Rect::at(Point::new(i * 40, 0), Size::new(30, 30))];
        scene.draw(Fill { surface: SurfaceId::SCREEN, color: 0xff_ffff, rects }).unwrap();
        if i < 3 {
            good = scene.canvas().screen();
        }
        recorder.observe(&scene, Micros::from_millis(31_000 * i as u64));
    }
    recorder.finish(Micros::from_millis(100_000)).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    // Behind the magic and the version comes the header, and then sections: kind, length.
    let length = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let first = 14 + length(10);
    let second = first + 5 + length(first + 1);
    let third = second + 5 + length(second + 1);
    bytes[third + 30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let trace = Trace { path, first: good.clone(), last: good };
    let replaying = Replaying::of(&home, &trace, &["--pace", "fast"]);
    let (output, picture, _) = view(&home, replaying.address(), "hybrid", "20s");
    check(&output, 8, &["long.trace is damaged at byte", "checksum"]);
    assert_same("a damaged trace", &picture, &trace.last);
}

#[test]
fn what_is_no_trace_is_told() {
    let home = panto();
    let trace = record_squares(&home, 2, Micros::from_millis(1));
    let file = trace.path.to_str().unwrap();
    let replay = |args: &[&str]| home.run(&[&["replay", "--auth", "none"], args].concat());
    let serve = |args: &[&str]| home.run(&[&["serve", "--auth", "none", "127.0.0.1:0"], args].concat());
    check(&replay(&["none.trace", "127.0.0.1:0"]), 1, &["none.trace", "No such file"]);
    check(&serve(&["--replay", "none.trace"]), 1, &["none.trace", "No such file"]);
    let text = home.path("text");
    std::fs::write(&text, "not a trace at all").unwrap();
    check(&replay(&[text.to_str().unwrap(), "127.0.0.1:0"]), 1, &["is no Panto trace", "panto record"]);
    let mut bytes = std::fs::read(file).unwrap();
    bytes[8] = 9;
    let newer = home.path("newer.trace");
    std::fs::write(&newer, bytes).unwrap();
    check(&replay(&[newer.to_str().unwrap(), "127.0.0.1:0"]), 1, &["version 9", "record it again"]);
    check(&replay(&[file, "--pace", "fast", "--speed", "2"]), 2, &["--speed", "--pace recorded"]);
    check(&replay(&[file, "--speed", "0"]), 2, &["no speed"]);
    check(&serve(&["--replay", file, "--demo"]), 2, &["--demo"]);
    check(&serve(&["--replay", file, "--virtual", "640x480"]), 2, &["--virtual"]);
}
