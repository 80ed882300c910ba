//! Where captured pixels go.

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Size};
use panto_protocol::pixel::Pixels;

/// Takes what a capture reads from the screen, in this order within one grab:
/// size, pixels, cursor, pointer.
pub trait CaptureSink {
    /// The screen has this size from now on. All of its pixels follow.
    fn resize(&mut self, size: Size);

    /// These pixels are on the screen now, their first one at `at`. They may be
    /// unchanged. The top byte of each is 0.
    fn pixels(&mut self, at: Point, src: Pixels<'_>);

    /// The pointer moved to `position`.
    fn pointer(&mut self, position: Point);

    /// The pointer's picture changed.
    fn cursor(&mut self, image: CursorImage);
}
