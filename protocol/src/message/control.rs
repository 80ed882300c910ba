//! Messages of the control channel after and around the handshake
//! (`PROTOCOL.md` section 5).
//!
//! | kind | to the server          | kind | to the viewer                        |
//! |------|------------------------|------|--------------------------------------|
//! | 0x01 | ClientHello            | 0x81 | ServerHello                          |
//! | 0x02 | Auth                   | 0x82 | Retry: reason text                   |
//! | 0x03 | Ack: two varints       | 0x83 | Welcome                              |
//! | 0x04 | Ping: token varint     | 0x84 | Ping: token varint                   |
//! | 0x05 | Pong: token varint     | 0x85 | Pong: token varint                   |
//! | 0x06 | Settings               | 0x86 | Settings in force                    |
//! | 0x07 | Refresh                | 0x87 | Digest: frames varint, 16 bytes      |
//! | 0x08 | Resize: size           | 0x88 | Outputs: screen size, rectangles     |
//! | 0x09 | StatsRequest           | 0x89 | Stats: JSON text                     |
//! |      |                        | 0x8a | Notice: text                         |
//! | 0x7f | Bye                    | 0x7f | Bye                                  |

use super::handshake::{decode_outputs, encode_outputs};
use super::{Auth, Bye, ClientHello, ServerHello, Settings, Welcome};
use crate::canvas::Digest;
use crate::geometry::{Rect, Size};
use crate::time::Micros;
use crate::wire::{DecodeError, MAX_SECRET, MAX_STATS_TEXT, Reader, Writer};

/// Frames are painted (section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// How many, counted from the session's start.
    pub frames: u64,
    /// What the newest of them took in the viewer, from its last byte's arrival to the end of
    /// its painting, in units of 100 µs: [`Ack::painting`].
    pub units: u64,
}

/// Microseconds of a unit of painting time.
const UNIT: u64 = 100;

impl Ack {
    /// So many frames are painted, the newest of them in this time, rounded down to 100 µs.
    pub const fn new(frames: u64, painting: Micros) -> Self {
        Self { frames, units: painting.0 / UNIT }
    }

    /// What the newest frame took in the viewer.
    pub const fn painting(&self) -> Micros {
        Micros(self.units.saturating_mul(UNIT))
    }
}

/// What a viewer says on the control channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientControl {
    /// First message.
    Hello(ClientHello),
    /// Proof of identity.
    Auth(Auth),
    /// Frames are painted.
    Ack(Ack),
    /// Asks for a [`ServerControl::Pong`] with the same token.
    Ping(u64),
    /// Answers a ping.
    Pong(u64),
    /// Send the picture in another way, from the next frame on.
    Settings(Settings),
    /// Send everything again, exactly.
    Refresh,
    /// Make the screen this large, if possible.
    Resize(Size),
    /// Asks for [`ServerControl::Stats`].
    StatsRequest,
    /// Ends the connection.
    Bye(Bye),
}

/// What a server says on the control channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerControl {
    /// First message, when a proof is needed.
    Hello(ServerHello),
    /// The proof was wrong; another may be tried. The text is for people.
    Retry(String),
    /// The viewer is in.
    Welcome(Welcome),
    /// Asks for a [`ClientControl::Pong`] with the same token.
    Ping(u64),
    /// Answers a ping.
    Pong(u64),
    /// The settings now in force.
    Settings(Settings),
    /// After so many frames the screen's digest is this.
    Digest {
        /// Frames counted from the session's start.
        frames: u64,
        /// Digest of the composed screen as the server's shadow has it.
        digest: Digest,
    },
    /// The screen's size in its own pixels and its outputs changed.
    Outputs {
        /// Size of the screen.
        screen: Size,
        /// Outputs on it, at least one.
        outputs: Vec<Rect>,
    },
    /// Figures of the server, a JSON object (METRICS.md).
    Stats(String),
    /// A sentence for the person at the viewer.
    Notice(String),
    /// Ends the connection.
    Bye(Bye),
}

