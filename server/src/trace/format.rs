//! The bytes of a trace.
//!
//! | part    | bytes                                                                       |
//! |---------|-----------------------------------------------------------------------------|
//! | magic   | `PANTOTRC`                                                                  |
//! | version | u16                                                                         |
//! | header  | u32 length, JSON ([`super::Header`])                                        |
//! | chapters| u8 1, u32 length of the rest, u64 XXH3 of it, zstd of: varint time of the chapter's beginning (µs), varint length of the snapshot, snapshot, events |
//! | index   | u8 2, u32 length, u64 XXH3, zstd of: varint end of the trace (µs), varint number of chapters, for each varint time and varint offset in the file |
//! | trailer | u64 offset of the index, `PANTOEND`                                          |
//!
//! Integers are little-endian. A snapshot is a row of events that make an empty scene
//! the one at the chapter's beginning: reading may begin at any chapter. The reader that
//! comes from the chapter before skips it. A file without a trailer is read chapter by chapter.
//!
//! Events, each a tag and its fields as PROTOCOL.md section 1 encodes them:
//!
//! | tag | event   | fields                                                                  |
//! |-----|---------|-------------------------------------------------------------------------|
//! | 0   | time    | varint, µs since the time before                                        |
//! | 1   | draw    | bytes: one draw command, plainly encoded                                |
//! | 2   | pixels  | surface varint, rect, u8 bytes a pixel (3 or 4), one bit a row (lowest first), pixels as R G B or R G B A |
//! | 3   | cursor  | hot point, size, pixels as R G B A                                      |
//! | 4   | pointer | point                                                                   |
//! | 5   | outputs | size, count varint, rects                                               |
//! | 6   | input   | u8: 0 key, 1 button, 2 scroll, 3 motion                                 |
//!
//! Whole rows are kept, and only changed ones: a scrolled text is then a long match in
//! zstd's window, and an untouched row one bit.

use panto_protocol::canvas::CursorImage;
use panto_protocol::draw::{DrawCommand, SurfaceId};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::Picture;
use panto_protocol::wire::{
    DecodeError, MAX_CURSOR_SIDE, MAX_DRAW_MESSAGE, MAX_OUTPUTS, MAX_SURFACE_PIXELS, Reader, Writer,
};

use super::{Event, InputKind, Rows};

pub(super) const MAGIC: &[u8; 8] = b"PANTOTRC";
pub(super) const END: &[u8; 8] = b"PANTOEND";
pub(super) const CHAPTER: u8 = 1;
pub(super) const INDEX: u8 = 2;

/// Bytes of the header's JSON.
pub(super) const MAX_HEADER: u32 = 64 << 10;

/// Bytes of a chapter, unpacked: a few seconds of full-screen video.
pub(super) const MAX_CHAPTER: usize = 256 << 20;

/// zstd's window: rows of the last pictures are found again.
pub(super) const WINDOW_LOG: u32 = 26;

pub(super) fn encode(event: &Event, alpha: bool, out: &mut Writer) {
    match event {
        Event::Draw(command) => {
            out.u8(1);
            let mut bytes = Writer::new();
            command.encode(&mut bytes);
            out.bytes(bytes.as_slice());
        }
        Event::Pixels { surface, rect, rows } => {
            out.u8(2);
            out.varint(u64::from(surface.0));
            rect.encode(out);
            out.u8(if alpha { 4 } else { 3 });
            for bits in rows.changed.chunks(8) {
                out.u8(bits.iter().enumerate().fold(0, |byte, (i, &bit)| byte | u8::from(bit) << i));
            }
            pack(&rows.pixels, alpha, out);
        }
        Event::Cursor(image) => {
            out.u8(3);
            image.hot.encode(out);
            image.picture.size().encode(out);
            pack(image.picture.data(), true, out);
        }
        Event::Pointer(position) => {
            out.u8(4);
            position.encode(out);
        }
        Event::Outputs { size, outputs } => {
            out.u8(5);
            size.encode(out);
            out.varint(outputs.len() as u64);
            outputs.iter().for_each(|r| r.encode(out));
        }
        Event::Input(kind) => {
            out.u8(6);
            out.u8(match kind {
                InputKind::Key => 0,
                InputKind::Button => 1,
                InputKind::Scroll => 2,
                InputKind::Motion => 3,
            });
        }
    }
}

