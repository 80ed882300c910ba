//! A person, a link, and a server with a window manager of many tempers.

use panto_protocol::draw::{
    DrawCommand, Fill, SurfaceCreate, SurfaceId, SurfaceResize, WindowCreate, WindowDestroy, WindowMap,
    WindowMove, WindowStack,
};
use panto_protocol::message::FrameHeader;
use panto_protocol::pixel::Picture;
use panto_protocol::wire::Writer;

use super::*;
use crate::core::Screen;

const SCREEN: Size = Size::new(320, 200);
const WINDOW: Size = Size::new(60, 40);
const HOME: Point = Point::new(100, 80);
/// Where the person takes hold of it.
const GRIP: Point = Point::new(110, 84);
const ID: WindowId = WindowId(2);

/// Between two frames of the server, ms.
const FRAME: u64 = 16;

/// What the window manager makes of a drag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    Follows,
    /// As the last one, so many milliseconds after the frame that takes the motion in.
    Late(u64),
    Refuses,
    /// Keeps the window's first pixel inside this rectangle.
    Keeps(Rect),
    /// Puts windows on multiples of this.
    Grid(i32),
    /// Moves the window's left edge only.
    Resizes,
    /// Moves the window as it likes, whatever the person does.
    Wanders,
}

/// Server, link and viewer, millisecond by millisecond.
struct World {
    now: u64,
    /// One way, ms.
    delay: u64,
    manager: Manager,
    // The server.
    place: Point,
    size: Size,
    grip: Option<Point>,
    /// Where the pointer and the window are when it is taken hold of.
    held: Option<(Point, Point)>,
    /// Moves that the window manager has not made yet.
    pending: VecDeque<(u64, Point)>,
    commands: Vec<DrawCommand>,
    inputs: u64,
    last_frame: u64,
    gone: bool,
    // The link.
    up: VecDeque<(u64, InputEvent)>,
    down: VecDeque<(u64, Vec<u8>)>,
    // The viewer.
    screen: Screen,
    dragging: Dragging,
    picture: Picture,
}

/// Takes what has arrived.
fn due<T>(queue: &mut VecDeque<(u64, T)>, now: u64) -> Option<(u64, T)> {
    if queue.front()?.0 > now {
        return None;
    }
    queue.pop_front()
}

impl World {
    fn new(manager: Manager, delay: u64) -> Self {
        let mut world = Self {
            now: 0,
            delay,
            manager: Manager::Follows,
            place: HOME,
            size: WINDOW,
            grip: None,
            held: None,
            pending: VecDeque::new(),
            commands: Vec::new(),
            inputs: 0,
            last_frame: 0,
            gone: false,
            up: VecDeque::new(),
            down: VecDeque::new(),
            screen: Screen::new(),
            dragging: Dragging::default(),
            picture: Picture::default(),
        };
        world.commands.push(SurfaceResize { id: SurfaceId::SCREEN, size: SCREEN }.into());
        for i in 0..20 {
            world.fill(SurfaceId::SCREEN, Rect::new(i * 16, 0, 16, 200), 0x0010_1010 * i as u32 / 2);
        }
        // A translucent window below, the one that is dragged, and one above it.
        for (n, alpha, at, size) in [
            (1, true, Point::new(90, 60), Size::new(90, 70)),
            (2, false, HOME, WINDOW),
            (3, false, Point::new(150, 20), Size::new(50, 90)),
        ] {
            let (surface, id) = (SurfaceId(n), WindowId(n));
            world.commands.push(SurfaceCreate { id: surface, size, alpha }.into());
            world.fill(surface, Rect::of_size(size), 0x0030_4050 * n);
            world.fill(surface, Rect::new(4, 4, 20, 6), 0x00ff_ff00);
            world.commands.push(WindowCreate { id, surface, position: at }.into());
            world.commands.push(WindowMap { id, mapped: true }.into());
        }
        world.rest();
        world.manager = manager;
        world
    }

    fn fill(&mut self, surface: SurfaceId, rect: Rect, color: u32) {
        self.commands.push(Fill { surface, color, rects: vec![rect] }.into());
    }

    /// The person does something.
    fn input(&mut self, event: InputEvent) {
        self.dragging.sent(&event, self.screen.canvas(), Micros::from_millis(self.now));
        self.up.push_back((self.now + self.delay, event));
        self.show();
    }

    fn point(&mut self, x: i32, y: i32) {
        self.input(InputEvent::Pointer { position: Point::new(x, y) });
    }

    fn button(&mut self, down: bool) {
        self.input(InputEvent::Button { button: 1, down });
    }

