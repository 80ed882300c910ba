//! Hextile (7.7.4): tiles of 16 × 16, each raw or a background and rectangles on it.
//!
//! | bytes | field      | meaning                                                    |
//! |-------|------------|------------------------------------------------------------|
//! | 1     | how        | 1 raw, 2 background, 4 foreground, 8 rectangles, 16 colours |
//! | …     | raw        | PIXELs and nothing more                                    |
//! | p     | background | PIXEL; without, that of the tile before                    |
//! | p     | foreground | PIXEL; without, that of the tile before                    |
//! | 1     | count      | rectangles                                                 |
//! |       |            | *for each rectangle:*                                      |
//! | p     | colour     | PIXEL; without 16, the foreground                          |
//! | 2     | where      | x, y, width − 1, height − 1, four bits each                |
//!
//! Both colours are said anew behind a raw tile and the foreground behind colours: viewers disagree
//! about what is left then (noVNC paints nothing where a 0 follows a raw tile).

use super::pixel_bytes::PixelBytes;
use super::progress::Progress;
use super::subrects::{Cutter, Subrect};
use super::values::Values;
use crate::geometry::{Rect, Size};
use crate::rfb::PixelFormat;
use crate::wire::{DecodeError, Reader};

const SIDE: u32 = 16;

const RAW: u8 = 1;
const BACKGROUND: u8 = 2;
const FOREGROUND: u8 = 4;
const RECTS: u8 = 8;
const COLORED: u8 = 16;

/// What the peer still knows of the tile before.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    background: Option<u32>,
    foreground: Option<u32>,
}

/// How a tile will be said.
struct Choice {
    size: usize,
    background: u32,
    /// The one colour of all rectangles.
    foreground: Option<u32>,
    rects: usize,
}

pub(super) fn encode(format: &PixelFormat, values: &Values, cutter: &mut Cutter, out: &mut Vec<u8>) {
    let bytes = PixelBytes::whole(format);
    let mut known = Known::default();
    let mut tile = Vec::new();
    for rect in Rect::of_size(values.size()).grid(SIDE) {
        values.copy_tile(rect, &mut tile);
        cutter.cut(&tile, rect.width() as usize);
        match choose(cutter, known, bytes.bytes()) {
            Some(choice) if choice.size <= 1 + tile.len() * bytes.bytes() => {
                encode_rects(&choice, cutter, &mut known, &bytes, out);
            }
            _ => {
                out.push(RAW);
                bytes.put_all(&tile, out);
                known = Known::default();
            }
        }
    }
}

/// The background that costs the least. None if there are always too many rectangles.
fn choose(cutter: &Cutter, known: Known, pixel: usize) -> Option<Choice> {
    let choice = |&(background, own): &(u32, usize)| {
        let rects = cutter.total() - own;
        let said = if known.background == Some(background) { 0 } else { pixel };
        let (foreground, size) = match cutter.counts() {
            [_] => (None, said),
            [(a, _), (b, _)] => {
                let foreground = if *a == background { *b } else { *a };
                let colors = if known.foreground == Some(foreground) { said } else { said + pixel };
                (Some(foreground), colors + 1 + 2 * rects)
            }
            _ => (None, said + 1 + (pixel + 2) * rects),
        };
        (rects <= 255).then_some(Choice { size: 1 + size, background, foreground, rects })
    };
    cutter.counts().iter().filter_map(choice).min_by_key(|choice| choice.size)
}

fn encode_rects(choice: &Choice, cutter: &Cutter, known: &mut Known, bytes: &PixelBytes, out: &mut Vec<u8>) {
    let at = out.len();
    out.push(0);
    if known.background != Some(choice.background) {
        out[at] |= BACKGROUND;
        bytes.put(choice.background, out);
        known.background = Some(choice.background);
    }
    if choice.rects == 0 {
        return;
    }
    out[at] |= RECTS;
    match choice.foreground {
        None => {
            out[at] |= COLORED;
            known.foreground = None;
        }
        Some(foreground) if known.foreground == Some(foreground) => {}
        Some(foreground) => {
            out[at] |= FOREGROUND;
            bytes.put(foreground, out);
            known.foreground = Some(foreground);
        }
    }
    out.push(choice.rects as u8);
    for &Subrect { value, x, y, width, height } in cutter.without(choice.background) {
        if choice.foreground.is_none() {
            bytes.put(value, out);
        }
        out.push((x << 4 | y) as u8);
        out.push(((width - 1) << 4 | (height - 1)) as u8);
    }
}

/// Colours that go on from one tile to the next.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    background: u32,
    foreground: u32,
}

/// Reads on from where `progress` is.
pub(super) fn decode(
    format: &PixelFormat,
    size: Size,
    r: &mut Reader<'_>,
    progress: &mut Progress,
) -> Result<Values, DecodeError> {
    let bytes = PixelBytes::whole(format);
    let (mut tile, mut known) = (Vec::new(), progress.hextile);
    let read = |r: &mut Reader<'_>, rect: Rect, values: &mut Values| {
        decode_tile(&bytes, rect.size(), r, &mut known, &mut tile)?;
        values.paste_tile(rect, &tile);
        Ok(())
    };
    let result = progress.tiles.read("Hextile", size, SIDE, r, read);
    progress.hextile = known;
    result
}

fn decode_tile(
    bytes: &PixelBytes,
    size: Size,
    r: &mut Reader<'_>,
    kept: &mut Kept,
    tile: &mut Vec<u32>,
) -> Result<(), DecodeError> {
    let how = r.u8("Hextile tile")?;
    if RAW | BACKGROUND | FOREGROUND | RECTS | COLORED < how {
        return Err(DecodeError::Unknown { what: "Hextile tile", value: how.into() });
    }
    tile.clear();
    if how & RAW != 0 {
        return bytes.read_all(r, size.area() as usize, tile);
    }
    let mut known = *kept;
    if how & BACKGROUND != 0 {
        known.background = bytes.read(r)?;
    }
    if how & FOREGROUND != 0 {
        known.foreground = bytes.read(r)?;
    }
    tile.resize(size.area() as usize, known.background);
    let count = if how & RECTS != 0 { r.u8("Hextile count")? } else { 0 };
    for _ in 0..count {
        if how & COLORED != 0 {
            known.foreground = bytes.read(r)?;
        }
        decode_rect(r, size, known.foreground, tile)?;
    }
    *kept = known;
    Ok(())
}

fn decode_rect(r: &mut Reader<'_>, size: Size, value: u32, tile: &mut [u32]) -> Result<(), DecodeError> {
    let [at, sides] = r.array("Hextile rectangle")?.map(usize::from);
    let (left, top) = (at >> 4, at & 15);
    let (right, bottom) = (left + (sides >> 4) + 1, top + (sides & 15) + 1);
    let width = size.width as usize;
    if right > width || bottom > size.height as usize {
        return Err(DecodeError::Invalid { what: "Hextile rectangle outside" });
    }
    for row in tile.chunks_exact_mut(width).take(bottom).skip(top) {
        row[left..right].fill(value);
    }
    Ok(())
}
