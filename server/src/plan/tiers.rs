//! Which coding of a rectangle of pixels is on the viewer's screen first: estimated bytes
//! over the link's rate, and the time of encoding and decoding.
//!
//! What rectangles of a kind have really taken, in bytes and in time, is remembered, so
//! that the estimates follow the screen and the machine.

use panto_protocol::geometry::Rect;
use panto_protocol::pixel::Picture;

use super::price::{Mean, edges};

/// How hard pixels are squeezed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    /// Palettes, runs and LZ4.
    Fast = 0,
    /// Prediction, palettes and Zstandard.
    Balanced = 1,
    /// In the context of neighbours and of the session so far.
    Dense = 2,
}

/// Kinds of picture, by the share of pixels that differ from their left neighbour.
const KINDS: usize = 3;

/// A rectangle as far as estimates look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// 0 flat, 1 text and widgets, 2 photographs.
    kind: usize,
    pixels: u64,
    /// What bytes grow with: edges, and a little with the area.
    grains: u64,
    /// Bytes that it takes at most if it is coded by itself.
    most: u64,
}

impl Look {
    /// Looks at a rectangle of `target`, which takes at most so many bytes by itself.
    pub(super) fn at(target: &Picture, rect: Rect, most: u64) -> Self {
        let (edges, pixels) = (edges(target, &[rect]), rect.area());
        let kind = match edges {
            _ if edges * 32 < pixels => 0,
            _ if edges * 2 < pixels => 1,
            _ => 2,
        };
        Self { kind, pixels, grains: edges + pixels / 64 + 1, most }
    }
}

/// Nanoseconds that nobody notices, by kind: fewer bytes are worth them, most of all where
/// dense coding is quick and saves most.
const NOTICED: [u64; KINDS] = [12_000_000, 12_000_000, 5_000_000];

/// What tiers usually take, in bits for each grain, by kind (`cargo bench -p panto-protocol`).
const BITS: [[u64; 3]; KINDS] = [[4, 3, 1], [8, 5, 2], [20, 15, 11]];

/// A clock for calibration, in nanoseconds since whenever.
pub(super) type Clock = fn() -> u64;

/// What the tiers have cost lately.
#[derive(Debug, Clone)]
pub(super) struct Tiers {
    /// Bits for each grain, by kind and tier.
    bits: [[Mean; 3]; KINDS],
    /// Nanoseconds of encoding for 16 pixels, by kind and tier; "bits" of [`Mean`] are time here.
    time: [[Mean; 3]; KINDS],
    pub(super) clock: Option<Clock>,
}

impl Default for Tiers {
    /// As measured on real frames (`cargo bench -p panto-protocol`).
    fn default() -> Self {
        let mean = |bits: u64, memory| Mean { bits: bits * 64, things: 64, memory };
        let time = [[16, 30, 80], [32, 100, 200], [48, 300, 700]];
        Self {
            bits: BITS.map(|kind| kind.map(|b| mean(b, 1 << 15))),
            time: time.map(|kind| kind.map(|t| mean(t, 1 << 14))),
            clock: None,
        }
    }
}

impl Tiers {
    /// The tier that shows a rectangle first at this rate, bytes a second.
    pub(super) fn choose(&self, look: Look, rate: u64) -> Tier {
        let dense = self.nanoseconds(look, Tier::Dense, rate);
        // Estimates of tiers that were not tried lately may be wrong; what is certain is not.
        // Dense coding is dear until it has learned, and may be a little dearer than that.
        let saves = self.bytes(look, Tier::Dense) <= look.most.saturating_mul(5) / 4;
        let noticed = if saves { NOTICED[look.kind] } else { 0 };
        [Tier::Balanced, Tier::Fast]
            .into_iter()
            .map(|tier| (self.nanoseconds(look, tier, rate), tier))
            .filter(|(time, _)| time + noticed <= dense)
            .min_by_key(|(time, _)| *time)
            .map_or(Tier::Dense, |(_, tier)| tier)
    }

    /// Nanoseconds until a rectangle is on the viewer's screen, exactly.
    pub(super) fn time(&self, look: Look, rate: u64) -> u64 {
        self.nanoseconds(look, self.choose(look, rate), rate)
    }

