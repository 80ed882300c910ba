//! Tiles of TRLE and ZRLE (7.7.5, 7.7.6).
//!
//! | first byte | what follows                                                            |
//! |------------|-------------------------------------------------------------------------|
//! | 0          | CPIXELs                                                                 |
//! | 1          | one CPIXEL for all                                                      |
//! | 2…16       | so many CPIXELs, then indices of 1, 2 or 4 bits, rows padded to a byte  |
//! | 127        | indices of the palette before (TRLE only)                               |
//! | 128        | runs: a CPIXEL and a length                                             |
//! | 129        | runs of the palette before (TRLE only)                                  |
//! | 130…255    | 2 to 127 CPIXELs, then runs: an index, and with 0x80 in it a length     |
//!
//! A length is one and the sum of bytes up to the first that is not 255. Runs go on across the ends
//! of rows.
//!
//! Palettes are said anew with every tile here: few viewers know TRLE at all, and those that do
//! disagree about what the palette before is.

use super::palette::{Palette, worth_numbering};
use super::pixel_bytes::PixelBytes;
use super::progress::Progress;
use super::values::Values;
use crate::geometry::{Rect, Size};
use crate::wire::{DecodeError, Reader};

/// The largest palette of indices.
const MAX_PACKED: usize = 16;

/// The largest palette of runs.
pub(super) const MAX_RUNS: usize = 127;

/// How tiles are said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiles {
    /// Pixels across and down.
    pub(super) side: u32,
    /// CPIXEL.
    pub(super) bytes: PixelBytes,
    /// Whether a tile may use the palette before.
    pub(super) reuse: bool,
    /// Whether zlib comes after.
    pub(super) deflated: bool,
}

/// Encodes tiles, in memory that it keeps.
#[derive(Debug, Clone, Default)]
pub(super) struct TileEncoder {
    palette: Palette,
    tile: Vec<u32>,
    runs: Vec<(u32, usize)>,
}

/// The forms that a tile can have.
#[derive(Debug, Clone, Copy)]
enum Form {
    Solid,
    Raw,
    Packed,
    PaletteRuns,
    Runs,
}

impl TileEncoder {
    /// Appends every tile of `values` in its shortest form.
    pub(super) fn encode(&mut self, tiles: &Tiles, values: &Values, out: &mut Vec<u8>) {
        for rect in Rect::of_size(values.size()).grid(tiles.side) {
            values.copy_tile(rect, &mut self.tile);
            self.encode_tile(rect.width() as usize, tiles, out);
        }
    }

    fn encode_tile(&mut self, width: usize, tiles: &Tiles, out: &mut Vec<u8>) {
        let bytes = &tiles.bytes;
        self.runs.clear();
        for run in self.tile.chunk_by(|a, b| a == b) {
            self.runs.push((run[0], run.len()));
        }
        let most = if tiles.deflated { worth_numbering(self.tile.len()) } else { MAX_RUNS };
        let few = self.palette.collect(&self.tile, most.min(MAX_RUNS));
        let colors = self.palette.values();
        match self.form(width, few, bytes.bytes()) {
            Form::Solid => {
                out.push(1);
                bytes.put_all(colors, out);
            }
            Form::Raw => {
                out.push(0);
                bytes.put_all(&self.tile, out);
            }
            Form::Packed => {
                out.push(colors.len() as u8);
                bytes.put_all(colors, out);
                let bits = index_bits(colors.len());
                for row in self.tile.chunks(width) {
                    pack(row.iter().map(|&value| self.palette.index(value)), bits, out);
                }
            }
            Form::PaletteRuns => {
                out.push(128 + colors.len() as u8);
                bytes.put_all(colors, out);
                for &(value, length) in &self.runs {
                    let index = self.palette.index(value);
                    if length == 1 {
                        out.push(index);
                    } else {
                        out.push(index | 128);
                        put_length(length, out);
                    }
                }
            }
            Form::Runs => {
                out.push(128);
                for &(value, length) in &self.runs {
                    bytes.put(value, out);
                    put_length(length, out);
                }
            }
        }
    }

    /// The shortest form, and of equals the one that is decoded fastest.
    fn form(&self, width: usize, few: bool, pixel: usize) -> Form {
        let area = self.tile.len();
        let colors = self.palette.values().len();
        if few && colors == 1 {
            return Form::Solid;
        }
        let lengths = self.runs.iter().map(|&(_, length)| length_bytes(length)).sum::<usize>();
        let mut best = (area * pixel, Form::Raw);
        let mut offer = |size: usize, form: Form| {
            if size < best.0 {
                best = (size, form);
            }
        };
        if few && colors <= MAX_PACKED {
            let row = (width * index_bits(colors)).div_ceil(8);
            offer(colors * pixel + row * area.div_ceil(width), Form::Packed);
        }
        if few {
            let ones = self.runs.iter().filter(|&&(_, length)| length == 1).count();
            offer(colors * pixel + self.runs.len() + lengths - ones, Form::PaletteRuns);
        }
        offer(self.runs.len() * pixel + lengths, Form::Runs);
        best.1
    }
}

/// Bits of an index.
const fn index_bits(colors: usize) -> usize {
    match colors {
        0..=2 => 1,
        3..=4 => 2,
        _ => 4,
    }
}

