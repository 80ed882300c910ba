//! Unrolls loops and commands into steps, up to [`MAX_STEPS`].

use std::time::Duration;

use panto_protocol::geometry::Point;
use panto_protocol::message::InputEvent;

use super::line::Command;
use super::{MAX_STEPS, Step};

/// A line that does something, or a loop of them.
#[derive(Debug)]
pub(super) enum Block {
    Command { line: usize, command: Command },
    Repeat { times: u32, body: Vec<Block> },
}

/// The steps of a script; the error is the line that makes it too many.
pub(super) fn unroll(blocks: &[Block]) -> Result<Vec<Step>, usize> {
    let mut steps = Steps::default();
    steps.blocks(blocks)?;
    Ok(steps.steps)
}

/// The steps so far, and where the pointer is by then.
#[derive(Default)]
struct Steps {
    steps: Vec<Step>,
    pointer: Point,
}

/// There are too many steps.
struct TooMany;

impl Steps {
    fn blocks(&mut self, blocks: &[Block]) -> Result<(), usize> {
        for block in blocks {
            match block {
                Block::Command { line, command } => self.command(command).map_err(|TooMany| *line)?,
                Block::Repeat { times, body } => {
                    for _ in 0..*times {
                        let before = self.steps.len();
                        self.blocks(body)?;
                        // A loop of nothing would go round for hours without reaching the limit.
                        if self.steps.len() == before {
                            break;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn command(&mut self, command: &Command) -> Result<(), TooMany> {
        match command {
            Command::Plain(step) => self.push(step.clone()),
            Command::Pause(time) => self.pause(*time),
            Command::Type { keysyms, every } => keysyms.iter().try_for_each(|&keysym| {
                self.press(&[keysym])?;
                self.pause(*every)
            }),
            Command::Key { keysyms, times, every } => (0..*times).try_for_each(|_| {
                self.press(keysyms)?;
                self.pause(*every)
            }),
            Command::Move { to, over, steps } => {
                let from = self.pointer;
                (1..=*steps).try_for_each(|i| {
                    self.pause(*over / *steps)?;
                    self.point(between(from, *to, i, *steps))
                })
            }
            Command::Click { at, button, times } => {
                self.point(*at)?;
                (0..*times).try_for_each(|_| {
                    self.button(*button, true)?;
                    self.button(*button, false)
                })
            }
            Command::Drag { from, to, steps, every, button } => {
                self.point(*from)?;
                self.button(*button, true)?;
                for i in 1..=*steps {
                    self.point(between(*from, *to, i, *steps))?;
                    self.pause(*every)?;
                }
                self.button(*button, false)
            }
            Command::Wheel { dx, dy, notches, every, at } => {
                if let Some(at) = at {
                    self.point(*at)?;
                }
                (0..*notches).try_for_each(|_| {
                    self.input(InputEvent::Scroll { dx: *dx, dy: *dy })?;
                    self.pause(*every)
                })
            }
        }
    }

    fn push(&mut self, step: Step) -> Result<(), TooMany> {
        if self.steps.len() == MAX_STEPS {
            return Err(TooMany);
        }
        self.steps.push(step);
        Ok(())
    }

    fn pause(&mut self, time: Duration) -> Result<(), TooMany> {
        if time.is_zero() { Ok(()) } else { self.push(Step::Pause(time)) }
    }

    fn input(&mut self, event: InputEvent) -> Result<(), TooMany> {
        self.push(Step::Input(event))
    }

    fn point(&mut self, position: Point) -> Result<(), TooMany> {
        self.pointer = position;
        self.input(InputEvent::Pointer { position })
    }

    fn button(&mut self, button: u8, down: bool) -> Result<(), TooMany> {
        self.input(InputEvent::Button { button, down })
    }

    /// Presses keys in order and releases them in the opposite one.
    fn press(&mut self, keysyms: &[u32]) -> Result<(), TooMany> {
        let key = |&keysym: &u32, down| InputEvent::Key { physical: 0, keysym, down, text: String::new() };
        keysyms.iter().try_for_each(|keysym| self.input(key(keysym, true)))?;
        keysyms.iter().rev().try_for_each(|keysym| self.input(key(keysym, false)))
    }
}

/// Step `i` of `steps` from one point to another, rounded towards the first.
fn between(from: Point, to: Point, i: u32, steps: u32) -> Point {
    let at = |a: i32, b: i32| {
        let way = i64::from(b - a) * i64::from(i) / i64::from(steps);
        a + way as i32
    };
    Point { x: at(from.x, to.x), y: at(from.y, to.y) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Script;
    use xkeysym::key;

    fn pause(ms: u64) -> Step {
        Step::Pause(Duration::from_millis(ms))
    }

    fn press(keysym: u32, down: bool) -> Step {
        Step::Input(InputEvent::Key { physical: 0, keysym, down, text: String::new() })
    }

    fn point(x: i32, y: i32) -> Step {
        Step::Input(InputEvent::Pointer { position: Point { x, y } })
    }

    fn button(button: u8, down: bool) -> Step {
        Step::Input(InputEvent::Button { button, down })
    }

    fn scroll(dx: i32, dy: i32) -> Step {
        Step::Input(InputEvent::Scroll { dx, dy })
    }

    #[track_caller]
    fn check(text: &str, expected: &[Step]) {
        assert_eq!(Script::parse(text).unwrap().steps, expected, "{text}");
    }

    #[test]
    fn waits_and_pauses() {
        check(
            "# opens\n\n  wait window XTerm\nwait window \"Two Words\" within 1.5s\n wait still 300ms\npause 2m",
            &[
                Step::WaitWindow { class: "XTerm".into(), within: Duration::from_secs(10) },
                Step::WaitWindow { class: "Two Words".into(), within: Duration::from_millis(1500) },
                Step::WaitStill(Duration::from_millis(300)),
                pause(120_000),
            ],
        );
    }

    #[test]
    fn typing_takes_every_character_by_keysym() {
        let both = |keysym| [press(keysym, true), press(keysym, false), pause(50)];
        let keys = [key::a, key::A, key::Return, key::Tab, key::quotedbl, key::backslash, key::EuroSign];
        check(r#"type "aA\n\t\"\\€" every 50ms"#, &keys.map(both).concat());
        check(r#"type "" every 50ms"#, &[]);
        check("type \"é\"", &[press(key::eacute, true), press(key::eacute, false)]);
    }

    #[test]
    fn keys_go_up_in_the_opposite_order() {
        let once = [
            press(key::Control_L, true),
            press(key::Shift_L, true),
            press(key::Return, true),
            press(key::Return, false),
            press(key::Shift_L, false),
            press(key::Control_L, false),
            pause(100),
        ];
        check("key Ctrl+Shift+Return every 100ms times 2", &[&once[..], &once[..]].concat());
        check("key +", &[press(key::plus, true), press(key::plus, false)]);
        let zoom = [press(key::Control_L, true), press(key::plus, true)];
        let back = [press(key::plus, false), press(key::Control_L, false)];
        check("key Ctrl++", &[zoom, back].concat());
        check("key \"", &[press(key::quotedbl, true), press(key::quotedbl, false)]);
    }

    #[test]
    fn the_pointer_moves_from_where_it_was() {
        check("move 10 20", &[point(10, 20)]);
        check(
            "move 100 50\nmove 40 80 over 300ms steps 3",
            &[
                point(100, 50),
                pause(100),
                point(80, 60),
                pause(100),
                point(60, 70),
                pause(100),
                point(40, 80),
            ],
        );
        let script = Script::parse("move 0 0\nmove 99 0 over 160ms").unwrap();
        assert_eq!((script.inputs(), script.duration()), (11, Duration::from_millis(160)));
    }

    #[test]
    fn buttons_and_wheel() {
        check(
            "click 5 6 times 2",
            &[point(5, 6), button(1, true), button(1, false), button(1, true), button(1, false)],
        );
        check(
            "drag 0 0 10 20 steps 2 every 5ms button 3",
            &[
                point(0, 0),
                button(3, true),
                point(5, 10),
                pause(5),
                point(10, 20),
                pause(5),
                button(3, false),
            ],
        );
        check("wheel up", &[scroll(0, -120)]);
        check(
            "wheel down 2 at 7 8 every 50ms",
            &[point(7, 8), scroll(0, 120), pause(50), scroll(0, 120), pause(50)],
        );
        check("wheel left\nwheel right", &[scroll(-120, 0), scroll(120, 0)]);
    }

    #[test]
    fn loops_unroll() {
        let text = "repeat 2\npause 1ms\nrepeat 2\npause 2ms\nend\nend\npause 3ms";
        check(text, &[1, 2, 2, 1, 2, 2, 3].map(pause));
        check("repeat 100000\nrepeat 100000\nrepeat 100000\n# nothing\nend\nend\nend", &[]);
        assert_eq!(Script::parse(text).unwrap().duration(), Duration::from_millis(13));
        let most = format!("repeat {MAX_STEPS}\npause 1ms\nend");
        assert_eq!(Script::parse(&most).unwrap().steps.len(), MAX_STEPS);
    }
}
