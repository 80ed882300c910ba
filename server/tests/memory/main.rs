//! What one viewer takes of the server's memory is bounded: one and a half pictures of the
//! screen, and caches of which each has a bound of its own.
//!
//! | cache                          | where                            | bytes at most                  |
//! |--------------------------------|----------------------------------|--------------------------------|
//! | the coder's models             | `protocol/src/entropy`           | [`LEARNED`], maps included     |
//! | what is in which slot, known shapes, grids | `plan/text.rs`, `infer/` | 4,096 and 1,024 slots, 16,384 shapes |
//! | glyphs                         | canvas, slots of `plan/text.rs`  | 4,096 letters                  |
//! | tiles                          | canvas, slots of `infer/repeat.rs` | [`TILES`]                    |
//! | surfaces of windows            | canvas                           | as many as the scene has       |
//!
//! Lossy pixels have no reference planes: their reference is the shadow. All viewers of a scene
//! share what rectangles are encoded with and the screen at each other depth and scale that
//! anyone wants (`plan::Scratch`); and only one planner at a time takes what planning takes for
//! the moment.

#[path = "../handshake/mod.rs"]
mod handshake;
mod owners;
#[path = "../pictures/mod.rs"]
mod pictures;
mod room;
mod work;

use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Point, Size};
use panto_protocol::message::{Depth, Mode, Scale, Settings, Wire};
use panto_protocol::time::Micros;
use panto_server::demo::Desktop;
use panto_server::scene::Scene;
use room::{COMMON, Link, Room};

const SIZE: Size = Size::new(1280, 800);

/// Bytes of one picture of the screen.
const PICTURE: usize = 1280 * 800 * 4;

/// What a viewer may take beyond its caches.
const BEYOND: usize = PICTURE * 3 / 2;

/// What it may have learned: next glyphs (2^18 × 6 bits of 4 bytes, 2^17 numbers of the past),
/// colours (2^20 and 2^18 neighbourhoods), other fields (2^16 × 4 bits), shapes (2^14 × 4 bits)
/// are 13.4 MB; the rest is maps.
const LEARNED: usize = 15_000_000;

/// 1,024 tiles of 8,192 pixels.
const TILES: usize = 1024 * 8192 * 4;

/// What viewers share of one scene: memory to encode and decode rectangles.
const SHARED: usize = PICTURE * 5;

/// What is not a picture may still grow a little: rooms of vectors and maps.
const SLACK: usize = PICTURE / 32;

const LAN: Link = Link { rate: 125_000_000, delay: Micros(200) };
const FAR: Link = Link { rate: 125_000_000, delay: Micros(40_000) };
const DSL: Link = Link { rate: 1_000_000, delay: Micros(20_000) };
/// So slow that its viewer never has all.
const SLOW: Link = Link { rate: 10_000, delay: Micros(40_000) };

fn settings(mode: Mode) -> Settings {
    Settings { mode, ..Settings::default() }
}

