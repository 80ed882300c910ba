//! Choosing the colours of a cell: median cut by variance, in integers.
//!
//! All pixels start in one box. The box with the largest sum of squared differences
//! from its mean, `⌊Σ(n·Σv² - (Σv)²) / n⌋` over the channels, is cut (the oldest among
//! equals), along the channel with the largest part of it (red before green before
//! blue), into values up to and beyond the mean `⌊Σv / n⌋`; until there are as many
//! boxes as colours or every box is of one colour. A box's colour is its mean, each
//! channel `⌊(Σv + ⌊n/2⌋) / n⌋`. Nothing depends on the order of the pixels.

use std::collections::BinaryHeap;

use crate::pixel::{Color, Pixels, rgb};

/// Chooses palettes, reusing memory.
pub(super) struct Cutter {
    /// The pixels, grouped by box.
    items: Vec<Color>,
    spare: Vec<Color>,
    boxes: Vec<ColorBox>,
    /// Error and reversed number of every box that can be cut.
    queue: BinaryHeap<(u64, std::cmp::Reverse<usize>)>,
    colors: Vec<Color>,
}

/// Some of the pixels: `items[start..start + n]`.
#[derive(Clone, Copy)]
struct ColorBox {
    start: usize,
    /// Sums over at most 4096 pixels: `4096 · 255² < 2^32`.
    n: u32,
    sums: [u32; 3],
    squares: [u32; 3],
}

impl Cutter {
    pub(super) const fn new() -> Self {
        Self {
            items: Vec::new(),
            spare: Vec::new(),
            boxes: Vec::new(),
            queue: BinaryHeap::new(),
            colors: Vec::new(),
        }
    }

    /// At most `most` colours for the pixels of a cell.
    pub(super) fn cut(&mut self, cell: Pixels<'_>, most: usize) -> &[Color] {
        self.items.clear();
        for row in cell.rows() {
            self.items.extend_from_slice(row);
        }
        self.boxes.clear();
        self.queue.clear();
        self.add(ColorBox::around(&self.items, 0), None);
        while self.boxes.len() < most {
            let Some((_, number)) = self.queue.pop() else { break };
            let old = self.boxes[number.0];
            let (axis, mean) = old.best_cut();
            let items = &mut self.items[old.start..old.start + old.n as usize];
            let low = partition(items, &mut self.spare, axis, mean);
            // The shorter part is added up, the other one is the rest.
            let (first, second) = if low <= items.len() / 2 {
                let first = ColorBox::around(&items[..low], old.start);
                (first, old.without(&first, old.start + low))
            } else {
                let second = ColorBox::around(&items[low..], old.start + low);
                (old.without(&second, old.start), second)
            };
            self.add(first, Some(number.0));
            self.add(second, None);
        }
        self.colors.clear();
        self.colors.extend(self.boxes.iter().map(ColorBox::mean));
        &self.colors
    }

    /// Puts a box in the place of an old one or behind all.
    fn add(&mut self, new: ColorBox, number: Option<usize>) {
        let error = new.error();
        let number = match number {
            Some(n) => {
                self.boxes[n] = new;
                n
            }
            None => {
                self.boxes.push(new);
                self.boxes.len() - 1
            }
        };
        // One pixel off by one is no error after rounding down, but can still be cut.
        if new.spread().iter().any(|&s| s > 0) {
            self.queue.push((error, std::cmp::Reverse(number)));
        }
    }
}

impl ColorBox {
    fn around(items: &[Color], start: usize) -> Self {
        // Four lanes, though the last is of no use: that is one vector register.
        let (mut sums, mut squares) = ([0u32; 4], [0u32; 4]);
        for item in items.iter().map(|c| c.to_le_bytes()) {
            for k in 0..4 {
                let v = u16::from(item[k]);
                sums[k] += u32::from(v);
                // Fits 16 bits, which every processor multiplies by the vector.
                squares[k] += u32::from(v * v);
            }
        }
        let [b, g, r, _] = sums;
        let [b2, g2, r2, _] = squares;
        Self { start, n: items.len() as u32, sums: [r, g, b], squares: [r2, g2, b2] }
    }

