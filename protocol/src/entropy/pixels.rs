//! Pixels in the context of those around them, and of those that were there before.
//!
//! For each pixel in raster order a few colours are asked for in turn: what followed this
//! neighbourhood the last time (a far one of 19 pixels, a near one of 6), what was here
//! before, the neighbours, the colours used lately; only then a colour is spelt out. The
//! memory of neighbourhoods is what learns a session's fonts and widgets.

use super::Coder;
use super::bit::{Bit, Tree};
use super::number::Steady;
use crate::canvas::Canvas;
use crate::draw::{InlinePixels, SurfaceId};
use crate::geometry::Rect;
use crate::pixel::{Color, Picture};
use crate::wire::{DecodeError, MAX_COORDINATE, MAX_INLINE_PIXELS};

/// Neighbourhoods remembered, as powers of two.
const FAR_BITS: u32 = 20;
const NEAR_BITS: u32 = 18;

/// Pixels kept around the rectangle: to the left, to the right, above.
const LEFT: usize = 4;
const RIGHT: usize = 4;
const ABOVE: usize = 3;

/// Colours in the list of those used lately.
const LATELY: usize = 64;

/// Pixels that are told in one decision where everything around suggests them.
const RUN: usize = 16;

/// Which pixels may be told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Those that were there before.
    Unchanged = 0,
    /// The colour around.
    Flat = 1,
}

impl Run {
    /// What is likely of the pixels from `i` on, seen from the one to the left and the row above.
    fn at(old: &[Color], new: &[Color], stride: usize, i: usize) -> Option<Self> {
        let (above, left) = (i - stride - 1..i - stride + RUN + 1, i - 1);
        if new[left] == old[left] && new[above.clone()] == old[above.clone()] {
            Some(Self::Unchanged)
        } else if new[above].iter().all(|p| *p == new[left]) {
            Some(Self::Flat)
        } else {
            None
        }
    }
}

/// Models of [`InlinePixels`].
#[derive(Debug, Clone)]
pub(super) struct PixelModels {
    surface: Steady,
    sides: [Steady; 4],
    far: Memory,
    near: Memory,
    is_far: Vec<Bit>,
    is_near: Vec<Bit>,
    is_old: Vec<Bit>,
    is_neighbor: Vec<Bit>,
    is_late: [Bit; 8],
    lately: Vec<Color>,
    late: Tree,
    /// By kind of run, and whether the run before was one.
    is_run: [[Bit; 2]; 2],
    ran: usize,
    channels: Vec<Tree>,
}

impl Default for PixelModels {
    fn default() -> Self {
        Self {
            surface: Steady::default(),
            sides: Default::default(),
            far: Memory::new(FAR_BITS),
            near: Memory::new(NEAR_BITS),
            is_far: vec![Bit::default(); 8 * 64],
            is_near: vec![Bit::default(); 8 * 64],
            is_old: vec![Bit::default(); 64],
            is_neighbor: vec![Bit::default(); 4 * 64],
            is_late: [Bit::default(); 8],
            lately: Vec::with_capacity(LATELY),
            late: Tree::new(6),
            is_run: Default::default(),
            ran: 0,
            channels: vec![Tree::new(8); 3 * 4],
        }
    }
}

/// The colour that followed a neighbourhood the last time, and how sure that is (0 to 7).
#[derive(Debug, Clone)]
struct Memory {
    /// Confidence in the highest byte. Made at the first use.
    entries: Vec<u32>,
    bits: u32,
}

impl Memory {
    fn new(bits: u32) -> Self {
        Self { entries: Vec::new(), bits }
    }

    fn place(&self, hash: u64) -> usize {
        (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - self.bits)) as usize
    }

    /// Colour and confidence.
    fn recall(&self, place: usize) -> (Color, usize) {
        let entry = self.entries[place];
        (entry & 0x00ff_ffff, (entry >> 24) as usize)
    }

    fn learn(&mut self, place: usize, color: Color) {
        let (known, sure) = self.recall(place);
        self.entries[place] = match sure {
            _ if known == color && sure > 0 => known | ((sure + 1).min(7) as u32) << 24,
            0 | 1 => color | 1 << 24,
            _ => known | (sure as u32 / 2) << 24,
        };
    }
}

/// A rectangle of a picture with what lies around it, row by row.
struct Padded {
    pixels: Vec<Color>,
    stride: usize,
}

impl Padded {
    /// Beyond the picture everything is 0.
    fn of(picture: &Picture, rect: Rect) -> Self {
        let stride = LEFT + rect.width() as usize + RIGHT;
        let mut pixels = vec![0; stride * (ABOVE + rect.height() as usize)];
        let around = Rect {
            left: rect.left - LEFT as i32,
            top: rect.top - ABOVE as i32,
            right: rect.right + RIGHT as i32,
            bottom: rect.bottom,
        };
        let inside = around.intersection(&picture.bounds());
        for y in inside.top..inside.bottom {
            let first = (y - around.top) as usize * stride + (inside.left - around.left) as usize;
            let row = picture.row(y, inside.left, inside.right);
            pixels[first..first + row.len()].copy_from_slice(row);
        }
        Self { pixels, stride }
    }
}

