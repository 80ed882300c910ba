//! Pixels to payload: the smallest among the packings that suit the picture, by real size.

use super::compress::Compress;
use super::raster::{changes, count_runs};
use super::{Compressor, Effort, Encoded, Finder, MAX_PALETTE, Packing, how_byte};
use super::{argb_rle, argb32, palette_packed, palette_rle, predicted, rgb24, rgb565, rle, solid};
use crate::pixel::Pixels;

/// Encodes rectangles, reusing memory and compression contexts between them.
///
/// Its buffers grow with the largest rectangle encoded so far, to a few bytes a pixel.
pub struct Encoder {
    finder: Finder,
    /// One byte a pixel.
    indices: Vec<u8>,
    /// A packing that is being tried.
    body: Vec<u8>,
    compress: Compress,
}

impl Clone for Encoder {
    /// Another encoder: between two rectangles there is nothing to be copied but memory.
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder with its tables; the larger contexts are made when first needed.
    pub fn new() -> Self {
        Self { finder: Finder::new(), indices: Vec::new(), body: Vec::new(), compress: Compress::new() }
    }

    /// Appends the payload for `src`, whose top bytes are ignored, and says what it is.
    pub fn encode(&mut self, src: Pixels<'_>, effort: Effort, out: &mut Vec<u8>) -> Encoded {
        let mut best = Best::new(out);
        if src.size().is_empty() {
            best.offer(Packing::Rgb24, Compressor::None, &[]);
            return best.finish();
        }
        if let Some(color) = solid::only_color(src) {
            self.body.clear();
            solid::encode(color, &mut self.body);
            best.offer(Packing::Solid, Compressor::None, &self.body);
            return best.finish();
        }
        if self.finder.index(src, MAX_PALETTE, &mut self.indices) {
            self.encode_palettes(src, effort, &mut best);
            // In a small rectangle the palette may cost more than it saves.
            if self.finder.colors().len() as u64 * 6 < src.size().area() {
                return best.finish();
            }
        }
        self.encode_colors(src, effort, &mut best);
        best.finish()
    }

    /// Appends the payload for a rectangle of a surface with alpha (premultiplied).
    pub fn encode_argb(&mut self, src: Pixels<'_>, effort: Effort, out: &mut Vec<u8>) -> Encoded {
        let mut best = Best::new(out);
        if src.size().is_empty() {
            best.offer(Packing::Argb32, Compressor::None, &[]);
            return best.finish();
        }
        let runs = count_runs(src);
        if runs * 2 <= src.size().area() || effort == Effort::Dense {
            self.body.clear();
            argb_rle::encode(src, &mut self.body);
            self.offer(Packing::ArgbRle, effort, &mut best);
        }
        // Every pixel a byte of payload would be a good result for the plain form.
        if best.bytes() > 64 {
            self.body.clear();
            argb32::encode(src, &mut self.body);
            self.offer(Packing::Argb32, effort, &mut best);
        }
        best.finish()
    }

    /// Appends the payload in exactly this form, for tests and measurements; the
    /// effort sets Zstandard's level. `None`, with nothing appended, if the
    /// packing cannot hold the picture. Alpha packings take any picture.
    pub fn encode_with(
        &mut self,
        src: Pixels<'_>,
        packing: Packing,
        compressor: Compressor,
        effort: Effort,
        out: &mut Vec<u8>,
    ) -> Option<Encoded> {
        self.body.clear();
        match packing {
            Packing::Solid => solid::encode(solid::only_color(src)?, &mut self.body),
            Packing::Rgb24 => rgb24::encode(src, &mut self.body),
            Packing::Rgb565 if rgb565::fits(src) => rgb565::encode(src, &mut self.body),
            Packing::Rgb565 => return None,
            Packing::Palette => {
                self.find_palette(src, MAX_PALETTE)?;
                self.pack_palette(src);
            }
            Packing::Rle => rle::encode(src, &mut self.body),
            Packing::PaletteRle => {
                self.find_palette(src, palette_rle::MAX_COLORS)?;
                palette_rle::encode(self.finder.colors(), &self.indices, &mut self.body);
            }
            Packing::Argb32 => argb32::encode(src, &mut self.body),
            Packing::ArgbRle => argb_rle::encode(src, &mut self.body),
            Packing::Predicted => predicted::encode(src, &mut self.body),
        }
        let start = out.len();
        out.push(how_byte(packing, compressor));
        match compressor {
            Compressor::None => out.extend_from_slice(&self.body),
            _ => match self.compress.compress_any(compressor, effort, &self.body) {
                Some(small) => out.extend_from_slice(small),
                None => {
                    out.truncate(start);
                    return None;
                }
            },
        }
        Some(Encoded { packing, compressor, bytes: out.len() - start })
    }

