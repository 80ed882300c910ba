//! Where to listen and where to connect, as people type it.
//!
//! | typed                        | listen | view | meaning                                      |
//! |------------------------------|--------|------|----------------------------------------------|
//! | (nothing)                    | yes    |      | port 4920 on 127.0.0.1 and ::1               |
//! | `4921`                       | yes    |      | that port on 127.0.0.1 and ::1               |
//! | `host`, `host:port`          | yes    | yes  | name or IPv4 address                         |
//! | `v6`, `[v6]`, `[v6]:port`    | yes    | yes  | IPv6 address, `%zone` allowed                |
//! | `*`, `*:port`                | yes    |      | every address of this machine                |
//! | `unix:PATH`                  | yes    | yes  | Unix socket                                  |
//! | `panto://host:port/?fingerprint=SHA256:…` | | yes | what `serve` prints                   |
//! | `vnc://host`, `vnc://host:1`, `vnc://host::5901`, `vnc://host:5901` | | yes | a VNC server: display 0, display 1, port 5901 twice (a number below 100 after one colon is a display) |
//! | `ssh://…`                    |        | no   | kept for later, refused by name              |
//! | `host:1`, `host::5901`, `:1` | no     | no   | VNC's spellings, refused with what was meant |

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Fingerprint, FingerprintError};

/// Panto's own port. 5900+N, 3389 and 6000+N belong to other protocols.
pub const DEFAULT_PORT: u16 = 4920;

/// The port of VNC's display 0.
const VNC_PORT: u16 = 5900;

/// Ports below this after a single colon are taken for VNC display numbers.
const VNC_DISPLAYS: u16 = 100;

/// The longest DNS name.
const MAX_HOST: usize = 253;

/// What is wrong with an address that someone typed; all of them are usage errors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing at all, or only blanks.
    #[error("the address is empty; write host, host:port or unix:PATH")]
    Empty,
    /// No host before the colon.
    #[error("`{text}` names no host; write localhost:{port} for this machine")]
    NoHost {
        /// What was typed.
        text: String,
        /// The port that was typed.
        port: u16,
    },
    /// No host before the colon of an address to listen on.
    #[error("`{text}` names no host; write {port} for this machine only or *:{port} for all its addresses")]
    NoListenHost {
        /// What was typed.
        text: String,
        /// The port that was typed.
        port: u16,
    },
    /// `host:1`: VNC's display number.
    #[error(
        "`{host}:{display}` is VNC's spelling of display {display}; Panto takes ports: did you mean \
         {host}:{DEFAULT_PORT} or vnc://{host}:{}?",
        VNC_PORT + .display
    )]
    VncDisplay {
        /// The host before the colon; `localhost` where none was typed.
        host: String,
        /// The number after it.
        display: u16,
    },
    /// `:1` given to the server: an X display.
    #[error("`:{display}` is a display, not an address to listen on; write --display :{display} to serve it")]
    DisplayNotAddress {
        /// The number after the colon.
        display: u16,
    },
    /// `host::5901`: VNC's port.
    #[error(
        "`{host}::{port}` is VNC's spelling of port {port}; did you mean {host}:{DEFAULT_PORT} or \
         vnc://{host}:{port}?"
    )]
    VncPort {
        /// The host before the colons; `localhost` where none was typed.
        host: String,
        /// The port after them.
        port: u16,
    },
    /// The port is no number from 1 to 65535.
    #[error("`{port}` in `{text}` is no port; write a number from 1 to 65535")]
    BadPort {
        /// What was typed.
        text: String,
        /// The part that should be a port.
        port: String,
    },
    /// The host has characters that no host name has.
    #[error("`{host}` is no host name or address")]
    BadHost {
        /// The part that should be a host.
        host: String,
    },
    /// A user name before the host.
    #[error(
        "`{text}` has a user name in it; Panto asks for the password alone: write {host} (a VNC server's user name \
         is given with --user)"
    )]
    UserName {
        /// What was typed.
        text: String,
        /// What comes after the user name.
        host: String,
    },
    /// An IPv6 address and a port that cannot be told apart, or unbalanced brackets.
    #[error("`{text}` is no IPv6 address; with a port, write [address]:port")]
    BadIpv6 {
        /// What was typed.
        text: String,
    },
    /// `unix:` without a path.
    #[error("unix: wants the path of a socket, such as unix:/run/user/1000/panto/panto.sock")]
    EmptyPath,
    /// A kind of target that a later version will know.
    #[error(
        "{scheme}:// is not available in this version; it speaks panto://host:port, vnc://host and unix:PATH"
    )]
    NotAvailable {
        /// `ssh`.
        scheme: &'static str,
    },
    /// A kind of target that nobody promised.
    #[error("`{scheme}://` is no kind of address that Panto knows; write panto://host:port or vnc://host")]
    UnknownScheme {
        /// What stands before `://`.
        scheme: String,
    },
    /// Something after the host of an address that has no meaning there.
    #[error("`{part}` has no meaning in an address; only ?fingerprint=SHA256:… has")]
    UnknownPart {
        /// The part in question.
        part: String,
    },
    /// A secret on the command line, where every user of the machine can read it.
    #[error(
        "a secret does not belong in an address, where other users of this machine can read it; leave it out \
         and give it when asked"
    )]
    SecretInAddress,
    /// The fingerprint in a `panto://` address is none.
    #[error(transparent)]
    Fingerprint(#[from] FingerprintError),
}

