//! The extended clipboard (rfbproto, Extended Clipboard): text in UTF-8, asked for before it is sent.
//!
//! A cut text whose length is negative holds one [`Clipboard`] in as many bytes. Of the formats
//! there are, text is the one that is spoken here.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::{MAX_CUT_TEXT, be32};
use crate::wire::{DecodeError, Reader, Writer};

/// Plain text, in the flags.
const TEXT: u32 = 1;
/// Sizes of these formats follow in [`Clipboard::Caps`].
const FORMATS: u32 = 0xffff;
const CAPS: u32 = 1 << 24;
const REQUEST: u32 = 1 << 25;
const PEEK: u32 = 1 << 26;
const NOTIFY: u32 = 1 << 27;
const PROVIDE: u32 = 1 << 28;

/// Bytes of one message at most: sixteen sizes, or a text that zlib made no smaller.
pub const MAX_CLIPBOARD: usize = MAX_CUT_TEXT + MAX_CUT_TEXT / 512 + 128;

/// Bytes of a text that is sent without a request at most: with what zlib and carriage returns add,
/// peers that end connections above 1 MiB take it.
const MAX_UNASKED: usize = MAX_CUT_TEXT / 2 - 1024;

/// What one end of a connection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Takes {
    /// Bytes of text that may be sent without a request; `None`: it takes no text.
    pub text: Option<u32>,
    /// It answers requests.
    pub request: bool,
    /// It is to be told that there is something new.
    pub notify: bool,
}

impl Default for Takes {
    /// What rfbproto assumes of who has told nothing.
    fn default() -> Self {
        Self { text: Some(20 << 20), request: true, notify: true }
    }
}

impl Takes {
    /// How this end is told of a new text: by the text itself if it takes so much without a request
    /// (some programs never ask), or else by [`Clipboard::Notify`]; by nothing if it takes neither.
    #[must_use]
    pub fn news(&self, text: &str) -> Option<Clipboard> {
        let unasked = self.text? as usize;
        if text.len() <= unasked.min(MAX_UNASKED) {
            return Some(Clipboard::Provide(Some(text.to_owned())));
        }
        self.notify.then_some(Clipboard::Notify { text: true })
    }
}

/// One message of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clipboard {
    /// What the sender of this takes.
    Caps(Takes),
    /// The text is wanted, if `text`.
    Request {
        /// Whether text is among what is wanted.
        text: bool,
    },
    /// What there is should be told.
    Peek,
    /// There is something new.
    Notify {
        /// Whether it is there as text.
        text: bool,
    },
    /// Here it is. Lines end with `\n`; on the wire with `\r\n`. `None`: nothing of it is text.
    Provide(Option<String>),
}

impl Clipboard {
    /// What this program takes.
    pub const fn ours() -> Self {
        Self::Caps(Takes { text: Some(0), request: true, notify: true })
    }

    /// Reads the bytes that a negative length has counted.
    ///
    /// # Errors
    ///
    /// Texts beyond [`MAX_CUT_TEXT`], and what is no such message.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let flags = be32(&mut r)?;
        let text = flags & TEXT != 0;
        // Capabilities name all actions, so they are looked at first.
        if flags & CAPS != 0 {
            let mut size = None;
            for format in 0..16 {
                if flags >> format & 1 == 1 {
                    let bytes = be32(&mut r)?;
                    size = size.or((format == 0).then_some(bytes));
                }
            }
            return Ok(Self::Caps(Takes {
                text: size,
                request: flags & REQUEST != 0,
                notify: flags & NOTIFY != 0,
            }));
        }
        Ok(match flags & !FORMATS {
            REQUEST => Self::Request { text },
            PEEK => Self::Peek,
            NOTIFY => Self::Notify { text },
            PROVIDE if text => Self::Provide(Some(inflated(r.rest())?)),
            PROVIDE => Self::Provide(None),
            other => return Err(DecodeError::Unknown { what: "clipboard action", value: other.into() }),
        })
    }

    /// The bytes that a negative length has to count.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        let mut flags = |flags: u32, text: bool| out.raw(&(flags | u32::from(text)).to_be_bytes());
        match self {
            Self::Caps(Takes { text, request, notify }) => {
                let ways = [(*request, REQUEST), (*notify, NOTIFY)];
                let ways =
                    ways.iter().filter(|(on, _)| *on).fold(CAPS | PROVIDE, |all, (_, flag)| all | flag);
                flags(ways, text.is_some());
                if let Some(bytes) = text {
                    out.raw(&bytes.to_be_bytes());
                }
            }
            Self::Request { text } => flags(REQUEST, *text),
            Self::Peek => flags(PEEK, false),
            Self::Notify { text } => flags(NOTIFY, *text),
            Self::Provide(text) => {
                flags(PROVIDE, text.is_some());
                if let Some(text) = text {
                    out.raw(&deflated(text));
                }
            }
        }
        out.finish()
    }
}

/// One text with its size in a zlib stream of its own: lines end with `\r\n`, and the text with a
/// zero byte.
fn deflated(text: &str) -> Vec<u8> {
    let lines = text.replace('\n', "\r\n");
    let mut plain = ((lines.len() + 1) as u32).to_be_bytes().to_vec();
    plain.extend_from_slice(lines.as_bytes());
    plain.push(0);
    let mut stream = Compress::new(Compression::default(), true);
    let mut out = Vec::with_capacity(plain.len() + plain.len() / 512 + 64);
    let mut rest = &plain[..];
    loop {
        let before = stream.total_in();
        // Errors are misuse only, which cannot be.
        let Ok(status) = stream.compress_vec(rest, &mut out, FlushCompress::Finish) else { return out };
        rest = &rest[(stream.total_in() - before) as usize..];
        if status == Status::StreamEnd {
            return out;
        }
        out.reserve(4096);
    }
}

