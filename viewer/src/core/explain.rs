//! How each area of the screen was sent last: the tints of `panto view --explain`.
//!
//! Every surface has a byte for each of its pixels beside its picture. Windows carry the
//! tints of their surfaces with them, so the tinted picture is composed as the picture is.

use std::collections::HashMap;

use panto_protocol::canvas::Canvas;
use panto_protocol::draw::{CopyItem, DrawCommand, SurfaceId};
use panto_protocol::encoding::Packing;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Color, luma, rgb};

/// What an area of the screen was sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Means {
    /// Moved from elsewhere.
    Copy = 1,
    /// Fills, patterns, lines and frames: colours and geometry.
    Fill,
    /// Shapes from the glyph cache; shapes themselves count here too.
    Glyph,
    /// Pictures from the tile cache; putting them there counts here too.
    Tile,
    /// Pixels of few colours, as a palette and indices.
    Palette,
    /// Other pixels, exactly.
    Pixels,
    /// Photographs and films, nearly as they are.
    Lossy,
    /// Surfaces and windows made, moved, stacked and composed: no pixels of their own, no tint.
    Windows,
}

/// What of a tinted pixel is its tint, in 256ths; the rest is the pixel's brightness.
const TINT: u32 = 115;

/// Brightness kept of pixels in 256ths, where they are tinted, and where it is not known how
/// they were sent.
const BRIGHTNESS: u32 = 141;

impl Means {
    /// All, in the legend's order.
    pub const ALL: [Self; 8] = [
        Self::Copy,
        Self::Fill,
        Self::Glyph,
        Self::Tile,
        Self::Palette,
        Self::Pixels,
        Self::Lossy,
        Self::Windows,
    ];

    /// The name in figures and legends.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Fill => "fill",
            Self::Glyph => "glyph",
            Self::Tile => "tile",
            Self::Palette => "palette",
            Self::Pixels => "pixels",
            Self::Lossy => "lossy",
            Self::Windows => "windows",
        }
    }

    /// What the legend says beside the name.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Copy => "moved from elsewhere",
            Self::Fill => "fills, patterns, lines",
            Self::Glyph => "text as shapes",
            Self::Tile => "pictures sent before",
            Self::Palette => "pixels of few colours",
            Self::Pixels => "other pixels, exact",
            Self::Lossy => "pixels, nearly exact",
            Self::Windows => "windows moved, stacked",
        }
    }

    /// Its tint, `0x00RRGGBB`; `None` if it has no area of its own.
    pub const fn color(self) -> Option<Color> {
        Some(match self {
            Self::Copy => rgb(64, 132, 255),
            Self::Fill => rgb(0, 200, 200),
            Self::Glyph => rgb(48, 208, 72),
            Self::Tile => rgb(190, 90, 255),
            Self::Palette => rgb(255, 176, 0),
            Self::Pixels => rgb(255, 56, 56),
            Self::Lossy => rgb(255, 64, 208),
            Self::Windows => return None,
        })
    }

    /// What a command's bytes are spent on.
    pub fn of(command: &DrawCommand) -> Self {
        match command {
            DrawCommand::Copy(_) => Self::Copy,
            DrawCommand::Fill(_)
            | DrawCommand::Pattern(_)
            | DrawCommand::Lines(_)
            | DrawCommand::Frames(_) => Self::Fill,
            DrawCommand::GlyphDefine(_)
            | DrawCommand::GlyphRun(_)
            | DrawCommand::GlyphPlace(_)
            | DrawCommand::GlyphRecall(_) => Self::Glyph,
            DrawCommand::TileDefine(_)
            | DrawCommand::TileCapture(_)
            | DrawCommand::TileUse(_)
            | DrawCommand::TileRecall(_) => Self::Tile,
            DrawCommand::PutPixels(put) if is_palette(&put.payload) => Self::Palette,
            DrawCommand::LossyPixels(_) => Self::Lossy,
            DrawCommand::Composite(_) => Self::Windows,
            structure if structure.is_structure() => Self::Windows,
            // Whatever else there is or will be paints pixels.
            _ => Self::Pixels,
        }
    }
}

/// Whether a payload, whose first byte names its packing, is a palette and indices.
fn is_palette(payload: &[u8]) -> bool {
    let packing = payload.first().and_then(|how| Packing::ALL.get(usize::from(how & 0x0f)));
    matches!(packing, Some(Packing::Palette | Packing::PaletteRle))
}

