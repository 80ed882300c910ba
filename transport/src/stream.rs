//! One connection, whatever carries it, with its bytes counted on the wire.

use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::sockopt;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::{client, server};

use crate::rsa_aes::Sealed;

/// A peer that vanished without a word (cable, power, sleep) is noticed after this much silence and
/// `KEEPALIVE_PROBES` probes without an answer: 60 s in all.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 3;

/// Bytes not sent yet below which the kernel asks for more.
const NOT_SENT: u32 = 16 << 10;

/// The first byte of whoever begins TLS: the content type of a handshake.
const TLS_HANDSHAKE: u8 = 22;

/// Bytes on the socket, below TLS, so that a handshake and every record count. IP and TCP headers do not.
#[derive(Debug, Default)]
pub struct WireCounters {
    read: AtomicU64,
    written: AtomicU64,
}

impl WireCounters {
    /// Bytes read from the socket so far.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes that the socket has taken so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

/// A byte stream to a peer: TCP, a Unix socket or anything else, plain, in TLS or in RSA-AES. Flush after writing: both
/// hold back what the socket did not take.
pub struct Stream {
    layer: Layer,
    counters: Arc<WireCounters>,
}

enum Layer {
    Plain(Counted),
    // Boxed, because a TLS session is some hundred times larger than a socket.
    ServerTls(Box<server::TlsStream<Counted>>),
    ClientTls(Box<client::TlsStream<Counted>>),
    RsaAes(Box<Sealed>),
    /// Something that carries bytes inside another stream, which counts them.
    Inside {
        io: Box<dyn ReadWrite>,
        encrypted: bool,
    },
}

impl Stream {
    /// Over TCP, with Nagle's algorithm off (a key press must not wait for the last acknowledgement), keep-alive on, and
    /// little in the kernel that was not sent yet: what lies there cannot be overtaken.
    pub fn from_tcp(tcp: TcpStream) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        sockopt::set_socket_keepalive(tcp.as_fd(), true)?;
        sockopt::set_tcp_keepidle(tcp.as_fd(), KEEPALIVE_IDLE)?;
        sockopt::set_tcp_keepintvl(tcp.as_fd(), KEEPALIVE_INTERVAL)?;
        sockopt::set_tcp_keepcnt(tcp.as_fd(), KEEPALIVE_PROBES)?;
        SockRef::from(&tcp).set_tcp_notsent_lowat(NOT_SENT)?;
        Ok(Self::plain(Socket::Tcp(tcp)))
    }

    /// Over a Unix socket.
    pub fn from_unix(unix: UnixStream) -> Self {
        Self::plain(Socket::Unix(unix))
    }

    /// Over anything that carries bytes both ways, such as `tokio::io::duplex` or a simulated link.
    pub fn from_io(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self::plain(Socket::Other(Box::new(io)))
    }

    fn plain(socket: Socket) -> Self {
        let counters = Arc::new(WireCounters::default());
        Self { layer: Layer::Plain(Counted { socket, counters: Arc::clone(&counters) }), counters }
    }

    pub(crate) fn server_tls(tls: server::TlsStream<Counted>) -> Self {
        let counters = Arc::clone(&tls.get_ref().0.counters);
        Self { layer: Layer::ServerTls(Box::new(tls)), counters }
    }

    pub(crate) fn client_tls(tls: client::TlsStream<Counted>) -> Self {
        let counters = Arc::clone(&tls.get_ref().0.counters);
        Self { layer: Layer::ClientTls(Box::new(tls)), counters }
    }

    pub(crate) fn sealed(sealed: Sealed) -> Self {
        let counters = sealed.get_ref().counters();
        Self { layer: Layer::RsaAes(Box::new(sealed)), counters }
    }

