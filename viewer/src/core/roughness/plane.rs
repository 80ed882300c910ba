//! A bit for each pixel of a surface.

use panto_protocol::geometry::{Point, Rect, Size};

/// A set of a surface's pixels: an eighth of a byte each, so that it costs a thirty-second
/// of the surface's picture.
#[derive(Debug, Clone, Default)]
pub(super) struct Plane {
    size: Size,
    /// Row by row, without gaps between rows: a surface may be one pixel wide.
    words: Vec<u64>,
    /// How many bits are set.
    ones: u64,
}

/// What becomes of bits that others are put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Replace,
    Unite,
}

impl Plane {
    /// The empty set.
    pub(super) fn new(size: Size) -> Self {
        Self { size, words: vec![0; size.area().div_ceil(64) as usize], ones: 0 }
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// How many pixels are in it.
    pub(super) fn count(&self) -> u64 {
        self.ones
    }

    /// Puts the pixels of `rect` into the set or takes them out of it, as far as they lie on
    /// the surface.
    pub(super) fn fill(&mut self, rect: Rect, on: bool) {
        let rect = rect.intersection(&Rect::of_size(self.size));
        if !on && self.ones == 0 {
            return;
        }
        let value = if on { u64::MAX } else { 0 };
        for y in rect.top..rect.bottom {
            let start = self.bit(rect.left, y);
            for (at, n) in steps(rect.width()) {
                self.write(start + at, n, value, Put::Replace);
            }
        }
    }

    /// The part in `rect`, as far as that lies on the surface; `None` if nothing is in it.
    pub(super) fn crop(&self, rect: Rect) -> Option<Self> {
        let rect = rect.intersection(&Rect::of_size(self.size));
        if self.ones == 0 || rect.is_empty() {
            return None;
        }
        let mut part = Self::new(rect.size());
        part.put(self, rect, Point::default(), Put::Replace);
        (part.ones > 0).then_some(part)
    }

    /// Puts what `from` has in `rect` to `to`, as far as both lie on their surfaces.
    pub(super) fn put(&mut self, from: &Self, rect: Rect, to: Point, how: Put) {
        let (dx, dy) = (to.x - rect.left, to.y - rect.top);
        let rect = rect.intersection(&Rect::of_size(from.size));
        let place = rect.offset(dx, dy).intersection(&Rect::of_size(self.size));
        for y in place.top..place.bottom {
            let source = from.bit(place.left - dx, y - dy);
            let start = self.bit(place.left, y);
            for (at, n) in steps(place.width()) {
                self.write(start + at, n, from.read(source + at, n), how);
            }
        }
    }

    /// Another size; pixels that are on both stay, new ones are not in the set.
    pub(super) fn resize(&mut self, size: Size) {
        let mut resized = Self::new(size);
        resized.put(self, Rect::of_size(self.size), Point::default(), Put::Replace);
        *self = resized;
    }

    /// Number of the bit of a pixel on the surface.
    fn bit(&self, x: i32, y: i32) -> usize {
        y as usize * self.size.width as usize + x as usize
    }

    /// `1 <= n <= 64` bits from bit `at` on, the first one lowest; those above are undefined.
    fn read(&self, at: usize, n: u32) -> u64 {
        let (word, shift) = (at / 64, (at % 64) as u32);
        let low = self.words[word] >> shift;
        match shift + n > 64 {
            true => low | self.words[word + 1] << (64 - shift),
            false => low,
        }
    }

    /// Writes `1 <= n <= 64` bits from bit `at` on.
    fn write(&mut self, at: usize, n: u32, value: u64, how: Put) {
        let mask = u64::MAX >> (64 - n);
        let value = value & mask;
        if value == 0 && how == Put::Unite {
            return;
        }
        let (word, shift) = (at / 64, (at % 64) as u32);
        self.write_word(word, mask << shift, value << shift, how);
        if shift + n > 64 {
            self.write_word(word + 1, mask >> (64 - shift), value >> (64 - shift), how);
        }
    }

    fn write_word(&mut self, word: usize, mask: u64, value: u64, how: Put) {
        let word = &mut self.words[word];
        let before = word.count_ones();
        *word = match how {
            Put::Replace => *word & !mask | value,
            Put::Unite => *word | value,
        };
        self.ones = self.ones + u64::from(word.count_ones()) - u64::from(before);
    }
}

/// A row's bits in steps: where each begins, and how many it has, at most 64.
fn steps(width: u32) -> impl Iterator<Item = (usize, u32)> {
    (0..width).step_by(64).map(move |at| (at as usize, (width - at).min(64)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Widths that are, and are not, a multiple of a word's bits.
    const SIZES: [Size; 4] = [Size::new(1, 90), Size::new(64, 9), Size::new(70, 11), Size::new(131, 5)];

    fn size() -> impl Strategy<Value = Size> {
        prop::sample::select(SIZES.to_vec())
    }

    fn rect() -> impl Strategy<Value = Rect> {
        (-9..140i32, -9..99i32, 0..150u32, 0..99u32).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h))
    }

    fn bits(plane: &Plane) -> Vec<bool> {
        let bits: Vec<bool> =
            (0..plane.size.area() as usize).map(|i| plane.words[i / 64] >> (i % 64) & 1 == 1).collect();
        assert_eq!(plane.count(), bits.iter().filter(|on| **on).count() as u64);
        bits
    }

    fn filled(size: Size, fills: &[(Rect, bool)]) -> (Plane, Vec<bool>) {
        let mut plane = Plane::new(size);
        let mut plain = vec![false; size.area() as usize];
        for &(rect, on) in fills {
            plane.fill(rect, on);
            for (i, bit) in plain.iter_mut().enumerate() {
                let (x, y) = (i as i32 % size.width as i32, i as i32 / size.width as i32);
                if rect.contains(Point::new(x, y)) {
                    *bit = on;
                }
            }
        }
        (plane, plain)
    }

    proptest! {
        #[test]
        fn it_is_a_bitmap(
            sizes in (size(), size()),
            first in prop::collection::vec((rect(), any::<bool>()), 0..6),
            second in prop::collection::vec((rect(), any::<bool>()), 0..6),
            rect in rect(),
            to in (-9..140i32, -9..99i32),
            unite: bool,
        ) {
            let (from, plain_from) = filled(sizes.0, &first);
            let (mut onto, mut plain) = filled(sizes.1, &second);
            prop_assert_eq!(&bits(&from), &plain_from);
            prop_assert_eq!(&bits(&onto), &plain);
            let to = Point::new(to.0, to.1);
            onto.put(&from, rect, to, if unite { Put::Unite } else { Put::Replace });
            for (i, bit) in plain.iter_mut().enumerate() {
                let (x, y) = (i as i32 % sizes.1.width as i32, i as i32 / sizes.1.width as i32);
                let at = Point::new(x - to.x + rect.left, y - to.y + rect.top);
                if rect.contains(at) && Rect::of_size(sizes.0).contains(at) {
                    let new = plain_from[(at.y * sizes.0.width as i32 + at.x) as usize];
                    *bit = new || unite && *bit;
                }
            }
            prop_assert_eq!(&bits(&onto), &plain);
            let inside = rect.intersection(&Rect::of_size(sizes.0));
            let part = from.crop(rect);
            let there = (inside.top..inside.bottom).flat_map(|y| (inside.left..inside.right).map(move |x| (x, y)));
            let there: Vec<bool> =
                there.map(|(x, y)| plain_from[(y * sizes.0.width as i32 + x) as usize]).collect();
            prop_assert_eq!(part.is_some(), there.contains(&true));
            if let Some(part) = part {
                prop_assert_eq!(bits(&part), there);
            }
            let mut resized = from.clone();
            resized.resize(sizes.1);
            let (mut again, _) = filled(sizes.1, &[]);
            again.put(&from, Rect::of_size(sizes.0), Point::default(), Put::Replace);
            prop_assert_eq!(bits(&resized), bits(&again));
        }
    }
}
