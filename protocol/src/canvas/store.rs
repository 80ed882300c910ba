//! Surfaces, windows and caches, and the operations that commands are made of.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Library, PaintError};
use crate::draw::{Coverage, DrawCommand, GlyphSlot, SurfaceId, TileSlot, WindowId};
use crate::encoding::Decoder;
use crate::geometry::{Point, Rect, Region, Size};
use crate::pixel::{Color, Picture, Pixels};
use crate::wire::{
    MAX_CANVAS_PIXELS, MAX_COORDINATE, MAX_GLYPH_CACHE_PIXELS, MAX_SURFACE_PIXELS, MAX_SURFACES, MAX_WINDOWS,
};

/// Damage is kept as at most this many rectangles; more are merged.
const MAX_DAMAGE_RECTS: usize = 32;

/// Rectangles times windows that one command's damage is looked up for.
const MAX_DAMAGES: usize = 1024;

/// Surfaces, windows and caches: everything that draw commands act on.
#[derive(Default)]
pub struct Canvas {
    surfaces: HashMap<SurfaceId, Surface>,
    /// From the lowest to the highest.
    windows: Vec<Window>,
    glyphs: HashMap<GlyphSlot, Arc<Glyph>>,
    tiles: HashMap<TileSlot, Arc<Picture>>,
    library: Library,
    /// Pixels of all surfaces and tiles; `<= MAX_CANVAS_PIXELS`.
    pixels: u64,
    /// Pixels of all glyphs; `<= MAX_GLYPH_CACHE_PIXELS`.
    glyph_pixels: u64,
    /// What the last command painted, in the surfaces' coordinates.
    touched: Vec<(SurfaceId, Rect)>,
    /// What changed on the screen since it was last taken.
    damage: Region,
    decoder: Decoder,
}

/// A picture that commands paint on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surface {
    /// Its pixels: `0x00RRGGBB`, or premultiplied `0xAARRGGBB` with alpha.
    pub picture: Picture,
    /// Whether the pixels carry alpha.
    pub alpha: bool,
}

/// A surface placed on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Its number.
    pub id: WindowId,
    /// What it shows.
    pub surface: SurfaceId,
    /// Screen position of the surface's first pixel.
    pub position: Point,
    /// Whether it is shown.
    pub mapped: bool,
}

/// A cached glyph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glyph {
    /// The shape.
    pub coverage: Coverage,
    /// From the pen to the mask's first pixel.
    pub bearing: Point,
    /// Pixels that the pen moves to the right.
    pub advance: i32,
}

/// Where one painting goes.
#[derive(Debug)]
pub struct Target<'a> {
    /// The surface's picture.
    pub picture: &'a mut Picture,
    /// The only pixels that may be painted; inside the picture.
    pub clip: Rect,
    /// Whether the surface carries alpha.
    pub alpha: bool,
}

impl Target<'_> {
    /// `color` as an opaque pixel of this surface.
    pub const fn opaque(&self, color: Color) -> Color {
        if self.alpha { color | 0xff00_0000 } else { color & 0x00ff_ffff }
    }

    /// Copies pixels of the same kind as the surface's to `at`, inside the clip.
    pub fn blit(&mut self, at: Point, src: Pixels<'_>) {
        let mask = if self.alpha { u32::MAX } else { 0x00ff_ffff };
        self.blit_with(at, src, |row, from| {
            for (pixel, &s) in row.iter_mut().zip(from) {
                *pixel = s & mask;
            }
        });
    }

    /// Copies pixels without alpha to `at`, inside the clip.
    pub fn blit_opaque(&mut self, at: Point, src: Pixels<'_>) {
        let alpha = if self.alpha { 0xff00_0000 } else { 0 };
        self.blit_with(at, src, |row, from| {
            for (pixel, &s) in row.iter_mut().zip(from) {
                *pixel = (s & 0x00ff_ffff) | alpha;
            }
        });
    }

    fn blit_with(&mut self, at: Point, src: Pixels<'_>, copy: impl Fn(&mut [Color], &[Color])) {
        let r = Rect::at(at, src.size()).intersection(&self.clip);
        for y in r.top..r.bottom {
            let from = &src.row((y - at.y) as usize)[(r.left - at.x) as usize..(r.right - at.x) as usize];
            copy(self.picture.row_mut(y, r.left, r.right), from);
        }
    }
}

impl Canvas {
    /// A canvas with surface 0 of size 0 × 0 and nothing else.
    pub fn new() -> Self {
        let mut canvas = Self::default();
        canvas.surfaces.insert(SurfaceId::SCREEN, Surface::default());
        canvas
    }