    /// Brings the viewer's picture up to date, which must be what it would be as a whole.
    fn show(&mut self) {
        if !self.screen.show(self.dragging.moved(), &mut self.picture).is_empty() {
            assert!(self.picture == self.screen.whole(), "damage is missing after {} ms", self.now);
        }
    }

    fn step(&mut self) {
        self.now += 1;
        while let Some((_, event)) = due(&mut self.up, self.now) {
            self.inputs += 1;
            self.serve(&event);
        }
        if self.manager == Manager::Wanders && self.now.is_multiple_of(20) {
            let t = (self.now / 20) as i32;
            self.move_to(Point::new(HOME.x + t * 3 % 40, HOME.y + t * 7 % 30));
        }
        while let Some((_, to)) = due(&mut self.pending, self.now) {
            self.move_to(to);
        }
        if !self.commands.is_empty() && self.now >= self.last_frame + FRAME {
            self.last_frame = self.now;
            let mut out = Writer::new();
            FrameHeader { inputs: std::mem::take(&mut self.inputs), settled: true }.encode(&mut out);
            self.commands.drain(..).for_each(|c| c.encode(&mut out));
            self.down.push_back((self.now + self.delay, out.finish()));
        }
        let now = Micros::from_millis(self.now);
        while let Some((_, frame)) = due(&mut self.down, self.now) {
            let painted = self.screen.paint(&frame).expect("an honest server");
            self.dragging.painted(painted.inputs, self.screen.canvas(), now);
            self.show();
        }
        self.dragging.handle_timeout(self.screen.canvas(), now);
        self.show();
    }

    fn serve(&mut self, event: &InputEvent) {
        match event {
            InputEvent::Button { down: true, .. } => self.grip = Some(GRIP),
            InputEvent::Button { down: false, .. } => self.grip = None,
            InputEvent::Pointer { position } if self.grip.is_some() => {
                let (grip, home) = self.held.unwrap_or((GRIP, HOME));
                let free = Point::new(position.x - grip.x + home.x, position.y - grip.y + home.y);
                match self.manager {
                    Manager::Follows => self.move_to(free),
                    Manager::Late(ms) => {
                        // The motion makes a frame of its own before the window moves.
                        self.fill(SurfaceId::SCREEN, Rect::new(0, 0, 4, 4), self.now as u32);
                        self.pending.push_back((self.now + ms, free));
                    }
                    Manager::Keeps(r) => {
                        self.move_to(Point::new(free.x.clamp(r.left, r.right), free.y.clamp(r.top, r.bottom)))
                    }
                    Manager::Grid(n) => self.move_to(Point::new(free.x / n * n, free.y / n * n)),
                    Manager::Resizes => {
                        let width = (HOME.x + WINDOW.width as i32 - free.x).clamp(10, 200) as u32;
                        self.size = Size::new(width, WINDOW.height);
                        self.commands.push(SurfaceResize { id: SurfaceId(2), size: self.size }.into());
                        self.fill(SurfaceId(2), Rect::of_size(self.size), 0x0060_80a0);
                        self.move_to(Point::new(HOME.x + WINDOW.width as i32 - width as i32, HOME.y));
                    }
                    Manager::Refuses | Manager::Wanders => {}
                }
            }
            _ => {}
        }
    }

    fn move_to(&mut self, to: Point) {
        if to != self.place && !self.gone {
            self.place = to;
            self.commands.push(WindowMove { id: ID, position: to }.into());
        }
    }

    /// Lets a millisecond pass, as often as it takes for everything to have been said, and
    /// then the time in which a viewer may hope for more.
    fn rest(&mut self) {
        if self.manager == Manager::Wanders {
            self.manager = Manager::Follows;
        }
        for _ in 0..8 * self.delay + 1000 {
            self.step();
        }
        assert!(self.up.is_empty() && self.down.is_empty() && self.commands.is_empty());
    }

    fn shown(&self) -> Point {
        self.screen.position(ID).expect("the window is there")
    }

    /// What the viewer shows is what the server has.
    fn is_right(&self) -> bool {
        self.dragging.moved().is_empty() && self.picture == self.screen.canvas().screen()
    }

    /// The person moves the pointer by (`dx`, `dy`) every 16 ms. Returns, of each motion,
    /// whether the window was shown at its new place in the same moment.
    fn drag(&mut self, from: Point, (dx, dy): (i32, i32), motions: i32) -> Vec<bool> {
        let mut at_once = Vec::new();
        for i in 1..=motions {
            (0..16).for_each(|_| self.step());
            let to = from.offset(dx * i, dy * i);
            self.point(to.x, to.y);
            at_once.push(self.shown() == Point::new(to.x - GRIP.x + HOME.x, to.y - GRIP.y + HOME.y));
        }
        at_once
    }

    fn grip(&mut self) {
        self.point(GRIP.x, GRIP.y);
        self.button(true);
    }
}

