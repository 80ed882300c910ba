//! Both directions of every encoding: exact bytes, round trips and hostile peers.

use super::zlib::{Deflater, Inflater};
use super::{Decoder, ENCODINGS, Encoder, TIGHT_MAX_WIDTH, Values};
use crate::geometry::{Rect, Size};
use crate::pixel::{Color, Picture};
use crate::rfb::{EncodingId, PixelFormat, TrueColor, color_map};
use crate::wire::{DecodeError, MAX_SURFACE_PIXELS, Reader};
use proptest::prelude::*;

/// Without those of cursors.
const OF_SCREENS: [EncodingId; 6] = [
    EncodingId::RAW,
    EncodingId::RRE,
    EncodingId::HEXTILE,
    EncodingId::TIGHT,
    EncodingId::TRLE,
    EncodingId::ZRLE,
];

const NATIVE: PixelFormat = PixelFormat::NATIVE;
const BIG: PixelFormat = PixelFormat { big_endian: true, ..NATIVE };
const HIGH: PixelFormat = with([255; 3], [24, 16, 8]);
const HIGH_BIG: PixelFormat = PixelFormat { big_endian: true, ..HIGH };
const BGR: PixelFormat = with([255; 3], [0, 8, 16]);
const RGB565: PixelFormat = PixelFormat { bits_per_pixel: 16, depth: 16, ..with([31, 63, 31], [11, 5, 0]) };
const RGB565_BIG: PixelFormat = PixelFormat { big_endian: true, ..RGB565 };
const RGB332: PixelFormat = PixelFormat { bits_per_pixel: 8, depth: 8, ..with([7, 7, 3], [0, 3, 6]) };
const MAPPED: PixelFormat = PixelFormat { true_color: None, ..RGB332 };

/// Every format that the round trips use; the last two need all four bytes of a pixel.
const FORMATS: [PixelFormat; 12] = [
    NATIVE,
    BIG,
    HIGH,
    HIGH_BIG,
    BGR,
    PixelFormat { big_endian: true, ..BGR },
    RGB565,
    RGB565_BIG,
    RGB332,
    MAPPED,
    PixelFormat { depth: 30, ..with([1023; 3], [20, 10, 0]) },
    PixelFormat { depth: 32, big_endian: true, ..NATIVE },
];

const fn with(max: [u16; 3], shift: [u8; 3]) -> PixelFormat {
    PixelFormat { true_color: Some(TrueColor { max, shift }), ..NATIVE }
}

/// A picture from rows of equal length.
fn picture<const W: usize>(rows: &[[Color; W]]) -> Picture {
    let size = Size::new(W as u32, rows.len() as u32);
    Picture::from_pixels(size, rows.concat()).expect("rows of one length")
}

/// What a peer with this format sees of a picture.
fn seen(format: &PixelFormat, picture: &Picture) -> Picture {
    let map = color_map();
    let data = picture.data().iter().map(|&c| format.color(format.value(c), &map)).collect();
    Picture::from_pixels(picture.size(), data).expect("as many pixels")
}

fn encode(encoder: &mut Encoder, encoding: EncodingId, format: &PixelFormat, picture: &Picture) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.encode(encoding, format, picture.view(), &mut out);
    out
}

fn decode(
    decoder: &mut Decoder,
    encoding: EncodingId,
    format: &PixelFormat,
    size: Size,
    bytes: &[u8],
) -> Result<Picture, DecodeError> {
    let mut r = Reader::new(bytes);
    let picture = decoder.decode(encoding, format, &color_map(), size, &mut r)?;
    r.finish("payload")?;
    Ok(picture)
}

/// A new decoder reads the picture from exactly these bytes, and says of fewer that more has to come.
fn check_decodes(encoding: EncodingId, format: &PixelFormat, bytes: &[u8], picture: &Picture) {
    let mut decoder = Decoder::new();
    for n in 0..bytes.len() {
        let error = decode(&mut decoder, encoding, format, picture.size(), &bytes[..n]);
        assert!(matches!(error, Err(DecodeError::TooShort { .. })), "{n} bytes of {encoding:?}: {error:?}");
    }
    let decoded = decode(&mut decoder, encoding, format, picture.size(), bytes);
    assert_eq!(decoded.as_ref(), Ok(picture), "{encoding:?}");
}

/// The picture becomes exactly these bytes and comes out of them again.
fn check(encoding: EncodingId, format: &PixelFormat, picture: &Picture, expected: &[u8]) {
    let mut encoder = Encoder::new();
    encoder.set_compress_level(0);
    let bytes = encode(&mut encoder, encoding, format, picture);
    assert_eq!(bytes, expected, "{encoding:?}: {bytes:02x?}");
    check_decodes(encoding, format, expected, &seen(format, picture));
}

fn check_refused(encoding: EncodingId, format: &PixelFormat, size: Size, bytes: &[u8], error: DecodeError) {
    assert_eq!(decode(&mut Decoder::new(), encoding, format, size, bytes), Err(error), "{encoding:?}");
}

/// A zlib stream's first piece without compression.
fn stored(plain: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    more_stored(plain, &mut out);
    out
}

/// Another piece.
fn more_stored(plain: &[u8], out: &mut Vec<u8>) {
    let length = plain.len() as u16;
    out.push(0);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&(!length).to_le_bytes());
    out.extend_from_slice(plain);
    out.extend_from_slice(&[0, 0, 0, 0xff, 0xff]);
}

/// A ZRLE payload of these tiles.
fn zrle(tiles: &[u8]) -> Vec<u8> {
    let packed = stored(tiles);
    [&(packed.len() as u32).to_be_bytes()[..], &packed].concat()
}

/// A, b, c, … as colours that every format tells apart.
const A: Color = 0x00ff_0000;
const B: Color = 0x0000_ff00;
const C: Color = 0x0000_00ff;
const D: Color = 0x00ff_ffff;
const E: Color = 0x0000_0000;

#[test]
fn raw_vectors() {
    let source = picture(&[[0x0011_2233, A], [B, C]]);
    let bytes = [0x33, 0x22, 0x11, 0, 0, 0, 0xff, 0, 0, 0xff, 0, 0, 0xff, 0, 0, 0];
    check(EncodingId::RAW, &NATIVE, &source, &bytes);
    let bytes = [0, 0x11, 0x22, 0x33, 0, 0xff, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0xff];
    check(EncodingId::RAW, &BIG, &source, &bytes);
    let two = picture(&[[A, C]]);
    check(EncodingId::RAW, &RGB565, &two, &[0x00, 0xf8, 0x1f, 0x00]);
    check(EncodingId::RAW, &RGB565_BIG, &two, &[0xf8, 0x00, 0x00, 0x1f]);
    check(EncodingId::RAW, &RGB332, &two, &[0x07, 0xc0]);
    check(EncodingId::RAW, &MAPPED, &two, &[180, 5]);
}

