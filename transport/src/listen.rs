//! Listening: loopback of both families, other addresses, Unix sockets, all behind one `accept`.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::fs::{Mode, fchmod};
use rustix::net::sockopt::set_ipv6_v6only;
use tokio::net::{TcpListener, TcpSocket, UnixListener, UnixSocket, UnixStream, lookup_host};

use crate::files::{FileError, create_private_dir};
use crate::{ListenAddress, Stream};

/// Connections that the system keeps for us until they are accepted.
const BACKLOG: u32 = 128;

/// Attempts to find a free port that both families have free.
const PORT_PAIR_ATTEMPTS: usize = 16;

/// Rest after an error that more haste would only repeat, such as no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program listens there.
    #[error("{address} is already in use, perhaps by another panto serve; {hint}")]
    InUse {
        /// What was to be listened on.
        address: String,
        /// What to try next.
        hint: String,
    },
    /// No such address on this machine.
    #[error("{address} is no address of this machine; `ip address` lists them, and * means all of them")]
    NotOurs {
        /// What was to be listened on.
        address: String,
    },
    /// The system forbids it.
    #[error("no permission to listen on {address}; {hint}")]
    Forbidden {
        /// What was to be listened on.
        address: String,
        /// What to try next.
        hint: &'static str,
    },
    /// A host name that resolves to nothing.
    #[error("cannot find the address of {host}")]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something lies where the Unix socket should be, and it is no socket.
    #[error("{} exists and is no socket; remove it or choose another path", .path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket's directory cannot be made.
    #[error(transparent)]
    Directory(#[from] FileError),
    /// Anything else.
    #[error("cannot listen on {address}")]
    Io {
        /// What was to be listened on.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An empty list of addresses.
    #[error("no address to listen on")]
    NoAddress,
}

/// Who is at the other end of an accepted connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// By TCP.
    Tcp(SocketAddr),
    /// Through a Unix socket.
    Unix {
        /// The peer's user, as the system knows it.
        uid: Option<u32>,
        /// The peer's process.
        pid: Option<i32>,
    },
}

impl Peer {
    /// The address to count attempts by. Local peers of all kinds share one.
    pub fn ip(&self) -> IpAddr {
        match self {
            Self::Tcp(addr) => addr.ip().to_canonical(),
            Self::Unix { .. } => IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => write!(f, "{addr}"),
            Self::Unix { pid: Some(pid), .. } => write!(f, "local process {pid}"),
            Self::Unix { .. } => f.write_str("local process"),
        }
    }
}

/// What a listener is bound to, with the port that the system chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalAddr {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl LocalAddr {
    /// Whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Tcp(addr) => addr.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// The TCP port.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(addr) => Some(addr.port()),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for LocalAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => write!(f, "{addr}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// All sockets of one server. Unix sockets are removed when it is dropped.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<Bound>,
    /// Where the next `accept` begins to ask, so that a busy socket does not starve the others.
    next: AtomicUsize,
}

