//! One viewing: connecting, proving, painting, and coming back after a loss.

use std::sync::Arc;
use std::time::{Duration, Instant};

use panto_protocol::canvas::CursorImage;
use panto_protocol::connection::{ClientConfig, ClientConnection, ClientEvent, ConnectionError};
use panto_protocol::message::{
    AuthMethods, ByeReason, CursorMessage, Offer, ResumeTicket, Rights, ServerHello, Settings, Welcome,
};
use panto_protocol::time::Micros;
use panto_protocol::wire::MAX_QUEUED_CONTROL;
use panto_transport::{
    Fingerprint, KnownHosts, Pipe, Target, TrustPolicy, Turn, WireCounters, cpu_seconds, peak_memory_bytes,
};
use serde::Deserialize;
use tokio::sync::mpsc::UnboundedReceiver;

use super::trust::{Trusted, connect_trusted};
use super::{
    Command, Connection, FrameError, LibraryFile, LibraryStore, Loaded, Painting, ServerIdentity, Verdict,
    View, ViewError,
};
use crate::stats::Stats;

/// Pauses between attempts to come back.
const BACKOFF: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// Pings are this far apart while a person may look at the figures.
const PING_EVERY: Duration = Duration::from_secs(5);

/// What is learned is saved this often; a session that ends saves it as well.
const SAVE_EVERY: Duration = Duration::from_secs(300);

/// How long the end waits for the server's figures and last frames.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long the server may take to close after a goodbye.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Bytes that may still come then: twice what a server has on its way at most.
const MAX_LAST_WORDS: u64 = 16 << 20;

/// Bytes chosen for the wire at once.
const TRANSMIT: usize = 16 << 10;

/// What one [`TRANSMIT`] takes off the count of unread answers: 64 bytes each, more than
/// an acknowledgement or a request for a refresh has.
const UNREAD_A_TRANSMIT: usize = TRANSMIT / 64;

/// Whom to ask what a program cannot know. Calls may block.
pub trait Prompt: Send + Sync {
    /// A password or ticket for this server; `None` gives up. `wrong` is the
    /// server's word on the last one.
    fn secret(&self, server: &str, wrong: Option<&str>) -> Option<String>;

    /// Whether a server that was never seen before may be trusted.
    fn trust(&self, target: &Target, fingerprint: Fingerprint) -> bool;
}

/// What to view, and how.
#[derive(Clone)]
pub struct ClientOptions {
    /// Where the server is.
    pub target: Target,
    /// What to do about servers that are not known.
    pub trust: TrustPolicy,
    /// The file of known servers.
    pub known_hosts: KnownHosts,
    /// Name given to the server.
    pub name: String,
    /// How the picture shall be sent.
    pub settings: Settings,
    /// Send no input.
    pub view_only: bool,
    /// Show a window that the person drags where the pointer is, before the server says so.
    pub local_moves: bool,
    /// Begin with the picture tinted by how each area is sent ([`super::Means`]).
    pub explain: bool,
    /// Where glyphs and tiles are kept from one session to the next, if they are.
    pub disk_cache: Option<LibraryStore>,
    /// Come back by itself after a loss.
    pub reconnect: bool,
    /// End after this time, counted from the first picture's connection.
    pub duration: Option<Duration>,
}

/// A viewing in progress.
pub struct Client {
    options: ClientOptions,
    prompt: Arc<dyn Prompt>,
    view: View,
    painting: Painting,
    cursors: Vec<Option<Arc<CursorImage>>>,
    /// The secret that was right, for coming back after the session was forgotten.
    secret: Option<String>,
    resume: Option<[u8; 16]>,
    painted: u64,
    /// Origin of all times here.
    origin: Instant,
    connected_at: Option<Instant>,
    cpu_at_start: f64,
    stats: Stats,
    server_stages: Option<ServerStages>,
    /// Where what is kept of this server lies, once it is known who it is.
    kept: Option<LibraryFile>,
    saved_at: Instant,
    /// Frames that were painted then.
    saved_frames: u64,
    /// Bytes of connections that have ended.
    bytes_before: (u64, u64),
    quitting: bool,
}

