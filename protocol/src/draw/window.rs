//! Windows: surfaces placed on the screen, in stacking order.
//!
//! | command       | fields                                                      |
//! |---------------|-------------------------------------------------------------|
//! | WindowCreate  | id varint, surface varint, position; on top, not mapped     |
//! | WindowMove    | id varint, position                                         |
//! | WindowStack   | id varint, index varint: 0 is the lowest                    |
//! | WindowMap     | id varint, mapped u8 (0 or 1)                               |
//! | WindowDestroy | id varint                                                   |

use super::SurfaceId;
use crate::canvas::{Canvas, PaintError};
use crate::geometry::Point;
use crate::wire::{DecodeError, MAX_WINDOWS, Reader, Writer};

/// A window's number; the sender assigns them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WindowId(pub u32);

/// Makes a window, on top of the others and not yet mapped (`PROTOCOL.md` section 4.17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowCreate {
    /// A number not in use.
    pub id: WindowId,
    /// What it shows.
    pub surface: SurfaceId,
    /// Screen position of the surface's first pixel.
    pub position: Point,
}

/// Moves a window (`PROTOCOL.md` section 4.18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowMove {
    /// Which window.
    pub id: WindowId,
    /// Screen position of the surface's first pixel.
    pub position: Point,
}

/// Changes the stacking order (`PROTOCOL.md` section 4.19).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowStack {
    /// Which window.
    pub id: WindowId,
    /// Its new place, counted from the lowest among all windows; beyond the end is the top.
    pub index: u32,
}

/// Shows or hides a window (`PROTOCOL.md` section 4.20).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowMap {
    /// Which window.
    pub id: WindowId,
    /// Shown or hidden.
    pub mapped: bool,
}

/// Ends a window; its surface stays (`PROTOCOL.md` section 4.21).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowDestroy {
    /// Which window.
    pub id: WindowId,
}

impl WindowId {
    fn encode(self, out: &mut Writer) {
        out.varint(u64::from(self.0));
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(r.varint_max(u64::from(u32::MAX), "window")? as u32))
    }
}

impl WindowCreate {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.id.encode(out);
        self.surface.encode(out);
        self.position.encode(out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { id: WindowId::decode(r)?, surface: SurfaceId::decode(r)?, position: Point::decode(r)? })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        1
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        canvas.create_window(self.id, self.surface, self.position)
    }
}

impl WindowMove {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.id.encode(out);
        self.position.encode(out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { id: WindowId::decode(r)?, position: Point::decode(r)? })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        1
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        canvas.change_window(self.id, |w| w.position = self.position)
    }
}

impl WindowStack {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.id.encode(out);
        out.varint(u64::from(self.index));
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = WindowId::decode(r)?;
        Ok(Self { id, index: r.varint_max(MAX_WINDOWS as u64, "stack index")? as u32 })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        1
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        canvas.stack_window(self.id, self.index as usize)
    }
}

impl WindowMap {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.id.encode(out);
        out.u8(u8::from(self.mapped));
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = WindowId::decode(r)?;
        match r.u8("mapped")? {
            mapped @ (0 | 1) => Ok(Self { id, mapped: mapped == 1 }),
            _ => Err(DecodeError::Invalid { what: "mapped" }),
        }
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        1
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        canvas.change_window(self.id, |w| w.mapped = self.mapped)
    }
}

impl WindowDestroy {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.id.encode(out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { id: WindowId::decode(r)? })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        1
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        canvas.destroy_window(self.id)
    }
}
