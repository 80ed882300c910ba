//! Text is never rough, wherever a film or a photograph is.

use super::*;

/// Watches an area whose pixels must always be some that the scene has had there.
struct Witness {
    area: Rect,
    had: Vec<Picture>,
}

impl Witness {
    fn new(area: Rect) -> Self {
        Self { area, had: vec![Picture::new(SIZE, 0)] }
    }

    fn saw(&mut self, scene: &Scene) {
        self.had.push(scene.canvas().screen());
    }

    fn check(&self, viewer: &Viewer, what: &str) {
        let shown = viewer.canvas.screen();
        if shown.size() != SIZE {
            return;
        }
        let mut wrong = Vec::new();
        for y in self.area.top..self.area.bottom {
            for x in self.area.left..self.area.right {
                let at = Point::new(x, y);
                if !self.had.iter().any(|had| had.pixel(at) == shown.pixel(at)) {
                    wrong.push((x, y));
                }
            }
        }
        assert!(wrong.is_empty(), "{what}: {} pixels of text rough, first {:?}", wrong.len(), wrong[0]);
    }
}

/// Text at `text`, a film at `film`: text is new every `every` pictures.
fn text_beside(text: Rect, area: Rect, smooth: bool, every: i32) {
    for rate in [15_000, 60_000, 250_000, 1_000_000] {
        let mut scene = paper(SIZE);
        let mut viewer = Viewer::new(Mode::Hybrid, false, rate);
        viewer.rest(&mut scene);
        let mut witness = Witness::new(text);
        witness.saw(&scene);
        for i in 0..40 {
            show(&mut scene, area.left, area.top, &photograph(area.size(), 5, 2 * i));
            if i % every == 0 {
                show(&mut scene, text.left, text.top, &letters(text.size(), (i / every) as u32, smooth));
            }
            witness.saw(&scene);
            let end = viewer.now + Micros(40 * MS);
            while viewer.now < end {
                viewer.turn(&mut scene, end);
                witness.check(&viewer, &format!("{text:?} {area:?} {rate} picture {i}"));
            }
        }
        assert!(viewer.lossy.1 > 0);
        viewer.rest(&mut scene);
    }
}

#[test]
fn text_apart_from_a_film_is_never_rough() {
    for smooth in [false, true] {
        // 10 times a second or so; static; each picture.
        for every in [2, 100, 1] {
            text_beside(Rect::new(8, 192, 300, 44), Rect::new(64, 16, 192, 136), smooth, every);
        }
    }
}

#[test]
fn text_close_to_a_film_is_never_rough() {
    for smooth in [false, true] {
        for every in [2, 100] {
            text_beside(Rect::new(40, 171, 240, 44), Rect::new(53, 11, 201, 156), smooth, every);
        }
    }
}

#[test]
fn text_that_appears_with_a_photograph_is_never_rough() {
    for rate in [10_000, 60_000, 250_000, 1_000_000] {
        for gap in [3, 12, 40] {
            let (area, text) = (Rect::new(21, 9, 250, 140), Rect::new(21, 149 + gap, 250, 44));
            let mut scene = Scene::new(SIZE);
            let mut viewer = Viewer::new(Mode::Hybrid, false, rate);
            viewer.rest(&mut scene);
            let mut witness = Witness::new(text);
            let mut page = Picture::new(SIZE, 0x00ff_ffff);
            page.blit(area.origin(), photograph(area.size(), 1, 0).view());
            page.blit(text.origin(), letters(text.size(), 9, true).view());
            show(&mut scene, 0, 0, &page);
            witness.saw(&scene);
            for _ in 0..200 {
                if !viewer.planner.is_due(&scene) {
                    break;
                }
                viewer.turn(&mut scene, Micros(u64::MAX));
                witness.check(&viewer, &format!("{rate}, gap {gap}"));
            }
            viewer.rest(&mut scene);
        }
    }
}

#[test]
fn text_in_the_middle_of_a_film_is_never_rough() {
    // Subtitles in a box of their own, which the film's rectangle surrounds.
    let (area, text) = (Rect::new(32, 32, 256, 192), Rect::new(64, 160, 192, 32));
    for rate in [15_000, 60_000, 250_000, 1_000_000] {
        for every in [1, 6, 100] {
            let mut scene = paper(SIZE);
            let mut viewer = Viewer::new(Mode::Hybrid, false, rate);
            viewer.rest(&mut scene);
            let mut witness = Witness::new(text);
            witness.saw(&scene);
            for i in 0..40 {
                let mut picture = photograph(area.size(), 5, 2 * i);
                let subtitle = letters(text.size(), (i / every) as u32, false);
                picture.blit(text.offset(-area.left, -area.top).origin(), subtitle.view());
                show(&mut scene, area.left, area.top, &picture);
                witness.saw(&scene);
                let end = viewer.now + Micros(40 * MS);
                while viewer.now < end {
                    viewer.turn(&mut scene, end);
                    witness.check(&viewer, &format!("{rate} every {every} picture {i}"));
                }
            }
            viewer.rest(&mut scene);
        }
    }
}
