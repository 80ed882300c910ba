//! The viewer's side of RSA-AES.

use std::fmt;

use panto_protocol::rfb::AesBits;
use tokio::time::timeout;

use super::key::{PrivateKey, PublicKey};
use super::{RsaAesError, exchange};
use crate::{Fingerprint, FingerprintKind, HANDSHAKE_DEADLINE, Stream};

/// A connection whose server has shown a public key. Nothing was sent to it, and whether it holds the key is
/// not proved.
pub struct UnsealedStream {
    stream: Stream,
    key: PublicKey,
    bits: AesBits,
}

/// Reads the public key of a server that was asked for RSA-AES, within [`HANDSHAKE_DEADLINE`].
///
/// # Errors
///
/// All of them end the connection.
pub async fn start_rsa_aes(mut stream: Stream, bits: AesBits) -> Result<UnsealedStream, RsaAesError> {
    let key = timeout(HANDSHAKE_DEADLINE, exchange::read_key(&mut stream));
    let key = key.await.map_err(|_| RsaAesError::TimedOut)??;
    Ok(UnsealedStream { stream, key, bits })
}

impl UnsealedStream {
    /// The server's key.
    pub fn fingerprint(&self, kind: FingerprintKind) -> Fingerprint {
        self.key.fingerprint(kind)
    }

    /// The sealed stream, when the fingerprint is found to be right and the server proves that it holds the
    /// key, within [`HANDSHAKE_DEADLINE`].
    ///
    /// # Errors
    ///
    /// All of them end the connection.
    pub async fn into_sealed(self) -> Result<Stream, RsaAesError> {
        let Self { stream, key, bits } = self;
        // Of this connection only: whoever gets hold of the server's key later can read none of it.
        let own = tokio::task::spawn_blocking(PrivateKey::generate).await;
        let (own, _) = own.map_err(|_| RsaAesError::Generate)??;
        timeout(HANDSHAKE_DEADLINE, exchange::join(stream, &key, &own, bits))
            .await
            .map_err(|_| RsaAesError::TimedOut)?
    }
}

impl fmt::Debug for UnsealedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsealedStream").field("stream", &self.stream).finish_non_exhaustive()
    }
}
