//! The server's end against any viewer and any order of calls.

use super::choices::{Choices, pieces};
use super::output::Output;
use crate::canvas::{ContentHash, CursorImage, Digest};
use crate::connection::{Channel, ConnectionError, ServerConnection, ServerEvent, Unpainted};
use crate::geometry::{Point, Rect, Size};
use crate::message::{
    Ack, Auth, AuthMethods, Bye, ByeReason, ClientControl, ClientHello, CursorMessage, InputEvent, Offer,
    ResumeTicket, Rights, ServerControl, Settings, VERSION, Welcome,
};
use crate::time::Micros;
use crate::wire::{MAX_CHUNK, MAX_HANDSHAKE_MESSAGE, MAX_MESSAGE, Writer};

/// Bit 0 of the first byte: calls come in any order, not only where they are
/// due. The second byte cuts what is fed. The rest are operations: what the
/// viewer sends, what the server's program does, and the time going on.
///
/// Acknowledgements never exceed what was sent, frames arrive in order and once,
/// time-outs make progress, memory stays bounded, and how reads are cut changes
/// nothing.
///
/// # Panics
/// If not.
pub fn server(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let (any_order, seed) = (choices.byte_or_0() & 1 == 1, choices.byte_or_0());
    let whole = Run::new(any_order, 0).run(choices.clone());
    let cut = Run::new(any_order, seed | 1).run(choices);
    assert_eq!(whole, cut);
}

/// What came out of a run.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<ServerEvent>,
    sent: Vec<(Channel, Vec<u8>)>,
    error: Option<ConnectionError>,
}

/// What the program owes the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    Nothing,
    Greeting,
    Verdict,
}

struct Run {
    machine: ServerConnection,
    now: Micros,
    any_order: bool,
    seed: u8,
    due: Due,
    output: Output,
    outcome: Outcome,
    /// Frames given to the machine since the welcome, and how many of the session were painted before.
    frames: Vec<Vec<u8>>,
    painted_before: u64,
    acked: u64,
    fed: usize,
}

impl Run {
    fn new(any_order: bool, seed: u8) -> Self {
        Self {
            machine: ServerConnection::new(Micros::ZERO),
            now: Micros::ZERO,
            any_order,
            seed,
            due: Due::Nothing,
            output: Output::new(),
            outcome: Outcome { events: Vec::new(), sent: Vec::new(), error: None },
            frames: Vec::new(),
            painted_before: 0,
            acked: 0,
            fed: 0,
        }
    }

    fn run(mut self, mut ops: Choices<'_>) -> Outcome {
        while let Some(op) = ops.byte() {
            if let Err(error) = self.step(op, &mut ops) {
                self.outcome.error = Some(error);
                break;
            }
            self.check();
        }
        self.transmit(usize::MAX);
        // What came before an error is still news.
        self.poll();
        self.check();
        let (painted, in_flight) = (self.machine.frames_painted(), self.machine.frames_in_flight());
        let (p, unpainted) = self.machine.into_unpainted();
        assert_eq!((p, unpainted.len()), (painted, in_flight));
        self.outcome
    }

