//! Traces: what is recorded is what is played, and broken files are told apart.

use std::path::Path;

use panto_protocol::draw::{Copy, CopyItem, SurfaceCreate, SurfaceId, WindowCreate, WindowId, WindowMap};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Picture, Pixels};
use panto_protocol::time::Micros;
use panto_server::demo::{Desktop, perform};
use panto_server::scene::Scene;
use panto_server::trace::{Header, InputKind, Player, Reader, Recorder, TraceError, summarize};
use proptest::prelude::*;
use tempfile::TempDir;

const SIZE: Size = Size { width: 1280, height: 800 };

fn header() -> Header {
    Header { title: "test".into(), ..Header::default() }
}

/// Records the demo desktop's script until `end`; returns what the screen showed, and when.
fn record_demo(path: &Path, end: Micros) -> Vec<(Micros, Picture)> {
    let mut scene = Scene::new(SIZE);
    let mut desktop = Desktop::new(&mut scene, Micros::ZERO);
    let mut recorder = Recorder::create(path, header(), 3, &scene).unwrap();
    let mut shown = vec![(Micros::ZERO, scene.canvas().screen())];
    perform(&mut desktop, &mut scene, end, |input, scene, now| {
        if input.is_some() {
            recorder.input(InputKind::Key, now);
            return;
        }
        // Now and then several changes lie between two looks.
        recorder.observe(scene, now);
        if shown.len() < 1000 && shown.last().is_some_and(|(at, _)| now.since(*at) > Micros(100_000)) {
            shown.push((now, scene.canvas().screen()));
        }
    });
    shown.push((end, scene.canvas().screen()));
    recorder.finish(end).unwrap();
    shown
}

#[test]
fn the_demo_desktop_is_played_as_it_was() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("demo.trace");
    // Beyond a chapter, so that a snapshot is skipped on the way.
    let shown = record_demo(&path, Micros::from_millis(40_000));
    let (mut player, mut scene) = Player::open(&path).unwrap();
    for (at, picture) in &shown {
        player.advance(&mut scene, *at, |_, _| ()).unwrap();
        assert!(scene.canvas().screen() == *picture, "differs at {at:?}");
    }
    assert!(player.next_at().is_none() && player.cut().is_none());
    // Its windows are windows again, not only pixels.
    assert!(!scene.canvas().windows().is_empty());
    let summary = summarize(&path).unwrap();
    assert_eq!(summary.duration, Micros::from_millis(40_000));
    assert!(summary.inputs.len() > 50 && summary.changes > 100, "{summary:?}");
}

#[test]
fn a_trace_can_be_entered_at_any_time() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("demo.trace");
    let shown = record_demo(&path, Micros::from_millis(40_000));
    for (at, picture) in [&shown[3], &shown[shown.len() / 2], &shown[shown.len() - 2]] {
        let (_, scene) = Player::open_at(&path, *at).unwrap();
        assert!(scene.canvas().screen() == *picture, "differs at {at:?}");
    }
}

#[test]
fn a_file_cut_anywhere_gives_its_beginning_and_says_so() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("demo.trace");
    record_demo(&path, Micros::from_millis(35_000));
    let whole = std::fs::read(&path).unwrap();
    let cut = dir.path().join("cut.trace");
    let mut played = 0;
    for keep in [0, 5, 12, 40, whole.len() / 3, whole.len() - 40, whole.len() - 1] {
        std::fs::write(&cut, &whole[..keep]).unwrap();
        match Player::open(&cut) {
            Ok((mut player, mut scene)) => {
                player.advance(&mut scene, Micros(u64::MAX), |_, _| ()).unwrap();
                // The index alone may be lost without a picture being lost.
                if let Some(error) = player.cut() {
                    assert!(error.to_string().contains("cut short"), "{error}");
                }
                played += 1;
            }
            Err(error) => assert!(
                matches!(
                    error,
                    TraceError::NotATrace { .. } | TraceError::Cut { .. } | TraceError::Damaged { .. }
                ),
                "{keep}: {error}"
            ),
        }
    }
    assert!(played >= 1);
    std::fs::write(&cut, &whole[..whole.len() - 40]).unwrap();
    assert!(summarize(&cut).unwrap().cut.is_some());
}

#[test]
fn damage_and_foreign_versions_are_told() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("demo.trace");
    record_demo(&path, Micros::from_millis(1_000));
    let whole = std::fs::read(&path).unwrap();
    let other = dir.path().join("other.trace");
    let with = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        std::fs::write(&other, bytes).unwrap();
        Player::open(&other).err().map(|e| e.to_string()).unwrap_or_default()
    };
    assert!(with(8, 9).contains("version 9"));
    assert!(with(0, b'X').contains("no Panto trace"));
    // A bit of the packed chapter.
    let damaged = with(whole.len() / 2, whole[whole.len() / 2] ^ 1);
    assert!(damaged.contains("checksum"), "{damaged}");
    std::fs::write(&other, b"not a trace at all").unwrap();
    assert!(matches!(Reader::open(&other), Err(TraceError::NotATrace { .. })));
    assert!(matches!(Reader::open(&dir.path().join("none")), Err(TraceError::File { .. })));
}