/// What is spoken at a [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// Panto's own.
    #[default]
    Panto,
    /// RFB, that of VNC.
    Vnc,
}

/// One address that a server listens on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// 127.0.0.1 and ::1.
    Loopback {
        /// TCP port; 0 lets the system choose (one port for both).
        port: u16,
    },
    /// Every address of this machine, of both families.
    Any {
        /// TCP port; 0 lets the system choose (one port for both).
        port: u16,
    },
    /// One address, or all addresses of one name.
    Tcp {
        /// Name, IPv4 address or IPv6 address without brackets.
        host: String,
        /// TCP port; 0 lets the system choose.
        port: u16,
    },
    /// A Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Whether only this machine can reach it. A name other than `localhost` does not count, whatever it resolves
    /// to today.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Loopback { .. } | Self::Unix(_) => true,
            Self::Any { .. } => false,
            Self::Tcp { host, .. } => host_is_loopback(host),
        }
    }
}

impl Default for ListenAddress {
    fn default() -> Self {
        Self::Loopback { port: DEFAULT_PORT }
    }
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::parse(text, DEFAULT_PORT)
    }
}

impl ListenAddress {
    /// What a person has typed; `default` is the port where none is named.
    ///
    /// # Errors
    ///
    /// If it is no address, with what may have been meant.
    pub fn parse(text: &str, default: u16) -> Result<Self, AddressError> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(unix_path(path)?));
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(AddressError::UnknownScheme { scheme: scheme.to_owned() });
        }
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self::Loopback { port: parse_port(text, text)? });
        }
        let (host, port) = match split_host(text, true) {
            Err(AddressError::VncDisplay { display, .. }) if text.starts_with(':') => {
                return Err(AddressError::DisplayNotAddress { display });
            }
            Err(AddressError::NoHost { text, port }) => {
                return Err(AddressError::NoListenHost { text, port });
            }
            other => other?,
        };
        let port = port.unwrap_or(default);
        match host.as_str() {
            "*" => Ok(Self::Any { port }),
            // Not left to the resolver: some machines know one family of it only.
            "localhost" => Ok(Self::Loopback { port }),
            _ => Ok(Self::Tcp { host, port }),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback { port } => write!(f, "localhost:{port}"),
            Self::Any { port } => write!(f, "*:{port}"),
            Self::Tcp { host, port } => write_host_port(f, host, *port),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The socket behind a [`Target`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// TCP.
    Tcp {
        /// Name (lower case), IPv4 address or IPv6 address without brackets.
        host: String,
        /// Port, never 0.
        port: u16,
    },
    /// A Unix socket on this machine.
    Unix(PathBuf),
}

/// What a viewer connects to. Shown (`Display`) as `host:port`, `[v6]:port` or `unix:PATH`, which is also the key
/// in the known hosts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where.
    pub endpoint: Endpoint,
    /// What is spoken there.
    pub protocol: Protocol,
    /// The server's identity, if the address names it; it then decides instead of the known hosts.
    pub fingerprint: Option<Fingerprint>,
}

