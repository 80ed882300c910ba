//! Drawing the picture at the window's scale: each window pixel is the mean of the
//! screen area under it, in exact integers.
//!
//! At whole factors this *is* the nearest neighbour, hence sharp; enlarging by 1.5
//! it mixes only where a window pixel straddles two screen pixels, which keeps text
//! crisper than bilinear interpolation; shrinking, it leaves out no thin line.

use std::ops::Range;

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::Picture;

/// Maps a picture to a rectangle of window pixels.
#[derive(Debug, Default)]
pub(super) struct Scaler {
    columns: Axis,
    rows: Axis,
}

/// One direction: which source pixels make up each target pixel.
#[derive(Debug, Default)]
struct Axis {
    source: u32,
    screen: u32,
    target: u32,
    /// Screen pixels a transmitted pixel.
    divisor: u32,
    /// Where each target pixel's taps begin in `taps`; one more entry than target pixels.
    starts: Vec<u32>,
    /// Source pixel and weight; the weights of one target pixel sum to 256.
    taps: Vec<(u32, u16)>,
}

impl Scaler {
    /// From a picture of `source` pixels, showing a screen of `screen` pixels, to
    /// `target` window pixels. None of them may be empty.
    pub(super) fn new(source: Size, screen: Size, target: Size) -> Self {
        Self {
            columns: Axis::new(source.width, screen.width, target.width),
            rows: Axis::new(source.height, screen.height, target.height),
        }
    }

    /// The target pixels that depend on `damage` of the source.
    pub(super) fn covering(&self, damage: &Rect) -> Rect {
        let columns = self.columns.covering(damage.left, damage.right);
        let rows = self.rows.covering(damage.top, damage.bottom);
        Rect::from_corners(columns.start, rows.start, columns.end, rows.end)
    }

    /// Draws the target pixels in `part` (relative to the target, which must contain
    /// it) into `out`, where the target's first pixel is at `origin`; clipped to `out`.
    pub(super) fn paint(&self, picture: &Picture, part: Rect, out: &mut Picture, origin: Point) {
        let part = part.offset(origin.x, origin.y).intersection(&out.bounds());
        if part.is_empty() || picture.size() != Size::new(self.columns.source, self.rows.source) {
            return;
        }
        let columns = (part.left - origin.x) as usize..(part.right - origin.x) as usize;
        let sharp = self.columns.is_sharp() && self.rows.is_sharp();
        let mut filter = Filter {
            axis: &self.columns,
            columns: columns.clone(),
            rows: [(u32::MAX, vec![]), (u32::MAX, vec![])],
        };
        let mut sum = vec![0u64; columns.len()];
        let mut last = None;
        for y in part.top..part.bottom {
            let taps = self.rows.taps((y - origin.y) as usize);
            if sharp {
                let row = taps[0].0;
                if last == Some(row) {
                    let width = out.size().width as usize;
                    let above = (y as usize - 1) * width + part.left as usize;
                    out.data_mut().copy_within(above..above + columns.len(), above + width);
                } else {
                    let from = picture.row(row as i32, 0, self.columns.source as i32);
                    self.columns.pick(from, columns.clone(), out.row_mut(y, part.left, part.right));
                }
                last = Some(row);
                continue;
            }
            sum.fill(0);
            for &(row, weight) in taps {
                for (s, p) in sum.iter_mut().zip(filter.row(picture, row)) {
                    *s += p * u64::from(weight);
                }
            }
            for (o, s) in out.row_mut(y, part.left, part.right).iter_mut().zip(&sum) {
                *o = narrow(round(*s));
            }
        }
    }

    /// The whole picture at another size, alpha included.
    pub(super) fn resample(picture: &Picture, size: Size) -> Picture {
        let mut out = Picture::new(size, 0);
        if !picture.size().is_empty() && !size.is_empty() {
            let scaler = Self::new(picture.size(), picture.size(), size);
            scaler.paint(picture, Rect::of_size(size), &mut out, Point::default());
        }
        out
    }
}

impl Axis {
    fn new(source: u32, screen: u32, target: u32) -> Self {
        let divisor = screen.div_ceil(source.max(1)).max(1);
        let mut axis = Self { source, screen, target, divisor, starts: vec![0], taps: Vec::new() };
        if source == 0 || screen == 0 || target == 0 {
            return axis;
        }
        // In units of 1/target screen pixels, target pixel x covers x * screen ..
        // (x + 1) * screen and source pixel i covers i * step .. (i + 1) * step.
        let (screen, step) = (u64::from(screen), u64::from(divisor) * u64::from(target));
        axis.starts.reserve(target as usize);
        for x in 0..u64::from(target) {
            let (begin, end) = (x * screen, (x + 1) * screen);
            let mut done = 0;
            let mut i = begin / step;
            while i * step < end {
                // Weights are differences of the rounded running sum, so they sum to 256.
                let covered = ((i + 1) * step).min(end) - begin;
                let upto = ((covered * 512 + screen) / (2 * screen)) as u16;
                if upto > done {
                    // A last, cut-off transmitted pixel stands for the rest of the screen.
                    axis.taps.push((i.min(u64::from(source) - 1) as u32, upto - done));
                    done = upto;
                }
                i += 1;
            }
            axis.starts.push(axis.taps.len() as u32);
        }
        axis
    }

    fn taps(&self, x: usize) -> &[(u32, u16)] {
        &self.taps[self.starts[x] as usize..self.starts[x + 1] as usize]
    }

    /// Whether every target pixel is one source pixel.
    fn is_sharp(&self) -> bool {
        self.taps.len() == self.target as usize
    }

