//! A person's keys and pointer, as RFB has them.

use std::collections::BTreeMap;

use super::Connection;
use crate::geometry::Point;
use crate::message::InputEvent;
use crate::time::Micros;

/// [`InputEvent::Scroll`]'s units of a notch of the wheel.
const NOTCH: i32 = 120;

/// How long a key is held before it repeats, and how often it does then: what desktops begin with.
const REPEAT_AFTER: Micros = Micros::from_millis(500);
const REPEAT_EVERY: Micros = Micros::from_millis(33);

/// The wheel's buttons, as bits: up, down, left, right.
const WHEEL: [u16; 4] = [1 << 3, 1 << 4, 1 << 5, 1 << 6];

/// What is held down at the server, and where its pointer is.
#[derive(Debug, Default)]
pub struct Hands {
    /// Keys by their evdev codes, with the keysyms of their presses.
    keys: BTreeMap<u16, u32>,
    buttons: u16,
    position: Point,
    /// The key that was pressed last, if it is still down and repeats.
    repeating: Option<Repeating>,
    /// Turns of the wheel, to the right and down, that make no notch yet.
    turned: (i32, i32),
}

/// A key that is held down.
#[derive(Debug, Clone, Copy)]
struct Repeating {
    physical: u16,
    keysym: u32,
    due: Micros,
}

impl Hands {
    /// Tells the server what the person did.
    pub fn act(&mut self, event: &InputEvent, now: Micros, connection: &mut Connection) {
        match event {
            InputEvent::Pointer { position } => {
                self.position = *position;
                connection.pointer(self.buttons, self.position);
            }
            InputEvent::Button { button: button @ (1..=3 | 8..=15), down } => {
                let bit = 1 << (button - 1);
                self.buttons = if *down { self.buttons | bit } else { self.buttons & !bit };
                connection.pointer(self.buttons, self.position);
            }
            // The wheel's, and those that RFB cannot say.
            InputEvent::Button { .. } => {}
            InputEvent::Scroll { dx, dy } => self.scroll(*dx, *dy, connection),
            InputEvent::Key { physical, keysym, down, text } => {
                let keysym = if *keysym == 0 { one(text).map_or(0, keysym_of) } else { *keysym };
                let keysym = match down {
                    true => keysym,
                    // That of the press: Shift may have been let go in between.
                    false => self.keys.remove(physical).unwrap_or(keysym),
                };
                if *down && *physical != 0 {
                    self.keys.insert(*physical, keysym);
                }
                connection.key(*down, keysym, *physical);
                if *down {
                    let due = Micros(now.0 + REPEAT_AFTER.0);
                    self.repeating =
                        repeats(keysym).then_some(Repeating { physical: *physical, keysym, due });
                } else {
                    self.repeating.take_if(|r| (r.physical, r.keysym) == (*physical, keysym));
                }
            }
            InputEvent::KeysDown { keys } => {
                self.repeating.take_if(|r| !keys.contains(&r.physical));
                self.keys.retain(|physical, keysym| {
                    let stays = keys.contains(physical);
                    if !stays {
                        connection.key(false, *keysym, *physical);
                    }
                    stays
                });
            }
            InputEvent::Text { text } => {
                for keysym in text.chars().map(keysym_of) {
                    connection.key(true, keysym, 0);
                    connection.key(false, keysym, 0);
                }
            }
        }
    }

    /// When to call [`Hands::handle_timeout`]; ask again after every other call.
    pub fn poll_timeout(&self) -> Option<Micros> {
        self.repeating.map(|r| r.due)
    }

    /// Presses a held key again. Servers of VNC leave that to viewers: on a slow link a release
    /// that is late would make theirs type on.
    pub fn handle_timeout(&mut self, now: Micros, connection: &mut Connection) {
        if let Some(repeating) = self.repeating.as_mut().filter(|r| r.due <= now) {
            connection.key(true, repeating.keysym, repeating.physical);
            // What could not be sent in time is left out.
            repeating.due = Micros(now.0 + REPEAT_EVERY.0);
        }
    }

    /// Lets everything go.
    pub fn release(&mut self, connection: &mut Connection) {
        self.act(&InputEvent::KeysDown { keys: Vec::new() }, Micros::ZERO, connection);
        if std::mem::take(&mut self.buttons) != 0 {
            connection.pointer(0, self.position);
        }
    }

    /// A new connection: its server knows of nothing that is held.
    pub fn forget(&mut self) {
        *self = Self { position: self.position, ..Self::default() };
    }

    /// Where the person has put the pointer.
    pub fn position(&self) -> Point {
        self.position
    }

    fn scroll(&mut self, dx: i32, dy: i32, connection: &mut Connection) {
        let mut turn = |turned: &mut i32, by: i32, [less, more]: [u16; 2]| {
            *turned = turned.saturating_add(by);
            let notches = *turned / NOTCH;
            *turned %= NOTCH;
            let button = if notches < 0 { less } else { more };
            // More than a wheel turns at once is nobody's.
            for _ in 0..notches.unsigned_abs().min(100) {
                connection.pointer(self.buttons | button, self.position);
                connection.pointer(self.buttons, self.position);
            }
        };
        turn(&mut self.turned.1, dy, [WHEEL[0], WHEEL[1]]);
        turn(&mut self.turned.0, dx, [WHEEL[2], WHEEL[3]]);
    }
}

