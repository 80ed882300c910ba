//! Drawing on one surface.

use panto_protocol::draw::{Copy, CopyItem, Fill, Frames, Lines, SurfaceId};
use panto_protocol::geometry::{Point, Rect};
use panto_protocol::pixel::{Color, Picture};

use super::font::{Face, Fonts, paint};
use crate::scene::Scene;

/// A surface to draw on, and what to draw with.
pub(super) struct Pen<'a> {
    pub(super) scene: &'a mut Scene,
    pub(super) fonts: &'a mut Fonts,
    pub(super) surface: SurfaceId,
}

impl Pen<'_> {
    pub(super) fn fill(&mut self, rect: Rect, color: Color) {
        if !rect.is_empty() {
            paint(self.scene, Fill { surface: self.surface, color, rects: vec![rect] });
        }
    }

    pub(super) fn fills(&mut self, mut rects: Vec<Rect>, color: Color) {
        rects.retain(|rect| !rect.is_empty());
        if !rects.is_empty() {
            paint(self.scene, Fill { surface: self.surface, color, rects });
        }
    }

    pub(super) fn frame(&mut self, rect: Rect, color: Color) {
        if !rect.is_empty() {
            paint(self.scene, Frames { surface: self.surface, color, rects: vec![rect] });
        }
    }

    pub(super) fn lines(&mut self, points: Vec<Point>, color: Color) {
        paint(self.scene, Lines { surface: self.surface, color, points });
    }

    pub(super) fn text(&mut self, face: Face, at: Point, color: Color, text: &str) -> i32 {
        self.fonts.draw(self.scene, self.surface, face, at, color, text)
    }

    /// Moves pixels inside the surface.
    pub(super) fn shift(&mut self, rect: Rect, to: Point) {
        if !rect.is_empty() {
            let items = vec![CopyItem { source: self.surface, rect, to }];
            paint(self.scene, Copy { surface: self.surface, items });
        }
    }

    /// Puts a picture, in strips: each has few enough colours for a palette.
    pub(super) fn picture(&mut self, at: Point, picture: &Picture, strip: u32) {
        use panto_protocol::draw::PutPixels;
        use panto_protocol::encoding::{Effort, Encoder};
        if picture.size().is_empty() {
            return;
        }
        let mut encoder = Encoder::new();
        for part in (0..picture.size().height).step_by(strip as usize) {
            let height = strip.min(picture.size().height - part);
            let from = Rect::new(0, part as i32, picture.size().width, height);
            let mut payload = Vec::new();
            encoder.encode(picture.crop(from), Effort::Dense, &mut payload);
            paint(self.scene, PutPixels { surface: self.surface, rect: from.offset(at.x, at.y), payload });
        }
    }
}
