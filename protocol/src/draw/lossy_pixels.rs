//! LossyPixels: a rectangle of a photograph or a video, nearly as it is.
//!
//! | field       | wire   | meaning                                                     |
//! |-------------|--------|-------------------------------------------------------------|
//! | surface     | varint | one without alpha                                           |
//! | rect        | rect   | must lie on the surface                                     |
//! | step        | 1 byte | quantiser, 1 to 255, in halves of a pixel value             |
//! | macroblocks |        | for each 16 × 16 pixels, row by row: below                  |
//!
//! | macroblock  | wire    | meaning                                                    |
//! |-------------|---------|------------------------------------------------------------|
//! | kind        | 1 byte  | 0 still, 1 intra, 2 to 4 moved with filter 0 to 2          |
//! | modes       | 5 bytes | only intra: of four blocks of luma, and of chroma; 0 to 5  |
//! | vector      | point   | only moved: quarters of a pixel, within ±252               |
//! | coded       | 1 byte  | not if still: bit i for block i, 0 to 5                    |
//! | samples     | 1 byte  | not if still: which coded blocks have levels of samples    |
//! | levels      |         | for each coded block: below                                |
//!
//! | levels      | wire           | meaning                                             |
//! |-------------|----------------|-----------------------------------------------------|
//! | last        | 1 byte         | place of the last level in the scan, 0 to 63        |
//! | levels      | signed varints | `last + 1` of them in the scan's order; the last is not 0, none below -32767 |

use super::{SurfaceId, area_cost};
use crate::canvas::{Canvas, PaintError};
use crate::geometry::{Point, Rect};
use crate::lossy::{
    BLOCKS, INTRA_MODES, IntraMode, MAX_VECTOR, Macroblock, Prediction, Reconstruction, SCAN, Vector,
    columns_and_rows,
};
use crate::wire::{DecodeError, MAX_INLINE_PIXELS, Reader, Writer};

/// Puts pixels that are predicted and corrected (`PROTOCOL.md` sections 4.26 and 14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossyPixels {
    /// Where to paint.
    pub surface: SurfaceId,
    /// The rectangle to paint; must lie on the surface.
    pub rect: Rect,
    /// The quantiser's step in halves of a pixel value, at least 1.
    pub step: u8,
    /// For each 16 × 16 pixels, row by row.
    pub macroblocks: Vec<Macroblock>,
    /// For each coded block, in the order of the macroblocks; levels row by row.
    pub levels: Vec<[i16; 64]>,
}

impl LossyPixels {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.surface.encode(out);
        self.rect.encode(out);
        out.u8(self.step);
        let mut levels = self.levels.iter();
        for macroblock in &self.macroblocks {
            match macroblock.prediction {
                Prediction::Still => {
                    out.u8(0);
                    continue;
                }
                Prediction::Intra { luma, chroma } => {
                    out.u8(1);
                    luma.iter().chain([&chroma]).for_each(|mode| out.u8(*mode as u8));
                }
                Prediction::Motion { vector, filter } => {
                    out.u8(2 + filter);
                    Point::new(vector.x.into(), vector.y.into()).encode(out);
                }
            }
            out.u8(macroblock.coded);
            out.u8(macroblock.untransformed);
            for levels in levels.by_ref().take(macroblock.coded.count_ones() as usize) {
                let last = SCAN.iter().rposition(|i| levels[usize::from(*i)] != 0).unwrap_or(0);
                out.u8(last as u8);
                SCAN[..=last].iter().for_each(|i| out.signed(levels[usize::from(*i)].into()));
            }
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let surface = SurfaceId::decode(r)?;
        let rect = Rect::decode(r)?;
        if rect.area() > MAX_INLINE_PIXELS {
            return Err(DecodeError::TooLarge { what: "rectangle of lossy pixels" });
        }
        let step = r.u8("quantiser step")?;
        if step == 0 {
            return Err(DecodeError::Invalid { what: "quantiser step" });
        }
        let (columns, rows) = columns_and_rows(rect);
        let (count, have) = (columns * rows, r.left());
        if count > have {
            return Err(DecodeError::TooShort { what: "macroblocks", need: count, have });
        }
        let (mut macroblocks, mut levels) = (Vec::with_capacity(count), Vec::new());
        for _ in 0..count {
            macroblocks.push(decode_macroblock(r, &mut levels)?);
        }
        Ok(Self { surface, rect, step, macroblocks, levels })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        // Decoding takes 10 to 100 ns a pixel where copying takes 1 to 3; small rectangles
        // need much around them.
        let around = 2 * (16 + Reconstruction::reach(&self.macroblocks) as u32);
        let size = crate::geometry::Size::new(self.rect.width() + around, self.rect.height() + around);
        24 * area_cost(self.rect.size()) + 4 * area_cost(size)
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        let surface = canvas.surface(self.surface)?;
        let (columns, rows) = columns_and_rows(self.rect);
        if surface.alpha
            || self.rect.is_empty()
            || !surface.picture.bounds().contains_rect(&self.rect)
            || self.macroblocks.len() != columns * rows
        {
            return Err(PaintError::OutOfRange { what: "lossy pixels" });
        }
        let pixels = self.picture(&surface.picture);
        canvas.paint(self.surface, self.rect, |target| {
            target.blit_opaque(self.rect.origin(), pixels.view());
        })
    }

