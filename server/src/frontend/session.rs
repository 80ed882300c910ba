//! One viewer's session: its connection, its planner, its share of the input.

use std::sync::Arc;
use std::time::Instant;

use panto_protocol::canvas::{Digest, PaintError};
use panto_protocol::connection::{ConnectionError, ServerConnection, ServerEvent};
use panto_protocol::geometry::Rect;
use panto_protocol::message::{
    AuthMethods, ByeReason, ClientHello, InputEvent, Rights, Settings, VERSION, Welcome,
};
use panto_protocol::time::Micros;
use panto_protocol::wire::MAX_QUEUED_CONTROL;
use panto_transport::{Credential, HandshakePermit, Peer, Pipe, Stream, Turn, WireCounters, cpu_seconds};
use tokio::sync::{mpsc, watch};

use super::held::Held;
use super::pointer::PointerNews;
use super::registry::{Order, ViewerInfo};
use super::server::{Parked, Proof, Server};
use crate::pace::{Pace, Pacer};
use crate::plan::Planner;
use crate::stats::ServerStats;

/// Bytes chosen for the wire at once. What is chosen cannot be overtaken any more.
const TRANSMIT: usize = 16 << 10;

/// A picture must be at rest for this long before its digest is sent.
const DIGEST_DELAY: Micros = Micros(150_000);

/// What one [`TRANSMIT`] takes off the count of unread answers: 1 KiB each, the longest notice.
const UNREAD_A_TRANSMIT: usize = TRANSMIT / 1024;

/// Wrong proofs on one connection before it is closed.
const MAX_PROOFS: u32 = 3;

/// When a session has to look at the scene again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wake {
    /// At this time, whatever happens.
    at: Option<Micros>,
    /// When the scene changes. Not while a frame is due already and merely must wait:
    /// a busy scene would wake the session for nothing.
    on_change: bool,
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    #[error("the viewer closed the connection")]
    Closed,
    #[error("the viewer came back on another connection")]
    TakenOver,
    #[error("the picture cannot be described: {0}")]
    Paint(#[from] PaintError),
}

pub(super) struct Session {
    server: Arc<Server>,
    id: u64,
    peer: Peer,
    pipe: Pipe,
    counters: Arc<WireCounters>,
    connection: ServerConnection,
    permit: Option<HandshakePermit>,
    hello: Option<ClientHello>,
    wrong_proofs: u32,
    /// Answers that the viewer did not make room for yet; `<= MAX_QUEUED_CONTROL`.
    unread: usize,
    open: Option<Open>,
}

/// What a session has once its viewer is in.
struct Open {
    planner: Planner,
    pacer: Pacer,
    credential: Credential,
    rights: Rights,
    secret: [u8; 16],
    orders: mpsc::UnboundedReceiver<Order>,
    changed: watch::Receiver<u64>,
    held: Held,
    pointer: PointerNews,
    /// Input injected since the last frame.
    inputs: u64,
    outputs: Vec<Rect>,
    /// When the newest frame was sent, until its digest followed.
    undigested: Option<Micros>,
    sent_digest: Option<Digest>,
    cpu_at_start: f64,
}

impl Session {
    pub(super) fn new(
        server: Arc<Server>,
        id: u64,
        stream: Stream,
        peer: Peer,
        permit: HandshakePermit,
    ) -> Self {
        let counters = stream.counters();
        let connection = ServerConnection::new(server.now());
        Self {
            server,
            id,
            peer,
            pipe: Pipe::new(stream),
            counters,
            connection,
            permit: Some(permit),
            hello: None,
            wrong_proofs: 0,
            unread: 0,
            open: None,
        }
    }

    /// Runs until the viewer leaves, cleans up and, if the connection was merely lost,
    /// keeps the session for the viewer's return.
    pub(super) async fn run(mut self) -> Result<(), SessionError> {
        let result = self.serve().await;
        let lost = match &result {
            Ok(()) => false,
            Err(error) => {
                let reason = match error {
                    SessionError::Connection(ConnectionError::Timeout { .. }) => Some(ByeReason::Timeout),
                    SessionError::Connection(ConnectionError::Version { .. }) => Some(ByeReason::Version),
                    SessionError::Connection(ConnectionError::Bye(_)) => None,
                    SessionError::Connection(_) => Some(ByeReason::Protocol),
                    _ => None,
                };
                // Whoever breaks the protocol or says goodbye does not come back to the same state.
                let lost = matches!(
                    error,
                    SessionError::Io(_)
                        | SessionError::Closed
                        | SessionError::TakenOver
                        | SessionError::Connection(ConnectionError::Timeout { .. })
                );
                if let Some(reason) = reason.filter(|_| !lost) {
                    self.connection.close(reason, &error.to_string());
                }
                lost
            }
        };
        if !lost {
            self.say_last_words().await;
        }
        if let Some(open) = self.open.take() {
            self.leave(open, lost);
        }
        match result {
            Err(SessionError::Connection(ConnectionError::Bye(_))) => Ok(()),
            other => other,
        }
    }

