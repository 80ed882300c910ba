//! The picture: frames painted on a canvas.

use std::collections::BTreeMap;

use panto_protocol::canvas::{Canvas, Digest, PaintError, Presentation, Window, digest};
use panto_protocol::draw::{SurfaceId, WindowId};
use panto_protocol::geometry::{Point, Rect, Region};
use panto_protocol::message::{FrameDecoder, is_fresh};
use panto_protocol::pixel::{Color, Picture};
use panto_protocol::wire::{DecodeError, MAX_FRAME_PAINT};
use thiserror::Error;

use super::Library;
use super::dragging::MovedWindow;
use super::explain::Explanation;
use super::roughness::Roughness;

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
    decoder: FrameDecoder,
    bytes_by_kind: BTreeMap<&'static str, u64>,
    explanation: Explanation,
    roughness: Roughness,
    /// Windows shown elsewhere than the canvas has them, and where they were shown last.
    moved: Vec<MovedWindow>,
    moved_places: Vec<Rect>,
    /// Whether a frame was painted since the picture was last brought up to date.
    is_painted: bool,
    /// Whether all of the picture is to be composed anew.
    is_stale: bool,
}

/// The canvas with windows moved ahead and tints over it.
struct AsShown<'a> {
    canvas: &'a Canvas,
    explanation: &'a Explanation,
    moved: &'a [MovedWindow],
}

