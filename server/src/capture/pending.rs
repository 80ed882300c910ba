//! What the next grab has to look at, gathered from events.

use x11rb::protocol::Event;
use x11rb::protocol::damage::Damage;
use x11rb::protocol::xproto::Window;

use super::CaptureError;

/// What the next grab has to look at.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The root's damage object has something.
    pub damage: bool,
    /// Every pixel, whatever the damage object says.
    pub everything: bool,
    pub layout: bool,
    pub cursor: bool,
    pub pointer: bool,
    /// A compositing manager came or went.
    pub compositor: bool,
    /// The server refused an image.
    pub refused: Option<CaptureError>,
    /// The root's damage object; `None` while paused.
    pub root_damage: Option<Damage>,
}

impl Pending {
    /// All there is.
    pub(super) fn all() -> Self {
        Self { damage: true, everything: true, layout: true, cursor: true, pointer: true, ..Self::default() }
    }

    /// Whether there is anything.
    pub(super) fn any(&self) -> bool {
        self.damage || self.everything || self.layout || self.cursor || self.pointer || self.compositor
    }

    /// Takes in an event about the screen with this root.
    pub(super) fn note(&mut self, event: &Event, root: Window) {
        match event {
            // A notify from a damage object that a pause has destroyed says nothing.
            Event::DamageNotify(e) if self.root_damage == Some(e.damage) => self.damage = true,
            Event::XfixesCursorNotify(_) => self.cursor = true,
            Event::XfixesSelectionNotify(_) => self.compositor = true,
            Event::XinputRawMotion(_) => self.pointer = true,
            Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) => self.layout = true,
            Event::ConfigureNotify(e) if e.window == root => self.layout = true,
            Event::Error(error) => tracing::debug!(?error, "the X server refused a request"),
            _ => {}
        }
    }
}
