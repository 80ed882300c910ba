//! Moves bytes between a stream and a connection machine, both ways at once.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::Stream;

/// Bytes read at once at most.
const READ: usize = 64 << 10;

/// A stream with a buffer in each direction.
pub struct Pipe {
    stream: Stream,
    input: Box<[u8]>,
    output: Vec<u8>,
    /// Bytes of `output` that the stream has taken; `<= output.len()`.
    written: usize,
    /// Whether the stream still holds back bytes that it took.
    unflushed: bool,
}

/// What [`Pipe::turn`] did.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn<'a> {
    /// The peer sent these bytes.
    Read(&'a [u8]),
    /// All output is written: more may be given.
    Written,
    /// The peer closed its side.
    Closed,
}

impl Pipe {
    /// A pipe over a stream.
    pub fn new(stream: Stream) -> Self {
        Self {
            stream,
            input: vec![0; READ].into_boxed_slice(),
            output: Vec::new(),
            written: 0,
            unflushed: false,
        }
    }

    /// Whether all output is written, so that the most urgent bytes can be chosen now
    /// and not earlier.
    pub fn is_writable(&self) -> bool {
        self.written == self.output.len()
    }

    /// The output, to append to. What is in it already cannot be overtaken.
    pub fn output(&mut self) -> &mut Vec<u8> {
        if self.is_writable() {
            self.output.clear();
            self.written = 0;
        }
        &mut self.output
    }

    /// Writes and reads until something happened. Dropping the future loses nothing.
    pub async fn turn(&mut self) -> io::Result<Turn<'_>> {
        let n = std::future::poll_fn(|cx| self.poll(cx)).await?;
        Ok(match n {
            None => Turn::Written,
            Some(0) => Turn::Closed,
            Some(n) => Turn::Read(&self.input[..n]),
        })
    }

    /// Writes what is left, closes this side of the stream, and reads until the peer has
    /// closed its own. Only then have both ends counted the same bytes, and nothing that
    /// is still on its way is answered with a reset, which would throw it away. From a peer
    /// that does not stop, `at_most` so many bytes are read; give it a time limit too, as
    /// one may never close. Nothing can be written afterwards.
    pub async fn finish(&mut self, at_most: u64) -> io::Result<()> {
        let rest = &self.output[self.written..];
        self.stream.write_all(rest).await?;
        self.written = self.output.len();
        self.stream.flush().await?;
        self.stream.shutdown().await?;
        let mut read = 0;
        while read < at_most {
            match self.stream.read(&mut self.input).await? {
                0 => break,
                n => read += n as u64,
            }
        }
        Ok(())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<usize>>> {
        let mut progress = false;
        while self.written < self.output.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.output[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(n)) => {
                    self.written += n;
                    self.unflushed = true;
                    progress = true;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => break,
            }
        }
        if self.unflushed && self.is_writable() {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        if progress && self.is_writable() {
            return Poll::Ready(Ok(None));
        }
        let mut buffer = ReadBuf::new(&mut self.input);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(Some(buffer.filled().len()))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}
