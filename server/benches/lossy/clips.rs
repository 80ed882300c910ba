//! Clips made in code: a zoom into the Mandelbrot set, smooth or with noise.

use panto_protocol::geometry::Size;
use panto_protocol::pixel::{Color, Picture, rgb};

/// As videos of the comparison are.
pub const SIZE: Size = Size::new(640, 360);

/// Binary digits of fractions.
const DIGITS: u32 = 26;

/// Iterations before a point is taken to belong to the set.
const ITERATIONS: u32 = 96;

/// `frames` pictures, each of 0.6 % less width than the one before.
pub fn smooth(frames: usize) -> Vec<Picture> {
    let mut width = 3i64 << DIGITS;
    let mut clip = Vec::new();
    for _ in 0..frames {
        let step = width / i64::from(SIZE.width);
        let (center_x, center_y) = (-49_848_000, 8_800_000);
        let pixel = |i: u64| {
            let (x, y) = ((i % u64::from(SIZE.width)) as i64, (i / u64::from(SIZE.width)) as i64);
            color(
                center_x + (x - i64::from(SIZE.width / 2)) * step,
                center_y + (y - i64::from(SIZE.height / 2)) * step,
            )
        };
        let pixels = (0..SIZE.area()).map(pixel).collect();
        clip.push(Picture::from_pixels(SIZE, pixels).expect("as many pixels"));
        width -= width * 6 / 1000;
    }
    clip
}

/// The same with noise of up to 10 added to every channel, other in every frame.
pub fn noisy(frames: usize) -> Vec<Picture> {
    let mut clip = smooth(frames);
    let mut state = 1u64;
    for pixel in clip.iter_mut().flat_map(|picture| picture.data_mut()) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = |shift: u32| ((state >> (33 + shift) & 0x3ff) * 21 / 1024) as i32 - 10;
        let channel = |shift: u32, noise: i32| ((*pixel >> shift & 255) as i32 + noise).clamp(0, 255) as u8;
        *pixel = rgb(channel(16, noise(0)), channel(8, noise(10)), channel(0, noise(20)));
    }
    clip
}

/// The colour of a point: by how soon it escapes, without steps.
fn color(cx: i64, cy: i64) -> Color {
    let (mut x, mut y) = (0i64, 0i64);
    for n in 0..ITERATIONS {
        let (xx, yy) = ((x * x) >> DIGITS, (y * y) >> DIGITS);
        let far = (xx + yy) >> (DIGITS - 8);
        if far > 16 << 8 {
            // Between 16 and 256 lies one iteration; logarithms by the leading digits.
            let whole = far.ilog2();
            let log = (i64::from(whole) << 8) + ((far << 8) >> whole) - 256 - (12 << 8);
            let escape = i64::from(n) * 256 - log * 64 / 256;
            let wave = |speed: i64, phase: i64| {
                let t = (escape * speed / 64 + phase).rem_euclid(512);
                if t < 256 { t } else { 511 - t }
            };
            return rgb(wave(7, 0) as u8, wave(11, 170) as u8, wave(5, 340) as u8);
        }
        (x, y) = (xx - yy + cx, ((2 * x * y) >> DIGITS) + cy);
    }
    // Inside.
    let wave = |v: i64| (v >> (DIGITS - 7)).clamp(-127, 127) + 128;
    rgb(wave(x) as u8, wave(y) as u8, 40)
}
