//! Where the remote screen lies in the window, and which pixel is which.
//!
//! Everything is in physical pixels; the screen's own size counts, not that of
//! the transmitted picture, so that sending at half scale moves nothing.

use panto_protocol::geometry::{Point, Rect, Size};

/// How the remote screen fills the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scaling {
    /// As large as the window allows, in the screen's own proportions.
    #[default]
    Fit,
    /// The largest whole factor that fits, hence sharp; below 1 as [`Scaling::Fit`].
    Sharp,
    /// Exactly so many window pixels a side of each screen pixel, 1 to 16. A
    /// screen that is then larger than the window follows the pointer.
    Whole(u32),
}

/// The largest factor of [`Scaling::Whole`].
const MAX_FACTOR: u32 = 16;

/// Where the remote screen lies in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Layout {
    window: Size,
    screen: Size,
    /// The whole screen in window pixels; beyond the window only with [`Scaling::Whole`].
    place: Rect,
}

impl Layout {
    /// Lays `screen` out in `window`; `pan` is the pointer's place in the window.
    pub(super) fn new(window: Size, screen: Size, scaling: Scaling, pan: Point) -> Self {
        if window.is_empty() || screen.is_empty() {
            return Self { window, screen, place: Rect::default() };
        }
        let size = scaled_size(window, screen, scaling);
        let left = offset(window.width, size.width, pan.x);
        let top = offset(window.height, size.height, pan.y);
        Self { window, screen, place: Rect::at(Point::new(left, top), size) }
    }

    /// The whole screen in window pixels; empty while there is none.
    pub(super) const fn place(&self) -> Rect {
        self.place
    }

    /// Whether part of the screen is outside the window.
    pub(super) fn overflows(&self) -> bool {
        !Rect::of_size(self.window).contains_rect(&self.place)
    }

    /// The screen pixel under a window pixel; positions outside give the nearest pixel.
    pub(super) fn to_screen(self, p: Point) -> Point {
        let axis = |p: i32, start: i32, placed: u32, screen: u32| {
            if placed == 0 || screen == 0 {
                return 0;
            }
            let inside = i64::from(p) - i64::from(start);
            (inside * i64::from(screen)).div_euclid(i64::from(placed)).clamp(0, i64::from(screen) - 1) as i32
        };
        Point::new(
            axis(p.x, self.place.left, self.place.width(), self.screen.width),
            axis(p.y, self.place.top, self.place.height(), self.screen.height),
        )
    }

    /// The first window pixel of a screen pixel.
    pub(super) fn to_window(self, p: Point) -> Point {
        Point::new(
            self.place.left + scaled(p.x, self.place.width(), self.screen.width),
            self.place.top + scaled(p.y, self.place.height(), self.screen.height),
        )
    }

    /// A size on the screen in window pixels, at least 1 × 1.
    pub(super) fn size_in_window(&self, size: Size) -> Size {
        let axis = |n: u32, placed: u32, screen: u32| match screen {
            0 => n.max(1),
            _ => {
                ((u64::from(n) * u64::from(placed) + u64::from(screen) / 2) / u64::from(screen)).max(1) as u32
            }
        };
        Size::new(
            axis(size.width, self.place.width(), self.screen.width),
            axis(size.height, self.place.height(), self.screen.height),
        )
    }
}

/// The window's size for a screen that has just become known: the screen's own if
/// the monitor has room for it, else nine tenths of the monitor.
pub(super) fn first_size(screen: Size, scaling: Scaling, monitor: Size) -> Size {
    let wanted = match scaling {
        Scaling::Whole(factor) => times(screen, factor),
        Scaling::Fit | Scaling::Sharp => screen,
    };
    if monitor.is_empty() || (wanted.width <= monitor.width && wanted.height <= monitor.height) {
        return wanted;
    }
    let room = Size::new((monitor.width * 9 / 10).max(1), (monitor.height * 9 / 10).max(1));
    match scaling {
        Scaling::Whole(_) => Size::new(wanted.width.min(room.width), wanted.height.min(room.height)),
        Scaling::Fit | Scaling::Sharp => scaled_size(room, screen, Scaling::Fit),
    }
}

fn scaled_size(window: Size, screen: Size, scaling: Scaling) -> Size {
    let whole = (window.width / screen.width).min(window.height / screen.height);
    match scaling {
        Scaling::Whole(factor) => times(screen, factor),
        Scaling::Sharp if whole >= 1 => times(screen, whole),
        Scaling::Sharp | Scaling::Fit => {
            // Compare the proportions without dividing: which side is the tight one?
            let (w, h) = (u64::from(window.width), u64::from(window.height));
            let (sw, sh) = (u64::from(screen.width), u64::from(screen.height));
            if w * sh <= h * sw {
                Size::new(window.width, ((w * sh + sw / 2) / sw).clamp(1, h) as u32)
            } else {
                Size::new(((h * sw + sh / 2) / sh).clamp(1, w) as u32, window.height)
            }
        }
    }
}

