//! What a machine sent, read as its peer reads it.

use std::collections::VecDeque;

use crate::connection::{Channel, Demux};

/// Takes a machine's output apart.
#[derive(Debug)]
pub(super) struct Output {
    demux: Demux,
    messages: VecDeque<(Channel, Vec<u8>)>,
    goodbye: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        let mut demux = Demux::new();
        demux.open();
        Self { demux, messages: VecDeque::new(), goodbye: false }
    }

    /// The messages in `bytes`, in order. Nothing may follow a goodbye.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<(Channel, Vec<u8>)> {
        assert_eq!(self.demux.feed(bytes, &mut self.messages), Ok(()), "our own bytes are sound");
        let messages: Vec<_> = self.messages.drain(..).collect();
        for (channel, message) in &messages {
            assert!(!self.goodbye, "{channel:?} message behind a goodbye");
            self.goodbye = *channel == Channel::Control && message.first() == Some(&0x7f);
        }
        messages
    }
}
