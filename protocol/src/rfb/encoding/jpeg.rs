//! JPEG inside Tight: a whole file for each rectangle.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::geometry::Size;
use crate::pixel::{Picture, rgb};
use crate::wire::DecodeError;

/// Reads a file whose picture must have this size.
pub(super) fn decode(file: &[u8], size: Size) -> Result<Picture, DecodeError> {
    let wrong = |_| DecodeError::Invalid { what: "Tight JPEG" };
    let (width, height) = (size.width as usize, size.height as usize);
    // A larger picture ends here, before it takes any memory.
    let options = DecoderOptions::default()
        .set_max_width(width)
        .set_max_height(height)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(wrong)?;
    if decoder.dimensions() != Some((width, height)) {
        return Err(DecodeError::Invalid { what: "size of a Tight JPEG" });
    }
    let bytes = decoder.decode().map_err(wrong)?;
    let pixels = bytes.as_chunks::<3>().0.iter().map(|&[red, green, blue]| rgb(red, green, blue)).collect();
    Picture::from_pixels(size, pixels).ok_or(DecodeError::Invalid { what: "Tight JPEG" })
}
