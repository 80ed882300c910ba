//! What is encoded comes out as the peer's format has it.

use super::super::choices::Choices;
use super::any_format;
use crate::geometry::Size;
use crate::pixel::{Color, Picture};
use crate::rfb::encoding::{Decoder, ENCODINGS, Encoder};
use crate::rfb::{EncodingId, PixelFormat, color_map};
use crate::wire::Reader;

/// A format and an encoding, then pictures: sides, a level, how pixels are made of bytes, how many
/// bytes, and these. Each is encoded and decoded by the same pair, in order.
///
/// The decoded picture is the one that was encoded, in the colours that the format has; JPEG's has
/// its size.
///
/// # Panics
/// If not.
pub fn rfb_round_trip(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let format = any_format(&mut choices);
    let choice = choices.byte_or_0();
    let encoding = ENCODINGS[usize::from(choice & 0x7f) % ENCODINGS.len()];
    let jpeg = choice & 0x80 != 0 && format.true_color.is_some() && 8 < format.bits_per_pixel;
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::with_jpeg());
    let map = color_map();
    while let Some(width) = choices.byte() {
        let size = Size::new(u32::from(width).max(1), u32::from(choices.byte_or_0()).max(1));
        let level = choices.byte_or_0();
        let picture = picture(size, encoding, &mut choices);
        encoder.set_compress_level(level % 12);
        let mut out = Vec::new();
        let is_jpeg = jpeg
            && encoding == EncodingId::TIGHT
            && level & 0x80 != 0
            && encoder.encode_jpeg(level & 15, picture.view(), &mut out);
        if !is_jpeg {
            encoder.encode(encoding, &format, picture.view(), &mut out);
        }
        let mut r = Reader::new(&out);
        let decoded = decoder.decode(encoding, &format, &map, size, &mut r).expect("what we encoded");
        assert!(r.is_empty(), "{} bytes left of {encoding:?}", r.left());
        match is_jpeg {
            true => assert_eq!(decoded.size(), size),
            false => assert_eq!(decoded, seen(encoding, &format, &map, &picture)),
        }
    }
}

/// A picture that repeats the bytes it is given: as few colours, as runs or as they are.
fn picture(size: Size, encoding: EncodingId, choices: &mut Choices<'_>) -> Picture {
    let style = choices.byte_or_0();
    let count = usize::from(choices.byte_or_0());
    let bytes = choices.take(count);
    let byte = |i: usize| bytes.get(i % bytes.len().max(1)).copied().unwrap_or(style);
    let pixel = |i: usize| -> Color {
        let color = match style % 4 {
            // As they are.
            0 => u32::from_le_bytes([byte(4 * i), byte(4 * i + 1), byte(4 * i + 2), byte(4 * i + 3)]),
            // Up to 256 colours.
            1 => u32::from(byte(i)).wrapping_mul(0x0001_0305),
            // Runs of them.
            2 => u32::from(byte(i / usize::from(1 + (style >> 2)))).wrapping_mul(0x0101_0307),
            // More colours than any palette has.
            _ => (i as u32).wrapping_mul(0x9e37_79b1) ^ u32::from(byte(i)),
        };
        match encoding {
            EncodingId::CURSOR_WITH_ALPHA => color,
            // Either there or not, so that what is seen needs no arithmetic.
            EncodingId::CURSOR if color & 1 == 0 => 0,
            EncodingId::CURSOR => color | 0xff00_0000,
            _ => color,
        }
    };
    let data = (0..size.area() as usize).map(pixel).collect();
    Picture::from_pixels(size, data).expect("as many pixels")
}

fn seen(encoding: EncodingId, format: &PixelFormat, map: &[Color], picture: &Picture) -> Picture {
    let reduced = |c: Color| format.color(format.value(c & 0x00ff_ffff), map);
    let pixel = |&c: &Color| match encoding {
        EncodingId::CURSOR_WITH_ALPHA => c,
        EncodingId::CURSOR if c == 0 => 0,
        EncodingId::CURSOR => 0xff00_0000 | reduced(c),
        _ => reduced(c),
    };
    let data = picture.data().iter().map(pixel).collect();
    Picture::from_pixels(picture.size(), data).expect("as many pixels")
}
