//! The compressors behind a packing, with everything they keep between calls.
//!
//! | compressor | body                                                            |
//! |------------|-----------------------------------------------------------------|
//! | None       | the packed bytes                                                |
//! | Lz4        | one LZ4 block; its unpacked size is not sent                    |
//! | Zstd       | one Zstandard frame (RFC 8878 section 3.1.1) less its first four bytes, no dictionary |
//!
//! The encoder writes Zstandard frames without checksum and content size: the
//! transport checks bytes, and the packing's layout says where it ends.

use lz4_flex::block::{self, CompressTable};
use zstd::zstd_safe::{self, CParameter};

use super::{Compressor, Effort};
use crate::wire::DecodeError;

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Below this an LZ4 block or a frame is all header.
const WORTH_TRYING: usize = 16;

/// A body of this size or more needs the hash table with 32-bit positions.
const LARGE: usize = u16::MAX as usize;

/// Zstandard's level for an effort.
const fn level(effort: Effort) -> i32 {
    match effort {
        Effort::Fast => -1,
        Effort::Balanced => 1,
        Effort::Dense => 9,
    }
}

/// Compresses bodies, reusing tables and contexts.
pub(super) struct Compress {
    small: CompressTable,
    large: CompressTable,
    zstd: Option<(i32, zstd::bulk::Compressor<'static>)>,
    /// Only ever grows; what it held before is overwritten.
    out: Vec<u8>,
}

impl Compress {
    pub(super) fn new() -> Self {
        Self { small: CompressTable::small(), large: CompressTable::large(), zstd: None, out: Vec::new() }
    }

    /// The body compressed. `None` for a body that is not worth trying, or should
    /// the compressor fail (out of memory): it is then sent as it is.
    pub(super) fn compress(&mut self, with: Compressor, effort: Effort, body: &[u8]) -> Option<&[u8]> {
        if body.len() < WORTH_TRYING { None } else { self.compress_any(with, effort, body) }
    }

    /// The same however short the body is.
    pub(super) fn compress_any(&mut self, with: Compressor, effort: Effort, body: &[u8]) -> Option<&[u8]> {
        match with {
            Compressor::None => None,
            Compressor::Lz4 => self.lz4(body),
            Compressor::Zstd => self.zstd(level(effort), body),
        }
    }

    fn lz4(&mut self, body: &[u8]) -> Option<&[u8]> {
        grow(&mut self.out, block::get_maximum_output_size(body.len()));
        let table = if body.len() < LARGE { &mut self.small } else { &mut self.large };
        let n = block::compress_into_with_table(body, &mut self.out, table).ok()?;
        Some(&self.out[..n])
    }

    fn zstd(&mut self, level: i32, body: &[u8]) -> Option<&[u8]> {
        grow(&mut self.out, zstd_safe::compress_bound(body.len()));
        let context = match &mut self.zstd {
            Some((_, context)) => context,
            slot @ None => {
                let mut context = zstd::bulk::Compressor::new(level).ok()?;
                context.set_parameter(CParameter::ContentSizeFlag(false)).ok()?;
                context.set_parameter(CParameter::ChecksumFlag(false)).ok()?;
                context.set_parameter(CParameter::DictIdFlag(false)).ok()?;
                &mut slot.insert((level, context)).1
            }
        };
        context.set_parameter(CParameter::CompressionLevel(level)).ok()?;
        let n = context.compress_to_buffer(body, &mut self.out[..]).ok()?;
        self.out[..n].strip_prefix(&ZSTD_MAGIC)
    }
}

/// Undoes [`Compress`] for hostile bodies, reusing memory.
pub(super) struct Expand {
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    frame: Vec<u8>,
    /// Only ever grows; what it held before is overwritten.
    out: Vec<u8>,
}

impl Expand {
    pub(super) const fn new() -> Self {
        Self { zstd: None, frame: Vec::new(), out: Vec::new() }
    }

