//! The coded form of a frame's commands.

use super::Coder;
use super::bit::Tree;
use super::bytes::Fields;
use super::copies::Copies;
use super::lossy::LossyModels;
use super::pixels::PixelModels;
use super::range::{RangeDecoder, RangeEncoder, Weight};
use super::shape::Shapes;
use super::text::Text;
use crate::canvas::Canvas;
use crate::draw::{
    Copy, Coverage, DrawCommand, GlyphDefine, GlyphPlace, GlyphSlot, InlinePixels, LossyPixels, SurfaceId,
};
use crate::geometry::{Point, Rect};
use crate::pixel::Color;
use crate::wire::{DecodeError, Reader, Writer};

/// In the place of an opcode: no command follows.
const END: u8 = 0;

const COPY: u8 = 0x02;
const GLYPH_DEFINE: u8 = 0x04;
const GLYPH_PLACE: u8 = 0x0d;
const INLINE_PIXELS: u8 = 0x0e;
const LOSSY_PIXELS: u8 = 0x0f;

/// Bits of an opcode.
const OP_BITS: u32 = 5;

/// What both ends have learned from the coded commands of a session.
///
/// Opaque and deterministic: the same commands on the same canvas always teach the same.
#[derive(Debug, Clone)]
pub struct CommandModels {
    /// Opcodes by the two before.
    opcodes: Vec<Tree>,
    before: [u8; 2],
    fields: Fields,
    copies: Copies,
    shapes: Shapes,
    text: Text,
    pixels: PixelModels,
    lossy: LossyModels,
}

impl Default for CommandModels {
    fn default() -> Self {
        Self {
            opcodes: vec![Tree::new(OP_BITS); 1 << (2 * OP_BITS)],
            before: [END; 2],
            fields: Fields::default(),
            copies: Copies::default(),
            shapes: Shapes::default(),
            text: Text::default(),
            pixels: PixelModels::default(),
            lossy: LossyModels::default(),
        }
    }
}

impl CommandModels {
    /// What these glyphs would cost now.
    pub fn weigh_glyphs(&mut self, place: &GlyphPlace, canvas: &Canvas) -> Weight {
        let mut weight = Weight::default();
        // Fails only when decoding.
        let _ = self.text.code(&mut weight, place, canvas, |_| Ok(()));
        weight
    }

    /// What this definition would cost now.
    pub fn weigh_shape(&mut self, define: &GlyphDefine) -> Weight {
        let mut weight = Weight::default();
        // Fails only when decoding.
        let _ = self.shapes.code(&mut weight, define);
        weight
    }

    /// What these pixels would cost now, before anything is learned from the first of
    /// them: more than they will. Ends soon after `limit` bits are exceeded.
    pub fn weigh_pixels(&mut self, put: &InlinePixels, canvas: &Canvas, limit: u64) -> Weight {
        let mut weight = Weight::default();
        let check = |weight: &Weight| match weight.bits() > limit {
            true => Err(DecodeError::TooLarge { what: "pixels" }),
            false => Ok(()),
        };
        // Fails only beyond the limit, and the weight tells that.
        let _ = self.pixels.code(&mut weight, put, canvas, check);
        weight
    }

    /// What these lossy pixels would cost now, before anything is learned from them: a little more than they will.
    pub fn weigh_lossy(&mut self, put: &LossyPixels, canvas: &Canvas) -> Weight {
        let mut weight = Weight::default();
        // Fails only when decoding.
        let _ = self.lossy.code(&mut weight, put, canvas, |_| Ok(()));
        weight
    }

    fn opcode<C: Coder>(&mut self, c: &mut C, op: u8) -> u8 {
        let [last, before] = self.before.map(usize::from);
        let op = self.opcodes[before << OP_BITS | last].code(c, op.into()) as u8;
        self.before = [op, last as u8];
        op
    }
}

/// Writes the commands of one frame.
#[derive(Debug, Default)]
pub struct StreamEncoder {
    range: RangeEncoder,
    payloads: Vec<u8>,
}

