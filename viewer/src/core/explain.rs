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
    pub const ALL: [Self; 7] =
        [Self::Copy, Self::Fill, Self::Glyph, Self::Tile, Self::Palette, Self::Pixels, Self::Windows];

    /// The name in figures and legends.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Fill => "fill",
            Self::Glyph => "glyph",
            Self::Tile => "tile",
            Self::Palette => "palette",
            Self::Pixels => "pixels",
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
            DrawCommand::GlyphDefine(_) | DrawCommand::GlyphRun(_) | DrawCommand::GlyphPlace(_) => {
                Self::Glyph
            }
            DrawCommand::TileDefine(_) | DrawCommand::TileCapture(_) | DrawCommand::TileUse(_) => Self::Tile,
            DrawCommand::PutPixels(put) if is_palette(&put.payload) => Self::Palette,
            DrawCommand::Composite(_)
            | DrawCommand::SurfaceCreate(_)
            | DrawCommand::SurfaceResize(_)
            | DrawCommand::SurfaceDestroy(_)
            | DrawCommand::WindowCreate(_)
            | DrawCommand::WindowMove(_)
            | DrawCommand::WindowStack(_)
            | DrawCommand::WindowMap(_)
            | DrawCommand::WindowDestroy(_) => Self::Windows,
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
fn plane<'a>(
    planes: &'a mut HashMap<SurfaceId, Plane>,
    canvas: &Canvas,
    id: SurfaceId,
) -> &'a mut Plane {
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