/// Figures that the server tells (METRICS.md).
#[derive(Deserialize)]
struct ServerFigures {
    server_cpu_s: f64,
    frames: u64,
    #[serde(default)]
    server_memory_bytes: Option<u64>,
    #[serde(default)]
    stages_ms: Option<ServerStages>,
}

/// The server's part of the latencies, means in ms.
#[derive(Debug, Clone, Copy, Deserialize)]
struct ServerStages {
    capture: f64,
    encode: f64,
    queue: f64,
}

impl Client {
    /// A viewing that is about to begin.
    pub fn new(options: ClientOptions, prompt: Arc<dyn Prompt>, view: View) -> Self {
        let mut painting = Painting::new(Micros::ZERO);
        painting.set_local_moves(options.local_moves);
        painting.explain(options.explain);
        view.update(|s| s.explained = options.explain);
        Self {
            options,
            prompt,
            view,
            painting,
            cursors: Vec::new(),
            secret: None,
            resume: None,
            painted: 0,
            origin: Instant::now(),
            connected_at: None,
            cpu_at_start: cpu_seconds(),
            stats: Stats::default(),
            server_stages: None,
            kept: None,
            saved_at: Instant::now(),
            saved_frames: 0,
            bytes_before: (0, 0),
            quitting: false,
        }
    }

    /// Views until the end, and returns the figures. They are complete after an error as well.
    pub async fn run(mut self) -> (Stats, Result<(), ViewError>) {
        let result = self.view_all().await;
        if let Some(saving) = self.save() {
            let _ = saving.await;
        }
        // What is saved at the end is the server's word, not what it would have been.
        if self.painting.stop_moving() {
            self.show();
        }
        let connection = Connection::Closed {
            reason: match &result {
                Ok(()) => String::new(),
                Err(error) => error.to_string(),
            },
        };
        self.finish_stats();
        let stats = self.stats.clone();
        self.view.update(|s| {
            s.connection = connection;
            s.stats = stats.clone();
        });
        (stats, result)
    }

