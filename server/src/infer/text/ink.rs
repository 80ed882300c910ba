//! One colour on another: which coverage made this pixel?

use panto_protocol::pixel::{Color, blend};

/// The 256 mixtures of a colour with its background, and the way back from them.
#[derive(Debug, Clone)]
pub(super) struct Ink {
    pub color: Color,
    pub background: Color,
    /// The pixel that each coverage makes.
    paint: [Color; 256],
    /// By channel (blue, green, red) and value: the coverages between which it lies;
    /// none if the first is the larger. Rounding twice can leave holes between them.
    between: [[(u8, u8); 256]; 3],
    /// The channel in which the two colours differ most.
    widest: usize,
}

/// A channel of a colour: 0 is blue, 1 green, 2 red.
const fn channel(c: Color, i: usize) -> u8 {
    (c >> (8 * i)) as u8
}

/// How far apart two colours are.
pub(super) fn distance(a: Color, b: Color) -> u32 {
    (0..3).map(|i| u32::from(channel(a, i).abs_diff(channel(b, i)))).sum()
}

impl Ink {
    pub(super) fn new(color: Color, background: Color) -> Self {
        let mut paint = [0; 256];
        let mut between = [[(255, 0); 256]; 3];
        for m in 0..=255u8 {
            let pixel = blend(color, background, m);
            paint[usize::from(m)] = pixel;
            for (i, values) in between.iter_mut().enumerate() {
                let (low, high) = &mut values[usize::from(channel(pixel, i))];
                (*low, *high) = ((*low).min(m), (*high).max(m));
            }
        }
        let contrast = |i: &usize| channel(color, *i).abs_diff(channel(background, *i));
        let widest = (0..3).max_by_key(contrast).unwrap_or(0);
        Self { color, background, paint, between, widest }
    }

    /// The pixel that a coverage makes.
    pub(super) fn paint(&self, coverage: u8) -> Color {
        self.paint[usize::from(coverage)]
    }

    /// The pixel that a coverage by channel (blue, green, red) makes.
    pub(super) fn paint_channels(&self, coverage: [u8; 3]) -> Color {
        let [b, g, r] = coverage.map(|m| self.paint(m));
        b & 0x0000_00ff | g & 0xff00_ff00 | r & 0x00ff_0000
    }

    /// A coverage that makes the pixel in all channels: the middle one if several do.
    pub(super) fn coverage(&self, pixel: Color) -> Option<u8> {
        if pixel == self.background {
            return Some(0);
        }
        if pixel == self.color {
            return Some(255);
        }
        let (low, high) = self.between[self.widest][usize::from(channel(pixel, self.widest))];
        let middle = (u32::from(low) + u32::from(high)) / 2;
        let makes = |m: &u8| self.paint(*m) == pixel;
        (low..=high).filter(makes).min_by_key(|m| u32::from(*m).abs_diff(middle))
    }

    /// Coverages by channel (blue, green, red) that make the pixel.
    pub(super) fn coverage_channels(&self, pixel: Color) -> Option<[u8; 3]> {
        if pixel & 0xff00_0000 != self.background & 0xff00_0000 {
            return None;
        }
        let mut found = [0; 3];
        for (i, m) in found.iter_mut().enumerate() {
            let value = channel(pixel, i);
            if value == channel(self.background, i) {
                continue;
            }
            let (low, high) = self.between[i][usize::from(value)];
            // Either end makes the value, whatever lies between them.
            *m = if value == channel(self.color, i) { high } else { (low <= high).then_some(low)? };
        }
        (self.paint_channels(found) == pixel).then_some(found)
    }
}

/// The inks used lately.
#[derive(Debug, Clone, Default)]
#[expect(clippy::vec_box, reason = "an ink is 2.5 kB, and the order changes with every use")]
pub(super) struct Inks(Vec<Box<Ink>>);

/// Inks that are kept: colours of a screenful of coloured text.
const MAX_INKS: usize = 24;

impl Inks {
    pub(super) fn of(&mut self, color: Color, background: Color) -> &Ink {
        let known = self.0.iter().position(|i| i.color == color && i.background == background);
        match known {
            Some(i) => self.0[..=i].rotate_right(1),
            None => {
                self.0.truncate(MAX_INKS - 1);
                self.0.insert(0, Box::new(Ink::new(color, background)));
            }
        }
        &self.0[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_a_coverage_made_is_made_again(color in 0..0x100_0000u32, background in 0..0x100_0000u32, m: [u8; 3]) {
            let ink = Ink::new(color, background);
            let grey = ink.paint(m[0]);
            prop_assert_eq!(grey, blend(color, background, m[0]));
            prop_assert_eq!(ink.coverage(grey).map(|m| ink.paint(m)), Some(grey));
            let pixel = ink.paint_channels(m);
            prop_assert_eq!(ink.coverage_channels(pixel).map(|m| ink.paint_channels(m)), Some(pixel));
        }
    }

    #[test]
    fn black_on_white_tells_every_coverage() {
        let ink = Ink::new(0, 0x00ff_ffff);
        for m in 0..=255 {
            assert_eq!(ink.coverage(ink.paint(m)), Some(m));
        }
        assert_eq!(ink.coverage(0x00ff_0000), None);
    }
}
