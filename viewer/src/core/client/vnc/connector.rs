//! Connections to a VNC server: made, trusted and proved, for the viewer and for whoever else wants one.

use std::io;
use std::sync::Arc;

use panto_protocol::rfb::client::{Handshake, HandshakeError, HandshakeEvent, Security, ServerInit};
use panto_protocol::wire::Reader;
use panto_transport::{
    Fingerprint, FingerprintKind, HANDSHAKE_DEADLINE, KnownHosts, Stream, Target, TrustPolicy, WireCounters,
    connect, start_rsa_aes, start_tls_any,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use crate::core::client::link::lost;
use crate::core::trust::{CONNECT_TIMEOUT, has_key, judge};
use crate::core::{Prompt, ViewError};

/// A VNC server, and who wants to come in there.
#[derive(Debug, Clone)]
pub struct VncServer {
    /// Where it is.
    pub target: Target,
    /// What to do about servers that are not known.
    pub trust: TrustPolicy,
    /// The file of known servers.
    pub known_hosts: KnownHosts,
    /// Take TLS, or RSA-AES that seals everything, where the server offers it.
    pub tls: bool,
    /// Name for servers that ask for one; `None`: that of the user of this process.
    pub user: Option<String>,
}

/// A server that has let the client in.
#[derive(Debug)]
pub struct VncOpened {
    /// The connection.
    pub stream: Stream,
    /// What the server has told of itself.
    pub init: ServerInit,
    /// Bytes that it has said since.
    pub said: Vec<u8>,
}

/// Connects to a VNC server as often as it takes, and knows the secret that was right.
pub struct VncConnector {
    server: VncServer,
    prompt: Arc<dyn Prompt>,
    pub(super) secret: Option<String>,
    /// Bytes read and written by attempts that came to nothing.
    given_up: (u64, u64),
    /// Those of the attempt under way.
    current: Option<Arc<WireCounters>>,
}

impl VncConnector {
    /// Connects there; asks `prompt` for what it does not know.
    pub fn new(server: VncServer, prompt: Arc<dyn Prompt>) -> Self {
        Self { server, prompt, secret: None, given_up: (0, 0), current: None }
    }

    /// The server that is meant.
    pub fn server(&self) -> &VncServer {
        &self.server
    }

    /// Connects and proves who the person is; while secrets are wrong, asks for another one.
    /// Dropping the future gives up the attempt.
    ///
    /// # Errors
    ///
    /// [`ViewError::is_retryable`] says whether another attempt makes sense.
    pub async fn connect(&mut self) -> Result<VncOpened, ViewError> {
        let mut wrong = None;
        loop {
            self.give_up();
            let asked_before = self.secret.is_none();
            let stream = connect(&self.server.target, CONNECT_TIMEOUT).await?;
            self.current = Some(stream.counters());
            match self.shake(stream, wrong.clone()).await {
                // The next try asks again, with the server's words.
                Err(ViewError::Auth { reason }) if self.secret.take().is_some() => wrong = Some(reason),
                // Servers do not wait for ever while a person looks for the password.
                Err(ViewError::Lost { .. }) if asked_before && self.secret.is_some() => {}
                Ok(opened) => {
                    self.current = None;
                    return Ok(opened);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Bytes that attempts which came to nothing have read and written since this was last asked.
    pub fn take_given_up(&mut self) -> (u64, u64) {
        self.give_up();
        std::mem::take(&mut self.given_up)
    }

    fn give_up(&mut self) {
        if let Some(counters) = self.current.take() {
            self.given_up.0 += counters.read();
            self.given_up.1 += counters.written();
        }
    }

    async fn shake(&mut self, mut stream: Stream, wrong: Option<String>) -> Result<VncOpened, ViewError> {
        let VncServer { target, known_hosts, tls, .. } = &self.server;
        let may_be_plain = !has_key(target, known_hosts);
        let acceptable = |s: &Security| if s.is_encrypted() { *tls } else { may_be_plain };
        let acceptable: Vec<Security> = Security::ALL.into_iter().filter(acceptable).collect();
        let mut handshake = Handshake::new(&acceptable);
        let mut bytes: Vec<u8> = Vec::new();
        // For all that the server says, or a letter now and then would keep the viewer for hours.
        let mut by = Instant::now() + HANDSHAKE_DEADLINE;
        loop {
            let mut r = Reader::new(&bytes);
            let fed = handshake.feed(&mut r);
            bytes = r.rest().to_vec();
            send(&mut stream, &handshake.take_output(), by).await?;
            match fed {
                Ok(None) => receive(&mut stream, &mut bytes, by).await?,
                Ok(Some(HandshakeEvent::Tls)) => {
                    if !bytes.is_empty() {
                        return Err(lost("the server speaks before TLS has begun"));
                    }
                    let untrusted = start_tls_any(stream).await?;
                    self.judge(untrusted.fingerprint()).await?;
                    stream = untrusted.into_trusted();
                    // A person may have been asked.
                    by = Instant::now() + HANDSHAKE_DEADLINE;
                }
                Ok(Some(HandshakeEvent::RsaAes { bits, all })) => {
                    if !bytes.is_empty() {
                        return Err(lost("the server speaks before it was asked for its RSA key"));
                    }
                    let unsealed = start_rsa_aes(stream, bits).await?;
                    let kind = if all { FingerprintKind::Ra2 } else { FingerprintKind::Ra2ne };
                    self.judge(unsealed.fingerprint(kind)).await?;
                    stream = unsealed.into_sealed().await?;
                    by = Instant::now() + HANDSHAKE_DEADLINE;
                }
                Ok(Some(HandshakeEvent::Clear)) => {
                    if !bytes.is_empty() {
                        return Err(lost("the server says more than it was asked for"));
                    }
                    (stream, bytes) = stream.into_clear().await.map_err(|error| lost(error.to_string()))?;
                }
                Ok(Some(HandshakeEvent::Secret { .. })) => {
                    let secret = self.ask_secret(wrong.clone()).await?;
                    handshake.authenticate(&self.user(), &secret);
                    by = Instant::now() + HANDSHAKE_DEADLINE;
                }
                Ok(Some(HandshakeEvent::Init(init))) => {
                    return Ok(VncOpened { stream, init, said: bytes });
                }
                Err(HandshakeError::Denied { reason }) => return Err(ViewError::Auth { reason }),
                Err(HandshakeError::Refused { reason }) => return Err(ViewError::Ended { reason }),
                Err(source) => {
                    let target = self.server.target.to_string();
                    return Err(ViewError::RfbHandshake { target, source });
                }
            }
        }
    }

    /// Makes sure that this key is the server's, which may take a person's time.
    async fn judge(&self, fingerprint: Fingerprint) -> Result<(), ViewError> {
        let VncServer { target, known_hosts, trust, .. } = &self.server;
        judge(target, known_hosts, *trust, &self.prompt, fingerprint).await
    }

    /// The secret that was right before, or one that the person gives.
    async fn ask_secret(&mut self, wrong: Option<String>) -> Result<String, ViewError> {
        if let Some(secret) = &self.secret {
            return Ok(secret.clone());
        }
        let (prompt, server, said) =
            (Arc::clone(&self.prompt), self.server.target.to_string(), wrong.clone());
        let asked = tokio::task::spawn_blocking(move || prompt.secret(&server, said.as_deref()));
        let secret = asked.await.ok().flatten().ok_or_else(|| ViewError::Auth {
            reason: wrong.unwrap_or_else(|| {
                let option = self.prompt.option();
                format!("the server asks for a password, and none was given ({option})")
            }),
        })?;
        Ok(self.secret.insert(secret).clone())
    }

    /// The name to give.
    fn user(&self) -> String {
        self.server.user.clone().or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "viewer".into())
    }
}

async fn send(stream: &mut Stream, bytes: &[u8], by: Instant) -> Result<(), ViewError> {
    let all = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    within(by, all).await
}

async fn receive(stream: &mut Stream, bytes: &mut Vec<u8>, by: Instant) -> Result<(), ViewError> {
    // No step of a handshake is longer than a few kilobytes.
    let mut piece = [0; 4096];
    let read = async {
        match stream.read(&mut piece).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => Ok(n),
        }
    };
    let n = within(by, read).await?;
    bytes.extend_from_slice(&piece[..n]);
    Ok(())
}

/// Waits for a step of the handshake, but not for ever.
async fn within<T>(by: Instant, step: impl Future<Output = io::Result<T>>) -> Result<T, ViewError> {
    match timeout_at(by, step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(lost("the server closed the connection before it had let the viewer in"))
        }
        Ok(Err(error)) => Err(lost(error.to_string())),
        Err(_) => {
            let what =
                "the server's handshake; is it a VNC server? (one of Panto's is viewed as panto://HOST)";
            Err(ViewError::Timeout { what: what.into() })
        }
    }
}
