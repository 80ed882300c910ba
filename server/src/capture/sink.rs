//! Where captured pixels go.

use panto_protocol::canvas::{CursorImage, PaintError};
use panto_protocol::draw::{DrawCommand, SurfaceId};
use panto_protocol::geometry::{Point, Size};
use panto_protocol::pixel::Pixels;

/// Takes what a capture reads from the screen, in this order within one grab:
/// size, surfaces and windows, pixels, cursor, pointer.
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

    /// Surfaces and windows changed. Only a capture with windows
    /// ([`super::X11Capture::open_windows`]) tells this.
    ///
    /// # Errors
    ///
    /// If a limit of what can be shown is exceeded; the capture goes on without windows.
    fn draw(&mut self, command: DrawCommand) -> Result<(), PaintError> {
        let _ = command;
        Ok(())
    }

    /// These pixels are on `surface` now: a window's, or with [`SurfaceId::SCREEN`] those
    /// that the root shows where no window covers it. They may be unchanged. On a surface
    /// with alpha they are premultiplied, else the top byte of each is 0. Only a capture
    /// with windows tells this.
    fn surface_pixels(&mut self, surface: SurfaceId, at: Point, src: Pixels<'_>) {
        let _ = (surface, at, src);
    }
}
