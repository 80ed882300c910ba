//! What may be shown roughly first, and when it is made exact.
//!
//! A surface is looked at in blocks. A natural block (photograph, film) that changed may
//! go as `LossyPixels` where its exact pixels would be late; it is remembered until it has
//! rested, and then told exactly like any other difference between shadow and target.
//! Text and drawings are never lossy.

mod film;
mod grid;

use std::collections::HashMap;

use panto_protocol::canvas::{Canvas, PaintError};
use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Rect, Region};
use panto_protocol::time::Micros;
use panto_protocol::wire::MAX_INLINE_PIXELS;

use super::compare::differences;
use super::frame::FrameBuilder;
use super::pieces::{Pieces, bands, merged};
use super::residual::Job;
use super::tiers::Tiers;
use crate::infer::{Nature, nature, sharp_cells};
use crate::lossy::LossyEncoder;
use film::{Film, first_step};
use grid::{Found, Grid, hash};

/// Differences of fewer pixels are not looked at: they are told exactly in no time.
const MIN_AREA: u64 = 64 * 64;

/// Nanoseconds that exact pixels of a film's picture, and of a photograph, may take to the
/// viewer's eye.
const FILM_TIME: u64 = 15_000_000;
const STILL_TIME: u64 = 100_000_000;

/// What lossy pixels of photographs may take in all.
const STILL_LOSSY: Micros = Micros(300_000);

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

/// What became of films and photographs.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Not told yet.
    pub left: Vec<Rect>,
    /// To be told exactly: roughly they would take about as many bytes.
    pub exact: Vec<Rect>,
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
        let mut parts: Vec<(Rect, Found)> = Vec::new();
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
                    let plays = playing.is_some_and(|area| area.contains_rect(&whole));
                    block.found = (self.looks, block.look(job, whole, part, rest, plays));
                    block.begun = false;
                }
                // What was found in an earlier look and has not been told since goes as then,
                // and the rest of its block as it is now.
                let untold = grid.untold.intersection(&part);
                begun |= !untold.is_empty();
                let mut others = Region::from(part);
                if block.natural && !untold.is_empty() {
                    block.begun = true;
                    others.subtract_region(&untold);
                    let found = block.rough();
                    parts.extend(untold.rects().iter().map(|&r| (r, found)));
                }
                parts.extend(others.rects().iter().map(|&r| (r, block.found.1)));
                for (part, found) in parts.drain(..) {
                    match found {
                        // Changes of few pixels are told exactly in no time.
                        Found::Film | Found::Still if !worth => exact.push(part),
                        Found::Exact => exact.push(part),
                        Found::Film => films.push(part),
                        Found::Still => stills.push(part),
                        Found::Held => {
                            sorted.held.push(part);
                            earlier(&mut self.due, self.film.rests_at(block, whole, playing));
                        }
                        Found::Rested | Found::Moving => pixels.push(part),
                    }
                }
            }
            grid.untold.subtract(&rect);
            // Nothing was found: the rectangle as it was has the better form.
            match exact.iter().map(Rect::area).sum::<u64>() == rect.area() {
                true => sorted.exact.push(rect),
                false => sorted.exact.append(&mut merged(exact)),
            }
            sorted.pixels.append(&mut merged(pixels));
        }
        let time = |rects: &[Rect]| -> u64 {
            let rate = job.rate.unwrap_or(u64::MAX);
            rects.iter().map(|&r| tiers.time(job.look(r), rate)).sum()
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
        tiers: &Tiers,
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
                let look = job.look(rect);
                let exactly = tiers.bytes(look, tiers.choose(look, rate));
                let bits = frame.models().map_or(0, |models| models.weigh_lossy(&command, shadow).bits());
                // Noise: told twice it would be late twice.
                if bits > exactly * 8 / 2 {
                    told.exact.push(rect);
                    continue;
                }
                frame.emit(shadow, &command.into())?;
                self.was_put(job, rect, &mut told, shadow)?;
            }
            told.left.extend(pieces.left());
        }
        if let Some(grid) = self.surfaces.get_mut(&job.surface) {
            told.left.iter().for_each(|rect| grid.untold.add(*rect));
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
            let looked = |b: &grid::Block| b.found.0 == self.looks && b.drawn;
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
            let natural =
                if looked { block.begun || !exact } else { nature(job.target, place) == Nature::Natural };
            if !natural {
                told.drawn.extend(left);
                continue;
            }
            if block.hash == 0 {
                (block.hash, block.changed) = (hash(job.target, place), job.now);
            }
            grid.lossy += usize::from(!block.lossy);
            block.lossy = true;
            earlier(&mut self.due, self.film.rests_at(block, place, playing));
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
        self.surfaces.get(&surface).is_some_and(|grid| grid.untold.intersects(&rect))
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