    /// What is left of this box, from `start` on, without a part of it.
    fn without(&self, part: &ColorBox, start: usize) -> Self {
        let minus = |a: [u32; 3], b: [u32; 3]| [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
        Self {
            start,
            n: self.n - part.n,
            sums: minus(self.sums, part.sums),
            squares: minus(self.squares, part.squares),
        }
    }

    /// `n · Σv² - (Σv)²` of each channel: 0 exactly where all values are equal.
    fn spread(&self) -> [u64; 3] {
        [0, 1, 2].map(|k| {
            u64::from(self.n) * u64::from(self.squares[k]) - u64::from(self.sums[k]) * u64::from(self.sums[k])
        })
    }

    fn error(&self) -> u64 {
        self.spread().iter().sum::<u64>() / u64::from(self.n.max(1))
    }

    /// The channel to cut along and the largest value of the first part.
    fn best_cut(&self) -> (usize, u8) {
        let spread = self.spread();
        let mut axis = 0;
        for k in 1..3 {
            if spread[k] > spread[axis] {
                axis = k;
            }
        }
        (axis, (self.sums[axis] / self.n.max(1)) as u8)
    }

    fn mean(&self) -> Color {
        let n = self.n.max(1);
        let [r, g, b] = self.sums.map(|sum| ((sum + n / 2) / n) as u8);
        rgb(r, g, b)
    }
}

/// Moves the items with a value of at most `mean` to the front and returns how many they are.
///
/// Without a branch, which photographs would mispredict every other time: each item is
/// written as the next of both parts, and only one of the two counts.
fn partition(items: &mut [Color], spare: &mut Vec<Color>, axis: usize, mean: u8) -> usize {
    if spare.len() < items.len() {
        spare.resize(items.len(), 0);
    }
    let shift = 16 - 8 * axis;
    let mut low = 0;
    for i in 0..items.len() {
        let item = items[i];
        items[low] = item;
        spare[i - low] = item;
        low += usize::from((item >> shift) as u8 <= mean);
    }
    let high = items.len() - low;
    items[low..].copy_from_slice(&spare[..high]);
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::pixel::Picture;
    use crate::quantize::testing::random;

    fn cut(pixels: &[Color], most: usize) -> Vec<Color> {
        let size = Size::new(pixels.len() as u32, 1);
        let picture = Picture::from_pixels(size, pixels.to_vec()).expect("as many pixels");
        Cutter::new().cut(picture.view(), most).to_vec()
    }

    #[test]
    fn vectors() {
        assert_eq!(cut(&[rgb(0, 0, 0), rgb(1, 0, 0)], 1), [rgb(1, 0, 0)]);
        // The mean of red is 52: two values on each side.
        let four = [rgb(0, 0, 0), rgb(10, 0, 0), rgb(100, 0, 0), rgb(101, 0, 0)];
        assert_eq!(cut(&four, 2), [rgb(5, 0, 0), rgb(101, 0, 0)]);
        assert_eq!(cut(&four, 3), [rgb(0, 0, 0), rgb(101, 0, 0), rgb(10, 0, 0)]);
        assert_eq!(cut(&four, 99).len(), 4);
    }

    #[test]
    fn close_colours_can_be_told_apart() {
        let mut pixels = vec![rgb(9, 9, 9); 4000];
        pixels.push(rgb(9, 10, 9));
        assert_eq!(cut(&pixels, 2), [rgb(9, 9, 9), rgb(9, 10, 9)]);
    }

    #[test]
    fn the_order_of_pixels_is_nothing() {
        let mut state = 77;
        let mut pixels: Vec<Color> = (0..3000).map(|_| random(&mut state) & 0x003f_7f0f).collect();
        let before = cut(&pixels, 64);
        pixels.reverse();
        pixels.rotate_left(1234);
        assert_eq!(cut(&pixels, 64), before);
    }
}
