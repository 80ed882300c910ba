//! Many viewers over real sockets, on several threads: they come to share the server's work,
//! one of them may leave or change its mind, and everyone's picture stays exact.

use std::sync::Arc;
use std::time::Duration;

use panto_protocol::geometry::Size;
use panto_protocol::message::{Mode, Settings};
use panto_server::scene::{Scene, SharedScene};
use panto_tests::harness::{Local, PATIENCE, Watcher};
use panto_viewer::core::Command;

use crate::scenes::{Dice, expected, scribble};

const SIZE: Size = Size::new(480, 320);

/// Waits until so many planners do all the work. Something goes on meanwhile, for groups are
/// joined while they are used.
async fn until_planners(local: &Local, planners: usize, mut work: impl FnMut()) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while local.server.sharing().planners != planners {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", local.server.sharing());
        work();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until everyone shows what it should.
async fn agree(scene: &SharedScene, watchers: &[(Settings, Watcher)]) {
    for (settings, watcher) in watchers {
        let want = expected(scene.lock().canvas(), settings);
        watcher.until("its picture", |shown| *shown == want).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_picture_is_planned_once() {
    let (local, scene) = Local::of_scene(Scene::new(SIZE)).await;
    let mut dice = Dice::new(5);
    let ways = [Mode::Hybrid, Mode::Pixels].map(|mode| Settings { mode, ..Settings::default() });
    let enter = |settings: Settings| (settings, local.watch(settings));
    let mut watchers: Vec<_> = (0..12).map(|n| enter(ways[n % 2])).collect();
    let mut draw = |scene: &Arc<SharedScene>, times: u32| {
        for _ in 0..times {
            scene.update(|scene| scribble(scene, &mut dice, 1));
        }
    };
    draw(&scene, 20);
    agree(&scene, &watchers).await;
    until_planners(&local, 2, || draw(&scene, 1)).await;
    for _ in 0..20 {
        draw(&scene, 3);
        agree(&scene, &watchers).await;
    }
    // One goes, one comes, one wants it otherwise; the others hardly notice.
    let (_, left) = watchers.pop().expect("twelve");
    let (stats, ended) = left.quit().await;
    ended.expect("a goodbye");
    assert_eq!(stats.digests_wrong, 0);
    watchers.push(enter(ways[0]));
    watchers[3].0 = ways[0];
    watchers[3].1.send(Command::Settings(ways[0]));
    for _ in 0..20 {
        draw(&scene, 3);
        agree(&scene, &watchers).await;
    }
    until_planners(&local, 2, || draw(&scene, 1)).await;
    draw(&scene, 20);
    agree(&scene, &watchers).await;
    let shared = local.server.sharing();
    assert_eq!(shared.members, 12);
    let mut frames = 0;
    for (_, watcher) in watchers {
        let (stats, ended) = watcher.quit().await;
        ended.expect("a goodbye");
        assert_eq!(stats.digests_wrong, 0);
        frames += stats.frames;
    }
    // Two ways, twelve viewers; until they were together each was planned for alone.
    assert!(shared.planned * 2 < frames, "{frames} frames of {shared:?}");
}
