//! What a server says, and what comes of it.

use super::super::clipboard::MAX_CLIPBOARD;
use super::super::{Clipboard, EncodingId, Fence, MAX_CUT_TEXT};
use crate::canvas::CursorImage;
use crate::geometry::{Point, Rect, Size};
use crate::pixel::{Color, Picture, rgb};
use crate::rfb::be16;
use crate::wire::{DecodeError, Reader};

/// Entries of a colour map: pixels that need one have eight bits.
const MAP: usize = 256;

/// Bytes of a clipboard that are skipped at most. What is longer is no clipboard.
const MAX_SKIPPED: usize = 64 << 20;

/// What came of a server's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The screen has another size. What lies in both sizes stays until it is sent anew.
    Resized(Size),
    /// The server does not change its screen's size as it was asked to.
    NotResized {
        /// Why, by its number (rfbproto, ExtendedDesktopSize).
        status: u16,
    },
    /// Pixels without alpha.
    Pixels {
        /// Where; inside the screen, not empty, of the picture's size.
        rect: Rect,
        /// What.
        picture: Picture,
        /// How they were sent.
        encoding: EncodingId,
    },
    /// Pixels that the client has, copied as they were before.
    Copy {
        /// Where from; inside the screen, not empty.
        from: Rect,
        /// Where their first one goes; inside the screen, as the last one is.
        to: Point,
    },
    /// The pointer's picture; an empty one is no pointer.
    Cursor(CursorImage),
    /// Where the pointer is.
    Pointer(Point),
    /// The picture is consistent again.
    UpdateEnd,
    /// A sound.
    Bell,
    /// The server's clipboard.
    CutText(String),
    /// The server's clipboard is longer than [`MAX_CUT_TEXT`], and was skipped.
    CutTextTooLong {
        /// Bytes.
        length: usize,
    },
    /// What the server calls itself now.
    Name(String),
    /// Locks of the keyboard: bit 0 scroll lock, 1 num lock, 2 caps lock.
    Leds(u8),
    /// The answer to [`Connection::ping`](super::Connection::ping), with its bytes.
    Pong(Vec<u8>),
}

/// One message of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// So many rectangles follow; `None`: up to one that says that it is the last.
    Update(Option<u16>),
    ColorMap {
        first: usize,
        colors: Vec<Color>,
    },
    Bell,
    CutText(String),
    Clipboard(Clipboard),
    /// A clipboard of so many bytes follows, and is too long.
    Skip(usize),
    EndOfContinuousUpdates,
    Fence(Fence),
}

impl Message {
    /// Reads one.
    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match r.u8("RFB message")? {
            0 => {
                r.u8("RFB padding")?;
                let count = be16(r)?;
                Self::Update((count != u16::MAX).then_some(count))
            }
            1 => {
                r.u8("RFB padding")?;
                let (first, count) = (usize::from(be16(r)?), usize::from(be16(r)?));
                if first + count > MAP {
                    return Err(DecodeError::TooLarge { what: "colour map" });
                }
                let entries = r.take(6 * count, "colour map")?;
                let color = |e: &[u8; 6]| rgb(e[0], e[2], e[4]);
                Self::ColorMap { first, colors: entries.as_chunks::<6>().0.iter().map(color).collect() }
            }
            2 => Self::Bell,
            3 => {
                r.take(3, "RFB padding")?;
                // Negative lengths are the extended clipboard's (rfbproto).
                let length = i32::from_be_bytes(r.array("RFB number")?);
                let (extended, length) = (length < 0, length.unsigned_abs() as usize);
                if length > MAX_SKIPPED {
                    return Err(DecodeError::TooLarge { what: "clipboard" });
                }
                match (extended, length) {
                    (true, ..=MAX_CLIPBOARD) => extended_clipboard(r.take(length, "clipboard")?)?,
                    (false, ..=MAX_CUT_TEXT) => Self::CutText(latin1(r.take(length, "clipboard")?)),
                    _ => Self::Skip(length),
                }
            }
            150 => Self::EndOfContinuousUpdates,
            248 => Self::Fence(Fence::decode(r)?),
            other => return Err(DecodeError::Unknown { what: "RFB message", value: other.into() }),
        })
    }
}

/// A message of the extended clipboard. A text that is too long is left out as any other.
fn extended_clipboard(bytes: &[u8]) -> Result<Message, DecodeError> {
    match Clipboard::decode(bytes) {
        Ok(message) => Ok(Message::Clipboard(message)),
        Err(DecodeError::TooShort { .. }) => Err(DecodeError::Invalid { what: "clipboard" }),
        Err(error) => Err(error),
    }
}

/// A clipboard's text. Lines end as they do everywhere else.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().filter(|&&b| b != b'\r').map(|&b| char::from(b)).collect()
}
