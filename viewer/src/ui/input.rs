//! From what the window hears to what the server is told.
//!
//! The state is two sets of keys: those held here and those that the server
//! believes to be held. While the window must not type (no focus, view-only, menu
//! open, not connected) the second is empty, and becoming so is said at once: no
//! modifier ever sticks.

use std::collections::{BTreeMap, BTreeSet};

use panto_protocol::geometry::Point;
use panto_protocol::message::InputEvent;
use panto_protocol::wire::MAX_KEY_TEXT;
use xkeysym::key as sym;

use super::shortcuts::{self, Action};

/// Units of a notch of the wheel on the wire.
const NOTCH: f64 = 120.0;

/// Pixels of smooth scrolling that make a notch; touchpads send about as many.
const PIXELS_PER_NOTCH: f64 = 40.0;

/// A key going down or up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyChange<'a> {
    /// Evdev code, 0 when unknown.
    pub(super) physical: u16,
    /// X11 keysym, 0 when unknown.
    pub(super) keysym: u32,
    /// What a press typed.
    pub(super) text: &'a str,
    /// What the key types without any modifier.
    pub(super) plain: Option<char>,
    /// Pressed or released.
    pub(super) down: bool,
    /// Whether the press is only a repetition, or was made before the window had the focus.
    pub(super) stale: bool,
}

/// Keys, buttons and pointer of one window.
#[derive(Debug, Default)]
pub(super) struct Input {
    live: bool,
    /// Keys down here: evdev code and keysym of the press.
    held: BTreeMap<u16, u32>,
    /// Keys down at the server, a subset of those in `held`.
    sent: BTreeMap<u16, u32>,
    /// Buttons down at the server.
    buttons: BTreeSet<u8>,
    /// Newest pointer position, not yet told.
    moved: Option<Point>,
    /// Last pointer position told.
    told: Option<Point>,
    /// Where the pointer is, told or not.
    place: Option<Point>,
    /// Notches turned, to the right and down, not yet told.
    turned: (f64, f64),
    events: Vec<InputEvent>,
}

impl Input {
    /// Whether events go to the server. Any change of it releases everything there.
    pub(super) fn set_live(&mut self, live: bool) {
        if self.live && !live {
            self.release_all();
            self.moved = None;
            self.told = None;
            self.turned = (0.0, 0.0);
        }
        if live && !self.live {
            // A server that was left in haste may believe anything.
            self.events.push(InputEvent::KeysDown { keys: Vec::new() });
            // The pointer may have come to rest over the picture before the server was
            // there: the first click must not land where the server's own pointer is.
            self.moved = self.place;
        }
        self.live = live;
    }

    /// The window lost the focus: what happens to the keys is no longer heard.
    pub(super) fn blur(&mut self) {
        self.release_all();
        self.held.clear();
    }

    /// Tells the server that no key and no button is down.
    pub(super) fn release_all(&mut self) {
        for button in std::mem::take(&mut self.buttons) {
            self.events.push(InputEvent::Button { button, down: false });
        }
        if self.live {
            self.sent.clear();
            self.events.push(InputEvent::KeysDown { keys: Vec::new() });
        }
    }

    /// A key changed. Returns the shortcut that it completes; that key stays here.
    pub(super) fn key(&mut self, key: KeyChange<'_>) -> Option<Action> {
        if !key.down {
            self.held.remove(&key.physical);
            // The keysym of the press: Shift may have been released in between.
            if let Some(keysym) = self.sent.remove(&key.physical) {
                self.send_key(key.physical, keysym, false, "");
            }
            return None;
        }
        if key.stale {
            // Of the keys held before the window had the focus only modifiers count:
            // the Tab of Alt+Tab is not meant for the server, the Ctrl of Ctrl+click is.
            if !is_modifier(key.keysym) || self.held.contains_key(&key.physical) {
                return None;
            }
        } else if self.has_prefix()
            && let Some(action) = shortcuts::action(key.plain, key.physical)
        {
            self.held.insert(key.physical, key.keysym);
            // The server saw the prefix go down; it is over there as soon as it was meant for us.
            self.release_all();
            return Some(action);
        }
        self.held.insert(key.physical, key.keysym);
        if self.live && !self.sent.contains_key(&key.physical) {
            self.send_key(key.physical, key.keysym, true, key.text);
            if key.physical == 0 {
                // A key without a code cannot be in the set, so it must not stay down.
                self.send_key(0, key.keysym, false, "");
            } else {
                self.sent.insert(key.physical, key.keysym);
            }
        }
        None
    }

