//! The handshake: who speaks what, who may do what, and where to go on
//! (`PROTOCOL.md` section 5.1). All on the control channel.
//!
//! | kind | message     | direction | fields                                                     |
//! |------|-------------|-----------|------------------------------------------------------------|
//! | 0x01 | ClientHello | to server | "PANTO", version varint, name text, settings, resume u8 [16 bytes, painted varint], offer |
//! | 0x02 | Auth        | to server | method u8, secret text                                     |
//! | 0x81 | ServerHello | to viewer | version varint, name text, methods u8                      |
//! | 0x82 | Retry       | to viewer | reason text                                                |
//! | 0x83 | Welcome     | to viewer | see [`Welcome`]                                            |
//! | 0x7f | Bye         | both      | reason varint, text                                        |

use crate::geometry::{Rect, Size};
use crate::message::{Offer, Settings};
use crate::wire::{DecodeError, MAX_OUTPUTS, MAX_SECRET, Reader, Writer};

/// The protocol version that this crate speaks. Both ends must agree on it until
/// 1.0; a difference ends the connection with [`ByeReason::Version`].
pub const VERSION: u32 = 3;

const MAGIC: &[u8; 5] = b"PANTO";

/// What a viewer may do; belongs to the credential, decided by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rights {
    /// See only; input is ignored.
    #[default]
    View,
    /// See and control.
    Control,
}

/// Ways to authenticate, as a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuthMethods(u8);

impl AuthMethods {
    /// No secret needed: welcome follows at once.
    pub const NONE: Self = Self(0);
    /// A password.
    pub const PASSWORD: Self = Self(1);
    /// A one-time ticket that the server printed.
    pub const TICKET: Self = Self(2);

    /// Both sets together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Permission to go on where a lost connection stopped.
#[derive(Clone, PartialEq, Eq)]
pub struct ResumeTicket {
    /// Secret of the session, 16 random bytes.
    pub secret: [u8; 16],
    /// Frames that the viewer has painted.
    pub painted: u64,
}

impl std::fmt::Debug for ResumeTicket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret opens a session: it must not reach a log.
        f.debug_struct("ResumeTicket").field("painted", &self.painted).finish_non_exhaustive()
    }
}

/// The viewer's first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// [`VERSION`] of the viewer.
    pub version: u32,
    /// The viewer's name, for lists of viewers.
    pub name: String,
    /// Where to go on, if this is not the first connection.
    pub resume: Option<ResumeTicket>,
    /// How the picture shall be sent from the start.
    pub settings: Settings,
    /// What the viewer has kept of earlier sessions. Without meaning in a session that is resumed.
    pub offer: Offer,
}

/// The server's first message, unless the ticket of the hello is enough for a welcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerHello {
    /// [`VERSION`] of the server.
    pub version: u32,
    /// The server's name, for the window's title.
    pub name: String,
    /// Ways to authenticate, one of which must follow.
    pub methods: AuthMethods,
}

/// The viewer's proof.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth {
    /// Exactly one method.
    pub method: AuthMethods,
    /// Password or ticket as typed.
    pub secret: String,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The end of the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// [`VERSION`] of the server.
    pub version: u32,
    /// The server's name.
    pub name: String,
    /// What this viewer may do.
    pub rights: Rights,
    /// Secret for a [`ResumeTicket`].
    pub resume_secret: [u8; 16],
    /// Whether the canvas of the lost connection goes on: frames behind
    /// [`ResumeTicket::painted`] follow. If not, the viewer starts with an empty canvas.
    pub resumed: bool,
    /// Whether the screen's size can be changed on request.
    pub can_resize: bool,
    /// The outputs (monitors) of the screen, at least one.
    pub outputs: Vec<Rect>,
    /// The settings in force.
    pub settings: Settings,
    /// Size of the screen in its own pixels.
    pub screen: Size,
}

/// Why a connection is ended on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByeReason {
    /// The person or the program is done.
    Done,
    /// Authentication failed for good.
    Auth,
    /// The versions do not match.
    Version,
    /// The peer broke the protocol.
    Protocol,
    /// An administrator ended it.
    Kicked,
    /// The screen is gone or cannot be captured.
    Capture,
    /// Too many connections.
    Busy,
    /// The peer took too long.
    Timeout,
    /// A reason of a later version.
    Other(u32),
}

/// The last message on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bye {
    /// For programs.
    pub reason: ByeReason,
    /// For people.
    pub text: String,
}

