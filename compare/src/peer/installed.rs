//! What a peer needs to be installed, and which Debian package has it.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Peer, PeerError};

/// A program, or a module of Debian's Python, and the package that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Name of the program, or path of the module.
    pub name: &'static str,
    /// Debian's name.
    pub package: &'static str,
}

const fn part(name: &'static str, package: &'static str) -> Part {
    Part { name, package }
}

const XVFB: Part = part("Xvfb", "xvfb");

const TIGERVNC: &[Part] =
    &[part("Xtigervnc", "tigervnc-standalone-server"), part("xtigervncviewer", "tigervnc-viewer"), XVFB];

const PANTO_RFB: &[Part] = &[part("xtigervncviewer", "tigervnc-viewer"), XVFB];

const PANTO_VNC: &[Part] = &[part("Xtigervnc", "tigervnc-standalone-server"), XVFB];

const NX: &[Part] = &[part("nxagent", "nxagent"), part("nxproxy", "nxproxy"), XVFB];

const RDP: &[Part] =
    &[part("freerdp-shadow-cli", "freerdp2-shadow-x11"), part("xfreerdp", "freerdp2-x11"), XVFB];

const XPRA: &[Part] = &[
    part("xpra", "xpra"),
    // xpra only recommends these two. Without the first its window stays black; the second
    // decides which compressor is used.
    part("/usr/share/doc/python3-gi-cairo", "python3-gi-cairo"),
    part("/usr/lib/python3/dist-packages/lz4", "python3-lz4"),
    XVFB,
];

fn parts(peer: Peer) -> &'static [Part] {
    match peer {
        Peer::Panto | Peer::X11 => &[XVFB],
        Peer::TigerVnc => TIGERVNC,
        Peer::PantoRfb => PANTO_RFB,
        Peer::PantoVnc => PANTO_VNC,
        Peer::Nx => NX,
        Peer::Rdp => RDP,
        Peer::Xpra => XPRA,
    }
}

/// All packages of a peer.
pub(super) fn packages(peer: Peer) -> Vec<&'static str> {
    parts(peer).iter().map(|part| part.package).collect()
}

/// What of a peer is not there, looking for programs in `path`.
pub(super) fn missing(peer: Peer, path: &OsStr) -> Vec<Part> {
    parts(peer).iter().copied().filter(|part| find(part.name, path).is_none()).collect()
}

/// Says what is missing, and how to get it.
pub(super) fn check(peer: Peer, path: &OsStr) -> Result<(), PeerError> {
    let missing = missing(peer, path);
    if missing.is_empty() {
        return Ok(());
    }
    // Of what is no program the package says more than the path.
    let name = |part: &Part| if part.name.starts_with('/') { part.package } else { part.name };
    let what: Vec<_> = missing.iter().map(name).collect();
    let packages: Vec<_> = missing.iter().map(|part| part.package).collect();
    Err(PeerError::Missing {
        what: what.join(" and "),
        verb: if what.len() == 1 { "is" } else { "are" },
        packages: packages.join(" "),
    })
}

/// Where a program is; a name with a slash is a path already.
pub(super) fn find(name: impl AsRef<Path>, path: &OsStr) -> Option<PathBuf> {
    let name = name.as_ref();
    if name.components().count() > 1 {
        return name.exists().then(|| name.to_owned());
    }
    std::env::split_paths(path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name)).find(|file| {
        file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    })
}
