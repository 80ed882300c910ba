//! A frame being put together: every command that goes in is painted on the
//! shadow at once, so that the next decision sees what the viewer will see.

use std::collections::BTreeMap;

use panto_protocol::canvas::{Canvas, PaintError};
use panto_protocol::draw::DrawCommand;
use panto_protocol::message::FrameHeader;
use panto_protocol::wire::{MAX_FRAME_COMMANDS, MAX_FRAME_PAINT, Writer};

/// Commands of one frame and what they cost.
#[derive(Debug, Default)]
pub(super) struct FrameBuilder {
    out: Writer,
    commands: usize,
    paint: u64,
    bytes_by_kind: BTreeMap<&'static str, u64>,
}

/// A frame ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Encoded commands, without the header.
    pub commands: Vec<u8>,
    /// How many commands.
    pub count: usize,
    /// Bytes of commands by [`DrawCommand::kind`].
    pub bytes_by_kind: BTreeMap<&'static str, u64>,
}

impl Frame {
    /// The message.
    pub fn message(&self, header: FrameHeader) -> Vec<u8> {
        let mut out = Writer::new();
        header.encode(&mut out);
        out.raw(&self.commands);
        out.finish()
    }
}

impl FrameBuilder {
    /// Paints a command on the shadow and puts it into the frame.
    ///
    /// On an error neither happened fully: the shadow is no longer the viewer's picture.
    pub(super) fn emit(&mut self, shadow: &mut Canvas, command: &DrawCommand) -> Result<(), PaintError> {
        self.paint += command.cost(shadow);
        shadow.apply(command)?;
        let before = self.out.len();
        command.encode(&mut self.out);
        *self.bytes_by_kind.entry(command.kind()).or_default() += (self.out.len() - before) as u64;
        self.commands += 1;
        Ok(())
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether the frame should be closed, whatever its bytes: the limits of
    /// `wire/limits.rs` hold for honest senders as well.
    pub(super) fn is_full(&self) -> bool {
        self.commands >= MAX_FRAME_COMMANDS / 2 || self.paint >= MAX_FRAME_PAINT / 2
    }

    /// The frame; `None` without commands.
    pub(super) fn finish(self) -> Option<Frame> {
        (self.commands > 0).then(|| Frame {
            commands: self.out.finish(),
            count: self.commands,
            bytes_by_kind: self.bytes_by_kind,
        })
    }
}
