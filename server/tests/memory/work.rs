//! What happens on the screen: text, scrolling, a photograph, a film.

use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;

use crate::room::Room;

/// Largest part of the screen that [`photograph`] shows, here and there.
pub const LARGE: Size = Size::new(240, 160);

const PAGE: Size = Size::new(400, 240);
const FILM: Size = Size::new(128, 96);

fn hash(mut h: u32) -> u32 {
    h = (h ^ h >> 16).wrapping_mul(0x7feb_352d);
    h = (h ^ h >> 15).wrapping_mul(0x846c_a68b);
    h ^ h >> 16
}

/// Band-limited noise with a little grain.
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
    Picture::from_pixels(size, pixels.collect()).expect("as many pixels")
}

/// Letters of 8 × 12 on paper.
fn letters(size: Size, seed: u32) -> Picture {
    let mut picture = Picture::new(size, 0x00ff_ffff);
    for y in 0..size.height as i32 {
        for x in 0..size.width as i32 {
            let (letter, k) = (hash(seed ^ (x / 10) as u32 ^ ((y / 16) as u32) << 10), (x % 10, y % 16));
            let inside = k.0 < 8 && k.1 < 12 && letter % 6 != 0;
            if inside && hash(letter % 26 * 977 + (k.0 / 2 + k.1 / 3 * 4) as u32).is_multiple_of(4) {
                picture.fill(Rect::new(x, y, 1, 1), 0);
            }
        }
    }
    picture
}

/// Shows a picture on the flat screen.
pub fn show(room: &mut Room, at: Point, picture: &Picture) {
    room.change(|scene| scene.pixels(SurfaceId::SCREEN, at, picture.view()).expect("a screen"));
}

/// A second and a half of work, other in every round; `look` after each kind.
pub fn round(room: &mut Room, round: u32, mut look: impl FnMut(&Room)) {
    let ms = Micros::from_millis;
    let text = letters(Size::new(PAGE.width, 2 * PAGE.height), round);
    for line in 0..4 {
        let mut page = Picture::new(PAGE, 0x00ff_ffff);
        page.blit(Point::new(0, -16 * line), text.view());
        show(room, Point::new(20, 20), &page);
        room.pass(ms(80));
    }
    look(room);
    let place = Point::new((round as i32 * 97) % 800, (round as i32 * 53) % 480);
    show(room, place, &photograph(LARGE, round, 0));
    room.pass(ms(300));
    look(room);
    for picture in 0..6 {
        show(room, Point::new(700, 560), &photograph(FILM, 1000 + round, 2 * picture));
        room.pass(ms(40));
    }
    look(room);
    room.pass(ms(600));
    look(room);
}
