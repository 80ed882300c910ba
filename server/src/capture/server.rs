//! The connection to an X server, and what was learnt about it.

use panto_protocol::geometry::Rect;
use x11rb::connection::RequestConnection;
use x11rb::errors::ReplyError;
use x11rb::protocol::composite::{self, ConnectionExt as _};
use x11rb::protocol::damage::{ConnectionExt as _, Damage};
use x11rb::protocol::shape;
use x11rb::protocol::xfixes::{self, ConnectionExt as _, FetchRegionReply};
use x11rb::protocol::xinput::{self, ConnectionExt as _};
use x11rb::protocol::xproto::Window;
use x11rb::rust_connection::RustConnection;

use super::CaptureError;

/// XInput 2.2 delivers raw events also while another client has grabbed the pointer.
const XI_VERSION: (u16, u16) = (2, 2);

/// A connection to one screen of an X server.
#[derive(Debug)]
pub(super) struct Server {
    pub conn: RustConnection,
    /// The screen's number.
    pub screen: usize,
    pub root: Window,
    /// Server-side region that damage is moved into.
    pub parts: xfixes::Region,
    pub has_randr: bool,
    pub has_raw_motion: bool,
    pub has_shape: bool,
}

/// Damage that was asked for.
pub(super) type Reported<'c> = x11rb::cookie::Cookie<'c, RustConnection, FetchRegionReply>;

impl Server {
    /// Takes what a damage object holds; what is drawn afterwards is reported again. So
    /// this comes before pixels are read.
    pub(super) fn take_damage(&self, damage: Damage) -> Result<Reported<'_>, CaptureError> {
        self.conn.damage_subtract(damage, x11rb::NONE, self.parts)?.ignore_error();
        Ok(self.conn.xfixes_fetch_region(self.parts)?)
    }

    /// Whether there is COMPOSITE 0.4 or newer; says that we know of it.
    pub(super) fn has_composite(&self) -> Result<bool, CaptureError> {
        if self.conn.extension_information(composite::X11_EXTENSION_NAME)?.is_none() {
            return Ok(false);
        }
        let version = self.conn.composite_query_version(0, 4)?.reply()?;
        Ok((version.major_version, version.minor_version) >= (0, 4))
    }
}

/// The rectangles of damage, in the coordinates of what was damaged.
pub(super) fn rectangles(reported: &FetchRegionReply) -> impl Iterator<Item = Rect> {
    reported.rectangles.iter().map(|r| Rect::new(r.x.into(), r.y.into(), r.width.into(), r.height.into()))
}

/// Whether the server tells every motion of the pointer.
pub(super) fn has_raw_motion(conn: &RustConnection) -> Result<bool, CaptureError> {
    if conn.extension_information(xinput::X11_EXTENSION_NAME)?.is_none() {
        return Ok(false);
    }
    match conn.xinput_xi_query_version(XI_VERSION.0, XI_VERSION.1)?.reply() {
        Ok(version) => Ok((version.major_version, version.minor_version) >= XI_VERSION),
        Err(ReplyError::X11Error(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether windows can have shapes.
pub(super) fn has_shape(conn: &RustConnection) -> Result<bool, CaptureError> {
    Ok(conn.extension_information(shape::X11_EXTENSION_NAME)?.is_some())
}