/// Bytes received by means, and, while switched on, the means of every pixel.
#[derive(Debug, Default)]
pub struct Explanation {
    bytes: [u64; Means::ALL.len()],
    /// `None` while switched off.
    planes: Option<HashMap<SurfaceId, Plane>>,
}

/// The means of each pixel of a surface, 0 where it is not known.
#[derive(Debug, Default)]
struct Plane {
    size: Size,
    /// Row by row, `size.area()` of them.
    means: Vec<u8>,
}

impl Explanation {
    /// Switches on, knowing nothing of what is there already, or off. Returns whether that
    /// is a change.
    pub fn switch(&mut self, on: bool) -> bool {
        if on == self.is_on() {
            return false;
        }
        self.planes = on.then(HashMap::new);
        true
    }

    /// Whether it is switched on.
    pub fn is_on(&self) -> bool {
        self.planes.is_some()
    }

    /// An empty canvas: nothing is known of what will be on it. Bytes go on.
    pub fn clear(&mut self) {
        if let Some(planes) = &mut self.planes {
            planes.clear();
        }
    }

    /// Bytes of commands received, by means, in the order of [`Means::ALL`].
    pub fn bytes(&self) -> impl Iterator<Item = (Means, u64)> {
        Means::ALL.into_iter().zip(self.bytes)
    }

    /// How a pixel of a surface was sent last; `None` if that is not known.
    pub fn at(&self, surface: SurfaceId, at: Point) -> Option<Means> {
        let plane = self.planes.as_ref()?.get(&surface)?;
        if !Rect::of_size(plane.size).contains(at) {
            return None;
        }
        let means = plane.means[at.y as usize * plane.size.width as usize + at.x as usize];
        Means::ALL.into_iter().find(|m| *m as u8 == means)
    }

    /// `command`, which took so many bytes, was painted on the canvas, and was the last one.
    pub fn painted(&mut self, command: &DrawCommand, bytes: u64, canvas: &Canvas) {
        let means = Means::of(command);
        self.bytes[means as usize - 1] += bytes;
        let Some(planes) = &mut self.planes else { return };
        match command {
            DrawCommand::SurfaceDestroy(c) => drop(planes.remove(&c.id)),
            DrawCommand::SurfaceResize(c) => {
                if let Some(plane) = planes.get_mut(&c.id) {
                    plane.resize(c.size);
                }
            }
            // What is composed keeps the tints that it had.
            DrawCommand::Composite(c) => {
                let from = CopyItem { source: c.source, rect: c.rect, to: c.to };
                for &(id, rect) in canvas.touched() {
                    carry(planes, canvas, id, rect, &from);
                }
            }
            _ if means.color().is_none() => {}
            _ => {
                for &(id, rect) in canvas.touched() {
                    plane(planes, canvas, id).fill(rect, means);
                }
            }
        }
    }

    /// Tints pixels of a surface from `at` on, whose alpha stays as it is.
    pub fn shade(&self, surface: SurfaceId, alpha: bool, at: Point, row: &mut [Color]) {
        let Some(planes) = &self.planes else { return };
        let means = planes.get(&surface).map_or(&[][..], |plane| plane.row(at, row.len()));
        let mut tints = [None; Means::ALL.len() + 1];
        for means in Means::ALL {
            tints[means as usize] = means.color();
        }
        let known = means.iter().map(|&m| tints[usize::from(m)]).chain(std::iter::repeat(None));
        for (pixel, tint) in row.iter_mut().zip(known) {
            *pixel = tinted(*pixel, tint, alpha);
        }
    }
}

/// A pixel in grey, and its tint over it; premultiplied if it was.
fn tinted(pixel: Color, tint: Option<Color>, has_alpha: bool) -> Color {
    let alpha = if has_alpha { pixel >> 24 } else { 0xff };
    let grey = u32::from(luma(pixel)) * BRIGHTNESS;
    let tint = tint.unwrap_or(0);
    let channel = |shift: u32| {
        let tint = (tint >> shift & 0xff) * TINT * alpha / 0xff;
        // At most 255 * (115 + 141) / 256, and at most `alpha` of it.
        (grey + tint) >> 8 << shift
    };
    let opaque = pixel & 0xff00_0000;
    opaque | channel(16) | channel(8) | channel(0)
}

