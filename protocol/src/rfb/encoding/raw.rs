//! Raw (7.7.1): pixels from left to right and top to bottom.

use super::pixel_bytes::PixelBytes;
use super::values::Values;
use crate::geometry::Size;
use crate::rfb::PixelFormat;
use crate::wire::{DecodeError, Reader};

pub(super) fn encode(format: &PixelFormat, values: &Values, out: &mut Vec<u8>) {
    PixelBytes::whole(format).put_all(values.data(), out);
}

pub(super) fn decode(format: &PixelFormat, size: Size, r: &mut Reader<'_>) -> Result<Values, DecodeError> {
    let mut data = Vec::new();
    PixelBytes::whole(format).read_all(r, size.area() as usize, &mut data)?;
    Ok(Values::from_data(size, data))
}
