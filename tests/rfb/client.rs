//! An RFB client of the tests' own, as strict as it can be.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Color, Picture, rgb};
use panto_protocol::rfb::encoding::Decoder;
use panto_protocol::rfb::{ClientMessage, EncodingId, PixelFormat, RectHeader, Screen};
use panto_protocol::wire::{DecodeError, Reader, Writer};

/// A connection to a server, and what it has shown.
pub struct RfbClient {
    stream: TcpStream,
    bytes: Vec<u8>,
    format: PixelFormat,
    map: Vec<Color>,
    decoder: Decoder,
    /// What the server calls itself.
    pub name: String,
    /// The screen as told.
    pub picture: Picture,
    /// The pointer's last picture: where it points, and its size.
    pub cursor: Option<(Point, Size)>,
    /// Rectangles by their encodings.
    pub seen: std::collections::BTreeMap<i32, u32>,
    /// What was said beside updates, as bytes behind the type.
    pub said: Vec<(u8, Vec<u8>)>,
    /// The screen's layouts: `x` and `y` of their rectangles, and the screens.
    pub layouts: Vec<(Point, Vec<Screen>)>,
    /// The keyboard's lights.
    pub leds: Option<u8>,
    /// Bytes taken in all, and of each update.
    taken: usize,
    updates: Vec<usize>,
}

impl RfbClient {
    /// Comes in without any proof, in this version of the protocol.
    pub fn connect(address: &str, version: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut client = Self {
            stream,
            bytes: Vec::new(),
            format: PixelFormat::NATIVE,
            map: Vec::new(),
            decoder: Decoder::with_jpeg(),
            name: String::new(),
            picture: Picture::default(),
            cursor: None,
            seen: Default::default(),
            said: Vec::new(),
            layouts: Vec::new(),
            leds: None,
            taken: 0,
            updates: Vec::new(),
        };
        assert_eq!(client.take(12), b"RFB 003.008\n");
        client.send(format!("RFB {version}\n").as_bytes());
        if version == "003.003" {
            assert_eq!(client.take(4), [0, 0, 0, 1], "no security, as the server decides");
        } else {
            let count = usize::from(client.take(1)[0]);
            assert_eq!(client.take(count), [1], "no security is all that is offered here");
            client.send(&[1]);
        }
        if version == "003.008" {
            assert_eq!(client.take(4), [0; 4], "let in");
        }
        client.send(&[1]);
        let head = client.take(24);
        let word = |i: usize| u32::from(u16::from_be_bytes([head[i], head[i + 1]]));
        client.picture = Picture::new(Size::new(word(0), word(2)), 0);
        client.format = PixelFormat::decode(&mut Reader::new(&head[4..20])).expect("a sound format");
        let length = u32::from_be_bytes(head[20..].try_into().unwrap()) as usize;
        client.name = String::from_utf8(client.take(length)).expect("a name");
        client
    }

    fn take(&mut self, n: usize) -> Vec<u8> {
        while self.bytes.len() < n {
            self.read();
        }
        self.taken += n;
        self.bytes.drain(..n).collect()
    }

