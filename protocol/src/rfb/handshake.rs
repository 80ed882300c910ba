//! How a server and its client come together: 7.1 to 7.3, VeNCrypt and RSA-AES (rfbproto).

use thiserror::Error;

use super::PixelFormat;
use super::security::{AesBits, MAX_SECRET, NONE, Security, VENCRYPT, VNC_AUTH, rsa_aes};
use super::version::Version;
use super::vnc_auth::{self, CHALLENGE};
use crate::geometry::Size;
use crate::wire::{DecodeError, Reader, Writer};

/// Bytes of a server's name at most: some clients keep it in few.
const MAX_NAME: usize = 255;

const INVALID: u8 = 0;

/// What the handshake needs from outside, or has come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Whatever follows is inside TLS: send what there is to send, then wrap the stream and go on.
    Tls,
    /// Whatever follows is sealed by RSA-AES: send what there is to send, then exchange keys on the
    /// stream and go on with the sealed one.
    RsaAes {
        /// Of the keys.
        bits: AesBits,
    },
    /// The client's proof was the last that is sealed: go on with the stream beneath.
    Clear,
    /// The client has proved itself like this. Answer with [`Handshake::accept`] or
    /// [`Handshake::refuse`].
    Proof(Proof),
    /// Both know each other: [`Handshake::init`] says what the server shows.
    Init {
        /// Whether others may stay connected.
        shared: bool,
    },
}

/// What a client gives as proof.
#[derive(PartialEq, Eq)]
pub enum Proof {
    /// Nothing.
    None,
    /// A name and a password, in UTF-8.
    Plain {
        /// Who it says it is.
        user: Vec<u8>,
        /// Its secret.
        password: Vec<u8>,
    },
    /// The answer to a challenge ([`Proof::is_answer`]).
    Answer {
        /// What was asked.
        challenge: [u8; CHALLENGE],
        /// What was said.
        answer: [u8; CHALLENGE],
    },
}

impl Proof {
    /// Whether whoever has this password answers like this. Says nothing by the time it takes.
    pub fn is_answer(&self, password: &[u8]) -> bool {
        let Self::Answer { challenge, answer } = self else { return false };
        let right = vnc_auth::answer(password, *challenge);
        right.iter().zip(answer).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }
}

// Secrets are not to be found in logs.
impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Plain { .. } => "Plain",
            Self::Answer { .. } => "Answer",
        })
    }
}

/// Why a client is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HandshakeError {
    /// Its bytes make no sense.
    #[error(transparent)]
    Bytes(#[from] DecodeError),
    /// It speaks something else.
    #[error("the peer does not speak RFB; a VNC viewer is expected here")]
    NotRfb,
    /// It chose what was not offered.
    #[error(
        "the viewer chose a security type that was not offered; offered are TLS with X.509 (VeNCrypt) and RSA-AES, and none on this machine alone"
    )]
    NotOffered,
    /// Versions before 3.7 know no TLS.
    #[error("the viewer speaks RFB 3.3, which has no encryption; use a newer one, or ssh to this machine")]
    TooOld,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Version,
    Type,
    VenCryptVersion,
    VenCryptType,
    /// In TLS or RSA-AES from now on, if the type has it; the security type goes on.
    Inside(Security),
    /// RSA-AES has said what it wants.
    Credentials(Security),
    /// Back from RSA-AES, with the proof in `proof`.
    Cleared,
    Challenged,
    Proving,
    Init,
    Over,
}

/// All that is said to a client for which there is no place, whatever it says: the version, and that no
/// security type is offered, with the reason (7.1.2). Clients of 3.3 hear of no reason.
pub fn refusal(reason: &str) -> Vec<u8> {
    let mut out = Writer::default();
    out.raw(Version::V3_8.bytes());
    out.u8(INVALID);
    out.raw(&(reason.len() as u32).to_be_bytes());
    out.raw(reason.as_bytes());
    out.finish()
}

/// A server's side of it.
#[derive(Debug)]
pub struct Handshake {
    state: State,
    version: Version,
    offered: Vec<Security>,
    challenge: [u8; CHALLENGE],
    proof: Option<Proof>,
    out: Writer,
}

