//! Reading a line of text: its pixels as known and new shapes.

use std::sync::Arc;

use panto_protocol::draw::Coverage;
use panto_protocol::geometry::{Point, Rect};
use panto_protocol::pixel::{Color, Picture};

use super::ink::{Inks, distance};
use super::scan::{columns, difference_box, extreme, extreme_channels, ink_box};
use super::shapes::{Shapes, grey, subpixel};
use super::{FoundGlyph, TextArea, TextRun};

/// Sides of the largest glyph.
const MAX_SIDE: u32 = 64;

/// Text colours that are remembered.
const MAX_COLORS: usize = 12;

/// Estimated bits of a glyph whose shape is known.
const KNOWN: u64 = 7;

/// Estimated bits of the place of a glyph that is on no grid.
const PLACE: u64 = 2;

/// Estimated bits of a pixel that could not be read.
pub(super) const UNREAD: u64 = 2;

/// Estimated bits of a new shape, apart from its pixels.
const NEW: u64 = 40;

/// Estimated bits of an area, apart from its glyphs.
const AREA: u64 = 40;

/// Smallest shape at which a box is split, in pixels: parts of letters are everywhere.
const MIN_SPLIT: u64 = 12;

/// What was learnt from the text read so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Knowledge {
    pub shapes: Shapes,
    inks: Inks,
    /// Background and text colour, the last used first.
    colors: Vec<(Color, Color)>,
}

/// Lines read in one way, not yet decided for.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub areas: Vec<TextArea>,
    /// What could not be read.
    pub failed: Vec<Rect>,
    pub glyphs: usize,
    /// Shapes that are not known yet.
    pub fresh: Shapes,
    /// Estimated bits.
    pub cost: u64,
}

/// The colours of the line that is being read.
struct Line {
    rect: Rect,
    background: Color,
    extreme: Color,
    last: Option<Color>,
    /// What is farthest in each channel, once it was needed.
    by_channel: Option<Color>,
}

impl Line {
    fn new(target: &Picture, rect: Rect, background: Color) -> Self {
        let extreme = extreme(target, rect, background);
        Self { rect, background, extreme, last: None, by_channel: None }
    }
}

/// How a line is cut into pieces of a glyph each.
#[derive(Clone, Copy)]
enum Pieces<'a> {
    /// Between blank columns.
    Boxes,
    /// Cells, from their first to their last column.
    Cells(&'a [(i32, i32)]),
}

impl Knowledge {
    /// Keeps what a reading taught.
    pub(super) fn learn(&mut self, reading: &mut Reading) {
        self.shapes.absorb(std::mem::take(&mut reading.fresh));
        for area in &reading.areas {
            for run in &area.runs {
                let pair = (area.background, run.color);
                self.colors.retain(|known| *known != pair);
                self.colors.truncate(MAX_COLORS - 1);
                self.colors.insert(0, pair);
            }
        }
    }

    /// Reads what changed of a line as boxes between blank columns.
    pub(super) fn read_boxes(&mut self, view: &View<'_>, line: Rect, background: Color, out: &mut Reading) {
        self.read(view, line, background, Pieces::Boxes, out);
    }

    /// Reads what changed of a line as cells.
    pub(super) fn read_cells(
        &mut self,
        view: &View<'_>,
        line: Rect,
        background: Color,
        cells: &[(i32, i32)],
        out: &mut Reading,
    ) {
        self.read(view, line, background, Pieces::Cells(cells), out);
    }

