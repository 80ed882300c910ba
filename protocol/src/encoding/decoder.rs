//! Payload to pixels.

use super::compress::Expand;
use super::{
    Packing, argb_rle, argb32, how, palette_packed, palette_rle, predicted, rgb24, rgb565, rle, solid,
};
use crate::geometry::Size;
use crate::pixel::{Picture, PixelsMut};
use crate::wire::{DecodeError, MAX_SURFACE_PIXELS, Reader};

/// Decodes payloads, reusing memory between them.
///
/// It keeps at most the largest body that a rectangle decoded so far could
/// legally have ([`Packing::max_body`]), and that only for a payload long enough
/// to unpack to so much.
pub struct Decoder {
    expand: Expand,
}

impl Decoder {
    /// A decoder that holds no memory yet.
    pub const fn new() -> Self {
        Self { expand: Expand::new() }
    }

    /// Decodes `payload` into all of `dst`. `alpha` says whether the surface has
    /// alpha, which decides the packings that are legal.
    ///
    /// On an error `dst` may be half written.
    ///
    /// # Errors
    /// Whatever is wrong with the payload, bytes left over included.
    pub fn decode_into(
        &mut self,
        payload: &[u8],
        alpha: bool,
        dst: &mut PixelsMut<'_>,
    ) -> Result<(), DecodeError> {
        let mut r = Reader::new(payload);
        let (packing, compressor) = how(r.u8("packing")?)?;
        if packing.has_alpha() != alpha {
            return Err(DecodeError::Invalid { what: "packing for this surface" });
        }
        let body = self.expand.expand(compressor, r.rest(), packing.max_body(dst.size()))?;
        let mut r = Reader::new(body);
        match packing {
            Packing::Solid => solid::decode(&mut r, dst)?,
            Packing::Rgb24 => rgb24::decode(&mut r, dst)?,
            Packing::Rgb565 => rgb565::decode(&mut r, dst)?,
            Packing::Palette => palette_packed::decode(&mut r, dst)?,
            Packing::Rle => rle::decode(&mut r, dst)?,
            Packing::PaletteRle => palette_rle::decode(&mut r, dst)?,
            Packing::Argb32 => argb32::decode(&mut r, dst)?,
            Packing::ArgbRle => argb_rle::decode(&mut r, dst)?,
            Packing::Predicted => predicted::decode(&mut r, dst)?,
        }
        r.finish("packed pixels")
    }

    /// Decodes `payload` to a picture of its own.
    ///
    /// # Errors
    /// As [`Decoder::decode_into`]; also a size beyond [`MAX_SURFACE_PIXELS`].
    pub fn decode(&mut self, payload: &[u8], size: Size, alpha: bool) -> Result<Picture, DecodeError> {
        if size.area() > MAX_SURFACE_PIXELS {
            return Err(DecodeError::TooLarge { what: "rectangle of pixels" });
        }
        let mut picture = Picture::new(size, 0);
        let bounds = picture.bounds();
        self.decode_into(payload, alpha, &mut picture.crop_mut(bounds))?;
        Ok(picture)
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::testing::{check_edges, picture, pictures};
    use crate::encoding::{Compressor, Effort, Encoder, how_byte, oracle};
    use proptest::prelude::*;

    /// As many pixels as make a bomb worth its name.
    const WIDE: Size = Size::new(4096, 2048);

    #[test]
    fn alpha_decides_what_is_legal() {
        let mut decoder = Decoder::new();
        let size = Size::new(1, 1);
        let refused = Err(DecodeError::Invalid { what: "packing for this surface" });
        assert_eq!(decoder.decode(&[0x00, 1, 2, 3], size, true), refused);
        assert_eq!(decoder.decode(&[0x06, 1, 2, 3, 4], size, false), refused);
        assert_eq!(decoder.decode(&[0x06, 1, 2, 3, 4], size, true), Ok(picture(&[[0x0403_0201]])));
    }

    #[test]
    fn bombs() {
        let zeros = vec![0; 1 << 20];
        let mut encoder = Encoder::new();
        for compressor in [Compressor::Lz4, Compressor::Zstd] {
            for packing in Packing::ALL {
                let mut payload = vec![how_byte(packing, compressor)];
                payload.extend(encoder.compressed(compressor, Effort::Dense, &zeros));
                let result = Decoder::new().decode(&payload, Size::new(16, 16), packing.has_alpha());
                assert!(result.is_err(), "{packing:?} {compressor:?}");
            }
        }
    }

    #[test]
    fn a_large_rectangle_from_few_bytes() {
        let mut encoder = Encoder::new();
        let mut out = Vec::new();
        let wide = Picture::new(WIDE, 0x0012_3456);
        for packing in Packing::ALL {
            for compressor in Compressor::ALL {
                out.clear();
                let done = encoder.encode_with(wide.view(), packing, compressor, Effort::Fast, &mut out);
                if done.is_none() {
                    continue;
                }
                assert_eq!(Decoder::new().decode(&out, WIDE, packing.has_alpha()).as_ref(), Ok(&wide));
            }
        }
    }

    #[test]
    fn absurd_sizes() {
        let size = Size::new(65_535, 65_535);
        let result = Decoder::new().decode(&[0x00, 1, 2, 3], size, false);
        assert_eq!(result, Err(DecodeError::TooLarge { what: "rectangle of pixels" }));
    }

    #[test]
    fn an_empty_rectangle() {
        let mut out = Vec::new();
        let empty = Picture::default();
        Encoder::new().encode(empty.view(), Effort::Dense, &mut out);
        assert_eq!(out, [0x01]);
        assert_eq!(Decoder::new().decode(&out, empty.size(), false), Ok(empty));
    }

    #[test]
    fn every_truncation_of_compressed_payloads() {
        let noise = (0..35 * 9u32).map(|i| i.wrapping_mul(0x9e37_79b9) % 5 * 0x0001_0203);
        let source = Picture::from_pixels(Size::new(35, 9), noise.collect()).expect("as many pixels");
        let mut encoder = Encoder::new();
        for packing in Packing::ALL {
            for compressor in Compressor::ALL {
                let mut out = Vec::new();
                let done = encoder.encode_with(source.view(), packing, compressor, Effort::Dense, &mut out);
                if done.is_some() {
                    check_edges(&out, source.size(), packing.has_alpha());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            oracle(&bytes);
        }

        #[test]
        fn random_bodies_never_panic(
            packing in 0..9u8, compressor in 0..3u8, w in any::<u8>(), h in any::<u8>(),
            body in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let head = [w, h, u8::from(matches!(packing, 6 | 7)), packing | compressor << 4];
            oracle(&[&head[..], &body].concat());
        }

        #[test]
        fn flipped_bits_never_panic(source in pictures(false), flips in prop::collection::vec(any::<u32>(), 1..4)) {
            let mut encoder = Encoder::new();
            let mut decoder = Decoder::new();
            for packing in Packing::ALL {
                for compressor in Compressor::ALL {
                    let mut out = Vec::new();
                    encoder.encode_with(source.view(), packing, compressor, Effort::Fast, &mut out);
                    for flip in &flips {
                        let bit = *flip as usize % (out.len() * 8).max(1);
                        if let Some(byte) = out.get_mut(bit / 8) {
                            *byte ^= 1 << (bit % 8);
                        }
                    }
                    let _ = decoder.decode(&out, source.size(), packing.has_alpha());
                    let most = packing.max_body(source.size()).max(source.size().area() * 5 + 1000);
                    prop_assert!(decoder.held() as u64 <= most);
                }
            }
        }
    }

    impl Decoder {
        fn held(&self) -> usize {
            self.expand.held()
        }
    }
}