    /// For 2 to 256 colours, with `finder` and `indices` set.
    fn encode_palettes(&mut self, src: Pixels<'_>, effort: Effort, best: &mut Best<'_>) {
        self.body.clear();
        self.pack_palette(src);
        self.offer(Packing::Palette, effort, best);
        let colors = self.finder.colors().len();
        if colors > palette_rle::MAX_COLORS {
            return;
        }
        // Every run takes a byte at least, before compression.
        let runs = changes(&self.indices) as usize;
        let promising = match effort {
            Effort::Fast => runs < best.bytes(),
            Effort::Balanced | Effort::Dense => runs < self.indices.len() / 2,
        };
        if promising {
            self.body.clear();
            palette_rle::encode(self.finder.colors(), &self.indices, &mut self.body);
            self.offer(Packing::PaletteRle, effort, best);
        }
    }

    /// For more than 256 colours.
    fn encode_colors(&mut self, src: Pixels<'_>, effort: Effort, best: &mut Best<'_>) {
        let pixels = src.size().area();
        let plain = if rgb565::fits(src) { Packing::Rgb565 } else { Packing::Rgb24 };
        // Where runs are long they halve the bytes that the compressor has to read.
        let runs = if effort == Effort::Fast && pixels < 1024 { pixels } else { count_runs(src) };
        if runs * 8 <= pixels || (effort == Effort::Dense && runs * 2 <= pixels) {
            self.body.clear();
            rle::encode(src, &mut self.body);
            self.offer(Packing::Rle, effort, best);
            if effort == Effort::Fast {
                return;
            }
        }
        let is_natural = effort != Effort::Fast && runs * 2 > pixels && plain == Packing::Rgb24;
        if is_natural && predicted::is_smooth(src) {
            self.body.clear();
            predicted::encode(src, &mut self.body);
            // A slow level finds no more in what is left: 3% larger on a photograph, at a tenth of the speed.
            self.offer(Packing::Predicted, Effort::Balanced, best);
            // Clearly less than three bytes a pixel, as Rgb24 has no hope of.
            if best.bytes() as u64 <= 2 * pixels {
                return;
            }
        }
        self.body.clear();
        match plain {
            Packing::Rgb565 => rgb565::encode(src, &mut self.body),
            _ => rgb24::encode(src, &mut self.body),
        }
        self.offer(plain, effort, best);
    }

    /// Offers `body` compressed as the effort wants it, and as it is.
    fn offer(&mut self, packing: Packing, effort: Effort, best: &mut Best<'_>) {
        let with = match effort {
            Effort::Fast => Compressor::Lz4,
            Effort::Balanced | Effort::Dense => Compressor::Zstd,
        };
        if let Some(small) = self.compress.compress(with, effort, &self.body) {
            best.offer(packing, with, small);
        }
        best.offer(packing, Compressor::None, &self.body);
    }

    fn find_palette(&mut self, src: Pixels<'_>, max: usize) -> Option<()> {
        (self.finder.index(src, max, &mut self.indices) && self.finder.colors().len() >= 2).then_some(())
    }

    fn pack_palette(&mut self, src: Pixels<'_>) {
        let width = src.size().width as usize;
        palette_packed::encode(self.finder.colors(), width, &self.indices, &mut self.body);
    }

