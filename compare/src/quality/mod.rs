//! How good a shown picture is: against what it should be, a film that plays, keys that are echoed.
//!
//! Simulated runs and real ones are judged by the same code: it is given pictures and times.

mod echo;
mod film;

use panto_protocol::geometry::Rect;
use panto_protocol::pixel::{Color, Pixels};

pub use echo::{Cells, Echoes};
pub use film::{FilmFigures, Tape};

/// A picture is recognisable from this PSNR on, dB over red, green and blue (METRICS.md).
pub const RECOGNISABLE_DB: f64 = 25.0;

/// What is said of pictures without any error, whose PSNR is infinite, dB.
pub const EXACT_DB: f64 = 100.0;

/// Where on the screen something is that has figures of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// Where a film plays.
    pub clip: Option<Rect>,
    /// Where the keys that are typed appear, one after the other.
    pub echo: Option<Cells>,
}

/// Peak signal-to-noise ratio of a mean squared error of 8 bit samples, dB; [`EXACT_DB`] at most.
pub fn psnr(mean_squared_error: f64) -> f64 {
    if mean_squared_error <= 0.0 {
        return EXACT_DB;
    }
    (10.0 * (255.0 * 255.0 / mean_squared_error).log10()).min(EXACT_DB)
}

/// PSNR over red, green and blue, dB; `None` if the sizes differ or there are no pixels.
pub fn psnr_rgb(a: Pixels<'_>, b: Pixels<'_>) -> Option<f64> {
    if a.size() != b.size() || a.size().area() == 0 {
        return None;
    }
    let mut sum = 0;
    for (a, b) in a.rows().zip(b.rows()).filter(|(a, b)| a != b) {
        sum += a.iter().zip(b).map(|(a, b)| squared_error(*a, *b)).sum::<u64>();
    }
    Some(psnr(sum as f64 / (3 * a.size().area()) as f64))
}

/// Pixels that are not the same; of different sizes, all of the larger one.
pub fn different(a: Pixels<'_>, b: Pixels<'_>) -> u64 {
    if a.size() != b.size() {
        return a.size().area().max(b.size().area());
    }
    let rows = a.rows().zip(b.rows()).filter(|(a, b)| a != b);
    rows.map(|(a, b)| a.iter().zip(b).filter(|(a, b)| a != b).count() as u64).sum()
}

fn squared_error(a: Color, b: Color) -> u64 {
    let channel = |shift: u32| u64::from((a >> shift & 0xff).abs_diff(b >> shift & 0xff).pow(2));
    channel(16) + channel(8) + channel(0)
}

#[cfg(test)]
mod tests {
    use panto_protocol::geometry::Size;
    use panto_protocol::pixel::Picture;

    use super::*;

    #[test]
    fn psnr_by_hand() {
        let size = Size::new(10, 10);
        let (a, mut b) = (Picture::new(size, 0x0080_8080), Picture::new(size, 0x0080_8080));
        assert_eq!(psnr_rgb(a.view(), b.view()), Some(EXACT_DB));
        assert_eq!(different(a.view(), b.view()), 0);
        // One pixel of a hundred is off by 30 in one channel of three: MSE = 900 / 300 = 3.
        b.fill(Rect::new(3, 4, 1, 1), 0x0080_809e);
        let expected = 10.0 * (65_025.0_f64 / 3.0).log10();
        assert!((psnr_rgb(a.view(), b.view()).unwrap() - expected).abs() < 1e-9);
        assert_eq!(different(a.view(), b.view()), 1);
        let other = Picture::new(Size::new(10, 11), 0);
        assert_eq!((psnr_rgb(a.view(), other.view()), different(a.view(), other.view())), (None, 110));
        assert_eq!(psnr_rgb(Picture::default().view(), Picture::default().view()), None);
        // The largest error there is.
        assert_eq!(psnr(255.0 * 255.0), 0.0);
    }
}
