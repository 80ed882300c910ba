//! A connection that is lost: the viewer keeps its picture and comes back by itself,
//! what was held is released, little is sent again, and not one pixel is wrong.

use std::sync::{Arc, Mutex};

use panto_protocol::draw::{DrawCommand, Fill, SurfaceId};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{Depth, InputEvent, Mode, Settings};
use panto_protocol::pixel::Picture;
use panto_server::scene::{Scene, SharedScene};
use panto_server::source::Source;
use panto_tests::harness::{Local, Watcher, assert_same, eventually};
use panto_viewer::core::{ClientOptions, Command, Connection};

use crate::relay::Relay;
use crate::scenes::{Dice, expected, open_window, scribble};

const SIZE: Size = Size::new(640, 400);

/// A key of the viewer's keyboard.
const KEY_A: u16 = 30;
const KEY_B: u16 = 48;
const KEY_S: u16 = 31;

/// A source that remembers what it was told to do.
#[derive(Default)]
struct Recorder(Mutex<Vec<InputEvent>>);

impl Source for Recorder {
    fn input(&self, event: &InputEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
    fn can_resize(&self) -> bool {
        false
    }
    fn resize(&self, _: Size) -> Result<(), String> {
        Err("it keeps its size".into())
    }
    fn failure(&self) -> Option<String> {
        None
    }
}

impl Recorder {
    fn has(&self, event: &InputEvent) -> bool {
        self.0.lock().unwrap().contains(event)
    }

    fn waits_for(&self, what: &str, event: &InputEvent) {
        eventually(what, || self.has(event).then_some(()));
    }
}

fn key(physical: u16, down: bool) -> InputEvent {
    InputEvent::Key { physical, keysym: 0, down, text: String::new() }
}

const fn button(down: bool) -> InputEvent {
    InputEvent::Button { button: 1, down }
}

/// A server, a wire, a viewer that comes back.
struct Room {
    local: Local,
    scene: Arc<SharedScene>,
    input: Arc<Recorder>,
    relay: Relay,
    watcher: Watcher,
    settings: Settings,
}

/// A picture in which every pixel costs bytes, and windows.
fn costly(dice: &mut Dice) -> Scene {
    let mut scene = Scene::new(SIZE);
    let data = (0..SIZE.area()).map(|_| dice.below(1 << 24)).collect();
    let noise = Picture::from_pixels(SIZE, data).expect("as many pixels");
    scene.pixels(SurfaceId::SCREEN, Point::default(), noise.view()).expect("a screen");
    open_window(&mut scene, dice, 1, Rect::new(40, 30, 200, 150), false);
    open_window(&mut scene, dice, 2, Rect::new(150, 100, 200, 150), true);
    scene
}

impl Room {
    async fn of(scene: Scene, settings: Settings) -> Self {
        let scene = Arc::new(SharedScene::new(scene));
        let input = Arc::new(Recorder::default());
        let local = Local::start(Arc::clone(&scene), Arc::clone(&input) as Arc<dyn Source>).await;
        let relay = Relay::to(&local.target).await;
        let options = ClientOptions { target: relay.target.clone(), reconnect: true, ..local.options(settings) };
        let watcher = Watcher::start(options);
        Self { local, scene, input, relay, watcher, settings }
    }

    fn send(&self, event: InputEvent) {
        self.watcher.send(Command::Input(event));
    }

    fn shown(&self) -> Picture {
        self.watcher.handle.shown().picture.clone()
    }

