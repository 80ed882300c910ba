//! The pointer's picture and place, on a channel of their own so that no
//! picture on its way delays them (`PROTOCOL.md` section 7).
//!
//! | kind | message | fields                                                       |
//! |------|---------|--------------------------------------------------------------|
//! | 1    | Define  | slot varint, hot point, size, payload bytes (section 3, alpha); in use at once |
//! | 2    | Use     | slot varint                                                  |
//! | 3    | Move    | position point, on the screen                                |

use crate::canvas::CursorImage;
use crate::encoding::{Decoder, Effort, Encoder};
use crate::geometry::{Point, Size};
use crate::wire::{DecodeError, MAX_CURSOR_SIDE, MAX_CURSOR_SLOTS, MAX_MESSAGE, Reader, Writer};

/// What a server says on the cursor channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CursorMessage {
    /// A new picture in a slot, in use from now on.
    Define {
        /// `< MAX_CURSOR_SLOTS`.
        slot: u32,
        /// The picture; an empty one hides the pointer.
        image: CursorImage,
    },
    /// A picture sent before is in use from now on.
    Use {
        /// A slot that was defined.
        slot: u32,
    },
    /// The pointer is here, moved by someone else than this viewer.
    Move {
        /// Position on the screen.
        position: Point,
    },
}

impl CursorMessage {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Define { slot, image } => {
                out.u8(1);
                out.varint(u64::from(*slot));
                image.hot.encode(&mut out);
                image.picture.size().encode(&mut out);
                if !image.picture.size().is_empty() {
                    let mut payload = Vec::new();
                    Encoder::new().encode_argb(image.picture.view(), Effort::Balanced, &mut payload);
                    out.bytes(&payload);
                }
            }
            Self::Use { slot } => {
                out.u8(2);
                out.varint(u64::from(*slot));
            }
            Self::Move { position } => {
                out.u8(3);
                position.encode(&mut out);
            }
        }
        out.finish()
    }

    /// Reads a message; leftovers are an error.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let r = &mut Reader::new(bytes);
        let slot = |r: &mut Reader<'_>| {
            Ok::<_, DecodeError>(r.varint_max(u64::from(MAX_CURSOR_SLOTS) - 1, "cursor slot")? as u32)
        };
        let message = match r.u8("cursor message")? {
            1 => {
                let slot = slot(r)?;
                let hot = Point::decode(r)?;
                let size = Size::decode(r)?;
                if size.width.max(size.height) > MAX_CURSOR_SIDE {
                    return Err(DecodeError::TooLarge { what: "cursor" });
                }
                let picture = if size.is_empty() {
                    Default::default()
                } else {
                    let payload = r.bytes(MAX_MESSAGE, "cursor pixels")?;
                    Decoder::default().decode(payload, size, true)?
                };
                Self::Define { slot, image: CursorImage { picture, hot } }
            }
            2 => Self::Use { slot: slot(r)? },
            3 => Self::Move { position: Point::decode(r)? },
            kind => return Err(DecodeError::Unknown { what: "cursor message", value: kind.into() }),
        };
        r.finish("cursor message")?;
        Ok(message)
    }
}
