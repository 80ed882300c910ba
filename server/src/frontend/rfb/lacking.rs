//! What a VNC viewer lacks, as the rectangles of an update.

use std::sync::Arc;

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Rect, Region, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::encoding::{Encoder, TIGHT_MAX_AREA, TIGHT_MAX_WIDTH};
use panto_protocol::rfb::{
    EncodingId, Leds, PixelFormat, RectHeader, ResizeStatus, Screen, encode_rect_count, encode_screens,
};
use panto_protocol::wire::Writer;

use super::rough;
use super::update::Understood;
use crate::infer::solid_areas;

/// Width of Tight's rectangles at most.
const TIGHT_WIDTH: u32 = 512;

/// Pixels of a rectangle at most where the update may not be large.
const PIECE: u64 = 1 << 16;

/// Rectangles of an update at most, with room for the few that are no pixels: sixteen bits count
/// them, and all ones mean "until the last".
const MAX_COUNT: u16 = 60_000;

/// What an update will hold.
#[derive(Debug, Default)]
pub(super) struct Lacking {
    pub(super) layout: Option<(Layout, Size, Vec<Rect>)>,
    pub(super) cursor: Option<Arc<CursorImage>>,
    pub(super) leds: Option<Leds>,
    /// Whether it has to be told that keys may come with their codes.
    pub(super) keys: bool,
    /// Whether it has to be told the screen's name as a whole.
    pub(super) name: bool,
    pub(super) copies: Vec<(Point, Rect)>,
    pub(super) rects: Vec<Rect>,
    /// What it has an approximation of, and has to have exactly now.
    pub(super) rested: Vec<Rect>,
}

/// What became of the pixels.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Rectangles of the update, pseudo-encodings too.
    pub(super) count: usize,
    /// Sent as they are, and as JPEG.
    pub(super) exact: Vec<Rect>,
    pub(super) rough: Vec<Rect>,
    /// There was no room for these, which the viewer has not, or not exactly.
    pub(super) left: Vec<Rect>,
    pub(super) rests: Vec<Rect>,
}

impl Sent {
    /// Whether there was room for all.
    pub(super) fn is_whole(&self) -> bool {
        self.left.is_empty() && self.rests.is_empty()
    }
}

/// Why a layout of the screen is told (rfbproto, ExtendedDesktopSize).
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Whether the viewer had asked for it.
    pub(super) by_viewer: bool,
    pub(super) status: ResizeStatus,
}

impl Default for Layout {
    fn default() -> Self {
        Self { by_viewer: false, status: ResizeStatus::Done }
    }
}

/// How an update is written.
pub(super) struct Manner<'a> {
    pub(super) format: &'a PixelFormat,
    pub(super) understood: &'a Understood,
    pub(super) name: &'a str,
    /// Bytes after which no rectangle is begun.
    pub(super) budget: usize,
}

impl Manner<'_> {
    /// The quality of JPEG, where it may be used.
    fn jpeg(&self) -> Option<u8> {
        let deep = self.format.true_color.is_some() && self.format.bits_per_pixel >= 16;
        let tight = self.understood.pixels == Some(EncodingId::TIGHT);
        self.understood.quality_level.filter(|_| deep && tight)
    }
}

impl Lacking {
    pub(super) fn is_empty(&self) -> bool {
        self.layout.is_none()
            && self.cursor.is_none()
            && self.leds.is_none()
            && !self.keys
            && !self.name
            && self.copies.is_empty()
            && self.rects.is_empty()
            && self.rested.is_empty()
    }

    /// Appends the update. `picture`: what [`Shown::look`](super::update::Shown::look) has made of
    /// the shadow.
    pub(super) fn encode(
        &self,
        picture: &Picture,
        manner: &Manner<'_>,
        encoder: &mut Encoder,
        out: &mut Vec<u8>,
    ) -> Sent {
        let begin = out.len();
        let mut update = Update { count: 0, w: Writer::default() };
        encode_rect_count(0, &mut update.w);
        self.encode_others(manner, encoder, &mut update);
        for (from, to) in &self.copies {
            let payload = [(from.x as u16).to_be_bytes(), (from.y as u16).to_be_bytes()].concat();
            update.add(*to, EncodingId::COPY_RECT, &payload);
        }
        let encoding = manner.understood.pixels.unwrap_or(EncodingId::RAW);
        let mut sent = Sent::default();
        let mut pieces = self.pieces(picture, manner, encoding).into_iter();
        while update.w.len() < manner.budget
            && update.count < MAX_COUNT
            && let Some(piece) = pieces.next()
        {
            let (rect, jpeg) = (piece.rect, piece.jpeg);
            update.head(rect, encoding);
            let (pixels, out) = (picture.crop(rect), update.w.buffer());
            match jpeg.is_some_and(|level| encoder.encode_jpeg(level, pixels, out)) {
                true => sent.rough.push(rect),
                false => {
                    encoder.encode(encoding, manner.format, pixels, out);
                    sent.exact.push(rect);
                }
            }
        }
        for piece in pieces {
            if piece.rested { &mut sent.rests } else { &mut sent.left }.push(piece.rect);
        }
        sent.count = update.count.into();
        out.extend_from_slice(update.w.as_slice());
        let mut count = Writer::default();
        encode_rect_count(update.count, &mut count);
        out[begin..begin + count.len()].copy_from_slice(count.as_slice());
        sent
    }

