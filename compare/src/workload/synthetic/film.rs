//! A zoom into the Mandelbrot set, in integers; with grain on request.

use std::sync::OnceLock;

use panto_protocol::geometry::Size;
use panto_protocol::pixel::{Color, Picture};

use super::chance::Chance;

/// The set is computed once, so large, and the film zooms into that.
const WIDTH: usize = 1920;
const HEIGHT: usize = 1080;

/// Fractional bits of coordinates of the plane: squares of what has just escaped, 18² at most, still fit.
const BITS: u32 = 26;

/// A valley of sea horses: centre and half the width of the first picture.
const CENTRE: (f64, f64) = (-0.7436, 0.1318);
const HALF_WIDTH: f64 = 0.02;

const MAX_ITERATIONS: u32 = 200;

/// After so many pictures the zoom turns back.
const TURN: u64 = 256;

pub(super) struct Film {
    size: Size,
    grainy: bool,
}

impl Film {
    pub(super) fn new(size: Size, grainy: bool) -> Self {
        Self { size, grainy }
    }

    /// The n-th picture.
    pub(super) fn picture(&self, n: u64) -> Picture {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let mut out = Picture::new(self.size, 0);
        // How much of the large picture is seen, in 16 bit fractions: all of it at first, a third in the end.
        let turned = if (n / TURN).is_multiple_of(2) { n % TURN } else { TURN - n % TURN };
        let seen = 65_536 - turned as usize * 43_690 / TURN as usize;
        let step = (WIDTH - 2) * seen / width;
        let (left, top) = (((WIDTH - 2) * (65_536 - seen)) / 2, ((HEIGHT - 2) * (65_536 - seen)) / 2);
        let set = set();
        for (y, row) in out.data_mut().chunks_mut(width).enumerate().take(height) {
            let v = (top + y * step).min((HEIGHT - 2) << 16);
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = between(set, left + x * step, v);
            }
        }
        if self.grainy {
            grain(&mut out, width, n);
        }
        out
    }
}

/// The colour at a place in 16 bit fractions, between four pixels.
fn between(set: &[Color], x: usize, y: usize) -> Color {
    let (fx, fy) = ((x >> 8 & 0xff) as u32, (y >> 8 & 0xff) as u32);
    let at = (y >> 16) * WIDTH + (x >> 16);
    let (a, b, c, d) = (set[at], set[at + 1], set[at + WIDTH], set[at + WIDTH + 1]);
    // Two channels at a time: red and blue do not reach one another.
    let mix = |shift: u32, mask: u32| {
        let part = |color: Color| color >> shift & mask;
        let row = |a: u32, b: u32| (part(a) * (256 - fx) + part(b) * fx) >> 8 & mask;
        ((row(a, b) * (256 - fy) + row(c, d) * fy) >> 8 & mask) << shift
    };
    mix(0, 0x00ff_00ff) | mix(8, 0xff)
}

/// Noise as of `noise=alls=20:allf=t` of ffmpeg on YUV 4:2:0: in luma for each pixel, in colour for each 2 × 2.
fn grain(picture: &mut Picture, width: usize, n: u64) {
    let mut chance = Chance::new(1_000_000 + n);
    for rows in picture.data_mut().chunks_mut(2 * width) {
        for column in (0..width).step_by(2) {
            let (cb, cr) = (chance.grain(), chance.grain());
            let (r, g, b) = ((cr * 359) >> 8, -((cb * 88 + cr * 183) >> 8), (cb * 454) >> 8);
            for at in [column, column + 1, width + column, width + column + 1] {
                let Some(pixel) = rows.get_mut(at) else { continue };
                let y = chance.grain();
                let add = |shift: u32, noise: i32| {
                    (((*pixel >> shift & 0xff) as i32 + y + noise).clamp(0, 255) as u32) << shift
                };
                *pixel = add(16, r) | add(8, g) | add(0, b);
            }
        }
    }
}

/// The large picture.
fn set() -> &'static [Color] {
    static SET: OnceLock<Vec<Color>> = OnceLock::new();
    SET.get_or_init(|| {
        let fixed = |x: f64| (x * f64::from(1 << BITS)) as i64;
        let step = fixed(HALF_WIDTH) * 2 / WIDTH as i64;
        let (left, top) =
            (fixed(CENTRE.0) - step * WIDTH as i64 / 2, fixed(CENTRE.1) - step * HEIGHT as i64 / 2);
        let mut out = Vec::with_capacity(WIDTH * HEIGHT);
        for y in 0..HEIGHT as i64 {
            out.extend((0..WIDTH as i64).map(|x| color(escape(left + x * step, top + y * step))));
        }
        out
    })
}

/// When a point escapes, in 256th of an iteration, smoothly; `None` if it does not.
fn escape(cx: i64, cy: i64) -> Option<u32> {
    let (mut x, mut y) = (0i64, 0i64);
    for n in 0..MAX_ITERATIONS {
        let (xx, yy) = ((x * x) >> BITS, (y * y) >> BITS);
        let square = xx + yy;
        if square >= 16 << BITS {
            // Iterations that it would take to 16 exactly: log2 of the logarithm, both by straight lines.
            let log = log2(square as u64) - (BITS << 8);
            let rest = log2(u64::from(log)).saturating_sub(10 << 8);
            return Some((n << 8) + 256 - rest.min(256));
        }
        (x, y) = (xx - yy + cx, ((2 * x * y) >> BITS) + cy);
    }
    None
}

/// The logarithm to base 2 of x > 0 in 8 bit fractions, exact at powers of two and straight between them.
fn log2(x: u64) -> u32 {
    let whole = x.ilog2();
    let part = if whole >= 8 { x >> (whole - 8) } else { x << (8 - whole) };
    (whole << 8) + (part as u32 & 0xff)
}

fn color(escape: Option<u32>) -> Color {
    let Some(time) = escape else { return 0x0008_0814 };
    // Waves of different lengths, straight up and down.
    let wave = |length: u32, shift: u32| {
        let at = (time + shift) % (2 * length);
        at.min(2 * length - at) * 215 / length + 20
    };
    wave(5_000, 0) << 16 | wave(3_400, 900) << 8 | wave(2_300, 2_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::psnr_rgb;

    #[test]
    fn it_moves_smoothly_and_its_grain_is_that_of_ffmpeg() {
        let size = Size::new(640, 360);
        let smooth = Film::new(size, false);
        let (a, b, far) = (smooth.picture(10), smooth.picture(11), smooth.picture(200));
        let near = psnr_rgb(a.view(), b.view()).unwrap();
        assert!((18.0..45.0).contains(&near), "{near} dB");
        assert!(psnr_rgb(a.view(), far.view()).unwrap() < near);
        // 11.5 in luma for each pixel, as much again in colour: a bit more than 26.9 dB.
        let grainy = Film::new(size, true).picture(10);
        let noise = psnr_rgb(a.view(), grainy.view()).unwrap();
        assert!((22.0..26.9).contains(&noise), "{noise} dB");
    }

    #[test]
    fn the_zoom_keeps_within_the_large_picture() {
        let film = Film::new(Size::new(640, 360), false);
        for n in [0, 1, 255, 256, 257, 511, 512, 100_000] {
            assert_eq!(film.picture(n).size(), Size::new(640, 360));
        }
    }
}
