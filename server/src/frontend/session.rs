//! One viewer's session: its connection, its planner, its share of the input.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use panto_protocol::canvas::PaintError;
use panto_protocol::connection::{ConnectionError, ServerConnection, ServerEvent};
use panto_protocol::message::{
    AuthMethods, ByeReason, ClientHello, InputEvent, Rights, Settings, VERSION, Welcome,
};
use panto_protocol::time::Micros;
use panto_protocol::wire::MAX_QUEUED_CONTROL;
use panto_transport::{
    Credential, HandshakePermit, Peer, Pipe, Stream, Turn, WireCounters, cpu_seconds, peak_memory_bytes,
};
use tokio::sync::{mpsc, watch};

use super::held::Held;
use super::registry::{Order, ViewerInfo};
use super::server::{FLOOD_PAUSE, Parked, Proof, Server};
use crate::deliver::{Delivery, Wake};
use crate::plan::Planner;
use crate::scene::Viewing;
use crate::stats::ServerStats;

/// Bytes chosen for the wire at once. What is chosen cannot be overtaken any more.
const TRANSMIT: usize = 16 << 10;

/// What one [`TRANSMIT`] takes off the count of unread answers: 1 KiB each, the longest notice.
const UNREAD_A_TRANSMIT: usize = TRANSMIT / 1024;

/// How long a goodbye may take: to be written, and the viewer to close.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Bytes of the viewer's that may still be on their way then: acknowledgements, input,
/// or the TLS handshake of one that tries that with a server without.
const MAX_LAST_WORDS: u64 = 64 << 10;

/// Wrong proofs on one connection before it is closed.
const MAX_PROOFS: u32 = 3;

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
    /// What the viewer was told of the source's trouble.
    trouble: Option<String>,
    open: Option<Open>,
}

