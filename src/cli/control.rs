//! Whatever asks or tells a server, and this machine.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use panto_protocol::message::{Depth, Scale};

use super::picture::{ModeArg, WireArg};
use super::values::{depth, duration, scale};

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
    /// Show nothing roughly first: on or off
    Exact {
        #[arg(value_enum)]
        state: Switch,
        /// Only for this viewer
        #[arg(long)]
        viewer: Option<u64>,
    },
    /// Form of the draw commands
    Wire {
        #[arg(value_enum)]
        wire: WireArg,
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
