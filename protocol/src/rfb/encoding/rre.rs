//! RRE (7.7.3): a background and rectangles on it.
//!
//! | bytes | field      | meaning                             |
//! |-------|------------|-------------------------------------|
//! | 4     | count      | rectangles                          |
//! | p     | background | PIXEL                               |
//! |       |            | *for each rectangle:*               |
//! | p     | colour     | PIXEL                               |
//! | 8     | where      | x, y, width, height, two bytes each |
//!
//! Noise takes `p + 8` bytes a pixel: choosing another encoding for it is the caller's.

use super::pixel_bytes::PixelBytes;
use super::subrects::Cutter;
use super::values::Values;
use crate::geometry::{Rect, Size};
use crate::rfb::PixelFormat;
use crate::wire::{DecodeError, Reader};

/// How often a rectangle may be painted over: encoders that nest rectangles do so a few times, and
/// without an end a hostile server's rectangles would cost their number times the screen.
const MAX_OVERDRAW: u64 = 64;

pub(super) fn encode(format: &PixelFormat, values: &Values, cutter: &mut Cutter, out: &mut Vec<u8>) {
    let bytes = PixelBytes::whole(format);
    cutter.cut(values.data(), values.size().width as usize);
    let (background, hidden) = cutter.counts().iter().copied().max_by_key(|c| c.1).unwrap_or_default();
    out.extend_from_slice(&((cutter.total() - hidden) as u32).to_be_bytes());
    bytes.put(background, out);
    for rect in cutter.without(background) {
        bytes.put(rect.value, out);
        for number in [rect.x, rect.y, rect.width, rect.height] {
            out.extend_from_slice(&(number as u16).to_be_bytes());
        }
    }
}

pub(super) fn decode(format: &PixelFormat, size: Size, r: &mut Reader<'_>) -> Result<Values, DecodeError> {
    let bytes = PixelBytes::whole(format);
    let count = u32::from_be_bytes(r.array("RRE count")?);
    if u64::from(count) > size.area() {
        return Err(DecodeError::TooLarge { what: "RRE count" });
    }
    let background = bytes.read(r)?;
    let mut rects =
        Reader::new(r.take((count as usize).saturating_mul(bytes.bytes() + 8), "RRE rectangles")?);
    let mut values = Values::new(size, background);
    let mut left = size.area() * MAX_OVERDRAW;
    let mut row = Vec::new();
    for _ in 0..count {
        let value = bytes.read(&mut rects)?;
        let mut side = || Ok(u16::from_be_bytes(rects.array("RRE rectangle")?));
        let (x, y) = (side()?, side()?);
        let rect = Rect::new(x.into(), y.into(), side()?.into(), side()?.into());
        if !Rect::of_size(size).contains_rect(&rect) {
            return Err(DecodeError::Invalid { what: "RRE rectangle outside" });
        }
        left = left.checked_sub(rect.area()).ok_or(DecodeError::TooLarge { what: "RRE rectangles" })?;
        if !rect.is_empty() {
            row.clear();
            row.resize(rect.width() as usize, value);
            for y in rect.top..rect.bottom {
                values.paste_tile(Rect::new(rect.left, y, rect.width(), 1), &row);
            }
        }
    }
    Ok(values)
}
