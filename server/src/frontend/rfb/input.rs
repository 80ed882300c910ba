//! What a VNC viewer's keyboard and pointer do, in Panto's words.

use panto_protocol::geometry::Point;
use panto_protocol::message::InputEvent;
use panto_protocol::rfb::{ClientMessage, evdev_code};

/// A notch of the wheel, in [`InputEvent::Scroll`]'s unit.
const NOTCH: i32 = 120;

/// The pointer as its viewer said it last.
#[derive(Debug, Default)]
pub(super) struct Pointer {
    position: Option<Point>,
    buttons: u8,
}

impl Pointer {
    /// The events of one message; none for what is no input.
    pub(super) fn events(&mut self, message: &ClientMessage) -> Vec<InputEvent> {
        match *message {
            ClientMessage::Pointer { buttons, x, y } => self.moved(buttons, Point::new(x.into(), y.into())),
            ClientMessage::Key { down, keysym } => {
                vec![InputEvent::Key { physical: 0, keysym, down, text: String::new() }]
            }
            ClientMessage::ExtendedKey { down, keysym, code } => {
                vec![InputEvent::Key { physical: evdev_code(code), keysym, down, text: String::new() }]
            }
            _ => Vec::new(),
        }
    }

    fn moved(&mut self, buttons: u8, position: Point) -> Vec<InputEvent> {
        let mut events = Vec::new();
        if self.position.replace(position) != Some(position) {
            events.push(InputEvent::Pointer { position });
        }
        let changed = self.buttons ^ buttons;
        for bit in (0..8).filter(|bit| changed >> bit & 1 == 1) {
            let down = buttons >> bit & 1 == 1;
            let (dx, dy) = match bit {
                3 => (0, -NOTCH),
                4 => (0, NOTCH),
                5 => (-NOTCH, 0),
                6 => (NOTCH, 0),
                // Bit 7 is the first button behind the wheel's: back.
                _ => {
                    events.push(InputEvent::Button { button: bit + 1, down });
                    continue;
                }
            };
            // A notch is a button that is pressed and let go.
            if down {
                events.push(InputEvent::Scroll { dx, dy });
            }
        }
        self.buttons = buttons;
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_wheels_and_moves() {
        let mut pointer = Pointer::default();
        let mut say = |buttons, x, y| pointer.events(&ClientMessage::Pointer { buttons, x, y });
        let moved = |x, y| InputEvent::Pointer { position: Point::new(x, y) };
        assert_eq!(say(0, 3, 4), [moved(3, 4)]);
        assert_eq!(say(1, 3, 4), [InputEvent::Button { button: 1, down: true }]);
        assert_eq!(say(5, 4, 4), [moved(4, 4), InputEvent::Button { button: 3, down: true }]);
        assert_eq!(
            say(0, 4, 4),
            [InputEvent::Button { button: 1, down: false }, InputEvent::Button { button: 3, down: false },]
        );
        assert_eq!(say(8, 4, 4), [InputEvent::Scroll { dx: 0, dy: -120 }]);
        assert_eq!(say(0, 4, 4), []);
        assert_eq!(say(16, 4, 4), [InputEvent::Scroll { dx: 0, dy: 120 }]);
        assert_eq!(say(16 | 64, 4, 4), [InputEvent::Scroll { dx: 120, dy: 0 }]);
    }
}