    /// Text from an input method.
    pub(super) fn text(&mut self, mut text: &str) {
        self.flush();
        while self.live && !text.is_empty() {
            let (piece, rest) = text.split_at(text.floor_char_boundary(MAX_KEY_TEXT));
            self.events.push(InputEvent::Text { text: piece.to_owned() });
            text = rest;
        }
    }

    /// The pointer rests, now over this pixel of the remote screen; told once, as soon as events go to the server.
    pub(super) fn rests(&mut self, position: Point) {
        // The server may have moved its own pointer since: that is not undone by our resting.
        if self.place != Some(position) {
            self.pointer(position);
        }
    }

    /// The pointer is at this pixel of the remote screen.
    pub(super) fn pointer(&mut self, position: Point) {
        self.place = Some(position);
        if self.live {
            self.moved = Some(position);
        }
    }

    /// A button changed, by X11's number.
    pub(super) fn button(&mut self, button: u8, down: bool) {
        self.flush();
        let changed = match down {
            true => self.live && self.buttons.insert(button),
            false => self.buttons.remove(&button),
        };
        if changed {
            self.events.push(InputEvent::Button { button, down });
        }
    }

    /// The wheel turned by notches, to the right and down.
    pub(super) fn scroll_notches(&mut self, right: f64, down: f64) {
        if self.live {
            self.flush_pointer();
            self.turned.0 += right * NOTCH;
            self.turned.1 += down * NOTCH;
        }
    }

    /// The wheel or touchpad turned by window pixels, to the right and down.
    pub(super) fn scroll_pixels(&mut self, right: f64, down: f64) {
        self.scroll_notches(right / PIXELS_PER_NOTCH, down / PIXELS_PER_NOTCH);
    }

    /// The events to send now, in order; moves and turns of the wheel since the last call are one each.
    pub(super) fn take(&mut self) -> Vec<InputEvent> {
        self.flush();
        std::mem::take(&mut self.events)
    }

    fn has_prefix(&self) -> bool {
        let any = |keysyms: &[u32]| self.held.values().any(|k| keysyms.contains(k));
        // Alt with Shift is Meta on many layouts.
        any(&[sym::Control_L, sym::Control_R])
            && any(&[sym::Alt_L, sym::Alt_R, sym::Meta_L, sym::Meta_R])
            && any(&[sym::Shift_L, sym::Shift_R])
    }

    fn send_key(&mut self, physical: u16, keysym: u32, down: bool, text: &str) {
        self.flush();
        let text = text[..text.floor_char_boundary(MAX_KEY_TEXT)].to_owned();
        self.events.push(InputEvent::Key { physical, keysym, down, text });
    }

    fn flush(&mut self) {
        self.flush_pointer();
        let whole = (self.turned.0.trunc(), self.turned.1.trunc());
        if whole != (0.0, 0.0) {
            self.turned = (self.turned.0 - whole.0, self.turned.1 - whole.1);
            // The cast saturates, which is right for an absurd wheel.
            self.events.push(InputEvent::Scroll { dx: whole.0 as i32, dy: whole.1 as i32 });
        }
    }

    fn flush_pointer(&mut self) {
        if let Some(position) = self.moved.take()
            && self.told != Some(position)
        {
            self.told = Some(position);
            self.events.push(InputEvent::Pointer { position });
        }
    }
}

