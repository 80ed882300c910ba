//! The pointer's picture: as the window system wants it, and drawn into the window.

use std::rc::Rc;

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Size};
use panto_protocol::pixel::Picture;

use super::layout::Layout;
use super::scale::Scaler;
use super::scene::Sprite;

/// Largest side handed to the window system; X servers refuse larger ones or show garbage.
const MAX_SIDE: u32 = 256;

/// A pointer picture for the window system: straight (not premultiplied) RGBA, row by row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) rgba: Vec<u8>,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) hot_x: u16,
    pub(super) hot_y: u16,
}

/// The pointer at the scale of the picture. A pointer that the remote program hides
/// becomes a dot: the person must not lose the own hand.
pub(super) fn shape(cursor: &CursorImage, layout: &Layout) -> Shape {
    if cursor.picture.data().iter().all(|c| c >> 24 == 0) {
        return dot();
    }
    let picture = scaled(cursor, layout);
    let size = picture.size();
    let axis = |hot: i32, from: u32, to: u32| {
        let middle = (i64::from(hot) * 2 + 1) * i64::from(to) / (2 * i64::from(from.max(1)));
        middle.clamp(0, i64::from(to) - 1) as u16
    };
    Shape {
        rgba: picture.data().iter().flat_map(|&c| straight(c)).collect(),
        width: size.width as u16,
        height: size.height as u16,
        hot_x: axis(cursor.hot.x, cursor.picture.size().width, size.width),
        hot_y: axis(cursor.hot.y, cursor.picture.size().height, size.height),
    }
}

/// The server's pointer, drawn where the server has it.
pub(super) fn sprite(cursor: &CursorImage, position: Point, layout: &Layout) -> Option<Sprite> {
    if cursor.picture.size().is_empty() || layout.place().is_empty() {
        return None;
    }
    let at = layout.to_window(cursor.place(position).origin());
    Some(Sprite { at, picture: Rc::new(scaled(cursor, layout)) })
}

fn scaled(cursor: &CursorImage, layout: &Layout) -> Picture {
    let wanted = layout.size_in_window(cursor.picture.size());
    let size = Size::new(wanted.width.min(MAX_SIDE), wanted.height.min(MAX_SIDE));
    if size == cursor.picture.size() {
        cursor.picture.clone()
    } else {
        Scaler::resample(&cursor.picture, size)
    }
}

fn straight(c: u32) -> [u8; 4] {
    let alpha = c >> 24;
    let channel = |shift: u32| match alpha {
        0 => 0,
        // A hostile colour may exceed its alpha.
        _ => (((c >> shift & 0xff) * 255 + alpha / 2) / alpha).min(255) as u8,
    };
    [channel(16), channel(8), channel(0), alpha as u8]
}

/// A black dot with a white rim, seen on any ground.
fn dot() -> Shape {
    const ROWS: [&[u8; 5]; 5] = [b".www.", b"wbbbw", b"wbbbw", b"wbbbw", b".www."];
    let rgba = ROWS.iter().flat_map(|r| r.iter()).flat_map(|p| match p {
        b'w' => [255; 4],
        b'b' => [0, 0, 0, 255],
        _ => [0; 4],
    });
    Shape { rgba: rgba.collect(), width: 5, height: 5, hot_x: 2, hot_y: 2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::layout::Scaling;

    fn layout(window: u32) -> Layout {
        Layout::new(Size::new(window, window), Size::new(100, 100), Scaling::Fit, Point::default())
    }

    fn arrow() -> CursorImage {
        let data = vec![0xff00_0000, 0x8040_0000, 0, 0xffff_ffff];
        CursorImage { picture: Picture::from_pixels(Size::new(2, 2), data).unwrap(), hot: Point::new(1, 0) }
    }

    #[test]
    fn premultiplied_becomes_straight() {
        let s = shape(&arrow(), &layout(100));
        assert_eq!(s.rgba, [0, 0, 0, 255, 128, 0, 0, 128, 0, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!((s.width, s.height, s.hot_x, s.hot_y), (2, 2, 1, 0));
    }

    #[test]
    fn scales_with_the_picture_and_keeps_its_point() {
        let s = shape(&arrow(), &layout(300));
        assert_eq!((s.width, s.height, s.hot_x, s.hot_y), (6, 6, 4, 1));
        let s = shape(&arrow(), &layout(10));
        assert_eq!((s.width, s.height, s.hot_x, s.hot_y), (1, 1, 0, 0));
    }

    #[test]
    fn a_hidden_pointer_is_a_dot() {
        assert_eq!(shape(&CursorImage::default(), &layout(100)), dot());
        let clear = CursorImage { picture: Picture::new(Size::new(9, 9), 0), hot: Point::new(4, 4) };
        assert_eq!(shape(&clear, &layout(100)), dot());
    }

    #[test]
    fn a_hot_spot_outside_is_pulled_in() {
        let cursor = CursorImage { hot: Point::new(-5, 99), ..arrow() };
        let s = shape(&cursor, &layout(100));
        assert_eq!((s.hot_x, s.hot_y), (0, 1));
    }

    #[test]
    fn drawn_where_the_server_has_it() {
        let s = sprite(&arrow(), Point::new(10, 10), &layout(200)).unwrap();
        assert_eq!((s.at, s.picture.size()), (Point::new(18, 20), Size::new(4, 4)));
    }
}
