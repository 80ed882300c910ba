//! JPEG inside Tight: a whole file for each rectangle.

use jpeg_encoder::{ColorType, SamplingFactor};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::geometry::Size;
use crate::pixel::{Picture, Pixels, rgb};
use crate::wire::DecodeError;

/// What the quality levels 0 to 9 are in JPEG's terms: as TigerVNC and TurboVNC have them.
const LEVELS: [(u8, SamplingFactor); 10] = [
    (15, SamplingFactor::F_2_2),
    (29, SamplingFactor::F_2_2),
    (41, SamplingFactor::F_2_2),
    (42, SamplingFactor::F_2_1),
    (62, SamplingFactor::F_2_1),
    (77, SamplingFactor::F_2_1),
    (79, SamplingFactor::F_1_1),
    (86, SamplingFactor::F_1_1),
    (92, SamplingFactor::F_1_1),
    (100, SamplingFactor::F_1_1),
];

/// Writes `pixels` as a file; `None` if a side is 0 or above 65,535.
pub(super) fn encode(pixels: Pixels<'_>, level: u8) -> Option<Vec<u8>> {
    let (quality, sampling) = LEVELS[usize::from(level.min(9))];
    let width = u16::try_from(pixels.size().width).ok()?;
    let height = u16::try_from(pixels.size().height).ok()?;
    let rows = (0..usize::from(height)).flat_map(|y| pixels.row(y));
    let bytes: Vec<u8> = rows.flat_map(|pixel| pixel.to_le_bytes()).collect();
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(sampling);
    encoder.encode(&bytes, width, height, ColorType::Bgra).ok()?;
    Some(file)
}

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