/// The plane of a surface, at its present size.
fn plane<'a>(planes: &'a mut HashMap<SurfaceId, Plane>, canvas: &Canvas, id: SurfaceId) -> &'a mut Plane {
    let size = canvas.surface(id).map_or(Size::default(), |s| s.picture.size());
    let plane = planes.entry(id).or_default();
    plane.resize(size);
    plane
}

/// Moves tints as pixels were moved from one surface to another.
fn carry(
    planes: &mut HashMap<SurfaceId, Plane>,
    canvas: &Canvas,
    id: SurfaceId,
    rect: Rect,
    from: &CopyItem,
) {
    // Taken out and put back: two entries of one map cannot be borrowed at once.
    let Some(source) = planes.remove(&from.source) else { return };
    let target = plane(planes, canvas, id);
    let (dx, dy) = (from.rect.left - from.to.x, from.rect.top - from.to.y);
    let rect = rect.intersection(&Rect::of_size(target.size));
    for y in rect.top..rect.bottom {
        let row = source.row(Point::new(rect.left + dx, y + dy), rect.width() as usize);
        for (to, &means) in target.row_mut(y, rect.left, rect.right).iter_mut().zip(row) {
            if means != 0 {
                *to = means;
            }
        }
    }
    planes.insert(from.source, source);
}

impl Plane {
    fn resize(&mut self, size: Size) {
        if size == self.size {
            return;
        }
        let mut means = Vec::with_capacity(size.area() as usize);
        for y in 0..size.height as i32 {
            let kept = self.row(Point::new(0, y), size.width as usize);
            means.extend_from_slice(kept);
            means.resize(means.len() + size.width as usize - kept.len(), 0);
        }
        *self = Self { size, means };
    }

    fn fill(&mut self, rect: Rect, means: Means) {
        let rect = rect.intersection(&Rect::of_size(self.size));
        for y in rect.top..rect.bottom {
            self.row_mut(y, rect.left, rect.right).fill(means as u8);
        }
    }

    /// At most `len` pixels from `at` on, as many as there are in its row.
    fn row(&self, at: Point, len: usize) -> &[u8] {
        if !Rect::of_size(self.size).contains(at) {
            return &[];
        }
        let width = self.size.width as usize;
        let start = at.y as usize * width;
        &self.means[start + at.x as usize..start + (at.x as usize + len).min(width)]
    }

    /// Pixels inside the plane.
    fn row_mut(&mut self, y: i32, left: i32, right: i32) -> &mut [u8] {
        let start = y as usize * self.size.width as usize;
        &mut self.means[start + left as usize..start + right as usize]
    }
}

#[cfg(test)]
mod tests {
    use panto_protocol::draw::{
        Composite, Copy, Coverage, Fill, GlyphDefine, GlyphRun, GlyphSlot, LossyPixels, PutPixels,
        SurfaceCreate, SurfaceDestroy, SurfaceResize, TileCapture, TileSlot, TileUse, WindowCreate, WindowId,
        WindowMap, WindowMove,
    };
    use panto_protocol::encoding::{Effort, Encoder};
    use panto_protocol::lossy::Macroblock;
    use panto_protocol::message::FrameHeader;
    use panto_protocol::pixel::Picture;
    use panto_protocol::wire::Writer;

    use super::*;
    use crate::core::Screen;

    const SCREEN: SurfaceId = SurfaceId::SCREEN;

    fn fill(surface: SurfaceId, rect: Rect) -> DrawCommand {
        Fill { surface, color: 0x0080_8080, rects: vec![rect] }.into()
    }

    fn put(rect: Rect, pixel: impl Fn(usize) -> Color) -> DrawCommand {
        let data = (0..rect.area() as usize).map(pixel).collect();
        let picture = Picture::from_pixels(rect.size(), data).unwrap();
        let mut payload = Vec::new();
        Encoder::new().encode(picture.view(), Effort::Balanced, &mut payload);
        PutPixels { surface: SCREEN, rect, payload }.into()
    }

    /// An explained screen of 40 × 30 pixels, and the picture that it shows.
    struct Shown {
        screen: Screen,
        picture: Picture,
    }

    impl Shown {
        fn new() -> Self {
            let mut screen = Screen::new();
            assert!(screen.explain(true));
            let mut shown = Self { screen, picture: Picture::default() };
            shown.paint([SurfaceResize { id: SCREEN, size: Size::new(40, 30) }.into()]);
            shown
        }