#[test]
fn a_dragged_window_follows_at_once() {
    let mut world = World::new(Manager::Follows, 150);
    world.grip();
    let at_once = world.drag(GRIP, (2, 1), 60);
    // The first two frames of moves arrive 316 ms and 332 ms after the first motion.
    let recognised = at_once.iter().position(|b| *b).expect("recognised");
    assert!(recognised <= 22, "only after {recognised} motions");
    assert!(at_once[recognised..].iter().all(|b| *b));
    world.button(false);
    let there = world.shown();
    world.point(5, 5);
    assert_eq!(world.shown(), there, "the pointer alone moves no window");
    world.rest();
    assert!(world.is_right());
    assert_eq!((world.shown(), world.place), (there, there));
}

#[test]
fn a_drag_that_ends_before_its_first_answer_ends_right() {
    let mut world = World::new(Manager::Follows, 150);
    world.grip();
    assert!(world.drag(GRIP, (3, 3), 6).iter().all(|b| !b));
    world.button(false);
    world.rest();
    assert!(world.is_right());
    assert_eq!(world.shown(), HOME.offset(18, 18));
    // And once more: nothing of it is left.
    assert!(world.dragging.hold.is_none());
}

#[test]
fn taken_hold_of_again_before_the_answers_it_stays_where_it_was_put() {
    let mut world = World::new(Manager::Follows, 150);
    world.grip();
    assert_eq!(world.drag(GRIP, (2, 1), 40).last(), Some(&true));
    world.button(false);
    let put = world.shown();
    assert_eq!(put, HOME.offset(80, 40));
    (0..30).for_each(|_| world.step());
    world.button(true);
    // The server drags by the same place of the window, wherever that is.
    world.held = Some((GRIP.offset(80, 40), put));
    for i in 1..=60 {
        (0..16).for_each(|_| world.step());
        world.point(GRIP.x + 80 - i, GRIP.y + 40);
        let ahead = put.offset(-i, 0);
        // Until it is recognised again, the server's word; never back on the way there.
        let Point { x, y } = world.shown();
        assert!((ahead.x..=put.x).contains(&x) && y == put.y, "motion {i}: {x}, {y}");
        assert!(i < 23 || world.shown() == ahead, "not recognised after {i} motions");
    }
    world.button(false);
    world.rest();
    assert!(world.is_right());
    assert_eq!(world.shown(), put.offset(-60, 0));
}

#[test]
fn switched_off_nothing_is_ahead() {
    let mut world = World::new(Manager::Follows, 150);
    world.dragging.set_enabled(false);
    world.grip();
    assert!(world.drag(GRIP, (2, 1), 60).iter().all(|b| !b));
    world.button(false);
    world.rest();
    assert!(world.is_right());
}

#[test]
fn a_slow_window_manager_is_followed_without_a_flicker() {
    let mut world = World::new(Manager::Late(25), 40);
    world.grip();
    let at_once = world.drag(GRIP, (1, 2), 50);
    let recognised = at_once.iter().position(|b| *b).expect("recognised");
    assert!(at_once[recognised..].iter().all(|b| *b), "{at_once:?}");
    world.button(false);
    world.rest();
    assert!(world.is_right());
    assert_eq!(world.shown(), HOME.offset(50, 100));
}

#[test]
fn a_refused_drag_moves_nothing() {
    let mut world = World::new(Manager::Refuses, 150);
    world.grip();
    assert!(world.drag(GRIP, (2, 1), 40).iter().all(|b| !b));
    world.rest();
    world.button(false);
    world.rest();
    assert!(world.is_right());
    assert_eq!(world.shown(), HOME);
}

#[test]
fn a_drag_that_is_stopped_is_put_right_while_the_button_is_down() {
    // Stopped in one direction only (the server goes on answering), and in both (silence).
    for motion in [(2, -2), (-2, -2)] {
        let keeps = Rect::from_corners(60, 40, 400, 400);
        let mut world = World::new(Manager::Keeps(keeps), 150);
        world.grip();
        let at_once = world.drag(GRIP, motion, 42);
        assert!(at_once.contains(&true), "recognised before it was stopped");
        world.rest();
        assert!(world.is_right(), "{:?} is not {:?}", world.shown(), world.place);
        // Back where the window may go, it is followed again.
        let turn = GRIP.offset(motion.0 * 42, motion.1 * 42);
        let back = world.drag(turn, (-motion.0, -motion.1), 60);
        assert_eq!(back.last(), Some(&true));
        world.button(false);
        world.rest();
        assert!(world.is_right());
    }
}

