//! Large updates: rectangles that are coded by themselves are encoded on several cores, ahead
//! of their turn.

use std::collections::VecDeque;
use std::thread;

use panto_protocol::encoding::{Effort, Encoder};
use panto_protocol::geometry::Rect;

use super::{Job, Pieces, Residual, Tier};

/// Pixels of a rectangle from which on it is worth starting threads.
const LARGE: u64 = 64 * 1024;

/// Rectangles encoded ahead of their turn at most: the same however many cores there are, so
/// that what is sent does not depend on the machine.
const BATCH: usize = 8;

/// A rectangle, and its payload if it was encoded already.
pub(super) type Ready = (Rect, Option<(Effort, Vec<u8>)>);

/// What was encoded and waits for its turn.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    ready: VecDeque<Ready>,
}

impl Ahead {
    /// The next rectangle, for which the frame has about so much room.
    pub(super) fn next(
        &mut self,
        residual: &mut Residual,
        job: &Job<'_>,
        pieces: &mut Pieces,
        room: u64,
    ) -> Option<Ready> {
        if let Some(ready) = self.ready.pop_front() {
            return Some(ready);
        }
        let tiers = &residual.tiers;
        let mut take = |room| pieces.next(room, |r| tiers.bytes(job.look(r), Tier::Dense));
        let first = take(room)?;
        if job.palette_cells || first.area() < LARGE {
            return Some((first, None));
        }
        // More of them, as long as the frame seems to have room and none goes into the stream,
        // where each needs what the one before has taught.
        let (mut batch, mut next, mut left) = (Vec::new(), Some(first), room);
        while let Some(rect) = next.take() {
            let look = job.look(rect);
            let Some(effort) = residual.effort_of(job, look) else {
                self.ready.push_back((rect, None));
                break;
            };
            batch.push((rect, effort));
            let tier = if effort == Effort::Fast { Tier::Fast } else { Tier::Balanced };
            left = left.saturating_sub(tiers.bytes(look, tier));
            if left > 0 && batch.len() < BATCH {
                next = take(left);
            }
        }
        let encoded = residual.encode_all(job, &batch);
        let ready = batch.into_iter().zip(encoded);
        let ready = ready.map(|((rect, effort), payload)| (rect, Some((effort, payload))));
        // What goes into the stream comes behind these.
        let stream = std::mem::take(&mut self.ready);
        self.ready.extend(ready.chain(stream));
        self.ready.pop_front()
    }

    /// What was taken from the pieces and did not get its turn.
    pub(super) fn left(&self) -> impl Iterator<Item = &Rect> {
        self.ready.iter().map(|(rect, _)| rect)
    }
}

impl Residual {
    /// Encodes rectangles side by side, on as many cores as there are.
    fn encode_all(&mut self, job: &Job<'_>, batch: &[(Rect, Effort)]) -> Vec<Vec<u8>> {
        let encode = |encoder: &mut Encoder, (rect, effort): (Rect, Effort)| {
            let (pixels, mut payload) = (job.target.crop(rect), Vec::new());
            match job.alpha {
                true => encoder.encode_argb(pixels, effort, &mut payload),
                false => encoder.encode(pixels, effort, &mut payload),
            };
            payload
        };
        let cores = thread::available_parallelism().map_or(1, usize::from).min(batch.len()).max(1);
        // Of every so many rectangles one is this thread's.
        let share = |encoder: &mut Encoder, first: usize| -> Vec<Vec<u8>> {
            batch.iter().skip(first).step_by(cores).map(|part| encode(encoder, *part)).collect()
        };
        let mut shares: Vec<_> = thread::scope(|scope| {
            let others: Vec<_> =
                (1..cores).map(|first| scope.spawn(move || share(&mut Encoder::default(), first))).collect();
            let mine = share(&mut self.encoder, 0);
            let others = others.into_iter().map(|thread| thread.join().expect("encoding does not panic"));
            std::iter::once(mine).chain(others).map(Vec::into_iter).collect()
        });
        (0..batch.len()).filter_map(|i| shares[i % cores].next()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::geometry::Size;
    use panto_protocol::pixel::Picture;

    #[test]
    fn side_by_side_is_as_one_after_the_other() {
        let size = Size::new(300, 256);
        let pixels =
            (0..size.area()).map(|i| ((i * 2654435761) >> (i / 9000)) as u32 & 0x00ff_ffff).collect();
        let picture = Picture::from_pixels(size, pixels).unwrap();
        let job = Job::of(&picture);
        let rects: Vec<Rect> = picture.bounds().grid(64).collect();
        for count in [1, 2, 5, rects.len()] {
            let efforts = [Effort::Fast, Effort::Balanced].into_iter().cycle();
            let batch: Vec<_> = rects.iter().copied().zip(efforts).take(count).collect();
            let expected: Vec<Vec<u8>> = batch
                .iter()
                .map(|&(rect, effort)| {
                    let mut out = Vec::new();
                    Encoder::default().encode(picture.crop(rect), effort, &mut out);
                    out
                })
                .collect();
            assert_eq!(Residual::default().encode_all(&job, &batch), expected);
        }
    }
}
