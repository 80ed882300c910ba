//! One VNC viewer's session: what it says, and the updates that it is sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use panto_protocol::geometry::{Rect, Size};
use panto_protocol::message::Rights;
use panto_protocol::rfb::encoding::Encoder;
use panto_protocol::rfb::{
    ClientMessage, Clipboard, EncodingId, Fence, MAX_CLIPBOARD, MAX_CUT_TEXT, PixelFormat, ResizeStatus,
    Screen, ServerMessage, color_map,
};
use panto_protocol::time::Micros;
use panto_protocol::wire::{DecodeError, MAX_COORDINATE, Reader, Writer};
use panto_transport::{Pipe, Stream, Turn, WireCounters};
use tokio::sync::{mpsc, watch};

use super::clipboard::Told;
use super::flow::{Flow, Go};
use super::input::Pointer;
use super::lacking::Manner;
use super::update::{Shown, Understood};
use super::{LAST_WORDS, RfbError, UNREAD_FOR};
use crate::desk::DeskState;
use crate::frontend::held::Held;
use crate::frontend::registry::Order;
use crate::frontend::server::{FLOOD_PAUSE, Server};
use crate::scene::Viewing;

/// Bytes of one message at most: the longest is the clipboard's, behind eight bytes.
const MAX_MESSAGE: usize = MAX_CLIPBOARD + 8;

/// Bytes of answers that a viewer may leave unread.
const MAX_UNREAD: usize = 4 * MAX_CUT_TEXT;

/// Bytes that a viewer may send while it closes its end.
const MAX_LAST_WORDS: u64 = 64 << 10;

/// How a session ended in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The viewer has closed the connection, or something on the way has.
    Left,
    SentAway,
}

/// A viewer of RFB that was let in.
pub(super) struct Session {
    server: Arc<Server>,
    id: u64,
    pipe: Pipe,
    counters: Arc<WireCounters>,
    /// Bytes of answers that are not written yet, at most.
    unread: usize,
    /// Bytes that the viewer had taken when it was last seen taking any, and when that was.
    taken: (u64, Instant),
    rights: Rights,
    viewing: Viewing,
    changed: watch::Receiver<u64>,
    desk: Option<watch::Receiver<DeskState>>,
    /// Received and not understood yet.
    bytes: Vec<u8>,
    format: PixelFormat,
    /// Whether it has to be told the colour map before any pixels.
    map_due: bool,
    understood: Understood,
    encoder: Encoder,
    shown: Shown,
    flow: Flow,
    clipboard: Told,
    bells: u64,
    pointer: Pointer,
    held: Held,
}

impl Session {
    pub(super) fn new(server: Arc<Server>, id: u64, stream: Stream, rights: Rights, bytes: Vec<u8>) -> Self {
        let (viewing, changed) = (server.scene.view(), server.scene.subscribe());
        let shown = Shown::new(server.scene.lock().size());
        let desk = server.source.desk().map(|desk| desk.subscribe());
        let bells = desk.as_ref().map_or(0, |desk| desk.borrow().bells);
        Self {
            server,
            id,
            counters: stream.counters(),
            pipe: Pipe::new(stream),
            unread: 0,
            taken: (0, Instant::now()),
            rights,
            viewing,
            changed,
            desk,
            bytes,
            format: PixelFormat::NATIVE,
            map_due: false,
            understood: Understood::default(),
            encoder: Encoder::new(),
            shown,
            flow: Flow::default(),
            clipboard: Told::default(),
            bells,
            pointer: Pointer::default(),
            held: Held::default(),
        }
    }

    /// Serves the viewer until it leaves; what it held down is let go.
    pub(super) async fn run(&mut self, orders: mpsc::UnboundedReceiver<Order>) -> Result<Ending, RfbError> {
        let result = self.serve(orders).await;
        for event in self.held.release() {
            self.server.source.input(&event);
        }
        result
    }

    /// Closes the connection in order, so that nothing that is on its way is lost.
    pub(super) async fn finish(&mut self) {
        let _ = tokio::time::timeout(LAST_WORDS, self.pipe.finish(MAX_LAST_WORDS)).await;
    }