#[test]
fn rre_vectors() {
    let source = picture(&[[A, A, A, A], [A, B, B, A], [A, B, B, C]]);
    let bytes = [
        // Around the square, the background is in more pieces than anything else.
        [0, 0, 0, 2, 0x00, 0xf8].as_slice(),
        &[0xe0, 0x07, 0, 1, 0, 1, 0, 2, 0, 2],
        &[0x1f, 0x00, 0, 3, 0, 2, 0, 1, 0, 1],
    ];
    check(EncodingId::RRE, &RGB565, &source, &bytes.concat());
    check(EncodingId::RRE, &RGB332, &Picture::new(Size::new(300, 2), B), &[0, 0, 0, 0, 0x38]);
}

#[test]
fn hextile_vectors() {
    // Two pixels are shorter raw.
    check(EncodingId::HEXTILE, &RGB565, &picture(&[[A, B]]), &[1, 0x00, 0xf8, 0xe0, 0x07]);
    let mut source = Picture::new(Size::new(16 * 7 + 3, 5), A);
    // Both colours, the same colours, nothing but the background, colours, nothing, the foreground
    // again, noise, and nothing behind noise.
    source.fill(Rect::new(1, 2, 3, 3), B);
    source.fill(Rect::new(17, 0, 15, 1), B);
    source.fill(Rect::new(48, 0, 1, 1), C);
    source.fill(Rect::new(49, 4, 2, 1), B);
    source.fill(Rect::new(80, 0, 1, 5), B);
    let mut noise = Vec::new();
    for y in 0..5 {
        for x in 0..16u32 {
            let color = (x * 16 + y) << 16 | (x * 8 + y * 3) << 8 | (y * 50 + x);
            source.fill(Rect::new(96 + x as i32, y as i32, 1, 1), color);
            NATIVE.put(color, &mut noise);
        }
    }
    let bytes = [
        [2 | 4 | 8, 0, 0, 0xff, 0, 0, 0xff, 0, 0, 1, 0x12, 0x22].as_slice(),
        &[8, 1, 0x10, 0xe0],
        &[0],
        &[8 | 16, 2, 0xff, 0, 0, 0, 0x00, 0x00, 0, 0xff, 0, 0, 0x14, 0x10],
        &[0],
        &[4 | 8, 0, 0xff, 0, 0, 1, 0x00, 0x04],
        &[1],
        &noise,
        &[2, 0, 0, 0xff, 0],
    ];
    check(EncodingId::HEXTILE, &NATIVE, &source, &bytes.concat());
}

#[test]
fn hextile_decodes_what_is_not_encoded() {
    // Other bits of a raw tile mean nothing; a background stays behind it; the foreground is what
    // the last coloured rectangle had.
    let source = picture(&[[A; 17]; 1]);
    let bytes = [[2, 0x07].as_slice(), &[0]].concat();
    check_decodes(EncodingId::HEXTILE, &RGB332, &bytes, &source);
    let mut source = Picture::new(Size::new(49, 1), A);
    source.fill(Rect::new(16, 0, 16, 1), B);
    source.fill(Rect::new(32, 0, 1, 1), C);
    source.fill(Rect::new(48, 0, 1, 1), C);
    let bytes = [
        [2, 0x07].as_slice(),
        &[1 | 2 | 4 | 8 | 16],
        &[0x38; 16],
        &[8 | 16, 1, 0xc0, 0x00, 0x00],
        &[8, 1, 0x00, 0x00],
    ];
    check_decodes(EncodingId::HEXTILE, &RGB332, &bytes.concat(), &source);
}

#[test]
fn hextile_refuses() {
    let outside = DecodeError::Invalid { what: "Hextile rectangle outside" };
    let size = Size::new(5, 3);
    for [at, sides] in [[0x40, 0x10], [0x02, 0x01], [0x00, 0x50], [0x00, 0x03], [0xff, 0xff]] {
        check_refused(EncodingId::HEXTILE, &RGB332, size, &[2 | 4 | 8, 0, 1, 1, at, sides], outside);
    }
    let unknown = DecodeError::Unknown { what: "Hextile tile", value: 0x20 };
    check_refused(EncodingId::HEXTILE, &RGB332, size, &[0x20], unknown);
}

#[test]
fn rre_refuses() {
    let size = Size::new(5, 3);
    for rect in [[5, 0, 1, 1], [0, 3, 1, 1], [0, 0, 6, 1], [4, 2, 1, 2]] {
        let bytes: Vec<u8> = rect.iter().flat_map(|n: &u16| n.to_be_bytes()).collect();
        let bytes = [&[0, 0, 0, 1, 9, 8], &bytes[..]].concat();
        let outside = DecodeError::Invalid { what: "RRE rectangle outside" };
        check_refused(EncodingId::RRE, &RGB332, size, &bytes, outside);
    }
    let many = DecodeError::TooLarge { what: "RRE count" };
    check_refused(EncodingId::RRE, &RGB332, size, &[0xff; 4], many);
    // Painting all over and over again.
    let all = [[0, 0, 0, 200, 9].as_slice(), &[7, 0, 0, 0, 0, 0, 100, 0, 2].repeat(200)].concat();
    let overdrawn = DecodeError::TooLarge { what: "RRE rectangles" };
    check_refused(EncodingId::RRE, &RGB332, Size::new(100, 2), &all, overdrawn);
    // An empty one is nothing.
    let empty = [0, 0, 0, 1, 0x07, 0x38, 0, 5, 0, 0, 0, 0, 0, 3];
    check_decodes(EncodingId::RRE, &RGB332, &empty, &Picture::new(size, A));
}

