//! The server's end of one connection.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{
    ACK_TIMEOUT, AUTH_TIMEOUT, Channel, ConnectionError, Demux, HANDSHAKE_TIMEOUT, KEEPALIVE, Mux,
    PEER_TIMEOUT,
};
use crate::canvas::Digest;
use crate::geometry::{Rect, Size};
use crate::message::{
    Ack, Auth, AuthMethods, Bye, ByeReason, ClientControl, ClientHello, CursorMessage, InputEvent,
    ServerControl, ServerHello, Settings, VERSION, Welcome,
};
use crate::time::Micros;
use crate::wire::{MAX_QUEUED_CONTROL, Reader};

/// What a viewer did, for the server.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerEvent {
    /// The viewer introduced itself. Answer with [`ServerConnection::demand`],
    /// [`ServerConnection::welcome`] or [`ServerConnection::close`].
    Hello(ClientHello),
    /// A proof. Answer with [`ServerConnection::welcome`],
    /// [`ServerConnection::retry`] or [`ServerConnection::close`].
    Auth(Auth),
    /// Input, in order.
    Input(InputEvent),
    /// Frames were painted.
    Acked(Acked),
    /// Other settings are wanted.
    Settings(Settings),
    /// Everything again, exactly.
    Refresh,
    /// Another screen size is wanted.
    Resize(Size),
    /// Figures are wanted; answer with [`ServerConnection::send_stats`].
    StatsRequest,
}

/// Frames that were just acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acked {
    /// Frames painted in all.
    pub frames: u64,
    /// Bytes of the frames acknowledged now.
    pub bytes: usize,
    /// When the newest of them was given to the connection.
    pub sent: Micros,
    /// What that took in the viewer, as it says.
    pub painting: Micros,
}

/// A frame on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpainted {
    /// Its bytes, kept to be sent again when the viewer resumes.
    pub message: Arc<Vec<u8>>,
    /// When it was given to the connection.
    pub sent: Micros,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Hello,
    /// The hello came and was not answered yet.
    Introduced,
    /// Waiting for a proof.
    Demanded,
    /// A proof came and was not answered yet.
    Proving,
    Open,
    Closed,
}

/// The server's end of one connection, without I/O.
///
/// Invariant: `painted <= sent`, and `in_flight` holds the frames between.
#[derive(Debug)]
pub struct ServerConnection {
    state: State,
    mux: Mux,
    demux: Demux,
    messages: VecDeque<(Channel, Vec<u8>)>,
    events: VecDeque<ServerEvent>,
    in_flight: VecDeque<Unpainted>,
    painted: u64,
    deadline: Micros,
    heard: Micros,
    pinged: Option<Micros>,
}

impl ServerConnection {
    /// A connection that was just accepted.
    pub fn new(now: Micros) -> Self {
        Self {
            state: State::Hello,
            mux: Mux::default(),
            demux: Demux::new(),
            messages: VecDeque::new(),
            events: VecDeque::new(),
            in_flight: VecDeque::new(),
            painted: 0,
            deadline: now + HANDSHAKE_TIMEOUT,
            heard: now,
            pinged: None,
        }
    }

    /// Takes bytes from the viewer. Poll events and transmit afterwards.
    pub fn feed(&mut self, bytes: &[u8], now: Micros) -> Result<(), ConnectionError> {
        if self.state == State::Closed {
            return Ok(());
        }
        self.heard = now;
        self.pinged = None;
        // What came before an error counts, however the bytes were cut into reads.
        let fed = self.demux.feed(bytes, &mut self.messages);
        while let Some((channel, message)) = self.messages.pop_front() {
            match channel {
                Channel::Control => self.control(ClientControl::decode(&message)?, now)?,
                Channel::Input => {
                    let mut r = Reader::new(&message);
                    while !r.is_empty() {
                        self.events.push_back(ServerEvent::Input(InputEvent::decode(&mut r)?));
                    }
                }
                Channel::Cursor | Channel::Draw => {
                    return Err(ConnectionError::Unexpected { what: "message on a channel to the viewer" });
                }
            }
        }
        fed?;
        Ok(())
    }