impl Handshake {
    /// Offers these ways, the first as the best. `challenge`: bytes that nobody can foresee.
    pub fn new(offered: &[Security], challenge: [u8; CHALLENGE]) -> Self {
        let mut out = Writer::default();
        out.raw(Version::V3_8.bytes());
        let (state, version, offered) = (State::Version, Version::V3_8, offered.to_vec());
        Self { state, version, offered, challenge, proof: None, out }
    }

    /// What is to be sent.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out).finish()
    }

    /// Reads on. `None`: more has to come. What was understood is taken from `r`.
    ///
    /// # Errors
    ///
    /// All of them end the connection, after what is to be sent.
    pub fn feed(&mut self, r: &mut Reader<'_>) -> Result<Option<Event>, HandshakeError> {
        loop {
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
            if matches!(self.state, State::Proving | State::Over) {
                return Ok(None);
            }
        }
    }

    fn step(&mut self, r: &mut Reader<'_>) -> Result<Option<Event>, HandshakeError> {
        match self.state {
            State::Version => self.version(r),
            State::Type => match r.u8("RFB security type")? {
                NONE if self.offered.contains(&Security::None) => Ok(Some(self.prove(Proof::None))),
                VNC_AUTH if self.offered.contains(&Security::VncAuth) => {
                    self.challenge();
                    Ok(None)
                }
                VENCRYPT if self.offers_vencrypt() => {
                    self.out.raw(&[0, 2]);
                    self.state = State::VenCryptVersion;
                    Ok(None)
                }
                number => {
                    let rsa_aes = |s: &Security| s.rsa_aes().is_some() && s.number() == number.into();
                    match self.offered.iter().copied().find(rsa_aes) {
                        Some(security) => Ok(self.enter(security)),
                        None => Err(self.not_offered()),
                    }
                }
            },
            State::VenCryptVersion => {
                if r.array("VeNCrypt version")? != [0, 2] {
                    self.out.u8(1);
                    return Err(HandshakeError::NotOffered);
                }
                let types: Vec<_> = self.inside_vencrypt().map(|s| s.number().to_be_bytes()).collect();
                self.out.raw(&[0, types.len() as u8]);
                types.iter().for_each(|number| self.out.raw(number));
                self.state = State::VenCryptType;
                Ok(None)
            }
            State::VenCryptType => {
                let chosen = u32::from_be_bytes(r.array("VeNCrypt type")?);
                let Some(security) = self.inside_vencrypt().find(|s| s.number() == chosen) else {
                    self.out.u8(0);
                    return Err(HandshakeError::NotOffered);
                };
                if security.is_x509() {
                    // Only what begins TLS is acknowledged.
                    self.out.u8(1);
                }
                Ok(self.enter(security))
            }
            State::Inside(Security::X509Plain | Security::Plain) => {
                let sizes: [[u8; 4]; 2] = [r.array("length of a name")?, r.array("length of a password")?];
                let [user, password] = sizes.map(|size| u32::from_be_bytes(size) as usize);
                if user.max(password) > MAX_SECRET {
                    return Err(DecodeError::TooLarge { what: "name or password" }.into());
                }
                let user = r.take(user, "name")?.to_vec();
                let password = r.take(password, "password")?.to_vec();
                Ok(Some(self.prove(Proof::Plain { user, password })))
            }
            State::Inside(Security::X509Vnc) => {
                self.challenge();
                Ok(None)
            }
            State::Inside(security) if security.rsa_aes().is_some() => {
                // Whose password it is tells who it is.
                self.out.u8(rsa_aes::PASSWORD);
                self.state = State::Credentials(security);
                Ok(None)
            }
            State::Credentials(security) => {
                let mut secret = |what| {
                    let size = r.u8(what)?;
                    Ok::<_, DecodeError>(r.take(size.into(), what)?.to_vec())
                };
                let proof = Proof::Plain { user: secret("name")?, password: secret("password")? };
                if security.is_encrypted() {
                    return Ok(Some(self.prove(proof)));
                }
                self.proof = Some(proof);
                self.state = State::Cleared;
                Ok(Some(Event::Clear))
            }
            State::Cleared => {
                let proof = self.proof.take().unwrap_or(Proof::None);
                Ok(Some(self.prove(proof)))
            }
            State::Challenged => {
                let (challenge, answer) = (self.challenge, r.array("answer to a challenge")?);
                Ok(Some(self.prove(Proof::Answer { challenge, answer })))
            }
            State::Inside(_) => Ok(Some(self.prove(Proof::None))),
            State::Init => {
                let shared = r.u8("RFB shared flag")? != 0;
                self.state = State::Over;
                Ok(Some(Event::Init { shared }))
            }
            State::Proving | State::Over => Ok(None),
        }
    }

    fn version(&mut self, r: &mut Reader<'_>) -> Result<Option<Event>, HandshakeError> {
        self.version = Version::of(Version::read(r)?.ok_or(HandshakeError::NotRfb)?);
        if self.version == Version::V3_3 {
            if self.offered.contains(&Security::None) {
                self.out.raw(&u32::from(NONE).to_be_bytes());
                return Ok(Some(self.prove(Proof::None)));
            }
            if self.offered.contains(&Security::VncAuth) {
                self.out.raw(&u32::from(VNC_AUTH).to_be_bytes());
                self.challenge();
                return Ok(None);
            }
            self.out.raw(&0u32.to_be_bytes());
            self.reason(&HandshakeError::TooOld.to_string());
            return Err(HandshakeError::TooOld);
        }
        let mut types = Vec::new();
        if self.offers_vencrypt() {
            types.push(VENCRYPT);
        }
        let rsa_aes = self.offered.iter().filter(|s| s.rsa_aes().is_some());
        types.extend(rsa_aes.map(|s| s.number() as u8));
        if self.offered.contains(&Security::VncAuth) {
            types.push(VNC_AUTH);
        }
        if self.offered.contains(&Security::None) {
            types.push(NONE);
        }
        if types.is_empty() {
            self.out.u8(INVALID);
            self.reason("nobody may come in");
            return Err(HandshakeError::NotOffered);
        }
        self.out.u8(types.len() as u8);
        self.out.raw(&types);
        self.state = State::Type;
        Ok(None)
    }

    fn offers_vencrypt(&self) -> bool {
        self.offered.iter().any(|s| s.is_vencrypt())
    }

    /// Viewers that take VeNCrypt because it comes first, as noVNC does, look there for RSA-AES as well;
    /// TigerVNC's server has it in both places, too.
    fn inside_vencrypt(&self) -> impl Iterator<Item = Security> {
        self.offered.iter().copied().filter(|s| s.is_vencrypt() || s.rsa_aes().is_some())
    }

    /// Goes on with what was chosen.
    fn enter(&mut self, security: Security) -> Option<Event> {
        self.state = State::Inside(security);
        match security.rsa_aes() {
            Some(bits) => Some(Event::RsaAes { bits }),
            None if security.is_x509() => Some(Event::Tls),
            None => None,
        }
    }

    fn prove(&mut self, proof: Proof) -> Event {
        self.state = State::Proving;
        Event::Proof(proof)
    }

    /// The proof is right.
    pub fn accept(&mut self, proof: &Proof) {
        // Before 3.8 there is no result where there was no proof (7.2.1).
        if self.version == Version::V3_8 || *proof != Proof::None {
            self.out.raw(&[0; 4]);
        }
        self.state = State::Init;
    }

    /// It is wrong; the connection ends after what is to be sent.
    pub fn refuse(&mut self, reason: &str) {
        self.out.raw(&1u32.to_be_bytes());
        if self.version == Version::V3_8 {
            self.reason(reason);
        }
        self.state = State::Over;
    }

    fn challenge(&mut self) {
        self.out.raw(&self.challenge);
        self.state = State::Challenged;
    }

    fn not_offered(&mut self) -> HandshakeError {
        self.refuse(&HandshakeError::NotOffered.to_string());
        HandshakeError::NotOffered
    }

    fn reason(&mut self, text: &str) {
        self.out.raw(&(text.len() as u32).to_be_bytes());
        self.out.raw(text.as_bytes());
    }

    /// Whether the client has chosen how to prove itself, and its person may have to be asked now.
    pub const fn is_asked(&self) -> bool {
        matches!(self.state, State::Inside(_) | State::Credentials(_) | State::Cleared | State::Challenged)
    }

    /// Says what the server shows (7.3.2).
    pub fn init(&mut self, size: Size, format: &PixelFormat, name: &str) {
        self.out.raw(&(size.width as u16).to_be_bytes());
        self.out.raw(&(size.height as u16).to_be_bytes());
        format.encode(&mut self.out);
        let end = (0..=MAX_NAME.min(name.len())).rev().find(|&i| name.is_char_boundary(i)).unwrap_or(0);
        self.reason(&name[..end]);
    }
}