/// One thing done to a scene.
#[derive(Debug, Clone)]
enum Step {
    Pixels { surface: u32, at: (i32, i32), size: (u32, u32), color: u32 },
    Copy { surface: u32, from: (i32, i32), to: (i32, i32) },
    Window { id: u32, at: (i32, i32), alpha: bool },
    Resize { width: u32, height: u32 },
    Observe,
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (-10..110i32, -10..90i32);
    prop_oneof![
        4 => (0..4u32, place(), (1..60u32, 1..60u32), any::<u32>())
            .prop_map(|(surface, at, size, color)| Step::Pixels { surface, at, size, color }),
        2 => (0..4u32, place(), place()).prop_map(|(surface, from, to)| Step::Copy { surface, from, to }),
        1 => (1..4u32, place(), any::<bool>()).prop_map(|(id, at, alpha)| Step::Window { id, at, alpha }),
        1 => (50..120u32, 50..120u32).prop_map(|(width, height)| Step::Resize { width, height }),
        3 => Just(Step::Observe),
    ]
}

fn act(step: &Step, scene: &mut Scene) {
    // What cannot be done is refused, and nothing happens.
    match *step {
        Step::Pixels { surface, at, size, color } => {
            let size = Size::new(size.0, size.1);
            let data: Vec<u32> = (0..size.area() as u32).map(|i| color.wrapping_mul(i % 5 + 1)).collect();
            let pixels = Pixels::new(size, size.width as usize, &data).unwrap();
            let _ = scene.pixels(SurfaceId(surface), Point::new(at.0, at.1), pixels);
        }
        Step::Copy { surface, from, to } => {
            let item = CopyItem {
                source: SurfaceId::SCREEN,
                rect: Rect::at(Point::new(from.0, from.1), Size::new(30, 30)),
                to: Point::new(to.0, to.1),
            };
            let _ = scene.draw(Copy { surface: SurfaceId(surface), items: vec![item] });
        }
        Step::Window { id, at, alpha } => {
            let position = Point::new(at.0, at.1);
            let surface = SurfaceId(id);
            if scene.draw(SurfaceCreate { id: surface, size: Size::new(40, 30), alpha }).is_ok() {
                let _ = scene.draw(WindowCreate { id: WindowId(id), surface, position });
                let _ = scene.draw(WindowMap { id: WindowId(id), mapped: true });
            }
        }
        Step::Resize { width, height } => scene.resize(Size::new(width, height), Vec::new()),
        Step::Observe => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// However many changes lie between two looks, and whatever they did to one another.
    #[test]
    fn any_history_is_played_as_it_was(steps in prop::collection::vec(step(), 1..40)) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("t");
        let mut scene = Scene::new(Size::new(100, 80));
        let mut recorder = Recorder::create(&path, header(), 1, &scene).unwrap();
        let mut shown = Vec::new();
        for (i, step) in steps.iter().chain([&Step::Observe]).enumerate() {
            act(step, &mut scene);
            if matches!(step, Step::Observe) {
                let at = Micros(i as u64 * 1000);
                recorder.observe(&scene, at);
                shown.push((at, scene.canvas().screen()));
            }
        }
        recorder.finish(Micros(1_000_000)).unwrap();
        let (mut player, mut played) = Player::open(&path).unwrap();
        for (at, picture) in shown {
            player.advance(&mut played, at, |_, _| ()).unwrap();
            prop_assert!(played.canvas().screen() == picture, "differs at {at:?}");
        }
        for (id, surface) in scene.canvas().surfaces() {
            let other = played.canvas().surface(id).unwrap();
            prop_assert!(other.picture == surface.picture && other.alpha == surface.alpha);
        }
    }

    /// Bytes that were changed anywhere are an error or make no difference, never a panic.
    #[test]
    fn a_changed_byte_is_no_disaster(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("t");
        let mut scene = Scene::new(Size::new(100, 80));
        let mut recorder = Recorder::create(&path, header(), 1, &scene).unwrap();
        scene.resize(Size::new(90, 90), Vec::new());
        recorder.observe(&scene, Micros(5));
        recorder.finish(Micros(10)).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        std::fs::write(&path, bytes).unwrap();
        if let Ok((mut player, mut scene)) = Player::open(&path) {
            let _ = player.advance(&mut scene, Micros(u64::MAX), |_, _| ());
        }
    }
}

#[test]
fn more_changes_than_a_scene_remembers() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t");
    let mut scene = Scene::new(Size::new(100, 80));
    let mut recorder = Recorder::create(&path, header(), 1, &scene).unwrap();
    act(&Step::Window { id: 1, at: (5, 5), alpha: true }, &mut scene);
    for i in 0..10_000 {
        let step = Step::Pixels { surface: i % 2, at: (i as i32 % 90, 3), size: (7, 7), color: i * 77 };
        act(&step, &mut scene);
    }
    recorder.observe(&scene, Micros(1000));
    act(&Step::Copy { surface: 1, from: (0, 0), to: (5, 5) }, &mut scene);
    recorder.observe(&scene, Micros(2000));
    recorder.finish(Micros(3000)).unwrap();
    let (mut player, mut played) = Player::open(&path).unwrap();
    player.advance(&mut played, Micros(3000), |_, _| ()).unwrap();
    assert!(played.canvas().screen() == scene.canvas().screen());
}
