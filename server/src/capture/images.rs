//! Images of drawables as pixels: through memory shared with the X server where
//! that works, through the connection otherwise.

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Color, Pixels};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{ConnectionExt as _, Drawable, ImageFormat};
use x11rb::rust_connection::RustConnection;
use x11rb::x11_utils::X11Error;

use super::CaptureError;
use super::format::PixelFormat;
use super::shm::Segment;

/// Rows handed over at once, starting at multiples of this: a band of a 1080p
/// screen (480 KiB) stays in the processor's cache while the sink looks at it,
/// and the planner's tiles are not cut in two.
const BAND_ROWS: i32 = 64;

/// Words of the segment at least: two of the longest rows there are.
const MIN_WORDS: usize = 1 << 16;

/// Words of the segment at most, 4 MiB: another round trip for each costs less than the memory.
const MAX_WORDS: usize = 1 << 20;

/// Words asked for at once without a segment: 16 MiB.
const MAX_CORE_WORDS: usize = 1 << 22;

const ALL_PLANES: u32 = !0;

/// A rectangle of a drawable, in its coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub drawable: Drawable,
    pub rect: Rect,
}

/// A part that was asked for.
#[derive(Debug)]
pub(super) struct Fetched {
    rect: Rect,
    image: Image,
}

#[derive(Debug)]
enum Image {
    /// Word of the segment that it begins at.
    Shared(usize),
    Sent(Vec<u8>),
    Refused(Box<X11Error>),
}

/// Where images travel.
#[derive(Debug)]
enum Transfer {
    /// Through memory that the server shares.
    Shared { id: shm::Seg, segment: Segment },
    /// Through the connection (remote servers, and those without MIT-SHM 1.2).
    Core,
}

/// Reads images of one pixel format.
#[derive(Debug)]
pub(super) struct Images {
    format: PixelFormat,
    transfer: Transfer,
    band: Vec<Color>,
    words: Vec<u32>,
}

impl Images {
    pub(super) fn new(format: PixelFormat) -> Self {
        Self { format, transfer: Transfer::Core, band: Vec::new(), words: Vec::new() }
    }

