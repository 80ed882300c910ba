//! What is shown roughly, on links of every rate: the viewer's canvas is the shadow after each
//! frame, and the scene once all rests; text is never rough.

use panto_protocol::draw::{Copy, CopyItem, Fill, SurfaceCreate, WindowCreate, WindowId, WindowMap};
use panto_protocol::geometry::Size;
use panto_protocol::message::{FrameDecoder, FrameHeader};
use panto_protocol::pixel::Picture;
use proptest::prelude::*;

use super::*;

const SIZE: Size = Size::new(320, 240);
const MS: u64 = 1000;

/// One viewer on a link, in virtual time.
struct Viewer {
    planner: Planner,
    canvas: Canvas,
    decoder: FrameDecoder,
    now: Micros,
    /// Bytes a second.
    rate: u64,
    bytes: usize,
    /// Bytes of LossyPixels so far, and how many commands' frames had any.
    lossy: (u64, usize),
}

#[derive(Debug)]
struct Refused;

impl From<panto_protocol::wire::DecodeError> for Refused {
    fn from(_: panto_protocol::wire::DecodeError) -> Self {
        Self
    }
}

impl From<PaintError> for Refused {
    fn from(_: PaintError) -> Self {
        Self
    }
}

fn settings(mode: Mode, exact: bool) -> Settings {
    Settings {
        mode,
        depth: Depth::D24,
        scale: Scale::Full,
        dither: false,
        copy_rect: true,
        wire: Wire::Coded,
        exact,
    }
}

impl Viewer {
    fn new(mode: Mode, exact: bool, rate: u64) -> Self {
        Self {
            planner: Planner::new(settings(mode, exact)),
            canvas: Canvas::new(),
            decoder: FrameDecoder::default(),
            now: Micros(1_000_000),
            rate,
            bytes: 0,
            lossy: (0, 0),
        }
    }

    /// What the pacer gives a frame on this link.
    fn budget(&self) -> Budget {
        let bytes = (self.rate * 16 / 1000).max(700) as usize;
        Budget { bytes, rate: Some(self.rate), now: self.now, urgent: false }
    }

    /// Plans a frame, and shows it.
    fn plan(&mut self, scene: &mut Scene, budget: Budget) -> usize {
        let mut bytes = 0;
        if let Some(frame) = self.planner.plan(scene, budget).unwrap() {
            let message = frame.message(FrameHeader::default());
            bytes = message.len();
            if let Some(lossy) = frame.bytes_by_kind.get("LossyPixels") {
                self.lossy = (self.lossy.0 + lossy, self.lossy.1 + 1);
            }
            let paint =
                |canvas: &mut Canvas, command: DrawCommand, _| canvas.apply(&command).map_err(Refused::from);
            self.decoder.decode(&message, &mut self.canvas, paint).unwrap();
        }
        assert!(self.canvas.screen() == self.planner.shadow().screen(), "viewer and shadow");
        if !self.planner.is_due(scene) {
            assert!(self.shows(scene), "settled, but not exact");
        }
        self.bytes += bytes;
        bytes
    }

    fn shows(&self, scene: &Scene) -> bool {
        self.canvas.screen() == scene.canvas().screen()
    }

    /// One frame at the link's pace, and the time that it takes. Nothing if that is to wait
    /// beyond `end`.
    fn turn(&mut self, scene: &mut Scene, end: Micros) {
        if !self.planner.is_due(scene) {
            self.now = end;
        } else if let Some(at) = self.planner.waits_until(scene).filter(|at| *at > self.now) {
            self.now = at.min(end);
        } else {
            let bytes = self.plan(scene, self.budget()) as u64;
            self.now = self.now + Micros((bytes * 1_000_000 / self.rate).max(16 * MS));
        }
    }

    /// Lets the link work for so long.
    fn play(&mut self, scene: &mut Scene, time: Micros) {
        let end = self.now + time;
        while self.now < end {
            self.turn(scene, end);
        }
    }

    /// Until all is exact; returns the time it took.
    fn rest(&mut self, scene: &mut Scene) -> Micros {
        let began = self.now;
        let mut pixels = scene.size().area();
        for _ in 0..scene.canvas().surfaces().count() {
            pixels += scene.size().area();
        }
        // No frame but the last is much smaller than its budget.
        let frames = 60 + 12 * pixels as usize / self.budget().bytes;
        for _ in 0..frames {
            if !self.planner.is_due(scene) {
                assert!(self.shows(scene), "settled, but not exact");
                return self.now.since(began).min(self.now);
            }
            self.turn(scene, Micros(u64::MAX));
        }
        panic!("never rests: {frames} frames, {:?}", self.planner.waits_until(scene));
    }
}