#[test]
fn cpixels() {
    let source = picture(&[[0x0011_2233]]);
    for (format, pixel) in [
        (NATIVE, &[0x33, 0x22, 0x11][..]),
        (BIG, &[0x11, 0x22, 0x33]),
        (HIGH, &[0x33, 0x22, 0x11]),
        (HIGH_BIG, &[0x11, 0x22, 0x33]),
        (BGR, &[0x11, 0x22, 0x33]),
        // 24 bits of 32, but the depth says that all may mean something.
        (PixelFormat { depth: 32, ..NATIVE }, &[0x33, 0x22, 0x11, 0]),
        (PixelFormat { depth: 32, ..HIGH_BIG }, &[0x11, 0x22, 0x33, 0]),
    ] {
        check(EncodingId::TRLE, &format, &source, &[&[1], pixel].concat());
        check(EncodingId::ZRLE, &format, &source, &zrle(&[&[1], pixel].concat()));
    }
}

#[test]
fn trle_vectors() {
    let check = |source: &Picture, bytes: &[&[u8]]| {
        check(EncodingId::TRLE, &RGB332, source, &bytes.concat());
    };
    let [a, b, c, d, e] = [0x07, 0x38, 0xc0, 0xff, 0x00];
    // Raw: no palette of two saves anything.
    check(&picture(&[[A, B, C]]), &[&[0, a, b, c]]);
    check(&Picture::new(Size::new(17, 2), A), &[&[1, a], &[1, a]]);
    // A bit a pixel; rows end with a byte.
    let row = [A, B, B, A, A, B, A, B, B];
    check(&picture(&[row; 2]), &[&[2, a, b], &[0b0110_0101, 0x80], &[0b0110_0101, 0x80]]);
    // Two bits for three, four bits for five.
    let row = [A, B, C, A, A, B, C, A, B, C];
    check(&picture(&[row; 1]), &[&[3, a, b, c], &[0b0001_1000, 0b0001_1000, 0b0110_0000]]);
    let row = [A, B, C, D, E, A, C, B, E, D, B, A, E];
    check(&picture(&[row; 1]), &[&[5, a, b, c, d, e], &[0x01, 0x23, 0x40, 0x21, 0x43, 0x10, 0x40]]);
    // Runs over the ends of rows: 40 and 40 pixels.
    let mut source = Picture::new(Size::new(16, 5), A);
    source.fill(Rect::new(8, 2, 8, 1), B);
    source.fill(Rect::new(0, 3, 16, 2), B);
    check(&source, &[&[128, a, 39, b, 39]]);
    // Runs of a palette: singles have no length.
    let mut source = Picture::new(Size::new(16, 16), A);
    for (x, y, color) in [(3, 2, B), (5, 9, B), (9, 11, B), (15, 15, B)] {
        source.fill(Rect::new(x, y, 1, 1), color);
    }
    check(&source, &[&[130, a, b], &[128, 34, 1, 128, 112, 1, 128, 34, 1, 128, 68, 1]]);
}

#[test]
fn long_runs() {
    // 4,095 pixels of one colour: 255 × 16 + 14 and one.
    let mut source = Picture::new(Size::new(64, 64), A);
    source.fill(Rect::new(0, 0, 1, 1), B);
    let tiles = [[128, 0x38, 0, 0x07].as_slice(), &[255; 16], &[14]].concat();
    check(EncodingId::ZRLE, &RGB332, &source, &zrle(&tiles));
    // Lengths of which nothing is left behind a 255, and one pixel more and less.
    for (last, end) in [(255, &[254][..]), (256, &[255, 0]), (257, &[255, 1])] {
        let mut source = Picture::new(Size::new(64, 64), A);
        let first = 4096 - last;
        source.data_mut()[first..].fill(B);
        let tiles = [&[128, 0x07], &[255; 15][..], &[(first - 3826) as u8, 0x38], end].concat();
        check(EncodingId::ZRLE, &RGB332, &source, &zrle(&tiles));
    }
}

#[test]
fn trle_reuses_palettes() {
    // Indices and runs of the palette before, over a tile of one colour and one of plain runs.
    let [a, b, c] = [0x07, 0x38, 0xc0];
    let bytes = [
        &[3, a, b, c, 0b0001_1000, 0, 0, 0][..],
        &[1, c],
        &[127, 0b0110_1010, 0b1010_1010, 0b1010_1010, 0b1010_1010],
        &[128, b, 15],
        &[129, 0x82, 0],
    ]
    .concat();
    let mut source = Picture::new(Size::new(65, 1), A);
    source.data_mut()[..3].copy_from_slice(&[A, B, C]);
    source.fill(Rect::new(16, 0, 16, 1), C);
    source.fill(Rect::new(32, 0, 16, 1), C);
    source.data_mut()[32] = B;
    source.fill(Rect::new(48, 0, 16, 1), B);
    source.fill(Rect::new(64, 0, 1, 1), C);
    check_decodes(EncodingId::TRLE, &RGB332, &bytes, &source);

    let none = DecodeError::Invalid { what: "palette of indices" };
    check_refused(EncodingId::TRLE, &RGB332, Size::new(1, 1), &[127, 0], none);
    let beyond = DecodeError::Invalid { what: "index beyond the palette" };
    check_refused(EncodingId::TRLE, &RGB332, Size::new(1, 1), &[129, 0], beyond);
    // A palette of seventeen is for runs only.
    let runs = [&[128 + 17], &[5; 17][..], &[0x80, 15, 127, 0]].concat();
    check_refused(EncodingId::TRLE, &RGB332, Size::new(17, 1), &runs, none);
}

#[test]
fn tiles_refuse() {
    let refused = |tile: &[u8], error: DecodeError| {
        check_refused(EncodingId::TRLE, &RGB332, Size::new(5, 2), tile, error);
        check_refused(EncodingId::ZRLE, &RGB332, Size::new(5, 2), &zrle(tile), error);
    };
    let beyond = DecodeError::Invalid { what: "index beyond the palette" };
    refused(&[3, 1, 2, 3, 0xff, 0xff, 0xff, 0xff], beyond);
    refused(&[6, 1, 2, 3, 4, 5, 6, 0x60, 0, 0, 0, 0, 0], beyond);
    refused(&[131, 1, 2, 3, 3], beyond);
    refused(&[131, 1, 2, 3, 0x80 | 3, 9], beyond);
    let run = DecodeError::Invalid { what: "run beyond the tile" };
    refused(&[128, 1, 10], run);
    refused(&[128, 1, 4, 1, 5], run);
    refused(&[128, 1, 255, 255, 255, 255], run);
    refused(&[130, 1, 2, 0x80, 10], run);
    for how in (17..=126u8).chain([127, 129]) {
        let error = DecodeError::Unknown { what: "tile", value: how.into() };
        let bytes = [&[how], &[1; 40][..]].concat();
        check_refused(EncodingId::ZRLE, &RGB332, Size::new(5, 2), &zrle(&bytes), error);
        if how < 127 {
            check_refused(EncodingId::TRLE, &RGB332, Size::new(5, 2), &bytes, error);
        }
    }
}

