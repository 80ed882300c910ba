//! What may be shown roughly first, and when it is made exact.
//!
//! A surface is looked at in blocks. A natural block (photograph, film) that changed may
//! go as `LossyPixels` where its exact pixels would be late; it is remembered until it has
//! rested, and then told exactly like any other difference between shadow and target.
//! Text and drawings are never lossy.

use std::collections::HashMap;

use panto_protocol::canvas::{Canvas, PaintError};
use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Rect, Region, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_protocol::wire::MAX_INLINE_PIXELS;

use super::compare::differences;
use super::frame::FrameBuilder;
use super::pieces::Pieces;
use super::residual::Job;
use super::tiers::{Look, Tiers};
use crate::infer::{Nature, colors, nature, sharp_cells};
use crate::lossy::LossyEncoder;

/// Side of the blocks.
const BLOCK: i32 = 32;

/// Differences of fewer pixels are not looked at: they are told exactly in no time.
const MIN_AREA: u64 = 64 * 64;

/// Changes in quick succession that make a film.
const FILM_HEAT: u8 = 3;

/// Changes that follow each other within this time are quick.
const QUICK: Micros = Micros(250_000);

/// Nanoseconds that exact pixels of a film's picture, and of a photograph, may take to the
/// viewer's eye.
const FILM_TIME: u64 = 15_000_000;
const STILL_TIME: u64 = 100_000_000;

/// Colours that text has at most in a block.
const TEXT_COLORS: u32 = 128;

/// What lossy pixels of photographs may take in all.
const STILL_LOSSY: Micros = Micros(300_000);

/// What a film may take of the link, in hundredths.
const FILM_SHARE: u64 = 60;

/// The finest steps, in halves of a pixel value: noise is above 39 dB in films, and above 42
/// in photographs. With the coarsest there is a picture still.
const FINEST_FILM: u32 = 16;
const FINEST: u32 = 12;
const COARSEST: u32 = 160;

/// A block that did not change for so long, or for two and a half of its film's pictures, rests.
const REST: (Micros, Micros) = (Micros(100_000), Micros(250_000));

/// Keeps what is lossy, from frame to frame.
#[derive(Clone, Default)]
pub(super) struct Lossy {
    stills: LossyEncoder,
    surfaces: HashMap<SurfaceId, Grid>,
    film: Film,
    /// How often differences were sorted.
    looks: u64,
    /// When the first of what is held since the last look rests.
    due: Option<Micros>,
}

/// What is playing: one area at a time.
#[derive(Debug, Clone)]
struct Film {
    encoder: LossyEncoder,
    surface: SurfaceId,
    /// Kept from picture to picture, for it is what the encoder's experience is of.
    area: Rect,
    step: u32,
    /// Mean time between pictures.
    interval: Micros,
    last: Option<Micros>,
}

impl Default for Film {
    fn default() -> Self {
        Self {
            encoder: LossyEncoder::default(),
            surface: SurfaceId::SCREEN,
            area: Rect::default(),
            step: 0,
            interval: Micros(40_000),
            last: None,
        }
    }
}

#[derive(Clone, Default)]
struct Grid {
    size: Size,
    columns: usize,
    blocks: Vec<Block>,
    /// How many blocks are lossy.
    lossy: usize,
}

#[derive(Clone, Copy, Default)]
struct Block {
    /// Of the target's pixels when they were looked at last.
    hash: u64,
    changed: Micros,
    /// Quick changes lately.
    heat: u8,
    lossy: bool,
    /// Whether its last change was not told yet.
    untold: bool,
    /// Whether there is text or a drawing in it.
    drawn: bool,
    /// Whether it is in the midst of a film: nothing else can be in it.
    midst: bool,
    /// What it was found to be in which look: several rectangles may touch a block.
    found: (u64, Found),
}

/// What is to be done with a block's differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Found {
    #[default]
    Exact,
    Film,
    Still,
    Held,
    Rested,
    /// No photograph, but part of something that plays: to be told exactly, and not to be read.
    Moving,
}

/// What became of films and photographs.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Not told yet.
    pub left: Vec<Rect>,
    /// Rough now: to be told exactly when it rests.
    pub held: Region,
    /// Rough now, but no film: to be told exactly at once.
    pub drawn: Vec<Rect>,
}

