//! RFB, the protocol of VNC: RFC 6143 and what its community has added since (rfbproto). What is
//! written `7.6.1` here is a section of the RFC.
//!
//! Messages of RFB have no length of their own: whoever reads tries, and
//! [`TooShort`](crate::wire::DecodeError::TooShort) says that more has to come.

pub mod client;
mod clipboard;
pub mod encoding;
mod handshake;
mod message;
mod pixel_format;
mod security;
#[cfg(test)]
mod tests;
mod version;
mod vnc_auth;
mod xt_codes;

pub use clipboard::{Clipboard, MAX_CLIPBOARD, Takes as ClipboardTakes};
pub use handshake::{Event as HandshakeEvent, Handshake, HandshakeError, Proof, refusal};
pub use message::{
    ClientMessage, EncodingId, Fence, Leds, MAX_CUT_TEXT, RectHeader, ResizeStatus, Screen, ServerMessage,
    encode_rect_count, encode_screens,
};
pub use pixel_format::{Compact, PixelFormat, TrueColor, color_map};
pub use security::{AesBits, Security};
pub use vnc_auth::CHALLENGE;
pub use xt_codes::{evdev_code, xt_code};

use crate::wire::{DecodeError, Reader};

fn be16(r: &mut Reader<'_>) -> Result<u16, DecodeError> {
    Ok(u16::from_be_bytes(r.array("RFB number")?))
}

fn be32(r: &mut Reader<'_>) -> Result<u32, DecodeError> {
    Ok(u32::from_be_bytes(r.array("RFB number")?))
}
