//! VNC viewers: the same sessions, told in RFB.
//!
//! A viewer of RFB asks for each update, so it is never sent more than it takes; what it has is
//! kept as a picture ([`update::Shown`]), and what it lacks is looked for when it asks.

mod input;
mod update;

use std::sync::Arc;
use std::time::{Duration, Instant};

use panto_protocol::geometry::Region;
use panto_protocol::message::{Auth, AuthMethods, Rights};
use panto_protocol::rfb::encoding::Encoder;
use panto_protocol::rfb::{
    ClientMessage, EncodingId, Handshake, HandshakeError, HandshakeEvent, PixelFormat, Proof, Security,
    ServerMessage, color_map,
};
use panto_protocol::wire::{DecodeError, Reader, Writer};
use panto_transport::{Credential, HANDSHAKE_DEADLINE, HandshakePermit, Peer, Pipe, Stream, TlsError, Turn};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};

use self::input::Pointer;
use self::update::{Shown, Understood};
use super::held::Held;
use super::registry::{Order, ViewerInfo};
use super::server::{Proof as Verdict, Server};
use crate::pace;
use crate::scene::Viewing;

/// Bytes of a handshake that may wait to be understood.
const MAX_HANDSHAKE: usize = 4096;

/// Bytes of one message at most: the longest is the clipboard's.
const MAX_MESSAGE: usize = panto_protocol::rfb::MAX_CUT_TEXT + 64;

/// Rectangles that a region of requests is made of at most.
const MAX_ASKED: usize = 32;

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
    let mut session = Session::new(Arc::clone(&server), id, stream, rights, rest);
    let result = session.run(orders).await;
    for event in session.held.release() {
        server.source.input(&event);
    }
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

struct Session {
    server: Arc<Server>,
    id: u64,
    pipe: Pipe,
    rights: Rights,
    viewing: Viewing,
    changed: watch::Receiver<u64>,
    /// Received and not understood yet.
    bytes: Vec<u8>,
    format: PixelFormat,
    /// Whether it has to be told the colour map before any pixels.
    map_due: bool,
    understood: Understood,
    encoder: Encoder,
    shown: Shown,
    asked: Region,
    pointer: Pointer,
    held: Held,
    last_update: Option<Instant>,
    last_input: Option<Instant>,
}

impl Session {
    fn new(server: Arc<Server>, id: u64, stream: Stream, rights: Rights, bytes: Vec<u8>) -> Self {
        let (viewing, changed) = (server.scene.view(), server.scene.subscribe());
        let shown = Shown::new(server.scene.lock().size());
        Self {
            server,
            id,
            pipe: Pipe::new(stream),
            rights,
            viewing,
            changed,
            bytes,
            format: PixelFormat::NATIVE,
            map_due: false,
            understood: Understood::default(),
            encoder: Encoder::new(),
            shown,
            asked: Region::new(),
            pointer: Pointer::default(),
            held: Held::default(),
            last_update: None,
            last_input: None,
        }
    }

    async fn run(&mut self, mut orders: mpsc::UnboundedReceiver<Order>) -> Result<(), RfbError> {
        let mut closing = self.server.closing();
        loop {
            self.messages()?;
            if let Some(reason) = self.server.source.failure() {
                return Err(RfbError::Capture(reason));
            }
            self.changed.borrow_and_update();
            let wait = if self.pipe.is_writable() { self.update() } else { None };
            let sleep = wait.unwrap_or(Duration::from_secs(3600));
            let idle = wait.is_none();
            tokio::select! {
                turn = self.pipe.turn() => match turn? {
                    Turn::Read(bytes) => self.bytes.extend_from_slice(bytes),
                    Turn::Written => {}
                    Turn::Closed => return Ok(()),
                },
                _ = self.changed.changed(), if idle && !self.asked.is_empty() => {}
                Some(order) = orders.recv() => match order {
                    // Settings are of the native modes.
                    Order::Settings(_) => {}
                    Order::Kick | Order::Park => return Ok(()),
                },
                () = tokio::time::sleep(sleep) => {}
                _ = closing.wait_for(|&c| c) => return Ok(()),
            }
        }
    }

