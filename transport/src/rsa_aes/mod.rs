//! RSA-AES (rfbproto, "RSA-AES Security Type"): what VNC viewers and servers have that know no TLS.
//!
//! Both sides show an RSA key ([`key`]) and send each other a random number that only its holder can read
//! ([`exchange`]); both numbers make the keys of AES-EAX ([`cipher`]), by which all bytes are sealed from
//! then on ([`sealed`]). [`host`] is the server, [`guest`] the viewer. As with TLS here, the viewer learns
//! the server's key first, and [`crate::KnownHosts`] decides whether it is the right one.

mod cipher;
mod exchange;
mod guest;
mod host;
mod key;
mod sealed;
#[cfg(test)]
mod tests;

use std::io;

pub use guest::{UnsealedStream, start_rsa_aes};
pub use host::ServerRsaAes;
pub(crate) use sealed::Sealed;

use crate::HANDSHAKE_DEADLINE;
use crate::files::FileError;

/// What went wrong in RSA-AES or with the server's key for it.
#[derive(Debug, thiserror::Error)]
pub enum RsaAesError {
    /// The key's file, or no random numbers.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key file holds no usable key.
    #[error(
        "{path} holds no usable RSA key (PKCS #8 in PEM, 2048 bits or more); restore it from a copy, or remove it \
         to get a new one, which every viewer with RSA-AES will have to accept"
    )]
    BadKey {
        /// The file.
        path: String,
    },
    /// No key could be made.
    #[error("cannot make an RSA key")]
    Generate,
    /// The peer's key is too short to be safe, or too long to be meant.
    #[error(
        "the other side's RSA key has {bits} bits, where {} to {} are taken; give it another key",
        key::MIN_BITS,
        key::MAX_BITS
    )]
    KeySize {
        /// Its length.
        bits: u32,
    },
    /// The peer's key is none.
    #[error("the other side's RSA key is none: nothing can be encrypted with its numbers")]
    PeerKey,
    /// The peer's random number was not encrypted with our key.
    #[error(
        "the other side's random number is encrypted in {found} bytes, where our RSA key makes {expected}"
    )]
    RandomSize {
        /// Bytes of our key.
        expected: usize,
        /// Bytes announced.
        found: usize,
    },
    /// The peer cannot read what was encrypted with its key, or has been shown other keys than ours and its own.
    #[error(
        "the other side does not hold the RSA key that it shows, or someone stands between you and it: nothing \
         secret was sent"
    )]
    NotTheKey,
    /// The peer ended the connection meanwhile.
    #[error("the other side closed the connection during the exchange of RSA keys")]
    Closed,
    /// It took longer than [`HANDSHAKE_DEADLINE`].
    #[error("no exchange of RSA keys within {} s", HANDSHAKE_DEADLINE.as_secs())]
    TimedOut,
    /// The connection failed.
    #[error("the exchange of RSA keys failed")]
    Io(#[source] io::Error),
}

impl From<io::Error> for RsaAesError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                Self::Closed
            }
            // The first sealed message was not sealed with our keys.
            io::ErrorKind::InvalidData => Self::NotTheKey,
            _ => Self::Io(error),
        }
    }
}
