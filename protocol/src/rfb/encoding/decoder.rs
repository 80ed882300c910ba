//! A client's side: bytes become pixels.

use super::super::{EncodingId, PixelFormat};
use super::progress::Progress;
use super::tight::TightDecoder;
use super::zrle::ZrleDecoder;
use super::{cursor, hextile, raw, rre, trle};
use crate::geometry::Size;
use crate::pixel::{Color, Picture};
use crate::wire::{DecodeError, MAX_SURFACE_PIXELS, Reader};

/// Decodes the rectangles of one connection.
#[derive(Debug, Default)]
pub struct Decoder {
    tight: TightDecoder,
    zrle: ZrleDecoder,
}

impl Decoder {
    /// A decoder for a new connection. zlib streams are made when they are first used.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for a client that asks for a quality of JPEG.
    pub fn with_jpeg() -> Self {
        Self { tight: TightDecoder::with_jpeg(), ..Self::default() }
    }

    /// Reads the payload of a rectangle of `size`. Cursors become pictures with premultiplied
    /// alpha, all others have none. `map` is the colour map, if the format needs one.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TooShort`] if more has to come: nothing has changed then but `r`, and the next
    /// call begins with the payload's first byte again. All others end the connection, as zlib
    /// streams may be of no use any more: bytes that contradict themselves, a rectangle of more than
    /// [`MAX_SURFACE_PIXELS`], what is neither among [`ENCODINGS`](super::ENCODINGS) nor
    /// [`EncodingId::X_CURSOR`], and JPEG in
    /// Tight ([`DecodeError::Unknown`]), which servers send to those only that ask for a quality
    /// ([`Decoder::with_jpeg`]).
    pub fn decode(
        &mut self,
        encoding: EncodingId,
        format: &PixelFormat,
        map: &[Color],
        size: Size,
        r: &mut Reader<'_>,
    ) -> Result<Picture, DecodeError> {
        self.resume(encoding, format, map, size, r, &mut Progress::default())
    }

    /// The same without reading anything twice: if more has to come, `r` is left behind what
    /// `progress` has of the rectangle. The next call goes on from there.
    ///
    /// # Errors
    ///
    /// Those of [`Decoder::decode`].
    pub fn resume(
        &mut self,
        encoding: EncodingId,
        format: &PixelFormat,
        map: &[Color],
        size: Size,
        r: &mut Reader<'_>,
        progress: &mut Progress,
    ) -> Result<Picture, DecodeError> {
        match encoding {
            EncodingId::HEXTILE | EncodingId::TRLE => self.read(encoding, format, map, size, r, progress),
            // All others tell soon how many bytes they need.
            _ => {
                let mut ahead = r.clone();
                let picture = self.read(encoding, format, map, size, &mut ahead, progress)?;
                *r = ahead;
                Ok(picture)
            }
        }
    }

    fn read(
        &mut self,
        encoding: EncodingId,
        format: &PixelFormat,
        map: &[Color],
        size: Size,
        r: &mut Reader<'_>,
        progress: &mut Progress,
    ) -> Result<Picture, DecodeError> {
        match encoding {
            EncodingId::CURSOR => return cursor::decode(format, map, size, r),
            EncodingId::X_CURSOR => return cursor::decode_two_colored(size, r),
            EncodingId::CURSOR_WITH_ALPHA => return cursor::decode_with_alpha(size, r),
            _ if size.area() > MAX_SURFACE_PIXELS => {
                return Err(DecodeError::TooLarge { what: "RFB rectangle" });
            }
            _ => {}
        }
        let values = match encoding {
            EncodingId::TIGHT => return self.tight.decode(format, map, size, r),
            EncodingId::RAW => raw::decode(format, size, r)?,
            EncodingId::RRE => rre::decode(format, size, r)?,
            EncodingId::HEXTILE => hextile::decode(format, size, r, progress)?,
            EncodingId::TRLE => trle::decode(format, size, r, progress)?,
            EncodingId::ZRLE => self.zrle.decode(format, size, r)?,
            EncodingId(other) => {
                return Err(DecodeError::Unknown { what: "RFB encoding", value: (other as u32).into() });
            }
        };
        Ok(values.into_picture(format, map))
    }
}
