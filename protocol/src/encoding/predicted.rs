//! Predicted: what is left of each pixel after a prediction, a channel at a time; for photographs.
//!
//! | bytes | field     | meaning                                                    |
//! |-------|-----------|------------------------------------------------------------|
//! | 1     | predictor | 0 west, 1 north, 2 median                                  |
//! | n     | green     | green less its prediction, mod 256, row by row              |
//! | n     | red       | red less its prediction, less what is left of green, mod 256 |
//! | n     | blue      | blue likewise                                              |
//!
//! Whatever lies outside the rectangle is 0.

use crate::pixel::{Pixels, PixelsMut};
use crate::wire::{DecodeError, Reader};

/// How a channel is predicted from west, north and north-west.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Predictor {
    West = 0,
    North = 1,
    /// The median of west, north, and west + north - north-west.
    Median = 2,
}

impl Predictor {
    const ALL: [Self; 3] = [Self::West, Self::North, Self::Median];

    #[inline(always)]
    fn predict(self, w: i16, n: i16, nw: i16) -> i16 {
        match self {
            Self::West => w,
            Self::North => n,
            // As `clamp`, which would check that the bounds are in order.
            Self::Median => (w + n - nw).min(w.max(n)).max(w.min(n)),
        }
    }
}

/// One row in so many is looked at to choose a predictor.
const SAMPLED: usize = 8;

fn green(pixel: u32) -> i16 {
    (pixel >> 8 & 0xff) as i16
}

/// The best predictor, and how much it leaves of green on average, in 16ths.
fn choose(src: Pixels<'_>) -> (Predictor, u64) {
    let mut left = [0u64; 3];
    let mut pixels = 0;
    for y in (1..src.size().height as usize).step_by(SAMPLED) {
        let (above, row) = (src.row(y - 1), src.row(y));
        pixels += row.len().saturating_sub(1) as u64;
        let mut sums = [0u32; 3];
        for (above, row) in above.windows(2).zip(row.windows(2)) {
            let [nw, n, w, p] = [above[0], above[1], row[0], row[1]].map(green);
            for (sum, predictor) in sums.iter_mut().zip(Predictor::ALL) {
                *sum += u32::from((p - predictor.predict(w, n, nw)).unsigned_abs());
            }
        }
        left.iter_mut().zip(sums).for_each(|(all, sum)| *all += u64::from(sum));
    }
    let best = (0..3).min_by_key(|i| (left[*i], 3 - *i)).unwrap_or(2);
    (Predictor::ALL[best], left[best] * 16 / pixels.max(1))
}

/// Whether prediction leaves little: as of a photograph, not of noise or text.
pub(super) fn is_smooth(src: Pixels<'_>) -> bool {
    choose(src).1 < 16 * 24
}

pub(super) fn encode(src: Pixels<'_>, out: &mut Vec<u8>) {
    let (width, area) = (src.size().width as usize, src.size().area() as usize);
    let predictor = choose(src).0;
    out.push(predictor as u8);
    let start = out.len();
    out.resize(start + 3 * area, 0);
    let (greens, rest) = out[start..].split_at_mut(area);
    let (reds, blues) = rest.split_at_mut(area);
    // Each row with a 0 in front.
    let (mut above, mut row) = (vec![0; width + 1], vec![0; width + 1]);
    for y in 0..src.size().height as usize {
        row[1..].copy_from_slice(src.row(y));
        let at = y * width..(y + 1) * width;
        let to = [&mut greens[at.clone()], &mut reds[at.clone()], &mut blues[at]];
        match predictor {
            Predictor::West => encode_row(|w, _, _| w, &above, &row, to),
            Predictor::North => encode_row(|_, n, _| n, &above, &row, to),
            Predictor::Median => encode_row(|w, n, nw| Predictor::Median.predict(w, n, nw), &above, &row, to),
        }
        std::mem::swap(&mut above, &mut row);
    }
}

