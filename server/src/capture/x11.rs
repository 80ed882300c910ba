//! Capture of an X11 screen: DAMAGE says where, MIT-SHM brings the pixels,
//! XFIXES the pointer's picture, XInput its motion and RANDR the screen's size.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Rect, Region, Size};
use panto_protocol::pixel::{Color, Picture, Pixels};
use panto_protocol::wire::MAX_CURSOR_SIDE;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::damage::{self, ConnectionExt as _, ReportLevel};
use x11rb::protocol::randr::{ConnectionExt as _, NotifyMask};
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xfixes::{self, ConnectionExt as _, CursorNotifyMask};
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, EventMask, ImageFormat, Window,
};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

use super::format::PixelFormat;
use super::shm::Segment;
use super::{CaptureError, CaptureSink, connect, cursor, outputs, rects};

/// Rows handed to the sink at once, starting at multiples of this: a band of a
/// 1080p screen (480 KiB) stays in the processor's cache while the sink looks at
/// it, and the planner's tiles are not cut in two.
const BAND_ROWS: i32 = 64;

/// XInput 2.2 delivers raw events also while another client has grabbed the pointer.
const XI_VERSION: (u16, u16) = (2, 2);

/// Why [`X11Capture::wait`] returned. Both are false after a timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wake {
    /// [`X11Capture::grab`] has something to do: pixels, size, cursor or pointer.
    /// Stays so, and `wait` returns at once, until it is called.
    pub screen: bool,
    /// The caller's own descriptor is readable (and not drained here).
    pub woken: bool,
}

/// Where images travel.
#[derive(Debug)]
enum Transfer {
    /// Through memory that the server shares.
    Shared { id: shm::Seg, segment: Segment },
    /// Through the connection (remote servers, and those without MIT-SHM 1.2).
    Core,
}

/// What the next grab has to look at.
#[derive(Debug, Default)]
struct Pending {
    /// The damage object has something.
    damage: bool,
    /// Every pixel, whatever the damage object says.
    everything: bool,
    layout: bool,
    cursor: bool,
    pointer: bool,
}

/// One X screen. Blocking, for a thread of its own.
#[derive(Debug)]
pub struct X11Capture {
    conn: RustConnection,
    root: Window,
    size: Size,
    /// The size that the sink was told.
    announced: Option<Size>,
    outputs: Vec<Rect>,
    format: PixelFormat,
    transfer: Transfer,
    /// `None` while paused.
    damage: Option<damage::Damage>,
    /// Server-side region that damage is moved into.
    parts: xfixes::Region,
    has_randr: bool,
    has_raw_motion: bool,
    pending: Pending,
    pointer: Option<Point>,
    band: Vec<Color>,
    words: Vec<u32>,
}

impl X11Capture {
    /// Opens `display`, or `$DISPLAY` without one. The first [`Self::grab`] reads the whole screen.
    pub fn open(display: Option<&str>) -> Result<Self, CaptureError> {
        let (conn, screen) = connect(display)?;
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
            setup.roots.get(screen).ok_or(CaptureError::Nonsense { what: "there is no such screen" })?;
        let root = screen.root;
        let format = PixelFormat::of(setup, screen)?;
        let parts = conn.generate_id()?;
        conn.xfixes_create_region(parts, &[])?.check()?;
        let has_randr = outputs::version(&conn)? >= (1, 2);
        let has_raw_motion = has_raw_motion(&conn)?;
        let mut capture = Self {
            root,
            size: Size::default(),
            announced: None,
            outputs: Vec::new(),
            format,
            transfer: Transfer::Core,
            damage: None,
            parts,
            has_randr,
            has_raw_motion,
            pending: Pending::default(),
            pointer: None,
            band: Vec::new(),
            words: Vec::new(),
            conn,
        };
        capture.resume()?;
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
        matches!(self.transfer, Transfer::Shared { .. })
    }

