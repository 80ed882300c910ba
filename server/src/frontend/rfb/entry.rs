//! How a VNC viewer is let in: its handshake, and who has how long for it.

use std::time::Duration;

use data_encoding::HEXLOWER;
use panto_protocol::message::{Auth, AuthMethods};
use panto_protocol::rfb::{
    CHALLENGE, Handshake, HandshakeError, HandshakeEvent, PixelFormat, Proof, Security, refusal,
};
use panto_protocol::wire::{DecodeError, Reader};
use panto_transport::{Credential, HANDSHAKE_DEADLINE, HandshakePermit, Peer, Pipe, ReturnPass, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::{LAST_WORDS, RfbError};
use crate::frontend::server::{Proof as Verdict, Server};
use crate::frontend::session::fill_random;

/// Bytes of a handshake that may wait to be understood.
const MAX_HANDSHAKE: usize = 4096;

/// How long a viewer may take that has to ask a person: for a look at a fingerprint, and to type a
/// password or a ticket.
const PERSON_DEADLINE: Duration = Duration::from_secs(120);

/// A viewer that was let in.
pub(super) struct Shaken {
    pub stream: Stream,
    pub credential: Credential,
    /// Its way back, where it has named one.
    pub pass: Option<ReturnPass>,
    /// What it has said already.
    pub rest: Vec<u8>,
}

/// Brings a viewer in, within [`HANDSHAKE_DEADLINE`] or, where a person has to say who they are and not
/// too many others are about to, [`PERSON_DEADLINE`].
pub(super) async fn shake(
    server: &Server,
    stream: Stream,
    peer: Peer,
    offered: &[Security],
    permit: HandshakePermit,
) -> Result<Shaken, RfbError> {
    let began = Instant::now();
    let mut challenge = [0; CHALLENGE];
    fill_random(&mut challenge)?;
    let mut shaking = Shaking {
        server,
        peer,
        handshake: Handshake::new(offered, challenge),
        stream: Some(stream),
        bytes: Vec::new(),
        credential: server.anonymous(),
        pass: None,
    };
    let mut deadline = began + HANDSHAKE_DEADLINE;
    let (mut permit, mut is_asked) = (permit, false);
    loop {
        let fed = shaking.feed();
        if shaking.handshake.is_asked() && !is_asked {
            is_asked = true;
            if let Ok(person) = server.persons.admit(peer.ip()) {
                deadline = began + PERSON_DEADLINE;
                permit = person;
            }
        }
        let step = tokio::time::timeout_at(deadline, shaking.go_on(fed));
        if let Some(shaken) = step.await.map_err(|_| RfbError::Slow)?? {
            drop(permit);
            return Ok(shaken);
        }
    }
}

/// A viewer that is being let in.
struct Shaking<'a> {
    server: &'a Server,
    peer: Peer,
    handshake: Handshake,
    /// `None` while it is being wrapped.
    stream: Option<Stream>,
    /// Said and not understood yet.
    bytes: Vec<u8>,
    credential: Credential,
    pass: Option<ReturnPass>,
}