    async fn serve(&mut self, mut orders: mpsc::UnboundedReceiver<Order>) -> Result<Ending, RfbError> {
        let mut closing = self.server.closing();
        loop {
            let floods = self.messages()?;
            let reads = !floods || self.bytes.len() < MAX_MESSAGE;
            if let Some(reason) = self.server.source.failure() {
                return Err(RfbError::Capture(reason));
            }
            self.changed.borrow_and_update();
            let takes = self.pipe.is_writable();
            let wake = if takes {
                self.unread = 0;
                // The newest only: older ones need not wait for who reads slowly.
                self.desk_news();
                self.update()
            } else {
                Wake::default()
            };
            let sleep = wake.at.map(|at| Duration::from(at.since(self.server.now())));
            let deaf_at = self.deaf_at();
            tokio::select! {
                turn = self.pipe.turn(), if reads => match turn? {
                    Turn::Read(bytes) => self.bytes.extend_from_slice(bytes),
                    Turn::Written => {}
                    Turn::Closed => return Ok(Ending::Left),
                },
                _ = self.changed.changed(), if wake.on_change => {}
                Ok(()) = async { self.desk.as_mut().unwrap().changed().await }, if takes && self.desk.is_some() => {}
                Some(order) = orders.recv() => match order {
                    // Settings are of the native modes.
                    Order::Settings(_) => {}
                    Order::Kick | Order::Park => return Ok(Ending::SentAway),
                },
                () = tokio::time::sleep(sleep.unwrap_or(Duration::from_secs(3600))) => {}
                () = tokio::time::sleep(FLOOD_PAUSE), if floods => {}
                () = tokio::time::sleep_until(deaf_at.into()) => {
                    if self.deaf_at() <= Instant::now() {
                        return Err(RfbError::Deaf);
                    }
                }
                _ = closing.wait_for(|&c| c) => return Ok(Ending::SentAway),
            }
        }
    }

    /// When the viewer will be given up, if it takes nothing until then.
    fn deaf_at(&mut self) -> Instant {
        let written = self.counters.written();
        if self.pipe.is_writable() || written != self.taken.0 {
            self.taken = (written, Instant::now());
        }
        self.taken.1 + UNREAD_FOR
    }

    /// Does what the viewer has said; whether there may be more of it, which has to wait.
    fn messages(&mut self) -> Result<bool, RfbError> {
        let mut bytes = std::mem::take(&mut self.bytes);
        let mut r = Reader::new(&bytes);
        let mut rest = r.clone();
        let mut floods = false;
        while !floods {
            match ClientMessage::decode(&mut r) {
                Ok(message) => self.message(message)?,
                Err(DecodeError::TooShort { .. }) => break,
                Err(error) => return Err(error.into()),
            }
            rest = r.clone();
            floods = self.server.is_flooded();
        }
        let read = bytes.len() - rest.left();
        // What is half a message stays where it is, however slowly the rest comes.
        bytes.drain(..read);
        self.bytes = bytes;
        if !floods && self.bytes.len() > MAX_MESSAGE {
            return Err(DecodeError::TooLarge { what: "RFB message" }.into());
        }
        Ok(floods)
    }

