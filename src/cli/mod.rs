//! What can be typed.

mod control;
mod measure;
mod picture;
mod serve;
mod values;
mod view;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub use control::{Ctl, CtlCommand, Doctor, Passwd, Switch, Top};
pub use measure::{Compare, Link, Record};
pub use serve::{Auth, Demo, Gateway, PaceArg, Replay, Serve, Serving};
pub use view::{RendererArg, Trust, View, Window, YesNo, Zoom};

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
    /// Serve a screen: $DISPLAY, a virtual one with a command in it, a VNC server's, or the demo desktop
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
