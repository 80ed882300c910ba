//! Capture of an X11 screen: DAMAGE says where, MIT-SHM brings the pixels, COMPOSITE
//! windows by themselves, XFIXES the pointer's picture, XInput its motion and RANDR the
//! screen's size.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use panto_protocol::geometry::{Point, Rect, Region, Size};
use x11rb::connection::Connection;
use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
use x11rb::protocol::xproto::{Atom, ConnectionExt as _};

use super::images::{Images, Part};
use super::pending::Pending;
use super::server::{Server, rectangles};
use super::windows::{Reason, WindowCapture, WindowsState};
use super::{CaptureError, CaptureSink, cursor, outputs, rects};

/// How long the screen is captured flat before windows are tried again, if a window was the
/// reason; twice as long after each failure, for a trial makes all programs paint anew.
const RETRY: Duration = Duration::from_secs(5);

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
    /// When windows may be tried again, and how long they are not if that fails.
    retry: Option<(Instant, Duration)>,
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
        let atom = capture.server.compositor_selection()?;
        capture.compositor = Some(atom);
        capture.state = if capture.server.is_composited(atom)? {
            WindowsState::Flat(Reason::Compositor)
        } else if capture.server.has_composite()? {
            WindowsState::Surfaces
        } else {
            WindowsState::Flat(Reason::NoComposite)
        };
        Ok(capture)
    }

    fn paused(display: Option<&str>) -> Result<Self, CaptureError> {
        let (server, format) = Server::open(display)?;
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
            retry: None,
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
            // A window's pixels may be worth waiting for.
            let due = self.windows.due().map(|at| at.saturating_duration_since(Instant::now()));
            let woken = self.server.poll(wake, rest.into_iter().chain(due).min())?;
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
        self.server.select(false, self.compositor)?;
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
        self.server.select(true, self.compositor)?;
        self.retry = None;
        self.redirect()?;
        self.server.conn.flush()?;
        Ok(())
    }

    /// Captures windows one by one if that is wanted and possible.
    fn redirect(&mut self) -> Result<(), CaptureError> {
        let Some(atom) = self.compositor else { return Ok(()) };
        let result = match self.server.is_composited(atom)? {
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
        let patience = self.retry.map_or(RETRY, |(_, last)| last * 2);
        self.retry = reason.may_pass().then(|| (Instant::now() + patience, patience));
        self.pending.everything = true;
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
            let composited = self.server.is_composited(atom)?;
            match self.state {
                WindowsState::Surfaces if composited => self.flatten(Reason::Compositor)?,
                WindowsState::Flat(Reason::Compositor) if !composited => self.redirect()?,
                _ => {}
            }
        }
        if self.retry.is_some_and(|(at, _)| at <= Instant::now() && !self.windows.is_active()) {
            self.redirect()?;
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
            sink.cursor(cursor::read(&self.server.conn)?);
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
        self.pending.refused.take().map_or(Ok(()), |error| self.refused(error))
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
            Err(error @ CaptureError::Request { .. }) => self.refused(error),
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
    fn refused(&mut self, error: CaptureError) -> Result<(), CaptureError> {
        if self.size != outputs::screen_size(&self.server.conn, self.server.root)? {
            // The screen shrank between the size and the pixels: another round will see it.
            self.pending.layout = true;
        } else if self.is_shared() {
            // A remote or sandboxed server may grant a segment that it cannot use.
            tracing::warn!(%error, "no shared memory with this X server, pixels take the slow way");
            self.images.share_nothing();
        } else {
            return Err(error);
        }
        self.pending.everything = true;
        Ok(())
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
