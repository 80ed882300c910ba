//! Tight (rfbproto): the whole rectangle as one colour, pixels or indices of a palette, the latter
//! two through one of four zlib streams.
//!
//! | bytes | field   | meaning                                                            |
//! |-------|---------|--------------------------------------------------------------------|
//! | 1     | control | bits 0 to 3: streams that begin anew; above: 8 one colour, 9 JPEG, 0 to 3 the stream, and 4 if a filter follows |
//! | 1     | filter  | 0 pixels, 1 palette, 2 gradient                                    |
//! | 1     | count   | palette: colours minus one                                         |
//! | …     | colours | palette: TPIXELs                                                   |
//! | 1…3   | length  | seven bits a byte, lowest first, eight in the third; of what follows |
//! | …     | data    | TPIXELs or indices, zlib                                           |
//!
//! Data of fewer than twelve bytes is neither compressed nor has a length. Indices of two colours
//! are bits, each row padded to a byte; others are bytes.
//!
//! Encoded as TigerVNC does: pixels in stream 0, two colours in 1, more of them in 2, none ever
//! begun anew; pixels that are smooth, as photographs are, by what a gradient says wrong of them. JPEG
//! is for those that want it.

use super::super::{PixelFormat, TrueColor};
use super::jpeg;
use super::palette::{Palette, worth_numbering};
use super::pixel_bytes::PixelBytes;
use super::tile::{pack, unpack};
use super::values::Values;
use super::zlib::{Deflater, Inflater};
use crate::geometry::Size;
use crate::pixel::{Color, Picture};
use crate::wire::{DecodeError, Reader};

/// The widest rectangle that viewers accept, in pixels. The caller cuts what is wider.
pub const TIGHT_MAX_WIDTH: u32 = 2048;

/// Pixels of the largest rectangle that servers send. The caller cuts what is larger; beyond 4 MiB
/// of compressed data a rectangle's length could not even be said.
pub const TIGHT_MAX_AREA: u64 = 65_536;

/// Pixels of a JPEG at most: as high as wide. Servers send none beyond [`TIGHT_MAX_AREA`], and a
/// progressive one takes six bytes a pixel and a pass over it for every few bytes of the file.
const MAX_JPEG_AREA: u64 = TIGHT_MAX_WIDTH as u64 * TIGHT_MAX_WIDTH as u64;

/// Shorter data is sent as it is.
const MIN_TO_COMPRESS: usize = 12;

const FILTERED: u8 = 4;
const FILL: u8 = 8;
const JPEG: u8 = 9;

const COPY: u8 = 0;
const PALETTE: u8 = 1;
const GRADIENT: u8 = 2;

/// The streams used here, by number.
const FULL_STREAM: u8 = 0;
const MONO_STREAM: u8 = 1;
const INDEX_STREAM: u8 = 2;

/// The connection's streams and memory, on the server's side.
#[derive(Debug, Default)]
pub(super) struct TightEncoder {
    streams: [Deflater; 3],
    palette: Palette,
    plain: Vec<u8>,
    packed: Vec<u8>,
    wrong: Vec<u32>,
}

impl TightEncoder {
    pub(super) fn encode(&mut self, level: u8, format: &PixelFormat, values: &Values, out: &mut Vec<u8>) {
        let bytes = PixelBytes::tight(format);
        let few = self.palette.collect(values.data(), worth_numbering(values.data().len()));
        let colors = self.palette.values();
        if few && colors.len() <= 1 {
            out.push(FILL << 4);
            bytes.put(colors.first().copied().unwrap_or_default(), out);
            return;
        }
        self.plain.clear();
        let (width, area) = (values.size().width as usize, values.data().len());
        let full = area * bytes.bytes();
        let saves = |indices: usize| few && colors.len() * bytes.bytes() + indices < full;
        let stream = if colors.len() == 2 && saves(width.div_ceil(8) * values.size().height as usize) {
            for row in values.data().chunks(width) {
                pack(row.iter().map(|&value| self.palette.index(value)), 1, &mut self.plain);
            }
            MONO_STREAM
        } else if saves(area) {
            self.plain.extend(values.data().iter().map(|&value| self.palette.index(value)));
            INDEX_STREAM
        } else {
            FULL_STREAM
        };
        if stream == FULL_STREAM {
            match gradual(format).filter(|color| is_smooth(color, width, values.data())) {
                Some(color) => {
                    say_gradient(color, width, values.data(), &mut self.wrong);
                    bytes.put_all(&self.wrong, &mut self.plain);
                    out.extend_from_slice(&[(FULL_STREAM | FILTERED) << 4, GRADIENT]);
                }
                None => {
                    bytes.put_all(values.data(), &mut self.plain);
                    out.push(FULL_STREAM << 4);
                }
            }
        } else {
            out.extend_from_slice(&[(stream | FILTERED) << 4, PALETTE, (colors.len() - 1) as u8]);
            bytes.put_all(colors, out);
        }
        if self.plain.len() < MIN_TO_COMPRESS {
            out.extend_from_slice(&self.plain);
            return;
        }
        self.packed.clear();
        self.streams[usize::from(stream)].deflate(level, &self.plain, &mut self.packed);
        put_length(self.packed.len(), out);
        out.extend_from_slice(&self.packed);
    }
}

