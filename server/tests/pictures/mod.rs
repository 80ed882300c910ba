//! Pictures that are computed: photographs, films and text. For tests inside the crate and
//! beside it.

use panto_protocol::geometry::{Rect, Size};
use panto_protocol::pixel::Picture;

fn hash(mut h: u32) -> u32 {
    h = (h ^ h >> 16).wrapping_mul(0x7feb_352d);
    h = (h ^ h >> 15).wrapping_mul(0x846c_a68b);
    h ^ h >> 16
}

/// Band-limited noise with a little grain: a photograph, or a picture of a film that moves.
pub fn photograph(size: Size, seed: u32, shift: i32) -> Picture {
    let knot =
        |x: i32, y: i32, c: u32| hash(hash(hash(x as u32) ^ y as u32) ^ seed.wrapping_add(c)) as i32 & 255;
    let pixel = |x: i32, y: i32| {
        let (kx, ky, fx, fy) = ((x + shift) >> 4, y >> 4, (x + shift) & 15, y & 15);
        (0..3u32).fold(0, |pixel, c| {
            let top = knot(kx, ky, c) * (16 - fx) + knot(kx + 1, ky, c) * fx;
            let bottom = knot(kx, ky + 1, c) * (16 - fx) + knot(kx + 1, ky + 1, c) * fx;
            let grain = hash((x * 7919 + y) as u32 ^ seed ^ (shift as u32) << 20 ^ c) as i32 % 6;
            pixel << 8 | ((top * (16 - fy) + bottom * fy) / 256 + grain).clamp(0, 255) as u32
        })
    };
    let pixels = (0..size.area() as i32).map(|i| pixel(i % size.width as i32, i / size.width as i32));
    Picture::from_pixels(size, pixels.collect()).unwrap()
}

/// Letters of 8 × 12; `smooth` ones have coloured edges.
pub fn letters(size: Size, seed: u32, smooth: bool) -> Picture {
    let mut picture = Picture::new(size, 0x00ff_ffff);
    for y in 0..size.height as i32 {
        for x in 0..size.width as i32 {
            let (letter, k) = (hash(seed ^ (x / 10) as u32 ^ ((y / 16) as u32) << 10), (x % 10, y % 16));
            if k.0 >= 8 || k.1 >= 12 || letter % 6 == 0 {
                continue;
            }
            let ink = hash(letter % 26 * 977 + (k.0 / 2 + k.1 / 3 * 4) as u32);
            let color = match ink % 4 {
                0 => 0,
                1 if smooth => {
                    [0x00b0_5030, 0x0030_60c0, 0x0080_8080, 0x00e0_d0a0, 0x0060_2010][(ink >> 8) as usize % 5]
                }
                _ => continue,
            };
            picture.fill(Rect::new(x, y, 1, 1), color);
        }
    }
    picture
}