    /// Paints one command. After an error the canvas is still sound, but no
    /// longer what the sender believes it to be.
    pub fn apply(&mut self, command: &DrawCommand) -> Result<(), PaintError> {
        self.touched.clear();
        let result = command.paint(self);
        // A run of glyphs touches one line of text: one rectangle says it.
        // Many windows may show what was touched: few rectangles for each of them.
        let damages = self.touched.len() * (1 + self.windows.len());
        if matches!(command, DrawCommand::GlyphRun(_))
            || self.touched.len() > MAX_DAMAGE_RECTS
            || damages > MAX_DAMAGES
        {
            let mut joined: Vec<(SurfaceId, Rect)> = Vec::new();
            for (id, rect) in self.touched.drain(..) {
                match joined.iter_mut().find(|(j, _)| *j == id) {
                    Some((_, all)) => *all = all.union(&rect),
                    None => joined.push((id, rect)),
                }
            }
            self.touched = joined;
        }
        for i in 0..self.touched.len() {
            let (id, rect) = self.touched[i];
            self.damage_surface(id, rect);
        }
        result
    }

    /// What the last command painted: rectangles in the coordinates of their surfaces.
    pub fn touched(&self) -> &[(SurfaceId, Rect)] {
        &self.touched
    }

    /// Takes what changed on the screen since the last call.
    pub fn take_damage(&mut self) -> Region {
        std::mem::take(&mut self.damage)
    }

    /// What changed on the screen since it was last taken.
    pub fn damage(&self) -> &Region {
        &self.damage
    }

    /// Size of the screen: that of surface 0.
    pub fn screen_size(&self) -> Size {
        self.surfaces.get(&SurfaceId::SCREEN).map_or(Size::default(), |s| s.picture.size())
    }

    /// A surface.
    pub fn surface(&self, id: SurfaceId) -> Result<&Surface, PaintError> {
        self.surfaces.get(&id).ok_or(PaintError::UnknownSurface(id))
    }

    /// All surfaces, in no order.
    pub fn surfaces(&self) -> impl Iterator<Item = (SurfaceId, &Surface)> {
        self.surfaces.iter().map(|(&id, s)| (id, s))
    }

    /// All windows from the lowest to the highest.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// A cached glyph.
    pub fn glyph(&self, slot: GlyphSlot) -> Option<&Arc<Glyph>> {
        self.glyphs.get(&slot)
    }

    /// All cached glyphs, in no order.
    pub fn glyphs(&self) -> impl Iterator<Item = (GlyphSlot, &Arc<Glyph>)> {
        self.glyphs.iter().map(|(&slot, g)| (slot, g))
    }

    /// A cached tile.
    pub fn tile(&self, slot: TileSlot) -> Option<&Arc<Picture>> {
        self.tiles.get(&slot)
    }

    /// Forgets every cached glyph and tile. Pixels, windows and what may be recalled stay.
    pub fn forget_caches(&mut self) {
        self.glyphs.clear();
        self.glyph_pixels = 0;
        self.pixels -= self.tiles.drain().map(|(_, tile)| tile.size().area()).sum::<u64>();
    }

    /// Exchanges the memory for unpacking pixels, which canvases that are painted in turn share so.
    pub fn swap_decoder(&mut self, other: &mut Decoder) {
        std::mem::swap(&mut self.decoder, other);
    }

    /// All cached tiles, in no order.
    pub fn tiles(&self) -> impl Iterator<Item = (TileSlot, &Arc<Picture>)> {
        self.tiles.iter().map(|(&slot, t)| (slot, t))
    }

    /// What may be recalled.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// What may be recalled, to be added to: no command does that.
    pub fn library_mut(&mut self) -> &mut Library {
        &mut self.library
    }

    /// Writes pixels straight onto a surface: what a capturing source does. Clipped.
    pub fn write(&mut self, id: SurfaceId, at: Point, src: Pixels<'_>) -> Result<(), PaintError> {
        self.touched.clear();
        self.paint(id, Rect::at(at, src.size()), |target| target.blit(at, src))?;
        for i in 0..self.touched.len() {
            let (id, rect) = self.touched[i];
            self.damage_surface(id, rect);
        }
        Ok(())
    }

    pub(crate) fn pixel_limit(&self) -> u64 {
        MAX_CANVAS_PIXELS
    }

    /// Size of the part of `rect` that lies on the surface.
    pub(crate) fn clipped_size(&self, id: SurfaceId, rect: &Rect) -> Size {
        self.surfaces.get(&id).map_or(Size::default(), |s| rect.intersection(&s.picture.bounds()).size())
    }

