//! What can be typed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use panto_protocol::geometry::Size;
use panto_protocol::message::{Depth, Mode, Scale, Settings};

/// Exit codes, for `--help` and the man page.
const EXIT_CODES: &str = "Exit codes: 0 ok, 1 other, 2 usage, 3 cannot connect, 4 authentication, \
5 server identity changed or unknown, 6 protocol, 7 connection lost or ended by the server, 8 no display or capture refused, \
9 address in use, 10 timeout, 130 interrupted.";

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
    /// View a screen that is served somewhere
    View(Box<View>),
    /// Steer a running server: status, viewers, mode, kick
    Ctl(Ctl),
    /// Watch a running server: live figures of all its viewers
    Top(Top),
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
}

impl Picture {
    pub fn settings(&self) -> Settings {
        Settings {
            mode: self.mode.into(),
            depth: self.depth,
            scale: self.scale,
            dither: self.dither,
            copy_rect: self.copy_rect,
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
    /// Where to listen: HOST:PORT, PORT, [V6]:PORT, unix:PATH; by default port 4920 on both loopbacks
    pub addresses: Vec<String>,
    /// X display to serve [default: $DISPLAY]
    #[arg(long)]
    pub display: Option<String>,
    /// Start a virtual X display of this size (needs Xvfb) and the command behind `--` in it
    #[arg(long = "virtual", value_name = "WxH", value_parser = size, conflicts_with_all = ["display", "demo"])]
    pub virtual_size: Option<Size>,
    /// Largest size that the virtual display can be given later
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "3840x2160")]
    pub max_size: Size,
    /// Serve the demo desktop instead of an X display
    #[arg(long, conflicts_with = "display")]
    pub demo: bool,
    /// Size of the demo desktop
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "1280x800")]
    pub size: Size,
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
    /// Command for the virtual display
    #[arg(last = true)]
    pub command: Vec<OsString>,
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
    }
}
