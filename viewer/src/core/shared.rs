//! The meeting point of the connection's task and whoever shows the picture.
//!
//! The connection writes a [`Shown`] under a lock and wakes the front; the front
//! reads it and sends [`Command`]s back. Neither waits for the other.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Region, Size};
use panto_protocol::message::{InputEvent, Settings};
use panto_protocol::pixel::Picture;
use tokio::sync::mpsc;

use crate::stats::Stats;

/// What the front asks of the connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The person did something.
    Input(InputEvent),
    /// Send the picture in another way.
    Settings(Settings),
    /// Send the whole picture again, exactly.
    Refresh,
    /// The window has this many pixels; make the remote screen as large, if the server can.
    Resize(Size),
    /// Tint the picture by how each area is sent, or no longer.
    Explain(bool),
    /// The person has copied this text.
    Clipboard(String),
    /// Connect again now instead of waiting for the next try.
    Reconnect,
    /// Close the connection and end.
    Quit,
}

/// The state of the connection, for people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Connection {
    /// First connection under way.
    #[default]
    Connecting,
    /// Pictures may arrive.
    Connected,
    /// Lost; the last picture stays, and another try follows.
    Reconnecting {
        /// Why it was lost.
        reason: String,
        /// Tries so far, from 1.
        attempt: u32,
    },
    /// Ended for good.
    Closed {
        /// Why; what the person can do next.
        reason: String,
    },
}

/// A sentence shown over the picture for a few seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notice {
    /// Counts notices, so that the same text twice is seen as two.
    pub number: u64,
    /// The sentence.
    pub text: String,
}

/// Text that was copied at the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clipboard {
    /// Counts them, so that the same text twice is seen as two.
    pub number: u64,
    /// The text.
    pub text: Arc<str>,
}

/// Everything a front shows.
#[derive(Debug, Default)]
pub struct Shown {
    /// The remote screen as the viewer has it, pointer apart, at transmitted scale. A
    /// window that is being dragged here may be ahead of the server's.
    pub picture: Picture,
    /// Size of the remote screen in its own pixels (differs from `picture` when scaled).
    pub screen: Size,
    /// Pixels of `picture` that changed since the front last emptied this.
    pub damage: Region,
    /// Counts changes of `picture`.
    pub generation: u64,
    /// The pointer's picture; `None` until the server sent one.
    pub cursor: Option<Arc<CursorImage>>,
    /// Where the server has the pointer, on the remote screen.
    pub pointer: Point,
    /// State of the connection.
    pub connection: Connection,
    /// Whether the front is to end with the connection ([`Handle::dismiss`]).
    pub dismissed: bool,
    /// Settings in force, as the server confirmed them.
    pub settings: Settings,
    /// Whether `picture` is tinted by how each area was sent.
    pub explained: bool,
    /// Whether this viewer may send input.
    pub may_control: bool,
    /// Whether the server can change its screen's size.
    pub can_resize: bool,
    /// The server's name, for the window's title.
    pub server_name: String,
    /// The newest notice.
    pub notice: Notice,
    /// The newest text of the server's clipboard.
    pub clipboard: Clipboard,
    /// Figures, as METRICS.md names them.
    pub stats: Stats,
}

struct Inner {
    shown: Mutex<Shown>,
    waker: OnceLock<Box<dyn Fn() + Send + Sync>>,
    commands: mpsc::UnboundedSender<Command>,
}

/// The front's end; cheap to clone.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

/// The connection's end.
pub struct View {
    handle: Handle,
    /// Commands from the front, in order.
    pub commands: mpsc::UnboundedReceiver<Command>,
}

impl View {
    /// A new pair: the connection's end, which also hands out [`Handle`]s.
    pub fn new() -> Self {
        let (sender, commands) = mpsc::unbounded_channel();
        let inner = Inner { shown: Mutex::default(), waker: OnceLock::new(), commands: sender };
        Self { handle: Handle(Arc::new(inner)), commands }
    }

    /// A handle for a front.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Changes what is shown, then wakes the front.
    pub fn update<T>(&self, change: impl FnOnce(&mut Shown) -> T) -> T {
        let result = change(&mut self.handle.shown());
        self.handle.wake();
        result
    }

    /// Shows a sentence for a few seconds.
    pub fn notice(&self, text: impl Into<String>) {
        self.update(|s| s.notice = Notice { number: s.notice.number + 1, text: text.into() });
    }
}

impl Default for View {
    fn default() -> Self {
        Self::new()
    }
}

impl Handle {
    /// What is to be shown. Hold it briefly: the connection waits for it.
    pub fn shown(&self) -> MutexGuard<'_, Shown> {
        // A panic while holding the lock leaves a picture that is at worst half painted.
        self.0.shown.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Sends a command; ignored when the connection has ended.
    pub fn send(&self, command: Command) {
        let _ = self.0.commands.send(command);
    }

    /// Ends the connection, and the front with it: it does not stay to show why a connection ended.
    pub fn dismiss(&self) {
        self.send(Command::Quit);
        self.shown().dismissed = true;
        self.wake();
    }

    fn wake(&self) {
        if let Some(wake) = self.0.waker.get() {
            wake();
        }
    }

    /// Sets what is called after every change (once, by the front).
    pub fn set_waker(&self, wake: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.waker.set(Box::new(wake));
    }
}