    async fn view_all(&mut self) -> Result<(), ViewError> {
        let mut attempt = 0;
        loop {
            let connected_before = self.connected_at.is_some();
            let result = self.view_once(&mut attempt).await;
            let error = match result {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            // Only a server that was reached once is worth waiting for.
            let come_back = self.options.reconnect
                && !self.quitting
                && (connected_before || self.connected_at.is_some())
                && error.is_retryable();
            if !come_back {
                return Err(error);
            }
            attempt += 1;
            self.stats.reconnects += 1;
            if self.painting.reconnected() {
                self.show();
            }
            let reason = error.to_string();
            tracing::info!(reason, attempt, "reconnecting");
            self.view.update(|s| s.connection = Connection::Reconnecting { reason, attempt });
            match self.pause(BACKOFF[(attempt as usize - 1).min(BACKOFF.len() - 1)]).await {
                Paused::Again => {}
                Paused::Quit => return Ok(()),
                // The time was over while there was no server: a script must learn of it.
                Paused::Over => return Err(error),
            }
        }
    }

    /// Waits before the next attempt.
    async fn pause(&mut self, time: Duration) -> Paused {
        let end = tokio::time::Instant::now() + time;
        let deadline = self.deadline();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(end) => return Paused::Again,
                command = self.view.commands.recv() => match command {
                    Some(Command::Quit) | None => return Paused::Quit,
                    Some(Command::Reconnect) => return Paused::Again,
                    Some(Command::Settings(settings)) => self.options.settings = settings,
                    Some(Command::Explain(on)) => self.explain(on),
                    // Keys pressed at a dead picture are not meant for whatever comes next.
                    Some(_) => {}
                },
                () = until(deadline) => return Paused::Over,
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        Some(self.connected_at? + self.options.duration?)
    }

    async fn view_once(&mut self, attempt: &mut u32) -> Result<(), ViewError> {
        let mut wishes = Wishes::default();
        let deadline = self.deadline();
        let connected = tokio::select! {
            stream = connect_trusted(&self.options, &self.prompt) => Some(stream?),
            () = quit(&mut self.view.commands, &mut wishes) => None,
            () = until(deadline) => None,
        };
        self.grant(wishes);
        let Some(Trusted { stream, given_up, identity }) = connected else { return Ok(()) };
        self.open_library(&identity).await;
        self.bytes_before.0 += given_up.0;
        self.bytes_before.1 += given_up.1;
        let counters = stream.counters();
        // Who comes back to a session has its caches still.
        let offer = if self.resume.is_some() { Offer::default() } else { self.painting.offer() };
        let config = ClientConfig {
            name: self.options.name.clone(),
            settings: self.options.settings,
            resume: self.resume.map(|secret| ResumeTicket { secret, painted: self.painted }),
            offer,
        };
        let mut link = Link {
            encrypted: stream.is_encrypted(),
            unread: 0,
            met: false,
            pipe: Pipe::new(stream),
            connection: ClientConnection::new(config, self.now()),
            counters: Arc::clone(&counters),
            farewell: None,
            told: false,
            last_frame: None,
            figures_of: None,
        };
        let result = self.drive(&mut link, attempt).await;
        // After a goodbye both ends close in order, so that the last byte is counted too. A
        // connection that was lost is left as it is: its server waits for the next one.
        if !result.as_ref().is_err_and(ViewError::is_retryable) {
            let _ = tokio::time::timeout(LAST_WORDS, link.pipe.finish(MAX_LAST_WORDS)).await;
        }
        self.bytes_before.0 += counters.read();
        self.bytes_before.1 += counters.written();
        result
    }

    /// Reads what is kept of this server. Whatever is wrong with it is no more than a pity.
    async fn open_library(&mut self, identity: &ServerIdentity) {
        let Some(file) = self.options.disk_cache.as_ref().map(|store| store.of(identity)) else { return };
        if self.kept.as_ref().is_some_and(|kept| kept.path() == file.path()) {
            return;
        }
        let reading = file.clone();
        let loaded = match tokio::task::spawn_blocking(move || reading.load()).await {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(error)) => {
                tracing::warn!(%error, "nothing that was kept of earlier sessions is used");
                Loaded::default()
            }
            Err(_) => Loaded::default(),
        };
        if let Some(damage) = loaded.damage {
            let path = file.path().display();
            tracing::warn!(%path, damage, "what was kept of earlier sessions is damaged, and used as far as it is sound");
        }
        self.painting.set_library(loaded.library);
        self.kept = Some(file);
    }

