//! The viewer's end of one connection.

use std::collections::VecDeque;

use super::{AUTH_TIMEOUT, Channel, ConnectionError, Demux, HANDSHAKE_TIMEOUT, KEEPALIVE, Mux, PEER_TIMEOUT};
use crate::canvas::Digest;
use crate::geometry::{Rect, Size};
use crate::message::{
    Ack, Auth, AuthMethods, Bye, ByeReason, ClientControl, ClientHello, CursorMessage, InputEvent, Offer,
    ResumeTicket, ServerControl, ServerHello, Settings, VERSION, Welcome,
};
use crate::time::Micros;
use crate::wire::{DecodeError, MAX_HANDSHAKE_MESSAGE, MAX_QUEUED_CONTROL, Writer};

/// What a viewer says of itself.
#[derive(Debug, Clone, Default)]
pub struct ClientConfig {
    /// For the server's list of viewers.
    pub name: String,
    /// How the picture shall be sent.
    pub settings: Settings,
    /// Where to go on, after a connection was lost.
    pub resume: Option<ResumeTicket>,
    /// What was kept of earlier sessions with this server. What a hello has no room for is
    /// left out: tiles first, from the end.
    pub offer: Offer,
}

/// What the server did, for the viewer.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientEvent {
    /// A proof is needed: answer with [`ClientConnection::authenticate`].
    Demand(ServerHello),
    /// The proof was wrong; answer with another.
    Retry(String),
    /// The viewer is in. Without `resumed`, start with an empty canvas.
    Welcome(Box<Welcome>),
    /// A frame, to be painted and then told to [`ClientConnection::painted`].
    Frame(Vec<u8>),
    /// The pointer's picture or place.
    Cursor(CursorMessage),
    /// The settings now in force.
    Settings(Settings),
    /// After this many frames the composed screen has this digest.
    Digest {
        /// Frames counted from the session's start.
        frames: u64,
        /// Digest of the screen.
        digest: Digest,
    },
    /// The screen's size and outputs.
    Outputs {
        /// Size of the screen in its own pixels.
        screen: Size,
        /// Outputs on it.
        outputs: Vec<Rect>,
    },
    /// Figures of the server (JSON).
    Stats(String),
    /// A sentence for the person.
    Notice(String),
    /// A ping was answered.
    Pong {
        /// Round trip.
        rtt: Micros,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    Proving,
    Open,
    Closed,
}

/// The viewer's end of one connection, without I/O.
#[derive(Debug)]
pub struct ClientConnection {
    state: State,
    mux: Mux,
    demux: Demux,
    messages: VecDeque<(Channel, Vec<u8>)>,
    events: VecDeque<ClientEvent>,
    painted: u64,
    /// Whether frames were painted since the latest acknowledgement.
    unacked: bool,
    /// When the newest bytes came, and what the newest painted frame has taken since.
    fed: Micros,
    painting: Micros,
    deadline: Micros,
    heard: Micros,
    pinged: Option<Micros>,
}

impl ClientConnection {
    /// A connection that was just made; the hello is ready for transmission.
    pub fn new(config: ClientConfig, now: Micros) -> Self {
        let painted = config.resume.as_ref().map_or(0, |t| t.painted);
        let mut connection = Self {
            state: State::Greeting,
            mux: Mux::default(),
            demux: Demux::new(),
            messages: VecDeque::new(),
            events: VecDeque::new(),
            painted,
            unacked: false,
            fed: now,
            painting: Micros::ZERO,
            deadline: now + HANDSHAKE_TIMEOUT,
            heard: now,
            pinged: None,
        };
        let mut hello = ClientHello {
            version: VERSION,
            name: config.name,
            resume: config.resume,
            settings: config.settings,
            offer: config.offer,
        };
        let bytes = ClientControl::Hello(hello.clone()).encode().len();
        hello.offer.shorten(bytes.saturating_sub(MAX_HANDSHAKE_MESSAGE));
        connection.send(ClientControl::Hello(hello));
        connection
    }

