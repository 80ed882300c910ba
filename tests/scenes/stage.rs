//! A scene with viewers in front of it, and what each of them should see.

use std::sync::Arc;
use std::time::Duration;

use panto_protocol::canvas::{Canvas, digest};
use panto_protocol::draw::{DrawCommand, SurfaceCreate, SurfaceId, SurfaceResize, WindowCreate, WindowMap};
use panto_protocol::geometry::{Point, Size};
use panto_protocol::message::{Depth, Mode, Scale, Settings, Wire};
use panto_protocol::pixel::Picture;
use panto_protocol::quantize::{Quantizer, downscale, scaled_size};
use panto_server::scene::{Scene, SharedScene};
use panto_server::source::Source;
use panto_tests::harness::{Local, PATIENCE, Watcher, XDisplay, assert_same};
use panto_viewer::core::Command;
use panto_viewer::stats::Stats;

/// A served scene and its viewers.
pub struct Stage {
    name: String,
    /// The server.
    pub local: Local,
    /// The X display behind the scene, if it has one.
    display: Option<Arc<XDisplay>>,
    /// Everyone who looks.
    pub viewers: Vec<Viewer>,
}

/// One viewer, and how it asked for its picture.
pub struct Viewer {
    pub settings: Settings,
    pub watcher: Watcher,
}

/// One in each mode, at this depth.
pub fn every_mode(depth: Depth) -> Vec<Settings> {
    let of = |mode| Settings {
        mode,
        depth,
        scale: Scale::Full,
        dither: false,
        copy_rect: true,
        wire: Wire::Coded,
        exact: false,
    };
    Mode::ALL.map(of).into()
}

impl Stage {
    /// A scene that only the test paints.
    pub async fn of_scene(name: &str, scene: Scene, settings: Vec<Settings>) -> (Self, Arc<SharedScene>) {
        let (local, scene) = Local::of_scene(scene).await;
        (Self::new(name, local, None, settings), scene)
    }

    /// A display that is captured.
    pub async fn of_display(
        name: &str,
        display: Arc<XDisplay>,
        source: Arc<dyn Source>,
        scene: Arc<SharedScene>,
        settings: Vec<Settings>,
    ) -> Self {
        let local = Local::start(scene, source).await;
        Self::new(name, local, Some(display), settings)
    }

    fn new(name: &str, local: Local, display: Option<Arc<XDisplay>>, settings: Vec<Settings>) -> Self {
        let viewers = settings
            .into_iter()
            .map(|settings| Viewer { settings, watcher: local.watch(settings) })
            .collect();
        Self { name: name.into(), local, display, viewers }
    }

    /// Every viewer asks for the next mode, whatever is on its way to it.
    pub fn turn(&mut self) {
        for viewer in &mut self.viewers {
            let next = Mode::ALL.iter().position(|m| *m == viewer.settings.mode).unwrap_or_default() + 1;
            viewer.settings.mode = Mode::ALL[next % Mode::ALL.len()];
            viewer.watcher.send(Command::Settings(viewer.settings));
        }
    }

    /// Waits until the source rests and every viewer shows what it should, and
    /// returns that. Fails with pictures.
    pub async fn agree(&self, what: &str) -> Vec<Picture> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut source = self.source();
        // Before what is wanted is computed: whatever is captured later makes it stale.
        let mut position = self.local.scene().lock().position();
        let mut wanted = self.wanted(&source);
        loop {
            let shown = self.viewers.iter().zip(&wanted).all(|(viewer, want)| {
                let shown = viewer.watcher.handle.shown();
                shown.settings == viewer.settings && shown.picture == *want
            });
            let now = self.source();
            if shown && now == source {
                return wanted;
            }
            let captured = self.local.scene().lock().position();
            if now != source || captured != position {
                (source, position) = (now, captured);
                wanted = self.wanted(&source);
            }
            if tokio::time::Instant::now() >= deadline {
                self.disagree(what, &wanted);
            }
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    }

    fn disagree(&self, what: &str, wanted: &[Picture]) -> ! {
        for (viewer, want) in self.viewers.iter().zip(wanted) {
            let Settings { mode, depth, scale, dither, .. } = viewer.settings;
            let shown = viewer.watcher.handle.shown();
            let what = format!(
                "{} {what} {} depth {} scale {}{}",
                self.name,
                mode.name(),
                depth.bits(),
                scale.divisor(),
                if dither { " dithered" } else { "" }
            );
            let Stats { frames, digests_ok, digests_wrong, .. } = &shown.stats;
            let what =
                format!("{what} ({frames} frames, digests {digests_ok} right and {digests_wrong} wrong)");
            assert!(!viewer.watcher.has_ended(), "{what}: the viewer ended: {:?}", shown.connection);
            assert_eq!(shown.settings, viewer.settings, "{what}: settings");
            assert_same(&what, &shown.picture, want);
        }
        panic!("{} {what}: the source never rests", self.name);
    }