    fn step(&mut self, op: u8, ops: &mut Choices<'_>) -> Result<(), ConnectionError> {
        match op % 16 {
            0 => {
                let n = usize::from(ops.byte_or_0());
                self.feed(ops.take(n))?;
            }
            1 => {
                let (header, n) = (ops.byte_or_0(), ops.byte_or_0() & 0x7f);
                let payload = ops.take(usize::from(n));
                let mut chunk = vec![header, payload.len() as u8];
                chunk.extend_from_slice(payload);
                self.feed(&chunk)?;
            }
            2 | 3 => {
                let message = self.control(ops.byte_or_0(), ops.byte_or_0()).encode();
                self.feed(&chunk(Channel::Control, &message))?;
            }
            4 => {
                let mut out = Writer::new();
                for _ in 0..=ops.byte_or_0() & 3 {
                    input(ops).encode(&mut out);
                }
                self.feed(&chunk(Channel::Input, out.as_slice()))?;
            }
            5 if self.may(Due::Greeting) => {
                self.due = Due::Nothing;
                self.machine.demand("server", AuthMethods::PASSWORD.with(AuthMethods::TICKET), self.now);
            }
            6 if self.may(Due::Verdict) => {
                self.due = Due::Nothing;
                self.machine.retry("wrong", self.now);
            }
            7 if self.may(Due::Greeting) || self.may(Due::Verdict) => self.welcome(ops.byte_or_0()),
            8 if self.any_order || self.machine.is_open() => {
                let length = 37 * usize::from(ops.byte_or_0());
                let frame = vec![self.frames.len() as u8; length];
                self.frames.push(frame.clone());
                self.machine.send_frame(frame, self.now);
            }
            9 if self.any_order || self.machine.is_open() => self.say(ops.byte_or_0()),
            10 => {
                let t = u64::from(ops.byte_or_0());
                self.now = self.now + Micros::from_millis(t * t);
                self.machine.handle_timeout(self.now)?;
            }
            11 => {
                let Some(deadline) = self.machine.poll_timeout() else { return Ok(()) };
                self.now = self.now.max(deadline);
                self.machine.handle_timeout(self.now)?;
                // Otherwise a shell would call again at once, for ever.
                assert!(self.machine.poll_timeout().is_none_or(|next| next > self.now));
            }
            12 => self.transmit(usize::from(ops.byte_or_0()) * 32 + 1),
            13 => self.machine.close(ByeReason::Kicked, "enough"),
            _ => self.transmit(usize::MAX),
        }
        Ok(())
    }

    fn may(&self, due: Due) -> bool {
        self.any_order || self.due == due
    }