impl Target {
    /// A TCP target without a fingerprint. `host` has no brackets.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        let endpoint = Endpoint::Tcp { host: host.into(), port };
        Self { endpoint, protocol: Protocol::Panto, fingerprint: None }
    }

    /// A VNC server. `host` has no brackets.
    pub fn vnc(host: impl Into<String>, port: u16) -> Self {
        Self { protocol: Protocol::Vnc, ..Self::tcp(host, port) }
    }

    /// A Unix socket.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self { endpoint: Endpoint::Unix(path.into()), protocol: Protocol::Panto, fingerprint: None }
    }

    /// The same target with an identity to insist on.
    pub fn with_fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.fingerprint = Some(fingerprint);
        self
    }

    /// Whether the bytes stay on this machine. A name other than `localhost` does not count.
    pub fn is_loopback(&self) -> bool {
        match &self.endpoint {
            Endpoint::Tcp { host, .. } => host_is_loopback(host),
            Endpoint::Unix(_) => true,
        }
    }

    /// The address to type on the other side: `panto://host:port/?fingerprint=SHA256:…`, or `vnc://…`. It holds no secret. Quote it
    /// for a shell.
    pub fn url(&self) -> String {
        let Endpoint::Tcp { host, port } = &self.endpoint else { return self.to_string() };
        let address = match self.protocol {
            Protocol::Panto => format!("panto://{self}"),
            // One colon would make it a display.
            Protocol::Vnc if *port < VNC_DISPLAYS && host.contains(':') => format!("vnc://[{host}]::{port}"),
            Protocol::Vnc if *port < VNC_DISPLAYS => format!("vnc://{host}::{port}"),
            Protocol::Vnc => format!("vnc://{self}"),
        };
        match &self.fingerprint {
            Some(fingerprint) => format!("{address}/?fingerprint={fingerprint}"),
            None => address,
        }
    }
}

impl FromStr for Target {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::unix(unix_path(path)?));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return match scheme.to_ascii_lowercase().as_str() {
                "panto" => parse_url(rest, Protocol::Panto),
                "vnc" => parse_url(rest, Protocol::Vnc),
                "ssh" => Err(AddressError::NotAvailable { scheme: "ssh" }),
                _ => Err(AddressError::UnknownScheme { scheme: scheme.to_owned() }),
            };
        }
        let (host, port) = split_host(text, true)?;
        target(text, host, port)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Endpoint::Tcp { host, port } => write_host_port(f, host, *port),
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What follows `panto://` or `vnc://`.
fn parse_url(rest: &str, protocol: Protocol) -> Result<Target, AddressError> {
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let mut target = match protocol {
        Protocol::Panto => {
            // A URL says `:` and a port plainly, so `:1` in it is port 1.
            let (host, port) = split_host(authority, false)?;
            target(authority, host, port)?
        }
        Protocol::Vnc => vnc_target(authority)?,
    };
    let tail = tail.strip_prefix('/').unwrap_or(tail);
    if tail.is_empty() {
        return Ok(target);
    }
    let Some(query) = tail.strip_prefix('?') else {
        return Err(AddressError::UnknownPart { part: tail.to_owned() });
    };
    for part in query.split('&').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("fingerprint", value)) => target.fingerprint = Some(percent_decode(value).parse()?),
            Some(("ticket" | "password" | "secret", _)) => return Err(AddressError::SecretInAddress),
            _ => return Err(AddressError::UnknownPart { part: part.to_owned() }),
        }
    }
    Ok(target)
}

/// `host`, `host:display`, `host::port` or `host:port` as VNC viewers have it; IPv6 addresses in brackets.
fn vnc_target(text: &str) -> Result<Target, AddressError> {
    // Where the host ends; colons inside brackets are its own.
    let end = text.find(']').map_or(0, |end| end + 1);
    let colon = text.get(end..).and_then(|rest| rest.find(':')).map(|at| end + at);
    let (Some(colon), None) = (colon, ipv6(text)) else {
        let (host, _) = split_host(text, false)?;
        let target = target(text, host, Some(VNC_PORT))?;
        return Ok(Target { protocol: Protocol::Vnc, ..target });
    };
    let (host, number) = (&text[..colon], &text[colon + 1..]);
    let port = match number.strip_prefix(':') {
        Some(port) => parse_port(text, port)?,
        None => match parse_port(text, number)? {
            display @ ..VNC_DISPLAYS => VNC_PORT + display,
            port => port,
        },
    };
    if host.is_empty() {
        return Err(AddressError::NoHost { text: text.to_owned(), port });
    }
    let (host, _) = split_host(host, false)?;
    let target = target(text, host, Some(port))?;
    Ok(Target { protocol: Protocol::Vnc, ..target })
}