/// What is to be done with differences.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// To be told exactly, now.
    pub exact: Vec<Rect>,
    /// To be told roughly, now: films, then photographs.
    pub films: Vec<Rect>,
    pub stills: Vec<Rect>,
    /// Rough already, and to be told when they rest.
    pub held: Vec<Rect>,
    /// To be told exactly, as pixels: rough ones that have rested, and what moves.
    pub pixels: Vec<Rect>,
}

impl Lossy {
    /// Sorts differences of the target and the shadow, disjoint rectangles.
    pub(super) fn sort(&mut self, job: &Job<'_>, rects: Vec<Rect>, tiers: &Tiers) -> Sorted {
        let mut sorted = Sorted::default();
        let grid = self.surfaces.entry(job.surface).or_default();
        grid.fit(job.target.size());
        self.looks += 1;
        let rest = self.film.rest();
        let playing = self.film.playing(job);
        let (mut films, mut stills): (Vec<Rect>, Vec<Rect>) = Default::default();
        // What was begun roughly is finished so, though the rest alone would not be late.
        let mut begun = false;
        for rect in rects {
            let worth = job.rate.is_some() && rect.area() >= MIN_AREA;
            if !worth && !grid.is_lossy_in(rect) {
                sorted.exact.push(rect);
                continue;
            }
            let (mut exact, mut pixels) = (Vec::new(), Vec::new());
            for (index, whole) in grid.blocks_of(rect) {
                let part = whole.intersection(&rect);
                let block = &mut grid.blocks[index];
                if block.found.0 != self.looks {
                    begun |= block.untold;
                    let plays = playing.is_some_and(|area| area.contains_rect(&whole));
                    block.found = (self.looks, block.look(job, whole, part, rest, plays));
                }
                match block.found.1 {
                    // Changes of few pixels are told exactly in no time.
                    Found::Film | Found::Still if !worth => exact.push(part),
                    Found::Exact => exact.push(part),
                    Found::Film => films.push(part),
                    Found::Still => stills.push(part),
                    Found::Held => {
                        sorted.held.push(part);
                        let plays = playing.is_some_and(|area| area.contains_rect(&whole));
                        let since = self.film.last.filter(|_| plays).unwrap_or_default();
                        earlier(&mut self.due, block.changed.max(since) + rest);
                    }
                    Found::Rested | Found::Moving => pixels.push(part),
                }
            }
            // Nothing was found: the rectangle as it was has the better form.
            match exact.iter().map(Rect::area).sum::<u64>() == rect.area() {
                true => sorted.exact.push(rect),
                false => sorted.exact.append(&mut merged(exact)),
            }
            sorted.pixels.append(&mut merged(pixels));
        }
        let time = |rects: &[Rect]| -> u64 {
            let rate = job.rate.unwrap_or(u64::MAX);
            rects.iter().map(|&r| tiers.time(Look::at(job.target, r), rate)).sum()
        };
        let (films, stills) = (merged(films), merged(stills));
        let film_time = time(&films);
        let late = |limit| begun || film_time.max(time(&stills)) > limit;
        match late(FILM_TIME) {
            true => sorted.films = films,
            false => sorted.exact.extend(films),
        }
        match late(STILL_TIME) {
            true => sorted.stills = stills,
            false => sorted.exact.extend(stills),
        }
        sorted
    }

    /// Tells films and photographs roughly, as far as the budget goes.
    pub(super) fn tell(
        &mut self,
        job: &Job<'_>,
        films: Vec<Rect>,
        stills: Vec<Rect>,
        shadow: &mut Canvas,
        frame: &mut FrameBuilder,
    ) -> Result<Told, PaintError> {
        let rate = job.rate.unwrap_or(u64::MAX);
        let mut told = Told::default();
        if !films.is_empty() && frame.len() < job.budget {
            let pixels: u64 = films.iter().map(Rect::area).sum();
            let goal = self.film.goal(rate, job.now);
            if self.film.step == 0 {
                self.film.step = first_step(pixels, goal);
            }
            let before = frame.len();
            for rect in self.film_areas(job, films) {
                let now = &shadow.surface(job.surface)?.picture;
                let command =
                    self.film.encoder.encode(job.surface, rect, job.target, now, self.film.step as u8);
                frame.emit(shadow, &command.into())?;
                self.was_put(job, rect, &mut told, shadow)?;
            }
            self.film.learn((frame.len() - before) as u64, goal);
        } else {
            told.left.extend(films);
        }
        if !stills.is_empty() {
            let pixels: u64 = stills.iter().map(Rect::area).sum();
            let goal = (rate.saturating_mul(STILL_LOSSY.0) / 1_000_000).max(1);
            let step = first_step(pixels, goal);
            let mut pieces = Pieces::new(stills, job.focus, |_| false);
            while frame.len() < job.budget && !frame.is_full() {
                let room = (job.budget - frame.len()) as u64;
                let bytes = |r: Rect| (r.area() as u128 * goal as u128 / pixels as u128) as u64;
                let Some(rect) = pieces.next(room, bytes) else { break };
                let now = &shadow.surface(job.surface)?.picture;
                let command = self.stills.encode(job.surface, rect, job.target, now, step as u8);
                frame.emit(shadow, &command.into())?;
                self.was_put(job, rect, &mut told, shadow)?;
            }
            told.left.extend(pieces.left());
        }
        // What was not told counts as changed the next time as well.
        if let Some(grid) = self.surfaces.get_mut(&job.surface) {
            for rect in &told.left {
                grid.blocks_of(*rect).for_each(|(index, _)| grid.blocks[index].untold = true);
            }
        }
        Ok(told)
    }