    fn read(&mut self) {
        let mut buffer = [0; 1 << 16];
        let n = self.stream.read(&mut buffer).expect("the server answers");
        assert!(n > 0, "the server closed the connection");
        self.bytes.extend_from_slice(&buffer[..n]);
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Sends a message.
    pub fn say(&mut self, message: &ClientMessage) {
        let mut w = Writer::default();
        message.encode(&mut w);
        self.send(w.as_slice());
    }

    /// Pixels in this way from now on. Ask for the whole afterwards.
    pub fn settle(&mut self, format: PixelFormat, encodings: &[EncodingId]) {
        self.format = format;
        self.say(&ClientMessage::SetPixelFormat(format));
        self.say(&ClientMessage::SetEncodings(encodings.to_vec()));
    }

    /// Asks for the whole screen.
    pub fn ask(&mut self, incremental: bool) {
        let rect = self.picture.bounds();
        self.say(&ClientMessage::UpdateRequest { incremental, rect });
    }

    /// Reads until an update has come and paints it.
    pub fn update(&mut self) {
        while !self.message() {}
    }

    /// Bytes of each update so far.
    pub fn bytes_of_updates(&self) -> Vec<usize> {
        self.updates.clone()
    }

    /// Reads until something of this type was said, and returns it.
    pub fn word(&mut self, kind: u8) -> Vec<u8> {
        loop {
            if let Some(i) = self.said.iter().position(|(k, _)| *k == kind) {
                return self.said.remove(i).1;
            }
            self.message();
        }
    }

    /// Reads one message; whether it was an update.
    fn message(&mut self) -> bool {
        let kind = self.take(1)[0];
        let said = match kind {
            0 => {
                let before = self.taken;
                let head = self.take(3);
                for _ in 0..u16::from_be_bytes([head[1], head[2]]) {
                    let header = self.take(12);
                    let header = RectHeader::decode(&mut Reader::new(&header)).expect("twelve bytes");
                    *self.seen.entry(header.encoding.0).or_default() += 1;
                    self.rect(&header);
                }
                self.updates.push(self.taken - before);
                return true;
            }
            1 => {
                self.colors();
                return false;
            }
            2 | 150 => Vec::new(),
            3 => {
                let head = self.take(7);
                let length = i32::from_be_bytes(head[3..].try_into().unwrap());
                let text = self.take(length.unsigned_abs() as usize);
                [&head[3..], &text].concat()
            }
            248 => {
                let head = self.take(8);
                let payload = self.take(usize::from(head[7]));
                [&head[3..7], &payload].concat()
            }
            other => panic!("message {other} was not asked for"),
        };
        self.said.push((kind, said));
        false
    }

    fn colors(&mut self) {
        let head = self.take(5);
        let first = usize::from(u16::from_be_bytes([head[1], head[2]]));
        let count = usize::from(u16::from_be_bytes([head[3], head[4]]));
        let entries = self.take(6 * count);
        self.map.resize(self.map.len().max(first + count), 0);
        for (i, e) in entries.as_chunks::<6>().0.iter().enumerate() {
            self.map[first + i] = rgb(e[0], e[2], e[4]);
        }
    }

    fn rect(&mut self, header: &RectHeader) {
        let RectHeader { rect, encoding } = *header;
        match encoding {
            EncodingId::COPY_RECT => {
                let from = self.take(4);
                let from = Point::new(
                    i32::from(from[0]) << 8 | i32::from(from[1]),
                    i32::from(from[2]) << 8 | i32::from(from[3]),
                );
                let source = Rect::at(from, rect.size());
                assert!(self.picture.bounds().contains_rect(&source), "{source:?} is outside");
                let pixels = self.picture.crop(source).to_picture();
                self.picture.blit(rect.origin(), pixels.view());
            }
            EncodingId::DESKTOP_SIZE => self.picture = Picture::new(rect.size(), 0),
            EncodingId::EXTENDED_DESKTOP_SIZE => {
                let count = usize::from(self.take(4)[0]);
                let screen = |bytes: &[u8; 16]| {
                    let word = |i: usize| u32::from(u16::from_be_bytes([bytes[i], bytes[i + 1]]));
                    let rect = Rect::new(word(4) as i32, word(6) as i32, word(8), word(10));
                    Screen { id: word(2), rect, flags: word(14) }
                };
                let screens = self.take(16 * count).as_chunks::<16>().0.iter().map(screen).collect();
                self.layouts.push((rect.origin(), screens));
                if rect.size() != self.picture.size() {
                    self.picture = Picture::new(rect.size(), 0);
                }
            }
            EncodingId::LED_STATE => self.leds = Some(self.take(1)[0]),
            EncodingId::QEMU_KEYS => {}
            EncodingId::DESKTOP_NAME => {
                let length = u32::from_be_bytes(self.take(4).try_into().unwrap());
                self.name = String::from_utf8(self.take(length as usize)).expect("a name");
            }
            _ => {
                let picture = self.decoded(encoding, rect.size());
                if matches!(encoding, EncodingId::CURSOR | EncodingId::CURSOR_WITH_ALPHA) {
                    self.cursor = Some((rect.origin(), rect.size()));
                } else {
                    assert!(self.picture.bounds().contains_rect(&rect), "{rect:?} is outside");
                    self.picture.blit(rect.origin(), picture.view());
                }
            }
        }
    }

    fn decoded(&mut self, encoding: EncodingId, size: Size) -> Picture {
        loop {
            let mut r = Reader::new(&self.bytes);
            match self.decoder.decode(encoding, &self.format, &self.map, size, &mut r) {
                Ok(picture) => {
                    let rest = r.rest().len();
                    self.taken += self.bytes.len() - rest;
                    self.bytes.drain(..self.bytes.len() - rest);
                    return picture;
                }
                Err(DecodeError::TooShort { .. }) => self.read(),
                Err(error) => panic!("encoding {}: {error}", encoding.0),
            }
        }
    }

    /// What a picture looks like in this format.
    pub fn reduced(&self, picture: &Picture) -> Picture {
        let mut out = picture.clone();
        for pixel in out.data_mut() {
            *pixel = self.format.color(self.format.value(*pixel), &self.map);
        }
        out
    }

    /// Asks for changes until the picture is this one.
    pub fn until(&mut self, what: &str, wanted: impl Fn() -> Picture) {
        for _ in 0..400 {
            if self.picture == self.reduced(&wanted()) {
                return;
            }
            self.ask(true);
            self.update();
        }
        let want = self.reduced(&wanted());
        panto_tests::harness::assert_same(what, &self.picture, &want);
    }
}