    /// Begins to write what is kept of this server, if anything can have been learned.
    fn save(&mut self) -> Option<tokio::task::JoinHandle<()>> {
        self.saved_at = Instant::now();
        self.saved_frames = self.painting.frames();
        self.connected_at?;
        let (file, library) = (self.kept.clone()?, self.painting.library()?.clone());
        Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = file.save(&library) {
                tracing::warn!(%error, "nothing is kept of this session");
            }
        }))
    }

    fn now(&self) -> Micros {
        self.origin.elapsed().into()
    }

    /// Does what was asked for while there was no connection.
    fn grant(&mut self, wishes: Wishes) {
        if let Some(settings) = wishes.settings {
            self.options.settings = settings;
        }
        if let Some(on) = wishes.explain {
            self.explain(on);
        }
    }

    /// Tints the picture by how each area is sent, or no longer.
    fn explain(&mut self, on: bool) {
        if self.painting.explain(on) {
            self.view.update(|s| s.explained = on);
            self.show();
        }
    }

    /// Brings the picture up to date without a frame.
    fn show(&mut self) {
        let painting = &mut self.painting;
        self.view.update(|s| {
            let damage = painting.show(&mut s.picture);
            if !damage.is_empty() {
                s.damage.add_region(&damage);
                s.damage.simplify(64);
                s.generation += 1;
            }
        });
    }

    async fn drive(&mut self, link: &mut Link, attempt: &mut u32) -> Result<(), ViewError> {
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.events(link, attempt).await?;
            if link.pipe.is_writable() && link.connection.has_transmit() {
                link.connection.poll_transmit(link.pipe.output(), TRANSMIT);
                link.unread = link.unread.saturating_sub(UNREAD_A_TRANSMIT);
            }
            if link.told && link.pipe.is_writable() && !link.connection.has_transmit() {
                return Ok(());
            }
            let now = self.now();
            let timeout = [link.connection.poll_timeout(), self.painting.poll_timeout()];
            let timeout = timeout.into_iter().flatten().min().map(|at| Duration::from(at.since(now)));
            if self.saved_at.elapsed() >= SAVE_EVERY && self.saved_frames != self.painting.frames() {
                self.save();
            }
            let deadline = if link.farewell.is_some() { link.farewell } else { self.deadline() };
            // Pings keep the overlay's figure fresh; a headless run must not pay for them.
            let pings = link.connection.is_open() && self.options.duration.is_none();
            tokio::select! {
                turn = link.pipe.turn() => match turn {
                    Ok(Turn::Read(bytes)) => {
                        let now = self.origin.elapsed().into();
                        let was_open = link.connection.is_open();
                        if let Err(error) = link.connection.feed(bytes, now) {
                            // Frames that came before a goodbye in the same read belong to the last picture.
                            if was_open {
                                self.events(link, attempt).await?;
                            }
                            return Err(match error {
                                ConnectionError::Decode(_) if !link.met => ViewError::NotPanto {
                                    target: self.options.target.to_string(),
                                    source: error,
                                },
                                error => ended(error),
                            });
                        }
                    }
                    Ok(Turn::Written) => {}
                    Ok(Turn::Closed) => return Err(lost("the server closed the connection")),
                    Err(error) => return Err(lost(error.to_string())),
                },
                command = self.view.commands.recv() => match command {
                    Some(command) => self.command(command, link)?,
                    None => self.begin_farewell(link),
                },
                () = tokio::time::sleep(timeout.unwrap_or(Duration::from_secs(3600))) => {
                    let now = self.now();
                    link.connection.handle_timeout(now).map_err(ended)?;
                    if self.painting.handle_timeout(now) {
                        self.show();
                    }
                }
                () = until(deadline) => {
                    if link.farewell.is_some() {
                        self.say_goodbye(link);
                    } else {
                        self.begin_farewell(link);
                    }
                }
                // A screen at rest costs nothing but the keep-alive: no figures change either.
                _ = ping.tick(), if pings && link.figures_of != Some(self.stats.frames) => {
                    link.figures_of = Some(self.stats.frames);
                    link.connection.ping(self.now());
                    link.connection.request_stats();
                }
            }
        }
    }

    /// The end begins: ask for the server's figures, which tell how many frames it has
    /// sent, so that all of them can be painted before leaving.
    fn begin_farewell(&mut self, link: &mut Link) {
        self.quitting = true;
        if link.connection.is_open() && link.farewell.is_none() {
            link.connection.request_stats();
            link.farewell = Some(Instant::now() + FAREWELL);
        } else {
            self.say_goodbye(link);
        }
    }

    fn leave_if_all_is_painted(&mut self, link: &mut Link) {
        let all = link.last_frame.is_some_and(|last| self.painted >= last);
        if link.farewell.is_some() && all && !link.told {
            self.say_goodbye(link);
        }
    }

    fn say_goodbye(&mut self, link: &mut Link) {
        link.connection.close(ByeReason::Done, "");
        link.told = true;
    }

    fn command(&mut self, command: Command, link: &mut Link) -> Result<(), ViewError> {
        let connection = &mut link.connection;
        match command {
            Command::Quit => self.begin_farewell(link),
            Command::Explain(on) => self.explain(on),
            _ if !connection.is_open() => {
                if let Command::Settings(settings) = command {
                    self.options.settings = settings;
                }
            }
            Command::Input(event) => {
                let may = self.view.handle().shown().may_control && !self.options.view_only;
                if may {
                    connection.send_input(&event);
                    if self.painting.input_sent(&event, self.origin.elapsed().into()) {
                        self.show();
                    }
                }
            }
            Command::Settings(settings) => {
                self.options.settings = settings;
                connection.send_settings(settings);
            }
            Command::Refresh => connection.send_refresh(),
            Command::Resize(size) => connection.send_resize(size),
            Command::Reconnect => return Err(lost("reconnecting on request")),
        }
        Ok(())
    }

    async fn events(&mut self, link: &mut Link, attempt: &mut u32) -> Result<(), ViewError> {
        while let Some(event) = link.connection.poll() {
            link.met = true;
            match event {
                ClientEvent::Demand(hello) => self.prove(&hello, None, link).await?,
                ClientEvent::Retry(reason) => {
                    self.secret = None;
                    let hello = ServerHello {
                        version: 0,
                        name: self.options.target.to_string(),
                        methods: AuthMethods::PASSWORD,
                    };
                    self.prove(&hello, Some(reason), link).await?;
                }
                ClientEvent::Welcome(welcome) => {
                    *attempt = 0;
                    self.welcome(&welcome);
                    // Others may have been chosen while the greeting was on its way.
                    if welcome.settings != self.options.settings {
                        link.connection.send_settings(self.options.settings);
                    }
                }
                ClientEvent::Frame(frame) => self.frame(&frame, link)?,
                ClientEvent::Cursor(message) => self.cursor(message),
                ClientEvent::Settings(settings) => {
                    self.options.settings = settings;
                    self.view.update(|s| s.settings = settings);
                    self.publish(link);
                }
                ClientEvent::Digest { frames, digest } => {
                    let verdict = self.painting.check(frames, digest, &link.connection);
                    self.judge(verdict, link)?;
                }
                ClientEvent::Outputs { screen, .. } => self.view.update(|s| s.screen = screen),
                ClientEvent::Stats(json) => {
                    if let Ok(figures) = serde_json::from_str::<ServerFigures>(&json) {
                        self.stats.server_cpu_s = Some(figures.server_cpu_s);
                        self.stats.server_memory_bytes = figures.server_memory_bytes;
                        self.server_stages = figures.stages_ms;
                        link.last_frame = Some(figures.frames);
                    }
                    self.leave_if_all_is_painted(link);
                }
                ClientEvent::Notice(text) => self.view.notice(text),
                ClientEvent::Pong { rtt } => {
                    self.stats.rtt_ms = Some(rtt.as_millis_f64());
                    self.publish(link);
                }
            }
        }
        Ok(())
    }

    async fn prove(
        &mut self,
        hello: &ServerHello,
        wrong: Option<String>,
        link: &mut Link,
    ) -> Result<(), ViewError> {
        if !link.encrypted {
            // No Panto server asks here: whoever does is after the password.
            return Err(ViewError::Auth {
                reason: "whoever answers asks for a password or ticket without TLS, and got none: start the server \
                         with a password (panto passwd), or find out what else listens there"
                    .into(),
            });
        }
        let secret = match self.secret.clone() {
            Some(secret) => secret,
            None => {
                let (prompt, server, said) = (Arc::clone(&self.prompt), hello.name.clone(), wrong.clone());
                let asked = tokio::task::spawn_blocking(move || prompt.secret(&server, said.as_deref()));
                let mut wishes = Wishes::default();
                let answer = tokio::select! {
                    answer = asked => answer.ok().flatten(),
                    () = quit(&mut self.view.commands, &mut wishes) => {
                        self.begin_farewell(link);
                        return Ok(());
                    }
                };
                self.grant(wishes);
                answer.ok_or_else(|| ViewError::Auth {
                    reason: wrong.unwrap_or_else(|| {
                        "the server asks for a password or ticket, and none was given (--password-file)"
                            .into()
                    }),
                })?
            }
        };
        self.secret = Some(secret.clone());
        link.connection.authenticate(AuthMethods::PASSWORD, secret, self.now());
        Ok(())
    }

    fn welcome(&mut self, welcome: &Welcome) {
        if !welcome.resumed {
            self.painting.begin();
            self.painted = 0;
        }
        self.cursors.clear();
        self.resume = Some(welcome.resume_secret);
        self.connected_at.get_or_insert_with(Instant::now);
        let may_control = welcome.rights == Rights::Control && !self.options.view_only;
        self.view.update(|s| {
            s.connection = Connection::Connected;
            s.screen = welcome.screen;
            s.settings = welcome.settings;
            s.may_control = may_control;
            s.can_resize = welcome.can_resize && may_control;
            s.server_name = welcome.name.clone();
        });
    }

    fn frame(&mut self, frame: &[u8], link: &mut Link) -> Result<(), ViewError> {
        let (painting, origin) = (&mut self.painting, self.origin);
        let shown = self.view.update(|s| {
            let shown =
                painting.frame(frame, &mut link.connection, &mut s.picture, || origin.elapsed().into())?;
            s.damage.add_region(&shown.damage);
            s.damage.simplify(64);
            s.generation += 1;
            Ok::<_, FrameError>(shown)
        })?;
        self.painted = link.connection.frames_painted();
        link.answered()?;
        self.judge(shown.verdict, link)?;
        self.publish(link);
        self.leave_if_all_is_painted(link);
        Ok(())
    }

    fn cursor(&mut self, message: CursorMessage) {
        match message {
            CursorMessage::Define { slot, image } => {
                let slot = slot as usize;
                if self.cursors.len() <= slot {
                    self.cursors.resize(slot + 1, None);
                }
                let image = Arc::new(image);
                self.cursors[slot] = Some(Arc::clone(&image));
                self.view.update(|s| s.cursor = Some(image));
            }
            CursorMessage::Use { slot } => {
                // A slot that was never defined shows the pointer as it was: always some pointer.
                if let Some(Some(image)) = self.cursors.get(slot as usize) {
                    let image = Arc::clone(image);
                    self.view.update(|s| s.cursor = Some(image));
                }
            }
            CursorMessage::Move { position } => self.view.update(|s| s.pointer = position),
        }
    }

    /// Acts on what a digest said.
    fn judge(&mut self, verdict: Option<Verdict>, link: &mut Link) -> Result<(), ViewError> {
        match verdict {
            None => return Ok(()),
            Some(Verdict::Right) => self.stats.digests_ok += 1,
            Some(Verdict::Wrong) => {
                self.stats.digests_wrong += 1;
                let frames = self.painted;
                tracing::error!(frames, "the picture is not the server's: asking for all of it again");
                // Should a forged hash be why, it is not met again.
                self.painting.forget_library();
                if let Some(file) = self.kept.take() {
                    file.forget();
                }
                link.connection.send_refresh();
                link.answered()?;
            }
        }
        self.publish(link);
        Ok(())
    }

    /// Puts the figures where the front sees them.
    fn publish(&mut self, link: &Link) {
        self.stats.bytes_down = self.bytes_before.0 + link.counters.read();
        self.stats.bytes_up = self.bytes_before.1 + link.counters.written();
        self.update_stats();
        let stats = self.stats.clone();
        // Without waking: whatever changed the picture wakes the front itself.
        self.view.handle().shown().stats = stats;
    }

    fn update_stats(&mut self) {
        let settings = self.options.settings;
        let stats = &mut self.stats;
        stats.mode = settings.mode.name().into();
        stats.depth = settings.depth.bits();
        stats.scale = settings.scale.divisor() as u8;
        stats.lossless = settings.is_lossless();
        stats.duration_s = self.connected_at.map_or(0.0, |at| at.elapsed().as_secs_f64());
        stats.viewer_cpu_s = cpu_seconds() - self.cpu_at_start;
        let painting = &self.painting;
        stats.frames = painting.frames();
        stats.updates = painting.commands();
        stats.input_to_pixel_ms = painting.latencies().summary();
        stats.first_picture_ms = painting.first_picture().map(Micros::as_millis_f64);
        stats.latency_stages_ms =
            self.server_stages.and_then(|s| painting.stages(s.capture, s.encode, s.queue));
        stats.payload_bytes_by_kind =
            painting.screen().bytes_by_kind().iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
        stats.payload_bytes_by_means =
            painting.screen().explanation().bytes().map(|(m, n)| (m.name().to_owned(), n)).collect();
    }

    fn finish_stats(&mut self) {
        self.stats.bytes_down = self.bytes_before.0;
        self.stats.bytes_up = self.bytes_before.1;
        self.update_stats();
        self.stats.viewer_memory_bytes = peak_memory_bytes();
        self.stats.digest = self.painting.screen().digest().to_string();
    }
}

