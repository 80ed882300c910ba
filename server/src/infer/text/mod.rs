//! Text in a flat picture, as glyph shapes: exact to the pixel, colour apart.
//!
//! ```text
//!   rectangles ─► known grids of cells ──┐
//!       │                                ├─► lines ─► pieces ─► known or new shapes ─► areas
//!       └─► background, bands, blocks ───┘
//! ```
//!
//! A shape is the coverage that makes the pixels from a background and one colour. What
//! was read once is known, and a shape that is known is preferred to a new one. Where
//! there are several ways to read (boxes between blank columns, cells of a grid) the one
//! of the fewest estimated bits is taken; whether text is cheaper than pixels is not
//! decided here.

mod areas;
mod cut;
mod grid;
mod ink;
mod reading;
mod scan;
mod shapes;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use panto_protocol::draw::Coverage;
use panto_protocol::geometry::{Point, Rect, Region};
use panto_protocol::pixel::{Color, Picture};

use areas::{joined, paints, push};
use cut::{Parts, cut};
use grid::{Grid, candidates};
use reading::{Knowledge, Reading, View};
use scan::{background, difference_box, grow_to_gaps, solid};

/// A stretch of text on one background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextArea {
    /// Filled with `background` first; every pixel of it is the target's after the runs
    /// are painted.
    pub rect: Rect,
    /// What the text stands on.
    pub background: Color,
    /// From the top down. An area that has become blank has none.
    pub runs: Vec<TextRun>,
}

/// Glyphs of one line in one colour, from left to right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRun {
    /// Colour at full coverage.
    pub color: Color,
    /// All inside the area; none overlaps another.
    pub glyphs: Vec<FoundGlyph>,
}

/// A shape at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundGlyph {
    /// Where the mask's first pixel lies.
    pub at: Point,
    /// Trimmed: no row or column at an edge of the mask is empty.
    pub shape: Arc<Coverage>,
}

/// How often a rectangle is cut into smaller ones.
const MAX_DEPTH: u32 = 8;

/// Smallest side of a box that is searched for text inside, such as a button.
const MIN_BOX: u32 = 12;

/// New shapes from which on a grid is looked for.
const MANY_FRESH: usize = 8;

/// Grids that are remembered.
const MAX_GRIDS: usize = 6;

/// Surfaces whose grids are remembered.
const MAX_SURFACES: usize = 64;

/// Finds text, and remembers shapes, colours and grids for the next time.
#[derive(Debug, Clone, Default)]
pub struct TextFinder {
    knowledge: Knowledge,
    /// The last used first.
    grids: Vec<Grid>,
    /// Those of the surfaces that were not read last.
    others: HashMap<u32, Vec<Grid>>,
    surface: u32,
}

impl TextFinder {
    /// A finder that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Text in `rects`, tight rectangles in which `target` differs from `shadow`: disjoint
    /// areas, which may go a little beyond the rectangles where those cut letters. Painting
    /// an area's fill and then its runs gives exactly `target` in the whole area.
    /// What is known of fixed pitches is kept for each surface (by its number) apart.
    pub fn find(
        &mut self,
        surface: u32,
        target: &Picture,
        shadow: &Picture,
        rects: &[Rect],
    ) -> Vec<TextArea> {
        self.turn_to(surface);
        if target.size() != shadow.size() {
            return Vec::new();
        }
        let view = View { target, shadow };
        let mut areas = Vec::new();
        let mut others: Vec<Rect> = Vec::new();
        let mut on_grids: Vec<(Grid, Region)> = Vec::new();
        for rect in rects.iter().map(|r| r.intersection(&target.bounds())).filter(|r| !r.is_empty()) {
            match self.grids.iter().find(|g| g.reaches(&rect)) {
                Some(grid) => put_on_grid(*grid, rect, target, &mut on_grids),
                None => others.push(rect),
            }
        }
        for (grid, region) in on_grids {
            for &rect in region.rects() {
                match self.read_grid(view, rect, &grid) {
                    Some(reading) if self.is_fit(view, rect, &grid, &reading) => {
                        self.accept(target, reading, &mut areas, &mut others)
                    }
                    _ => others.push(rect),
                }
            }
        }
        let mut on_grids: Vec<(Grid, Region)> = Vec::new();
        for rect in merged(target, others) {
            match on_grids.iter().map(|(grid, _)| *grid).find(|g| g.reaches(&rect)) {
                Some(grid) => put_on_grid(grid, rect, target, &mut on_grids),
                None => {
                    if let Some(grid) = self.search(view, rect, 0, &mut areas) {
                        put_on_grid(grid, rect, target, &mut on_grids);
                    }
                }
            }
        }
        for (grid, mut region) in on_grids {
            for area in &areas {
                region.subtract(&area.rect);
            }
            for &rect in region.rects() {
                if let Some(reading) = self.read_grid(view, rect, &grid) {
                    self.accept(target, reading, &mut areas, &mut Vec::new());
                }
            }
        }
        areas.retain(|area| paints(area, target));
        areas
    }

    /// Adds a shape that the viewer has: it is preferred to a new one.
    pub fn learn(&mut self, shape: &Arc<Coverage>) {
        self.knowledge.shapes.add(shape.clone());
    }