impl Listener {
    /// Listens on all of `addresses` or on none. Where a machine lacks one family of loopback (or of all addresses),
    /// the other suffices and a warning is logged.
    pub async fn bind(addresses: &[ListenAddress]) -> Result<Self, ListenError> {
        let mut sockets = Vec::new();
        for address in addresses {
            match address {
                ListenAddress::Loopback { port } => {
                    bind_pair([Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()], *port, &mut sockets)?;
                }
                ListenAddress::Any { port } => {
                    bind_pair(
                        [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
                        *port,
                        &mut sockets,
                    )?;
                }
                ListenAddress::Tcp { host, port } => bind_host(host, *port, &mut sockets).await?,
                ListenAddress::Unix(path) => sockets.push(Bound::Unix(bind_unix(path).await?)),
            }
        }
        if sockets.is_empty() {
            return Err(ListenError::NoAddress);
        }
        let listener = Self { sockets, next: AtomicUsize::new(0) };
        for addr in listener.local_addrs() {
            tracing::info!(%addr, "listening");
        }
        Ok(listener)
    }

    /// What it is bound to, in the order given, IPv4 before IPv6.
    pub fn local_addrs(&self) -> Vec<LocalAddr> {
        self.sockets.iter().map(Bound::addr).collect()
    }

    /// The next connection. May be dropped while it waits without losing one. Errors of single connections are logged
    /// and passed over.
    pub async fn accept(&self) -> (Stream, Peer) {
        loop {
            match poll_fn(|cx| self.poll_accept(cx)).await {
                Ok(accepted) => return accepted,
                Err(err) if connection_failed(&err) => {
                    tracing::debug!(%err, "a connection ended before it began")
                }
                Err(err) => {
                    tracing::warn!(%err, "cannot accept connections; trying again");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, Peer)>> {
        let first = self.next.load(Ordering::Relaxed);
        for i in 0..self.sockets.len() {
            let index = (first + i) % self.sockets.len();
            if let Poll::Ready(result) = self.sockets[index].poll_accept(cx) {
                self.next.store(index + 1, Ordering::Relaxed);
                return Poll::Ready(result);
            }
        }
        Poll::Pending
    }
}

/// Whether an error of `accept` is about the connection and not about us (accept(2), "Error handling").
fn connection_failed(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotConnected
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
    )
}

#[derive(Debug)]
enum Bound {
    Tcp(TcpListener, SocketAddr),
    Unix(BoundUnix),
}

impl Bound {
    fn addr(&self) -> LocalAddr {
        match self {
            Self::Tcp(_, addr) => LocalAddr::Tcp(*addr),
            Self::Unix(unix) => LocalAddr::Unix(unix.path.clone()),
        }
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, Peer)>> {
        match self {
            Self::Tcp(listener, _) => listener.poll_accept(cx).map(|accepted| {
                accepted.and_then(|(tcp, addr)| Ok((Stream::from_tcp(tcp)?, Peer::Tcp(addr))))
            }),
            Self::Unix(unix) => unix.listener.poll_accept(cx).map_ok(|(stream, _)| {
                let cred = stream.peer_cred().ok();
                let peer = Peer::Unix { uid: cred.map(|c| c.uid()), pid: cred.and_then(|c| c.pid()) };
                (Stream::from_unix(stream), peer)
            }),
        }
    }
}

#[derive(Debug)]
struct BoundUnix {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of our socket, lest another server's is removed in its place.
    file: Option<(u64, u64)>,
}

impl Drop for BoundUnix {
    fn drop(&mut self) {
        if self.file.is_some() && self.file == inode(&self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Both families at one port. One that this machine does not have is passed over if the other works.
fn bind_pair(ips: [IpAddr; 2], port: u16, sockets: &mut Vec<Bound>) -> Result<(), ListenError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let first = bind_one(SocketAddr::new(ips[0], port));
        // With port 0 the first socket chooses, and the second must take the same.
        let second_port = first.as_ref().map_or(port, |bound| bound.1.port());
        let second = bind_one(SocketAddr::new(ips[1], second_port));
        match (first, second) {
            (Ok(a), Ok(b)) => {
                sockets.extend([Bound::Tcp(a.0, a.1), Bound::Tcp(b.0, b.1)]);
                return Ok(());
            }
            (Ok(_), Err((_, err))) if port == 0 && in_use(&err) && attempts < PORT_PAIR_ATTEMPTS => {}
            (Ok(bound), Err((addr, err))) | (Err((addr, err)), Ok(bound)) if family_missing(&err) => {
                tracing::warn!(%addr, %err, "this machine lacks this address; listening without it");
                sockets.push(Bound::Tcp(bound.0, bound.1));
                return Ok(());
            }
            (Err((addr, err)), _) | (_, Err((addr, err))) => return Err(listen_error(addr, err)),
        }
    }
}

async fn bind_host(host: &str, port: u16, sockets: &mut Vec<Bound>) -> Result<(), ListenError> {
    let resolve = |source| ListenError::Resolve { host: host.to_owned(), source };
    let addrs: Vec<SocketAddr> = lookup_host((host, port)).await.map_err(resolve)?.collect();
    let before = sockets.len();
    for (i, addr) in addrs.iter().enumerate() {
        // The resolver lists an address once per kind of socket on some systems.
        if !addrs[..i].contains(addr) {
            let (listener, addr) = bind_one(*addr).map_err(|(addr, err)| listen_error(addr, err))?;
            sockets.push(Bound::Tcp(listener, addr));
        }
    }
    if sockets.len() == before {
        return Err(resolve(io::ErrorKind::NotFound.into()));
    }
    Ok(())
}

fn bind_one(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), (SocketAddr, io::Error)> {
    let bind = || {
        let socket = if addr.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            let socket = TcpSocket::new_v6()?;
            // Each family has its own socket, so that [::] does not take 0.0.0.0's port too.
            set_ipv6_v6only(socket.as_fd(), true)?;
            socket
        };
        // A server that is started again at once must not wait for old connections to be forgotten.
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        let listener = socket.listen(BACKLOG)?;
        let addr = listener.local_addr()?;
        Ok((listener, addr))
    };
    bind().map_err(|err| (addr, err))
}

fn in_use(err: &io::Error) -> bool {
    err.kind() == io::ErrorKind::AddrInUse
}

fn family_missing(err: &io::Error) -> bool {
    err.kind() == io::ErrorKind::AddrNotAvailable
        || err.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn listen_error(addr: SocketAddr, source: io::Error) -> ListenError {
    let address = addr.to_string();
    match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse {
            address,
            hint: format!(
                "`ss -tlnp sport = :{}` names the program; stop it or choose another port, such as {}",
                addr.port(),
                addr.port().checked_add(1).unwrap_or(crate::DEFAULT_PORT)
            ),
        },
        io::ErrorKind::AddrNotAvailable => ListenError::NotOurs { address },
        io::ErrorKind::PermissionDenied => {
            ListenError::Forbidden { address, hint: "ports below 1024 are the system's: choose a higher one" }
        }
        _ => ListenError::Io { address, source },
    }
}

async fn bind_unix(path: &Path) -> Result<BoundUnix, ListenError> {
    let address = || format!("unix:{}", path.display());
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        create_private_dir(dir)?;
    }
    let mut result = bind_unix_once(path);
    if matches!(&result, Err(err) if in_use(err)) {
        make_way(path).await?;
        result = bind_unix_once(path);
    }
    match result {
        Ok(listener) => Ok(BoundUnix { listener, path: path.to_owned(), file: inode(path) }),
        Err(err) if in_use(&err) => Err(unix_in_use(path)),
        Err(err) if err.kind() == io::ErrorKind::PermissionDenied => Err(ListenError::Forbidden {
            address: address(),
            hint: "choose a path in a directory of your own, such as $XDG_RUNTIME_DIR/panto.sock",
        }),
        Err(source) => Err(ListenError::Io { address: address(), source }),
    }
}

fn bind_unix_once(path: &Path) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    // Linux gives the file the socket's own mode, so that there is no moment when others can connect.
    fchmod(socket.as_fd(), Mode::RUSR | Mode::WUSR)?;
    socket.bind(path)?;
    socket.listen(BACKLOG)
}

/// Removes the socket of a server that ended without removing it.
async fn make_way(path: &Path) -> Result<(), ListenError> {
    let io_error = |source| ListenError::Io { address: format!("unix:{}", path.display()), source };
    let Some(before) = inode(path) else { return Ok(()) };
    if !std::fs::symlink_metadata(path).map_err(io_error)?.file_type().is_socket() {
        return Err(ListenError::NotASocket { path: path.to_owned() });
    }
    match UnixStream::connect(path).await {
        Err(err) if err.kind() == io::ErrorKind::ConnectionRefused => {
            // Another server may have taken the place since.
            if inode(path) == Some(before) {
                tracing::info!(path = %path.display(), "removing the socket of a server that is gone");
                std::fs::remove_file(path).map_err(io_error)?;
            }
            Ok(())
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(unix_in_use(path)),
    }
}

fn unix_in_use(path: &Path) -> ListenError {
    ListenError::InUse {
        address: format!("unix:{}", path.display()),
        hint: format!("`ss -xlp src {}` names the program; stop it or choose another path", path.display()),
    }
}