/// How a wait for the next attempt ended.
enum Paused {
    /// It is time for the next attempt.
    Again,
    /// The person ended it.
    Quit,
    /// The time for viewing was over.
    Over,
}

/// One connection.
struct Link {
    /// Whether the bytes travel in TLS, so that a secret may be sent.
    encrypted: bool,
    /// Answers that the server did not make room for yet; `<= MAX_QUEUED_CONTROL`.
    unread: usize,
    /// Whether the server has said anything that makes sense.
    met: bool,
    pipe: Pipe,
    connection: ClientConnection,
    counters: Arc<WireCounters>,
    /// When waiting for the server's last words ends.
    farewell: Option<Instant>,
    /// Whether goodbye was said.
    told: bool,
    /// Frames that the server had sent when the end began.
    last_frame: Option<u64>,
    /// Frames painted in all when figures were last asked for.
    figures_of: Option<u64>,
}

impl Link {
    /// Counts an answer. A server that makes the viewer answer and never reads would
    /// otherwise make the answers pile up without end.
    fn answered(&mut self) -> Result<(), ViewError> {
        self.unread += 1;
        if self.unread <= MAX_QUEUED_CONTROL {
            return Ok(());
        }
        Err(ViewError::Protocol(ConnectionError::Unexpected {
            what: "flood of messages whose answers it does not read",
        }))
    }
}

