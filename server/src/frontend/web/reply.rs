//! Answers, and what all of them say to a browser.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::assets::Asset;

pub(super) type Body = Full<Bytes>;

/// A request that is not served, and why, for a person to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal(pub StatusCode, pub &'static str);

impl From<Refusal> for Response<Body> {
    fn from(Refusal(status, why): Refusal) -> Self {
        let mut response = respond(status, "text/plain; charset=utf-8", format!("{why}\n").into());
        let more: &[(HeaderName, &str)] = match status {
            StatusCode::METHOD_NOT_ALLOWED => &[(header::ALLOW, "GET, HEAD")],
            StatusCode::UPGRADE_REQUIRED => &[
                (header::UPGRADE, "websocket"),
                (header::CONNECTION, "upgrade"),
                (header::SEC_WEBSOCKET_VERSION, "13"),
            ],
            _ => &[],
        };
        for (name, value) in more {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// A file, or word that the browser has it already (RFC 9110, section 13.1.2).
pub(super) fn file(status: StatusCode, asset: &Asset, asked: &HeaderMap) -> Response<Body> {
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

fn respond(status: StatusCode, kind: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in HEADERS.into_iter().chain([(header::CONTENT_TYPE, kind)]) {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What every answer says. Pictures and the pointer's shape are `data:` in noVNC; our WebSocket is
/// `'self'` for browsers since 2022 (CSP 3, section 6.7.2.8). A browser asks each time whether a file
/// has changed, so that page and viewer are of one version.
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
