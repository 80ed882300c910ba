//! Appends wire forms to a buffer; cannot fail.

/// A growing message.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    /// Where [`Writer::bytes`] puts what it is given, if not with the rest.
    apart: Option<Vec<u8>>,
}

impl Writer {
    /// An empty message.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), apart: None }
    }

    /// An empty message whose payloads ([`Writer::bytes`]) are kept apart: only their
    /// lengths stay in place.
    pub const fn with_payloads_apart() -> Self {
        Self { bytes: Vec::new(), apart: Some(Vec::new()) }
    }

    /// The message and the payloads that were kept apart.
    pub fn finish_apart(self) -> (Vec<u8>, Vec<u8>) {
        (self.bytes, self.apart.unwrap_or_default())
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The finished message.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// What was written so far.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// The buffer itself, for encoders that append to it.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// One byte.
    pub fn u8(&mut self, v: u8) {
        self.bytes.push(v);
    }

    /// Four bytes, least significant first.
    pub fn u32(&mut self, v: u32) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }

    /// Eight bytes, least significant first.
    pub fn u64(&mut self, v: u64) {
        self.bytes.extend_from_slice(&v.to_le_bytes());
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A varint, in its shortest form.
    pub fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.bytes.push(v as u8 | 0x80);
            v >>= 7;
        }
        self.bytes.push(v as u8);
    }

    /// A zigzag varint.
    pub fn signed(&mut self, v: i32) {
        self.varint(u64::from(((v << 1) ^ (v >> 31)) as u32));
    }

    /// A length and that many bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        match &mut self.apart {
            Some(apart) => apart.extend_from_slice(bytes),
            None => self.raw(bytes),
        }
    }

    /// UTF-8 text, cut at a character's end to at most `max` bytes: what a person reads
    /// must not break the limits that the peer holds it to.
    pub fn text_within(&mut self, text: &str, max: usize) {
        self.text(&text[..text.floor_char_boundary(max)]);
    }

    /// A length in bytes and UTF-8 text.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}
