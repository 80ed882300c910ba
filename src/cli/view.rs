//! Viewing.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use panto_protocol::rfb::EncodingId;

use super::picture::Picture;
use super::values::{duration, zoom};

#[derive(Debug, Args)]
pub struct View {
    /// HOST[:PORT], panto://HOST:PORT, unix:PATH, or the address that `panto serve` prints; vnc://HOST[:DISPLAY] or
    /// vnc://HOST::PORT for a VNC server
    pub target: String,
    #[command(flatten)]
    pub picture: Picture,
    #[command(flatten)]
    pub window: Window,
    #[command(flatten)]
    pub vnc: Vnc,
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
    /// Begin without TLS: for a server on this machine, or a tunnel to one, with `--auth none`
    #[arg(long)]
    pub no_tls: bool,
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

/// What only VNC servers are asked for.
#[derive(Debug, Clone, Args)]
pub struct Vnc {
    /// The encoding liked best; a server that has not got it sends another [default: tight]
    #[arg(long, help_heading = "VNC servers", value_enum)]
    pub encoding: Option<EncodingArg>,
    /// Let Tight send JPEG of this quality, 0 to 9, instead of exact pixels only
    #[arg(long, help_heading = "VNC servers", value_name = "QUALITY", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub jpeg: Option<u8>,
    /// Name for servers that ask for one [default: yours]
    #[arg(long, help_heading = "VNC servers", value_name = "NAME")]
    pub user: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EncodingArg {
    Tight,
    Zrle,
    Trle,
    Hextile,
    Rre,
    Raw,
}

impl From<EncodingArg> for EncodingId {
    fn from(encoding: EncodingArg) -> Self {
        match encoding {
            EncodingArg::Tight => Self::TIGHT,
            EncodingArg::Zrle => Self::ZRLE,
            EncodingArg::Trle => Self::TRLE,
            EncodingArg::Hextile => Self::HEXTILE,
            EncodingArg::Rre => Self::RRE,
            EncodingArg::Raw => Self::RAW,
        }
    }
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