/// Appends a rectangle that was written as a JPEG file below 4 MiB.
pub(super) fn put_jpeg(file: &[u8], out: &mut Vec<u8>) {
    out.push(JPEG << 4);
    put_length(file.len(), out);
    out.extend_from_slice(file);
}

/// Appends a length below 2²².
fn put_length(length: usize, out: &mut Vec<u8>) {
    let low = |bits: usize| (bits & 0x7f) as u8;
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0x3fff => out.extend_from_slice(&[low(length) | 0x80, low(length >> 7)]),
        _ => out.extend_from_slice(&[low(length) | 0x80, low(length >> 7) | 0x80, (length >> 14) as u8]),
    }
}

fn length(r: &mut Reader<'_>) -> Result<usize, DecodeError> {
    let what = "Tight length";
    let mut length = 0;
    for shift in [0, 7] {
        let byte = usize::from(r.u8(what)?);
        length |= (byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(length);
        }
    }
    Ok(length | usize::from(r.u8(what)?) << 14)
}

/// The connection's streams and memory, on the client's side.
#[derive(Debug, Default)]
pub(super) struct TightDecoder {
    /// Whether JPEG was asked for.
    jpeg: bool,
    streams: [Inflater; 4],
    plain: Vec<u8>,
}

impl TightDecoder {
    /// One that takes JPEG as well.
    pub(super) fn with_jpeg() -> Self {
        Self { jpeg: true, ..Self::default() }
    }

    pub(super) fn decode(
        &mut self,
        format: &PixelFormat,
        map: &[Color],
        size: Size,
        r: &mut Reader<'_>,
    ) -> Result<Picture, DecodeError> {
        let bytes = PixelBytes::tight(format);
        let control = r.u8("Tight control")?;
        let how = control >> 4;
        if how == FILL {
            let value = bytes.read(r)?;
            self.reset(control);
            return Ok(Values::new(size, value).into_picture(format, map));
        }
        if how == JPEG && self.jpeg {
            if size.width > TIGHT_MAX_WIDTH || size.area() > MAX_JPEG_AREA {
                return Err(DecodeError::TooLarge { what: "Tight JPEG" });
            }
            let length = length(r)?;
            let file = r.take(length, "Tight JPEG")?;
            self.reset(control);
            return jpeg::decode(file, size);
        }
        if FILL < how {
            return Err(DecodeError::Unknown { what: "Tight compression", value: how.into() });
        }
        // Only here, as TigerVNC has it: older ones of its servers send wider ones of one colour.
        if size.width > TIGHT_MAX_WIDTH {
            return Err(DecodeError::TooLarge { what: "Tight rectangle" });
        }
        let filter = if how & FILTERED != 0 { r.u8("Tight filter")? } else { COPY };
        let width = size.width as usize;
        let mut palette = Vec::new();
        let row_bytes = match filter {
            COPY | GRADIENT => width * bytes.bytes(),
            PALETTE => {
                let count = usize::from(r.u8("Tight palette")?) + 1;
                bytes.read_all(r, count, &mut palette)?;
                if count <= 2 { width.div_ceil(8) } else { width }
            }
            other => return Err(DecodeError::Unknown { what: "Tight filter", value: other.into() }),
        };
        let plain = self.data(control, row_bytes * size.height as usize, r)?;
        let mut data = Vec::with_capacity(size.area() as usize);
        match filter {
            PALETTE if palette.len() <= 2 => {
                for row in plain.chunks(row_bytes.max(1)) {
                    unpack(row, 1, width, &palette, &mut data)?;
                }
            }
            PALETTE => {
                for &index in plain {
                    let value = palette.get(usize::from(index));
                    data.push(*value.ok_or(DecodeError::Invalid { what: "index beyond the palette" })?);
                }
            }
            _ => bytes.read_all(&mut Reader::new(plain), size.area() as usize, &mut data)?,
        }
        if filter == GRADIENT {
            match &format.true_color {
                Some(color) if 8 < format.bits_per_pixel => undo_gradient(color, width, &mut data),
                _ => return Err(DecodeError::Invalid { what: "gradient of so few bits" }),
            }
        }
        Ok(Values::from_data(size, data).into_picture(format, map))
    }