fn target(text: &str, host: String, port: Option<u16>) -> Result<Target, AddressError> {
    if host == "*" {
        return Err(AddressError::BadHost { host });
    }
    if port == Some(0) {
        return Err(AddressError::BadPort { text: text.to_owned(), port: "0".to_owned() });
    }
    Ok(Target::tcp(host, port.unwrap_or(DEFAULT_PORT)))
}

/// `host`, `host:port`, `v6`, `[v6]` or `[v6]:port`, the host in lower case. With `vnc_hints`, VNC's spellings are
/// told apart from ports.
fn split_host(text: &str, vnc_hints: bool) -> Result<(String, Option<u16>), AddressError> {
    if text.is_empty() {
        return Err(AddressError::Empty);
    }
    if let Some((_, host)) = text.rsplit_once('@') {
        // What stands before the @ may hold a password, so it is not repeated.
        return Err(AddressError::UserName { text: format!("…@{host}"), host: host.to_owned() });
    }
    if let Some(rest) = text.strip_prefix('[') {
        let bad = || AddressError::BadIpv6 { text: text.to_owned() };
        let (address, after) = rest.split_once(']').ok_or_else(bad)?;
        let address = ipv6(address).ok_or_else(bad)?;
        let port = match after.strip_prefix(':') {
            _ if after.is_empty() => None,
            Some(port) => Some(parse_port(text, port)?),
            None => return Err(bad()),
        };
        return Ok((address, port));
    }
    if vnc_hints && let Some((host, port)) = text.split_once("::") {
        // `::5901` is an IPv6 address too, but of a kind that is long out of use.
        let decimal = port.len() >= 3 && port.bytes().all(|b| b.is_ascii_digit());
        if decimal
            && let Ok(port) = port.parse()
            && (host.is_empty() || ipv6(text).is_none() && !host.contains(':'))
        {
            let host = if host.is_empty() { "localhost" } else { host }.to_owned();
            return Err(AddressError::VncPort { host, port });
        }
    }
    if let Some(address) = ipv6(text) {
        return Ok((address, None));
    }
    let Some((host, port)) = text.split_once(':') else {
        return Ok((host_name(text)?, None));
    };
    if port.contains(':') {
        return Err(AddressError::BadIpv6 { text: text.to_owned() });
    }
    let number = parse_port(text, port)?;
    if vnc_hints && (1..VNC_DISPLAYS).contains(&number) {
        let host = if host.is_empty() { "localhost" } else { host }.to_owned();
        return Err(AddressError::VncDisplay { host, display: number });
    }
    if host.is_empty() {
        return Err(AddressError::NoHost { text: text.to_owned(), port: number });
    }
    Ok((host_name(host)?, Some(number)))
}

fn parse_port(text: &str, port: &str) -> Result<u16, AddressError> {
    let bad = || AddressError::BadPort { text: text.to_owned(), port: port.to_owned() };
    // `parse` alone would take `+80`.
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    port.parse().map_err(|_| bad())
}

fn host_name(host: &str) -> Result<String, AddressError> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host == "*" {
        return Ok(host.to_owned());
    }
    if host.is_empty() || host.len() > MAX_HOST || host.starts_with('-') || !host.chars().all(fits) {
        return Err(AddressError::BadHost { host: host.to_owned() });
    }
    Ok(host.to_lowercase())
}

/// An IPv6 address with or without `%zone`, in its shortest spelling.
fn ipv6(text: &str) -> Option<String> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let address: Ipv6Addr = address.parse().ok()?;
    match zone {
        None => Some(address.to_string()),
        Some(zone)
            if !zone.is_empty() && zone.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) =>
        {
            Some(format!("{address}%{zone}"))
        }
        Some(_) => None,
    }
}