/// What a session has once its viewer is in.
struct Open {
    delivery: Delivery,
    viewing: Viewing,
    credential: Credential,
    rights: Rights,
    secret: [u8; 16],
    orders: mpsc::UnboundedReceiver<Order>,
    changed: watch::Receiver<u64>,
    held: Held,
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
            trouble: None,
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
            let theirs = matches!(result, Err(SessionError::Connection(ConnectionError::Bye(_))));
            self.close(theirs).await;
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
        drop(open.viewing);
        let (bytes_down, bytes_up) = (self.counters.written(), self.counters.read());
        tracing::info!(id = self.id, bytes_down, bytes_up, "viewer is out");
        let mut connection = std::mem::replace(&mut self.connection, ServerConnection::new(Micros::ZERO));
        if lost && !connection.is_closed() {
            let planner = open.delivery.into_planner(&mut connection, self.server.now());
            let (painted, unpainted) = connection.into_unpainted();
            let parked =
                Parked { planner, painted, unpainted, credential: open.credential, since: Instant::now() };
            self.server.park(open.secret, parked);
        }
    }

    /// Closes the connection after a goodbye of either end.
    async fn close(&mut self, theirs: bool) {
        // Whoever has said goodbye reads nothing more.
        if !theirs {
            let mut bytes = Vec::new();
            self.connection.poll_transmit(&mut bytes, usize::MAX);
            self.pipe.output().extend_from_slice(&bytes);
        }
        let _ = tokio::time::timeout(LAST_WORDS, self.pipe.finish(MAX_LAST_WORDS)).await;
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
            self.tell_trouble();
            let wake = self.frame()?;
            if self.pipe.is_writable() && self.connection.has_transmit() {
                self.connection.poll_transmit(self.pipe.output(), TRANSMIT);
                self.unread = self.unread.saturating_sub(UNREAD_A_TRANSMIT);
            } else if self.pipe.is_writable()
                && let Some(open) = &mut self.open
            {
                open.delivery.written(self.server.now());
            }
            if self.connection.is_closed() {
                return Ok(());
            }
            let now = self.server.now();
            let deadline = [self.connection.poll_timeout(), wake.at].into_iter().flatten().min();
            let sleep = deadline.map_or(Duration::from_secs(3600), |at| at.since(now).into());
            let (mut changed, mut orders) = match &mut self.open {
                Some(open) => (Some(&mut open.changed), Some(&mut open.orders)),
                None => (None, None),
            };
            let floods = self.server.is_flooded();
            let mut fed = Ok(());
            tokio::select! {
                turn = self.pipe.turn(), if !floods => match turn? {
                    Turn::Read(bytes) => fed = self.connection.feed(bytes, self.server.now()),
                    Turn::Written => {}
                    Turn::Closed => return Err(SessionError::Closed),
                },
                _ = async { changed.as_mut().unwrap().changed().await }, if changed.is_some() && wake.on_change => {}
                Some(order) = async { orders.as_mut().unwrap().recv().await }, if orders.is_some() => {
                    self.order(order)?;
                }
                () = tokio::time::sleep(FLOOD_PAUSE), if floods => {}
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
                        open.delivery.acked(&acked, still, now);
                        let pacer = open.delivery.pacer();
                        let (rtt, rate) = (pacer.round_trip(), pacer.rate());
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
                        open.delivery.refresh();
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
        let rights = self.server.rights(&credential);
        let resumed = parked.is_some();
        let (mut planner, painted, unpainted) = match parked {
            Some(p) => (p.planner, p.painted, p.unpainted),
            None => {
                let mut planner = Planner::new(hello.settings);
                planner.offer(&hello.offer);
                (planner, 0, Vec::new())
            }
        };
        planner.set_settings(hello.settings);
        planner.calibrate(nanoseconds);
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
        let mut info = ViewerInfo::new(self.id, hello.name, self.peer, &credential, rights);
        info.set_settings(&hello.settings);
        tracing::info!(id = self.id, peer = %self.peer, name = info.name, resumed, "viewer is in");
        let orders = self.server.registry.add(info, Arc::clone(&self.counters), secret);
        let changed = self.server.scene.subscribe();
        self.open = Some(Open {
            delivery: Delivery::shared(Arc::clone(&self.server.groups), planner, (screen, outputs), now),
            viewing: self.server.scene.view(),
            credential,
            rights,
            secret,
            orders,
            changed,
            held: Held::default(),
            cpu_at_start: cpu_seconds(),
        });
        Ok(())
    }

    fn input(&mut self, event: &InputEvent) {
        let Some(open) = &mut self.open else { return };
        let obeyed = open.rights == Rights::Control;
        open.delivery.input(event, obeyed, self.server.now());
        if !obeyed {
            return;
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
        open.delivery.set_settings(settings);
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

    /// Says once what is wrong with the source, and once that it is well again.
    fn tell_trouble(&mut self) {
        if self.open.is_none() {
            return;
        }
        let trouble = self.server.source.trouble();
        if trouble != self.trouble {
            self.connection.send_notice(trouble.as_deref().unwrap_or("the screen is shown as it is again"));
            self.trouble = trouble;
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
            server_memory_bytes: peak_memory_bytes(),
            frames: self.connection.frames_sent(),
            bytes_down: self.counters.written(),
            bytes_up: self.counters.read(),
            viewers: self.server.scene.viewers() as u64,
            stages_ms: open.delivery.stages(),
        };
        self.connection.send_stats(serde_json::to_string(&stats).unwrap_or_default());
    }

    /// Sends a frame if one is due and may go.
    fn frame(&mut self) -> Result<Wake, SessionError> {
        let Some(open) = &mut self.open else { return Ok(Wake { at: None, on_change: false }) };
        let now = self.server.now();
        // Seen before the scene is read, so that no change falls between.
        open.changed.borrow_and_update();
        if self.server.scene.is_stale() {
            return Ok(Wake { at: None, on_change: true });
        }
        let (delivered, whole) = {
            let mut scene = self.server.scene.lock();
            let writable = self.pipe.is_writable();
            let delivered = open.delivery.deliver(&mut scene, &mut self.connection, writable, now)?;
            let all_sent = !open.delivery.is_due(&scene);
            let all_painted = self.connection.frames_in_flight() == 0;
            (delivered, (all_sent && all_painted).then(|| scene.position()))
        };
        if let Some(position) = whole {
            open.viewing.has_whole(position);
        }
        let now = self.server.now();
        open.delivery.digest(&mut self.connection, now);
        if let Some(frame) = delivered.frame {
            open.delivery.encoded(now);
            self.server.registry.update(self.id, |info| {
                info.frames += 1;
                info.updates += frame.frame().count as u64;
                for (kind, bytes) in &frame.frame().bytes_by_kind {
                    *info.payload_bytes_by_kind.entry((*kind).to_owned()).or_default() += bytes;
                }
            });
        }
        Ok(delivered.wake)
    }
}

/// A clock for the planner's estimates.
fn nanoseconds() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_nanos() as u64
}

pub(super) fn fill_random(bytes: &mut [u8]) -> std::io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(())
}
