//! Why viewing ended, in words for people.

use panto_protocol::connection::ConnectionError;
use panto_protocol::rfb::client;
use panto_transport::{AddressError, ConnectError, FileError, RsaAesError, TlsError, TrustError};
use thiserror::Error;

use super::FrameError;

/// Why viewing ended.
#[derive(Debug, Error)]
pub enum ViewError {
    /// The target cannot be understood.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// No connection could be made.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The peer does not speak TLS properly.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The VNC server does not speak RSA-AES properly, or holds another key than it shows.
    #[error(transparent)]
    RsaAes(#[from] RsaAesError),
    /// The server is not the one it was, or is not known.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The person wants no TLS where it is needed.
    #[error("{target}: {reason}; leave out --no-tls")]
    NeedsTls {
        /// Where the server was to be.
        target: String,
        /// Why it is needed.
        reason: &'static str,
    },
    /// The person did not trust the server.
    #[error("the server's fingerprint was not accepted; nothing was sent to it")]
    NotTrusted,
    /// The secret was wrong, or none was given.
    #[error("authentication failed: {reason}")]
    Auth {
        /// The server's words, or ours.
        reason: String,
    },
    /// The server broke the protocol.
    #[error(transparent)]
    Protocol(ConnectionError),
    /// A VNC server broke its protocol.
    #[error(transparent)]
    Rfb(#[from] client::ConnectionError),
    /// There is no coming to terms with a VNC server.
    #[error("{target}: {source}")]
    RfbHandshake {
        /// Where it is.
        target: String,
        /// Why.
        source: client::HandshakeError,
    },
    /// Whoever listens there sent nothing that could be a Panto server's.
    #[error(
        "{target} does not speak Panto; is `panto serve` what listens on that port? (a VNC server is viewed as vnc://HOST)"
    )]
    NotPanto {
        /// Where it was looked for.
        target: String,
        /// What came instead.
        source: ConnectionError,
    },
    /// The server sent a frame that cannot be painted.
    #[error("the server broke the protocol: {0}")]
    Frame(#[from] FrameError),
    /// The connection was lost.
    #[error("connection lost: {reason}")]
    Lost {
        /// Why.
        reason: String,
    },
    /// The server has no picture to show.
    #[error("the server has no picture: {reason}")]
    Capture {
        /// The server's words.
        reason: String,
    },
    /// The server ended the connection on purpose.
    #[error("the server ended the connection: {reason}")]
    Ended {
        /// The server's words.
        reason: String,
    },
    /// Something took too long.
    #[error("no answer in time: {what}")]
    Timeout {
        /// What was waited for.
        what: String,
    },
    /// A file of the viewer's own is in the way.
    #[error(transparent)]
    File(#[from] FileError),
}

impl ViewError {
    /// Whether trying again makes sense: only the link is at fault.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Timeout { .. } | Self::Connect(_))
    }
}
