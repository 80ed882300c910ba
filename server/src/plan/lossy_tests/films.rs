//! Films: rough where the link is slow, and nowhere else.

use super::*;

#[test]
fn films_are_lossy_where_the_link_is_slow() {
    let area = Rect::new(37, 21, 200, 144);
    for (mode, exact, rate, expected) in [
        (Mode::Hybrid, false, 100_000, true),
        (Mode::Hybrid, false, 500_000, true),
        (Mode::Auto, false, 250_000, true),
        (Mode::Hybrid, false, 200_000_000, false),
        (Mode::Hybrid, true, 250_000, false),
        (Mode::Commands, false, 250_000, false),
        (Mode::Pixels, false, 250_000, false),
    ] {
        let mut scene = paper(SIZE);
        let mut viewer = Viewer::new(mode, exact, rate);
        viewer.rest(&mut scene);
        film(&mut scene, &mut viewer, area, 24, 40);
        assert_eq!(viewer.lossy.1 > 8, expected, "{mode:?} {exact} {rate}: {:?}", viewer.lossy);
        assert_eq!(viewer.lossy.1 > 0, expected, "{mode:?} {exact} {rate}: {:?}", viewer.lossy);
        viewer.rest(&mut scene);
    }
}

#[test]
fn a_still_box_inside_a_film_stays_as_it_is() {
    let area = Rect::new(32, 32, 256, 192);
    for hole in [Rect::new(104, 104, 60, 22), Rect::new(150, 76, 40, 40), Rect::new(40, 180, 100, 19)] {
        for rate in [15_000, 60_000, 250_000, 1_000_000] {
            let mut scene = paper(SIZE);
            show(&mut scene, hole.left, hole.top, &letters(hole.size(), 3, true));
            let mut viewer = Viewer::new(Mode::Hybrid, false, rate);
            viewer.rest(&mut scene);
            for i in 0..25 {
                show_around(&mut scene, area, hole, &photograph(area.size(), 5, 2 * i));
                viewer.play(&mut scene, Micros(40 * MS));
            }
            assert!(viewer.lossy.1 > 0 || rate != 250_000, "{hole:?} {rate}: {}", viewer.bytes);
            viewer.rest(&mut scene);
        }
    }
}

#[test]
fn a_large_film_is_within_the_limits() {
    let size = Size::new(1408, 800);
    let mut scene = Scene::new(size);
    let mut viewer = Viewer::new(Mode::Hybrid, false, 300_000);
    viewer.rest(&mut scene);
    for i in 0..6 {
        show(&mut scene, 0, 0, &photograph(size, 5, 2 * i));
        viewer.play(&mut scene, Micros(40 * MS));
    }
    assert!(viewer.lossy.1 > 0);
}
