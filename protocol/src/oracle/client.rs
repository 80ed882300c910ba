//! The viewer's end against any server, painting what comes.

use super::choices::{Choices, pieces};
use super::draw::{self, Stop};
use super::output::Output;
use super::server::{chunk, input};
use crate::canvas::{Canvas, Digest};
use crate::connection::{Channel, ClientConfig, ClientConnection, ClientEvent, ConnectionError};
use crate::draw::{SurfaceId, SurfaceResize};
use crate::geometry::{Point, Rect, Size};
use crate::message::{
    AuthMethods, Bye, ByeReason, ClientControl, CursorMessage, InputEvent, Offer, ResumeTicket, Rights,
    ServerControl, ServerHello, Settings, VERSION, Welcome,
};
use crate::time::Micros;
use crate::wire::{MAX_CHUNK, MAX_DRAW_MESSAGE, MAX_HANDSHAKE_MESSAGE, MAX_MESSAGE, Reader};

/// The first byte chooses whether the viewer resumes and the second how reads
/// are cut. The rest are operations: what the server sends, what the viewer's
/// program does, and the time going on. Frames are painted as they come.
///
/// Acknowledgements count frames one by one and never exceed what came,
/// time-outs make progress, memory stays bounded, and how reads are cut changes
/// neither events nor picture.
///
/// # Panics
/// If not.
pub fn client(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let (resume, seed) = (choices.byte_or_0(), choices.byte_or_0());
    let whole = Run::new(resume, 0).run(choices.clone());
    let cut = Run::new(resume, seed | 1).run(choices);
    assert_eq!(whole, cut);
}

/// What came out of a run.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<ClientEvent>,
    sent: Vec<(Channel, Vec<u8>)>,
    end: Option<End>,
    surfaces: Vec<(SurfaceId, Digest)>,
}

#[derive(Debug, PartialEq)]
enum End {
    Connection(ConnectionError),
    Paint(Stop),
}

impl From<ConnectionError> for End {
    fn from(error: ConnectionError) -> Self {
        Self::Connection(error)
    }
}

struct Run {
    machine: ClientConnection,
    canvas: Canvas,
    now: Micros,
    seed: u8,
    output: Output,
    /// Frames of the session painted before this connection, if it is resumed.
    painted: u64,
    acked: Option<u64>,
    demanded: bool,
    fed: usize,
    outcome: Outcome,
}

impl Run {
    fn new(resume: u8, seed: u8) -> Self {
        let ticket = ResumeTicket { secret: [1; 16], painted: u64::from(resume) };
        let config = ClientConfig {
            name: "viewer".to_owned(),
            settings: Settings::default(),
            resume: (resume > 0).then_some(ticket),
            offer: Offer::default(),
        };
        Self {
            machine: ClientConnection::new(config, Micros::ZERO),
            canvas: Canvas::new(),
            now: Micros::ZERO,
            seed,
            output: Output::new(),
            painted: u64::from(resume),
            acked: None,
            demanded: false,
            fed: 0,
            outcome: Outcome { events: Vec::new(), sent: Vec::new(), end: None, surfaces: Vec::new() },
        }
    }

    fn run(mut self, mut ops: Choices<'_>) -> Outcome {
        while let Some(op) = ops.byte() {
            if let Err(end) = self.step(op, &mut ops) {
                self.outcome.end = Some(end);
                break;
            }
            self.check();
        }
        // What came before an error is still news.
        if let Err(end) = self.poll() {
            self.outcome.end.get_or_insert(end);
        }
        self.transmit(usize::MAX);
        draw::check_bounds(&self.canvas);
        self.outcome.surfaces = draw::digests(&self.canvas);
        self.outcome
    }

