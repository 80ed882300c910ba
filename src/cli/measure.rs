//! Measuring: records, comparisons, links.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use panto_protocol::geometry::Size;
use panto_protocol::message::Depth;

use super::serve::WindowsArg;
use super::values::{depth, duration, size};

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
    /// Computed desktops, the same in every run: noisy and smooth (a film), busy (a film, large pictures and somebody
    /// who types), keys (only typing), desktop (only the first picture)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub synthetic: Vec<String>,
    /// Ways of sending: pixels, pixels+copyrect, commands, hybrid, auto; each with +exact for nothing roughly first, and +plain for frames that are not entropy-coded
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
    /// Links: none, lan, fibre, cable, 4g, satellite, 2mbit, dsl, train, 256kbit, modem; or of your own, such as
    /// down=2mbit,rtt=80ms with --link given once for each
    #[arg(long, value_name = "LINK", default_value = "lan")]
    pub link: Vec<String>,
    /// Real programs to compare with, on work files or the command behind `--`, in real time: tigervnc, panto-rfb (Panto's server
    /// with TigerVNC's viewer), panto-vnc (the other way round), x11, nx, rdp, xpra;
    /// with `:` and a setting, such as tigervnc:zrle or tigervnc:jpeg8
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
    /// none, lan, fibre, cable, 4g, satellite, 2mbit, dsl, train, 256kbit, modem; or of your own: down=2mbit,up=500kbit,rtt=80ms,
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
