//! One connection to a VNC server: made, proved, and closed in order.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use panto_protocol::rfb::client::{
    Connection as Rfb, Handshake, HandshakeError, HandshakeEvent, Security, ServerInit,
};
use panto_protocol::wire::Reader;
use panto_transport::{HANDSHAKE_DEADLINE, Pipe, Stream, connect, start_tls_any};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{timeout, timeout_at};

use super::possible;
use super::session::Link;
use crate::core::client::connect::{LAST_WORDS, MAX_LAST_WORDS, Wishes, quit};
use crate::core::client::link::lost;
use crate::core::client::{Client, until};
use crate::core::trust::{CONNECT_TIMEOUT, has_key, judge};
use crate::core::{Connection, ViewError};

/// A server that has let the viewer in.
struct Open {
    stream: Stream,
    init: ServerInit,
    /// What it has said already.
    said: Vec<u8>,
}

impl Client {
    /// Views over one connection, until it ends.
    pub(in crate::core::client) async fn view_vnc_once(
        &mut self,
        attempt: &mut u32,
    ) -> Result<(), ViewError> {
        let Some(Open { stream, init, said }) = self.open_vnc().await? else { return Ok(()) };
        *attempt = 0;
        let counters = stream.counters();
        let config = self.options.vnc.config(self.options.settings.depth, self.options.view_only);
        let mut link = Link::new(Pipe::new(stream), Rfb::new(&init, &config), Arc::clone(&counters));
        self.begin_vnc(&init);
        link.connection.feed(&said);
        let result = self.drive_vnc(&mut link).await;
        if !result.as_ref().is_err_and(ViewError::is_retryable) {
            let _ = timeout(LAST_WORDS, link.pipe.finish(MAX_LAST_WORDS)).await;
        }
        self.vnc.keep_bytes(&link.connection);
        self.bytes_before.0 += counters.read();
        self.bytes_before.1 += counters.written();
        result
    }

    /// Shows the server's screen from now on.
    fn begin_vnc(&mut self, init: &ServerInit) {
        self.connected_at.get_or_insert_with(Instant::now);
        self.vnc.painter.begin(init.size);
        self.vnc.hands.forget();
        let settings = possible(self.options.settings);
        let may_control = !self.options.view_only;
        self.view.update(|s| {
            s.picture.resize(init.size, 0);
            s.damage.add(s.picture.bounds());
            s.generation += 1;
            s.screen = init.size;
            s.connection = Connection::Connected;
            s.settings = settings;
            s.may_control = may_control;
            s.can_resize = false;
            s.server_name = init.name.clone();
            s.cursor = None;
        });
        if !std::mem::replace(&mut self.vnc.told, true) {
            let given = self.options.settings;
            if given.scale != settings.scale || given.depth != settings.depth {
                self.view.notice("A VNC server sends 24, 16 or 8 bits a pixel, at full size.");
            }
        }
    }

    /// Connects and proves who the person is, as often as it takes; `None` if the person has had
    /// enough, or the time is over.
    async fn open_vnc(&mut self) -> Result<Option<Open>, ViewError> {
        let mut wrong = None;
        loop {
            let asked_before = self.secret.is_none();
            let mut wishes = Wishes::default();
            let deadline = self.deadline();
            let stream = tokio::select! {
                stream = connect(&self.options.target, CONNECT_TIMEOUT) => Some(stream?),
                () = quit(&mut self.view.commands, &mut wishes) => None,
                () = until(deadline) => None,
            };
            self.grant(wishes);
            let Some(stream) = stream else { return Ok(None) };
            let counters = stream.counters();
            let shaken = self.shake(stream, wrong.clone()).await;
            if !matches!(shaken, Ok(Some(_))) {
                self.bytes_before.0 += counters.read();
                self.bytes_before.1 += counters.written();
            }
            match shaken {
                // The next try asks again, with the server's words.
                Err(ViewError::Auth { reason }) if self.secret.take().is_some() => wrong = Some(reason),
                // Servers do not wait for ever while a person looks for the password.
                Err(ViewError::Lost { .. }) if asked_before && self.secret.is_some() => {}
                other => return other,
            }
        }
    }