fn hash(mut h: u32) -> u32 {
    h = (h ^ h >> 16).wrapping_mul(0x7feb_352d);
    h = (h ^ h >> 15).wrapping_mul(0x846c_a68b);
    h ^ h >> 16
}

/// Band-limited noise with a little grain: a photograph, or a picture of a film that moves.
fn photograph(size: Size, seed: u32, shift: i32) -> Picture {
    let knot =
        |x: i32, y: i32, c: u32| hash(hash(hash(x as u32) ^ y as u32) ^ seed.wrapping_add(c)) as i32 & 255;
    let pixel = |x: i32, y: i32| {
        let (kx, ky, fx, fy) = ((x + shift) >> 4, y >> 4, (x + shift) & 15, y & 15);
        (0..3u32).fold(0, |pixel, c| {
            let top = knot(kx, ky, c) * (16 - fx) + knot(kx + 1, ky, c) * fx;
            let bottom = knot(kx, ky + 1, c) * (16 - fx) + knot(kx + 1, ky + 1, c) * fx;
            let grain = hash((x * 7919 + y) as u32 ^ seed ^ (shift as u32) << 20 ^ c) as i32 % 6;
            pixel << 8 | ((top * (16 - fy) + bottom * fy) / 256 + grain).clamp(0, 255) as u32
        })
    };
    let pixels = (0..size.area() as i32).map(|i| pixel(i % size.width as i32, i / size.width as i32));
    Picture::from_pixels(size, pixels.collect()).unwrap()
}

/// Letters of 8 × 12; `smooth` ones have coloured edges.
fn letters(size: Size, seed: u32, smooth: bool) -> Picture {
    let mut picture = Picture::new(size, 0x00ff_ffff);
    for y in 0..size.height as i32 {
        for x in 0..size.width as i32 {
            let (letter, k) = (hash(seed ^ (x / 10) as u32 ^ ((y / 16) as u32) << 10), (x % 10, y % 16));
            if k.0 >= 8 || k.1 >= 12 || letter % 6 == 0 {
                continue;
            }
            let ink = hash(letter % 26 * 977 + (k.0 / 2 + k.1 / 3 * 4) as u32);
            let color = match ink % 4 {
                0 => 0,
                1 if smooth => {
                    [0x00b0_5030, 0x0030_60c0, 0x0080_8080, 0x00e0_d0a0, 0x0060_2010][(ink >> 8) as usize % 5]
                }
                _ => continue,
            };
            picture.fill(Rect::new(x, y, 1, 1), color);
        }
    }
    picture
}

fn show(scene: &mut Scene, x: i32, y: i32, picture: &Picture) {
    scene.pixels(SurfaceId::SCREEN, Point::new(x, y), picture.view()).unwrap();
}

fn paper(size: Size) -> Scene {
    let mut scene = Scene::new(size);
    show(&mut scene, 0, 0, &Picture::new(size, 0x00ff_ffff));
    scene
}

/// Shows a picture all around a hole: the source knows that nothing changed there.
fn show_around(scene: &mut Scene, area: Rect, hole: Rect, picture: &Picture) {
    let mut region: Region = area.into();
    region.subtract(&hole);
    for rect in region.rects() {
        let part = picture.crop(rect.offset(-area.left, -area.top));
        scene.pixels(SurfaceId::SCREEN, rect.origin(), part).unwrap();
    }
}

/// Plays a film of so many pictures; returns when its last was drawn.
fn film(scene: &mut Scene, viewer: &mut Viewer, area: Rect, pictures: i32, interval: u64) -> Micros {
    let mut last = viewer.now;
    for i in 0..pictures {
        show(scene, area.left, area.top, &photograph(area.size(), 5, 2 * i));
        last = viewer.now;
        viewer.play(scene, Micros(interval * MS));
    }
    last
}

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

/// Windows whose source draws with commands.
fn window(scene: &mut Scene, id: u32, size: Size) {
    scene.draw(SurfaceCreate { id: SurfaceId(id), size, alpha: false }).unwrap();
    let position = Point::new(id as i32 * 10, id as i32 * 7);
    scene.draw(WindowCreate { id: WindowId(id), surface: SurfaceId(id), position }).unwrap();
    scene.draw(WindowMap { id: WindowId(id), mapped: true }).unwrap();
}

fn copy(surface: u32, source: u32, rect: Rect, to: Point) -> DrawCommand {
    let items = vec![CopyItem { source: SurfaceId(source), rect, to }];
    Copy { surface: SurfaceId(surface), items }.into()
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
            // See `what_is_copied_from_rough_pixels_becomes_exact`.
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
