//! Plays a trace into a scene.

use std::path::Path;

use panto_protocol::canvas::PaintError;
use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::Pixels;
use panto_protocol::time::Micros;

use super::{Entry, Event, Header, InputKind, Reader, Rows, TraceError};
use crate::scene::Scene;

/// A trace being played. The scene is given with every call and must be the one that
/// [`Player::open`] returned.
#[derive(Debug)]
pub struct Player {
    reader: Reader,
    next: Option<Entry>,
    /// Why the trace ended early.
    cut: Option<TraceError>,
}

impl Player {
    /// Opens a trace and makes its first picture.
    ///
    /// # Errors
    ///
    /// If there is no such trace, or its beginning cannot be read.
    pub fn open(path: &Path) -> Result<(Self, Scene), TraceError> {
        Self::from_reader(Reader::open(path)?, Micros::ZERO)
    }

    /// The same, beginning `at` a later time.
    ///
    /// # Errors
    ///
    /// If there is no such trace, or it cannot be read until there.
    pub fn open_at(path: &Path, at: Micros) -> Result<(Self, Scene), TraceError> {
        let (mut player, mut scene) = Self::from_reader(Reader::open(path)?, at)?;
        player.advance(&mut scene, at, |_, _| ())?;
        Ok((player, scene))
    }

    fn from_reader(mut reader: Reader, at: Micros) -> Result<(Self, Scene), TraceError> {
        let header = reader.header();
        let mut scene = Scene::new(Size::new(header.width, header.height));
        let (begins, events) = reader.seek(at)?;
        for event in &events {
            apply(event, &mut scene).map_err(|source| unplayable(begins, source))?;
        }
        let mut player = Self { reader, next: None, cut: None };
        player.fetch()?;
        Ok((player, scene))
    }

    /// What the trace says of itself.
    pub fn header(&self) -> &Header {
        self.reader.header()
    }

    /// When something happens next; `None` at the end.
    pub fn next_at(&self) -> Option<Micros> {
        self.next.as_ref().map(|e| e.at)
    }

    /// Whether the next event is an input.
    pub fn next_is_input(&self) -> bool {
        matches!(self.next, Some(Entry { event: Event::Input(_), .. }))
    }

    /// Lets everything happen until `now`. `input` is told of each input. Returns whether
    /// the screen may have changed.
    ///
    /// # Errors
    ///
    /// If an event cannot be played. A trace that ends early just ends: see [`Player::cut`].
    pub fn advance(
        &mut self,
        scene: &mut Scene,
        now: Micros,
        mut input: impl FnMut(InputKind, Micros),
    ) -> Result<bool, TraceError> {
        let mut changed = false;
        while let Some(entry) = self.next.take_if(|e| e.at <= now) {
            match &entry.event {
                Event::Input(kind) => input(*kind, entry.at),
                event => {
                    apply(event, scene).map_err(|source| unplayable(entry.at, source))?;
                    changed = true;
                }
            }
            self.fetch()?;
        }
        Ok(changed)
    }

    /// Lets everything happen until `now`, but nothing behind the next input.
    ///
    /// # Errors
    ///
    /// As [`Player::advance`].
    pub fn advance_to_input(&mut self, scene: &mut Scene, now: Micros) -> Result<(), TraceError> {
        while !self.next_is_input()
            && let Some(entry) = self.next.take_if(|e| e.at <= now)
        {
            apply(&entry.event, scene).map_err(|source| unplayable(entry.at, source))?;
            self.fetch()?;
        }
        Ok(())
    }

    /// Goes past an input, if that is next.
    ///
    /// # Errors
    ///
    /// If what follows cannot be read.
    pub fn skip_input(&mut self) -> Result<(), TraceError> {
        if self.next_is_input() {
            self.next = None;
            self.fetch()?;
        }
        Ok(())
    }

    /// Why the trace ended before its end.
    pub fn cut(&self) -> Option<&TraceError> {
        self.cut.as_ref()
    }

    fn fetch(&mut self) -> Result<(), TraceError> {
        match self.reader.next_entry() {
            Ok(next) => self.next = next,
            Err(error) if error.is_partial() => self.cut = Some(error),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn unplayable(at: Micros, source: PaintError) -> TraceError {
    TraceError::Unplayable { seconds: at.0 as f64 / 1e6, source }
}

fn apply(event: &Event, scene: &mut Scene) -> Result<(), PaintError> {
    match event {
        Event::Draw(command) => scene.draw(command.clone())?,
        Event::Pixels { surface, rect, rows } => pixels(*surface, *rect, rows, scene)?,
        Event::Cursor(image) => scene.set_cursor(image.clone()),
        Event::Pointer(position) => scene.set_pointer(*position),
        Event::Outputs { size, outputs } => scene.resize(*size, outputs.clone()),
        Event::Input(_) => {}
    }
    Ok(())
}

/// Puts the rows of a rectangle, unchanged ones as they are: the source has told of all of it.
fn pixels(surface: SurfaceId, rect: Rect, rows: &Rows, scene: &mut Scene) -> Result<(), PaintError> {
    let picture = &scene.canvas().surface(surface)?.picture;
    let mut data = picture.crop(rect).to_picture();
    let width = rect.width() as usize;
    if data.size() != rect.size() || width == 0 {
        // Outside the surface: nothing that a recorder writes.
        return Err(PaintError::OutOfRange { what: "rectangle of a trace" });
    }
    let changed = rows.changed.iter().enumerate().filter(|(_, changed)| **changed);
    for ((y, _), row) in changed.zip(rows.pixels.chunks_exact(width)) {
        data.row_mut(y as i32, 0, width as i32).copy_from_slice(row);
    }
    let view = Pixels::new(rect.size(), width, data.data()).unwrap_or_else(|| data.view());
    scene.pixels(surface, Point::new(rect.left, rect.top), view)
}
