//! Scenes that the test paints into the server: random drawing, windows, changes of size.

use panto_protocol::draw::{
    Composite, Copy, CopyItem, Coverage, DrawCommand, Fill, Frames, GlyphDefine, GlyphRun, GlyphSlot, Ink,
    Lines, Pattern, PutPixels, SurfaceCreate, SurfaceDestroy, SurfaceId, SurfaceResize, TileCapture,
    TileSlot, TileUse, WindowCreate, WindowDestroy, WindowId, WindowMap, WindowMove, WindowStack,
};
use panto_protocol::encoding::{Effort, Encoder};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{Depth, Mode, Scale, Settings, Wire};
use panto_protocol::pixel::{Picture, scale};
use panto_protocol::time::Micros;
use panto_server::demo::{Desktop, script};
use panto_server::scene::Scene;

use super::{Stage, every_mode};

const SIZE: Size = Size::new(640, 400);

/// The same numbers in every run (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn roll(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// `0 <= result < n`.
    pub fn below(&mut self, n: u32) -> u32 {
        self.roll() % n
    }

    fn color(&mut self) -> u32 {
        self.roll() & 0x00ff_ffff
    }

    fn point(&mut self) -> Point {
        Point::new(self.below(SIZE.width + 40) as i32 - 20, self.below(SIZE.height + 40) as i32 - 20)
    }

    /// Mostly on the screen, now and then half beyond its edge.
    fn rect(&mut self) -> Rect {
        Rect::at(self.point(), Size::new(1 + self.below(220), 1 + self.below(160)))
    }

    /// Noise, a gradient, or few colours: what the encodings are there for.
    pub fn picture(&mut self, size: Size) -> Picture {
        let (kind, palette) = (self.below(3), [self.color(), self.color(), self.color(), self.color()]);
        let mut data = Vec::with_capacity(size.area() as usize);
        for y in 0..size.height {
            for x in 0..size.width {
                data.push(match kind {
                    0 => self.color(),
                    1 => (x * 255 / size.width) << 16 | (y * 255 / size.height) << 8 | (x ^ y) & 0xff,
                    _ => palette[self.below(4) as usize],
                });
            }
        }
        Picture::from_pixels(size, data).expect("as many pixels")
    }

    /// As [`Dice::picture`], premultiplied with an alpha that runs from clear to solid.
    fn glass(&mut self, size: Size) -> Picture {
        let mut picture = self.picture(size);
        for y in 0..size.height as i32 {
            for (x, pixel) in picture.row_mut(y, 0, size.width as i32).iter_mut().enumerate() {
                let alpha = (x as u32 * 255 / size.width.max(2).saturating_sub(1)).min(255) as u8;
                *pixel = scale(*pixel | 0xff00_0000, alpha);
            }
        }
        picture
    }
}

