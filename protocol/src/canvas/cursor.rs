//! The pointer's picture.

use crate::geometry::{Point, Rect, Size};
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

    /// The same pointer without edges of which nothing is seen; the pixel that points stays. Toolkits
    /// and X servers have their pointers in squares that are mostly empty.
    pub fn trimmed(self) -> Self {
        let Size { width, height } = self.picture.size();
        let seen = |pixel: &u32| *pixel != 0;
        let mut bounds = Rect::default();
        for y in 0..height as i32 {
            let row = self.picture.row(y, 0, width as i32);
            if let (Some(first), Some(last)) = (row.iter().position(seen), row.iter().rposition(seen)) {
                bounds = bounds.union(&Rect::from_corners(first as i32, y, last as i32 + 1, y + 1));
            }
        }
        if bounds.is_empty() {
            return Self::default();
        }
        let points = Rect::at(self.hot, Size::new(1, 1)).intersection(&self.picture.bounds());
        let bounds = bounds.union(&points);
        if bounds == self.picture.bounds() {
            return self;
        }
        let hot = self.hot.offset(-bounds.left, -bounds.top);
        Self { picture: self.picture.crop(bounds).to_picture(), hot }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(size: Size, seen: Rect, hot: Point) -> CursorImage {
        let mut picture = Picture::new(size, 0);
        picture.fill(seen, 0xff12_3456);
        CursorImage { picture, hot }
    }

    #[test]
    fn a_trimmed_pointer_is_seen_in_the_same_place() {
        let (seen, at) = (Rect::new(5, 3, 7, 11), Point::new(100, 200));
        for hot in [Point::new(5, 3), Point::new(8, 8), Point::new(0, 0), Point::new(23, 20)] {
            let whole = pointer(Size::new(24, 24), seen, hot);
            let trimmed = whole.clone().trimmed();
            assert!(trimmed.picture.bounds().contains(trimmed.hot), "{hot:?}");
            assert!(trimmed.picture.size().area() < 24 * 24);
            let [mut a, mut b] = [(); 2].map(|()| Picture::new(Size::new(300, 300), 0));
            a.blit(whole.place(at).origin(), whole.picture.view());
            b.blit(trimmed.place(at).origin(), trimmed.picture.view());
            assert_eq!(a, b);
            assert_eq!(trimmed.clone().trimmed(), trimmed);
        }
        // A hot spot outside, which servers have been seen to have, stays where it is.
        let outside = pointer(Size::new(24, 24), seen, Point::new(-4, 30));
        let place = outside.place(at);
        let trimmed = outside.trimmed();
        assert_eq!(trimmed.place(at), seen.offset(place.left, place.top));
    }

    #[test]
    fn a_pointer_of_which_nothing_is_seen_is_none() {
        let clear = CursorImage { picture: Picture::new(Size::new(9, 9), 0), hot: Point::new(4, 4) };
        assert_eq!(clear.trimmed(), CursorImage::default());
        assert_eq!(CursorImage::default().trimmed(), CursorImage::default());
    }
}
