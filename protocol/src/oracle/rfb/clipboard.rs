//! The extended clipboard: what is compressed, and what says how much it will be.

use flate2::{Compress, Compression, FlushCompress};

use crate::rfb::{ClientMessage, Clipboard, MAX_CUT_TEXT};
use crate::wire::{DecodeError, Reader, Writer};

/// PROVIDE with text, in the flags.
const PROVIDE_TEXT: [u8; 4] = [0x10, 0, 0, 1];

/// The first byte says what the rest is: a message as it is, what zlib hides in one, or a text.
///
/// What decodes keeps its limit and encodes to what decodes to the same; nothing waits for more than
/// the length has said; every text comes through.
///
/// # Panics
/// If not.
pub fn rfb_clipboard(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 4 {
        0 => check(bytes),
        1 => check(&[&PROVIDE_TEXT[..], &deflated(bytes, kind >> 4)].concat()),
        // Many times the same, so that little becomes much.
        2 => {
            let times = 1usize << (kind >> 3).min(16);
            let plain = bytes.repeat((times / bytes.len().max(1)).max(1));
            let size = (plain.len() as u32).to_be_bytes();
            check(&[&PROVIDE_TEXT[..], &deflated(&[&size[..], &plain].concat(), 9)].concat());
        }
        _ => {
            let message = ClientMessage::Clipboard(Clipboard::Provide(Some(text(bytes))));
            assert_eq!(decode(&encode(&message)), Ok(message));
        }
    }
}

fn check(body: &[u8]) {
    let length = (body.len() as i32).wrapping_neg().to_be_bytes();
    let bytes = [&[6, 0, 0, 0][..], &length, body].concat();
    // No length at all is an old clipboard that is empty.
    match decode(&bytes) {
        Ok(message) => {
            if let ClientMessage::Clipboard(Clipboard::Provide(Some(text))) = &message {
                assert!(text.len() <= MAX_CUT_TEXT, "{} bytes", text.len());
            }
            assert_eq!(decode(&encode(&message)), Ok(message));
        }
        Err(error) => assert!(!matches!(error, DecodeError::TooShort { .. }), "all of it is there"),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn decode(bytes: &[u8]) -> Result<ClientMessage, DecodeError> {
    let mut r = Reader::new(bytes);
    let message = ClientMessage::decode(&mut r)?;
    assert!(r.is_empty());
    Ok(message)
}

fn encode(message: &ClientMessage) -> Vec<u8> {
    let mut out = Writer::default();
    message.encode(&mut out);
    out.finish()
}

fn deflated(plain: &[u8], level: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(plain.len() + plain.len() / 100 + 256);
    let mut stream = Compress::new(Compression::new(u32::from(level % 10)), true);
    // The room is enough for what cannot be compressed.
    stream.compress_vec(plain, &mut out, FlushCompress::Finish).expect("a sound compressor");
    out
}