#[test]
fn zrle_refuses() {
    let refused = |bytes: &[u8], error: DecodeError| {
        check_refused(EncodingId::ZRLE, &RGB332, Size::new(2, 1), bytes, error);
    };
    // Complete, but too short or too long for its tiles.
    refused(&zrle(&[0, 1]), DecodeError::Invalid { what: "ZRLE tiles" });
    refused(&zrle(&[]), DecodeError::Invalid { what: "ZRLE tiles" });
    refused(&zrle(&[0, 1, 2, 3]), DecodeError::Trailing { what: "ZRLE tiles", extra: 1 });
    // Nothing that would ever be waited for.
    refused(&[0xff; 4], DecodeError::TooLarge { what: "ZRLE length" });
    refused(&[0, 0, 0, 3, 1, 2, 3], DecodeError::Invalid { what: "zlib data" });
    // A stream that ends: empty, and its checksum.
    refused(&[0, 0, 0, 8, 0x78, 0x01, 3, 0, 0, 0, 0, 1], DecodeError::Invalid { what: "zlib data" });
    // One that asks for a dictionary.
    refused(&[0, 0, 0, 6, 0x78, 0xbb, 1, 2, 3, 4], DecodeError::Invalid { what: "zlib data" });
}

#[test]
fn zlib_bombs_do_not_go_off() {
    let bomb = |bytes: usize| {
        let mut packed = Vec::new();
        Deflater::default().deflate(9, &vec![0; bytes], &mut packed);
        packed
    };
    let packed = bomb(4 << 20);
    assert!(packed.len() < 8192, "{}", packed.len());
    let payload = [&(packed.len() as u32).to_be_bytes()[..], &packed].concat();
    let size = Size::new(100, 100);
    let too_large = DecodeError::TooLarge { what: "zlib data" };
    check_refused(EncodingId::ZRLE, &NATIVE, size, &payload, too_large);
    let payload =
        [&[0x00, packed.len() as u8 & 0x7f | 0x80, (packed.len() >> 7) as u8], &packed[..]].concat();
    check_refused(EncodingId::TIGHT, &NATIVE, size, &payload, too_large);

    // Exactly as much as allowed, and one byte more; memory is bounded by that too.
    for (bytes, fits) in [(9_999, true), (10_000, true), (10_001, false), (1 << 20, false)] {
        let mut plain = Vec::new();
        let result = Inflater::default().inflate(&bomb(bytes), 10_000, &mut plain);
        assert_eq!(result, if fits { Ok(()) } else { Err(too_large) }, "{bytes}");
        assert!(plain.capacity() <= 20_002, "{}", plain.capacity());
        assert!(!fits || plain.len() == bytes);
    }
}

#[test]
fn tight_vectors() {
    let check = |format: &PixelFormat, source: &Picture, bytes: &[&[u8]]| {
        check(EncodingId::TIGHT, format, source, &bytes.concat());
    };
    let flat = Picture::new(Size::new(9, 9), 0x0011_2233);
    // TPIXEL is red, green, blue whatever the format's order; others are pixels as ever.
    for format in [NATIVE, BIG, HIGH, HIGH_BIG, BGR] {
        check(&format, &flat, &[&[0x80, 0x11, 0x22, 0x33]]);
    }
    check(&PixelFormat { depth: 32, ..NATIVE }, &flat, &[&[0x80, 0x33, 0x22, 0x11, 0]]);
    check(&RGB565_BIG, &flat, &[&[0x80, 0x11, 0x06]]);
    check(&RGB332, &Picture::new(Size::new(3, 1), C), &[&[0x80, 0xc0]]);
    // Too little to be compressed: pixels and bits.
    check(&NATIVE, &picture(&[[A, B]]), &[&[0x00, 0xff, 0, 0, 0, 0xff, 0]]);
    let row = [A, B, B, A, A, A, A, B, B];
    let [a, b] = [&[0xff, 0, 0], &[0, 0xff, 0]];
    check(&NATIVE, &picture(&[row; 2]), &[&[0x50, 1, 1], a, b, &[0x61, 0x80, 0x61, 0x80]]);
    // Twelve bytes are enough, in the three streams.
    let source = picture(&[[A, B, C, D]]);
    let plain = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
    check(&NATIVE, &source, &[&[0x00, 24], &stored(&plain)]);
    // A colour more than two has to stand for 32 pixels.
    let rows = |n: usize| vec![[A, B, C, A, A, A, A, A]; n];
    let plain = [0, 1, 2, 0, 0, 0, 0, 0].repeat(12);
    check(&NATIVE, &picture(&rows(12)), &[&[0x60, 1, 2], a, b, &[0, 0, 0xff, 108], &stored(&plain)]);
    let plain = [&a[..], b, &[0, 0, 0xff], &a.repeat(5)].concat().repeat(11);
    check(&NATIVE, &picture(&rows(11)), &[&[0x00, 0x94, 0x02], &stored(&plain)]);
    let row = [A, B, A, A, A, A, A, A];
    check(&NATIVE, &picture(&[row; 12]), &[&[0x50, 1, 1], a, b, &[24], &stored(&[0x40; 12])]);
    // With a byte a pixel, indices would save nothing.
    let plain = [0x07, 0x38, 0xc0, 0x07, 0x07, 0x07, 0x07, 0x07].repeat(12);
    check(&RGB332, &picture(&rows(12)), &[&[0x00, 108], &stored(&plain)]);
}

/// A slope with a little noise, as photographs have it.
fn photograph(size: Size, noise: u32) -> Picture {
    let mut picture = Picture::new(size, 0);
    for y in 0..size.height {
        for x in 0..size.width {
            let grain = |seed: u32| (x * 7919 + y * 104_729 + seed).wrapping_mul(0x9e37_79b1) >> 24;
            let part = |slope: u32, seed: u32| (slope + grain(seed) * noise / 256).min(255);
            let (red, green, blue) = (part(x, 1), part(y, 2), part((x + y) / 2, 3));
            picture.row_mut(y as i32, x as i32, x as i32 + 1)[0] = red << 16 | green << 8 | blue;
        }
    }
    picture
}

