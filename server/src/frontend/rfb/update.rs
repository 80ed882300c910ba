//! What a VNC viewer is shown: a shadow of what it has, and the rectangles that it lacks.

use panto_protocol::geometry::{Point, Rect, Region, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::encoding::{Encoder, TIGHT_MAX_AREA, TIGHT_MAX_WIDTH};
use panto_protocol::rfb::{EncodingId, PixelFormat, RectHeader, Screen, encode_rect_count, encode_screens};
use panto_protocol::wire::Writer;

use crate::infer::Motion;
use crate::plan::differences;
use crate::scene::{Scene, Since};

/// Rectangles of one update at most: some viewers keep 65,535 for "until the last".
const MAX_RECTS: usize = 4096;

/// Rectangles of which a region is made at most before it is made simpler.
const MAX_DIRTY: usize = 64;

/// Edges that a copy must put right: it takes 16 bytes.
const COPY_WORTH: u32 = 48;

/// What a viewer understands, of what it named last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Understood {
    /// The pixels' encoding that it likes best, of those there are.
    pub(super) pixels: Option<EncodingId>,
    pub(super) copy_rect: bool,
    pub(super) cursor: Option<EncodingId>,
    pub(super) desktop_size: Option<EncodingId>,
    /// 0 to 9, if it named one.
    pub(super) compress_level: Option<u8>,
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
            desktop_size: best(&[EncodingId::EXTENDED_DESKTOP_SIZE, EncodingId::DESKTOP_SIZE]),
            compress_level: all
                .iter()
                .find_map(|id| (-256..=-247).contains(&id.0).then(|| (id.0 + 256) as u8)),
        }
    }
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
    motion: Motion,
    cursor: Option<u64>,
}

/// One rectangle of an update, with its payload.
type Told = (RectHeader, Vec<u8>);

impl Shown {
    /// A viewer that was told this size and has no pixels.
    pub(super) fn new(size: Size) -> Self {
        let all = Rect::of_size(size).into();
        Self {
            shadow: Picture::new(size, 0),
            position: 0,
            dirty: Region::new(),
            nothing: all,
            motion: Motion::default(),
            cursor: None,
        }
    }

    /// The viewer wants these pixels, whether it had them or not.
    pub(super) fn forget(&mut self, rect: &Rect) {
        self.nothing.add(rect.intersection(&self.shadow.bounds()));
        self.nothing.simplify(MAX_DIRTY);
    }

    /// Whether the scene may have something for the viewer inside `asked`.
    pub(super) fn is_due(&mut self, scene: &Scene, asked: &Region, understood: &Understood) -> bool {
        match scene.since(self.position) {
            Since::Changes(changes) => changes.for_each(|change| self.dirty.add_region(&change.screen)),
            Since::Lost => self.dirty = Rect::of_size(scene.size()).into(),
        }
        self.dirty.simplify(MAX_DIRTY);
        self.position = scene.position();
        let cursor = understood.cursor.is_some() && self.cursor != Some(scene.cursor().1);
        let resized = understood.desktop_size.is_some() && self.shadow.size() != scene.size();
        let meets = |region: &Region| region.rects().iter().any(|r| asked.intersects(r));
        cursor || resized || meets(&self.dirty) || meets(&self.nothing)
    }

    /// Takes what the viewer lacks inside `asked` from the scene; the pixels are encoded later,
    /// without its lock, by [`Lacking::encode`].
    pub(super) fn look(&mut self, scene: &mut Scene, asked: &Region, understood: &Understood) -> Lacking {
        let mut lacking = Lacking::default();
        let size = scene.size();
        if understood.desktop_size.is_some() && self.shadow.size() != size {
            // What was sent of the old size is forgotten by all viewers.
            *self = Self { position: self.position, cursor: self.cursor, ..Self::new(size) };
            lacking.size = Some((size, scene.outputs().to_vec()));
            return lacking;
        }
        let (cursor, serial) = scene.cursor();
        if understood.cursor.is_some() && self.cursor != Some(serial) {
            self.cursor = Some(serial);
            lacking.cursor = Some(cursor.clone());
        }
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
            // One after the other: what an earlier one has overwritten cannot be read any more.
            let mut written = Region::new();
            moves.retain(|m| {
                let intact = !written.intersects(&m.from);
                if intact {
                    written.add(Rect::at(m.to, m.from.size()));
                }
                intact
            });
            for m in &moves {
                let pixels = self.shadow.crop(m.from).to_picture();
                self.shadow.blit(m.to, pixels.view());
            }
            lacking.copies = moves.iter().map(|m| (m.from.origin(), Rect::at(m.to, m.from.size()))).collect();
            if !moves.is_empty() {
                rects = differences(&self.shadow, new, &changed);
            }
        }
        rects.extend(nothing.rects());
        for rect in rects.drain(MAX_RECTS.min(rects.len())..) {
            self.nothing.add(rect);
        }
        for rect in &rects {
            self.shadow.blit(rect.origin(), new.crop(*rect));
        }
        lacking.rects = rects;
        lacking
    }

    /// What the viewer has once it has painted everything.
    pub(super) fn picture(&self) -> &Picture {
        &self.shadow
    }
}

