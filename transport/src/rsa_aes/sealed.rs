//! A stream whose bytes travel in sealed messages, a layer between TCP and RFB as TLS is one.
//!
//! Where one message ends and the next begins means nothing, but that peers want a few short ones as
//! they are in the specification: what is written at once goes as one message if it is not too long.
//! Nothing says that the last message was the last, so a connection that someone cut between two of
//! them looks as if it had been closed.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::cipher::{Cipher, HEADER, TAG};
use crate::Stream;

/// Bytes of text in a message to the peer at most, as in TigerVNC's: the peer can use nothing of a
/// message before all of it has come.
const MAX_SENT: usize = 8 << 10;

/// Bytes that are sealed and not sent at most, headers and tags aside; what is sealed cannot be overtaken.
const MAX_UNSENT: usize = 4 * MAX_SENT;

/// Bytes that are read at once. Longer messages, of up to 64 KiB, get the room that they need.
const READ: usize = 16 << 10;

/// Seals what is written, and opens what is read.
pub struct Sealed {
    stream: Stream,
    outgoing: Cipher,
    incoming: Cipher,
    /// Sealed messages, and how many bytes of them the stream has taken.
    out: Vec<u8>,
    sent: usize,
    /// What has been read: in `raw` what is not opened, in `text` what is, and not read by anybody.
    /// `text.end <= raw.start <= raw.end <= input.len()`.
    input: Vec<u8>,
    raw: Range<usize>,
    text: Range<usize>,
    /// A message was wrong: all that follows is.
    broken: bool,
}

impl Sealed {
    pub fn new(stream: Stream, outgoing: Cipher, incoming: Cipher) -> Self {
        Self {
            stream,
            outgoing,
            incoming,
            out: Vec::new(),
            sent: 0,
            input: vec![0; READ],
            raw: 0..0,
            text: 0..0,
            broken: false,
        }
    }

    /// The stream beneath.
    pub fn get_ref(&self) -> &Stream {
        &self.stream
    }

    /// The stream beneath, and what came from it behind the last message. What is written has to be
    /// flushed, and what came to be read.
    pub fn into_inner(self) -> io::Result<(Stream, Vec<u8>)> {
        if !self.text.is_empty() || !self.out.is_empty() {
            let error = "bytes are left in a sealed message where the stream goes back to the clear";
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok((self.stream, self.input[self.raw].to_vec()))
    }

    /// Opens the next message if all of it is there.
    fn open(&mut self) -> io::Result<bool> {
        let raw = &mut self.input[self.raw.clone()];
        let Some((length, rest)) = raw.split_first_chunk_mut::<HEADER>() else { return Ok(false) };
        let size = usize::from(u16::from_be_bytes(*length));
        if rest.len() < size + TAG {
            return Ok(false);
        }
        let (text, rest) = rest.split_at_mut(size);
        let Some(tag) = rest.first_chunk::<TAG>() else { return Ok(false) };
        if self.broken || self.incoming.open(*length, text, tag).is_err() {
            self.broken = true;
            let error =
                "a sealed message is not the peer's: its key is another one, or the message was changed";
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        let start = self.raw.start + HEADER;
        self.text = start..start + size;
        self.raw.start = start + size + TAG;
        Ok(true)
    }

    /// Bytes that a message needs whose end has not come.
    fn needed(&self) -> usize {
        let length = self.input[self.raw.clone()].first_chunk::<HEADER>();
        HEADER + length.map_or(0, |length| usize::from(u16::from_be_bytes(*length)) + TAG)
    }

    /// Reads more from the stream; `false` at its end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        self.input.copy_within(self.raw.clone(), 0);
        self.raw = 0..self.raw.len();
        self.text = 0..0;
        let needed = self.needed();
        if self.input.len() < needed {
            self.input.resize(needed, 0);
        }
        let mut buf = ReadBuf::new(&mut self.input[self.raw.end..]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf))?;
        let n = buf.filled().len();
        self.raw.end += n;
        Poll::Ready(Ok(n > 0))
    }

