//! What can be typed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use panto_protocol::geometry::Size;
use panto_protocol::message::{Depth, Mode, Scale, Settings, Wire};
use panto_server::capture::Windows;

/// Exit codes, for `--help` and the man page.
const EXIT_CODES: &str = "Exit codes: 0 ok, 1 other, 2 usage, 3 cannot connect, 4 authentication, \
5 server identity changed or unknown, 6 protocol, 7 connection lost or ended by the server, 8 no display or capture refused, \
9 address in use, 10 timeout, 20 a comparison's --fail-if came true, 130 interrupted.";

/// A remote display that sends pixels, draw commands or both.
#[derive(Debug, Parser)]
#[command(name = "panto", version, about, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub logging: Logging,
}

#[derive(Debug, Args)]
pub struct Logging {
    /// Say more on stderr (twice for everything)
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Say only errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Form of the log on stderr
    #[arg(long, value_enum, default_value_t, global = true)]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve and view the embedded desktop in one go: no X server, no second machine
    Demo(Demo),
    /// Serve a screen: $DISPLAY, a virtual one with a command in it, or the demo desktop
    Serve(Box<Serve>),
    /// Serve a trace: what `panto record` wrote, again
    Replay(Box<Replay>),
    /// View a screen that is served somewhere
    View(Box<View>),
    /// Steer a running server: status, viewers, mode, kick
    Ctl(Ctl),
    /// Watch a running server: live figures of all its viewers
    Top(Top),
    /// Record what happens on a display into a trace
    Record(Record),
    /// Compare ways of sending the same work: bytes, latency, CPU; as a table, JSON, CSV, a report
    Compare(Box<Compare>),
    /// Put a slow link between two programs: rate, delay, jitter, loss
    Link(Link),
    /// Set, list or remove passwords for serving
    Passwd(Passwd),
    /// Say what on this machine is missing for serving and viewing
    Doctor(Doctor),
    /// Print shell completions
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a directory, or this program's own to stdout
    Man {
        /// Directory, made if it does not exist
        directory: Option<PathBuf>,
    },
}

/// How the picture shall be sent.
#[derive(Debug, Clone, Args)]
pub struct Picture {
    /// What may be sent
    #[arg(long, value_enum, default_value_t)]
    pub mode: ModeArg,
    /// Bits a pixel: 24, 16, 8, 4 or 1
    #[arg(long, default_value = "24", value_parser = depth)]
    pub depth: Depth,
    /// Transmitted size: 1, 1/2 or 1/4 of the screen's
    #[arg(long, default_value = "1", value_parser = scale)]
    pub scale: Scale,
    /// Dither at depths 16, 4 and 1
    #[arg(long)]
    pub dither: bool,
    /// Let `pixels` send copies, as VNC's CopyRect
    #[arg(long)]
    pub copy_rect: bool,
    /// Form of the draw commands: entropy-coded, or plain for debugging
    #[arg(long, value_enum, default_value_t)]
    pub wire: WireArg,
}

