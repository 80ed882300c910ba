//! From HTTP to a WebSocket (RFC 6455, section 4.2), and from there to an RFB session.

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use panto_transport::{HANDSHAKE_DEADLINE, Stream, websocket_accept_key};

use super::reply::{Body, Refusal};
use super::{Visit, host, origin};

/// The only protocol that is named for RFB; clients that name none mean the same.
const PROTOCOL: &str = "binary";

/// Characters of a `Sec-WebSocket-Key`: 16 bytes in base64.
const KEY: usize = 24;

/// Begins a viewer's session in the background, if the request is sound.
pub(super) fn answer(visit: &Visit, mut request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let response = check(&head, visit.encrypted)?;
    let (server, peer) = (visit.server.clone(), visit.peer);
    let Some(permit) = server.admit(peer) else {
        let why = "too many viewers are waiting to be let in; try again in ten seconds";
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, why));
    };
    tokio::spawn(async move {
        let upgraded = tokio::time::timeout(HANDSHAKE_DEADLINE, upgrade).await;
        match upgraded.ok().and_then(Result::ok).map(Upgraded::downcast::<TokioIo<Stream>>) {
            Some(Ok(parts)) => {
                let stream = parts.io.into_inner().into_websocket(parts.read_buf.into()).await;
                server.serve_browser(stream, peer, permit).await;
            }
            _ => tracing::debug!(%peer, "the browser did not wait for its WebSocket"),
        }
    });
    Ok(response)
}

/// Whether this is a WebSocket's handshake that a page of ours may have made. The answer says yes.
fn check(head: &Parts, encrypted: bool) -> Result<Response<Body>, Refusal> {
    let headers = &head.headers;
    // Browsers always say it; programs need not, and cannot be made to do what a stranger wants.
    let mut origins = headers.get_all(header::ORIGIN).iter();
    if let Some(origin) = origins.next() {
        let both = origin.to_str().ok().zip(host(headers));
        if !both.is_some_and(|(o, h)| origin::is_same(o, h, encrypted)) || origins.next().is_some() {
            let why = "this WebSocket is for pages of this server only; open / first";
            return Err(Refusal(StatusCode::FORBIDDEN, why));
        }
    }
    let asks = head.method == Method::GET
        && has_token(headers, header::CONNECTION, "upgrade")
        && has_token(headers, header::UPGRADE, "websocket");
    if !asks || value(headers, header::SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(Refusal(StatusCode::UPGRADE_REQUIRED, "a WebSocket is here; the viewer is at /"));
    }
    let key = value(headers, header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == KEY && key.ends_with("=="));
    let accept = key.map(|key| websocket_accept_key(key.as_bytes()));
    let Some(Ok(accept)) = accept.map(|text| HeaderValue::from_str(&text)) else {
        return Err(Refusal(StatusCode::BAD_REQUEST, "the WebSocket's key is no key"));
    };
    let protocols = headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL);
    if protocols && !has_token(headers, header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL) {
        let why = "RFB is spoken here: the WebSocket's protocol is `binary`, or none";
        return Err(Refusal(StatusCode::BAD_REQUEST, why));
    }
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if protocols {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    }
    Ok(response)
}

/// The one value of a header.
fn value(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Whether a list, perhaps over several headers, holds a word.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}
