//! Programs of a run: each in a process group of its own, what it says in a file, all of
//! them ended with the run, however that ends.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tempfile::TempDir;

use super::PeerError;
use super::installed::find;
use super::way::Program;

/// How long a program may take over ending politely; nxproxy takes one second.
const END_TIMEOUT: Duration = Duration::from_secs(3);

/// Lines at the end of a program's log that an error quotes.
const LAST_LINES: usize = 4;

/// Letters of them.
const LAST_LETTERS: usize = 600;

/// Reads numbers of process groups and ends them all when its standard input ends, that
/// is: however we ended.
const WATCHDOG: &str = r#"trap '' TERM INT HUP
groups=
while read -r group; do groups="$groups $group"; done
for g in $groups; do kill -TERM "-$g" 2>/dev/null; done
sleep 1
for g in $groups; do kill -KILL "-$g" 2>/dev/null; done
rm -rf "$1""#;

/// What the programs of one run share: a directory that only we can look into, and
/// somebody who ends them should this process be killed.
#[derive(Debug)]
pub(super) struct Ground {
    watchdog: Watchdog,
    path: OsString,
    cookie: [u8; 16],
    directory: TempDir,
}

impl Ground {
    /// Programs will be looked for in `path`.
    pub(super) fn new(path: OsString) -> Result<Self, PeerError> {
        let directory = tempfile::Builder::new()
            .prefix("panto-peer-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(PeerError::system("making a directory for the run"))?;
        let watchdog = Watchdog::start(directory.path()).map_err(PeerError::system("starting /bin/sh"))?;
        let mut cookie = [0; 16];
        File::open("/dev/urandom")
            .and_then(|mut random| random.read_exact(&mut cookie))
            .map_err(PeerError::system("making a cookie for the displays"))?;
        let ground = Self { watchdog, path, cookie, directory };
        private_file(&ground.authority())
            .and_then(|mut file| file.write_all(&authority_entry(&cookie)))
            .map_err(PeerError::system("writing the displays' authority file"))?;
        Ok(ground)
    }

    /// The cookie that opens all displays of the run.
    pub(super) fn cookie(&self) -> &[u8; 16] {
        &self.cookie
    }

    /// The file that has it.
    pub(super) fn authority(&self) -> PathBuf {
        self.directory.path().join("Xauthority")
    }

    /// A home with nothing in it, made on first use.
    pub(super) fn home(&self, name: &str) -> Result<PathBuf, PeerError> {
        let path = self.directory.path().join(name);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(PeerError::system("making a home for a program")).map(|()| path)
    }

    /// Starts a program that has nothing of the user's: no settings, no session, no
    /// display but the one it is given.
    pub(super) fn start(&self, program: &Program, home: &str) -> Result<Process, PeerError> {
        let name =
            Path::new(&program.name).file_name().unwrap_or(&program.name).to_string_lossy().into_owned();
        let failed = |source| PeerError::Start { program: name.clone(), source };
        let file = find(&program.name, &self.path)
            .ok_or_else(|| failed(io::Error::new(io::ErrorKind::NotFound, "it is not installed")))?;
        let home = self.home(home)?;
        let log = self.directory.path().join(format!("{}-{name}.log", self.watchdog.count()));
        let output = log.with_extension("out");
        let language = std::env::var_os("LANG").unwrap_or_else(|| "C.UTF-8".into());
        let child = Command::new(file)
            .args(&program.arguments)
            .env_clear()
            .envs([("PATH", self.path.as_os_str()), ("LANG", &language)])
            .envs([("HOME", &home), ("XDG_RUNTIME_DIR", &home)])
            .env("XDG_SESSION_TYPE", "x11")
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(private_file(&output).map_err(failed)?)
            .stderr(private_file(&log).map_err(failed)?)
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let watched = Watched { name: name.clone(), pid: Pid::from_child(&child), log, output };
        let process = Process { watched, child };
        self.watchdog.add(process.watched.pid).map_err(failed)?;
        Ok(process)
    }
}

/// A program of the run. Dropping it ends its process group.
#[derive(Debug)]
pub(super) struct Process {
    watched: Watched,
    child: Child,
}

impl Process {
    /// What can be asked about it from anywhere, while it exists.
    pub(super) fn watched(&self) -> &Watched {
        &self.watched
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = self.watched.pid;
        let _ = kill_process_group(pid, Signal::TERM);
        let deadline = Instant::now() + END_TIMEOUT;
        let mut pause = Duration::from_millis(1);
        while self.watched.exited().is_none() && Instant::now() < deadline {
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        // The leader is a zombie until it is waited for, so the number is still its own.
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// A program as others see it.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    name: String,
    pid: Pid,
    log: PathBuf,
    output: PathBuf,
}

impl Watched {
    /// The program's name, without its directory.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its process, which leads its group.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// What it printed so far to standard output.
    pub(super) fn output(&self) -> String {
        std::fs::read(&self.output).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    /// How it ended, if it has.
    pub(super) fn exited(&self) -> Option<String> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.pid), options).ok()??;
        let code = status.exit_status().map(|code| format!("exit code {code}"));
        code.or_else(|| status.terminating_signal().map(|signal| format!("signal {signal}")))
    }

    /// An error if it has ended.
    pub(super) fn check(&self) -> Result<(), PeerError> {
        match self.exited() {
            None => Ok(()),
            Some(how) => Err(PeerError::Ended { program: self.name.clone(), how, words: self.last_words() }),
        }
    }

    /// The end of what it printed, as the end of a sentence; or nothing.
    pub(super) fn last_words(&self) -> String {
        let read = |path| std::fs::read(path).unwrap_or_default();
        let mut text = read(&self.output);
        text.extend(read(&self.log));
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("; ");
        if last.is_empty() {
            return String::new();
        }
        let letters = last.chars().count();
        let end: String = last.chars().skip(letters.saturating_sub(LAST_LETTERS)).collect();
        format!("; the last that {} said: {end}", self.name)
    }
}

/// Ends process groups should this process end without doing so itself.
#[derive(Debug)]
struct Watchdog {
    child: Child,
    added: std::cell::Cell<usize>,
}

impl Watchdog {
    fn start(directory: &Path) -> io::Result<Self> {
        let child = Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "panto-watchdog"])
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of the terminal's foreground group: Ctrl+C is not for it.
            .process_group(0)
            .spawn()?;
        Ok(Self { child, added: std::cell::Cell::new(0) })
    }

    fn add(&self, group: Pid) -> io::Result<()> {
        self.added.set(self.count() + 1);
        let Some(mut stdin) = self.child.stdin.as_ref() else { return Ok(()) };
        writeln!(stdin, "{}", group.as_raw_nonzero())
    }

    fn count(&self) -> usize {
        self.added.get()
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Before its standard input ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// One entry of an authority file (Xsecurity(7), `Xauth.h`): family, address, display
/// number, name and data, each counted by a big-endian u16. The family "any" with no
/// address and no number fits every display.
fn authority_entry(cookie: &[u8; 16]) -> Vec<u8> {
    const FAMILY_WILD: u16 = 0xffff;
    let mut entry = FAMILY_WILD.to_be_bytes().to_vec();
    for field in [&b""[..], b"", super::screen::AUTHORITY, cookie] {
        entry.extend_from_slice(&(field.len() as u16).to_be_bytes());
        entry.extend_from_slice(field);
    }
    entry
}
