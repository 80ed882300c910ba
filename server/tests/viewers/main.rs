//! Many viewers of one scene: what is the same for several of them is done once, none waits
//! for a slower one, and every picture is exact.

#[path = "../handshake/mod.rs"]
mod handshake;
mod room;

use panto_protocol::canvas::glyph_hash;
use panto_protocol::draw::{
    Copy, CopyItem, Coverage, DrawCommand, Fill, GlyphDefine, GlyphRun, GlyphSlot, SurfaceCreate, SurfaceId,
    WindowCreate, WindowId, WindowMap, WindowMove,
};
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::{Depth, InputEvent, Mode, Offer, Scale, Settings, Wire};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_server::plan::Planner;
use panto_server::scene::Scene;
use room::Room;

const SIZE: Size = Size::new(320, 200);

const SECOND: Micros = Micros::from_millis(1000);

/// One frame's time, and a little.
const FRAME: Micros = Micros(17_000);

/// After so long groups that can be joined are, however often a viewer has left one.
const LONG: Micros = Micros::from_millis(700_000);

struct Dice(u32);

impl Dice {
    fn roll(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn below(&mut self, n: u32) -> u32 {
        (self.roll() >> 4) % n
    }

    fn rect(&mut self, largest: u32) -> Rect {
        let (width, height) = (1 + self.below(largest), 1 + self.below(largest));
        let (x, y) = (self.below(SIZE.width) as i32 - 8, self.below(SIZE.height) as i32 - 8);
        Rect::new(x, y, width, height)
    }

    /// Pixels of which each costs bytes.
    fn noise(&mut self, size: Size) -> Picture {
        let pixels = (0..size.area()).map(|_| self.roll() & 0x00ff_ffff).collect();
        Picture::from_pixels(size, pixels).expect("as many pixels")
    }
}

/// A change of the scene, of one kind or another.
fn scribble(scene: &mut Scene, dice: &mut Dice) {
    let surface = match scene.canvas().windows().len() {
        0 => SurfaceId::SCREEN,
        n => SurfaceId(dice.below(n as u32 + 1)),
    };
    let command: DrawCommand = match dice.below(8) {
        0 => {
            let rect = dice.rect(60);
            let noise = dice.noise(rect.size());
            return scene.pixels(surface, rect.origin(), noise.view()).expect("a surface");
        }
        1 | 2 => Fill { surface, color: dice.roll() & 0x00ff_ffff, rects: vec![dice.rect(90)] }.into(),
        3 => {
            let item = CopyItem { source: surface, rect: dice.rect(90), to: dice.rect(9).origin() };
            Copy { surface, items: vec![item] }.into()
        }
        4 => {
            let size = Size::new(5 + dice.below(4), 7);
            let mask = (0..size.area()).map(|_| [0, 0, 120, 255][dice.below(4) as usize]).collect();
            let coverage = Coverage { size, subpixel: false, mask };
            let slot = GlyphSlot(dice.below(20));
            GlyphDefine { slot, coverage, bearing: Point::new(0, -7), advance: size.width as i32 + 1 }.into()
        }
        5 | 6 => {
            let known: Vec<GlyphSlot> =
                (0..20).map(GlyphSlot).filter(|s| scene.canvas().glyph(*s).is_some()).collect();
            if known.is_empty() {
                return;
            }
            let slots = (0..30).map(|_| known[dice.below(known.len() as u32) as usize]).collect();
            GlyphRun { surface, color: dice.roll() & 0x00ff_ffff, pen: dice.rect(9).origin(), slots }.into()
        }
        _ => match scene.canvas().windows().last().map(|w| w.id) {
            Some(id) => WindowMove { id, position: dice.rect(9).origin() }.into(),
            None => return,
        },
    };
    scene.draw(command).expect("within limits");
}

fn open_window(scene: &mut Scene, number: u32, rect: Rect) {
    let (id, surface) = (WindowId(number), SurfaceId(number));
    let commands: [DrawCommand; 4] = [
        SurfaceCreate { id: surface, size: rect.size(), alpha: false }.into(),
        Fill { surface, color: 0x30_50_90, rects: vec![Rect::of_size(rect.size())] }.into(),
        WindowCreate { id, surface, position: rect.origin() }.into(),
        WindowMap { id, mapped: true }.into(),
    ];
    commands.into_iter().for_each(|command| scene.draw(command).expect("within limits"));
}

/// A scene with some things on it, and windows or not.
fn furnished(dice: &mut Dice, windows: u32) -> Scene {
    let mut scene = Scene::new(SIZE);
    for number in 1..=windows {
        open_window(&mut scene, number, dice.rect(120));
    }
    (0..40).for_each(|_| scribble(&mut scene, dice));
    scene
}

fn ways() -> Vec<Settings> {
    let mut ways: Vec<Settings> =
        Mode::ALL.into_iter().map(|mode| Settings { mode, ..Settings::default() }).collect();
    ways.push(Settings { wire: Wire::Plain, ..Settings::default() });
    ways.push(Settings { depth: Depth::D8, ..Settings::default() });
    ways.push(Settings { scale: Scale::Half, mode: Mode::Pixels, ..Settings::default() });
    ways
}

/// Changes the scene a little many times.
fn work(room: &mut Room, dice: &mut Dice, changes: u32) {
    for _ in 0..changes {
        room.change(|scene| (0..1 + dice.below(3)).for_each(|_| scribble(scene, dice)));
        let wait = FRAME.0 / 2 + u64::from(dice.below(40_000));
        room.pass(Micros(wait));
    }
}

#[test]
fn twenty_viewers_cost_the_plans_of_one() {
    for settings in ways() {
        let planned = [1, 20].map(|viewers| {
            let mut dice = Dice(7);
            let mut room = Room::new(furnished(&mut dice, 2), true);
            (0..viewers).for_each(|_| room.enter(settings));
            room.pass(SECOND);
            work(&mut room, &mut dice, 50);
            room.pass(SECOND);
            room.assert_whole(settings.mode.name());
            let sharing = room.sharing();
            assert_eq!((sharing.members, sharing.planners), (viewers, 1), "one shadow for all of them");
            assert!(room.viewers.iter().all(|v| v.bytes == room.viewers[0].bytes && v.digests > 0));
            sharing.planned
        });
        assert_eq!(planned[0], planned[1], "{settings:?}");
    }
}

#[test]
fn each_distinct_way_is_planned_once() {
    let mut dice = Dice(8);
    let mut room = Room::new(furnished(&mut dice, 2), true);
    for _ in 0..3 {
        ways().into_iter().for_each(|settings| room.enter(settings));
    }
    room.pass(SECOND);
    work(&mut room, &mut dice, 40);
    room.pass(SECOND);
    room.assert_whole("several ways");
    assert_eq!((room.sharing().members, room.sharing().planners), (3 * ways().len(), ways().len()));
}

#[test]
fn who_comes_later_is_taken_in() {
    for settings in ways() {
        let mut dice = Dice(9);
        let mut room = Room::new(furnished(&mut dice, 2), true);
        for viewers in 1..=4 {
            room.enter(settings);
            room.pass(Micros(200_000));
            work(&mut room, &mut dice, 20);
            let alone = if viewers > 1 { 2 } else { 1 };
            assert!(room.sharing().planners <= alone, "{:?}", room.sharing());
            room.pass(SECOND);
            room.pass(SECOND);
            room.pass(SECOND);
            room.pass(SECOND);
            assert_eq!(room.sharing().planners, 1, "{settings:?}");
            work(&mut room, &mut dice, 20);
            room.pass(SECOND);
            room.assert_whole("after a newcomer");
        }
        assert_eq!(room.sharing().joined, 3);
        // Everyone was told of it each time, with the next frame.
        assert_eq!(room.viewers.iter().map(|v| v.fresh).collect::<Vec<_>>(), [3, 3, 2, 1]);
    }
}

#[test]
fn who_stalls_is_left_behind_catches_up_and_comes_back() {
    for (round, settings) in ways().into_iter().enumerate() {
        let mut dice = Dice(10 + round as u32);
        let mut room = Room::new(furnished(&mut dice, 2), true);
        (0..3).for_each(|_| room.enter(settings));
        room.pass(SECOND);
        for times in 1..=3 {
            room.viewers[1].stalled = true;
            // Until its link is seen to hold it back; the others have every change at once.
            let expelled = room.sharing().expelled;
            for change in 0.. {
                assert!(change < 400, "never left behind: {settings:?}");
                room.change(|scene| {
                    let noise = dice.noise(Size::new(90, 80));
                    scene.pixels(SurfaceId::SCREEN, dice.rect(1).origin(), noise.view()).expect("a screen");
                    scribble(scene, &mut dice);
                });
                room.pass(Micros(100_000));
                room.assert_whole("while one stalls");
                if room.sharing().expelled > expelled {
                    break;
                }
            }
            assert_eq!(room.sharing().planners, 2);
            work(&mut room, &mut dice, 10);
            room.viewers[1].stalled = false;
            work(&mut room, &mut dice, 10);
            room.pass(SECOND);
            room.assert_whole("having caught up");
            room.pass(LONG);
            assert_eq!(room.sharing().planners, 1, "{settings:?}");
            assert_eq!(room.sharing().joined, times);
            work(&mut room, &mut dice, 30);
            room.pass(SECOND);
            room.assert_whole("together again");
        }
    }
}

#[test]
fn other_settings_and_a_refresh_are_nobody_elses_matter() {
    let mut dice = Dice(20);
    let mut room = Room::new(furnished(&mut dice, 1), true);
    let settings = Settings::default();
    (0..3).for_each(|_| room.enter(settings));
    room.pass(SECOND);
    work(&mut room, &mut dice, 10);
    room.pass(SECOND);
    let bytes: Vec<u64> = room.viewers.iter().map(|v| v.bytes).collect();
    room.settings(1, Settings { mode: Mode::Pixels, depth: Depth::D8, ..settings });
    room.refresh(2);
    room.pass(Micros(900_000));
    assert_eq!(room.viewers[0].bytes, bytes[0], "the first has its picture");
    assert!(room.viewers[1].bytes > bytes[1] && room.viewers[2].bytes > bytes[2]);
    work(&mut room, &mut dice, 20);
    room.pass(LONG);
    room.assert_whole("each in its way");
    assert_eq!(room.sharing().planners, 2, "the refreshed one has come back");
    room.settings(1, settings);
    work(&mut room, &mut dice, 20);
    room.pass(LONG);
    assert_eq!(room.sharing().planners, 1);
    work(&mut room, &mut dice, 20);
    room.pass(SECOND);
    room.assert_whole("all in the same way");
}

#[test]
fn what_is_offered_is_recalled_alone() {
    let mut dice = Dice(30);
    let mut room = Room::new(furnished(&mut dice, 0), true);
    room.enter(Settings::default());
    let coverage = Coverage { size: Size::new(6, 6), subpixel: false, mask: vec![200; 36] };
    let mut planner = Planner::new(Settings::default());
    planner.offer(&Offer { glyphs: vec![glyph_hash(&coverage)], tiles: Vec::new() });
    room.enter_with(planner, Settings::default());
    room.pass(Micros(500_000));
    assert_eq!(room.sharing().planners, 2);
    room.pass(SECOND);
    assert_eq!(room.sharing().planners, 1);
    work(&mut room, &mut dice, 30);
    room.pass(SECOND);
    room.assert_whole("after an offer");
}

#[test]
fn a_frame_answers_the_inputs_of_its_own_viewer() {
    let mut dice = Dice(40);
    let mut room = Room::new(furnished(&mut dice, 1), true);
    (0..3).for_each(|_| room.enter(Settings::default()));
    room.pass(SECOND);
    let mut given = [0; 3];
    for _ in 0..60 {
        let viewer = dice.below(3) as usize;
        let position = Point::new(dice.below(300) as i32, dice.below(200) as i32);
        room.input(viewer, &InputEvent::Pointer { position });
        given[viewer] += 1;
        room.pass(Micros(2_000));
        work(&mut room, &mut dice, 1);
    }
    room.change(|scene| scribble(scene, &mut dice));
    work(&mut room, &mut dice, 5);
    room.pass(SECOND);
    assert_eq!(room.sharing().planners, 1);
    assert_eq!([0, 1, 2].map(|i| room.viewers[i].answered), given);
}

#[test]
fn a_lost_viewer_has_its_own_planner_and_the_others_go_on() {
    let mut dice = Dice(50);
    let mut room = Room::new(furnished(&mut dice, 2), true);
    (0..3).for_each(|_| room.enter(Settings::default()));
    room.pass(SECOND);
    work(&mut room, &mut dice, 20);
    for delay in [0, 300, 600, 900, 5_000] {
        // Sooner or later after a change: what it was not sent yet is among its unpainted frames.
        room.change(|scene| (0..5).for_each(|_| scribble(scene, &mut dice)));
        room.pass(Micros(delay));
        let kept = room.lose(1);
        assert_eq!((room.sharing().members, room.sharing().planners), (2, 1));
        work(&mut room, &mut dice, 10);
        room.pass(SECOND);
        room.assert_whole("without the lost one");
        room.resume(1, kept);
        work(&mut room, &mut dice, 10);
        room.pass(SECOND);
        room.assert_whole("back again");
        room.pass(LONG);
        assert_eq!(room.sharing().planners, 1);
    }
    work(&mut room, &mut dice, 20);
    room.pass(SECOND);
    room.assert_whole("together again");
}