impl Picture {
    pub fn settings(&self) -> Settings {
        Settings {
            mode: self.mode.into(),
            depth: self.depth,
            scale: self.scale,
            dither: self.dither,
            copy_rect: self.copy_rect,
            wire: self.wire.into(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum WireArg {
    /// Entropy-coded
    #[default]
    Coded,
    /// Field after field
    Plain,
}

impl From<WireArg> for Wire {
    fn from(wire: WireArg) -> Self {
        match wire {
            WireArg::Coded => Self::Coded,
            WireArg::Plain => Self::Plain,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// Hybrid, with every knob set from the measured link
    #[default]
    Auto,
    /// Rectangles of pixels only, as VNC
    Pixels,
    /// Windows, fills, copies, glyphs, tiles; pixels for the rest, as RDP and X11
    Commands,
    /// The cheapest of both for each change, as THINC
    Hybrid,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Auto => Self::Auto,
            ModeArg::Pixels => Self::Pixels,
            ModeArg::Commands => Self::Commands,
            ModeArg::Hybrid => Self::Hybrid,
        }
    }
}

#[derive(Debug, Args)]
pub struct Demo {
    /// No window: play the demo script in every mode, leave a picture and a table of bytes
    #[arg(long)]
    pub headless: bool,
    /// Size of the desktop
    #[arg(long, default_value = "1280x800", value_parser = size)]
    pub size: Size,
    /// Picture left by a headless run
    #[arg(long, default_value = "panto-demo.png")]
    pub screenshot: PathBuf,
    /// Figures left by a headless run, as JSON
    #[arg(long)]
    pub stats: Option<PathBuf>,
    #[command(flatten)]
    pub picture: Picture,
    #[command(flatten)]
    pub window: Window,
}

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    pub serving: Serving,
    /// X display to serve [default: $DISPLAY]
    #[arg(long)]
    pub display: Option<String>,
    /// Start a virtual X display of this size (needs Xvfb) and the command behind `--` in it
    #[arg(long = "virtual", value_name = "WxH", value_parser = size, conflicts_with_all = ["display", "demo"])]
    pub virtual_size: Option<Size>,
    /// Largest size that the virtual display can be given later
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "3840x2160")]
    pub max_size: Size,
    /// Whether each window of an X display is a surface of its own
    #[arg(long, value_enum, default_value_t)]
    pub windows: WindowsArg,
    /// Serve the demo desktop instead of an X display
    #[arg(long, conflicts_with = "display")]
    pub demo: bool,
    /// Size of the demo desktop
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "1280x800")]
    pub size: Size,
    /// Serve this trace instead, as it was recorded; `panto replay` has other paces
    #[arg(long, value_name = "FILE", conflicts_with_all = ["display", "demo", "virtual_size"])]
    pub replay: Option<PathBuf>,
    /// Command for the virtual display
    #[arg(last = true)]
    pub command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum WindowsArg {
    /// Where the X server lets us; `panto ctl status` says if not, and why
    #[default]
    Auto,
    /// The screen is one flat picture
    No,
}

impl From<WindowsArg> for Windows {
    fn from(windows: WindowsArg) -> Self {
        match windows {
            WindowsArg::Auto => Self::Auto,
            WindowsArg::No => Self::No,
        }
    }
}

