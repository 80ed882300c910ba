//! What is shown roughly, on links of every rate: the viewer's canvas is the shadow after each
//! frame, and the scene once all rests; text is never rough.
//!
//! Here are one viewer on a link and what it is shown; the tests are by idea.

mod films;
mod histories;
mod order;
mod rest;
mod text;

#[path = "../../../tests/pictures/mod.rs"]
mod pictures;

use panto_protocol::draw::{Copy, CopyItem, SurfaceCreate, WindowCreate, WindowId, WindowMap};
use panto_protocol::geometry::Size;
use panto_protocol::message::{FrameDecoder, FrameHeader};
use panto_protocol::pixel::Picture;

use super::*;
use pictures::{letters, photograph};

const SIZE: Size = Size::new(320, 240);
const MS: u64 = 1000;

/// One viewer on a link, in virtual time.
struct Viewer {
    planner: Planner,
    canvas: Canvas,
    decoder: FrameDecoder,
    now: Micros,
    /// Bytes a second.
    rate: u64,
    bytes: usize,
    /// Bytes of LossyPixels so far, and how many commands' frames had any.
    lossy: (u64, usize),
}

#[derive(Debug)]
struct Refused;

impl From<panto_protocol::wire::DecodeError> for Refused {
    fn from(_: panto_protocol::wire::DecodeError) -> Self {
        Self
    }
}

impl From<PaintError> for Refused {
    fn from(_: PaintError) -> Self {
        Self
    }
}

fn settings(mode: Mode, exact: bool) -> Settings {
    Settings {
        mode,
        depth: Depth::D24,
        scale: Scale::Full,
        dither: false,
        copy_rect: true,
        wire: Wire::Coded,
        exact,
    }
}

impl Viewer {
    fn new(mode: Mode, exact: bool, rate: u64) -> Self {
        Self {
            planner: Planner::new(settings(mode, exact)),
            canvas: Canvas::new(),
            decoder: FrameDecoder::default(),
            now: Micros(1_000_000),
            rate,
            bytes: 0,
            lossy: (0, 0),
        }
    }

    /// What the pacer gives a frame on this link.
    fn budget(&self) -> Budget {
        let bytes = (self.rate * 16 / 1000).max(700) as usize;
        Budget { bytes, rate: Some(self.rate), now: self.now, urgent: false }
    }

    /// Plans a frame, and shows it.
    fn plan(&mut self, scene: &mut Scene, budget: Budget) -> usize {
        let mut bytes = 0;
        if let Some(frame) = self.planner.plan(scene, budget).unwrap() {
            let message = frame.message(FrameHeader::default());
            bytes = message.len();
            if let Some(lossy) = frame.bytes_by_kind.get("LossyPixels") {
                self.lossy = (self.lossy.0 + lossy, self.lossy.1 + 1);
            }
            let paint =
                |canvas: &mut Canvas, command: DrawCommand, _| canvas.apply(&command).map_err(Refused::from);
            self.decoder.decode(&message, &mut self.canvas, paint).unwrap();
        }
        assert!(self.canvas.screen() == self.planner.shadow().screen(), "viewer and shadow");
        if !self.planner.is_due(scene) {
            assert!(self.shows(scene), "settled, but not exact");
        }
        self.bytes += bytes;
        bytes
    }

    fn shows(&self, scene: &Scene) -> bool {
        self.canvas.screen() == scene.canvas().screen()
    }

    /// One frame at the link's pace, and the time that it takes. Nothing if that is to wait
    /// beyond `end`.
    fn turn(&mut self, scene: &mut Scene, end: Micros) {
        if !self.planner.is_due(scene) {
            self.now = end;
        } else if let Some(at) = self.planner.waits_until(scene).filter(|at| *at > self.now) {
            self.now = at.min(end);
        } else {
            let bytes = self.plan(scene, self.budget()) as u64;
            self.now = self.now + Micros((bytes * 1_000_000 / self.rate).max(16 * MS));
        }
    }

    /// Lets the link work for so long.
    fn play(&mut self, scene: &mut Scene, time: Micros) {
        let end = self.now + time;
        while self.now < end {
            self.turn(scene, end);
        }
    }

    /// Until all is exact; returns the time it took.
    fn rest(&mut self, scene: &mut Scene) -> Micros {
        let began = self.now;
        let mut pixels = scene.size().area();
        for _ in 0..scene.canvas().surfaces().count() {
            pixels += scene.size().area();
        }
        // No frame but the last is much smaller than its budget.
        let frames = 60 + 12 * pixels as usize / self.budget().bytes;
        for _ in 0..frames {
            if !self.planner.is_due(scene) {
                assert!(self.shows(scene), "settled, but not exact");
                return self.now.since(began).min(self.now);
            }
            self.turn(scene, Micros(u64::MAX));
        }
        panic!("never rests: {frames} frames, {:?}", self.planner.waits_until(scene));
    }
}

fn show(scene: &mut Scene, x: i32, y: i32, picture: &Picture) {
    scene.pixels(SurfaceId::SCREEN, Point::new(x, y), picture.view()).unwrap();
}

fn paper(size: Size) -> Scene {
    let mut scene = Scene::new(size);
    show(&mut scene, 0, 0, &Picture::new(size, 0x00ff_ffff));
    scene
}

/// Shows a picture all around a hole: the source knows that nothing changed there.
fn show_around(scene: &mut Scene, area: Rect, hole: Rect, picture: &Picture) {
    let mut region: Region = area.into();
    region.subtract(&hole);
    for rect in region.rects() {
        let part = picture.crop(rect.offset(-area.left, -area.top));
        scene.pixels(SurfaceId::SCREEN, rect.origin(), part).unwrap();
    }
}

/// Plays a film of so many pictures; returns when its last was drawn.
fn film(scene: &mut Scene, viewer: &mut Viewer, area: Rect, pictures: i32, interval: u64) -> Micros {
    let mut last = viewer.now;
    for i in 0..pictures {
        show(scene, area.left, area.top, &photograph(area.size(), 5, 2 * i));
        last = viewer.now;
        viewer.play(scene, Micros(interval * MS));
    }
    last
}

/// Windows whose source draws with commands.
fn window(scene: &mut Scene, id: u32, size: Size) {
    scene.draw(SurfaceCreate { id: SurfaceId(id), size, alpha: false }).unwrap();
    let position = Point::new(id as i32 * 10, id as i32 * 7);
    scene.draw(WindowCreate { id: WindowId(id), surface: SurfaceId(id), position }).unwrap();
    scene.draw(WindowMap { id: WindowId(id), mapped: true }).unwrap();
}

fn copy(surface: u32, source: u32, rect: Rect, to: Point) -> DrawCommand {
    let items = vec![CopyItem { source: SurfaceId(source), rect, to }];
    Copy { surface: SurfaceId(surface), items }.into()
}