    fn step(&mut self, op: u8, ops: &mut Choices<'_>) -> Result<(), End> {
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
                let message = control(ops.byte_or_0(), ops.byte_or_0()).encode();
                self.feed(&chunk(Channel::Control, &message))?;
            }
            4 => {
                let n = usize::from(ops.byte_or_0());
                let frame = ops.take(n);
                self.feed(&chunk(Channel::Draw, frame))?;
            }
            5 => {
                let position = Point::new(i32::from(ops.byte_or_0()), 4);
                self.feed(&chunk(Channel::Cursor, &CursorMessage::Move { position }.encode()))?;
            }
            6 if self.demanded => {
                self.demanded = false;
                self.machine.authenticate(AuthMethods::PASSWORD, "secret".to_owned(), self.now);
            }
            7 => self.say(ops),
            8 => self.machine.ping(self.now),
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
            13 => self.machine.close(ByeReason::Done, "done"),
            _ => self.transmit(usize::MAX),
        }
        Ok(())
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), End> {
        for piece in pieces(bytes, self.seed) {
            self.fed += piece.len();
            self.machine.feed(piece, self.now)?;
        }
        self.poll()
    }

    fn poll(&mut self) -> Result<(), End> {
        while let Some(event) = self.machine.poll() {
            let mut result = Ok(());
            match &event {
                ClientEvent::Demand(_) | ClientEvent::Retry(_) => self.demanded = true,
                ClientEvent::Welcome(welcome) => {
                    assert!(!welcome.outputs.is_empty());
                    if !welcome.resumed {
                        self.painted = 0;
                        self.canvas = Canvas::new();
                    }
                    let size = Size::new(32, 24);
                    let resize = SurfaceResize { id: SurfaceId::SCREEN, size };
                    self.canvas.apply(&resize.into()).expect("a small screen");
                }
                ClientEvent::Frame(frame) => {
                    result = draw::paint(&mut self.canvas, frame, |_| {});
                    if result.is_ok() {
                        self.painted += 1;
                        assert_eq!(self.machine.painted(self.now), self.painted);
                    }
                }
                ClientEvent::Pong { rtt } => assert!(*rtt <= self.now),
                _ => {}
            }
            self.outcome.events.push(event);
            result.map_err(End::Paint)?;
        }
        Ok(())
    }

    fn say(&mut self, ops: &mut Choices<'_>) {
        // A shell sends these when the viewer is in.
        if !self.machine.is_open() {
            return;
        }
        match ops.byte_or_0() % 5 {
            0 => self.machine.send_input(&input(ops)),
            1 => self.machine.send_settings(Settings::default()),
            2 => self.machine.send_refresh(),
            3 => self.machine.send_resize(Size::new(800, 600)),
            _ => self.machine.request_stats(),
        }
    }

    fn transmit(&mut self, max: usize) {
        let mut out = Vec::new();
        self.machine.poll_transmit(&mut out, max);
        assert!(out.len() <= max.saturating_add(MAX_CHUNK + 3));
        for (channel, message) in self.output.read(&out) {
            match channel {
                Channel::Control => match ClientControl::decode(&message) {
                    Ok(ClientControl::Ack(ack)) => {
                        let frames = ack.frames;
                        assert!(frames <= self.painted && ack.painting() <= self.now);
                        assert!(self.acked.is_none_or(|before| frames == before + 1));
                        self.acked = Some(frames);
                    }
                    Ok(ClientControl::Hello(_)) => assert!(self.outcome.sent.is_empty()),
                    other => assert!(other.is_ok()),
                },
                Channel::Input => {
                    let mut r = Reader::new(&message);
                    while !r.is_empty() {
                        assert!(InputEvent::decode(&mut r).is_ok());
                    }
                }
                Channel::Cursor | Channel::Draw => panic!("{channel:?} message from a viewer"),
            }
            self.outcome.sent.push((channel, message));
        }
    }

    fn check(&self) {
        assert_eq!(self.machine.frames_painted(), self.painted);
        assert!(self.machine.held() <= self.fed);
        let limit = match self.machine.is_open() {
            true => 3 * MAX_MESSAGE + MAX_DRAW_MESSAGE,
            false => MAX_HANDSHAKE_MESSAGE,
        };
        assert!(self.machine.is_closed() || self.machine.held() <= limit + MAX_CHUNK + 3);
        assert_eq!(self.machine.poll_timeout().is_none(), self.machine.is_closed());
    }
}

fn control(kind: u8, arg: u8) -> ServerControl {
    let number = u64::from(arg);
    match kind % 14 {
        0 => ServerControl::Hello(ServerHello {
            version: if arg == 9 { VERSION + 1 } else { VERSION },
            name: "server".to_owned(),
            methods: AuthMethods::PASSWORD,
        }),
        1 => ServerControl::Retry("wrong".to_owned()),
        2 | 3 => ServerControl::Welcome(Welcome {
            version: if arg == 9 { VERSION + 1 } else { VERSION },
            name: "server".to_owned(),
            rights: Rights::View,
            resume_secret: [arg; 16],
            resumed: kind % 14 == 3,
            can_resize: true,
            outputs: vec![Rect::new(0, 0, 32, 24); usize::from(arg % 5)],
            settings: Settings::default(),
            screen: Size::new(32, 24),
        }),
        4 => ServerControl::Ping(number),
        5 => ServerControl::Pong(number),
        // What the viewer asked with, if it asked at this time.
        6 => ServerControl::Pong(number * number * 1000),
        7 => ServerControl::Settings(Settings::default()),
        8 => ServerControl::Digest { frames: number << (arg % 57), digest: Digest(1) },
        9 => ServerControl::Outputs { screen: Size::new(9, 9), outputs: Vec::new() },
        10 => ServerControl::Stats("{}".to_owned()),
        11 | 12 => ServerControl::Notice("notice".to_owned()),
        _ => ServerControl::Bye(Bye { reason: ByeReason::Other(arg.into()), text: "bye".to_owned() }),
    }
}
