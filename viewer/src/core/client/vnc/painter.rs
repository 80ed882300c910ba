//! What a VNC server sends, put into the picture and measured. No I/O, and time is an argument.

use panto_protocol::geometry::{Rect, Region, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::client::Event;
use panto_protocol::time::Micros;

use crate::core::Latencies;

/// Rectangles that the unseen part of the picture is made of at most; more of them are kept as
/// fewer that cover more.
const MAX_UNSEEN: usize = 2048;

/// What has come so far, and how long it took.
#[derive(Debug, Default)]
pub(super) struct Painter {
    latencies: Latencies,
    /// What of the first picture has not come yet.
    unseen: Option<Region>,
    first_picture: Option<Micros>,
    updates: u64,
    rects: u64,
    /// Whether this update has changed any pixel, as far as it was asked for.
    changed: bool,
}

impl Painter {
    /// A connection has been opened, with a screen of this size.
    pub(super) fn begin(&mut self, size: Size) {
        self.latencies.reset();
        self.changed = false;
        if self.first_picture.is_none() {
            self.unseen = Some(Region::from(Rect::of_size(size)));
        }
    }

    /// An input event was sent.
    pub(super) fn input_sent(&mut self, now: Micros) {
        self.latencies.sent(now);
    }

    /// Changes the picture as the event says; the part that it may have changed.
    pub(super) fn paint(&mut self, event: &Event, picture: &mut Picture) -> Rect {
        match event {
            Event::Resized(size) => {
                picture.resize(*size, 0);
                self.changed = true;
                if let Some(unseen) = &mut self.unseen {
                    *unseen = Region::from(Rect::of_size(*size));
                }
                Rect::of_size(*size)
            }
            Event::Pixels { rect, picture: pixels, .. } => {
                self.put(*rect, pixels, picture);
                *rect
            }
            Event::Copy { from, to } => {
                let pixels = picture.crop(*from).to_picture();
                let rect = Rect::at(*to, pixels.size());
                self.put(rect, &pixels, picture);
                rect
            }
            _ => Rect::default(),
        }
    }

    fn put(&mut self, rect: Rect, pixels: &Picture, picture: &mut Picture) {
        self.rects += 1;
        // Nobody asks whether pixels differ as long as no input waits for its answer.
        if self.latencies.is_waiting() && !self.changed {
            self.changed = picture.crop(rect).rows().ne(pixels.view().rows());
        }
        picture.blit(rect.origin(), pixels.view());
        if let Some(unseen) = &mut self.unseen {
            unseen.subtract(&rect);
            unseen.simplify(MAX_UNSEEN);
        }
    }

    /// An update has ended, and is shown.
    pub(super) fn update_ended(&mut self, now: Micros) {
        self.updates += 1;
        if std::mem::take(&mut self.changed) {
            self.latencies.answered(now);
        }
        if self.unseen.as_ref().is_some_and(Region::is_empty) {
            self.unseen = None;
            self.first_picture = Some(now);
        }
    }

    /// Whether the whole picture has come.
    pub(super) fn is_whole(&self) -> bool {
        self.first_picture.is_some()
    }

    /// When it had.
    pub(super) fn first_picture(&self) -> Option<Micros> {
        self.first_picture
    }

    /// Updates so far.
    pub(super) fn updates(&self) -> u64 {
        self.updates
    }

    /// Rectangles in them.
    pub(super) fn rects(&self) -> u64 {
        self.rects
    }

    /// From inputs to changes of the picture.
    pub(super) fn latencies(&self) -> &Latencies {
        &self.latencies
    }
}

#[cfg(test)]
mod tests {
    use panto_protocol::geometry::Point;
    use panto_protocol::rfb::EncodingId;

    use super::*;

    const SIZE: Size = Size::new(8, 4);

    fn pixels(rect: Rect, color: u32) -> Event {
        Event::Pixels { rect, picture: Picture::new(rect.size(), color), encoding: EncodingId::RAW }
    }

    #[test]
    fn the_first_picture_is_there_when_every_pixel_is() {
        let (mut painter, mut picture) = (Painter::default(), Picture::new(SIZE, 0));
        painter.begin(SIZE);
        painter.paint(&pixels(Rect::new(0, 0, 8, 2), 1), &mut picture);
        painter.update_ended(Micros(5));
        assert!(!painter.is_whole());
        painter.paint(&Event::Copy { from: Rect::new(0, 0, 8, 2), to: Point::new(0, 2) }, &mut picture);
        painter.update_ended(Micros(9));
        assert_eq!(painter.first_picture(), Some(Micros(9)));
        assert_eq!(picture, Picture::new(SIZE, 1));
        assert_eq!((painter.updates(), painter.rects()), (2, 2));
    }

    #[test]
    fn only_an_update_that_changes_pixels_answers() {
        let (mut painter, mut picture) = (Painter::default(), Picture::new(SIZE, 0));
        painter.begin(SIZE);
        painter.input_sent(Micros::from_millis(10));
        painter.paint(&pixels(Rect::new(0, 0, 8, 4), 0), &mut picture);
        painter.update_ended(Micros::from_millis(20));
        assert_eq!(painter.latencies().summary(), None, "the same pixels again");
        painter.paint(&pixels(Rect::new(7, 3, 1, 1), 5), &mut picture);
        painter.paint(&pixels(Rect::new(0, 0, 1, 1), 0), &mut picture);
        painter.update_ended(Micros::from_millis(40));
        assert_eq!(painter.latencies().summary().map(|l| l.p50), Some(30.0));
        painter.paint(&pixels(Rect::new(7, 3, 1, 1), 6), &mut picture);
        painter.update_ended(Micros::from_millis(50));
        assert_eq!(painter.latencies().samples().count(), 1, "nothing was asked");
    }

    #[test]
    fn a_copy_may_overlap_itself() {
        let data = (0..32).collect();
        let (mut painter, mut picture) = (Painter::default(), Picture::from_pixels(SIZE, data).unwrap());
        painter.begin(SIZE);
        painter.paint(&Event::Copy { from: Rect::new(0, 0, 8, 3), to: Point::new(0, 1) }, &mut picture);
        let rows: Vec<u32> = picture.view().rows().map(|row| row[0]).collect();
        assert_eq!(rows, [0, 0, 8, 16]);
        painter.paint(&Event::Resized(Size::new(4, 5)), &mut picture);
        assert_eq!((picture.size(), picture.pixel(Point::new(3, 3))), (Size::new(4, 5), Some(19)));
    }
}
