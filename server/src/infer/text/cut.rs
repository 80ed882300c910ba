//! Cutting a rectangle into lines of text and what is none.

use panto_protocol::geometry::Rect;
use panto_protocol::pixel::{Color, Picture};

use super::scan::{bands, blank, columns};

/// Highest line of text that is read as one.
pub(super) const MAX_LINE: i32 = 32;

/// Blank columns that part blocks which stand side by side.
const BLOCK_GAP: i32 = 10;

/// A rectangle in parts, which together are all of it but for a frame.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Lines of text one below the other, and what is blank.
    pub lines: Vec<Rect>,
    /// What is too high for a line: it needs a closer look.
    pub blocks: Vec<Rect>,
    /// What is inside a frame.
    pub inner: Option<Rect>,
}

/// Cuts a rectangle at rows that are all background, and what is high at columns that are.
pub(super) fn cut(target: &Picture, rect: Rect, background: Color) -> Parts {
    let bands = join_dots(bands(target, rect, background));
    let mut parts = Parts::default();
    let Parts { lines, blocks, inner } = &mut parts;
    let alone = bands.len() == 1;
    let mut top = rect.top;
    for (i, &(first, last)) in bands.iter().enumerate() {
        let bottom = if i + 1 < bands.len() { last } else { rect.bottom };
        let band = Rect { top, bottom, ..rect };
        top = bottom;
        if last - first <= MAX_LINE {
            lines.push(band);
            continue;
        }
        // What is blank around the blocks has only to be filled.
        lines.extend([Rect { bottom: first, ..band }, Rect { top: last, ..band }]);
        let band = Rect { top: first, bottom: last, ..band };
        let columns = columns(target, band, background, BLOCK_GAP);
        if let [(left, right)] = columns[..]
            && alone
            && left <= rect.left + 1
            && rect.right <= right + 1
        {
            // A frame, perhaps: what does it hold?
            let inside = Rect::from_corners(rect.left + 2, first + 2, rect.right - 2, last - 2);
            *inner = (!inside.is_empty()).then_some(inside);
            continue;
        }
        let mut blank_from = band.left;
        for &(left, right) in &columns {
            lines.push(Rect { left: blank_from, right: left, ..band });
            blocks.push(Rect { left, right, ..band });
            blank_from = right;
        }
        lines.push(Rect { left: blank_from, ..band });
    }
    lines.retain(|r| !r.is_empty());
    blocks.retain(|r| !r.is_empty());
    if bands.is_empty() && blank(target, rect, background) {
        lines.push(rect);
    }
    parts
}

/// Dots and accents are apart from their letters when no letter of the line is tall.
fn join_dots(bands: Vec<(i32, i32)>) -> Vec<(i32, i32)> {
    const DOT: i32 = 4;
    const GAP: i32 = 2;
    let mut out: Vec<(i32, i32)> = Vec::with_capacity(bands.len());
    for band in bands {
        match out.last_mut() {
            Some(last)
                if band.0 - last.1 <= GAP
                    && (last.1 - last.0 <= DOT || band.1 - band.0 <= DOT)
                    && band.1 - last.0 <= MAX_LINE =>
            {
                last.1 = band.1;
            }
            _ => out.push(band),
        }
    }
    out
}
