//! Accepting viewers: limits, TLS, proofs of identity, sessions that can be resumed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use panto_protocol::connection::Unpainted;
use panto_protocol::message::{Auth, AuthMethods, ResumeTicket, Rights, Settings};
use panto_protocol::time::Micros;
use panto_transport::{
    Credential, CredentialStore, HANDSHAKE_DEADLINE, HandshakeLimits, HandshakePermit, Listener,
    PasswordThrottle, Peer, Returns, ServerRsaAes, ServerTls, Stream, Ticket, cpu_seconds,
};
use tokio::sync::{Notify, watch};
use zeroize::Zeroizing;

use super::registry::{Order, RFB, Registry, ViewerInfo};
use super::rfb;
use super::session::Session;
use super::web::{self, Web};
use crate::capture::WindowsState;
use crate::control::Status;
use crate::deliver::{Groups, Sharing};
use crate::plan::Planner;
use crate::scene::SharedScene;
use crate::source::Source;

/// Inputs that the screen has not done yet, beyond which nothing more is read of any viewer; and how
/// long until that is looked at again.
const MAX_UNHANDLED: usize = 4096;
pub(super) const FLOOD_PAUSE: Duration = Duration::from_millis(5);

/// How long a lost viewer's shadow is kept for its return.
const PARKED_FOR: Duration = Duration::from_secs(120);

/// Lost viewers remembered at once; each holds a shadow.
const MAX_PARKED: usize = 8;

/// How long a returning viewer waits for its old connection to be given up.
const TAKEOVER: Duration = Duration::from_secs(2);

/// Who may come in.
pub enum AuthPolicy {
    /// Everybody who can connect, with full rights. Loopback and Unix sockets only;
    /// the caller checks that (`panto_transport::check_auth_none`).
    None,
    /// Those who know a password or hold a ticket.
    Secrets {
        /// Passwords.
        passwords: CredentialStore,
        /// One-time tickets.
        tickets: Vec<Ticket>,
    },
}

/// What a server is made of.
pub struct ServerConfig {
    /// Shown in the viewers' titles.
    pub name: String,
    /// Who may come in.
    pub auth: AuthPolicy,
    /// TLS for TCP connections; `None` speaks plainly, for comparisons on loopback.
    pub tls: Option<ServerTls>,
    /// RSA-AES for VNC viewers that know no TLS, where they are asked for a password.
    pub rsa_aes: Option<ServerRsaAes>,
    /// The password of VncAuth, where that is offered to VNC viewers: of its first eight bytes.
    pub vnc_password: Option<Zeroizing<Vec<u8>>>,
    /// What every viewer may do at most.
    pub rights: Rights,
}

/// A running server: the scene, its source and everyone who looks at it.
pub struct Server {
    pub(super) config: ServerConfig,
    pub(super) scene: Arc<SharedScene>,
    pub(super) source: Arc<dyn Source>,
    pub(super) registry: Registry,
    pub(super) groups: Arc<Groups>,
    throttle: PasswordThrottle,
    /// Browsers that may come back.
    pub(super) returns: Arc<Returns>,
    limits: HandshakeLimits,
    /// VNC viewers whose persons are being asked who they are.
    pub(super) persons: HandshakeLimits,
    /// Those who are told that there is no place.
    turned_away: HandshakeLimits,
    parked: Mutex<HashMap<[u8; 16], Parked>>,
    parked_changed: Notify,
    started: Instant,
    next_id: AtomicU64,
    closing: watch::Sender<bool>,
}

/// What is kept of a viewer whose connection was lost.
pub(super) struct Parked {
    pub planner: Planner,
    pub painted: u64,
    pub unpainted: Vec<Unpainted>,
    pub credential: Credential,
    pub since: Instant,
}

/// Whether a proof was right.
pub(super) enum Proof {
    Right(Credential),
    /// Wrong, for the person to read.
    Wrong(String),
    /// Wrong, and no more tries on this connection.
    Refused(String),
}

