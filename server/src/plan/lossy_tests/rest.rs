//! What rests becomes exact, and soon, whatever else goes on.

use super::*;

/// A film plays and pauses on a link that is free by then: the time until the exact pixels.
fn pause(interval: u64, mut beside: impl FnMut(&mut Scene, u64), but: Rect) -> u64 {
    let area = Rect::new(32, 32, 192, 160);
    let mut scene = paper(SIZE);
    let mut viewer = Viewer::new(Mode::Hybrid, false, 400_000);
    viewer.rest(&mut scene);
    let last = film(&mut scene, &mut viewer, area, 30, interval);
    assert!(viewer.lossy.1 > 8, "{:?}", viewer.lossy);
    // What the link has in its pipe is no matter of the planner's.
    let mut scene_of = |ms: u64, scene: &mut Scene| beside(scene, ms);
    let (mut t, end) = (viewer.now.since(last).0 / MS, 3000);
    while t < end {
        scene_of(t, &mut scene);
        viewer.now = last + Micros(t * MS);
        let waits = viewer.planner.waits_until(&scene).is_some_and(|at| at > viewer.now);
        if viewer.planner.is_due(&scene) && !waits {
            let budget = Budget { bytes: usize::MAX, ..viewer.budget() };
            viewer.plan(&mut scene, budget);
        }
        let (shown, wanted) = (viewer.canvas.screen(), scene.canvas().screen());
        let wrong: Region = differences(&shown, &wanted, &area.into()).into_iter().collect();
        let mut left = wrong.clone();
        left.subtract(&but);
        if left.is_empty() {
            break;
        }
        t += 5;
    }
    assert!(t < end, "never exact");
    t
}

#[test]
fn a_film_that_pauses_is_exact_soon() {
    let times = [20, 33, 42, 66, 100, 150].map(|i| (i, pause(i, |_, _| {}, Rect::default())));
    assert!(times.iter().all(|(_, time)| *time <= 255), "(ms between pictures, ms to rest): {times:?}");
}

#[test]
fn a_blinking_cursor_starves_nothing() {
    for at in [Rect::new(250, 100, 2, 15), Rect::new(100, 100, 9, 15), Rect::new(126, 90, 8, 16)] {
        let blink = |scene: &mut Scene, ms: u64| {
            if ms.is_multiple_of(100) {
                let color = if (ms / 100).is_multiple_of(2) { 0 } else { 0x00ff_ffff };
                show(scene, at.left, at.top, &Picture::new(at.size(), color));
            }
        };
        // Its own block, or those around it, may be rough.
        let around = Rect::from_corners(at.left - 32, at.top - 32, at.right + 32, at.bottom + 32);
        for interval in [40, 100] {
            let time = pause(interval, blink, around);
            assert!(time <= 255, "{at:?} {interval}: {time} ms");
        }
    }
}

#[test]
fn spurious_damage_starves_nothing() {
    for interval in [40, 100] {
        let again = |scene: &mut Scene, ms: u64| {
            if ms.is_multiple_of(50) {
                let same = scene.canvas().screen();
                show(scene, 0, 0, &same);
            }
        };
        let time = pause(interval, again, Rect::default());
        assert!(time <= 255, "{interval}: {time} ms");
    }
}

#[test]
fn what_is_copied_from_rough_pixels_becomes_exact() {
    let mut scene = Scene::new(SIZE);
    window(&mut scene, 1, Size::new(200, 200));
    let mut viewer = Viewer::new(Mode::Hybrid, false, 60_000);
    viewer.rest(&mut scene);
    scene.pixels(SurfaceId(1), Point::new(0, 100), photograph(Size::new(200, 100), 3, 0).view()).unwrap();
    viewer.plan(&mut scene, Budget { bytes: usize::MAX, ..viewer.budget() });
    assert!(viewer.planner.waits_until(&scene).is_some(), "rough by now");
    // The source scrolls, and says so.
    scene.draw(copy(1, 1, Rect::new(0, 100, 200, 100), Point::new(0, 40))).unwrap();
    viewer.rest(&mut scene);
    assert!(viewer.shows(&scene));
}
