//! The arrow shown where the real pointer's picture cannot be had.

use panto_protocol::canvas::CursorImage;
use panto_protocol::geometry::{Point, Size};
use panto_protocol::pixel::Picture;

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

/// A plain arrow that points with its first pixel.
pub(super) fn arrow() -> CursorImage {
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