#[test]
fn photographs_go_as_gradients() {
    let size = Size::new(120, 60);
    let smooth = photograph(size, 12);
    for format in [NATIVE, BIG, HIGH, HIGH_BIG, BGR, PixelFormat { depth: 32, ..NATIVE }] {
        let bytes = encode(&mut Encoder::new(), EncodingId::TIGHT, &format, &smooth);
        assert_eq!(bytes[..2], [0x40, 2], "{format:?}");
        let decoded = decode(&mut Decoder::new(), EncodingId::TIGHT, &format, size, &bytes);
        assert_eq!(decoded, Ok(seen(&format, &smooth)), "{format:?}");
    }
    // Few bits, noise and letters do not.
    for (format, other) in [(RGB332, smooth.clone()), (NATIVE, photograph(size, 200))] {
        let bytes = encode(&mut Encoder::new(), EncodingId::TIGHT, &format, &other);
        assert_ne!(bytes[..2], [0x40, 2]);
        let decoded = decode(&mut Decoder::new(), EncodingId::TIGHT, &format, size, &bytes);
        assert_eq!(decoded, Ok(seen(&format, &other)));
    }
    // It is worth it.
    let mut plain = Encoder::new();
    let raw: Vec<u8> = smooth.data().iter().flat_map(|c| c.to_be_bytes()[1..].to_vec()).collect();
    let mut deflated = Vec::new();
    Deflater::default().deflate(2, &raw, &mut deflated);
    let bytes = encode(&mut plain, EncodingId::TIGHT, &NATIVE, &smooth);
    assert!(5 * bytes.len() < 4 * deflated.len(), "{} of {}", bytes.len(), deflated.len());
}

#[test]
fn tight_lengths() {
    for (bytes, length) in [
        (115, &[0x7f][..]),
        (116, &[0x80, 0x01]),
        (16_371, &[0xff, 0x7f]),
        (16_372, &[0x80, 0x80, 0x01]),
        (60_000, &[0xec, 0xd4, 0x03]),
    ] {
        // Noise of so many pixels of a byte each.
        let data = (0..bytes as u32).map(|i| i.wrapping_mul(0x9e37_79b1) >> 8 & 0x00ff_ffff).collect();
        let size = if bytes < 2048 { Size::new(bytes as u32, 1) } else { Size::new(1, bytes as u32) };
        let source = Picture::from_pixels(size, data).expect("as many pixels");
        let mut plain = Vec::new();
        Values::of(&RGB332, source.view()).data().iter().for_each(|value| plain.push(*value as u8));
        let bytes = [&[0x00], length, &stored(&plain)].concat();
        check_decodes_whole(&bytes, &seen(&RGB332, &source));
        let mut encoder = Encoder::new();
        encoder.set_compress_level(0);
        let encoded = encode(&mut encoder, EncodingId::TIGHT, &RGB332, &source);
        check_decodes_whole(&encoded, &seen(&RGB332, &source));
    }
}

/// The same without every truncation of what is long.
fn check_decodes_whole(bytes: &[u8], picture: &Picture) {
    let decoded = decode(&mut Decoder::new(), EncodingId::TIGHT, &RGB332, picture.size(), bytes);
    assert_eq!(decoded.as_ref(), Ok(picture));
}

#[test]
fn tight_decodes_what_is_not_encoded() {
    let tight = |format: &PixelFormat, bytes: &[u8], source: &Picture| {
        check_decodes(EncodingId::TIGHT, format, bytes, source);
    };
    // Indices of so little that it is not compressed.
    let palette = [0xff, 0, 0, 0, 0xff, 0, 0, 0, 0xff];
    let bytes = [&[0x60, 1, 2][..], &palette, &[0, 1, 2, 0, 0, 0, 1, 2, 0, 0]].concat();
    tight(&NATIVE, &bytes, &picture(&[[A, B, C, A, A]; 2]));
    // The filter of pixels said, in a stream that is otherwise not used.
    let plain = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
    let bytes = [&[0x70, 0, 24], &stored(&plain)[..]].concat();
    tight(&NATIVE, &bytes, &picture(&[[A, B, C, D]]));
    // A palette of one.
    tight(&RGB332, &[0x50, 1, 0, 0x07, 0x00], &Picture::new(Size::new(3, 1), A));
    // Gradients: what is left of 10, 20; 30, 250 and of 565, each with a sum that is cut.
    let source = picture(&[[0x000a_0a0a, 0x0014_1414], [0x001e_1e1e, 0x00fa_fafa]]);
    let gradient = [10, 10, 10, 10, 10, 10, 20, 20, 20, 210, 210, 210];
    let bytes = [&[0x40, 2, 24], &stored(&gradient)[..]].concat();
    tight(&NATIVE, &bytes, &source);
    tight(&HIGH_BIG, &bytes, &source);
    // Rows 31, 0; 31, 0 of blue: 31, −31; 0, and 31 + 0 − 31.
    let source = picture(&[[C, E], [C, E]]);
    tight(&RGB565, &[0x40, 2, 31, 0, 1, 0, 0, 0, 0, 0], &source);
    // Predicted 0 + 31 − 0 and then 31 + 31 − 0, cut to 31.
    let source = picture(&[[E, C], [C, C]]);
    tight(&RGB565, &[0x40, 2, 0, 0, 31, 0, 31, 0, 0, 0], &source);
}

#[test]
fn tight_streams_begin_anew() {
    let size = Size::new(4, 1);
    let plain = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
    let source = picture(&[[A, B, C, D]]);
    let first = [&[0x00, 24], &stored(&plain)[..]].concat();
    let mut rest = vec![0x00, 22];
    more_stored(&plain, &mut rest);
    let mut decoder = Decoder::new();
    let mut tight = |bytes: &[u8]| decode(&mut decoder, EncodingId::TIGHT, &NATIVE, size, bytes);
    assert_eq!(tight(&first).as_ref(), Ok(&source));
    assert_eq!(tight(&rest).as_ref(), Ok(&source));
    // A header again is right only if the stream was begun anew: here, or with one colour.
    let anew = [&[0x01], &first[1..]].concat();
    assert_eq!(tight(&anew).as_ref(), Ok(&source));
    for short in [&[0x8f, 1, 2][..], &[0x0f, 24, 0x78], &[0x5f, 1]] {
        assert!(matches!(tight(short), Err(DecodeError::TooShort { .. })));
    }
    assert_eq!(tight(&rest).as_ref(), Ok(&source));
    assert_eq!(tight(&[0x81, 255, 0, 0]), Ok(Picture::new(size, A)));
    assert_eq!(tight(&first).as_ref(), Ok(&source));
    assert!(tight(&first).is_err());
}

