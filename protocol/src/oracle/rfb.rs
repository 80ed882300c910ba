//! A client of RFB against any server.

use super::choices::pieces;
use crate::geometry::{Rect, Size};
use crate::rfb::client::{
    Config, Connection, ConnectionError, Event, Handshake, HandshakeError, HandshakeEvent, Security,
    ServerInit,
};
use crate::rfb::{ClientMessage, PixelFormat, TrueColor};
use crate::wire::Reader;

/// Larger screens take more time than a fuzzer has.
const MAX_AREA: u64 = 1 << 18;

/// The first byte chooses what the client wants, the second how reads are cut. The rest is what the
/// server says: a handshake if the first byte is even, otherwise what follows one.
///
/// How reads are cut changes nothing, all that is painted lies inside the screen, and what the
/// client says can be read.
///
/// # Panics
/// If not.
pub fn rfb(bytes: &[u8]) {
    let (&[wish, seed], bytes) = bytes.split_first_chunk().unwrap_or((&[0, 0], &[]));
    let whole = run(wish, 0, bytes);
    assert_eq!(whole, run(wish, seed | 1, bytes));
}

#[derive(Debug, Default, PartialEq)]
struct Outcome {
    init: Option<ServerInit>,
    refused: Option<HandshakeError>,
    events: Vec<Event>,
    end: Option<ConnectionError>,
}

fn run(wish: u8, seed: u8, bytes: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut rest = bytes;
    let init = match wish % 2 {
        0 => match shake(&mut rest, seed) {
            Ok(init) => init,
            Err(error) => {
                outcome.refused = Some(error);
                return outcome;
            }
        },
        _ => Some(ServerInit { size: Size::new(64, 48), name: String::new() }),
    };
    outcome.init.clone_from(&init);
    if let Some(init) = init.filter(|init| init.size.area() <= MAX_AREA) {
        view(&init, wish, seed, rest, &mut outcome);
    }
    outcome
}

fn shake(bytes: &mut &[u8], seed: u8) -> Result<Option<ServerInit>, HandshakeError> {
    let mut handshake = Handshake::new(&Security::ALL);
    let mut waiting = Vec::new();
    let mut came = pieces(bytes, seed).into_iter();
    loop {
        let mut r = Reader::new(&waiting);
        let event = handshake.feed(&mut r)?;
        let left = r.left();
        waiting.drain(..waiting.len() - left);
        match event {
            Some(HandshakeEvent::Init(init)) => {
                let unread = waiting.len() + came.map(<[u8]>::len).sum::<usize>();
                *bytes = &bytes[bytes.len() - unread..];
                return Ok(Some(init));
            }
            Some(HandshakeEvent::Secret { .. }) => handshake.authenticate("me", "secret"),
            Some(HandshakeEvent::Tls) => {}
            None => match came.next() {
                Some(piece) => waiting.extend_from_slice(piece),
                None => return Ok(None),
            },
        }
    }
}

fn view(init: &ServerInit, wish: u8, seed: u8, bytes: &[u8], outcome: &mut Outcome) {
    let small = |bits, max, shift| PixelFormat {
        bits_per_pixel: bits,
        depth: bits,
        big_endian: false,
        true_color: Some(TrueColor { max, shift }),
    };
    let format = match wish >> 1 & 3 {
        0 => small(16, [31, 63, 31], [11, 5, 0]),
        1 => small(8, [7, 7, 3], [0, 3, 6]),
        2 => PixelFormat { bits_per_pixel: 8, depth: 8, big_endian: false, true_color: None },
        _ => PixelFormat::NATIVE,
    };
    let jpeg = (wish & 8 != 0).then_some(wish >> 4);
    let mut connection = Connection::new(init, &Config { format, jpeg, ..Config::default() });
    let mut painted = 0;
    for piece in pieces(bytes, seed) {
        connection.feed(piece);
        loop {
            match connection.poll() {
                Ok(None) => break,
                Ok(Some(event)) => {
                    painted += check(&event, connection.size());
                    outcome.events.push(event);
                }
                Err(error) => {
                    outcome.end = Some(error);
                    return;
                }
            }
            // Enough is enough, wherever reads are cut.
            if painted > 16 * MAX_AREA || connection.size().area() > MAX_AREA {
                return;
            }
        }
        let said = connection.take_output();
        let mut r = Reader::new(&said);
        while !r.is_empty() {
            ClientMessage::decode(&mut r).expect("what a client says");
        }
    }
}

/// What an event paints, which must lie inside the screen, in pixels.
fn check(event: &Event, screen: Size) -> u64 {
    let inside = |rect: &Rect| assert!(!rect.is_empty() && Rect::of_size(screen).contains_rect(rect));
    match event {
        Event::Pixels { rect, picture, .. } => {
            inside(rect);
            assert_eq!(picture.size(), rect.size());
            rect.area()
        }
        Event::Copy { from, to } => {
            inside(from);
            inside(&Rect::at(*to, from.size()));
            from.area()
        }
        Event::Resized(size) => {
            assert_eq!(*size, screen);
            0
        }
        _ => 0,
    }
}
