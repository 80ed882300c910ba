//! A screen that exists only in memory (Xvfb), and the command that draws on it.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use panto_protocol::geometry::Size;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt as _, Family, HostMode};
use x11rb::rust_connection::{DefaultStream, RustConnection};

use crate::capture::{CaptureError, request_size};

/// How long Xvfb may take to name its display. It needs 0.2 s; a machine that is
/// swapping needs longer.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a process group may take over ending politely.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// Kills the process groups named in its arguments when its standard input ends,
/// that is: however we ended. (`PR_SET_PDEATHSIG` would fire at the end of the
/// *thread* that started the child, and is lost with set-user-id programs.)
const WATCHDOG: &str = r#"trap '' TERM INT HUP
read -r _
for g; do kill -TERM "-$g" 2>/dev/null; done
sleep 1
for g; do kill -KILL "-$g" 2>/dev/null; done"#;

/// Why a virtual display cannot start.
#[derive(Debug, thiserror::Error)]
pub enum VirtualError {
    /// Xvfb is not installed.
    #[error("Xvfb is not installed, and a virtual screen needs it; install it: apt install xvfb")]
    NoXvfb,
    /// Xvfb did not start.
    #[error("Xvfb did not start: {why}")]
    Xvfb {
        /// What happened, with the end of what it printed.
        why: String,
    },
    /// The command could not be started.
    #[error("the command `{command}` cannot be started: {source}")]
    Command {
        /// The program.
        command: String,
        /// What starting it said.
        source: io::Error,
    },
    /// Xvfb runs, but talking to it failed.
    #[error("the new virtual display does not work: {0}")]
    Display(#[from] CaptureError),
    /// The operating system refused something.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What it said.
        source: io::Error,
    },
}

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandExit {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl fmt::Display for CommandExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// A running Xvfb with a command on it. Dropping it ends both, with all the
/// processes that they started (in their process groups).
///
/// Connections by the same user need no cookie; for anyone else the display is
/// closed.
#[derive(Debug)]
pub struct VirtualDisplay {
    // Fields drop in this order: the command before its screen, the watchdog once
    // there is nothing left to watch over, the files after that.
    command: Option<Group>,
    xvfb: Group,
    _watchdog: Watchdog,
    directory: PrivateDirectory,
    display: String,
}

impl VirtualDisplay {
    /// Starts Xvfb with a screen that can grow to `max` and has `size` now (where
    /// RANDR cannot do that: `size` for good), then `command` (program and arguments;
    /// may be empty) with `DISPLAY` and `XAUTHORITY` set.
    pub fn start(size: Size, max: Size, command: &[OsString]) -> Result<Self, VirtualError> {
        let max = Size::new(max.width.max(size.width), max.height.max(size.height));
        match Self::start_sized(size, max, command) {
            Err(VirtualError::Display(CaptureError::Resize { why })) => {
                tracing::warn!(why, "the virtual screen keeps its initial size");
                Self::start_sized(size, size, command)
            }
            other => other,
        }
    }

    fn start_sized(size: Size, screen: Size, command: &[OsString]) -> Result<Self, VirtualError> {
        let system = |what| move |source| VirtualError::System { what, source };
        let directory =
            PrivateDirectory::create().map_err(system("making a directory for the virtual display"))?;
        let mut cookie = [0; 16];
        random(&mut cookie).map_err(system("making a cookie for the virtual display"))?;
        let authority = directory.authority();
        private_file(&authority)
            .and_then(|mut file| file.write_all(&authority_entry(&cookie)))
            .map_err(system("writing the virtual display's authority file"))?;

        let log = directory.path.join("Xvfb.log");
        let log_file = private_file(&log).map_err(system("making a log file for Xvfb"))?;
        let mut xvfb = Command::new("Xvfb")
            // `-displayfd 1` picks a free number and writes it to our pipe. Without
            // `-noreset` the server would forget everything with its last client.
            .args([
                "-displayfd",
                "1",
                "-noreset",
                "-nolisten",
                "tcp",
                "-dpi",
                "96",
                "-s",
                "0",
                "-screen",
                "0",
            ])
            .arg(format!("{}x{}x24", screen.width, screen.height))
            .arg("-auth")
            .arg(&authority)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .process_group(0)
            .spawn()
            .map(Group)
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => VirtualError::NoXvfb,
                _ => VirtualError::Xvfb { why: source.to_string() },
            })?;
        let number =
            display_number(&mut xvfb.0).map_err(|why| VirtualError::Xvfb { why: why + &tail(&log) })?;
        let watchdog = Watchdog::start(&[&xvfb]).map_err(system("starting /bin/sh"))?;
        let display = format!(":{number}");

        let conn = connect_with(number, &cookie)?;
        open_to_user(&conn)?;
        if screen != size {
            let root = conn.setup().roots[0].root;
            let got = request_size(&conn, root, size)?;
            if got != size {
                return Err(CaptureError::Resize { why: "Xvfb chose another size" }.into());
            }
        }
        let mut display = Self { command: None, xvfb, _watchdog: watchdog, directory, display };
        if let Some((program, arguments)) = command.split_first() {
            let started = display.command_line(program, arguments).spawn();
            let group = started.map(Group).map_err(|source| VirtualError::Command {
                command: program.to_string_lossy().into_owned(),
                source,
            })?;
            // The new watchdog replaces the one that knows of Xvfb only.
            let watchdog = Watchdog::start(&[&group, &display.xvfb]);
            display.command = Some(group);
            display._watchdog = watchdog.map_err(system("starting /bin/sh"))?;
        }
        Ok(display)
    }

    fn command_line(&self, program: &OsString, arguments: &[OsString]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("DISPLAY", &self.display)
            .env("XAUTHORITY", self.authority())
            .env("XDG_SESSION_TYPE", "x11")
            // Toolkits prefer Wayland where they find it and would draw on the wrong screen.
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .stdin(Stdio::null())
            // Our own output may be read by a script.
            .stdout(io::stderr())
            .process_group(0);
        command
    }

    /// The display's name, such as `:3`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The authority file, for programs of other users who may read it (nobody may by default).
    pub fn authority(&self) -> PathBuf {
        self.directory.authority()
    }

    /// How the command ended, or `None` while it runs (or when there is none). Programs that it
    /// started in the background may still be there.
    pub fn command_exited(&self) -> Option<CommandExit> {
        self.command.as_ref()?.exited()
    }
}

