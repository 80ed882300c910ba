//! The person's clipboard, on a thread of its own: asking for it may take as long as whoever owns
//! it likes.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use arboard::Clipboard as System;

use crate::core::{Command, Handle};

/// Bytes of a text that are looked at; more is no text that a person has marked.
const MAX_TEXT: usize = 1 << 20;

/// Asked of the thread.
enum Ask {
    /// The window has the focus: what was copied elsewhere goes to the server. If that is nothing
    /// new, what the server has copied meanwhile is the local text.
    Look(Option<String>),
    /// The server has this text now.
    Put(String),
}

/// The local clipboard, as the window needs it. Ends with this.
pub(super) struct Clipboard(Option<Sender<Ask>>);

impl Clipboard {
    /// Begins to serve the clipboard. Where there is none, nothing happens.
    pub(super) fn start(handle: &Handle) -> Self {
        let handle = handle.clone();
        let (asks, asked) = channel();
        let run = move || match System::new() {
            Ok(system) => serve(system, &asked, &handle),
            Err(error) => tracing::warn!(%error, "the clipboard is not shared"),
        };
        let thread = thread::Builder::new().name("clipboard".into()).spawn(run);
        Self(thread.is_ok().then_some(asks))
    }

    /// Tells the server what was copied here, if it is new; if it is not, makes `theirs` the local
    /// text.
    pub(super) fn look(&self, theirs: Option<String>) {
        self.ask(Ask::Look(theirs));
    }

    /// Makes the server's text the local one.
    pub(super) fn put(&self, text: &str) {
        self.ask(Ask::Put(text.to_owned()));
    }

    fn ask(&self, ask: Ask) {
        if let Some(asks) = &self.0 {
            let _ = asks.send(ask);
        }
    }
}

fn serve(mut system: System, asked: &Receiver<Ask>, handle: &Handle) {
    // What both sides have: it is not sent back to where it came from.
    let mut known = String::new();
    while let Ok(ask) = asked.recv() {
        match ask {
            Ask::Look(theirs) => {
                // No text, such as a picture, is nothing to tell.
                let ours = system.get_text().ok().filter(|text| !text.is_empty() && text.len() <= MAX_TEXT);
                match (ours.filter(|text| *text != known), theirs) {
                    (Some(text), _) => {
                        known.clone_from(&text);
                        handle.send(Command::Clipboard(text));
                    }
                    (None, Some(text)) => put(&mut system, text, &mut known),
                    (None, None) => {}
                }
            }
            Ask::Put(text) => put(&mut system, text, &mut known),
        }
    }
}

fn put(system: &mut System, text: String, known: &mut String) {
    known.clone_from(&text);
    if let Err(error) = system.set_text(text) {
        tracing::debug!(%error, "the clipboard does not take the server's text");
    }
}
