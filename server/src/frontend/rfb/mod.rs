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
use std::time::Duration;

use data_encoding::HEXLOWER;
use panto_protocol::message::{Auth, AuthMethods};
use panto_protocol::rfb::{
    CHALLENGE, Handshake, HandshakeError, HandshakeEvent, PixelFormat, Proof, Security,
};
use panto_protocol::wire::{DecodeError, Reader};
use panto_transport::{
    Credential, HANDSHAKE_DEADLINE, HandshakePermit, Peer, ReturnPass, RsaAesError, Stream, TlsError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use self::session::{Ending, Session};
use super::registry::ViewerInfo;
use super::server::{Proof as Verdict, Server};

/// Bytes of a handshake that may wait to be understood.
const MAX_HANDSHAKE: usize = 4096;

/// A viewer that takes not one byte for so long is given up, as one of Panto's own that
/// acknowledges nothing.
const UNREAD_FOR: Duration = Duration::from_secs(30);

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum RfbError {
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    #[error("the viewer's bytes make no sense: {0}")]
    Message(#[from] DecodeError),
    #[error("no TLS with the viewer: {0}")]
    Tls(#[from] TlsError),
    #[error("no RSA-AES with the viewer: {0}")]
    RsaAes(#[from] RsaAesError),
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    #[error("the viewer was too slow to say who it is")]
    Slow,
    #[error("a flood of messages whose answers are not read")]
    Flood,
    #[error("the viewer reads nothing, for {} s", UNREAD_FOR.as_secs())]
    Deaf,
    #[error("not let in: {0}")]
    Refused(String),
    #[error("{0}")]
    Capture(String),
}

/// A viewer that wants to come in.
pub(super) struct Guest {
    pub stream: Stream,
    pub peer: Peer,
    pub permit: HandshakePermit,
    /// Ways to prove itself that it is offered.
    pub offered: Vec<Security>,
    /// What it is called for people.
    pub name: &'static str,
}

/// Serves one viewer until it leaves.
pub(super) async fn serve(server: Arc<Server>, id: u64, guest: Guest) -> Result<(), RfbError> {
    let Guest { stream, peer, permit, offered, name } = guest;
    let counters = stream.counters();
    let shaken = tokio::time::timeout(HANDSHAKE_DEADLINE, shake(&server, stream, peer, &offered));
    let Shaken { stream, credential, pass, rest } = shaken.await.map_err(|_| RfbError::Slow)??;
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
    let mut session = Session::new(Arc::clone(&server), id, stream, rights, rest);
    let result = session.run(orders).await;
    server.registry.remove(id);
    if let (Ok(Ending::SentAway), Some(pass)) = (&result, pass) {
        pass.revoke();
    }
    session.finish().await;
    result.map(drop)
}

/// A viewer that was let in.
struct Shaken {
    stream: Stream,
    credential: Credential,
    /// Its way back, where it has named one.
    pass: Option<ReturnPass>,
    /// What it has said already.
    rest: Vec<u8>,
}

/// Brings a viewer in.
async fn shake(
    server: &Server,
    mut stream: Stream,
    peer: Peer,
    offered: &[Security],
) -> Result<Shaken, RfbError> {
    let mut challenge = [0; CHALLENGE];
    super::session::fill_random(&mut challenge)?;
    let mut handshake = Handshake::new(offered, challenge);
    let mut credential = server.anonymous();
    let mut pass = None;
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
            Some(HandshakeEvent::RsaAes { bits }) => {
                let (true, Some(rsa_aes)) = (bytes.is_empty(), &server.config.rsa_aes) else {
                    return Err(HandshakeError::NotOffered.into());
                };
                stream = rsa_aes.accept(stream, bits).await?;
            }
            Some(HandshakeEvent::Clear) => {
                if !bytes.is_empty() {
                    return Err(DecodeError::Invalid { what: "bytes behind the last sealed message" }.into());
                }
                (stream, bytes) = stream.into_clear().await?;
            }
            Some(HandshakeEvent::Proof(proof)) => {
                match judge(server, &proof, peer).await {
                    None => {}
                    Some(Verdict::Right(who)) => {
                        pass = way_back(&proof).and_then(|hash| server.returns.keep(hash, who.clone()));
                        credential = who;
                    }
                    Some(Verdict::Wrong(reason) | Verdict::Refused(reason)) => {
                        handshake.refuse(&reason);
                        stream.write_all(&handshake.take_output()).await?;
                        stream.flush().await?;
                        return Err(RfbError::Refused(reason));
                    }
                }
                handshake.accept(&proof);
            }
            Some(HandshakeEvent::Init { .. }) => {
                let size = server.scene.lock().size();
                handshake.init(size, &PixelFormat::NATIVE, &server.config.name);
                stream.write_all(&handshake.take_output()).await?;
                stream.flush().await?;
                return Ok(Shaken { stream, credential, pass, rest: bytes });
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

/// The SHA-256 of the secret with which a browser will come back, which its page says in the place of
/// a name: `return=` and 64 hexadecimal digits.
fn way_back(proof: &Proof) -> Option<[u8; 32]> {
    let Proof::Plain { user, .. } = proof else { return None };
    let digits = user.strip_prefix(b"return=")?;
    HEXLOWER.decode(digits).ok()?.try_into().ok()
}

/// Whether a proof is right; `None` where none was asked for.
async fn judge(server: &Server, proof: &Proof, peer: Peer) -> Option<Verdict> {
    match proof {
        Proof::None => None,
        Proof::Plain { password, .. } => {
            let secret = String::from_utf8_lossy(password).into_owned();
            Some(server.prove(Auth { method: AuthMethods::PASSWORD, secret }, peer).await)
        }
        Proof::Answer { .. } => {
            let password = server.config.vnc_password.as_ref()?;
            Some(server.prove_by(proof.is_answer(password), peer).await)
        }
    }
}

impl Server {
    /// Ways of RFB to prove oneself over this connection. A password in the clear is none, but where
    /// VncAuth was asked for by name. What leaves all but the password in the clear is for viewers on this
    /// machine, and for others where VncAuth, which is worse, would do.
    pub(super) fn rfb_security(&self, peer: Peer) -> Vec<Security> {
        let (asks, tls) = (self.asks(peer), self.config.tls.is_some());
        let vnc = self.config.vnc_password.is_some() && !matches!(peer, Peer::Unix { .. });
        let sealed = asks && self.config.rsa_aes.is_some();
        let unsealed = sealed && (vnc || peer.ip().is_loopback());
        let mut ways = Vec::new();
        ways.extend((asks && tls).then_some(Security::X509Plain));
        ways.extend((vnc && tls).then_some(Security::X509Vnc));
        ways.extend(sealed.then_some([Security::Ra2_256, Security::Ra2]).into_iter().flatten());
        ways.extend(unsealed.then_some([Security::Ra2ne_256, Security::Ra2ne]).into_iter().flatten());
        ways.extend(vnc.then_some(Security::VncAuth));
        ways.extend((!asks && !vnc).then_some(Security::None));
        ways
    }

    /// The same in a stream that is encrypted, or never leaves this machine.
    pub(super) fn private_rfb_security(&self, peer: Peer) -> Vec<Security> {
        vec![if self.asks(peer) { Security::Plain } else { Security::None }]
    }
}