    /// Runs `paint` on the part of `rect` that lies on the surface, if any.
    pub(crate) fn paint(
        &mut self,
        id: SurfaceId,
        rect: Rect,
        paint: impl FnOnce(&mut Target<'_>),
    ) -> Result<(), PaintError> {
        let surface = self.surfaces.get_mut(&id).ok_or(PaintError::UnknownSurface(id))?;
        let clip = rect.intersection(&surface.picture.bounds());
        if !clip.is_empty() {
            paint(&mut Target { picture: &mut surface.picture, clip, alpha: surface.alpha });
            self.touched.push((id, clip));
        }
        Ok(())
    }

    /// As [`Canvas::paint`], with another surface to read from.
    pub(crate) fn paint_from(
        &mut self,
        source: SurfaceId,
        id: SurfaceId,
        rect: Rect,
        paint: impl FnOnce(&Surface, &mut Target<'_>),
    ) -> Result<(), PaintError> {
        // Taken out and put back: two entries of one map cannot be borrowed at once.
        let from = self.surfaces.remove(&source).ok_or(PaintError::UnknownSurface(source))?;
        let result = self.paint(id, rect, |target| paint(&from, target));
        self.surfaces.insert(source, from);
        result
    }

    /// Copies a rectangle inside one surface, overlapping or not.
    pub(crate) fn move_rect(&mut self, id: SurfaceId, rect: Rect, to: Point) -> Result<(), PaintError> {
        let bounds = self.surface(id)?.picture.bounds();
        let from = rect.intersection(&bounds);
        let (dx, dy) = (to.x - rect.left, to.y - rect.top);
        self.paint(id, from.offset(dx, dy), |target| {
            let clip = target.clip;
            let width = bounds.width() as usize;
            let data = target.picture.data_mut();
            let mut row = |y: i32| {
                let start = (y - dy) as usize * width + (clip.left - dx) as usize;
                data.copy_within(
                    start..start + clip.width() as usize,
                    y as usize * width + clip.left as usize,
                );
            };
            // Rows that are read later must not be written first.
            if dy > 0 {
                (clip.top..clip.bottom).rev().for_each(&mut row);
            } else {
                (clip.top..clip.bottom).for_each(&mut row);
            }
        })
    }

    /// Decodes a payload and hands the picture on.
    pub(crate) fn decoded(
        &mut self,
        payload: &[u8],
        size: Size,
        alpha: bool,
        then: impl FnOnce(&mut Self, Picture) -> Result<(), PaintError>,
    ) -> Result<(), PaintError> {
        let mut decoder = std::mem::take(&mut self.decoder);
        let result = match decoder.decode(payload, size, alpha) {
            Ok(picture) => then(self, picture),
            Err(error) => Err(error.into()),
        };
        self.decoder = decoder;
        result
    }

    pub(crate) fn define_glyph(
        &mut self,
        slot: GlyphSlot,
        coverage: Coverage,
        bearing: Point,
        advance: i32,
    ) -> Result<(), PaintError> {
        // More than its mask, so that empty glyphs are bounded as well.
        let weight = |c: &Coverage| c.mask.len() as u64 + 64;
        let old = self.glyphs.get(&slot).map_or(0, |g| weight(&g.coverage));
        let pixels = self.glyph_pixels - old + weight(&coverage);
        if pixels > MAX_GLYPH_CACHE_PIXELS {
            return Err(PaintError::TooLarge { what: "glyph cache" });
        }
        self.glyph_pixels = pixels;
        self.glyphs.insert(slot, Arc::new(Glyph { coverage, bearing, advance }));
        Ok(())
    }

    pub(crate) fn define_tile(&mut self, slot: TileSlot, tile: Arc<Picture>) -> Result<(), PaintError> {
        let old = self.tiles.get(&slot).map_or(0, |t| t.size().area());
        self.account(old, tile.size().area())?;
        self.tiles.insert(slot, tile);
        Ok(())
    }

    pub(crate) fn create_surface(
        &mut self,
        id: SurfaceId,
        size: Size,
        alpha: bool,
    ) -> Result<(), PaintError> {
        if self.surfaces.contains_key(&id) {
            return Err(PaintError::Exists { what: "surface", id: id.0 });
        }
        if self.surfaces.len() >= MAX_SURFACES {
            return Err(PaintError::TooLarge { what: "number of surfaces" });
        }
        self.sized(0, size)?;
        self.surfaces.insert(id, Surface { picture: Picture::new(size, 0), alpha });
        Ok(())
    }

    pub(crate) fn resize_surface(&mut self, id: SurfaceId, size: Size) -> Result<(), PaintError> {
        let old = self.surface(id)?.picture.size();
        self.sized(old.area(), size)?;
        self.damage_surface(id, Rect::of_size(old));
        if let Some(surface) = self.surfaces.get_mut(&id) {
            surface.picture.resize(size, 0);
        }
        if id == SurfaceId::SCREEN {
            self.damage = Rect::of_size(size).into();
        }
        self.touched.push((id, Rect::of_size(size)));
        Ok(())
    }

    pub(crate) fn destroy_surface(&mut self, id: SurfaceId) -> Result<(), PaintError> {
        if id == SurfaceId::SCREEN || self.windows.iter().any(|w| w.surface == id) {
            return Err(PaintError::InUse(id));
        }
        let old = self.surfaces.remove(&id).ok_or(PaintError::UnknownSurface(id))?;
        self.pixels -= old.picture.size().area();
        Ok(())
    }

    pub(crate) fn create_window(
        &mut self,
        id: WindowId,
        surface: SurfaceId,
        position: Point,
    ) -> Result<(), PaintError> {
        if self.windows.iter().any(|w| w.id == id) {
            return Err(PaintError::Exists { what: "window", id: id.0 });
        }
        if self.windows.len() >= MAX_WINDOWS {
            return Err(PaintError::TooLarge { what: "number of windows" });
        }
        self.surface(surface)?;
        self.windows.push(Window { id, surface, position, mapped: false });
        Ok(())
    }

    pub(crate) fn change_window(
        &mut self,
        id: WindowId,
        change: impl FnOnce(&mut Window),
    ) -> Result<(), PaintError> {
        let i = self.window_index(id)?;
        self.damage_window(i);
        change(&mut self.windows[i]);
        self.damage_window(i);
        Ok(())
    }

    pub(crate) fn stack_window(&mut self, id: WindowId, index: usize) -> Result<(), PaintError> {
        let i = self.window_index(id)?;
        self.damage_window(i);
        let window = self.windows.remove(i);
        self.windows.insert(index.min(self.windows.len()), window);
        Ok(())
    }

    pub(crate) fn destroy_window(&mut self, id: WindowId) -> Result<(), PaintError> {
        let i = self.window_index(id)?;
        self.damage_window(i);
        self.windows.remove(i);
        Ok(())
    }

    fn window_index(&self, id: WindowId) -> Result<usize, PaintError> {
        self.windows.iter().position(|w| w.id == id).ok_or(PaintError::UnknownWindow(id))
    }

    fn damage_window(&mut self, i: usize) {
        let window = &self.windows[i];
        if !window.mapped {
            return;
        }
        let Some(surface) = self.surfaces.get(&window.surface) else { return };
        let place = Rect::at(window.position, surface.picture.size());
        self.damage_screen(place);
    }

    fn damage_surface(&mut self, id: SurfaceId, rect: Rect) {
        if id == SurfaceId::SCREEN {
            self.damage_screen(rect);
        }
        for i in 0..self.windows.len() {
            let window = &self.windows[i];
            if window.surface == id && window.mapped {
                self.damage_screen(rect.offset(window.position.x, window.position.y));
            }
        }
    }

    fn damage_screen(&mut self, rect: Rect) {
        let screen = Rect::of_size(self.screen_size());
        self.damage.add(rect.intersection(&screen));
        self.damage.simplify(MAX_DAMAGE_RECTS);
    }

    fn sized(&mut self, old_area: u64, size: Size) -> Result<(), PaintError> {
        if size.area() > MAX_SURFACE_PIXELS || size.width.max(size.height) > MAX_COORDINATE {
            return Err(PaintError::TooLarge { what: "surface" });
        }
        self.account(old_area, size.area())
    }

    fn account(&mut self, old: u64, new: u64) -> Result<(), PaintError> {
        let pixels = self.pixels - old + new;
        if pixels > MAX_CANVAS_PIXELS {
            return Err(PaintError::TooLarge { what: "pixels of all surfaces and tiles" });
        }
        self.pixels = pixels;
        Ok(())
    }
}

impl Clone for Canvas {
    /// The same surfaces, windows and caches; what is cached is shared, pixels are copied.
    fn clone(&self) -> Self {
        Self {
            surfaces: self.surfaces.clone(),
            windows: self.windows.clone(),
            glyphs: self.glyphs.clone(),
            tiles: self.tiles.clone(),
            library: self.library.clone(),
            pixels: self.pixels,
            glyph_pixels: self.glyph_pixels,
            touched: self.touched.clone(),
            damage: self.damage.clone(),
            // Between two payloads it holds nothing but memory.
            decoder: Decoder::new(),
        }
    }
}

impl std::fmt::Debug for Canvas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Canvas")
            .field("screen", &self.screen_size())
            .field("surfaces", &self.surfaces.len())
            .field("windows", &self.windows)
            .field("glyphs", &self.glyphs.len())
            .field("tiles", &self.tiles.len())
            .finish_non_exhaustive()
    }
}
