//! Capture of an X11 screen: DAMAGE says where, MIT-SHM brings the pixels, COMPOSITE
//! windows by themselves, XFIXES the pointer's picture, XInput its motion and RANDR the
//! screen's size.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Rect, Region, Size};
use panto_protocol::pixel::{Picture, Pixels};
use panto_protocol::wire::MAX_CURSOR_SIDE;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::ErrorKind;
use x11rb::protocol::damage::{self, ConnectionExt as _, ReportLevel};
use x11rb::protocol::randr::{ConnectionExt as _, NotifyMask};
use x11rb::protocol::xfixes::{self, ConnectionExt as _, CursorNotifyMask, SelectionEventMask};
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};
use x11rb::protocol::xproto::{Atom, ChangeWindowAttributesAux, ConnectionExt as _, EventMask};

use super::format::PixelFormat;
use super::images::{Images, Part};
use super::pending::Pending;
use super::server::{Server, has_raw_motion, has_shape, rectangles};
use super::windows::{Reason, WindowCapture, WindowsState};
use super::{CaptureError, CaptureSink, connect, cursor, outputs, rects};

/// Why [`X11Capture::wait`] returned. Both are false after a timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wake {
    /// [`X11Capture::grab`] has something to do: pixels, size, cursor or pointer.
    /// Stays so, and `wait` returns at once, until it is called.
    pub screen: bool,
    /// The caller's own descriptor is readable (and not drained here).
    pub woken: bool,
}

/// One X screen. Blocking, for a thread of its own.
#[derive(Debug)]
pub struct X11Capture {
    server: Server,
    size: Size,
    /// The size that the sink was told.
    announced: Option<Size>,
    outputs: Vec<Rect>,
    images: Images,
    pending: Pending,
    pointer: Option<Point>,
    windows: WindowCapture,
    state: WindowsState,
    /// `_NET_WM_CM_Sn`, which a compositing manager owns; `None` if windows are not wanted.
    compositor: Option<Atom>,
}

impl X11Capture {
    /// Opens `display`, or `$DISPLAY` without one, as one flat picture. The first
    /// [`Self::grab`] reads the whole screen.
    pub fn open(display: Option<&str>) -> Result<Self, CaptureError> {
        let mut capture = Self::paused(display)?;
        capture.resume()?;
        Ok(capture)
    }

    /// As [`Self::open`], with windows as surfaces of their own where that is possible
    /// ([`Self::windows`] tells), and paused.
    pub fn open_windows(display: Option<&str>) -> Result<Self, CaptureError> {
        let mut capture = Self::paused(display)?;
        let name = format!("_NET_WM_CM_S{}", capture.server.screen);
        let atom = capture.server.conn.intern_atom(false, name.as_bytes())?.reply()?.atom;
        capture.compositor = Some(atom);
        capture.state = if capture.is_composited(atom)? {
            WindowsState::Flat(Reason::Compositor)
        } else if capture.server.has_composite()? {
            WindowsState::Surfaces
        } else {
            WindowsState::Flat(Reason::NoComposite)
        };
        Ok(capture)
    }

    fn paused(display: Option<&str>) -> Result<Self, CaptureError> {
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
        let server = Server {
            screen: number,
            root,
            parts,
            has_randr: outputs::version(&conn)? >= (1, 2),
            has_raw_motion: has_raw_motion(&conn)?,
            has_shape: has_shape(&conn)?,
            conn,
        };
        let mut capture = Self {
            server,
            size: Size::default(),
            announced: None,
            outputs: Vec::new(),
            images: Images::new(format),
            pending: Pending::default(),
            pointer: None,
            windows: WindowCapture::default(),
            state: WindowsState::Flat(Reason::Unwanted),
            compositor: None,
        };
        capture.read_layout()?;
        Ok(capture)
    }

    /// The screen's size as of the last grab.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The monitors as of the last grab, at least one, inside the screen.
    pub fn outputs(&self) -> &[Rect] {
        &self.outputs
    }