    /// The `length` bytes that go through a stream or, if they are few, do not. Streams move when
    /// all bytes are there.
    fn data<'a, 'b: 'a>(
        &'a mut self,
        control: u8,
        length: usize,
        r: &mut Reader<'b>,
    ) -> Result<&'a [u8], DecodeError> {
        if length < MIN_TO_COMPRESS {
            let plain = r.take(length, "Tight data")?;
            self.reset(control);
            return Ok(plain);
        }
        let packed = self::length(r)?;
        let packed = r.take(packed, "Tight data")?;
        self.reset(control);
        self.streams[usize::from(control >> 4 & 3)].inflate(packed, length, &mut self.plain)?;
        if self.plain.len() < length {
            return Err(DecodeError::Invalid { what: "Tight data" });
        }
        Ok(&self.plain)
    }

    fn reset(&mut self, control: u8) {
        for (i, stream) in self.streams.iter_mut().enumerate() {
            if control >> i & 1 != 0 {
                stream.reset();
            }
        }
    }
}

/// The smallest rectangle that is looked at for smoothness, in pixels, and every how many rows.
const MIN_SMOOTH: usize = 1024;
const LOOKED_AT: usize = 4;

/// How wrong a gradient may be on average where it is worth it, in 256ths of what a part can be.
const MAX_WRONG: u32 = 16;

/// The parts of a format's colours, if gradients can be said of them: viewers take 16 bits and more, and
/// sums are cut to as many bits as a part has.
fn gradual(format: &PixelFormat) -> Option<&TrueColor> {
    let color = format.true_color.as_ref().filter(|_| 8 < format.bits_per_pixel)?;
    color.max.iter().all(|max| (u32::from(*max) + 1).is_power_of_two()).then_some(color)
}

/// What a gradient predicts of a part of a colour: left + above − above left, held to what it can be.
fn predicted(left: i32, above: i32, above_left: i32, max: i32) -> i32 {
    (left + above - above_left).clamp(0, max)
}

/// Whether pixels are as those of photographs: hardly ever like their neighbours, and never far from
/// what a gradient predicts.
fn is_smooth(color: &TrueColor, width: usize, data: &[u32]) -> bool {
    if data.len() < MIN_SMOOTH || width < 2 {
        return false;
    }
    let (mut wrong, mut equal, mut looked) = (0, 0, 0);
    for rows in data.chunks_exact(2 * width).step_by(LOOKED_AT / 2) {
        let (above, row) = rows.split_at(width);
        for x in 1..width {
            looked += 1;
            equal += u32::from(row[x] == row[x - 1]);
            for (max, shift) in color.max.iter().zip(color.shift) {
                let max = i32::from(*max);
                let part = |value: u32| (value >> shift) as i32 & max;
                let guess = predicted(part(row[x - 1]), part(above[x]), part(above[x - 1]), max);
                wrong += part(row[x]).abs_diff(guess) * 256 / (max as u32 + 1);
            }
        }
    }
    4 * equal < looked && wrong < 3 * MAX_WRONG * looked
}

/// What a gradient says wrong of each part of each pixel. There is black outside.
fn say_gradient(color: &TrueColor, width: usize, data: &[u32], wrong: &mut Vec<u32>) {
    wrong.clear();
    wrong.reserve(data.len());
    for (y, row) in data.chunks(width.max(1)).enumerate() {
        let above = y.checked_sub(1).map(|y| &data[y * width..]);
        for (x, &value) in row.iter().enumerate() {
            let left = x.checked_sub(1).map_or(0, |x| row[x]);
            let up = above.map_or(0, |above| above[x]);
            let corner = x.checked_sub(1).and_then(|x| above.map(|above| above[x])).unwrap_or(0);
            let mut sum = 0;
            for (max, shift) in color.max.iter().zip(color.shift) {
                let max = i32::from(*max);
                let part = |value: u32| (value >> shift) as i32 & max;
                let guess = predicted(part(left), part(up), part(corner), max);
                sum |= (((part(value) - guess) & max) as u32) << shift;
            }
            wrong.push(sum);
        }
    }
}

/// Adds to each part of a colour what was predicted of it: left + above − above left, held to what
/// the part can be. There is black outside.
fn undo_gradient(color: &TrueColor, width: usize, data: &mut [u32]) {
    let mut above = vec![[0i32; 3]; width];
    for row in data.chunks_mut(width.max(1)) {
        let (mut left, mut above_left) = ([0; 3], [0; 3]);
        for (value, above) in row.iter_mut().zip(&mut above) {
            let mut parts = [0; 3];
            let mut sum = 0;
            for i in 0..3 {
                let (max, shift) = (i32::from(color.max[i]), color.shift[i]);
                let predicted = predicted(left[i], above[i], above_left[i], max);
                let difference = (*value >> shift) as i32 & max;
                parts[i] = (difference + predicted) & max;
                sum |= (parts[i] as u32) << shift;
            }
            *value = sum;
            above_left = std::mem::replace(above, parts);
            left = parts;
        }
    }
}
