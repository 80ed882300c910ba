//! Letters that nobody can read: strokes in a cell of 9 × 15, black.

use panto_protocol::geometry::{Point, Rect};
use panto_protocol::pixel::Picture;

use super::chance::Chance;

/// Strokes: left, top, width, height within the cell.
const STROKES: [(i32, i32, u32, u32); 9] = [
    (1, 3, 2, 5),
    (1, 7, 2, 5),
    (6, 3, 2, 5),
    (6, 7, 2, 5),
    (4, 3, 1, 9),
    (1, 3, 7, 1),
    (1, 7, 7, 1),
    (1, 11, 7, 1),
    (3, 5, 3, 1),
];

/// Draws letter `number` into the cell with its top left corner at `at`.
pub(super) fn draw(picture: &mut Picture, at: Point, number: u32) {
    let mut chance = Chance::new(3_000_000 + u64::from(number));
    // The first stroke always, so that no letter is empty.
    let chosen = chance.next() >> 20 | 1 << (number % 4);
    for (n, (x, y, width, height)) in STROKES.into_iter().enumerate() {
        if chosen >> n & 1 == 1 {
            picture.fill(Rect::new(at.x + x, at.y + y, width, height), 0);
        }
    }
}
