//! A viewing of the demo desktop, explained: every pixel that is left has the tint of the
//! way it was sent.

use std::collections::BTreeMap;

use panto_compare::run::{Outcome, RunOptions, run};
use panto_compare::workload::Workload;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{Mode, Settings, Wire};
use panto_protocol::pixel::{Picture, channels, luma};
use panto_viewer::core::Means;

const SIZE: Size = Size::new(1280, 800);

/// Inside the terminal and inside the photograph, where the script leaves them.
const TERMINAL: Rect = Rect::from_corners(70, 94, 690, 380);
const PHOTOGRAPH: Rect = Rect::from_corners(830, 110, 1200, 340);

fn view(mode: Mode, explain: bool) -> Outcome {
    view_as(Settings { mode, ..Settings::default() }, explain)
}

fn view_as(settings: Settings, explain: bool) -> Outcome {
    let options = RunOptions { settings, explain, ..RunOptions::default() };
    let outcome = run(&Workload::demo(SIZE), &options, &mut |_| true);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    outcome
}

/// By its hue, how a pixel of the tinted picture was sent: what is above its brightness is
/// 45 % of a tint.
fn means(plain: u32, tinted: u32) -> Option<Means> {
    let above = channels(tinted).map(|c| i32::from(c) - i32::from(luma(plain)) * 141 / 256);
    Means::ALL.into_iter().find(|m| {
        m.color().is_some_and(|tint| {
            channels(tint).iter().zip(above).all(|(&t, a)| (i32::from(t) * 115 / 256 - a).abs() <= 1)
        })
    })
}

/// Pixels of an area by how they were sent.
fn count(plain: &Picture, tinted: &Picture, area: Rect) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for p in (area.top..area.bottom).flat_map(|y| (area.left..area.right).map(move |x| Point::new(x, y))) {
        let means = means(plain.pixel(p).unwrap(), tinted.pixel(p).unwrap());
        *counts.entry(means.map_or("none", Means::name)).or_default() += 1;
    }
    counts
}

#[test]
fn an_explained_viewing_leaves_a_picture_with_tints() {
    let plain = view(Mode::Commands, false);
    let tinted = view(Mode::Commands, true);
    assert_eq!(plain.figures.digest, tinted.figures.digest, "tints are not the server's");
    assert_eq!(plain.figures.bytes_down, tinted.figures.bytes_down, "nor do they cost anything");
    let all = count(&plain.picture, &tinted.picture, Rect::of_size(SIZE));
    println!("{all:?}");
    let (area, share) = (SIZE.area(), |name| all.get(name).copied().unwrap_or(0));
    // Shadows and other translucent edges have a tint and something of what lies below.
    assert!(share("none") < area / 10, "{all:?}");
    for name in ["copy", "fill", "glyph", "pixels"] {
        assert!(share(name) > area / 500, "{name}: {all:?}");
    }
    let sent = |area: Rect, names: &[&str]| {
        let counts = count(&plain.picture, &tinted.picture, area);
        println!("{counts:?}");
        names.iter().filter_map(|n| counts.get(n)).sum::<u64>() * 100 / area.area()
    };
    assert!(sent(TERMINAL, &["copy", "fill", "glyph"]) >= 90, "what it drew came as drawing");
    assert!(sent(PHOTOGRAPH, &["pixels", "palette", "tile"]) >= 90, "a photograph is pixels");

    // Without commands everything is pixels; in plain frames, where few colours are, palettes.
    let pixels = view_as(Settings { mode: Mode::Pixels, wire: Wire::Plain, ..Settings::default() }, true);
    let all = count(&plain.picture, &pixels.picture, Rect::of_size(SIZE));
    let sent = |name| all.get(name).copied().unwrap_or(0);
    assert_eq!(sent("pixels") + sent("palette"), area, "{all:?}");
    assert!(sent("pixels") > 0 && sent("palette") > 0, "{all:?}");
    let coded = view(Mode::Pixels, true);
    let all = count(&plain.picture, &coded.picture, Rect::of_size(SIZE));
    assert_eq!(all.get("pixels").copied(), Some(area), "{all:?}");
}
