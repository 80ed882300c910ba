//! Browsers: a page over HTTP/1.1, and for the viewer in it (noVNC) RFB inside a WebSocket.
//!
//! Only a fixed set of paths is answered, all from memory: see [`assets`].

mod assets;
mod origin;
mod reply;
mod upgrade;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use panto_transport::{HANDSHAKE_DEADLINE, HandshakeLimits, Peer, ServerTls, Stream, TlsError};

use self::assets::Assets;
use self::reply::{Body, Refusal};
use super::server::Server;

/// The WebSocket's path.
const WEBSOCKET: &str = "/websocket";

/// Bytes of a request's head at most; what browsers send is a tenth of it.
const MAX_HEAD: usize = 16 << 10;

/// Connections that speak HTTP at once, in all and from one address. A browser opens six, and they
/// count here and not with those who knock: else one page would keep viewers out.
const MAX_CONNECTIONS: usize = 64;
const MAX_CONNECTIONS_PER_IP: usize = 32;

/// How long a connection may speak HTTP: enough for all files over a modem, and an end to who
/// never reads them.
const LIFETIME: Duration = Duration::from_secs(180);

/// What browsers are served beside the session.
pub struct Web {
    assets: Assets,
    tls: Option<ServerTls>,
    limits: HandshakeLimits,
}

impl Web {
    /// noVNC from `novnc`, the directory of its `core` and `vendor`; HTTPS with `tls`
    /// ([`ServerTls::for_http`]), and plain HTTP without, which is for loopback alone.
    pub fn new(novnc: PathBuf, tls: Option<ServerTls>) -> Self {
        let limits = HandshakeLimits::new(MAX_CONNECTIONS, MAX_CONNECTIONS_PER_IP);
        Self { assets: Assets::new(novnc), tls, limits }
    }

    /// Looks for noVNC.
    ///
    /// # Errors
    ///
    /// If it is not there, with how to get it. It is looked for again when a page is asked for.
    pub fn check(&self) -> Result<(), String> {
        self.assets.novnc().map(drop).map_err(|error| error.to_string())
    }
}

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
enum WebError {
    #[error("no TLS with the browser: {0}")]
    Tls(#[from] TlsError),
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    #[error("not HTTP: {0}")]
    Http(#[from] hyper::Error),
    #[error("the browser took longer than {} s", LIFETIME.as_secs())]
    Slow,
}

/// One connection, and who is at its other end.
struct Visit {
    server: Arc<Server>,
    web: Arc<Web>,
    peer: Peer,
    encrypted: bool,
    /// Speaks plain HTTP where TLS is spoken.
    astray: bool,
}

/// Serves one connection until it ends or becomes a viewer's, which goes on by itself.
pub(super) async fn serve(server: Arc<Server>, web: Arc<Web>, stream: Stream, peer: Peer) {
    let _place = match web.limits.admit(peer.ip()) {
        Ok(place) => place,
        Err(error) => {
            tracing::warn!(%peer, %error, "web connection refused");
            return;
        }
    };
    // Browsers open more connections than they use, and drop them: that is no news.
    if let Err(error) = speak(server, web, stream, peer).await {
        tracing::debug!(%peer, %error, "web connection ended");
    }
}

async fn speak(server: Arc<Server>, web: Arc<Web>, stream: Stream, peer: Peer) -> Result<(), WebError> {
    let mut stream = stream;
    let mut astray = false;
    if let Some(tls) = &web.tls {
        let begins = tokio::time::timeout(HANDSHAKE_DEADLINE, stream.begins_tls()).await;
        astray = !begins.map_err(|_| WebError::Slow)??;
        if !astray {
            stream = tls.accept_any(stream).await?;
        }
    }
    let visit = Arc::new(Visit { server, web, peer, encrypted: stream.is_encrypted(), astray });
    let service = service_fn(|request| {
        let visit = Arc::clone(&visit);
        async move { Ok::<_, Infallible>(visit.answer(request)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE_DEADLINE)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::time::timeout(LIFETIME, connection).await.map_err(|_| WebError::Slow)??;
    Ok(())
}

impl Visit {
    fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        tracing::debug!(peer = %self.peer, method = %request.method(), path = request.uri().path(), "request");
        if let Err(refusal) = self.check(&request) {
            return refusal.into();
        }
        if self.astray {
            return to_https(&request);
        }
        if request.uri().path() == WEBSOCKET {
            return upgrade::answer(self, request).unwrap_or_else(Into::into);
        }
        match self.web.assets.find(request.uri().path()) {
            Some((status, asset)) => reply::file(status, &asset, request.headers()),
            None => Refusal(StatusCode::NOT_FOUND, "there is no such page; the viewer is at /").into(),
        }
    }

    /// What every request has to be.
    fn check(&self, request: &Request<Incoming>) -> Result<(), Refusal> {
        // Before 1.1 there need be no host, and no browser is that old.
        if request.version() < Version::HTTP_11 {
            return Err(Refusal(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here"));
        }
        let Some(host) = host(request.headers()) else {
            return Err(Refusal(StatusCode::BAD_REQUEST, "the request names no host"));
        };
        // A page elsewhere could point a name of its own at this machine (DNS rebinding), and would
        // pass for ours. Where nobody is asked for a password, only names of loopback are taken.
        if !self.server.asks(self.peer) && !origin::is_loopback(host) {
            let why = "without a password this server answers to localhost and 127.0.0.1 only; open it by that name";
            return Err(Refusal(StatusCode::MISDIRECTED_REQUEST, why));
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Refusal(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here"));
        }
        Ok(())
    }
}

/// For a person who typed the address without `https://`. A browser keeps what is behind `#`.
fn to_https(request: &Request<Incoming>) -> Response<Body> {
    const WHY: &str = "https:// is spoken here";
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let target = host(request.headers()).map(|host| HeaderValue::try_from(format!("https://{host}{path}")));
    let Some(Ok(target)) = target else { return Refusal(StatusCode::BAD_REQUEST, WHY).into() };
    let mut response = Response::from(Refusal(StatusCode::TEMPORARY_REDIRECT, WHY));
    response.headers_mut().insert(header::LOCATION, target);
    response
}

/// The one `Host` of a request.
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::HOST).iter();
    match (all.next(), all.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}
