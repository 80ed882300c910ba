//! What is said once both know each other: 7.5 and 7.6, and the community's additions.

use super::clipboard::{Clipboard, MAX_CLIPBOARD};
use super::{PixelFormat, be16, be32};
use crate::geometry::{Rect, Size};
use crate::pixel::{Color, channels};
use crate::wire::{DecodeError, Reader, Writer};

/// Bytes of a clipboard's text at most.
pub const MAX_CUT_TEXT: usize = 1 << 20;

/// Encodings that a client may name at once; what is beyond is not looked at.
const MAX_ENCODINGS: usize = 1024;

/// Screens of a layout.
const MAX_SCREENS: usize = 64;

/// The number of an encoding or pseudo-encoding, 7.7 and rfbproto.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EncodingId(pub i32);

impl EncodingId {
    /// Pixels as they are.
    pub const RAW: Self = Self(0);
    /// Pixels that the client has elsewhere.
    pub const COPY_RECT: Self = Self(1);
    /// A background and rectangles.
    pub const RRE: Self = Self(2);
    /// Tiles of 16 × 16.
    pub const HEXTILE: Self = Self(5);
    /// Palettes, runs and zlib, four streams.
    pub const TIGHT: Self = Self(7);
    /// Tiles of 16 × 16 with palettes and runs.
    pub const TRLE: Self = Self(15);
    /// Tiles of 64 × 64 with palettes and runs, in one zlib stream.
    pub const ZRLE: Self = Self(16);
    /// The pointer's picture with a mask.
    pub const CURSOR: Self = Self(-239);
    /// The pointer's picture in two colours, with a mask.
    pub const X_CURSOR: Self = Self(-240);
    /// The screen's size can change.
    pub const DESKTOP_SIZE: Self = Self(-223);
    /// A rectangle may say that it is the last.
    pub const LAST_RECT: Self = Self(-224);
    /// Where the pointer is.
    pub const POINTER_POSITION: Self = Self(-232);
    /// Keys by their codes.
    pub const QEMU_KEYS: Self = Self(-258);
    /// The keyboard's lights.
    pub const LED_STATE: Self = Self(-261);
    /// The screen's name can change.
    pub const DESKTOP_NAME: Self = Self(-307);
    /// Size and screens, and the client may ask for others.
    pub const EXTENDED_DESKTOP_SIZE: Self = Self(-308);
    /// Marks that come back.
    pub const FENCE: Self = Self(-312);
    /// Updates without requests.
    pub const CONTINUOUS_UPDATES: Self = Self(-313);
    /// The pointer's picture with alpha.
    pub const CURSOR_WITH_ALPHA: Self = Self(-314);
    /// Clipboards in UTF-8.
    pub const EXTENDED_CLIPBOARD: Self = Self(0xc0a1_e5ce_u32 as i32);
    /// Compression from 0 (−256), the quickest, to 9.
    pub const COMPRESS_LEVELS: std::ops::RangeInclusive<i32> = -256..=-247;
    /// JPEG's quality from 0 (−32) to 9, which says that JPEG is allowed.
    pub const QUALITY_LEVELS: std::ops::RangeInclusive<i32> = -32..=-23;
    /// Buttons beyond the eighth.
    pub const EXTENDED_BUTTONS: Self = Self(-316);

    /// Tight may use JPEG of this quality, 0 to 9.
    pub const fn jpeg_quality(level: u8) -> Self {
        Self(*Self::QUALITY_LEVELS.start() + if level < 9 { level as i32 } else { 9 })
    }

    /// zlib may try this hard, 0 to 9.
    pub const fn compress_level(level: u8) -> Self {
        Self(*Self::COMPRESS_LEVELS.start() + if level < 9 { level as i32 } else { 9 })
    }

    /// The name of a pixel encoding or pointer.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::RAW => "Raw",
            Self::COPY_RECT => "CopyRect",
            Self::RRE => "RRE",
            Self::HEXTILE => "Hextile",
            Self::TIGHT => "Tight",
            Self::TRLE => "TRLE",
            Self::ZRLE => "ZRLE",
            Self::CURSOR | Self::X_CURSOR | Self::CURSOR_WITH_ALPHA => "Cursor",
            _ => return None,
        })
    }
}

/// Lights of a keyboard (rfbproto, LED State; 7.7 has none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Leds(pub u8);