#[test]
fn snapping_is_the_servers_word() {
    let mut world = World::new(Manager::Grid(8), 150);
    world.grip();
    world.drag(GRIP, (1, 1), 80);
    world.rest();
    assert!(world.is_right());
    world.button(false);
    world.rest();
    assert!(world.is_right());
}

#[test]
fn a_window_that_moves_by_itself_is_never_followed() {
    let mut world = World::new(Manager::Wanders, 60);
    let mut pointer = 1u64;
    for i in 0..3000 {
        if i % 900 == 100 {
            world.point(GRIP.x, GRIP.y);
            world.button(true);
        }
        if i % 16 == 0 {
            // Up and down, and now and then at rest.
            pointer = pointer.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            world.point((pointer >> 40) as i32 % 300, 90);
        }
        if i % 900 == 800 {
            world.button(false);
        }
        world.step();
        assert_eq!(world.dragging.moved(), []);
    }
}

#[test]
fn an_edge_that_is_dragged_is_no_window_that_is_dragged() {
    let mut world = World::new(Manager::Resizes, 100);
    world.grip();
    for i in 0..40 {
        world.point(GRIP.x - i, GRIP.y);
        (0..16).for_each(|_| world.step());
        assert_eq!(world.dragging.moved(), []);
    }
}

#[test]
fn a_window_that_goes_while_it_is_dragged_is_gone() {
    let mut world = World::new(Manager::Follows, 100);
    world.grip();
    assert!(world.drag(GRIP, (1, 1), 30).contains(&true));
    world.commands.push(WindowDestroy { id: ID }.into());
    world.gone = true;
    for i in 0..30 {
        world.point(GRIP.x + 40 + i, GRIP.y + 40);
        (0..16).for_each(|_| world.step());
    }
    assert!(world.is_right());
    world.button(false);
    world.rest();
    assert!(world.is_right());
}

#[test]
fn a_lost_connection_ends_it() {
    let mut world = World::new(Manager::Follows, 150);
    world.grip();
    assert_eq!(world.drag(GRIP, (2, 1), 40).last(), Some(&true));
    world.dragging.reset();
    world.show();
    assert!(world.is_right());
    assert_eq!(world.dragging.poll_timeout(), None);
}

/// Whatever person, link and window manager do: the picture is always what it would be
/// composed as a whole, and at rest it is the server's, with the button down and up.
#[test]
fn at_rest_the_picture_is_the_servers() {
    let mut followed = 0;
    for seed in 1..=200u64 {
        let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random = move |n: u64| {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (x >> 33) % n
        };
        let mut world = World::new(Manager::Follows, [5, 40, 150][random(3) as usize]);
        let (mut pointer, mut direction, mut down) = (GRIP, (1, 1), false);
        for _ in 0..400 {
            match random(60) {
                0 => {
                    world.manager = match random(8) {
                        0 => Manager::Refuses,
                        1 => Manager::Grid(5),
                        2 => Manager::Keeps(Rect::from_corners(80, 60, 130, 120)),
                        3 => Manager::Late(random(40)),
                        4 => Manager::Resizes,
                        5 => Manager::Wanders,
                        _ => Manager::Follows,
                    };
                }
                1..=3 => direction = (random(7) as i32 - 3, random(7) as i32 - 3),
                4 | 5 => {
                    if !down {
                        pointer = GRIP;
                        world.point(GRIP.x, GRIP.y);
                    }
                    down = !down;
                    world.button(down);
                }
                6 => {
                    let id = WindowId(random(3) as u32 + 1);
                    world.commands.push(WindowStack { id, index: random(3) as u32 }.into());
                }
                7 => {
                    let id = WindowId(random(3) as u32 + 1);
                    world.commands.push(WindowMap { id, mapped: random(4) > 0 }.into());
                }
                8 | 9 => {
                    let surface = SurfaceId(random(4) as u32);
                    let rect = Rect::new(random(60) as i32, random(40) as i32, 9, 7);
                    world.fill(surface, rect, random(1 << 24) as u32);
                }
                10 => {
                    let size = Size::new(SCREEN.width - random(40) as u32, SCREEN.height);
                    world.commands.push(SurfaceResize { id: SurfaceId::SCREEN, size }.into());
                }
                11 => world.rest(),
                _ => {
                    pointer = pointer.offset(direction.0, direction.1);
                    world.point(pointer.x, pointer.y);
                    (0..random(24)).for_each(|_| world.step());
                    followed += usize::from(!world.dragging.moved().is_empty());
                    continue;
                }
            }
            if random(20) == 0 {
                world.rest();
                assert!(world.is_right(), "seed {seed}, button {down}");
            }
        }
        if down {
            world.button(false);
        }
        world.rest();
        assert!(world.is_right(), "seed {seed}");
    }
    assert!(followed > 1000, "only {followed} motions were ahead: the test tests little");
}
