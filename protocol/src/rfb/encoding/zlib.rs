//! A zlib stream (RFC 1950) that lives as long as the connection, a piece at a time.
//!
//! Each piece ends with a sync flush: what went in can be read without the next piece, and that one
//! may refer to it.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::wire::DecodeError;

/// The most compressed bytes that are waited for, where `plain` bytes can come of them. What cannot
/// be compressed grows by five bytes in 64 KiB; peers that flush more often need more.
pub(super) const fn max_packed(plain: usize) -> usize {
    plain.saturating_mul(2).saturating_add(4096)
}

/// How much harder the library has to try to find what zlib finds at a level: its 6 looks less far.
const HARDER: u8 = 2;

/// Bytes that output grows by at least.
const STEP: usize = 4096;

/// The sender's side. Nothing is allocated before the first piece.
#[derive(Debug, Default)]
pub(super) struct Deflater {
    stream: Option<(u8, Compress)>,
}

impl Deflater {
    /// Appends `plain`, compressed as zlib's `level` does (0 to 9), and a flush.
    pub(super) fn deflate(&mut self, level: u8, plain: &[u8], out: &mut Vec<u8>) {
        let stream = self.at_level(if level == 0 { 0 } else { level.saturating_add(HARDER).min(9) });
        let mut rest = plain;
        loop {
            out.reserve(STEP.max(rest.len() / 2));
            let before = stream.total_in();
            // Errors are misuse only, which cannot be; a loop without an end would be worse.
            let Ok(_) = stream.compress_vec(rest, out, FlushCompress::Sync) else { return };
            rest = &rest[(stream.total_in() - before) as usize..];
            // Room left over means that everything is out, the flush too.
            if rest.is_empty() && out.len() < out.capacity() {
                return;
            }
        }
    }

    /// The stream, from now on at `level`.
    ///
    /// Another level takes another compressor, which goes on without a header where the one before
    /// was flushed: the reader sees one stream whose next piece happens to refer to nothing. The
    /// library's own way of changing levels fails behind a flush.
    fn at_level(&mut self, level: u8) -> &mut Compress {
        let header = self.stream.is_none();
        if self.stream.as_ref().is_none_or(|stream| stream.0 != level) {
            self.stream = None;
        }
        let new = || (level, Compress::new(Compression::new(level.into()), header));
        &mut self.stream.get_or_insert_with(new).1
    }
}

/// The receiver's side. Nothing is allocated before the first piece.
#[derive(Debug, Default)]
pub(super) struct Inflater {
    stream: Option<Decompress>,
}

impl Inflater {
    /// `plain` becomes what the piece holds.
    ///
    /// # Errors
    ///
    /// If that is more than `max` bytes, of which not more than one is then written, or the piece
    /// is none of a zlib stream. The stream is of no use afterwards.
    pub(super) fn inflate(
        &mut self,
        packed: &[u8],
        max: usize,
        plain: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let what = "zlib data";
        let stream = self.stream.get_or_insert_with(|| Decompress::new(true));
        plain.clear();
        let mut rest = packed;
        let mut done = 0;
        loop {
            // Memory follows what really comes. One byte too many is how a bomb is told from a
            // piece that fits exactly.
            let room = done + STEP.max(rest.len().saturating_mul(4)).max(done);
            plain.resize(room.min(max.saturating_add(1)), 0);
            let (before_in, before_out) = (stream.total_in(), stream.total_out());
            let status = stream.decompress(rest, &mut plain[done..], FlushDecompress::Sync);
            let read = (stream.total_in() - before_in) as usize;
            let written = (stream.total_out() - before_out) as usize;
            rest = &rest[read..];
            done += written;
            if done > max {
                return Err(DecodeError::TooLarge { what });
            }
            match status {
                Ok(Status::Ok | Status::BufError) if rest.is_empty() && done < plain.len() => break,
                Ok(Status::Ok | Status::BufError) if read + written > 0 => {}
                // No way on, or an end: streams of RFB have none.
                _ => return Err(DecodeError::Invalid { what }),
            }
        }
        plain.truncate(done);
        Ok(())
    }

    /// Begins anew.
    pub(super) fn reset(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.reset(true);
        }
    }
}