    /// The areas that a film's picture is told in: the same one as before if that is possible,
    /// and else as it is.
    fn film_areas(&mut self, job: &Job<'_>, films: Vec<Rect>) -> Vec<Rect> {
        let bounds = films.iter().fold(Rect::default(), |all, r| all.union(r));
        let same = self.film.surface == job.surface
            && self.film.area.union(&bounds).area() <= bounds.area() * 5 / 4
            && Rect::of_size(job.target.size()).contains_rect(&self.film.area);
        let area = if same { self.film.area.union(&bounds) } else { bounds };
        let playing: u64 = films.iter().map(Rect::area).sum();
        // Several films, or one among drawings: what lies between is not to be made rough.
        let drawn: u64 = self.surfaces.get(&job.surface).map_or(0, |grid| {
            let looked = |b: &Block| b.found.0 == self.looks && b.drawn;
            let blocks = grid.blocks_of(area).filter(|(index, _)| looked(&grid.blocks[*index]));
            blocks.map(|(_, place)| place.area()).sum()
        });
        if area.area() > MAX_INLINE_PIXELS || playing * 3 < area.area() || drawn * 10 > area.area() {
            return films.into_iter().flat_map(bands).collect();
        }
        (self.film.surface, self.film.area) = (job.surface, area);
        vec![area]
    }

    /// Takes note of a rectangle that was told roughly.
    fn was_put(
        &mut self,
        job: &Job<'_>,
        rect: Rect,
        told: &mut Told,
        shadow: &Canvas,
    ) -> Result<(), PaintError> {
        let now = &shadow.surface(job.surface)?.picture;
        let playing = self.film.playing(job);
        let Some(grid) = self.surfaces.get_mut(&job.surface) else { return Ok(()) };
        for (index, place) in grid.blocks_of(rect) {
            let left = differences(job.target, now, &place.intersection(&rect).into());
            if left.is_empty() {
                continue;
            }
            let block = &mut grid.blocks[index];
            let looked = block.found.0 == self.looks;
            let exact = matches!(block.found.1, Found::Exact | Found::Moving);
            let natural = if looked { !exact } else { nature(job.target, place) == Nature::Natural };
            if !natural {
                told.drawn.extend(left);
                continue;
            }
            if block.hash == 0 {
                (block.hash, block.changed) = (hash(job.target, place), job.now);
            }
            grid.lossy += usize::from(!block.lossy);
            block.lossy = true;
            let plays = playing.is_some_and(|area| area.contains_rect(&place));
            let since = self.film.last.filter(|_| plays).unwrap_or_default();
            earlier(&mut self.due, block.changed.max(since) + self.film.rest());
            let mut rough: Region = left.into_iter().collect();
            for cell in sharp_cells(job.target, place, block.midst) {
                told.drawn.extend(rough.intersection(&cell).rects());
                rough.subtract(&cell);
            }
            told.held.add_region(&rough);
        }
        told.drawn = merged(std::mem::take(&mut told.drawn));
        Ok(())
    }

    /// Whether a rectangle is what is left of a picture that is told roughly.
    pub(super) fn is_left_over(&self, surface: SurfaceId, rect: Rect) -> bool {
        self.surfaces
            .get(&surface)
            .is_some_and(|grid| grid.blocks_of(rect).any(|(index, _)| grid.blocks[index].untold))
    }

    /// A surface is gone.
    pub(super) fn forget(&mut self, surface: SurfaceId) {
        self.surfaces.remove(&surface);
    }

