//! Where two pictures differ.

use panto_protocol::geometry::{Rect, Region};
use panto_protocol::pixel::Picture;

/// Cells that are compared as a whole first. Wide, because rows are contiguous;
/// low, because text lines are.
const CELL_WIDTH: i32 = 128;
const CELL_HEIGHT: i32 = 32;

/// Pixels that may be sent in vain to save one rectangle: its own header and its
/// encoding's (palette, compressor) take about 30 bytes, as much as 250 pixels of text.
const WASTE: u64 = 256;

/// So many rectangles at most are compared with each other: it takes the square of their number.
const FEW: usize = 256;

/// Rectangles around all pixels inside `region` in which `a` and `b` differ,
/// tight and disjoint, from the top down. Both pictures have the same size.
pub fn differences(a: &Picture, b: &Picture, region: &Region) -> Vec<Rect> {
    // Joining on the way can leave rectangles that overlap; those become one.
    from_the_top(joined(walked(a, b, region), Rect::intersects))
}

/// The same for a region with holes, which cut rectangles that would have been one: those that
/// lie together become one, across what is equal.
pub fn differences_around(a: &Picture, b: &Picture, region: &Region) -> Vec<Rect> {
    let found = differences(a, b, region);
    if found.len() > FEW {
        return found;
    }
    from_the_top(joined(found, |r, rect| r.intersects(rect) || costs_little(r, rect)))
}

/// The same, but those that only meet stay apart: the two strips that a window leaves when it is moved
/// aslant are not all that they enclose.
pub fn differences_apart(a: &Picture, b: &Picture, region: &Region) -> Vec<Rect> {
    let found = walked(a, b, region);
    if found.len() > FEW {
        return from_the_top(apart(found));
    }
    from_the_top(apart(joined(found, costs_little)))
}

/// Cell by cell, from the top down; what it joins on the way can overlap.
fn walked(a: &Picture, b: &Picture, region: &Region) -> Vec<Rect> {
    let mut found: Vec<Rect> = Vec::new();
    for &rect in region.rects() {
        let rect = rect.intersection(&a.bounds()).intersection(&b.bounds());
        if !rect.is_empty() {
            differences_in(a, b, rect, &mut found);
        }
    }
    found.sort_unstable_by_key(|r| (r.top, r.left));
    found
}

fn differences_in(a: &Picture, b: &Picture, rect: Rect, found: &mut Vec<Rect>) {
    let mut top = rect.top;
    let mut above: Vec<Rect> = Vec::new();
    while top < rect.bottom {
        let bottom = (top + CELL_HEIGHT).min(rect.bottom);
        // One comparison of a whole band of rows is what makes an unchanged screen cheap.
        let unchanged =
            (top..bottom).all(|y| a.row(y, rect.left, rect.right) == b.row(y, rect.left, rect.right));
        let mut band: Vec<Rect> = Vec::new();
        if !unchanged {
            let mut left = rect.left;
            while left < rect.right {
                let right = (left + CELL_WIDTH).min(rect.right);
                if let Some(tight) = tight(a, b, Rect::from_corners(left, top, right, bottom)) {
                    match band.last_mut() {
                        Some(last) if worth_joining(last, &tight) => *last = last.union(&tight),
                        _ => band.push(tight),
                    }
                }
                left = right;
            }
        }
        // Join with what the band above left open.
        let mut open = Vec::new();
        for mut r in band {
            if let Some(i) = above.iter().position(|above| worth_joining(above, &r)) {
                r = r.union(&above.swap_remove(i));
            }
            open.push(r);
        }
        found.append(&mut above);
        above = open;
        top = bottom;
    }
    found.append(&mut above);
}

/// Neighbours on the way: large areas may take an eighth of their size with them.
fn worth_joining(a: &Rect, b: &Rect) -> bool {
    let both = a.area() + b.area();
    a.union(b).area() <= both + WASTE + both / 8
}

