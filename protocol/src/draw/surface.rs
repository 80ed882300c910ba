//! Surfaces: pictures that commands paint on.
//!
//! | command        | fields                                             |
//! |----------------|----------------------------------------------------|
//! | SurfaceCreate  | id varint, size, alpha u8 (0 or 1)                 |
//! | SurfaceResize  | id varint, size                                    |
//! | SurfaceDestroy | id varint                                          |
//!
//! Surface 0 is the screen's background; it exists from the start with size 0 × 0
//! and cannot be created or destroyed, only resized. New pixels are 0 (black, or
//! transparent). Resizing keeps what lies in both sizes.

use crate::canvas::{Canvas, PaintError};
use crate::geometry::Size;
use crate::wire::{DecodeError, MAX_SURFACE_PIXELS, Reader, Writer};

/// A surface's number; the sender assigns them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SurfaceId(pub u32);

/// Makes a surface (`PROTOCOL.md` section 4.14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurfaceCreate {
    /// A number not in use.
    pub id: SurfaceId,
    /// Its size.
    pub size: Size,
    /// Whether its pixels carry premultiplied alpha.
    pub alpha: bool,
}

/// Changes a surface's size (`PROTOCOL.md` section 4.15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurfaceResize {
    /// Which surface.
    pub id: SurfaceId,
    /// Its new size.
    pub size: Size,
}

/// Ends a surface (`PROTOCOL.md` section 4.16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurfaceDestroy {
    /// Which surface; no window may show it.
    pub id: SurfaceId,
}

impl SurfaceId {
    /// The screen's background; the whole screen where no windows are known.
    pub const SCREEN: SurfaceId = SurfaceId(0);

    pub(super) fn encode(self, out: &mut Writer) {
        out.varint(u64::from(self.0));
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(r.varint_max(u64::from(u32::MAX), "surface")? as u32))
    }
}

fn surface_size(r: &mut Reader<'_>) -> Result<Size, DecodeError> {
    let size = Size::decode(r)?;
    if size.area() > MAX_SURFACE_PIXELS { Err(DecodeError::TooLarge { what: "surface" }) } else { Ok(size) }
}

impl SurfaceCreate {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.id.encode(out);
        self.size.encode(out);
        out.u8(u8::from(self.alpha));
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = SurfaceId::decode(r)?;
        let size = surface_size(r)?;
        match r.u8("alpha")? {
            alpha @ (0 | 1) => Ok(Self { id, size, alpha: alpha == 1 }),
            value => Err(DecodeError::Unknown { what: "surface kind", value: value.into() }),
        }
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        self.size.area()
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        canvas.create_surface(self.id, self.size, self.alpha)
    }
}

impl SurfaceResize {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.id.encode(out);
        self.size.encode(out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { id: SurfaceId::decode(r)?, size: surface_size(r)? })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        self.size.area()
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        canvas.resize_surface(self.id, self.size)
    }
}

impl SurfaceDestroy {
    pub(super) fn encode(&self, out: &mut Writer) {
        self.id.encode(out);
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { id: SurfaceId::decode(r)? })
    }

    pub(super) fn cost(&self, _: &Canvas) -> u64 {
        0
    }

    pub(super) fn paint(&self, canvas: &mut Canvas) -> Result<(), PaintError> {
        canvas.destroy_surface(self.id)
    }
}