    /// Whether a rectangle lies in what is shown roughly.
    pub(super) fn is_rough(&self, surface: SurfaceId, rect: Rect) -> bool {
        self.surfaces.get(&surface).is_some_and(|grid| {
            grid.lossy > 0 && grid.blocks_of(rect).all(|(index, _)| grid.blocks[index].lossy)
        })
    }

    /// These pixels are exact now.
    pub(super) fn exact(&mut self, surface: SurfaceId, left: &Region) {
        let Some(grid) = self.surfaces.get_mut(&surface).filter(|grid| grid.lossy > 0) else { return };
        for index in 0..grid.blocks.len() {
            if grid.blocks[index].lossy && !left.intersects(&grid.place(index)) {
                grid.blocks[index].lossy = false;
                grid.lossy -= 1;
            }
        }
    }

    /// When the first of what was found or told rough since the last call may have rested.
    pub(super) fn take_due(&mut self) -> Option<Micros> {
        self.due.take()
    }
}

fn earlier(due: &mut Option<Micros>, at: Micros) {
    *due = Some(due.map_or(at, |known| known.min(at)));
}

impl Film {
    /// Bytes that a picture may take, `now` being the next one's time.
    fn goal(&mut self, rate: u64, now: Micros) -> u64 {
        if let Some(last) = self.last.replace(now) {
            let since = now.since(last).0.clamp(10_000, 120_000);
            self.interval = Micros((self.interval.0 * 7 + since) / 8);
        }
        (rate.saturating_mul(self.interval.0) / 1_000_000 * FILM_SHARE / 100).max(1)
    }

    /// A picture took so many bytes.
    fn learn(&mut self, bytes: u64, goal: u64) {
        // Bytes fall about as the step grows; a half of the way at once.
        let wanted = u64::from(self.step) * (goal + bytes.min(goal * 4)) / (2 * goal);
        self.step = (wanted as u32).clamp(FINEST_FILM, COARSEST);
    }

    /// Where a film plays.
    fn playing(&self, job: &Job<'_>) -> Option<Rect> {
        let plays = self.last.is_some_and(|last| job.now.since(last) < self.rest());
        (plays && self.surface == job.surface).then_some(self.area)
    }

    fn rest(&self) -> Micros {
        Micros((self.interval.0 * 5 / 2).clamp(REST.0.0, REST.1.0))
    }
}

/// A step with which so many pixels take about so many bytes.
fn first_step(pixels: u64, bytes: u64) -> u32 {
    // A photograph takes 12 bits for each pixel of which one is an orthonormal step.
    (pixels.saturating_mul(3) / bytes.max(1)).clamp(FINEST.into(), COARSEST.into()) as u32
}

impl Grid {
    fn fit(&mut self, size: Size) {
        if self.size != size {
            let count = |side: u32| (side as usize).div_ceil(BLOCK as usize);
            *self = Self {
                size,
                columns: count(size.width),
                blocks: vec![Block::default(); count(size.width) * count(size.height)],
                lossy: 0,
            };
        }
    }

    fn place(&self, index: usize) -> Rect {
        let (x, y) = (index % self.columns, index / self.columns);
        Rect::new(x as i32 * BLOCK, y as i32 * BLOCK, BLOCK as u32, BLOCK as u32)
            .intersection(&Rect::of_size(self.size))
    }

    /// The blocks that a rectangle touches, with their places.
    fn blocks_of(&self, rect: Rect) -> impl Iterator<Item = (usize, Rect)> + use<> {
        let (columns, size) = (self.columns, self.size);
        let rect = rect.intersection(&Rect::of_size(size));
        let rows = if rect.is_empty() { 0..0 } else { rect.top / BLOCK..(rect.bottom - 1) / BLOCK + 1 };
        rows.flat_map(move |y| (rect.left / BLOCK..(rect.right - 1) / BLOCK + 1).map(move |x| (x, y))).map(
            move |(x, y)| {
                let place = Rect::new(x * BLOCK, y * BLOCK, BLOCK as u32, BLOCK as u32);
                (y as usize * columns + x as usize, place.intersection(&Rect::of_size(size)))
            },
        )
    }

    fn is_lossy_in(&self, rect: Rect) -> bool {
        self.lossy > 0 && self.blocks_of(rect).any(|(index, _)| self.blocks[index].lossy)
    }
}

