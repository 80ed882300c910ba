//! What a screen's session has beside pixels and input: a clipboard, the keyboard's lights, a bell.

mod selection;
mod x11;

use std::sync::Arc;

use panto_protocol::rfb::{Leds, MAX_CUT_TEXT};
use tokio::sync::watch;

pub use x11::X11Desk;

/// State of a desk; compared to what a viewer knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeskState {
    /// The clipboard's text, lines ending with `\n`; `None` as long as nobody has copied any.
    pub text: Option<Arc<str>>,
    /// Lights that are on.
    pub leds: Leds,
    /// How often the bell has rung.
    pub bells: u64,
}

/// A desk between whoever watches it and the viewers. Calls return at once.
pub struct Desk {
    state: watch::Sender<DeskState>,
    copy: Box<dyn Fn(Arc<str>) + Send + Sync>,
}

impl Desk {
    /// A desk of which nothing is known yet. `copy` puts a text into the clipboard.
    pub fn new(copy: impl Fn(Arc<str>) + Send + Sync + 'static) -> Self {
        Self { state: watch::Sender::default(), copy: Box::new(copy) }
    }

    /// A receiver of every state from now on; the newest is there at once.
    pub fn subscribe(&self) -> watch::Receiver<DeskState> {
        self.state.subscribe()
    }

    /// A viewer has copied a text: at most [`MAX_CUT_TEXT`] bytes, what is longer is left out.
    pub fn copy(&self, text: &str) {
        if text.len() <= MAX_CUT_TEXT {
            let text: Arc<str> = text.into();
            (self.copy)(Arc::clone(&text));
            self.update(|state| state.text = Some(text));
        }
    }

    /// What has become of it.
    pub fn update(&self, change: impl FnOnce(&mut DeskState)) {
        self.state.send_if_modified(|state| {
            let before = state.clone();
            change(state);
            *state != before
        });
    }
}
