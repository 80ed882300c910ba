//! Several channels over one byte stream (`PROTOCOL.md` section 2.4).
//!
//! A message is cut into chunks; between two chunks anything more urgent goes
//! first, so that a picture on its way never delays a key or the pointer.
//!
//! | field   | wire   | meaning                                              |
//! |---------|--------|------------------------------------------------------|
//! | header  | u8     | bits 0–2 channel, bit 3 last chunk, bits 4–7 zero    |
//! | length  | varint | bytes of payload, at most `MAX_CHUNK`                |
//! | payload | bytes  |                                                      |

use std::collections::VecDeque;
use std::sync::Arc;

use crate::wire::{DecodeError, MAX_CHUNK, MAX_DRAW_MESSAGE, MAX_HANDSHAKE_MESSAGE, MAX_MESSAGE, Reader};

const LAST: u8 = 0x08;

/// What a message is about; in order of urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Handshake, acknowledgements, settings, pings.
    Control = 0,
    /// Keys and pointer, to the server.
    Input = 1,
    /// The pointer's picture and place, to the viewer.
    Cursor = 2,
    /// Frames of draw commands, to the viewer.
    Draw = 3,
}

impl Channel {
    /// All channels, the most urgent first.
    pub const ALL: [Channel; 4] = [Channel::Control, Channel::Input, Channel::Cursor, Channel::Draw];

    const fn limit(self) -> usize {
        match self {
            Self::Draw => MAX_DRAW_MESSAGE,
            _ => MAX_MESSAGE,
        }
    }
}

/// The sending side: queues of messages, drained a chunk at a time.
#[derive(Debug, Default)]
pub struct Mux {
    queues: [VecDeque<Arc<Vec<u8>>>; 4],
    /// Bytes already sent of the first message of each queue.
    sent: [usize; 4],
}

impl Mux {
    /// Queues a message, which others may keep as well.
    pub fn push(&mut self, channel: Channel, message: impl Into<Arc<Vec<u8>>>) {
        self.queues[channel as usize].push_back(message.into());
    }

    /// Whether everything was transmitted.
    pub fn is_empty(&self) -> bool {
        self.queues.iter().all(VecDeque::is_empty)
    }

    /// Bytes waiting on a channel, framing apart.
    pub fn queued(&self, channel: Channel) -> usize {
        let i = channel as usize;
        self.queues[i].iter().map(|m| m.len()).sum::<usize>() - self.sent[i]
    }

    /// Messages waiting on a channel, the one that is on its way included.
    pub fn waiting(&self, channel: Channel) -> usize {
        self.queues[channel as usize].len()
    }

    /// Appends the most urgent chunk to `out`; `false` if there is none.
    pub fn poll_chunk(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(i) = self.queues.iter().position(|q| !q.is_empty()) else { return false };
        let message = &self.queues[i][0];
        let end = message.len().min(self.sent[i] + MAX_CHUNK);
        let last = end == message.len();
        out.push(i as u8 | if last { LAST } else { 0 });
        let length = end - self.sent[i];
        if length >= 0x80 {
            out.push(length as u8 | 0x80);
            out.push((length >> 7) as u8);
        } else {
            out.push(length as u8);
        }
        out.extend_from_slice(&message[self.sent[i]..end]);
        if last {
            self.queues[i].pop_front();
            self.sent[i] = 0;
        } else {
            self.sent[i] = end;
        }
        true
    }

    /// Forgets every message that was not begun yet. One that was begun goes on: its
    /// rest must not be taken for the beginning of another.
    pub fn clear(&mut self) {
        for (queue, sent) in self.queues.iter_mut().zip(self.sent) {
            queue.truncate(usize::from(sent > 0));
        }
    }
}

// `poll_chunk` writes lengths of at most two bytes.
const _: () = assert!(MAX_CHUNK < 1 << 14);

