//! What a VNC viewer was sent as JPEG: told apart from the rest, and sent again exactly once it rests.

use panto_protocol::geometry::{Rect, Region};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;

use crate::infer::{Nature, nature};

/// What was not sent again for so long rests.
const REST: Micros = Micros(250_000);

/// Sides of the cells that are looked at, in pixels.
const CELL: u32 = 32;

/// Pixels of a photograph that is worth a file of its own.
const MIN_AREA: u64 = 4096;

/// Times that are kept apart.
const MAX_AGES: usize = 16;

/// Cuts a rectangle into photographs, and what has to stay sharp.
pub(super) fn sort(picture: &Picture, rect: Rect) -> (Vec<Rect>, Vec<Rect>) {
    let mut natural: Region =
        rect.grid(CELL).filter(|cell| nature(picture, *cell) == Nature::Natural).collect();
    let small: Vec<Rect> = natural.rects().iter().copied().filter(|r| r.area() < MIN_AREA).collect();
    small.iter().for_each(|rect| natural.subtract(rect));
    let mut sharp = Region::from(rect);
    sharp.subtract_region(&natural);
    (natural.rects().to_vec(), sharp.rects().to_vec())
}

/// Where a viewer has an approximation.
#[derive(Debug, Default)]
pub(super) struct Rough {
    /// By the time when it was sent, oldest first.
    ages: Vec<(Micros, Region)>,
}

impl Rough {
    /// These pixels were sent, as JPEG if `roughly`.
    pub(super) fn sent(&mut self, rect: Rect, roughly: bool, now: Micros) {
        self.ages.iter_mut().for_each(|(_, region)| region.subtract(&rect));
        self.ages.retain(|(_, region)| !region.is_empty());
        if !roughly {
            return;
        }
        match self.ages.last_mut() {
            Some((at, region)) if *at == now => region.add(rect),
            _ => self.ages.push((now, rect.into())),
        }
        if self.ages.len() > MAX_AGES {
            let (_, oldest) = self.ages.remove(0);
            self.ages[0].1.add_region(&oldest);
        }
    }

    /// Pixels were moved: copies are as rough as what they are of.
    pub(super) fn copied(&mut self, from: Rect, to: Rect, now: Micros) {
        let (dx, dy) = (to.left - from.left, to.top - from.top);
        let moved: Vec<Rect> = self
            .ages
            .iter()
            .flat_map(|(_, region)| region.intersection(&from).rects().to_vec())
            .map(|rect| rect.offset(dx, dy))
            .collect();
        self.sent(to, false, now);
        moved.into_iter().for_each(|rect| self.sent(rect, true, now));
    }

    /// When the oldest of it will have rested.
    pub(super) fn due(&self) -> Option<Micros> {
        self.ages.first().map(|(at, _)| *at + REST)
    }

    /// Takes what rests by now.
    pub(super) fn take(&mut self, now: Micros) -> Region {
        let count = self.ages.iter().take_while(|(at, _)| *at + REST <= now).count();
        let mut rested = Region::new();
        self.ages.drain(..count).for_each(|(_, region)| rested.add_region(&region));
        rested
    }

    /// There was no room for these, which had rested.
    pub(super) fn rests(&mut self, rects: &[Rect]) {
        if !rects.is_empty() {
            self.ages.insert(0, (Micros::ZERO, rects.iter().copied().collect()));
        }
    }

    /// Nothing of it is left.
    pub(super) fn clear(&mut self) {
        self.ages.clear();
    }
}

#[cfg(test)]
mod tests {
    use panto_protocol::geometry::Size;

    use super::*;

    #[test]
    fn photographs_are_told_from_what_stands_beside_them() {
        let mut picture = Picture::new(Size::new(256, 128), 0x00ff_ffff);
        for y in 0..128 {
            for (x, pixel) in picture.row_mut(y, 128, 256).iter_mut().enumerate() {
                let noise = (x as u32 * 7919 + y as u32 * 104_729) % 13;
                *pixel = (x as u32 + noise) << 16 | (y as u32 + noise) << 8 | (x as u32 / 2 + noise);
            }
        }
        let (natural, sharp) = sort(&picture, picture.bounds());
        assert_eq!((natural, sharp), (vec![Rect::new(128, 0, 128, 128)], vec![Rect::new(0, 0, 128, 128)]));
        // A stamp is not worth it.
        let (natural, sharp) = sort(&picture, Rect::new(160, 0, 40, 40));
        assert_eq!((natural.len(), sharp.iter().map(Rect::area).sum()), (0, 1600));
    }

    #[test]
    fn what_rests_is_due_and_a_film_beside_it_is_not() {
        let (photo, film) = (Rect::new(0, 0, 100, 100), Rect::new(200, 0, 50, 50));
        let mut rough = Rough::default();
        assert_eq!(rough.due(), None);
        rough.sent(photo, true, Micros(0));
        for frame in 0..60 {
            rough.sent(film, true, Micros(frame * 40_000));
        }
        assert_eq!(rough.due(), Some(REST));
        assert_eq!(rough.take(Micros(59 * 40_000)).rects(), [photo]);
        assert!(rough.take(Micros(59 * 40_000)).is_empty());
        assert_eq!(rough.due(), Some(Micros(59 * 40_000) + REST));
        // Sent exactly, and copied elsewhere before that.
        let now = Micros(3_000_000);
        rough.copied(film, film.offset(0, 100), now);
        rough.sent(film, false, now);
        assert_eq!(rough.take(now + REST).rects(), [film.offset(0, 100)]);
        assert_eq!(rough.due(), None);
    }
}
