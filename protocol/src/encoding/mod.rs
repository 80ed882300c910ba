//! Lossless encodings of a rectangle of pixels: the payload of a `PutPixels` command.
//!
//! | bytes | field | meaning                                             |
//! |-------|-------|-----------------------------------------------------|
//! | 1     | how   | [`Packing`] in bits 0 to 3, [`Compressor`] in 4 to 7 |
//! | …     | body  | the packing's layout, compressed as a whole         |
//!
//! The rectangle's size and the payload's length are known from outside, and the
//! payload must be used up. Multi-byte pixels are little endian, so a colour of
//! three bytes is blue, green, red and one of four ends with alpha.
//!
//! One file per packing holds its layout, both directions and its vectors.
//! `encoder.rs` chooses among them by real size; `decoder.rs` knows how large a
//! body may legally be before anything is unpacked.

mod argb32;
mod argb_rle;
mod compress;
mod decoder;
mod encoder;
mod oracle;
mod palette;
mod palette_packed;
mod palette_rle;
mod predicted;
mod raster;
mod rgb24;
mod rgb565;
mod rle;
mod solid;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use oracle::oracle;
pub(crate) use palette::{Finder, MAX_PALETTE};
pub use rgb565::{expand565, is_565};

use crate::geometry::Size;
use crate::wire::DecodeError;

/// How pixels become bytes, before compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Packing {
    /// One colour for the whole rectangle.
    Solid,
    /// Three bytes a pixel.
    Rgb24,
    /// Two bytes a pixel; exact only for colours expanded from 565 ([`is_565`]).
    Rgb565,
    /// 2 to 256 colours, then indices of 1, 2, 4 or 8 bits.
    Palette,
    /// Runs of a colour, on across the ends of rows.
    Rle,
    /// 2 to 128 colours, then runs of an index.
    PaletteRle,
    /// Four bytes a pixel, premultiplied; for surfaces with alpha.
    Argb32,
    /// Runs of a premultiplied colour; for surfaces with alpha.
    ArgbRle,
    /// What is left after a prediction, a channel at a time.
    Predicted,
}

/// What is applied to the packed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compressor {
    /// The body as it is.
    None,
    /// One LZ4 block without a size in front.
    Lz4,
    /// One Zstandard frame (RFC 8878) without its four bytes of magic number.
    Zstd,
}

/// How much work a smaller payload is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effort {
    /// Palettes and LZ4: for a local network, where time beats bytes.
    Fast,
    /// Zstandard at a fast level.
    Balanced,
    /// Every packing that fits and Zstandard at a slow level: for a starved link.
    Dense,
}

/// What an encoder produced, for statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encoded {
    /// How the pixels were packed.
    pub packing: Packing,
    /// What the packed bytes went through.
    pub compressor: Compressor,
    /// Bytes of the payload, the first one included.
    pub bytes: usize,
}

impl Packing {
    /// All packings, in the order of their numbers.
    pub const ALL: [Packing; 9] = [
        Packing::Solid,
        Packing::Rgb24,
        Packing::Rgb565,
        Packing::Palette,
        Packing::Rle,
        Packing::PaletteRle,
        Packing::Argb32,
        Packing::ArgbRle,
        Packing::Predicted,
    ];

    /// The name used in JSON and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solid => "solid",
            Self::Rgb24 => "rgb24",
            Self::Rgb565 => "rgb565",
            Self::Palette => "palette",
            Self::Rle => "rle",
            Self::PaletteRle => "palette-rle",
            Self::Argb32 => "argb32",
            Self::ArgbRle => "argb-rle",
            Self::Predicted => "predicted",
        }
    }

    /// Whether it is for surfaces with alpha; each packing is for one of both kinds only.
    pub const fn has_alpha(self) -> bool {
        matches!(self, Self::Argb32 | Self::ArgbRle)
    }

    /// The largest body that a rectangle of `size` can have in this packing, in bytes.
    ///
    /// Runs are at their worst when each is one pixel long: its length then takes one byte.
    pub const fn max_body(self, size: Size) -> u64 {
        let pixels = size.area();
        match self {
            Self::Solid => 3,
            Self::Rgb24 => pixels * 3,
            Self::Rgb565 => pixels * 2,
            Self::Palette => 1 + 256 * 3 + pixels,
            Self::Rle => pixels * (3 + 1),
            Self::PaletteRle => 1 + 128 * 3 + pixels,
            Self::Argb32 => pixels * 4,
            Self::ArgbRle => pixels * (4 + 1),
            Self::Predicted => 1 + pixels * 3,
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Solid => 0x0,
            Self::Rgb24 => 0x1,
            Self::Rgb565 => 0x2,
            Self::Palette => 0x3,
            Self::Rle => 0x4,
            Self::PaletteRle => 0x5,
            Self::Argb32 => 0x6,
            Self::ArgbRle => 0x7,
            Self::Predicted => 0x8,
        }
    }
}

impl Compressor {
    /// All compressors, in the order of their numbers.
    pub const ALL: [Compressor; 3] = [Compressor::None, Compressor::Lz4, Compressor::Zstd];

