//! The desk of an X display, watched by a thread of its own.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use panto_protocol::rfb::Leds;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::Event;
use x11rb::protocol::xfixes::{self, ConnectionExt as _};
use x11rb::protocol::xkb::{self, ConnectionExt as _, EventType, SelectEventsAux};
use x11rb::protocol::xproto::{Atom, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;

use super::Desk;
use super::selection::Selections;
use crate::capture::{CaptureError, connect};

/// The lights' names in every keyboard map.
const LIGHTS: [(&str, u8); 3] =
    [("Scroll Lock", Leds::SCROLL), ("Num Lock", Leds::NUM), ("Caps Lock", Leds::CAPS)];

/// Watches clipboard, lights and bell of an X display until it is dropped.
pub struct X11Desk {
    desk: Arc<Desk>,
    orders: Arc<Orders>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is told.
struct Orders {
    wake: OwnedFd,
    /// The newest text for the clipboard; `Err` ends the thread.
    text: Mutex<Result<Option<Arc<str>>, Stop>>,
}

struct Stop;

impl Orders {
    fn give(&self, text: Result<Option<Arc<str>>, Stop>) {
        *self.text.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = text;
        // Fails only when 2^64 wakings are pending; one is enough.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    fn take(&self) -> Result<Option<Arc<str>>, Stop> {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.wake, &mut count);
        match &mut *self.text.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            Ok(text) => Ok(text.take()),
            Err(Stop) => Err(Stop),
        }
    }
}

impl X11Desk {
    /// Starts watching `display`, or `$DISPLAY` without one.
    ///
    /// # Errors
    ///
    /// If the display is not reached, or lacks XFIXES or XKB.
    pub fn start(display: Option<&str>) -> Result<Self, CaptureError> {
        let (conn, screen) = connect(display)?;
        let watched = Watched::new(&conn, screen)?;
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let system = |source| CaptureError::System { what: "watching the clipboard", source };
        let wake = eventfd(0, flags).map_err(|error| system(error.into()))?;
        let orders = Arc::new(Orders { wake, text: Mutex::new(Ok(None)) });
        let desk = Arc::new({
            let orders = Arc::clone(&orders);
            Desk::new(move |text| orders.give(Ok(Some(text))))
        });
        let thread = {
            let (desk, orders) = (Arc::clone(&desk), Arc::clone(&orders));
            let watch = move || {
                // The display is gone, which capture reports.
                if let Err(error) = watched.watch(&conn, &desk, &orders) {
                    tracing::debug!(%error, "clipboard, lights and bell are watched no more");
                }
            };
            std::thread::Builder::new().name("desk".into()).spawn(watch).map_err(system)?
        };
        Ok(Self { desk, orders, thread: Some(thread) })
    }

    /// The desk.
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }
}

impl Drop for X11Desk {
    fn drop(&mut self) {
        self.orders.give(Err(Stop));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread knows of its display.
struct Watched {
    selections: Selections,
    lights: Vec<(Atom, u8)>,
}

impl Watched {
    fn new(conn: &RustConnection, screen: usize) -> Result<Self, CaptureError> {
        let missing = |extension, need| CaptureError::Missing {
            display: std::env::var("DISPLAY").unwrap_or_default(),
            extension,
            need,
        };
        if conn.extension_information(xfixes::X11_EXTENSION_NAME)?.is_none() {
            return Err(missing("XFIXES", "2.0"));
        }
        if conn.extension_information(xkb::X11_EXTENSION_NAME)?.is_none() {
            return Err(missing("XKB", "1.0"));
        }
        // The server refuses these extensions' requests until it was told a version.
        conn.xfixes_query_version(4, 0)?.reply()?;
        conn.xkb_use_extension(1, 0)?.reply()?;
        let screen = conn.setup().roots.get(screen);
        let root = screen.ok_or(CaptureError::Nonsense { what: "there is no such screen" })?.root;
        let lights = LIGHTS.iter().map(|(name, led)| Ok((conn.intern_atom(false, name.as_bytes())?, *led)));
        let lights: Vec<_> = lights.collect::<Result<_, CaptureError>>()?;
        let lights = lights.into_iter().map(|(atom, led)| Ok((atom.reply()?.atom, led)));
        let watched = Self {
            lights: lights.collect::<Result<_, CaptureError>>()?,
            selections: Selections::new(conn, root)?,
        };
        let events = EventType::INDICATOR_STATE_NOTIFY | EventType::BELL_NOTIFY;
        let (device, none) = (xkb::ID::USE_CORE_KBD.into(), EventType::from(0u16));
        conn.xkb_select_events(device, none, events, 0u16.into(), 0u16.into(), &SelectEventsAux::new())?;
        conn.flush()?;
        Ok(watched)
    }

    fn watch(mut self, conn: &RustConnection, desk: &Desk, orders: &Orders) -> Result<(), ReplyError> {
        let leds = self.leds(conn)?;
        desk.update(|state| state.leds = leds);
        self.selections.begin(conn)?;
        loop {
            match orders.take() {
                Ok(Some(text)) => self.selections.own(conn, text)?,
                Ok(None) => {}
                Err(Stop) => return Ok(()),
            }
            while let Some(event) = conn.poll_for_event()? {
                match event {
                    Event::XkbBellNotify(_) => desk.update(|state| state.bells += 1),
                    Event::XkbIndicatorStateNotify(_) => {
                        let leds = self.leds(conn)?;
                        desk.update(|state| state.leds = leds);
                    }
                    event => {
                        if let Some(text) = self.selections.event(conn, &event)? {
                            desk.update(|state| state.text = Some(text.into()));
                        }
                    }
                }
            }
            let now = Instant::now();
            self.selections.give_up(now);
            let timeout = self.selections.deadline().map(|at| at.saturating_duration_since(now));
            wait(conn, orders, timeout);
        }
    }

    fn leds(&self, conn: &RustConnection) -> Result<Leds, ReplyError> {
        let mut leds = Leds::default();
        for (name, led) in &self.lights {
            let device = xkb::ID::USE_CORE_KBD.into();
            // Classes and numbers of devices are xkb's own; zero is the default of both.
            let light = conn.xkb_get_named_indicator(device, xkb::LedClass::DFLT_XI_CLASS, 0u16, *name)?;
            if light.reply().is_ok_and(|light| light.found && light.on) {
                leds.0 |= led;
            }
        }
        Ok(leds)
    }
}

/// Until the display or an order has something, or the time is over.
fn wait(conn: &RustConnection, orders: &Orders, timeout: Option<Duration>) {
    let timeout = timeout.and_then(|t| Timespec::try_from(t).ok());
    let mut fds = [
        PollFd::from_borrowed_fd(conn.stream().as_fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(orders.wake.as_fd(), PollFlags::IN),
    ];
    let _ = poll(&mut fds, timeout.as_ref());
}
