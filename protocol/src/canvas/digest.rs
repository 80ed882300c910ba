//! A digest that proves two pictures equal (`PROTOCOL.md` section 5.5).

use xxhash_rust::xxh3::Xxh3;

use crate::pixel::Pixels;

/// XXH3-128 of width and height (`u32`, little endian) and every pixel
/// (`0x00RRGGBB`, little endian), row by row.
///
/// It guards against mistakes, not against forgery: who can forge a digest can
/// send wrong pixels as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Digest(pub u128);

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The digest of a picture.
pub fn digest(pixels: Pixels<'_>) -> Digest {
    let mut hasher = Xxh3::new();
    hasher.update(&pixels.size().width.to_le_bytes());
    hasher.update(&pixels.size().height.to_le_bytes());
    let mut bytes = Vec::new();
    for row in pixels.rows() {
        bytes.clear();
        bytes.extend(row.iter().flat_map(|p| p.to_le_bytes()));
        hasher.update(&bytes);
    }
    Digest(hasher.digest128())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::pixel::Picture;

    #[test]
    fn shape_and_every_pixel_count() {
        let base = Picture::new(Size::new(4, 2), 7);
        let mut changed = base.clone();
        changed.data_mut()[7] ^= 1;
        let turned = Picture::new(Size::new(2, 4), 7);
        let all = [&base, &changed, &turned].map(|p| digest(p.view()));
        assert_ne!(all[0], all[1]);
        assert_ne!(all[0], all[2]);
        assert_eq!(all[0], digest(base.clone().view()));
    }
}
