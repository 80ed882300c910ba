//! One connection to a VNC server: made, proved, and closed in order.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use panto_protocol::message::Mode;
use panto_protocol::rfb::client::{
    Connection as Rfb, Handshake, HandshakeError, HandshakeEvent, Security, ServerInit,
};
use panto_protocol::wire::Reader;
use panto_transport::{HANDSHAKE_DEADLINE, Pipe, Stream, connect, start_tls_any};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

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
        let readable = !stream.is_encrypted() && !self.options.target.is_loopback();
        let mut link = Link::new(Pipe::new(stream), Rfb::new(&init, &config), Arc::clone(&counters));
        self.begin_vnc(&init, readable);
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

    /// Shows the server's screen from now on. `readable`: whether others on the way can read along.
    fn begin_vnc(&mut self, init: &ServerInit, readable: bool) {
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
        if std::mem::replace(&mut self.vnc.told, true) {
            return;
        }
        let given = self.options.settings;
        let means_nothing = !matches!(given.mode, Mode::Auto | Mode::Pixels)
            || (given.scale, given.depth) != (settings.scale, settings.depth);
        if means_nothing {
            let text = "A VNC server sends pixels only, of 24, 16 or 8 bits and at full size";
            tracing::warn!("{text}: what else was asked for means nothing there");
            self.view.notice(text);
        }
        if readable {
            let text = "Not encrypted: others on the way can read what is shown and typed";
            tracing::warn!("{text}; through ssh they cannot: ssh -L 5900:localhost:5900 HOST");
            self.view.notice(text);
        }
    }

    /// Connects and proves who the person is, as often as it takes; `None` if the person has had
    /// enough, or the time is over.
    async fn open_vnc(&mut self) -> Result<Option<Open>, ViewError> {
        let mut wrong = None;
        loop {
            let asked_before = self.secret.is_none();
            let target = self.options.target.clone();
            let Some(stream) = self.unless_over(connect(&target, CONNECT_TIMEOUT)).await else {
                return Ok(None);
            };
            let stream = stream?;
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
        loop {
            let mut r = Reader::new(&bytes);
            let fed = handshake.feed(&mut r);
            bytes = r.rest().to_vec();
            let said = handshake.take_output();
            send(&mut stream, &said).await?;
            match fed {
                Ok(None) => match self.unless_over(receive(&mut stream, &mut bytes)).await {
                    Some(received) => received?,
                    None => return Ok(None),
                },
                Ok(Some(HandshakeEvent::Tls)) => {
                    if !bytes.is_empty() {
                        return Err(lost("the server speaks before TLS has begun"));
                    }
                    let (options, prompt) = (self.options.clone(), Arc::clone(&self.prompt));
                    let trusted = async {
                        let untrusted = start_tls_any(stream).await?;
                        judge(&options, &prompt, untrusted.fingerprint()).await?;
                        Ok::<_, ViewError>(untrusted.into_trusted())
                    };
                    let Some(trusted) = self.unless_over(trusted).await else { return Ok(None) };
                    stream = trusted?;
                }
                Ok(Some(HandshakeEvent::Secret { .. })) => {
                    let Some(secret) = self.ask_secret(wrong.clone()).await? else { return Ok(None) };
                    handshake.authenticate(&self.options.vnc.user(), &secret);
                }
                Ok(Some(HandshakeEvent::Init(init))) => {
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
        let Some(answer) = self.unless_over(asked).await else { return Ok(None) };
        let answer = answer.ok().flatten();
        let secret = answer.ok_or_else(|| ViewError::Auth {
            reason: wrong.unwrap_or_else(|| {
                "the server asks for a password, and none was given (--password-file)".into()
            }),
        })?;
        self.secret = Some(secret.clone());
        Ok(Some(secret))
    }

    /// Waits for a step; `None` if the person leaves before, or the time is over.
    async fn unless_over<T>(&mut self, step: impl Future<Output = T>) -> Option<T> {
        let mut wishes = Wishes::default();
        let deadline = self.deadline();
        let done = tokio::select! {
            value = step => Some(value),
            () = quit(&mut self.view.commands, &mut wishes) => None,
            () = until(deadline) => None,
        };
        self.grant(wishes);
        done
    }
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> Result<(), ViewError> {
    let all = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    within("the server's handshake", all).await
}

async fn receive(stream: &mut Stream, bytes: &mut Vec<u8>) -> Result<(), ViewError> {
    // No step of a handshake is longer than a few kilobytes.
    let mut piece = [0; 4096];
    let read = async {
        match stream.read(&mut piece).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => Ok(n),
        }
    };
    let n = within("the server's handshake", read).await?;
    bytes.extend_from_slice(&piece[..n]);
    Ok(())
}

/// Waits for a step of the handshake, but not for ever.
async fn within<T>(what: &str, step: impl Future<Output = io::Result<T>>) -> Result<T, ViewError> {
    match timeout(HANDSHAKE_DEADLINE, step).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(lost("the server closed the connection before it had let the viewer in"))
        }
        Ok(Err(error)) => Err(lost(error.to_string())),
        Err(_) => Err(ViewError::Timeout { what: what.into() }),
    }
}
