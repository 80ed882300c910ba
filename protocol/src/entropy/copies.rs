//! Copies: what goes which way (`PROTOCOL.md` section 13.12).
//!
//! Areas that move together have one vector, and lie side by side or one below the other.

use super::Coder;
use super::bit::Bit;
use super::number::{Number, Signed, Steady};
use super::recent::Recent;
use crate::draw::{Copy, CopyItem, SurfaceId};
use crate::geometry::{Point, Rect};
use crate::wire::{DecodeError, MAX_COMMAND_ITEMS, MAX_COORDINATE};

/// Models of [`Copy`].
#[derive(Debug, Clone, Default)]
pub(super) struct Copies {
    surface: Steady,
    count: Number,
    /// Where the first item goes.
    first: [Steady; 2],
    follows: Follows,
    /// Of a command's first item, and of the others.
    sizes: [Sizes; 2],
    vectors: Recent<Point, 16>,
    vector: [Signed; 2],
}

/// Models of where an item goes, by where the one before it goes.
#[derive(Debug, Clone, Default)]
struct Follows {
    /// Whether it begins in the other's row.
    beside: Bit,
    /// From the other's right side.
    gap: Signed,
    /// From the other's bottom, and from its left side.
    below: Signed,
    indent: Signed,
}

/// Models of an item's source, width and height.
#[derive(Debug, Clone, Default)]
struct Sizes {
    source: Steady,
    widths: Recent<u32, 8>,
    width: Number,
    heights: Recent<u32, 8>,
    height: Number,
}

impl Copies {
    /// Codes a command.
    ///
    /// # Errors
    ///
    /// When decoding, if there are too many items or a coordinate is beyond the limits; and
    /// those of `check`, which is asked before each item.
    pub(super) fn code<C: Coder>(
        &mut self,
        c: &mut C,
        copy: &Copy,
        check: impl Fn(&C) -> Result<(), DecodeError>,
    ) -> Result<Copy, DecodeError> {
        let surface = SurfaceId(self.surface.code(c, copy.surface.0 as i32) as u32);
        let count = self.count.code(c, copy.items.len() as u32) as usize;
        if count > MAX_COMMAND_ITEMS {
            return Err(DecodeError::TooLarge { what: "copies" });
        }
        let mut items: Vec<CopyItem> = Vec::with_capacity(count.min(1024));
        let mut last = None;
        for i in 0..count {
            check(c)?;
            let none = CopyItem { source: surface, rect: Rect::default(), to: Point::default() };
            let item = self.item(c, copy.items.get(i).unwrap_or(&none), last);
            let (rect, to) = (item.rect, item.to);
            let limit = |v: i32| v.unsigned_abs() <= MAX_COORDINATE;
            let sides = rect.width() <= MAX_COORDINATE && rect.height() <= MAX_COORDINATE;
            if !sides || ![rect.left, rect.top, to.x, to.y].into_iter().all(limit) {
                return Err(DecodeError::TooLarge { what: "coordinate" });
            }
            if rect.is_empty() {
                return Err(DecodeError::Invalid { what: "empty rectangle" });
            }
            last = Some(Rect::at(to, rect.size()));
            items.push(item);
        }
        Ok(Copy { surface, items })
    }

    /// Codes an item; `last` is where the one before it goes.
    fn item<C: Coder>(&mut self, c: &mut C, item: &CopyItem, last: Option<Rect>) -> CopyItem {
        let CopyItem { source, rect, to } = item;
        let sizes = &mut self.sizes[usize::from(last.is_some())];
        let source = SurfaceId(sizes.source.code(c, source.0 as i32) as u32);
        let vector = Point::new(to.x.saturating_sub(rect.left), to.y.saturating_sub(rect.top));
        let [dx, dy] = &mut self.vector;
        let vector = self.vectors.code(c, vector, |c, v| Point::new(dx.code(c, v.x), dy.code(c, v.y)));
        let Point { x, y } = match last {
            Some(last) => self.follows.code(c, *to, last),
            None => Point::new(self.first[0].code(c, to.x), self.first[1].code(c, to.y)),
        };
        let width = sizes.widths.code(c, rect.width(), |c, width| sizes.width.code(c, width));
        let height = sizes.heights.code(c, rect.height(), |c, height| sizes.height.code(c, height));
        let from = Point::new(x.saturating_sub(vector.x), y.saturating_sub(vector.y));
        // Sides beyond the limits are refused by the caller: none may wrap here.
        let side = |v: u32| v.min(MAX_COORDINATE + 1);
        let (width, height) = (side(width), side(height));
        let coordinate = |v: i32| v.clamp(-(MAX_COORDINATE as i32) - 1, MAX_COORDINATE as i32 + 1);
        let rect = Rect::new(coordinate(from.x), coordinate(from.y), width, height);
        CopyItem { source, rect, to: Point::new(x, y) }
    }
}

