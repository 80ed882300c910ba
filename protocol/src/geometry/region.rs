//! A set of pixels as disjoint rectangles.

use super::{Point, Rect};

/// A set of pixels, kept as disjoint, non-empty rectangles in no promised order.
///
/// Sizes here are those of damage on a screen (tens of rectangles), so plain
/// lists beat banded trees; [`Region::simplify`] keeps it that way.
#[derive(Debug, Clone, Default)]
pub struct Region {
    rects: Vec<Rect>,
}

impl Region {
    /// The empty set.
    pub const fn new() -> Self {
        Self { rects: Vec::new() }
    }

    /// Whether no pixel is in it.
    pub fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    /// The rectangles: disjoint and non-empty.
    pub fn rects(&self) -> &[Rect] {
        &self.rects
    }

    /// Pixels in all.
    pub fn area(&self) -> u64 {
        self.rects.iter().map(Rect::area).sum()
    }

    /// The smallest rectangle around everything; empty for the empty set.
    pub fn bounds(&self) -> Rect {
        self.rects.iter().fold(Rect::default(), |b, r| b.union(r))
    }

    /// Empties the set, keeping its memory.
    pub fn clear(&mut self) {
        self.rects.clear();
    }

    /// Puts every pixel of `rect` into the set.
    pub fn add(&mut self, rect: Rect) {
        if rect.is_empty() || self.rects.iter().any(|r| r.contains_rect(&rect)) {
            return;
        }
        self.subtract(&rect);
        self.push_merging(rect);
    }

    /// Puts every pixel of `other` into the set.
    pub fn add_region(&mut self, other: &Region) {
        for &r in &other.rects {
            self.add(r);
        }
    }

    /// Takes every pixel of `rect` out of the set.
    pub fn subtract(&mut self, rect: &Rect) {
        if rect.is_empty() {
            return;
        }
        let mut i = 0;
        while i < self.rects.len() {
            let r = self.rects[i];
            let cut = r.intersection(rect);
            if cut.is_empty() {
                i += 1;
                continue;
            }
            self.rects.swap_remove(i);
            // The pieces do not touch `rect`, so pushing them behind `i` is safe.
            let pieces = [
                Rect::from_corners(r.left, r.top, r.right, cut.top),
                Rect::from_corners(r.left, cut.bottom, r.right, r.bottom),
                Rect::from_corners(r.left, cut.top, cut.left, cut.bottom),
                Rect::from_corners(cut.right, cut.top, r.right, cut.bottom),
            ];
            self.rects.extend(pieces.into_iter().filter(|p| !p.is_empty()));
        }
    }

    /// Takes every pixel of `other` out of the set.
    pub fn subtract_region(&mut self, other: &Region) {
        for r in &other.rects {
            self.subtract(r);
        }
    }

    /// The pixels that are also in `rect`.
    pub fn intersection(&self, rect: &Rect) -> Region {
        Region { rects: self.rects.iter().map(|r| r.intersection(rect)).filter(|r| !r.is_empty()).collect() }
    }

    /// The pixels that are also in `other`.
    pub fn intersection_region(&self, other: &Region) -> Region {
        let mut out = Region::new();
        for r in &other.rects {
            // Pieces of disjoint rectangles are disjoint.
            out.rects.extend(self.rects.iter().map(|s| s.intersection(r)).filter(|s| !s.is_empty()));
        }
        out
    }

    /// Whether any pixel of `rect` is in the set.
    pub fn intersects(&self, rect: &Rect) -> bool {
        self.rects.iter().any(|r| r.intersects(rect))
    }

    /// Whether the pixel at `p` is in the set.
    pub fn contains(&self, p: Point) -> bool {
        self.rects.iter().any(|r| r.contains(p))
    }

    /// Whether every pixel of `rect` is in the set.
    pub fn contains_rect(&self, rect: &Rect) -> bool {
        self.intersection(rect).area() == rect.area()
    }

    /// The set moved by (`dx`, `dy`).
    pub fn offset(&self, dx: i32, dy: i32) -> Region {
        Region { rects: self.rects.iter().map(|r| r.offset(dx, dy)).collect() }
    }

    /// Grows the set until it has at most `max` rectangles (`max >= 1`).
    ///
    /// Only for damage, where a pixel too many costs time and never a wrong picture.
    pub fn simplify(&mut self, max: usize) {
        while self.rects.len() > max {
            // Merge the two neighbours (in reading order) that waste the fewest pixels.
            self.rects.sort_unstable_by_key(|r| (r.top, r.left));
            let (i, _) = self
                .rects
                .windows(2)
                .map(|w| w[0].union(&w[1]).area() - w[0].area() - w[1].area())
                .enumerate()
                .min_by_key(|&(_, waste)| waste)
                .expect("more than one rectangle is left");
            let mut merged = self.rects[i].union(&self.rects[i + 1]);
            self.rects.drain(i..i + 2);
            // Swallow whatever it overlaps (cutting instead could make more
            // rectangles than it saves, and never end).
            while let Some(j) = self.rects.iter().position(|r| r.intersects(&merged)) {
                merged = self.rects.swap_remove(j).union(&merged);
            }
            self.push_merging(merged);
        }
    }

    /// Adds a rectangle that touches none of the others, joining it to those
    /// that share a whole edge with it.
    fn push_merging(&mut self, mut rect: Rect) {
        while let Some(i) = self.rects.iter().position(|r| shares_edge(r, &rect)) {
            rect = self.rects.swap_remove(i).union(&rect);
        }
        self.rects.push(rect);
    }
}

fn shares_edge(a: &Rect, b: &Rect) -> bool {
    (a.left == b.left && a.right == b.right && (a.bottom == b.top || b.bottom == a.top))
        || (a.top == b.top && a.bottom == b.bottom && (a.right == b.left || b.right == a.left))
}

impl From<Rect> for Region {
    fn from(rect: Rect) -> Self {
        let mut region = Region::new();
        region.add(rect);
        region
    }
}

impl FromIterator<Rect> for Region {
    fn from_iter<I: IntoIterator<Item = Rect>>(iter: I) -> Self {
        let mut region = Region::new();
        for r in iter {
            region.add(r);
        }
        region
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rect() -> impl Strategy<Value = Rect> {
        (0..24i32, 0..24i32, 0..9u32, 0..9u32).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h))
    }

    fn pixels(region: &Region) -> Vec<bool> {
        (0..32 * 32).map(|i| region.contains(Point::new(i % 32, i / 32))).collect()
    }

    proptest! {
        #[test]
        fn behaves_like_a_bitmap(ops in prop::collection::vec((any::<bool>(), rect()), 0..40)) {
            let mut region = Region::new();
            let mut bitmap = vec![false; 32 * 32];
            for (add, r) in ops {
                if add { region.add(r) } else { region.subtract(&r) }
                for y in r.top..r.bottom {
                    for x in r.left..r.right {
                        bitmap[(y * 32 + x) as usize] = add;
                    }
                }
                prop_assert_eq!(&pixels(&region), &bitmap);
                // Disjoint: the areas add up.
                prop_assert_eq!(region.area() as usize, bitmap.iter().filter(|&&b| b).count());
            }
        }

        #[test]
        fn simplify_only_grows(rects in prop::collection::vec(rect(), 0..30), max in 1..6usize) {
            let exact: Region = rects.into_iter().collect();
            let mut simple = exact.clone();
            simple.simplify(max);
            prop_assert!(simple.rects().len() <= max);
            for (e, s) in pixels(&exact).into_iter().zip(pixels(&simple)) {
                prop_assert!(!e || s);
            }
        }
    }
}
