//! The pointer's picture.

use crate::geometry::{Point, Rect};
use crate::pixel::Picture;

/// The pointer's picture: premultiplied `0xAARRGGBB` and the hot spot inside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CursorImage {
    /// Premultiplied pixels; may be empty for an invisible pointer.
    pub picture: Picture,
    /// The pixel that points, relative to the picture's first pixel.
    pub hot: Point,
}

impl CursorImage {
    /// Where the picture lies when the pointer is at `position`.
    pub fn place(&self, position: Point) -> Rect {
        Rect::at(position.offset(-self.hot.x, -self.hot.y), self.picture.size())
    }
}
