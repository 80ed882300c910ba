//! What is told and asked about the clipboard, in Latin-1 or extended (rfbproto).

use std::sync::Arc;

use panto_protocol::rfb::{Clipboard, ClipboardTakes, MAX_CUT_TEXT, ServerMessage};
use panto_protocol::wire::Writer;

/// What a viewer knows of the clipboard.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What the viewer takes of the extended clipboard, if it understands that and was told that we
    /// do.
    takes: Option<ClipboardTakes>,
    /// The text that the viewer was told of, or has told.
    text: Option<Arc<str>>,
    /// The message that brings it: compressed once, however often it is asked for.
    packed: Option<Arc<[u8]>>,
}

impl Told {
    /// The viewer understands the extended clipboard. Returns what that begins with.
    pub(super) fn extend(&mut self) -> Option<ServerMessage> {
        if self.takes.is_some() {
            return None;
        }
        self.takes = Some(ClipboardTakes::default());
        Some(ServerMessage::Clipboard(Clipboard::ours()))
    }

    /// The screen's clipboard holds `text`. Returns what the viewer is told.
    pub(super) fn news(&mut self, text: &Arc<str>) -> Option<ServerMessage> {
        if self.text.as_ref() == Some(text) {
            return None;
        }
        self.text = Some(Arc::clone(text));
        self.packed = None;
        match &self.takes {
            Some(takes) => takes.news(text).map(ServerMessage::Clipboard),
            None => {
                let latin1 = text.chars().map(|c| u8::try_from(c).unwrap_or(b'?'));
                Some(ServerMessage::CutText(latin1.take(MAX_CUT_TEXT).collect()))
            }
        }
    }

    /// The viewer has copied this text.
    pub(super) fn copied(&mut self, text: &str) {
        self.text = Some(text.into());
        self.packed = None;
    }

    /// Answers a message of the extended clipboard; a text that is in one is the caller's. Returns
    /// the bytes of the answer.
    pub(super) fn answer(&mut self, message: &Clipboard) -> Option<Arc<[u8]>> {
        let takes = self.takes.as_mut()?;
        match message {
            Clipboard::Caps(theirs) => {
                *takes = *theirs;
                None
            }
            // Nobody sends what is too long for us, so it need not be asked for twice.
            Clipboard::Notify { text: true } => Some(bytes(Clipboard::Request { text: true })),
            Clipboard::Request { text: true } => {
                let provided = || bytes(Clipboard::Provide(self.text.as_deref().map(str::to_owned)));
                Some(Arc::clone(self.packed.get_or_insert_with(provided)))
            }
            Clipboard::Peek => Some(bytes(Clipboard::Notify { text: self.text.is_some() })),
            _ => None,
        }
    }
}

fn bytes(message: Clipboard) -> Arc<[u8]> {
    let mut out = Writer::default();
    ServerMessage::Clipboard(message).encode(&mut out);
    out.finish().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_once_and_in_the_way_that_is_understood() {
        let mut told = Told::default();
        let text: Arc<str> = "Tür €".into();
        assert_eq!(told.answer(&Clipboard::Peek), None, "not spoken yet");
        assert_eq!(told.news(&text), Some(ServerMessage::CutText(b"T\xfcr ?".to_vec())));
        assert_eq!(told.news(&text), None);
        assert_eq!(told.extend(), Some(ServerMessage::Clipboard(Clipboard::ours())));
        assert_eq!(told.extend(), None);
        // Who never says what it takes (LibVNCClient) takes the text, and does not ask for one that
        // it is only told of.
        let given = Clipboard::Provide(Some("a".into()));
        assert_eq!(told.news(&"a".into()), Some(ServerMessage::Clipboard(given)));
        let long: Arc<str> = "x".repeat(MAX_CUT_TEXT).into();
        let notify = ServerMessage::Clipboard(Clipboard::Notify { text: true });
        assert_eq!(told.news(&long), Some(notify.clone()), "it could end the connection");
        assert_eq!(told.answer(&Clipboard::ours()), None);
        assert_eq!(told.news(&"b".into()), Some(notify));
        let provide = |text: &str| Some(bytes(Clipboard::Provide(Some(text.into()))));
        for _ in 0..2 {
            assert_eq!(told.answer(&Clipboard::Request { text: true }), provide("b"));
        }
        // What came from the viewer does not go back.
        told.copied("c");
        assert_eq!(told.news(&"c".into()), None);
        assert_eq!(told.answer(&Clipboard::Request { text: true }), provide("c"));
        let none = ClipboardTakes { text: None, request: true, notify: true };
        assert_eq!(told.answer(&Clipboard::Caps(none)), None);
        assert_eq!(told.news(&"d".into()), None, "it takes no text");
    }
}