/// A child that leads a process group. Dropping it ends the whole group.
///
/// The child is never reaped before: as long as it is (at least) a zombie, no
/// stranger can get its number, and signals to the group hit the right ones.
#[derive(Debug)]
struct Group(Child);

impl Group {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    fn exited(&self) -> Option<CommandExit> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.pid()), options).ok()??;
        let code = status.exit_status().map(CommandExit::Code);
        code.or_else(|| status.terminating_signal().map(CommandExit::Signal))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let pid = self.pid();
        let deadline = Instant::now() + END_TIMEOUT;
        let _ = kill_process_group(pid, Signal::TERM);
        // The kernel tells nobody when a process *group* ends, so look, in growing steps.
        let mut pause = Duration::from_millis(1);
        while !self.is_over() && Instant::now() < deadline {
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = self.0.wait();
    }
}

impl Group {
    /// Whether only the leader's zombie is left.
    fn is_over(&self) -> bool {
        self.exited().is_some() && !has_living_member(self.pid())
    }
}

/// Whether any process of the group is alive. Signal 0 reaches zombies too, so
/// /proc has to tell; where it is not mounted, a group counts as living.
fn has_living_member(group: Pid) -> bool {
    if test_kill_process_group(group) == Err(Errno::SRCH) {
        return false;
    }
    let Ok(entries) = fs::read_dir("/proc") else { return true };
    entries.flatten().any(|entry| {
        let is_process = entry.file_name().as_encoded_bytes()[0].is_ascii_digit();
        let Some(stat) = is_process.then(|| fs::read_to_string(entry.path().join("stat")).ok()).flatten()
        else {
            return false;
        };
        // "pid (name) state parent group …"; the name may hold anything, so from its end.
        let mut fields = stat.rsplit(')').next().unwrap_or("").split_whitespace();
        let state = fields.next();
        let its_group = fields.nth(1).and_then(|g| g.parse().ok());
        its_group == Some(group.as_raw_nonzero().get()) && !matches!(state, Some("Z" | "X"))
    })
}

/// Ends process groups should this process end without doing so itself.
#[derive(Debug)]
struct Watchdog(Child);

