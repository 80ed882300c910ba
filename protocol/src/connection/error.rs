//! Why a connection ended.

use thiserror::Error;

use crate::message::Bye;
use crate::wire::DecodeError;

/// Why a connection ended, and whose doing it was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectionError {
    /// The peer sent something that is not Panto.
    #[error("the peer broke the protocol: {0}")]
    Decode(#[from] DecodeError),
    /// A message that is right in itself came at the wrong time.
    #[error("the peer broke the protocol: unexpected {what}")]
    Unexpected {
        /// Which message.
        what: &'static str,
    },
    /// The peer speaks another version.
    #[error("the peer speaks protocol version {theirs}, this program version {ours}: update the older one")]
    Version {
        /// The peer's version.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// The peer did not answer in time.
    #[error("no answer from the peer ({what})")]
    Timeout {
        /// What it was waited for.
        what: &'static str,
    },
    /// The peer said goodbye.
    #[error("{}", .0.text)]
    Bye(Bye),
}