    fn read(
        &mut self,
        view: &View<'_>,
        rect: Rect,
        background: Color,
        pieces: Pieces<'_>,
        out: &mut Reading,
    ) {
        let Some(changed) = difference_box(view.target, view.shadow, rect) else { return };
        let touched = |&&(left, right): &&(i32, i32)| left < changed.right && right > changed.left;
        let boxes;
        let (pieces, whole_rows, split) = match pieces {
            Pieces::Boxes => {
                boxes = columns(view.target, rect, background, 1);
                (&boxes[..], false, true)
            }
            Pieces::Cells(cells) => (cells, true, false),
        };
        let mut line = Line::new(view.target, rect, background);
        let mut open = Open::new(background, changed.left);
        let mut glyphs = Vec::new();
        for &(left, right) in pieces.iter().filter(touched) {
            let piece = Rect { left, right, ..rect };
            if whole_rows && open.glyphs.is_empty() && open.right <= open.left {
                open.left = open.left.min(left);
            }
            let own = if whole_rows { cell_background(view.target, piece, background) } else { background };
            if own != open.background {
                out.close(open, left, rect, changed, whole_rows);
                open = Open::new(own, left);
                line = Line::new(view.target, if own == background { rect } else { piece }, own);
            }
            glyphs.clear();
            if self.piece(view.target, piece, &mut line, split, &mut glyphs, out) {
                open.left = open.left.min(left);
                open.right = open.right.max(right);
                open.glyphs.append(&mut glyphs);
            } else {
                out.close(open, left, rect, changed, whole_rows);
                open = Open::new(background, right);
                out.failed.push(piece);
                out.cost += piece.area() * UNREAD;
            }
        }
        let right = changed.right.max(open.right);
        out.close(open, right, rect, changed, whole_rows);
    }

    /// Reads what is between two gaps; `false` if that is no text.
    fn piece(
        &mut self,
        target: &Picture,
        piece: Rect,
        line: &mut Line,
        split: bool,
        glyphs: &mut Vec<(Color, FoundGlyph)>,
        out: &mut Reading,
    ) -> bool {
        let Some(ink) = ink_box(target, piece, line.background) else { return true };
        if ink.width() > MAX_SIDE * 4 || ink.height() > MAX_SIDE {
            return false;
        }
        let mut place = |(color, shape): (Color, Arc<Coverage>),
                         at: Point,
                         line: &mut Line,
                         cost: u64,
                         out: &mut Reading| {
            line.last = Some(color);
            out.glyphs += 1;
            out.cost += cost + if split { PLACE } else { 0 };
            glyphs.push((color, FoundGlyph { at, shape }));
        };
        if let Some(found) = self.known(target, ink, line, &mut out.fresh) {
            place(found, ink.origin(), line, KNOWN, out);
            return true;
        }
        let mut rest = ink;
        if split {
            while let Some((part, found)) = self.prefix(target, rest, line, &mut out.fresh) {
                place(found, part.origin(), line, KNOWN, out);
                let behind = ink_box(target, Rect { left: part.right, ..ink }, line.background);
                let Some(behind) = behind else { return true };
                rest = behind;
                if let Some(found) = self.known(target, rest, line, &mut out.fresh) {
                    place(found, rest.origin(), line, KNOWN, out);
                    return true;
                }
            }
        }
        if rest.width() > MAX_SIDE {
            return false;
        }
        let Some((color, shape)) = self.new_shape(target, rest, line) else { return false };
        let bits = if shape.mask.iter().all(|&m| m == 0 || m == 255) { 1 } else { 3 };
        let cost = KNOWN + NEW + shape.mask.len() as u64 * bits / 2;
        let shape = Arc::new(shape);
        out.fresh.add(shape.clone());
        place((color, shape), rest.origin(), line, cost, out);
        true
    }

    /// The colours that text on this background may have, the likeliest first.
    fn likely(&self, target: &Picture, ink: Rect, line: &Line) -> ([Color; 8], usize) {
        let mut colors = [0; 8];
        let mut n = 0;
        let own = extreme(target, ink, line.background);
        let recent = self.colors.iter().filter(|c| c.0 == line.background).map(|c| c.1);
        for color in line.last.into_iter().chain([line.extreme, own]).chain(recent) {
            if n < colors.len() && !colors[..n].contains(&color) {
                colors[n] = color;
                n += 1;
            }
        }
        (colors, n)
    }

    fn known(
        &mut self,
        target: &Picture,
        ink: Rect,
        line: &Line,
        fresh: &mut Shapes,
    ) -> Option<(Color, Arc<Coverage>)> {
        let pixels = target.crop(ink);
        if !self.shapes.has_size(ink.size()) && !fresh.has_size(ink.size()) {
            return None;
        }
        let (colors, n) = self.likely(target, ink, line);
        colors[..n].iter().find_map(|&color| {
            let ink = self.inks.of(color, line.background);
            let shape = self.shapes.find(pixels, ink).or_else(|| fresh.find(pixels, ink))?;
            Some((color, shape))
        })
    }