/// Appends a row of indices, the first one in the highest bits.
pub(super) fn pack(mut row: impl Iterator<Item = u8>, bits: usize, out: &mut Vec<u8>) {
    while let Some(first) = row.next() {
        let mut shift = 8 - bits;
        let mut byte = first << shift;
        while shift > 0 {
            let Some(index) = row.next() else { break };
            shift -= bits;
            byte |= index << shift;
        }
        out.push(byte);
    }
}

/// Appends the values of a row of indices, which has as many bytes as `width` needs.
pub(super) fn unpack(
    row: &[u8],
    bits: usize,
    width: usize,
    palette: &[u32],
    values: &mut Vec<u32>,
) -> Result<(), DecodeError> {
    let per_byte = 8 / bits;
    for i in 0..width {
        let byte = usize::from(row[i / per_byte]);
        let index = byte >> (8 - bits * (i % per_byte + 1)) & ((1 << bits) - 1);
        values.push(*palette.get(index).ok_or(DecodeError::Invalid { what: "index beyond the palette" })?);
    }
    Ok(())
}

/// Bytes of a run's length.
const fn length_bytes(length: usize) -> usize {
    (length - 1) / 255 + 1
}

fn put_length(length: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + length_bytes(length), 255);
    if let Some(last) = out.last_mut() {
        *last = ((length - 1) % 255) as u8;
    }
}

fn length(r: &mut Reader<'_>, left: usize) -> Result<usize, DecodeError> {
    let mut length = 1;
    loop {
        let byte = r.u8("run")?;
        length += usize::from(byte);
        if length > left {
            return Err(DecodeError::Invalid { what: "run beyond the tile" });
        }
        if byte != 255 {
            return Ok(length);
        }
    }
}

impl Tiles {
    /// The most bytes that all tiles of a rectangle can have.
    pub(super) fn max_bytes(&self, size: Size) -> usize {
        let pixel = self.bytes.bytes();
        let most = |rect: Rect| {
            let area = rect.area() as usize;
            // Runs are at their worst when each is one pixel long, with a length of a byte.
            1 + (area * (pixel + 1)).max(MAX_RUNS * pixel + 2 * area)
        };
        Rect::of_size(size).grid(self.side).map(most).sum()
    }

    /// Reads the tiles of a rectangle that are left.
    pub(super) fn decode(
        &self,
        size: Size,
        r: &mut Reader<'_>,
        progress: &mut Progress,
    ) -> Result<Values, DecodeError> {
        let Progress { tiles, palette, .. } = progress;
        let mut tile = Vec::new();
        tiles.read("tiles", size, self.side, r, |r, rect, values| {
            tile.clear();
            self.decode_tile(rect.size(), r, palette, &mut tile)?;
            values.paste_tile(rect, &tile);
            Ok(())
        })
    }

    /// Reads as many values as the tile has to the end of `tile`. `palette` stays over tiles that
    /// have none, as rfbproto's author has it.
    fn decode_tile(
        &self,
        size: Size,
        r: &mut Reader<'_>,
        palette: &mut Vec<u32>,
        tile: &mut Vec<u32>,
    ) -> Result<(), DecodeError> {
        let area = size.area() as usize;
        let how = r.u8("tile")?;
        match how {
            0 => self.bytes.read_all(r, area, tile),
            1 => {
                tile.resize(area, self.bytes.read(r)?);
                Ok(())
            }
            2..=16 => {
                palette.clear();
                self.bytes.read_all(r, how.into(), palette)?;
                decode_packed(size, r, palette, tile)
            }
            127 if self.reuse => decode_packed(size, r, palette, tile),
            128 => {
                while tile.len() < area {
                    let value = self.bytes.read(r)?;
                    let length = length(r, area - tile.len())?;
                    tile.resize(tile.len() + length, value);
                }
                Ok(())
            }
            129 if self.reuse => decode_palette_runs(area, r, palette, tile),
            130..=255 => {
                palette.clear();
                self.bytes.read_all(r, usize::from(how) - 128, palette)?;
                decode_palette_runs(area, r, palette, tile)
            }
            _ => Err(DecodeError::Unknown { what: "tile", value: how.into() }),
        }
    }
}

fn decode_packed(
    size: Size,
    r: &mut Reader<'_>,
    palette: &[u32],
    tile: &mut Vec<u32>,
) -> Result<(), DecodeError> {
    // Only where palettes are reused: there is none yet, or it was one of runs.
    if !(2..=MAX_PACKED).contains(&palette.len()) {
        return Err(DecodeError::Invalid { what: "palette of indices" });
    }
    let bits = index_bits(palette.len());
    let width = size.width as usize;
    let row_bytes = (width * bits).div_ceil(8);
    for _ in 0..size.height {
        unpack(r.take(row_bytes, "indices")?, bits, width, palette, tile)?;
    }
    Ok(())
}

fn decode_palette_runs(
    area: usize,
    r: &mut Reader<'_>,
    palette: &[u32],
    tile: &mut Vec<u32>,
) -> Result<(), DecodeError> {
    while tile.len() < area {
        let index = r.u8("index")?;
        let value = palette.get(usize::from(index & 127));
        let value = *value.ok_or(DecodeError::Invalid { what: "index beyond the palette" })?;
        let length = if index < 128 { 1 } else { length(r, area - tile.len())? };
        tile.resize(tile.len() + length, value);
    }
    Ok(())
}
