//! What viewers keep on disk: found by the next session with the same server, and nothing
//! but a warning when it is broken.

use std::path::{Path, PathBuf};

use panto_protocol::draw::{Fill, SurfaceId};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{Mode, Settings};
use panto_protocol::pixel::Picture;
use panto_server::scene::{Scene, SharedScene};
use panto_tests::harness::{Local, Watcher, panto};
use panto_transport::Target;
use panto_viewer::core::{ClientOptions, LibraryStore, ServerIdentity};
use panto_viewer::stats::Stats;

use crate::scenes::Dice;

const SIZE: Size = Size::new(640, 400);

fn commands() -> Settings {
    Settings { mode: Mode::Commands, ..Settings::default() }
}

fn blank() -> Scene {
    let mut scene = Scene::new(SIZE);
    wipe(&mut scene);
    scene
}

fn wipe(scene: &mut Scene) {
    let all = Fill { surface: SurfaceId::SCREEN, color: 0x00ff_ffff, rects: vec![Rect::of_size(SIZE)] };
    scene.draw(all).expect("a screen");
}

/// A small picture that is neither text nor anything else that has a name.
fn icon(seed: u64) -> Picture {
    let (size, mut dice) = (Size::new(100, 50), Dice::new(seed));
    Picture::from_pixels(size, (0..size.area()).map(|_| dice.below(1 << 24)).collect())
        .expect("as many pixels")
}

/// Looks at a blank screen, on which icons then appear one after the other.
async fn session(local: &Local, scene: &SharedScene, store: Option<&LibraryStore>) -> Stats {
    scene.update(wipe);
    let watcher = Watcher::start(ClientOptions { disk_cache: store.cloned(), ..local.options(commands()) });
    for n in 0..5 {
        let screen = scene.lock().canvas().screen();
        watcher.until("the picture", |p| *p == screen).await;
        let at = Point::new(20 + n * 120, 30 + n * 60);
        scene.update(|s| s.pixels(SurfaceId::SCREEN, at, icon(n as u64).view())).expect("a screen");
    }
    let screen = scene.lock().canvas().screen();
    watcher.until("the last picture", |p| *p == screen).await;
    let (stats, ended) = watcher.quit().await;
    ended.expect("a goodbye");
    assert_eq!(stats.digests_wrong, 0);
    stats
}

fn recalls(stats: &Stats) -> u64 {
    stats.payload_bytes_by_kind.get("TileRecall").copied().unwrap_or(0)
}

fn file(store: &LibraryStore, target: &Target) -> PathBuf {
    store.of(&ServerIdentity::Address(target.to_string())).path().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_session_is_sent_less() {
    let (local, scene) = Local::of_scene(blank()).await;
    let dir = tempfile::tempdir().unwrap();
    let store = LibraryStore::at(dir.path().join("libraries"));
    let first = session(&local, &scene, Some(&store)).await;
    let second = session(&local, &scene, Some(&store)).await;
    let without = session(&local, &scene, None).await;
    assert_eq!((recalls(&first), recalls(&without)), (0, 0));
    assert!(recalls(&second) > 0, "{:?}", second.payload_bytes_by_kind);
    // Four or five pictures of 15 kB each are not sent.
    assert!(second.bytes_down * 3 < first.bytes_down, "{} of {}", second.bytes_down, first.bytes_down);
    assert!(file(&store, &local.target).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_is_told_nothing() {
    let (local, scene) = Local::of_scene(blank()).await;
    let (other, shown) = Local::of_scene(blank()).await;
    let dir = tempfile::tempdir().unwrap();
    let store = LibraryStore::at(dir.path());
    session(&local, &scene, Some(&store)).await;
    let first = session(&other, &shown, Some(&store)).await;
    assert_eq!(recalls(&first), 0);
    let second = session(&other, &shown, Some(&store)).await;
    assert!(recalls(&second) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_or_none_at_all_is_no_obstacle() {
    let (local, scene) = Local::of_scene(blank()).await;
    let dir = tempfile::tempdir().unwrap();
    let store = LibraryStore::at(dir.path());
    let path = file(&store, &local.target);
    session(&local, &scene, Some(&store)).await;
    let sound = std::fs::read(&path).unwrap();
    for broken in [b"PantoLib".to_vec(), vec![0; 100_000], sound[..sound.len() / 2].to_vec()] {
        // The permissions of the file stay.
        std::fs::write(&path, broken).unwrap();
        session(&local, &scene, Some(&store)).await;
        let again = session(&local, &scene, Some(&store)).await;
        assert!(recalls(&again) > 0, "it was written anew");
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    session(&local, &scene, Some(&store)).await;
    assert!(path.is_dir(), "what is no file of ours is left alone");
    let nowhere = LibraryStore::at("/dev/null/libraries");
    session(&local, &scene, Some(&nowhere)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_keeps_or_keeps_not() {
    let (local, scene) = Local::of_scene(blank()).await;
    scene.update(|s| s.pixels(SurfaceId::SCREEN, Point::new(9, 9), icon(1).view())).expect("a screen");
    let home = panto();
    let target = local.target.to_string();
    let kept = |dir: &Path| std::fs::read_dir(dir).map_or(0, Iterator::count);
    let libraries = home.path("cache/panto/libraries");
    for (disk_cache, files) in [("no", 0), ("yes", 1)] {
        let mut command = home.command(&["view", &target, "--no-window", "--for", "200ms"]);
        command.args(["--disk-cache", disk_cache]);
        let output = tokio::task::block_in_place(|| home.finish(command));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(kept(&libraries), files, "--disk-cache {disk_cache}");
    }
}