/// The smallest rectangle around the differences inside `cell`.
fn tight(a: &Picture, b: &Picture, cell: Rect) -> Option<Rect> {
    let differs = |y: i32| a.row(y, cell.left, cell.right) != b.row(y, cell.left, cell.right);
    let top = (cell.top..cell.bottom).find(|&y| differs(y))?;
    let bottom = (top..cell.bottom).rev().find(|&y| differs(y)).unwrap_or(top) + 1;
    let (mut left, mut right) = (cell.right, cell.left);
    for y in top..bottom {
        // Only what lies outside of what is known already.
        let (x, z) = (a.row(y, cell.left, left), b.row(y, cell.left, left));
        if x != z {
            left = cell.left + x.iter().zip(z).position(|(p, q)| p != q).unwrap_or(0) as i32;
        }
        let (x, z) = (a.row(y, right, cell.right), b.row(y, right, cell.right));
        if x != z {
            right += x.iter().zip(z).rposition(|(p, q)| p != q).map_or(0, |last| last as i32 + 1);
        }
        if (left, right) == (cell.left, cell.right) {
            break;
        }
    }
    Some(Rect::from_corners(left, top, right, bottom))
}

/// Any two: no more pixels in vain than a rectangle costs.
fn costs_little(r: &Rect, rect: &Rect) -> bool {
    r.union(rect).area() <= r.area() + rect.area() + WASTE
}

/// One of all that belong together, until no two do.
fn joined(rects: Vec<Rect>, belong: impl Fn(&Rect, &Rect) -> bool) -> Vec<Rect> {
    let mut out: Vec<Rect> = Vec::with_capacity(rects.len());
    for mut rect in rects {
        while let Some(i) = out.iter().position(|r| belong(r, &rect)) {
            rect = rect.union(&out.swap_remove(i));
        }
        out.push(rect);
    }
    out
}

/// The same pixels, each in one rectangle only.
fn apart(rects: Vec<Rect>) -> Vec<Rect> {
    let mut out: Vec<Rect> = Vec::with_capacity(rects.len());
    for rect in rects {
        let mut rest = Region::from(rect);
        out.iter().filter(|r| r.intersects(&rect)).for_each(|r| rest.subtract(r));
        out.extend(rest.rects());
    }
    out
}

fn from_the_top(mut rects: Vec<Rect>) -> Vec<Rect> {
    rects.sort_unstable_by_key(|r| (r.top, r.left));
    rects
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::geometry::Size;
    use proptest::prelude::*;

    #[test]
    fn equal_pictures_differ_nowhere() {
        let a = Picture::new(Size::new(300, 200), 5);
        assert!(differences(&a, &a.clone(), &a.bounds().into()).is_empty());
    }

    #[test]
    fn one_pixel_is_one_pixel() {
        let a = Picture::new(Size::new(300, 200), 5);
        let mut b = a.clone();
        b.fill(Rect::new(131, 77, 1, 1), 6);
        assert_eq!(differences(&a, &b, &a.bounds().into()), [Rect::new(131, 77, 1, 1)]);
    }

    #[test]
    fn a_tall_block_over_several_cells_is_one_rectangle() {
        let a = Picture::new(Size::new(600, 400), 5);
        let mut b = a.clone();
        let block = Rect::new(100, 50, 300, 200);
        b.fill(block, 6);
        assert_eq!(differences(&a, &b, &a.bounds().into()), [block]);
    }

    #[test]
    fn two_strips_that_meet_are_not_all_that_they_enclose() {
        let a = Picture::new(Size::new(900, 700), 5);
        let mut b = a.clone();
        b.fill(Rect::new(100, 100, 600, 12), 6);
        b.fill(Rect::new(100, 100, 12, 500), 6);
        let rects = differences_apart(&a, &b, &a.bounds().into());
        let area: u64 = rects.iter().map(Rect::area).sum();
        assert!(area < 2 * (600 * 12 + 500 * 12), "{rects:?}");
    }

    proptest! {
        #[test]
        fn covers_every_difference_once(
            fills in prop::collection::vec((0..300i32, 0..200i32, 1..40u32, 1..40u32), 0..12),
        ) {
            let a = Picture::new(Size::new(300, 200), 0);
            let mut b = a.clone();
            for (i, (x, y, w, h)) in fills.into_iter().enumerate() {
                b.fill(Rect::new(x, y, w, h), i as u32 + 1);
            }
            for find in [differences, differences_around, differences_apart] {
                let rects = find(&a, &b, &a.bounds().into());
                for (i, r) in rects.iter().enumerate() {
                    prop_assert!(rects[i + 1..].iter().all(|s| !s.intersects(r)));
                }
                let mut patched = a.clone();
                for r in &rects {
                    patched.blit(r.origin(), b.crop(*r));
                }
                prop_assert_eq!(&patched, &b);
            }
        }
    }
}