#[test]
fn tight_refuses() {
    let size = Size::new(4, 2);
    let refused = |format: &PixelFormat, size: Size, bytes: &[u8], error: DecodeError| {
        check_refused(EncodingId::TIGHT, format, size, bytes, error);
    };
    for how in 9..=15u8 {
        let error = DecodeError::Unknown { what: "Tight compression", value: how.into() };
        refused(&NATIVE, size, &[how << 4, 1, 2, 3], error);
    }
    refused(&NATIVE, size, &[0x40, 3], DecodeError::Unknown { what: "Tight filter", value: 3 });
    let few = DecodeError::Invalid { what: "gradient of so few bits" };
    refused(&RGB332, size, &[0x40, 2, 1, 2, 3, 4, 5, 6, 7, 8], few);
    refused(&MAPPED, size, &[0x40, 2, 1, 2, 3, 4, 5, 6, 7, 8], few);
    let beyond = DecodeError::Invalid { what: "index beyond the palette" };
    refused(&RGB332, size, &[0x40, 1, 2, 7, 7, 7, 0, 1, 2, 3, 0, 0, 0, 0], beyond);
    refused(&RGB332, size, &[0x40, 1, 0, 7, 0x10, 0x00], beyond);
    let wide = Size::new(TIGHT_MAX_WIDTH + 1, 1);
    refused(&NATIVE, wide, &[0x00], DecodeError::TooLarge { what: "Tight rectangle" });
    check_decodes(EncodingId::TIGHT, &NATIVE, &[0x80, 255, 0, 0], &Picture::new(wide, A));
    // Complete, but too short for its pixels, or too long.
    let short = [&[0x00, 23], &stored(&[1; 11])[..]].concat();
    refused(&NATIVE, Size::new(4, 1), &short, DecodeError::Invalid { what: "Tight data" });
    let long = [&[0x00, 25], &stored(&[1; 13])[..]].concat();
    refused(&NATIVE, Size::new(4, 1), &long, DecodeError::TooLarge { what: "zlib data" });
    refused(&NATIVE, Size::new(4, 1), &[0x00, 0], DecodeError::Invalid { what: "Tight data" });
}

#[test]
fn cursor_vectors() {
    // Opaque, half, nearly gone and gone.
    let source = picture(&[[0xffff_0000, 0x8000_4000, 0x7f7f_7f7f, 0x0000_0000]; 2]);
    let mut out = Vec::new();
    Encoder::new().encode(EncodingId::CURSOR, &RGB565_BIG, source.view(), &mut out);
    let row = [0xf8, 0x00, 0x04, 0x00, 0, 0, 0, 0];
    assert_eq!(out, [&row[..], &row, &[0xc0, 0xc0]].concat(), "{out:02x?}");
    let plain = picture(&[[0xffff_0000, 0xff00_8200, 0, 0]; 2]);
    check_decodes(EncodingId::CURSOR, &RGB565_BIG, &out, &plain);

    let mut out = Vec::new();
    Encoder::new().encode(EncodingId::CURSOR_WITH_ALPHA, &RGB332, source.view(), &mut out);
    let row = [0xff, 0, 0, 0xff, 0, 0x40, 0, 0x80, 0x7f, 0x7f, 0x7f, 0x7f, 0, 0, 0, 0];
    assert_eq!(out, [&[0; 4], &row[..], &row].concat(), "{out:02x?}");
    check_decodes(EncodingId::CURSOR_WITH_ALPHA, &RGB332, &out, &source);

    // A server that hides the pointer sends none.
    check_decodes(EncodingId::CURSOR, &NATIVE, &[], &Picture::default());
    check_decodes(EncodingId::CURSOR_WITH_ALPHA, &NATIVE, &[0; 4], &Picture::default());
    let large = DecodeError::TooLarge { what: "cursor" };
    check_refused(EncodingId::CURSOR, &NATIVE, Size::new(513, 1), &[], large);
    check_refused(EncodingId::CURSOR_WITH_ALPHA, &NATIVE, Size::new(1, 513), &[], large);
    let unknown = DecodeError::Unknown { what: "cursor's encoding", value: 7 };
    check_refused(EncodingId::CURSOR_WITH_ALPHA, &NATIVE, Size::new(1, 1), &[0, 0, 0, 7], unknown);
}

#[test]
fn cursors_of_two_colors() {
    let two_colored = |source: &Picture| {
        let mut out = Vec::new();
        Encoder::new().encode_two_colored_cursor(source.view(), &mut out).then_some(out)
    };
    let (a, b) = (0xff00_0000 | A, 0xff12_3456);
    let source = picture(&[[a, b, 0, 0, 0, 0, 0, 0, b], [0, a, a, 0, 0, 0, 0, 0, a]]);
    let bytes = [0xff, 0, 0, 0x12, 0x34, 0x56, 0x80, 0x00, 0x60, 0x80, 0xc0, 0x80, 0x60, 0x80];
    assert_eq!(two_colored(&source), Some(bytes.to_vec()));
    check_decodes(EncodingId::X_CURSOR, &RGB332, &bytes, &source);
    // Black is a colour, and one is enough.
    let black = picture(&[[0xff00_0000, 0]]);
    assert_eq!(two_colored(&black), Some(vec![0, 0, 0, 0, 0, 0, 0x80, 0x80]));
    check_decodes(EncodingId::X_CURSOR, &NATIVE, &[0, 0, 0, 0, 0, 0, 0x80, 0x80], &black);
    assert_eq!(two_colored(&Picture::default()), Some(vec![]));
    check_decodes(EncodingId::X_CURSOR, &NATIVE, &[], &Picture::default());
    for other in [picture(&[[a, b, 0xff00_0000 | C]]), picture(&[[a, 0x8000_4000]])] {
        assert_eq!(two_colored(&other), None);
    }
    let large = DecodeError::TooLarge { what: "cursor" };
    check_refused(EncodingId::X_CURSOR, &NATIVE, Size::new(513, 1), &[], large);
}

