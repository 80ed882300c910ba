//! Other remote displays: the real programs, doing the same scripted work over the same
//! link as Panto, all measured in the same way from outside.
//!
//! Programs of a workload draw on the *far* display, a server sends it through the relay
//! ([`crate::link::Relay`]), and a viewer shows it on the *near* one, where the scripted
//! person sits ([`crate::person`]). What is said of a run is what the relay has carried,
//! what the person saw, and what the system says of the processes; nobody is asked about
//! themselves.
//!
//! The programs trust everyone on this machine while a run lasts (most of them have no
//! password here, so that nothing is encrypted and bytes are comparable): measure on a
//! machine that no stranger has an account on.

mod course;
mod installed;
mod nx;
mod panto;
mod port;
mod probe;
mod process;
mod rdp;
mod screen;
mod settle;
mod stage;
mod task;
mod tigervnc;
mod usage;
mod vnc;
mod watch;
mod way;
mod x11;
mod xpra;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use panto_server::capture::CaptureError;

use crate::figures::Figures;
use crate::link::Profile;
use crate::person::PersonError;
use crate::work::Work;

use way::Way;

/// A remote display that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Panto itself, with its server and its viewer's window.
    Panto,
    /// TigerVNC: its own X server, Xtigervnc, and xtigervncviewer.
    TigerVnc,
    /// Panto's server, seen by xtigervncviewer: RFB from Panto.
    PantoRfb,
    /// Xtigervnc, seen in the window of `panto view`: RFB to Panto.
    PantoVnc,
    /// Plain X over TCP: the programs' own requests cross the link.
    X11,
    /// NX: nxagent and nxproxy.
    Nx,
    /// RDP: FreeRDP's shadow server and xfreerdp.
    Rdp,
    /// xpra, shadowing a display.
    Xpra,
}

/// A mode without what stands behind its `+`, and that.
fn mode_and_flag(mode: &str) -> (&str, &str) {
    mode.split_once('+').unwrap_or((mode, ""))
}

impl Peer {
    /// All, Panto first.
    pub const ALL: [Self; 8] = [
        Self::Panto,
        Self::TigerVnc,
        Self::PantoRfb,
        Self::PantoVnc,
        Self::X11,
        Self::Nx,
        Self::Rdp,
        Self::Xpra,
    ];

    /// Its name in tables and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Panto => "panto",
            Self::TigerVnc => "tigervnc",
            Self::PantoRfb => "panto-rfb",
            Self::PantoVnc => "panto-vnc",
            Self::X11 => "x11",
            Self::Nx => "nx",
            Self::Rdp => "rdp",
            Self::Xpra => "xpra",
        }
    }

    /// Names of its settings, the one to take without a choice first. The only setting of `x11` has
    /// the empty name. All are lossless but RFB's `jpeg` with its quality, 0 to 9.
    pub const fn modes(self) -> &'static [&'static str] {
        match self {
            Self::Panto => {
                &["auto", "pixels", "pixels+copyrect", "commands", "hybrid", "hybrid+exact", "auto+exact"]
            }
            Self::TigerVnc | Self::PantoRfb => &["tight", "zrle", "jpeg8", "jpeg6", "jpeg4"],
            Self::PantoVnc => &["tight", "zrle"],
            Self::X11 => &[""],
            Self::Nx => &["png", "nopack"],
            Self::Rdp => &["bitmap", "uncompressed"],
            Self::Xpra => &["rgb", "png"],
        }
    }

    /// Debian packages that it needs.
    pub fn packages(self) -> Vec<&'static str> {
        installed::packages(self)
    }

    /// Debian packages whose programs are not installed.
    pub fn missing(self) -> Vec<&'static str> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        installed::missing(self, &path).into_iter().map(|part| part.package).collect()
    }

    fn way(self) -> &'static dyn Way {
        match self {
            Self::Panto => &panto::Panto,
            Self::TigerVnc => &tigervnc::TigerVnc,
            Self::PantoRfb => &vnc::PantoRfb,
            Self::PantoVnc => &vnc::PantoVnc,
            Self::X11 => &x11::X11,
            Self::Nx => &nx::Nx,
            Self::Rdp => &rdp::Rdp,
            Self::Xpra => &xpra::Xpra,
        }
    }
}

impl FromStr for Peer {
    type Err = PeerError;

    fn from_str(name: &str) -> Result<Self, PeerError> {
        let peer = Self::ALL.into_iter().find(|p| p.name() == name);
        peer.ok_or_else(|| PeerError::NoPeer { name: name.into() })
    }
}

/// A peer and the way it is set to send the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Setting {
    /// Which program.
    pub peer: Peer,
    /// One of [`Peer::modes`].
    pub mode: &'static str,
}

impl Setting {
    /// Reads `tigervnc:zrle`, or `tigervnc` for its first setting.
    ///
    /// # Errors
    ///
    /// Which names there are.
    pub fn parse(text: &str) -> Result<Self, PeerError> {
        let (name, mode) = text.split_once(':').map_or((text, None), |(name, mode)| (name, Some(mode)));
        let peer: Peer = name.parse()?;
        let found = peer.modes().iter().find(|known| mode.is_none_or(|mode| mode == **known));
        let mode = found.ok_or_else(|| PeerError::NoMode { peer, mode: mode.unwrap_or_default().into() })?;
        Ok(Self { peer, mode })
    }

    /// Every setting of a peer.
    ///
    /// # Errors
    ///
    /// Which peers there are.
    pub fn all_of(name: &str) -> Result<Vec<Self>, PeerError> {
        let peer: Peer = name.parse()?;
        Ok(peer.modes().iter().map(|mode| Self { peer, mode }).collect())
    }
}

