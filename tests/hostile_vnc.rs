//! RFB under attack: viewers that lie to the server, and servers that lie to the viewer. Each flaw
//! that VNC programs had is a line with its name, and what must happen is a sentence that says what
//! was wrong, an end in time, bounded memory, and everybody else unharmed.
//!
//! The decoders and state machines are fuzzed in `protocol`; here are the whole programs.

mod clients;
mod floods;
mod lies;
mod servers;
mod stalls;
mod websocket;

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use panto_protocol::geometry::{Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::rfb::{EncodingId, RectHeader, encode_rect_count};
use panto_protocol::wire::Writer;

const MIB: u64 = 1 << 20;

/// Words that no end may be told in.
const HARM: [&str; 5] = ["panicked", "overflow", "memory allocation", "backtrace", "SIGSEGV"];

/// The most memory that a process has had so far, in bytes (peak of its resident set).
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).expect("VmHWM");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("kB") * 1024
}

/// A zlib stream of `plain`, as small as it gets, which ends with a flush as RFB's do.
fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut stream = ZlibEncoder::new(Vec::new(), Compression::best());
    stream.write_all(plain).and_then(|()| stream.flush()).expect("into memory");
    stream.get_ref().clone()
}

/// What a message writes.
fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::default();
    write(&mut out);
    out.finish()
}

/// A rectangle of an update.
fn rect(rect: Rect, encoding: EncodingId, payload: &[u8]) -> Vec<u8> {
    [&written(|out| RectHeader { rect, encoding }.encode(out))[..], payload].concat()
}

/// An update that says that it has so many rectangles.
fn update(count: u16, rects: &[Vec<u8>]) -> Vec<u8> {
    [&written(|out| encode_rect_count(count, out))[..], &rects.concat()].concat()
}

/// A picture that nothing compresses.
fn noise(size: Size) -> Picture {
    let pixel = |i: u32| i.wrapping_mul(0x9e37_79b1) >> 3 & 0x00ff_ffff;
    Picture::from_pixels(size, (0..size.area() as u32).map(pixel).collect()).expect("as many pixels")
}
