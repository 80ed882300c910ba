//! The shapes that are known, and finding one that makes given pixels.

use std::collections::HashMap;
use std::sync::Arc;

use panto_protocol::draw::Coverage;
use panto_protocol::geometry::Size;
use panto_protocol::pixel::Pixels;

use super::ink::Ink;

/// Shapes of one size that are kept; the ones used last.
const MAX_OF_SIZE: usize = 256;

/// Shapes kept in all. A session with more of them shows no text.
const MAX_SHAPES: usize = 16_384;

/// Shapes by size, those used last first.
#[derive(Debug, Clone, Default)]
pub(super) struct Shapes {
    by_size: HashMap<Size, Vec<Arc<Coverage>>>,
    count: usize,
}

impl Shapes {
    /// A known shape that makes exactly these pixels in that ink.
    pub(super) fn find(&mut self, pixels: Pixels<'_>, ink: &Ink) -> Option<Arc<Coverage>> {
        let same_size = self.by_size.get_mut(&pixels.size())?;
        let i = same_size.iter().position(|shape| makes(shape, pixels, ink))?;
        same_size[..=i].rotate_right(1);
        Some(same_size[0].clone())
    }

    /// Whether any known shape has that size.
    pub(super) fn has_size(&self, size: Size) -> bool {
        self.by_size.contains_key(&size)
    }

    pub(super) fn add(&mut self, shape: Arc<Coverage>) {
        if self.count >= MAX_SHAPES {
            *self = Self::default();
        }
        let same_size = self.by_size.entry(shape.size).or_default();
        if let Some(i) = same_size.iter().position(|s| *s == shape) {
            same_size[..=i].rotate_right(1);
            return;
        }
        if same_size.len() >= MAX_OF_SIZE {
            same_size.pop();
            self.count -= 1;
        }
        same_size.insert(0, shape);
        self.count += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Takes over all shapes of another.
    pub(super) fn absorb(&mut self, other: Self) {
        for shape in other.by_size.into_values().flatten() {
            self.add(shape);
        }
    }
}

fn makes(shape: &Coverage, pixels: Pixels<'_>, ink: &Ink) -> bool {
    let mut rows = pixels.rows().zip(shape.mask.chunks_exact(shape.row_bytes().max(1)));
    if shape.subpixel {
        rows.all(|(row, mask)| {
            let mut both = row.iter().zip(mask.chunks_exact(3));
            both.all(|(p, m)| ink.paint_channels([m[0], m[1], m[2]]) == *p)
        })
    } else {
        rows.all(|(row, mask)| row.iter().zip(mask).all(|(p, m)| ink.paint(*m) == *p))
    }
}

/// The shape that makes these pixels in that ink, if one coverage for all channels does.
pub(super) fn grey(pixels: Pixels<'_>, ink: &Ink) -> Option<Coverage> {
    let mask = pixels.iter().map(|p| ink.coverage(p)).collect::<Option<Vec<u8>>>()?;
    Some(Coverage { size: pixels.size(), subpixel: false, mask })
}

/// The shape that makes these pixels in that ink with a coverage for each channel.
pub(super) fn subpixel(pixels: Pixels<'_>, ink: &Ink) -> Option<Coverage> {
    let mut mask = Vec::with_capacity(pixels.size().area() as usize * 3);
    for p in pixels.iter() {
        mask.extend(ink.coverage_channels(p)?);
    }
    Some(Coverage { size: pixels.size(), subpixel: true, mask })
}