impl Watchdog {
    fn start(groups: &[&Group]) -> io::Result<Self> {
        let numbers = groups.iter().map(|group| group.pid().as_raw_nonzero().to_string());
        Command::new("/bin/sh")
            .args(["-c", WATCHDOG, "panto-watchdog"])
            .args(numbers)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of the terminal's foreground group: Ctrl+C is not for it.
            .process_group(0)
            .spawn()
            .map(Self)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Before its standard input ends.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory that only we can look into, removed on drop.
#[derive(Debug)]
struct PrivateDirectory {
    path: PathBuf,
}

impl PrivateDirectory {
    fn create() -> io::Result<Self> {
        let mut name = [0; 8];
        random(&mut name)?;
        let base = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_dir());
        let base = base.unwrap_or_else(std::env::temp_dir);
        let path = base.join(format!("panto-virtual-{:016x}", u64::from_ne_bytes(name)));
        // Fails where it exists, so nobody can have prepared it.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path })
    }

    fn authority(&self) -> PathBuf {
        self.path.join("Xauthority")
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn random(out: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(out)
}

/// One entry of an authority file (Xsecurity(7), `Xauth.h`): family, address,
/// display number, name and data, each counted by a big-endian u16. The family
/// "any" with no address and no number fits every display.
fn authority_entry(cookie: &[u8; 16]) -> Vec<u8> {
    const FAMILY_WILD: u16 = 0xffff;
    let mut entry = FAMILY_WILD.to_be_bytes().to_vec();
    for field in [&b""[..], b"", AUTH_NAME, cookie] {
        entry.extend_from_slice(&(field.len() as u16).to_be_bytes());
        entry.extend_from_slice(field);
    }
    entry
}

const AUTH_NAME: &[u8] = b"MIT-MAGIC-COOKIE-1";

/// Waits for the display number on Xvfb's standard output.
fn display_number(xvfb: &mut Child) -> Result<u32, String> {
    let mut stdout = xvfb.stdout.take().expect("standard output was piped");
    let deadline = Instant::now() + START_TIMEOUT;
    let mut text = Vec::new();
    loop {
        let rest = deadline.saturating_duration_since(Instant::now());
        let mut fds = [PollFd::new(&stdout, PollFlags::IN)];
        match poll(&mut fds, Timespec::try_from(rest).ok().as_ref()) {
            Ok(0) => return Err(format!("it named no display within {} s", START_TIMEOUT.as_secs())),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.to_string()),
        }
        let mut buffer = [0; 64];
        match stdout.read(&mut buffer) {
            Ok(0) => return Err("it ended at once".to_owned()),
            Ok(n) => text.extend_from_slice(&buffer[..n]),
            Err(error) => return Err(error.to_string()),
        }
        if let Some(line) = text.strip_suffix(b"\n") {
            let number = std::str::from_utf8(line).ok().and_then(|line| line.trim().parse().ok());
            return number.ok_or_else(|| "its display number is not a number".to_owned());
        }
        if text.len() > 64 {
            return Err("its display number is not a number".to_owned());
        }
    }
}

/// The last lines of Xvfb's log as the end of an error message.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(3)..];
    if last.is_empty() { String::new() } else { format!(" ({})", last.join("; ")) }
}

/// Connects with the cookie; nobody else is let in yet.
fn connect_with(number: u32, cookie: &[u8; 16]) -> Result<RustConnection, VirtualError> {
    let failed =
        |error: String| VirtualError::Xvfb { why: format!("cannot connect to display :{number}: {error}") };
    let stream = std::os::unix::net::UnixStream::connect(format!("/tmp/.X11-unix/X{number}"));
    let (stream, _) = stream.and_then(DefaultStream::from_unix_stream).map_err(|e| failed(e.to_string()))?;
    RustConnection::connect_to_stream_with_auth_info(stream, 0, AUTH_NAME.to_vec(), cookie.to_vec())
        .map_err(|error| failed(error.to_string()))
}

/// Lets every process of this user in without the cookie: the capture in this
/// process cannot set `$XAUTHORITY` for itself (the environment belongs to all
/// threads), and the user's own tools should reach the display too.
fn open_to_user(conn: &RustConnection) -> Result<(), VirtualError> {
    let address = format!("localuser\0#{}", rustix::process::getuid().as_raw());
    let request = conn.change_hosts(HostMode::INSERT, Family::SERVER_INTERPRETED, address.as_bytes());
    let checked = request.map_err(CaptureError::from)?.check();
    checked.map_err(CaptureError::from)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authority_file_is_as_xauth_writes_it() {
        let entry = authority_entry(&[7; 16]);
        let mut expected = b"\xff\xff\0\0\0\0\0\x12MIT-MAGIC-COOKIE-1\0\x10".to_vec();
        expected.extend_from_slice(&[7; 16]);
        assert_eq!(entry, expected);
    }
}
