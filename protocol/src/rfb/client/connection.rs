//! A connection that is open: updates, a rectangle at a time, and what goes the other way.

use std::collections::BTreeMap;

use thiserror::Error;

use super::super::encoding::{Decoder, Progress};
use super::super::{
    ClientMessage, ClipboardTakes, EncodingId, Fence, MAX_CUT_TEXT, PixelFormat, RectHeader, Screen,
};
use super::config::Config;
use super::handshake::ServerInit;
use super::message::{Event, Message};
use super::pseudo::Pseudo;
use crate::canvas::CursorImage;
use crate::geometry::{Point, Rect, Size};
use crate::pixel::Color;
use crate::wire::{DecodeError, Reader, Writer};

/// Pixels of a Raw rectangle that are decoded at once: whole rows, one at least.
const BAND: u32 = 1 << 16;

/// Bytes of input that were read before they are given back.
const SLACK: usize = 1 << 16;

/// Bytes of output that a server leaves unread at most: a clipboard, and more fences and keys than
/// any honest server makes wait.
const MAX_OUTPUT: usize = MAX_CUT_TEXT + (1 << 20);

/// Why a connection must be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ConnectionError {
    /// Bytes that make no sense.
    #[error("the server broke the RFB protocol: {0}")]
    Bytes(#[from] DecodeError),
    /// A rectangle that is not inside the screen, or is empty.
    #[error(
        "the server broke the RFB protocol: a rectangle of {} × {} pixels at ({}, {}) on a screen of {} × {}",
        .rect.width(), .rect.height(), .rect.left, .rect.top, .screen.width, .screen.height
    )]
    Outside {
        /// The rectangle.
        rect: Rect,
        /// The screen's size.
        screen: Size,
    },
    /// It has much to read, and does not.
    #[error("the server does not read what it is sent")]
    Unread,
}

/// What is being read.
#[derive(Debug)]
enum State {
    /// A message begins.
    Message,
    /// So much of a clipboard is left to be skipped, of so much in all.
    Skip(usize, usize),
    /// A rectangle's header is next, if any are left (`None`: some).
    Rects(Option<u16>),
    /// The pixels of a rectangle; of Raw so many rows are done.
    Rect { header: RectHeader, left: Option<u16>, rows: u32, progress: Box<Progress> },
    /// After an error.
    Over,
}

/// A client's side of an open connection.
#[derive(Debug)]
pub struct Connection {
    pub(super) size: Size,
    pub(super) screens: Vec<Screen>,
    format: PixelFormat,
    map: Vec<Color>,
    decoder: Decoder,
    state: State,
    /// Received; the first `read` bytes are done with.
    input: Vec<u8>,
    read: usize,
    /// Bytes of input without which there is nothing new to read.
    need: usize,
    pub(super) out: Writer,
    can_resize: bool,
    has_fences: bool,
    pub(super) has_qemu_keys: bool,
    pub(super) has_extended_buttons: bool,
    /// What the server takes of the extended clipboard, if it has that.
    pub(super) takes: Option<ClipboardTakes>,
    /// The client's own text, to be sent when the server asks for it.
    pub(super) text: Option<String>,
    /// Whether updates are wanted.
    awake: bool,
    /// Whether the server can send updates without requests.
    has_continuous: bool,
    /// Whether it does.
    continuous: bool,
    /// Ends of that which were asked for and not answered yet.
    ends: u32,
    bytes: BTreeMap<&'static str, u64>,
}

impl Connection {
    /// A connection that was just let in. Asks for the whole picture, and for every change of it.
    pub fn new(init: &ServerInit, config: &Config) -> Self {
        let mut connection = Self::at_rest(init, config);
        connection.wake();
        connection
    }