/// The receiving side: bytes in, whole messages out.
#[derive(Debug)]
pub struct Demux {
    /// Bytes of an unfinished chunk; shorter than a chunk and its header.
    buffer: Vec<u8>,
    /// Messages of which chunks have come. They grow only by bytes that really
    /// arrived, so a peer pays for all the memory it takes.
    partial: [Vec<u8>; 4],
    /// Before authentication only small control messages are taken.
    handshake: bool,
}

impl Demux {
    /// A receiver that takes only small control messages until [`Demux::open`].
    pub const fn new() -> Self {
        Self {
            buffer: Vec::new(),
            partial: [Vec::new(), Vec::new(), Vec::new(), Vec::new()],
            handshake: true,
        }
    }

    /// The peer has authenticated: all channels and sizes from now on.
    pub const fn open(&mut self) {
        self.handshake = false;
    }

    /// Bytes kept of messages and chunks that are not complete yet.
    pub fn held(&self) -> usize {
        self.buffer.len() + self.partial.iter().map(Vec::len).sum::<usize>()
    }

    /// Takes bytes as they come. Whole messages are appended to `messages`, those
    /// before an error as well.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        messages: &mut VecDeque<(Channel, Vec<u8>)>,
    ) -> Result<(), DecodeError> {
        // Most reads carry whole chunks: those are never copied twice.
        if self.buffer.is_empty() {
            let left = self.chunks(bytes, messages)?;
            self.buffer.extend_from_slice(&bytes[bytes.len() - left..]);
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.extend_from_slice(bytes);
        let left = self.chunks(&buffer, messages)?;
        buffer.drain(..buffer.len() - left);
        self.buffer = buffer;
        Ok(())
    }

    /// Handles whole chunks; returns how many bytes at the end are of an unfinished one.
    fn chunks(
        &mut self,
        bytes: &[u8],
        messages: &mut VecDeque<(Channel, Vec<u8>)>,
    ) -> Result<usize, DecodeError> {
        let mut r = Reader::new(bytes);
        loop {
            let unread = r.left();
            match Self::chunk(&mut r) {
                Ok((channel, last, payload)) => self.take(channel, last, payload, messages)?,
                Err(DecodeError::TooShort { .. }) => return Ok(unread),
                Err(error) => return Err(error),
            }
        }
    }

    fn chunk<'a>(r: &mut Reader<'a>) -> Result<(Channel, bool, &'a [u8]), DecodeError> {
        let header = r.u8("chunk header")?;
        let channel = *Channel::ALL
            .get(usize::from(header & 7))
            .filter(|_| header & 0xf0 == 0)
            .ok_or(DecodeError::Unknown { what: "chunk header", value: header.into() })?;
        Ok((channel, header & LAST != 0, r.bytes(MAX_CHUNK, "chunk")?))
    }

    fn take(
        &mut self,
        channel: Channel,
        last: bool,
        payload: &[u8],
        messages: &mut VecDeque<(Channel, Vec<u8>)>,
    ) -> Result<(), DecodeError> {
        let limit = match (self.handshake, channel) {
            (true, Channel::Control) => MAX_HANDSHAKE_MESSAGE,
            (true, _) => return Err(DecodeError::Invalid { what: "message before the handshake's end" }),
            (false, channel) => channel.limit(),
        };
        // An endless row of empty chunks would cost nothing and never end.
        if payload.is_empty() && !last {
            return Err(DecodeError::Invalid { what: "empty chunk" });
        }
        let partial = &mut self.partial[channel as usize];
        if partial.len() + payload.len() > limit {
            return Err(DecodeError::TooLarge { what: "message" });
        }
        partial.extend_from_slice(payload);
        if last {
            messages.push_back((channel, std::mem::take(partial)));
        }
        Ok(())
    }
}

impl Default for Demux {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drain(mux: &mut Mux) -> Vec<u8> {
        let mut out = Vec::new();
        while mux.poll_chunk(&mut out) {}
        out
    }

    fn open() -> Demux {
        let mut demux = Demux::new();
        demux.open();
        demux
    }

