//! The loop of an open connection to a VNC server: bytes, commands and deadlines, until the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use panto_protocol::geometry::{Rect, Size};
use panto_protocol::message::Settings;
use panto_protocol::rfb::client::{Connection as Rfb, Event};
use panto_transport::{Pipe, Turn, WireCounters};

use super::{Viewing, possible};
use crate::core::client::link::lost;
use crate::core::client::{Client, until};
use crate::core::shared::Shown;
use crate::core::{Clipboard, Command, ViewError};

/// Pings are this far apart while a person may look at the figures.
const PING_EVERY: Duration = Duration::from_secs(5);

/// How long the end waits for what the server has on its way.
const FAREWELL: Duration = Duration::from_secs(2);

/// The front hears of a long update this often before it has ended.
const SHOW_EVERY: Duration = Duration::from_millis(50);

/// How long is painted at once before anything else gets its turn: a few bytes can ask for seconds
/// of painting, and a person who leaves must not wait for hours of it.
const TURN: Duration = Duration::from_millis(50);

/// The marks of fences that were sent to know when they come back.
const PING: &[u8] = b"ping";
const END: &[u8] = b"end";

/// The largest sides that a server is asked for.
const MAX_SIDE: u32 = 16_384;

/// One connection.
pub(super) struct Link {
    pub pipe: Pipe,
    pub connection: Rfb,
    pub counters: Arc<WireCounters>,
    /// When waiting for the server's last words ends.
    farewell: Option<Instant>,
    /// Whether everything has been said and shown.
    done: bool,
    pinged: Option<Instant>,
    /// Updates when the last ping went.
    pinged_at: u64,
    /// Whether the picture has changed since the front was woken, and when it was.
    stale: bool,
    woken: Instant,
}

impl Link {
    pub(super) fn new(pipe: Pipe, connection: Rfb, counters: Arc<WireCounters>) -> Self {
        Self {
            pipe,
            connection,
            counters,
            farewell: None,
            done: false,
            pinged: None,
            pinged_at: 0,
            stale: false,
            woken: Instant::now(),
        }
    }
}

impl Viewing {
    /// A connection has ended: its bytes count on.
    pub(super) fn keep_bytes(&mut self, connection: &Rfb) {
        for (name, bytes) in connection.bytes_by_encoding() {
            *self.bytes.entry(name).or_default() += bytes;
        }
    }
}