    /// Whether pixels travel through shared memory.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.transfer, Transfer::Shared { .. })
    }

    /// Takes the slow way from now on: a remote or sandboxed server may grant a
    /// segment that it cannot use.
    pub(super) fn share_nothing(&mut self) {
        self.transfer = Transfer::Core;
    }

    /// Makes the shared segment large enough for a good part of a screen, or goes without one.
    pub(super) fn fit(&mut self, conn: &RustConnection, screen: Size) -> Result<(), CaptureError> {
        let need = (self.format.row_words(screen.width) * screen.height as usize).clamp(MIN_WORDS, MAX_WORDS);
        if let Transfer::Shared { id, segment } = &self.transfer {
            // Shrinking gives memory back only when it is worth the trouble.
            if need <= segment.words() && segment.words() / 4 <= need {
                return Ok(());
            }
            conn.shm_detach(*id)?.ignore_error();
        }
        self.transfer = attach(conn, need)?;
        Ok(())
    }

    /// A rectangle in pieces that each can be fetched.
    pub(super) fn pieces(&self, rect: Rect) -> impl Iterator<Item = Rect> + use<> {
        let most = match &self.transfer {
            Transfer::Shared { segment, .. } => segment.words(),
            Transfer::Core => MAX_CORE_WORDS,
        };
        let rows = (most / self.format.row_words(rect.width()).max(1)).clamp(1, 1 << 16) as i32;
        let mut top = rect.top;
        std::iter::from_fn(move || {
            let mut bottom = rect.bottom.min(top + rows);
            let whole_bands = bottom / BAND_ROWS * BAND_ROWS;
            if bottom < rect.bottom && whole_bands > top {
                bottom = whole_bands;
            }
            let piece = Rect::from_corners(rect.left, top, rect.right, bottom);
            top = bottom;
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// Asks for as many of `parts` as fit, from the first on and at least one, all at
    /// once, and waits for them. Each is one of [`Self::pieces`]. The images hold until
    /// the next call.
    pub(super) fn fetch(&self, conn: &RustConnection, parts: &[Part]) -> Result<Vec<Fetched>, CaptureError> {
        let format = ImageFormat::Z_PIXMAP;
        let side = |r: &Rect| (r.left as i16, r.top as i16, r.width() as u16, r.height() as u16);
        let words = |r: &Rect| self.format.row_words(r.width()) * r.height() as usize;
        let refused = |error| match error {
            ReplyError::X11Error(error) => Ok(Image::Refused(Box::new(error))),
            ReplyError::ConnectionError(source) => Err(CaptureError::from(source)),
        };
        let mut used = 0;
        let mut fetched = Vec::with_capacity(parts.len());
        match &self.transfer {
            Transfer::Shared { id, segment } => {
                let mut replies = Vec::with_capacity(parts.len());
                for Part { drawable, rect } in parts {
                    if used + words(rect) > segment.words() {
                        break;
                    }
                    let ((x, y, width, height), offset) = (side(rect), (used * 4) as u32);
                    let reply = conn.shm_get_image(
                        *drawable,
                        x,
                        y,
                        width,
                        height,
                        ALL_PLANES,
                        format.into(),
                        *id,
                        offset,
                    )?;
                    replies.push((*rect, used, reply));
                    used += words(rect);
                }
                for (rect, start, reply) in replies {
                    let image = reply.reply().map(|_| Image::Shared(start)).or_else(refused)?;
                    fetched.push(Fetched { rect, image });
                }
            }
            Transfer::Core => {
                let mut replies = Vec::with_capacity(parts.len());
                for Part { drawable, rect } in parts {
                    if used > 0 && used + words(rect) > MAX_CORE_WORDS {
                        break;
                    }
                    let (x, y, width, height) = side(rect);
                    let reply = conn.get_image(format, *drawable, x, y, width, height, ALL_PLANES)?;
                    replies.push((*rect, reply));
                    used += words(rect);
                }
                for (rect, reply) in replies {
                    let image = match reply.reply() {
                        Ok(reply) if reply.data.len() < words(&rect) * 4 => {
                            return Err(CaptureError::Nonsense { what: "an image is shorter than its size" });
                        }
                        Ok(reply) => Image::Sent(reply.data),
                        Err(error) => refused(error)?,
                    };
                    fetched.push(Fetched { rect, image });
                }
            }
        }
        if fetched.is_empty() && !parts.is_empty() {
            return Err(CaptureError::Nonsense { what: "a rectangle is larger than the screen" });
        }
        Ok(fetched)
    }

    /// Gives the pixels of `rect`, a part of what was fetched, to `out` in bands.
    ///
    /// # Errors
    ///
    /// If the server refused the image.
    pub(super) fn hand_over(
        &mut self,
        fetched: &Fetched,
        rect: Rect,
        out: &mut dyn FnMut(Point, Pixels<'_>),
    ) -> Result<(), CaptureError> {
        let whole = fetched.rect;
        let rect = rect.intersection(&whole);
        let read = |from: usize, out: &mut [u32]| match (&fetched.image, &self.transfer) {
            (Image::Shared(start), Transfer::Shared { segment, .. }) => segment.read(start + from, out),
            (Image::Sent(data), _) => {
                for (word, bytes) in out.iter_mut().zip(data[from * 4..].chunks_exact(4)) {
                    *word = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                }
            }
            _ => {}
        };
        if let Image::Refused(error) = &fetched.image {
            return Err((**error).clone().into());
        }
        let width = whole.width() as usize;
        let row_words = self.format.row_words(whole.width());
        let (left, right) = ((rect.left - whole.left) as u32, (rect.right - whole.left) as u32);
        let mut top = rect.top;
        while top < rect.bottom {
            let bottom = ((top / BAND_ROWS + 1) * BAND_ROWS).min(rect.bottom);
            let rows = (bottom - top) as usize;
            let first = (top - whole.top) as usize * row_words;
            self.band.resize(width * rows, 0);
            if self.format.is_plain() && cfg!(target_endian = "little") {
                read(first, &mut self.band);
                for pixel in &mut self.band {
                    *pixel &= 0x00ff_ffff;
                }
            } else {
                self.words.resize(row_words * rows, 0);
                read(first, &mut self.words);
                for word in &mut self.words {
                    *word = u32::from_le(*word);
                }
                for (out, row) in self.band.chunks_exact_mut(width).zip(self.words.chunks_exact(row_words)) {
                    self.format.convert(row, out);
                }
            }
            let size = Size::new(whole.width(), rows as u32);
            let pixels = Pixels::new(size, width, &self.band).expect("the band was just made for this size");
            out(
                Point::new(rect.left, top),
                pixels.crop(Rect::new(left as i32, 0, right - left, rows as u32)),
            );
            top = bottom;
        }
        Ok(())
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
