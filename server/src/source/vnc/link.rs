//! The thread that talks with a VNC server: one connection after the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use panto_protocol::geometry::Size;
use panto_protocol::message::InputEvent;
use panto_protocol::rfb::client::{Config, Connection, ConnectionError, Event, Hands};
use panto_protocol::rfb::{Leds, MAX_CUT_TEXT};
use panto_protocol::time::Micros;
use panto_transport::{BACKOFF, Pipe, Turn};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::updates::Updates;
use super::{Begun, Shared, VncConnect, VncOpened, VncSourceError};
use crate::desk::Desk;
use crate::scene::{Scene, SharedScene};

/// How long viewers are not let in at first while the server has not said what it can do.
const LOOK: Duration = Duration::from_secs(1);

/// How long the server may take to close at the end, and the bytes that it may send meanwhile.
const LAST_WORDS: Duration = Duration::from_millis(500);
const MAX_LAST_WORDS: u64 = 16 << 20;

/// How long the server may take to read what it is sent.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// Events that are said at once: one write for what has come together.
const MAX_SAID: usize = 256;

/// The largest sides that a server is asked for.
const MAX_SIDE: u32 = 16_384;

/// How a connection ended.
enum End {
    /// Somebody wants it so.
    Stopped,
    /// The link is at fault, or the server has gone.
    Lost(String),
    /// The server is at fault.
    Broken(ConnectionError),
}

impl End {
    fn stuck() -> Self {
        Self::Lost("it does not read what it is sent".into())
    }
}

/// What outlives a connection.
pub(super) struct Gateway {
    shared: Arc<Shared>,
    desk: Arc<Desk>,
    input: mpsc::Receiver<InputEvent>,
    stop: watch::Receiver<bool>,
    hands: Hands,
    /// Origin of the hands' times.
    began: Instant,
}

/// Who waits for the first connection.
type Waiting<E> = oneshot::Sender<Result<Begun, VncSourceError<E>>>;

impl Gateway {
    pub(super) fn new(shared: Arc<Shared>, desk: Arc<Desk>, input: mpsc::Receiver<InputEvent>) -> Self {
        let stop = shared.stop.subscribe();
        Self { shared, desk, input, stop, hands: Hands::default(), began: Instant::now() }
    }

    fn now(&self) -> Micros {
        self.began.elapsed().into()
    }

    /// Connects again and again, until it is stopped or refused.
    pub(super) async fn run<C: VncConnect>(mut self, mut connect: C, begun: Waiting<C::Error>) {
        let opened = match self.connect(&mut connect).await {
            Some(Ok(opened)) => opened,
            Some(Err(error)) => {
                let _ = begun.send(Err(VncSourceError::Connect(error)));
                return;
            }
            None => return,
        };
        let scene = Arc::new(SharedScene::new(Scene::new(opened.init.size)));
        let first = Begun { scene: Arc::clone(&scene), name: opened.init.name.clone() };
        let mut link = Link::new(opened, Arc::clone(&scene));
        // What it can do, viewers are told when they come in.
        let mut end = timeout(LOOK, self.drive(&mut link, true)).await.unwrap_or(None);
        if let Some(End::Broken(error)) = end {
            let _ = begun.send(Err(VncSourceError::Protocol(error)));
            return;
        }
        let _ = begun.send(Ok(first));
        loop {
            let end = match end.take() {
                Some(end) => end,
                None => match self.drive(&mut link, false).await {
                    Some(end) => end,
                    None => continue,
                },
            };
            let reason = match end {
                End::Stopped => return self.leave(link).await,
                End::Broken(error) => return self.fail(&scene, error.to_string()),
                End::Lost(reason) => reason,
            };
            tracing::warn!(reason, "the VNC server is lost");
            self.tell(&scene, Some(format!("the VNC server is lost ({reason}); this is its last picture")));
            drop(link);
            link = match self.come_back(&mut connect).await {
                Some(Ok(opened)) => Link::new(opened, Arc::clone(&scene)),
                Some(Err(error)) => return self.fail(&scene, error.to_string()),
                None => return,
            };
            // That was the last one.
            self.shared.orders().stuck = false;
            tracing::info!("the VNC server is back");
            self.tell(&scene, None);
        }
    }

