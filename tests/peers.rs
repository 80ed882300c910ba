//! Real remote displays through the relay, measured from outside.
//!
//! Needs the Debian packages xvfb, xterm, xfonts-base, openbox, and those of the peers:
//! tigervnc-standalone-server, tigervnc-viewer, nxagent, nxproxy, freerdp2-shadow-x11,
//! freerdp2-x11, xpra, python3-gi-cairo and python3-lz4.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use panto_compare::figures::Figures;
use panto_compare::link::Profile;
use panto_compare::peer::{Options, Peer, PeerError, Setting, run};
use panto_compare::quality::Marks;
use panto_compare::script::Script;
use panto_compare::work::Work;
use panto_protocol::geometry::Size;
use panto_tests::harness::eventually;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Keys, each of them with an answer: three lines of eleven letters and a Return, slowly
/// enough that every system answers one before the next comes.
const KEYS: usize = 36;

/// Someone who types into a terminal.
fn typing() -> Work {
    let script = "wait window XTerm within 20s\nwait still 300ms\nbegin\n\
                  repeat 3\ntype \"remote text\\n\" every 120ms\nend\n";
    Work {
        name: "typing".into(),
        description: "Typing into a terminal.".into(),
        size: Size::new(1280, 800),
        packages: vec!["xterm".into(), "openbox".into()],
        command: ["openbox", "--startup", "xterm -fn 9x15 -geometry 100x40+30+30 -e cat"]
            .map(Into::into)
            .into(),
        script: Script::parse(script).unwrap(),
        marks: Marks::default(),
        connects_late: false,
    }
}

fn options(link: &str) -> Options {
    Options { panto: binary(), ..Options::new(Profile::named(link).unwrap()) }
}

fn binary() -> PathBuf {
    let mut dir = std::env::current_exe().unwrap();
    while !dir.join("panto").is_file() {
        assert!(dir.pop(), "panto is missing: run `cargo build` first, or ./test.sh");
    }
    dir.join("panto")
}

fn measure(setting: &str, options: &Options) -> Result<Figures, PeerError> {
    let setting = Setting::parse(setting).unwrap();
    run(&setting, &typing(), options, &AtomicBool::new(false), &mut |_| ())
}

/// A directory of programs that stand before the real ones.
struct Stand {
    dir: TempDir,
}

impl Stand {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A shell script; its last line should `exec` something.
    fn program(&self, name: &str, text: &str) -> PathBuf {
        let file = self.path(name);
        std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        file
    }

    /// `$PATH` with these programs first.
    fn in_path(&self) -> std::ffi::OsString {
        let path = std::env::var_os("PATH").unwrap();
        let dirs = std::iter::once(self.dir.path().to_owned()).chain(std::env::split_paths(&path));
        std::env::join_paths(dirs).unwrap()
    }
}

/// Counts what passes between a connecting program and a port that is written to a file
/// once it is known.
struct Counter {
    port: u16,
    /// From the side that was connected to.
    back: Arc<AtomicU64>,
    /// From the side that connects.
    forth: Arc<AtomicU64>,
    _runtime: tokio::runtime::Runtime,
}

