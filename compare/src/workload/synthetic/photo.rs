//! Something like a photograph: noise whose octaves grow weaker as they grow finer, as in pictures of nature.

use panto_protocol::geometry::Size;
use panto_protocol::pixel::Picture;

use super::chance::Chance;

/// The coarsest octave's distance from knot to knot, as a power of two; the finest is 2 pixels.
const COARSEST: u32 = 7;

/// The n-th picture of this size.
pub(super) fn photo(size: Size, n: u64) -> Picture {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut chance = Chance::new(2_000_000 + n);
    // Light has all octaves, colour the coarse ones only.
    let light = field(width, height, 1, 90, &mut chance);
    let warm = field(width, height, 4, 45, &mut chance);
    let green = field(width, height, 4, 25, &mut chance);
    let mut out = Picture::new(size, 0);
    for (at, pixel) in out.data_mut().iter_mut().enumerate() {
        let clamp = |value: i32| value.clamp(0, 255) as u32;
        // Brighter above, as under a sky.
        let sky = 40 - (at / width * 80 / height) as i32;
        // What a sensor adds.
        let grain = chance.below(5) as i32 - 2;
        let base = 125 + sky + light[at] + grain;
        *pixel = clamp(base + warm[at]) << 16 | clamp(base + green[at]) << 8 | clamp(base - warm[at]);
    }
    out
}

/// A sum of octaves from the coarsest to 2^`finest` pixels; the coarsest reaches ± `height`.
fn field(width: usize, rows: usize, finest: u32, height: i32, chance: &mut Chance) -> Vec<i32> {
    let mut sum = vec![0; width * rows];
    for octave in (finest..=COARSEST).rev() {
        let side = 1usize << octave;
        let columns = width / side + 2;
        let reach = (height << 8 >> (COARSEST - octave)) as u64;
        let knots: Vec<i32> = (0..columns * (rows / side + 2))
            .map(|_| chance.below(2 * reach + 1) as i32 - reach as i32)
            .collect();
        for (y, row) in sum.chunks_mut(width).enumerate() {
            let (line, fy) = (&knots[y / side * columns..], smooth(y % side, side));
            for (x, value) in row.iter_mut().enumerate() {
                let (k, fx) = (x / side, smooth(x % side, side));
                let upper = line[k] * (256 - fx) + line[k + 1] * fx;
                let lower = line[columns + k] * (256 - fx) + line[columns + k + 1] * fx;
                *value += ((upper >> 8) * (256 - fy) + (lower >> 8) * fy) >> 16;
            }
        }
    }
    sum
}

/// How far from one knot to the next, 0 to 256, without a kink at either (3t² − 2t³).
fn smooth(at: usize, side: usize) -> i32 {
    let t = (at * 256 / side) as i32;
    (t * t * (768 - 2 * t)) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_alike_and_colours_are_many() {
        let picture = photo(Size::new(300, 200), 1);
        let colours: std::collections::BTreeSet<_> = picture.data().iter().collect();
        assert!(colours.len() > 10_000, "{}", colours.len());
        let green = |c: u32| (c >> 8 & 0xff) as i32;
        let pairs = picture.data().windows(2);
        let mean =
            pairs.map(|p| (green(p[0]) - green(p[1])).abs()).sum::<i32>() / picture.data().len() as i32;
        assert!((1..12).contains(&mean), "{mean}");
        assert_ne!(picture, photo(Size::new(300, 200), 2));
    }
}