/// What of a person's commands means something without a connection.
#[derive(Default)]
struct Wishes {
    settings: Option<Settings>,
    explain: Option<bool>,
}

/// Waits until the person wants to leave; keeps the newest wishes until then.
async fn quit(commands: &mut UnboundedReceiver<Command>, wishes: &mut Wishes) {
    loop {
        match commands.recv().await {
            Some(Command::Quit) | None => return,
            Some(Command::Settings(newest)) => wishes.settings = Some(newest),
            Some(Command::Explain(on)) => wishes.explain = Some(on),
            Some(_) => {}
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn lost(reason: impl Into<String>) -> ViewError {
    ViewError::Lost { reason: reason.into() }
}

fn ended(error: ConnectionError) -> ViewError {
    match error {
        ConnectionError::Bye(bye) => match bye.reason {
            ByeReason::Auth => ViewError::Auth { reason: bye.text },
            ByeReason::Capture => ViewError::Capture { reason: bye.text },
            ByeReason::Timeout => ViewError::Lost { reason: bye.text },
            ByeReason::Protocol | ByeReason::Version => {
                ViewError::Protocol(ConnectionError::Bye(panto_protocol::message::Bye {
                    reason: bye.reason,
                    text: format!("the server says: {}", bye.text),
                }))
            }
            _ => ViewError::Ended { reason: bye.text },
        },
        ConnectionError::Timeout { what } => ViewError::Timeout { what: what.into() },
        error => ViewError::Protocol(error),
    }
}