pub(super) fn encode_time(delta: u64, out: &mut Writer) {
    out.u8(0);
    out.varint(delta);
}

/// What [`decode`] finds.
pub(super) enum Item {
    Time(u64),
    Event(Event),
}

pub(super) fn decode(r: &mut Reader<'_>) -> Result<Item, DecodeError> {
    let event = match r.u8("event")? {
        0 => return Ok(Item::Time(r.varint()?)),
        1 => {
            let mut bytes = Reader::new(r.bytes(MAX_DRAW_MESSAGE, "draw command")?);
            let command = DrawCommand::decode(&mut bytes)?;
            bytes.finish("draw command")?;
            Event::Draw(command)
        }
        2 => {
            let surface = SurfaceId(r.varint_max(u64::from(u32::MAX), "surface")? as u32);
            let rect = Rect::decode(r)?;
            let bytes = r.u8("bytes a pixel")?;
            let height = rect.height() as usize;
            let bits = r.take(height.div_ceil(8), "rows")?;
            let changed: Vec<bool> = (0..height).map(|y| bits[y / 8] >> (y % 8) & 1 == 1).collect();
            let count = changed.iter().filter(|c| **c).count() * rect.width() as usize;
            let pixels = unpack(r, count, bytes)?;
            Event::Pixels { surface, rect, rows: Rows { changed, pixels } }
        }
        3 => {
            let hot = Point::decode(r)?;
            let size = Size::decode(r)?;
            if size.width > MAX_CURSOR_SIDE || size.height > MAX_CURSOR_SIDE {
                return Err(DecodeError::TooLarge { what: "cursor" });
            }
            let data = unpack(r, size.area() as usize, 4)?;
            let invalid = DecodeError::Invalid { what: "cursor" };
            Event::Cursor(CursorImage { hot, picture: Picture::from_pixels(size, data).ok_or(invalid)? })
        }
        4 => Event::Pointer(Point::decode(r)?),
        5 => {
            let size = Size::decode(r)?;
            if size.area() > MAX_SURFACE_PIXELS {
                return Err(DecodeError::TooLarge { what: "screen" });
            }
            let count = r.count(MAX_OUTPUTS, 4, "outputs")?;
            let outputs = (0..count).map(|_| Rect::decode(r)).collect::<Result<_, _>>()?;
            Event::Outputs { size, outputs }
        }
        6 => Event::Input(match r.u8("input")? {
            0 => InputKind::Key,
            1 => InputKind::Button,
            2 => InputKind::Scroll,
            3 => InputKind::Motion,
            value => return Err(DecodeError::Unknown { what: "input", value: value.into() }),
        }),
        value => return Err(DecodeError::Unknown { what: "event", value: value.into() }),
    };
    Ok(Item::Event(event))
}

fn pack(pixels: &[u32], alpha: bool, out: &mut Writer) {
    let buffer = out.buffer();
    buffer.reserve(pixels.len() * if alpha { 4 } else { 3 });
    for pixel in pixels {
        let [b, g, r, a] = pixel.to_le_bytes();
        buffer.extend_from_slice(&[r, g, b]);
        if alpha {
            buffer.push(a);
        }
    }
}

/// The count is bounded by the bytes that are there.
fn unpack(r: &mut Reader<'_>, count: usize, bytes: u8) -> Result<Vec<u32>, DecodeError> {
    let pixel = |rgb: &[u8], a| u32::from_le_bytes([rgb[2], rgb[1], rgb[0], a]);
    match bytes {
        3 => Ok(r.take(count * 3, "pixels")?.chunks_exact(3).map(|p| pixel(p, 0)).collect()),
        4 => Ok(r.take(count * 4, "pixels")?.chunks_exact(4).map(|p| pixel(p, p[3])).collect()),
        value => Err(DecodeError::Unknown { what: "bytes a pixel", value: value.into() }),
    }
}
