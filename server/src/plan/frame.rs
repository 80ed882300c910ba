//! A frame being put together: every command that goes in is painted on the
//! shadow at once, so that the next decision sees what the viewer will see.

use std::collections::BTreeMap;

use panto_protocol::canvas::{Canvas, PaintError};
use panto_protocol::draw::DrawCommand;
use panto_protocol::entropy::{CommandModels, StreamEncoder};
use panto_protocol::message::{FrameBody, FrameHeader};
use panto_protocol::wire::{MAX_FRAME_COMMANDS, MAX_FRAME_PAINT, Writer};

/// Commands of one frame and what they cost.
#[derive(Debug, Default)]
pub(super) struct FrameBuilder {
    out: Out,
    commands: usize,
    paint: u64,
    bytes_by_kind: BTreeMap<&'static str, u64>,
}

/// The form in which commands are written.
#[derive(Debug)]
enum Out {
    Plain(Writer),
    Coded(StreamEncoder, Box<CommandModels>),
}

impl Default for Out {
    fn default() -> Self {
        Self::Plain(Writer::new())
    }
}

/// A frame ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whether the viewer must forget models and caches first (`PROTOCOL.md` section 4.1): a
    /// frame of its own that says so is to be sent before this one.
    pub fresh: bool,
    /// The commands.
    pub body: FrameBody,
    /// How many commands.
    pub count: usize,
    /// Bytes of commands by [`DrawCommand::kind`].
    pub bytes_by_kind: BTreeMap<&'static str, u64>,
}

impl Frame {
    /// The message.
    pub fn message(&self, header: FrameHeader) -> Vec<u8> {
        self.body.message(header)
    }

    /// The message; its bytes are not kept beside it.
    pub fn take_message(&mut self, header: FrameHeader) -> Vec<u8> {
        std::mem::take(&mut self.body).message(header)
    }
}

impl FrameBuilder {
    /// A frame of entropy-coded commands, which go on from these models.
    pub(super) fn coded(models: Box<CommandModels>) -> Self {
        Self { out: Out::Coded(StreamEncoder::default(), models), ..Self::default() }
    }

    /// The models of a coded frame.
    pub(super) fn models(&mut self) -> Option<&mut CommandModels> {
        match &mut self.out {
            Out::Plain(_) => None,
            Out::Coded(_, models) => Some(models),
        }
    }

    /// Paints a command on the shadow and puts it into the frame.
    ///
    /// On an error neither happened fully: the shadow is no longer the viewer's picture.
    pub(super) fn emit(&mut self, shadow: &mut Canvas, command: &DrawCommand) -> Result<(), PaintError> {
        self.paint += command.cost(shadow);
        let before = self.len();
        // Coded before it is painted: the context is what the viewer has then.
        match &mut self.out {
            Out::Plain(out) => command.encode(out),
            Out::Coded(out, models) => out.push(models, command, shadow),
        }
        shadow.apply(command)?;
        *self.bytes_by_kind.entry(command.kind()).or_default() += (self.len() - before) as u64;
        self.commands += 1;
        Ok(())
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        match &self.out {
            Out::Plain(out) => out.len(),
            Out::Coded(out, _) => out.len(),
        }
    }

    /// Whether the frame should be closed, whatever its bytes: the limits of
    /// `wire/limits.rs` hold for honest senders as well.
    pub(super) fn is_full(&self) -> bool {
        let coded = matches!(&self.out, Out::Coded(stream, _) if stream.is_full());
        coded || self.commands >= MAX_FRAME_COMMANDS / 2 || self.paint >= MAX_FRAME_PAINT / 2
    }

    /// The frame, `None` without commands; and the models of a coded one.
    pub(super) fn finish(self) -> (Option<Frame>, Option<Box<CommandModels>>) {
        let some = self.commands > 0;
        let (body, models) = match self.out {
            Out::Plain(out) => (some.then(|| FrameBody::Plain(out.finish())), None),
            Out::Coded(out, mut models) => (some.then(|| FrameBody::coded(out, &mut models)), Some(models)),
        };
        let frame = body.map(|body| Frame {
            fresh: false,
            body,
            count: self.commands,
            bytes_by_kind: self.bytes_by_kind,
        });
        (frame, models)
    }
}