impl Leds {
    /// Scroll Lock.
    pub const SCROLL: u8 = 1;
    /// Num Lock.
    pub const NUM: u8 = 2;
    /// Caps Lock.
    pub const CAPS: u8 = 4;
}

/// What became of a wish for another size, in a rectangle's `y` (rfbproto, ExtendedDesktopSize).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum ResizeStatus {
    /// It is so now.
    Done = 0,
    /// This client may not, or nobody can.
    Prohibited = 1,
    /// There is not enough of something.
    OutOfResources = 2,
    /// The layout contradicts itself.
    InvalidLayout = 3,
}

/// A mark in the stream (rfbproto, Fence).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// What has to wait for what; bit 31 asks for an answer.
    pub flags: u32,
    /// At most 64 bytes, sent back as they are.
    pub payload: Vec<u8>,
}

impl Fence {
    /// The answer has to come back.
    pub const REQUEST: u32 = 1 << 31;
    /// What came before it is done with before the answer.
    pub const BLOCK_BEFORE: u32 = 1;
    /// Flags that mean something to this version: before, after, next.
    pub const KNOWN: u32 = 0b111;

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.take(3, "RFB padding")?;
        let flags = be32(r)?;
        let length = usize::from(r.u8("fence's length")?);
        if length > 64 {
            return Err(DecodeError::TooLarge { what: "fence" });
        }
        Ok(Self { flags, payload: r.take(length, "fence")?.to_vec() })
    }

    fn encode(&self, out: &mut Writer) {
        out.raw(&[248, 0, 0, 0]);
        out.raw(&self.flags.to_be_bytes());
        out.u8(self.payload.len() as u8);
        out.raw(&self.payload);
    }
}

/// One screen of a layout (rfbproto, ExtendedDesktopSize).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// The server's own number.
    pub id: u32,
    /// Where it is in the whole.
    pub rect: Rect,
    /// Kept as they are.
    pub flags: u32,
}

impl Screen {
    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (id, rect) = (be32(r)?, rect(r)?);
        Ok(Self { id, rect, flags: be32(r)? })
    }

    fn encode(&self, out: &mut Writer) {
        out.raw(&self.id.to_be_bytes());
        put_rect(&self.rect, out);
        out.raw(&self.flags.to_be_bytes());
    }
}