    #[test]
    fn urgent_messages_overtake_a_large_one() {
        let mut mux = Mux::default();
        mux.push(Channel::Draw, vec![7; 3 * MAX_CHUNK]);
        let mut wire = Vec::new();
        assert!(mux.poll_chunk(&mut wire));
        mux.push(Channel::Control, vec![1]);
        mux.push(Channel::Cursor, vec![2]);
        wire.extend(drain(&mut mux));
        let mut messages = VecDeque::new();
        open().feed(&wire, &mut messages).unwrap();
        let order: Vec<_> = messages.iter().map(|(c, m)| (*c, m.len())).collect();
        assert_eq!(order, [(Channel::Control, 1), (Channel::Cursor, 1), (Channel::Draw, 3 * MAX_CHUNK)]);
        // At most one chunk of the large message went before them.
        assert!(wire[..MAX_CHUNK + 3 + 3].ends_with(&[0x08, 1, 1]));
    }

    #[test]
    fn clearing_does_not_cut_a_message_that_was_begun() {
        let mut mux = Mux::default();
        mux.push(Channel::Control, vec![1; MAX_CHUNK + 5]);
        mux.push(Channel::Control, vec![2]);
        let mut wire = Vec::new();
        assert!(mux.poll_chunk(&mut wire));
        mux.clear();
        mux.push(Channel::Control, vec![3]);
        wire.extend(drain(&mut mux));
        let mut messages = VecDeque::new();
        open().feed(&wire, &mut messages).unwrap();
        let got: Vec<_> = messages.iter().map(|(_, m)| (m.len(), m[0])).collect();
        assert_eq!(got, [(MAX_CHUNK + 5, 1), (1, 3)]);
    }

    #[test]
    fn small_messages_cost_two_bytes() {
        let mut mux = Mux::default();
        mux.push(Channel::Control, vec![3, 5]);
        assert_eq!(drain(&mut mux), [0x08, 2, 3, 5]);
    }

    #[test]
    fn before_the_handshake_little_is_taken() {
        for (channel, len) in [(Channel::Draw, 1), (Channel::Control, MAX_HANDSHAKE_MESSAGE + 1)] {
            let mut mux = Mux::default();
            mux.push(channel, vec![0; len]);
            assert!(Demux::new().feed(&drain(&mut mux), &mut VecDeque::new()).is_err(), "{channel:?}");
        }
    }

    #[test]
    fn endless_empty_chunks_are_refused() {
        assert!(open().feed(&[0x03, 0x00], &mut VecDeque::new()).is_err());
    }

    proptest! {
        #[test]
        fn whole_or_in_pieces(
            sent in prop::collection::vec((0..4usize, prop::collection::vec(any::<u8>(), 0..9000)), 0..12),
            cut in 1..5000usize,
        ) {
            let mut mux = Mux::default();
            for (c, m) in &sent {
                mux.push(Channel::ALL[*c], m.clone());
            }
            let wire = drain(&mut mux);
            let mut whole = VecDeque::new();
            open().feed(&wire, &mut whole).unwrap();
            let mut pieces = VecDeque::new();
            let mut demux = open();
            for piece in wire.chunks(cut) {
                demux.feed(piece, &mut pieces).unwrap();
            }
            prop_assert_eq!(&whole, &pieces);
            prop_assert_eq!(whole.len(), sent.len());
            for channel in Channel::ALL {
                let got: Vec<_> = whole.iter().filter(|(c, _)| *c == channel).map(|(_, m)| m).collect();
                let want: Vec<_> =
                    sent.iter().filter(|(c, _)| Channel::ALL[*c] == channel).map(|(_, m)| m).collect();
                prop_assert_eq!(got, want);
            }
        }

        #[test]
        fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = open().feed(&bytes, &mut VecDeque::new());
            let _ = Demux::new().feed(&bytes, &mut VecDeque::new());
        }
    }
}
