//! Connecting: the first address of a host that answers.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::{Endpoint, Protocol, Stream, Target};

/// Pauses before the attempts to come back to a server that was lost; the last one is that of all
/// further ones.
pub const BACKOFF: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// Head start of one address over the next (RFC 8305, section 5: 250 ms).
const ADDRESS_STAGGER: Duration = Duration::from_millis(250);

/// Why a viewer cannot connect.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A host name that resolves to nothing.
    #[error("cannot find the address of {host}; check the spelling, or try its IP address")]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The machine answers, but nothing listens there.
    #[error(
        "{target} refuses connections: is {} running there, on this port and on an address that others can reach?",
        match .target.protocol {
            Protocol::Panto => "`panto serve`",
            Protocol::Vnc => "a VNC server",
        }
    )]
    Refused {
        /// Where to.
        target: Target,
    },
    /// No answer.
    #[error(
        "{target} does not answer within {} s: is the machine on, and does its firewall let the port through?",
        .after.as_secs_f64()
    )]
    TimedOut {
        /// Where to.
        target: Target,
        /// How long it was waited for.
        after: Duration,
    },
    /// No such Unix socket, or no server behind it.
    #[error("no server listens on unix:{}; start one with: panto serve unix:{}", .path.display(), .path.display())]
    NoServer {
        /// The socket.
        path: PathBuf,
    },
    /// Anything else, such as no route.
    #[error("cannot connect to {target}")]
    Io {
        /// Where to.
        target: Target,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Connects within `limit`, name resolution included. The stream is plain: [`crate::start_tls`] comes next.
pub async fn connect(target: &Target, limit: Duration) -> Result<Stream, ConnectError> {
    let timed_out = |_| ConnectError::TimedOut { target: target.clone(), after: limit };
    timeout(limit, connect_unlimited(target)).await.map_err(timed_out)?
}

async fn connect_unlimited(target: &Target) -> Result<Stream, ConnectError> {
    let io_error = |source| ConnectError::Io { target: target.clone(), source };
    match &target.endpoint {
        Endpoint::Unix(path) => match UnixStream::connect(path).await {
            Ok(unix) => Ok(Stream::from_unix(unix)),
            Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                Err(ConnectError::NoServer { path: path.clone() })
            }
            Err(err) => Err(io_error(err)),
        },
        Endpoint::Tcp { host, port } => {
            let resolve = |source| ConnectError::Resolve { host: host.clone(), source };
            let mut addrs: Vec<SocketAddr> = Vec::new();
            for addr in lookup_host((host.as_str(), *port)).await.map_err(resolve)? {
                if !addrs.contains(&addr) {
                    addrs.push(addr);
                }
            }
            match first_to_answer(&addrs).await {
                Ok(tcp) => Stream::from_tcp(tcp).map_err(io_error),
                Err(None) => Err(resolve(io::ErrorKind::NotFound.into())),
                Err(Some(err)) if err.kind() == io::ErrorKind::ConnectionRefused => {
                    Err(ConnectError::Refused { target: target.clone() })
                }
                Err(Some(err)) => Err(io_error(err)),
            }
        }
    }
}

/// Tries the addresses one after the other, each a little after the one before or at once when that failed. The error
/// is the most telling one: that of the first address, unless a later one at least refused.
async fn first_to_answer(addrs: &[SocketAddr]) -> Result<TcpStream, Option<io::Error>> {
    let mut waiting = addrs.iter().copied();
    let mut attempts = JoinSet::new();
    let mut error: Option<io::Error> = None;
    loop {
        match waiting.next() {
            Some(addr) => {
                attempts.spawn(TcpStream::connect(addr));
            }
            None if attempts.is_empty() => return Err(error),
            None => {}
        }
        let ended = if waiting.len() == 0 {
            attempts.join_next().await
        } else {
            tokio::select! {
                ended = attempts.join_next() => ended,
                () = sleep(ADDRESS_STAGGER) => None,
            }
        };
        match ended {
            Some(Ok(Ok(tcp))) => return Ok(tcp),
            Some(Ok(Err(err))) => {
                let telling = err.kind() == io::ErrorKind::ConnectionRefused;
                if error.is_none() || telling {
                    error = Some(err);
                }
            }
            Some(Err(_)) | None => {}
        }
    }
}
