//! RFB: both ends of a connection, and every encoding.

mod client;
mod clipboard;
mod decoders;
mod round_trip;
mod server;

pub use client::rfb_client;
pub use clipboard::rfb_clipboard;
pub use decoders::rfb_decoders;
pub use round_trip::rfb_round_trip;
pub use server::rfb_server_messages;

use super::choices::Choices;
use crate::rfb::{PixelFormat, TrueColor};
use crate::wire::Reader;

const fn format(bits_per_pixel: u8, depth: u8, max: [u16; 3], shift: [u8; 3]) -> PixelFormat {
    PixelFormat { bits_per_pixel, depth, big_endian: false, true_color: Some(TrueColor { max, shift }) }
}

/// Formats that take different ways through the encodings, each in both orders of bytes.
const FORMATS: [PixelFormat; 7] = [
    PixelFormat::NATIVE,
    format(32, 24, [255; 3], [24, 16, 8]),
    format(32, 30, [1023; 3], [20, 10, 0]),
    format(16, 16, [31, 63, 31], [11, 5, 0]),
    format(16, 15, [31; 3], [0, 5, 10]),
    format(8, 8, [7, 7, 3], [0, 3, 6]),
    PixelFormat { bits_per_pixel: 8, depth: 8, big_endian: false, true_color: None },
];

/// One byte chooses a format: one of those above, or 16 bytes of the fuzzer's own that are sound.
fn any_format(choices: &mut Choices<'_>) -> PixelFormat {
    let choice = choices.byte_or_0();
    if choice == u8::MAX {
        let bytes = choices.take(16);
        return PixelFormat::decode(&mut Reader::new(bytes)).unwrap_or(PixelFormat::NATIVE);
    }
    let format = FORMATS[usize::from(choice & 0x7f) % FORMATS.len()];
    PixelFormat { big_endian: choice & 0x80 != 0, ..format }
}
