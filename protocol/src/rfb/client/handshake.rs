//! How a client comes to terms with a server: 7.1 to 7.3, VeNCrypt and RSA-AES (rfbproto).

use thiserror::Error;

use super::super::security::{AesBits, MAX_SECRET, MAX_SHORT_SECRET, Security, VENCRYPT, name, rsa_aes};
use super::super::version::Version;
use super::super::vnc_auth::{self, CHALLENGE};
use super::plain_text;
use crate::geometry::Size;
use crate::rfb::be16;
use crate::wire::{DecodeError, MAX_SURFACE_PIXELS, Reader, Writer};

/// Bytes of a reason at most.
const MAX_REASON: usize = 4096;

/// Bytes of a server's name at most.
const MAX_NAME: usize = 4096;

/// Types that are named to a person at most.
const MAX_NAMED: usize = 12;

/// What the server shows (7.3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerInit {
    /// Of the screen, neither side 0.
    pub size: Size,
    /// What the server calls itself.
    pub name: String,
}

/// What the handshake needs from outside, or has come to.
#[derive(Debug, PartialEq, Eq)]
pub enum HandshakeEvent {
    /// Whatever follows is inside TLS: send what there is to send, then wrap the stream and go on.
    Tls,
    /// Whatever follows is sealed by RSA-AES: send what there is to send, then exchange keys on the
    /// stream and go on with the sealed one.
    RsaAes {
        /// Of the keys.
        bits: AesBits,
        /// Whether what follows the proof is sealed as well.
        all: bool,
    },
    /// The proof was the last that is sealed: send it, then go on with the stream beneath.
    Clear,
    /// A password is asked for: answer with [`Handshake::authenticate`].
    Secret {
        /// Whether the server wants a name as well.
        user: bool,
    },
    /// Both know each other.
    Init(ServerInit),
}

/// Why a server cannot be viewed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// Its bytes make no sense.
    #[error("the server's handshake makes no sense: {0}")]
    Bytes(#[from] DecodeError),
    /// It speaks something else.
    #[error("the other side does not speak RFB; is it a VNC server, and this its port?")]
    NotRfb,
    /// It will not talk, before any proof was asked for.
    #[error("the server refuses: {reason}")]
    Refused {
        /// Its words.
        reason: String,
    },
    /// The proof was wrong, or comes too late.
    #[error("{reason}")]
    Denied {
        /// Its words, or ours where its version has none.
        reason: String,
    },
    /// None of its ways is known here, or may be used.
    #[error(
        "the server offers {offered}, of which none can be used here; known are {known}: let the server offer one of \
         these (anonymous TLS, whose types begin with TLS, proves nothing and is not spoken)"
    )]
    NothingInCommon {
        /// Names of its types.
        offered: String,
        /// Names of those that may be used here.
        known: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Version,
    Types,
    /// 3.3: the server decides.
    Decision,
    /// The server's reason for not talking is coming.
    Reason,
    VenCryptVersion,
    VenCryptAck,
    VenCryptTypes,
    /// Whether the server is ready for TLS.
    VenCryptReady(Security),
    /// RSA keys are to be exchanged.
    Keys(Security, AesBits),
    /// The type's own messages are next.
    Inside(Security),
    /// The secret is being asked for.
    Secret(Security, Asked),
    /// The proof is given, and nothing behind it is sealed.
    Clear,
    Result,
    /// Why the proof was wrong.
    Denied,
    Init,
    Over,
}

impl State {
    /// What comes behind the choice of this, where there is no TLS.
    fn within(security: Security) -> Self {
        match security.rsa_aes() {
            Some(bits) => Self::Keys(security, bits),
            None => Self::Inside(security),
        }
    }
}

/// In which words a secret is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Name and password (VeNCrypt's Plain).
    Plain,
    /// The answer to a challenge.
    Challenge([u8; CHALLENGE]),
    /// RSA-AES's.
    Short { user: bool },
}

/// A client's side of it.
#[derive(Debug)]
pub struct Handshake {
    state: State,
    version: Version,
    acceptable: Vec<Security>,
    shared: bool,
    out: Writer,
}

impl Handshake {
    /// Takes the first of these ways that the server offers, and lets others stay connected.
    pub fn new(acceptable: &[Security]) -> Self {
        Self {
            state: State::Version,
            version: Version::V3_8,
            acceptable: acceptable.to_vec(),
            shared: true,
            out: Writer::default(),
        }
    }

