//! Pointers: Cursor (7.8.1), X Cursor and Cursor With Alpha (rfbproto). The place in the rectangle's header
//! is their hot spot.
//!
//! | bytes | field  | meaning of Cursor                                         |
//! |-------|--------|-----------------------------------------------------------|
//! | …     | pixels | PIXELs                                                    |
//! | …     | mask   | a bit a pixel, highest first, rows padded to a byte; 1 is opaque |
//!
//! | bytes | field   | meaning of X Cursor; nothing of this if it has no pixels  |
//! |-------|---------|-----------------------------------------------------------|
//! | 3, 3  | colours | the first and the second: red, green and blue              |
//! | …     | bits    | as a mask; 1 is the first colour                           |
//! | …     | mask    | as above                                                   |
//!
//! | bytes | field    | meaning of Cursor With Alpha                |
//! |-------|----------|---------------------------------------------|
//! | 4     | encoding | of what follows; Raw here                   |
//! | 4·n   | pixels   | red, green, blue and alpha, premultiplied   |

use super::super::{EncodingId, PixelFormat};
use super::pixel_bytes::PixelBytes;
use super::tile::pack;
use crate::geometry::Size;
use crate::pixel::{Color, Picture, Pixels, channels, rgb};
use crate::wire::{DecodeError, MAX_CURSOR_SIDE, Reader};

/// Appends a picture with premultiplied alpha; what is less than half opaque is not there.
pub(super) fn encode(format: &PixelFormat, pixels: Pixels<'_>, out: &mut Vec<u8>) {
    let bytes = PixelBytes::whole(format);
    for color in pixels.iter() {
        bytes.put(format.value(if is_opaque(color) { full(color) } else { 0 }), out);
    }
    for row in pixels.rows() {
        pack(row.iter().map(|&color| is_opaque(color).into()), 1, out);
    }
}

/// Reads a picture with premultiplied alpha, which is 0 or 255.
pub(super) fn decode(
    format: &PixelFormat,
    map: &[Color],
    size: Size,
    r: &mut Reader<'_>,
) -> Result<Picture, DecodeError> {
    check(size)?;
    let mut data = Vec::new();
    PixelBytes::whole(format).read_all(r, size.area() as usize, &mut data)?;
    let row_bytes = size.width.div_ceil(8) as usize;
    let mask = r.take(row_bytes * size.height as usize, "cursor's mask")?;
    let rows = data.chunks_mut(size.width.max(1) as usize);
    for (row, mask) in rows.zip(mask.chunks(row_bytes.max(1))) {
        for (x, pixel) in row.iter_mut().enumerate() {
            let there = mask[x / 8] << (x % 8) & 0x80 != 0;
            *pixel = if there { 0xff00_0000 | format.color(*pixel, map) } else { 0 };
        }
    }
    Ok(Picture::from_pixels(size, data).unwrap_or_default())
}

/// Appends a picture of at most two colours whose pixels are opaque or not there at all. `false`, and
/// nothing is appended, if it is another.
pub(super) fn encode_two_colored(pixels: Pixels<'_>, out: &mut Vec<u8>) -> bool {
    let mut colors = [None; 2];
    for color in pixels.iter().filter(|&color| color != 0) {
        let known = colors.contains(&Some(color));
        match colors.iter_mut().find(|known| known.is_none()) {
            _ if alpha(color) != 255 => return false,
            _ if known => {}
            Some(free) => *free = Some(color),
            None => return false,
        }
    }
    if pixels.size().is_empty() {
        return true;
    }
    for color in colors {
        out.extend_from_slice(&channels(color.unwrap_or_default()));
    }
    for row in pixels.rows() {
        pack(row.iter().map(|&color| (Some(color) == colors[0]).into()), 1, out);
    }
    for row in pixels.rows() {
        pack(row.iter().map(|&color| (color != 0).into()), 1, out);
    }
    true
}

/// Reads a picture with premultiplied alpha, which is 0 or 255.
pub(super) fn decode_two_colored(size: Size, r: &mut Reader<'_>) -> Result<Picture, DecodeError> {
    check(size)?;
    if size.is_empty() {
        return Ok(Picture::default());
    }
    let colors: [[u8; 3]; 2] = [r.array("cursor's colour")?, r.array("cursor's colour")?];
    let [first, second] = colors.map(|[red, green, blue]| 0xff00_0000 | rgb(red, green, blue));
    let row_bytes = size.width.div_ceil(8) as usize;
    let bits = r.take(row_bytes * size.height as usize, "cursor")?;
    let mask = r.take(row_bytes * size.height as usize, "cursor's mask")?;
    let mut data = Vec::with_capacity(size.area() as usize);
    for (bits, mask) in bits.chunks(row_bytes).zip(mask.chunks(row_bytes)) {
        for x in 0..size.width as usize {
            let is_set = |row: &[u8]| row[x / 8] << (x % 8) & 0x80 != 0;
            data.push(match is_set(mask) {
                true if is_set(bits) => first,
                true => second,
                false => 0,
            });
        }
    }
    Ok(Picture::from_pixels(size, data).unwrap_or_default())
}

/// Appends a picture with premultiplied alpha as it is.
pub(super) fn encode_with_alpha(pixels: Pixels<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&EncodingId::RAW.0.to_be_bytes());
    for color in pixels.iter() {
        let [red, green, blue] = channels(color);
        out.extend_from_slice(&[red, green, blue, alpha(color) as u8]);
    }
}

/// Reads a picture with premultiplied alpha.
pub(super) fn decode_with_alpha(size: Size, r: &mut Reader<'_>) -> Result<Picture, DecodeError> {
    check(size)?;
    let encoding = i32::from_be_bytes(r.array("cursor's encoding")?);
    if encoding != EncodingId::RAW.0 {
        return Err(DecodeError::Unknown { what: "cursor's encoding", value: (encoding as u32).into() });
    }
    let bytes = r.take(size.area() as usize * 4, "cursor")?;
    let pixel = |&[red, green, blue, alpha]: &[u8; 4]| u32::from(alpha) << 24 | rgb(red, green, blue);
    let data = bytes.as_chunks::<4>().0.iter().map(pixel).collect();
    Ok(Picture::from_pixels(size, data).unwrap_or_default())
}

fn check(size: Size) -> Result<(), DecodeError> {
    match size.width.max(size.height) {
        ..=MAX_CURSOR_SIDE => Ok(()),
        _ => Err(DecodeError::TooLarge { what: "cursor" }),
    }
}

const fn alpha(color: Color) -> u32 {
    color >> 24
}

const fn is_opaque(color: Color) -> bool {
    alpha(color) >= 128
}

/// The colour as it would be without transparency. Its alpha must not be 0.
fn full(color: Color) -> Color {
    let alpha = alpha(color);
    let [red, green, blue] =
        channels(color).map(|c| ((u32::from(c) * 255 + alpha / 2) / alpha).min(255) as u8);
    rgb(red, green, blue)
}
