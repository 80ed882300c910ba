//! What a block of a picture is of: nothing, photograph or film, or something with edges
//! that must stay sharp.

use panto_protocol::geometry::Rect;
use panto_protocol::pixel::{Color, Picture};

/// What a block shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// One colour, or nearly.
    Flat,
    /// A photograph, a film: many colours that change by little.
    Natural,
    /// Text, lines, widgets.
    Drawn,
}

/// Different colours that a natural block has at least, of 1,024 pixels. Smoothed letters
/// in two colours make fewer than 32, and in four up to a hundred, but stand on flat ground.
const MIN_COLORS: u32 = 48;

/// Different colours that no drawing has, of 1,024 pixels, whatever its edges.
const MANY_COLORS: u32 = 256;

/// Side of the cells in which letters are looked for, and the colours that such a cell has at
/// most.
const SIDE: i32 = 4;
const SHARP_COLORS: usize = 6;

/// Cells of many colours that may be around a letter in the midst of a film, of eight: the film
/// is on one of its sides, or around a corner.
const FILM_AROUND: usize = 5;

/// The contrast of letters, in steps of green, where a film is all around; and of faint ones.
const CONTRAST: i32 = 96;
const FAINT: i32 = 24;

/// A step of green from one pixel to the next that photographs rarely make.
const HARD: i32 = 56;

/// What the block at `rect` shows.
pub fn nature(picture: &Picture, rect: Rect) -> Nature {
    let (mut pairs, mut changes, mut hard) = (0u32, 0u32, 0u32);
    let mut colors = [0u64; 32];
    for y in rect.top..rect.bottom {
        let row = picture.row(y, rect.left, rect.right);
        for pair in row.windows(2) {
            let step = (green(pair[0]) - green(pair[1])).abs();
            changes += u32::from(pair[0] & 0x00ff_ffff != pair[1] & 0x00ff_ffff);
            hard += u32::from(step > HARD);
        }
        pairs += row.len() as u32 - 1;
        for pixel in row {
            let hash = (pixel & 0x00ff_ffff).wrapping_mul(0x9e37_79b1) >> 21;
            colors[hash as usize / 64] |= 1 << (hash % 64);
        }
    }
    let distinct: u32 = colors.iter().map(|word| word.count_ones()).sum();
    // Blocks at the rim of a rectangle may be small: fewer colours are as many then.
    let enough = (MIN_COLORS * (pairs + 1) / 1024).clamp(12, MIN_COLORS);
    if changes * 16 < pairs {
        return if hard == 0 { Nature::Flat } else { Nature::Drawn };
    }
    // On a drawing's flat ground most neighbours are equal, and where they are not, they
    // differ by much.
    let soft = distinct >= enough && changes * 3 > pairs && hard * 4 < changes;
    match soft || distinct > MANY_COLORS {
        true => Nature::Natural,
        false => Nature::Drawn,
    }
}

/// How many colours there are in `rect`, about, and rather fewer: a hash tells them apart.
/// Text, however smoothed, has no more than 256 in 64 × 64 pixels.
pub fn colors(picture: &Picture, rect: Rect) -> u32 {
    let mut seen = [0u64; 64];
    for y in rect.top..rect.bottom {
        for pixel in picture.row(y, rect.left, rect.right) {
            let hash = (pixel & 0x00ff_ffff).wrapping_mul(0x9e37_79b1) >> 20;
            seen[hash as usize / 64] |= 1 << (hash % 64);
        }
    }
    seen.iter().map(|word| word.count_ones()).sum()
}

