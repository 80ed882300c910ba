//! The viewer's side against any server: the handshake, then updates.

use super::super::choices::{Choices, pieces};
use super::FORMATS;
use crate::geometry::{Rect, Size};
use crate::rfb::client::{
    Config, Connection, ConnectionError, Event, Handshake, HandshakeError, HandshakeEvent, Security,
};
use crate::wire::{MAX_CURSOR_SIDE, Reader};

/// Pixels of the largest screen that is gone on with, so that thousands are tried a second.
const MAX_SCREEN: u64 = 1 << 16;

/// What each bit of the first byte allows.
const WAYS: [&[Security]; 7] = [
    &[Security::X509Plain],
    &[Security::X509Vnc],
    &[Security::X509None],
    &[Security::VncAuth],
    &[Security::None],
    &[Security::Ra2_256, Security::Ra2],
    &[Security::Ra2ne_256, Security::Ra2ne],
];

/// The bits of the first byte choose what may be proved and how; the second byte the pixels' format,
/// and JPEG; the third how reads are cut. The rest is what the server says.
///
/// How reads are cut changes nothing; what is painted lies inside the screen, and cursors keep their
/// limit.
///
/// # Panics
/// If not.
pub fn rfb_client(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let (ways, how, seed) = (choices.byte_or_0(), choices.byte_or_0(), choices.byte_or_0());
    let whole = Run::new(ways, how).run(&[choices.0]);
    let cut = Run::new(ways, how).run(&pieces(choices.0, seed | 1));
    assert_eq!(whole, cut);
}

#[derive(Debug, Default, PartialEq)]
struct Outcome {
    sent: Vec<u8>,
    shaken: Vec<HandshakeEvent>,
    events: Vec<Event>,
    /// By encoding, where all went well.
    bytes: Vec<(&'static str, u64)>,
    end: Option<End>,
}

#[derive(Debug, PartialEq)]
enum End {
    Handshake(HandshakeError),
    Connection(ConnectionError),
    /// A screen that is too large to go on with here.
    Large,
}

struct Run {
    handshake: Handshake,
    config: Config,
    connection: Option<Connection>,
    size: Size,
    outcome: Outcome,
}

impl Run {
    fn new(ways: u8, how: u8) -> Self {
        let allowed =
            |s: &Security| WAYS.iter().enumerate().any(|(i, some)| ways >> i & 1 != 0 && some.contains(s));
        let acceptable: Vec<Security> = Security::ALL.into_iter().filter(allowed).collect();
        let config = Config {
            format: FORMATS[usize::from(how & 0x3f) % FORMATS.len()],
            jpeg: (how & 0x40 != 0).then_some(5),
            cursor: how & 0x80 == 0,
            ..Config::default()
        };
        Self {
            handshake: Handshake::new(&acceptable),
            config,
            connection: None,
            size: Size::default(),
            outcome: Outcome::default(),
        }
    }

    fn run(mut self, pieces: &[&[u8]]) -> Outcome {
        let mut held: Vec<u8> = Vec::new();
        for piece in pieces {
            let result = match self.connection {
                Some(_) => self.view(piece),
                None => {
                    held.extend_from_slice(piece);
                    let mut r = Reader::new(&held);
                    let shaken = self.shake(&mut r);
                    held = r.rest().to_vec();
                    self.outcome.sent.extend(self.handshake.take_output());
                    shaken.and_then(|()| match self.connection {
                        Some(_) => self.view(&std::mem::take(&mut held)),
                        None => Ok(()),
                    })
                }
            };
            if let Err(end) = result {
                self.outcome.end = Some(end);
                return self.outcome;
            }
        }
        self.outcome.bytes =
            self.connection.iter().flat_map(|c| c.bytes_by_encoding()).map(|(&name, &n)| (name, n)).collect();
        self.outcome
    }

    fn shake(&mut self, r: &mut Reader<'_>) -> Result<(), End> {
        while let Some(event) = self.handshake.feed(r).map_err(End::Handshake)? {
            match &event {
                HandshakeEvent::Tls => assert!(self.handshake.is_encrypted()),
                HandshakeEvent::RsaAes { all, .. } => assert_eq!(self.handshake.is_encrypted(), *all),
                HandshakeEvent::Clear => assert!(!self.handshake.is_encrypted()),
                HandshakeEvent::Secret { .. } => self.handshake.authenticate("prey", "hunter2"),
                HandshakeEvent::Init(init) => {
                    if init.size.area() > MAX_SCREEN {
                        return Err(End::Large);
                    }
                    self.size = init.size;
                    self.connection = Some(Connection::new(init, &self.config));
                    self.outcome.shaken.push(event);
                    return Ok(());
                }
            }
            self.outcome.shaken.push(event);
        }
        Ok(())
    }

    fn view(&mut self, bytes: &[u8]) -> Result<(), End> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        connection.feed(bytes);
        loop {
            let polled = connection.poll();
            self.outcome.sent.extend(connection.take_output());
            let event = match polled {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(()),
                Err(error) => {
                    assert_eq!(connection.poll(), Ok(None), "nothing comes behind an error");
                    return Err(End::Connection(error));
                }
            };
            if let Event::Resized(size) = event {
                self.size = size;
                if size.area() > MAX_SCREEN {
                    return Err(End::Large);
                }
            }
            check(&event, Rect::of_size(self.size));
            assert_eq!(connection.size(), self.size);
            self.outcome.events.push(event);
        }
    }
}

fn check(event: &Event, screen: Rect) {
    match event {
        Event::Pixels { rect, picture, .. } => {
            assert!(!rect.is_empty() && screen.contains_rect(rect), "{rect:?}");
            assert_eq!(picture.size(), rect.size());
            assert!(picture.data().iter().all(|pixel| pixel >> 24 == 0), "alpha");
        }
        Event::Copy { from, to } => {
            let to = Rect::at(*to, from.size());
            assert!(!from.is_empty() && screen.contains_rect(from) && screen.contains_rect(&to), "{from:?}");
        }
        Event::Cursor(image) => {
            let size = image.picture.size();
            assert!(size.width.max(size.height) <= MAX_CURSOR_SIDE);
        }
        Event::Name(text) => assert!(!text.contains(|c: char| c.is_control())),
        _ => {}
    }
}