    /// What the rectangle shows once this was painted on `now`, which it must lie on.
    pub fn picture(&self, now: &crate::pixel::Picture) -> crate::pixel::Picture {
        let reach = Reconstruction::reach(&self.macroblocks);
        let mut reconstruction = Reconstruction::new(now, self.rect, self.step, reach);
        let mut levels = &self.levels[..];
        for (index, macroblock) in self.macroblocks.iter().enumerate() {
            reconstruction.put(index, macroblock, &mut levels);
        }
        reconstruction.finish(now, &self.macroblocks)
    }
}

fn decode_macroblock(r: &mut Reader<'_>, levels: &mut Vec<[i16; 64]>) -> Result<Macroblock, DecodeError> {
    let prediction = match r.u8("kind of macroblock")? {
        0 => return Ok(Macroblock::default()),
        1 => {
            let mut modes = [IntraMode::default(); 5];
            for mode in &mut modes {
                let number = r.u8("intra mode")?;
                let known = INTRA_MODES.get(usize::from(number));
                *mode = *known.ok_or(DecodeError::Unknown { what: "intra mode", value: number.into() })?;
            }
            let [luma @ .., chroma] = modes;
            Prediction::Intra { luma, chroma }
        }
        kind @ 2..=4 => {
            let at = Point::decode(r)?;
            let limits = -i32::from(MAX_VECTOR)..=MAX_VECTOR.into();
            if !limits.contains(&at.x) || !limits.contains(&at.y) {
                return Err(DecodeError::TooLarge { what: "motion vector" });
            }
            Prediction::Motion { vector: Vector { x: at.x as i16, y: at.y as i16 }, filter: kind - 2 }
        }
        kind => return Err(DecodeError::Unknown { what: "kind of macroblock", value: kind.into() }),
    };
    let coded = r.u8("coded blocks")?;
    if coded >= 1 << BLOCKS {
        return Err(DecodeError::Invalid { what: "coded blocks" });
    }
    let untransformed = r.u8("untransformed blocks")?;
    if untransformed & !coded != 0 {
        return Err(DecodeError::Invalid { what: "untransformed blocks" });
    }
    for _ in 0..coded.count_ones() {
        let last = usize::from(r.u8("last level")?);
        if last >= 64 {
            return Err(DecodeError::Invalid { what: "last level" });
        }
        let mut block = [0; 64];
        for i in &SCAN[..=last] {
            let level = i16::try_from(r.signed()?).ok().filter(|level| *level != i16::MIN);
            block[usize::from(*i)] = level.ok_or(DecodeError::TooLarge { what: "level" })?;
        }
        if block[usize::from(SCAN[last])] == 0 {
            return Err(DecodeError::Invalid { what: "last level" });
        }
        levels.push(block);
    }
    Ok(Macroblock { prediction, coded, untransformed })
}