    /// What is to be sent.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out).finish()
    }

    /// Reads on. `None`: more has to come. What was understood is taken from `r`.
    ///
    /// # Errors
    ///
    /// All of them end the connection.
    pub fn feed(&mut self, r: &mut Reader<'_>) -> Result<Option<HandshakeEvent>, HandshakeError> {
        while !matches!(self.state, State::Secret(..) | State::Over) {
            let mut ahead = r.clone();
            let event = match self.step(&mut ahead) {
                Ok(event) => event,
                Err(HandshakeError::Bytes(DecodeError::TooShort { .. })) => return Ok(None),
                Err(error) => {
                    self.state = State::Over;
                    return Err(error);
                }
            };
            *r = ahead;
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// Whether the bytes travel in TLS or RSA-AES for good, or are about to.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.state, State::Keys(s, _) | State::Inside(s) | State::Secret(s, _) if s.is_encrypted())
    }

    /// The proof that [`HandshakeEvent::Secret`] asked for. What is too long is cut.
    pub fn authenticate(&mut self, user: &str, password: &str) {
        let State::Secret(security, asked) = self.state else { return };
        let cut = |text: &str, max: usize| text.as_bytes()[..text.floor_char_boundary(max)].to_vec();
        match asked {
            Asked::Plain => {
                let [user, password] = [user, password].map(|text| cut(text, MAX_SECRET));
                self.out.raw(&(user.len() as u32).to_be_bytes());
                self.out.raw(&(password.len() as u32).to_be_bytes());
                self.out.raw(&user);
                self.out.raw(&password);
            }
            Asked::Challenge(challenge) => self.out.raw(&vnc_auth::answer(password.as_bytes(), challenge)),
            Asked::Short { user: wanted } => {
                for text in [if wanted { user } else { "" }, password] {
                    let text = cut(text, MAX_SHORT_SECRET);
                    self.out.u8(text.len() as u8);
                    self.out.raw(&text);
                }
            }
        }
        self.state = match asked {
            Asked::Short { .. } if !security.is_encrypted() => State::Clear,
            _ => State::Result,
        };
    }

    fn step(&mut self, r: &mut Reader<'_>) -> Result<Option<HandshakeEvent>, HandshakeError> {
        match self.state {
            State::Version => self.version(r)?,
            State::Decision => match be32(r)? {
                0 => self.state = State::Reason,
                number => self.choose(&[number])?,
            },
            State::Types => {
                let count = usize::from(r.u8("RFB security types")?);
                if count == 0 {
                    self.state = State::Reason;
                } else {
                    let types: Vec<u32> =
                        r.take(count, "RFB security types")?.iter().map(|&t| t.into()).collect();
                    self.choose(&types)?;
                }
            }
            State::Reason => return Err(HandshakeError::Refused { reason: reason(r)? }),
            State::VenCryptVersion => {
                if r.array("VeNCrypt version")? < [0, 2] {
                    return Err(DecodeError::Unknown { what: "VeNCrypt version", value: 1 }.into());
                }
                self.out.raw(&[0, 2]);
                self.state = State::VenCryptAck;
            }
            State::VenCryptAck => match r.u8("VeNCrypt version")? {
                0 => self.state = State::VenCryptTypes,
                other => {
                    return Err(DecodeError::Unknown { what: "VeNCrypt version", value: other.into() }.into());
                }
            },
            State::VenCryptTypes => {
                let count = usize::from(r.u8("VeNCrypt types")?);
                let types = r.take(4 * count, "VeNCrypt types")?;
                let types: Vec<u32> =
                    types.as_chunks::<4>().0.iter().map(|t| u32::from_be_bytes(*t)).collect();
                let security = self.best(&types)?;
                self.out.raw(&security.number().to_be_bytes());
                self.state = match security.is_x509() {
                    true => State::VenCryptReady(security),
                    false => State::within(security),
                };
            }
            State::VenCryptReady(security) => {
                if r.u8("VeNCrypt answer")? != 1 {
                    let reason = "the server has no TLS after all: does it have a certificate and a key?";
                    return Err(HandshakeError::Refused { reason: reason.into() });
                }
                self.state = State::Inside(security);
                return Ok(Some(HandshakeEvent::Tls));
            }
            State::Keys(security, bits) => {
                self.state = State::Inside(security);
                return Ok(Some(HandshakeEvent::RsaAes { bits, all: security.is_encrypted() }));
            }
            State::Inside(security) => match security {
                Security::None | Security::X509None => self.state = State::Result,
                Security::X509Plain | Security::Plain => return Ok(Some(self.ask(security, Asked::Plain))),
                Security::VncAuth | Security::X509Vnc => {
                    let challenge = r.array("VNC challenge")?;
                    return Ok(Some(self.ask(security, Asked::Challenge(challenge))));
                }
                Security::Ra2 | Security::Ra2ne | Security::Ra2_256 | Security::Ra2ne_256 => {
                    let user = match r.u8("RSA-AES subtype")? {
                        rsa_aes::USER_AND_PASSWORD => true,
                        rsa_aes::PASSWORD => false,
                        other => {
                            let value = other.into();
                            return Err(DecodeError::Unknown { what: "RSA-AES subtype", value }.into());
                        }
                    };
                    return Ok(Some(self.ask(security, Asked::Short { user })));
                }
            },
            State::Clear => {
                self.state = State::Result;
                return Ok(Some(HandshakeEvent::Clear));
            }
            State::Result => match be32(r)? {
                0 => self.begin(),
                number if self.version < Version::V3_8 => {
                    return Err(HandshakeError::Denied { reason: denied(number).into() });
                }
                _ => self.state = State::Denied,
            },
            State::Denied => {
                let reason = reason(r)?;
                let reason = if reason.is_empty() { denied(1).into() } else { reason };
                return Err(HandshakeError::Denied { reason });
            }
            State::Init => return self.init(r).map(Some),
            State::Secret(..) | State::Over => {}
        }
        Ok(None)
    }

    fn version(&mut self, r: &mut Reader<'_>) -> Result<(), HandshakeError> {
        // No server is older; versions between and beyond are those of makers who had reasons.
        let said = Version::read(r)?.filter(|said| *said >= (3, 3)).ok_or(HandshakeError::NotRfb)?;
        self.version = Version::of(said);
        self.out.raw(self.version.bytes());
        self.state = if self.version == Version::V3_3 { State::Decision } else { State::Types };
        Ok(())
    }

    /// Chooses among the types of RFB itself.
    fn choose(&mut self, types: &[u32]) -> Result<(), HandshakeError> {
        let tls = types.contains(&VENCRYPT.into()) && self.version > Version::V3_3;
        if tls && self.acceptable.iter().any(|s| s.is_x509()) {
            self.out.u8(VENCRYPT);
            self.state = State::VenCryptVersion;
            return Ok(());
        }
        let security = self.best(types)?;
        if self.version > Version::V3_3 {
            self.out.u8(security.number() as u8);
        }
        // Before 3.8 nothing is said where nothing is to be proved.
        match security {
            Security::None if self.version < Version::V3_8 => self.begin(),
            _ => self.state = State::within(security),
        }
        Ok(())
    }

    fn best(&self, types: &[u32]) -> Result<Security, HandshakeError> {
        let offered = |s: &&Security| types.contains(&s.number());
        self.acceptable.iter().find(offered).copied().ok_or_else(|| {
            let list = |numbers: &mut dyn Iterator<Item = u32>| {
                let mut names: Vec<String> = (&mut *numbers).take(MAX_NAMED).map(name).collect();
                let more = numbers.count();
                if more > 0 {
                    names.push(format!("{more} more"));
                }
                if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
            };
            HandshakeError::NothingInCommon {
                offered: list(&mut types.iter().copied()),
                known: list(&mut self.acceptable.iter().map(|s| s.number())),
            }
        })
    }

    fn ask(&mut self, security: Security, asked: Asked) -> HandshakeEvent {
        self.state = State::Secret(security, asked);
        HandshakeEvent::Secret { user: matches!(asked, Asked::Plain | Asked::Short { user: true }) }
    }

    /// The server has let the client in (7.3.1).
    fn begin(&mut self) {
        self.out.u8(self.shared.into());
        self.state = State::Init;
    }

    fn init(&mut self, r: &mut Reader<'_>) -> Result<HandshakeEvent, HandshakeError> {
        let size = screen_size(be16(r)?, be16(r)?)?;
        // How the server has its pixels: the client says how it wants them.
        r.take(16, "RFB pixel format")?;
        let length = be32(r)? as usize;
        if length > MAX_NAME {
            return Err(DecodeError::TooLarge { what: "server's name" }.into());
        }
        let name = plain_text(r.take(length, "server's name")?);
        self.state = State::Over;
        Ok(HandshakeEvent::Init(ServerInit { size, name }))
    }
}

/// A screen's size, if it can be one.
pub(super) fn screen_size(width: u16, height: u16) -> Result<Size, DecodeError> {
    let size = Size::new(width.into(), height.into());
    match size.area() {
        0 => Err(DecodeError::Invalid { what: "screen without pixels" }),
        1..=MAX_SURFACE_PIXELS => Ok(size),
        _ => Err(DecodeError::TooLarge { what: "RFB screen" }),
    }
}

fn be32(r: &mut Reader<'_>) -> Result<u32, DecodeError> {
    Ok(u32::from_be_bytes(r.array("RFB number")?))
}

fn reason(r: &mut Reader<'_>) -> Result<String, DecodeError> {
    let length = be32(r)? as usize;
    if length > MAX_REASON {
        return Err(DecodeError::TooLarge { what: "server's reason" });
    }
    Ok(plain_text(r.take(length, "server's reason")?))
}

/// What a result means where the server says no more.
const fn denied(result: u32) -> &'static str {
    match result {
        2 => "too many attempts: wait a while before the next one",
        _ => "the server does not take this password",
    }
}
