//! What a VNC viewer has been shown: a shadow of it, and where that is not the screen.

use panto_protocol::geometry::{Point, Rect, Region, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::{EncodingId, Leds, ResizeStatus};
use panto_protocol::time::Micros;

use super::lacking::{Lacking, Layout, Sent};
use super::rough::Rough;
use crate::desk::DeskState;
use crate::infer::{Motion, Moved};
use crate::plan::{differences, differences_apart};
use crate::scene::{Scene, Since};

/// Rectangles of one update at most: some viewers keep 65,535 for "until the last".
const MAX_RECTS: usize = 4096;

/// Rectangles of which a region is made at most before it is made simpler.
const MAX_DIRTY: usize = 64;

/// How long a screen may take for another size: X servers take some milliseconds, and a VNC server
/// behind a gateway may never say anything.
const RESIZES_FOR: Micros = Micros(3_000_000);

/// Edges that a copy must put right: it takes 16 bytes.
const COPY_WORTH: u32 = 48;

/// What a viewer understands, of what it named last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Understood {
    /// The pixels' encoding that it likes best, of those there are.
    pub(super) pixels: Option<EncodingId>,
    pub(super) copy_rect: bool,
    pub(super) cursor: Option<EncodingId>,
    /// Pointers of two colours, in a tenth of the bytes.
    pub(super) x_cursor: bool,
    pub(super) desktop_size: Option<EncodingId>,
    pub(super) desktop_name: bool,
    pub(super) leds: bool,
    pub(super) qemu_keys: bool,
    pub(super) fence: bool,
    pub(super) continuous_updates: bool,
    pub(super) extended_clipboard: bool,
    /// 0 to 9, if it named one.
    pub(super) compress_level: Option<u8>,
    /// 0 to 9 if it named one, which allows JPEG inside Tight.
    pub(super) quality_level: Option<u8>,
}

impl Understood {
    /// Of a list, what it likes best first.
    pub(super) fn of(all: &[EncodingId]) -> Self {
        let known = [
            EncodingId::TIGHT,
            EncodingId::ZRLE,
            EncodingId::TRLE,
            EncodingId::HEXTILE,
            EncodingId::RRE,
            EncodingId::RAW,
        ];
        let best = |some: &[EncodingId]| some.iter().copied().find(|id| all.contains(id));
        Self {
            pixels: all.iter().copied().find(|id| known.contains(id)),
            copy_rect: all.contains(&EncodingId::COPY_RECT),
            cursor: best(&[EncodingId::CURSOR_WITH_ALPHA, EncodingId::CURSOR]),
            x_cursor: all.contains(&EncodingId::X_CURSOR),
            desktop_size: best(&[EncodingId::EXTENDED_DESKTOP_SIZE, EncodingId::DESKTOP_SIZE]),
            desktop_name: all.contains(&EncodingId::DESKTOP_NAME),
            leds: all.contains(&EncodingId::LED_STATE),
            qemu_keys: all.contains(&EncodingId::QEMU_KEYS),
            fence: all.contains(&EncodingId::FENCE),
            continuous_updates: all.contains(&EncodingId::CONTINUOUS_UPDATES),
            extended_clipboard: all.contains(&EncodingId::EXTENDED_CLIPBOARD),
            compress_level: level(all, &EncodingId::COMPRESS_LEVELS),
            quality_level: level(all, &EncodingId::QUALITY_LEVELS),
        }
    }
}

/// A level from 0 on that is among the encodings.
fn level(all: &[EncodingId], levels: &std::ops::RangeInclusive<i32>) -> Option<u8> {
    all.iter().find(|id| levels.contains(&id.0)).map(|id| (id.0 - levels.start()) as u8)
}

/// What a viewer has, and where that may be wrong.
#[derive(Debug)]
pub(super) struct Shown {
    shadow: Picture,
    /// Position of the scene's journal up to which `dirty` knows everything.
    position: u64,
    dirty: Region,
    /// Where the viewer has nothing, whatever the shadow says.
    nothing: Region,
    /// Where it has an approximation.
    rough: Rough,
    motion: Motion,
    cursor: Option<u64>,
    /// How the viewer has to be told the screen's layout, if it has to.
    layout: Option<Layout>,
    /// The viewer has asked for another size, which is under way; when it is given up.
    resizes: Option<Micros>,
    leds: Option<Leds>,
    knows_name: bool,
    knows_keys: bool,
}

impl Shown {
    /// A viewer that was told this size and has no pixels.
    pub(super) fn new(size: Size) -> Self {
        let all = Rect::of_size(size).into();
        Self {
            shadow: Picture::new(size, 0),
            position: 0,
            dirty: Region::new(),
            nothing: all,
            rough: Rough::default(),
            motion: Motion::default(),
            cursor: None,
            layout: None,
            resizes: None,
            leds: None,
            knows_name: false,
            knows_keys: false,
        }
    }