    /// Waits until the viewer is connected and shows what it should.
    fn agree(&self, what: &str) {
        let want = expected(self.scene.lock().canvas(), &self.settings);
        let agreed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            eventually(what, || {
                assert!(!self.watcher.has_ended(), "{what}: {:?}", self.watcher.handle.shown().connection);
                let shown = self.watcher.handle.shown();
                (shown.connection == Connection::Connected && shown.picture == want).then_some(())
            });
        }));
        if let Err(panic) = agreed {
            assert_same(what, &self.shown(), &want);
            std::panic::resume_unwind(panic);
        }
    }

    /// Waits until so many tries to come back were in vain.
    fn away(&self, tries: u32) {
        eventually("the viewer knows that it is cut off", || {
            matches!(
                self.watcher.handle.shown().connection,
                Connection::Reconnecting { attempt, .. } if attempt >= tries
            )
            .then_some(())
        });
    }

    /// Waits until the server knows of so many viewers.
    fn viewers(&self, count: usize) {
        eventually("the server has taken note", || (self.local.server.viewers().len() == count).then_some(()));
    }

    /// A small change of the picture.
    fn dot(&self, color: u32) {
        let rects = vec![Rect::new(300, 300, 20, 10)];
        self.scene.update(|s| s.draw(Fill { surface: SurfaceId::SCREEN, color, rects })).unwrap();
    }

    async fn leave(self, reconnects: u64) {
        eventually("a digest came", || (self.watcher.handle.shown().stats.digests_ok > 0).then_some(()));
        let want = expected(self.scene.lock().canvas(), &self.settings);
        let (stats, result) = self.watcher.quit().await;
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(stats.digests_wrong, 0);
        assert_eq!(stats.reconnects, reconnects);
        assert_eq!(stats.digest, panto_protocol::canvas::digest(want.view()).to_string());
    }
}

fn ways() -> impl Iterator<Item = Settings> {
    let deep = Mode::ALL.map(|mode| Settings { mode, ..Settings::default() });
    let flat = Settings { mode: Mode::Auto, depth: Depth::D8, ..Settings::default() };
    deep.into_iter().chain([flat])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_comes_back_to_its_picture() {
    for settings in ways() {
        let room = Room::of(costly(&mut Dice::new(1)), settings).await;
        room.agree("first picture");
        let whole = room.relay.down();
        let before = room.shown();
        room.send(key(KEY_A, true));
        room.send(button(true));
        room.input.waits_for("the button is down", &button(true));
        assert!(room.input.has(&key(KEY_A, true)) && !room.input.has(&key(KEY_A, false)));

        room.relay.cut();
        room.input.waits_for("the key is released", &key(KEY_A, false));
        room.input.waits_for("the button is released", &button(false));
        room.viewers(0);
        room.dot(0x00ff_0000);
        // Longer than one try, so that it has to wait and try again.
        room.away(2);
        assert_same("the last picture is kept", &room.shown(), &before);
        // Meant for the dead picture, not for whatever comes next.
        room.send(key(KEY_B, true));

        let cut_at = room.relay.down();
        room.relay.restore();
        room.agree("back");
        let again = room.relay.down() - cut_at;
        println!("{} at {}: {whole} bytes at first, {again} to come back", settings.mode.name(), settings.depth.bits());
        // The reduced depths send the cells around the change, whose palettes are new.
        assert!(again * 20 < whole, "{settings:?}: {again} bytes to come back, {whole} for the whole picture");

        room.send(key(KEY_S, true));
        room.input.waits_for("input works again", &key(KEY_S, true));
        assert!(!room.input.has(&key(KEY_B, true)), "what was typed while away is forgotten");
        room.dot(0x0000_ff00);
        room.agree("after more drawing");
        room.leave(1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_again_and_again() {
    for settings in ways() {
        let mut dice = Dice::new(2);
        let room = Room::of(costly(&mut dice), settings).await;
        // Inside the first picture, inside what is sent again, inside a greeting.
        let mut reconnects = 0;
        for (round, bytes) in [60_000, 100_000, 90, 41_234, 1, 7_777].into_iter().enumerate() {
            room.relay.cut_after(bytes);
            for _ in 0..30 {
                let command: &dyn Fn(&mut Scene) = &|scene| {
                    let noise = Picture::new(Size::new(3, 3), round as u32);
                    let _ = scene.pixels(SurfaceId::SCREEN, Point::new(5 * round as i32, 5), noise.view());
                };
                room.scene.update(command);
                room.scene.update(|scene| scribble(scene, &mut dice, 3));
            }
            if bytes > 1_000 {
                // What was drawn is more than that, so it will be cut there.
                reconnects += 1;
            }
            room.away(1);
            room.relay.restore();
        }
        room.agree("in the end");
        let total = room.watcher.handle.shown().stats.reconnects;
        assert!(total >= reconnects, "{total} of {reconnects}");
        room.leave(total).await;
    }
}