    fn leave(&mut self, mut open: Open, lost: bool) {
        for event in open.held.release() {
            self.server.source.input(&event);
        }
        self.server.registry.remove(self.id);
        self.server.scene.add_viewers(-1);
        let connection = std::mem::replace(&mut self.connection, ServerConnection::new(Micros::ZERO));
        if lost && !connection.is_closed() {
            let (painted, unpainted) = connection.into_unpainted();
            let parked = Parked {
                planner: open.planner,
                painted,
                unpainted,
                credential: open.credential,
                since: Instant::now(),
            };
            self.server.park(open.secret, parked);
        }
    }

    /// Writes a goodbye that is still queued, for a moment at most.
    async fn say_last_words(&mut self) {
        let mut bytes = Vec::new();
        self.connection.poll_transmit(&mut bytes, usize::MAX);
        self.pipe.output().extend_from_slice(&bytes);
        let flush = async {
            while !self.pipe.is_writable()
                && matches!(self.pipe.turn().await, Ok(Turn::Read(_) | Turn::Written))
            {}
        };
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), flush).await;
    }

    async fn serve(&mut self) -> Result<(), SessionError> {
        let mut closing = self.server.closing();
        loop {
            self.events().await?;
            if self.open.is_some()
                && let Some(reason) = self.server.source.failure()
            {
                self.connection.close(ByeReason::Capture, &reason);
            }
            let wake = self.frame()?;
            if self.pipe.is_writable() && self.connection.has_transmit() {
                self.connection.poll_transmit(self.pipe.output(), TRANSMIT);
                self.unread = self.unread.saturating_sub(UNREAD_A_TRANSMIT);
            }
            if self.connection.is_closed() {
                self.say_last_words().await;
                return Ok(());
            }
            let now = self.server.now();
            let deadline = [self.connection.poll_timeout(), wake.at].into_iter().flatten().min();
            let sleep = deadline.map_or(std::time::Duration::from_secs(3600), |at| at.since(now).into());
            let (mut changed, mut orders) = match &mut self.open {
                Some(open) => (Some(&mut open.changed), Some(&mut open.orders)),
                None => (None, None),
            };
            let mut fed = Ok(());
            tokio::select! {
                turn = self.pipe.turn() => match turn? {
                    Turn::Read(bytes) => fed = self.connection.feed(bytes, self.server.now()),
                    Turn::Written => {}
                    Turn::Closed => return Err(SessionError::Closed),
                },
                _ = async { changed.as_mut().unwrap().changed().await }, if changed.is_some() && wake.on_change => {}
                Some(order) = async { orders.as_mut().unwrap().recv().await }, if orders.is_some() => {
                    self.order(order)?;
                }
                () = tokio::time::sleep(sleep) => self.connection.handle_timeout(self.server.now())?,
                _ = closing.wait_for(|&c| c) => {
                    self.connection.close(ByeReason::Done, "the server is closing");
                }
            }
            if let Err(error) = fed {
                // What came before a goodbye in the same read was meant.
                if self.open.is_some() {
                    self.events().await?;
                }
                return Err(error.into());
            }
        }
    }

    async fn events(&mut self) -> Result<(), SessionError> {
        while let Some(event) = self.connection.poll() {
            match event {
                ServerEvent::Hello(hello) => self.greet(hello).await?,
                ServerEvent::Auth(auth) => match self.server.prove(auth, self.peer).await {
                    Proof::Right(credential) => self.welcome(credential, None)?,
                    Proof::Wrong(reason) => {
                        self.wrong_proofs += 1;
                        if self.wrong_proofs >= MAX_PROOFS {
                            self.connection.close(ByeReason::Auth, &reason);
                        } else {
                            self.connection.retry(&reason, self.server.now());
                        }
                    }
                    Proof::Refused(reason) => self.connection.close(ByeReason::Auth, &reason),
                },
                ServerEvent::Input(event) => self.input(&event),
                ServerEvent::Acked(acked) => {
                    let (still, now) = (self.connection.frames_in_flight(), self.server.now());
                    if let Some(open) = &mut self.open {
                        open.pacer.on_acked(&acked, still, now);
                        let (rtt, rate) = (open.pacer.round_trip(), open.pacer.rate());
                        self.server.registry.update(self.id, |info| {
                            info.rtt_ms = rtt.map(Micros::as_millis_f64);
                            info.rate_bps = rate.map(|bytes| bytes * 8);
                        });
                    }
                }
                ServerEvent::Settings(settings) => {
                    self.answered()?;
                    self.set(settings);
                }
                ServerEvent::Refresh => {
                    if let Some(open) = &mut self.open {
                        open.planner.refresh();
                    }
                }
                ServerEvent::Resize(size) => {
                    self.answered()?;
                    self.resize(size);
                }
                ServerEvent::StatsRequest => {
                    self.answered()?;
                    self.stats();
                }
            }
        }
        Ok(())
    }

    async fn greet(&mut self, hello: ClientHello) -> Result<(), SessionError> {
        let resume = hello.resume.clone();
        self.hello = Some(hello);
        if let Some(ticket) = resume
            && let Some(parked) = self.server.unpark(&ticket).await
        {
            return self.welcome(parked.credential.clone(), Some(parked));
        }
        let methods = self.server.methods(self.peer);
        if methods == AuthMethods::NONE {
            return self.welcome(self.server.anonymous(), None);
        }
        self.connection.demand(&self.server.config.name, methods, self.server.now());
        Ok(())
    }

    fn welcome(&mut self, credential: Credential, parked: Option<Parked>) -> Result<(), SessionError> {
        let Some(hello) = self.hello.take() else { return Ok(()) };
        self.permit = None;
        if let Some(reason) = self.server.source.failure() {
            self.connection.close(ByeReason::Capture, &reason);
            return Ok(());
        }
        let mut secret = [0; 16];
        fill_random(&mut secret)?;
        let rights = match credential.rights {
            panto_transport::Rights::Control => self.server.config.rights,
            panto_transport::Rights::View => Rights::View,
        };
        let resumed = parked.is_some();
        let (mut planner, painted, unpainted) = match parked {
            Some(p) => (p.planner, p.painted, p.unpainted),
            None => (Planner::new(hello.settings), 0, Vec::new()),
        };
        planner.set_settings(hello.settings);
        let now = self.server.now();
        let (screen, outputs) = {
            let scene = self.server.scene.lock();
            (scene.size(), scene.outputs().to_vec())
        };
        let welcome = Welcome {
            version: VERSION,
            name: self.server.config.name.clone(),
            rights,
            resume_secret: secret,
            resumed,
            can_resize: rights == Rights::Control && self.server.source.can_resize(),
            outputs: outputs.clone(),
            settings: hello.settings,
            screen,
        };
        self.connection.welcome(welcome, painted, unpainted, now);
        let mut info = ViewerInfo {
            id: self.id,
            name: hello.name,
            peer: self.peer.to_string(),
            credential: credential.name.clone(),
            rights: match rights {
                Rights::View => "view".into(),
                Rights::Control => "control".into(),
            },
            ..ViewerInfo::default()
        };
        info.set_settings(&hello.settings);
        tracing::info!(id = self.id, peer = %self.peer, name = info.name, resumed, "viewer is in");
        let orders = self.server.registry.add(info, Arc::clone(&self.counters), secret);
        let changed = self.server.scene.subscribe();
        self.server.scene.add_viewers(1);
        self.open = Some(Open {
            planner,
            pacer: Pacer::default(),
            credential,
            rights,
            secret,
            orders,
            changed,
            held: Held::default(),
            pointer: PointerNews::default(),
            inputs: 0,
            outputs,
            undigested: Some(now),
            sent_digest: None,
            cpu_at_start: cpu_seconds(),
        });
        Ok(())
    }

    fn input(&mut self, event: &InputEvent) {
        let Some(open) = &mut self.open else { return };
        open.inputs += 1;
        if open.rights != Rights::Control {
            return;
        }
        if let InputEvent::Pointer { position } = event {
            open.pointer.moved_by_viewer(*position);
            open.planner.set_focus(Some(*position));
        }
        open.held.note(event);
        self.server.source.input(event);
    }

    fn order(&mut self, order: Order) -> Result<(), SessionError> {
        match order {
            Order::Settings(settings) => self.set(settings),
            Order::Kick => {
                self.connection.close(ByeReason::Kicked, "disconnected by the server's administrator")
            }
            Order::Park => return Err(SessionError::TakenOver),
        }
        Ok(())
    }

    fn set(&mut self, settings: Settings) {
        let Some(open) = &mut self.open else { return };
        open.planner.set_settings(settings);
        self.connection.send_settings(settings);
        self.server.registry.update(self.id, |info| info.set_settings(&settings));
        tracing::info!(
            id = self.id,
            mode = settings.mode.name(),
            depth = settings.depth.bits(),
            scale = settings.scale.divisor(),
            "settings"
        );
    }

    fn resize(&mut self, size: panto_protocol::geometry::Size) {
        let Some(open) = &self.open else { return };
        if open.rights != Rights::Control || size.is_empty() {
            return;
        }
        if let Err(reason) = self.server.source.resize(size) {
            self.connection.send_notice(&reason);
        }
    }

    /// Counts an answer. A viewer that asks and never reads would otherwise make the
    /// answers pile up without end.
    fn answered(&mut self) -> Result<(), SessionError> {
        self.unread += 1;
        if self.unread <= MAX_QUEUED_CONTROL {
            return Ok(());
        }
        Err(ConnectionError::Unexpected { what: "flood of requests whose answers it does not read" }.into())
    }

    fn stats(&mut self) {
        let Some(open) = &self.open else { return };
        let stats = ServerStats {
            server_cpu_s: cpu_seconds() - open.cpu_at_start,
            frames: self.connection.frames_sent(),
            bytes_down: self.counters.written(),
            bytes_up: self.counters.read(),
            viewers: self.server.scene.viewers() as u64,
        };
        self.connection.send_stats(serde_json::to_string(&stats).unwrap_or_default());
    }

    /// Sends a frame if one is due and may go.
    fn frame(&mut self) -> Result<Wake, SessionError> {
        let Some(open) = &mut self.open else { return Ok(Wake { at: None, on_change: false }) };
        if !self.connection.is_open() {
            return Ok(Wake { at: None, on_change: false });
        }
        let now = self.server.now();
        // Seen before the scene is read, so that no change falls between.
        open.changed.borrow_and_update();
        let mut scene = self.server.scene.lock();
        // Only the newest place counts for a viewer that is behind: what the pipe holds
        // cannot be overtaken anyway, and its end wakes the session.
        if self.pipe.is_writable() {
            for message in open.pointer.news(&scene) {
                self.connection.send_cursor(&message);
            }
        }
        if open.outputs != scene.outputs() {
            open.outputs = scene.outputs().to_vec();
            self.connection.send_outputs(scene.size(), open.outputs.clone());
        }
        if !open.planner.is_due(&scene) {
            drop(scene);
            return Ok(Wake { at: self.digest(now), on_change: true });
        }
        let (frames, bytes) = (self.connection.frames_in_flight(), self.connection.bytes_in_flight());
        match open.pacer.pace(now, frames, bytes, open.inputs > 0) {
            Pace::Now => {}
            // The acknowledgement wakes the session.
            Pace::OnAck => return Ok(Wake { at: None, on_change: false }),
            Pace::At(time) => return Ok(Wake { at: Some(time), on_change: false }),
        }
        let budget = open.pacer.budget(open.planner.settings().mode, bytes);
        let frame = open.planner.plan(&mut scene, budget)?;
        let due = open.planner.is_due(&scene);
        drop(scene);
        if let Some(frame) = frame {
            let message = frame.message(std::mem::take(&mut open.inputs));
            self.connection.send_frame(message, now);
            open.pacer.on_sent(now);
            open.undigested = Some(now);
            self.server.registry.update(self.id, |info| {
                info.frames += 1;
                info.updates += frame.count as u64;
                for (kind, bytes) in &frame.bytes_by_kind {
                    *info.payload_bytes_by_kind.entry((*kind).to_owned()).or_default() += bytes;
                }
            });
        }
        if due {
            return Ok(Wake { at: Some(now), on_change: false });
        }
        Ok(Wake { at: self.digest(now), on_change: true })
    }

    /// Sends the digest once the picture rests. Returns when to look again.
    fn digest(&mut self, now: Micros) -> Option<Micros> {
        let open = self.open.as_mut()?;
        let due = open.undigested? + DIGEST_DELAY;
        if now < due {
            return Some(due);
        }
        open.undigested = None;
        if self.connection.frames_sent() > 0 {
            let digest = open.planner.digest();
            if open.sent_digest.replace(digest) != Some(digest) {
                self.connection.send_digest(digest);
            }
        }
        None
    }
}

fn fill_random(bytes: &mut [u8]) -> Result<(), SessionError> {
    let mut filled = 0;
    while filled < bytes.len() {
        filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())
            .map_err(std::io::Error::from)?;
    }
    Ok(())
}