    /// The same, but it asks for no picture until [`Connection::wake`].
    pub fn at_rest(init: &ServerInit, config: &Config) -> Self {
        let mut connection = Self {
            size: init.size,
            screens: Vec::new(),
            format: config.format,
            map: vec![0; 256],
            decoder: if config.jpeg.is_some() { Decoder::with_jpeg() } else { Decoder::new() },
            state: State::Message,
            input: Vec::new(),
            read: 0,
            need: 0,
            out: Writer::default(),
            can_resize: false,
            has_fences: false,
            has_qemu_keys: false,
            has_extended_buttons: false,
            takes: None,
            text: None,
            awake: false,
            has_continuous: false,
            continuous: false,
            ends: 0,
            bytes: BTreeMap::new(),
        };
        connection.say(&ClientMessage::SetPixelFormat(config.format));
        connection.say(&ClientMessage::SetEncodings(config.understood()));
        connection
    }

    /// Asks for no more updates. What the server has been asked for already may still come.
    pub fn rest(&mut self) {
        if self.awake && std::mem::take(&mut self.continuous) {
            self.ends += 1;
            self.say_continuous(false);
        }
        self.awake = false;
    }

    /// Asks for updates again, and for the whole picture.
    pub fn wake(&mut self) {
        if std::mem::replace(&mut self.awake, true) {
            return;
        }
        self.refresh();
        self.go_on_updating();
    }

    /// Asks for one pixel: with it servers tell what else they can do, the layout of the screen, and
    /// how the pointer looks. [`Event::UpdateEnd`] is the answer's end.
    pub fn look(&mut self) {
        self.say(&ClientMessage::UpdateRequest { incremental: false, rect: Rect::new(0, 0, 1, 1) });
    }