    /// Makes the grids of a surface the ones at hand.
    fn turn_to(&mut self, surface: u32) {
        if surface != self.surface {
            let grids = self.others.remove(&surface).unwrap_or_default();
            // Windows come and go: what they taught is cheap to find again.
            if self.others.len() >= MAX_SURFACES {
                self.others.clear();
            }
            let last = std::mem::replace(&mut self.grids, grids);
            self.others.insert(std::mem::replace(&mut self.surface, surface), last);
        }
    }

    /// Text anywhere in a rectangle; or, if it lies on a grid that was not known, the grid.
    fn search(&mut self, view: View<'_>, rect: Rect, depth: u32, areas: &mut Vec<TextArea>) -> Option<Grid> {
        let changed = difference_box(view.target, view.shadow, rect)?;
        if let Some(color) = solid(view.target, changed) {
            push(TextArea { rect: changed, background: color, runs: Vec::new() }, areas);
            return None;
        }
        let background = background(view.target, rect)?;
        let Parts { lines, blocks, inner } = cut(view.target, rect, background);
        let mut reading = Reading::default();
        for &line in &lines {
            self.knowledge.read_boxes(&view, line, background, &mut reading);
        }
        if reading.fresh.len() >= MANY_FRESH {
            let unread: u64 = blocks.iter().chain(&inner).map(Rect::area).sum();
            let mut best = (reading.cost + unread * reading::UNREAD, None);
            for grid in candidates(view.target, rect, background) {
                let cells = grid.align(&rect).intersection(&view.target.bounds());
                if let Some(other) = self.read_grid(view, cells, &grid)
                    && other.cost < best.0
                {
                    best = (other.cost, Some(grid));
                }
            }
            if let (_, Some(mut grid)) = best {
                if let Some(i) = self.grids.iter().position(|g| g.same(&grid)) {
                    grid = grid.seen_in(grid.seen.union(&self.grids.remove(i).seen));
                }
                self.grids.truncate(MAX_GRIDS - 1);
                self.grids.insert(0, grid);
                return Some(grid);
            }
        }
        let mut failed = Vec::new();
        self.accept(view.target, reading, areas, &mut failed);
        if depth < MAX_DEPTH {
            failed.retain(|r| r.width() >= MIN_BOX && r.height() >= MIN_BOX);
            for rect in failed.into_iter().chain(blocks).chain(inner) {
                if let Some(grid) = self.search(view, rect, depth + 1, areas)
                    && let Some(reading) = self.read_grid(view, grid.align(&rect).intersection(&rect), &grid)
                {
                    self.accept(view.target, reading, areas, &mut Vec::new());
                }
            }
        }
        None
    }

    /// Whether a known grid is the right one for what lies on it now: most shapes are known,
    /// or boxes would be no cheaper.
    fn is_fit(&mut self, view: View<'_>, rect: Rect, grid: &Grid, reading: &Reading) -> bool {
        if reading.glyphs >= 4 * reading.fresh.len() && reading.failed.is_empty() {
            return true;
        }
        let Some(background) = background(view.target, rect) else { return false };
        let mut boxes = Reading::default();
        for line in grid.lines(rect) {
            self.knowledge.read_boxes(&view, line, background, &mut boxes);
        }
        reading.cost <= boxes.cost
    }

    fn read_grid(&mut self, view: View<'_>, rect: Rect, grid: &Grid) -> Option<Reading> {
        let background = background(view.target, rect)?;
        let mut reading = Reading::default();
        for line in grid.lines(rect) {
            let cells: Vec<(i32, i32)> = grid.cells(line).collect();
            self.knowledge.read_cells(&view, line, background, &cells, &mut reading);
        }
        Some(reading)
    }

    fn accept(
        &mut self,
        target: &Picture,
        mut reading: Reading,
        areas: &mut Vec<TextArea>,
        failed: &mut Vec<Rect>,
    ) {
        self.knowledge.learn(&mut reading);
        failed.append(&mut reading.failed);
        for area in joined(target, reading.areas) {
            push(area, areas);
        }
    }
}

fn put_on_grid(grid: Grid, rect: Rect, target: &Picture, on_grids: &mut Vec<(Grid, Region)>) {
    let cells = grid.align(&rect).intersection(&target.bounds());
    match on_grids.iter_mut().find(|(other, _)| other.same(&grid)) {
        Some((_, region)) => region.add(cells),
        None => on_grids.push((grid, cells.into())),
    }
}

/// The rectangles grown to whole letters; those that overlap then are one.
fn merged(target: &Picture, rects: Vec<Rect>) -> Vec<Rect> {
    let mut out: Vec<Rect> = Vec::with_capacity(rects.len());
    for rect in rects {
        let mut rect = match background(target, rect) {
            Some(background) => grow_to_gaps(target, rect, background),
            None => continue,
        };
        while let Some(i) = out.iter().position(|r| r.intersects(&rect)) {
            rect = rect.union(&out.swap_remove(i));
        }
        out.push(rect);
    }
    out.sort_unstable_by_key(|r| (r.top, r.left));
    out
}
