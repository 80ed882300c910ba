//! The server's side against any viewer: the handshake, then messages.

use super::super::choices::{Choices, pieces};
use crate::geometry::Size;
use crate::rfb::{
    CHALLENGE, ClientMessage, Handshake, HandshakeError, HandshakeEvent, PixelFormat, Proof, Security,
};
use crate::wire::{DecodeError, Reader, Writer};

/// What each bit offers.
const WAYS: [&[Security]; 7] = [
    &[Security::X509Plain],
    &[Security::X509Vnc],
    &[Security::X509None],
    &[Security::VncAuth],
    &[Security::Plain],
    &[Security::None],
    &[Security::Ra2_256, Security::Ra2, Security::Ra2ne_256, Security::Ra2ne],
];

/// The bits of the first byte choose what is offered, and whether proofs are believed; the second
/// how reads are cut. The rest is what the viewer says.
///
/// How reads are cut changes nothing, and every message that is understood encodes to one that is
/// understood the same.
///
/// # Panics
/// If not.
pub fn rfb_server_messages(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let (ways, seed) = (choices.byte_or_0(), choices.byte_or_0());
    let whole = Run::new(ways).run(&[choices.0]);
    let cut = Run::new(ways).run(&pieces(choices.0, seed | 1));
    assert_eq!(whole, cut);
}

#[derive(Debug, Default, PartialEq)]
struct Outcome {
    sent: Vec<u8>,
    events: Vec<HandshakeEvent>,
    messages: Vec<ClientMessage>,
    end: Option<End>,
}

#[derive(Debug, PartialEq)]
enum End {
    Handshake(HandshakeError),
    Refused,
    Message(DecodeError),
}

struct Run {
    handshake: Handshake,
    believes: bool,
    is_in: bool,
    outcome: Outcome,
}

impl Run {
    fn new(ways: u8) -> Self {
        let chosen = WAYS.into_iter().enumerate().filter(|(i, _)| ways >> i & 1 != 0);
        let offered: Vec<Security> = chosen.flat_map(|(_, ways)| ways).copied().collect();
        Self {
            handshake: Handshake::new(&offered, [7; CHALLENGE]),
            believes: ways & 0x80 == 0,
            is_in: false,
            outcome: Outcome::default(),
        }
    }

    fn run(mut self, pieces: &[&[u8]]) -> Outcome {
        let mut held: Vec<u8> = Vec::new();
        for piece in pieces {
            held.extend_from_slice(piece);
            let mut r = Reader::new(&held);
            let result = self.read(&mut r);
            let left = r.left();
            self.outcome.sent.extend(self.handshake.take_output());
            if let Err(end) = result {
                self.outcome.end = Some(end);
                break;
            }
            held.drain(..held.len() - left);
        }
        // The greeting is said to who says nothing, too.
        self.outcome.sent.extend(self.handshake.take_output());
        self.outcome
    }

    fn read(&mut self, r: &mut Reader<'_>) -> Result<(), End> {
        while !self.is_in {
            let Some(event) = self.handshake.feed(r).map_err(End::Handshake)? else { return Ok(()) };
            match &event {
                HandshakeEvent::Tls | HandshakeEvent::RsaAes { .. } => {}
                HandshakeEvent::Clear => {
                    let sealed = |event: &HandshakeEvent| matches!(event, HandshakeEvent::RsaAes { .. });
                    assert!(self.outcome.events.last().is_some_and(sealed), "nothing was sealed");
                }
                HandshakeEvent::Proof(proof) if self.believes || *proof == Proof::None => {
                    self.handshake.accept(proof);
                }
                HandshakeEvent::Proof(_) => {
                    self.handshake.refuse("no");
                    self.outcome.events.push(event);
                    return Err(End::Refused);
                }
                HandshakeEvent::Init { .. } => {
                    self.handshake.init(Size::new(64, 48), &PixelFormat::NATIVE, "prey");
                    self.is_in = true;
                }
            }
            self.outcome.events.push(event);
        }
        loop {
            let mut ahead = r.clone();
            match ClientMessage::decode(&mut ahead) {
                Ok(message) => {
                    check_again(&message);
                    self.outcome.messages.push(message);
                    *r = ahead;
                }
                Err(DecodeError::TooShort { need, have, .. }) => {
                    assert!(have < need, "a shell would wait for nothing");
                    return Ok(());
                }
                Err(error) => return Err(End::Message(error)),
            }
        }
    }
}

fn check_again(message: &ClientMessage) {
    let mut out = Writer::default();
    message.encode(&mut out);
    let mut r = Reader::new(out.as_slice());
    assert_eq!(ClientMessage::decode(&mut r).as_ref(), Ok(message));
    assert!(r.is_empty(), "{message:?}");
}
