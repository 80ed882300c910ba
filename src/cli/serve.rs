//! Serving: a display, the demo, a trace, a VNC server.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use panto_protocol::geometry::Size;
use panto_server::capture::Windows;

use super::picture::Picture;
use super::values::{size, speed};
use super::view::{Trust, Window};

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
    #[command(flatten)]
    pub gateway: Gateway,
    /// Command for the virtual display
    #[arg(last = true)]
    pub command: Vec<OsString>,
}

/// A VNC server to serve.
#[derive(Debug, Args)]
pub struct Gateway {
    /// Serve what this VNC server shows instead: vnc://HOST[:DISPLAY] or vnc://HOST::PORT
    #[arg(long, help_heading = "Gateway to a VNC server", value_name = "URL", conflicts_with_all = ["display", "demo", "virtual_size", "replay"])]
    pub source: Option<String>,
    /// File whose first line is the password that the VNC server asks for; nobody else may read it
    #[arg(long, help_heading = "Gateway to a VNC server", value_name = "FILE", requires = "source")]
    pub source_password_file: Option<PathBuf>,
    /// Name for a VNC server that asks for one [default: yours]
    #[arg(long, help_heading = "Gateway to a VNC server", value_name = "NAME", requires = "source")]
    pub source_user: Option<String>,
    /// What to do about a VNC server that is not known [default: ask on a terminal, else strict]
    #[arg(long, help_heading = "Gateway to a VNC server", value_enum, requires = "source")]
    pub source_trust: Option<Trust>,
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
    /// Serve VNC viewers, too: at HOST:PORT, PORT, [V6]:PORT or unix:PATH, by default port 5900 on both
    /// loopbacks
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "5900")]
    pub rfb: Option<String>,
    /// Let VNC viewers in who know the password in this file's first line (VncAuth). Only its first
    /// eight bytes count, and whoever listens to the network can find it and watch: for viewers that
    /// know nothing better
    #[arg(long, value_name = "FILE", requires = "rfb")]
    pub rfb_vncauth: Option<PathBuf>,
    /// Serve browsers, too: at HOST:PORT, PORT or [V6]:PORT, by default port 6080 on both loopbacks; over
    /// HTTPS wherever other machines can connect
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "6080")]
    pub web: Option<String>,
    /// Directory of noVNC, which draws the screen in browsers [default: `panto/web` in the user's data
    /// directory, where assets/web/fetch.sh puts it]
    #[arg(long, value_name = "DIR", requires = "web")]
    pub web_assets: Option<PathBuf>,
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
