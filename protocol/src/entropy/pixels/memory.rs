//! What followed a neighbourhood the last time.

use crate::pixel::Color;

/// Entries that are next to each other: as many as are fetched together.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([u32; 16]);

/// The colour that followed a neighbourhood the last time, and how sure that is (0 to 7).
#[derive(Debug, Clone)]
pub(super) struct Memory {
    /// Confidence in the highest byte. Made at the first use.
    lines: Vec<Line>,
    bits: u32,
}

/// An entry of a memory, or where it would be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// 0 if `sure` is 0.
    pub(super) color: Color,
    pub(super) sure: usize,
    tag: u32,
    line: usize,
    slot: usize,
}

impl Memory {
    /// Of `2^bits` entries.
    pub(super) fn new(bits: u32) -> Self {
        Self { lines: Vec::new(), bits }
    }

    /// Before anything else is asked of it.
    pub(super) fn make(&mut self) {
        if self.lines.is_empty() {
            self.lines = vec![Line([0; 16]); 1 << (self.bits - 4)];
        }
    }

    /// The line for what is above a pixel.
    #[inline]
    fn line(&self, above: u64) -> usize {
        (above >> (68 - self.bits)) as usize
    }

    /// The entry for what is above and to the left: one of two of the line. If it is
    /// neither, the one to give up.
    #[inline]
    pub(super) fn find(&self, above: Above, left: u64) -> Found {
        let all = above.hash.wrapping_add(left);
        let line = self.line(if above.flat { all.rotate_left(16) } else { above.hash });
        let slot = (left >> 60) as usize;
        let tag = ((all >> 32) as u32).wrapping_mul(0x9e37_79b1) & TAG;
        let entries = &self.lines[line].0;
        let (one, other) = (entries[slot & 15], entries[(slot ^ 1) & 15]);
        let (slot, entry) = match () {
            () if one & TAG == tag => (slot, one),
            () if other & TAG == tag => (slot ^ 1, other),
            () if one & SURE <= other & SURE => (slot, one),
            () => (slot ^ 1, other),
        };
        let (color, sure) = if entry & TAG == tag { (entry & COLOR, entry >> 24 & 7) } else { (0, 0) };
        Found { color, sure: sure as usize, tag, line, slot }
    }

    #[inline]
    pub(super) fn learn(&mut self, found: &Found, color: Color) {
        let entry = &mut self.lines[found.line].0[found.slot & 15];
        let sure = *entry >> 24 & 7;
        *entry = if found.sure > 0 && found.color == color {
            color | (sure + 1).min(7) << 24 | found.tag
        } else if sure <= 1 {
            color | 1 << 24 | found.tag
        } else {
            (*entry & !SURE) | (sure / 2) << 24
        };
    }
}

/// Parts of an entry.
const COLOR: u32 = 0x00ff_ffff;
const SURE: u32 = 0x0700_0000;
const TAG: u32 = 0xf800_0000;

/// Odd numbers without a pattern: those of a linear congruential generator from `seed` on.
const fn odd<const N: usize>(seed: u64) -> [u64; N] {
    let (mut out, mut i, mut x) = ([0; N], 0, seed);
    while i < N {
        x = x.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        out[i] = x | 1;
        i += 1;
    }
    out
}

/// Factors of the pixels of a neighbourhood.
const NEAR_ABOVE: [u64; 4] = odd(1);
const FAR_ABOVE: [u64; 15] = odd(2);
const LEFT: [u64; 4] = odd(3);

/// The sum of pixels by their factors: its highest bits are well mixed, and no product waits for another.
#[inline]
fn sum<const N: usize>(pixels: [Color; N], factors: [u64; N]) -> u64 {
    let mut sum = 0u64;
    for i in 0..N {
        sum = sum.wrapping_add((u64::from(pixels[i]) + 1).wrapping_mul(factors[i]));
    }
    sum
}