        fn paint<const N: usize>(&mut self, commands: [DrawCommand; N]) {
            let mut out = Writer::new();
            FrameHeader::default().encode(&mut out);
            commands.iter().for_each(|c| c.encode(&mut out));
            self.screen.paint(&out.finish()).unwrap();
            self.screen.show(&[], &mut self.picture);
            assert!(self.picture == self.screen.whole(), "damage is missing");
        }

        fn at(&self, x: i32, y: i32) -> Option<Means> {
            self.screen.explanation().at(SCREEN, Point::new(x, y))
        }

        /// The means that a pixel of the picture is tinted as.
        #[track_caller]
        fn tint(&self, x: i32, y: i32) -> Option<Means> {
            let p = Point::new(x, y);
            let pixel = self.screen.canvas().screen().pixel(p).unwrap();
            let shown = self.picture.pixel(p).unwrap();
            if shown == tinted(pixel, None, false) {
                return None;
            }
            let mut all = Means::ALL.into_iter().filter(|m| m.color().is_some());
            let found = all.find(|m| shown == tinted(pixel, m.color(), false));
            Some(found.unwrap_or_else(|| panic!("{shown:06x} is no tint of {pixel:06x}")))
        }
    }

    #[test]
    fn each_way_of_sending_has_its_tint() {
        let mut s = Shown::new();
        assert_eq!(s.tint(0, 0), None, "a new size says nothing of pixels");
        s.paint([fill(SCREEN, Rect::new(0, 0, 10, 10))]);
        assert_eq!([s.tint(9, 9), s.tint(10, 9)], [Some(Means::Fill), None]);
        // Sixteen colours in no order, and as many colours as pixels.
        s.paint([put(Rect::new(10, 0, 16, 10), |i| [0x10, 0x00aa_0000, 0x00cc_cc00][i * i % 3])]);
        s.paint([put(Rect::new(26, 0, 14, 10), |i| (i as u32).wrapping_mul(0x9e37_79b1) >> 8)]);
        assert_eq!([s.tint(12, 3), s.tint(30, 3)], [Some(Means::Palette), Some(Means::Pixels)]);
        let rect = Rect::new(0, 12, 16, 4);
        let macroblocks = vec![Macroblock::default()];
        s.paint([LossyPixels { surface: SCREEN, rect, step: 9, macroblocks, levels: vec![] }.into()]);
        assert_eq!([s.tint(15, 15), s.tint(15, 16)], [Some(Means::Lossy), None]);
        let coverage = Coverage { size: Size::new(3, 4), subpixel: false, mask: vec![255; 12] };
        let slot = GlyphSlot(7);
        s.paint([
            GlyphDefine { slot, coverage, bearing: Point::default(), advance: 4 }.into(),
            GlyphRun { surface: SCREEN, color: 0x00ff_ffff, pen: Point::new(2, 20), slots: vec![slot; 2] }
                .into(),
        ]);
        assert_eq!([s.tint(2, 20), s.tint(2, 24)], [Some(Means::Glyph), None]);
        let item = CopyItem { source: SCREEN, rect: Rect::new(0, 0, 5, 5), to: Point::new(30, 20) };
        s.paint([Copy { surface: SCREEN, items: vec![item] }.into()]);
        assert_eq!(
            [s.tint(0, 0), s.tint(34, 24), s.tint(35, 24)],
            [Some(Means::Fill), Some(Means::Copy), None]
        );
        let slot = TileSlot(1);
        s.paint([
            TileCapture { slot, surface: SCREEN, rect: Rect::new(0, 0, 4, 4) }.into(),
            TileUse { slot, surface: SCREEN, points: vec![Point::new(20, 15)] }.into(),
        ]);
        assert_eq!([s.tint(0, 0), s.tint(23, 18)], [Some(Means::Fill), Some(Means::Tile)]);
        // The last word counts.
        s.paint([fill(SCREEN, Rect::new(0, 0, 40, 30))]);
        assert!((0..40).all(|x| s.tint(x, 20) == Some(Means::Fill)));
        // And the bytes were counted where they were spent.
        let bytes: Vec<_> = s.screen.explanation().bytes().filter(|b| b.1 > 0).map(|b| b.0).collect();
        assert_eq!(bytes, Means::ALL);
        let all: u64 = s.screen.explanation().bytes().map(|b| b.1).sum();
        assert_eq!(all, s.screen.bytes_by_kind().values().sum::<u64>());
    }

