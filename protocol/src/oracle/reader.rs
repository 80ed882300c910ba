//! Numbers, lengths and texts.

use super::choices::Choices;
use crate::wire::{Reader, Writer};

/// The first byte says how many of the next choose what is read from the rest.
/// What reads must write to the bytes that were read.
///
/// # Panics
/// If it does not, or if reading goes backwards.
pub fn reader(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let count = usize::from(choices.byte_or_0());
    let mut ops = Choices(choices.take(count));
    let payload = choices.0;
    let mut r = Reader::new(payload);
    while let Some(op) = ops.byte() {
        let before = r.left();
        let mut out = Writer::new();
        // Whether what was read has one spelling only, and so must be in `out` now.
        let one_spelling = match op % 9 {
            0 => r.u8("byte").map(|v| out.u8(v)).is_ok(),
            1 => r.u32("word").map(|v| out.u32(v)).is_ok(),
            2 => r.u64("long").map(|v| out.u64(v)).is_ok(),
            3 => r.varint().map(|v| out.varint(v)).is_ok(),
            4 => r.signed().map(|v| out.signed(v)).is_ok(),
            5 => {
                let max = u64::from(ops.byte_or_0());
                let read = r.varint_max(max, "number");
                assert!(read.is_err() || read.is_ok_and(|v| v <= max));
                read.map(|v| out.varint(v)).is_ok()
            }
            6 => {
                let max = usize::from(ops.byte_or_0());
                let read = r.bytes(max, "bytes");
                assert!(read.is_err() || read.is_ok_and(|b| b.len() <= max));
                read.map(|b| out.bytes(b)).is_ok()
            }
            7 => r.text(usize::from(ops.byte_or_0()), "text").map(|t| out.text(t)).is_ok(),
            _ => {
                let (max, each) = (usize::from(ops.byte_or_0()), usize::from(ops.byte_or_0()));
                let read = r.count(max, each, "things");
                assert!(read.is_err() || read.is_ok_and(|n| n <= max && n * each <= r.left()));
                read.map(|n| out.varint(n as u64)).is_ok()
            }
        };
        assert!(r.left() <= before);
        if one_spelling {
            let end = payload.len() - r.left();
            assert_eq!(out.as_slice(), &payload[payload.len() - before..end]);
        }
    }
    assert_eq!(r.finish("payload").is_ok(), r.left() == 0);
}
