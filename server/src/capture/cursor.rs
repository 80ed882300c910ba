//! The pointer's picture, and the arrow shown where it cannot be had.

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Picture, Pixels};
use panto_protocol::wire::MAX_CURSOR_SIDE;
use x11rb::errors::ReplyError;
use x11rb::protocol::ErrorKind;
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use super::CaptureError;

/// `#` black, `.` white, anything else transparent.
const ARROW: [&str; 17] = [
    "#          ",
    "##         ",
    "#.#        ",
    "#..#       ",
    "#...#      ",
    "#....#     ",
    "#.....#    ",
    "#......#   ",
    "#.......#  ",
    "#........# ",
    "#.....#####",
    "#..#..#    ",
    "#.# #..#   ",
    "##  #..#   ",
    "#    #..#  ",
    "     #..#  ",
    "      ##   ",
];

/// The pointer's picture; an arrow where it cannot be had.
pub(super) fn read(conn: &RustConnection) -> Result<CursorImage, CaptureError> {
    let reply = match conn.xfixes_get_cursor_image()?.reply() {
        Ok(reply) => reply,
        // There is none yet, or its owner is gone: with the SECURITY extension (that is,
        // nearly everywhere) nobody may look at what `xsetroot -cursor_name` leaves behind.
        Err(ReplyError::X11Error(e)) if matches!(e.error_kind, ErrorKind::Cursor | ErrorKind::Access) => {
            return Ok(arrow());
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

/// A plain arrow that points with its first pixel.
fn arrow() -> CursorImage {
    let mut picture = Picture::new(Size::new(ARROW[0].len() as u32, ARROW.len() as u32), 0);
    for (y, row) in ARROW.iter().enumerate() {
        let pixels = picture.row_mut(y as i32, 0, row.len() as i32);
        for (pixel, c) in pixels.iter_mut().zip(row.bytes()) {
            *pixel = match c {
                b'#' => 0xff00_0000,
                b'.' => 0xffff_ffff,
                _ => 0,
            };
        }
    }
    CursorImage { picture, hot: Point::default() }
}