    /// Gives the stream what is sealed.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.out.len() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.sent += n,
            }
        }
        self.out.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    /// Seals as much as may wait; how much that is.
    fn seal(&mut self, bufs: &[IoSlice<'_>]) -> usize {
        let total = bufs.iter().map(|buf| buf.len()).sum::<usize>().min(MAX_UNSENT);
        for start in (0..total).step_by(MAX_SENT) {
            let end = total.min(start + MAX_SENT);
            self.outgoing.seal(between(bufs, start, end), &mut self.out);
        }
        total
    }
}

/// What lies from `start` to `end`, counted over all of `bufs`.
fn between<'a>(
    bufs: &'a [IoSlice<'_>],
    start: usize,
    end: usize,
) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let mut at = 0;
    bufs.iter().filter_map(move |buf| {
        let (first, last) = (at, at + buf.len());
        at = last;
        let (from, to) = (start.max(first), end.min(last));
        (from < to).then(|| &buf[from - first..to - first])
    })
}

impl AsyncRead for Sealed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // An empty message is no end of the stream.
        while self.text.is_empty() {
            if !self.open()? && !ready!(self.poll_fill(cx))? {
                let cut = !self.raw.is_empty();
                return Poll::Ready(if cut { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) });
            }
        }
        let n = self.text.len().min(buf.remaining());
        buf.put_slice(&self.input[self.text.start..self.text.start + n]);
        self.text.start += n;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sealed {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // What is sealed goes first: never more than one piece waits.
        ready!(self.poll_send(cx))?;
        let n = self.seal(bufs);
        match self.poll_send(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // It goes with the next write, or with a flush.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(n)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use panto_protocol::rfb::AesBits;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn cipher(key: u8) -> Cipher {
        Cipher::new(AesBits::Aes128, &[key; 32])
    }

    /// Over this one, with a peer whose keys are the other way round.
    fn over(io: DuplexStream) -> Stream {
        Stream::sealed(Sealed::new(Stream::from_io(io), cipher(1), cipher(2)))
    }

    fn peer(io: DuplexStream) -> Stream {
        Stream::sealed(Sealed::new(Stream::from_io(io), cipher(2), cipher(1)))
    }

    /// What the peer seals.
    fn messages(texts: &[&[u8]]) -> Vec<u8> {
        let (mut cipher, mut out) = (cipher(2), Vec::new());
        texts.iter().for_each(|text| cipher.seal([*text].into_iter(), &mut out));
        out
    }

    fn noise(n: usize) -> Vec<u8> {
        (0..n as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    #[tokio::test]
    async fn bytes_come_as_they_went_through_pipes_of_any_width() {
        for width in [1, 7, 4096, 1 << 20] {
            let (near, far) = duplex(width);
            let (mut near, mut far) = (over(near), peer(far));
            let sent = noise(if width == 1 { 20_000 } else { 300_000 });
            let (there, back) = (sent.clone(), sent.clone());
            let echo = tokio::spawn(async move {
                let mut all = vec![0; back.len()];
                far.read_exact(&mut all).await.unwrap();
                assert!(all == back, "the far end got something else");
                far.write_all(&all).await.unwrap();
                far.shutdown().await.unwrap();
                assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
                far
            });
            near.write_all(&there).await.unwrap();
            near.flush().await.unwrap();
            let mut all = Vec::new();
            near.read_to_end(&mut all).await.unwrap();
            assert!(all == sent, "the near end got something else");
            near.shutdown().await.unwrap();
            let far = echo.await.unwrap();
            assert_eq!(near.counters().written(), far.counters().read());
            assert!(near.is_encrypted());
            let headers = sent.len().div_ceil(MAX_SENT) * (HEADER + TAG);
            assert!(near.counters().written() >= (sent.len() + headers) as u64);
        }
    }

    #[tokio::test]
    async fn what_is_written_at_once_is_one_message() {
        let (near, mut far) = duplex(1 << 20);
        let mut near = over(near);
        assert_eq!(near.write(&[]).await.unwrap(), 0);
        near.write_all(&[7; 20]).await.unwrap();
        let pieces = [IoSlice::new(b"a"), IoSlice::new(b""), IoSlice::new(&[8; 9000])];
        assert!(near.is_write_vectored());
        assert_eq!(near.write_vectored(&pieces).await.unwrap(), 9001);
        near.flush().await.unwrap();
        let mut sealed = vec![0; 20 + 9001 + 3 * (HEADER + TAG)];
        far.read_exact(&mut sealed).await.unwrap();
        let (mut cipher, mut expected) = (cipher(1), Vec::new());
        cipher.seal([&[7; 20][..]].into_iter(), &mut expected);
        cipher.seal([b"a", &[8; MAX_SENT - 1][..]].into_iter(), &mut expected);
        cipher.seal([&[8; 9001 - MAX_SENT][..]].into_iter(), &mut expected);
        assert_eq!(sealed, expected);
    }

    #[tokio::test]
    async fn a_peer_that_reads_nothing_is_felt() {
        let (near, far) = duplex(64);
        let mut near = over(near);
        let mut taken = 0;
        let bytes = noise(1 << 20);
        let full = poll_fn(|cx| {
            loop {
                match Pin::new(&mut near).poll_write(cx, &bytes[taken..]) {
                    Poll::Ready(n) => taken += n.unwrap(),
                    Poll::Pending => return Poll::Ready(taken),
                }
            }
        });
        assert_eq!(full.await, MAX_UNSENT);
        drop(far);
        assert_eq!(near.flush().await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn messages_may_be_empty_or_of_65535_bytes_and_come_in_pieces() {
        let long = noise(65_535);
        let bytes = messages(&[b"", b"", &long, b"", b"end", b""]);
        for piece in [1, 17, 1000, bytes.len()] {
            let (near, mut far) = duplex(1 << 10);
            let mut near = over(near);
            let bytes = bytes.clone();
            let send = tokio::spawn(async move {
                for piece in bytes.chunks(piece) {
                    far.write_all(piece).await.unwrap();
                }
            });
            let mut all = Vec::new();
            near.read_to_end(&mut all).await.unwrap();
            assert!(all == [&long[..], b"end"].concat(), "pieces of {piece}");
            send.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_cut_is_an_error_but_between_messages() {
        let whole = messages(&[b"first", b"second"]);
        for end in 0..=whole.len() {
            let (near, mut far) = duplex(1 << 10);
            let mut near = over(near);
            far.write_all(&whole[..end]).await.unwrap();
            drop(far);
            let mut all = Vec::new();
            let result = near.read_to_end(&mut all).await;
            let first = 5 + HEADER + TAG;
            assert_eq!(
                all.len(),
                if end < first {
                    0
                } else if end < whole.len() {
                    5
                } else {
                    11
                }
            );
            match result {
                Ok(_) => assert!([0, first, whole.len()].contains(&end), "cut at {end}"),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
            }
        }
    }

    #[tokio::test]
    async fn nothing_is_read_behind_a_wrong_message() {
        let mut bytes = messages(&[b"first", b"second", b"third"]);
        let at = 5 + HEADER + TAG + HEADER + 6;
        bytes[at] ^= 0x40;
        let (near, mut far) = duplex(1 << 10);
        let mut near = over(near);
        far.write_all(&bytes).await.unwrap();
        let mut first = [0; 5];
        near.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"first");
        for _ in 0..3 {
            let error = near.read(&mut [0; 9]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().contains("changed"), "{error}");
        }
    }

    #[tokio::test]
    async fn back_to_the_clear_with_what_came_already() {
        let (near, mut far) = duplex(1 << 10);
        let mut near = over(near);
        far.write_all(&[&messages(&[b"proof"])[..], b"\x01clear"].concat()).await.unwrap();
        let mut proof = [0; 5];
        near.read_exact(&mut proof).await.unwrap();
        near.write_all(b"sealed").await.unwrap();
        let (mut clear, came) = near.into_clear().await.unwrap();
        assert_eq!(came, b"\x01clear");
        assert!(!clear.is_encrypted());
        clear.write_all(b"plain").await.unwrap();
        let mut said = [0; 6 + HEADER + TAG + 5];
        far.read_exact(&mut said).await.unwrap();
        assert_eq!(said.last_chunk(), Some(b"plain"));
        assert_eq!(clear.into_clear().await.unwrap_err().kind(), io::ErrorKind::InvalidInput);

        // What is sealed belongs to the proof.
        let (near, mut far) = duplex(1 << 10);
        let mut near = over(near);
        far.write_all(&messages(&[b"proof and more"])).await.unwrap();
        near.read_exact(&mut proof).await.unwrap();
        assert_eq!(near.into_clear().await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
