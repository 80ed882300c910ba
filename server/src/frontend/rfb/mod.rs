//! VNC viewers: the same sessions, told in RFB.
//!
//! Who may come in is found out by [`entry`]. What a viewer has is kept as a picture ([`update::Shown`]); what it lacks
//! ([`lacking::Lacking`]) is looked for when an update may go ([`flow::Flow`]).

mod clipboard;
mod entry;
mod flow;
mod input;
mod lacking;
mod rough;
mod session;
mod update;

use std::sync::Arc;
use std::time::Duration;

use panto_protocol::rfb::{HandshakeError, PixelFormat, Security};
use panto_protocol::wire::DecodeError;
use panto_transport::{HandshakePermit, Peer, RsaAesError, Stream, TlsError};

pub(super) use self::entry::turn_away;
use self::entry::{Shaken, shake};
use self::session::{Ending, Session};
use super::registry::{RFB, ViewerInfo};
use super::server::Server;

/// How long a viewer may take to close its end.
const LAST_WORDS: Duration = Duration::from_secs(1);

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
    #[error("the viewer did not say in time who it is")]
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
    let shaken = shake(&server, stream, peer, &offered, permit).await?;
    let Shaken { stream, credential, pass, rest } = shaken;
    let rights = server.rights(&credential);
    let info = ViewerInfo {
        mode: RFB.into(),
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
