//! A film that plays in a part of the screen: which of its pictures a viewer shows, and how well.
//!
//! Both sides are taped, what the source shows and what the viewer shows, each picture with
//! its time. Nobody says which picture of the source a shown one is meant to be: it is the one
//! that it is most like, of those before it. So a system is not punished for its delay, and the same
//! works for programs that can only be looked at.

use std::collections::BTreeMap;

use panto_protocol::geometry::Rect;
use panto_protocol::pixel::{Color, Picture};
use panto_protocol::time::Micros;

use super::psnr;

/// Luma that a tape keeps at most, bytes: half a minute of 640 × 360 at 24 pictures a second is 166 MB.
const MAX_BYTES: usize = 192 << 20;

/// Time of one picture on a display of 60 a second.
const REFRESH: Micros = Micros(16_000);

/// A shown picture is one that the source showed at most so long before.
const LONGEST_DELAY: Micros = Micros(10_000_000);

/// The source's picture may be noticed so much later than the viewer's: two displays are looked at by two threads.
const SLACK: Micros = Micros(100_000);

/// Which picture of the source it is, is told by every so many-th row and column.
const SPARSE: usize = 4;

/// The pictures of a part of a screen, luma only, each with the time when it was there first.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    rect: Rect,
    /// Of pictures that come within this time the last is kept.
    refresh: Micros,
    shots: Vec<Shot>,
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Shot {
    at: Micros,
    /// Row-major, without gaps.
    luma: Vec<u8>,
}

/// What a viewer showed of a film.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FilmFigures {
    /// PSNR of luma, dB, by the mean squared error over the shown pictures while the film plays.
    pub psnr_luma_db: Option<f64>,
    /// Different pictures of the film that were shown, a second.
    pub frames_played: f64,
    /// Pictures that the film has, a second.
    pub frames_offered: f64,
}

impl Tape {
    /// An empty tape of this part of the screen.
    pub fn new(rect: Rect) -> Self {
        Self { rect, ..Self::default() }
    }

    /// The same as a display shows it, which has one picture each 16 ms at most.
    pub fn of_display(rect: Rect) -> Self {
        Self { rect, refresh: REFRESH, ..Self::default() }
    }

    /// The screen may have changed at `at`, no earlier than at the last call; a picture that is not like the last
    /// one is kept, as long as there is room.
    pub fn look(&mut self, screen: &Picture, at: Micros) {
        let part = screen.crop(self.rect);
        let size = part.size().area() as usize;
        let same_refresh = self.shots.last().is_some_and(|last| at < last.at + self.refresh);
        let room = if same_refresh { 0 } else { size };
        if size == 0 || part.size() != self.rect.size() || self.bytes + room > MAX_BYTES {
            return;
        }
        let mut luma = Vec::with_capacity(size);
        for row in part.rows() {
            luma.extend(row.iter().map(|&color| luma_of(color)));
        }
        match self.shots.last_mut() {
            Some(last) if last.luma == luma => {}
            Some(last) if same_refresh => last.luma = luma,
            _ => {
                self.bytes += size;
                self.shots.push(Shot { at, luma });
            }
        }
    }

    /// What of this film, from its first change after `began`, `shown` has shown. `None` if the film does not move.
    pub fn judge(&self, shown: &Tape, began: Micros) -> Option<FilmFigures> {
        // What was there before it began to play is no picture of it.
        let first = self.shots.partition_point(|shot| shot.at <= began).max(1);
        let film = self.shots.get(first..).filter(|film| film.len() > 1)?;
        let last = self.shots.len() - 1;
        let (start, mut end) = (film[0].at, film[film.len() - 1].at);
        // Of each picture that was shown the least error: it may have been built up in parts.
        let mut errors: BTreeMap<usize, u64> = BTreeMap::new();
        for shot in shown.shots.iter().filter(|shot| shot.at >= start) {
            let Some(which) = self.most_like(shot).filter(|which| *which >= first) else { continue };
            if which < last {
                // A viewer that is behind plays for longer.
                end = end.max(shot.at);
            }
            let error = squared_error(&self.shots[which].luma, &shot.luma);
            errors.entry(which).and_modify(|known| *known = error.min(*known)).or_insert(error);
        }
        let seconds = |time: Micros| time.0 as f64 / 1e6;
        let played = errors.len().saturating_sub(1) as f64;
        // The last one stays, and is made better while it rests.
        errors.remove(&last);
        let samples = errors.len() as u64 * self.rect.area();
        let mean = errors.values().sum::<u64>() as f64 / samples as f64;
        Some(FilmFigures {
            psnr_luma_db: (samples > 0).then(|| psnr(mean)),
            frames_played: played / seconds(end.since(start)),
            frames_offered: (film.len() - 1) as f64 / seconds(film[film.len() - 1].at.since(start)),
        })
    }

    /// The number of the picture that `shown` is most like, of those that it can be.
    fn most_like(&self, shown: &Shot) -> Option<usize> {
        let from = self.shots.partition_point(|shot| shot.at + LONGEST_DELAY < shown.at);
        let to = self.shots.partition_point(|shot| shot.at <= shown.at + SLACK);
        // One picture before those may have been there all the time.
        let candidates = from.saturating_sub(1)..to;
        let width = self.rect.width() as usize;
        let mut best: Option<(u64, usize)> = None;
        // The newest first: most often it is that or one soon before, and then others are soon given up.
        for which in candidates.rev() {
            let limit = best.map_or(u64::MAX, |(error, _)| error);
            let error = sparse_error(&self.shots[which].luma, &shown.luma, width, limit);
            if error < limit {
                best = Some((error, which));
            }
        }
        best.map(|(_, which)| which)
    }
}

