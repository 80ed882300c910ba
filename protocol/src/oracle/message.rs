//! Everything but the draw commands.

use crate::message::{ClientControl, ClientHello, CursorMessage, InputEvent, ServerControl, VERSION};
use crate::wire::{Reader, Writer};

/// The first byte chooses a decoder for the rest. What decodes must encode to
/// the same bytes; cursors, whose pixels have many spellings, to the same picture.
///
/// # Panics
/// If it does not.
pub fn message(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 4 {
        0 => match ClientControl::decode(bytes) {
            // Of a hello in another version only the version is read.
            Ok(ClientControl::Hello(ClientHello { version, .. })) if version != VERSION => {}
            Ok(message) => assert_eq!(message.encode(), bytes, "{message:?}"),
            Err(_) => {}
        },
        1 => {
            if let Ok(message) = ServerControl::decode(bytes) {
                assert_eq!(message.encode(), bytes, "{message:?}");
            }
        }
        2 => {
            let (mut r, mut out) = (Reader::new(bytes), Writer::new());
            let mut read = 0;
            while let Ok(event) = InputEvent::decode(&mut r) {
                event.encode(&mut out);
                read = bytes.len() - r.left();
            }
            assert_eq!(out.as_slice(), &bytes[..read]);
        }
        _ => {
            if let Ok(message) = CursorMessage::decode(bytes) {
                let again = message.encode();
                assert_eq!(CursorMessage::decode(&again).as_ref(), Ok(&message));
                assert_eq!(message.encode(), again);
            }
        }
    }
}
