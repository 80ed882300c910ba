//! Browsers: a page over HTTP/1.1, and for the viewer in it (noVNC) RFB inside a WebSocket.
//!
//! Only a fixed set of paths is answered, all from memory: see [`assets`].

mod assets;
mod origin;
mod upgrade;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use panto_transport::{HANDSHAKE_DEADLINE, HandshakeLimits, Peer, ServerTls, Stream, TlsError};

use self::assets::{Asset, Assets};
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

type Body = Full<Bytes>;

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
    let stream = match &web.tls {
        Some(tls) => tls.accept_any(stream).await?,
        None => stream,
    };
    let visit = Arc::new(Visit { server, web, peer, encrypted: stream.is_encrypted() });
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
        let (method, path) = (request.method(), request.uri().path());
        tracing::debug!(peer = %self.peer, %method, path, "request");
        if let Err(refusal) = self.check_host(&request) {
            return refusal;
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            let mut response =
                sentence(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        if path == WEBSOCKET {
            return upgrade::answer(self, request);
        }
        match self.web.assets.find(path) {
            Some((status, asset)) => file(status, &asset, request.headers()),
            None => sentence(StatusCode::NOT_FOUND, "there is no such page; the viewer is at /"),
        }
    }

    /// A page elsewhere could point a name of its own at this machine (DNS rebinding), and would
    /// pass for ours. Where nobody is asked for a password, only names of loopback are taken.
    fn check_host(&self, request: &Request<Incoming>) -> Result<(), Response<Body>> {
        // Before 1.1 there need be none, and no browser is that old.
        if request.version() < Version::HTTP_11 {
            return Err(sentence(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here"));
        }
        let Some(host) = host(request.headers()) else {
            return Err(sentence(StatusCode::BAD_REQUEST, "the request names no host"));
        };
        if self.server.asks(self.peer) || origin::is_loopback(host) {
            return Ok(());
        }
        let why =
            "without a password this server answers to localhost and 127.0.0.1 only; open it by that name";
        Err(sentence(StatusCode::MISDIRECTED_REQUEST, why))
    }
}

/// The one `Host` of a request.
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::HOST).iter();
    match (all.next(), all.next()) {
        (Some(host), None) => host.to_str().ok(),
        _ => None,
    }
}

fn file(status: StatusCode, asset: &Asset, asked: &HeaderMap) -> Response<Body> {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|tag| tag.as_bytes() == asset.tag.as_bytes());
    let (status, bytes) = match known && status == StatusCode::OK {
        true => (StatusCode::NOT_MODIFIED, Bytes::new()),
        false => (status, asset.bytes.clone()),
    };
    let mut response = respond(status, asset.kind, bytes);
    if let Ok(tag) = HeaderValue::from_str(&asset.tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// An answer for the person to read.
fn sentence(status: StatusCode, text: &str) -> Response<Body> {
    respond(status, "text/plain; charset=utf-8", format!("{text}\n").into())
}

fn respond(status: StatusCode, kind: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in HEADERS.into_iter().chain([(header::CONTENT_TYPE, kind)]) {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What every answer says. Pictures and the pointer's shape are `data:` in noVNC. A browser asks
/// each time whether a file has changed, so that page and viewer are of one version.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-cache"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
