//! Fonts as coverage masks, embedded: the viewer has none.

use std::collections::HashMap;

use panto_protocol::draw::{Coverage, GlyphDefine, GlyphRun, GlyphSlot, SurfaceId};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::Color;

use crate::scene::Scene;

/// A typeface of the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    /// DejaVu Sans Mono, 13 pixels; every glyph advances by [`CELL`]'s width.
    Mono,
    /// DejaVu Sans, 13 pixels.
    Sans,
    /// DejaVu Sans Bold, 13 pixels.
    Bold,
}

/// Cell of a character in [`Face::Mono`], lines apart included.
pub(super) const CELL: Size = Size::new(8, 17);

/// From the top of a line to its baseline.
pub(super) const ASCENT: i32 = 13;

/// Slots set aside for each face.
const SLOTS: u32 = 256;

struct Font {
    glyphs: HashMap<char, GlyphDefine>,
}

/// The three faces, and which glyphs were put into the cache so far.
pub(super) struct Fonts {
    fonts: [Font; 3],
    defined: Vec<bool>,
}

impl Fonts {
    pub(super) fn load() -> Self {
        let fonts = [
            Font::parse(
                include_bytes!("../../../assets/fonts/mono-13.png"),
                include_str!("../../../assets/fonts/mono-13.txt"),
                0,
            ),
            Font::parse(
                include_bytes!("../../../assets/fonts/sans-13.png"),
                include_str!("../../../assets/fonts/sans-13.txt"),
                SLOTS,
            ),
            Font::parse(
                include_bytes!("../../../assets/fonts/sans-bold-13.png"),
                include_str!("../../../assets/fonts/sans-bold-13.txt"),
                2 * SLOTS,
            ),
        ];
        Self { fonts, defined: vec![false; 3 * SLOTS as usize] }
    }

    /// Draws text with the top of its line at `at`; glyphs are defined when first used.
    /// Returns the width.
    pub(super) fn draw(
        &mut self,
        scene: &mut Scene,
        surface: SurfaceId,
        face: Face,
        at: Point,
        color: Color,
        text: &str,
    ) -> i32 {
        let mut slots: Vec<GlyphSlot> = Vec::with_capacity(text.len());
        let mut width = 0;
        for c in text.chars() {
            let Some(glyph) = self.fonts[face as usize].glyph(c) else { continue };
            if !std::mem::replace(&mut self.defined[glyph.slot.0 as usize], true) {
                paint(scene, glyph.clone());
            }
            slots.push(glyph.slot);
            width += glyph.advance;
        }
        // Blanks at the end paint nothing.
        while slots.last().is_some_and(|s| self.fonts[face as usize].glyph(' ').is_some_and(|g| g.slot == *s))
        {
            slots.pop();
        }
        if !slots.is_empty() {
            paint(scene, GlyphRun { surface, color, pen: at.offset(0, ASCENT), slots });
        }
        width
    }

    /// Width of text in pixels.
    pub(super) fn width(&self, face: Face, text: &str) -> i32 {
        text.chars().filter_map(|c| self.fonts[face as usize].glyph(c)).map(|g| g.advance).sum()
    }
}

impl Font {
    fn parse(png: &[u8], metrics: &str, first_slot: u32) -> Self {
        // The assets are part of the program: a broken one is a broken build, which tests find.
        let atlas = image::load_from_memory_with_format(png, image::ImageFormat::Png)
            .expect("an embedded atlas is a PNG")
            .into_luma8();
        let mut glyphs = HashMap::new();
        for line in metrics.lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [code, numbers @ ..] = &fields[..] else { continue };
            let numbers: Vec<i32> = numbers.iter().filter_map(|n| n.parse().ok()).collect();
            let (Some(c), [x, y, w, h, left, top, advance]) =
                (u32::from_str_radix(code, 16).ok().and_then(char::from_u32), &numbers[..])
            else {
                continue;
            };
            let place = Rect::new(*x, *y, *w as u32, *h as u32);
            let mask = (place.top..place.bottom)
                .flat_map(|y| (place.left..place.right).map(move |x| (x as u32, y as u32)))
                .map(|(x, y)| atlas.get_pixel(x, y).0[0])
                .collect();
            let slot = GlyphSlot(first_slot + glyphs.len() as u32);
            glyphs.insert(
                c,
                GlyphDefine {
                    slot,
                    coverage: Coverage { size: place.size(), subpixel: false, mask },
                    bearing: Point::new(*left, *top),
                    advance: *advance,
                },
            );
        }
        assert!(glyphs.len() <= SLOTS as usize, "a face has its slots to itself");
        Self { glyphs }
    }

    fn glyph(&self, c: char) -> Option<&GlyphDefine> {
        self.glyphs.get(&c).or_else(|| self.glyphs.get(&'\u{fffd}'))
    }
}

/// Draws a command. The desktop's own commands are right by construction; a wrong
/// one is left out, and the tests notice.
pub(super) fn paint(scene: &mut Scene, command: impl Into<panto_protocol::draw::DrawCommand>) {
    if let Err(error) = scene.draw(command) {
        debug_assert!(false, "the demo drew nonsense: {error}");
    }
}