    /// The viewer wants these pixels, whether it had them or not.
    pub(super) fn forget(&mut self, rect: &Rect) {
        self.layout.get_or_insert_default();
        self.lacks(rect);
    }

    /// The viewer has asked for another size, and this came of it.
    pub(super) fn resized(&mut self, status: ResizeStatus) {
        self.layout = Some(Layout { by_viewer: true, status });
    }

    /// The viewer has asked for another size, and will have it or hear that nothing came of it.
    pub(super) fn resizes(&mut self, now: Micros) {
        self.resizes = Some(now + RESIZES_FOR);
    }

    fn lacks(&mut self, rect: &Rect) {
        self.nothing.add(rect.intersection(&self.shadow.bounds()));
        self.nothing.simplify(MAX_DIRTY);
    }

    /// What became of [`Self::look`].
    pub(super) fn sent(&mut self, sent: &Sent, now: Micros) {
        sent.left.iter().for_each(|rect| self.lacks(rect));
        self.rough.rests(&sent.rests);
        sent.exact.iter().for_each(|rect| self.rough.sent(*rect, false, now));
        sent.rough.iter().for_each(|rect| self.rough.sent(*rect, true, now));
    }

    /// When there will be something for the viewer even if nothing changes: what rests and it has an
    /// approximation of, or an answer.
    pub(super) fn wakes_at(&self) -> Option<Micros> {
        self.rough.due().into_iter().chain(self.resizes).min()
    }

    /// Whether the scene or the desk may have something for the viewer inside `asked`.
    pub(super) fn is_due(
        &mut self,
        scene: &Scene,
        desk: &DeskState,
        asked: &Region,
        understood: &Understood,
        now: Micros,
    ) -> bool {
        match scene.since(self.position) {
            Since::Changes(changes) => changes.for_each(|change| self.dirty.add_region(&change.screen)),
            Since::Lost => self.dirty = Rect::of_size(scene.size()).into(),
        }
        self.dirty.simplify(MAX_DIRTY);
        self.position = scene.position();
        if self.resizes.is_some_and(|at| at <= now) && self.shadow.size() == scene.size() {
            self.resizes = None;
            self.resized(ResizeStatus::OutOfResources);
        }
        let cursor = understood.cursor.is_some() && self.cursor != Some(scene.cursor().1);
        let layout =
            understood.desktop_size == Some(EncodingId::EXTENDED_DESKTOP_SIZE) && self.layout.is_some();
        let resized = understood.desktop_size.is_some() && self.shadow.size() != scene.size();
        let leds = understood.leds && self.leds != Some(desk.leds);
        let first =
            (understood.qemu_keys && !self.knows_keys) || (understood.desktop_name && !self.knows_name);
        let meets = |region: &Region| region.rects().iter().any(|r| asked.intersects(r));
        let rests = self.rough.due().is_some_and(|at| at <= now);
        cursor || layout || resized || leds || first || rests || meets(&self.dirty) || meets(&self.nothing)
    }