impl StreamEncoder {
    /// Appends a command; `canvas` is what it is going to be painted on.
    pub fn push(&mut self, models: &mut CommandModels, command: &DrawCommand, canvas: &Canvas) {
        let c = &mut self.range;
        models.opcode(c, command.opcode());
        // Coding fails only when decoding: an honest command is within all limits.
        match command {
            DrawCommand::Copy(copy) => drop(models.copies.code(c, copy, |_| Ok(()))),
            DrawCommand::GlyphDefine(define) => drop(models.shapes.code(c, define)),
            DrawCommand::GlyphPlace(place) => drop(models.text.code(c, place, canvas, |_| Ok(()))),
            DrawCommand::InlinePixels(put) => drop(models.pixels.code(c, put, canvas, |_| Ok(()))),
            DrawCommand::LossyPixels(put) => drop(models.lossy.code(c, put, canvas, |_| Ok(()))),
            other => {
                let mut fields = Writer::with_payloads_apart();
                other.encode_fields(&mut fields);
                let (fields, payload) = fields.finish_apart();
                self.payloads.extend_from_slice(&payload);
                drop(models.fields.code(c, other.opcode(), &fields, |_| Ok(())));
            }
        }
    }

    /// Bytes so far, about.
    pub fn len(&self) -> usize {
        self.range.len() + self.payloads.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the frame should be ended: half of what it may take to decode is used.
    pub fn is_full(&self) -> bool {
        self.range.is_full()
    }

    /// Ends the frame: the coded commands, and the payloads that are not coded again.
    pub fn finish(mut self, models: &mut CommandModels) -> (Vec<u8>, Vec<u8>) {
        models.opcode(&mut self.range, END);
        models.before = [END; 2];
        (self.range.finish(), self.payloads)
    }
}

/// Reads the commands of one frame.
#[derive(Debug)]
pub struct StreamDecoder<'a> {
    range: RangeDecoder<'a>,
    payloads: &'a [u8],
}

impl<'a> StreamDecoder<'a> {
    /// Reads what [`StreamEncoder::finish`] returned.
    pub fn new(coded: &'a [u8], payloads: &'a [u8]) -> Self {
        Self { range: RangeDecoder::new(coded), payloads }
    }

    /// Bytes needed so far, about.
    pub fn used(&self, all_payloads: usize) -> usize {
        self.range.used() + all_payloads - self.payloads.len()
    }

    /// The next command, to be painted on `canvas` before the one after it is asked for;
    /// `None` at the end.
    ///
    /// # Errors
    ///
    /// If the bytes are no commands. The models are of no more use then.
    pub fn next(
        &mut self,
        models: &mut CommandModels,
        canvas: &Canvas,
    ) -> Result<Option<DrawCommand>, DecodeError> {
        let c = &mut self.range;
        let op = models.opcode(c, END);
        c.check()?;
        let command = match op {
            END => {
                models.before = [END; 2];
                c.finish()?;
                return match self.payloads.len() {
                    0 => Ok(None),
                    extra => Err(DecodeError::Trailing { what: "payloads", extra }),
                };
            }
            COPY => {
                let none = Copy { surface: SurfaceId::SCREEN, items: Vec::new() };
                models.copies.code(c, &none, RangeDecoder::check)?.into()
            }
            GLYPH_DEFINE => models.shapes.code(c, &no_glyph())?.into(),
            GLYPH_PLACE => {
                let none = GlyphPlace { surface: SurfaceId::SCREEN, color: 0, glyphs: Vec::new() };
                models.text.code(c, &none, canvas, RangeDecoder::check)?.into()
            }
            INLINE_PIXELS => {
                let none = InlinePixels {
                    surface: SurfaceId::SCREEN,
                    rect: Rect::default(),
                    pixels: Vec::<Color>::new(),
                };
                models.pixels.code(c, &none, canvas, RangeDecoder::check)?.into()
            }
            LOSSY_PIXELS => models.lossy.code(c, &no_lossy_pixels(), canvas, RangeDecoder::check)?.into(),
            op => {
                let fields = models.fields.code(c, op, &[], RangeDecoder::check)?;
                let mut r = Reader::with_payloads_apart(&fields, self.payloads);
                let command = DrawCommand::decode_fields(op, &mut r)?;
                r.finish("fields of a command")?;
                let taken = self.payloads.len() - r.apart().len();
                self.payloads = &self.payloads[taken..];
                command
            }
        };
        self.range.check()?;
        Ok(Some(command))
    }
}

/// What a decoder starts from.
fn no_glyph() -> GlyphDefine {
    GlyphDefine { slot: GlyphSlot(0), coverage: Coverage::default(), bearing: Point::default(), advance: 0 }
}

/// What a decoder starts from.
fn no_lossy_pixels() -> LossyPixels {
    LossyPixels {
        surface: SurfaceId::SCREEN,
        rect: Rect::default(),
        step: 1,
        macroblocks: Vec::new(),
        levels: Vec::new(),
    }
}
