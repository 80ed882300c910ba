//! Made-up screens that behave like real ones: text, a flat user interface, a photograph.
//!
//! Deterministic, so that sizes can be compared between runs.

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Picture, blend, rgb};

/// A full HD screen.
pub const HD: Size = Size::new(1920, 1080);

/// Every picture with its name.
pub fn all(size: Size) -> [(&'static str, Picture); 4] {
    [("text", text(size, false)), ("smooth-text", text(size, true)), ("ui", ui(size)), ("photo", photo(size))]
}

/// A xorshift generator.
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn below(&mut self, n: u32) -> u32 {
        (self.next() >> 8) % n
    }
}

/// Coverage of one letter, 8 × 16 pixels.
type Glyph = [[u8; 8]; 16];

/// 60 letters of two or three strokes each, with grey edges if `smooth`.
fn font(smooth: bool) -> Vec<Glyph> {
    let mut random = Random(0x1234_5677);
    let letter = |_| {
        let mut glyph = [[0; 8]; 16];
        for _ in 0..2 + random.below(2) {
            let (x, y, length) = (1 + random.below(5), 3 + random.below(8), 3 + random.below(5));
            let slant = random.below(3);
            for i in 0..length {
                let (px, py) = match slant {
                    0 => (x, y + i),
                    1 => (x + i, y),
                    _ => (x + i / 2, y + i),
                };
                let (px, py) = (px.min(6) as usize, py.min(14) as usize);
                glyph[py][px] = 255;
                if smooth {
                    glyph[py][px + 1] = glyph[py][px + 1].max((random.below(6) * 40) as u8);
                    glyph[py + 1][px] = glyph[py + 1][px].max((random.below(5) * 30) as u8);
                }
            }
        }
        glyph
    };
    (0..60).map(letter).collect()
}

fn draw_line(
    picture: &mut Picture,
    font: &[Glyph],
    random: &mut Random,
    at: (i32, i32),
    letters: u32,
    ink: u32,
) {
    let bounds = picture.bounds();
    let mut x = at.0;
    for _ in 0..letters {
        // A space after about five letters.
        if random.below(6) != 0 {
            // Some letters are far more frequent than others.
            let most = 1 + random.below(font.len() as u32);
            let glyph = &font[random.below(most) as usize];
            let target = Rect::new(x, at.1, 8, 16).intersection(&bounds);
            for py in target.top..target.bottom {
                for (px, pixel) in (target.left..).zip(picture.row_mut(py, target.left, target.right)) {
                    let coverage = glyph[(py - at.1) as usize][(px - x) as usize];
                    *pixel = blend(ink, *pixel, coverage);
                }
            }
        }
        x += 8;
    }
}

/// Lines of very different length in four inks, as source code or a log.
pub fn text(size: Size, smooth: bool) -> Picture {
    let font = font(smooth);
    let mut random = Random(0x2545_f491);
    let mut picture = Picture::new(size, rgb(250, 250, 248));
    let inks = [rgb(20, 20, 20), rgb(20, 20, 20), rgb(170, 30, 30), rgb(30, 90, 160)];
    for line in 0..size.height as i32 / 18 {
        let indent = random.below(6) * 32;
        let letters = random.below(size.width / 8 - 24);
        let ink = inks[random.below(4) as usize];
        draw_line(&mut picture, &font, &mut random, (8 + indent as i32, line * 18), letters, ink);
    }
    picture
}

/// One colour, as most of many screens.
#[allow(dead_code, reason = "not every benchmark measures it")]
pub fn flat(size: Size) -> Picture {
    Picture::new(size, rgb(238, 238, 236))
}