    /// Takes bytes; call [`Connection::poll`] until it gives nothing.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.read == self.input.len() && self.input.capacity() > 16 * SLACK {
            // One large rectangle is no reason to keep its memory.
            (self.input, self.read) = (Vec::new(), 0);
        } else if self.read == self.input.len() || self.read > SLACK {
            self.input.drain(..self.read);
            self.read = 0;
        }
        self.input.extend_from_slice(bytes);
    }

    /// What has come next, if it has come.
    ///
    /// # Errors
    ///
    /// All of them end the connection; nothing more comes afterwards.
    pub fn poll(&mut self) -> Result<Option<Event>, ConnectionError> {
        while self.input.len() - self.read >= self.need {
            if self.out.as_slice().len() > MAX_OUTPUT {
                self.state = State::Over;
                return Err(ConnectionError::Unread);
            }
            let input = std::mem::take(&mut self.input);
            let mut r = Reader::new(&input[self.read..]);
            let before = r.left();
            let result = self.step(&mut r);
            let left = r.left();
            self.input = input;
            self.read += before - left;
            match result {
                Ok(Step::Event(event)) => {
                    self.need = 0;
                    return Ok(Some(event));
                }
                Ok(Step::On) => self.need = 0,
                Err(ConnectionError::Bytes(DecodeError::TooShort { need, have, .. })) => {
                    // The field that was short had `have` bytes, the last of those that are left.
                    self.need = left + need.saturating_sub(have).max(1);
                }
                Err(error) => {
                    self.state = State::Over;
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// Whether there is anything to send.
    pub fn has_output(&self) -> bool {
        !self.out.as_slice().is_empty()
    }

    /// What is to be sent.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out).finish()
    }

    /// Size of the screen.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The screens that the whole is made of, if the server has told.
    pub fn screens(&self) -> &[Screen] {
        &self.screens
    }

    /// Whether the server may change its screen's size when asked.
    pub fn can_resize(&self) -> bool {
        self.can_resize
    }

    /// Whether the server answers [`Connection::ping`].
    pub fn has_fences(&self) -> bool {
        self.has_fences
    }

    /// Whether the last update has ended.
    pub fn is_between_updates(&self) -> bool {
        matches!(self.state, State::Message | State::Skip(..))
    }

    /// Bytes of rectangles by the names of their encodings, headers included.
    pub fn bytes_by_encoding(&self) -> &BTreeMap<&'static str, u64> {
        &self.bytes
    }

    fn step(&mut self, r: &mut Reader<'_>) -> Result<Step, ConnectionError> {
        match &mut self.state {
            State::Message => {
                let mut ahead = r.clone();
                let message = Message::decode(&mut ahead)?;
                *r = ahead;
                Ok(self.message(message))
            }
            State::Skip(left, length) => {
                let n = r.left().min(*left);
                r.take(n, "clipboard")?;
                *left -= n;
                if *left > 0 {
                    return Err(DecodeError::TooShort { what: "clipboard", need: 1, have: 0 }.into());
                }
                let length = *length;
                self.state = State::Message;
                Ok(Step::Event(Event::CutTextTooLong { length }))
            }
            State::Rects(Some(0)) => {
                self.state = State::Message;
                Ok(Step::Event(Event::UpdateEnd))
            }
            State::Rects(left) => {
                let left = left.map(|n| n - 1);
                let mut ahead = r.clone();
                let header = RectHeader::decode(&mut ahead)?;
                let before = ahead.left();
                if let Some(pseudo) = Pseudo::decode(&header, &mut ahead)? {
                    self.state = State::Rects(left);
                    *r = ahead;
                    return Ok(self.pseudo(pseudo));
                }
                if header.encoding == EncodingId::COPY_RECT {
                    let copy = self.copy(&header.rect, &mut ahead)?;
                    self.state = State::Rects(left);
                    self.count(header.encoding, 12 + before - ahead.left());
                    *r = ahead;
                    return Ok(Step::Event(copy));
                }
                self.check(&header)?;
                self.count(header.encoding, 12);
                self.state = State::Rect { header, left, rows: 0, progress: Box::default() };
                *r = ahead;
                Ok(Step::On)
            }
            State::Rect { .. } => self.pixels(r),
            // Nothing is said any more, however much comes.
            State::Over => Err(DecodeError::TooShort { what: "RFB", need: 1, have: 0 }.into()),
        }
    }

    fn message(&mut self, message: Message) -> Step {
        match message {
            Message::Update(count) => {
                self.state = State::Rects(count);
                // One update on its way while the next one is made: otherwise every round trip
                // would show one picture only.
                self.ask();
                Step::On
            }
            Message::ColorMap { first, colors } => {
                let entries = self.map.iter_mut().skip(first);
                entries.zip(colors).for_each(|(entry, color)| *entry = color);
                Step::On
            }
            Message::Bell => Step::Event(Event::Bell),
            Message::CutText(text) => Step::Event(Event::CutText(text)),
            Message::Clipboard(message) => match self.clipboard(message) {
                Some(text) => Step::Event(Event::CutText(text)),
                None => Step::On,
            },
            Message::Skip(length) => {
                self.state = State::Skip(length, length);
                Step::On
            }
            Message::EndOfContinuousUpdates => {
                // The first one says that the server has them. A later one, that they have ended.
                if !std::mem::replace(&mut self.has_continuous, true) {
                    self.go_on_updating();
                } else if self.ends > 0 {
                    self.ends -= 1;
                } else {
                    self.continuous = false;
                    self.ask();
                }
                Step::On
            }
            Message::Fence(Fence { flags, payload }) => {
                self.has_fences = true;
                if flags & Fence::REQUEST == 0 {
                    return Step::Event(Event::Pong(payload));
                }
                // Everything is done in order here, so nothing has to be waited for.
                self.say(&ClientMessage::Fence(Fence { flags: flags & Fence::KNOWN, payload }));
                Step::On
            }
        }
    }

    /// Asks for the next update, if one is wanted and does not come by itself.
    fn ask(&mut self) {
        if self.awake && !self.continuous {
            self.request(true);
        }
    }

    /// Has updates of the whole screen come by themselves, where they are wanted and the server can.
    fn go_on_updating(&mut self) {
        if self.awake && self.has_continuous {
            self.continuous = true;
            self.say_continuous(true);
        }
    }

    fn say_continuous(&mut self, enable: bool) {
        self.say(&ClientMessage::ContinuousUpdates { enable, rect: Rect::of_size(self.size) });
    }

    fn pseudo(&mut self, pseudo: Pseudo) -> Step {
        match pseudo {
            Pseudo::LastRect => self.state = State::Rects(Some(0)),
            Pseudo::Size(size, screens) => {
                self.can_resize |= screens.is_some();
                self.screens = screens.unwrap_or_default();
                if size == self.size {
                    return Step::On;
                }
                self.size = size;
                // What was asked for is as large as the old screen.
                match self.continuous {
                    true => self.go_on_updating(),
                    false => self.ask(),
                }
                return Step::Event(Event::Resized(size));
            }
            Pseudo::NotResized(status, screens) => {
                (self.can_resize, self.screens) = (true, screens);
                return Step::Event(Event::NotResized { status });
            }
            Pseudo::Pointer(position) => return Step::Event(Event::Pointer(position)),
            Pseudo::QemuKeys => self.has_qemu_keys = true,
            Pseudo::ExtendedButtons => self.has_extended_buttons = true,
            Pseudo::Name(name) => return Step::Event(Event::Name(name)),
            Pseudo::Leds(leds) => return Step::Event(Event::Leds(leds)),
        }
        Step::On
    }

    fn copy(&self, to: &Rect, r: &mut Reader<'_>) -> Result<Event, ConnectionError> {
        let mut side = || Ok::<_, DecodeError>(i32::from(super::super::be16(r)?));
        let from = Rect::at(Point::new(side()?, side()?), to.size());
        self.inside(to)?;
        self.inside(&from)?;
        Ok(Event::Copy { from, to: to.origin() })
    }

    fn check(&self, header: &RectHeader) -> Result<(), ConnectionError> {
        match header.encoding {
            // Their place is the hot spot.
            EncodingId::CURSOR | EncodingId::X_CURSOR | EncodingId::CURSOR_WITH_ALPHA => Ok(()),
            encoding if encoding.name().is_some() => self.inside(&header.rect),
            EncodingId(other) => {
                Err(DecodeError::Unknown { what: "RFB encoding", value: (other as u32).into() }.into())
            }
        }
    }

    fn inside(&self, rect: &Rect) -> Result<(), ConnectionError> {
        if rect.is_empty() || !Rect::of_size(self.size).contains_rect(rect) {
            return Err(ConnectionError::Outside { rect: *rect, screen: self.size });
        }
        Ok(())
    }

    fn count(&mut self, encoding: EncodingId, bytes: usize) {
        if let Some(name) = encoding.name() {
            *self.bytes.entry(name).or_default() += bytes as u64;
        }
    }

    /// Reads on in a rectangle.
    fn pixels(&mut self, r: &mut Reader<'_>) -> Result<Step, ConnectionError> {
        let State::Rect { header, left, rows, progress } = &mut self.state else { return Ok(Step::On) };
        let (RectHeader { rect, encoding }, left) = (*header, *left);
        let mut part = rect;
        if encoding == EncodingId::RAW {
            // Rows are painted as they come, and never wait for each other.
            part.top += *rows as i32;
            part.bottom = rect.bottom.min(part.top + (BAND / rect.width()).max(1) as i32);
        }
        let before = r.left();
        let decoded = self.decoder.resume(encoding, &self.format, &self.map, part.size(), r, progress);
        *rows += part.height();
        let done = part.bottom == rect.bottom;
        if decoded.is_err() {
            *rows -= part.height();
        }
        self.count(encoding, before - r.left());
        let picture = decoded?;
        if done {
            self.state = State::Rects(left);
        }
        Ok(Step::Event(match encoding {
            EncodingId::CURSOR | EncodingId::X_CURSOR | EncodingId::CURSOR_WITH_ALPHA => {
                Event::Cursor(CursorImage { picture, hot: rect.origin() })
            }
            _ => Event::Pixels { rect: part, picture, encoding },
        }))
    }
}

/// What a step came to.
enum Step {
    /// Nothing to tell.
    On,
    Event(Event),
}