impl ByeReason {
    const fn code(self) -> u32 {
        match self {
            Self::Done => 0,
            Self::Auth => 1,
            Self::Version => 2,
            Self::Protocol => 3,
            Self::Kicked => 4,
            Self::Capture => 5,
            Self::Busy => 6,
            Self::Timeout => 7,
            Self::Other(code) => code,
        }
    }

    const fn from_code(code: u32) -> Self {
        match code {
            0 => Self::Done,
            1 => Self::Auth,
            2 => Self::Version,
            3 => Self::Protocol,
            4 => Self::Kicked,
            5 => Self::Capture,
            6 => Self::Busy,
            7 => Self::Timeout,
            code => Self::Other(code),
        }
    }
}

fn version(r: &mut Reader<'_>) -> Result<u32, DecodeError> {
    Ok(r.varint_max(u64::from(u32::MAX), "version")? as u32)
}

fn flag(r: &mut Reader<'_>, what: &'static str) -> Result<bool, DecodeError> {
    match r.u8(what)? {
        0 => Ok(false),
        1 => Ok(true),
        value => Err(DecodeError::Unknown { what, value: value.into() }),
    }
}

fn text(r: &mut Reader<'_>, what: &'static str) -> Result<String, DecodeError> {
    Ok(r.text(MAX_SECRET, what)?.to_owned())
}

impl ClientHello {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.raw(MAGIC);
        out.varint(u64::from(self.version));
        out.text_within(&self.name, MAX_SECRET);
        self.settings.encode(out);
        out.u8(u8::from(self.resume.is_some()));
        if let Some(ticket) = &self.resume {
            out.raw(&ticket.secret);
            out.varint(ticket.painted);
        }
        self.offer.encode(out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if r.take(MAGIC.len(), "magic")? != MAGIC {
            return Err(DecodeError::Invalid { what: "magic: the peer does not speak Panto" });
        }
        let version = version(r)?;
        if version != VERSION {
            // The rest may be laid out differently; the version is all that counts.
            r.rest();
            return Ok(Self {
                version,
                name: String::new(),
                resume: None,
                settings: Settings::default(),
                offer: Offer::default(),
            });
        }
        let name = text(r, "viewer's name")?;
        let settings = Settings::decode(r)?;
        let resume = match flag(r, "resume")? {
            true => Some(ResumeTicket { secret: r.array("resume ticket")?, painted: r.varint()? }),
            false => None,
        };
        Ok(Self { version, name, resume, settings, offer: Offer::decode(r)? })
    }
}

impl ServerHello {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.varint(u64::from(self.version));
        out.text_within(&self.name, MAX_SECRET);
        out.u8(self.methods.0);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            version: version(r)?,
            name: text(r, "server's name")?,
            methods: AuthMethods(r.u8("methods")?),
        })
    }
}

impl Auth {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.u8(self.method.0);
        out.text(&self.secret);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { method: AuthMethods(r.u8("method")?), secret: text(r, "secret")? })
    }
}

impl Welcome {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.varint(u64::from(self.version));
        out.text_within(&self.name, MAX_SECRET);
        out.u8(match self.rights {
            Rights::View => 0,
            Rights::Control => 1,
        });
        out.raw(&self.resume_secret);
        out.u8(u8::from(self.resumed));
        out.u8(u8::from(self.can_resize));
        encode_outputs(&self.outputs, out);
        self.settings.encode(out);
        self.screen.encode(out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            version: version(r)?,
            name: text(r, "server's name")?,
            rights: if flag(r, "rights")? { Rights::Control } else { Rights::View },
            resume_secret: r.array("resume secret")?,
            resumed: flag(r, "resumed")?,
            can_resize: flag(r, "can resize")?,
            outputs: decode_outputs(r)?,
            settings: Settings::decode(r)?,
            screen: Size::decode(r)?,
        })
    }
}

pub(super) fn encode_outputs(outputs: &[Rect], out: &mut Writer) {
    out.varint(outputs.len() as u64);
    for rect in outputs {
        rect.encode(out);
    }
}

pub(super) fn decode_outputs(r: &mut Reader<'_>) -> Result<Vec<Rect>, DecodeError> {
    let n = r.count(MAX_OUTPUTS, 4, "outputs")?;
    (0..n).map(|_| Rect::decode(r)).collect()
}

impl Bye {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.varint(u64::from(self.reason.code()));
        out.text_within(&self.text, MAX_SECRET);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let reason = ByeReason::from_code(r.varint_max(u64::from(u32::MAX), "reason")? as u32);
        Ok(Self { reason, text: text(r, "reason")? })
    }
}
