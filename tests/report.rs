//! The report of a comparison as a browser shows it: its plots are there, and it
//! asks for nothing over the network.

use std::f64::consts::TAU;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use panto_compare::figures::{Comparison, Distribution, Figures, LinkInfo, Stages, VERSION, WorkloadInfo};
use panto_compare::report;
use panto_tests::harness::eventually;
use rustix::process::{Pid, Signal, kill_process_group};

/// Name, bytes to the viewer with `pixels`, and inputs.
const WORKLOADS: [(&str, f64, u64); 3] =
    [("terminal", 900e3, 240), ("web page <script>", 6.5e6, 60), ("window drag & video", 48e6, 120)];
/// Mode, its share of the bytes of `pixels`, its share of the work.
const MODES: [(&str, f64, f64); 4] =
    [("pixels", 1.0, 1.0), ("commands", 0.016, 0.42), ("hybrid", 0.011, 0.55), ("auto", 0.0125, 0.57)];
/// Name, rate in bit/s, round trip in ms, loss.
const LINKS: [(&str, u64, f64, f64); 2] = [("cable", 20_000_000, 24.0, 0.0), ("4g", 8_000_000, 62.0, 0.005)];

/// What `style.css` gives to the first four ways, in light and in dark.
const LIGHT: [[u8; 3]; 4] = [[0x00, 0x72, 0xb2], [0xd5, 0x5e, 0x00], [0x00, 0x9e, 0x73], [0xb8, 0x57, 0x8f]];
const DARK: [[u8; 3]; 4] = [[0x4a, 0xa3, 0xdf], [0xf0, 0x80, 0x40], [0x2f, 0xbf, 0x94], [0xe2, 0x8f, 0xc0]];
/// Of the first parts of a whole, in both.
const PARTS: [[u8; 3]; 3] = [[0x77, 0xaa, 0xdd], [0xee, 0x88, 0x66], [0xee, 0xdd, 0x88]];

#[test]
fn a_browser_shows_the_plots() {
    for (width, paper, ways, arguments) in [
        (1200, [0xff; 3], LIGHT, &[][..]),
        (500, [0xff; 3], LIGHT, &[]),
        (1200, [0x14, 0x17, 0x1b], DARK, &["--blink-settings=preferredColorScheme=0"]),
    ] {
        let browser = Browser::new();
        let shot = browser.file("shot.png");
        let mut command = browser.command(width);
        command.args(arguments).arg(format!("--screenshot={}", shot.display()));
        browser.finish(command);
        let picture = image::open(&shot).expect("the browser writes a picture").into_rgb8();
        let count = |colour: [u8; 3]| picture.pixels().filter(|p| p.0 == colour).count();
        let all = (picture.width() * picture.height()) as usize;
        assert!(count(paper) > all / 2, "{width}: {} of {all} pixels are paper", count(paper));
        // Six bars of 16 pixels' height and more, 50 pixels long and more, and lines.
        for colour in ways.into_iter().chain(PARTS) {
            assert!(count(colour) > 3000, "{width}: only {} pixels are {colour:02x?}", count(colour));
        }
        // Nothing is wider than the page: the outermost columns are empty from top to bottom.
        for x in [1, picture.width() - 2] {
            assert!((0..picture.height()).all(|y| picture.get_pixel(x, y).0 == paper), "{width}: column {x}");
        }
    }
}

#[test]
fn a_browser_reads_nothing_but_the_page() {
    // What the log would show if the page did.
    let other = Browser::of("<!DOCTYPE html><title>.</title><img src='http://picture.invalid/a.png'>");
    assert_eq!(other.requests(), ["http://picture.invalid/a.png"]);
    assert_eq!(Browser::new().requests(), Vec::<String>::new());
}

/// The report and a browser's profile, in a directory of their own.
struct Browser {
    dir: tempfile::TempDir,
}

impl Browser {
    fn new() -> Self {
        Self::of(&report::html(&synthetic()))
    }