/// Writes a layout, as a rectangle of ExtendedDesktopSize holds it.
pub fn encode_screens(screens: &[Screen], out: &mut Writer) {
    let screens = &screens[..screens.len().min(usize::from(u8::MAX))];
    out.raw(&[screens.len() as u8, 0, 0, 0]);
    screens.iter().for_each(|screen| screen.encode(out));
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientMessage {
    /// Pixels from now on in this format (7.5.1).
    SetPixelFormat(PixelFormat),
    /// What it understands, what it likes best first (7.5.2).
    SetEncodings(Vec<EncodingId>),
    /// What it wants to see (7.5.3).
    UpdateRequest {
        /// Only what has changed.
        incremental: bool,
        /// Where.
        rect: Rect,
    },
    /// A key by its X11 keysym (7.5.4).
    Key {
        /// Pressed or let go.
        down: bool,
        /// Which.
        keysym: u32,
    },
    /// The pointer (7.5.5).
    Pointer {
        /// Bit 0 is the left button; 3 to 6 are the wheel.
        buttons: u8,
        /// Across.
        x: u16,
        /// Down.
        y: u16,
    },
    /// The clipboard, Latin-1 (7.5.6). Texts beyond [`MAX_CUT_TEXT`] are errors.
    CutText(Vec<u8>),
    /// The clipboard, extended (rfbproto).
    Clipboard(Clipboard),
    /// Updates without requests, or no longer (rfbproto).
    ContinuousUpdates {
        /// On or off.
        enable: bool,
        /// Where.
        rect: Rect,
    },
    /// A mark (rfbproto).
    Fence(Fence),
    /// It would like another size (rfbproto).
    SetDesktopSize {
        /// Of the whole.
        size: Size,
        /// At least one.
        screens: Vec<Screen>,
    },
    /// A key by its XT code, too (QEMU).
    ExtendedKey {
        /// Pressed or let go.
        down: bool,
        /// 0 if unknown.
        keysym: u32,
        /// XT code; 0xe0 in the higher byte is in bit 7.
        code: u32,
    },
}

impl ClientMessage {
    /// Reads one message.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TooShort`] if more has to come; all others end the connection.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match r.u8("RFB message")? {
            0 => {
                r.take(3, "RFB padding")?;
                Self::SetPixelFormat(PixelFormat::decode(r)?)
            }
            2 => {
                r.u8("RFB padding")?;
                let count = usize::from(be16(r)?);
                let all = r.take(4 * count, "RFB encodings")?;
                let id = |id: &[u8; 4]| EncodingId(i32::from_be_bytes(*id));
                Self::SetEncodings(all.as_chunks::<4>().0.iter().take(MAX_ENCODINGS).map(id).collect())
            }
            3 => {
                let incremental = r.u8("RFB flag")? != 0;
                Self::UpdateRequest { incremental, rect: rect(r)? }
            }
            4 => {
                let down = r.u8("RFB flag")? != 0;
                r.take(2, "RFB padding")?;
                Self::Key { down, keysym: be32(r)? }
            }
            5 => Self::Pointer { buttons: r.u8("RFB buttons")?, x: be16(r)?, y: be16(r)? },
            6 => match cut_text(r)? {
                CutText::Latin1(text) => Self::CutText(text),
                CutText::Extended(message) => Self::Clipboard(message),
            },
            150 => {
                let enable = r.u8("RFB flag")? != 0;
                Self::ContinuousUpdates { enable, rect: rect(r)? }
            }
            248 => Self::Fence(Fence::decode(r)?),
            251 => {
                r.u8("RFB padding")?;
                let size = Size::new(be16(r)?.into(), be16(r)?.into());
                let count = usize::from(r.u8("RFB screens")?);
                r.u8("RFB padding")?;
                if count > MAX_SCREENS {
                    return Err(DecodeError::TooLarge { what: "layout of screens" });
                }
                let screens = (0..count).map(|_| Screen::decode(r)).collect::<Result<_, _>>()?;
                Self::SetDesktopSize { size, screens }
            }
            255 => match r.u8("QEMU message")? {
                0 => {
                    let down = be16(r)? != 0;
                    Self::ExtendedKey { down, keysym: be32(r)?, code: be32(r)? }
                }
                other => return Err(DecodeError::Unknown { what: "QEMU message", value: other.into() }),
            },
            other => return Err(DecodeError::Unknown { what: "RFB message", value: other.into() }),
        })
    }

    /// Writes it.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::SetPixelFormat(format) => {
                out.raw(&[0; 4]);
                format.encode(out);
            }
            Self::SetEncodings(all) => {
                out.raw(&[2, 0]);
                out.raw(&(all.len() as u16).to_be_bytes());
                for id in all {
                    out.raw(&id.0.to_be_bytes());
                }
            }
            Self::UpdateRequest { incremental, rect } => {
                out.raw(&[3, u8::from(*incremental)]);
                put_rect(rect, out);
            }
            Self::Key { down, keysym } => {
                out.raw(&[4, u8::from(*down), 0, 0]);
                out.raw(&keysym.to_be_bytes());
            }
            Self::Pointer { buttons, x, y } => {
                out.raw(&[5, *buttons]);
                out.raw(&x.to_be_bytes());
                out.raw(&y.to_be_bytes());
            }
            Self::CutText(text) => put_cut_text(6, text, out),
            Self::Clipboard(message) => put_clipboard(6, message, out),
            Self::ContinuousUpdates { enable, rect } => {
                out.raw(&[150, u8::from(*enable)]);
                put_rect(rect, out);
            }
            Self::Fence(fence) => fence.encode(out),
            Self::SetDesktopSize { size, screens } => {
                out.raw(&[251, 0]);
                out.raw(&(size.width as u16).to_be_bytes());
                out.raw(&(size.height as u16).to_be_bytes());
                out.raw(&[screens.len() as u8, 0]);
                screens.iter().for_each(|s| s.encode(out));
            }
            Self::ExtendedKey { down, keysym, code } => {
                out.raw(&[255, 0, 0, u8::from(*down)]);
                out.raw(&keysym.to_be_bytes());
                out.raw(&code.to_be_bytes());
            }
        }
    }
}

