//! Every decoder, in every format.

use super::super::choices::{Choices, pieces};
use super::any_format;
use crate::geometry::Size;
use crate::pixel::{Color, Picture};
use crate::rfb::encoding::{Decoder, ENCODINGS, Progress};
use crate::rfb::{EncodingId, PixelFormat, color_map};
use crate::wire::{DecodeError, Reader};

/// The first bytes choose a format, how reads are cut, and an encoding; then a rectangle follows the
/// other: its width, its height and its payload. One decoder reads them all.
///
/// What decodes has the size that was asked for, and comes out the same however it was cut and
/// whether tiles were read as they came or all at once. What is too short says how much is missing.
///
/// # Panics
/// If not.
pub fn rfb_decoders(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let format = any_format(&mut choices);
    let (seed, choice) = (choices.byte_or_0() | 1, choices.byte_or_0());
    let encoding = ENCODINGS[usize::from(choice & 0x7f) % ENCODINGS.len()];
    let new = || if choice & 0x80 == 0 { Decoder::new() } else { Decoder::with_jpeg() };
    let mut run = Run { format, encoding, map: color_map(), whole: new(), cut: new(), seed };
    while let Some(width) = choices.byte() {
        let size = Size::new(width.into(), choices.byte_or_0().into());
        match run.rect(size, choices.0) {
            Some(read) => choices.take(read),
            None => return,
        };
    }
}

struct Run {
    format: PixelFormat,
    encoding: EncodingId,
    map: Vec<Color>,
    whole: Decoder,
    cut: Decoder,
    seed: u8,
}

impl Run {
    /// Decodes one rectangle; how many bytes it took, if it was one.
    fn rect(&mut self, size: Size, bytes: &[u8]) -> Option<usize> {
        // Half of it first: that must leave no trace.
        let half = &bytes[..bytes.len() / 2];
        let early = self.at_once(size, half);
        let whole = match early {
            Err(DecodeError::TooShort { .. }) => self.at_once(size, bytes),
            early => early,
        };
        let cut = self.in_pieces(size, bytes);
        match (&whole, &cut) {
            // Where it stopped may be told otherwise.
            (Err(DecodeError::TooShort { .. }), Err(DecodeError::TooShort { .. })) => {}
            _ => assert_eq!(whole, cut),
        }
        let (picture, read) = whole.ok()?;
        assert_eq!(picture.size(), size);
        let cursor = matches!(self.encoding, EncodingId::CURSOR | EncodingId::CURSOR_WITH_ALPHA);
        assert!(cursor || picture.data().iter().all(|pixel| pixel >> 24 == 0), "alpha");
        Some(read)
    }

    fn at_once(&mut self, size: Size, bytes: &[u8]) -> Result<(Picture, usize), DecodeError> {
        let mut r = Reader::new(bytes);
        let decoded = self.whole.decode(self.encoding, &self.format, &self.map, size, &mut r);
        check(&decoded);
        decoded.map(|picture| (picture, bytes.len() - r.left()))
    }

    fn in_pieces(&mut self, size: Size, bytes: &[u8]) -> Result<(Picture, usize), DecodeError> {
        let mut progress = Progress::default();
        let (mut end, mut read) = (0, 0);
        let mut pieces = pieces(bytes, self.seed).into_iter();
        loop {
            let mut r = Reader::new(&bytes[read..end]);
            let decoded =
                self.cut.resume(self.encoding, &self.format, &self.map, size, &mut r, &mut progress);
            read = end - r.left();
            check(&decoded);
            match (decoded, pieces.next()) {
                (Err(DecodeError::TooShort { .. }), Some(piece)) => end += piece.len(),
                (decoded, _) => return decoded.map(|picture| (picture, read)),
            }
        }
    }
}

fn check(decoded: &Result<Picture, DecodeError>) {
    if let Err(DecodeError::TooShort { need, have, .. }) = decoded {
        assert!(have < need, "whoever waits for nothing never goes on");
    }
}
