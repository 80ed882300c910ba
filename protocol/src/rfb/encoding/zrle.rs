//! ZRLE (7.7.6): tiles of 64 × 64, through the connection's zlib stream.
//!
//! | bytes | field  | meaning                            |
//! |-------|--------|------------------------------------|
//! | 4     | length | of what follows                    |
//! | …     | tiles  | zlib, flushed at the rectangle's end |

use super::pixel_bytes::PixelBytes;
use super::progress::Progress;
use super::tile::{TileEncoder, Tiles};
use super::values::Values;
use super::zlib::{Deflater, Inflater, max_packed};
use crate::geometry::Size;
use crate::rfb::PixelFormat;
use crate::wire::{DecodeError, MAX_SURFACE_PIXELS, Reader};

/// Pixels of a rectangle at most, half of the largest screen. Its tiles are inflated at once, five
/// bytes a pixel beside the four of the picture: 576 MiB that a few kilobytes can ask for.
const MAX_AREA: u64 = MAX_SURFACE_PIXELS / 2;

fn tiles(format: &PixelFormat) -> Tiles {
    Tiles { side: 64, bytes: PixelBytes::compact(format), reuse: false, deflated: true }
}

/// The connection's stream and memory, on the server's side.
#[derive(Debug, Default)]
pub(super) struct ZrleEncoder {
    stream: Deflater,
    plain: Vec<u8>,
}

impl ZrleEncoder {
    pub(super) fn encode(
        &mut self,
        level: u8,
        format: &PixelFormat,
        values: &Values,
        encoder: &mut TileEncoder,
        out: &mut Vec<u8>,
    ) {
        self.plain.clear();
        encoder.encode(&tiles(format), values, &mut self.plain);
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        self.stream.deflate(level, &self.plain, out);
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
}

/// The connection's stream and memory, on the client's side.
#[derive(Debug, Default)]
pub(super) struct ZrleDecoder {
    stream: Inflater,
    plain: Vec<u8>,
}

impl ZrleDecoder {
    pub(super) fn decode(
        &mut self,
        format: &PixelFormat,
        size: Size,
        r: &mut Reader<'_>,
    ) -> Result<Values, DecodeError> {
        if size.area() > MAX_AREA {
            return Err(DecodeError::TooLarge { what: "ZRLE rectangle" });
        }
        let tiles = tiles(format);
        let length = u32::from_be_bytes(r.array("ZRLE length")?) as usize;
        let max = tiles.max_bytes(size);
        if length > max_packed(max) {
            return Err(DecodeError::TooLarge { what: "ZRLE length" });
        }
        // From here on the stream moves: nothing may say any more that bytes have to come.
        let packed = r.take(length, "ZRLE data")?;
        self.stream.inflate(packed, max, &mut self.plain)?;
        let mut plain = Reader::new(&self.plain);
        let values =
            tiles.decode(size, &mut plain, &mut Progress::default()).map_err(|error| match error {
                DecodeError::TooShort { .. } => DecodeError::Invalid { what: "ZRLE tiles" },
                other => other,
            })?;
        plain.finish("ZRLE tiles")?;
        Ok(values)
    }
}
