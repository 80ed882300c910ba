//! Areas of text: joining them, keeping them apart, and painting them as a proof.

use panto_protocol::geometry::Rect;
use panto_protocol::pixel::{Color, Picture, blend};

use super::TextArea;
use super::cut::MAX_LINE;
use super::scan::blank;

/// Adds an area unless it overlaps another.
pub(super) fn push(area: TextArea, areas: &mut Vec<TextArea>) {
    if !areas.iter().any(|a| a.rect.intersects(&area.rect)) {
        areas.push(area);
    }
}

/// Lines below each other as one area, where nothing but background is added by that.
pub(super) fn joined(target: &Picture, areas: Vec<TextArea>) -> Vec<TextArea> {
    let mut out: Vec<TextArea> = Vec::with_capacity(areas.len());
    for area in areas {
        let rect = area.rect;
        let near = |other: &TextArea| {
            let both = other.rect.union(&rect);
            other.background == area.background
                && rect.top >= other.rect.bottom
                && rect.top - other.rect.bottom <= MAX_LINE
                && rect.left < other.rect.right
                && other.rect.left < rect.right
                && around(both, &other.rect, &rect).iter().all(|r| blank(target, *r, area.background))
        };
        match out.iter().rposition(near) {
            Some(i)
                if !out
                    .iter()
                    .enumerate()
                    .any(|(j, a)| j != i && a.rect.intersects(&out[i].rect.union(&rect))) =>
            {
                out[i].rect = out[i].rect.union(&rect);
                out[i].runs.extend(area.runs);
            }
            _ => out.push(area),
        }
    }
    out
}

/// What a rectangle has beyond two in it, the one above the other.
fn around(both: Rect, upper: &Rect, lower: &Rect) -> [Rect; 5] {
    [
        Rect { left: both.left, right: upper.left, ..*upper },
        Rect { left: upper.right, right: both.right, ..*upper },
        Rect { top: upper.bottom, bottom: lower.top, ..both },
        Rect { left: both.left, right: lower.left, ..*lower },
        Rect { left: lower.right, right: both.right, ..*lower },
    ]
}

/// Whether an area is the target's once it is painted.
pub(super) fn paints(area: &TextArea, target: &Picture) -> bool {
    if !target.bounds().contains_rect(&area.rect) {
        return false;
    }
    let mut painted = Picture::new(area.rect.size(), area.background);
    for run in &area.runs {
        for glyph in &run.glyphs {
            let at = glyph.at.offset(-area.rect.left, -area.rect.top);
            let place = Rect::at(at, glyph.shape.size);
            if !painted.bounds().contains_rect(&place) {
                return false;
            }
            let rows = glyph.shape.mask.chunks_exact(glyph.shape.row_bytes().max(1));
            for (y, mask) in (place.top..place.bottom).zip(rows) {
                let row = painted.row_mut(y, place.left, place.right);
                paint_row(row, mask, run.color, glyph.shape.subpixel);
            }
        }
    }
    painted.view().rows().eq(target.crop(area.rect).rows())
}

pub(super) fn paint_row(row: &mut [Color], mask: &[u8], color: Color, subpixel: bool) {
    if subpixel {
        for (p, m) in row.iter_mut().zip(mask.chunks_exact(3)) {
            *p = blend(color, *p, m[0]) & 0x0000_00ff
                | blend(color, *p, m[1]) & 0xff00_ff00
                | blend(color, *p, m[2]) & 0x00ff_0000;
        }
    } else {
        for (p, m) in row.iter_mut().zip(mask) {
            *p = blend(color, *p, *m);
        }
    }
}
