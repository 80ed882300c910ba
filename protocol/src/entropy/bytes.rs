//! Commands without a model of their own: their plain fields, byte by byte, each in the
//! context of its place and of what the last command of its kind had there.

use super::mixer::Mixer;
use super::number::Steady;
use super::{Coder, hash};
use crate::wire::{DecodeError, MAX_MESSAGE};

/// Contexts of a byte.
const CONTEXTS: usize = 4;

/// Models of plain fields.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    kinds: Vec<Kind>,
    mixer: Mixer<CONTEXTS>,
}

/// What is remembered of one kind of command.
#[derive(Debug, Clone, Default)]
struct Kind {
    length: Steady,
    last: Vec<u8>,
}

impl Default for Fields {
    fn default() -> Self {
        Self { kinds: vec![Kind::default(); 256], mixer: Mixer::new(16, 4) }
    }
}

impl Fields {
    /// Codes the plain fields of a command with this opcode.
    ///
    /// # Errors
    ///
    /// When decoding, if there are too many; the caller must check the coder meanwhile
    /// by `check`, or lying lengths would read zeros without end.
    pub(super) fn code<C: Coder>(
        &mut self,
        c: &mut C,
        op: u8,
        fields: &[u8],
        check: impl Fn(&C) -> Result<(), DecodeError>,
    ) -> Result<Vec<u8>, DecodeError> {
        let kind = &mut self.kinds[usize::from(op)];
        let length = kind.length.code(c, fields.len().min(MAX_MESSAGE) as i32);
        let Some(length) = usize::try_from(length).ok().filter(|n| *n <= MAX_MESSAGE) else {
            return Err(DecodeError::TooLarge { what: "fields of a command" });
        };
        let mut out: Vec<u8> = Vec::with_capacity(length.min(1024));
        let mut same = true;
        for i in 0..length {
            let before = |n: usize| i.checked_sub(n).map_or(0, |i| u32::from(out[i]));
            let last = kind.last.get(i).map_or(256, |b| u32::from(*b));
            let place = u32::from(op) << 8 | (i as u32).min(255);
            let contexts = [
                hash(place, last << 1 | u32::from(same)),
                hash(place, before(1) << 9 | last),
                hash(u32::from(op), before(1) << 16 | before(2) << 8 | before(3)),
                place,
            ];
            let set = usize::from(same) << 1 | usize::from(i < 24);
            let byte = fields.get(i).copied().unwrap_or(0);
            let mut node = 1;
            for shift in (0..8).rev() {
                let here = contexts.map(|context| hash(context, node));
                let bit = self.mixer.code(c, here, set, byte >> shift & 1 == 1);
                node = node << 1 | u32::from(bit);
            }
            same &= node & 255 == last;
            out.push(node as u8);
            if i & 63 == 63 {
                check(c)?;
            }
        }
        if C::LEARNS {
            kind.last.clone_from(&out);
        }
        Ok(out)
    }
}