impl Server {
    /// A server for a scene and its source.
    pub fn new(config: ServerConfig, scene: Arc<SharedScene>, source: Arc<dyn Source>) -> Arc<Self> {
        Arc::new(Self {
            config,
            scene,
            source,
            registry: Registry::default(),
            groups: Arc::default(),
            throttle: PasswordThrottle::new(),
            returns: Arc::default(),
            limits: HandshakeLimits::default(),
            persons: HandshakeLimits::default(),
            turned_away: HandshakeLimits::default(),
            parked: Mutex::default(),
            parked_changed: Notify::new(),
            started: Instant::now(),
            next_id: AtomicU64::new(1),
            closing: watch::Sender::new(false),
        })
    }

    /// Accepts viewers until [`Server::close`].
    pub async fn run(self: Arc<Self>, listener: Listener) {
        self.accept(listener, Self::serve).await;
    }

    /// Accepts VNC viewers until [`Server::close`].
    pub async fn run_rfb(self: Arc<Self>, listener: Listener) {
        self.accept(listener, Self::serve_rfb).await;
    }

    /// Accepts browsers until [`Server::close`].
    pub async fn run_web(self: Arc<Self>, listener: Listener, web: Web) {
        let web = Arc::new(web);
        let serve = move |server, stream, peer| web::serve(server, Arc::clone(&web), stream, peer);
        self.accept(listener, serve).await;
    }

    async fn accept<F>(self: Arc<Self>, listener: Listener, serve: impl Fn(Arc<Self>, Stream, Peer) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut closing = self.closing.subscribe();
        loop {
            tokio::select! {
                (stream, peer) = listener.accept() => {
                    tokio::spawn(serve(Arc::clone(&self), stream, peer));
                }
                _ = closing.wait_for(|&c| c) => return,
            }
        }
    }

