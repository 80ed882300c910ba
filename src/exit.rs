//! Exit codes: stable, documented in the README and the man page.

use std::process::ExitCode;

use panto_compare::record::RecordError;
use panto_compare::script::ScriptError;
use panto_compare::work::WorkError;
use panto_protocol::rfb::client::HandshakeError;
use panto_server::capture::{CaptureError, DisplayError};
use panto_server::source::X11SourceError;
use panto_server::virtual_display::VirtualError;
use panto_transport::{AddressError, AuthNoneRefused, ConnectError, ListenError};
use panto_viewer::core::ViewError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Ok = 0,
    Other = 1,
    Usage = 2,
    CannotConnect = 3,
    Authentication = 4,
    IdentityChanged = 5,
    Protocol = 6,
    ConnectionLost = 7,
    NoDisplay = 8,
    AddressInUse = 9,
    Timeout = 10,
    Threshold = 20,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error in what was typed that clap cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// No server behind a control socket.
#[derive(Debug, thiserror::Error)]
#[error("no server answers at {}; start one (panto serve), or name its socket: --socket", .path.display())]
pub struct NoControl {
    pub path: std::path::PathBuf,
    pub source: std::io::Error,
}

/// An error and its causes, without those that an outer one quotes already.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// A text that does nothing to a terminal: errors quote what was typed, and what others have said.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// The code of the first error in the chain that has one.
pub fn code_of(error: &anyhow::Error) -> Exit {
    error.chain().find_map(code).unwrap_or(Exit::Other)
}

fn code(error: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    if let Some(error) = error.downcast_ref::<ViewError>() {
        return Some(match error {
            ViewError::Address(_) | ViewError::NeedsTls { .. } => Exit::Usage,
            ViewError::Connect(_) | ViewError::Tls(_) | ViewError::RsaAes(_) => Exit::CannotConnect,
            ViewError::Trust(_) | ViewError::NotTrusted => Exit::IdentityChanged,
            ViewError::Auth { .. }
            | ViewError::RfbHandshake { source: HandshakeError::NothingInCommon { .. }, .. } => {
                Exit::Authentication
            }
            ViewError::Rfb(_) | ViewError::RfbHandshake { .. } => Exit::Protocol,
            ViewError::Protocol(_) | ViewError::NotPanto { .. } | ViewError::Frame(_) => Exit::Protocol,
            ViewError::Lost { .. } | ViewError::Ended { .. } => Exit::ConnectionLost,
            ViewError::Capture { .. } => Exit::NoDisplay,
            ViewError::Timeout { .. } => Exit::Timeout,
            ViewError::File(_) => Exit::Other,
        });
    }
    if let Some(error) = error.downcast_ref::<RecordError>() {
        return Some(match error {
            RecordError::Virtual(_)
            | RecordError::Source(_)
            | RecordError::Capture(_)
            | RecordError::NoPicture
            | RecordError::Lost(_) => Exit::NoDisplay,
            RecordError::Person(_) | RecordError::CommandEnded(_) | RecordError::Trace(_) => Exit::Other,
        });
    }
    if let Some(WorkError::Script { .. } | WorkError::NoCommand { .. }) = error.downcast_ref() {
        return Some(Exit::Usage);
    }
    if error.is::<ScriptError>()
        || error.is::<Usage>()
        || error.is::<AddressError>()
        || error.is::<AuthNoneRefused>()
    {
        return Some(Exit::Usage);
    }
    if error.is::<ConnectError>() || error.is::<NoControl>() {
        return Some(Exit::CannotConnect);
    }
    if let Some(error) = error.downcast_ref::<ListenError>() {
        return Some(if matches!(error, ListenError::InUse { .. }) {
            Exit::AddressInUse
        } else {
            Exit::Other
        });
    }
    if error.is::<DisplayError>()
        || error.is::<CaptureError>()
        || error.is::<X11SourceError>()
        || error.is::<VirtualError>()
    {
        return Some(Exit::NoDisplay);
    }
    #[cfg(feature = "window")]
    if error.is::<panto_viewer::ui::WindowError>() {
        return Some(Exit::NoDisplay);
    }
    None
}