impl ClientControl {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Hello(m) => {
                out.u8(0x01);
                m.encode(&mut out);
            }
            Self::Auth(m) => {
                out.u8(0x02);
                m.encode(&mut out);
            }
            Self::Ack(m) => {
                out.u8(0x03);
                out.varint(m.frames);
                out.varint(m.units);
            }
            Self::Ping(token) => {
                out.u8(0x04);
                out.varint(*token);
            }
            Self::Pong(token) => {
                out.u8(0x05);
                out.varint(*token);
            }
            Self::Settings(m) => {
                out.u8(0x06);
                m.encode(&mut out);
            }
            Self::Refresh => out.u8(0x07),
            Self::Resize(size) => {
                out.u8(0x08);
                size.encode(&mut out);
            }
            Self::StatsRequest => out.u8(0x09),
            Self::Bye(m) => {
                out.u8(0x7f);
                m.encode(&mut out);
            }
        }
        out.finish()
    }

    /// Reads a message; leftovers are an error.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let r = &mut Reader::new(bytes);
        let message = match r.u8("control message")? {
            0x01 => Self::Hello(ClientHello::decode(r)?),
            0x02 => Self::Auth(Auth::decode(r)?),
            0x03 => Self::Ack(Ack { frames: r.varint()?, units: r.varint()? }),
            0x04 => Self::Ping(r.varint()?),
            0x05 => Self::Pong(r.varint()?),
            0x06 => Self::Settings(Settings::decode(r)?),
            0x07 => Self::Refresh,
            0x08 => Self::Resize(Size::decode(r)?),
            0x09 => Self::StatsRequest,
            0x7f => Self::Bye(Bye::decode(r)?),
            kind => return Err(DecodeError::Unknown { what: "control message", value: kind.into() }),
        };
        r.finish("control message")?;
        Ok(message)
    }
}

impl ServerControl {
    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Hello(m) => {
                out.u8(0x81);
                m.encode(&mut out);
            }
            Self::Retry(reason) => {
                out.u8(0x82);
                out.text_within(reason, MAX_SECRET);
            }
            Self::Welcome(m) => {
                out.u8(0x83);
                m.encode(&mut out);
            }
            Self::Ping(token) => {
                out.u8(0x84);
                out.varint(*token);
            }
            Self::Pong(token) => {
                out.u8(0x85);
                out.varint(*token);
            }
            Self::Settings(m) => {
                out.u8(0x86);
                m.encode(&mut out);
            }
            Self::Digest { frames, digest } => {
                out.u8(0x87);
                out.varint(*frames);
                out.raw(&digest.0.to_le_bytes());
            }
            Self::Outputs { screen, outputs } => {
                out.u8(0x88);
                screen.encode(&mut out);
                encode_outputs(outputs, &mut out);
            }
            Self::Stats(json) => {
                out.u8(0x89);
                out.text(json);
            }
            Self::Notice(text) => {
                out.u8(0x8a);
                out.text_within(text, MAX_SECRET);
            }
            Self::Bye(m) => {
                out.u8(0x7f);
                m.encode(&mut out);
            }
        }
        out.finish()
    }

    /// Reads a message; leftovers are an error.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let r = &mut Reader::new(bytes);
        let message = match r.u8("control message")? {
            0x81 => Self::Hello(ServerHello::decode(r)?),
            0x82 => Self::Retry(r.text(MAX_SECRET, "reason")?.to_owned()),
            0x83 => Self::Welcome(Welcome::decode(r)?),
            0x84 => Self::Ping(r.varint()?),
            0x85 => Self::Pong(r.varint()?),
            0x86 => Self::Settings(Settings::decode(r)?),
            0x87 => {
                Self::Digest { frames: r.varint()?, digest: Digest(u128::from_le_bytes(r.array("digest")?)) }
            }
            0x88 => Self::Outputs { screen: Size::decode(r)?, outputs: decode_outputs(r)? },
            0x89 => Self::Stats(r.text(MAX_STATS_TEXT, "statistics")?.to_owned()),
            0x8a => Self::Notice(r.text(MAX_SECRET, "notice")?.to_owned()),
            0x7f => Self::Bye(Bye::decode(r)?),
            kind => return Err(DecodeError::Unknown { what: "control message", value: kind.into() }),
        };
        r.finish("control message")?;
        Ok(message)
    }
}