fn is_modifier(keysym: u32) -> bool {
    // Shift_L to Hyper_R lie together; locks among them change no state by being held.
    (sym::Shift_L..=sym::Hyper_R).contains(&keysym) && !matches!(keysym, sym::Caps_Lock | sym::Shift_Lock)
        || keysym == sym::ISO_Level3_Shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use panto_protocol::message::Mode;

    const CTRL: (u16, u32) = (29, sym::Control_L);
    const ALT: (u16, u32) = (56, sym::Alt_L);
    const SHIFT: (u16, u32) = (42, sym::Shift_L);

    fn live() -> Input {
        let mut input = Input::default();
        input.set_live(true);
        assert_eq!(input.take(), [none_down()]);
        input
    }

    fn press(input: &mut Input, (physical, keysym): (u16, u32)) -> Option<Action> {
        let plain = char::from_u32(keysym).filter(char::is_ascii);
        input.key(KeyChange { physical, keysym, plain, down: true, ..KeyChange::default() })
    }

    fn release(input: &mut Input, (physical, keysym): (u16, u32)) {
        assert_eq!(input.key(KeyChange { physical, keysym, ..KeyChange::default() }), None);
    }

    fn key(physical: u16, keysym: u32, down: bool) -> InputEvent {
        InputEvent::Key { physical, keysym, down, text: String::new() }
    }

    fn none_down() -> InputEvent {
        InputEvent::KeysDown { keys: vec![] }
    }

    #[test]
    fn a_key_is_released_with_the_keysym_of_its_press() {
        let mut input = live();
        input.key(KeyChange { physical: 30, keysym: 0x41, text: "A", down: true, ..KeyChange::default() });
        release(&mut input, (30, 0x61));
        assert_eq!(
            input.take(),
            [
                InputEvent::Key { physical: 30, keysym: 0x41, down: true, text: "A".into() },
                key(30, 0x41, false)
            ]
        );
    }

    #[test]
    fn losing_the_focus_releases_everything_once() {
        let mut input = live();
        press(&mut input, CTRL);
        input.button(1, true);
        input.take();
        input.blur();
        assert_eq!(input.take(), [InputEvent::Button { button: 1, down: false }, none_down()]);
        // The releases happen elsewhere, or are heard late.
        release(&mut input, CTRL);
        input.button(1, false);
        assert_eq!(input.take(), []);
    }

    #[test]
    fn nothing_is_sent_while_not_live() {
        let mut input = live();
        press(&mut input, CTRL);
        input.take();
        input.set_live(false);
        assert_eq!(input.take(), [none_down()]);
        press(&mut input, (30, 0x61));
        input.pointer(Point::new(1, 1));
        input.button(1, true);
        input.scroll_notches(0.0, 1.0);
        input.text("x");
        release(&mut input, (30, 0x61));
        input.blur();
        assert_eq!(input.take(), []);
    }

    #[test]
    fn a_shortcut_stays_here_and_frees_the_modifiers() {
        let mut input = live();
        for k in [CTRL, ALT, SHIFT] {
            press(&mut input, k);
        }
        input.take();
        assert_eq!(press(&mut input, (4, '3' as u32)), Some(Action::Mode(Mode::Hybrid)));
        assert_eq!(input.take(), [none_down()]);
        release(&mut input, (4, '3' as u32));
        // The prefix is still held: another shortcut works, and no release is told twice.
        assert_eq!(press(&mut input, (31, 's' as u32)), Some(Action::Statistics));
        release(&mut input, (31, 's' as u32));
        for k in [CTRL, ALT, SHIFT] {
            release(&mut input, k);
        }
        assert_eq!(input.take(), [none_down()]);
        assert_eq!(press(&mut input, (31, 's' as u32)), None);
        assert_eq!(input.take(), [key(31, 's' as u32, true)]);
    }

    #[test]
    fn shortcuts_work_with_meta_and_while_not_live() {
        let mut input = Input::default();
        for k in [SHIFT, (56, sym::Meta_L), (97, sym::Control_R)] {
            press(&mut input, k);
        }
        assert_eq!(press(&mut input, (16, 'q' as u32)), Some(Action::Quit));
        assert_eq!(press(&mut input, (45, 'x' as u32)), None);
    }

    #[test]
    fn repeats_and_old_presses_are_not_sent() {
        let mut input = live();
        let old = |(physical, keysym)| KeyChange {
            physical,
            keysym,
            down: true,
            stale: true,
            ..KeyChange::default()
        };
        input.key(old((15, sym::Tab)));
        input.key(old(CTRL));
        input.key(old(CTRL));
        assert_eq!(input.take(), [key(29, sym::Control_L, true)]);
    }

    #[test]
    fn a_key_without_a_code_does_not_stick() {
        let mut input = live();
        press(&mut input, (0, 0x61));
        assert_eq!(input.take(), [key(0, 0x61, true), key(0, 0x61, false)]);
        input.key(KeyChange { keysym: 0x61, ..KeyChange::default() });
        assert_eq!(input.take(), []);
    }

    #[test]
    fn moves_are_one_but_stay_before_the_click() {
        let mut input = live();
        for x in 0..5 {
            input.pointer(Point::new(x, 0));
        }
        input.button(1, true);
        input.pointer(Point::new(9, 9));
        let at = |x, y| InputEvent::Pointer { position: Point::new(x, y) };
        assert_eq!(input.take(), [at(4, 0), InputEvent::Button { button: 1, down: true }, at(9, 9)]);
        input.pointer(Point::new(9, 9));
        assert_eq!(input.take(), []);
    }

    #[test]
    fn what_the_pointer_rests_over_is_told_once() {
        let mut input = Input::default();
        input.rests(Point::new(1, 1));
        assert_eq!(input.take(), []);
        input.set_live(true);
        let at = |x, y| InputEvent::Pointer { position: Point::new(x, y) };
        assert_eq!(input.take(), [none_down(), at(1, 1)]);
        input.rests(Point::new(1, 1));
        assert_eq!(input.take(), []);
        // The picture became smaller below it.
        input.rests(Point::new(2, 2));
        input.button(1, true);
        assert_eq!(input.take(), [at(2, 2), InputEvent::Button { button: 1, down: true }]);
    }

    #[test]
    fn wheel_in_120ths_keeps_the_rest() {
        let mut input = live();
        input.scroll_notches(0.0, 1.0);
        input.scroll_notches(0.0, 0.5);
        assert_eq!(input.take(), [InputEvent::Scroll { dx: 0, dy: 180 }]);
        for _ in 0..4 {
            input.scroll_pixels(0.1, 0.0);
        }
        assert_eq!(input.take(), [InputEvent::Scroll { dx: 1, dy: 0 }]);
    }

    #[test]
    fn long_text_goes_in_pieces() {
        let mut input = live();
        let text = "é".repeat(1000);
        input.text(&text);
        let pieces = input.take();
        let all: String = pieces
            .iter()
            .map(|e| match e {
                InputEvent::Text { text } if text.len() <= MAX_KEY_TEXT => text.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(all, text);
        assert_eq!(pieces.len(), 2);
    }

    /// Request 4 of the research: after any interleaving the server's set is the window's.
    #[test]
    fn any_interleaving_leaves_the_same_set() {
        let keys = [CTRL, ALT, SHIFT, (30, 0x61), (31, 's' as u32), (0, 0x62)];
        let mut x = 7u32;
        for _ in 0..200 {
            let mut input = live();
            let mut server = BTreeSet::new();
            for _ in 0..60 {
                x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let k = keys[(x >> 8) as usize % keys.len()];
                match x >> 16 & 15 {
                    0 => input.blur(),
                    1 => input.set_live(false),
                    2..4 => input.set_live(true),
                    4..10 => drop(press(&mut input, k)),
                    _ => release(&mut input, k),
                }
                for event in input.take() {
                    match event {
                        InputEvent::Key { physical, down: true, .. } => assert!(server.insert(physical)),
                        InputEvent::Key { physical, .. } => assert!(server.remove(&physical)),
                        InputEvent::KeysDown { keys } => server = keys.into_iter().collect(),
                        other => panic!("{other:?}"),
                    }
                }
                assert_eq!(server, input.sent.keys().copied().collect());
                assert!(server.is_subset(&input.held.keys().copied().collect()));
                assert!(input.live || server.is_empty());
            }
        }
    }
}