    /// Takes bytes from the server. Poll events and transmit afterwards.
    pub fn feed(&mut self, bytes: &[u8], now: Micros) -> Result<(), ConnectionError> {
        if self.state == State::Closed {
            return Ok(());
        }
        (self.heard, self.fed) = (now, now);
        // Bytes that follow the welcome in one read are judged by its rules: the
        // demultiplexer opens between two messages.
        let mut rest = bytes;
        while !rest.is_empty() {
            let piece = if self.state == State::Open { rest.len() } else { 1 };
            // What came before an error counts, however the bytes were cut into reads.
            let fed = self.demux.feed(&rest[..piece], &mut self.messages);
            rest = &rest[piece..];
            while let Some((channel, message)) = self.messages.pop_front() {
                self.message(channel, message, now)?;
            }
            fed?;
        }
        Ok(())
    }

    fn message(&mut self, channel: Channel, message: Vec<u8>, now: Micros) -> Result<(), ConnectionError> {
        match channel {
            Channel::Control => self.control(ServerControl::decode(&message)?, now)?,
            Channel::Cursor => self.events.push_back(ClientEvent::Cursor(CursorMessage::decode(&message)?)),
            Channel::Draw => self.events.push_back(ClientEvent::Frame(message)),
            Channel::Input => {
                return Err(ConnectionError::Unexpected { what: "message on the input channel" });
            }
        }
        Ok(())
    }

    /// The next thing the server did. Poll after `feed` until `None`.
    pub fn poll(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Appends bytes for the server to `out`, until about `max` are in it.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>, max: usize) {
        if std::mem::take(&mut self.unacked) {
            self.send(ClientControl::Ack(Ack::new(self.painted, self.painting)));
        }
        while out.len() < max && self.mux.poll_chunk(out) {}
    }

    /// Whether bytes wait for [`ClientConnection::poll_transmit`].
    pub fn has_transmit(&self) -> bool {
        self.unacked || !self.mux.is_empty()
    }

    /// When [`ClientConnection::handle_timeout`] must be called.
    pub fn poll_timeout(&self) -> Option<Micros> {
        match self.state {
            State::Closed => None,
            State::Open if self.pinged.is_some() => Some(self.heard + PEER_TIMEOUT),
            State::Open => Some(self.heard + KEEPALIVE),
            _ => Some(self.deadline),
        }
    }

    /// Does what is due. Harmless when nothing is.
    pub fn handle_timeout(&mut self, now: Micros) -> Result<(), ConnectionError> {
        match self.state {
            State::Closed => {}
            State::Open => {
                if now >= self.heard + PEER_TIMEOUT {
                    return Err(ConnectionError::Timeout { what: "keep-alive" });
                }
                if now >= self.heard + KEEPALIVE && self.pinged.is_none() {
                    self.ping(now);
                }
            }
            _ if now >= self.deadline => return Err(ConnectionError::Timeout { what: "handshake" }),
            _ => {}
        }
        Ok(())
    }

    /// Measures the round trip; a [`ClientEvent::Pong`] follows.
    pub fn ping(&mut self, now: Micros) {
        self.pinged = Some(now);
        self.send(ClientControl::Ping(now.0));
    }

    /// Sends a proof.
    pub fn authenticate(&mut self, method: AuthMethods, secret: String, now: Micros) {
        self.deadline = now + HANDSHAKE_TIMEOUT;
        self.send(ClientControl::Auth(Auth { method, secret }));
    }

    /// One more frame is painted: acknowledges it, together with others that are painted
    /// before anything is transmitted. Returns how many that makes.
    pub fn painted(&mut self, now: Micros) -> u64 {
        self.painted += 1;
        self.painting = Micros(now.since(self.fed).0);
        self.unacked = true;
        self.painted
    }

    /// Frames painted in this session.
    pub const fn frames_painted(&self) -> u64 {
        self.painted
    }

