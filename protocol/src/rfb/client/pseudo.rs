//! Rectangles of an update that are no pixels (rfbproto, pseudo-encodings).

use super::super::{EncodingId, RectHeader, Screen};
use super::handshake::screen_size;
use super::plain_text;
use crate::geometry::{Point, Rect, Size};
use crate::wire::{DecodeError, Reader};

/// Bytes of a name at most.
const MAX_NAME: usize = 4096;

/// What one of them says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pseudo {
    LastRect,
    /// The screen's size, and its layout if the server can tell.
    Size(Size, Option<Vec<Screen>>),
    /// The answer to a wish for another size is no, for this reason.
    NotResized(u16, Vec<Screen>),
    Pointer(Point),
    QemuKeys,
    ExtendedButtons,
    Name(String),
    Leds(u8),
}

impl Pseudo {
    /// Reads what follows the header; `None` if the encoding is another one.
    pub(super) fn decode(header: &RectHeader, r: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let Rect { left, top, .. } = header.rect;
        // Both came as 16 bits.
        let size = || screen_size(header.rect.width() as u16, header.rect.height() as u16);
        Ok(Some(match header.encoding {
            EncodingId::LAST_RECT => Self::LastRect,
            EncodingId::DESKTOP_SIZE => Self::Size(size()?, None),
            EncodingId::EXTENDED_DESKTOP_SIZE => {
                let screens = screens(r)?;
                match (left, top) {
                    // "Forwarded": the size follows, if it changes at all.
                    (1, 1..=3 | 5..) => Self::NotResized(top as u16, screens),
                    _ => Self::Size(size()?, Some(screens)),
                }
            }
            EncodingId::POINTER_POSITION => Self::Pointer(Point::new(left, top)),
            EncodingId::QEMU_KEYS => Self::QemuKeys,
            EncodingId::EXTENDED_BUTTONS => Self::ExtendedButtons,
            EncodingId::DESKTOP_NAME => {
                let length = u32::from_be_bytes(r.array("RFB number")?) as usize;
                if length > MAX_NAME {
                    return Err(DecodeError::TooLarge { what: "server's name" });
                }
                Self::Name(plain_text(r.take(length, "server's name")?))
            }
            EncodingId::LED_STATE => Self::Leds(r.u8("LEDs")?),
            _ => return Ok(None),
        }))
    }
}

fn screens(r: &mut Reader<'_>) -> Result<Vec<Screen>, DecodeError> {
    let [count, _, _, _] = r.array("RFB screens")?;
    // A byte counts them, so there are never many.
    (0..count).map(|_| Screen::decode(r)).collect()
}