    fn of(page: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("report.html"), page).expect("a page");
        Self { dir }
    }

    /// What the page asks of the network, by the browser's own log. What the browser asks for itself
    /// (its clock, its updates) has no initiator.
    fn requests(&self) -> Vec<String> {
        let log = self.file("net.json");
        let mut command = self.command(1200);
        command.arg(format!("--log-net-log={}", log.display())).arg("--dump-dom");
        self.finish(command);
        let log: serde_json::Value = serde_json::from_str(&read(&log)).expect("the browser writes a log");
        let start = &log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"];
        assert!(start.is_u64(), "the log names its events");
        let events = log["events"].as_array().expect("the log has events").iter();
        let starts = events.filter(|e| e["type"] == *start).map(|e| &e["params"]);
        let pages = starts.filter(|p| p["initiator"].is_string() && p["initiator"] != "not an origin");
        pages.map(|p| p["url"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Opens the page where no host has an address.
    fn command(&self, width: u32) -> Command {
        let mut command = Command::new("chromium");
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.args(["--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb"]);
        command.args(["--host-resolver-rules=MAP * ~NOTFOUND", "--force-device-scale-factor=1"]);
        // Nothing is drawn before all of it is there, however busy the machine.
        command.args(["--run-all-compositor-stages-before-draw", "--disable-checker-imaging"]);
        command.arg(format!("--user-data-dir={}", self.file("profile").display()));
        command.arg(format!("--window-size={width},6000"));
        command.arg(format!("file://{}", self.file("report.html").display()));
        command
    }

    /// Runs it to its end. All of its processes are ended with it, whatever happens.
    fn finish(&self, mut command: Command) {
        let log = std::fs::File::create(self.file("log")).expect("a log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
        let mut group = Group(command.spawn().expect("chromium starts; is the package chromium installed?"));
        let status =
            eventually("the browser ends", || group.0.try_wait().expect("a child can be waited for"));
        assert!(status.success(), "{status}: {}", read(&self.file("log")));
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// A comparison such as a run makes it: three workloads in four ways over two links.
fn synthetic() -> Comparison {
    let mut c = Comparison {
        version: VERSION,
        generator: "panto 0.1.0".into(),
        command: "panto compare terminal web drag --modes pixels,commands,hybrid,auto --links cable,4g"
            .into(),
        ..Comparison::default()
    };
    for (name, bytes, inputs) in WORKLOADS {
        c.workloads.push(WorkloadInfo {
            name: name.into(),
            description: format!("Somebody works with the {name} for half a minute."),
            width: 1280,
            height: 800,
            duration_s: 30.0,
            events: (bytes / 1e4) as u64,
            inputs,
        });
    }
    for (name, down_bps, rtt_ms, loss) in LINKS {
        c.links.push(LinkInfo {
            name: name.into(),
            down_bps,
            up_bps: down_bps / 4,
            rtt_ms,
            jitter_ms: if loss > 0.0 { 8.0 } else { 0.0 },
            loss,
            queue_bytes: 96_000,
        });
        for workload in 0..WORKLOADS.len() {
            for way in 0..MODES.len() {
                c.rows.push(row(workload, way, &c.links[c.links.len() - 1]));
            }
        }
    }
    if let Some(last) = c.rows.last_mut() {
        last.error = Some("the connection was lost after 12.4 s: connection reset by peer".into());
        last.exact = None;
    }
    c
}

fn row(workload: usize, way: usize, link: &LinkInfo) -> Figures {
    let (name, pixels, inputs) = WORKLOADS[workload];
    let (mode, share, work) = MODES[way];
    // Commands help most where there is text and least where there is video.
    let bytes = pixels * share.powf(1.0 - 0.42 * workload as f64);
    let wait = bytes / link.down_bps as f64 * 40.0;
    let stages = Stages {
        network: link.rtt_ms + wait,
        capture: 2.1,
        encode: 6.0 * work,
        queue: wait * 1.5,
        decode: 1.8 * work,
        paint: 1.2,
    };
    let mean = stages.network + stages.capture + stages.encode + stages.queue + stages.decode + stages.paint;
    let samples = |mean: f64, n: u64| Distribution::new((0..n).map(|i| mean * spread(i, way)).collect());
    let kinds: &[(&str, f64)] = match (mode, workload) {
        ("pixels", _) => &[("PutPixels", 0.97), ("CopyArea", 0.03)],
        (_, 0) => &[
            ("GlyphRun", 0.58),
            ("PutPixels", 0.14),
            ("Fill", 0.12),
            ("CopyArea", 0.09),
            ("DefineGlyph", 0.07),
        ],
        (_, 1) => &[
            ("PutPixels", 0.46),
            ("GlyphRun", 0.25),
            ("DefineGlyph", 0.16),
            ("Fill", 0.08),
            ("DrawTile", 0.05),
        ],
        _ => &[("PutPixels", 0.86), ("MoveWindow", 0.09), ("Fill", 0.05)],
    };
    Figures {
        workload: name.into(),
        link: link.name.clone(),
        system: "panto".into(),
        mode: mode.into(),
        depth: 24,
        scale: 1,
        lossless: true,
        time: "virtual".into(),
        duration_s: 30.0 + wait / 1e3,
        bytes_down: bytes as u64,
        bytes_up: 21_000 + inputs * 40,
        packets_down: Some((bytes / 1400.0) as u64 + 60),
        packets_up: Some(inputs + 90),
        first_picture_bytes: Some((bytes * 0.08) as u64),
        payload_bytes_by_kind: kinds.iter().map(|(k, s)| ((*k).into(), (bytes * 0.96 * s) as u64)).collect(),
        bytes_over_time: over_time(bytes, workload, way),
        frames: Some(1200),
        updates: Some(4800),
        events: Some(1500),
        events_delivered: Some(1380),
        delivered_fps: (workload == 2).then_some(24.8 / (1.0 + wait / 40.0)),
        input_to_pixel_ms: samples(mean, inputs),
        latency_stages_ms: Some(stages),
        freshness_ms: samples(mean * 0.8, 300),
        first_picture_ms: Some(mean * 3.0),
        exact_after_rest_ms: Some(mean * 2.2),
        server_cpu_s: Some(pixels.powf(0.4) / 90.0 * work),
        viewer_cpu_s: Some(pixels.powf(0.4) / 160.0 * work),
        server_memory_bytes: Some(61_000_000),
        viewer_memory_bytes: Some(48_500_000),
        digest: Some("5f0c3aa1".into()),
        exact: Some(true),
        ..Figures::default()
    }
}

/// Most samples are below their mean, few far above it.
fn spread(i: u64, way: usize) -> f64 {
    let uniform = (i as f64 * 0.618_034 + way as f64 * 0.1).fract();
    0.55 + 0.35 * uniform + 0.06 * (TAU * uniform).sin() + 0.9 * uniform.powi(9)
}

/// Bursts where somebody types, steady where something moves.
fn over_time(bytes: f64, workload: usize, way: usize) -> Vec<(f64, u64)> {
    let steps = [45, 14, 600][workload];
    let point = |i: u32| {
        let share = f64::from(i) / f64::from(steps);
        let bursts = share + 0.05 * (share * TAU * 3.0 + way as f64 * 0.3).sin() / (workload + 1) as f64;
        (0.2 + share * 29.8, (bytes * (0.08 + 0.92 * bursts.clamp(0.0, 1.0))) as u64)
    };
    (0..=steps).map(point).collect()
}