    async fn shake(&mut self, stream: Stream, wrong: Option<String>) -> Result<Option<Open>, ViewError> {
        let may_be_plain = !has_key(&self.options);
        let acceptable = |s: &Security| if s.is_encrypted() { self.options.tls } else { may_be_plain };
        let acceptable: Vec<Security> = Security::ALL.into_iter().filter(acceptable).collect();
        let mut handshake = Handshake::new(&acceptable);
        let mut stream = stream;
        let mut bytes: Vec<u8> = Vec::new();
        // For all that the server says, or a letter now and then would keep the viewer for hours.
        let mut by = Instant::now() + HANDSHAKE_DEADLINE;
        loop {
            let mut r = Reader::new(&bytes);
            let fed = handshake.feed(&mut r);
            bytes = r.rest().to_vec();
            let said = handshake.take_output();
            let sent = async {
                stream.write_all(&said).await?;
                stream.flush().await
            };
            if self.within(by, sent).await?.is_none() {
                return Ok(None);
            }
            match fed {
                Ok(None) => match self.within(by, receive(&mut stream)).await? {
                    Some(piece) => bytes.extend(piece),
                    None => return Ok(None),
                },
                Ok(Some(HandshakeEvent::Tls)) => {
                    if !bytes.is_empty() {
                        return Err(lost("the server speaks before TLS has begun"));
                    }
                    let untrusted = start_tls_any(stream).await?;
                    judge(&self.options, &self.prompt, untrusted.fingerprint()).await?;
                    stream = untrusted.into_trusted();
                    // A person may have been asked.
                    by = Instant::now() + HANDSHAKE_DEADLINE;
                }
                Ok(Some(HandshakeEvent::Secret { .. })) => {
                    let Some(secret) = self.ask_secret(wrong.clone()).await? else { return Ok(None) };
                    handshake.authenticate(&self.options.vnc.user(), &secret);
                    by = Instant::now() + HANDSHAKE_DEADLINE;
                }
                Ok(Some(HandshakeEvent::Init(init))) => {
                    if !stream.is_encrypted() && !self.options.target.is_loopback() {
                        self.view.notice(
                            "Not encrypted: what is shown and typed can be read on the way. Through ssh it cannot: \
                             ssh -L 5900:localhost:5900 HOST",
                        );
                    }
                    return Ok(Some(Open { stream, init, said: bytes }));
                }
                Err(HandshakeError::Denied { reason }) => return Err(ViewError::Auth { reason }),
                Err(HandshakeError::Refused { reason }) => return Err(ViewError::Ended { reason }),
                Err(source) => {
                    let target = self.options.target.to_string();
                    return Err(ViewError::RfbHandshake { target, source });
                }
            }
        }
    }

    /// The secret that was right before, or one that the person gives; `None` if the person leaves.
    async fn ask_secret(&mut self, wrong: Option<String>) -> Result<Option<String>, ViewError> {
        if let Some(secret) = &self.secret {
            return Ok(Some(secret.clone()));
        }
        let (prompt, server, said) =
            (Arc::clone(&self.prompt), self.options.target.to_string(), wrong.clone());
        let asked = tokio::task::spawn_blocking(move || prompt.secret(&server, said.as_deref()));
        let mut wishes = Wishes::default();
        let answer = tokio::select! {
            answer = asked => answer.ok().flatten(),
            () = quit(&mut self.view.commands, &mut wishes) => return Ok(None),
        };
        self.grant(wishes);
        let secret = answer.ok_or_else(|| ViewError::Auth {
            reason: wrong.unwrap_or_else(|| {
                "the server asks for a password, and none was given (--password-file)".into()
            }),
        })?;
        self.secret = Some(secret.clone());
        Ok(Some(secret))
    }

    /// Waits for a step of the handshake, but not for ever; `None` if the person leaves, or the time
    /// is over.
    async fn within<T>(
        &mut self,
        by: Instant,
        step: impl Future<Output = io::Result<T>>,
    ) -> Result<Option<T>, ViewError> {
        let mut wishes = Wishes::default();
        let deadline = self.deadline();
        let done = tokio::select! {
            done = timeout_at(by.into(), step) => Some(done),
            () = quit(&mut self.view.commands, &mut wishes) => None,
            () = until(deadline) => None,
        };
        self.grant(wishes);
        match done {
            None => Ok(None),
            Some(Ok(Ok(value))) => Ok(Some(value)),
            Some(Ok(Err(error))) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(lost("the server closed the connection before it had let the viewer in"))
            }
            Some(Ok(Err(error))) => Err(lost(error.to_string())),
            Some(Err(_)) => Err(ViewError::Timeout { what: "the server's handshake".into() }),
        }
    }
}

/// What has come of the handshake, a few kilobytes at most: no step of it is longer.
async fn receive(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; 4096];
    match stream.read(&mut piece).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        n => {
            piece.truncate(n);
            Ok(piece)
        }
    }
}
