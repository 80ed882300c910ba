//! A server's side: pixels become bytes.

use super::super::{EncodingId, PixelFormat};
use super::subrects::Cutter;
use super::tight::TightEncoder;
use super::tile::TileEncoder;
use super::values::Values;
use super::zrle::ZrleEncoder;
use super::{cursor, hextile, jpeg, raw, rre, tight, trle};
use crate::pixel::Pixels;

/// The level of peers that ask for none: what is beyond costs more time than it saves bytes.
const DEFAULT_LEVEL: u8 = 2;

/// Encodes the rectangles of one connection.
#[derive(Debug)]
pub struct Encoder {
    level: u8,
    tight: TightEncoder,
    zrle: ZrleEncoder,
    values: Values,
    tiles: TileEncoder,
    cutter: Cutter,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder for a new connection. zlib streams are made when they are first used.
    pub fn new() -> Self {
        Self {
            level: DEFAULT_LEVEL,
            tight: TightEncoder::default(),
            zrle: ZrleEncoder::default(),
            values: Values::default(),
            tiles: TileEncoder::default(),
            cutter: Cutter::default(),
        }
    }

    /// How hard zlib tries from now on: 0 (not at all) to 9; what is higher is 9.
    pub fn set_compress_level(&mut self, level: u8) {
        self.level = level.min(9);
    }

    /// Appends the payload of a rectangle, which the caller puts behind its header.
    ///
    /// Cursors are pictures with premultiplied alpha; of all others alpha is ignored. Rectangles of
    /// [`EncodingId::TIGHT`] have to be cut to [`TIGHT_MAX_WIDTH`](super::TIGHT_MAX_WIDTH) and
    /// [`TIGHT_MAX_AREA`](super::TIGHT_MAX_AREA) by the caller, and sides are below 65,536.
    ///
    /// Nothing is appended for what is not among [`ENCODINGS`](super::ENCODINGS).
    pub fn encode(
        &mut self,
        encoding: EncodingId,
        format: &PixelFormat,
        pixels: Pixels<'_>,
        out: &mut Vec<u8>,
    ) {
        match encoding {
            EncodingId::CURSOR => return cursor::encode(format, pixels, out),
            EncodingId::CURSOR_WITH_ALPHA => return cursor::encode_with_alpha(pixels, out),
            _ => {}
        }
        self.values.set(format, pixels);
        let values = &self.values;
        match encoding {
            EncodingId::RAW => raw::encode(format, values, out),
            EncodingId::RRE => rre::encode(format, values, &mut self.cutter, out),
            EncodingId::HEXTILE => hextile::encode(format, values, &mut self.cutter, out),
            EncodingId::TIGHT => self.tight.encode(self.level, format, values, out),
            EncodingId::TRLE => trle::encode(format, values, &mut self.tiles, out),
            EncodingId::ZRLE => self.zrle.encode(self.level, format, values, &mut self.tiles, out),
            _ => {}
        }
    }

    /// Appends the payload of a pointer as [`EncodingId::X_CURSOR`], a tenth of the others; `false`, and
    /// nothing is appended, if the picture has more than two colours or is translucent.
    pub fn encode_two_colored_cursor(&mut self, pixels: Pixels<'_>, out: &mut Vec<u8>) -> bool {
        cursor::encode_two_colored(pixels, out)
    }

    /// Appends the payload of a rectangle of [`EncodingId::TIGHT`] as JPEG of this quality level
    /// (0 to 9); `false`, and nothing is appended, if that is not possible. To be used with formats
    /// of 16 or 32 bits only, and for clients that have named a quality level.
    pub fn encode_jpeg(&mut self, level: u8, pixels: Pixels<'_>, out: &mut Vec<u8>) -> bool {
        let Some(file) = jpeg::encode(pixels, level).filter(|file| file.len() < 1 << 22) else {
            return false;
        };
        tight::put_jpeg(&file, out);
        true
    }
}