impl Setting {
    /// Whether the picture that it sends is the screen, pixel for pixel.
    pub fn is_lossless(&self) -> bool {
        !self.mode.starts_with("jpeg")
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.peer.name())?;
        if !self.mode.is_empty() {
            write!(f, ":{}", self.mode)?;
        }
        Ok(())
    }
}

/// How to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// The link between the two sides.
    pub profile: Profile,
    /// The `panto` binary, for the peers that have one.
    pub panto: PathBuf,
    /// How long each thing that is waited for may take: a program's start, the first
    /// picture, the last one.
    pub patience: Duration,
    /// Where programs are looked for, as in `$PATH`.
    pub path: OsString,
}

impl Options {
    /// Over `profile`, with the program that is running as `panto`, the environment's
    /// `$PATH` and half a minute of patience.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            panto: std::env::current_exe().unwrap_or_else(|_| "panto".into()),
            patience: Duration::from_secs(30),
            path: std::env::var_os("PATH").unwrap_or_default(),
        }
    }
}

/// Why nothing could be measured, or in [`Figures::error`], why not everything.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// No such peer.
    #[error("no peer '{name}'; there are {names}", names = Peer::ALL.map(Peer::name).join(", "))]
    NoPeer {
        /// What was asked for.
        name: String,
    },
    /// No such setting of it.
    #[error("{name} has no setting '{mode}'; it has {modes}", name = .peer.name(), modes = names(*.peer))]
    NoMode {
        /// The peer.
        peer: Peer,
        /// What was asked for.
        mode: String,
    },
    /// Something is not installed.
    #[error("{what} {verb} not installed: apt install {packages}")]
    Missing {
        /// Programs, with words between them.
        what: String,
        /// `is` or `are`.
        verb: &'static str,
        /// Debian packages of the peer, with spaces between them.
        packages: String,
    },
    /// A program cannot be started.
    #[error("`{program}` cannot be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program ended although nobody told it to.
    #[error("`{program}` ended by itself ({how}){words}")]
    Ended {
        /// The program.
        program: String,
        /// Its exit code or signal.
        how: String,
        /// The end of what it printed, in brackets; or nothing.
        words: String,
    },
    /// There is nothing to prepare before a viewer connects.
    #[error("{name} has no far display before its viewer connects, which this work asks for", name = .peer.name())]
    NoFarDisplay {
        /// The peer.
        peer: Peer,
    },
    /// Something that is waited for does not happen.
    #[error("{what} did not happen within {} s{words}", .within.as_secs_f64())]
    TooLate {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        within: Duration,
        /// The end of what the programs printed, in brackets; or nothing.
        words: String,
    },
    /// The work has no command.
    #[error("the workload {name} has no command; name a program for the far display")]
    NoCommand {
        /// The workload.
        name: String,
    },
    /// A display cannot be used.
    #[error(transparent)]
    Display(#[from] CaptureError),
    /// The scripted person could not go on.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// The system refuses something.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What it said.
        source: std::io::Error,
    },
    /// Whoever started the run wanted it to end.
    #[error("stopped before its end")]
    Stopped,
}

impl PeerError {
    fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}

fn names(peer: Peer) -> String {
    match peer.modes() {
        [""] => "none to choose from".into(),
        modes => modes.join(", "),
    }
}

/// Does `work` through a peer and measures; `progress` is told what happens, in words.
/// The work's command gets `DISPLAY` and a home with nothing in it.
///
/// Blocks for as long as it takes, so not for a thread of an async runtime. Everything
/// that is started is ended again, whatever happens; should this process be killed, too.
///
/// Figures, beyond what METRICS.md says of their names:
///
/// - `bytes_down` and `bytes_up` are of the connections' whole life, handshake and end
///   included. What came after the first picture is `bytes_down - first_picture_bytes`.
/// - The first picture is a desktop of one plain colour, before any program was started.
///   `first_picture_ms` counts from the start of the viewer's program. For `nx` that
///   includes starting the session, as its far display does not exist before; for `x11`,
///   which has no viewer, it counts from the first program's connection.
/// - CPU is user and system time, memory the largest sum of proportional set sizes that
///   was seen (looked at twice a second). Both are of the programs of a side and all
///   their descendants, X server included, workload not. Watching both displays costs
///   their X servers something, for all peers alike. `x11` has no server's side.
/// - `exact` compares with the far display, once both rest. `x11` has none: there it is the same work on
///   a display without any link; `None` if that does not end with the same picture twice.
///
/// A run that fails after the viewer was started gives figures as far as they go, with
/// [`Figures::error`].
///
/// # Errors
///
/// If nothing could be measured.
pub fn run(
    setting: &Setting,
    work: &Work,
    options: &Options,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&str),
) -> Result<Figures, PeerError> {
    course::run(*setting, work, options, stop, progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        for peer in Peer::ALL {
            for setting in Setting::all_of(peer.name()).unwrap() {
                assert_eq!(Setting::parse(&setting.to_string()).unwrap(), setting);
            }
            assert_eq!(Setting::parse(peer.name()).unwrap().mode, peer.modes()[0]);
            assert!(!peer.packages().is_empty(), "{peer:?}");
        }
    }

    #[test]
    fn what_does_not_exist_is_answered_with_what_does() {
        let message = |text| Setting::parse(text).unwrap_err().to_string();
        assert_eq!(
            message("rfb"),
            "no peer 'rfb'; there are panto, tigervnc, panto-rfb, panto-vnc, x11, nx, rdp, xpra"
        );
        assert_eq!(
            message("tigervnc:jpeg"),
            "tigervnc has no setting 'jpeg'; it has tight, zrle, jpeg8, jpeg6, jpeg4"
        );
        assert_eq!(message("x11:fast"), "x11 has no setting 'fast'; it has none to choose from");
    }
}