#[derive(Debug, Args)]
pub struct Replay {
    /// The trace
    pub file: PathBuf,
    #[command(flatten)]
    pub serving: Serving,
    /// How fast
    #[arg(long, value_enum, default_value_t)]
    pub pace: PaceArg,
    /// Play so many times as fast as recorded, or slower below 1
    #[arg(long, value_name = "FACTOR", value_parser = speed)]
    pub speed: Option<f64>,
    /// Begin again at the end
    #[arg(long = "loop")]
    pub looped: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PaceArg {
    /// As it was recorded, or --speed times as fast
    #[default]
    Recorded,
    /// As fast as possible; viewers leave out what they have no time for
    Fast,
    /// Each change when all viewers have the one before, so that nothing is left out
    SlowMotion,
}

/// How a screen is served, wherever it comes from.
#[derive(Debug, Args)]
pub struct Serving {
    /// Where to listen: HOST:PORT, PORT, [V6]:PORT, unix:PATH; by default port 4920 on both loopbacks
    pub addresses: Vec<String>,
    /// Who may come in; `none` is allowed on loopback and Unix sockets only, and speaks without TLS
    #[arg(long, value_enum, default_value_t)]
    pub auth: Auth,
    /// Let nobody control, whatever their credential says
    #[arg(long)]
    pub view_only: bool,
    /// Print no one-time ticket
    #[arg(long)]
    pub no_ticket: bool,
    /// Name shown in viewers' titles [default: the machine's name]
    #[arg(long)]
    pub name: Option<String>,
    /// Control socket for `panto ctl` [default: in the user's runtime directory]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Directory of the server's key [default: the user's data directory]
    #[arg(long, value_name = "DIR")]
    pub key_dir: Option<PathBuf>,
    /// File of passwords, as `panto passwd` writes it [default: the user's]
    #[arg(long, value_name = "FILE")]
    pub password_db: Option<PathBuf>,
    /// Print where it listens as one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// A password or the printed ticket, over TLS
    #[default]
    Password,
    /// Nothing, without TLS
    None,
}

#[derive(Debug, Args)]
pub struct View {
    /// HOST[:PORT], panto://HOST:PORT, unix:PATH, or the address that `panto serve` prints
    pub target: String,
    #[command(flatten)]
    pub picture: Picture,
    #[command(flatten)]
    pub window: Window,
    /// Show no window
    #[arg(long)]
    pub no_window: bool,
    /// End after this time, such as 10s, 500ms or 2m
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
    /// Write the remote picture to this PNG file at the end
    #[arg(long, value_name = "FILE")]
    pub screenshot: Option<PathBuf>,
    /// Write the figures to this JSON file at the end (`-` is stdout)
    #[arg(long, value_name = "FILE")]
    pub stats: Option<PathBuf>,
    /// What to do about a server that is not known [default: ask on a terminal, else strict]
    #[arg(long, value_enum)]
    pub trust: Option<Trust>,
    /// File of known servers [default: the user's]
    #[arg(long, value_name = "FILE")]
    pub known_hosts: Option<PathBuf>,
    /// File whose first line is the password or ticket
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Descriptor to read the password or ticket from
    #[arg(long, value_name = "FD", conflicts_with = "password_file")]
    pub password_fd: Option<i32>,
    /// Keep glyphs and tiles on disk for the next session with the same server
    #[arg(long, value_enum, value_name = "YES|NO", default_value = "yes", hide_possible_values = true)]
    pub disk_cache: YesNo,
    /// Do not come back after a lost connection
    #[arg(long)]
    pub no_reconnect: bool,
    /// Name given to the server
    #[arg(long)]
    pub name: Option<String>,
}

/// How the window looks and behaves.
#[derive(Debug, Clone, Args)]
pub struct Window {
    /// Send no input
    #[arg(long)]
    pub view_only: bool,
    /// Begin in full screen
    #[arg(long)]
    pub fullscreen: bool,
    /// How the remote screen fills the window: fit, sharp (whole factors) or a factor of 1 to 16
    #[arg(long, default_value = "fit", value_parser = zoom)]
    pub zoom: Zoom,
    /// What shows the pixels
    #[arg(long, value_enum, default_value_t)]
    pub renderer: RendererArg,
    /// Begin with the statistics shown
    #[arg(long)]
    pub statistics: bool,
    /// Make the remote screen follow the window's size, where the server can
    #[arg(long)]
    pub resize_remote: bool,
    /// Show nothing over the picture unless asked: no hint on connecting
    #[arg(long)]
    pub no_hints: bool,
    /// Tint the picture by how each area is sent: copy, fill, glyph, tile, palette, pixels
    #[arg(long)]
    pub explain: bool,
    /// Move a window that is dragged here at once, before the server says so
    #[arg(long, value_enum, value_name = "YES|NO", default_value = "yes", hide_possible_values = true)]
    pub local_moves: YesNo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    Yes,
    No,
}

/// A factor between remote and window pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zoom {
    Fit,
    Sharp,
    Factor(u32),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum RendererArg {
    /// The GPU if there is a real one, else the CPU
    #[default]
    Auto,
    /// wgpu, on an emulated GPU too
    Gpu,
    /// Plain copies into the window
    Cpu,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Trust {
    /// Ask for servers never seen before
    Ask,
    /// Accept servers never seen before
    New,
    /// Known servers only
    Strict,
}

#[derive(Debug, Args)]
pub struct Ctl {
    /// Control socket of the server
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: CtlCommand,
}

#[derive(Debug, Subcommand)]
pub enum CtlCommand {
    /// The server: screen, uptime, CPU
    Status,
    /// Who is connected, how they are served, bytes sent
    Viewers,
    /// Send pixels, commands, hybrid or auto
    Mode {
        #[arg(value_enum)]
        mode: ModeArg,
        /// Only for this viewer
        #[arg(long)]
        viewer: Option<u64>,
    },
    /// Send so many bits a pixel: 24, 16, 8, 4 or 1
    Depth {
        #[arg(value_parser = depth)]
        depth: Depth,
        /// Only for this viewer
        #[arg(long)]
        viewer: Option<u64>,
    },
    /// Send the screen at 1, 1/2 or 1/4 of its size
    Scale {
        #[arg(value_parser = scale)]
        scale: Scale,
        /// Only for this viewer
        #[arg(long)]
        viewer: Option<u64>,
    },
    /// Dither reduced depths: on or off
    Dither {
        #[arg(value_enum)]
        state: Switch,
        /// Only for this viewer
        #[arg(long)]
        viewer: Option<u64>,
    },
    /// Let `pixels` send copies: on or off
    CopyRect {
        #[arg(value_enum)]
        state: Switch,
        /// Only for this viewer
        #[arg(long)]
        viewer: Option<u64>,
    },
    /// End a viewer's connection
    Kick {
        /// Its number, as `viewers` shows it
        viewer: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

#[derive(Debug, Args)]
pub struct Top {
    /// Control socket of the server
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Time between refreshes, such as 1s or 500ms
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub interval: Duration,
    /// Print one plain table after one interval and end; the default if stdout is no terminal
    #[arg(long)]
    pub once: bool,
    /// Print one JSON object a refresh, one a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Record {
    /// The trace to write
    pub out: PathBuf,
    /// X display to record [default: $DISPLAY, or a virtual one for a command]
    #[arg(long)]
    pub display: Option<String>,
    /// Start a virtual display of this size (needs Xvfb) and the command behind `--` on it
    #[arg(long = "virtual", value_name = "WxH", value_parser = size, conflicts_with_all = ["display", "demo"])]
    pub virtual_size: Option<Size>,
    /// Whether each window is recorded as a surface of its own
    #[arg(long, value_enum, default_value_t)]
    pub windows: WindowsArg,
    /// Record the demo desktop's script
    #[arg(long, conflicts_with = "display")]
    pub demo: bool,
    /// Work file: the command, and what a person does with it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["demo", "display", "script"])]
    pub work: Option<PathBuf>,
    /// What a person does with the command; the recording ends with it
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// End after this time, such as 10s or 2m
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
    /// Name in tables [default: the work's, or the file's]
    #[arg(long)]
    pub title: Option<String>,
    /// A sentence for reports
    #[arg(long, value_name = "TEXT")]
    pub about: Option<String>,
    /// How hard to compress: 1 keeps up with anything, 19 makes small files
    #[arg(long, value_name = "LEVEL", default_value = "6", value_parser = clap::value_parser!(i32).range(1..=19))]
    pub compress: i32,
    /// Print what was recorded as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Command for the virtual display
    #[arg(last = true)]
    pub command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct Compare {
    /// Traces, work files (.work), or directories of traces [default: the demo desktop's script]
    pub workloads: Vec<PathBuf>,
    /// The demo desktop's script as well
    #[arg(long)]
    pub demo: bool,
    /// Ways of sending: pixels, pixels+copyrect, commands, hybrid, auto; each with +plain for frames that are not entropy-coded
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "pixels,pixels+copyrect,commands,hybrid"
    )]
    pub mode: Vec<String>,
    /// Bits a pixel: 24, 16, 8, 4, 1
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "24", value_parser = depth)]
    pub depth: Vec<Depth>,
    /// Links: none, lan, fibre, cable, 4g, satellite, dsl, train, modem; or of your own, such as
    /// down=2mbit,rtt=80ms with --link given once for each
    #[arg(long, value_name = "LINK", default_value = "lan")]
    pub link: Vec<String>,
    /// Real programs to compare with, on work files or the command behind `--`, in real time: tigervnc, x11, nx, rdp, xpra;
    /// with `:` and a setting, such as tigervnc:zrle
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub peer: Vec<String>,
    /// Everything that happens waits until the picture before it was seen
    #[arg(long, conflicts_with = "peer")]
    pub slow_motion: bool,
    /// Do everything a second time, with a viewer that has kept glyphs and tiles of the first (+warm)
    #[arg(long, conflicts_with = "peer")]
    pub warm: bool,
    /// What a person does with the command behind `--`
    #[arg(long, value_name = "FILE", requires = "command")]
    pub script: Option<PathBuf>,
    /// Size of the virtual display of the command, and of the demo
    #[arg(long, value_name = "WxH", default_value = "1280x800", value_parser = size)]
    pub size: Size,
    /// Time that the command behind `--` may take
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub duration: Duration,
    /// Virtual time that one run may take
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
    pub limit: Duration,
    /// Chance of the links: loss and jitter depend on it alone
    #[arg(long, value_name = "N", default_value = "1")]
    pub seed: u64,
    /// Write all figures to this JSON file (`-` is stdout)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the table to this CSV file (`-` is stdout)
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write the table to this Markdown file (`-` is stdout)
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Write a report with plots to this HTML file (`-` is stdout)
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// End with exit code 20 if this is true of any row, such as
    /// 'mode == "commands" && bytes_down > 0.1 * pixels.bytes_down'
    #[arg(long, value_name = "EXPR")]
    pub fail_if: Vec<String>,
    /// A program to run on a virtual display, recorded once and compared
    #[arg(last = true)]
    pub command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct Link {
    /// Where to listen, HOST:PORT or PORT
    #[arg(required_unless_present = "list")]
    pub listen: Option<String>,
    /// Where to lead connections, HOST:PORT or PORT
    #[arg(required_unless_present = "list")]
    pub target: Option<String>,
    /// none, lan, fibre, cable, 4g, satellite, dsl, train, modem; or of your own: down=2mbit,up=500kbit,rtt=80ms,
    /// jitter=10ms,loss=1%,queue=64kB, also behind a name
    #[arg(long, default_value = "cable")]
    pub profile: String,
    /// The target is the viewer's side, as with X11, where programs connect to the screen
    #[arg(long)]
    pub turned: bool,
    /// End after this time
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
    /// Print where it listens, and at the end what it carried, each as one JSON object
    #[arg(long)]
    pub json: bool,
    /// List the named links
    #[arg(long)]
    pub list: bool,
}

#[derive(Debug, Args)]
pub struct Passwd {
    /// Whose password; a name of your choice
    #[arg(default_value = "default")]
    pub name: String,
    /// May only look
    #[arg(long)]
    pub view_only: bool,
    /// List who has a password
    #[arg(long, conflicts_with_all = ["remove", "view_only"])]
    pub list: bool,
    /// Remove this password
    #[arg(long)]
    pub remove: bool,
    /// File of passwords [default: the user's]
    #[arg(long, value_name = "FILE")]
    pub password_db: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// X display to look at [default: $DISPLAY]
    #[arg(long)]
    pub display: Option<String>,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

fn size(text: &str) -> Result<Size, String> {
    let error = || format!("'{text}' is no size; it looks like 1280x800, with sides from 16 to 16384");
    let (width, height) = text.split_once(['x', 'X', '×']).ok_or_else(error)?;
    let side = |s: &str| s.trim().parse::<u32>().ok().filter(|n| (16..=16_384).contains(n)).ok_or_else(error);
    Ok(Size::new(side(width)?, side(height)?))
}

fn depth(text: &str) -> Result<Depth, String> {
    text.parse()
        .ok()
        .and_then(Depth::from_bits)
        .ok_or_else(|| format!("no depth '{text}'; it is 24, 16, 8, 4 or 1"))
}

fn scale(text: &str) -> Result<Scale, String> {
    match text {
        "1" | "1/1" => Ok(Scale::Full),
        "2" | "1/2" | "0.5" => Ok(Scale::Half),
        "4" | "1/4" | "0.25" => Ok(Scale::Quarter),
        _ => Err(format!("no scale '{text}'; it is 1, 1/2 or 1/4")),
    }
}

fn zoom(text: &str) -> Result<Zoom, String> {
    match text {
        "fit" => Ok(Zoom::Fit),
        "sharp" => Ok(Zoom::Sharp),
        n => match n.parse() {
            Ok(factor @ 1..=16) => Ok(Zoom::Factor(factor)),
            _ => Err(format!("no zoom '{text}'; it is fit, sharp, or 1 to 16")),
        },
    }
}

fn speed(text: &str) -> Result<f64, String> {
    let factor = text.strip_suffix('x').unwrap_or(text).parse().ok();
    factor
        .filter(|speed| (0.01..=1000.0).contains(speed))
        .ok_or_else(|| format!("'{text}' is no speed; it is a factor from 0.01 to 1000, such as 2 or 0.5"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let error = || format!("'{text}' is no time; it looks like 10s, 500ms or 2m");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| error())?;
    let seconds = match unit {
        "" | "s" => number,
        "ms" => number / 1e3,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(error()),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_times_and_scales() {
        assert_eq!(size("1280x800"), Ok(Size::new(1280, 800)));
        assert!(size("1280").is_err() && size("0x5").is_err() && size("99999x99999").is_err());
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert!(duration("5 parsecs").is_err() && duration("").is_err() && duration("-1s").is_err());
        assert_eq!(scale("1/2"), Ok(Scale::Half));
        assert!(scale("3").is_err());
        assert_eq!(speed("2"), Ok(2.0));
        assert!(["0", "-1", "NaN", "inf", "fast"].into_iter().all(|text| speed(text).is_err()));
    }
}