/// The cells of 4 × 4 pixels of `rect` that are of letters and lines: few colours and hard
/// steps, few colours close to such cells, or one colour. They are not to be shown roughly, whatever is
/// around them. `rect` is a block, of 32 × 32 pixels at most. In the `midst` of a film only the
/// hardest edges count, and not those that the film has on both of their sides: they are its own.
pub fn sharp_cells(picture: &Picture, rect: Rect, midst: bool) -> Vec<Rect> {
    let columns = (rect.width() as i32 + SIDE - 1) / SIDE;
    let mut cells: Vec<(Rect, Option<i32>)> = (rect.top..rect.bottom)
        .step_by(SIDE as usize)
        .flat_map(|y| (rect.left..rect.right).step_by(SIDE as usize).map(move |x| (x, y)))
        .map(|(x, y)| Rect::new(x, y, SIDE as u32, SIDE as u32).intersection(&rect))
        .map(|cell| (cell, contrast(picture, cell)))
        .collect();
    // Letters smoothed in many colours stand on paper still.
    if let Some(paper) = paper(picture, &cells).filter(|_| !midst) {
        let stands = |cell: Rect| {
            let mut rows = (cell.top..cell.bottom).map(|y| picture.row(y, cell.left, cell.right));
            rows.any(|row| row.iter().any(|p| p & 0x00ff_ffff == paper))
        };
        for (cell, step) in &mut cells {
            if step.is_none() && stands(*cell) {
                *step = Some(i32::MAX);
            }
        }
    }
    let place = |i: usize| (i as i32 % columns, i as i32 / columns);
    let near = |i: usize, reach: i32| {
        let (x, y) = place(i);
        let is_near = move |(u, v): (i32, i32)| (u - x).abs() <= reach && (v - y).abs() <= reach;
        (0..cells.len()).filter(move |&j| is_near(place(j)))
    };
    let film = |i: usize| cells[i].1.is_none_or(|step| midst && 0 < step && step <= CONTRAST);
    let film_around = |i: usize| near(i, 1).filter(|&j| film(j)).count();
    let least = if midst { CONTRAST } else { FAINT };
    let letters: Vec<usize> = (0..cells.len())
        .filter(|&i| cells[i].1.is_some_and(|step| step > least))
        .filter(|&i| !midst || film_around(i) <= FILM_AROUND)
        .collect();
    let mut sharp: Vec<usize> = letters.iter().flat_map(|&i| near(i, 2)).filter(|&j| !film(j)).collect();
    if !midst {
        sharp.extend((0..cells.len()).filter(|&i| cells[i].1 == Some(0)));
    }
    sharp.sort_unstable();
    sharp.dedup();
    sharp.into_iter().map(|i| cells[i].0).collect()
}

/// The colour of most cells of one colour.
fn paper(picture: &Picture, cells: &[(Rect, Option<i32>)]) -> Option<Color> {
    let flat = cells.iter().filter(|(_, step)| *step == Some(0));
    let mut colors: Vec<Color> =
        flat.map(|(cell, _)| picture.row(cell.top, cell.left, cell.right)[0] & 0x00ff_ffff).collect();
    colors.sort_unstable();
    colors.chunk_by(|a, b| a == b).max_by_key(|same| same.len()).map(|same| same[0])
}

/// The largest difference of green in a cell of few colours; `None` if it has many.
fn contrast(picture: &Picture, cell: Rect) -> Option<i32> {
    let (mut colors, mut count) = ([0; SHARP_COLORS], 0);
    for y in cell.top..cell.bottom {
        for pixel in picture.row(y, cell.left, cell.right) {
            let color = pixel & 0x00ff_ffff;
            if !colors[..count].contains(&color) {
                *colors.get_mut(count)? = color;
                count += 1;
            }
        }
    }
    let greens = || colors[..count].iter().map(|c| green(*c));
    Some(greens().max()? - greens().min()?)
}

fn green(color: Color) -> i32 {
    (color >> 8 & 255) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::geometry::Size;

    const BLOCK: Size = Size::new(32, 32);

    fn picture(f: impl Fn(u32, u32) -> u32) -> Picture {
        let pixels = (0..32).flat_map(|y| (0..32).map(move |x| (x, y))).map(|(x, y)| f(x, y));
        Picture::from_pixels(BLOCK, pixels.collect()).unwrap()
    }

    fn noise(x: u32, y: u32) -> u32 {
        let h = (x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0x2c1b_3c6d);
        h >> 15
    }

    fn check(expected: Nature, f: impl Fn(u32, u32) -> u32) {
        let picture = picture(f);
        assert_eq!(nature(&picture, picture.bounds()), expected);
    }

    #[test]
    fn natures() {
        check(Nature::Flat, |_, _| 0x0012_3456);
        check(Nature::Flat, |_, y| y * 0x0001_0101);
        // A film with noise, and a soft gradient.
        check(Nature::Natural, |x, y| {
            let v = 60 + x * 2 + y + noise(x, y) % 20;
            v << 16 | (v + noise(y, x) % 9) << 8 | (v / 2)
        });
        check(Nature::Natural, |x, y| (x * 3 + y * 2) << 16 | (x + 3 * y) << 8 | (x * 4));
        // Letters, black on white, then smoothed in colours.
        check(Nature::Drawn, |x, y| if (x / 2 + y / 5) % 3 == 0 { 0 } else { 0x00ff_ffff });
        check(Nature::Drawn, |x, y| match (x % 8, y % 12) {
            (1 | 5, 2..10) => noise(x, y) & 0x00ff_ffff,
            (2..5, 2..10) => 0,
            _ => 0x00ff_ffff,
        });
        // A dither and a chart's lines.
        check(Nature::Drawn, |x, y| if (x + y) % 2 == 0 { 0x0080_8080 } else { 0x00c0_c0c0 });
        check(Nature::Drawn, |x, y| if y == x / 2 { 0x00c0_2020 } else { 0x00ff_ffff });
    }
}
