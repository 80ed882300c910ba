//! A surface in blocks: what each shows, since when, and whether it is shown roughly.

use panto_protocol::geometry::{Rect, Region, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;

use super::super::residual::Job;
use crate::infer::{Nature, colors, nature};

/// Side of the blocks.
const SIDE: i32 = 32;

/// Changes in quick succession that make a film.
const FILM_HEAT: u8 = 3;

/// Changes that follow each other within this time are quick.
const QUICK: Micros = Micros(250_000);

/// Colours that text has at most in a block.
const TEXT_COLORS: u32 = 128;

/// The blocks of a surface.
#[derive(Clone, Default)]
pub(super) struct Grid {
    size: Size,
    columns: usize,
    pub blocks: Vec<Block>,
    /// How many blocks are lossy.
    pub lossy: usize,
    /// What was found to be shown roughly and is not told yet.
    pub untold: Region,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Block {
    /// Of the target's pixels when they were looked at last; 0 before the first look.
    pub hash: u64,
    pub changed: Micros,
    /// Quick changes lately.
    heat: u8,
    /// Whether it is shown roughly.
    pub lossy: bool,
    /// Whether what differs of it is a photograph's or a film's; or text or a drawing.
    pub natural: bool,
    pub drawn: bool,
    /// Whether it is in the midst of a film: nothing else can be in it.
    pub midst: bool,
    /// Whether a part of it was left to be told roughly in that look.
    pub begun: bool,
    /// What it was found to be in which look: several rectangles may touch a block.
    pub found: (u64, Found),
}

/// What is to be done with a block's differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Found {
    #[default]
    Exact,
    Film,
    Still,
    Held,
    Rested,
    /// No photograph, but part of something that plays: to be told exactly, and not to be read.
    Moving,
}

impl Grid {
    /// Begins anew if the surface's size is another.
    pub fn fit(&mut self, size: Size) {
        if self.size != size {
            let count = |side: u32| (side as usize).div_ceil(SIDE as usize);
            *self = Self {
                size,
                columns: count(size.width),
                blocks: vec![Block::default(); count(size.width) * count(size.height)],
                ..Self::default()
            };
        }
    }

    /// Where a block lies.
    pub fn place(&self, index: usize) -> Rect {
        let (x, y) = (index % self.columns, index / self.columns);
        Rect::new(x as i32 * SIDE, y as i32 * SIDE, SIDE as u32, SIDE as u32)
            .intersection(&Rect::of_size(self.size))
    }

    /// The blocks that a rectangle touches, with their places.
    pub fn blocks_of(&self, rect: Rect) -> impl Iterator<Item = (usize, Rect)> + use<> {
        let (columns, size) = (self.columns, self.size);
        let rect = rect.intersection(&Rect::of_size(size));
        let rows = if rect.is_empty() { 0..0 } else { rect.top / SIDE..(rect.bottom - 1) / SIDE + 1 };
        rows.flat_map(move |y| (rect.left / SIDE..(rect.right - 1) / SIDE + 1).map(move |x| (x, y))).map(
            move |(x, y)| {
                let place = Rect::new(x * SIDE, y * SIDE, SIDE as u32, SIDE as u32);
                (y as usize * columns + x as usize, place.intersection(&Rect::of_size(size)))
            },
        )
    }

    /// Whether a block that the rectangle touches is shown roughly.
    pub fn is_lossy_in(&self, rect: Rect) -> bool {
        self.lossy > 0 && self.blocks_of(rect).any(|(index, _)| self.blocks[index].lossy)
    }
}

impl Block {
    /// What its differences are now; `part` is what differs of it. `in_film` says whether it
    /// lies where a film plays.
    pub fn look(&mut self, job: &Job<'_>, place: Rect, part: Rect, rest: Micros, in_film: bool) -> Found {
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
        let plays = self.heat >= FILM_HEAT;
        self.midst = plays && changed && part == place;
        // Hard edges in a film; letters among them are told exactly, cell by cell.
        let nature = match nature {
            Nature::Drawn if plays && changed && colors(job.target, part) > TEXT_COLORS => Nature::Natural,
            nature => nature,
        };
        self.natural = nature == Nature::Natural;
        match (nature, changed) {
            (Nature::Natural, true) => self.rough(),
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

    /// What it is, if it is shown roughly.
    pub fn rough(&self) -> Found {
        if self.heat >= FILM_HEAT { Found::Film } else { Found::Still }
    }
}

/// A hash of a rectangle's pixels, never 0.
pub(super) fn hash(picture: &Picture, rect: Rect) -> u64 {
    let mut h = 1u64;
    for y in rect.top..rect.bottom {
        for pixel in picture.row(y, rect.left, rect.right) {
            h = (h ^ u64::from(pixel & 0x00ff_ffff)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        }
    }
    h.max(1)
}