    #[test]
    fn windows_carry_the_tints_of_their_surfaces() {
        let mut s = Shown::new();
        let (surface, id) = (SurfaceId(4), WindowId(9));
        s.paint([
            fill(SCREEN, Rect::new(0, 0, 40, 30)),
            SurfaceCreate { id: surface, size: Size::new(10, 8), alpha: false }.into(),
            WindowCreate { id, surface, position: Point::new(5, 5) }.into(),
            WindowMap { id, mapped: true }.into(),
        ]);
        assert_eq!([s.tint(4, 5), s.tint(5, 5)], [Some(Means::Fill), None]);
        let item = CopyItem { source: SCREEN, rect: Rect::new(0, 0, 6, 8), to: Point::default() };
        s.paint([Copy { surface, items: vec![item] }.into()]);
        assert_eq!(
            [s.tint(5, 5), s.tint(10, 12), s.tint(11, 12)],
            [Some(Means::Copy), Some(Means::Copy), None]
        );
        s.paint([WindowMove { id, position: Point::new(20, 9) }.into()]);
        assert_eq!([s.tint(5, 5), s.tint(20, 9)], [Some(Means::Fill), Some(Means::Copy)]);
        // Before the server moves it, too.
        let ahead = [crate::core::MovedWindow { id, position: Point::new(0, 20) }];
        s.screen.show(&ahead, &mut s.picture);
        assert!(s.picture == s.screen.whole());
        let below = s.screen.canvas().surface(SCREEN).unwrap().picture.pixel(Point::new(21, 10)).unwrap();
        let uncovered = s.picture.pixel(Point::new(21, 10)).unwrap();
        assert_eq!(uncovered, tinted(below, Means::Fill.color(), false));
    }

    #[test]
    fn a_surface_keeps_what_is_left_of_it() {
        let mut s = Shown::new();
        s.paint([
            fill(SCREEN, Rect::new(0, 0, 40, 30)),
            SurfaceResize { id: SCREEN, size: Size::new(20, 10) }.into(),
            SurfaceResize { id: SCREEN, size: Size::new(30, 20) }.into(),
        ]);
        assert_eq!([s.tint(19, 9), s.tint(20, 9), s.tint(19, 10)], [Some(Means::Fill), None, None]);
        let surface = SurfaceId(2);
        let create = SurfaceCreate { id: surface, size: Size::new(4, 4), alpha: false };
        s.paint([create.clone().into(), fill(surface, Rect::new(0, 0, 4, 4))]);
        let at = |s: &Shown| s.screen.explanation().at(surface, Point::default());
        assert_eq!(at(&s), Some(Means::Fill));
        // Composing takes the tints along.
        let to = Point::new(25, 15);
        let rect = Rect::new(0, 0, 4, 4);
        s.paint([Composite { surface: SCREEN, source: surface, rect, to, opacity: 200 }.into()]);
        assert_eq!([s.at(25, 15), s.at(28, 18), s.at(29, 18)], [Some(Means::Fill), Some(Means::Fill), None]);
        s.paint([SurfaceDestroy { id: surface }.into(), create.into()]);
        assert_eq!(at(&s), None);
    }

    #[test]
    fn switched_on_it_begins_with_nothing_and_off_leaves_nothing() {
        let mut s = Shown::new();
        s.paint([put(Rect::new(0, 0, 40, 30), |i| (i as u32).wrapping_mul(0x9e37_79b1) >> 8)]);
        assert!(s.screen.explain(false) && !s.screen.explain(false));
        let digest = s.screen.digest();
        s.screen.show(&[], &mut s.picture);
        assert!(s.picture == s.screen.canvas().screen());
        assert!(s.screen.explain(true));
        s.screen.show(&[], &mut s.picture);
        assert_eq!(s.tint(7, 7), None);
        assert_eq!(s.screen.digest(), digest, "tints are not the server's");
        s.paint([fill(SCREEN, Rect::new(0, 0, 4, 4))]);
        assert_eq!([s.tint(3, 3), s.tint(4, 3)], [Some(Means::Fill), None]);
    }

    #[test]
    fn premultiplied_pixels_stay_premultiplied() {
        for alpha in 0..=255u32 {
            for means in Means::ALL {
                let pixel = alpha << 24 | alpha << 16 | (alpha / 2) << 8 | alpha;
                let shown = tinted(pixel, means.color(), true);
                assert_eq!(shown >> 24, alpha);
                assert!((0..24).step_by(8).all(|s| shown >> s & 0xff <= alpha), "{shown:08x}");
            }
        }
    }
}
