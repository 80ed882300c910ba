//! A byte stream inside a WebSocket (RFC 6455): each binary message carries the next bytes.
//!
//! The handshake, which is HTTP's, has been done elsewhere. Where one message ends and the next
//! begins means nothing, as for every protocol that is tunnelled so.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, Stream as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, handshake::derive_accept_key};

use crate::Stream;

/// Bytes of a message from the peer at most, whole or in fragments: a browser sends input, and
/// pieces of a clipboard.
const MAX_RECEIVED: usize = 256 << 10;

/// Bytes of a message to the peer at most. Four bytes of header are little beside it, and what
/// has gone into a message cannot wait for more urgent bytes.
const MAX_SENT: usize = 16 << 10;

/// Bytes that are read from the socket at once.
const READ: usize = 16 << 10;

/// The answer to a client's `Sec-WebSocket-Key` (RFC 6455, section 4.2.2).
pub fn websocket_accept_key(key: &[u8]) -> String {
    derive_accept_key(key)
}

impl Stream {
    /// The bytes inside the server's side of a WebSocket on this stream. `received` is what came
    /// behind the handshake already. The wire's counters go on counting.
    ///
    /// Reading fails with `InvalidData` on text, on unmasked frames and on messages of more than
    /// 256 KiB. Shutting down says goodbye with a close frame.
    pub async fn into_websocket(self, received: Vec<u8>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ)
            // Each message goes out at once, so that a full socket is felt.
            .write_buffer_size(0)
            .max_write_buffer_size(4 * MAX_SENT)
            .max_message_size(Some(MAX_RECEIVED))
            .max_frame_size(Some(MAX_RECEIVED));
        let (counters, encrypted) = (self.counters(), self.is_encrypted());
        let socket = WebSocketStream::from_partially_read(self, received, Role::Server, Some(config)).await;
        Self::inside(WebSocketBytes { socket, rest: Bytes::new() }, counters, encrypted)
    }
}

struct WebSocketBytes {
    socket: WebSocketStream<Stream>,
    /// Received and not read yet.
    rest: Bytes,
}

impl AsyncRead for WebSocketBytes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // An empty message is no end of the stream.
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => self.rest = bytes,
                Some(Ok(Message::Text(_))) => {
                    let error = "a WebSocket message of text, where bytes were expected";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
                }
                // Answered by the library.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(io_error(error))),
            }
        }
        let n = self.rest.len().min(buf.remaining());
        buf.put_slice(&self.rest.split_to(n));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WebSocketBytes {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut socket = Pin::new(&mut self.socket);
        ready!(socket.as_mut().poll_ready(cx)).map_err(io_error)?;
        let n = buf.len().min(MAX_SENT);
        socket.start_send(Message::Binary(Bytes::copy_from_slice(&buf[..n]))).map_err(io_error)?;
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(io_error)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(io_error)
    }
}

fn io_error(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed | Error::AlreadyClosed => io::ErrorKind::BrokenPipe.into(),
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// Both ends; `room` bytes fit on the way.
    async fn pair(room: usize) -> (Stream, WebSocketStream<DuplexStream>) {
        let (near, far) = duplex(room);
        let stream = Stream::from_io(near).into_websocket(Vec::new()).await;
        (stream, WebSocketStream::from_raw_socket(far, Role::Client, None).await)
    }

    #[test]
    fn the_example_of_the_specification() {
        assert_eq!(websocket_accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[tokio::test]
    async fn bytes_go_both_ways_whatever_the_messages() {
        let (mut stream, mut far) = pair(1000).await;
        let sent: Vec<u8> = (0..100_000u32).map(|i| (i * 7 % 251) as u8).collect();
        let want = sent.clone();
        let peer = tokio::spawn(async move {
            for piece in [&want[..1], &[], &want[1..70_000], &want[70_000..]] {
                far.feed(Message::Binary(Bytes::copy_from_slice(piece))).await.unwrap();
            }
            far.feed(Message::Ping(Bytes::new())).await.unwrap();
            far.flush().await.unwrap();
            let mut back = Vec::new();
            while let Some(Ok(message)) = far.next().await {
                match message {
                    Message::Binary(bytes) => {
                        assert!(bytes.len() <= MAX_SENT);
                        back.extend_from_slice(&bytes);
                    }
                    Message::Pong(_) => {}
                    Message::Close(_) => break,
                    other => panic!("{other:?}"),
                }
            }
            back
        });
        let mut got = vec![0; sent.len()];
        stream.read_exact(&mut got).await.unwrap();
        assert!(got == sent);
        stream.write_all(&sent).await.unwrap();
        stream.flush().await.unwrap();
        stream.shutdown().await.unwrap();
        assert!(peer.await.unwrap() == sent);
        let read = stream.counters().read();
        assert!(100_000 < read && read < 100_100, "headers and masks count: {read}");
    }

    #[tokio::test]
    async fn text_and_long_messages_are_refused() {
        for message in [Message::text("RFB"), Message::Binary(vec![0; MAX_RECEIVED + 1].into())] {
            let (mut stream, mut far) = pair(1 << 20).await;
            far.send(message).await.unwrap();
            let error = stream.read(&mut [0; 64]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        }
    }

    #[tokio::test]
    async fn unmasked_frames_and_announced_gigabytes_are_refused() {
        let masked = [0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4];
        for bytes in [&[0x82, 0x01, 0x00][..], &masked] {
            let (near, mut far) = duplex(64);
            let mut stream = Stream::from_io(near).into_websocket(Vec::new()).await;
            far.write_all(bytes).await.unwrap();
            let error = stream.read(&mut [0; 64]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        }
    }

    #[tokio::test]
    async fn a_close_is_the_end_and_is_answered() {
        let (mut stream, mut far) = pair(1000).await;
        far.send(Message::Close(None)).await.unwrap();
        assert_eq!(stream.read(&mut [0; 64]).await.unwrap(), 0);
        assert_eq!(stream.read(&mut [0; 64]).await.unwrap(), 0);
        stream.shutdown().await.unwrap();
        assert!(matches!(far.next().await, Some(Ok(Message::Close(_)))));
    }
}