impl Block {
    /// What its differences are now; `part` is what differs of it.
    fn look(&mut self, job: &Job<'_>, place: Rect, part: Rect, rest: Micros, in_film: bool) -> Found {
        // At a film's rim the rest of the block is something else.
        let nature = nature(job.target, part);
        self.drawn = nature == Nature::Drawn;
        let hash = hash(job.target, place);
        let changed = hash != self.hash;
        if changed {
            // A first look is no change.
            let quick = self.hash != 0 && job.now.since(self.changed) < QUICK;
            self.heat = if quick { self.heat.saturating_add(1) } else { 0 };
            (self.hash, self.changed) = (hash, job.now);
        }
        let untold = std::mem::take(&mut self.untold);
        let plays = self.heat >= FILM_HEAT;
        self.midst = plays && changed && part == place;
        // Hard edges in a film; letters among them are told exactly, cell by cell.
        let nature = match nature {
            Nature::Drawn if plays && changed && colors(job.target, part) > TEXT_COLORS => Nature::Natural,
            nature => nature,
        };
        match (nature, changed || untold) {
            (Nature::Natural, true) => {
                if plays {
                    Found::Film
                } else {
                    Found::Still
                }
            }
            // What stands still in a film will move again.
            (Nature::Natural, false) if self.lossy && in_film => Found::Held,
            (Nature::Natural, false) if self.lossy => match job.now.since(self.changed) < rest {
                true => Found::Held,
                false => Found::Rested,
            },
            // A page that scrolls is read again; what moves in a film is not.
            (_, true) if plays && in_film => Found::Moving,
            _ => Found::Exact,
        }
    }
}

/// A rectangle in bands of no more pixels than one command may have.
fn bands(rect: Rect) -> impl Iterator<Item = Rect> {
    let height = (MAX_INLINE_PIXELS / u64::from(rect.width().max(1)) / 16 * 16).max(16) as i32;
    (rect.top..rect.bottom).step_by(height as usize).map(move |top| Rect {
        top,
        bottom: rect.bottom.min(top + height),
        ..rect
    })
}

/// A hash of a rectangle's pixels, never 0.
fn hash(picture: &Picture, rect: Rect) -> u64 {
    let mut h = 1u64;
    for y in rect.top..rect.bottom {
        for pixel in picture.row(y, rect.left, rect.right) {
            h = (h ^ u64::from(pixel & 0x00ff_ffff)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        }
    }
    h.max(1)
}

/// Disjoint rectangles joined where they stand side by side, and then where rows of them
/// stand one below the other.
fn merged(mut rects: Vec<Rect>) -> Vec<Rect> {
    rects.sort_unstable_by_key(|r| (r.top, r.bottom, r.left));
    let mut rows: Vec<Rect> = Vec::new();
    for rect in rects {
        match rows.last_mut() {
            Some(l) if (l.top, l.bottom, l.right) == (rect.top, rect.bottom, rect.left) => {
                l.right = rect.right
            }
            _ => rows.push(rect),
        }
    }
    rows.sort_unstable_by_key(|r| (r.left, r.right, r.top));
    let mut out: Vec<Rect> = Vec::new();
    for rect in rows {
        match out.last_mut() {
            Some(l) if (l.left, l.right, l.bottom) == (rect.left, rect.right, rect.top) => {
                l.bottom = rect.bottom
            }
            _ => out.push(rect),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_join() {
        let rect = Rect::new(10, 20, 200, 100);
        assert_eq!(merged(rect.grid(32).collect()), [rect]);
        let hole: Vec<Rect> = rect.grid(32).filter(|r| r.left != 64).collect();
        let area: u64 = hole.iter().map(Rect::area).sum();
        let joined = merged(hole);
        assert_eq!(joined.len(), 2);
        assert_eq!(joined.iter().map(Rect::area).sum::<u64>(), area);
    }

    #[test]
    fn a_films_step_finds_its_bytes() {
        // Bytes as they fall with the step, for a link of 250 kB/s and 25 pictures a second.
        let mut film = Film { step: first_step(230_400, 6_000), ..Film::default() };
        let (mut now, mut bytes) = (Micros::ZERO, 0);
        for _ in 0..60 {
            now = now + Micros(40_000);
            let goal = film.goal(250_000, now);
            bytes = 400_000 / u64::from(film.step);
            film.learn(bytes, goal);
        }
        assert!((5_000..7_000).contains(&bytes), "{bytes}");
        assert!(film.rest() >= REST.0);
    }
}