    /// Copies single source pixels to the target pixels in `range`.
    fn pick(&self, from: &[u32], range: Range<usize>, to: &mut [u32]) {
        if self.source == self.target && self.divisor == 1 {
            to.copy_from_slice(&from[range]);
            return;
        }
        for (t, &(i, _)) in to.iter_mut().zip(&self.taps[range]) {
            *t = from[i as usize];
        }
    }

    fn covering(&self, begin: i32, end: i32) -> Range<i32> {
        if self.screen == 0 {
            return 0..0;
        }
        let step = i64::from(self.divisor) * i64::from(self.target);
        let screen = i64::from(self.screen);
        let first = (i64::from(begin) * step).div_euclid(screen);
        let last = -(-i64::from(end) * step).div_euclid(screen);
        first.clamp(0, self.target.into()) as i32..last.clamp(0, self.target.into()) as i32
    }
}

/// Filters source rows across, keeping the last two: neighbouring target rows share them.
struct Filter<'a> {
    axis: &'a Axis,
    columns: Range<usize>,
    rows: [(u32, Vec<u64>); 2],
}

impl Filter<'_> {
    fn row(&mut self, picture: &Picture, y: u32) -> &[u64] {
        if self.rows[0].0 != y {
            self.rows.swap(0, 1);
        }
        let (kept, sums) = &mut self.rows[0];
        if *kept != y {
            *kept = y;
            let from = picture.row(y as i32, 0, self.axis.source as i32);
            sums.clear();
            sums.extend(self.columns.clone().map(|x| match self.axis.taps(x) {
                &[(i, _)] => widen(from[i as usize]),
                taps => round(taps.iter().map(|&(i, w)| widen(from[i as usize]) * u64::from(w)).sum()),
            }));
        }
        sums
    }
}

/// The four channels of a pixel in 16 bits each.
const fn widen(c: u32) -> u64 {
    (c & 0x00ff_00ff) as u64 | ((c & 0xff00_ff00) as u64) << 24
}

/// Each channel divided by 256 and rounded: 255 * 256 + 128 still fits 16 bits.
const fn round(sum: u64) -> u64 {
    (sum + 0x0080_0080_0080_0080) >> 8 & 0x00ff_00ff_00ff_00ff
}

const fn narrow(c: u64) -> u32 {
    (c & 0x00ff_00ff) as u32 | (c >> 24) as u32 & 0xff00_ff00
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::pixel::rgb;

    fn noise(size: Size) -> Picture {
        let mut x = 1u32;
        let data = (0..size.area()).map(|_| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            x >> 8
        });
        Picture::from_pixels(size, data.collect()).unwrap()
    }

    #[test]
    fn one_to_one_is_a_copy() {
        let p = noise(Size::new(37, 21));
        assert_eq!(Scaler::resample(&p, p.size()), p);
    }

    #[test]
    fn whole_factors_are_nearest_neighbours() {
        let p = noise(Size::new(13, 7));
        let big = Scaler::resample(&p, Size::new(39, 21));
        for y in 0..21 {
            for x in 0..39 {
                assert_eq!(big.pixel(Point::new(x, y)), p.pixel(Point::new(x / 3, y / 3)));
            }
        }
    }

    #[test]
    fn one_colour_stays_that_colour() {
        let p = Picture::new(Size::new(50, 40), 0xfffe_017f);
        for size in [Size::new(33, 29), Size::new(71, 59), Size::new(1, 1), Size::new(500, 3)] {
            assert!(Scaler::resample(&p, size).data().iter().all(|&c| c == 0xfffe_017f), "{size:?}");
        }
    }

    #[test]
    fn shrinking_takes_the_mean() {
        let p =
            Picture::from_pixels(Size::new(2, 2), vec![0, rgb(255, 0, 0), rgb(0, 255, 0), rgb(255, 255, 4)]);
        let one = Scaler::resample(&p.unwrap(), Size::new(1, 1));
        assert_eq!(one.data(), [rgb(128, 128, 1)]);
    }

    #[test]
    fn a_half_scale_picture_covers_an_odd_screen() {
        // 5 screen pixels sent as 3: the last one stands for a single screen pixel.
        let p = Picture::from_pixels(Size::new(3, 1), vec![1, 2, 3]).unwrap();
        let scaler = Scaler::new(p.size(), Size::new(5, 1), Size::new(5, 1));
        let mut out = Picture::new(Size::new(5, 1), 0);
        scaler.paint(&p, out.bounds(), &mut out, Point::default());
        assert_eq!(out.data(), [1, 1, 2, 2, 3]);
    }

    #[test]
    fn painting_the_damage_equals_painting_all() {
        let screen = Size::new(60, 44);
        for (source, target) in [
            (screen, Size::new(41, 30)),
            (screen, Size::new(97, 71)),
            (screen, Size::new(120, 88)),
            (Size::new(30, 22), Size::new(75, 55)),
            (Size::new(15, 11), screen),
        ] {
            let scaler = Scaler::new(source, screen, target);
            let (before, mut after) = (noise(source), noise(source));
            let damage = Rect::new(3, 2, 7, 5);
            after.data_mut().copy_from_slice(before.data());
            after.fill(damage, 0x00ff_ffff);
            let origin = Point::new(-4, 5);
            let mut patched = Picture::new(Size::new(90, 70), 9);
            let mut whole = patched.clone();
            scaler.paint(&before, Rect::of_size(target), &mut patched, origin);
            scaler.paint(&after, scaler.covering(&damage), &mut patched, origin);
            scaler.paint(&after, Rect::of_size(target), &mut whole, origin);
            assert_eq!(patched, whole, "{source:?} {target:?}");
        }
    }
}