    #[cfg(test)]
    pub(super) fn compressed(&mut self, with: Compressor, effort: Effort, body: &[u8]) -> Vec<u8> {
        self.compress.compress_any(with, effort, body).expect("enough memory").to_vec()
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

/// The smallest payload so far, at the end of the caller's buffer.
struct Best<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    how: Option<(Packing, Compressor)>,
}

impl<'a> Best<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { start: out.len(), out, how: None }
    }

    /// Bytes of the payload, without a limit before the first offer.
    fn bytes(&self) -> usize {
        if self.how.is_some() { self.out.len() - self.start } else { usize::MAX }
    }

    /// Takes the body if it is smaller than what was offered before.
    fn offer(&mut self, packing: Packing, compressor: Compressor, body: &[u8]) {
        if body.len() + 1 < self.bytes() {
            self.out.truncate(self.start);
            self.out.push(how_byte(packing, compressor));
            self.out.extend_from_slice(body);
            self.how = Some((packing, compressor));
        }
    }

    fn finish(self) -> Encoded {
        let bytes = self.bytes();
        let (packing, compressor) = self.how.expect("something was always offered");
        Encoded { packing, compressor, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::testing::{check_decodes, pictures};
    use crate::encoding::{Decoder, expand565};
    use crate::geometry::{Rect, Size};
    use crate::pixel::Picture;
    use proptest::prelude::*;

    fn check_choice(picture: &Picture, effort: Effort, expected: Packing) {
        let mut out = Vec::new();
        let encoded = Encoder::new().encode(picture.view(), effort, &mut out);
        assert_eq!(encoded.packing, expected, "{encoded:?}");
        check_decodes(&out, picture, false);
    }

    fn of(size: Size, f: impl Fn(u32, u32) -> u32) -> Picture {
        let data = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        Picture::from_pixels(size, data.map(|(x, y)| f(x, y)).collect()).expect("as many pixels")
    }

    fn noise(x: u32, y: u32) -> u32 {
        let mut h = x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b);
        h = (h ^ h >> 15).wrapping_mul(0x2c1b_3c6d);
        h ^ h >> 12
    }

    #[test]
    fn choices() {
        let size = Size::new(64, 64);
        for effort in Effort::ALL {
            check_choice(&Picture::new(size, 0x00ab_cdef), effort, Packing::Solid);
            check_choice(&of(size, |x, y| noise(x, y) % 3), effort, Packing::Palette);
            check_choice(&of(size, |x, y| noise(x, y) & 0x00ff_ffff), effort, Packing::Rgb24);
            check_choice(&of(size, |x, y| expand565(noise(x, y) as u16)), effort, Packing::Rgb565);
            check_choice(&of(size, |_, y| noise(0, y / 13) & 0x00ff_ffff), effort, Packing::PaletteRle);
        }
        // More than 256 colours in long runs.
        let bands = of(Size::new(400, 300), |_, y| noise(1, y) & 0x00ff_ffff);
        check_choice(&bands, Effort::Fast, Packing::Rle);
    }

    #[test]
    fn appends_behind_what_is_there() {
        let mut out = vec![1, 2, 3];
        let encoded = Encoder::new().encode(Picture::new(Size::new(2, 2), 9).view(), Effort::Fast, &mut out);
        assert_eq!(out, [1, 2, 3, 0x00, 9, 0, 0]);
        assert_eq!(encoded, Encoded { packing: Packing::Solid, compressor: Compressor::None, bytes: 4 });
    }

    #[test]
    fn top_bytes_are_ignored() {
        let garbage = of(Size::new(40, 20), |x, y| noise(x, y) & 0xff00_0003);
        let clean = of(Size::new(40, 20), |x, y| noise(x, y) & 3);
        for packing in Packing::ALL.into_iter().filter(|p| !p.has_alpha()) {
            let mut out = Vec::new();
            let done =
                Encoder::new().encode_with(garbage.view(), packing, Compressor::None, Effort::Fast, &mut out);
            if done.is_some() {
                check_decodes(&out, &clean, false);
            }
        }
        for effort in Effort::ALL {
            let mut out = Vec::new();
            Encoder::new().encode(garbage.view(), effort, &mut out);
            check_decodes(&out, &clean, false);
        }
    }

    #[test]
    fn uniform_alpha_is_small() {
        let mut out = Vec::new();
        let glass = Picture::new(Size::new(300, 200), 0x8040_4040);
        for effort in Effort::ALL {
            out.clear();
            let encoded = Encoder::new().encode_argb(glass.view(), effort, &mut out);
            assert_eq!((encoded.packing, encoded.bytes), (Packing::ArgbRle, 8));
            check_decodes(&out, &glass, true);
        }
    }

    proptest! {
        #[test]
        fn round_trips(source in pictures(false)) {
            let mut encoder = Encoder::new();
            let mut decoder = Decoder::new();
            let mut out = Vec::new();
            let raw = source.size().area() as usize * 3 + 1;
            for effort in Effort::ALL {
                out.clear();
                let encoded = encoder.encode(source.view(), effort, &mut out);
                prop_assert_eq!(encoded.bytes, out.len());
                prop_assert!(out.len() <= raw);
                prop_assert_eq!(&decoder.decode(&out, source.size(), false).unwrap(), &source);
            }
            for packing in Packing::ALL {
                for compressor in Compressor::ALL {
                    out.clear();
                    let done = encoder.encode_with(source.view(), packing, compressor, Effort::Fast, &mut out);
                    if done.is_some() {
                        let max = packing.max_body(source.size()) as usize + 1;
                        prop_assert!(compressor != Compressor::None || out.len() <= max);
                        prop_assert_eq!(&decoder.decode(&out, source.size(), packing.has_alpha()).unwrap(), &source);
                    }
                }
            }
        }

        #[test]
        fn round_trips_with_alpha(source in pictures(true)) {
            let mut out = Vec::new();
            for effort in Effort::ALL {
                out.clear();
                Encoder::new().encode_argb(source.view(), effort, &mut out);
                prop_assert_eq!(&Decoder::new().decode(&out, source.size(), true).unwrap(), &source);
            }
        }

        #[test]
        fn a_part_of_a_picture(source in pictures(false), x in 0..20, y in 0..20, w in 1..30u32, h in 1..30u32) {
            let rect = Rect::new(x, y, w, h).intersection(&source.bounds());
            let part = source.crop(rect);
            let mut out = Vec::new();
            Encoder::new().encode(part, Effort::Balanced, &mut out);
            prop_assert_eq!(Decoder::new().decode(&out, part.size(), false).unwrap(), part.to_picture());
            // Into the middle of a larger picture, nothing around it touched.
            let mut target = Picture::new(source.size(), 0x00c0_ffee);
            let mut expected = target.clone();
            expected.blit(rect.origin(), part);
            Decoder::new().decode_into(&out, false, &mut target.crop_mut(rect)).unwrap();
            prop_assert_eq!(target, expected);
        }
    }
}
