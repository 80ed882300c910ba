//! TRLE (7.7.5): tiles of 16 × 16 as they are.

use super::pixel_bytes::PixelBytes;
use super::progress::Progress;
use super::tile::{TileEncoder, Tiles};
use super::values::Values;
use crate::geometry::Size;
use crate::rfb::PixelFormat;
use crate::wire::{DecodeError, Reader};

fn tiles(format: &PixelFormat) -> Tiles {
    Tiles { side: 16, bytes: PixelBytes::compact(format), reuse: true, deflated: false }
}

pub(super) fn encode(format: &PixelFormat, values: &Values, encoder: &mut TileEncoder, out: &mut Vec<u8>) {
    encoder.encode(&tiles(format), values, out);
}

/// Reads on from where `progress` is.
pub(super) fn decode(
    format: &PixelFormat,
    size: Size,
    r: &mut Reader<'_>,
    progress: &mut Progress,
) -> Result<Values, DecodeError> {
    tiles(format).decode(size, r, progress)
}