/// What is above a pixel.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Above {
    hash: u64,
    /// All the same: so common that what is to the left chooses the line.
    flat: bool,
}

impl Above {
    #[inline]
    fn of<const N: usize>(pixels: [Color; N], factors: [u64; N]) -> Self {
        Self { hash: sum(pixels, factors), flat: pixels.iter().all(|p| *p == pixels[0]) }
    }
}

/// Pixels whose lines are fetched together.
const AHEAD: usize = 16;

/// Lines for what is above the next pixels. They are looked for and fetched many at once,
/// as waiting for memory takes longer than all else.
#[derive(Debug, Clone, Default)]
pub(super) struct Ahead {
    first: usize,
    count: usize,
    far: [Above; AHEAD],
    near: [Above; AHEAD],
}

impl Ahead {
    /// Of a row: nothing yet.
    pub(super) fn reset(&mut self) {
        (self.first, self.count) = (usize::MAX, 0);
    }

    /// Lines of pixel `i` of a row that ends at `end`.
    #[inline]
    pub(super) fn lines(
        &mut self,
        far: &Memory,
        near: &Memory,
        new: &[Color],
        stride: usize,
        i: usize,
        end: usize,
    ) -> (Above, Above) {
        if i.wrapping_sub(self.first) >= self.count {
            self.fetch(far, near, new, stride, i, end);
        }
        let at = (i - self.first) & (AHEAD - 1);
        (self.far[at], self.near[at])
    }

    fn fetch(&mut self, far: &Memory, near: &Memory, new: &[Color], stride: usize, i: usize, end: usize) {
        // Few at first: a run may follow.
        self.count =
            if i == self.first.wrapping_add(self.count) { (2 * self.count).min(AHEAD) } else { AHEAD / 4 };
        self.first = i;
        let mut fetched = 0;
        for (j, i) in (i..end.min(i + self.count)).enumerate() {
            let (up1, up2, up3) = (i - stride, i - 2 * stride, i - 3 * stride);
            let a = &new[up1 - 3..up1 + 4];
            let b = &new[up2 - 2..up2 + 3];
            let c = &new[up3 - 1..up3 + 2];
            let all =
                [a[0], a[1], a[2], a[3], a[4], a[5], a[6], b[0], b[1], b[2], b[3], b[4], c[0], c[1], c[2]];
            self.far[j] = Above::of(all, FAR_ABOVE);
            self.near[j] = Above::of([a[2], a[3], a[4], b[2]], NEAR_ABOVE);
            fetched ^=
                far.lines[far.line(self.far[j].hash)].0[0] ^ near.lines[near.line(self.near[j].hash)].0[0];
        }
        std::hint::black_box(fetched);
    }
}

/// Hashes of the four and the two pixels to the left of pixel `i`.
#[inline]
pub(super) fn left(new: &[Color], i: usize) -> (u64, u64) {
    let near = sum([new[i - 1], new[i - 2]], [LEFT[0], LEFT[1]]);
    (near.wrapping_add(sum([new[i - 3], new[i - 4]], [LEFT[2], LEFT[3]])), near)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::vectors::stated;

    #[test]
    fn factors_and_sums_are_those_of_the_specification() {
        let lines: Vec<_> = [
            ("near", NEAR_ABOVE[0], NEAR_ABOVE[3]),
            ("far", FAR_ABOVE[0], FAR_ABOVE[14]),
            ("left", LEFT[0], LEFT[3]),
        ]
        .iter()
        .map(|(name, first, last)| format!("{name} factors {first:#018x} … {last:#018x}"))
        .collect();
        stated(&lines);
        let line = |p: [Color; 4]| {
            format!(
                "sum({:#08x}, {:#08x}, {:#08x}, {:#08x}) by left = {:#018x}",
                p[0],
                p[1],
                p[2],
                p[3],
                sum(p, LEFT)
            )
        };
        stated(&[line([0; 4]), line([0x0012_3456, 0x00ff_ffff, 0, 0x0000_0001])]);
    }
}
