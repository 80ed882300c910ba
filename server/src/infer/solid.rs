//! Solid areas inside changed rectangles.

use panto_protocol::geometry::Rect;
use panto_protocol::pixel::{Color, Picture};

use super::uniform::uniform_areas;

/// Disjoint rectangles of one colour inside `rect`, each at least 4,096 pixels.
pub fn solid_areas(picture: &Picture, rect: Rect) -> Vec<(Rect, Color)> {
    let rect = rect.intersection(&picture.bounds());
    let holds =
        |color: &Color, part: Rect| picture.crop(part).rows().all(|row| row.iter().all(|p| p == color));
    let look = |block: Rect| Some(picture.crop(block).row(0)[0]).filter(|color| holds(color, block));
    uniform_areas(rect, look, holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::geometry::Size;

    #[test]
    fn finds_a_panel_exactly() {
        let mut p = Picture::new(Size::new(200, 200), 0);
        for (i, pixel) in p.data_mut().iter_mut().enumerate() {
            *pixel = i as u32;
        }
        let panel = Rect::new(37, 21, 101, 99);
        p.fill(panel, 7);
        assert_eq!(solid_areas(&p, p.bounds()), [(panel, 7)]);
    }

    #[test]
    fn small_areas_are_left_to_the_pixels() {
        let mut p = Picture::new(Size::new(200, 200), 0);
        for (i, pixel) in p.data_mut().iter_mut().enumerate() {
            *pixel = i as u32;
        }
        p.fill(Rect::new(37, 21, 40, 40), 7);
        assert!(solid_areas(&p, p.bounds()).is_empty());
    }
}