/// Draws something random on one of the surfaces `0..surfaces`. What makes no sense
/// there (a glyph never defined, a surface that is gone) the scene refuses by itself.
pub fn scribble(scene: &mut Scene, dice: &mut Dice, surfaces: u32) {
    let surface = SurfaceId(dice.below(surfaces));
    let alpha = |scene: &Scene, id| scene.canvas().surface(id).is_ok_and(|s| s.alpha);
    let (rect, color) = (dice.rect(), dice.color());
    let command: DrawCommand = match dice.below(12) {
        0 => Fill { surface, color, rects: (0..1 + dice.below(6)).map(|_| dice.rect()).collect() }.into(),
        1 if alpha(scene, surface) => {
            let picture = dice.glass(rect.size());
            let _ = scene.pixels(surface, rect.origin(), picture.view());
            return;
        }
        1 => {
            let picture = dice.picture(rect.size());
            let _ = scene.pixels(surface, rect.origin(), picture.view());
            return;
        }
        2 if !alpha(scene, surface) => {
            let picture = dice.picture(rect.size());
            let mut payload = Vec::new();
            Encoder::new().encode(picture.view(), Effort::Balanced, &mut payload);
            PutPixels { surface, rect, payload }.into()
        }
        2 | 3 => {
            // A scroll, or a copy from elsewhere; only between surfaces of one kind.
            let source = SurfaceId(dice.below(surfaces));
            let source = if alpha(scene, source) == alpha(scene, surface) { source } else { surface };
            let to = if dice.below(2) == 0 { rect.origin().offset(0, -13) } else { dice.point() };
            Copy { surface, items: vec![CopyItem { source, rect, to }] }.into()
        }
        4 => {
            let slot = dice.below(16);
            let size = Size::new(4 + slot % 5, 9);
            let mask = (0..size.area()).map(|_| (dice.below(16) * 17) as u8).collect();
            let define = GlyphDefine {
                slot: GlyphSlot(slot),
                coverage: Coverage { size, subpixel: false, mask },
                bearing: Point::new(0, -8),
                advance: 8,
            };
            let _ = scene.draw(define);
            GlyphRun { surface, color, pen: rect.origin(), slots: vec![GlyphSlot(slot); 5] }.into()
        }
        5 => {
            let slots = (0..1 + dice.below(20)).map(|_| GlyphSlot(dice.below(16))).collect();
            GlyphRun { surface, color, pen: dice.point(), slots }.into()
        }
        6 => TileCapture {
            slot: TileSlot(dice.below(4)),
            surface,
            rect: Rect::at(rect.origin(), Size::new(48, 32)),
        }
        .into(),
        7 => {
            let points = (0..1 + dice.below(5)).map(|_| dice.point()).collect();
            TileUse { surface, slot: TileSlot(dice.below(4)), points }.into()
        }
        8 => {
            let rows = [0; 8].map(|_: u8| dice.roll() as u8);
            let background = (dice.below(2) == 0).then(|| dice.color());
            let ink = Ink::Bits { rows, foreground: color, background };
            Pattern { surface, rect, origin: dice.point(), ink }.into()
        }
        9 => Lines { surface, color, points: (0..2 + dice.below(5)).map(|_| dice.point()).collect() }.into(),
        10 => Frames { surface, color, rects: (0..1 + dice.below(4)).map(|_| dice.rect()).collect() }.into(),
        _ => {
            let source = SurfaceId(dice.below(surfaces));
            Composite { surface, source, rect, to: dice.point(), opacity: dice.roll() as u8 }.into()
        }
    };
    let _ = scene.draw(command);
}

/// A window with a surface of its own and something on it.
pub fn open_window(scene: &mut Scene, dice: &mut Dice, id: u32, rect: Rect, alpha: bool) {
    let (surface, size) = (SurfaceId(id), rect.size());
    scene.draw(SurfaceCreate { id: surface, size, alpha }).expect("a new surface");
    let picture = if alpha { dice.glass(size) } else { dice.picture(size) };
    scene.pixels(surface, Point::default(), picture.view()).expect("a surface");
    scene.draw(WindowCreate { id: WindowId(id), surface, position: rect.origin() }).expect("a new window");
    scene.draw(WindowMap { id: WindowId(id), mapped: true }).expect("a window");
}