    /// The stream as it was before RSA-AES, and what came in the clear already; what was written goes first.
    /// For types of RSA-AES that seal the proof and nothing behind it.
    ///
    /// # Errors
    ///
    /// `InvalidData` if the peer has sealed more than was read, `InvalidInput` if there is no RSA-AES.
    pub async fn into_clear(mut self) -> io::Result<(Self, Vec<u8>)> {
        self.flush().await?;
        match self.layer {
            Layer::RsaAes(sealed) => sealed.into_inner(),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Bytes carried inside another stream, with that one's counters.
    pub(crate) fn inside(
        io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        counters: Arc<WireCounters>,
        encrypted: bool,
    ) -> Self {
        Self { layer: Layer::Inside { io: Box::new(io), encrypted }, counters }
    }

    /// The socket to put TLS on; `None` if there is something on it already.
    pub(crate) fn into_counted(self) -> Option<Counted> {
        match self.layer {
            Layer::Plain(counted) => Some(counted),
            Layer::ServerTls(_) | Layer::ClientTls(_) | Layer::RsaAes(_) | Layer::Inside { .. } => None,
        }
    }

    /// The wire's byte counts, which go on counting.
    pub fn counters(&self) -> Arc<WireCounters> {
        Arc::clone(&self.counters)
    }

    /// Whether the peer begins a TLS handshake (RFC 8446, section 5.1); waits for its first byte and leaves it
    /// unread. Only TCP can tell; anything else is taken to begin one.
    pub async fn begins_tls(&mut self) -> io::Result<bool> {
        let Layer::Plain(Counted { socket: Socket::Tcp(tcp), .. }) = &self.layer else { return Ok(true) };
        let mut first = [0];
        Ok(tcp.peek(&mut first).await? == 0 || first == [TLS_HANDSHAKE])
    }

    /// Whether the bytes travel in TLS or RSA-AES.
    pub fn is_encrypted(&self) -> bool {
        match &self.layer {
            Layer::Plain(_) => false,
            Layer::ServerTls(_) | Layer::ClientTls(_) | Layer::RsaAes(_) => true,
            Layer::Inside { encrypted, .. } => *encrypted,
        }
    }

    fn inner(&mut self) -> Pin<&mut dyn ReadWrite> {
        match &mut self.layer {
            Layer::Plain(io) => Pin::new(io),
            Layer::ServerTls(io) => Pin::new(io.as_mut()),
            Layer::ClientTls(io) => Pin::new(io.as_mut()),
            Layer::RsaAes(io) => Pin::new(io.as_mut()),
            Layer::Inside { io, .. } => Pin::new(io.as_mut()),
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("encrypted", &self.is_encrypted())
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.inner().poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.inner().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.inner().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.layer {
            Layer::Plain(io) => io.is_write_vectored(),
            Layer::ServerTls(io) => io.is_write_vectored(),
            Layer::ClientTls(io) => io.is_write_vectored(),
            Layer::RsaAes(io) => io.is_write_vectored(),
            Layer::Inside { io, .. } => io.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }
}

pub(crate) trait ReadWrite: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ReadWrite for T {}

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    Other(Box<dyn ReadWrite>),
}

impl Socket {
    fn inner(&mut self) -> Pin<&mut dyn ReadWrite> {
        match self {
            Self::Tcp(io) => Pin::new(io),
            Self::Unix(io) => Pin::new(io),
            Self::Other(io) => Pin::new(io.as_mut()),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(io) => io.is_write_vectored(),
            Self::Unix(io) => io.is_write_vectored(),
            Self::Other(io) => io.is_write_vectored(),
        }
    }
}

/// A socket and its counters. TLS goes on top of it.
pub(crate) struct Counted {
    socket: Socket,
    counters: Arc<WireCounters>,
}

impl Counted {
    fn note_written(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(n)) = result {
            self.counters.written.fetch_add(n as u64, Ordering::Relaxed);
        }
        result
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = self.socket.inner().poll_read(cx, buf);
        let n = buf.filled().len() - before;
        self.counters.read.fetch_add(n as u64, Ordering::Relaxed);
        result
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = self.socket.inner().poll_write(cx, buf);
        self.note_written(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = self.socket.inner().poll_write_vectored(cx, bufs);
        self.note_written(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.inner().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.inner().poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn counts_both_ways() {
        let (near, far) = duplex(4);
        let (mut near, mut far) = (Stream::from_io(near), Stream::from_io(far));
        let echo = tokio::spawn(async move {
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.unwrap();
            far.write_all(&all[..7]).await.unwrap();
            far
        });
        near.write_all(&[1; 100]).await.unwrap();
        near.write_all_buf(&mut &[2; 23][..]).await.unwrap();
        near.shutdown().await.unwrap();
        let mut back = [0; 7];
        near.read_exact(&mut back).await.unwrap();
        let far = echo.await.unwrap();
        assert_eq!((near.counters().written(), near.counters().read()), (123, 7));
        assert_eq!((far.counters().written(), far.counters().read()), (7, 123));
        assert!(!near.is_encrypted());
    }
}
