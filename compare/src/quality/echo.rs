//! Keys that are echoed in known cells of the screen, one after the other.
//!
//! While something else moves, the first change after a key says nothing. Here it is known
//! where each key appears: its answer is the first change of that cell's pixels.

use std::collections::VecDeque;

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;

/// Cells of text, filled from left to right and then line by line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cells {
    /// Top left corner of the first one, where the first key appears.
    pub origin: Point,
    /// Size of one.
    pub cell: Size,
    /// Cells in a line.
    pub columns: u32,
}

impl Cells {
    /// Where the n-th key appears, from 0.
    pub fn cell(&self, n: u32) -> Rect {
        let (row, column) = (n / self.columns.max(1), n % self.columns.max(1));
        let at = self.origin.offset((column * self.cell.width) as i32, (row * self.cell.height) as i32);
        Rect::at(at, self.cell)
    }
}

/// Keys on their way, and how long the others took.
#[derive(Debug, Clone)]
pub struct Echoes {
    cells: Cells,
    /// The picture before the first key.
    before: Picture,
    keys: u32,
    waiting: VecDeque<(u32, Micros)>,
    samples: Vec<f64>,
}

impl Echoes {
    /// Nothing was typed yet, and the viewer shows this.
    pub fn new(cells: Cells, shown: &Picture) -> Self {
        Self { cells, before: shown.clone(), keys: 0, waiting: VecDeque::new(), samples: Vec::new() }
    }

    /// The next key is pressed.
    pub fn typed(&mut self, at: Micros) {
        self.waiting.push_back((self.keys, at));
        self.keys += 1;
    }

    /// The viewer may show something else.
    pub fn look(&mut self, shown: &Picture, at: Micros) {
        let (cells, before, samples) = (self.cells, &self.before, &mut self.samples);
        self.waiting.retain(|(n, typed)| {
            let cell = cells.cell(*n);
            let (was, is) = (before.crop(cell), shown.crop(cell));
            let same = was.size() == is.size() && was.rows().zip(is.rows()).all(|(a, b)| a == b);
            if !same {
                samples.push(at.since(*typed).as_millis_f64());
            }
            same
        });
    }

    /// Milliseconds from each key to its echo, in the order in which they came.
    pub fn samples(&self) -> &[f64] {
        &self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_the_time_of_its_own_cell() {
        let cells = Cells { origin: Point::new(10, 20), cell: Size::new(9, 15), columns: 2 };
        assert_eq!(cells.cell(3), Rect::new(19, 35, 9, 15));
        let mut screen = Picture::new(Size::new(100, 100), 0);
        let mut echoes = Echoes::new(cells, &screen);
        let at = Micros::from_millis;
        echoes.typed(at(0));
        echoes.typed(at(100));
        // Something else.
        screen.fill(Rect::new(60, 0, 40, 100), 1);
        echoes.look(&screen, at(150));
        assert!(echoes.samples().is_empty());
        screen.fill(Rect::new(12, 22, 1, 1), 1);
        echoes.look(&screen, at(260));
        echoes.typed(at(300));
        screen.fill(Rect::new(21, 22, 1, 1), 1);
        screen.fill(Rect::new(12, 37, 1, 1), 1);
        echoes.look(&screen, at(340));
        echoes.look(&screen, at(900));
        assert_eq!(echoes.samples(), [260.0, 240.0, 40.0]);
    }
}