    /// The pixels in pieces, in the order in which they go.
    fn pieces(&self, picture: &Picture, manner: &Manner<'_>, encoding: EncodingId) -> Vec<Piece> {
        let most = if manner.budget == usize::MAX { u64::MAX } else { PIECE };
        let mut all = Vec::new();
        // Tight says an area of one colour in four bytes, and the rest has fewer colours without it.
        let flat = |rect: &Rect| match encoding {
            EncodingId::TIGHT => without_flat(picture, *rect),
            _ => vec![*rect],
        };
        let mut add = |rects: &[Rect], jpeg| {
            let rects = rects.iter().flat_map(flat).flat_map(|r| pieces(r, encoding, most));
            all.extend(rects.map(|rect| Piece { rect, jpeg, rested: false }));
        };
        match manner.jpeg() {
            None => add(&self.rects, None),
            jpeg => {
                for rect in &self.rects {
                    let (natural, sharp) = rough::sort(picture, *rect);
                    add(&sharp, None);
                    add(&natural, jpeg);
                }
            }
        }
        if manner.budget < usize::MAX {
            // What is small is what a person waits for; what is to be exact can wait for all else.
            all.sort_by_key(|piece| piece.rect.area());
        }
        let rested = self.rested.iter().flat_map(|r| pieces(*r, encoding, most));
        all.extend(rested.map(|rect| Piece { rect, jpeg: None, rested: true }));
        all
    }

    /// What is not the screen's pixels.
    fn encode_others(&self, manner: &Manner<'_>, encoder: &mut Encoder, update: &mut Update) {
        let understood = manner.understood;
        if let (Some((layout, size, outputs)), Some(encoding)) = (&self.layout, understood.desktop_size) {
            let mut payload = Writer::default();
            let mut at = Point::default();
            if encoding == EncodingId::EXTENDED_DESKTOP_SIZE {
                at = Point::new(layout.by_viewer.into(), layout.status as i32);
                let screen = |(id, &rect)| Screen { id, rect, flags: 0 };
                let screens: Vec<Screen> = (0..).zip(outputs).map(screen).collect();
                encode_screens(&screens, &mut payload);
            }
            update.add(Rect::at(at, *size), encoding, payload.as_slice());
        }
        if let (Some(cursor), Some(encoding)) = (&self.cursor, understood.cursor) {
            let (pixels, mut payload) = (cursor.picture.view(), Vec::new());
            let two = understood.x_cursor && encoder.encode_two_colored_cursor(pixels, &mut payload);
            if !two {
                encoder.encode(encoding, manner.format, pixels, &mut payload);
            }
            let encoding = if two { EncodingId::X_CURSOR } else { encoding };
            update.add(Rect::at(cursor.hot, cursor.picture.size()), encoding, &payload);
        }
        if let Some(Leds(leds)) = self.leds {
            update.add(Rect::default(), EncodingId::LED_STATE, &[leds]);
        }
        if self.keys {
            update.add(Rect::default(), EncodingId::QEMU_KEYS, &[]);
        }
        if self.name {
            let length = (manner.name.len() as u32).to_be_bytes();
            update.add(
                Rect::default(),
                EncodingId::DESKTOP_NAME,
                &[&length[..], manner.name.as_bytes()].concat(),
            );
        }
    }
}

/// A rectangle of an update.
struct Piece {
    rect: Rect,
    /// The quality, if it may be JPEG.
    jpeg: Option<u8>,
    /// Whether the viewer has it already, if not exactly.
    rested: bool,
}

/// An update that is being written.
struct Update {
    count: u16,
    w: Writer,
}

impl Update {
    fn head(&mut self, rect: Rect, encoding: EncodingId) {
        RectHeader { rect, encoding }.encode(&mut self.w);
        self.count += 1;
    }

    fn add(&mut self, rect: Rect, encoding: EncodingId, payload: &[u8]) {
        self.head(rect, encoding);
        self.w.raw(payload);
    }
}

/// A rectangle cut into areas of one colour and what is left.
fn without_flat(picture: &Picture, rect: Rect) -> Vec<Rect> {
    let mut out: Vec<Rect> = solid_areas(picture, rect).into_iter().map(|(area, _)| area).collect();
    let mut rest = Region::from(rect);
    out.iter().for_each(|area| rest.subtract(area));
    out.extend(rest.rects());
    out
}

/// A rectangle in pieces that every viewer takes, of at most about so many pixels.
fn pieces(rect: Rect, encoding: EncodingId, most: u64) -> Vec<Rect> {
    let (width, height) = match encoding {
        // As many pixels as the viewers' buffers hold; and so that few enough colours are together for
        // a palette: on desktops a tenth less than whole lines.
        EncodingId::TIGHT => (TIGHT_MAX_WIDTH.min(TIGHT_WIDTH), TIGHT_MAX_AREA as u32 / TIGHT_WIDTH),
        // A piece of a screen at a time keeps the buffers small.
        _ => (1 << 14, 1 << 6),
    };
    let columns = rect.width().min(width).max(1);
    let rows = (most / u64::from(columns)).clamp(1, height.into()) as i32;
    let mut out = Vec::new();
    for top in (rect.top..rect.bottom).step_by(rows as usize) {
        for left in (rect.left..rect.right).step_by(columns as usize) {
            let (right, bottom) = (rect.right.min(left + columns as i32), rect.bottom.min(top + rows));
            out.push(Rect::from_corners(left, top, right, bottom));
        }
    }
    out
}