/// Viewers of whom no two share a planner.
fn kinds() -> [(&'static str, Settings, Link); 8] {
    let exact = Settings { exact: true, ..settings(Mode::Hybrid) };
    let plain = Settings { wire: Wire::Plain, ..settings(Mode::Pixels) };
    let half = Settings { scale: Scale::Half, depth: Depth::D8, ..settings(Mode::Hybrid) };
    [
        ("hybrid, LAN", settings(Mode::Hybrid), LAN),
        ("pixels, 10 kB/s", settings(Mode::Pixels), SLOW),
        ("commands, 1 MB/s", settings(Mode::Commands), DSL),
        ("exact hybrid, 10 kB/s", exact, SLOW),
        ("auto, far", settings(Mode::Auto), FAR),
        ("plain pixels, LAN", plain, LAN),
        ("half size in 256 colours, 10 kB/s", half, SLOW),
        ("256 colours, 10 kB/s", Settings { depth: Depth::D8, ..settings(Mode::Hybrid) }, SLOW),
    ]
}

/// A room in which all that viewers have in common is as large as it gets: somebody was there
/// who was sent whole screens at once.
fn furnished() -> Room {
    let mut room = COMMON.run(|| Room::new(Scene::new(SIZE)));
    let fast = Link { rate: 4_000_000_000, delay: Micros(100) };
    for (name, settings, _) in [kinds()[0], kinds()[5], kinds()[7]] {
        room.enter_as(COMMON, name, settings, fast);
    }
    for seed in 0..4 {
        work::show(&mut room, Point::new(0, 0), &pictures::photograph(SIZE, seed, 0));
        room.pass(Micros::from_millis(100));
    }
    room.leave();
    room
}

/// Within the bounds, everyone. Returns what they take beyond their caches.
fn check(room: &Room, what: &str) -> Vec<usize> {
    let mut all = Vec::new();
    for viewer in room.viewers.iter().filter(|viewer| viewer.owner != COMMON) {
        let taken = viewer.taken();
        let name = viewer.name;
        assert!(taken.beyond <= BEYOND, "{what}: {name} takes {taken:?}");
        assert!(taken.learned <= LEARNED, "{what}: {name} has learned {taken:?}");
        assert!(taken.cached <= TILES, "{what}: {name} has cached {taken:?}");
        all.push(taken.beyond);
    }
    all
}

fn print(room: &Room, what: &str) {
    let pictures = |bytes: usize| bytes as f64 / PICTURE as f64;
    for viewer in room.viewers.iter().filter(|viewer| viewer.owner != COMMON) {
        let (taken, name) = (viewer.taken(), viewer.name);
        println!(
            "{what:18} {name:34} beyond {:.3}, learned {:.2}, cached {:.2}, surfaces {:.2}, for a moment {:.2}, in flight {}",
            pictures(taken.beyond),
            pictures(taken.learned),
            pictures(taken.cached),
            pictures(taken.surfaces),
            pictures(viewer.owner.take_peak() - viewer.owner.live()),
            viewer.server.bytes_in_flight(),
        );
    }
}

/// All in one: there is one allocator, and it counts for one owner at a time.
#[test]
fn memory_is_bounded_by_viewer() {
    let mut room = furnished();
    let shared = COMMON.live() - PICTURE;
    println!("shared by all: {:.2} pictures", shared as f64 / PICTURE as f64);
    assert!(shared <= SHARED, "all viewers share {shared} bytes");
    numbers(&mut room);
    time(&mut room);
    together(&mut room);
    in_flight(&mut room);
    windows();
}

/// However many they are, each takes the same; and gives all of it back.
fn numbers(room: &mut Room) {
    for count in [1, 2, 4] {
        for (name, settings, link) in kinds().into_iter().take(count) {
            room.enter(name, settings, link);
        }
        work::round(room, 0, |room| drop(check(room, "numbers")));
        assert_eq!(room.groups(), count);
        print(room, &format!("{count} viewers"));
        leave(room);
    }
}

/// Everyone leaves: nothing of theirs is left.
fn leave(room: &mut Room) {
    let viewers = room.viewers.iter().filter(|viewer| viewer.owner != COMMON);
    let owners: Vec<_> = viewers.map(|viewer| (viewer.name, viewer.owner)).collect();
    room.leave();
    for (name, owner) in owners {
        assert_eq!(owner.live(), 0, "bytes that {name} has left");
    }
}

/// However long it takes, and whether a viewer reads or not.
fn time(room: &mut Room) {
    // The screen in 256 colours is there once for all who want it.
    let colors = Settings { depth: Depth::D8, ..settings(Mode::Pixels) };
    room.enter_as(COMMON, "common", colors, LAN);
    for (name, settings, link) in kinds() {
        room.enter(name, settings, link);
    }
    work::round(room, 0, |room| drop(check(room, "once")));
    let once = check(room, "once");
    print(room, "once");
    // Two go on lagging, of whom the second stops reading.
    room.viewers[4].stalled = true;
    let sent = room.viewers[4].server.frames_sent();
    for round in 1..10 {
        work::round(room, round, |_| ());
        check(room, "ten times");
        assert!(room.viewers[2].lags(&room.scene) && room.viewers[4].lags(&room.scene));
    }
    // What it does not read is not made either.
    assert!(room.viewers[4].server.frames_sent() <= sent + 2);
    print(room, "ten times");
    for ((viewer, once), now) in room.viewers.iter().skip(1).zip(once).zip(check(room, "ten times")) {
        assert!(now <= once + SLACK, "{}: {once} and then {now}", viewer.name);
    }
    leave(room);
}

/// Two who share a planner, of whom one stops reading: what waits for it is bounded.
fn together(room: &mut Room) {
    for name in ["reads", "stalls"] {
        room.enter(name, settings(Mode::Hybrid), DSL);
    }
    work::round(room, 0, |room| assert_eq!(room.groups(), 1));
    room.viewers[1].stalled = true;
    for round in 1..3 {
        work::round(room, round, |_| ());
        let all: usize = room.viewers.iter().map(|viewer| viewer.owner.live()).sum();
        let taken = room.viewers[0].taken();
        // Who left the other behind has learned the same, and shares what is cached.
        let beyond = all - room.groups() * taken.learned - taken.cached;
        assert!(beyond <= 2 * BEYOND, "both take {beyond}");
    }
    assert_eq!(room.groups(), 2);
    leave(room);
}

/// What is on its way over a link that holds much, or waits for a viewer that reads nothing.
fn in_flight(room: &mut Room) {
    let plain = Settings { wire: Wire::Plain, ..settings(Mode::Pixels) };
    room.enter("plain pixels, far", plain, FAR);
    room.enter("hybrid, far", settings(Mode::Hybrid), FAR);
    room.enter("plain pixels that stalls, LAN", plain, LAN);
    for seed in 0..12 {
        room.viewers[2].stalled = seed >= 6;
        work::show(room, Point::new(0, 0), &pictures::photograph(SIZE, seed, 0));
        for _ in 0..4 {
            room.pass(Micros::from_millis(30));
            check(room, "in flight");
        }
    }
    print(room, "in flight");
    assert!(room.viewers.iter().any(|viewer| viewer.server.bytes_in_flight() > PICTURE / 16));
    leave(room);
}

/// Surfaces of windows are those of the scene, and not more.
fn windows() {
    let mut desktop = None;
    let mut room = COMMON.run(|| {
        let mut scene = Scene::new(SIZE);
        desktop = Some(Desktop::new(&mut scene, Micros::ZERO));
        Room::new(scene)
    });
    let mut desktop = desktop.expect("just made");
    // What it is encoded with is there for all.
    room.enter_as(COMMON, "first", settings(Mode::Commands), LAN);
    room.pass(Micros::from_millis(500));
    room.leave();
    let colors = Settings { depth: Depth::D8, ..settings(Mode::Hybrid) };
    // What all of that depth share is there already.
    room.enter_as(COMMON, "common", Settings { mode: Mode::Commands, ..colors }, LAN);
    for (name, settings, link) in kinds().into_iter().take(4) {
        room.enter(name, settings, link);
    }
    room.enter("256 colours", colors, SLOW);
    for _ in 0..30 {
        let now = room.now;
        room.change(|scene| {
            desktop.tick(scene, now);
            // The picture of all windows is the scene's, whoever asks for it first.
            scene.flatten();
        });
        room.pass(Micros::from_millis(100));
    }
    print(&room, "windows");
    check(&room, "windows");
    let surfaces = room.scene.canvas().surfaces().filter(|(id, _)| *id != SurfaceId::SCREEN);
    let surfaces: u64 = surfaces.map(|(_, surface)| surface.picture.size().area() * 4).sum();
    for viewer in room.viewers.iter().filter(|viewer| viewer.owner != COMMON) {
        assert!(viewer.taken().surfaces <= surfaces as usize, "{}", viewer.name);
    }
}
