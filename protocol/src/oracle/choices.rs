//! Decisions taken from the front of a fuzzer's bytes.

/// The bytes not used yet; when they are used up, so is the test.
#[derive(Debug, Clone)]
pub(super) struct Choices<'a>(pub(super) &'a [u8]);

impl<'a> Choices<'a> {
    /// One byte, or `None` at the end.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// One byte, 0 at the end.
    pub(super) fn byte_or_0(&mut self) -> u8 {
        self.byte().unwrap_or(0)
    }

    /// `n` bytes, or as many as are left.
    pub(super) fn take(&mut self, n: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        head
    }
}

/// Cuts `bytes` into pieces whose lengths follow from `seed`; 0 leaves them whole.
/// No bytes are no piece: a read of nothing is the end of a stream.
pub(super) fn pieces(bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    if seed == 0 && !bytes.is_empty() {
        return vec![bytes];
    }
    let mut state = u32::from(seed);
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Mostly few bytes, now and then many.
        let length = match state >> 28 {
            0 => 1 + (state >> 8 & 0xfff) as usize,
            _ => 1 + (state >> 8 & 0x7) as usize,
        };
        let (piece, after) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}