/// A burst of drawing, each stroke an update of its own, in which viewers change modes.
async fn burst(stage: &mut Stage, dice: &mut Dice, strokes: u32, surfaces: u32) {
    for stroke in 0..strokes {
        stage.local.scene().update(|scene| scribble(scene, dice, surfaces));
        if stroke == strokes / 2 {
            stage.turn();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_drawing_on_a_flat_screen() {
    for depth in Depth::ALL {
        let (mut stage, _) = Stage::of_scene("random", Scene::new(SIZE), every_mode(depth)).await;
        let mut dice = Dice::new(u64::from(depth.bits()) + 100);
        stage.agree("black").await;
        let mut last = Vec::new();
        for round in 0..5 {
            burst(&mut stage, &mut dice, 24, 1).await;
            last = stage.agree(&format!("round {round}")).await;
        }
        stage.close(&last).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_drawing_in_windows() {
    for depth in Depth::ALL {
        let mut dice = Dice::new(u64::from(depth.bits()) + 200);
        let mut scene = Scene::new(SIZE);
        open_window(&mut scene, &mut dice, 1, Rect::new(30, 20, 300, 200), false);
        open_window(&mut scene, &mut dice, 2, Rect::new(250, 90, 320, 260), true);
        open_window(&mut scene, &mut dice, 3, Rect::new(-40, 230, 260, 200), false);
        let (mut stage, _) = Stage::of_scene("random in windows", scene, every_mode(depth)).await;
        let mut last = stage.agree("first").await;
        for round in 0..5 {
            burst(&mut stage, &mut dice, 24, 4).await;
            last = stage.agree(&format!("round {round}")).await;
        }
        stage.close(&last).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_come_move_and_go() {
    for depth in Depth::ALL {
        let mut dice = Dice::new(u64::from(depth.bits()) + 300);
        let mut scene = Scene::new(SIZE);
        let wallpaper = dice.picture(SIZE);
        scene.pixels(SurfaceId::SCREEN, Point::default(), wallpaper.view()).unwrap();
        let (mut stage, scene) = Stage::of_scene("windows", scene, every_mode(depth)).await;
        stage.agree("no windows").await;

        scene.update(|s| open_window(s, &mut dice, 1, Rect::new(40, 30, 240, 180), false));
        scene.update(|s| open_window(s, &mut dice, 2, Rect::new(120, 100, 240, 180), true));
        stage.agree("two windows").await;

        stage.turn();
        for step in 0..60 {
            let to = |x, y| Point::new(x + step * 5, y + step * 3);
            scene.update(|s| s.draw(WindowMove { id: WindowId(1), position: to(-60, -20) })).unwrap();
            scene.update(|s| s.draw(WindowMove { id: WindowId(2), position: to(300, -90) })).unwrap();
            // Wakes the viewers' sessions in between: most of these moves are seen.
            tokio::task::yield_now().await;
        }
        stage.agree("moved").await;

        scene.update(|s| open_window(s, &mut dice, 3, Rect::new(200, 60, 300, 220), false));
        stage.turn();
        for (window, index) in [(1, 2), (3, 0), (2, 0), (3, 2), (1, 1)] {
            scene.update(|s| s.draw(WindowStack { id: WindowId(window), index })).unwrap();
            stage.agree(&format!("window {window} at {index}")).await;
        }

        // A second window on the same surface, an unmapped one, one whose surface changes size.
        scene
            .update(|s| {
                s.draw(WindowCreate {
                    id: WindowId(9),
                    surface: SurfaceId(2),
                    position: Point::new(5, 200),
                })?;
                s.draw(WindowMap { id: WindowId(9), mapped: true })?;
                s.draw(WindowMap { id: WindowId(1), mapped: false })?;
                s.draw(SurfaceResize { id: SurfaceId(3), size: Size::new(350, 120) })
            })
            .unwrap();
        stage.turn();
        burst(&mut stage, &mut dice, 12, 4).await;
        stage.agree("shared, hidden, resized").await;

        scene
            .update(|s| {
                s.draw(WindowMap { id: WindowId(1), mapped: true })?;
                s.draw(WindowDestroy { id: WindowId(3) })?;
                s.draw(SurfaceDestroy { id: SurfaceId(3) })
            })
            .unwrap();
        stage.agree("one gone").await;
        scene
            .update(|s| {
                for id in [1, 2, 9] {
                    s.draw(WindowDestroy { id: WindowId(id) })?;
                }
                s.draw(SurfaceDestroy { id: SurfaceId(1) })
            })
            .unwrap();
        let last = stage.agree("all gone").await;
        stage.close(&last).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_changes_size_in_mid_stream() {
    for depth in Depth::ALL {
        let mut dice = Dice::new(u64::from(depth.bits()) + 400);
        let mut scene = Scene::new(SIZE);
        let mut settings = every_mode(depth);
        settings.push(Settings { scale: Scale::Half, ..settings[0] });
        settings.push(Settings { scale: Scale::Quarter, ..settings[1] });
        open_window(&mut scene, &mut dice, 1, Rect::new(300, 200, 200, 150), false);
        let (mut stage, scene) = Stage::of_scene("resize", scene, settings).await;
        let mut last = stage.agree("first").await;
        for (width, height) in [(801, 377), (333, 500), (64, 64), (1, 1), (640, 401)] {
            burst(&mut stage, &mut dice, 8, 2).await;
            scene.update(|s| s.resize(Size::new(width, height), Vec::new()));
            burst(&mut stage, &mut dice, 8, 2).await;
            last = stage.agree(&format!("{width}x{height}")).await;
            for viewer in &stage.viewers {
                assert_eq!(viewer.watcher.handle.shown().screen, Size::new(width, height));
            }
        }
        stage.close(&last).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scaled_and_dithered() {
    for depth in Depth::ALL {
        let mut dice = Dice::new(u64::from(depth.bits()) + 500);
        let mut scene = Scene::new(Size::new(637, 399));
        open_window(&mut scene, &mut dice, 1, Rect::new(101, 53, 301, 203), true);
        let of = |mode, scale, dither| Settings {
            mode,
            depth,
            scale,
            dither,
            copy_rect: true,
            wire: Wire::Coded,
            exact: false,
        };
        let settings = vec![
            of(Mode::Pixels, Scale::Half, false),
            of(Mode::Commands, Scale::Half, true),
            of(Mode::Hybrid, Scale::Quarter, false),
            of(Mode::Auto, Scale::Quarter, true),
            of(Mode::Pixels, Scale::Full, true),
            of(Mode::Commands, Scale::Full, true),
            Settings { copy_rect: false, ..of(Mode::Pixels, Scale::Full, false) },
        ];
        let (mut stage, _) = Stage::of_scene("scaled", scene, settings).await;
        stage.agree("first").await;
        let mut last = Vec::new();
        for round in 0..4 {
            burst(&mut stage, &mut dice, 16, 2).await;
            last = stage.agree(&format!("round {round}")).await;
        }
        stage.close(&last).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn depth_and_scale_change_in_mid_stream() {
    let mut dice = Dice::new(600);
    let mut scene = Scene::new(SIZE);
    open_window(&mut scene, &mut dice, 1, Rect::new(50, 50, 300, 200), false);
    open_window(&mut scene, &mut dice, 2, Rect::new(200, 120, 300, 200), true);
    let (mut stage, _) = Stage::of_scene("changing", scene, every_mode(Depth::D24)).await;
    let mut last = Vec::new();
    for round in 0..10 {
        for (i, viewer) in stage.viewers.iter_mut().enumerate() {
            let n = round * 3 + i;
            viewer.settings.depth = Depth::ALL[n % Depth::ALL.len()];
            viewer.settings.scale = Scale::ALL[n / 2 % Scale::ALL.len()];
            viewer.settings.dither = n % 4 == 3;
        }
        // The burst's own turn of modes carries the rest along.
        burst(&mut stage, &mut dice, 12, 3).await;
        last = stage.agree(&format!("round {round}")).await;
    }
    stage.close(&last).await;
}

/// The demo desktop and its script, as fast as they go.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_desktop_plays_its_script() {
    let size = Size::new(960, 600);
    for depth in Depth::ALL {
        let mut scene = Scene::new(size);
        let mut desktop = Desktop::new(&mut scene, Micros::ZERO);
        let (mut stage, scene) = Stage::of_scene("demo", scene, every_mode(depth)).await;
        let first = stage.agree("first").await;
        let script = script(size);
        let pause = script.events.len() / 6;
        for (i, (at, event)) in script.events.into_iter().enumerate() {
            // What moves by itself until then.
            while let Some(tick) = desktop.next_tick().filter(|tick| *tick <= at) {
                scene.update(|s| desktop.tick(s, tick));
                tokio::task::yield_now().await;
            }
            scene.update(|s| desktop.input(&event, s, at));
            if i % pause == pause / 2 {
                stage.turn();
            }
            if i % pause == pause - 1 {
                stage.agree(&format!("event {i}")).await;
            }
        }
        while let Some(tick) = desktop.next_tick().filter(|tick| *tick <= script.rest) {
            scene.update(|s| desktop.tick(s, tick));
        }
        let last = stage.agree("in the end").await;
        assert!(first != last, "it was played");
        stage.close(&last).await;
    }
}
