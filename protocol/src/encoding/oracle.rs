//! What must hold for any bytes at all; fuzz targets and tests call it.

use super::{Decoder, Effort, Encoder};
use crate::geometry::Size;

/// Largest side of a rectangle that the oracle tries, in pixels.
const MAX_SIDE: u32 = 80;

/// Decodes `bytes` as width, height, alpha (one byte each) and a payload. What
/// decodes must encode, with every effort, to something that decodes to the same.
///
/// # Panics
/// If it does not.
pub fn oracle(bytes: &[u8]) {
    let [width, height, alpha, payload @ ..] = bytes else { return };
    let size = Size::new(u32::from(*width) % (MAX_SIDE + 1), u32::from(*height) % (MAX_SIDE + 1));
    let alpha = alpha & 1 != 0;
    let mut decoder = Decoder::new();
    let Ok(picture) = decoder.decode(payload, size, alpha) else { return };
    assert_eq!(picture.size(), size);
    let mut encoder = Encoder::new();
    let mut out = Vec::new();
    for effort in Effort::ALL {
        out.clear();
        let encoded = match alpha {
            true => encoder.encode_argb(picture.view(), effort, &mut out),
            false => encoder.encode(picture.view(), effort, &mut out),
        };
        assert_eq!(encoded.bytes, out.len());
        assert_eq!(decoder.decode(&out, size, alpha).as_ref(), Ok(&picture), "{encoded:?}");
    }
}