fn times(size: Size, factor: u32) -> Size {
    let factor = factor.clamp(1, MAX_FACTOR);
    Size::new(size.width * factor, size.height * factor)
}

/// The first pixel of `placed` pixels in `window`: centred if there is room,
/// else sliding from end to end as the pointer does.
fn offset(window: u32, placed: u32, pointer: i32) -> i32 {
    if placed <= window {
        return ((window - placed) / 2) as i32;
    }
    let last = i64::from(window.max(2)) - 1;
    let way = i64::from(pointer).clamp(0, last);
    -(i64::from(placed - window) * way / last) as i32
}

fn scaled(n: i32, placed: u32, screen: u32) -> i32 {
    match screen {
        0 => n,
        // Rounded up, so that `to_screen` leads back to the same pixel.
        _ => -((-i64::from(n) * i64::from(placed)).div_euclid(i64::from(screen))) as i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(window: (u32, u32), screen: (u32, u32), scaling: Scaling) -> (i32, i32, u32, u32) {
        let size = |(w, h)| Size::new(w, h);
        let r = Layout::new(size(window), size(screen), scaling, Point::default()).place();
        (r.left, r.top, r.width(), r.height())
    }

    #[test]
    fn fits_with_bars() {
        assert_eq!(place((1280, 800), (1280, 800), Scaling::Fit), (0, 0, 1280, 800));
        assert_eq!(place((1280, 900), (1280, 800), Scaling::Fit), (0, 50, 1280, 800));
        assert_eq!(place((1000, 1000), (2000, 1000), Scaling::Fit), (0, 250, 1000, 500));
        assert_eq!(place((3000, 800), (640, 400), Scaling::Fit), (860, 0, 1280, 800));
        assert_eq!(place((10, 10), (32_768, 1), Scaling::Fit), (0, 4, 10, 1));
    }

    #[test]
    fn whole_factors() {
        assert_eq!(place((1300, 900), (640, 400), Scaling::Sharp), (10, 50, 1280, 800));
        assert_eq!(place((320, 400), (640, 400), Scaling::Sharp), (0, 100, 320, 200));
        assert_eq!(place((640, 400), (640, 400), Scaling::Whole(2)), (0, 0, 1280, 800));
    }

    #[test]
    fn a_large_screen_follows_the_pointer() {
        let window = Size::new(100, 50);
        let at = |x, y| Layout::new(window, Size::new(300, 50), Scaling::Whole(1), Point::new(x, y));
        assert_eq!(at(0, 0).place().left, 0);
        assert_eq!(at(99, 0).place().left, -200);
        assert_eq!(at(5000, 0).place().left, -200);
        assert_eq!(at(99, 0).to_screen(Point::new(99, 10)), Point::new(299, 10));
        assert!(at(0, 0).overflows());
    }

    #[test]
    fn positions_go_there_and_back() {
        for (window, screen) in
            [((1280, 800), (1280, 800)), ((777, 555), (1280, 800)), ((1999, 999), (640, 401))]
        {
            let l = Layout::new(
                Size::new(window.0, window.1),
                Size::new(screen.0, screen.1),
                Scaling::Fit,
                Point::default(),
            );
            for p in [Point::default(), Point::new(1, 1), Point::new(333, 222), Point::new(639, 400)] {
                let there = l.to_window(p);
                let back = l.to_screen(there);
                // Shrunk, several screen pixels share a window pixel.
                let slack = (screen.0 / window.0.min(screen.0)) as i32;
                assert!((back.x - p.x).abs() <= slack && (back.y - p.y).abs() <= slack, "{p:?} {back:?}");
            }
            assert_eq!(l.to_screen(Point::new(-50, -50)), Point::default());
            assert_eq!(
                l.to_screen(Point::new(9999, 9999)),
                Point::new(screen.0 as i32 - 1, screen.1 as i32 - 1)
            );
        }
    }

    #[test]
    fn nothing_to_show_is_no_panic() {
        let l = Layout::new(Size::new(100, 100), Size::default(), Scaling::Fit, Point::default());
        assert!(l.place().is_empty());
        assert_eq!(l.to_screen(Point::new(5, 5)), Point::default());
        assert_eq!(
            Layout::new(Size::default(), Size::new(9, 9), Scaling::Fit, Point::default()).place(),
            Rect::default()
        );
    }

    #[test]
    fn the_first_window() {
        let monitor = Size::new(1920, 1080);
        assert_eq!(first_size(Size::new(1280, 800), Scaling::Fit, monitor), Size::new(1280, 800));
        assert_eq!(first_size(Size::new(1920, 1080), Scaling::Fit, monitor), monitor);
        assert_eq!(first_size(Size::new(3840, 2160), Scaling::Fit, monitor), Size::new(1728, 972));
        assert_eq!(first_size(Size::new(640, 400), Scaling::Whole(2), monitor), Size::new(1280, 800));
        assert_eq!(first_size(Size::new(640, 400), Scaling::Fit, Size::default()), Size::new(640, 400));
    }
}
