//! Who a page is: whether it came from this server, and what name it was opened by.

use std::net::IpAddr;

use hyper::Uri;
use hyper::http::uri::Authority;

/// Whether a page of this `Origin` (RFC 6454, section 7) came from the server that is called
/// `host`. Over TLS only a page over TLS did. Without it, both may have: a proxy in front of us
/// may have TLS of its own.
pub(super) fn is_same(origin: &str, host: &str, encrypted: bool) -> bool {
    let (Ok(origin), Ok(host)) = (origin.parse::<Uri>(), host.parse::<Authority>()) else { return false };
    let default = match origin.scheme_str() {
        Some("https") => 443,
        Some("http") if !encrypted => 80,
        _ => return false,
    };
    let Some(authority) = origin.authority() else { return false };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default);
    // An origin has neither path nor user; an empty path is parsed as one slash.
    matches!(origin.path_and_query().map(|p| p.as_str()), None | Some("/"))
        && !authority.as_str().contains('@')
        && authority.host().eq_ignore_ascii_case(host.host())
        && port(authority) == port(&host)
}

/// Whether a `Host` is a name of this machine that nobody else can give to it.
pub(super) fn is_loopback(host: &str) -> bool {
    let Ok(host) = host.parse::<Authority>() else { return false };
    let name = host.host().to_ascii_lowercase();
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&name);
    // RFC 6761, section 6.3: such names are loopback's, whatever a resolver says.
    name == "localhost"
        || name.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_server_only() {
        for (origin, host, encrypted, same) in [
            ("http://localhost:6080", "localhost:6080", false, true),
            ("https://desk:6080", "desk:6080", true, true),
            ("https://DESK:6080", "desk:6080", true, true),
            ("https://desk", "desk", true, true),
            ("https://desk", "desk:443", true, true),
            ("https://[::1]:6080", "[::1]:6080", true, true),
            // A proxy with TLS in front of a loopback.
            ("https://desk.example", "desk.example", false, true),
            ("http://desk:6080", "desk:6080", true, false),
            ("http://localhost:6081", "localhost:6080", false, false),
            ("http://127.0.0.1:6080", "localhost:6080", false, false),
            ("http://localhost", "localhost:6080", false, false),
            ("http://localhost:6080.example.com", "localhost:6080", false, false),
            ("http://user@localhost:6080", "localhost:6080", false, false),
            ("http://localhost:6080/page", "localhost:6080", false, false),
            ("file://", "localhost:6080", false, false),
            ("null", "null", false, false),
            ("", "", false, false),
            ("localhost:6080", "localhost:6080", false, false),
        ] {
            assert_eq!(is_same(origin, host, encrypted), same, "{origin} {host} {encrypted}");
        }
    }

    #[test]
    fn names_of_loopback() {
        for host in
            ["localhost", "LOCALHOST:6080", "a.localhost:1", "127.0.0.1:6080", "127.1.2.3", "[::1]:6080"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["example.com", "localhost.example.com:6080", "192.168.1.5", "[fe80::1]", "", "127.0.0.1.example"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
