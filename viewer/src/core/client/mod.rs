//! One viewing: its options, what outlives a connection, and coming back after a loss.

mod connect;
mod events;
mod figures;
mod keep;
mod link;
mod session;
mod vnc;

use std::sync::Arc;
use std::time::{Duration, Instant};

use panto_protocol::canvas::CursorImage;
use panto_protocol::message::Settings;
use panto_protocol::time::Micros;
use panto_transport::{BACKOFF, Fingerprint, KnownHosts, Protocol, Target, TrustPolicy, cpu_seconds};

use self::figures::ServerStages;
pub use self::vnc::{VncConnector, VncOpened, VncOptions, VncServer};
use super::{Command, Connection, LibraryFile, LibraryStore, Painting, View, ViewError};
use crate::stats::Stats;

/// Whom to ask what a program cannot know. Calls may block.
pub trait Prompt: Send + Sync {
    /// A password or ticket for this server; `None` gives up. `wrong` is the
    /// server's word on the last one.
    fn secret(&self, server: &str, wrong: Option<&str>) -> Option<String>;

    /// The option of the command line that a secret can be given with.
    fn option(&self) -> &'static str {
        "--password-file"
    }

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
    /// Begin with TLS. Without, only servers on this machine of which no key is known are
    /// connected to.
    pub tls: bool,
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
    /// What only VNC servers are asked for.
    pub vnc: VncOptions,
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
    /// The rest of a viewing of a VNC server.
    vnc: vnc::Viewing,
    /// Where what is kept of this server lies, once it is known who it is.
    kept: Option<LibraryFile>,
    saved_at: Instant,
    /// Frames that were painted then.
    saved_frames: u64,
    /// Bytes of connections that have ended.
    bytes_before: (u64, u64),
    quitting: bool,
}

impl Client {
    /// A viewing that is about to begin.
    pub fn new(mut options: ClientOptions, prompt: Arc<dyn Prompt>, view: View) -> Self {
        // The picture of a VNC server is not painted by commands that could be told apart.
        options.explain &= options.target.protocol == Protocol::Panto;
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
            vnc: vnc::Viewing::default(),
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

    fn now(&self) -> Micros {
        self.origin.elapsed().into()
    }

    /// Tints the picture by how each area is sent, or no longer.
    fn explain(&mut self, on: bool) {
        if self.options.target.protocol == Protocol::Vnc {
            return self.view.notice("A VNC server sends pixels only: there is nothing to explain.");
        }
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

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
