//! Whatever happens, in any order, all becomes exact.

use panto_protocol::draw::Fill;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Op {
    Photograph(u32, Rect, u32),
    Film(Rect, u32, i32, Option<Rect>),
    Text(Rect, u32, bool),
    Fill(u32, Rect, u32),
    Scroll(Rect, i32),
    Copied(u32, u32, Rect, i32, i32),
    Again(Rect),
    Window(u32, u32, u32),
    Resize(u32, u32),
    Settings(Mode, bool, bool),
    Refresh,
    Rate(u64),
    Urgent(usize, i32, i32),
    Tiny(usize),
    Play(u64),
    Rest,
}

fn rect() -> impl Strategy<Value = Rect> {
    (0..240i32, 0..180i32, 1..250u32, 1..200u32).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h))
}

fn op() -> impl Strategy<Value = Op> {
    let rate =
        prop::sample::select(vec![10_000, 40_000, 150_000, 600_000, 3_000_000, 20_000_000, 100_000_000u64]);
    let mode =
        prop::sample::select(vec![Mode::Hybrid, Mode::Auto, Mode::Hybrid, Mode::Commands, Mode::Pixels]);
    let hole = (0..240i32, 0..180i32, 10..90u32, 10..60u32).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h));
    prop_oneof![
        4 => (0..3u32, rect(), any::<u32>()).prop_map(|(s, r, seed)| Op::Photograph(s, r, seed)),
        5 => (rect(), any::<u32>(), 1..10i32, prop::option::of(hole)).prop_map(|(r, seed, n, h)| Op::Film(r, seed, n, h)),
        3 => (rect(), any::<u32>(), any::<bool>()).prop_map(|(r, seed, smooth)| Op::Text(r, seed, smooth)),
        2 => (0..3u32, rect(), any::<u32>()).prop_map(|(s, r, c)| Op::Fill(s, r, c & 0x00ff_ffff)),
        2 => (rect(), -40..40i32).prop_map(|(r, dy)| Op::Scroll(r, dy)),
        1 => (0..3u32, 0..3u32, rect(), 0..200i32, 0..200i32).prop_map(|(s, d, r, x, y)| Op::Copied(s, d, r, x, y)),
        2 => rect().prop_map(Op::Again),
        1 => (1..3u32, 30..200u32, 30..200u32).prop_map(|(id, w, h)| Op::Window(id, w, h)),
        1 => (200..330u32, 160..250u32).prop_map(|(w, h)| Op::Resize(w, h)),
        1 => (mode, any::<bool>(), any::<bool>()).prop_map(|(m, exact, plain)| Op::Settings(m, exact, plain)),
        1 => Just(Op::Refresh),
        2 => rate.prop_map(Op::Rate),
        3 => (100..3000usize, 0..300i32, 0..220i32).prop_map(|(b, x, y)| Op::Urgent(b, x, y)),
        2 => (1..800usize).prop_map(Op::Tiny),
        4 => (1..400u64).prop_map(Op::Play),
        2 => Just(Op::Rest),
    ]
}

/// `windows`: whether there are any, with copies of the source's own.
fn check(ops: &[Op], windows: bool) {
    let mut scene = Scene::new(SIZE);
    let mut viewer = Viewer::new(Mode::Hybrid, false, 60_000);
    for op in ops {
        match op.clone() {
            Op::Photograph(s, r, seed) => {
                let _ = scene.pixels(SurfaceId(s), r.origin(), photograph(r.size(), seed, 0).view());
            }
            Op::Film(r, seed, n, hole) => {
                for i in 0..n {
                    let hole = hole.unwrap_or_default();
                    show_around(&mut scene, r, hole, &photograph(r.size(), seed, 2 * i));
                    viewer.play(&mut scene, Micros(40 * MS));
                }
            }
            Op::Text(r, seed, smooth) => show(&mut scene, r.left, r.top, &letters(r.size(), seed, smooth)),
            Op::Fill(s, r, color) => {
                let _ = scene.draw(Fill { surface: SurfaceId(s), color, rects: vec![r] });
            }
            Op::Scroll(r, dy) => {
                let screen = scene.canvas().surface(SurfaceId::SCREEN).unwrap().picture.clone();
                let r = r.intersection(&screen.bounds());
                let moved = screen.crop(r);
                let _ = scene.pixels(SurfaceId::SCREEN, r.origin().offset(0, dy), moved);
            }
            // See `rest::what_is_copied_from_rough_pixels_becomes_exact`.
            Op::Copied(s, d, r, x, y) if windows => {
                let _ = scene.draw(copy(d, s, r, Point::new(x, y)));
            }
            Op::Again(r) => {
                let screen = scene.canvas().surface(SurfaceId::SCREEN).unwrap().picture.clone();
                let r = r.intersection(&screen.bounds());
                show(
                    &mut scene,
                    r.left,
                    r.top,
                    &Picture::from_pixels(r.size(), screen.crop(r).rows().flatten().copied().collect())
                        .unwrap(),
                );
            }
            Op::Window(id, w, h) if windows && scene.canvas().surface(SurfaceId(id)).is_err() => {
                window(&mut scene, id, Size::new(w, h));
            }
            Op::Resize(w, h) => scene.resize(Size::new(w, h), Vec::new()),
            Op::Settings(mode, exact, plain) => {
                let wire = if plain { Wire::Plain } else { Wire::Coded };
                viewer.planner.set_settings(Settings { wire, ..settings(mode, exact) });
            }
            Op::Refresh => viewer.planner.refresh(),
            Op::Rate(rate) => viewer.rate = rate,
            Op::Urgent(bytes, x, y) => {
                show(&mut scene, x, y, &letters(Size::new(9, 15), x as u32, false));
                viewer.planner.set_focus(Some(Point::new(x, y)));
                viewer.plan(&mut scene, Budget { bytes, urgent: true, ..viewer.budget() });
            }
            Op::Tiny(bytes) => {
                viewer.plan(&mut scene, Budget { bytes, ..viewer.budget() });
                viewer.now = viewer.now + Micros(16 * MS);
            }
            Op::Play(ms) => viewer.play(&mut scene, Micros(ms * MS)),
            Op::Rest => drop(viewer.rest(&mut scene)),
            Op::Copied(..) | Op::Window(..) => {}
        }
    }
    viewer.rest(&mut scene);
    assert!(viewer.shows(&scene));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_becomes_exact(ops in prop::collection::vec(op(), 1..24)) {
        check(&ops, false);
    }

    #[test]
    fn all_becomes_exact_in_windows(ops in prop::collection::vec(op(), 1..24)) {
        check(&ops, true);
    }
}