#[inline(always)]
fn encode_row(
    predict: impl Fn(i16, i16, i16) -> i16,
    above: &[u32],
    row: &[u32],
    [greens, reds, blues]: [&mut [u8]; 3],
) {
    let left = |i: usize, shift: u32| {
        let part = |pixel: u32| (pixel >> shift & 0xff) as i16;
        (part(row[i + 1]) - predict(part(row[i]), part(above[i + 1]), part(above[i]))) as u8
    };
    let width = greens.len();
    let (above, row) = (&above[..width + 1], &row[..width + 1]);
    assert!(above.len() == row.len() && reds.len() == width && blues.len() == width);
    for i in 0..width {
        let green = left(i, 8);
        greens[i] = green;
        reds[i] = left(i, 16).wrapping_sub(green);
        blues[i] = left(i, 0).wrapping_sub(green);
    }
}

pub(super) fn decode(r: &mut Reader<'_>, dst: &mut PixelsMut<'_>) -> Result<(), DecodeError> {
    let (width, area) = (dst.size().width as usize, dst.size().area() as usize);
    let number = r.u8("predictor")?;
    let predictor = Predictor::ALL.into_iter().find(|p| *p as u8 == number);
    let predictor = predictor.ok_or(DecodeError::Unknown { what: "predictor", value: number.into() })?;
    let mut plane = |what| r.take(area, what);
    let planes = [plane("plane of green")?, plane("plane of red")?, plane("plane of blue")?];
    let mut above = vec![0; width];
    for y in 0..dst.size().height as usize {
        let from = planes.map(|plane| &plane[y * width..(y + 1) * width]);
        match predictor {
            Predictor::West => decode_row(|w, _, _| w, from, &mut above),
            Predictor::North => decode_row(|_, n, _| n, from, &mut above),
            Predictor::Median => decode_row(|w, n, nw| Predictor::Median.predict(w, n, nw), from, &mut above),
        }
        dst.row_mut(y).copy_from_slice(&above);
    }
    Ok(())
}

/// Turns the row above into the next one.
#[inline(always)]
fn decode_row(predict: impl Fn(i16, i16, i16) -> i16, [greens, reds, blues]: [&[u8]; 3], row: &mut [u32]) {
    let (mut west, mut north_west) = ([0i16; 3], [0i16; 3]);
    for (((pixel, green), red), blue) in row.iter_mut().zip(greens).zip(reds).zip(blues) {
        let north = [*pixel >> 16, *pixel >> 8, *pixel].map(|part| (part & 0xff) as i16);
        let left = [red.wrapping_add(*green), *green, blue.wrapping_add(*green)];
        let mut parts = [0i16; 3];
        for i in 0..3 {
            parts[i] = (predict(west[i], north[i], north_west[i]) + i16::from(left[i])) & 0xff;
        }
        (west, north_west) = (parts, north);
        *pixel = (parts[0] as u32) << 16 | (parts[1] as u32) << 8 | parts[2] as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::testing::{check_decodes, check_edges, check_vector, picture};
    use crate::encoding::{Decoder, Packing};
    use crate::geometry::Size;

    #[test]
    fn vector() {
        let two = picture(&[[0x0010_2030, 0x0011_2131], [0x0012_2233, 0x0013_2333]]);
        check_vector(&two, Packing::Predicted, &[0x08, 2, 0x20, 1, 2, 1, 0xf0, 0, 0, 0, 0x10, 0, 1, 0xff]);
    }

    #[test]
    fn every_predictor_is_decoded() {
        // West, then north: all else is the same.
        for (payload, colors) in [
            (&[0x08, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0], [[0x0001_0101, 0x0002_0202]; 2]),
            (&[0x08, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0], [[0x0001_0101; 2], [0x0002_0202; 2]]),
        ] {
            check_decodes(payload, &picture(&colors), false);
            check_edges(payload, Size::new(2, 2), false);
        }
        let unknown = Decoder::new().decode(&[0x08, 3, 0, 0, 0], Size::new(1, 1), false);
        assert_eq!(unknown, Err(DecodeError::Unknown { what: "predictor", value: 3 }));
    }
}