    /// One attempt; `None` if it is stopped.
    async fn connect<C: VncConnect>(&mut self, connect: &mut C) -> Option<Result<VncOpened, C::Error>> {
        let mut attempt = std::pin::pin!(connect.connect());
        loop {
            tokio::select! {
                opened = &mut attempt => return Some(opened),
                () = stopped(&mut self.stop) => return None,
                // Keys pressed at a dead picture are not meant for whatever comes next.
                Some(_) = self.input.recv() => {}
            }
        }
    }

    /// Connects as soon as there is somebody again; an error is a refusal.
    async fn come_back<C: VncConnect>(&mut self, connect: &mut C) -> Option<Result<VncOpened, C::Error>> {
        self.hands.forget();
        for attempt in 0.. {
            let pause = sleep(BACKOFF[attempt.min(BACKOFF.len() - 1)]);
            let mut pause = std::pin::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    () = stopped(&mut self.stop) => return None,
                    Some(_) = self.input.recv() => {}
                }
            }
            match self.connect(connect).await? {
                Err(error) if C::is_retryable(&error) => tracing::debug!(%error, attempt, "not back yet"),
                result => return Some(result),
            }
        }
        None
    }

    /// What is wrong at present; viewers learn of it by looking.
    fn tell(&self, scene: &SharedScene, lost: Option<String>) {
        *self.shared.lost() = lost;
        scene.update(|_| ());
    }

    /// There will be no more pictures.
    fn fail(&self, scene: &SharedScene, reason: String) {
        tracing::error!(reason, "the VNC server cannot be served any more");
        let _ = self.shared.failure.set(format!(
            "the VNC server cannot be served any more: {reason}; mend that, and start `panto serve` again"
        ));
        // Viewers learn of it by looking.
        scene.update(|_| ());
    }

    /// Lets everything go, and closes in order.
    async fn leave(&mut self, mut link: Link) {
        self.hands.release(&mut link.connection);
        let output = link.connection.take_output();
        link.pipe.output().extend_from_slice(&output);
        let _ = timeout(LAST_WORDS, link.pipe.finish(MAX_LAST_WORDS)).await;
    }

    /// Moves bytes and acts on them until the connection ends, or (`None`) only until it is known
    /// what the server can do. Dropping the future loses nothing.
    async fn drive(&mut self, link: &mut Link, look: bool) -> Option<End> {
        loop {
            if let Err(error) = link.events(&self.desk) {
                return Some(match error {
                    ConnectionError::Unread => End::Lost(error.to_string()),
                    error => End::Broken(error),
                });
            }
            self.shared.can_resize.store(link.connection.can_resize(), Ordering::Release);
            if look && link.looked {
                return None;
            }
            link.rest_or_wake();
            if self.obey(link) {
                return Some(End::stuck());
            }
            link.write();
            // Servers of VNC leave it to viewers to press a held key again, and Panto's viewers to us.
            let held = self.hands.poll_timeout().map(|at| self.began + Duration::from(at));
            tokio::select! {
                turn = link.pipe.turn() => match turn {
                    Ok(Turn::Read(bytes)) => link.connection.feed(bytes),
                    Ok(Turn::Written) => {}
                    Ok(Turn::Closed) => return Some(End::Lost("it has closed the connection".into())),
                    Err(error) => return Some(End::Lost(error.to_string())),
                },
                () = sleep_until(link.unread_since.unwrap_or_else(Instant::now) + READ_WITHIN),
                    if link.unread_since.is_some() => return Some(End::stuck()),
                Some(event) = self.input.recv(), if link.pipe.is_writable() => self.act(event, link),
                () = self.shared.ordered.notified() => {}
                () = until(held) => {
                    let now = self.now();
                    self.hands.handle_timeout(now, &mut link.connection);
                }
                _ = link.viewers.changed() => {}
                () = stopped(&mut self.stop) => return Some(End::Stopped),
            }
        }
    }

    /// Does what viewers want beside input; whether the server is stuck.
    fn obey(&mut self, link: &mut Link) -> bool {
        let mut orders = self.shared.orders();
        if let Some(text) = orders.clipboard.take() {
            link.connection.cut_text(&text);
        }
        if let Some(size) = orders.size.filter(|_| link.connection.can_resize()) {
            orders.size = None;
            let side = |v: u32| v.clamp(1, MAX_SIDE);
            link.connection.set_desktop_size(Size::new(side(size.width), side(size.height)));
        }
        std::mem::take(&mut orders.stuck)
    }

    /// Says what viewers did: this, and what has come since.
    fn act(&mut self, event: InputEvent, link: &mut Link) {
        let mut events = vec![event];
        while events.len() < MAX_SAID
            && let Ok(event) = self.input.try_recv()
        {
            events.push(event);
        }
        let now = self.now();
        for event in &events {
            self.hands.act(event, now, &mut link.connection);
        }
        // Who has put the pointer somewhere is not told by the server where it is.
        if events.iter().any(|event| matches!(event, InputEvent::Pointer { .. })) {
            let position = self.hands.position();
            link.scene.update(|scene| scene.set_pointer(position));
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender is in what this thread shares.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// One connection.
struct Link {
    pipe: Pipe,
    connection: Connection,
    scene: Arc<SharedScene>,
    viewers: watch::Receiver<usize>,
    updates: Updates,
    /// Whether updates are asked for.
    awake: bool,
    /// Whether the first of them has come: with it servers tell what they can do.
    looked: bool,
    /// Since when it has something to read.
    unread_since: Option<Instant>,
}

impl Link {
    fn new(opened: VncOpened, scene: Arc<SharedScene>) -> Self {
        let VncOpened { stream, init, said } = opened;
        let mut connection = Connection::at_rest(&init, &Config::default());
        connection.look();
        connection.feed(&said);
        Self {
            pipe: Pipe::new(stream),
            connection,
            viewers: scene.subscribe_viewers(),
            scene,
            updates: Updates::begin(init.size),
            awake: false,
            looked: false,
            unread_since: None,
        }
    }

    /// Asks for updates while somebody views, beginning with the whole picture.
    fn rest_or_wake(&mut self) {
        let is_viewed = *self.viewers.borrow_and_update() > 0;
        match (is_viewed, self.awake) {
            (true, false) => {
                self.connection.wake();
                self.updates.expect_all();
            }
            (false, true) => self.connection.rest(),
            _ => {}
        }
        if !is_viewed {
            self.scene.set_stale(true);
        }
        self.awake = is_viewed;
    }

    fn write(&mut self) {
        if self.pipe.is_writable() && self.connection.has_output() {
            let output = self.connection.take_output();
            self.pipe.output().extend_from_slice(&output);
        }
        match self.pipe.is_writable() {
            true => self.unread_since = None,
            false => _ = self.unread_since.get_or_insert_with(Instant::now),
        }
    }

    /// Acts on everything that has come.
    fn events(&mut self, desk: &Desk) -> Result<(), ConnectionError> {
        while let Some(event) = self.connection.poll()? {
            if matches!(event, Event::Resized(_)) && self.updates.is_missing() {
                // What was asked for is as large as the old screen.
                self.connection.refresh();
            }
            let Some(event) = self.updates.take(event, &self.scene) else { continue };
            match event {
                Event::UpdateEnd => {
                    self.updates.end(&self.scene, self.connection.screens());
                    self.looked = true;
                    if self.awake && !self.updates.is_missing() {
                        self.scene.set_stale(false);
                    }
                }
                Event::CutText(text) if text.len() <= MAX_CUT_TEXT => {
                    desk.update(|state| state.text = Some(text.into()));
                }
                Event::CutText(text) => {
                    tracing::info!(bytes = text.len(), "what was copied is too long");
                }
                Event::CutTextTooLong { length } => {
                    tracing::info!(bytes = length, "what was copied is too long");
                }
                Event::Leds(leds) => desk.update(|state| state.leds = Leds(leds)),
                Event::Bell => desk.update(|state| state.bells += 1),
                Event::Name(name) => tracing::debug!(name, "the VNC server has another name"),
                Event::NotResized { status } => {
                    tracing::info!(status, "the VNC server keeps its screen's size");
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Until this time; for ever without one.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