impl Counter {
    fn new(target: PathBuf, ports: std::ops::Range<u16>) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (back, forth) = (Arc::default(), Arc::default());
        let listener = runtime.block_on(async {
            for port in ports {
                if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
                    return listener;
                }
            }
            panic!("no port is free");
        });
        let port = listener.local_addr().unwrap().port();
        let counts: (Arc<AtomicU64>, Arc<AtomicU64>) = (Arc::clone(&back), Arc::clone(&forth));
        runtime.spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let port = std::fs::read_to_string(&target).unwrap().trim().parse().unwrap();
                let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let _ = (near.set_nodelay(true), far.set_nodelay(true));
                let (near, far) = (near.into_split(), far.into_split());
                tokio::spawn(carry(far.0, near.1, Arc::clone(&counts.0)));
                tokio::spawn(carry(near.0, far.1, Arc::clone(&counts.1)));
            }
        });
        Self { port, back, forth, _runtime: runtime }
    }

    fn counts(&self) -> (u64, u64) {
        (self.back.load(Ordering::SeqCst), self.forth.load(Ordering::SeqCst))
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    count: Arc<AtomicU64>,
) {
    let mut buffer = vec![0; 65536];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        count.fetch_add(n as u64, Ordering::SeqCst);
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

/// What must be true of every complete run of [`typing`].
fn assert_complete(figures: &Figures) {
    assert_eq!(figures.error, None);
    assert_eq!(figures.exact, Some(true));
    assert_eq!(figures.time, "live");
    let latencies = figures.input_to_pixel_ms.as_ref().expect("keys have answers").samples();
    // On a busy machine an answer may still take longer than the next key: neither counts then.
    assert!(KEYS / 4 < latencies.len() && latencies.len() <= KEYS, "{latencies:?}");
    let first = figures.first_picture_bytes.unwrap();
    assert!(0 < first && first < figures.bytes_down, "{first} of {}", figures.bytes_down);
    assert!(figures.bytes_up > 0 && figures.duration_s > 1.0, "{figures:?}");
    let over_time = &figures.bytes_over_time;
    assert!(over_time.is_sorted() && over_time.len() > 5, "{over_time:?}");
    assert_eq!(over_time.last().unwrap().1, figures.bytes_down);
    assert!(figures.viewer_memory_bytes > Some(1 << 20) && figures.viewer_cpu_s > Some(0.0), "{figures:?}");
}

/// A viewer that connects to `counter` instead of the relay, whose port it writes down.
fn led_to(counter: &Counter, stand: &Stand, real: &Path) -> String {
    format!(
        "case \"$*\" in *serve*) exec {real} \"$@\";; esac\n\
         for last; do case $last in 127.0.0.1:*) echo \"${{last##*:}}\" > {port};; esac; done\n\
         exec {real} $(printf '%s\\n' \"$@\" | sed 's/^\\(127.0.0.1:*\\)[0-9]*$/\\1{counter}/')",
        real = real.display(),
        port = stand.path("port").display(),
        counter = counter.port,
    )
}

fn installed(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut files = std::env::split_paths(&path).map(|dir| dir.join(name));
    files.find(|file| file.is_file()).unwrap_or_else(|| panic!("{name} is not installed"))
}

#[test]
fn tigervnc_is_exact_and_its_bytes_are_those_of_another_count() {
    let stand = Stand::new();
    let counter = Counter::new(stand.path("port"), 21000..29000);
    let viewer = installed("xtigervncviewer");
    stand.program("xtigervncviewer", &led_to(&counter, &stand, &viewer));
    let figures = measure("tigervnc:tight", &Options { path: stand.in_path(), ..options("lan") }).unwrap();
    assert_complete(&figures);
    assert_eq!((figures.bytes_down, figures.bytes_up), counter.counts());
    assert!(figures.exact_after_rest_ms.is_some() && figures.server_cpu_s > Some(0.0));
}

#[test]
fn panto_is_exact_and_its_bytes_are_those_of_another_count() {
    let stand = Stand::new();
    let counter = Counter::new(stand.path("port"), 21000..29000);
    let panto = stand.program("panto", &led_to(&counter, &stand, &binary()));
    let figures = measure("panto:commands", &Options { panto, ..options("lan") }).unwrap();
    assert_complete(&figures);
    assert_eq!((figures.bytes_down, figures.bytes_up), counter.counts());
    assert_eq!((figures.system.as_str(), figures.mode.as_str()), ("panto", "commands"));
}

#[test]
fn x11_is_exact_and_its_bytes_are_those_of_another_count() {
    let stand = Stand::new();
    let counter = Counter::new(stand.path("port"), 6300..6400);
    let mut work = typing();
    // Without a link, where the picture is compared with, there is nothing to count either.
    let lead = format!(
        "case $DISPLAY in 127.0.0.1:*)\n\
             number=${{DISPLAY#*:}}\n\
             echo $((6000 + ${{number%.0}})) > {}\n\
             export DISPLAY=127.0.0.1:{}.0;;\n\
         esac\n\
         exec \"$0\" \"$@\"",
        stand.path("port").display(),
        counter.port - 6000
    );
    work.command.splice(0..0, ["/bin/sh", "-c", &lead].map(Into::into));
    let setting = Setting::parse("x11").unwrap();
    let figures = run(&setting, &work, &options("lan"), &AtomicBool::new(false), &mut |_| ()).unwrap();
    assert_complete(&figures);
    // The programs connect to the display; the desktop's colour was another connection's.
    let (up, down) = counter.counts();
    assert_eq!(figures.bytes_down - figures.first_picture_bytes.unwrap(), down);
    assert!(figures.bytes_up > up && up > 0);
    assert_eq!((figures.server_cpu_s, figures.exact_after_rest_ms), (None, None));
}

#[test]
fn a_viewer_that_dies_leaves_what_was_measured_until_then() {
    let stand = Stand::new();
    let note = stand.path("pid");
    let real = installed("xtigervncviewer");
    stand
        .program("xtigervncviewer", &format!("echo $$ > {}\nexec {} \"$@\"", note.display(), real.display()));
    let options = Options { path: stand.in_path(), ..options("lan") };
    let setting = Setting::parse("tigervnc:zrle").unwrap();
    let mut work = typing();
    // Most of this minute is not waited for.
    work.script.steps.extend(Script::parse("pause 60s").unwrap().steps);
    let began = Instant::now();
    let typed = stand.path("typed");
    let terminal = format!("xterm -fn 9x15 -geometry 100x40+30+30 -e tee {}", typed.display());
    work.command[2] = terminal.into();
    let mut killer = None;
    let figures = run(&setting, &work, &options, &AtomicBool::new(false), &mut |what| {
        if what == "works" {
            let pid: i32 = std::fs::read_to_string(&note).unwrap().trim().parse().unwrap();
            let typed = typed.clone();
            killer = Some(std::thread::spawn(move || {
                eventually("the first line is typed", || {
                    std::fs::read_to_string(&typed).is_ok_and(|text| text.contains('\n')).then_some(())
                });
                let pid = rustix::process::Pid::from_raw(pid).unwrap();
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            }));
        }
    });
    let figures = figures.unwrap();
    killer.expect("the work began").join().unwrap();
    let error = figures.error.expect("the run did not come to its end");
    assert!(error.starts_with("`xtigervncviewer` ended by itself (signal 9)"), "{error}");
    assert!(figures.bytes_down > figures.first_picture_bytes.expect("there was a first picture"));
    assert!(figures.first_picture_ms.is_some() && !figures.bytes_over_time.is_empty());
    assert_eq!((figures.exact, figures.digest), (None, None));
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_run_that_is_stopped_says_so_and_leaves_nothing_behind() {
    let stop = AtomicBool::new(false);
    let mut work = typing();
    work.script.steps.extend(Script::parse("pause 60s").unwrap().steps);
    let stand = Stand::new();
    let note = stand.path("pid");
    let real = installed("Xtigervnc");
    stand.program("Xtigervnc", &format!("echo $$ > {}\nexec {} \"$@\"", note.display(), real.display()));
    let options = Options { path: stand.in_path(), ..options("lan") };
    let setting = Setting::parse("tigervnc").unwrap();
    let figures = run(&setting, &work, &options, &stop, &mut |what| {
        stop.store(what == "works", Ordering::SeqCst);
    });
    let figures = figures.unwrap();
    assert_eq!(figures.error.as_deref(), Some("stopped before its end"));
    assert!(figures.bytes_down > 0);
    let pid = std::fs::read_to_string(&note).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "the server was not ended");
}

#[test]
fn a_program_that_does_not_exist_is_told() {
    let mut work = typing();
    work.command = vec!["no-such-terminal".into()];
    let setting = Setting::parse("tigervnc").unwrap();
    let figures = run(&setting, &work, &options("lan"), &AtomicBool::new(false), &mut |_| ()).unwrap();
    let error = figures.error.expect("nothing was done");
    assert!(error.starts_with("`no-such-terminal` cannot be started"), "{error}");
}

#[test]
fn a_viewer_that_connects_late_finds_the_work_prepared() {
    let work = Work { connects_late: true, ..typing() };
    let measure = |setting: &str| {
        run(&Setting::parse(setting).unwrap(), &work, &options("lan"), &AtomicBool::new(false), &mut |_| ())
    };
    for setting in ["tigervnc:jpeg8", "panto:hybrid"] {
        let figures = measure(setting).unwrap();
        assert_eq!(figures.error, None, "{setting}");
        assert_eq!(figures.lossless, setting.starts_with("panto"));
        // JPEG may never become exact.
        let (recognisable, exact) = (figures.recognisable_ms.unwrap(), figures.exact_ms);
        assert!(exact.is_some() || !figures.lossless, "{setting}");
        assert!(
            0.0 < recognisable && exact.is_none_or(|exact| recognisable <= exact),
            "{setting}: {recognisable} and {exact:?} ms"
        );
        // Only the typing is left for later.
        assert!(figures.first_picture_bytes.unwrap() > 1_000, "{setting}");
        assert!(figures.input_to_pixel_ms.is_some(), "{setting}");
    }
    let error = measure("x11").unwrap_err().to_string();
    assert_eq!(error, "x11 has no far display before its viewer connects, which this work asks for");
}

#[test]
fn what_is_not_installed_is_named_with_its_package() {
    let check = |setting: &str, expected: &str| {
        let error = measure(setting, &Options { path: "".into(), ..options("lan") }).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check("x11", "Xvfb is not installed: apt install xvfb");
    check("nx", "nxagent and nxproxy and Xvfb are not installed: apt install nxagent nxproxy xvfb");
    assert_eq!(Peer::TigerVnc.packages(), ["tigervnc-standalone-server", "tigervnc-viewer", "xvfb"]);
}

fn ends_with_the_same_picture(setting: &str) {
    let figures = measure(setting, &options("lan")).unwrap();
    assert_complete(&figures);
    assert!(figures.server_memory_bytes > Some(1 << 20) && figures.server_cpu_s > Some(0.0), "{figures:?}");
}

#[test]
fn nx_ends_with_the_same_picture() {
    ends_with_the_same_picture("nx:png");
}

#[test]
fn rdp_ends_with_the_same_picture() {
    ends_with_the_same_picture("rdp:bitmap");
}

#[test]
fn xpra_ends_with_the_same_picture() {
    ends_with_the_same_picture("xpra:rgb");
}
