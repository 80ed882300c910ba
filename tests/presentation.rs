//! What a viewer shows otherwise than the server has it, over real sockets: tints, and
//! windows that are dragged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use panto_protocol::canvas::digest;
use panto_protocol::draw::{Fill, SurfaceCreate, SurfaceId, WindowCreate, WindowId, WindowMap, WindowMove};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{InputEvent, Mode, Settings};
use panto_protocol::pixel::Picture;
use panto_server::scene::{Scene, SharedScene};
use panto_server::source::Source;
use panto_tests::harness::{Local, PATIENCE, Watcher, assert_same};
use panto_viewer::core::{ClientOptions, Command};

const SIZE: Size = Size::new(320, 200);
/// As they are, with draw commands only.
fn commands() -> Settings {
    Settings { mode: Mode::Commands, ..Settings::default() }
}

const WINDOW: WindowId = WindowId(1);
const COLOR: u32 = 0x00fe_dc12;
const HOME: Point = Point::new(40, 50);
/// From the pointer to the window that is held by it.
const HELD: Point = Point::new(-7, -3);

/// A screen with one window of one colour.
fn scene() -> Scene {
    let mut scene = Scene::new(SIZE);
    let surface = SurfaceId(1);
    let size = Size::new(50, 40);
    scene.draw(SurfaceCreate { id: surface, size, alpha: false }).unwrap();
    scene.draw(Fill { surface, color: COLOR, rects: vec![Rect::of_size(size)] }).unwrap();
    scene.draw(WindowCreate { id: WINDOW, surface, position: HOME }).unwrap();
    scene.draw(WindowMap { id: WINDOW, mapped: true }).unwrap();
    scene
}

/// Where the window is in a picture.
fn window_in(picture: &Picture) -> Option<Point> {
    let first = picture.data().iter().position(|&p| p == COLOR)? as u32;
    Some(Point::new((first % picture.size().width) as i32, (first / picture.size().width) as i32))
}

/// A window manager that moves the window with the pointer, or ceases to.
struct Manager {
    scene: Arc<SharedScene>,
    moves: AtomicBool,
}

impl Source for Manager {
    fn input(&self, event: &InputEvent) {
        if let InputEvent::Pointer { position } = event
            && self.moves.load(Ordering::Acquire)
        {
            let position = position.offset(HELD.x, HELD.y);
            self.scene.update(|scene| scene.draw(WindowMove { id: WINDOW, position })).unwrap();
        }
    }
    fn can_resize(&self) -> bool {
        false
    }
    fn resize(&self, _: Size) -> Result<(), String> {
        Err("this screen keeps its size".into())
    }
    fn failure(&self) -> Option<String> {
        None
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dragged_window_is_ahead_of_the_server_and_ends_where_it_has_it() {
    let scene = Arc::new(SharedScene::new(scene()));
    let manager = Arc::new(Manager { scene: Arc::clone(&scene), moves: AtomicBool::new(true) });
    let local = Local::start(Arc::clone(&scene), Arc::clone(&manager) as Arc<dyn Source>).await;
    let watcher = local.watch(commands());
    // Every place that the window was ever shown at, however short.
    let seen = Arc::new(Mutex::new(Vec::new()));
    {
        let (handle, seen) = (watcher.handle.clone(), Arc::clone(&seen));
        watcher.handle.set_waker(move || seen.lock().unwrap().extend(window_in(&handle.shown().picture)));
    }
    watcher.until("the window", |p| window_in(p) == Some(HOME)).await;

    let point = |to: Point| {
        let position = to.offset(-HELD.x, -HELD.y);
        watcher.send(Command::Input(InputEvent::Pointer { position }));
    };
    point(HOME);
    watcher.send(Command::Input(InputEvent::Button { button: 1, down: true }));
    for i in 1..=3 {
        // One by one, so that each is a frame.
        let to = HOME.offset(5 * i, 2 * i);
        point(to);
        watcher.until("the server's move", |p| window_in(p) == Some(to)).await;
        // What is shown may be ahead by now.
        watcher.until("the server's own word", |_| scene.lock().canvas().windows()[0].position == to).await;
    }
    manager.moves.store(false, Ordering::Release);
    let ahead = HOME.offset(120, 60);
    point(ahead);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !seen.lock().unwrap().contains(&ahead) {
        assert!(tokio::time::Instant::now() < deadline, "the window was never ahead");
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.lock().canvas().windows()[0].position, HOME.offset(15, 6));
    // The server keeps it where it is, and says nothing: that is right in the end.
    watcher.until("put right", |p| window_in(p) == Some(HOME.offset(15, 6))).await;
    manager.moves.store(true, Ordering::Release);
    point(HOME.offset(90, 10));
    watcher.send(Command::Input(InputEvent::Button { button: 1, down: false }));
    let screen = || scene.lock().canvas().screen();
    watcher.until("the last move", |p| window_in(p) == Some(HOME.offset(90, 10))).await;
    assert_same("after the drag", &watcher.handle.shown().picture, &screen());
    let (stats, result) = watcher.quit().await;
    result.unwrap();
    assert_eq!((stats.digests_wrong, stats.digest), (0, digest(screen().view()).to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn tints_come_and_go_and_are_nobody_elses() {
    let (local, scene) = Local::of_scene(scene()).await;
    let options = ClientOptions { explain: true, ..local.options(commands()) };
    let (explained, plain) = (Watcher::start(options), local.watch(commands()));
    let rect = Rect::new(200, 100, 60, 50);
    scene
        .update(|s| s.draw(Fill { surface: SurfaceId::SCREEN, color: 0x0055_5555, rects: vec![rect] }))
        .unwrap();
    let screen = scene.lock().canvas().screen();
    plain.until("the picture", |p| *p == screen).await;
    let inside = Point::new(210, 110);
    let grey = |c: u32| c & 0xff == c >> 8 & 0xff && c & 0xff == c >> 16;
    explained.until("a tint", |p| p.pixel(inside).is_some_and(|c| !grey(c))).await;
    assert!(explained.handle.shown().explained);
    explained.send(Command::Explain(false));
    explained.until("no tints", |p| *p == screen).await;
    explained.send(Command::Explain(true));
    // It is not known how what is there already was sent.
    explained.until("grey", |p| *p != screen && p.data().iter().all(|&c| grey(c))).await;
    for (watcher, name) in [(explained, "explained"), (plain, "plain")] {
        let (stats, result) = watcher.quit().await;
        result.unwrap();
        assert_eq!(stats.digest, digest(screen.view()).to_string(), "{name}");
        assert_eq!(stats.digests_wrong, 0, "{name}");
        let sums =
            [&stats.payload_bytes_by_means, &stats.payload_bytes_by_kind].map(|b| b.values().sum::<u64>());
        assert!(sums[0] == sums[1] && sums[0] > 0, "{name}: {sums:?}");
    }
}
