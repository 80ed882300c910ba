//! VNC viewers: the same sessions, told in RFB.
//!
//! What a viewer has is kept as a picture ([`update::Shown`]); what it lacks
//! ([`lacking::Lacking`]) is looked for when an update may go ([`flow::Flow`]).

mod clipboard;
mod flow;
mod input;
mod lacking;
mod rough;
mod session;
mod update;

use std::sync::Arc;

use panto_protocol::message::{Auth, AuthMethods};
use panto_protocol::rfb::{Handshake, HandshakeError, HandshakeEvent, PixelFormat, Proof, Security};
use panto_protocol::wire::{DecodeError, Reader};
use panto_transport::{Credential, HANDSHAKE_DEADLINE, HandshakePermit, Peer, Stream, TlsError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use self::session::Session;
use super::registry::ViewerInfo;
use super::server::{Proof as Verdict, Server};

/// Bytes of a handshake that may wait to be understood.
const MAX_HANDSHAKE: usize = 4096;

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum RfbError {
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    #[error("the viewer's bytes make no sense: {0}")]
    Message(#[from] DecodeError),
    #[error("no TLS with the viewer: {0}")]
    Tls(#[from] TlsError),
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    #[error("the viewer was too slow to say who it is")]
    Slow,
    #[error("not let in: {0}")]
    Refused(String),
    #[error("{0}")]
    Capture(String),
}

/// How long a viewer may take to close its end, and the bytes that it may send meanwhile.
const LAST_WORDS: Duration = Duration::from_secs(1);
const MAX_LAST_WORDS: u64 = 64 << 10;

/// A viewer that wants to come in.
pub(super) struct Guest {
    pub stream: Stream,
    pub peer: Peer,
    pub permit: HandshakePermit,
    /// Ways to prove itself that it is offered.
    pub offered: &'static [Security],
    /// What it is called for people.
    pub name: &'static str,
}

/// Serves one viewer until it leaves.
pub(super) async fn serve(server: Arc<Server>, id: u64, guest: Guest) -> Result<(), RfbError> {
    let Guest { stream, peer, permit, offered, name } = guest;
    let counters = stream.counters();
    let shaken = tokio::time::timeout(HANDSHAKE_DEADLINE, shake(&server, stream, peer, offered));
    let (stream, credential, rest) = shaken.await.map_err(|_| RfbError::Slow)??;
    drop(permit);
    let rights = server.rights(&credential);
    let info = ViewerInfo {
        mode: "rfb".into(),
        depth: PixelFormat::NATIVE.depth,
        scale: 1,
        ..ViewerInfo::new(id, name.into(), peer, &credential, rights)
    };
    tracing::info!(id, %peer, name, "viewer is in");
    let mut secret = [0; 16];
    super::session::fill_random(&mut secret)?;
    let orders = server.registry.add(info, counters, secret);
    let result = Session::new(Arc::clone(&server), id, stream, rights, rest).run(orders).await;
    server.registry.remove(id);
    let _ = tokio::time::timeout(LAST_WORDS, session.pipe.finish(MAX_LAST_WORDS)).await;
    result
}

/// Brings a viewer in: its stream, who it is, and what it has said already.
async fn shake(
    server: &Server,
    mut stream: Stream,
    peer: Peer,
    offered: &[Security],
) -> Result<(Stream, Credential, Vec<u8>), RfbError> {
    let mut handshake = Handshake::new(offered);
    let mut credential = server.anonymous();
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        let mut r = Reader::new(&bytes);
        let fed = handshake.feed(&mut r);
        let rest = r.rest().to_vec();
        stream.write_all(&handshake.take_output()).await?;
        stream.flush().await?;
        bytes = rest;
        match fed? {
            Some(HandshakeEvent::Tls) => {
                let (true, Some(tls)) = (bytes.is_empty(), &server.config.tls) else {
                    return Err(HandshakeError::NotOffered.into());
                };
                stream = tls.accept_any(stream).await?;
            }
            Some(HandshakeEvent::Proof(proof)) => {
                if let Proof::Plain { password, .. } = &proof {
                    let secret = String::from_utf8_lossy(password).into_owned();
                    match server.prove(Auth { method: AuthMethods::PASSWORD, secret }, peer).await {
                        Verdict::Right(who) => credential = who,
                        Verdict::Wrong(reason) | Verdict::Refused(reason) => {
                            handshake.refuse(&reason);
                            stream.write_all(&handshake.take_output()).await?;
                            stream.flush().await?;
                            return Err(RfbError::Refused(reason));
                        }
                    }
                }
                handshake.accept(&proof);
            }
            Some(HandshakeEvent::Init { .. }) => {
                let size = server.scene.lock().size();
                handshake.init(size, &PixelFormat::NATIVE, &server.config.name);
                stream.write_all(&handshake.take_output()).await?;
                stream.flush().await?;
                return Ok((stream, credential, bytes));
            }
            None => {
                if bytes.len() > MAX_HANDSHAKE {
                    return Err(DecodeError::TooLarge { what: "handshake" }.into());
                }
                if stream.read_buf(&mut bytes).await? == 0 {
                    return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
                }
            }
        }
    }
}

impl Server {
    /// Ways of RFB to prove oneself over this connection.
    pub(super) fn rfb_security(&self, peer: Peer) -> &'static [Security] {
        match (self.asks(peer), self.config.tls.is_some()) {
            (false, _) => &[Security::None],
            (true, true) => &[Security::X509Plain],
            // Nobody: a password in the clear is none.
            (true, false) => &[],
        }
    }

    /// The same in a stream that is encrypted, or never leaves this machine.
    pub(super) fn private_rfb_security(&self, peer: Peer) -> &'static [Security] {
        if self.asks(peer) { &[Security::Plain] } else { &[Security::None] }
    }
}