/// What an update will hold.
#[derive(Debug, Default)]
pub(super) struct Lacking {
    size: Option<(Size, Vec<Rect>)>,
    cursor: Option<std::sync::Arc<panto_protocol::canvas::CursorImage>>,
    copies: Vec<(Point, Rect)>,
    rects: Vec<Rect>,
}

impl Lacking {
    pub(super) fn is_empty(&self) -> bool {
        self.size.is_none() && self.cursor.is_none() && self.copies.is_empty() && self.rects.is_empty()
    }

    /// Appends the update; returns how many rectangles it has. `picture`: what
    /// [`Shown::look`] has made of the shadow.
    pub(super) fn encode(
        &self,
        picture: &Picture,
        format: &PixelFormat,
        understood: &Understood,
        encoder: &mut Encoder,
        out: &mut Vec<u8>,
    ) -> usize {
        let mut all: Vec<Told> = Vec::new();
        if let (Some((size, outputs)), Some(encoding)) = (&self.size, understood.desktop_size) {
            let mut payload = Writer::default();
            if encoding == EncodingId::EXTENDED_DESKTOP_SIZE {
                let screen = |(id, &rect)| Screen { id, rect, flags: 0 };
                let screens: Vec<Screen> = (0..).zip(outputs).map(screen).collect();
                encode_screens(&screens, &mut payload);
            }
            all.push((RectHeader { rect: Rect::of_size(*size), encoding }, payload.finish()));
        }
        if let (Some(cursor), Some(encoding)) = (&self.cursor, understood.cursor) {
            let rect = Rect::at(cursor.hot, cursor.picture.size());
            let mut payload = Vec::new();
            encoder.encode(encoding, format, cursor.picture.view(), &mut payload);
            all.push((RectHeader { rect, encoding }, payload));
        }
        for (from, to) in &self.copies {
            let payload = [(from.x as u16).to_be_bytes(), (from.y as u16).to_be_bytes()].concat();
            all.push((RectHeader { rect: *to, encoding: EncodingId::COPY_RECT }, payload));
        }
        let encoding = understood.pixels.unwrap_or(EncodingId::RAW);
        for rect in self.rects.iter().flat_map(|r| pieces(*r, encoding)) {
            let mut payload = Vec::new();
            encoder.encode(encoding, format, picture.crop(rect), &mut payload);
            all.push((RectHeader { rect, encoding }, payload));
        }
        let mut w = Writer::default();
        encode_rect_count(all.len() as u16, &mut w);
        for (header, payload) in &all {
            header.encode(&mut w);
            w.raw(payload);
        }
        out.extend_from_slice(w.as_slice());
        all.len()
    }
}

/// A rectangle in pieces that every viewer takes.
fn pieces(rect: Rect, encoding: EncodingId) -> Vec<Rect> {
    let (width, area) = match encoding {
        EncodingId::TIGHT => (TIGHT_MAX_WIDTH, TIGHT_MAX_AREA),
        // A piece of a screen at a time keeps the buffers small.
        _ => (1 << 14, 1 << 20),
    };
    let columns = rect.width().min(width);
    let rows = (area / u64::from(columns.max(1))).max(1) as i32;
    let mut out = Vec::new();
    for top in (rect.top..rect.bottom).step_by(rows as usize) {
        for left in (rect.left..rect.right).step_by(columns.max(1) as usize) {
            let (right, bottom) = (rect.right.min(left + columns as i32), rect.bottom.min(top + rows));
            out.push(Rect::from_corners(left, top, right, bottom));
        }
    }
    out
}
