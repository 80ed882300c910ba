//! A person at the demo desktop, the same every time.

use panto_protocol::geometry::{Point, Size};
use panto_protocol::message::InputEvent;
use panto_protocol::time::Micros;

use super::Desktop;
use crate::scene::Scene;

/// What the script types into the editor.
pub const TYPED: &str = "A stylus swept the original line by line,
and far away another one drew it again.
Who would have thought of typing into a picture?";

/// What a person does, and when.
pub struct Script {
    /// Input in order of time.
    pub events: Vec<(Micros, InputEvent)>,
    /// When everything has come to rest.
    pub rest: Micros,
}

/// Plays the script on a desktop of the scene's size, in virtual time, for as long as
/// anything happens until `end`. `each` is told of every input, and (`None`) of every other
/// moment, with the scene as it is then. Returns when it would go on; `None` if it is over.
pub fn perform(
    desktop: &mut Desktop,
    scene: &mut Scene,
    end: Micros,
    mut each: impl FnMut(Option<&InputEvent>, &Scene, Micros),
) -> Option<Micros> {
    let mut events = script(scene.size()).events.into_iter().peekable();
    loop {
        let input = events.peek().map(|(at, _)| *at);
        let next = [input, desktop.next_tick()].into_iter().flatten().min();
        let now = next.filter(|at| *at <= end);
        let Some(now) = now else { return next };
        while let Some((at, event)) = events.next_if(|(at, _)| *at <= now) {
            desktop.input(&event, scene, at);
            each(Some(&event), scene, at);
        }
        desktop.tick(scene, now);
        each(None, scene, now);
    }
}

struct Writer {
    now: Micros,
    events: Vec<(Micros, InputEvent)>,
    pointer: Point,
}

impl Writer {
    fn event(&mut self, event: InputEvent) {
        self.events.push((self.now, event));
    }

    fn wait(&mut self, ms: u64) {
        self.now = self.now + Micros::from_millis(ms);
    }

    /// Moves the pointer in steps of a frame each.
    fn glide(&mut self, to: Point, steps: i32) {
        let from = self.pointer;
        for i in 1..=steps {
            self.wait(16);
            let position =
                Point::new(from.x + (to.x - from.x) * i / steps, from.y + (to.y - from.y) * i / steps);
            self.event(InputEvent::Pointer { position });
        }
        self.pointer = to;
    }

    fn press(&mut self) {
        self.event(InputEvent::Button { button: 1, down: true });
    }

    fn release(&mut self) {
        self.wait(30);
        self.event(InputEvent::Button { button: 1, down: false });
    }

    fn click(&mut self, at: Point) {
        self.glide(at, 12);
        self.press();
        self.release();
    }

    fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.wait(60);
            let (keysym, text) = match c {
                '\n' => (0xff0d, String::new()),
                c => (c as u32, c.to_string()),
            };
            self.event(InputEvent::Key { physical: 30, keysym, down: true, text });
            self.wait(20);
            self.event(InputEvent::Key { physical: 30, keysym, down: false, text: String::new() });
        }
    }
}

/// The script for a screen of this size, laid out for 1280 × 800: the build log
/// scrolls and the chart moves, text is typed, two windows are dragged about, two
/// pictures turned, and a command run in the terminal.
pub fn script(size: Size) -> Script {
    let at = |x: u32, y: u32| Point::new((x * size.width / 1280) as i32, (y * size.height / 800) as i32);
    let mut w = Writer { now: Micros::from_millis(2000), events: Vec::new(), pointer: at(640, 400) };
    // Into the editor, which has the keyboard from the start.
    w.type_text(TYPED);
    // The editor to the left over the terminal, in a curve, and back.
    w.glide(at(900, 412), 10);
    w.press();
    w.glide(at(520, 320), 45);
    w.glide(at(700, 230), 30);
    w.glide(at(930, 420), 45);
    w.release();
    // The pictures over everything.
    w.glide(at(1000, 80), 20);
    w.press();
    w.glide(at(600, 300), 60);
    w.glide(at(1010, 90), 60);
    w.release();
    w.click(at(1000, 200));
    w.wait(600);
    w.click(at(1010, 210));
    w.wait(600);
    // The terminal to the front, and something to read.
    w.click(at(300, 200));
    w.type_text("seq 60\n");
    w.wait(4000);
    w.type_text("cat notes.txt\n");
    w.wait(500);
    let rest = w.now + Micros::from_millis(30_000);
    Script { events: w.events, rest }
}