/// ITU-R BT.601 luma of full range, rounded.
fn luma_of(color: Color) -> u8 {
    let [b, g, r, _] = color.to_le_bytes().map(u32::from);
    ((77 * r + 150 * g + 29 * b + 128) >> 8) as u8
}

fn squared_error(a: &[u8], b: &[u8]) -> u64 {
    a.iter().zip(b).map(|(a, b)| u64::from(u32::from(a.abs_diff(*b)).pow(2))).sum()
}

/// The squared error of some of the pixels, or anything that is not less than `limit`.
fn sparse_error(a: &[u8], b: &[u8], width: usize, limit: u64) -> u64 {
    let mut sum = 0;
    for (a, b) in a.chunks(width).zip(b.chunks(width)).step_by(SPARSE) {
        let pairs = a.iter().zip(b).step_by(SPARSE);
        sum += pairs.map(|(a, b)| u64::from(u32::from(a.abs_diff(*b)).pow(2))).sum::<u64>();
        if sum >= limit {
            return limit;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use panto_protocol::geometry::Size;

    use super::*;

    const RECT: Rect = Rect::new(4, 4, 16, 16);

    /// The n-th picture of a film: grey of its own.
    fn screen(grey: u32) -> Picture {
        Picture::new(Size::new(24, 24), grey * 0x0001_0101)
    }

    fn tape(shots: &[(u64, u32)]) -> Tape {
        let mut tape = Tape::new(RECT);
        for (ms, grey) in shots {
            tape.look(&screen(*grey), Micros::from_millis(*ms));
        }
        tape
    }

    /// 25 pictures, 40 ms apart from 1,000 ms on, after one that rested.
    fn film() -> Vec<(u64, u32)> {
        let playing = (0..25).map(|n| (1000 + 40 * n, 50 + 4 * n as u32));
        std::iter::once((0, 20)).chain(playing).collect()
    }

    #[test]
    fn luma_is_that_of_bt_601() {
        assert_eq!(
            [0, 0x00ff_ffff, 0x00ff_0000, 0x0000_ff00, 0x0000_00ff].map(luma_of),
            [0, 255, 77, 149, 29]
        );
    }

    #[test]
    fn all_pictures_shown_late_and_exactly() {
        let shown: Vec<_> = film().iter().map(|(at, grey)| (at + 500, *grey)).collect();
        let figures = tape(&film()).judge(&tape(&shown), Micros::from_millis(500)).unwrap();
        // 24 pictures after the first; the last but one is shown at 1,920 + 500 ms.
        assert_eq!(figures.psnr_luma_db, Some(super::super::EXACT_DB));
        assert!((figures.frames_played - 24.0 / 1.42).abs() < 1e-9, "{figures:?}");
        assert_eq!(figures.frames_offered, 25.0);
        let at_once = tape(&film()).judge(&tape(&film()), Micros::from_millis(500)).unwrap();
        assert_eq!(at_once.frames_played, 25.0);
    }

    #[test]
    fn every_third_picture_shown_off_by_one() {
        let shown: Vec<_> = film().iter().skip(1).step_by(3).map(|(at, grey)| (at + 10, grey + 1)).collect();
        let figures = tape(&film()).judge(&tape(&shown), Micros::from_millis(500)).unwrap();
        // 9 of 25, each of them off by 1 in every pixel: the mean squared error is 1.
        assert!((figures.psnr_luma_db.unwrap() - 20.0 * 255.0_f64.log10()).abs() < 1e-9);
        assert!((figures.frames_played - 8.0 / 0.96).abs() < 1e-9, "{figures:?}");
    }

    #[test]
    fn a_picture_built_up_in_parts_counts_once_and_the_one_that_rests_not() {
        let mut shown = Tape::new(RECT);
        let at = Micros::from_millis;
        shown.look(&screen(58), at(1100));
        let mut half = screen(60);
        half.fill(Rect::new(0, 0, 24, 8), 0x3e_3e_3e);
        shown.look(&half, at(1130));
        shown.look(&screen(62), at(1140));
        // The last one of the film is grey 146.
        shown.look(&screen(140), at(2100));
        shown.look(&screen(146), at(2200));
        let figures = tape(&film()).judge(&shown, at(500)).unwrap();
        assert_eq!(figures.frames_played, 3.0 / (2.1 - 1.0), "58, 62, 138 or 142, 146");
        // 140 is between 138 and 142.
        let mse = 4.0 / 3.0;
        assert!((figures.psnr_luma_db.unwrap() - psnr(mse)).abs() < 1e-9, "{figures:?}");
    }

    #[test]
    fn of_what_one_refresh_has_room_for_the_last_is_shown() {
        let mut tape = Tape::of_display(RECT);
        for (ms, grey) in [(1000, 50), (1015, 54), (1016, 58), (1031, 62), (1032, 62), (1048, 66)] {
            tape.look(&screen(grey), Micros::from_millis(ms));
        }
        let shown: Vec<_> = tape.shots.iter().map(|shot| (shot.at.0 / 1000, shot.luma[0])).collect();
        assert_eq!(shown, [(1000, 54), (1016, 62), (1048, 66)]);
    }

    #[test]
    fn what_does_not_move_is_no_film() {
        let still = tape(&[(0, 1), (1000, 2)]);
        assert_eq!(still.judge(&still, Micros::ZERO), None);
        assert_eq!(Tape::new(RECT).judge(&still, Micros::ZERO), None);
        // Nothing of it was shown.
        let figures = tape(&film()).judge(&Tape::new(RECT), Micros::ZERO).unwrap();
        assert_eq!((figures.psnr_luma_db, figures.frames_played), (None, 0.0));
    }
}