/// What a server says beside updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerMessage {
    /// Colours of the map from `first` on (7.6.2).
    ColorMap {
        /// Their first entry.
        first: u16,
        /// Opaque.
        colors: Vec<Color>,
    },
    /// A sound (7.6.3).
    Bell,
    /// The clipboard, Latin-1 (7.6.4).
    CutText(Vec<u8>),
    /// The clipboard, extended (rfbproto); for clients that understand it.
    Clipboard(Clipboard),
    /// No continuous updates any more, or that they are understood (rfbproto).
    EndOfContinuousUpdates,
    /// A mark (rfbproto).
    Fence(Fence),
}

impl ServerMessage {
    /// Writes it.
    pub fn encode(&self, out: &mut Writer) {
        match self {
            Self::ColorMap { first, colors } => {
                out.raw(&[1, 0]);
                out.raw(&first.to_be_bytes());
                out.raw(&(colors.len() as u16).to_be_bytes());
                for color in colors {
                    // Eight bits as sixteen.
                    for part in channels(*color) {
                        out.raw(&[part, part]);
                    }
                }
            }
            Self::Bell => out.u8(2),
            Self::CutText(text) => put_cut_text(3, text, out),
            Self::Clipboard(message) => put_clipboard(3, message, out),
            Self::EndOfContinuousUpdates => out.u8(150),
            Self::Fence(fence) => fence.encode(out),
        }
    }
}

/// What follows the type of a cut text, in either direction.
pub(super) enum CutText {
    /// As 7.5.6 has it.
    Latin1(Vec<u8>),
    /// As a negative length says.
    Extended(Clipboard),
}

/// Reads a cut text behind its type.
pub(super) fn cut_text(r: &mut Reader<'_>) -> Result<CutText, DecodeError> {
    r.take(3, "RFB padding")?;
    let length = be32(r)? as i32;
    let most = if length < 0 { MAX_CLIPBOARD } else { MAX_CUT_TEXT };
    let bytes = length.unsigned_abs() as usize;
    if bytes > most {
        return Err(DecodeError::TooLarge { what: "clipboard" });
    }
    let bytes = r.take(bytes, "clipboard")?;
    Ok(match length {
        0.. => CutText::Latin1(bytes.to_vec()),
        // What is cut short inside of its length stays so.
        _ => CutText::Extended(Clipboard::decode(bytes).map_err(|error| match error {
            DecodeError::TooShort { .. } => DecodeError::Invalid { what: "clipboard" },
            error => error,
        })?),
    })
}

fn put_cut_text(kind: u8, text: &[u8], out: &mut Writer) {
    out.raw(&[kind, 0, 0, 0]);
    out.raw(&(text.len() as u32).to_be_bytes());
    out.raw(text);
}

fn put_clipboard(kind: u8, message: &Clipboard, out: &mut Writer) {
    let bytes = message.encode();
    out.raw(&[kind, 0, 0, 0]);
    out.raw(&(bytes.len() as i32).wrapping_neg().to_be_bytes());
    out.raw(&bytes);
}

/// Begins an update of so many rectangles (7.6.1); 65,535 if one of them says that it is the last.
pub fn encode_rect_count(count: u16, out: &mut Writer) {
    out.raw(&[0, 0]);
    out.raw(&count.to_be_bytes());
}

/// What stands before each rectangle of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RectHeader {
    /// Where; other numbers for pseudo-encodings.
    pub rect: Rect,
    /// How.
    pub encoding: EncodingId,
}

impl RectHeader {
    /// Reads the twelve bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TooShort`] if more has to come.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let rect = rect(r)?;
        Ok(Self { rect, encoding: EncodingId(be32(r)? as i32) })
    }

    /// Writes them.
    pub fn encode(&self, out: &mut Writer) {
        put_rect(&self.rect, out);
        out.raw(&self.encoding.0.to_be_bytes());
    }
}

fn rect(r: &mut Reader<'_>) -> Result<Rect, DecodeError> {
    let (x, y) = (be16(r)?, be16(r)?);
    Ok(Rect::new(x.into(), y.into(), be16(r)?.into(), be16(r)?.into()))
}

fn put_rect(rect: &Rect, out: &mut Writer) {
    for v in [rect.left, rect.top, rect.width() as i32, rect.height() as i32] {
        out.raw(&(v as u16).to_be_bytes());
    }
}