    /// Whether pixels travel through shared memory (and not through the connection).
    pub fn is_shared(&self) -> bool {
        self.images.is_shared()
    }

    /// Whether windows are captured one by one; while paused, whether they were or probably
    /// will be.
    pub fn windows(&self) -> WindowsState {
        self.state
    }

    /// Blocks until there is something to grab, until `wake` is readable or until
    /// `timeout` has passed. While paused only `wake` and the loss of the server end it.
    pub fn wait(&mut self, wake: BorrowedFd<'_>, timeout: Option<Duration>) -> Result<Wake, CaptureError> {
        let deadline = timeout.and_then(|t| Instant::now().checked_add(t));
        loop {
            // Flushing may read events, and events may lie in x11rb's buffer already:
            // poll(2) knows of neither.
            self.server.conn.flush()?;
            self.drain()?;
            let screen = self.is_pending();
            let rest = if screen {
                Some(Duration::ZERO)
            } else {
                deadline.map(|at| at.saturating_duration_since(Instant::now()))
            };
            let woken = self.poll(wake, rest)?;
            if screen || woken {
                return Ok(Wake { screen, woken });
            }
            if rest == Some(Duration::ZERO) {
                // Events that arrived together with the deadline still count.
                self.drain()?;
                return Ok(Wake { screen: self.is_pending(), woken });
            }
        }
    }

