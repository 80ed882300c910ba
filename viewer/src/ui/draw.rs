//! Drawing panels: fills and text on a small picture with alpha.

use panto_protocol::geometry::{Rect, Size};
use panto_protocol::pixel::{Color, Picture, scale};

use super::font;

/// A panel's colours.
pub(super) mod color {
    use super::Color;

    pub(in super::super) const TEXT: Color = 0x00e8_eaed;
    pub(in super::super) const LABEL: Color = 0x0093_9dac;
    pub(in super::super) const FAINT: Color = 0x003a_4250;
    pub(in super::super) const LINE: Color = 0x002a_313c;
    pub(in super::super) const GOOD: Color = 0x007b_d88f;
    pub(in super::super) const WARN: Color = 0x00f2_b45e;
    pub(in super::super) const BAD: Color = 0x00f2_7878;
    pub(in super::super) const ACCENT: Color = 0x006c_b8ff;
    pub(super) const GROUND: Color = 0xff12_161d;
}

/// Opacity of a panel: the desktop shines through, the text stays readable on any of it.
const OPACITY: u8 = 0xee;

/// Pixels cut from the first rows at each corner.
const CORNER: [i32; 4] = [4, 2, 1, 1];

/// Draws in units, each `unit` window pixels a side.
#[derive(Debug)]
pub(super) struct Painter {
    picture: Picture,
    unit: i32,
}

impl Painter {
    /// An empty panel of `width` by `height` units.
    pub(super) fn panel(width: i32, height: i32, unit: u32) -> Self {
        let unit = unit.max(1) as i32;
        let size = Size::new((width * unit).max(0) as u32, (height * unit).max(0) as u32);
        let mut p = Self { picture: Picture::new(size, scale(color::GROUND, OPACITY)), unit };
        p.frame(width, height);
        p
    }

    /// The panel's pixels, premultiplied.
    pub(super) fn finish(self) -> Picture {
        self.picture
    }

    /// Fills a rectangle, opaque.
    pub(super) fn fill(&mut self, x: i32, y: i32, width: i32, height: i32, c: Color) {
        self.set(x, y, width, height, 0xff00_0000 | c);
    }

    /// Writes text with its cell's first row at `y`; what exceeds the panel is cut off.
    pub(super) fn text(&mut self, x: i32, y: i32, text: &str, c: Color) {
        for (i, ch) in text.chars().enumerate().take(512) {
            let left = x + i as i32 * font::WIDTH as i32;
            for row in 0..font::HEIGHT {
                let bits = font::row(ch, row);
                for column in 0..font::WIDTH as i32 {
                    if bits & 0x80 >> column != 0 {
                        self.fill(left + column, y + row as i32, 1, 1, c);
                    }
                }
            }
        }
    }

    /// Writes text that ends at `right`.
    pub(super) fn text_right(&mut self, right: i32, y: i32, text: &str, c: Color) {
        self.text(right - text_width(text), y, text, c);
    }

    fn frame(&mut self, width: i32, height: i32) {
        self.fill(0, 0, width, 1, color::LINE);
        self.fill(0, height - 1, width, 1, color::LINE);
        self.fill(0, 0, 1, height, color::LINE);
        self.fill(width - 1, 0, 1, height, color::LINE);
        for (row, &cut) in CORNER.iter().enumerate() {
            let inside = CORNER.get(row + 1).copied().unwrap_or(0);
            for y in [row as i32, height - 1 - row as i32] {
                self.clear(0, y, cut);
                self.clear(width - cut, y, cut);
                // The line goes on along the cut.
                let run = (cut - inside).max(1);
                self.fill(cut, y, run, 1, color::LINE);
                self.fill(width - cut - run, y, run, 1, color::LINE);
            }
        }
    }

    fn clear(&mut self, x: i32, y: i32, width: i32) {
        self.set(x, y, width, 1, 0);
    }

    fn set(&mut self, x: i32, y: i32, width: i32, height: i32, c: Color) {
        let u = self.unit;
        let r = Rect::from_corners(x * u, y * u, (x + width) * u, (y + height) * u);
        let r = r.intersection(&self.picture.bounds());
        if !r.is_empty() {
            self.picture.fill(r, c);
        }
    }
}

/// Units that a line of text takes.
pub(super) fn text_width(text: &str) -> i32 {
    (text.chars().count() * font::WIDTH as usize) as i32
}

/// Breaks text into at most `lines` lines of at most `columns` characters.
pub(super) fn wrap(text: &str, columns: usize, lines: usize) -> Vec<String> {
    let mut out = vec![String::new()];
    for word in text.split_whitespace() {
        // A word longer than a line (a fingerprint, a path) is broken where it must.
        for piece in word.chars().collect::<Vec<_>>().chunks(columns.max(1)) {
            let line = out.last_mut().expect("starts with one line and only grows");
            let used = line.chars().count();
            if used > 0 && used + 1 + piece.len() > columns {
                out.push(piece.iter().collect());
            } else {
                if used > 0 {
                    line.push(' ');
                }
                line.extend(piece);
            }
        }
        if out.len() > lines {
            break;
        }
    }
    if out.len() > lines {
        out.truncate(lines);
        if let Some(last) = out.last_mut() {
            *last = last.chars().take(columns.saturating_sub(4)).chain(" ...".chars()).collect();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::geometry::Point;

    #[test]
    fn wraps_at_words_and_breaks_long_ones() {
        assert_eq!(wrap("connection lost by peer", 12, 9), ["connection", "lost by peer"]);
        assert_eq!(wrap("abcdefgh i", 3, 9), ["abc", "def", "gh", "i"]);
        assert_eq!(wrap("", 10, 3), [""]);
        assert_eq!(wrap("a b c d e f", 1, 2).len(), 2);
    }

    #[test]
    fn panels_are_premultiplied() {
        let mut p = Painter::panel(60, 30, 2);
        p.text(4, 4, "Wg~ß", color::TEXT);
        p.text(50, 25, "cut off at the edge", color::TEXT);
        let picture = p.finish();
        assert_eq!(picture.size(), Size::new(120, 60));
        assert_eq!(picture.pixel(Point::default()), Some(0));
        for &c in picture.data() {
            let alpha = c >> 24;
            assert!((0..24).step_by(8).all(|s| c >> s & 0xff <= alpha), "{c:08x}");
        }
    }

    #[test]
    fn no_size_is_no_panic() {
        for (w, h) in [(0, 0), (1, 1), (3, 2), (9, 1)] {
            Painter::panel(w, h, 0).text(0, 0, "x", color::TEXT);
        }
    }
}
