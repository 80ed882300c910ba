//! What the root shows where no window covers it: which parts of it have to be read.
//! Knows no connection.

use panto_protocol::geometry::{Rect, Region};

use super::super::rects;

/// Parts of the root that may look otherwise than the scene has them.
///
/// Under a window nobody can see the root, and what the scene has there is what was seen
/// last. When it is uncovered the server paints it anew, which may be something else.
#[derive(Debug, Default)]
pub(super) struct Background {
    unknown: Region,
}

impl Background {
    /// Something may have changed here.
    pub(super) fn doubt(&mut self, region: &Region) {
        self.unknown.add_region(region);
        self.unknown.simplify(rects::MAX_RECTS);
    }

    pub(super) fn doubt_rect(&mut self, rect: Rect) {
        self.doubt(&rect.into());
    }

    /// Whether there is anything to be read.
    pub(super) fn is_known(&self) -> bool {
        self.unknown.is_empty()
    }

    /// What is to be read now: all that is in doubt and on the screen and that no window
    /// covers. What one covers is in doubt again when it is uncovered.
    pub(super) fn take(&mut self, covered: &Region, screen: Rect) -> Region {
        let mut open = self.unknown.intersection(&screen);
        open.subtract_region(covered);
        self.unknown.clear();
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_open_is_read_and_only_once() {
        let screen = Rect::new(0, 0, 100, 100);
        let mut background = Background::default();
        assert!(background.is_known());
        background.doubt_rect(Rect::new(-10, 50, 200, 100));
        assert!(!background.is_known());
        let covered = Rect::new(0, 0, 40, 100).into();
        let open = background.take(&covered, screen);
        assert_eq!((open.area(), open.bounds()), (60 * 50, Rect::new(40, 50, 60, 50)));
        assert!(background.is_known() && background.take(&Region::new(), screen).is_empty());
    }
}
