//! Text drawn by hand, read back; and noise, which is none.

use std::collections::HashSet;

use panto_protocol::geometry::Size;
use panto_protocol::pixel::rgb;
use proptest::prelude::*;

use super::areas::paint_row;
use super::*;

const CELL: Size = Size::new(9, 15);
const WHITE: Color = 0x00ff_ffff;

/// Long enough to have each letter several times.
const WORDS: &str = "the quick brown fox jumps over the lazy dog and runs through the quiet wood \
                     while a dozen big jackdaws love my sphinx of quartz and the five boxing wizards jump";

/// How the letters of a font look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Font {
    /// Two colours, a gap between letters.
    Core,
    /// Antialiased, and as wide as the cell: neighbours touch.
    Touching,
    /// A coverage for each channel.
    Subpixel,
}

const fn mix(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A letter in its cell: strokes at random, always the same for the same letter.
fn letter(font: Font, c: char) -> Coverage {
    let (width, height) = (CELL.width as usize, CELL.height as usize);
    let mut mask = vec![0; width * height];
    let top = if c.is_ascii_lowercase() { 5 } else { 2 };
    for (i, m) in mask.iter_mut().enumerate().filter(|_| c != ' ') {
        let (x, y) = (i % width, i / width);
        let hash = mix(u64::from(u32::from(c)) << 16 | i as u64);
        let inside = (top..12).contains(&y);
        *m = match font {
            Font::Core => {
                u8::from(inside && (1..8).contains(&x) && (x == 1 || y == 10 || hash & 3 == 0)) * 255
            }
            // Little reaches the edges, as in real fonts, but something always does.
            _ if [0, 8].contains(&x) && (y != 10 || hash & 0x10 != 0) => 0,
            _ if !inside || (hash & 3 == 0 && y != 10) => 0,
            _ if hash & 4 == 0 => 255,
            _ => (hash >> 8) as u8,
        };
    }
    if font == Font::Subpixel {
        let spread = |i: usize| (0..3).map(move |k| (i, k));
        mask = (0..mask.len())
            .flat_map(spread)
            .map(|(i, k)| if mask[i] == 0 { 0 } else { mask[i] ^ (k as u8 * 24) })
            .collect();
    }
    Coverage { size: CELL, subpixel: font == Font::Subpixel, mask }
}

fn paint(picture: &mut Picture, at: Point, shape: &Coverage, color: Color) {
    let place = Rect::at(at, shape.size);
    for (y, mask) in (place.top..place.bottom).zip(shape.mask.chunks_exact(shape.row_bytes())) {
        paint_row(picture.row_mut(y, place.left, place.right), mask, color, shape.subpixel);
    }
}

fn write(picture: &mut Picture, at: Point, text: &str, font: Font, color: Color) {
    for (i, c) in text.chars().enumerate() {
        paint(picture, at.offset(i as i32 * CELL.width as i32, 0), &letter(font, c), color);
    }
}

/// Lines of words, a few cells apart in their beginning.
fn page(picture: &mut Picture, at: Point, lines: i32, font: Font, color: Color) {
    for line in 0..lines {
        let text: String = WORDS.chars().cycle().skip(line as usize * 23).take(50).collect();
        write(picture, at.offset(0, line * CELL.height as i32), &text, font, color);
    }
}

/// Finds, checks that what was found is exact and disjoint, and returns it with the number
/// of pixels that differ still.
fn found(finder: &mut TextFinder, target: &Picture, shadow: &Picture) -> (Vec<TextArea>, usize) {
    let rects = crate::plan::differences(target, shadow, &target.bounds().into());
    let areas = finder.find(0, target, shadow, &rects);
    let mut painted = shadow.clone();
    for (i, area) in areas.iter().enumerate() {
        assert!(areas[..i].iter().all(|a| !a.rect.intersects(&area.rect)), "areas overlap");
        painted.fill(area.rect, area.background);
        for run in &area.runs {
            for glyph in &run.glyphs {
                paint(&mut painted, glyph.at, &glyph.shape, run.color);
            }
        }
        assert!(
            painted.crop(area.rect).rows().eq(target.crop(area.rect).rows()),
            "{:?} is not exact",
            area.rect
        );
    }
    let left = painted.data().iter().zip(target.data()).filter(|(a, b)| a != b).count();
    (areas, left)
}

fn shapes(areas: &[TextArea]) -> HashSet<Arc<Coverage>> {
    areas.iter().flat_map(|a| &a.runs).flat_map(|r| &r.glyphs).map(|g| g.shape.clone()).collect()
}

fn letters_in(text: &str) -> usize {
    text.chars().filter(|c| *c != ' ').collect::<HashSet<_>>().len()
}

#[test]
fn two_lines_of_a_core_font() {
    let shadow = Picture::new(Size::new(600, 100), WHITE);
    let mut target = shadow.clone();
    write(&mut target, Point::new(20, 30), WORDS.get(..60).unwrap_or_default(), Font::Core, 0);
    write(&mut target, Point::new(20, 45), WORDS.get(60..110).unwrap_or_default(), Font::Core, 0);
    let (areas, left) = found(&mut TextFinder::new(), &target, &shadow);
    assert_eq!(left, 0);
    let all = shapes(&areas);
    assert!(all.len() <= letters_in(&WORDS[..110]), "{} shapes", all.len());
    assert!(all.iter().all(|s| !s.subpixel && s.mask.iter().all(|m| [0, 255].contains(m))));
}

#[test]
fn letters_that_touch_are_cut_at_the_grid() {
    let shadow = Picture::new(Size::new(600, 300), WHITE);
    let mut target = shadow.clone();
    page(&mut target, Point::new(31, 22), 14, Font::Touching, 0);
    let mut finder = TextFinder::new();
    let (areas, left) = found(&mut finder, &target, &shadow);
    assert_eq!(left, 0);
    assert!(shapes(&areas).len() <= letters_in(WORDS), "{} shapes, {:?}", shapes(&areas).len(), finder.grids);
    // A later line is on the same grid, and nothing in it is new.
    let shadow = target.clone();
    write(&mut target, Point::new(31, 22 + 14 * 15), "jackdaws", Font::Touching, 0);
    let (later, left) = found(&mut finder, &target, &shadow);
    assert_eq!(left, 0);
    assert!(shapes(&later).is_subset(&shapes(&areas)));
}

#[test]
fn one_shape_serves_all_colours() {
    for font in [Font::Core, Font::Touching] {
        let blue = rgb(10, 20, 120);
        let mut shadow = Picture::new(Size::new(600, 600), WHITE);
        shadow.fill(Rect::new(0, 300, 600, 300), blue);
        let mut target = shadow.clone();
        page(&mut target, Point::new(31, 22), 14, font, 0);
        let mut finder = TextFinder::new();
        let (first, left) = found(&mut finder, &target, &shadow);
        assert_eq!(left, 0);
        let shadow = target.clone();
        page(&mut target, Point::new(31, 322), 14, font, rgb(255, 220, 40));
        let (second, left) = found(&mut finder, &target, &shadow);
        assert_eq!(left, 0);
        let new = shapes(&second).difference(&shapes(&first)).count();
        assert_eq!(new, 0, "{font:?}");
    }
}

#[test]
fn reverse_video_is_an_area_of_its_own() {
    let mut shadow = Picture::new(Size::new(600, 300), WHITE);
    page(&mut shadow, Point::new(31, 22), 14, Font::Core, 0);
    let mut finder = TextFinder::new();
    let (first, _) = found(&mut finder, &shadow, &Picture::new(shadow.size(), WHITE));
    let mut target = shadow.clone();
    for y in 22 + 15 * 3..22 + 15 * 4 {
        target.row_mut(y, 31 + 9 * 4, 31 + 9 * 9).iter_mut().for_each(|p| *p ^= WHITE);
    }
    let (areas, left) = found(&mut finder, &target, &shadow);
    assert_eq!(left, 0);
    assert!(areas.iter().any(|a| a.background == 0), "{areas:?}");
    // Gaps do not tell in which of their rows a cell ends: a bar may be left beside it.
    let (all, known) = (shapes(&areas), shapes(&first));
    assert!(all.difference(&known).count() <= 1);
}

#[test]
fn a_letter_that_changed_in_part_is_whole() {
    let mut finder = TextFinder::new();
    let blank = Picture::new(Size::new(600, 100), WHITE);
    let mut shadow = blank.clone();
    write(&mut shadow, Point::new(20, 30), "sphinx of quartz", Font::Core, 0);
    let (first, _) = found(&mut finder, &shadow, &blank);
    // What the viewer has is right but for a few rows.
    let mut old = shadow.clone();
    old.fill(Rect::new(22, 36, 50, 2), WHITE);
    let (areas, left) = found(&mut finder, &shadow, &old);
    assert_eq!(left, 0);
    assert!(!areas.is_empty() && shapes(&areas).is_subset(&shapes(&first)));
}

#[test]
fn text_smoothed_by_channel_is_read() {
    let shadow = Picture::new(Size::new(600, 100), WHITE);
    let mut target = shadow.clone();
    page(&mut target, Point::new(20, 30), 4, Font::Subpixel, 0);
    let (areas, left) = found(&mut TextFinder::new(), &target, &shadow);
    assert_eq!(left, 0);
    assert!(shapes(&areas).iter().any(|s| s.subpixel));
}

#[test]
fn noise_is_no_text() {
    let noise = |seed: u64| {
        let data = (0..640 * 480).map(|i| mix(seed << 32 | i) as Color & WHITE).collect();
        Picture::from_pixels(Size::new(640, 480), data).expect("as many pixels as the size has")
    };
    let (areas, _) = found(&mut TextFinder::new(), &noise(1), &noise(2));
    assert_eq!(areas, []);
}

#[test]
fn text_beside_a_photograph_is_found() {
    let shadow = Picture::new(Size::new(640, 300), WHITE);
    let mut target = shadow.clone();
    page(&mut target, Point::new(31, 22), 14, Font::Core, 0);
    for y in 20..280 {
        for (x, p) in target.row_mut(y, 500, 630).iter_mut().enumerate() {
            *p = mix((y as u64) << 16 | x as u64) as Color & WHITE;
        }
    }
    let (areas, left) = found(&mut TextFinder::new(), &target, &shadow);
    assert!(left <= 260 * 130, "{left}");
    assert!(shapes(&areas).len() <= letters_in(WORDS) + 4, "{} shapes", shapes(&areas).len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_found_is_exact(
        background in 0..0x100_0000u32,
        words in prop::collection::vec((0..560i32, 0..220i32, 0..3u8, 0..0x100_0000u32, "[a-z ]{1,9}"), 0..24),
        specks in prop::collection::vec((0..640i32, 0..240i32, 1..80u32, 1..80u32, 0..0x100_0000u32), 0..8),
    ) {
        let mut finder = TextFinder::new();
        let shadow = Picture::new(Size::new(660, 260), background);
        let mut target = shadow.clone();
        for (x, y, font, color, text) in &words {
            let font = [Font::Core, Font::Touching, Font::Subpixel][usize::from(*font)];
            write(&mut target, Point::new(*x, *y), text, font, *color);
        }
        for (x, y, w, h, color) in specks {
            target.fill(Rect::new(x, y, w, h), color);
        }
        found(&mut finder, &target, &shadow);
        // And back, with what was learnt.
        found(&mut finder, &shadow, &target);
        found(&mut finder, &target, &shadow);
    }
}