impl Shaking<'_> {
    /// Understands what has come.
    fn feed(&mut self) -> Result<Option<HandshakeEvent>, HandshakeError> {
        let mut r = Reader::new(&self.bytes);
        let fed = self.handshake.feed(&mut r);
        self.bytes = r.rest().to_vec();
        fed
    }

    /// Answers, and does what has to be done or reads more.
    async fn go_on(
        &mut self,
        fed: Result<Option<HandshakeEvent>, HandshakeError>,
    ) -> Result<Option<Shaken>, RfbError> {
        self.say().await?;
        let server = self.server;
        match fed? {
            Some(HandshakeEvent::Tls) => {
                let (true, Some(tls)) = (self.bytes.is_empty(), &server.config.tls) else {
                    return Err(HandshakeError::NotOffered.into());
                };
                self.stream = Some(tls.accept_any(self.take_stream()?).await?);
            }
            Some(HandshakeEvent::RsaAes { bits }) => {
                let (true, Some(rsa_aes)) = (self.bytes.is_empty(), &server.config.rsa_aes) else {
                    return Err(HandshakeError::NotOffered.into());
                };
                self.stream = Some(rsa_aes.accept(self.take_stream()?, bits).await?);
            }
            Some(HandshakeEvent::Clear) => {
                if !self.bytes.is_empty() {
                    return Err(DecodeError::Invalid { what: "bytes behind the last sealed message" }.into());
                }
                let (stream, bytes) = self.take_stream()?.into_clear().await?;
                (self.stream, self.bytes) = (Some(stream), bytes);
            }
            Some(HandshakeEvent::Proof(proof)) => {
                match judge(server, &proof, self.peer).await {
                    None => {}
                    Some(Verdict::Right(who)) => {
                        self.pass = way_back(&proof).and_then(|hash| server.returns.keep(hash, who.clone()));
                        self.credential = who;
                    }
                    Some(Verdict::Wrong(reason) | Verdict::Refused(reason)) => {
                        self.handshake.refuse(&reason);
                        self.say().await?;
                        return Err(RfbError::Refused(reason));
                    }
                }
                self.handshake.accept(&proof);
            }
            Some(HandshakeEvent::Init { .. }) => {
                let size = server.scene.lock().size();
                self.handshake.init(size, &PixelFormat::NATIVE, &server.config.name);
                self.say().await?;
                return Ok(Some(Shaken {
                    stream: self.take_stream()?,
                    credential: self.credential.clone(),
                    pass: self.pass.take(),
                    rest: std::mem::take(&mut self.bytes),
                }));
            }
            None => {
                if self.bytes.len() > MAX_HANDSHAKE {
                    return Err(DecodeError::TooLarge { what: "handshake" }.into());
                }
                let stream = self.stream.as_mut().ok_or_else(gone)?;
                if stream.read_buf(&mut self.bytes).await? == 0 {
                    return Err(gone().into());
                }
            }
        }
        Ok(None)
    }

    /// Sends what there is to be sent.
    async fn say(&mut self) -> std::io::Result<()> {
        let stream = self.stream.as_mut().ok_or_else(gone)?;
        stream.write_all(&self.handshake.take_output()).await?;
        stream.flush().await
    }

    fn take_stream(&mut self) -> std::io::Result<Stream> {
        self.stream.take().ok_or_else(gone)
    }
}

fn gone() -> std::io::Error {
    std::io::ErrorKind::UnexpectedEof.into()
}

/// Tells a viewer for which there is no place why it has to go.
pub(in crate::frontend) async fn turn_away(stream: Stream, reason: &str) {
    let mut pipe = Pipe::new(stream);
    pipe.output().extend_from_slice(&refusal(reason));
    let _ = tokio::time::timeout(LAST_WORDS, pipe.finish(MAX_HANDSHAKE as u64)).await;
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use panto_protocol::geometry::Size;
    use panto_protocol::message::Rights;
    use tokio::io::duplex;

    use super::*;
    use crate::frontend::{AuthPolicy, ServerConfig};
    use crate::source::DemoSource;

    /// Seconds until the server ends a connection on which this is said.
    async fn lasts(server: Arc<Server>, said: &[u8]) -> u64 {
        let (near, mut far) = duplex(1 << 12);
        let peer = Peer::Tcp(SocketAddr::from(([192, 0, 2, 1], 5)));
        let began = Instant::now();
        tokio::spawn(server.serve_rfb(Stream::from_io(near), peer));
        far.write_all(said).await.unwrap();
        far.read_to_end(&mut Vec::new()).await.unwrap();
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_has_time_and_silence_has_an_end() {
        let (source, scene) = DemoSource::start(Size::new(640, 480));
        let config = ServerConfig {
            name: "test".into(),
            auth: AuthPolicy::None,
            tls: None,
            rsa_aes: None,
            vnc_password: Some(b"12345678".to_vec().into()),
            rights: Rights::Control,
        };
        let server = Server::new(config, scene, Arc::new(source));
        let lasts = |said: &'static [u8]| tokio::spawn(lasts(Arc::clone(&server), said));
        assert_eq!(lasts(b"").await.unwrap(), HANDSHAKE_DEADLINE.as_secs());
        assert_eq!(lasts(b"RFB 003.008\n").await.unwrap(), HANDSHAKE_DEADLINE.as_secs());
        assert_eq!(lasts(b"RFB 003.008\n\x02").await.unwrap(), PERSON_DEADLINE.as_secs());
        // So many are waited for at once; others have as long as those who say nothing.
        let crowd: Vec<_> = (0..8).map(|_| lasts(b"RFB 003.008\n\x02")).collect();
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(lasts(b"RFB 003.008\n\x02").await.unwrap(), HANDSHAKE_DEADLINE.as_secs());
        for one in crowd {
            assert_eq!(one.await.unwrap(), PERSON_DEADLINE.as_secs());
        }
    }
}