#[test]
fn masks_end_rows_with_a_byte() {
    let mut source = Picture::new(Size::new(9, 2), 0);
    source.fill(Rect::new(8, 0, 1, 2), 0xff00_0000 | C);
    source.fill(Rect::new(0, 1, 2, 1), 0xff00_0000 | A);
    let mut out = Vec::new();
    Encoder::new().encode(EncodingId::CURSOR, &RGB332, source.view(), &mut out);
    assert_eq!(out[18..], [0x00, 0x80, 0xc0, 0x80]);
    check_decodes(EncodingId::CURSOR, &RGB332, &out, &source);
}

#[test]
fn large_rectangles_take_no_memory_before_their_bytes() {
    let short = |encoding, bytes: &[u8]| {
        let result = decode(&mut Decoder::new(), encoding, &NATIVE, Size::new(16_384, 8_192), bytes);
        assert!(matches!(result, Err(DecodeError::TooShort { .. })), "{encoding:?}: {result:?}");
    };
    for encoding in [EncodingId::RAW, EncodingId::HEXTILE, EncodingId::TRLE] {
        short(encoding, &[0; 100]);
    }
    short(EncodingId::RRE, &[0, 0, 1, 0, 0, 0, 0, 0]);
    let half =
        decode(&mut Decoder::new(), EncodingId::ZRLE, &NATIVE, Size::new(8192, 8192), &[0, 1, 0, 0, 0]);
    assert!(matches!(half, Err(DecodeError::TooShort { .. })), "{half:?}");
    // What is inflated at once is half a screen at most, and a JPEG is what servers send.
    let large = |what| DecodeError::TooLarge { what };
    check_refused(EncodingId::ZRLE, &NATIVE, Size::new(16_384, 8192), &[0; 8], large("ZRLE rectangle"));
    for size in [Size::new(2049, 1), Size::new(2048, 2049), Size::new(16_384, 8192)] {
        let result = decode(&mut Decoder::with_jpeg(), EncodingId::TIGHT, &NATIVE, size, &[0x90, 1, 0]);
        assert_eq!(result, Err(large("Tight JPEG")), "{size:?}");
    }
    assert_eq!(MAX_SURFACE_PIXELS, 16_384 * 8_192);
    for encoding in OF_SCREENS {
        let large = DecodeError::TooLarge { what: "RFB rectangle" };
        check_refused(encoding, &NATIVE, Size::new(65_535, 65_535), &[], large);
    }
    for encoding in [EncodingId::CURSOR, EncodingId::CURSOR_WITH_ALPHA] {
        check_refused(encoding, &NATIVE, Size::new(65_535, 65_535), &[], large("cursor"));
    }
}

#[test]
fn other_encodings_are_none_of_this() {
    for id in [EncodingId::COPY_RECT, EncodingId::LAST_RECT, EncodingId(6)] {
        assert!(!ENCODINGS.contains(&id));
        assert!(encode(&mut Encoder::new(), id, &NATIVE, &Picture::new(Size::new(2, 2), A)).is_empty());
        let unknown = DecodeError::Unknown { what: "RFB encoding", value: u64::from(id.0 as u32) };
        check_refused(id, &NATIVE, Size::new(2, 2), &[0; 16], unknown);
    }
}

#[test]
fn empty_rectangles() {
    for encoding in ENCODINGS {
        for size in [Size::new(0, 0), Size::new(7, 0), Size::new(0, 7)] {
            let empty = Picture::new(size, 0);
            let bytes = encode(&mut Encoder::new(), encoding, &NATIVE, &empty);
            let decoded = decode(&mut Decoder::new(), encoding, &NATIVE, size, &bytes);
            assert_eq!(decoded.as_ref(), Ok(&empty), "{encoding:?}");
        }
    }
}

#[test]
fn values_are_what_the_format_has() {
    let source = picture(&[[0xff11_2233, 0x0011_2233, 0x0000_0000], [A, B, C]]);
    for format in FORMATS {
        let values = Values::of(&format, source.view());
        assert_eq!(values.size(), source.size());
        let plain: Vec<u32> = source.data().iter().map(|&c| format.value(c)).collect();
        assert_eq!(values.data(), plain, "{format:?}");
        assert_eq!(values.row(1), &plain[3..]);
        let part = values.crop(Rect::new(1, 0, 9, 9));
        assert_eq!((part.size(), part.row(1)), (Size::new(2, 2), &plain[4..]));
        assert_eq!(values.crop(Rect::new(3, 0, 1, 1)), Values::default());
        assert_eq!(Values::new(Size::new(2, 1), 7).data(), [7, 7]);
        assert_eq!(values.into_picture(&format, &color_map()), seen(&format, &source));
    }
}

#[test]
fn noise_is_never_much_larger_than_raw() {
    let source = noise(Size::new(130, 70), 99);
    let raw = encode(&mut Encoder::new(), EncodingId::RAW, &NATIVE, &source).len();
    let mut encoder = Encoder::new();
    for (encoding, extra) in [
        (EncodingId::HEXTILE, 9 * 5),
        (EncodingId::TRLE, 9 * 5),
        (EncodingId::ZRLE, 3 * 2 + 200),
        (EncodingId::TIGHT, 200),
    ] {
        let length = encode(&mut encoder, encoding, &NATIVE, &source).len();
        let raw = if encoding == EncodingId::HEXTILE { raw } else { raw / 4 * 3 };
        assert!(length <= raw + extra, "{encoding:?}: {length}");
    }
}

/// Numbers that look like chance.
fn random(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as u32
    }
}

fn noise(size: Size, seed: u64) -> Picture {
    let mut next = random(seed);
    let data = (0..size.area()).map(|_| next() & 0x00ff_ffff).collect();
    Picture::from_pixels(size, data).expect("as many pixels")
}

