//! What differs between peers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use panto_protocol::geometry::Size;

/// A program with its arguments, and what it needs in its environment beyond the
/// ordinary ([`super::process::Ground::start`]).
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub name: OsString,
    pub arguments: Vec<OsString>,
    pub environment: Vec<(&'static str, OsString)>,
}

impl Program {
    pub(super) fn new(name: impl Into<OsString>) -> Self {
        Self { name: name.into(), arguments: Vec::new(), environment: Vec::new() }
    }

    pub(super) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(super) fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    pub(super) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// On this display.
    pub(super) fn on(self, display: &str) -> Self {
        self.env("DISPLAY", display)
    }
}

/// Where a run takes place, as far as it is known by then.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub mode: &'static str,
    pub size: Size,
    /// Name of the near display.
    pub near: String,
    /// Name of the far display.
    pub far: String,
    /// A display number that is free, for those who cannot find one by themselves.
    pub free: u32,
    /// Where the server shall listen, on 127.0.0.1.
    pub port: u16,
    /// Where the relay listens, on 127.0.0.1.
    pub relay: u16,
    /// A private home for the server.
    pub far_home: PathBuf,
    /// A private home for the viewer.
    pub near_home: PathBuf,
    /// The `panto` binary.
    pub panto: PathBuf,
}

impl Place {
    /// Width and height as most programs want them.
    pub(super) fn geometry(&self) -> String {
        format!("{}x{}", self.size.width, self.size.height)
    }
}

/// Where the workload's programs draw.
#[derive(Debug)]
pub(super) enum FarScreen {
    /// On an Xvfb, which a server captures.
    Xvfb,
    /// On an X server that is the peer's own; it finds its display number by itself.
    Own(Program),
    /// On an X server that works only once the viewer is connected, with number
    /// [`Place::free`].
    Agent(Program),
    /// On the near display, through the relay.
    Near,
}

/// How one peer is started.
pub(super) trait Way {
    /// Where the workload draws.
    fn far_screen(&self, place: &Place) -> FarScreen;

    /// What sends the far screen, unless that does so itself.
    fn server(&self, _: &Place) -> Option<Program> {
        None
    }

    /// What shows it.
    fn viewer(&self, place: &Place) -> Option<Program>;

    /// Whether the viewer sends the pointer only after a click.
    fn needs_click(&self) -> bool {
        false
    }

    /// Whether the viewer sends keys only once a window manager has given it the keyboard.
    fn needs_focus(&self) -> bool {
        false
    }
}

/// `KEY=value` with a path as the value.
pub(super) fn with_path(key: &str, path: &Path) -> OsString {
    let mut text = OsString::from(key);
    text.push(path);
    text
}
