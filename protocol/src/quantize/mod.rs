//! What a viewer at a reduced depth or scale should see, as an exact function of
//! the source picture.
//!
//! | depth | pixel of the result                                                           |
//! |-------|-------------------------------------------------------------------------------|
//! | 24    | the source                                                                    |
//! | 16    | nearest RGB565 value, or ordered dither; expanded by bit replication          |
//! | 8     | the source if its cell has at most 256 colours, else the nearest of 256 chosen from the cell |
//! | 4     | the same with 16 colours; ordered dither between them on request              |
//! | 1     | black below luma 128 (ordered dither: below the position's threshold), else white |
//!
//! Cells are 64 × 64 pixels from the picture's origin, cut at its edge. Palettes
//! come from the whole cell, so that the result depends on neither the order nor the
//! shape of the updates; [`Quantizer::reach`] says what a change of the source touches.
//! Dither depends on the position: what was copied from elsewhere is to be quantised again.

mod adaptive;
mod cut;
mod fixed;
mod nearest;
mod scale;

pub use scale::{downscale, reach as scaled_reach, scaled_size};

use crate::geometry::{Rect, Size};
use crate::message::Depth;
use crate::pixel::Picture;

/// Side of the cells that share a palette, in pixels.
pub const CELL: u32 = 64;

/// Reduces pictures to a depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Quantizer {
    /// Bits a pixel of the result.
    pub depth: Depth,
    /// Ordered 4 × 4 dither at the depths 16, 4 and 1.
    pub dither: bool,
}

impl Quantizer {
    /// Whether every picture is its own result.
    pub fn is_identity(&self) -> bool {
        self.depth == Depth::D24
    }

    /// Writes the result's pixels of `rect` (clipped to both pictures) to `dst`,
    /// which has the size of `src`. Outside of `rect` nothing is written.
    pub fn quantize(&self, src: &Picture, rect: Rect, dst: &mut Picture) {
        debug_assert_eq!(src.size(), dst.size());
        let rect = rect.intersection(&src.bounds()).intersection(&dst.bounds());
        if rect.is_empty() {
            return;
        }
        match self.depth {
            Depth::D24 => copy(src, rect, dst),
            Depth::D16 => fixed::quantize_16(src, rect, self.dither, dst),
            Depth::D8 => adaptive::Cells::new(256, false).quantize(src, rect, dst),
            Depth::D4 => adaptive::Cells::new(16, self.dither).quantize(src, rect, dst),
            Depth::D1 => fixed::quantize_1(src, rect, self.dither, dst),
        }
    }

    /// The pixels of the result that can change when those of `rect` changed in a
    /// source of `size`: clipped, and whole cells at the depths with palettes.
    pub fn reach(&self, rect: Rect, size: Size) -> Rect {
        let rect = rect.intersection(&Rect::of_size(size));
        if rect.is_empty() {
            return Rect::default();
        }
        match self.depth {
            Depth::D24 | Depth::D16 | Depth::D1 => rect,
            Depth::D8 | Depth::D4 => cells_around(rect).intersection(&Rect::of_size(size)),
        }
    }
}

/// The smallest rectangle of whole cells around a rectangle inside the picture.
fn cells_around(rect: Rect) -> Rect {
    let side = CELL as i32;
    let down = |v: i32| v.div_euclid(side) * side;
    let up = |v: i32| down(v + side - 1);
    Rect::from_corners(down(rect.left), down(rect.top), up(rect.right), up(rect.bottom))
}

/// Copies `rect`, which lies in both pictures, without the top bytes.
fn copy(src: &Picture, rect: Rect, dst: &mut Picture) {
    for y in rect.top..rect.bottom {
        let from = src.row(y, rect.left, rect.right);
        for (out, pixel) in dst.row_mut(y, rect.left, rect.right).iter_mut().zip(from) {
            *out = pixel & 0x00ff_ffff;
        }
    }
}