    fn message(&mut self, message: ClientMessage) -> Result<(), RfbError> {
        match message {
            ClientMessage::SetPixelFormat(format) => {
                self.format = format;
                self.server.registry.update(self.id, |info| info.depth = format.depth);
                self.map_due = format.true_color.is_none();
            }
            ClientMessage::SetEncodings(all) => self.understands(Understood::of(&all))?,
            ClientMessage::UpdateRequest { incremental, rect } => {
                if !incremental {
                    self.shown.forget(&rect);
                }
                self.flow.ask(rect);
            }
            ClientMessage::Key { .. } | ClientMessage::Pointer { .. } | ClientMessage::ExtendedKey { .. } => {
                self.flow.input(self.server.now());
                let events = self.pointer.events(&message);
                if self.rights == Rights::Control {
                    for event in events {
                        self.held.note(&event);
                        self.server.source.input(&event);
                    }
                }
            }
            ClientMessage::CutText(latin1) => {
                self.copied(&latin1.iter().map(|&b| char::from(b)).collect::<String>());
            }
            ClientMessage::Clipboard(Clipboard::Provide(Some(text))) => self.copied(&text),
            ClientMessage::Clipboard(message) if self.rights == Rights::Control => {
                if let Some(answer) = self.clipboard.answer(&message) {
                    self.answers(answer.len())?;
                    self.pipe.output().extend_from_slice(&answer);
                }
            }
            ClientMessage::Clipboard(_) => {}
            ClientMessage::ContinuousUpdates { enable, rect } => {
                if enable && self.understood.fence {
                    self.flow.go_on(Some(rect));
                } else if self.flow.is_continuous() {
                    self.flow.go_on(None);
                    self.say(&ServerMessage::EndOfContinuousUpdates)?;
                }
            }
            ClientMessage::Fence(fence) if fence.flags & Fence::REQUEST != 0 => {
                // Messages are dealt with one after the other, so every order that can be asked
                // for is kept.
                self.say(&ServerMessage::Fence(Fence { flags: fence.flags & Fence::KNOWN, ..fence }))?;
            }
            ClientMessage::Fence(fence) => {
                self.flow.came_back(&fence, self.server.now());
                let (rtt, rate) = self.flow.link();
                self.server.registry.update(self.id, |info| {
                    info.rtt_ms = rtt.map(Micros::as_millis_f64);
                    info.rate_bps = rate.map(|bytes| bytes * 8);
                });
            }
            ClientMessage::SetDesktopSize { size, screens } => self.resize(size, &screens),
        }
        Ok(())
    }

    /// The viewer has named its encodings; what it may use from now on is told.
    fn understands(&mut self, now: Understood) -> Result<(), RfbError> {
        let before = std::mem::replace(&mut self.understood, now);
        if let Some(level) = now.compress_level {
            self.encoder.set_compress_level(level);
        }
        if now.fence && !before.fence {
            let flags = Fence::REQUEST | Fence::BLOCK_BEFORE;
            self.say(&ServerMessage::Fence(Fence { flags, payload: Vec::new() }))?;
        }
        // Without fences nobody would know how much is on its way.
        if now.fence && now.continuous_updates && !(before.fence && before.continuous_updates) {
            self.say(&ServerMessage::EndOfContinuousUpdates)?;
        }
        if now.extended_clipboard
            && let Some(first) = self.clipboard.extend()
        {
            self.say(&first)?;
        }
        Ok(())
    }

    /// A text that the viewer has copied; lines may end as they like.
    fn copied(&mut self, text: &str) {
        if self.rights != Rights::Control {
            return;
        }
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        self.clipboard.copied(&text);
        if let Some(desk) = self.server.source.desk() {
            desk.copy(&text);
        }
    }

    fn resize(&mut self, size: Size, screens: &[Screen]) {
        let is_inside = |s: &Screen| !s.rect.is_empty() && Rect::of_size(size).contains_rect(&s.rect);
        let sides = [size.width, size.height];
        let is_valid = sides.iter().all(|side| (1..=MAX_COORDINATE).contains(side))
            && !screens.is_empty()
            && screens.iter().all(is_inside);
        let source = &self.server.source;
        let is_so = self.server.scene.lock().size() == size;
        let status = match () {
            () if self.rights != Rights::Control || !source.can_resize() => ResizeStatus::Prohibited,
            () if !is_valid => ResizeStatus::InvalidLayout,
            () if is_so => ResizeStatus::Done,
            () => match source.resize(size) {
                Ok(()) => return self.shown.resizes(self.server.now()),
                Err(reason) => {
                    tracing::warn!(id = self.id, reason, "resize");
                    ResizeStatus::OutOfResources
                }
            },
        };
        self.shown.resized(status);
    }

