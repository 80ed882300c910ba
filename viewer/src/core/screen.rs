//! The picture: frames painted on a canvas.

use std::collections::BTreeMap;

use panto_protocol::canvas::{Canvas, Digest, PaintError, digest};
use panto_protocol::geometry::Region;
use panto_protocol::message::decode_frame;
use panto_protocol::pixel::Picture;
use panto_protocol::wire::{DecodeError, MAX_FRAME_PAINT};
use thiserror::Error;

/// Why a frame could not be painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Its bytes are no commands.
    #[error("{0}")]
    Decode(#[from] DecodeError),
    /// A command cannot be painted.
    #[error("{0}")]
    Paint(#[from] PaintError),
    /// It asks for more painting than any honest frame.
    #[error("a frame paints more than the limit")]
    TooMuch,
}

/// What painting a frame did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Painted {
    /// Input events that the frame takes into account, since the frame before.
    pub inputs: u64,
    /// Whether the picture is whole with it.
    pub settled: bool,
    /// Commands in it.
    pub commands: u64,
}

/// What the viewer holds, and the picture that it makes.
#[derive(Debug)]
pub struct Screen {
    canvas: Canvas,
    bytes_by_kind: BTreeMap<&'static str, u64>,
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

impl Screen {
    /// An empty screen.
    pub fn new() -> Self {
        Self { canvas: Canvas::new(), bytes_by_kind: BTreeMap::new() }
    }

    /// Starts anew with an empty canvas; counts go on.
    pub fn clear(&mut self) {
        self.canvas = Canvas::new();
    }

    /// Paints a frame. After an error the connection must be given up: the picture
    /// is no longer the server's.
    pub fn paint(&mut self, frame: &[u8]) -> Result<Painted, FrameError> {
        let (mut commands, mut paint) = (0, 0u64);
        let (canvas, bytes_by_kind) = (&mut self.canvas, &mut self.bytes_by_kind);
        let header = decode_frame(frame, |command, bytes| -> Result<(), FrameError> {
            paint = paint.saturating_add(command.cost(canvas));
            if paint > MAX_FRAME_PAINT {
                return Err(FrameError::TooMuch);
            }
            canvas.apply(&command)?;
            *bytes_by_kind.entry(command.kind()).or_default() += bytes as u64;
            commands += 1;
            Ok(())
        })?;
        // Many translucent windows over each other cost nothing to place and much to show.
        if canvas.compose_cost(canvas.damage()) > MAX_FRAME_PAINT {
            return Err(FrameError::TooMuch);
        }
        Ok(Painted { inputs: header.inputs, settled: header.settled, commands })
    }

    /// Brings `picture` up to date; returns what changed in it.
    pub fn show(&mut self, picture: &mut Picture) -> Region {
        let damage = self.canvas.take_damage();
        picture.resize(self.canvas.screen_size(), 0);
        self.canvas.compose(&damage, picture);
        damage
    }

    /// Digest of the whole screen, computed from what is shown.
    pub fn digest(&self) -> Digest {
        digest(self.canvas.screen().view())
    }

    /// The canvas.
    pub fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// Bytes of commands received, by kind.
    pub fn bytes_by_kind(&self) -> &BTreeMap<&'static str, u64> {
        &self.bytes_by_kind
    }
}