    /// Sends input.
    pub fn send_input(&mut self, event: &InputEvent) {
        if self.state == State::Closed {
            return;
        }
        let mut out = Writer::new();
        event.encode(&mut out);
        self.mux.push(Channel::Input, out.finish());
    }

    /// Asks for other settings.
    pub fn send_settings(&mut self, settings: Settings) {
        self.send(ClientControl::Settings(settings));
    }

    /// Asks for everything again, exactly.
    pub fn send_refresh(&mut self) {
        self.send(ClientControl::Refresh);
    }

    /// Asks for another screen size.
    pub fn send_resize(&mut self, size: Size) {
        self.send(ClientControl::Resize(size));
    }

    /// Asks for the server's figures.
    pub fn request_stats(&mut self) {
        self.send(ClientControl::StatsRequest);
    }

    /// Says goodbye: transmit what is left, then close the socket.
    pub fn close(&mut self, reason: ByeReason, text: &str) {
        if self.state != State::Closed {
            // It would overtake what waits anyway, and nothing follows it.
            self.mux.clear();
            self.send(ClientControl::Bye(Bye { reason, text: text.to_owned() }));
            self.state = State::Closed;
        }
    }

    /// Whether the server let this viewer in.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Bytes kept of messages that are not complete yet.
    pub fn held(&self) -> usize {
        self.demux.held()
    }

    fn send(&mut self, message: ClientControl) {
        // Nothing follows a goodbye.
        if self.state != State::Closed {
            self.mux.push(Channel::Control, message.encode());
        }
    }

    fn control(&mut self, message: ServerControl, now: Micros) -> Result<(), ConnectionError> {
        let event = match (self.state, message) {
            (State::Closed, _) => return Ok(()),
            (_, ServerControl::Bye(bye)) => {
                self.state = State::Closed;
                return Err(ConnectionError::Bye(bye));
            }
            (State::Greeting, ServerControl::Hello(hello)) => {
                self.version(hello.version)?;
                self.state = State::Proving;
                self.deadline = now + AUTH_TIMEOUT;
                ClientEvent::Demand(hello)
            }
            (State::Proving, ServerControl::Retry(reason)) => {
                self.deadline = now + AUTH_TIMEOUT;
                ClientEvent::Retry(reason)
            }
            (State::Greeting | State::Proving, ServerControl::Welcome(welcome)) => {
                self.version(welcome.version)?;
                if welcome.outputs.is_empty() {
                    return Err(DecodeError::Invalid { what: "list of outputs" }.into());
                }
                if !welcome.resumed {
                    self.painted = 0;
                }
                self.state = State::Open;
                self.demux.open();
                ClientEvent::Welcome(Box::new(welcome))
            }
            (State::Open, ServerControl::Ping(token)) => {
                if self.mux.waiting(Channel::Control) >= MAX_QUEUED_CONTROL {
                    return Err(ConnectionError::Unexpected { what: "flood of pings" });
                }
                self.send(ClientControl::Pong(token));
                return Ok(());
            }
            (State::Open, ServerControl::Pong(token)) => {
                if self.pinged != Some(Micros(token)) {
                    return Ok(());
                }
                self.pinged = None;
                ClientEvent::Pong { rtt: now.since(Micros(token)) }
            }
            (State::Open, ServerControl::Settings(s)) => ClientEvent::Settings(s),
            (State::Open, ServerControl::Digest { frames, digest }) => ClientEvent::Digest { frames, digest },
            (State::Open, ServerControl::Outputs { screen, outputs }) => {
                ClientEvent::Outputs { screen, outputs }
            }
            (State::Open, ServerControl::Stats(json)) => ClientEvent::Stats(json),
            (State::Open, ServerControl::Notice(text)) => ClientEvent::Notice(text),
            _ => return Err(ConnectionError::Unexpected { what: "control message" }),
        };
        self.events.push_back(event);
        Ok(())
    }

    fn version(&self, theirs: u32) -> Result<(), ConnectionError> {
        if theirs == VERSION { Ok(()) } else { Err(ConnectionError::Version { theirs, ours: VERSION }) }
    }
}
