//! Text: which glyph comes next, after those before it.
//!
//! A run is a row of tokens: glyphs, gaps where the next glyph is not where the last one's
//! advance puts it, and the end. What a session shows again (lines of a log, words, the
//! same word in another colour) is found by the latest tokens, as text compressors do.

use super::bit::Bit;
use super::mixer::Mixer;
use super::number::Signed;
use super::recent::Recent;
use super::{Coder, hash};
use crate::canvas::Canvas;
use crate::draw::{GlyphPlace, GlyphSlot, PlacedGlyph, SurfaceId};
use crate::geometry::Point;
use crate::pixel::Color;
use crate::wire::{DecodeError, MAX_COMMAND_ITEMS, MAX_COORDINATE};

/// Contexts of a token: none; the latest one, two, three, five tokens; the prediction.
const CONTEXTS: usize = 6;

/// Tokens that are no glyph.
const END: u32 = 1 << 16;
const GAP: u32 = 1 << 17;

/// Tokens remembered before the memory starts anew.
const HISTORY: usize = 1 << 16;

/// Tokens that must agree for a prediction.
const AGREE: usize = 5;

/// Right predictions in a row that are told apart.
const TRUST: usize = 15;

/// Models of [`GlyphPlace`].
#[derive(Debug, Clone)]
pub(super) struct Text {
    surfaces: Recent<u32, 8>,
    colors: Recent<Color, 16>,
    tops: Recent<i32, 32>,
    lefts: Recent<i32, 32>,
    new_top: Signed,
    new_left: Signed,
    /// Where the last run would have gone on.
    end: Point,
    goes_on: [Bit; 2],
    distance: Signed,
    tokens: Mixer<CONTEXTS>,
    gap_predicted: Bit,
    gaps: Recent<i32, 8>,
    new_gap: Signed,
    risen: usize,
    rises: [Bit; 2],
    rise: Signed,
    past: Past,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            surfaces: Recent::default(),
            colors: Recent::default(),
            tops: Recent::default(),
            lefts: Recent::default(),
            new_top: Signed::default(),
            new_left: Signed::default(),
            end: Point::default(),
            goes_on: [Bit::default(); 2],
            distance: Signed::default(),
            tokens: Mixer::new(18, 3 * (TRUST + 1)),
            gap_predicted: Bit::default(),
            gaps: Recent::default(),
            new_gap: Signed::default(),
            risen: 0,
            rises: [Bit::default(); 2],
            rise: Signed::default(),
            past: Past::default(),
        }
    }
}

impl Text {
    /// Codes glyphs; `canvas` holds their advances. `check` ends a decoding that reads
    /// beyond its bytes.
    ///
    /// # Errors
    ///
    /// When decoding, if a limit is exceeded or `check` fails.
    pub(super) fn code<C: Coder>(
        &mut self,
        c: &mut C,
        place: &GlyphPlace,
        canvas: &Canvas,
        check: impl Fn(&C) -> Result<(), DecodeError>,
    ) -> Result<GlyphPlace, DecodeError> {
        let surface = self.surfaces.code(c, place.surface.0, |c, id| c.literal(id, 32));
        let color = self.colors.code(c, place.color, |c, color| c.literal(color, 24));
        // A weighing must not change the memory: what it would add is kept here.
        let mut past = if C::LEARNS { std::mem::take(&mut self.past) } else { self.past.latest() };
        let mut glyphs: Vec<PlacedGlyph> = Vec::with_capacity(place.glyphs.len());
        let mut expected = Point::default();
        loop {
            let next = place.glyphs.get(glyphs.len()).copied();
            if self.decision(c, &past, Decision::End, next.is_none()) {
                past.push(END);
                break;
            }
            if glyphs.len() == MAX_COMMAND_ITEMS {
                return Err(DecodeError::TooLarge { what: "glyphs" });
            }
            check(c)?;
            let next = next.unwrap_or(PlacedGlyph { slot: GlyphSlot(0), pen: expected });
            let mut pen = expected;
            if glyphs.is_empty() {
                pen = self.start(c, next.pen);
            } else if self.decision(c, &past, Decision::Gap, next.pen != expected) {
                let dx = self.gap(c, &past, next.pen.x.saturating_sub(expected.x));
                pen.x = expected.x.saturating_add(dx);
                pen.y = expected.y.saturating_add(self.climb(c, next.pen.y.saturating_sub(expected.y)));
                past.push(gap_token(dx));
            }
            if pen.x.unsigned_abs().max(pen.y.unsigned_abs()) > MAX_COORDINATE {
                return Err(DecodeError::TooLarge { what: "coordinate" });
            }
            let slot = self.slot(c, &past, next.slot.0);
            past.push(slot);
            let slot = GlyphSlot(slot);
            glyphs.push(PlacedGlyph { slot, pen });
            expected = pen.offset(canvas.glyph(slot).map_or(0, |g| g.advance), 0);
        }
        if C::LEARNS {
            self.end = expected;
            self.past = past;
        }
        Ok(GlyphPlace { surface: SurfaceId(surface), color, glyphs })
    }

