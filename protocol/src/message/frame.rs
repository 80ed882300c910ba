//! A frame: draw commands that belong together (`PROTOCOL.md` section 4.1).
//!
//! | field    | wire    | meaning                                                   |
//! |----------|---------|-----------------------------------------------------------|
//! | header   | varint  | bit 0 settled, bit 1 coded, bit 2 payloads apart or fresh; from bit 3 on the number of inputs |
//! | payloads | bytes   | only with bits 1 and 2                                    |
//! | commands |         | to the message's end; coded (section 13) or plain           |
//!
//! Bit 2 without bit 1 is a *fresh* frame: a plain one before which the receiver forgets
//! what coded frames have taught, and all cached glyphs and tiles.
//!
//! Frames are counted, not numbered: the n-th message on the draw channel of a
//! session is frame n.

use crate::canvas::Canvas;
use crate::draw::DrawCommand;
use crate::entropy::{CommandModels, StreamDecoder, StreamEncoder};
use crate::wire::{DecodeError, MAX_DRAW_MESSAGE, MAX_FRAME_COMMANDS, Reader, Writer};

const SETTLED: u64 = 1;
const CODED: u64 = 2;
/// With [`CODED`].
const APART: u64 = 4;
/// Without [`CODED`].
const FRESH: u64 = 4;

/// A fresh frame that says nothing else.
pub const FRESH_FRAME: [u8; 1] = [FRESH as u8];

/// Whether a frame is a fresh one: the decoder will make its canvas forget its caches.
pub fn is_fresh(message: &[u8]) -> bool {
    Reader::new(message).varint().is_ok_and(|flags| flags & (CODED | FRESH) == FRESH)
}

/// What precedes a frame's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameHeader {
    /// Input events that were injected before this picture was taken, counted
    /// since the frame before. Below 2^61.
    pub inputs: u64,
    /// Whether the viewer has the whole picture with this frame: nothing of what had
    /// changed until the picture was taken is left for later frames.
    pub settled: bool,
}

impl FrameHeader {
    const fn number(&self) -> u64 {
        self.inputs << 3 | if self.settled { SETTLED } else { 0 }
    }

    /// Appends the header of a frame of plain commands.
    pub fn encode(&self, out: &mut Writer) {
        out.varint(self.number());
    }
}

/// A frame's commands as they travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameBody {
    /// One after the other.
    Plain(Vec<u8>),
    /// Entropy-coded.
    Coded {
        /// The commands.
        commands: Vec<u8>,
        /// Payloads of pixels, which are compressed by themselves.
        payloads: Vec<u8>,
    },
}

impl Default for FrameBody {
    fn default() -> Self {
        Self::Plain(Vec::new())
    }
}

impl FrameBody {
    /// Ends a coded frame.
    pub fn coded(stream: StreamEncoder, models: &mut CommandModels) -> Self {
        let (commands, payloads) = stream.finish(models);
        Self::Coded { commands, payloads }
    }

    /// Bytes, the header apart.
    pub fn len(&self) -> usize {
        match self {
            Self::Plain(commands) => commands.len(),
            Self::Coded { commands, payloads } => commands.len() + payloads.len(),
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message.
    pub fn message(&self, header: FrameHeader) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Plain(commands) => {
                header.encode(&mut out);
                out.raw(commands);
            }
            Self::Coded { commands, payloads } => {
                let apart = if payloads.is_empty() { 0 } else { APART };
                out.varint(header.number() | CODED | apart);
                if apart != 0 {
                    out.bytes(payloads);
                }
                out.raw(commands);
            }
        }
        out.finish()
    }
}

/// Reads frames; what the coded ones teach is kept from frame to frame.
#[derive(Debug, Default, Clone)]
pub struct FrameDecoder {
    /// Made with the first coded frame.
    models: Option<Box<CommandModels>>,
}

impl FrameDecoder {
    /// Reads a frame, handing each command and its bytes on the wire to `paint`, which must
    /// paint it on `canvas`: the next one may be told by what is there then.
    ///
    /// # Errors
    ///
    /// The first error of either ends the reading; the decoder is of no more use then.
    pub fn decode<E: From<DecodeError>>(
        &mut self,
        bytes: &[u8],
        canvas: &mut Canvas,
        mut paint: impl FnMut(&mut Canvas, DrawCommand, usize) -> Result<(), E>,
    ) -> Result<FrameHeader, E> {
        let mut r = Reader::new(bytes);
        let flags = r.varint()?;
        let header = FrameHeader { inputs: flags >> 3, settled: flags & SETTLED != 0 };
        let mut commands = 0;
        let mut count = || match commands {
            MAX_FRAME_COMMANDS => Err(DecodeError::TooLarge { what: "commands in a frame" }),
            _ => {
                commands += 1;
                Ok(())
            }
        };
        if flags & CODED == 0 {
            if flags & FRESH != 0 {
                self.models = None;
                canvas.forget_caches();
            }
            while !r.is_empty() {
                count()?;
                let before = r.left();
                let command = DrawCommand::decode(&mut r)?;
                paint(canvas, command, before - r.left())?;
            }
            return Ok(header);
        }
        let payloads = if flags & APART == 0 { &[] } else { r.bytes(MAX_DRAW_MESSAGE, "payloads")? };
        let mut stream = StreamDecoder::new(r.rest(), payloads);
        let mut used = 0;
        let models = self.models.get_or_insert_default();
        while let Some(command) = stream.next(models, canvas)? {
            count()?;
            let now = stream.used(payloads.len());
            paint(canvas, command, now - used)?;
            used = now;
        }
        Ok(header)
    }
}
