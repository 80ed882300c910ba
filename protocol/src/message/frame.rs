//! A frame: draw commands that belong together (`PROTOCOL.md` section 4.1).
//!
//! | field    | wire    | meaning                                                  |
//! |----------|---------|----------------------------------------------------------|
//! | header   | varint  | bit 0 settled; from bit 1 on the number of inputs         |
//! | commands |         | to the message's end                                     |
//!
//! Frames are counted, not numbered: the n-th message on the draw channel of a
//! session is frame n.

use crate::draw::DrawCommand;
use crate::wire::{DecodeError, MAX_FRAME_COMMANDS, Reader, Writer};

/// What precedes a frame's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameHeader {
    /// Input events that were injected before this picture was taken, counted
    /// since the frame before. Below 2^63.
    pub inputs: u64,
    /// Whether the viewer has the whole picture with this frame: nothing of what had
    /// changed until the picture was taken is left for later frames.
    pub settled: bool,
}

impl FrameHeader {
    /// Appends the header.
    pub fn encode(&self, out: &mut Writer) {
        out.varint(self.inputs << 1 | u64::from(self.settled));
    }
}

/// Reads a frame, handing each command and its bytes on the wire to `each`.
///
/// The first error of either ends the reading.
pub fn decode_frame<E: From<DecodeError>>(
    bytes: &[u8],
    mut each: impl FnMut(DrawCommand, usize) -> Result<(), E>,
) -> Result<FrameHeader, E> {
    let mut r = Reader::new(bytes);
    let header = r.varint()?;
    let header = FrameHeader { inputs: header >> 1, settled: header & 1 == 1 };
    let mut commands = 0;
    while !r.is_empty() {
        commands += 1;
        if commands > MAX_FRAME_COMMANDS {
            return Err(DecodeError::TooLarge { what: "commands in a frame" }.into());
        }
        let before = r.left();
        let command = DrawCommand::decode(&mut r)?;
        each(command, before - r.left())?;
    }
    Ok(header)
}
