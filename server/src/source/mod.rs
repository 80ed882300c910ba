//! What feeds a scene and takes input: an X display, the demo desktop, a recording, a VNC server.

mod demo;
mod replay;
mod vnc;
mod x11;

use std::sync::Arc;

use panto_protocol::geometry::Size;
use panto_protocol::message::InputEvent;

use crate::capture::WindowsState;
use crate::desk::Desk;
pub use demo::DemoSource;
pub use replay::{Pace, ReplaySource};
pub use vnc::{VncConnect, VncOpened, VncSource, VncSourceError};
pub use x11::{X11Source, X11SourceError};

/// The running source behind a scene, as viewers' sessions see it. Calls return
/// quickly and may come from any thread.
pub trait Source: Send + Sync {
    /// A person did something. Events of one viewer come in order.
    fn input(&self, event: &InputEvent);

    /// Inputs that were taken and are not done yet. Whoever takes them from a peer waits while they
    /// are many: no display is as quick as a network.
    fn unhandled(&self) -> usize {
        0
    }

    /// Whether [`Source::resize`] can work at all.
    fn can_resize(&self) -> bool;

    /// Makes the screen this large, or as near as it can; the scene tells the result.
    ///
    /// # Errors
    ///
    /// A sentence for the person who asked.
    fn resize(&self, size: Size) -> Result<(), String>;

    /// Why the source has ended, once it has: the screen is gone.
    fn failure(&self) -> Option<String>;

    /// Why there is nothing new at present, of a source that tries to come back: the picture is an old one.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Whether windows are captured as surfaces, and if not, why; `None` of a source that
    /// captures nothing: the scene shows what it tells.
    fn windows(&self) -> Option<WindowsState> {
        None
    }

    /// Clipboard, lights and bell, if the source has any.
    fn desk(&self) -> Option<&Arc<Desk>> {
        None
    }
}