impl PixelModels {
    /// Codes pixels of a surface of `canvas`. `check` ends a decoding that reads beyond its bytes.
    ///
    /// # Errors
    ///
    /// When decoding, if the rectangle does not lie on a surface without alpha, or if `check` fails.
    pub(super) fn code<C: Coder>(
        &mut self,
        c: &mut C,
        put: &InlinePixels,
        canvas: &Canvas,
        check: impl Fn(&C) -> Result<(), DecodeError>,
    ) -> Result<InlinePixels, DecodeError> {
        let surface = SurfaceId(self.surface.code(c, put.surface.0 as i32) as u32);
        let [x, y, w, h] = &mut self.sides;
        let left = x.code(c, put.rect.left);
        let top = y.code(c, put.rect.top);
        let (width, height) = (w.code(c, put.rect.width() as i32), h.code(c, put.rect.height() as i32));
        let limits = -(MAX_COORDINATE as i32)..=MAX_COORDINATE as i32;
        if ![left, top, width, height].iter().all(|v| limits.contains(v)) || width < 1 || height < 1 {
            return Err(DecodeError::TooLarge { what: "rectangle of pixels" });
        }
        let rect = Rect::new(left, top, width as u32, height as u32);
        // What is only weighed is cut before it is sent.
        if C::LEARNS && rect.area() > MAX_INLINE_PIXELS {
            return Err(DecodeError::TooLarge { what: "rectangle of pixels" });
        }
        let Some(on) = canvas.surface(surface).ok().filter(|s| !s.alpha) else {
            return Err(DecodeError::Invalid { what: "surface of inline pixels" });
        };
        if !on.picture.bounds().contains_rect(&rect) {
            return Err(DecodeError::Invalid { what: "rectangle of inline pixels" });
        }
        let pixels = self.raster(c, &on.picture, rect, &put.pixels, check)?;
        Ok(InlinePixels { surface, rect, pixels })
    }

    fn raster<C: Coder>(
        &mut self,
        c: &mut C,
        picture: &Picture,
        rect: Rect,
        source: &[Color],
        check: impl Fn(&C) -> Result<(), DecodeError>,
    ) -> Result<Vec<Color>, DecodeError> {
        let old = Padded::of(picture, rect);
        let mut new = old.pixels.clone();
        for memory in [&mut self.far, &mut self.near] {
            if memory.entries.is_empty() {
                memory.entries = vec![0; 1 << memory.bits];
            }
        }
        let (stride, width) = (old.stride, rect.width() as usize);
        let mut out = Vec::with_capacity(width * rect.height() as usize);
        for y in 0..rect.height() as usize {
            let first = (y + ABOVE) * stride + LEFT;
            let end = first + width;
            let (mut i, mut no_run_before) = (first, first);
            while i < end {
                if i >= no_run_before
                    && i + RUN <= end
                    && let Some(run) = Run::at(&old.pixels, &new, stride, i)
                {
                    let pixels = match run {
                        Run::Unchanged => &old.pixels[i..i + RUN],
                        Run::Flat => &[new[i - 1]; RUN],
                    };
                    let same = source.get(out.len()..out.len() + RUN) == Some(pixels);
                    if self.is_run[run as usize][self.ran].code(c, same) {
                        new[i..i + RUN].copy_from_slice(pixels);
                        out.extend_from_slice(pixels);
                        i += RUN;
                        self.ran = if C::LEARNS { 1 } else { self.ran };
                        continue;
                    }
                    self.ran = if C::LEARNS { 0 } else { self.ran };
                    no_run_before = i + RUN;
                }
                let color = source.get(out.len()).copied().unwrap_or(0);
                let color = self.pixel(c, &old.pixels, &new, stride, i, color);
                new[i] = color;
                out.push(color);
                i += 1;
            }
            check(c)?;
        }
        Ok(out)
    }

