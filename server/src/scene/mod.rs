//! What is on the screen, and what changed lately: the one truth that sources
//! write and every viewer's planner reads.

mod journal;
mod shared;

use std::sync::Arc;

use panto_protocol::canvas::{Canvas, CursorImage, PaintError};
use panto_protocol::draw::{DrawCommand, SurfaceId, SurfaceResize};
use panto_protocol::geometry::{Point, Rect, Region, Size};
use panto_protocol::pixel::{Picture, Pixels};

pub use journal::{Change, Journal, Since};
pub use shared::{SharedScene, Viewing};

/// Changes after which a flat picture that nobody asks for any more is given up: it is as
/// large as the screen.
const FLAT_KEPT: u32 = 256;

/// The screen as its source has it: surfaces and windows in a [`Canvas`], a
/// journal of the changes, the pointer.
///
/// A source that knows no windows paints on [`SurfaceId::SCREEN`] only.
pub struct Scene {
    canvas: Canvas,
    journal: Journal,
    outputs: Vec<Rect>,
    cursor: Arc<CursorImage>,
    cursor_serial: u64,
    pointer: Point,
    /// The screen as one picture; kept only while windows make it differ from surface 0.
    flat: Option<Picture>,
    flat_damage: Region,
    /// Changes since somebody last wanted the flat picture.
    flat_idle: u32,
}

impl Scene {
    /// A black screen of this size without windows.
    pub fn new(size: Size) -> Self {
        let mut scene = Self {
            canvas: Canvas::new(),
            journal: Journal::new(),
            outputs: vec![Rect::of_size(size)],
            cursor: Arc::default(),
            cursor_serial: 0,
            pointer: Point::default(),
            flat: None,
            flat_damage: Region::new(),
            flat_idle: 0,
        };
        scene.resize(size, vec![Rect::of_size(size)]);
        scene
    }

    /// Draws a command: what a source that knows what it draws does.
    pub fn draw(&mut self, command: impl Into<DrawCommand>) -> Result<(), PaintError> {
        let command = command.into();
        let result = self.canvas.apply(&command);
        let screen = self.take_screen_damage();
        let touched = self.canvas.touched().to_vec();
        match result {
            Ok(()) => self.journal.push(Change { command: Some(Arc::new(command)), touched, screen }),
            // A command can fail half way: what it painted until then is on the screen.
            Err(_) if !touched.is_empty() => self.journal.push(Change { command: None, touched, screen }),
            Err(_) => {}
        }
        result
    }

    /// Puts pixels: what a source that only sees the screen does. Clipped.
    pub fn pixels(&mut self, surface: SurfaceId, at: Point, src: Pixels<'_>) -> Result<(), PaintError> {
        self.canvas.write(surface, at, src)?;
        let screen = self.take_screen_damage();
        let touched = self.canvas.touched().to_vec();
        self.journal.push(Change { command: None, touched, screen });
        Ok(())
    }

    /// The screen has this size and these outputs from now on.
    pub fn resize(&mut self, size: Size, outputs: Vec<Rect>) {
        self.outputs = if outputs.is_empty() { vec![Rect::of_size(size)] } else { outputs };
        if size != self.canvas.screen_size() {
            // Only a size beyond the limits can fail, and then the old size stays.
            let _ = self.draw(SurfaceResize { id: SurfaceId::SCREEN, size });
        }
    }

    /// The pointer looks like this from now on.
    pub fn set_cursor(&mut self, image: CursorImage) {
        let image = image.trimmed();
        if *self.cursor != image {
            self.cursor = Arc::new(image);
            self.cursor_serial += 1;
        }
    }

    /// The pointer is here now.
    pub fn set_pointer(&mut self, position: Point) {
        self.pointer = position;
    }

    /// Surfaces and windows.
    pub fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// Size of the screen in pixels.
    pub fn size(&self) -> Size {
        self.canvas.screen_size()
    }

    /// Outputs (monitors), at least one.
    pub fn outputs(&self) -> &[Rect] {
        &self.outputs
    }

    /// The pointer's picture, and a number that changes with it.
    pub fn cursor(&self) -> (&Arc<CursorImage>, u64) {
        (&self.cursor, self.cursor_serial)
    }

    /// Where the pointer is.
    pub fn pointer(&self) -> Point {
        self.pointer
    }

    /// Changes since `position`, a value of [`Journal::end`].
    pub fn since(&self, position: u64) -> Since<'_> {
        self.journal.since(position)
    }

    /// The journal's end: pass it to [`Scene::since`] later.
    pub fn position(&self) -> u64 {
        self.journal.end()
    }

    /// Brings the flattened screen up to date. Call before [`Scene::flat`], under the same lock.
    pub fn flatten(&mut self) {
        if self.canvas.is_flat() {
            self.flat = None;
            return;
        }
        self.flat_idle = 0;
        let size = self.size();
        let flat = match &mut self.flat {
            Some(flat) if flat.size() == size => flat,
            stale => {
                self.flat_damage = Rect::of_size(size).into();
                stale.insert(Picture::new(size, 0))
            }
        };
        self.canvas.compose(&std::mem::take(&mut self.flat_damage), flat);
    }

    /// The screen as one picture, as of the last [`Scene::flatten`].
    pub fn flat(&self) -> &Picture {
        match &self.flat {
            Some(flat) => flat,
            None => match self.canvas.surface(SurfaceId::SCREEN) {
                Ok(surface) => &surface.picture,
                Err(_) => unreachable!("a canvas always has surface 0"),
            },
        }
    }

    fn take_screen_damage(&mut self) -> Region {
        let damage = self.canvas.take_damage();
        self.flat_idle += 1;
        if self.flat_idle > FLAT_KEPT {
            (self.flat, self.flat_idle) = (None, 0);
        }
        if self.flat.is_some() {
            self.flat_damage.add_region(&damage);
            self.flat_damage.simplify(64);
        }
        damage
    }
}