impl Follows {
    fn code<C: Coder>(&mut self, c: &mut C, to: Point, last: Rect) -> Point {
        if self.beside.code(c, to.y == last.top) {
            let gap = self.gap.code(c, to.x.saturating_sub(last.right));
            return Point::new(last.right.saturating_add(gap), last.top);
        }
        let y = last.bottom.saturating_add(self.below.code(c, to.y.saturating_sub(last.bottom)));
        Point::new(last.left.saturating_add(self.indent.code(c, to.x.saturating_sub(last.left))), y)
    }
}

#[cfg(test)]
mod tests {
    use super::super::range::{RangeDecoder, RangeEncoder};
    use super::super::vectors::stated;
    use super::*;
    use proptest::prelude::*;

    fn none() -> Copy {
        Copy { surface: SurfaceId::SCREEN, items: Vec::new() }
    }

    fn item(source: u32, rect: Rect, x: i32, y: i32) -> CopyItem {
        CopyItem { source: SurfaceId(source), rect, to: Point::new(x, y) }
    }

    fn encoded(copies: &[Copy]) -> Vec<u8> {
        let (mut c, mut models) = (RangeEncoder::default(), Copies::default());
        for copy in copies {
            models.code(&mut c, copy, |_| Ok(())).unwrap();
        }
        c.finish()
    }

    fn decoded(bytes: &[u8], count: usize) -> Result<Vec<Copy>, DecodeError> {
        let (mut c, mut models) = (RangeDecoder::new(bytes), Copies::default());
        let copies = (0..count).map(|_| models.code(&mut c, &none(), RangeDecoder::check)).collect();
        c.check()?;
        copies
    }

    #[test]
    fn what_the_specification_says() {
        // A line of text scrolls, twice; then two windows move.
        let scroll = Copy { surface: SurfaceId(3), items: vec![item(3, Rect::new(0, 15, 400, 285), 0, 0)] };
        let items =
            vec![item(0, Rect::new(10, 20, 64, 48), 17, 22), item(0, Rect::new(74, 20, 9, 48), 81, 22)];
        let windows = Copy { surface: SurfaceId(0), items };
        let copies = [scroll.clone(), scroll, windows];
        let bytes = encoded(&copies);
        assert_eq!(decoded(&bytes, 3).unwrap(), copies);
        let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
        stated(&[
            "    on 3: 3 (0, 15) 400 x 285 to (0, 0), and again; on 0: 0 (10, 20) 64 x 48 to (17, 22), 0 (74, 20) 9 x 48 to (81, 22)".into(),
            format!("    {}", hex.join(" ")),
        ]);
    }

    #[test]
    fn a_scroll_is_next_to_nothing() {
        let scroll = Copy { surface: SurfaceId(3), items: vec![item(3, Rect::new(0, 15, 400, 285), 0, 0)] };
        let bytes = |n: usize| encoded(&vec![scroll.clone(); n]).len();
        assert!(bytes(1000) - bytes(100) < 60, "{} {}", bytes(1000), bytes(100));
    }

    #[test]
    fn what_is_beyond_the_limits_is_refused() {
        let limit = MAX_COORDINATE as i32;
        let check = |item: CopyItem, is_good: bool| {
            let copy = Copy { surface: SurfaceId(1), items: vec![item] };
            let (mut c, mut models) = (RangeEncoder::default(), Copies::default());
            assert_eq!(models.code(&mut c, &copy, |_| Ok(())).is_ok(), is_good, "{copy:?}");
            assert_eq!(decoded(&c.finish(), 1).is_ok(), is_good, "{copy:?}");
        };
        check(item(1, Rect::new(limit, -limit, limit as u32, 1), -limit, limit), true);
        check(item(1, Rect::new(limit + 1, 0, 1, 1), 0, 0), false);
        check(item(1, Rect::new(0, 0, 1, 1), 0, -limit - 1), false);
        check(item(1, Rect::new(0, 0, 1, 1), i32::MAX, i32::MIN), false);
        check(item(1, Rect::new(0, 0, limit as u32 + 1, 1), 0, 0), false);
        check(item(1, Rect::new(0, 0, 0, 1), 0, 0), false);
        check(item(1, Rect::new(0, 0, 1, 0), 0, 0), false);
    }

    fn copy() -> impl Strategy<Value = Copy> {
        let item = (0..4u32, -90..900i32, -90..900i32, 1..300u32, 1..300u32, -40..400i32, -40..400i32)
            .prop_map(|(source, x, y, w, h, to_x, to_y)| item(source, Rect::new(x, y, w, h), to_x, to_y));
        (0..4u32, prop::collection::vec(item, 0..6))
            .prop_map(|(surface, items)| Copy { surface: SurfaceId(surface), items })
    }

    proptest! {
        #[test]
        fn copies_come_back(copies in prop::collection::vec(copy(), 0..12)) {
            prop_assert_eq!(decoded(&encoded(&copies), copies.len()).unwrap(), copies);
        }

        #[test]
        fn any_bytes_are_copies_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for copy in decoded(&bytes, 8).unwrap_or_default() {
                prop_assert!(copy.items.iter().all(|item| !item.rect.is_empty()));
            }
        }
    }
}