    /// Does what the viewer has said.
    fn messages(&mut self) -> Result<(), RfbError> {
        let bytes = std::mem::take(&mut self.bytes);
        let mut r = Reader::new(&bytes);
        let mut rest = r.clone();
        loop {
            match ClientMessage::decode(&mut r) {
                Ok(message) => self.message(&message),
                Err(DecodeError::TooShort { .. }) => break,
                Err(error) => return Err(error.into()),
            }
            rest = r.clone();
        }
        self.bytes = rest.rest().to_vec();
        if self.bytes.len() > MAX_MESSAGE {
            return Err(DecodeError::TooLarge { what: "RFB message" }.into());
        }
        Ok(())
    }

    fn message(&mut self, message: &ClientMessage) {
        match message {
            ClientMessage::SetPixelFormat(format) => {
                self.format = *format;
                self.server.registry.update(self.id, |info| info.depth = format.depth);
                self.map_due = format.true_color.is_none();
            }
            ClientMessage::SetEncodings(all) => {
                self.understood = Understood::of(all);
                if let Some(level) = self.understood.compress_level {
                    self.encoder.set_compress_level(level);
                }
            }
            ClientMessage::UpdateRequest { incremental, rect } => {
                if !incremental {
                    self.shown.forget(rect);
                }
                self.asked.add(*rect);
                self.asked.simplify(MAX_ASKED);
            }
            ClientMessage::Key { .. } | ClientMessage::Pointer { .. } => {
                self.last_input = Some(Instant::now());
                let events = self.pointer.events(message);
                if self.rights == Rights::Control {
                    for event in events {
                        self.held.note(&event);
                        self.server.source.input(&event);
                    }
                }
            }
            // Not offered, so not for us; a clipboard of ours does not exist yet.
            ClientMessage::CutText(_)
            | ClientMessage::ContinuousUpdates { .. }
            | ClientMessage::Fence(_)
            | ClientMessage::SetDesktopSize { .. }
            | ClientMessage::ExtendedKey { .. } => {}
        }
    }

    /// Sends what was asked for, if there is any and it may go now. Returns how long to wait if it
    /// may not.
    fn update(&mut self) -> Option<Duration> {
        if self.asked.is_empty() {
            return None;
        }
        let answers = self.last_input.is_some_and(|at| at.elapsed() < Duration::from(pace::ANSWER_TIME));
        let interval: Duration = if answers { pace::ANSWER_INTERVAL } else { pace::FRAME_INTERVAL }.into();
        let since = self.last_update.map_or(interval, |at| at.elapsed());
        let (lacking, position) = {
            let scene = Arc::clone(&self.server.scene);
            let mut scene = scene.lock();
            if !self.shown.is_due(&scene, &self.asked, &self.understood) {
                self.viewing.has_whole(scene.position());
                return None;
            }
            if since < interval {
                return Some(interval - since);
            }
            (self.shown.look(&mut scene, &self.asked, &self.understood), scene.position())
        };
        if lacking.is_empty() {
            self.viewing.has_whole(position);
            return None;
        }
        let out = self.pipe.output();
        let before = out.len();
        if std::mem::take(&mut self.map_due) {
            let mut w = Writer::default();
            ServerMessage::ColorMap { first: 0, colors: color_map() }.encode(&mut w);
            out.extend_from_slice(w.as_slice());
        }
        let picture = self.shown.picture();
        let count = lacking.encode(picture, &self.format, &self.understood, &mut self.encoder, out);
        let bytes = (out.len() - before) as u64;
        self.asked.clear();
        self.last_update = Some(Instant::now());
        let encoding = self.understood.pixels.unwrap_or(EncodingId::RAW);
        self.server.registry.update(self.id, |info| {
            info.frames += 1;
            info.updates += count as u64;
            *info.payload_bytes_by_kind.entry(format!("RFB encoding {}", encoding.0)).or_default() += bytes;
        });
        None
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
