//! The film that is playing: where, how often a picture comes, and how finely it is shown.

use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::Rect;
use panto_protocol::time::Micros;

use super::super::residual::Job;
use super::grid::Block;
use crate::lossy::LossyEncoder;

/// What a film may take of the link, in hundredths: a key's answer waits behind half a picture.
const SHARE: u64 = 40;

/// The finest steps, in halves of a pixel value: noise is above 38 dB in films, and above 42
/// in photographs. With the coarsest there is a picture still.
const FINEST_FILM: u32 = 18;
const FINEST: u32 = 12;
const COARSEST: u32 = 255;

/// Time between two pictures of a film that is still one to the eye.
const SLOWEST: Micros = Micros(50_000);

/// A block that did not change for so long, or for two and a half of its film's pictures, rests.
const REST: (Micros, Micros) = (Micros(100_000), Micros(250_000));

/// What is playing: one area at a time.
#[derive(Debug, Clone)]
pub(super) struct Film {
    pub encoder: LossyEncoder,
    pub surface: SurfaceId,
    /// Kept from picture to picture, for it is what the encoder's experience is of.
    pub area: Rect,
    /// The step of its quantizer, in halves of a pixel value; 0 before the first picture.
    pub step: u32,
    /// Mean time between pictures.
    interval: Micros,
    last: Option<Micros>,
}

impl Default for Film {
    fn default() -> Self {
        Self {
            encoder: LossyEncoder::default(),
            surface: SurfaceId::SCREEN,
            area: Rect::default(),
            step: 0,
            interval: Micros(40_000),
            last: None,
        }
    }
}

impl Film {
    /// Bytes that a picture may take, `now` being the next one's time.
    pub fn goal(&mut self, rate: u64, now: Micros) -> u64 {
        if let Some(last) = self.last.replace(now) {
            let since = now.since(last).0.clamp(10_000, 120_000);
            self.interval = Micros((self.interval.0 * 7 + since) / 8);
        }
        // Pictures that came late because the last ones were large are no reason for large ones.
        let interval = self.interval.min(SLOWEST);
        (rate.saturating_mul(interval.0) / 1_000_000 * SHARE / 100).max(1)
    }

    /// A picture took so many bytes.
    pub fn learn(&mut self, bytes: u64, goal: u64) {
        // Bytes fall about as the step grows; a half of the way at once.
        let wanted = u64::from(self.step) * (goal + bytes.min(goal * 4)) / (2 * goal);
        self.step = (wanted as u32).clamp(FINEST_FILM, COARSEST);
    }

    /// Where a film plays.
    pub fn playing(&self, job: &Job<'_>) -> Option<Rect> {
        let plays = self.last.is_some_and(|last| job.now.since(last) < self.rest());
        (plays && self.surface == job.surface).then_some(self.area)
    }

    /// How long a block does not change before it rests.
    pub fn rest(&self) -> Micros {
        Micros((self.interval.0 * 5 / 2).clamp(REST.0.0, REST.1.0))
    }

    /// When a block at `place` rests if it does not change: what stands still where a film
    /// plays (`playing`) will move again.
    pub fn rests_at(&self, block: &Block, place: Rect, playing: Option<Rect>) -> Micros {
        let since = self.last.filter(|_| playing.is_some_and(|area| area.contains_rect(&place)));
        block.changed.max(since.unwrap_or_default()) + self.rest()
    }
}

/// A step with which so many pixels take about so many bytes.
pub(super) fn first_step(pixels: u64, bytes: u64) -> u32 {
    // A photograph takes 12 bits for each pixel of which one is an orthonormal step.
    (pixels.saturating_mul(3) / bytes.max(1)).clamp(FINEST.into(), COARSEST.into()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_films_step_finds_its_bytes() {
        // Bytes as they fall with the step, for a link of 250 kB/s and 25 pictures a second.
        let mut film = Film { step: first_step(230_400, 6_000), ..Film::default() };
        let (mut now, mut bytes) = (Micros::ZERO, 0);
        for _ in 0..60 {
            now = now + Micros(40_000);
            let goal = film.goal(250_000, now);
            bytes = 400_000 / u64::from(film.step);
            film.learn(bytes, goal);
        }
        let goal = 10_000 * SHARE / 100;
        assert!((goal * 5 / 6..goal * 7 / 6).contains(&bytes), "{bytes}");
        assert!(film.rest() >= REST.0);
    }
}
