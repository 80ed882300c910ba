//! A window's frame: title bar, border and soft shadow on one translucent surface
//! below the window's content.

use panto_protocol::draw::{PutPixels, SurfaceId};
use panto_protocol::encoding::{Effort, Encoder};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Picture, rgb};

use super::font::{Face, Fonts, paint};
use super::pen::Pen;
use crate::scene::Scene;

/// Height of the title bar.
pub(super) const TITLE: i32 = 26;

/// Width of the border.
pub(super) const BORDER: i32 = 1;

/// How far the shadow reaches.
pub(super) const SHADOW: i32 = 10;

/// Size of the frame's surface for a content of this size.
pub(super) fn surface_size(content: Size) -> Size {
    let around = 2 * (BORDER + SHADOW) as u32;
    Size::new(content.width + around, content.height + around + TITLE as u32)
}

/// From the frame's first pixel to the content's.
pub(super) const CONTENT: Point = Point::new(SHADOW + BORDER, SHADOW + BORDER + TITLE);

/// The part of the frame's surface that is not shadow.
fn body(size: Size) -> Rect {
    Rect::from_corners(SHADOW, SHADOW, size.width as i32 - SHADOW, size.height as i32 - SHADOW)
}

/// Draws shadow and border; the title follows with [`draw_title`].
pub(super) fn draw(scene: &mut Scene, surface: SurfaceId, content: Size) {
    let size = surface_size(content);
    let body = body(size);
    let mut shadow = Picture::new(size, 0);
    for y in 0..size.height as i32 {
        for (x, pixel) in (0..).zip(shadow.row_mut(y, 0, size.width as i32)) {
            // Distance to the body, a little lower than it: light comes from above.
            let dx = (body.left - x).max(x - body.right + 1).max(0);
            let dy = (body.top + 3 - y).max(y - body.bottom - 2).max(0);
            let far = dx * dx + dy * dy;
            let reach = SHADOW * SHADOW;
            if far < reach {
                *pixel = ((84 * (reach - far) / reach) as u32 * (reach - far) as u32 / reach as u32) << 24;
            }
        }
    }
    shadow.fill(body, 0xff00_0000 | rgb(62, 66, 86));
    let mut payload = Vec::new();
    Encoder::new().encode_argb(shadow.view(), Effort::Dense, &mut payload);
    paint(scene, PutPixels { surface, rect: Rect::of_size(size), payload });
}

/// Draws the title bar.
pub(super) fn draw_title(
    scene: &mut Scene,
    fonts: &mut Fonts,
    surface: SurfaceId,
    content: Size,
    title: &str,
    focused: bool,
) {
    let body = body(surface_size(content));
    let bar = Rect::from_corners(
        body.left + BORDER,
        body.top + BORDER,
        body.right - BORDER,
        body.top + BORDER + TITLE,
    );
    let (paper, ink) = match focused {
        true => (rgb(70, 92, 160), rgb(255, 255, 255)),
        false => (rgb(52, 56, 74), rgb(176, 180, 196)),
    };
    let mut pen = Pen { scene, fonts, surface };
    pen.fill(bar, paper);
    pen.fill(Rect { top: bar.bottom - 1, ..bar }, rgb(40, 43, 58));
    pen.text(Face::Bold, Point::new(bar.left + 10, bar.top + 4), ink, title);
    // The close button is part of the looks; nothing here can be closed.
    let (x, y) = (bar.right - 17, bar.top + 8);
    for (a, b) in [((0, 0), (8, 8)), ((8, 0), (0, 8)), ((1, 0), (8, 7)), ((7, 0), (0, 7))] {
        pen.lines(vec![Point::new(x + a.0, y + a.1), Point::new(x + b.0, y + b.1)], ink);
    }
}