    fn control(&self, kind: u8, arg: u8) -> ClientControl {
        let number = u64::from(arg);
        let ack = |frames| ClientControl::Ack(Ack { frames, units: number << (arg % 57) });
        let hashes = |n: u8| (0..n).map(|i| ContentHash(number << 8 | u64::from(i))).collect();
        match kind % 12 {
            0 | 1 => ClientControl::Hello(ClientHello {
                version: if arg == 9 { VERSION + 1 } else { VERSION },
                name: "viewer".repeat(usize::from(arg >> 4)),
                resume: (kind % 12 == 1).then_some(ResumeTicket { secret: [arg; 16], painted: number }),
                settings: Settings::default(),
                offer: Offer { glyphs: hashes(arg % 9), tiles: hashes(arg >> 5) },
            }),
            2 => ClientControl::Auth(Auth { method: AuthMethods::PASSWORD, secret: "secret".to_owned() }),
            3 => ack(self.machine.frames_painted() + number % 4),
            4 => ack(number << (arg % 57)),
            5 => ClientControl::Ping(number),
            6 => ClientControl::Pong(number),
            7 => ClientControl::Settings(Settings::default()),
            8 => ClientControl::Refresh,
            9 => ClientControl::Resize(Size::new(u32::from(arg) * 100, 700)),
            10 => ClientControl::StatsRequest,
            _ => ClientControl::Bye(Bye { reason: ByeReason::Other(arg.into()), text: "bye".to_owned() }),
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        for piece in pieces(bytes, self.seed) {
            self.fed += piece.len();
            self.machine.feed(piece, self.now)?;
        }
        self.poll();
        Ok(())
    }

    fn poll(&mut self) {
        while let Some(event) = self.machine.poll() {
            match &event {
                ServerEvent::Hello(hello) => {
                    assert_eq!(hello.version, VERSION);
                    self.due = Due::Greeting;
                }
                ServerEvent::Auth(_) => self.due = Due::Verdict,
                ServerEvent::Acked(acked) => {
                    assert!(acked.frames > self.acked || self.any_order);
                    assert!(acked.frames <= self.painted_before + self.frames.len() as u64);
                    assert!(acked.sent <= self.now);
                    if !self.any_order {
                        let from = (self.acked - self.painted_before) as usize;
                        let to = (acked.frames - self.painted_before) as usize;
                        let bytes: usize = self.frames[from..to].iter().map(Vec::len).sum();
                        assert_eq!(acked.bytes, bytes);
                    }
                    self.acked = acked.frames;
                }
                _ => {}
            }
            self.outcome.events.push(event);
        }
    }

    fn welcome(&mut self, arg: u8) {
        self.due = Due::Nothing;
        let unpainted: Vec<_> =
            (0..arg >> 6).map(|i| Unpainted { message: vec![i; 10].into(), sent: Micros::ZERO }).collect();
        self.painted_before = if unpainted.is_empty() { 0 } else { u64::from(arg & 0x3f) };
        self.acked = self.painted_before;
        if !self.any_order {
            assert!(self.frames.is_empty());
        }
        self.frames.extend(unpainted.iter().map(|u| u.message.to_vec()));
        let welcome = Welcome {
            version: VERSION,
            name: "server".to_owned(),
            rights: Rights::Control,
            resume_secret: [7; 16],
            resumed: !unpainted.is_empty(),
            can_resize: false,
            outputs: vec![Rect::new(0, 0, 640, 480)],
            settings: Settings::default(),
            screen: Size::new(640, 480),
        };
        self.machine.welcome(welcome, self.painted_before, unpainted, self.now);
    }

    fn say(&mut self, kind: u8) {
        let machine = &mut self.machine;
        match kind % 7 {
            0 => machine.send_settings(Settings::default()),
            1 => machine.send_digest(Digest(5)),
            2 => machine.send_outputs(Size::new(8, 8), vec![Rect::new(0, 0, 8, 8)]),
            3 => machine.send_stats("{}".to_owned()),
            4 => machine.send_notice("notice"),
            5 => machine.send_cursor(&CursorMessage::Move { position: Point::new(-1, 1) }),
            _ => machine.send_cursor(&CursorMessage::Define { slot: 0, image: CursorImage::default() }),
        }
    }

    fn transmit(&mut self, max: usize) {
        let mut out = Vec::new();
        self.machine.poll_transmit(&mut out, max);
        // At most one chunk more than asked for.
        assert!(out.len() <= max.saturating_add(MAX_CHUNK + 3));
        for (channel, message) in self.output.read(&out) {
            match channel {
                Channel::Control => assert!(ServerControl::decode(&message).is_ok()),
                Channel::Cursor => assert!(CursorMessage::decode(&message).is_ok()),
                Channel::Draw => {
                    let nth = self.outcome.sent.iter().filter(|(c, _)| *c == Channel::Draw).count();
                    assert_eq!(Some(&message), self.frames.get(nth), "frames in order, each once");
                }
                Channel::Input => panic!("input from a server"),
            }
            self.outcome.sent.push((channel, message));
        }
    }

    fn check(&self) {
        let machine = &self.machine;
        assert!(machine.frames_painted() <= machine.frames_sent());
        assert_eq!(machine.frames_painted() + machine.frames_in_flight() as u64, machine.frames_sent());
        assert!(machine.held() <= self.fed);
        let limit = if machine.is_open() || self.any_order { 2 * MAX_MESSAGE } else { MAX_HANDSHAKE_MESSAGE };
        assert!(machine.is_closed() || machine.held() <= limit + MAX_CHUNK + 3);
        if !self.any_order {
            let unpainted = &self.frames[(self.acked - self.painted_before) as usize..];
            // Acknowledgements that came before an error were taken in but not polled.
            assert!(machine.frames_in_flight() <= unpainted.len());
            assert!(machine.bytes_in_flight() <= unpainted.iter().map(Vec::len).sum());
        }
        assert_eq!(machine.poll_timeout().is_none(), machine.is_closed());
    }
}

/// A message as one chunk; these here are short.
pub(super) fn chunk(channel: Channel, message: &[u8]) -> Vec<u8> {
    let mut mux = crate::connection::Mux::default();
    mux.push(channel, message.to_vec());
    let mut out = Vec::new();
    while mux.poll_chunk(&mut out) {}
    out
}

/// Some input.
pub(super) fn input(choices: &mut Choices<'_>) -> InputEvent {
    let (kind, a) = (choices.byte_or_0(), choices.byte_or_0());
    let position = Point::new(i32::from(a) * 9, i32::from(kind));
    match kind % 6 {
        0 => InputEvent::Pointer { position },
        1 => InputEvent::Button { button: a, down: kind > 99 },
        2 => InputEvent::Scroll { dx: 0, dy: i32::from(a) - 128 },
        3 => InputEvent::Key { physical: a.into(), keysym: 97, down: kind > 99, text: "ä".to_owned() },
        4 => InputEvent::KeysDown { keys: vec![a.into(); usize::from(a % 9)] },
        _ => InputEvent::Text { text: "漢字".to_owned() },
    }
}
