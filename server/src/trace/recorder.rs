//! Follows a scene and writes what happens to it.

use std::collections::BTreeMap;
use std::path::Path;

use panto_protocol::canvas::{Canvas, PaintError};
use panto_protocol::draw::{SurfaceId, SurfaceResize};
use panto_protocol::geometry::{Point, Rect, Region};
use panto_protocol::message;
use panto_protocol::pixel::Pixels;
use panto_protocol::time::Micros;

use super::snapshot::{caches, snapshot};
use super::{Event, Header, InputKind, Rows, TraceError, Writer};
use crate::plan::mirror_commands;
use crate::scene::{Change, Scene, Since};

/// Writes a scene's changes. It keeps a copy of the scene as a player will have it, so
/// that what it writes can be checked pixel by pixel.
pub struct Recorder {
    writer: Writer,
    mirror: Canvas,
    position: u64,
    outputs: Vec<Rect>,
    cursor: u64,
    pointer: Point,
    error: Option<TraceError>,
}

impl Recorder {
    /// Begins a trace with the scene as it is. Size and versions of `header` are filled in.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub fn create(path: &Path, header: Header, level: i32, scene: &Scene) -> Result<Self, TraceError> {
        let size = scene.size();
        let header = Header {
            width: size.width,
            height: size.height,
            commands_version: message::VERSION,
            generator: concat!("panto ", env!("CARGO_PKG_VERSION")).into(),
            ..header
        };
        let mut recorder = Self {
            writer: Writer::create(path, &header, level)?,
            mirror: Canvas::new(),
            position: scene.position(),
            outputs: scene.outputs().to_vec(),
            cursor: scene.cursor().1,
            pointer: scene.pointer(),
            error: None,
        };
        let events = snapshot(scene);
        for event in &events {
            recorder.remember(event).map_err(|source| TraceError::Unplayable { seconds: 0.0, source })?;
        }
        recorder.begin_chapter(&events, Micros::ZERO)?;
        Ok(recorder)
    }

    /// Writes what changed since the last time. Call after every change of the scene,
    /// with times that never go back. An error is kept until [`Recorder::finish`].
    pub fn observe(&mut self, scene: &Scene, at: Micros) {
        if self.error.is_none()
            && let Err(error) = self.follow(scene, at)
        {
            self.error = Some(error);
        }
    }

    /// A person did something.
    pub fn input(&mut self, kind: InputKind, at: Micros) {
        self.writer.event(at, &Event::Input(kind), false);
    }

    /// Writes the end. `at` is the length of the trace.
    ///
    /// # Errors
    ///
    /// If anything could not be written.
    pub fn finish(self, at: Micros) -> Result<(), TraceError> {
        match self.error {
            Some(error) => Err(error),
            None => self.writer.finish(at),
        }
    }

    fn follow(&mut self, scene: &Scene, at: Micros) -> Result<(), TraceError> {
        if self.position == scene.position() {
            self.around(scene, at);
            return Ok(());
        }
        let changes: Option<Vec<Change>> = match scene.since(self.position) {
            Since::Changes(changes) => Some(changes.cloned().collect()),
            Since::Lost => None,
        };
        self.position = scene.position();
        // More may have happened than the scene remembers, or something was drawn with what
        // such a change had brought: then only the result is known.
        if !changes.is_some_and(|changes| self.changes(&changes, scene, at)) {
            self.catch_up(scene, at)
                .map_err(|source| TraceError::Unplayable { seconds: at.0 as f64 / 1e6, source })?;
        }
        self.around(scene, at);
        if self.writer.wants_chapter(at) {
            self.begin_chapter(&snapshot(scene), at)?;
        }
        Ok(())
    }

    /// Monitors and pointer.
    fn around(&mut self, scene: &Scene, at: Micros) {
        if self.outputs != scene.outputs() {
            self.outputs = scene.outputs().to_vec();
            let event = Event::Outputs { size: scene.size(), outputs: self.outputs.clone() };
            if self.remember(&event).is_ok() {
                self.writer.event(at, &event, false);
            }
        }
        let (image, serial) = scene.cursor();
        if self.cursor != serial {
            self.cursor = serial;
            self.writer.event(at, &Event::Cursor((**image).clone()), false);
        }
        if self.pointer != scene.pointer() {
            self.pointer = scene.pointer();
            self.writer.event(at, &Event::Pointer(self.pointer), false);
        }
    }

    /// Writes changes one by one; `false` if one of them cannot be.
    fn changes(&mut self, changes: &[Change], scene: &Scene, at: Micros) -> bool {
        let mut touched: BTreeMap<SurfaceId, Region> = BTreeMap::new();
        for change in changes {
            for (surface, rect) in &change.touched {
                touched.entry(*surface).or_default().add(*rect);
            }
            match &change.command {
                Some(command) => {
                    if self.mirror.apply(command).is_err() {
                        return false;
                    }
                    self.writer.event(at, &Event::Draw((**command).clone()), false);
                }
                None => {
                    for (surface, rect) in &change.touched {
                        self.pixels(scene, *surface, *rect, at, true);
                    }
                }
            }
        }
        // Pixels were read as they are now, which a later change of the same batch may have
        // made: what commands in between made of them is put right.
        if changes.iter().any(|c| c.command.is_none()) && changes.iter().any(|c| c.command.is_some()) {
            for (surface, region) in touched {
                for rect in region.rects() {
                    self.pixels(scene, surface, *rect, at, false);
                }
            }
        }
        true
    }

    /// Brings the mirror to the scene by state, not by history.
    fn catch_up(&mut self, scene: &Scene, at: Micros) -> Result<(), PaintError> {
        for command in mirror_commands(scene.canvas(), &mut self.mirror)? {
            self.writer.event(at, &Event::Draw(command), false);
        }
        for event in caches(scene.canvas()) {
            self.remember(&event)?;
            self.writer.event(at, &event, false);
        }
        let mut surfaces: Vec<_> =
            scene.canvas().surfaces().map(|(id, s)| (id, s.picture.bounds())).collect();
        surfaces.sort_unstable_by_key(|(id, _)| *id);
        for (surface, rect) in surfaces {
            self.pixels(scene, surface, rect, at, false);
        }
        Ok(())
    }

    /// Writes the rows of a rectangle that differ; nothing if none does, unless the source
    /// has `told` of it: then it is damage all the same.
    fn pixels(&mut self, scene: &Scene, surface: SurfaceId, rect: Rect, at: Micros, told: bool) {
        let (Ok(source), Ok(known)) = (scene.canvas().surface(surface), self.mirror.surface(surface)) else {
            // Destroyed since.
            return;
        };
        let rect = rect.intersection(&source.picture.bounds()).intersection(&known.picture.bounds());
        if rect.is_empty() {
            return;
        }
        let mut rows = Rows::default();
        for y in rect.top..rect.bottom {
            let row = source.picture.row(y, rect.left, rect.right);
            let changed = row != known.picture.row(y, rect.left, rect.right);
            rows.changed.push(changed);
            if changed {
                rows.pixels.extend_from_slice(row);
            }
        }
        if !told && rows.pixels.is_empty() {
            return;
        }
        let alpha = source.alpha;
        let view = source.picture.crop(rect);
        // The rectangle lies on both, so this cannot fail.
        let _ = self.mirror.write(surface, Point::new(rect.left, rect.top), view);
        self.writer.event(at, &Event::Pixels { surface, rect, rows }, alpha);
    }

    /// Lets the mirror follow an event.
    fn remember(&mut self, event: &Event) -> Result<(), PaintError> {
        match event {
            Event::Draw(command) => self.mirror.apply(command),
            Event::Pixels { surface, rect, rows } => {
                let view = Pixels::new(rect.size(), rect.width() as usize, &rows.pixels);
                view.map_or(Ok(()), |v| self.mirror.write(*surface, Point::new(rect.left, rect.top), v))
            }
            Event::Outputs { size, .. } if *size != self.mirror.screen_size() => {
                self.mirror.apply(&SurfaceResize { id: SurfaceId::SCREEN, size: *size }.into())
            }
            _ => Ok(()),
        }
    }

    fn begin_chapter(&mut self, events: &[Event], at: Micros) -> Result<(), TraceError> {
        let alpha = |event: &Event| match event {
            Event::Pixels { surface, .. } => self.mirror.surface(*surface).is_ok_and(|s| s.alpha),
            _ => false,
        };
        let events: Vec<_> = events.iter().map(|event| (event, alpha(event))).collect();
        self.writer.begin_chapter(at, &events)
    }
}