    /// Tells what has become of clipboard and bell.
    fn desk_news(&mut self) {
        let Some(desk) = &mut self.desk else { return };
        let (text, bells) = {
            let state = desk.borrow_and_update();
            (state.text.clone(), state.bells)
        };
        let mut news = Vec::new();
        if std::mem::replace(&mut self.bells, bells) != bells {
            news.push(ServerMessage::Bell);
        }
        // Who may not type has no business with what others copy. And before its encodings are
        // known, nobody knows how a viewer wants it.
        if self.rights == Rights::Control && self.understood.pixels.is_some() {
            news.extend(text.and_then(|text| self.clipboard.news(&text)));
        }
        for message in news {
            self.say_always(&message);
        }
    }

    /// Says something that the viewer has caused.
    ///
    /// # Errors
    ///
    /// If it asks and asks and does not read the answers.
    fn say(&mut self, message: &ServerMessage) -> Result<(), RfbError> {
        let before = self.pipe.output().len();
        self.say_always(message);
        let length = self.pipe.output().len() - before;
        self.answers(length)
    }

    /// Counts an answer. Updates count for nothing: they go when there is room.
    fn answers(&mut self, length: usize) -> Result<(), RfbError> {
        self.unread += length;
        if self.unread > MAX_UNREAD { Err(RfbError::Flood) } else { Ok(()) }
    }

    fn say_always(&mut self, message: &ServerMessage) {
        let mut w = Writer::default();
        message.encode(&mut w);
        self.pipe.output().extend_from_slice(w.as_slice());
    }

    /// Sends an update, if there is something to be sent and it may go now. Returns what it waits
    /// for if not.
    fn update(&mut self) -> Wake {
        let began = self.server.now();
        let wanted = self.flow.wanted();
        if wanted.is_empty() {
            return Wake::default();
        }
        if self.server.scene.is_stale() {
            return Wake { at: None, on_change: true };
        }
        let desk = self.desk.as_ref().map(|desk| desk.borrow().clone()).unwrap_or_default();
        let (lacking, position, budget) = {
            let scene = Arc::clone(&self.server.scene);
            let mut scene = scene.lock();
            if !self.shown.is_due(&scene, &desk, &wanted, &self.understood, began) {
                self.viewing.has_whole(scene.position());
                return Wake { at: self.shown.wakes_at(), on_change: true };
            }
            let budget = match self.flow.go(began) {
                Go::Now(bytes) => bytes,
                Go::At(at) => return Wake { at: Some(at), on_change: false },
                // A fence may make room, and an answer may take what there is.
                Go::Not => return Wake { at: None, on_change: true },
            };
            let lacking = self.shown.look(&mut scene, &desk, &wanted, &self.understood, began);
            (lacking, scene.position(), budget)
        };
        if lacking.is_empty() {
            self.viewing.has_whole(position);
            return Wake { at: self.shown.wakes_at(), on_change: true };
        }
        if std::mem::take(&mut self.map_due) {
            self.say_always(&ServerMessage::ColorMap { first: 0, colors: color_map() });
        }
        let name = &self.server.config.name;
        let manner = Manner { format: &self.format, understood: &self.understood, name, budget };
        let out = self.pipe.output();
        let before = out.len();
        let sent = lacking.encode(self.shown.picture(), &manner, &mut self.encoder, out);
        let bytes = out.len() - before;
        self.shown.sent(&sent, began);
        if let Some(fence) = self.flow.sent(bytes, sent.is_whole(), began, self.server.now()) {
            self.say_always(&ServerMessage::Fence(fence));
        }
        let encoding = self.understood.pixels.unwrap_or(EncodingId::RAW);
        self.server.registry.update(self.id, |info| {
            info.frames += 1;
            info.updates += sent.count as u64;
            let kind = format!("RFB encoding {}", encoding.0);
            *info.payload_bytes_by_kind.entry(kind).or_default() += bytes as u64;
        });
        // The pipe's end wakes the session.
        Wake::default()
    }
}

/// What a session waits for beside its viewer.
#[derive(Debug, Clone, Copy, Default)]
struct Wake {
    at: Option<Micros>,
    /// A change of the scene.
    on_change: bool,
}