impl Client {
    /// Moves bytes and acts on them until the connection ends.
    pub(super) async fn drive_vnc(&mut self, link: &mut Link) -> Result<(), ViewError> {
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let busy = self.vnc_events(link)?;
            if link.pipe.is_writable() && link.connection.has_output() {
                let output = link.connection.take_output();
                link.pipe.output().extend_from_slice(&output);
            }
            // A server that does not read keeps nobody beyond the farewell.
            let late = link.farewell.is_some_and(|at| at <= Instant::now());
            if link.done && (link.pipe.is_writable() || late) {
                return Ok(());
            }
            let deadline = if link.farewell.is_some() { link.farewell } else { self.deadline() };
            let pings = link.connection.has_fences()
                && self.options.duration.is_none()
                && link.pinged_at != self.vnc.painter.updates();
            let repeat = self.vnc.hands.poll_timeout().map(|at| self.origin + Duration::from(at));
            tokio::select! {
                // What has come already is painted before more of it is taken.
                () = tokio::task::yield_now(), if busy => {}
                turn = link.pipe.turn(), if !busy => match turn {
                    Ok(Turn::Read(bytes)) => link.connection.feed(bytes),
                    Ok(Turn::Written) => {}
                    Ok(Turn::Closed) => return Err(lost("the server closed the connection")),
                    Err(error) => return Err(lost(error.to_string())),
                },
                command = self.view.commands.recv() => match command {
                    Some(command) => self.vnc_command(command, link)?,
                    None => self.leave_vnc(link),
                },
                () = until(deadline) => match link.farewell {
                    Some(_) => link.done = true,
                    None => self.leave_vnc(link),
                },
                // Never while what was typed before still waits.
                () = until(repeat), if link.pipe.is_writable() => {
                    let now = self.now();
                    self.vnc.hands.handle_timeout(now, &mut link.connection);
                }
                _ = ping.tick(), if pings => {
                    link.pinged_at = self.vnc.painter.updates();
                    link.pinged = Some(Instant::now());
                    link.connection.ping(PING);
                }
            }
        }
    }

    /// Acts on what has come, for a while; whether there may be more of it.
    fn vnc_events(&mut self, link: &mut Link) -> Result<bool, ViewError> {
        let begun = Instant::now();
        let (mut ended, mut busy) = (false, false);
        while !busy && let Some(event) = link.connection.poll()? {
            match event {
                Event::UpdateEnd => {
                    self.vnc.painter.update_ended(self.now());
                    ended = true;
                }
                Event::Resized(_) | Event::Pixels { .. } | Event::Copy { .. } => {
                    self.paint(&event);
                    link.stale = true;
                }
                other => self.vnc_event(other, link),
            }
            busy = begun.elapsed() >= TURN;
        }
        let can_resize = link.connection.can_resize();
        if self.view.handle().shown().can_resize != can_resize {
            self.view.update(|s| s.can_resize = can_resize);
        }
        if ended {
            self.vnc.encodings(&link.connection, &mut self.stats);
            self.publish(&link.counters);
        }
        if link.stale && (ended || link.woken.elapsed() >= SHOW_EVERY) {
            (link.stale, link.woken) = (false, Instant::now());
            self.view.update(|_| ());
        }
        // Without fences the end of an update is as good an end as any.
        if link.farewell.is_some() && !link.connection.has_fences() {
            link.done |= link.connection.is_between_updates();
        }
        Ok(busy)
    }

    /// Changes the picture; the front is woken later.
    fn paint(&mut self, event: &Event) {
        let handle = self.view.handle();
        let mut shown = handle.shown();
        let Shown { picture, damage, generation, screen, .. } = &mut *shown;
        let rect = self.vnc.painter.paint(event, picture);
        if let Event::Resized(size) = event {
            *screen = *size;
            damage.clear();
        }
        damage.add(rect.intersection(&Rect::of_size(picture.size())));
        damage.simplify(64);
        *generation += 1;
    }

    fn vnc_event(&mut self, event: Event, link: &mut Link) {
        match event {
            Event::Cursor(image) => self.view.update(|s| s.cursor = Some(Arc::new(image))),
            Event::Pointer(position) => self.view.update(|s| s.pointer = position),
            Event::Name(name) => self.view.update(|s| s.server_name = name),
            Event::CutText(text) if !self.options.view_only => self.view.update(|s| {
                s.clipboard = Clipboard { number: s.clipboard.number + 1, text: text.into() };
            }),
            Event::CutTextTooLong { length } => {
                let text = format!("What was copied there is too long to come here: {length} bytes");
                self.view.notice(text);
            }
            Event::NotResized { status } => {
                self.view.notice(format!("The server keeps its screen's size: {}", refusal(status)));
            }
            Event::Pong(mark) if mark == PING => {
                self.stats.rtt_ms = link.pinged.take().map(|at| at.elapsed().as_secs_f64() * 1e3);
                self.publish(&link.counters);
            }
            Event::Pong(mark) => link.done |= mark == END && link.farewell.is_some(),
            Event::Bell => tracing::debug!("the server rings its bell"),
            Event::Leds(leds) => tracing::debug!(leds, "locks of the server's keyboard"),
            _ => {}
        }
    }

    /// The end begins: what is held is let go, and what is on its way is still shown.
    fn leave_vnc(&mut self, link: &mut Link) {
        self.quitting = true;
        if link.farewell.is_some() {
            link.done = true;
            return;
        }
        self.vnc.hands.release(&mut link.connection);
        link.farewell = Some(Instant::now() + FAREWELL);
        if link.connection.has_fences() {
            link.connection.ping(END);
        }
    }

    fn vnc_command(&mut self, command: Command, link: &mut Link) -> Result<(), ViewError> {
        let may = !self.options.view_only;
        match command {
            Command::Quit => self.leave_vnc(link),
            Command::Explain(on) => self.explain(on),
            Command::Input(event) if may => {
                let now = self.now();
                self.vnc.hands.act(&event, now, &mut link.connection);
                self.vnc.painter.input_sent(now);
                let pointer = self.vnc.hands.position();
                self.view.handle().shown().pointer = pointer;
            }
            Command::Clipboard(text) if may => link.connection.cut_text(&text),
            Command::Input(_) | Command::Clipboard(_) => {}
            Command::Settings(settings) => self.refuse_settings(settings),
            Command::Refresh => link.connection.refresh(),
            Command::Resize(size) if link.connection.can_resize() => {
                let side = |v: u32| v.clamp(1, MAX_SIDE);
                link.connection.set_desktop_size(Size::new(side(size.width), side(size.height)));
            }
            Command::Resize(_) => {}
            Command::Reconnect => return Err(lost("reconnecting on request")),
        }
        Ok(())
    }

    /// The pixels' form is settled when a connection begins.
    fn refuse_settings(&mut self, settings: Settings) {
        let depth = possible(settings).depth;
        let mut text = "A VNC server sends pixels only, at full size.".to_owned();
        if depth != possible(self.options.settings).depth {
            self.options.settings.depth = depth;
            text = format!("{} bits a pixel from the next connection on.", depth.bits());
        }
        self.view.notice(text);
    }
}

/// What a server's number means (rfbproto, ExtendedDesktopSize).
const fn refusal(status: u16) -> &'static str {
    match status {
        1 => "it is not allowed to change it",
        2 => "it has not the memory for another one",
        3 => "it cannot have this one",
        _ => "it does not say why",
    }
}