/// The Bayer matrix of 4 × 4: each of 0 to 15 once, neighbours far apart.
const BAYER: [[u8; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

/// The position's number in the matrix, which is tiled from the picture's origin.
const fn bayer(x: i32, y: i32) -> u8 {
    BAYER[(y & 3) as usize][(x & 3) as usize]
}

#[cfg(test)]
mod testing {
    //! What the tests of the depths share.

    use crate::geometry::Size;
    use crate::pixel::Picture;

    /// The next number of a xorshift generator.
    pub fn random(state: &mut u32) -> u32 {
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        *state
    }

    /// A picture whose cells differ: flat, of few colours, shaded, noise.
    pub fn mixed(size: Size, seed: u32) -> Picture {
        let mut state = seed | 1;
        let mut data = Vec::new();
        for y in 0..size.height {
            for x in 0..size.width {
                let noise = random(&mut state);
                data.push(match (x / 64 + y / 64 * 3 + seed) % 5 {
                    0 => 0x0020_4060,
                    1 => noise % 12 * 0x0011_0703,
                    2 => (x * 255 / size.width) << 16 | (y * 255 / size.height) << 8 | (noise & 15),
                    3 => noise % 200 * 0x0001_0101 + 0x0000_0020,
                    _ => noise >> 8,
                });
            }
        }
        Picture::from_pixels(size, data).expect("as many pixels")
    }

    /// Squared distance of two colours.
    pub fn distance(a: u32, b: u32) -> u32 {
        let (a, b) = (crate::pixel::channels(a), crate::pixel::channels(b));
        a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{distance, mixed};
    use super::*;
    use proptest::prelude::*;

    fn quantizers() -> impl Iterator<Item = Quantizer> {
        Depth::ALL.into_iter().flat_map(|depth| [false, true].map(|dither| Quantizer { depth, dither }))
    }

    fn whole(q: Quantizer, src: &Picture) -> Picture {
        let mut dst = Picture::new(src.size(), 0xdead_beef);
        q.quantize(src, src.bounds(), &mut dst);
        dst
    }

    #[test]
    fn colours_of_each_depth() {
        let src = mixed(Size::new(200, 150), 7);
        for q in quantizers() {
            let dst = whole(q, &src);
            assert!(dst.data().iter().all(|p| p >> 24 == 0));
            match q.depth {
                Depth::D24 => assert_eq!(dst, src),
                Depth::D16 => assert!(dst.data().iter().all(|&p| crate::encoding::is_565(p))),
                Depth::D1 => assert!(dst.data().iter().all(|&p| p == 0 || p == 0x00ff_ffff)),
                Depth::D8 | Depth::D4 => {
                    for cell in src.bounds().grid(CELL) {
                        let colors = |p: &Picture| {
                            let mut all: Vec<_> = p.crop(cell).iter().collect();
                            all.sort_unstable();
                            all.dedup();
                            all.len()
                        };
                        let most = 1 << q.depth.bits();
                        assert!(colors(&dst) <= most);
                        if colors(&src) <= most {
                            assert_eq!(dst.crop(cell).to_picture(), src.crop(cell).to_picture());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn deeper_is_closer() {
        let src = mixed(Size::new(192, 128), 3);
        let mut last = 0;
        for depth in [Depth::D24, Depth::D8, Depth::D4, Depth::D1] {
            let dst = whole(Quantizer { depth, dither: false }, &src);
            let pairs = src.data().iter().zip(dst.data());
            let error: u64 = pairs.map(|(&a, &b)| u64::from(distance(a, b))).sum();
            assert!(last <= error, "{depth:?}");
            last = error;
        }
    }

    #[test]
    fn reach_is_whole_cells() {
        let size = Size::new(200, 100);
        let rect = Rect::new(70, 10, 1, 1);
        let of = |depth| Quantizer { depth, dither: true }.reach(rect, size);
        assert_eq!(of(Depth::D16), rect);
        assert_eq!(of(Depth::D8), Rect::new(64, 0, 64, 64));
        let corner = Quantizer { depth: Depth::D4, dither: false }.reach(Rect::new(199, 99, 50, 50), size);
        assert_eq!(corner, Rect::from_corners(192, 64, 200, 100));
        let outside = Quantizer { depth: Depth::D4, dither: false }.reach(Rect::new(-90, 0, 5, 5), size);
        assert!(outside.is_empty());
    }

    /// A change of the algorithm changes what is on the wire for every peer that
    /// compares digests: this is the place where it shows.
    #[test]
    fn results_are_pinned() {
        let src = mixed(Size::new(150, 130), 5);
        let digests: Vec<u64> = quantizers()
            .map(|q| {
                whole(q, &src).data().iter().fold(0xcbf2_9ce4_8422_2325, |h: u64, &p| {
                    (h ^ u64::from(p)).wrapping_mul(0x0000_0100_0000_01b3)
                })
            })
            .collect();
        assert_eq!(digests[..], PINNED, "{digests:#018x?}");
    }

    /// Of 24, 16, 8, 4 and 1 bits, each without and with dither.
    const PINNED: [u64; 10] = [
        0x5061_1e62_05a9_e447,
        0x5061_1e62_05a9_e447,
        0x5289_7132_73de_a78d,
        0xc03c_badd_3852_2ed5,
        0x54c7_4508_dd3b_8505,
        0x54c7_4508_dd3b_8505,
        0xb52c_ae7c_3ae9_1674,
        0x24f1_0ac9_fbc7_da8d,
        0x4bee_a301_dba8_e0f6,
        0xecb0_3855_fb58_2fa4,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn pieces_make_the_whole(
            seed in any::<u32>(), w in 1..180u32, h in 1..140u32,
            cuts in prop::collection::vec((0..180i32, 0..140i32, 1..90u32, 1..90u32), 0..8),
        ) {
            let src = mixed(Size::new(w, h), seed);
            for q in quantizers() {
                let expected = whole(q, &src);
                // Cell by cell, backwards.
                let mut cells: Vec<_> = src.bounds().grid(CELL).collect();
                cells.reverse();
                let mut dst = Picture::new(src.size(), 0xdead_beef);
                for cell in cells {
                    q.quantize(&src, cell, &mut dst);
                }
                prop_assert_eq!(&dst, &expected);
                // Any rectangles: right inside, untouched outside.
                let mut dst = Picture::new(src.size(), 0xdead_beef);
                let mut mask = Picture::new(src.size(), 0);
                for &(x, y, w, h) in &cuts {
                    let rect = Rect::new(x, y, w, h);
                    q.quantize(&src, rect, &mut dst);
                    if rect.intersects(&src.bounds()) {
                        mask.fill(rect, 1);
                    }
                }
                for ((d, e), m) in dst.data().iter().zip(expected.data()).zip(mask.data()) {
                    prop_assert_eq!(*d, if *m == 1 { *e } else { 0xdead_beef });
                }
            }
        }

        #[test]
        fn nothing_changes_beyond_the_reach(
            seed in any::<u32>(), x in 0..150i32, y in 0..140i32, w in 1..40u32, h in 1..40u32,
        ) {
            let before = mixed(Size::new(150, 140), seed);
            let changed = Rect::new(x, y, w, h);
            let mut after = before.clone();
            after.fill(changed, seed & 0x00ff_ffff);
            for q in quantizers() {
                let mut dst = whole(q, &before);
                q.quantize(&after, q.reach(changed, after.size()), &mut dst);
                prop_assert_eq!(&dst, &whole(q, &after));
            }
        }
    }
}