    /// The next thing the viewer did. Poll after `feed` until `None`.
    pub fn poll(&mut self) -> Option<ServerEvent> {
        self.events.pop_front()
    }

    /// Appends bytes for the viewer to `out`, until about `max` are in it or
    /// nothing is left. Poll after any call.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>, max: usize) {
        while out.len() < max && self.mux.poll_chunk(out) {}
    }

    /// Whether bytes wait for [`ServerConnection::poll_transmit`].
    pub fn has_transmit(&self) -> bool {
        !self.mux.is_empty()
    }

    /// When [`ServerConnection::handle_timeout`] must be called. May change after any call.
    pub fn poll_timeout(&self) -> Option<Micros> {
        match self.state {
            State::Closed => None,
            State::Open => {
                let silence =
                    if self.pinged.is_some() { self.heard + PEER_TIMEOUT } else { self.heard + KEEPALIVE };
                Some(match self.in_flight.front() {
                    Some(frame) => silence.min(frame.sent + ACK_TIMEOUT),
                    None => silence,
                })
            }
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
                if self.in_flight.front().is_some_and(|f| now >= f.sent + ACK_TIMEOUT) {
                    return Err(ConnectionError::Timeout { what: "acknowledgement of a frame" });
                }
                if now >= self.heard + KEEPALIVE && self.pinged.is_none() {
                    self.pinged = Some(now);
                    self.send(ServerControl::Ping(now.0));
                }
            }
            _ if now >= self.deadline => return Err(ConnectionError::Timeout { what: "handshake" }),
            _ => {}
        }
        Ok(())
    }

    /// Answers a hello: one of these proofs is needed. The viewer's person may take a while.
    pub fn demand(&mut self, name: &str, methods: AuthMethods, now: Micros) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Demanded;
        self.deadline = now + AUTH_TIMEOUT;
        self.send(ServerControl::Hello(ServerHello { version: VERSION, name: name.to_owned(), methods }));
    }

    /// Answers a wrong proof: another may be tried.
    pub fn retry(&mut self, reason: &str, now: Micros) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Demanded;
        self.deadline = now + AUTH_TIMEOUT;
        self.send(ServerControl::Retry(reason.to_owned()));
    }

    /// Lets the viewer in. With `welcome.resumed`, `frames` and `painted` go on
    /// where the lost connection stopped, and unpainted frames are sent again.
    pub fn welcome(&mut self, welcome: Welcome, painted: u64, unpainted: Vec<Unpainted>, now: Micros) {
        // The viewer may have gone while its proof was looked at: the frames are kept
        // for its next connection, this one stays closed.
        if self.state != State::Closed {
            self.state = State::Open;
        }
        self.heard = now;
        self.demux.open();
        self.painted = painted;
        self.send(ServerControl::Welcome(welcome));
        for frame in unpainted {
            self.push_frame(frame.message, now);
        }
    }

    /// Sends a frame, which others may be sent as well.
    pub fn send_frame(&mut self, message: impl Into<Arc<Vec<u8>>>, now: Micros) {
        self.push_frame(message.into(), now);
    }

    fn push_frame(&mut self, message: Arc<Vec<u8>>, now: Micros) {
        // It stays for a viewer that resumes; the pacer bounds how many.
        if self.state != State::Closed {
            self.mux.push(Channel::Draw, message.clone());
        }
        self.in_flight.push_back(Unpainted { message, sent: now });
    }

    /// Frames given to this session so far.
    pub fn frames_sent(&self) -> u64 {
        self.painted + self.in_flight.len() as u64
    }

    /// Frames painted by the viewer.
    pub const fn frames_painted(&self) -> u64 {
        self.painted
    }

    /// Frames sent and not acknowledged.
    pub fn frames_in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Bytes sent and not acknowledged.
    pub fn bytes_in_flight(&self) -> usize {
        self.in_flight.iter().map(|f| f.message.len()).sum()
    }

    /// Takes the unpainted frames of a connection that was lost, to be given to
    /// [`ServerConnection::welcome`] of the next.
    pub fn into_unpainted(self) -> (u64, Vec<Unpainted>) {
        (self.painted, self.in_flight.into())
    }

    /// Sends the pointer's picture or place.
    pub fn send_cursor(&mut self, message: &CursorMessage) {
        if self.state != State::Closed {
            self.mux.push(Channel::Cursor, message.encode());
        }
    }

    /// Tells which settings are in force.
    pub fn send_settings(&mut self, settings: Settings) {
        self.send(ServerControl::Settings(settings));
    }

    /// Sends the digest of the screen after all frames sent so far.
    pub fn send_digest(&mut self, digest: Digest) {
        let frames = self.frames_sent();
        self.send(ServerControl::Digest { frames, digest });
    }

    /// Tells the screen's new size and outputs.
    pub fn send_outputs(&mut self, screen: Size, outputs: Vec<Rect>) {
        self.send(ServerControl::Outputs { screen, outputs });
    }

    /// Sends figures (a JSON object).
    pub fn send_stats(&mut self, json: String) {
        self.send(ServerControl::Stats(json));
    }

    /// Sends a sentence for the person at the viewer.
    pub fn send_notice(&mut self, text: &str) {
        self.send(ServerControl::Notice(text.to_owned()));
    }

    /// Says goodbye: transmit what is left, then close the socket.
    pub fn close(&mut self, reason: ByeReason, text: &str) {
        if self.state != State::Closed {
            self.mux.clear();
            self.send(ServerControl::Bye(Bye { reason, text: text.to_owned() }));
            self.state = State::Closed;
        }
    }

    /// Whether the viewer is in.
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

    fn send(&mut self, message: ServerControl) {
        // Nothing follows a goodbye.
        if self.state != State::Closed {
            self.mux.push(Channel::Control, message.encode());
        }
    }

    fn control(&mut self, message: ClientControl, now: Micros) -> Result<(), ConnectionError> {
        match (self.state, message) {
            (State::Closed, _) => {}
            (_, ClientControl::Bye(bye)) => {
                self.state = State::Closed;
                return Err(ConnectionError::Bye(bye));
            }
            (State::Hello, ClientControl::Hello(hello)) => {
                if hello.version != VERSION {
                    let error = ConnectionError::Version { theirs: hello.version, ours: VERSION };
                    self.close(ByeReason::Version, &format!("the server speaks protocol version {VERSION}"));
                    return Err(error);
                }
                self.state = State::Introduced;
                self.events.push_back(ServerEvent::Hello(hello));
            }
            (State::Demanded, ClientControl::Auth(auth)) => {
                self.state = State::Proving;
                self.events.push_back(ServerEvent::Auth(auth));
            }
            (State::Open, ClientControl::Ack(ack)) => self.ack(ack)?,
            (State::Open, ClientControl::Ping(token)) => {
                if self.mux.waiting(Channel::Control) >= MAX_QUEUED_CONTROL {
                    return Err(ConnectionError::Unexpected { what: "flood of pings" });
                }
                self.send(ServerControl::Pong(token));
            }
            (State::Open, ClientControl::Pong(_)) => {}
            (State::Open, ClientControl::Settings(s)) => self.events.push_back(ServerEvent::Settings(s)),
            (State::Open, ClientControl::Refresh) => self.events.push_back(ServerEvent::Refresh),
            (State::Open, ClientControl::Resize(size)) => self.events.push_back(ServerEvent::Resize(size)),
            (State::Open, ClientControl::StatsRequest) => self.events.push_back(ServerEvent::StatsRequest),
            _ => return Err(ConnectionError::Unexpected { what: "control message" }),
        }
        let _ = now;
        Ok(())
    }

    fn ack(&mut self, ack: Ack) -> Result<(), ConnectionError> {
        let newly = ack
            .frames
            .checked_sub(self.painted)
            .and_then(|n| usize::try_from(n).ok())
            .filter(|&n| n <= self.in_flight.len())
            .ok_or(ConnectionError::Unexpected { what: "acknowledgement" })?;
        let mut acked = Acked { frames: ack.frames, bytes: 0, sent: Micros::ZERO, painting: ack.painting() };
        for frame in self.in_flight.drain(..newly) {
            acked.bytes += frame.message.len();
            acked.sent = frame.sent;
        }
        self.painted = ack.frames;
        if newly > 0 {
            self.events.push_back(ServerEvent::Acked(acked));
        }
        Ok(())
    }
}