/// What [`deflated`] has made, with lines that end with `\n`.
fn inflated(packed: &[u8]) -> Result<String, DecodeError> {
    let what = "clipboard's text";
    // The size comes first; some senders flush instead of ending the stream.
    let mut size = [0; 4];
    let mut stream = Decompress::new(true);
    let mut read = fill(&mut stream, packed, &mut size)?;
    if read.1 < size.len() {
        return Err(DecodeError::Invalid { what });
    }
    let size = u32::from_be_bytes(size) as usize;
    // Carriage returns and the zero are not the text's.
    if size > 2 * MAX_CUT_TEXT + 1 {
        return Err(DecodeError::TooLarge { what });
    }
    let mut plain = Vec::new();
    while plain.len() < size {
        // Memory follows what really comes.
        let have = plain.len();
        plain.resize(size.min((have * 2).max(4096)), 0);
        let rest = &packed[read.0..];
        let (taken, written) = fill(&mut stream, rest, &mut plain[have..])?;
        plain.truncate(have + written);
        read.0 += taken;
        if written == 0 {
            return Err(DecodeError::Invalid { what });
        }
    }
    if plain.last() == Some(&0) {
        plain.pop();
    }
    let text = String::from_utf8(plain).map_err(|_| DecodeError::Invalid { what })?.replace("\r\n", "\n");
    if text.len() > MAX_CUT_TEXT {
        return Err(DecodeError::TooLarge { what });
    }
    Ok(text)
}

/// Inflates until `out` is full or nothing comes any more; returns bytes read and written.
fn fill(stream: &mut Decompress, packed: &[u8], out: &mut [u8]) -> Result<(usize, usize), DecodeError> {
    let (in_before, out_before) = (stream.total_in(), stream.total_out());
    loop {
        let (read, written) =
            ((stream.total_in() - in_before) as usize, (stream.total_out() - out_before) as usize);
        if written == out.len() {
            return Ok((read, written));
        }
        let status = stream
            .decompress(&packed[read..], &mut out[written..], FlushDecompress::Sync)
            .map_err(|_| DecodeError::Invalid { what: "zlib data" })?;
        let moved = (stream.total_in() - in_before) as usize > read
            || (stream.total_out() - out_before) as usize > written;
        if status == Status::StreamEnd || !moved {
            let read = (stream.total_in() - in_before) as usize;
            return Ok((read, (stream.total_out() - out_before) as usize));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_are_what_the_specification_says() {
        for (message, bytes) in [
            (Clipboard::ours(), &[0x1b, 0, 0, 1, 0, 0, 0, 0][..]),
            (Clipboard::Request { text: true }, &[2, 0, 0, 1]),
            (Clipboard::Peek, &[4, 0, 0, 0]),
            (Clipboard::Notify { text: true }, &[8, 0, 0, 1]),
            (Clipboard::Notify { text: false }, &[8, 0, 0, 0]),
            (Clipboard::Provide(None), &[16, 0, 0, 0]),
        ] {
            assert_eq!(message.encode(), bytes, "{message:?}");
            assert_eq!(Clipboard::decode(bytes), Ok(message));
        }
        // Sizes of formats that are not text are passed over.
        let all = [&[0x1f, 0, 0, 7][..], &[0, 0, 0, 9], &[0; 8]].concat();
        let caps = Clipboard::Caps(Takes { text: Some(9), request: true, notify: true });
        assert_eq!(Clipboard::decode(&all), Ok(caps));
    }

    #[test]
    fn lines_end_as_they_should_on_either_side() {
        let bytes = Clipboard::Provide(Some("ä\nb".into())).encode();
        let mut plain = [0; 64];
        let (_, written) = fill(&mut Decompress::new(true), &bytes[4..], &mut plain).unwrap();
        assert_eq!(&plain[..written], "\0\0\0\u{6}ä\r\nb\0".as_bytes());
    }

    #[test]
    fn bombs_and_lies_are_errors() {
        let too_large = Err(DecodeError::TooLarge { what: "clipboard's text" });
        let lines = Clipboard::Provide(Some("\n".repeat(MAX_CUT_TEXT)));
        assert_eq!(Clipboard::decode(&lines.encode()), Ok(lines), "twice as long on the wire");
        let bomb = Clipboard::Provide(Some("a".repeat(2 * MAX_CUT_TEXT + 1))).encode();
        assert!(bomb.len() < MAX_CLIPBOARD);
        assert_eq!(Clipboard::decode(&bomb), too_large);
        let long = Clipboard::Provide(Some("a".repeat(MAX_CUT_TEXT + 1))).encode();
        assert_eq!(Clipboard::decode(&long), too_large);
        let whole = Clipboard::Provide(Some("a".repeat(MAX_CUT_TEXT)));
        assert_eq!(Clipboard::decode(&whole.encode()), Ok(whole));
        let bytes = Clipboard::Provide(Some("text".into())).encode();
        for cut in 0..bytes.len() - 8 {
            assert!(Clipboard::decode(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(Clipboard::decode(&[6, 0, 0, 0]).is_err(), "two actions at once");
    }

    proptest! {
        #[test]
        fn texts_come_through(text in "\\PC{0,200}(\n\\PC{0,50}){0,3}") {
            let message = Clipboard::Provide(Some(text));
            prop_assert_eq!(Clipboard::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn any_bytes_are_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), action in 0..8u8) {
            let _ = Clipboard::decode(&bytes);
            let _ = Clipboard::decode(&[&[1 << action, 0, 0, 1][..], &bytes].concat());
        }
    }
}