/// An article: two columns of text, four photographs, a list of links at the side.
#[allow(dead_code, reason = "not every benchmark measures it")]
pub fn web(size: Size) -> Picture {
    let mut picture = text(size, true);
    let (w, h) = (size.width, size.height);
    picture.fill(Rect::new(0, 0, w, 64), rgb(40, 60, 90));
    picture.fill(Rect::new(0, 64, w / 6, h), rgb(244, 244, 244));
    let photo = photo(Size::new(w / 4, h / 4));
    for (x, y) in [(w / 5, h / 8), (w / 5, h / 2), (w * 3 / 5, h / 4), (w * 3 / 5, h * 5 / 8)] {
        picture.blit(Point::new(x as i32, y as i32), photo.view());
    }
    let (font, mut random) = (font(true), Random(0x0f1e_2d3c));
    for line in 0..h as i32 / 40 {
        draw_line(&mut picture, &font, &mut random, (12, 80 + line * 40), 24, rgb(20, 60, 170));
    }
    picture
}

/// Windows with shaded title bars, buttons and labels before a shaded wallpaper.
pub fn ui(size: Size) -> Picture {
    let font = font(true);
    let mut random = Random(0x9876_5431);
    let mut picture = Picture::new(size, 0);
    for y in 0..size.height {
        let shade = (y * 60 / size.height) as u8;
        picture.fill(Rect::new(0, y as i32, size.width, 1), rgb(30 + shade / 2, 60 + shade, 110 + shade));
    }
    for _ in 0..6 {
        let x = random.below(size.width / 2) as i32;
        let y = random.below(size.height / 2) as i32;
        let (w, h) = (size.width / 3, size.height / 3);
        picture.fill(Rect::new(x, y, w, h), rgb(160, 160, 165));
        picture.fill(Rect::new(x + 1, y + 1, w - 2, h - 2), rgb(240, 240, 240));
        for row in 0..24 {
            let shade = 225 - row as u8 * 2;
            picture.fill(Rect::new(x + 1, y + 1 + row, w - 2, 1), rgb(shade, shade, shade + 5));
        }
        for row in 0..(h as i32 - 60) / 40 {
            let top = y + 40 + row * 40;
            for column in 0..(w as i32 - 40) / 130 {
                let left = x + 15 + column * 130;
                picture.fill(Rect::new(left, top, 110, 28), rgb(150, 150, 155));
                picture.fill(Rect::new(left + 1, top + 1, 108, 26), rgb(225, 228, 232));
                draw_line(&mut picture, &font, &mut random, (left + 10, top + 6), 10, rgb(30, 30, 30));
            }
        }
    }
    picture
}

/// Smooth shapes of several sizes and a little grain.
pub fn photo(size: Size) -> Picture {
    let mut random = Random(0x1357_9bdf);
    // Value noise: random values on grids of 256, 64 and 16 pixels, interpolated.
    let grids: Vec<(u32, u32, Vec<u32>)> = [(256u32, 100u32), (64, 60), (16, 30)]
        .into_iter()
        .map(|(step, height)| {
            let cells = (size.width / step + 2) * (size.height / step + 2);
            (step, size.width / step + 2, (0..cells * 3).map(|_| random.below(height)).collect())
        })
        .collect();
    let mut data = Vec::with_capacity(size.area() as usize);
    for y in 0..size.height {
        for x in 0..size.width {
            let mut sums = [0; 3];
            for (step, columns, values) in &grids {
                let (cx, cy, fx, fy) = (x / step, y / step, x % step, y % step);
                for (k, sum) in sums.iter_mut().enumerate() {
                    let value = |dx, dy| values[(((cy + dy) * columns + cx + dx) * 3) as usize + k];
                    let top = value(0, 0) * (step - fx) + value(1, 0) * fx;
                    let bottom = value(0, 1) * (step - fx) + value(1, 1) * fx;
                    *sum += (top * (step - fy) + bottom * fy) / (step * step);
                }
            }
            let grain = random.below(8);
            let [r, g, b] = sums.map(|s| (s + grain + 20).min(255) as u8);
            data.push(rgb(r, g, b));
        }
    }
    Picture::from_pixels(size, data).expect("as many pixels as the size says")
}