impl Presentation for AsShown<'_> {
    fn position(&self, window: &Window) -> Point {
        self.moved.iter().find(|m| m.id == window.id).map_or(window.position, |m| m.position)
    }

    fn shades(&self) -> bool {
        self.explanation.is_on()
    }

    fn shade(&self, surface: SurfaceId, at: Point, row: &mut [Color]) {
        let alpha = self.canvas.surface(surface).is_ok_and(|s| s.alpha);
        self.explanation.shade(surface, alpha, at, row);
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

impl Screen {
    /// An empty screen.
    pub fn new() -> Self {
        Self {
            canvas: Canvas::new(),
            decoder: FrameDecoder::default(),
            bytes_by_kind: BTreeMap::new(),
            explanation: Explanation::default(),
            roughness: Roughness::default(),
            moved: Vec::new(),
            moved_places: Vec::new(),
            is_painted: false,
            is_stale: false,
        }
    }

    /// Starts anew with an empty canvas; counts go on.
    pub fn clear(&mut self) {
        self.canvas = Canvas::new();
        self.decoder = FrameDecoder::default();
        self.explanation.clear();
        self.roughness = Roughness::default();
    }

    /// Makes what was offered of earlier sessions ready to be recalled. To be called on an
    /// empty canvas.
    pub fn lend(&mut self, offered: &Library) {
        offered.lend(&mut self.canvas);
    }

    /// Tints the picture by how each area is sent from now on, or ceases to. Returns whether
    /// that is a change, which the next [`Screen::show`] makes.
    pub fn explain(&mut self, on: bool) -> bool {
        let changed = self.explanation.switch(on);
        self.is_stale |= changed;
        changed
    }

    /// Paints a frame. After an error the connection must be given up: the picture
    /// is no longer the server's.
    pub fn paint(&mut self, frame: &[u8]) -> Result<Painted, FrameError> {
        let (mut commands, mut paint) = (0, 0u64);
        let bytes_by_kind = &mut self.bytes_by_kind;
        let (explanation, roughness) = (&mut self.explanation, &mut self.roughness);
        if is_fresh(frame) {
            roughness.forget_tiles();
        }
        self.is_painted = true;
        let canvas = &mut self.canvas;
        let header =
            self.decoder.decode(frame, canvas, |canvas, command, bytes| -> Result<(), FrameError> {
                paint = paint.saturating_add(command.cost(canvas));
                if paint > MAX_FRAME_PAINT {
                    return Err(FrameError::TooMuch);
                }
                canvas.apply(&command)?;
                *bytes_by_kind.entry(command.kind()).or_default() += bytes as u64;
                explanation.painted(&command, bytes as u64, canvas);
                roughness.painted(&command, canvas);
                commands += 1;
                Ok(())
            })?;
        roughness.frame_painted(header.settled);
        // Many translucent windows over each other cost nothing to place and much to show.
        if canvas.compose_cost(canvas.damage()) > MAX_FRAME_PAINT {
            return Err(FrameError::TooMuch);
        }
        Ok(Painted { inputs: header.inputs, settled: header.settled, commands })
    }

    /// Brings `picture` up to date, with some windows elsewhere than the canvas has them;
    /// returns what changed in it. Always the same picture.
    pub fn show(&mut self, moved: &[MovedWindow], picture: &mut Picture) -> Region {
        let screen = Rect::of_size(self.canvas.screen_size());
        if screen.is_empty() && !self.is_painted {
            // A new session, of which nothing has come yet: the last picture stays.
            return Region::new();
        }
        let mut damage = self.canvas.take_damage();
        if std::mem::take(&mut self.is_stale) {
            damage = screen.into();
        }
        let painted = std::mem::take(&mut self.is_painted);
        if painted || moved != self.moved {
            self.move_windows(moved, &mut damage);
            let shown = AsShown { canvas: &self.canvas, explanation: &self.explanation, moved: &self.moved };
            if !moved.is_empty() && self.canvas.compose_cost_as(&shown, &damage) > MAX_FRAME_PAINT {
                // No honest server has so many translucent windows over each other.
                self.move_windows(&[], &mut damage);
            }
        }
        picture.resize(screen.size(), 0);
        let shown = AsShown { canvas: &self.canvas, explanation: &self.explanation, moved: &self.moved };
        self.canvas.compose_as(&shown, &damage, picture);
        damage
    }

    /// Moves windows to where they are to be shown, and adds what that changes on the
    /// screen: the canvas speaks of the places where it has them.
    fn move_windows(&mut self, moved: &[MovedWindow], damage: &mut Region) {
        let before = std::mem::replace(&mut self.moved, moved.to_vec());
        let screen = Rect::of_size(self.canvas.screen_size());
        let mut add = |rect: Rect| damage.add(rect.intersection(&screen));
        self.moved_places.drain(..).for_each(&mut add);
        for window in self.canvas.windows().iter().filter(|w| w.mapped) {
            let Ok(surface) = self.canvas.surface(window.surface) else { continue };
            let place = |position| Rect::at(position, surface.picture.size());
            let now = moved.iter().find(|m| m.id == window.id);
            if now.is_some() != before.iter().any(|m| m.id == window.id) {
                // It leaves the place that the canvas has it at, or comes back to it.
                add(place(window.position));
            }
            if let Some(now) = now {
                self.moved_places.push(place(now.position));
                add(place(now.position));
            }
        }
    }

    /// Where a window's first pixel is shown on the screen; `None` if there is no such
    /// window, or it is not shown.
    pub fn position(&self, id: WindowId) -> Option<Point> {
        let window = self.canvas.windows().iter().find(|w| w.id == id && w.mapped)?;
        let moved = self.moved.iter().find(|m| m.id == id);
        Some(moved.map_or(window.position, |m| m.position))
    }

    /// Windows that are shown elsewhere than the server has them.
    pub fn moved(&self) -> &[MovedWindow] {
        &self.moved
    }

    /// What [`Screen::show`] must have made of the picture, composed as a whole.
    #[cfg(test)]
    pub(super) fn whole(&self) -> Picture {
        let size = self.canvas.screen_size();
        let shown = AsShown { canvas: &self.canvas, explanation: &self.explanation, moved: &self.moved };
        let mut picture = Picture::new(size, 0);
        self.canvas.compose_as(&shown, &Rect::of_size(size).into(), &mut picture);
        picture
    }

    #[cfg(test)]
    pub(super) fn roughness(&self) -> &Roughness {
        &self.roughness
    }

    /// How each area was sent, and what it cost.
    pub fn explanation(&self) -> &Explanation {
        &self.explanation
    }

    /// Digest of the whole screen as the server has it: tints and windows moved ahead are
    /// not in it.
    pub fn digest(&self) -> Digest {
        digest(self.canvas.screen().view())
    }

    /// The server has said that the picture is whole: nothing in it is rough.
    pub(super) fn settled(&mut self) {
        self.roughness.frame_painted(true);
    }

    /// Share of the picture, as it is shown, in which nothing is left of `LossyPixels`, 0 to 1;
    /// `None` as long as there is no picture (METRICS.md).
    pub fn exact_share(&self) -> Option<f64> {
        let shown = AsShown { canvas: &self.canvas, explanation: &self.explanation, moved: &self.moved };
        self.roughness.exact_share(&self.canvas, &shown)
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
