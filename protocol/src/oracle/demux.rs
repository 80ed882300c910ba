//! Chunks to messages.

use std::collections::VecDeque;

use super::choices::{Choices, pieces};
use crate::connection::{Channel, Demux, Mux};
use crate::wire::{DecodeError, MAX_CHUNK, MAX_DRAW_MESSAGE, MAX_HANDSHAKE_MESSAGE, MAX_MESSAGE};

/// The first byte says whether the handshake is over and the second how the rest
/// is cut. Whole or cut, the same messages and the same error must come out, what
/// is held must stay below the limits, and the messages must survive a mux.
///
/// # Panics
/// If not.
pub fn demux(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let (open, seed) = (choices.byte_or_0() & 1 == 1, choices.byte_or_0());
    let (messages, result) = feed(open, &[choices.0]);
    let cut = feed(open, &pieces(choices.0, seed | 1));
    assert_eq!((&messages, &result), (&cut.0, &cut.1));

    let mut mux = Mux::default();
    for (channel, message) in &messages {
        assert!(open || *channel == Channel::Control);
        mux.push(*channel, message.clone());
    }
    let mut wire = Vec::new();
    while mux.poll_chunk(&mut wire) {}
    let (mut again, result) = feed(open, &[&wire]);
    assert_eq!(result, Ok(()));
    // The more urgent went first; within a channel the order stays.
    let mut expected = messages;
    expected.make_contiguous().sort_by_key(|(channel, _)| *channel);
    assert_eq!(again.make_contiguous(), expected.make_contiguous());
}

type Messages = VecDeque<(Channel, Vec<u8>)>;

fn feed(open: bool, pieces: &[&[u8]]) -> (Messages, Result<(), DecodeError>) {
    let mut demux = Demux::new();
    if open {
        demux.open();
    }
    let limit = match open {
        true => 3 * MAX_MESSAGE + MAX_DRAW_MESSAGE,
        false => MAX_HANDSHAKE_MESSAGE,
    };
    let mut messages = VecDeque::new();
    let mut fed = 0;
    for piece in pieces {
        fed += piece.len();
        if let Err(error) = demux.feed(piece, &mut messages) {
            return (messages, Err(error));
        }
        assert!(demux.held() <= fed);
        assert!(demux.held() <= limit + MAX_CHUNK + 3, "{} bytes held", demux.held());
    }
    (messages, Ok(()))
}
