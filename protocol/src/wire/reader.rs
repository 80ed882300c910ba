//! A cursor over received bytes that cannot panic.

use thiserror::Error;

/// Why bytes from a peer are not what they claim to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end before `what` does.
    #[error("{what} ends early: {need} bytes needed, {have} present")]
    TooShort {
        /// The field that was being read.
        what: &'static str,
        /// Bytes that the field needs.
        need: usize,
        /// Bytes that were left.
        have: usize,
    },
    /// Bytes are left behind the end of `what`.
    #[error("{extra} bytes too many behind {what}")]
    Trailing {
        /// The structure that should have ended.
        what: &'static str,
        /// Bytes left over.
        extra: usize,
    },
    /// A number or a size is beyond its limit (`wire/limits.rs`).
    #[error("{what} is larger than the limit")]
    TooLarge {
        /// The field beyond its limit.
        what: &'static str,
    },
    /// A kind, opcode or enumerator that this version does not know.
    #[error("unknown {what} {value:#x}")]
    Unknown {
        /// What was enumerated.
        what: &'static str,
        /// The number received.
        value: u64,
    },
    /// The bytes are complete but contradict themselves.
    #[error("invalid {what}")]
    Invalid {
        /// What is wrong.
        what: &'static str,
    },
}

/// Reads from the front of a slice; every failure is a [`DecodeError`].
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Where [`Reader::bytes`] takes its bytes from, if not from the rest.
    apart: Option<&'a [u8]>,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from their beginning.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, apart: None }
    }

    /// Reads `bytes`, and payloads ([`Reader::bytes`]) from `apart`.
    pub const fn with_payloads_apart(bytes: &'a [u8], apart: &'a [u8]) -> Self {
        Self { rest: bytes, apart: Some(apart) }
    }

    /// Payloads kept apart that were not read yet.
    pub fn apart(&self) -> &'a [u8] {
        self.apart.unwrap_or_default()
    }

    /// Bytes not read yet.
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything has been read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes `n` bytes.
    pub fn take(&mut self, n: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(n) {
            Some((head, tail)) => {
                self.rest = tail;
                Ok(head)
            }
            None => Err(DecodeError::TooShort { what, need: n, have: self.rest.len() }),
        }
    }

    /// Takes all that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Takes `N` bytes as an array.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, what)?);
        Ok(out)
    }

    /// One byte.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        Ok(self.take(1, what)?[0])
    }

    /// Four bytes, least significant first.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    /// Eight bytes, least significant first.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A varint (`PROTOCOL.md` section 2.1): seven bits a byte, least
    /// significant first, the high bit set on all but the last byte.
    ///
    /// Only the shortest form is accepted, so that every message has one spelling.
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for i in 0..10 {
            let byte = self.u8("varint")?;
            if i == 9 && byte > 1 {
                return Err(DecodeError::TooLarge { what: "varint" });
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                if byte == 0 && i > 0 {
                    return Err(DecodeError::Invalid { what: "varint longer than needed" });
                }
                return Ok(value);
            }
        }
        Err(DecodeError::TooLarge { what: "varint" })
    }

    /// A varint that must not exceed `max`.
    pub fn varint_max(&mut self, max: u64, what: &'static str) -> Result<u64, DecodeError> {
        let v = self.varint()?;
        if v > max { Err(DecodeError::TooLarge { what }) } else { Ok(v) }
    }

    /// A zigzag varint that fits 32 bits: 0, -1, 1, -2, … are 0, 1, 2, 3, ….
    pub fn signed(&mut self) -> Result<i32, DecodeError> {
        let v = self.varint_max(u64::from(u32::MAX), "signed varint")? as u32;
        Ok((v >> 1) as i32 ^ -((v & 1) as i32))
    }

    /// A length (varint, at most `max` and at most what is left) and that many bytes.
    pub fn bytes(&mut self, max: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let n = self.varint_max(max as u64, what)? as usize;
        let Some(apart) = self.apart else { return self.take(n, what) };
        let (payload, rest) =
            apart.split_at_checked(n).ok_or(DecodeError::TooShort { what, need: n, have: apart.len() })?;
        self.apart = Some(rest);
        Ok(payload)
    }

    /// A length in bytes and UTF-8 text.
    pub fn text(&mut self, max: usize, what: &'static str) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes(max, what)?).map_err(|_| DecodeError::Invalid { what: "utf-8 text" })
    }

    /// A count of things that take at least `min_bytes` each: checked against
    /// what is left, so that a lying count cannot make anyone allocate.
    pub fn count(&mut self, max: usize, min_bytes: usize, what: &'static str) -> Result<usize, DecodeError> {
        let n = self.varint_max(max as u64, what)? as usize;
        let need = n.saturating_mul(min_bytes);
        if need > self.left() {
            return Err(DecodeError::TooShort { what, need, have: self.left() });
        }
        Ok(n)
    }

    /// Ends the reading of `what`: anything left is an error.
    pub fn finish(&self, what: &'static str) -> Result<(), DecodeError> {
        if self.is_empty() { Ok(()) } else { Err(DecodeError::Trailing { what, extra: self.left() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Writer;
    use proptest::prelude::*;

    #[test]
    fn varint_vectors() {
        for (bytes, expected) in [
            (&[0x00][..], Ok(0)),
            (&[0x7f], Ok(127)),
            (&[0x80, 0x01], Ok(128)),
            (&[0x80, 0x00], Err(DecodeError::Invalid { what: "varint longer than needed" })),
            (&[0xff; 10], Err(DecodeError::TooLarge { what: "varint" })),
            (&[0x80], Err(DecodeError::TooShort { what: "varint", need: 1, have: 0 })),
        ] {
            assert_eq!(Reader::new(bytes).varint(), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn a_lying_count_is_refused_before_allocation() {
        let mut w = Writer::new();
        w.varint(1_000_000);
        let bytes = w.finish();
        assert!(matches!(
            Reader::new(&bytes).count(2_000_000, 2, "points"),
            Err(DecodeError::TooShort { .. })
        ));
    }

    proptest! {
        #[test]
        fn numbers_round_trip(v in any::<u64>(), s in any::<i32>()) {
            let mut w = Writer::new();
            w.varint(v);
            w.signed(s);
            let bytes = w.finish();
            let mut r = Reader::new(&bytes);
            prop_assert_eq!(r.varint(), Ok(v));
            prop_assert_eq!(r.signed(), Ok(s));
            prop_assert!(r.finish("numbers").is_ok());
        }
    }
}