    /// The first glyph's pen.
    fn start<C: Coder>(&mut self, c: &mut C, pen: Point) -> Point {
        let last = self.tops.latest().unwrap_or(0);
        let new_top = &mut self.new_top;
        let y = self.tops.code(c, pen.y, |c, y| last.saturating_add(new_top.code(c, y.saturating_sub(last))));
        let same_line = y == self.end.y;
        let goes_on = same_line && pen.x >= self.end.x;
        let x = if self.goes_on[usize::from(same_line)].code(c, goes_on) {
            self.end.x.saturating_add(self.distance.code(c, pen.x.saturating_sub(self.end.x)))
        } else {
            let last = self.lefts.latest().unwrap_or(0);
            let new_left = &mut self.new_left;
            self.lefts.code(c, pen.x, |c, x| last.saturating_add(new_left.code(c, x.saturating_sub(last))))
        };
        Point::new(x, y)
    }

    fn gap<C: Coder>(&mut self, c: &mut C, past: &Past, dx: i32) -> i32 {
        if let Some(predicted) = past.prediction().filter(|t| *t >= GAP) {
            // Its lowest 16 bits are the distance.
            let predicted = i32::from(predicted as u16 as i16);
            if self.gap_predicted.code(c, dx == predicted) {
                return predicted;
            }
        }
        let new_gap = &mut self.new_gap;
        self.gaps.code(c, dx, |c, dx| new_gap.code(c, dx))
    }

    fn climb<C: Coder>(&mut self, c: &mut C, dy: i32) -> i32 {
        let rises = self.rises[self.risen].code(c, dy != 0);
        if C::LEARNS {
            self.risen = usize::from(rises);
        }
        if rises { self.rise.code(c, dy) } else { 0 }
    }

    fn slot<C: Coder>(&mut self, c: &mut C, past: &Past, slot: u32) -> u32 {
        let mut node = 1;
        for i in (0..16).rev() {
            let bit = self.decision(c, past, Decision::Slot { node, digit: i }, slot >> i & 1 == 1);
            node = node << 1 | u32::from(bit);
        }
        node & 0xffff
    }

    fn decision<C: Coder>(&mut self, c: &mut C, past: &Past, decision: Decision, bit: bool) -> bool {
        let (kind, node) = match decision {
            Decision::End => (0, 1 << 20),
            Decision::Gap => (1, 1 << 21),
            Decision::Slot { node, .. } => (2, node),
        };
        // What the prediction says of this decision: 0 or 1, or 2 for nothing.
        let word = past.prediction().map_or(2, |token| match decision {
            Decision::End => u32::from(token == END),
            Decision::Gap => u32::from(token >= GAP),
            Decision::Slot { node, digit } if token < END && (token | END) >> (digit + 1) == node => {
                token >> digit & 1
            }
            Decision::Slot { .. } => 2,
        });
        let trust = past.right.min(TRUST);
        let [one, two, three, four, five] = past.latest_five();
        let pair = hash(one, two);
        let triple = hash(pair, three);
        let contexts = [
            hash(1, node),
            hash(hash(2, one), node),
            hash(hash(3, pair), node),
            hash(hash(4, triple), node),
            hash(hash(hash(5, triple), hash(four, five)), node),
            hash(6 + kind, word << 8 | trust as u32),
        ];
        let set = if word == 2 { 0 } else { trust } + kind as usize * (TRUST + 1);
        self.tokens.code(c, contexts, set, bit)
    }
}

/// What is to be decided of the next token.
#[derive(Debug, Clone, Copy)]
enum Decision {
    /// Is it the end?
    End,
    /// Is it a gap?
    Gap,
    /// One digit of the glyph's slot, below those that made `node`.
    Slot { node: u32, digit: u32 },
}

fn gap_token(dx: i32) -> u32 {
    GAP | u32::from(dx as i16 as u16)
}

/// The latest tokens, and where the latest five were seen before.
#[derive(Debug, Clone, Default)]
struct Past {
    tokens: Vec<u32>,
    /// By a hash of [`AGREE`] tokens: the place behind them. 0 is nowhere.
    seen: Vec<u32>,
    /// Where the predicted token is; 0 is nowhere.
    next: usize,
    /// Predictions that were right in a row.
    right: usize,
    /// Whether places are not remembered: this serves for one weighing.
    brief: bool,
}

impl Past {
    fn prediction(&self) -> Option<u32> {
        if self.next == 0 { None } else { self.tokens.get(self.next).copied() }
    }

    fn latest_five(&self) -> [u32; AGREE] {
        let n = self.tokens.len();
        std::array::from_fn(|i| n.checked_sub(i + 1).map_or(END, |i| self.tokens[i]))
    }

    /// As much of this as a weighing needs: no predictions, the latest tokens.
    fn latest(&self) -> Self {
        let first = self.tokens.len().saturating_sub(AGREE);
        Self { tokens: self.tokens[first..].to_vec(), brief: true, ..Self::default() }
    }

    fn push(&mut self, token: u32) {
        if self.tokens.len() == HISTORY {
            *self = Self::default();
        }
        if self.prediction() == Some(token) {
            self.right += 1;
            self.next += 1;
        } else {
            (self.right, self.next) = (0, 0);
        }
        self.tokens.push(token);
        if self.brief || self.tokens.len() < AGREE {
            return;
        }
        if self.seen.is_empty() {
            self.seen = vec![0; HISTORY];
        }
        let place = self.latest_five().iter().fold(0, |h, t| hash(h, *t)) as usize % HISTORY;
        if self.next == 0 {
            self.next = self.seen[place] as usize;
        }
        self.seen[place] = self.tokens.len() as u32;
    }
}