    /// The name used in JSON and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::None => 0x0,
            Self::Lz4 => 0x1,
            Self::Zstd => 0x2,
        }
    }
}

impl Effort {
    /// All efforts, the fastest first.
    pub const ALL: [Effort; 3] = [Effort::Fast, Effort::Balanced, Effort::Dense];
}

/// The first byte of a payload.
const fn how_byte(packing: Packing, compressor: Compressor) -> u8 {
    packing.number() | compressor.number() << 4
}

/// The meaning of a payload's first byte.
fn how(byte: u8) -> Result<(Packing, Compressor), DecodeError> {
    let number = byte & 0x0f;
    let packing = Packing::ALL.into_iter().find(|p| p.number() == number);
    let packing = packing.ok_or(DecodeError::Unknown { what: "packing", value: number.into() })?;
    let number = byte >> 4;
    let compressor = Compressor::ALL.into_iter().find(|c| c.number() == number);
    let compressor = compressor.ok_or(DecodeError::Unknown { what: "compressor", value: number.into() })?;
    Ok((packing, compressor))
}

#[cfg(test)]
mod testing {
    //! What the tests of the packings share.

    use super::{Compressor, Decoder, Effort, Encoder, Packing};
    use crate::geometry::Size;
    use crate::pixel::Picture;
    use crate::wire::DecodeError;
    use proptest::prelude::*;

    /// A picture from rows of equal length.
    pub fn picture<const W: usize>(rows: &[[u32; W]]) -> Picture {
        let size = Size::new(W as u32, rows.len() as u32);
        Picture::from_pixels(size, rows.concat()).expect("rows of one length")
    }

    /// The picture packs to exactly these bytes, which unpack to the picture, and
    /// no shorter or longer payload is accepted.
    pub fn check_vector(picture: &Picture, packing: Packing, expected: &[u8]) {
        let mut out = Vec::new();
        let encoded = Encoder::new()
            .encode_with(picture.view(), packing, Compressor::None, Effort::Fast, &mut out)
            .expect("the packing can hold the picture");
        assert_eq!(out, expected, "{out:02x?}");
        assert_eq!(encoded.bytes, expected.len());
        check_decodes(expected, picture, packing.has_alpha());
        check_edges(expected, picture.size(), packing.has_alpha());
    }

    /// The payload decodes to the picture.
    pub fn check_decodes(payload: &[u8], picture: &Picture, alpha: bool) {
        assert_eq!(Decoder::new().decode(payload, picture.size(), alpha).as_ref(), Ok(picture));
    }

    /// Every truncation is an error, and so is a byte more.
    pub fn check_edges(payload: &[u8], size: Size, alpha: bool) {
        let mut decoder = Decoder::new();
        for n in 0..payload.len() {
            assert!(decoder.decode(&payload[..n], size, alpha).is_err(), "cut to {n} bytes");
        }
        for extra in [0x00, 0x01, 0xff] {
            let mut longer = payload.to_vec();
            longer.push(extra);
            assert!(decoder.decode(&longer, size, alpha).is_err(), "with {extra:#x} behind it");
        }
    }

    /// The payload is refused for this reason.
    pub fn check_refused(payload: &[u8], size: Size, what: &'static str) {
        let error =
            Decoder::new().decode(payload, size, matches!(payload[0] & 0x0f, 6 | 7)).expect_err("refused");
        assert_eq!(error, DecodeError::Invalid { what });
    }

    /// Pictures of odd and even sizes: noise, few colours, runs, 565 colours.
    pub fn pictures(alpha: bool) -> impl Strategy<Value = Picture> {
        let size = prop_oneof![
            Just((1u32, 1u32)),
            (Just(1u32), 1..40u32),
            (1..40u32, Just(1u32)),
            (1..24u32, 1..24u32),
            (60..70u32, 30..40u32),
        ];
        (size, any::<u64>(), 0..5u8, 1..400u32, 1..30u32).prop_map(
            move |((w, h), seed, kind, colors, run)| {
                let mut state = seed | 1;
                let mut next = move || {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    (state >> 16) as u32
                };
                let mask = if alpha { u32::MAX } else { 0x00ff_ffff };
                let palette: Vec<u32> = (0..colors).map(|_| next() & mask).collect();
                let mut current = palette[0];
                let data = (0..w * h)
                    .map(|_| match kind {
                        0 => next() & mask,
                        1 => palette[(next() % colors) as usize],
                        2 => super::expand565(next() as u16) | (next() << 24 & mask),
                        _ => {
                            if next() % run == 0 {
                                current = palette[(next() % colors) as usize];
                            }
                            current
                        }
                    })
                    .collect();
                Picture::from_pixels(Size::new(w, h), data).expect("as many pixels")
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte() {
        for packing in Packing::ALL {
            for compressor in Compressor::ALL {
                assert_eq!(how(how_byte(packing, compressor)), Ok((packing, compressor)));
            }
        }
        assert_eq!(how(0x09), Err(DecodeError::Unknown { what: "packing", value: 9 }));
        assert_eq!(how(0x31), Err(DecodeError::Unknown { what: "compressor", value: 3 }));
    }
}