fn unix_path(path: &str) -> Result<PathBuf, AddressError> {
    // `unix:///path` is how some programs spell it.
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() { Err(AddressError::EmptyPath) } else { Ok(PathBuf::from(path)) }
}

fn host_is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn write_host_port(f: &mut fmt::Formatter<'_>, host: &str, port: u16) -> fmt::Result {
    if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
}

/// Some programs escape `:`, `+` and `/` when a link is passed on.
fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |b: u8| char::from(b).to_digit(16).map(|digit| digit as u8);
        match (first, tail) {
            (b'%', [a, b, after @ ..]) if hex(*a).is_some() && hex(*b).is_some() => {
                out.push(hex(*a).unwrap_or(0) << 4 | hex(*b).unwrap_or(0));
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> String {
        match text.parse::<ListenAddress>() {
            Ok(address) => format!("{address} {}", if address.is_loopback() { "here" } else { "out" }),
            Err(err) => format!("error: {err}"),
        }
    }

    fn view(text: &str) -> String {
        match text.parse::<Target>() {
            Ok(target) => format!("{target} {}", if target.is_loopback() { "here" } else { "out" }),
            Err(err) => format!("error: {err}"),
        }
    }

    #[test]
    fn listen_addresses() {
        for (typed, meant) in [
            ("4921", "localhost:4921 here"),
            ("0", "localhost:0 here"),
            ("localhost", "localhost:4920 here"),
            ("127.0.0.1:0", "127.0.0.1:0 here"),
            ("127.8.8.8:5000", "127.8.8.8:5000 here"),
            ("[::1]:4920", "[::1]:4920 here"),
            ("::1", "[::1]:4920 here"),
            ("[::ffff:127.0.0.1]:4920", "[::ffff:127.0.0.1]:4920 here"),
            ("0.0.0.0", "0.0.0.0:4920 out"),
            ("[::]:4920", "[::]:4920 out"),
            ("*", "*:4920 out"),
            ("*:5000", "*:5000 out"),
            ("fe80::1%eth0", "[fe80::1%eth0]:4920 out"),
            ("Desk.example:4920", "desk.example:4920 out"),
            ("unix:/tmp/a b", "unix:/tmp/a b here"),
        ] {
            assert_eq!(listen(typed), meant, "{typed}");
        }
        assert_eq!(ListenAddress::default(), ListenAddress::Loopback { port: 4920 });
    }

    #[test]
    fn targets() {
        for (typed, meant) in [
            ("host", "host:4920 out"),
            ("localhost", "localhost:4920 here"),
            ("Host.Example:5000", "host.example:5000 out"),
            ("127.0.0.1:100", "127.0.0.1:100 here"),
            ("::1", "[::1]:4920 here"),
            ("[::1]", "[::1]:4920 here"),
            ("[0:0:0:0:0:0:0:1]:4921", "[::1]:4921 here"),
            ("2001:db8::5901", "[2001:db8::5901]:4920 out"),
            ("panto://host", "host:4920 out"),
            ("panto://host:1", "host:1 out"),
            ("PANTO://[::1]:4921/", "[::1]:4921 here"),
            (" host ", "host:4920 out"),
            ("unix:run/panto.sock", "unix:run/panto.sock here"),
            ("unix:///run/panto.sock", "unix:/run/panto.sock here"),
        ] {
            assert_eq!(view(typed), meant, "{typed}");
        }
    }

    #[test]
    fn vnc_servers() {
        for (typed, host, port) in [
            ("vnc://host", "host", 5900),
            ("vnc://Host:0", "host", 5900),
            ("VNC://host:1/", "host", 5901),
            ("vnc://host:99", "host", 5999),
            ("vnc://host:100", "host", 100),
            ("vnc://host:5901", "host", 5901),
            ("vnc://host::5901", "host", 5901),
            ("vnc://host::80", "host", 80),
            ("vnc://127.0.0.1:5", "127.0.0.1", 5905),
            ("vnc://[::1]", "::1", 5900),
            ("vnc://[::1]:2", "::1", 5902),
            ("vnc://[2001:db8::1]::81", "2001:db8::1", 81),
            ("vnc://2001:db8::1", "2001:db8::1", 5900),
        ] {
            let target: Target = typed.parse().unwrap_or_else(|error| panic!("{typed}: {error}"));
            assert_eq!(target, Target::vnc(host, port), "{typed}");
            assert_eq!(target.url().parse::<Target>().as_ref(), Ok(&target), "{typed}: {}", target.url());
        }
        let fingerprint = Fingerprint::from_digest([0xfb; 32]);
        let pinned = Target::vnc("host", 5900).with_fingerprint(fingerprint);
        assert_eq!(pinned.url().parse::<Target>(), Ok(pinned));
    }

    #[test]
    fn refusals_say_what_was_meant() {
        for (typed, hint) in [
            (
                "host:1",
                "`host:1` is VNC's spelling of display 1; Panto takes ports: did you mean host:4920 or vnc://host:5901?",
            ),
            ("host:99", "vnc://host:5999"),
            (":1", "vnc://localhost:5901"),
            ("host::5901", "did you mean host:4920 or vnc://host:5901?"),
            ("::5901", "vnc://localhost:5901"),
            ("vnc://host:", "is no port"),
            ("vnc://host:x", "is no port"),
            ("vnc://host::0", "is no port"),
            ("vnc://host::70000", "is no port"),
            ("vnc://host:::1", "is no port"),
            ("vnc://:1", "localhost:5901"),
            ("vnc://[::1", "[address]:port"),
            ("vnc://[::1]5901", "no IPv6 address"),
            ("vnc://", "empty"),
            ("vnc://me@host", "write host (a VNC server's user name is given with --user)"),
            ("vnc://host/desk", "`desk` has no meaning"),
            ("ssh://me@host", "ssh:// is not available in this version"),
            ("rdp://host", "`rdp://` is no kind"),
            ("host:", "is no port"),
            ("host:x", "`x` in `host:x` is no port"),
            ("host:+80", "is no port"),
            ("host:70000", "is no port"),
            ("host:0", "is no port"),
            ("panto://host:0", "is no port"),
            ("", "empty"),
            (":4920", "localhost:4920"),
            ("*:4920", "no host name"),
            ("me:secret@host", "write host"),
            ("[::1", "[address]:port"),
            ("[::1]4920", "[address]:port"),
            ("[host]:4920", "[address]:port"),
            ("1:2:3", "[address]:port"),
            ("a b", "no host name"),
            ("-h", "no host name"),
            ("unix:", "wants the path"),
            ("panto://host/?ticket=abc", "a secret does not belong"),
            ("panto://host/?mode=x", "`mode=x` has no meaning"),
            ("panto://host/desk", "`desk` has no meaning"),
            ("panto://host/?fingerprint=abc", "fingerprint"),
        ] {
            let said = view(typed);
            assert!(said.starts_with("error: ") && said.contains(hint), "{typed}: {said}");
        }
        assert!(!view("me:secret@host").contains("secret"));
        for (typed, hint) in [
            (":1", "--display :1"),
            (":4920", "*:4920 for all"),
            ("host:1", "VNC's spelling"),
            ("65536", "is no port"),
            ("panto://host", "no kind of address"),
        ] {
            let said = listen(typed);
            assert!(said.starts_with("error: ") && said.contains(hint), "{typed}: {said}");
        }
    }

    #[test]
    fn urls_carry_the_fingerprint() {
        // A digest whose base64 has both of the characters that URLs treat specially.
        let fingerprint = Fingerprint::from_digest([0xfb; 32]);
        assert!(fingerprint.to_string().contains('+'));
        let target = Target::tcp("::1", 4920).with_fingerprint(fingerprint);
        assert_eq!(target.url().parse::<Target>().unwrap(), target);
        let escaped = target.url().replace('+', "%2B").replace("SHA256:", "SHA256%3a");
        assert_eq!(escaped.parse::<Target>().unwrap(), target);
        assert_eq!(target.to_string(), "[::1]:4920");
        assert_eq!(Target::unix("/s").url(), "unix:/s");
    }

    #[test]
    fn nonsense_never_panics() {
        for text in [
            "%",
            "panto://%",
            "[",
            "]",
            "::",
            ":::",
            "@",
            "[]:1",
            "*:",
            "panto://h/?fingerprint=%4",
            "é:5",
            "::１２３",
            "vnc://]:",
            "vnc://::",
            "vnc://é:é",
        ] {
            let _ = (listen(text), view(text));
        }
    }
}
