//! Draw commands as an entropy-coded stream (`PROTOCOL.md` section 13).
//!
//! Every decision of the coded form is a bit with a probability that both ends derive
//! from what was coded before, by integer arithmetic alone; a range coder turns
//! probabilities into bytes. What is learned lasts as long as the session, and each
//! frame ends on a whole byte, so that a predictable command costs a fraction of a bit
//! and a frame can be sent at once.
//!
//! ```text
//!   DrawCommand ─► commands ─► text · shape · pixels · bytes ─► Bit, Mixer ─► range coder
//! ```
//!
//! Each model is written once, for a [`Coder`]: encoding, decoding and weighing run the
//! same lines.

mod area;
mod bit;
mod bytes;
mod commands;
mod copies;
mod log2;
mod lossy;
mod mixer;
mod number;
mod pixels;
mod range;
mod recent;
mod shape;
mod symbol;
mod text;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

pub use commands::{CommandModels, StreamDecoder, StreamEncoder};
pub use log2::log2;
pub use range::Weight;

/// Where coded decisions go to, or come from.
trait Coder {
    /// Whether models learn from what is coded.
    const LEARNS: bool;

    /// Whether outcomes come from the coder: what it is given does not matter.
    const READS: bool = false;

    /// Codes one bit of which `p / 65536` says how likely it is a 1 (`0 < p < 65536`).
    /// An encoder takes `bit` and returns it; a decoder returns what was encoded.
    fn code(&mut self, bit: bool, p: u32) -> bool;

    /// Codes a number of `count` bits (at most 16) of which nothing is known, in one step.
    fn raw(&mut self, value: u32, count: u32) -> u32;

    /// Codes one of 16 symbols; `below` are the probabilities of those before each, in 32768 parts.
    fn among(&mut self, below: &[i16; 16], symbol: usize) -> usize;

    /// The lowest `count` bits of a number of which nothing is known.
    fn literal(&mut self, value: u32, count: u32) -> u32 {
        match count {
            ..=16 => self.raw(value & ((1 << count) - 1), count),
            _ => self.literal(value >> 16, count - 16) << 16 | self.raw(value & 0xffff, 16),
        }
    }
}

/// A well mixed number of any two.
fn hash(a: u32, b: u32) -> u32 {
    let x = (u64::from(a) << 32 | u64::from(b)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (x >> 32) as u32 ^ (x as u32 >> 15)
}