/// Noise, text in two colours, few colours, one colour, gradients, runs, and windows of all that.
fn pictures() -> impl Strategy<Value = Picture> {
    let size = prop_oneof![
        Just((1u32, 1u32)),
        (Just(1u32), 1..40u32),
        (1..40u32, Just(1u32)),
        (1..24u32, 1..24u32),
        (60..70u32, 30..40u32),
        (1..=130u32, 1..=70u32),
    ];
    (size, any::<u64>(), 0..7u8, 1..300u32).prop_map(|((width, height), seed, kind, colors)| {
        let size = Size::new(width, height);
        let mut next = random(seed);
        let palette: Vec<Color> = (0..colors).map(|_| next() & 0x00ff_ffff).collect();
        let any = |next: &mut dyn FnMut() -> u32| palette[(next() % colors) as usize];
        let (fore, back) = (any(&mut next), any(&mut next));
        let mut run = fore;
        let mut made = Picture::new(size, back);
        for (i, pixel) in made.data_mut().iter_mut().enumerate() {
            let (x, y) = (i as u32 % width, i as u32 / width);
            *pixel = match kind {
                0 => next() & 0x00ff_ffff,
                // Letters: strokes of one or two pixels, and spaces between lines.
                1 if y % 12 < 9 && (x / 2 * 7 + y / 3 * 5 + (x / 9)) % 4 == 0 => fore,
                2 => any(&mut next),
                3 => (x * 255 / width) << 16 | (y * 255 / height) << 8 | (x + y) & 255,
                4 | 5 => {
                    if next().is_multiple_of(20) {
                        run = any(&mut next);
                    }
                    run
                }
                _ => back,
            };
        }
        if kind == 5 {
            made.fill(Rect::new(2, 1, width / 2, height / 2), back);
            made.fill(Rect::new(4, 5, width / 3, height / 2), fore);
        }
        made
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn round_trips(pictures in prop::collection::vec(pictures(), 1..4), levels in any::<[u8; 3]>()) {
        for format in FORMATS {
            // One connection: streams live on, whatever was sent between and however hard zlib tries.
            let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
            for (source, level) in pictures.iter().zip(levels) {
                encoder.set_compress_level(level % 10);
                let expected = seen(&format, source);
                for encoding in OF_SCREENS {
                    let bytes = encode(&mut encoder, encoding, &format, source);
                    let decoded = decode(&mut decoder, encoding, &format, source.size(), &bytes);
                    prop_assert_eq!(decoded.as_ref(), Ok(&expected), "{:?} {:?}", encoding, format);
                }
            }
        }
    }

    #[test]
    fn bytes_may_come_slowly(
        pictures in prop::collection::vec(pictures(), 1..4),
        format in 0..FORMATS.len(),
        step in 1..400usize,
    ) {
        // Several rectangles in one stream of bytes, tried again and again from their beginnings.
        let format = FORMATS[format];
        let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
        let mut sent = Vec::new();
        let mut rects = Vec::new();
        for source in &pictures {
            for encoding in OF_SCREENS {
                encoder.encode(encoding, &format, source.view(), &mut sent);
                rects.push((encoding, source, sent.len()));
            }
        }
        let (mut here, mut start) = (0, 0);
        for (encoding, source, end) in rects {
            let decoded = loop {
                let mut r = Reader::new(&sent[start..here]);
                match decoder.decode(encoding, &format, &color_map(), source.size(), &mut r) {
                    Err(DecodeError::TooShort { .. }) => here = (here + step).min(sent.len()),
                    Ok(decoded) => {
                        start = here - r.left();
                        break decoded;
                    }
                    Err(other) => return Err(TestCaseError::fail(format!("{encoding:?}: {other}"))),
                }
            };
            prop_assert_eq!(start, end, "{:?}", encoding);
            prop_assert_eq!(decoded, seen(&format, source), "{:?}", encoding);
        }
    }

    #[test]
    fn cursors_round_trip(source in pictures(), alphas in any::<u64>(), format in 0..FORMATS.len()) {
        let format = FORMATS[format];
        let mut next = random(alphas);
        let mut cursor = source.clone();
        for pixel in cursor.data_mut() {
            *pixel = if next().is_multiple_of(3) { 0 } else { 0xff00_0000 | *pixel };
        }
        let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
        let id = EncodingId::CURSOR_WITH_ALPHA;
        let bytes = encode(&mut encoder, id, &format, &cursor);
        let decoded = decode(&mut decoder, id, &format, cursor.size(), &bytes);
        prop_assert_eq!(decoded.as_ref(), Ok(&cursor));
        let bytes = encode(&mut encoder, EncodingId::CURSOR, &format, &cursor);
        let decoded = decode(&mut decoder, EncodingId::CURSOR, &format, cursor.size(), &bytes);
        let mut expected = seen(&format, &source);
        for (pixel, from) in expected.data_mut().iter_mut().zip(cursor.data()) {
            *pixel = if *from == 0 { 0 } else { 0xff00_0000 | *pixel };
        }
        prop_assert_eq!(decoded, Ok(expected));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_at_all(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        width in 0..140u32,
        height in 0..140u32,
        format in 0..FORMATS.len(),
    ) {
        let size = Size::new(width, height);
        for encoding in ENCODINGS {
            if let Ok(made) = decode(&mut Decoder::new(), encoding, &FORMATS[format], size, &bytes) {
                prop_assert_eq!(made.size(), size);
            }
        }
        // What a stream holds can be as hostile as what is around it.
        let payload = zrle(&bytes);
        let _ = decode(&mut Decoder::new(), EncodingId::ZRLE, &FORMATS[format], size, &payload);
        let mut tight = vec![bytes.first().map_or(0, |b| b & 0x7f), width as u8 % 3, height as u8 % 4];
        tight.extend_from_slice(&bytes);
        let _ = decode(&mut Decoder::new(), EncodingId::TIGHT, &FORMATS[format], size, &tight);
    }

    #[test]
    fn a_changed_byte_is_an_error_or_a_picture(
        source in pictures(),
        encoding in 0..OF_SCREENS.len(),
        format in 0..FORMATS.len(),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let (encoding, format) = (OF_SCREENS[encoding], FORMATS[format]);
        let mut bytes = encode(&mut Encoder::new(), encoding, &format, &source);
        let at = at.index(bytes.len());
        bytes[at] = value;
        let mut decoder = Decoder::new();
        for _ in 0..2 {
            if let Ok(made) = decode(&mut decoder, encoding, &format, source.size(), &bytes) {
                prop_assert_eq!(made.size(), source.size());
            }
        }
    }

    #[test]
    fn every_truncation_waits(source in pictures(), encoding in 0..OF_SCREENS.len(), cut in any::<prop::sample::Index>()) {
        let encoding = OF_SCREENS[encoding];
        let bytes = encode(&mut Encoder::new(), encoding, &NATIVE, &source);
        let short = &bytes[..cut.index(bytes.len())];
        let result = decode(&mut Decoder::new(), encoding, &NATIVE, source.size(), short);
        let waits = matches!(result, Err(DecodeError::TooShort { .. }));
        prop_assert!(waits, "{:?}", encoding);
    }
}