    /// The body that was packed, which may not be longer than `max` bytes.
    pub(super) fn expand<'a>(
        &'a mut self,
        with: Compressor,
        body: &'a [u8],
        max: u64,
    ) -> Result<&'a [u8], DecodeError> {
        // What so many bytes can become at the very most, so that a short lie
        // about a large rectangle does not even cost the memory.
        let possible = match with {
            Compressor::None => return Ok(body),
            // A length byte stands for at most 255 bytes.
            Compressor::Lz4 => (body.len() as u64).saturating_mul(255),
            // A block is at least four bytes and becomes at most 128 KiB.
            Compressor::Zstd => (body.len() as u64 / 4).saturating_mul(128 << 10),
        };
        let Ok(max) = usize::try_from(max.min(possible)) else {
            return Err(DecodeError::TooLarge { what: "packed pixels" });
        };
        grow(&mut self.out, max);
        let n = match with {
            Compressor::Zstd => self.zstd(body, max)?,
            _ => block::decompress_into(body, &mut self.out[..max])
                .map_err(|_| DecodeError::Invalid { what: "lz4 block" })?,
        };
        Ok(&self.out[..n])
    }

    /// Bytes of the buffer for unpacked bodies.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.out.len()
    }

    fn zstd(&mut self, body: &[u8], max: usize) -> Result<usize, DecodeError> {
        const INVALID: DecodeError = DecodeError::Invalid { what: "zstd frame" };
        self.frame.clear();
        self.frame.extend_from_slice(&ZSTD_MAGIC);
        self.frame.extend_from_slice(body);
        // Zstandard would go on to further frames, and skip skippable ones.
        if zstd_safe::find_frame_compressed_size(&self.frame) != Ok(self.frame.len()) {
            return Err(INVALID);
        }
        let context = match &mut self.zstd {
            Some(context) => context,
            slot @ None => slot.insert(zstd::bulk::Decompressor::new().map_err(|_| INVALID)?),
        };
        // In one piece: no window is allocated, whatever size the frame claims.
        context.decompress_to_buffer(&self.frame, &mut self.out[..max]).map_err(|_| INVALID)
    }
}

/// Makes room for `n` bytes without clearing what will be overwritten.
fn grow(out: &mut Vec<u8>, n: usize) {
    if out.len() < n {
        out.resize(n, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies() -> [Vec<u8>; 5] {
        let noise = (0..70_000u32).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 13) as u8);
        [vec![], vec![1], vec![7; 100], noise.collect(), vec![0; 300_000]]
    }

    #[test]
    fn round_trips() {
        let (mut compress, mut expand) = (Compress::new(), Expand::new());
        for with in [Compressor::Lz4, Compressor::Zstd] {
            for effort in Effort::ALL {
                for body in bodies() {
                    let small = compress.compress_any(with, effort, &body).expect("enough memory").to_vec();
                    let max = body.len() as u64;
                    assert_eq!(expand.expand(with, &small, max), Ok(&body[..]));
                    // A bomb: a byte more than is legal.
                    assert!(body.is_empty() || expand.expand(with, &small, max - 1).is_err());
                }
            }
        }
    }

    #[test]
    fn frames_are_bare() {
        let mut compress = Compress::new();
        let frame = compress.compress_any(Compressor::Zstd, Effort::Balanced, &[7; 1000]).expect("memory");
        // Descriptor without single segment, checksum, content size and dictionary.
        assert_eq!(frame[0], 0x00);
    }

    #[test]
    fn nothing_behind_a_frame() {
        let (mut compress, mut expand) = (Compress::new(), Expand::new());
        let body = [7; 1000];
        let frame =
            compress.compress_any(Compressor::Zstd, Effort::Balanced, &body).expect("memory").to_vec();
        let refused = Err(DecodeError::Invalid { what: "zstd frame" });
        // An empty skippable frame, and the same frame once more.
        let skippable = [&frame[..], &[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]].concat();
        assert_eq!(expand.expand(Compressor::Zstd, &skippable, 1 << 20), refused);
        let twice = [&frame[..], &ZSTD_MAGIC, &frame[..]].concat();
        assert_eq!(expand.expand(Compressor::Zstd, &twice, 1 << 20), refused);
    }

    #[test]
    fn a_short_bomb_does_not_cost_the_memory() {
        let mut expand = Expand::new();
        for with in [Compressor::Lz4, Compressor::Zstd] {
            assert!(expand.expand(with, &[0; 12], 1 << 40).is_err());
            assert!(expand.out.len() <= 3 * (128 << 10));
        }
    }

    #[test]
    fn an_absurd_window_is_not_allocated() {
        let mut expand = Expand::new();
        // Window descriptor of 1 GiB, then a last block of one byte repeated five times.
        let bytes = [0x00, 0xa0, 0x03 | 5 << 3, 0, 0, 9];
        assert_eq!(expand.expand(Compressor::Zstd, &bytes, 100), Ok(&[9; 5][..]));
        assert!(expand.out.len() <= 100);
    }
}
