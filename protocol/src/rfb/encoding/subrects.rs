//! Cutting a picture into rectangles of one value, for RRE and Hextile.

/// A rectangle of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subrect {
    pub(super) value: u32,
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Cuts pictures, in memory that it keeps.
#[derive(Debug, Clone, Default)]
pub(super) struct Cutter {
    covered: Vec<bool>,
    rects: Vec<Subrect>,
    /// Values and their rectangles.
    counts: Vec<(u32, usize)>,
}

impl Cutter {
    /// Cuts rows of `width` values. Each value is in one rectangle only, so that any of the colours
    /// can be the background: its rectangles are then left out.
    pub(super) fn cut(&mut self, values: &[u32], width: usize) {
        self.rects.clear();
        self.counts.clear();
        self.covered.clear();
        self.covered.resize(values.len(), false);
        if width == 0 {
            return;
        }
        let height = values.len() / width;
        for start in 0..values.len() {
            if self.covered[start] {
                continue;
            }
            let (x, y, value) = (start % width, start / width, values[start]);
            let open = |x: usize, y: usize| !self.covered[y * width + x] && values[y * width + x] == value;
            // As far as it goes across and then down, or the other way round. What is looked at is
            // never much more than what the larger one covers, so that the whole stays linear.
            let across = (x..width).take_while(|&x| open(x, y)).count();
            let below = (y + 1..height).take_while(|&y| (x..x + across).all(|x| open(x, y))).count();
            let down = (y..height).take_while(|&y| open(x, y)).count();
            let beside = (x + 1..width).take_while(|&x| (y..y + down).all(|y| open(x, y))).count();
            let (wide, tall) = ((across, below + 1), (beside + 1, down));
            let (w, h) = if tall.0 * tall.1 > wide.0 * wide.1 { tall } else { wide };
            for y in y..y + h {
                self.covered[y * width + x..y * width + x + w].fill(true);
            }
            self.rects.push(Subrect { value, x, y, width: w, height: h });
        }
        self.counts.extend(self.rects.iter().map(|rect| (rect.value, 1)));
        self.counts.sort_unstable();
        self.counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
    }

    /// Every value and how many rectangles it has, by value.
    pub(super) fn counts(&self) -> &[(u32, usize)] {
        &self.counts
    }

    /// How many rectangles there are, those of the background too.
    pub(super) fn total(&self) -> usize {
        self.rects.len()
    }

    /// The rectangles of all values but one.
    pub(super) fn without(&self, background: u32) -> impl Iterator<Item = &Subrect> {
        self.rects.iter().filter(move |rect| rect.value != background)
    }
}