    /// The widest known shape that a box of touching letters begins with.
    fn prefix(
        &mut self,
        target: &Picture,
        ink: Rect,
        line: &Line,
        fresh: &mut Shapes,
    ) -> Option<(Rect, (Color, Arc<Coverage>))> {
        let color = line.last.unwrap_or(line.extreme);
        let widest = (ink.width() as i32 - 1).min(ink.height() as i32 * 2);
        (3..=widest).rev().find_map(|width| {
            let part = ink_box(target, Rect { right: ink.left + width, ..ink }, line.background)?;
            if part.area() < MIN_SPLIT || part.width() as i32 != width {
                return None;
            }
            let ink = self.inks.of(color, line.background);
            let pixels = target.crop(part);
            let shape = self.shapes.find(pixels, ink).or_else(|| fresh.find(pixels, ink))?;
            Some((part, (color, shape)))
        })
    }

    fn new_shape(&mut self, target: &Picture, ink: Rect, line: &mut Line) -> Option<(Color, Coverage)> {
        let pixels = target.crop(ink);
        let background = line.background;
        // Thin letters may have no pixel of the full colour: one that was seen lately
        // and is a little stronger is meant.
        let contrast = distance(line.extreme, background);
        let stronger = |c: &Color| {
            let far = distance(*c, background);
            far >= contrast && distance(*c, line.extreme) * 4 <= far
        };
        let meant = self.colors.iter().filter(|c| c.0 == background).map(|c| c.1).find(stronger);
        let own = extreme(target, ink, background);
        let mut colors = meant.into_iter().chain([line.extreme, own]);
        let shape = colors.find_map(|color| Some((color, grey(pixels, self.inks.of(color, background))?)));
        if shape.is_some() {
            return shape;
        }
        let by_channel =
            *line.by_channel.get_or_insert_with(|| extreme_channels(target, line.rect, background));
        let color = meant.filter(|c| distance(*c, by_channel) * 4 <= contrast).unwrap_or(by_channel);
        Some((color, subpixel(pixels, self.inks.of(color, background))?))
    }
}

/// What is read: the picture that the viewer should have, and the one it has.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub target: &'a Picture,
    pub shadow: &'a Picture,
}

/// An area that is being read, from its first column on.
struct Open {
    background: Color,
    left: i32,
    right: i32,
    glyphs: Vec<(Color, FoundGlyph)>,
}

impl Open {
    fn new(background: Color, left: i32) -> Self {
        Self { background, left, right: left, glyphs: Vec::new() }
    }
}

impl Reading {
    /// Ends an area of a line before the column `right`.
    fn close(&mut self, open: Open, right: i32, line: Rect, changed: Rect, whole_rows: bool) {
        let mut rect = Rect { left: open.left, right, ..line };
        if rect.is_empty() || !rect.intersects(&changed) {
            return;
        }
        if !whole_rows {
            let glyph = |g: &FoundGlyph| Rect::at(g.at, g.shape.size);
            let tight = open.glyphs.iter().fold(changed, |all, (_, g)| all.union(&glyph(g)));
            (rect.top, rect.bottom) = (tight.top, tight.bottom);
        }
        let mut runs: Vec<TextRun> = Vec::new();
        for (color, glyph) in open.glyphs {
            match runs.iter_mut().find(|r| r.color == color) {
                Some(run) => run.glyphs.push(glyph),
                None => runs.push(TextRun { color, glyphs: vec![glyph] }),
            }
        }
        self.cost += AREA;
        self.areas.push(TextArea { rect, background: open.background, runs });
    }
}

/// A cell has a background of its own if its corners agree on it.
fn cell_background(target: &Picture, cell: Rect, background: Color) -> Color {
    let (first, last) =
        (target.row(cell.top, cell.left, cell.right), target.row(cell.bottom - 1, cell.left, cell.right));
    match (first, last) {
        ([a, .., b], [c, .., d]) if a == b && b == c && c == d => *a,
        _ => background,
    }
}
