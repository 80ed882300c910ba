//! The `panto` binary as a user runs it, with files and sockets of its own.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{PATIENCE, eventually};

/// A home of its own for the programs of one test.
pub struct Panto {
    home: TempDir,
}

/// A running `panto serve`.
pub struct Served {
    child: Child,
    /// What it printed: addresses, display, fingerprint, ticket, socket.
    pub listening: Value,
    log: PathBuf,
}

/// A home with nothing in it.
pub fn panto() -> Panto {
    Panto { home: TempDir::new().expect("a temporary directory") }
}

/// The binary: built beside the tests (`cargo build` before `cargo test`).
fn binary() -> PathBuf {
    let mut dir = std::env::current_exe().expect("the test's own path");
    dir.pop();
    if dir.ends_with("deps") {
        dir.pop();
    }
    let binary = dir.join("panto");
    assert!(binary.exists(), "{} is missing: run `cargo build` first, or ./test.sh", binary.display());
    binary
}

impl Panto {
    /// A file in this home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file that nobody else may read.
    pub fn write_private(&self, path: &Path, bytes: impl AsRef<[u8]>) {
        std::fs::write(path, bytes).expect("the file is written");
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).expect("the file is ours");
    }

    /// `panto` with these arguments, no display, and nothing of the real user's files.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(binary());
        command.args(args).env_clear().stdin(Stdio::null());
        for name in ["PATH", "LANG", "HOME", "RUST_BACKTRACE", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let home = self.home.path();
        command
            .env("XDG_RUNTIME_DIR", home.join("run"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_CACHE_HOME", home.join("cache"));
        command
    }

    /// Runs to the end and returns what it printed and its exit status.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Output {
        self.finish(self.command(args))
    }

    /// Runs a command to its end, for as long as patience lasts.
    pub fn finish(&self, mut command: Command) -> Output {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("panto starts");
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let out = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).map(|_| bytes)
        });
        let err = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stderr.read_to_end(&mut bytes).map(|_| bytes)
        });
        let deadline = std::time::Instant::now() + 3 * PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait().expect("panto can be waited for") {
                break status;
            }
            if std::time::Instant::now() > deadline {
                let _ = child.kill();
                panic!("panto does not end: {command:?}");
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        };
        Output {
            status,
            stdout: out.join().unwrap().unwrap_or_default(),
            stderr: err.join().unwrap().unwrap_or_default(),
        }
    }

    /// Starts `panto serve --json ARGS` and waits until it listens.
    pub fn serve(&self, args: &[&str]) -> Served {
        let log = self.path(&format!(
            "serve-{}.log",
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()
        ));
        let mut command = self.command(&["serve", "--json"]);
        command.args(args).stdout(Stdio::piped()).stderr(std::fs::File::create(&log).expect("a log"));
        let mut child = command.spawn().expect("panto serve starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("panto serve speaks");
        let listening = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("panto serve does not listen: {}", std::fs::read_to_string(&log).unwrap_or_default())
        });
        Served { child, listening, log }
    }

    /// `panto ctl --json ARGS` to this server, as JSON.
    pub fn ctl(&self, served: &Served, args: &[&str]) -> Value {
        let socket = served.socket();
        let mut all = vec!["ctl", "--json", "--socket", socket.to_str().unwrap()];
        all.extend(args);
        let output = self.run(&all);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("ctl {args:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Served {
    /// The first TCP address, `HOST:PORT`.
    pub fn address(&self) -> String {
        self.listening["addresses"][0].as_str().expect("an address").to_owned()
    }

    /// The display that is served, if it was started for it.
    pub fn display(&self) -> String {
        self.listening["display"].as_str().expect("a virtual display").to_owned()
    }

    /// The control socket.
    pub fn socket(&self) -> PathBuf {
        Path::new(self.listening["socket"].as_str().expect("a control socket")).to_owned()
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// CPU seconds that the process has used, user and system.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.pid())
    }

    /// Memory of the process that is its own, in bytes (proportional set size).
    pub fn memory(&self) -> u64 {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid())).expect("smaps");
        let line = rollup.lines().find(|l| l.starts_with("Pss:")).expect("Pss");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("kB") * 1024
    }

    /// Ends it as a person would, and waits for the end.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let pid = rustix::process::Pid::from_child(&self.child);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let deadline = std::time::Instant::now() + PATIENCE;
            while matches!(self.child.try_wait(), Ok(None)) {
                if std::time::Instant::now() > deadline {
                    let _ = self.child.kill();
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            eprintln!("--- log of panto serve\n{}", self.log());
        }
    }
}

/// CPU seconds of a process, from the system's ticks.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat =
        eventually("a process has figures", || std::fs::read_to_string(format!("/proc/{pid}/stat")).ok());
    let behind = stat.rsplit_once(')').expect("the command's name").1;
    let ticks =
        |i: usize| behind.split_whitespace().nth(i).and_then(|t| t.parse::<u64>().ok()).expect("ticks");
    (ticks(11) + ticks(12)) as f64 / rustix::param::clock_ticks_per_second() as f64
}