    fn nanoseconds(&self, look: Look, tier: Tier, rate: u64) -> u64 {
        let link = self.bytes(look, tier).saturating_mul(1_000_000_000) / rate.max(1);
        // Decoding takes about as long again.
        link + 2 * self.time[look.kind][tier as usize].of(look.pixels / 16)
    }

    /// Bytes that a rectangle will take, about.
    pub(super) fn bytes(&self, look: Look, tier: Tier) -> u64 {
        let bytes = self.bits[look.kind][tier as usize].of(look.grains) / 8;
        if tier == Tier::Dense { bytes } else { bytes.min(look.most) }
    }

    /// Starts to measure; to be given to [`Tiers::told`].
    pub(super) fn begin(&self) -> Option<u64> {
        self.clock.map(|clock| clock())
    }

    /// A rectangle took so many bytes in this tier.
    pub(super) fn told(&mut self, look: Look, tier: Tier, bytes: usize, began: Option<u64>) {
        let usual = BITS[look.kind];
        for (other, mean) in self.bits[look.kind].iter_mut().enumerate() {
            // What one tier takes tells something of the others, which may never be tried else.
            let share = if other == tier as usize { 1 } else { 4 };
            let bits = 8 * bytes as u64 * usual[other] / usual[tier as usize];
            mean.add(bits / share, look.grains / share);
        }
        // Small ones measure the clock.
        if let (Some(clock), Some(began)) = (self.clock, began)
            && look.pixels >= 1024
        {
            // A pause of the whole process is no property of a tier.
            let usual = self.time[look.kind][tier as usize].of(look.pixels / 16);
            let time = clock().saturating_sub(began).min(usual.saturating_mul(8).max(1000));
            self.time[look.kind][tier as usize].add(time, look.pixels / 16);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::geometry::Size;

    fn noise() -> Picture {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        let size = Size::new(256, 256);
        Picture::from_pixels(size, (0..size.area()).map(|_| next()).collect()).unwrap()
    }

    #[test]
    fn the_link_decides() {
        let tiers = Tiers::default();
        let photograph = Look::at(&noise(), Rect::new(0, 0, 256, 256), u64::MAX);
        assert_eq!(photograph.kind, 2);
        assert_eq!(tiers.choose(photograph, 10_000), Tier::Dense);
        assert_eq!(tiers.choose(photograph, 1_000_000_000), Tier::Fast);
        let flat = Look::at(&Picture::new(Size::new(64, 64), 7), Rect::new(0, 0, 64, 64), u64::MAX);
        assert_eq!(flat.kind, 0);
        assert_eq!(tiers.choose(flat, 1_000_000), Tier::Dense);
    }

    #[test]
    fn what_takes_fewer_bytes_and_less_time_is_taken() {
        let mut tiers = Tiers::default();
        let look = Look::at(&noise(), Rect::new(0, 0, 32, 32), 32 * 32 * 3 / 2);
        assert_eq!(tiers.choose(look, 1_000_000), Tier::Dense);
        // 20 bits a pixel instead of 12 are a millisecond more: too few to be noticed.
        (0..4).for_each(|_| tiers.told(look, Tier::Dense, 32 * 32 * 20 / 8, None));
        assert_ne!(tiers.choose(look, 1_000_000), Tier::Dense);
    }

    #[test]
    fn what_was_told_is_learned() {
        let mut tiers = Tiers::default();
        let look = Look::at(&noise(), Rect::new(0, 0, 256, 256), u64::MAX);
        let before = tiers.bytes(look, Tier::Dense);
        (0..16).for_each(|_| tiers.told(look, Tier::Dense, 1000, None));
        let after = tiers.bytes(look, Tier::Dense);
        assert!(after.abs_diff(1000) < 20 && before > 10_000, "{before} {after}");
        // A coder that turns out slow is not chosen where time counts.
        tiers.clock = Some(|| 1_000_000_000);
        assert_eq!(tiers.choose(look, 1_000_000), Tier::Dense);
        (0..40).for_each(|_| tiers.told(look, Tier::Dense, 1000, Some(0)));
        assert_ne!(tiers.choose(look, 1_000_000_000), Tier::Dense);
    }
}
