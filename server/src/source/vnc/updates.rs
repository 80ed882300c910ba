//! Updates of a VNC server, which viewers see as wholes. No I/O.

use panto_protocol::canvas::CursorImage;
use panto_protocol::draw::{Copy, CopyItem, SurfaceId};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::Screen;
use panto_protocol::rfb::client::Event;
use panto_protocol::wire::MAX_OUTPUTS;

use crate::scene::{Scene, SharedScene};

/// Pixels of an update that are kept back at most, in screens: a hostile server's updates never end,
/// and the scene's lock is not held for longer than so many pixels take.
const MAX_HELD: u64 = 2;

/// The same in pixels on small screens, which change size as well.
const MIN_HELD: u64 = 1 << 20;

/// Rectangles of an update that are kept back at most.
const MAX_CHANGES: usize = 8192;

/// A part of an update.
#[derive(Debug)]
enum Change {
    Size(Size),
    Pixels(Point, Picture),
    Copy { from: Rect, to: Point },
    Cursor(CursorImage),
    Pointer(Point),
}

/// The update that is under way.
#[derive(Debug)]
pub(super) struct Updates {
    size: Size,
    held: Vec<Change>,
    /// Pixels in `held`.
    pixels: u64,
    /// Pixels that have to come until the picture is whole again. They are counted only: a server
    /// may send some twice, and then the rest comes a moment later.
    missing: u64,
}

impl Updates {
    /// Those of a connection to a screen of this size. What the last one has begun is forgotten.
    pub(super) fn begin(size: Size) -> Self {
        Self { size, held: vec![Change::Size(size)], pixels: 0, missing: 0 }
    }

    /// The whole picture was asked for.
    pub(super) fn expect_all(&mut self) {
        self.missing = self.size.area();
    }

    /// Whether it has not come yet.
    pub(super) fn is_missing(&self) -> bool {
        self.missing > 0
    }

    /// Takes what belongs to the update; gives back what does not.
    pub(super) fn take(&mut self, event: Event, scene: &SharedScene) -> Option<Event> {
        let change = match event {
            Event::Resized(size) => {
                self.size = size;
                if self.missing > 0 {
                    self.expect_all();
                }
                Change::Size(size)
            }
            Event::Pixels { rect, picture, .. } => {
                self.count(rect.area());
                Change::Pixels(rect.origin(), picture)
            }
            Event::Copy { from, to } => {
                self.count(from.area());
                Change::Copy { from, to }
            }
            Event::Cursor(image) => Change::Cursor(inside(image)),
            Event::Pointer(position) => Change::Pointer(position),
            other => return Some(other),
        };
        self.held.push(change);
        if self.pixels > (MAX_HELD * self.size.area()).max(MIN_HELD) || self.held.len() > MAX_CHANGES {
            self.show(scene, None);
        }
        None
    }

    fn count(&mut self, pixels: u64) {
        self.pixels += pixels;
        self.missing = self.missing.saturating_sub(pixels);
    }

    /// The update has ended: the scene has it from now on, and these screens.
    pub(super) fn end(&mut self, scene: &SharedScene, screens: &[Screen]) {
        self.show(scene, Some(outputs(self.size, screens)));
    }

    fn show(&mut self, scene: &SharedScene, outputs: Option<Vec<Rect>>) {
        self.pixels = 0;
        let outputs = outputs.filter(|outputs| {
            let scene = scene.lock();
            scene.outputs() != outputs || scene.size() != self.size
        });
        if self.held.is_empty() && outputs.is_none() {
            return;
        }
        let changes = std::mem::take(&mut self.held);
        scene.update(|scene| {
            changes.into_iter().for_each(|change| apply(change, scene));
            if let Some(outputs) = outputs {
                scene.resize(self.size, outputs);
            }
        });
    }
}

fn apply(change: Change, scene: &mut Scene) {
    const SCREEN: SurfaceId = SurfaceId::SCREEN;
    let result = match change {
        Change::Size(size) if size != scene.size() => {
            scene.resize(size, vec![Rect::of_size(size)]);
            Ok(())
        }
        Change::Size(_) => Ok(()),
        Change::Pixels(at, picture) => scene.pixels(SCREEN, at, picture.view()),
        Change::Copy { from, to } => {
            scene.draw(Copy { surface: SCREEN, items: vec![CopyItem { source: SCREEN, rect: from, to }] })
        }
        Change::Cursor(image) => {
            scene.set_cursor(image);
            Ok(())
        }
        Change::Pointer(position) => {
            scene.set_pointer(position);
            Ok(())
        }
    };
    // Only a screen beyond the limits can be refused, and then there is no picture at all.
    if let Err(error) = result {
        tracing::debug!(%error, "update");
    }
}

/// A pointer that points with one of its own pixels: servers have been seen whose does not.
fn inside(image: CursorImage) -> CursorImage {
    let size = image.picture.size();
    let within = |v: i32, side: u32| v.clamp(0, side.saturating_sub(1) as i32);
    let hot = Point::new(within(image.hot.x, size.width), within(image.hot.y, size.height));
    CursorImage { hot, ..image }
}

/// The outputs that these screens are: all of it is one if the server tells of none.
fn outputs(size: Size, screens: &[Screen]) -> Vec<Rect> {
    let parts = screens.iter().map(|screen| screen.rect.intersection(&Rect::of_size(size)));
    let outputs: Vec<Rect> = parts.filter(|rect| !rect.is_empty()).take(MAX_OUTPUTS).collect();
    if outputs.is_empty() { vec![Rect::of_size(size)] } else { outputs }
}
