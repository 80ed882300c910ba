//! A connection that is lost: the viewer keeps its picture and comes back by itself,
//! what was held is released, little is sent again, and not one pixel is wrong.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use panto_protocol::canvas::digest;
use panto_protocol::draw::{Fill, SurfaceId};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{Depth, InputEvent, Mode, Settings};
use panto_protocol::pixel::Picture;
use panto_server::scene::{Scene, SharedScene};
use panto_server::source::Source;
use panto_tests::harness::{Local, PATIENCE, Watcher, assert_same};
use panto_viewer::core::{ClientOptions, Command, Connection};
use tokio::task::JoinSet;

use crate::relay::Relay;
use crate::scenes::{Dice, expected, open_window, scribble};

const SIZE: Size = Size::new(640, 400);

// Keys of the viewer's keyboard, by their evdev codes.
const KEY_A: u16 = 30;
const KEY_B: u16 = 48;
const KEY_S: u16 = 31;

/// Waits until `condition` holds. Panics with `what` when it never does.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
}

/// Looks at every way of sending a picture at once.
async fn in_every_way<F: Future<Output = ()> + Send + 'static>(test: impl Fn(Settings) -> F) {
    let deep = Mode::ALL.map(|mode| Settings { mode, ..Settings::default() });
    let reduced = Settings { mode: Mode::Hybrid, depth: Depth::D8, ..Settings::default() };
    let mut all: JoinSet<()> = deep.into_iter().chain([reduced]).map(test).collect();
    while let Some(result) = all.join_next().await {
        if let Err(error) = result {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

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
        let options =
            ClientOptions { target: relay.target.clone(), reconnect: true, ..local.options(settings) };
        let watcher = Watcher::start(options);
        Self { local, scene, input, relay, watcher, settings }
    }

    fn send(&self, event: InputEvent) {
        self.watcher.send(Command::Input(event));
    }

    fn shown(&self) -> Picture {
        self.watcher.handle.shown().picture.clone()
    }

    /// What is drawn on the screen under the windows.
    fn screen(&self) -> Picture {
        let scene = self.scene.lock();
        scene.canvas().surface(SurfaceId::SCREEN).expect("a screen").picture.clone()
    }

    /// Waits until an event has reached the source.
    async fn reached(&self, event: InputEvent) {
        until(&format!("{event:?}"), || self.input.has(&event)).await;
    }

    /// What the viewer should show.
    fn wanted(&self) -> Picture {
        expected(self.scene.lock().canvas(), &self.settings)
    }

    /// Waits until the viewer is connected and shows what it should.
    async fn agree(&self, what: &str) {
        let want = self.wanted();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let connection = {
                let shown = self.watcher.handle.shown();
                if shown.connection == Connection::Connected && shown.picture == want {
                    return;
                }
                shown.connection.clone()
            };
            if tokio::time::Instant::now() >= deadline || self.watcher.has_ended() {
                assert_same(&format!("{what} {}", self.settings.mode.name()), &self.shown(), &want);
                panic!("{what}: {:?}: the picture is right, but {connection:?}", self.settings);
            }
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    }

    /// Waits until so many tries to come back were begun.
    async fn away(&self, tries: u32) {
        until("the viewer knows that it is cut off", || {
            let connection = &self.watcher.handle.shown().connection;
            matches!(connection, Connection::Reconnecting { attempt, .. } if *attempt >= tries)
        })
        .await;
    }

    /// Waits until the server knows of no viewer.
    async fn empty(&self) {
        until("the server has taken note", || self.local.server.viewers().is_empty()).await;
    }

    /// A small change of the picture.
    fn dot(&self, color: u32) {
        let rects = vec![Rect::new(300, 300, 20, 10)];
        self.scene.update(|s| s.draw(Fill { surface: SurfaceId::SCREEN, color, rects })).unwrap();
    }

    /// Waits for a digest of the picture as it is now, and ends the viewing.
    async fn leave(self) {
        let before = self.watcher.handle.shown().stats.digests_ok;
        self.dot(0x0033_6699);
        self.agree("the last change").await;
        until("a digest comes", || self.watcher.handle.shown().stats.digests_ok > before).await;
        let want = self.wanted();
        let (stats, result) = self.watcher.quit().await;
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(stats.digests_wrong, 0);
        assert!(stats.reconnects > 0);
        assert_eq!(stats.digest, digest(want.view()).to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_comes_back_to_its_picture() {
    in_every_way(|settings| async move {
        let room = Room::of(costly(&mut Dice::new(1)), settings).await;
        room.agree("first picture").await;
        let whole = room.relay.down();
        let before = room.shown();
        room.send(key(KEY_A, true));
        room.send(button(true));
        room.reached(key(KEY_A, true)).await;
        room.reached(button(true)).await;
        assert!(!room.input.has(&key(KEY_A, false)) && !room.input.has(&button(false)));

        room.relay.cut();
        room.reached(key(KEY_A, false)).await;
        room.reached(button(false)).await;
        room.empty().await;
        room.dot(0x00ff_0000);
        // Longer than one try takes, so that it has to try again.
        room.away(2).await;
        assert_same("the last picture is kept", &room.shown(), &before);
        // Meant for the dead picture, not for whatever comes next.
        room.send(key(KEY_B, true));

        let cut_at = room.relay.down();
        room.relay.restore();
        room.agree("back").await;
        let again = room.relay.down() - cut_at;
        let (mode, depth) = (settings.mode.name(), settings.depth.bits());
        println!("{mode} at depth {depth}: {whole} bytes for the first picture, {again} to come back");
        // At depth 8 the cells around the change get a new palette.
        assert!(
            again * 20 < whole,
            "{settings:?}: {again} bytes to come back, {whole} for the first picture"
        );

        room.send(key(KEY_S, true));
        room.reached(key(KEY_S, true)).await;
        assert!(!room.input.has(&key(KEY_B, true)), "what was typed while away is forgotten");
        room.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_again_and_again() {
    in_every_way(|settings| async move {
        let mut dice = Dice::new(2);
        let room = Room::of(costly(&mut dice), settings).await;
        // Inside the first picture, inside what is sent again, inside a greeting.
        for bytes in [60_000, 100_000, 20, 41_234, 90, 7_777] {
            room.relay.cut_after(bytes);
            until("so much was sent", || {
                room.scene.update(|scene| scribble(scene, &mut dice, 3));
                room.relay.is_spent()
            })
            .await;
        }
        room.away(1).await;
        room.relay.restore();
        room.agree("in the end").await;
        room.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connection_takes_over_while_the_old_one_hangs() {
    in_every_way(|settings| async move {
        let mut dice = Dice::new(3);
        let room = Room::of(costly(&mut dice), settings).await;
        room.agree("first picture").await;
        let whole = room.relay.down();
        room.send(key(KEY_A, true));
        room.reached(key(KEY_A, true)).await;

        // A cable is pulled: nobody is told, and what is sent is lost.
        room.relay.swallow();
        for color in 0..20 {
            room.dot(color);
            tokio::task::yield_now().await;
        }
        room.send(key(KEY_B, true));
        let cut_at = room.relay.down();
        room.watcher.send(Command::Reconnect);
        room.reached(key(KEY_A, false)).await;
        room.agree("taken over").await;
        let again = room.relay.down() - cut_at;
        assert!(
            again * 20 < whole,
            "{settings:?}: {again} bytes to take over, {whole} for the first picture"
        );
        assert_eq!(room.local.server.viewers().len(), 1, "the old connection is given up");
        assert_eq!(room.scene.viewers(), 1);
        room.send(key(KEY_S, true));
        room.reached(key(KEY_S, true)).await;
        room.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_restarted_sends_everything() {
    in_every_way(|settings| async move {
        let mut dice = Dice::new(4);
        let mut room = Room::of(costly(&mut dice), settings).await;
        room.agree("first picture").await;
        let (whole, noise) = (room.relay.down(), room.screen());
        let before = room.shown();
        room.relay.cut();
        room.away(1).await;
        room.local = Local::start(Arc::clone(&room.scene), Arc::clone(&room.input) as Arc<dyn Source>).await;
        room.relay.lead_to(&room.local.target);
        room.scene.update(|scene| scribble(scene, &mut dice, 3));
        assert_same("the last picture is kept", &room.shown(), &before);
        let cut_at = room.relay.down();
        room.relay.restore();
        room.agree("back").await;
        let again = room.relay.down() - cut_at;
        // What `hybrid` takes hangs on the time that it measures, but noise is never told in less
        // than it is.
        let least = match settings.mode {
            Mode::Pixels | Mode::Commands => whole * 9 / 10,
            Mode::Hybrid | Mode::Auto => {
                let screen = room.screen();
                let same = noise.data().iter().zip(screen.data()).filter(|(before, now)| before == now);
                same.count() as u64 * u64::from(settings.depth.bits()) / 8
            }
        };
        assert!(
            again > least,
            "{settings:?}: {again} bytes from a server that knows nothing, {least} at least, {whole} at first"
        );
        room.leave().await;
    })
    .await;
}

/// Shadows that a server keeps for lost viewers; one more drives out the oldest.
const PARKED: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_was_forgotten_gets_everything() {
    let mut dice = Dice::new(5);
    let room = Room::of(costly(&mut dice), Settings::default()).await;
    room.agree("first picture").await;
    let whole = room.relay.down();
    room.relay.cut();
    room.empty().await;
    // Others are lost after it.
    let relay = Relay::to(&room.local.target).await;
    let others: Vec<Watcher> = (0..PARKED)
        .map(|_| {
            let options = room.local.options(Settings::default());
            Watcher::start(ClientOptions { target: relay.target.clone(), ..options })
        })
        .collect();
    until("the others are in", || room.local.server.viewers().len() == PARKED).await;
    relay.cut();
    for other in others {
        assert!(other.ended().await.1.is_err());
    }
    room.empty().await;
    room.dot(0x00ff_00ff);
    let cut_at = room.relay.down();
    room.relay.restore();
    room.agree("back").await;
    let again = room.relay.down() - cut_at;
    assert!(again * 10 > whole * 9, "{again} bytes for one that was forgotten, {whole} at first");
    room.leave().await;
}