    /// Takes what the viewer lacks inside `asked` from the scene; the pixels are encoded later,
    /// without its lock, by [`Lacking::encode`].
    pub(super) fn look(
        &mut self,
        scene: &mut Scene,
        desk: &DeskState,
        asked: &Region,
        understood: &Understood,
        now: Micros,
    ) -> Lacking {
        let mut lacking = Lacking::default();
        let size = scene.size();
        let resized = self.shadow.size() != size;
        let layout = match understood.desktop_size {
            Some(EncodingId::EXTENDED_DESKTOP_SIZE) => self.layout.take().or(resized.then(Layout::default)),
            Some(_) => resized.then(Layout::default),
            None => None,
        };
        if let Some(mut layout) = layout {
            layout.by_viewer |= resized && self.resizes.take().is_some();
            lacking.layout = Some((layout, size, scene.outputs().to_vec()));
            if resized {
                // What was sent of the old size is forgotten by all viewers.
                let all = Rect::of_size(size).into();
                (self.shadow, self.dirty, self.nothing) = (Picture::new(size, 0), Region::new(), all);
                self.rough.clear();
                return lacking;
            }
        }
        let (cursor, serial) = scene.cursor();
        if understood.cursor.is_some() && self.cursor != Some(serial) {
            self.cursor = Some(serial);
            lacking.cursor = Some(cursor.clone());
        }
        if understood.leds && self.leds != Some(desk.leds) {
            self.leds = Some(desk.leds);
            lacking.leds = self.leds;
        }
        lacking.keys = understood.qemu_keys && !std::mem::replace(&mut self.knows_keys, understood.qemu_keys);
        lacking.name =
            understood.desktop_name && !std::mem::replace(&mut self.knows_name, understood.desktop_name);
        scene.flatten();
        let new = scene.flat();
        let bounds = self.shadow.bounds().intersection(&new.bounds());
        let asked = asked.intersection(&bounds);
        let nothing = self.nothing.intersection_region(&asked);
        let mut look = self.dirty.intersection_region(&asked);
        self.dirty.subtract_region(&asked);
        self.nothing.subtract_region(&asked);
        look.subtract_region(&nothing);
        // Compared as pictures of one size; a screen that grew is cut to what the viewer knows.
        let cut;
        let new = match new.size() == self.shadow.size() {
            true => new,
            false => {
                let mut picture = Picture::new(self.shadow.size(), 0);
                picture.blit(Point::default(), new.crop(bounds));
                cut = picture;
                &cut
            }
        };
        let mut rects = differences(&self.shadow, new, &look);
        if understood.copy_rect && nothing.is_empty() && !rects.is_empty() {
            let changed: Region = rects.iter().copied().collect();
            let mut moves = self.motion.find(&self.shadow, new, &changed, COPY_WORTH);
            moves = in_sequence(moves);
            for m in &moves {
                let pixels = self.shadow.crop(m.from).to_picture();
                self.shadow.blit(m.to, pixels.view());
                self.rough.copied(m.from, target(m), now);
            }
            lacking.copies = moves.iter().map(|m| (m.from.origin(), target(m))).collect();
            if !moves.is_empty() {
                let mut left = changed;
                moves.iter().for_each(|m| left.subtract(&target(m)));
                rects = differences_apart(&self.shadow, new, &left);
            }
        }
        rects.extend(nothing.rects());
        for rect in rects.drain(MAX_RECTS.min(rects.len())..) {
            self.nothing.add(rect);
        }
        for rect in &rects {
            self.shadow.blit(rect.origin(), new.crop(*rect));
        }
        // What changes now does not rest, whatever it was sent as.
        let mut rested = self.rough.take(now);
        rects.iter().for_each(|rect| rested.subtract(rect));
        lacking.rested = rested.intersection(&self.shadow.bounds()).rects().to_vec();
        lacking.rects = rects;
        lacking
    }

    /// What the viewer has once it has painted everything.
    pub(super) fn picture(&self) -> &Picture {
        &self.shadow
    }
}

fn target(moved: &Moved) -> Rect {
    Rect::at(moved.to, moved.from.size())
}

/// Moves that all read the same picture, in an order in which they can be made one after the other:
/// none reads what an earlier one has written. Where they chase each other in a circle, the smallest
/// is left out.
fn in_sequence(mut moves: Vec<Moved>) -> Vec<Moved> {
    let mut out = Vec::with_capacity(moves.len());
    while !moves.is_empty() {
        let spoils = |i: usize| {
            let written = target(&moves[i]);
            moves.iter().enumerate().any(|(j, other)| j != i && other.from.intersects(&written))
        };
        match (0..moves.len()).find(|&i| !spoils(i)) {
            Some(i) => out.push(moves.remove(i)),
            None => {
                let smallest = (0..moves.len()).min_by_key(|&i| moves[i].from.area());
                smallest.map(|i| moves.swap_remove(i));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(from: Rect, x: i32, y: i32) -> Moved {
        Moved { from, to: Point::new(x, y) }
    }

    #[test]
    fn moves_are_made_in_an_order_that_spoils_none() {
        // A page that goes up by ten rows in three pieces, told from the bottom; and down.
        let piece = |i: i32| Rect::new(0, 20 + 30 * i, 100, 30);
        for dy in [-10, 10] {
            let pieces = || (0..3).map(|i| moved(piece(i), 0, 20 + 30 * i + dy));
            let expected: Vec<_> = if dy < 0 { pieces().collect() } else { pieces().rev().collect() };
            assert_eq!(in_sequence(pieces().rev().collect()), expected);
            assert_eq!(in_sequence(pieces().collect()), expected);
        }
        // Two areas that change places: the smaller one is left out.
        let (a, b) = (moved(Rect::new(0, 0, 50, 50), 100, 0), moved(Rect::new(100, 0, 40, 50), 0, 0));
        assert_eq!(in_sequence(vec![a, b]), [a]);
        // What overlaps itself is one move.
        let scroll = moved(Rect::new(0, 10, 50, 90), 0, 0);
        assert_eq!(in_sequence(vec![scroll]), [scroll]);
    }
}
