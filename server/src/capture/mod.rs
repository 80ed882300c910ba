//! A real screen as a stream of pixels: what changed, where the pointer is and
//! what it looks like.
//!
//! Everything here is driven by the X server's own events; an idle screen costs
//! nothing. [`X11Capture`] lives on a thread of its own and hands what it reads
//! to a [`CaptureSink`].

mod connect;
mod cursor;
mod error;
mod format;
mod images;
mod input;
mod outputs;
mod pending;
mod rects;
mod server;
mod shm;
mod sink;
mod windows;
mod x11;

pub use connect::{DisplayError, connect};
pub use error::CaptureError;
pub use input::{InputWatch, ObservedInput};
pub use outputs::request_size;
pub use sink::CaptureSink;
pub use windows::{Reason, Windows, WindowsState};
pub use x11::{Wake, X11Capture};
