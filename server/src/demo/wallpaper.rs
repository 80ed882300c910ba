//! The background: an evening sky over hills, drawn with fills only.

use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{lerp, rgb};

use super::font::{Face, Fonts};
use super::pen::Pen;
use crate::scene::Scene;

/// Height of the panel at the top.
pub(super) const PANEL: u32 = 28;

const SKY_TOP: [i32; 3] = [24, 32, 66];
const SKY_LOW: [i32; 3] = [236, 148, 112];
const HILLS: [(u32, i32, [u8; 3]); 4] =
    [(11, 62, [112, 82, 116]), (23, 72, [78, 62, 100]), (37, 82, [48, 44, 78]), (53, 92, [26, 28, 54])];

pub(super) fn draw(scene: &mut Scene, fonts: &mut Fonts) {
    let size = scene.size();
    let mut pen = Pen { scene, fonts, surface: SurfaceId::SCREEN };
    sky(&mut pen, size);
    for (seed, level, color) in HILLS {
        hill(&mut pen, size, seed, level, color);
    }
    panel(&mut pen, size);
}

fn sky(pen: &mut Pen<'_>, size: Size) {
    let (height, bands) = (size.height as i32, 96);
    for i in 0..bands {
        let (top, bottom) = (height * i / bands, height * (i + 1) / bands);
        // Darker for longer: the glow belongs to the horizon.
        let t = i * i;
        let c: Vec<u8> = (0..3).map(|k| lerp(SKY_TOP[k], SKY_LOW[k], t, bands * bands) as u8).collect();
        pen.fill(Rect::from_corners(0, top, size.width as i32, bottom), rgb(c[0], c[1], c[2]));
    }
    // Stars, fewer towards the horizon.
    let mut state = 7u32;
    let mut next = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % n.max(1)
    };
    let stars = (0..90)
        .map(|_| {
            let (x, y) = (next(size.width), next(size.height / 2) * next(1000) / 1000);
            Rect::new(x as i32, y as i32, 1, 1)
        })
        .collect();
    pen.fills(stars, rgb(206, 210, 236));
}

/// A ridge: midpoints displaced by less and less, then columns of fills.
fn hill(pen: &mut Pen<'_>, size: Size, seed: u32, level: i32, [r, g, b]: [u8; 3]) {
    const STEP: i32 = 2;
    let columns = size.width as i32 / STEP + 1;
    let base = size.height as i32 * level / 100;
    let mut state = seed;
    let mut random = |range: i32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 12) as i32 % (2 * range + 1) - range
    };
    let mut heights = vec![base + random(30), base + random(30)];
    let mut range = size.height as i32 / 7;
    while (heights.len() as i32) < columns {
        let mut finer = Vec::with_capacity(heights.len() * 2);
        for pair in heights.windows(2) {
            finer.push(pair[0]);
            finer.push((pair[0] + pair[1]) / 2 + if range > 0 { random(range) } else { 0 });
        }
        finer.extend(heights.last());
        heights = finer;
        range = range * 9 / 20;
    }
    // Neighbouring columns of one height are one rectangle.
    let mut rects: Vec<Rect> = Vec::new();
    for i in 0..columns {
        let top = heights[(i * (heights.len() as i32 - 1) / (columns - 1).max(1)) as usize];
        let column = Rect::from_corners(i * STEP, top, (i + 1) * STEP, size.height as i32);
        match rects.last_mut() {
            Some(last) if last.top == top => last.right = column.right,
            _ => rects.push(column),
        }
    }
    rects.retain(|r| !r.is_empty());
    pen.fills(rects, rgb(r, g, b));
}

fn panel(pen: &mut Pen<'_>, size: Size) {
    let width = size.width as i32;
    pen.fill(Rect::new(0, 0, size.width, PANEL), rgb(22, 24, 36));
    pen.fill(Rect::new(0, PANEL as i32 - 1, size.width, 1), rgb(60, 64, 92));
    let x = 14 + pen.text(Face::Bold, Point::new(14, 6), rgb(240, 242, 250), "Panto");
    pen.text(Face::Sans, Point::new(x + 10, 6), rgb(160, 166, 190), "demo desktop, drawn with commands only");
    let hint = "Ctrl+Alt+Shift:  1 pixels   2 commands   3 hybrid   0 auto   S statistics";
    let at = width - 14 - pen.fonts.width(Face::Sans, hint);
    if at > x + 300 {
        pen.text(Face::Sans, Point::new(at, 6), rgb(160, 166, 190), hint);
    }
}
