//! What a viewer kept from earlier sessions with the same server (`PROTOCOL.md` section 5.1).

use crate::canvas::ContentHash;
use crate::wire::{DecodeError, MAX_OFFERED_GLYPHS, MAX_OFFERED_TILES, Reader, Writer};

/// Glyphs and tiles that may be recalled by their place in these lists. Part of the hello,
/// so that it is there before the first frame.
///
/// | field  | wire                | meaning                                   |
/// |--------|---------------------|-------------------------------------------|
/// | glyphs | count, 8 bytes each | hashes of shapes                          |
/// | tiles  | count, 8 bytes each | hashes of tiles                           |
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    /// Shapes; at most [`MAX_OFFERED_GLYPHS`].
    pub glyphs: Vec<ContentHash>,
    /// Tiles; at most [`MAX_OFFERED_TILES`].
    pub tiles: Vec<ContentHash>,
}

impl Offer {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.glyphs.is_empty() && self.tiles.is_empty()
    }

    /// Leaves out entries from the end, tiles first, until it is shorter by so many bytes.
    pub(crate) fn shorten(&mut self, bytes: usize) {
        let entries = bytes.div_ceil(8);
        let tiles = self.tiles.len().saturating_sub(entries);
        let glyphs = self.glyphs.len().saturating_sub(entries - (self.tiles.len() - tiles));
        self.tiles.truncate(tiles);
        self.glyphs.truncate(glyphs);
    }

    pub(super) fn encode(&self, out: &mut Writer) {
        for list in [&self.glyphs, &self.tiles] {
            out.varint(list.len() as u64);
            for hash in list {
                out.u64(hash.0);
            }
        }
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut list = |max, what| {
            let n = r.count(max, 8, what)?;
            (0..n).map(|_| Ok(ContentHash(r.u64(what)?))).collect::<Result<Vec<_>, DecodeError>>()
        };
        let glyphs = list(MAX_OFFERED_GLYPHS, "offered glyphs")?;
        Ok(Self { glyphs, tiles: list(MAX_OFFERED_TILES, "offered tiles")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(glyphs: u64, tiles: u64) -> Offer {
        Offer {
            glyphs: (0..glyphs).map(ContentHash).collect(),
            tiles: (0..tiles).map(|n| ContentHash(!n)).collect(),
        }
    }

    fn wire(offer: &Offer) -> Vec<u8> {
        let mut out = Writer::new();
        offer.encode(&mut out);
        out.finish()
    }

    #[test]
    fn comes_back_whole_or_not_at_all() {
        let most = offer(MAX_OFFERED_GLYPHS as u64, MAX_OFFERED_TILES as u64);
        for offer in [Offer::default(), offer(2, 0), offer(0, 1), most] {
            let bytes = wire(&offer);
            let r = &mut Reader::new(&bytes);
            assert_eq!((Offer::decode(r), r.is_empty()), (Ok(offer), true));
            for end in 0..bytes.len() {
                assert!(Offer::decode(&mut Reader::new(&bytes[..end])).is_err(), "{end}");
            }
        }
        for beyond in [offer(MAX_OFFERED_GLYPHS as u64 + 1, 0), offer(0, MAX_OFFERED_TILES as u64 + 1)] {
            assert!(Offer::decode(&mut Reader::new(&wire(&beyond))).is_err());
        }
    }

    #[test]
    fn is_shortened_from_its_end() {
        for (bytes, glyphs, tiles) in
            [(0, 9, 4), (1, 9, 3), (8, 9, 3), (9, 9, 2), (32, 9, 0), (33, 8, 0), (999, 0, 0)]
        {
            let mut shorter = offer(9, 4);
            shorter.shorten(bytes);
            assert_eq!(shorter, offer(glyphs, tiles), "{bytes}");
        }
    }
}