    /// Serves one viewer over a stream that was accepted elsewhere, until it leaves.
    pub async fn serve(self: Arc<Self>, stream: Stream, peer: Peer) {
        let Some(permit) = self.admit(peer) else { return };
        let stream = match (&self.config.tls, peer) {
            (Some(tls), Peer::Tcp(_)) => match tls.accept(stream).await {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::info!(%peer, %error, "no TLS with peer");
                    return;
                }
            },
            _ => stream,
        };
        let id = self.new_id();
        match Session::new(Arc::clone(&self), id, stream, peer, permit).run().await {
            Ok(()) => tracing::info!(id, %peer, "viewer left"),
            Err(error) => tracing::info!(id, %peer, %error, "connection ended"),
        }
    }

    /// Serves one VNC viewer over a stream that was accepted elsewhere, until it leaves.
    pub async fn serve_rfb(self: Arc<Self>, stream: Stream, peer: Peer) {
        let permit = match self.limits.admit(peer.ip()) {
            Ok(permit) => permit,
            Err(error) => {
                tracing::warn!(%peer, %error, "connection refused");
                // So few are told why that nobody has to wait for them.
                if let Ok(_place) = self.turned_away.admit(peer.ip()) {
                    rfb::turn_away(stream, &format!("{error}; try again in ten seconds")).await;
                }
                return;
            }
        };
        let offered = self.rfb_security(peer);
        self.serve_guest(rfb::Guest { stream, peer, permit, offered, name: "VNC viewer" }).await;
    }

    /// Serves the viewer in a browser over the bytes of its WebSocket, until it leaves.
    pub(super) async fn serve_browser(self: Arc<Self>, stream: Stream, peer: Peer, permit: HandshakePermit) {
        let local = peer.ip().is_loopback();
        let offered = if stream.is_encrypted() || local {
            self.private_rfb_security(peer)
        } else {
            self.rfb_security(peer)
        };
        self.serve_guest(rfb::Guest { stream, peer, permit, offered, name: "browser" }).await;
    }

    async fn serve_guest(self: Arc<Self>, guest: rfb::Guest) {
        let (id, peer, name) = (self.new_id(), guest.peer, guest.name);
        match rfb::serve(self, id, guest).await {
            Ok(()) => tracing::info!(id, %peer, name, "viewer left"),
            Err(error) => tracing::info!(id, %peer, name, %error, "connection ended"),
        }
    }

    pub(super) fn admit(&self, peer: Peer) -> Option<HandshakePermit> {
        let permit = self.limits.admit(peer.ip());
        permit.inspect_err(|error| tracing::warn!(%peer, %error, "connection refused")).ok()
    }

    fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// What a viewer with this credential may do here.
    pub(super) fn rights(&self, credential: &Credential) -> Rights {
        match credential.rights {
            panto_transport::Rights::Control => self.config.rights,
            panto_transport::Rights::View => Rights::View,
        }
    }

    /// Says goodbye to all viewers and stops accepting.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// All viewers.
    pub fn viewers(&self) -> Vec<ViewerInfo> {
        self.registry.list()
    }

    /// How much work its viewers share.
    pub fn sharing(&self) -> Sharing {
        self.groups.sharing()
    }

    /// Changes the settings of one viewer or of all; returns how many.
    pub fn set(&self, id: Option<u64>, change: impl Fn(&mut Settings)) -> usize {
        self.registry.order(id, |info| {
            // Viewers of VNC choose for themselves.
            if info.mode == RFB {
                return None;
            }
            let mut settings = info.settings();
            change(&mut settings);
            Some(Order::Settings(settings))
        })
    }

    /// Ends a viewer's connection; whether it existed.
    pub fn kick(&self, id: u64) -> bool {
        self.registry.order(Some(id), |_| Some(Order::Kick)) > 0
    }

    /// The scene.
    pub fn scene(&self) -> &Arc<SharedScene> {
        &self.scene
    }

    /// Figures for the control socket.
    pub fn status(&self) -> Status {
        let scene = self.scene.lock();
        let size = scene.size();
        let windows = scene.canvas().windows().len();
        let windows_as = match self.source.windows() {
            Some(state) => state.to_string(),
            None if windows > 0 => WindowsState::Surfaces.to_string(),
            None => "flat: the source tells of no windows".into(),
        };
        Status {
            name: self.config.name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            uptime_s: self.started.elapsed().as_secs_f64(),
            server_cpu_s: cpu_seconds(),
            width: size.width,
            height: size.height,
            windows,
            windows_as,
            viewers: self.scene.viewers(),
            failure: self.source.failure(),
            trouble: self.source.trouble(),
        }
    }

    pub(super) fn now(&self) -> Micros {
        self.started.elapsed().into()
    }

    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Ways to authenticate over this connection. A Unix socket's permissions are the
    /// proof: only the same user can have opened it.
    pub(super) fn methods(&self, peer: Peer) -> AuthMethods {
        match (&self.config.auth, peer) {
            (AuthPolicy::None, _) | (_, Peer::Unix { .. }) => AuthMethods::NONE,
            (AuthPolicy::Secrets { .. }, Peer::Tcp(_)) => AuthMethods::PASSWORD.with(AuthMethods::TICKET),
        }
    }

    /// Whether the screen has not done what viewers have sent it long ago: nothing more is read of them
    /// for a pause.
    pub(super) fn is_flooded(&self) -> bool {
        self.source.unhandled() > MAX_UNHANDLED
    }

    /// Whether who comes over this connection has to prove who it is.
    pub(super) fn asks(&self, peer: Peer) -> bool {
        self.methods(peer) != AuthMethods::NONE
    }

    pub(super) fn anonymous(&self) -> Credential {
        Credential { name: "local".into(), rights: panto_transport::Rights::Control }
    }

    pub(super) async fn prove(&self, auth: Auth, peer: Peer) -> Proof {
        let AuthPolicy::Secrets { passwords, tickets } = &self.config.auth else {
            return Proof::Refused("no proof was asked for".into());
        };
        if let Some(refused) = self.wait_turn(peer).await {
            return refused;
        }
        if let Some(credential) = self.returns.redeem(auth.secret.as_bytes()) {
            self.throttle.succeeded(peer.ip());
            return Proof::Right(credential);
        }
        let secret = auth.secret.trim().to_owned();
        if let Some(ticket) = tickets.iter().find(|t| t.redeem(&secret, Instant::now())) {
            self.throttle.succeeded(peer.ip());
            return Proof::Right(ticket.credential());
        }
        match passwords.verify_in_turn(auth.secret.into()).await {
            Ok(Some(credential)) => {
                self.throttle.succeeded(peer.ip());
                Proof::Right(credential)
            }
            Ok(None) => self.wrong(peer, "wrong password or ticket"),
            Err(error) => {
                tracing::error!(%error, "passwords cannot be checked");
                Proof::Refused("the server cannot check passwords; see its log".into())
            }
        }
    }

    /// As [`Self::prove`], of a proof that has been looked at.
    pub(super) async fn prove_by(&self, is_right: bool, peer: Peer) -> Proof {
        if let Some(refused) = self.wait_turn(peer).await {
            return refused;
        }
        if !is_right {
            return self.wrong(peer, "wrong password");
        }
        self.throttle.succeeded(peer.ip());
        Proof::Right(Credential { name: "VNC password".into(), rights: panto_transport::Rights::Control })
    }

    /// Who was wrong before has to wait, or is refused.
    async fn wait_turn(&self, peer: Peer) -> Option<Proof> {
        let delay = self.throttle.delay(peer.ip(), Instant::now());
        if delay > HANDSHAKE_DEADLINE {
            let seconds = delay.as_secs().max(1);
            return Some(Proof::Refused(format!("too many wrong passwords; try again in {seconds} s")));
        }
        tokio::time::sleep(delay).await;
        None
    }

    fn wrong(&self, peer: Peer, said: &str) -> Proof {
        self.throttle.failed(peer.ip(), Instant::now());
        tracing::warn!(%peer, "wrong password");
        Proof::Wrong(said.into())
    }

    fn parked(&self) -> MutexGuard<'_, HashMap<[u8; 16], Parked>> {
        self.parked.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Keeps a lost viewer's shadow for its return.
    pub(super) fn park(&self, secret: [u8; 16], parked: Parked) {
        let mut all = self.parked();
        all.retain(|_, p| p.since.elapsed() < PARKED_FOR);
        if all.len() >= MAX_PARKED
            && let Some(oldest) = all.iter().min_by_key(|(_, p)| p.since).map(|(&s, _)| s)
        {
            all.remove(&oldest);
        }
        all.insert(secret, parked);
        drop(all);
        self.parked_changed.notify_waiters();
    }

    /// What was kept for a returning viewer. If its old connection is not given up
    /// yet, it is now.
    pub(super) async fn unpark(&self, ticket: &ResumeTicket) -> Option<Parked> {
        let deadline = tokio::time::Instant::now() + TAKEOVER;
        let parked = loop {
            let changed = self.parked_changed.notified();
            tokio::pin!(changed);
            // Registered before looking, so that a parking in between is not missed.
            changed.as_mut().enable();
            if let Some(parked) = self.parked().remove(&ticket.secret) {
                break parked;
            }
            if !self.registry.take_over(&ticket.secret) {
                // It may have been parked between the two looks.
                break self.parked().remove(&ticket.secret)?;
            }
            tokio::time::timeout_at(deadline, changed).await.ok()?;
        };
        let newly = usize::try_from(ticket.painted.checked_sub(parked.painted)?).ok()?;
        (parked.since.elapsed() < PARKED_FOR && newly <= parked.unpainted.len()).then(|| Parked {
            painted: ticket.painted,
            unpainted: parked.unpainted[newly..].to_vec(),
            ..parked
        })
    }
}