    /// Codes pixel `i` of `new`, whose pixels before `i` are right already.
    #[inline]
    fn pixel<C: Coder>(
        &mut self,
        c: &mut C,
        old: &[Color],
        new: &[Color],
        stride: usize,
        i: usize,
        color: Color,
    ) -> Color {
        let (w, n, nw, ne) = (new[i - 1], new[i - stride], new[i - stride - 1], new[i - stride + 1]);
        let before = old[i];
        // Around here nothing changed, as far as three neighbours tell.
        let still = usize::from(w == old[i - 1])
            + usize::from(n == old[i - stride])
            + usize::from(ne == old[i - stride + 1]);
        let near_hash = chain(&[w, n, nw, ne, new[i - 2], new[i - 2 * stride]]);
        let (up1, up2, up3) = (i - stride, i - 2 * stride, i - 3 * stride);
        let far_hash = chain(&new[i - 4..i - 2])
            ^ chain(&new[up1 - 3..up1 + 4]).rotate_left(17)
            ^ chain(&new[up2 - 2..up2 + 3]).rotate_left(34)
            ^ chain(&new[up3 - 1..up3 + 2]).rotate_left(51)
            ^ near_hash;
        let (far_place, near_place) = (self.far.place(far_hash), self.near.place(near_hash));
        let (far, far_sure) = self.far.recall(far_place);
        let (near, near_sure) = self.near.recall(near_place);
        let color = 'found: {
            let flags = usize::from(near == far)
                | usize::from(before == far) << 1
                | usize::from(w == far) << 2
                | usize::from(n == far) << 3
                | still << 4;
            if self.is_far[far_sure << 6 | flags].code(c, color == far) {
                break 'found far;
            }
            let mut refused = [far, 0, 0, 0, 0, 0, 0];
            let mut count = 1;
            if near != far {
                let flags = usize::from(before == near)
                    | usize::from(w == near) << 1
                    | usize::from(n == near) << 2
                    | still << 3
                    | usize::from(far_sure > 1) << 5;
                if self.is_near[near_sure << 6 | flags].code(c, color == near) {
                    break 'found near;
                }
                (refused[count], count) = (near, count + 1);
            }
            if !refused[..count].contains(&before) {
                let flags = still | usize::from(before == w) << 2 | usize::from(before == n) << 3;
                if self.is_old[flags].code(c, color == before) {
                    break 'found before;
                }
                (refused[count], count) = (before, count + 1);
            }
            let shape = usize::from(w == n)
                | usize::from(w == nw) << 1
                | usize::from(n == nw) << 2
                | usize::from(n == ne) << 3
                | still << 4;
            for (which, neighbor) in [w, n, ne, nw].into_iter().enumerate() {
                if !refused[..count].contains(&neighbor) {
                    if self.is_neighbor[which << 6 | shape].code(c, color == neighbor) {
                        break 'found neighbor;
                    }
                    (refused[count], count) = (neighbor, count + 1);
                }
            }
            self.other(c, color, [w, n, nw])
        };
        if C::LEARNS {
            self.far.learn(far_place, color);
            self.near.learn(near_place, color);
        }
        color
    }

    /// A colour that nothing suggested.
    fn other<C: Coder>(&mut self, c: &mut C, color: Color, [w, n, nw]: [Color; 3]) -> Color {
        let place = self.lately.iter().position(|known| *known == color);
        let activity = activity(w, n, nw);
        let context = activity << 1 | usize::from(self.lately.len() == LATELY);
        let listed = self.is_late[context].code(c, place.is_some()) && !self.lately.is_empty();
        if listed {
            let place = self.late.code(c, place.unwrap_or(0) as u32) as usize;
            let place = place.min(self.lately.len() - 1);
            let color = self.lately[place];
            if C::LEARNS {
                self.lately[..=place].rotate_right(1);
            }
            return color;
        }
        let guess = |shift: u32| median(w >> shift & 255, n >> shift & 255, nw >> shift & 255);
        let part = |shift: u32| color >> shift & 255;
        // Green as it differs from its guess; red and blue as they differ from theirs beyond that.
        let green = self.channels[activity].code(c, part(8).wrapping_sub(guess(8)) & 255);
        let red = part(16).wrapping_sub(guess(16)).wrapping_sub(green) & 255;
        let red = self.channels[4 + activity].code(c, red);
        let blue = part(0).wrapping_sub(guess(0)).wrapping_sub(green) & 255;
        let blue = self.channels[8 + activity].code(c, blue);
        let channel = |guess: u32, difference: u32| guess.wrapping_add(difference) & 255;
        let color = channel(guess(16), red.wrapping_add(green)) << 16
            | channel(guess(8), green) << 8
            | channel(guess(0), blue.wrapping_add(green));
        if C::LEARNS {
            self.lately.truncate(LATELY - 1);
            self.lately.insert(0, color);
        }
        color
    }
}

/// A hash of some pixels, in their order.
#[inline]
fn chain(pixels: &[Color]) -> u64 {
    pixels.iter().fold(pixels.len() as u64, |h, p| {
        (h ^ u64::from(*p)).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29)
    })
}

/// How much the neighbours differ, in four steps.
fn activity(w: Color, n: Color, nw: Color) -> usize {
    let green = |p: Color| (p >> 8 & 255) as i32;
    match (green(w) - green(nw)).abs() + (green(n) - green(nw)).abs() {
        0..=3 => 0,
        4..=15 => 1,
        16..=63 => 2,
        _ => 3,
    }
}

/// The median of west, north and their gradient (MED).
fn median(w: u32, n: u32, nw: u32) -> u32 {
    let (low, high) = (w.min(n), w.max(n));
    if nw >= high {
        low
    } else if nw <= low {
        high
    } else {
        w + n - nw
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::vectors::stated;

    #[test]
    fn chains_are_those_of_the_specification() {
        let of = |pixels: &[Color]| {
            format!("chain({:#08x}, {:#08x}) = {:#018x}", pixels[0], pixels[1], chain(pixels))
        };
        stated(&[of(&[0, 0]), of(&[0x0012_3456, 0x00ff_ffff])]);
    }
}
