//! The connection to an X server, and what was learnt about it.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use panto_protocol::geometry::Rect;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::composite::{self, ConnectionExt as _};
use x11rb::protocol::damage::{self, ConnectionExt as _, Damage};
use x11rb::protocol::randr::{ConnectionExt as _, NotifyMask};
use x11rb::protocol::shape;
use x11rb::protocol::xfixes::{
    self, ConnectionExt as _, CursorNotifyMask, FetchRegionReply, SelectionEventMask,
};
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};
use x11rb::protocol::xproto::{Atom, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, Window};
use x11rb::rust_connection::RustConnection;

use super::format::PixelFormat;
use super::{CaptureError, connect, outputs};

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
    /// Connects to `display`, or to `$DISPLAY` without one. Also returns how the root
    /// window's pixels lie in images.
    pub(super) fn open(display: Option<&str>) -> Result<(Self, PixelFormat), CaptureError> {
        let (conn, number) = connect(display)?;
        let missing = |extension, need| {
            let display = display.map_or_else(|| std::env::var("DISPLAY").unwrap_or_default(), str::to_owned);
            CaptureError::Missing { display, extension, need }
        };
        if conn.extension_information(xfixes::X11_EXTENSION_NAME)?.is_none() {
            return Err(missing("XFIXES", "2.0"));
        }
        if conn.extension_information(damage::X11_EXTENSION_NAME)?.is_none() {
            return Err(missing("DAMAGE", "1.0"));
        }
        // The server refuses these extensions' requests until it was told a version.
        let xfixes = conn.xfixes_query_version(4, 0)?;
        let damage = conn.damage_query_version(1, 1)?;
        if xfixes.reply()?.major_version < 2 {
            return Err(missing("XFIXES", "2.0"));
        }
        damage.reply()?;

        let setup = conn.setup();
        let screen =
            setup.roots.get(number).ok_or(CaptureError::Nonsense { what: "there is no such screen" })?;
        let root = screen.root;
        let format = PixelFormat::of(setup, screen)?;
        let parts = conn.generate_id()?;
        conn.xfixes_create_region(parts, &[])?.check()?;
        let server = Self {
            screen: number,
            root,
            parts,
            has_randr: outputs::version(&conn)? >= (1, 2),
            has_raw_motion: has_raw_motion(&conn)?,
            has_shape: conn.extension_information(shape::X11_EXTENSION_NAME)?.is_some(),
            conn,
        };
        Ok((server, format))
    }

    /// Asks for every kind of event but damage, or for none: with the selection of
    /// compositing managers also for those about windows and about it.
    pub(super) fn select(&self, on: bool, compositor: Option<Atom>) -> Result<(), CaptureError> {
        let Self { conn, root, .. } = self;
        let cursor = if on { CursorNotifyMask::DISPLAY_CURSOR } else { CursorNotifyMask::from(0u32) };
        conn.xfixes_select_cursor_input(*root, cursor)?;
        if self.has_randr {
            let mask = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
            conn.randr_select_input(*root, if on { mask } else { NotifyMask::from(0u16) })?;
        }
        if self.has_raw_motion {
            let mask = if on { XIEventMask::RAW_MOTION } else { XIEventMask::from(0u32) };
            let mask = xinput::EventMask { deviceid: xinput::Device::ALL_MASTER.into(), mask: vec![mask] };
            conn.xinput_xi_select_events(*root, &[mask])?;
        }
        let mut mask = EventMask::STRUCTURE_NOTIFY;
        if let Some(atom) = compositor {
            mask |= EventMask::SUBSTRUCTURE_NOTIFY;
            let owner = SelectionEventMask::SET_SELECTION_OWNER
                | SelectionEventMask::SELECTION_WINDOW_DESTROY
                | SelectionEventMask::SELECTION_CLIENT_CLOSE;
            let owner = if on { owner } else { SelectionEventMask::from(0u32) };
            conn.xfixes_select_selection_input(*root, atom, owner)?;
        }
        let mask = if on { mask } else { EventMask::NO_EVENT };
        conn.change_window_attributes(*root, &ChangeWindowAttributesAux::new().event_mask(mask))?;
        Ok(())
    }

    /// Waits for the connection or `wake`; whether `wake` is readable.
    pub(super) fn poll(&self, wake: BorrowedFd<'_>, timeout: Option<Duration>) -> Result<bool, CaptureError> {
        // A timeout too long for the kernel is as good as none.
        let timeout = timeout.and_then(|t| Timespec::try_from(t).ok());
        let mut fds = [
            PollFd::from_borrowed_fd(self.conn.stream().as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(wake, PollFlags::IN),
        ];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => Ok(!fds[1].revents().is_empty()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => {
                Err(CaptureError::System { what: "waiting for the X server", source: error.into() })
            }
        }
    }

    /// The selection that a compositing manager of this screen owns.
    pub(super) fn compositor_selection(&self) -> Result<Atom, CaptureError> {
        let name = format!("_NET_WM_CM_S{}", self.screen);
        Ok(self.conn.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }

    /// Whether a compositing manager puts the screen together.
    pub(super) fn is_composited(&self, selection: Atom) -> Result<bool, CaptureError> {
        Ok(self.conn.get_selection_owner(selection)?.reply()?.owner != x11rb::NONE)
    }

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
fn has_raw_motion(conn: &RustConnection) -> Result<bool, CaptureError> {
    if conn.extension_information(xinput::X11_EXTENSION_NAME)?.is_none() {
        return Ok(false);
    }
    match conn.xinput_xi_query_version(XI_VERSION.0, XI_VERSION.1)?.reply() {
        Ok(version) => Ok((version.major_version, version.minor_version) >= XI_VERSION),
        Err(ReplyError::X11Error(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