/// Whether a key that is held types on: modifiers and locks do not (X11's keysymdef.h: Shift_L to
/// Hyper_R, the levels and groups of ISO, Mode_switch, Num_Lock).
const fn repeats(keysym: u32) -> bool {
    !matches!(keysym, 0xffe1..=0xffee | 0xfe01..=0xfe1f | 0xff7e..=0xff7f | 0xff14)
}

/// The one character of a text.
fn one(text: &str) -> Option<char> {
    let mut all = text.chars();
    all.next().filter(|_| all.next().is_none())
}

/// The keysym that types a character (X11's keysym encoding: Latin-1 as it is, the rest by code point).
fn keysym_of(c: char) -> u32 {
    match u32::from(c) {
        0x0a | 0x0d => 0xff0d,
        0x09 => 0xff09,
        0x08 => 0xff08,
        0x1b => 0xff1b,
        latin @ (0x20..=0x7e | 0xa0..=0xff) => latin,
        other => 0x0100_0000 | other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::rfb::ClientMessage;
    use crate::rfb::client::{Config, ServerInit};
    use crate::wire::Reader;

    fn check(events: &[InputEvent], expected: &[ClientMessage]) {
        let init = ServerInit { size: Size::new(100, 100), name: String::new() };
        let mut connection = Connection::new(&init, &Config::default());
        connection.take_output();
        let mut hands = Hands::default();
        events.iter().for_each(|event| hands.act(event, Micros::ZERO, &mut connection));
        let bytes = connection.take_output();
        let mut r = Reader::new(&bytes);
        let mut said = Vec::new();
        while !r.is_empty() {
            said.push(ClientMessage::decode(&mut r).unwrap());
        }
        assert_eq!(said, expected);
    }

    fn key(physical: u16, keysym: u32, down: bool) -> InputEvent {
        InputEvent::Key { physical, keysym, down, text: String::new() }
    }

    fn typed(keysym: u32, down: bool) -> ClientMessage {
        ClientMessage::Key { down, keysym }
    }

    fn at(buttons: u8, x: u16, y: u16) -> ClientMessage {
        ClientMessage::Pointer { buttons, x, y }
    }

    #[test]
    fn keys_are_let_go_by_the_keysym_of_their_press() {
        check(&[key(30, 0x41, true), key(30, 0x61, false)], &[typed(0x41, true), typed(0x41, false)]);
        check(
            &[key(29, 0xffe3, true), key(30, 0x61, true), InputEvent::KeysDown { keys: vec![29] }],
            &[typed(0xffe3, true), typed(0x61, true), typed(0x61, false)],
        );
        let text = InputEvent::Key { physical: 0, keysym: 0, down: true, text: "é".into() };
        check(&[text], &[typed(0xe9, true)]);
        let all = "ж\n";
        check(
            &[InputEvent::Text { text: all.into() }],
            &[typed(0x0100_0436, true), typed(0x0100_0436, false), typed(0xff0d, true), typed(0xff0d, false)],
        );
    }

    #[test]
    fn a_key_that_is_held_types_on() {
        let init = ServerInit { size: Size::new(100, 100), name: String::new() };
        let mut connection = Connection::new(&init, &Config::default());
        let mut hands = Hands::default();
        hands.act(&key(30, 0x61, true), Micros::from_millis(100), &mut connection);
        hands.act(&key(42, 0xffe1, true), Micros::from_millis(100), &mut connection);
        assert_eq!(hands.poll_timeout(), None, "a modifier ends it");
        hands.act(&key(48, 0x62, true), Micros::from_millis(100), &mut connection);
        assert_eq!(hands.poll_timeout(), Some(Micros::from_millis(600)));
        connection.take_output();
        hands.handle_timeout(Micros::from_millis(599), &mut connection);
        assert!(!connection.has_output());
        hands.handle_timeout(Micros::from_millis(700), &mut connection);
        assert_eq!(connection.take_output(), [4, 1, 0, 0, 0, 0, 0, 0x62]);
        assert_eq!(hands.poll_timeout(), Some(Micros::from_millis(733)));
        hands.act(&key(30, 0x61, false), Micros::from_millis(710), &mut connection);
        assert!(hands.poll_timeout().is_some(), "another key was let go");
        hands.act(&InputEvent::KeysDown { keys: vec![] }, Micros::from_millis(720), &mut connection);
        assert_eq!(hands.poll_timeout(), None);
    }

    #[test]
    fn buttons_stay_down_while_the_pointer_moves_and_the_wheel_turns() {
        let button = |button, down| InputEvent::Button { button, down };
        check(
            &[
                InputEvent::Pointer { position: Point::new(3, 4) },
                button(1, true),
                InputEvent::Pointer { position: Point::new(5, 4) },
                InputEvent::Scroll { dx: 0, dy: 119 },
                InputEvent::Scroll { dx: 0, dy: 1 },
                button(8, true),
                button(1, false),
                button(4, true),
            ],
            &[
                at(0, 3, 4),
                at(1, 3, 4),
                at(1, 5, 4),
                at(1 | 16, 5, 4),
                at(1, 5, 4),
                at(1 | 128, 5, 4),
                at(128, 5, 4),
            ],
        );
        check(
            &[InputEvent::Scroll { dx: -240, dy: -120 }],
            &[at(8, 0, 0), at(0, 0, 0), at(32, 0, 0), at(0, 0, 0), at(32, 0, 0), at(0, 0, 0)],
        );
    }
}
