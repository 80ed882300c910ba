//! The nearest colour of a palette, without looking at all of them.
//!
//! The palette is sorted by the sum of the channels, then by colour; the distance of two
//! colours is the sum of the squared differences of their channels; among equally
//! near colours the first wins. Because `3 · distance >= (difference of the sums)²`,
//! the search goes outwards from the pixel's own sum and soon ends. It goes by blocks of
//! eight, whose distances are a few vector instructions: one by one took twice as long.

use crate::pixel::{Color, channels};

/// Largest sum of three channels.
const MAX_SUM: usize = 3 * 255;

/// Colours in a block.
const LANES: usize = 8;

/// The channel of the empty places in the last block: farther away than any colour,
/// and still `(3 · 1000²) << 8 < 2^31`.
const FAR: i16 = 1000;

/// A palette ready to be searched.
pub(super) struct Nearest {
    /// In order, the first of equal distance wins.
    colors: Vec<Color>,
    blocks: Vec<Block>,
    /// By sum: the block with the first colour of this sum or a larger one, else the last block.
    start: [u8; MAX_SUM + 1],
}

/// Up to eight neighbours of the sorted palette, by channel.
#[derive(Clone, Copy)]
struct Block {
    red: [i16; LANES],
    green: [i16; LANES],
    blue: [i16; LANES],
    /// Position in the palette.
    index: [i32; LANES],
    least_sum: i32,
    largest_sum: i32,
}

impl Nearest {
    pub(super) const fn new() -> Self {
        Self { colors: Vec::new(), blocks: Vec::new(), start: [0; MAX_SUM + 1] }
    }

    /// Takes the colours of a palette: 1 to 256.
    pub(super) fn set(&mut self, colors: &[Color]) {
        self.colors.clear();
        self.colors.extend_from_slice(colors);
        self.colors.sort_unstable_by_key(|&c| (sum(c), c));
        self.blocks.clear();
        self.blocks.extend(self.colors.chunks(LANES).enumerate().map(|(k, colors)| Block::new(k, colors)));
        let mut at = 0;
        for (sum, start) in self.start.iter_mut().enumerate() {
            while at + 1 < self.blocks.len() && self.blocks[at].largest_sum < sum as i32 {
                at += 1;
            }
            *start = at as u8;
        }
    }

    /// The nearest colour to red, green and blue, each 0 to 255.
    pub(super) fn of(&self, pixel: [i32; 3]) -> Color {
        let sum = pixel.iter().sum::<i32>();
        let middle = usize::from(self.start[sum as usize]);
        let pixel = pixel.map(|v| v as i16);
        let mut best = self.blocks[middle].nearest(pixel);
        let out_of_reach = |gap: i32, best: i32| gap * gap > 3 * (best >> 8);
        for block in &self.blocks[middle + 1..] {
            if out_of_reach(block.least_sum - sum, best) {
                break;
            }
            best = best.min(block.nearest(pixel));
        }
        for block in self.blocks[..middle].iter().rev() {
            if out_of_reach(sum - block.largest_sum, best) {
                break;
            }
            best = best.min(block.nearest(pixel));
        }
        self.colors[(best & 0xff) as usize]
    }

    /// The mean over the palette of the distance to the nearest other colour, as a length.
    pub(super) fn mean_step(&self) -> i32 {
        let n = self.colors.len() as i32;
        if n < 2 {
            return 0;
        }
        let steps = self.colors.iter().enumerate().map(|(i, &c)| {
            let others = self.colors.iter().enumerate().filter(|&(j, _)| j != i);
            others.map(|(_, &o)| distance(o, c)).min().map_or(0, i32::isqrt)
        });
        steps.sum::<i32>() / n
    }
}

impl Block {
    fn new(number: usize, colors: &[Color]) -> Self {
        let mut block = Block {
            red: [FAR; LANES],
            green: [FAR; LANES],
            blue: [FAR; LANES],
            index: [0; LANES],
            least_sum: colors.first().map_or(0, |&c| sum(c)),
            largest_sum: colors.last().map_or(0, |&c| sum(c)),
        };
        for (lane, &color) in colors.iter().enumerate() {
            let [r, g, b] = channels(color).map(i16::from);
            (block.red[lane], block.green[lane], block.blue[lane]) = (r, g, b);
            block.index[lane] = (number * LANES + lane) as i32;
        }
        block
    }

    /// Smallest distance and its position as one number, `distance << 8 | position`.
    fn nearest(&self, [r, g, b]: [i16; 3]) -> i32 {
        let square = |a: i16, b: i16| i32::from(a - b) * i32::from(a - b);
        let mut best = i32::MAX;
        for lane in 0..LANES {
            let distance =
                square(self.red[lane], r) + square(self.green[lane], g) + square(self.blue[lane], b);
            best = best.min(distance << 8 | self.index[lane]);
        }
        best
    }
}

fn sum(c: Color) -> i32 {
    channels(c).into_iter().map(i32::from).sum()
}

fn distance(a: Color, b: Color) -> i32 {
    let pairs = channels(a).into_iter().zip(channels(b));
    pairs.map(|(a, b)| (i32::from(a) - i32::from(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixel::rgb;
    use proptest::prelude::*;

    fn plain(nearest: &Nearest, pixel: [i32; 3]) -> Color {
        let [r, g, b] = pixel.map(|v| v as u8);
        nearest.colors.iter().copied().min_by_key(|&c| distance(c, rgb(r, g, b))).expect("a colour")
    }

    #[test]
    fn ties_go_to_the_first() {
        let mut nearest = Nearest::new();
        nearest.set(&[rgb(10, 0, 0), rgb(0, 0, 0), rgb(0, 10, 0)]);
        assert_eq!(nearest.of([5, 0, 0]), rgb(0, 0, 0));
        assert_eq!(nearest.of([10, 10, 0]), rgb(0, 10, 0));
    }

    #[test]
    fn steps() {
        let mut nearest = Nearest::new();
        nearest.set(&[rgb(0, 0, 0), rgb(30, 40, 0), rgb(33, 44, 0)]);
        assert_eq!(nearest.mean_step(), (50 + 5 + 5) / 3);
        nearest.set(&[rgb(1, 2, 3)]);
        assert_eq!(nearest.mean_step(), 0);
    }

    proptest! {
        #[test]
        fn agrees_with_looking_at_all(
            colors in prop::collection::vec(0..0x0100_0000u32, 1..256),
            pixels in prop::collection::vec(0..0x0100_0000u32, 1..50),
            coarse in any::<bool>(),
        ) {
            // Coarse values make ties.
            let of = |c: u32| if coarse { c & 0x00c0_c0c0 } else { c };
            let mut nearest = Nearest::new();
            nearest.set(&colors.iter().map(|&c| of(c)).collect::<Vec<_>>());
            for &pixel in pixels.iter().chain(&colors) {
                let pixel = channels(of(pixel)).map(i32::from);
                prop_assert_eq!(nearest.of(pixel), plain(&nearest, pixel));
            }
        }
    }
}