    /// What the source shows now.
    fn source(&self) -> Picture {
        match &self.display {
            Some(display) => display.picture(),
            None => self.local.scene().lock().canvas().screen(),
        }
    }

    /// What each viewer should show of the source.
    fn wanted(&self, source: &Picture) -> Vec<Picture> {
        let of = |canvas: &Canvas| {
            // Viewers that differ in nothing that matters share the work.
            let mut known: Vec<(Settings, Picture)> = Vec::new();
            for viewer in &self.viewers {
                let flat = viewer.settings.mode == Mode::Pixels || canvas.windows().is_empty();
                let mode = if flat { Mode::Pixels } else { Mode::Commands };
                let settings = Settings { mode, ..viewer.settings };
                let picture = match known.iter().find(|(s, _)| *s == settings) {
                    Some((_, picture)) => picture.clone(),
                    None => expected(canvas, &settings),
                };
                known.push((settings, picture));
            }
            known.into_iter().map(|(_, picture)| picture).collect()
        };
        let scene = self.local.scene().lock();
        match &self.display {
            // What the capture has still to read.
            Some(_) if scene.canvas().screen() != *source => of(&flat(source)),
            _ => of(scene.canvas()),
        }
    }

    /// Ends all viewers. `last` is what [`Stage::agree`] returned; the source must not
    /// have changed since. Returns the figures.
    pub async fn close(self, last: &[Picture]) -> Vec<Stats> {
        let mut all = Vec::new();
        for (viewer, last) in self.viewers.into_iter().zip(last) {
            let what = format!("{} {:?}", self.name, viewer.settings);
            let deadline = tokio::time::Instant::now() + PATIENCE;
            while viewer.watcher.handle.shown().stats.digests_ok == 0 {
                assert!(tokio::time::Instant::now() < deadline, "{what}: no digest ever came");
                tokio::time::sleep(Duration::from_millis(4)).await;
            }
            let (stats, result) = viewer.watcher.quit().await;
            assert!(result.is_ok(), "{what}: {result:?}");
            assert_eq!(stats.digests_wrong, 0, "{what}");
            assert_eq!(stats.reconnects, 0, "{what}");
            assert_eq!(stats.digest, digest(last.view()).to_string(), "{what}");
            all.push(stats);
        }
        all
    }
}

/// What a viewer with these settings should see of a canvas: windows reduced one by
/// one and then put together where they are sent as windows, else the whole.
pub fn expected(canvas: &Canvas, settings: &Settings) -> Picture {
    let quantizer = Quantizer { depth: settings.depth, dither: settings.dither };
    let reduce = |source: &Picture| {
        let mut out = Picture::new(source.size(), 0);
        quantizer.quantize(source, source.bounds(), &mut out);
        out
    };
    let windows =
        settings.mode != Mode::Pixels && settings.scale == Scale::Full && !canvas.windows().is_empty();
    if !windows {
        let screen = canvas.screen();
        let divisor = settings.scale.divisor();
        let mut scaled = Picture::new(scaled_size(screen.size(), divisor), 0);
        let all = scaled.bounds();
        downscale(&screen, divisor, all, &mut scaled);
        return reduce(&scaled);
    }
    let mut reduced = Canvas::new();
    let mut draw = |command: DrawCommand| reduced.apply(&command).expect("a copy of what exists");
    draw(SurfaceResize { id: SurfaceId::SCREEN, size: canvas.screen_size() }.into());
    for (id, surface) in canvas.surfaces().filter(|(id, _)| *id != SurfaceId::SCREEN) {
        draw(SurfaceCreate { id, size: surface.picture.size(), alpha: surface.alpha }.into());
    }
    for window in canvas.windows() {
        let (id, surface, position) = (window.id, window.surface, window.position);
        draw(WindowCreate { id, surface, position }.into());
        draw(WindowMap { id, mapped: window.mapped }.into());
    }
    for (id, surface) in canvas.surfaces() {
        // There is no palette of transparencies: alpha stays exact.
        let picture = if surface.alpha { surface.picture.clone() } else { reduce(&surface.picture) };
        reduced.write(id, Point::default(), picture.view()).expect("a copy of what exists");
    }
    reduced.screen()
}

/// A canvas that shows a picture.
fn flat(picture: &Picture) -> Canvas {
    let mut canvas = Canvas::new();
    let size: Size = picture.size();
    canvas.apply(&SurfaceResize { id: SurfaceId::SCREEN, size }.into()).expect("a screen's size");
    canvas.write(SurfaceId::SCREEN, Point::default(), picture.view()).expect("a screen");
    canvas
}