    /// Waits for the connection or `wake`; whether `wake` is readable.
    fn poll(&self, wake: BorrowedFd<'_>, timeout: Option<Duration>) -> Result<bool, CaptureError> {
        // A timeout too long for the kernel is as good as none.
        let timeout = timeout.and_then(|t| Timespec::try_from(t).ok());
        let mut fds = [
            PollFd::from_borrowed_fd(self.server.conn.stream().as_fd(), PollFlags::IN),
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

    fn is_pending(&self) -> bool {
        self.pending.root_damage.is_some() && (self.pending.any() || self.windows.is_pending())
    }

    /// Takes in every event that has arrived.
    fn drain(&mut self) -> Result<(), CaptureError> {
        self.windows.drain(&self.server, &mut self.pending)
    }

    /// Makes the next grab read the whole screen.
    pub fn mark_all_damaged(&mut self) {
        self.pending.everything = true;
    }

    /// Stops all events: nothing happens while nobody watches.
    pub fn pause(&mut self) -> Result<(), CaptureError> {
        let Some(damage) = self.pending.root_damage.take() else { return Ok(()) };
        self.windows.stop(&self.server)?;
        self.server.conn.damage_destroy(damage)?.ignore_error();
        self.select(false)?;
        self.server.conn.flush()?;
        Ok(())
    }

    /// Starts events again; the next grab reads everything.
    pub fn resume(&mut self) -> Result<(), CaptureError> {
        if self.pending.root_damage.is_some() {
            return Ok(());
        }
        let conn = &self.server.conn;
        let damage = conn.generate_id()?;
        conn.damage_create(damage, self.server.root, ReportLevel::NON_EMPTY)?.check()?;
        self.pending = Pending { root_damage: Some(damage), ..Pending::all() };
        self.select(true)?;
        self.redirect()?;
        self.server.conn.flush()?;
        Ok(())
    }

    /// Captures windows one by one if that is wanted and possible.
    fn redirect(&mut self) -> Result<(), CaptureError> {
        let Some(atom) = self.compositor else { return Ok(()) };
        let result = match self.is_composited(atom)? {
            true => Err(Reason::Compositor),
            false => self.windows.start(&self.server)?,
        };
        self.pending.everything = true;
        match result {
            Ok(()) => self.state = WindowsState::Surfaces,
            Err(reason) => self.flatten(reason)?,
        }
        Ok(())
    }

    /// Captures one flat picture from now on. The next grab tells the sink.
    fn flatten(&mut self, reason: Reason) -> Result<(), CaptureError> {
        tracing::info!(%reason, "the screen is captured flat");
        self.windows.stop(&self.server)?;
        self.state = WindowsState::Flat(reason);
        self.pending.everything = true;
        Ok(())
    }

    /// Whether a compositing manager puts the screen together.
    fn is_composited(&self, atom: Atom) -> Result<bool, CaptureError> {
        Ok(self.server.conn.get_selection_owner(atom)?.reply()?.owner != x11rb::NONE)
    }

    /// Asks for every kind of event but damage, or for none.
    fn select(&self, on: bool) -> Result<(), CaptureError> {
        let Server { conn, root, .. } = &self.server;
        let cursor = if on { CursorNotifyMask::DISPLAY_CURSOR } else { CursorNotifyMask::from(0u32) };
        conn.xfixes_select_cursor_input(*root, cursor)?;
        if self.server.has_randr {
            let mask = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
            conn.randr_select_input(*root, if on { mask } else { NotifyMask::from(0u16) })?;
        }
        if self.server.has_raw_motion {
            let mask = if on { XIEventMask::RAW_MOTION } else { XIEventMask::from(0u32) };
            let mask = xinput::EventMask { deviceid: xinput::Device::ALL_MASTER.into(), mask: vec![mask] };
            conn.xinput_xi_select_events(*root, &[mask])?;
        }
        let mut mask = EventMask::STRUCTURE_NOTIFY;
        if let Some(atom) = self.compositor {
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

    /// Reads what is pending and gives it to `sink`. Does nothing while paused.
    pub fn grab(&mut self, sink: &mut dyn CaptureSink) -> Result<(), CaptureError> {
        self.drain()?;
        if self.pending.root_damage.is_none() {
            return Ok(());
        }
        if self.pending.layout {
            self.read_layout()?;
        }
        if self.announced != Some(self.size) {
            sink.resize(self.size);
            self.announced = Some(self.size);
            self.pending.everything = true;
        }
        if std::mem::take(&mut self.pending.compositor)
            && let Some(atom) = self.compositor
        {
            let composited = self.is_composited(atom)?;
            match self.state {
                WindowsState::Surfaces if composited => self.flatten(Reason::Compositor)?,
                WindowsState::Flat(Reason::Compositor) if !composited => self.redirect()?,
                _ => {}
            }
        }
        if self.windows.is_active() {
            self.grab_windows(sink)?;
        }
        // Not `else`: windows may have turned out to be impossible.
        if !self.windows.is_active() {
            self.windows.clear(sink);
            self.grab_flat(sink)?;
        }
        if std::mem::take(&mut self.pending.cursor) {
            sink.cursor(self.read_cursor()?);
        }
        self.pending.pointer = false;
        // Asked on every grab: XWarpPointer makes no raw motion, but what made a
        // program warp the pointer nearly always changes the picture too.
        let at = self.server.conn.query_pointer(self.server.root)?.reply()?;
        let at = Point::new(at.root_x.into(), at.root_y.into());
        if self.pointer != Some(at) {
            self.pointer = Some(at);
            sink.pointer(at);
        }
        Ok(())
    }

    /// Looks up size and monitors and fits the shared segment to them.
    fn read_layout(&mut self) -> Result<(), CaptureError> {
        let Server { conn, root, .. } = &self.server;
        self.pending.layout = false;
        let size = outputs::screen_size(conn, *root)?;
        if size != self.size {
            self.size = size;
            self.pending.everything = true;
            self.images.fit(conn, size)?;
        }
        self.outputs = if self.server.has_randr {
            outputs::monitors(conn, *root, size)?
        } else {
            vec![Rect::of_size(size)]
        };
        Ok(())
    }

    /// Windows by themselves, and the root where it shows.
    fn grab_windows(&mut self, sink: &mut dyn CaptureSink) -> Result<(), CaptureError> {
        if std::mem::take(&mut self.pending.everything) {
            self.windows.doubt_everything(self.size);
        }
        let (server, pending, images) = (&self.server, &mut self.pending, &mut self.images);
        match self.windows.grab(server, self.size, pending, images, sink)? {
            Ok(()) => {}
            Err(reason) => return self.flatten(reason),
        }
        if std::mem::take(&mut self.pending.refused) {
            self.refused("a window's image", "refused")?;
        }
        Ok(())
    }

    /// The screen as one picture.
    fn grab_flat(&mut self, sink: &mut dyn CaptureSink) -> Result<(), CaptureError> {
        let mut region = Region::new();
        if let (true, Some(damage)) = (std::mem::take(&mut self.pending.damage), self.pending.root_damage) {
            let reported = self.server.take_damage(damage)?.reply()?;
            region = rects::merge(rectangles(&reported), self.size);
        }
        if std::mem::take(&mut self.pending.everything) {
            region = Rect::of_size(self.size).into();
        }
        match self.read(&region, sink) {
            Err(CaptureError::Request { request, error }) => self.refused(&request, &error),
            other => other,
        }
    }

    /// Asks for all of `region` of the root at once, then hands over what arrives.
    fn read(&mut self, region: &Region, sink: &mut dyn CaptureSink) -> Result<(), CaptureError> {
        let pieces = region.rects().iter().flat_map(|r| self.images.pieces(*r));
        let parts: Vec<Part> = pieces.map(|rect| Part { drawable: self.server.root, rect }).collect();
        let mut rest = &parts[..];
        while !rest.is_empty() {
            let fetched = self.images.fetch(&self.server.conn, rest)?;
            for (part, image) in rest.iter().zip(&fetched) {
                self.images.hand_over(image, part.rect, &mut |at, pixels| sink.pixels(at, pixels))?;
            }
            rest = &rest[fetched.len()..];
        }
        Ok(())
    }

    /// The server refused an image: finds out why, and how to go on.
    fn refused(&mut self, request: &str, error: &str) -> Result<(), CaptureError> {
        if self.size != outputs::screen_size(&self.server.conn, self.server.root)? {
            // The screen shrank between the size and the pixels: another round will see it.
            self.pending.layout = true;
        } else if self.is_shared() {
            // A remote or sandboxed server may grant a segment that it cannot use.
            tracing::warn!(request, error, "no shared memory with this X server, pixels take the slow way");
            self.images.share_nothing();
        } else {
            return Err(CaptureError::Request { request: request.into(), error: error.into() });
        }
        self.pending.everything = true;
        Ok(())
    }

    fn read_cursor(&self) -> Result<CursorImage, CaptureError> {
        let reply = match self.server.conn.xfixes_get_cursor_image()?.reply() {
            Ok(reply) => reply,
            // There is none yet, or its owner is gone: with the SECURITY extension (that is,
            // nearly everywhere) nobody may look at what `xsetroot -cursor_name` leaves behind.
            Err(ReplyError::X11Error(e)) if matches!(e.error_kind, ErrorKind::Cursor | ErrorKind::Access) => {
                return Ok(cursor::arrow());
            }
            Err(error) => return Err(error.into()),
        };
        let size = Size::new(reply.width.into(), reply.height.into());
        let picture = Pixels::new(size, size.width as usize, &reply.cursor_image)
            .ok_or(CaptureError::Nonsense { what: "a cursor picture is shorter than its size" })?
            // Larger ones exist only as a joke, and no viewer would take them.
            .crop(Rect::new(0, 0, MAX_CURSOR_SIDE, MAX_CURSOR_SIDE));
        let picture = if size.is_empty() { Picture::default() } else { picture.to_picture() };
        Ok(CursorImage { picture, hot: Point::new(reply.xhot.into(), reply.yhot.into()) })
    }

    /// Whether [`Self::request_size`] has a chance on this server.
    pub fn can_resize(&self) -> Result<bool, CaptureError> {
        outputs::can_resize(&self.server.conn, self.server.root)
    }

    /// Changes the screen's size by RANDR; see [`outputs::request_size`]. Returns the
    /// size it has afterwards; the sink is told at the next grab.
    pub fn request_size(&mut self, wanted: Size) -> Result<Size, CaptureError> {
        let size = outputs::request_size(&self.server.conn, self.server.root, wanted)?;
        self.pending.layout = true;
        Ok(size)
    }
}