    /// Blocks until there is something to grab, until `wake` is readable or until
    /// `timeout` has passed. While paused only `wake` and the loss of the server end it.
    pub fn wait(&mut self, wake: BorrowedFd<'_>, timeout: Option<Duration>) -> Result<Wake, CaptureError> {
        let deadline = timeout.and_then(|t| Instant::now().checked_add(t));
        loop {
            // Flushing may read events, and events may lie in x11rb's buffer already:
            // poll(2) knows of neither.
            self.conn.flush()?;
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

    fn is_pending(&self) -> bool {
        let p = &self.pending;
        self.damage.is_some() && (p.damage || p.everything || p.layout || p.cursor || p.pointer)
    }

    /// Takes in every event that has arrived.
    fn drain(&mut self) -> Result<(), CaptureError> {
        while let Some(event) = self.conn.poll_for_event()? {
            match event {
                // A notify from a damage object that a pause has destroyed says nothing.
                Event::DamageNotify(e) if self.damage == Some(e.damage) => self.pending.damage = true,
                Event::XfixesCursorNotify(_) => self.pending.cursor = true,
                Event::XinputRawMotion(_) => self.pending.pointer = true,
                Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) => self.pending.layout = true,
                Event::ConfigureNotify(e) if e.window == self.root => self.pending.layout = true,
                Event::Error(error) => tracing::debug!(?error, "the X server refused a request"),
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes the next grab read the whole screen.
    pub fn mark_all_damaged(&mut self) {
        self.pending.everything = true;
    }

    /// Stops all events: nothing happens while nobody watches.
    pub fn pause(&mut self) -> Result<(), CaptureError> {
        let Some(damage) = self.damage.take() else { return Ok(()) };
        self.conn.damage_destroy(damage)?.ignore_error();
        self.select(false)?;
        self.conn.flush()?;
        Ok(())
    }

    /// Starts events again; the next grab reads everything.
    pub fn resume(&mut self) -> Result<(), CaptureError> {
        if self.damage.is_some() {
            return Ok(());
        }
        let damage = self.conn.generate_id()?;
        self.conn.damage_create(damage, self.root, ReportLevel::NON_EMPTY)?.check()?;
        self.damage = Some(damage);
        self.select(true)?;
        self.pending = Pending { damage: true, everything: true, layout: true, cursor: true, pointer: true };
        self.conn.flush()?;
        Ok(())
    }

    /// Asks for every kind of event but damage, or for none.
    fn select(&self, on: bool) -> Result<(), CaptureError> {
        let conn = &self.conn;
        let cursor = if on { CursorNotifyMask::DISPLAY_CURSOR } else { CursorNotifyMask::from(0u32) };
        conn.xfixes_select_cursor_input(self.root, cursor)?;
        if self.has_randr {
            let mask = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
            conn.randr_select_input(self.root, if on { mask } else { NotifyMask::from(0u16) })?;
        }
        if self.has_raw_motion {
            let mask = if on { XIEventMask::RAW_MOTION } else { XIEventMask::from(0u32) };
            let mask = xinput::EventMask { deviceid: xinput::Device::ALL_MASTER.into(), mask: vec![mask] };
            conn.xinput_xi_select_events(self.root, &[mask])?;
        }
        let mask = if on { EventMask::STRUCTURE_NOTIFY } else { EventMask::NO_EVENT };
        conn.change_window_attributes(self.root, &ChangeWindowAttributesAux::new().event_mask(mask))?;
        Ok(())
    }

    /// Reads what is pending and gives it to `sink`. Does nothing while paused.
    pub fn grab(&mut self, sink: &mut dyn CaptureSink) -> Result<(), CaptureError> {
        self.drain()?;
        if self.damage.is_none() {
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
        self.grab_pixels(sink)?;
        if std::mem::take(&mut self.pending.cursor) {
            sink.cursor(self.read_cursor()?);
        }
        self.pending.pointer = false;
        // Asked on every grab: XWarpPointer makes no raw motion, but what made a
        // program warp the pointer nearly always changes the picture too.
        let at = self.conn.query_pointer(self.root)?.reply()?;
        let at = Point::new(at.root_x.into(), at.root_y.into());
        if self.pointer != Some(at) {
            self.pointer = Some(at);
            sink.pointer(at);
        }
        Ok(())
    }

    /// Looks up size and monitors and fits the shared segment to them.
    fn read_layout(&mut self) -> Result<(), CaptureError> {
        self.pending.layout = false;
        let size = outputs::screen_size(&self.conn, self.root)?;
        if size != self.size {
            self.size = size;
            self.pending.everything = true;
            self.fit_segment()?;
        }
        self.outputs = if self.has_randr {
            outputs::monitors(&self.conn, self.root, size)?
        } else {
            vec![Rect::of_size(size)]
        };
        Ok(())
    }

    /// Makes the shared segment large enough for the whole screen, or goes without one.
    fn fit_segment(&mut self) -> Result<(), CaptureError> {
        let need = self.format.row_words(self.size.width) * self.size.height as usize;
        if let Transfer::Shared { id, segment } = &self.transfer {
            // Shrinking gives memory back only when it is worth the trouble.
            if need <= segment.words() && segment.words() / 4 <= need {
                return Ok(());
            }
            self.conn.shm_detach(*id)?.ignore_error();
        }
        self.transfer = attach(&self.conn, need)?;
        Ok(())
    }

    fn grab_pixels(&mut self, sink: &mut dyn CaptureSink) -> Result<(), CaptureError> {
        let mut region = Region::new();
        // Subtract before the pixels are read: what is drawn afterwards is reported again.
        if let (true, Some(damage)) = (std::mem::take(&mut self.pending.damage), self.damage) {
            self.conn.damage_subtract(damage, x11rb::NONE, self.parts)?;
            let parts = self.conn.xfixes_fetch_region(self.parts)?.reply()?;
            let rects = parts.rectangles.iter();
            let rects = rects.map(|r| Rect::new(r.x.into(), r.y.into(), r.width.into(), r.height.into()));
            region = rects::merge(rects, self.size);
        }
        if std::mem::take(&mut self.pending.everything) {
            region = Rect::of_size(self.size).into();
        }
        match self.fetch(&region, sink) {
            // The screen shrank between the size and the pixels: another round will see it.
            Err(CaptureError::Request { .. })
                if self.size != outputs::screen_size(&self.conn, self.root)? =>
            {
                self.pending.everything = true;
                self.pending.layout = true;
                Ok(())
            }
            // A remote or sandboxed server may grant a segment that it cannot use.
            Err(CaptureError::Request { request, error }) if self.is_shared() => {
                tracing::warn!(
                    request,
                    error,
                    "no shared memory with this X server, pixels take the slow way"
                );
                self.transfer = Transfer::Core;
                self.pending.everything = true;
                Ok(())
            }
            other => other,
        }
    }

    /// Asks for all of `region` at once, then hands over what arrives.
    fn fetch(&mut self, region: &Region, sink: &mut dyn CaptureSink) -> Result<(), CaptureError> {
        const ALL_PLANES: u32 = !0;
        let format = ImageFormat::Z_PIXMAP;
        let side = |r: &Rect| (r.left as i16, r.top as i16, r.width() as u16, r.height() as u16);
        match &self.transfer {
            Transfer::Shared { id, segment } => {
                // The rectangles are disjoint and on the screen, so for whole words they
                // fit; rows of 16-bit pixels are padded and may not.
                let mut rest = region.rects();
                while !rest.is_empty() {
                    let mut replies = Vec::with_capacity(rest.len());
                    let mut used = 0;
                    for &r in rest {
                        let words = self.format.row_words(r.width()) * r.height() as usize;
                        if used + words > segment.words() {
                            break;
                        }
                        let (x, y, width, height) = side(&r);
                        let offset = (used * 4) as u32;
                        let planes = ALL_PLANES;
                        let reply = self.conn.shm_get_image(
                            self.root,
                            x,
                            y,
                            width,
                            height,
                            planes,
                            format.into(),
                            *id,
                            offset,
                        )?;
                        replies.push((r, used, reply));
                        used += words;
                    }
                    if replies.is_empty() {
                        return Err(CaptureError::Nonsense { what: "a rectangle is larger than the screen" });
                    }
                    rest = &rest[replies.len()..];
                    for (r, start, reply) in replies {
                        reply.reply()?;
                        let read = |from, out: &mut [u32]| segment.read(start + from, out);
                        deliver(r, &self.format, read, &mut self.band, &mut self.words, sink);
                    }
                }
            }
            Transfer::Core => {
                let mut replies = Vec::with_capacity(region.rects().len());
                for &r in region.rects() {
                    let (x, y, width, height) = side(&r);
                    replies
                        .push((r, self.conn.get_image(format, self.root, x, y, width, height, ALL_PLANES)?));
                }
                for (r, reply) in replies {
                    let data = reply.reply()?.data;
                    if data.len() < self.format.row_words(r.width()) * r.height() as usize * 4 {
                        return Err(CaptureError::Nonsense { what: "an image is shorter than its size" });
                    }
                    let read = |from: usize, out: &mut [u32]| {
                        let bytes = data[from * 4..].chunks_exact(4);
                        for (word, bytes) in out.iter_mut().zip(bytes) {
                            *word = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                        }
                    };
                    deliver(r, &self.format, read, &mut self.band, &mut self.words, sink);
                }
            }
        }
        Ok(())
    }

    fn read_cursor(&self) -> Result<CursorImage, CaptureError> {
        let reply = match self.conn.xfixes_get_cursor_image()?.reply() {
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
        outputs::can_resize(&self.conn, self.root)
    }

    /// Changes the screen's size by RANDR; see [`outputs::request_size`]. Returns the
    /// size it has afterwards; the sink is told at the next grab.
    pub fn request_size(&mut self, wanted: Size) -> Result<Size, CaptureError> {
        let size = outputs::request_size(&self.conn, self.root, wanted)?;
        self.pending.layout = true;
        Ok(size)
    }
}

/// Gives the image of `r` to `sink` in bands. `read(from, out)` copies words of
/// the image from word `from` on, native-endian.
fn deliver(
    r: Rect,
    format: &PixelFormat,
    read: impl Fn(usize, &mut [u32]),
    band: &mut Vec<Color>,
    words: &mut Vec<u32>,
    sink: &mut dyn CaptureSink,
) {
    let width = r.width() as usize;
    let row_words = format.row_words(r.width());
    let mut top = r.top;
    while top < r.bottom {
        let bottom = ((top / BAND_ROWS + 1) * BAND_ROWS).min(r.bottom);
        let rows = (bottom - top) as usize;
        let first = (top - r.top) as usize * row_words;
        band.resize(width * rows, 0);
        if format.is_plain() && cfg!(target_endian = "little") {
            read(first, band);
            for pixel in band.iter_mut() {
                *pixel &= 0x00ff_ffff;
            }
        } else {
            words.resize(row_words * rows, 0);
            read(first, words);
            for word in words.iter_mut() {
                *word = u32::from_le(*word);
            }
            for (out, row) in band.chunks_exact_mut(width).zip(words.chunks_exact(row_words)) {
                format.convert(row, out);
            }
        }
        let size = Size::new(r.width(), rows as u32);
        let pixels = Pixels::new(size, width, band).expect("the band was just made for this size");
        sink.pixels(Point::new(r.left, top), pixels);
        top = bottom;
    }
}

/// Shares a segment of `words` with the server where that is possible.
fn attach(conn: &RustConnection, words: usize) -> Result<Transfer, CaptureError> {
    // Descriptors travel through Unix sockets only (and x11rb ends the connection
    // over trying elsewhere).
    let local = rustix::net::getsockname(conn.stream())
        .is_ok_and(|address| address.address_family() == rustix::net::AddressFamily::UNIX);
    if !local || conn.extension_information(shm::X11_EXTENSION_NAME)?.is_none() {
        return Ok(Transfer::Core);
    }
    let version = conn.shm_query_version()?.reply()?;
    if (version.major_version, version.minor_version) < (1, 2) {
        return Ok(Transfer::Core);
    }
    let (segment, fd) = Segment::create(words)
        .map_err(|source| CaptureError::System { what: "making shared memory for the screen", source })?;
    let id = conn.generate_id()?;
    match conn.shm_attach_fd(id, fd, false)?.check() {
        Ok(()) => Ok(Transfer::Shared { id, segment }),
        Err(ReplyError::X11Error(error)) => {
            tracing::debug!(?error, "the X server does not share memory");
            Ok(Transfer::Core)
        }
        Err(error) => Err(error.into()),
    }
}

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
