//! The server's RSA key: where it is kept, and what viewers with RSA-AES meet.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use panto_protocol::rfb::AesBits;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::key::PrivateKey;
use super::{RsaAesError, exchange};
use crate::{FingerprintKind, Stream, files};

const KEY_FILE: &str = "server-rsa.key";

/// A key of 2048 bits is 1.7 KiB of PEM, one of 8192 bits 6 KiB.
const MAX_PEM: u64 = 64 << 10;

/// The server's side of RSA-AES; cheap to clone. Its key is read, or made, when the first viewer asks for it.
#[derive(Clone)]
pub struct ServerRsaAes {
    host: Arc<Host>,
}

struct Host {
    dir: PathBuf,
    key: OnceCell<PrivateKey>,
}

impl ServerRsaAes {
    /// With the key in `dir/server-rsa.key`. `dir` is normally [`crate::data_dir`].
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self { host: Arc::new(Host { dir: dir.into(), key: OnceCell::new() }) }
    }

    /// Exchanges keys with a viewer that waits for ours. All that follows is sealed. How long that may take is the
    /// caller's to say: viewers show a person the key before they answer.
    ///
    /// # Errors
    ///
    /// All of them end the connection.
    pub async fn accept(&self, stream: Stream, bits: AesBits) -> Result<Stream, RsaAesError> {
        let key = self.key().await?;
        exchange::accept(stream, key, bits).await
    }

    async fn key(&self) -> Result<&PrivateKey, RsaAesError> {
        let load = async {
            let dir = self.host.dir.clone();
            let loaded = tokio::task::spawn_blocking(move || load_or_create(&dir)).await;
            loaded.map_err(|_| RsaAesError::Generate)?
        };
        self.host.key.get_or_try_init(|| load).await
    }
}

impl fmt::Debug for ServerRsaAes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerRsaAes").field("dir", &self.host.dir).finish_non_exhaustive()
    }
}

/// Two servers started at once end up with the same key.
fn load_or_create(dir: &Path) -> Result<PrivateKey, RsaAesError> {
    let path = dir.join(KEY_FILE);
    files::create_private_dir(dir)?;
    let pem = match files::read_private(&path, MAX_PEM)? {
        Some(pem) => pem,
        None => {
            let (_, der) = PrivateKey::generate()?;
            let pem = Zeroizing::new(files::pem("PRIVATE KEY", der.as_ref()));
            if files::create_private(&path, pem.as_bytes())? {
                tracing::info!(path = %path.display(), "made this server's key for RSA-AES");
            }
            // Another server's, if it was quicker.
            files::read_private(&path, MAX_PEM)?.unwrap_or_default()
        }
    };
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).ok();
    let key = der.and_then(|der| PrivateKey::from_pkcs8(der.secret_pkcs8_der()));
    let key = key.ok_or_else(|| RsaAesError::BadKey { path: path.display().to_string() })?;
    let public = key.public();
    // A person at a viewer compares one of them.
    tracing::info!(
        fingerprint = %public.fingerprint(FingerprintKind::Ra2),
        signature = public.signature(),
        "this server's key for RSA-AES"
    );
    Ok(key)
}
