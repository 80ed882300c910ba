//! What the viewer's keyboard and pointer do (`PROTOCOL.md` section 6).
//!
//! | kind | event   | fields                                                      |
//! |------|---------|-------------------------------------------------------------|
//! | 1    | move    | position as point                                           |
//! | 2    | button  | number u8, down u8                                          |
//! | 3    | scroll  | dx, dy as signed varints, 1/120 of a notch                  |
//! | 4    | key     | physical varint, keysym varint, down u8, text               |
//! | 5    | keys    | count varint, physical codes as varints                     |
//! | 6    | text    | text                                                        |

use crate::geometry::Point;
use crate::wire::{DecodeError, MAX_KEY_TEXT, MAX_KEYS_DOWN, Reader, Writer};

/// One thing that the person at the viewer did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputEvent {
    /// The pointer is at this position of the remote screen, in pixels.
    Pointer {
        /// Position on the remote screen, at full scale.
        position: Point,
    },
    /// A button changed: 1 left, 2 middle, 3 right, 8 back, 9 forward (X11's numbers).
    Button {
        /// X11 button number, never 4 to 7 (see [`InputEvent::Scroll`]).
        button: u8,
        /// Pressed or released.
        down: bool,
    },
    /// The wheel turned.
    Scroll {
        /// To the right, in 1/120 of a notch.
        dx: i32,
        /// Downwards, in 1/120 of a notch.
        dy: i32,
    },
    /// A key changed. Physical key, keysym and text travel together; the server chooses.
    Key {
        /// Linux evdev code of the physical key (`KEY_A` is 30), 0 when unknown.
        physical: u16,
        /// X11 keysym in the viewer's layout, 0 when unknown.
        keysym: u32,
        /// Pressed or released. Repeats are the server's business and are not sent.
        down: bool,
        /// The text that the press produced, empty for none.
        text: String,
    },
    /// The set of physical keys that are down now, by evdev code; every other key
    /// is released. Sent empty on losing the focus.
    KeysDown {
        /// Evdev codes.
        keys: Vec<u16>,
    },
    /// Text from an input method, to be typed as it stands.
    Text {
        /// The committed text.
        text: String,
    },
}

impl InputEvent {
    /// Appends the wire form.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::Pointer { position } => {
                out.u8(1);
                position.encode(out);
            }
            Self::Button { button, down } => {
                out.u8(2);
                out.u8(*button);
                out.u8(u8::from(*down));
            }
            Self::Scroll { dx, dy } => {
                out.u8(3);
                out.signed(*dx);
                out.signed(*dy);
            }
            Self::Key { physical, keysym, down, text } => {
                out.u8(4);
                out.varint(u64::from(*physical));
                out.varint(u64::from(*keysym));
                out.u8(u8::from(*down));
                out.text(text);
            }
            Self::KeysDown { keys } => {
                out.u8(5);
                out.varint(keys.len() as u64);
                for &k in keys {
                    out.varint(u64::from(k));
                }
            }
            Self::Text { text } => {
                out.u8(6);
                out.text(text);
            }
        }
    }

    /// Reads the wire form.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match r.u8("input kind")? {
            1 => Self::Pointer { position: Point::decode(r)? },
            2 => Self::Button { button: r.u8("button")?, down: flag(r)? },
            3 => Self::Scroll { dx: r.signed()?, dy: r.signed()? },
            4 => Self::Key {
                physical: code(r)?,
                keysym: r.varint_max(u64::from(u32::MAX), "keysym")? as u32,
                down: flag(r)?,
                text: r.text(MAX_KEY_TEXT, "key text")?.to_owned(),
            },
            5 => {
                let n = r.count(MAX_KEYS_DOWN, 1, "keys down")?;
                Self::KeysDown { keys: (0..n).map(|_| code(r)).collect::<Result<_, _>>()? }
            }
            6 => Self::Text { text: r.text(MAX_KEY_TEXT, "text")?.to_owned() },
            kind => return Err(DecodeError::Unknown { what: "input kind", value: kind.into() }),
        })
    }
}

fn code(r: &mut Reader<'_>) -> Result<u16, DecodeError> {
    Ok(r.varint_max(u64::from(u16::MAX), "key code")? as u16)
}

fn flag(r: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match r.u8("flag")? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::Invalid { what: "flag" }),
    }
}
