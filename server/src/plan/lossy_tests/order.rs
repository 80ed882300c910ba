//! What comes first when the link cannot take all at once, and what does not come at all.

use super::*;

#[test]
fn a_small_film_does_not_starve_the_rest() {
    for rate in [10_000, 15_000, 60_000] {
        let mut scene = paper(SIZE);
        let mut viewer = Viewer::new(Mode::Hybrid, false, rate);
        viewer.rest(&mut scene);
        let text = Rect::new(20, 100, 280, 120);
        show(&mut scene, text.left, text.top, &letters(text.size(), 4, true));
        for i in 0..250 {
            show(&mut scene, 20, 20, &photograph(Size::new(44, 44), 5, 2 * i));
            viewer.play(&mut scene, Micros(40 * MS));
        }
        let (shown, wanted) = (viewer.canvas.screen(), scene.canvas().screen());
        let left: u64 = differences(&shown, &wanted, &text.into()).iter().map(Rect::area).sum();
        assert_eq!(
            left, 0,
            "{rate}: pixels of text not shown after 250 pictures, {} bytes sent",
            viewer.bytes
        );
    }
}

#[test]
fn an_urgent_frame_has_only_the_answer() {
    for (exact, seen, at) in [false, true].into_iter().flat_map(|e| {
        [0, 1, 5]
            .into_iter()
            .flat_map(move |s| [Point::new(300, 10), Point::new(4, 230)].map(|at| (e, s, at)))
    }) {
        let size = Size::new(640, 480);
        let mut scene = paper(size);
        let mut viewer = Viewer::new(Mode::Hybrid, exact, 60_000);
        viewer.rest(&mut scene);
        let picture = Rect::new(20, 40, 600, 180);
        show(&mut scene, picture.left, picture.top, &photograph(picture.size(), 3, 0));
        for _ in 0..seen {
            viewer.plan(&mut scene, viewer.budget());
        }
        let before = viewer.canvas.screen();
        for i in 0..4 {
            let at = at.offset(i * 10, 0);
            let change = Rect::at(at, Size::new(9, 15));
            show(&mut scene, at.x, at.y, &Picture::new(change.size(), 0x0010_1010 * (i as u32 + 1)));
            viewer.planner.set_focus(Some(at));
            let bytes = viewer.plan(&mut scene, Budget { bytes: 700, urgent: true, ..viewer.budget() });
            let (shown, wanted) = (viewer.canvas.screen(), scene.canvas().screen());
            assert!(differences(&shown, &wanted, &change.into()).is_empty(), "the answer is shown");
            let of_picture: u64 = differences(&shown, &before, &picture.into()).iter().map(Rect::area).sum();
            let what = format!("exact {exact}, frames before {seen}, {at:?}: {bytes} bytes");
            assert_eq!(of_picture, 0, "{what}: nothing of the picture");
            assert!(bytes > 0 && bytes <= 700, "{what}");
        }
        viewer.rest(&mut scene);
    }
}

#[test]
fn small_and_near_ones_come_first() {
    let size = Size::new(640, 480);
    let mut scene = paper(size);
    let mut viewer = Viewer::new(Mode::Hybrid, false, 60_000);
    viewer.rest(&mut scene);
    let (large, near, small) =
        (Rect::new(0, 0, 500, 200), Rect::new(400, 300, 80, 60), Rect::new(100, 400, 9, 15));
    for (i, area) in [large, near, small].into_iter().enumerate() {
        show(&mut scene, area.left, area.top, &photograph(area.size(), i as u32, 0));
    }
    viewer.planner.set_focus(Some(Point::new(410, 310)));
    let mut done = Vec::new();
    for _ in 0..2000 {
        viewer.turn(&mut scene, Micros(u64::MAX));
        for area in [large, near, small] {
            let (shown, wanted) = (viewer.canvas.screen(), scene.canvas().screen());
            if !done.contains(&area) && differences(&shown, &wanted, &area.into()).is_empty() {
                done.push(area);
            }
        }
    }
    assert_eq!(done.last(), Some(&large));
    assert_eq!(done.len(), 3);
}

#[test]
fn what_is_out_of_date_is_not_sent() {
    let size = Size::new(640, 480);
    let area = Rect::new(40, 40, 512, 384);
    for (exact, rate) in [(true, 60_000), (true, 1_000_000), (false, 60_000), (false, 1_000_000)] {
        let one = |seeds: &[u32]| {
            let mut scene = paper(size);
            let mut viewer = Viewer::new(Mode::Hybrid, exact, rate);
            viewer.rest(&mut scene);
            let (mut sent, before) = (0, viewer.bytes);
            for (i, seed) in seeds.iter().enumerate() {
                sent = viewer.bytes - before;
                show(&mut scene, area.left, area.top, &photograph(area.size(), *seed, 0));
                if i + 1 < seeds.len() {
                    (0..5).for_each(|_| viewer.turn(&mut scene, Micros(u64::MAX)));
                }
            }
            viewer.rest(&mut scene);
            (sent, viewer.bytes - before)
        };
        let (_, second) = one(&[2]);
        let (sent, both) = one(&[1, 2]);
        assert!(both <= sent + second * 11 / 10 + 2000, "{exact} {rate}: {both} > {sent} + {second}");
    }
}
