//! Keyboard and pointer through the X server's XTEST extension.

use std::time::Instant;

use panto_protocol::geometry::Point;
use panto_protocol::message::InputEvent;
use panto_protocol::wire::MAX_KEYS_DOWN;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::Event;
use x11rb::protocol::xkb::{self, ConnectionExt as _, EventType, MapPart, SelectEventsAux};
use x11rb::protocol::xproto::{self, ConnectionExt as _, ModMask, Window};
use x11rb::protocol::xtest::{self, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;
use xkeysym::{Keysym, key};

use super::keymap::{COMMAND, KeyMap, Kind, Mods, Plan, State};
use super::spare::Spares;
use super::{InjectError, Injector};
use crate::capture::{CaptureError, connect};

/// A notch of the wheel in [`InputEvent::Scroll`]'s unit.
const NOTCH: i64 = 120;

/// Clicks that one scroll event makes at most: a screen's worth, so that a
/// lying number cannot keep the server busy.
const MAX_CLICKS: i64 = 64;

/// X key codes are evdev's plus this (the first 8 are reserved by the protocol).
const EVDEV_OFFSET: u16 = 8;

/// What a viewer calls a key: its physical code, or its keysym where it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyId {
    Physical(u16),
    Keysym(u32),
}

/// A key that is down because we pressed it.
#[derive(Debug, Clone, Copy)]
struct Held {
    id: KeyId,
    keycode: u8,
    /// The modifiers that it switches on.
    mods: Mods,
}

/// Injects by XTEST, finding keys by keysym in the server's own keyboard map.
///
/// Blocking: a key press costs one round trip, and a character that has to push
/// another one out of the pool of borrowed keycodes waits up to 100 ms.
#[derive(Debug)]
pub struct XtestInjector {
    conn: RustConnection,
    root: Window,
    keycodes: std::ops::RangeInclusive<u8>,
    /// In the order of pressing; at most [`MAX_KEYS_DOWN`].
    held: Vec<Held>,
    buttons: Vec<u8>,
    /// Buttons that the server's pointer has.
    button_count: u8,
    map: KeyMap,
    map_is_stale: bool,
    spares: Spares,
    /// Scrolled but not yet clicked: right and down, in 1/120 of a notch.
    scroll: (i64, i64),
}

impl XtestInjector {
    /// Opens `display`, or `$DISPLAY` without one.
    pub fn open(display: Option<&str>) -> Result<Self, InjectError> {
        let (conn, screen) = connect(display)?;
        for extension in [xtest::X11_EXTENSION_NAME, xkb::X11_EXTENSION_NAME] {
            if conn.extension_information(extension)?.is_none() {
                return Err(InjectError::Missing { extension });
            }
        }
        conn.xtest_get_version(2, 2)?.reply()?;
        // A menu or a screen lock that grabs the server must not lock us out.
        conn.xtest_grab_control(true)?;
        if !conn.xkb_use_extension(1, 0)?.reply()?.supported {
            return Err(InjectError::Missing { extension: xkb::X11_EXTENSION_NAME });
        }
        let device = xkb::ID::USE_CORE_KBD.into();
        let parts = MapPart::KEY_TYPES | MapPart::KEY_SYMS | MapPart::MODIFIER_MAP;
        let events = EventType::NEW_KEYBOARD_NOTIFY | EventType::MAP_NOTIFY;
        let clear = EventType::from(0u16);
        conn.xkb_select_events(device, clear, events, parts, parts, &SelectEventsAux::new())?;
        let button_count = conn.get_pointer_mapping()?.reply()?.map.len().min(255) as u8;
        let setup = conn.setup();
        let keycodes = setup.min_keycode..=setup.max_keycode;
        let root = setup.roots.get(screen).map(|screen| screen.root);
        let root =
            root.ok_or(InjectError::Server(CaptureError::Nonsense { what: "there is no such screen" }))?;
        let mut injector = Self {
            root,
            keycodes,
            held: Vec::new(),
            buttons: Vec::new(),
            button_count,
            map: KeyMap::default(),
            map_is_stale: true,
            spares: Spares::default(),
            scroll: (0, 0),
            conn,
        };
        injector.sync()?;
        Ok(injector)
    }

    fn fake(&self, kind: u8, detail: u8, at: Point) -> Result<(), InjectError> {
        let within = |v: i32| v.clamp(0, i16::MAX.into()) as i16;
        self.conn.xtest_fake_input(
            kind,
            detail,
            x11rb::CURRENT_TIME,
            self.root,
            within(at.x),
            within(at.y),
            0,
        )?;
        Ok(())
    }

    fn fake_key(&self, keycode: u8, down: bool) -> Result<(), InjectError> {
        let kind = if down { xproto::KEY_PRESS_EVENT } else { xproto::KEY_RELEASE_EVENT };
        self.fake(kind, keycode, Point::default())
    }

    fn fake_button(&self, button: u8, down: bool) -> Result<(), InjectError> {
        let kind = if down { xproto::BUTTON_PRESS_EVENT } else { xproto::BUTTON_RELEASE_EVENT };
        self.fake(kind, button, Point::default())
    }

    fn button(&mut self, button: u8, down: bool) -> Result<(), InjectError> {
        let exists = (1..=self.button_count).contains(&button) && !(4..=7).contains(&button);
        if !exists || self.buttons.contains(&button) == down {
            return Ok(());
        }
        if down {
            self.buttons.push(button);
        } else {
            self.buttons.retain(|b| *b != button);
        }
        self.fake_button(button, down)
    }

    fn scroll(&mut self, dx: i32, dy: i32) -> Result<(), InjectError> {
        let (right, down) = (clicks(&mut self.scroll.0, dx), clicks(&mut self.scroll.1, dy));
        for (count, less, more) in [(down, 4, 5), (right, 6, 7)] {
            let button = if count < 0 { less } else { more };
            if button > self.button_count {
                continue;
            }
            for _ in 0..count.abs() {
                self.fake_button(button, true)?;
                self.fake_button(button, false)?;
            }
        }
        Ok(())
    }

    /// Learns the keyboard's state, and its map if that has changed.
    ///
    /// The answer comes behind every event that the server has sent before, so that
    /// a map changed by another program a moment ago is seen.
    fn sync(&mut self) -> Result<(State, u8), InjectError> {
        let state = self.conn.xkb_get_state(xkb::ID::USE_CORE_KBD.into())?.reply()?;
        while let Some(event) = self.conn.poll_for_event()? {
            match event {
                Event::MappingNotify(_) | Event::XkbMapNotify(_) | Event::XkbNewKeyboardNotify(_) => {
                    self.map_is_stale = true;
                }
                Event::Error(error) => tracing::debug!(?error, "the X server refused input"),
                _ => {}
            }
        }
        if std::mem::take(&mut self.map_is_stale) {
            self.map = KeyMap::fetch(&self.conn)?;
            let map = &self.map;
            self.spares.refresh(&map.unused(), |keycode, keysym| map.has(keycode, keysym));
        }
        let bits = |mask: ModMask| u16::from(mask) as Mods;
        let ours = self.held.iter().fold(0, |mods, held| mods | held.mods);
        let state_now = State {
            mods: bits(state.mods),
            group: state.group.into(),
            releasable: ours & !bits(state.latched_mods) & !bits(state.locked_mods),
        };
        Ok((state_now, state.locked_group.into()))
    }

    /// The key code of an evdev code.
    fn keycode(&self, physical: u16) -> Option<u8> {
        let keycode = physical.checked_add(EVDEV_OFFSET).and_then(|k| u8::try_from(k).ok())?;
        (physical != 0 && self.keycodes.contains(&keycode)).then_some(keycode)
    }

    /// How to press what the viewer sent; `None` if this keyboard has nothing like it.
    fn choose(&mut self, physical: u16, keysym: u32, state: State) -> Result<Option<Plan>, InjectError> {
        let by_position = self.keycode(physical);
        let direct = |keycode| Plan { keycode, group: None, press: 0, release: 0 };
        if keysym == 0 {
            return Ok(by_position.map(direct));
        }
        if let Some(plan) = self.map.plan(keysym, by_position, state) {
            return Ok(Some(plan));
        }
        let kind = Kind::of(keysym);
        match kind {
            // AltGr on a keyboard without: as an Alt it would turn text into commands.
            Kind::Modifier if is_layout_shift(keysym) => return Ok(None),
            Kind::Modifier | Kind::Function if by_position.is_some() => return Ok(by_position.map(direct)),
            // Ctrl+C of a Cyrillic layout: programs know the command by its place.
            Kind::Text if state.mods & COMMAND != 0 && by_position.is_some() => {
                return Ok(by_position.map(direct));
            }
            _ => {}
        }
        match self.borrow_keycode(keysym)? {
            Some(keycode) => Ok(Some(direct(keycode))),
            None => Ok(by_position.map(direct)),
        }
    }

    /// Gives an unused keycode the meaning `keysym`.
    fn borrow_keycode(&mut self, keysym: u32) -> Result<Option<u8>, InjectError> {
        let held = &self.held;
        let lent = self.spares.lend(keysym, Instant::now(), |k| held.iter().any(|h| h.keycode == k));
        let Some(lent) = lent else { return Ok(None) };
        if !lent.ready {
            if !lent.wait.is_zero() {
                std::thread::sleep(lent.wait);
            }
            // The same keysym with and without Shift; else the server would derive the other case.
            self.conn.change_keyboard_mapping(1, lent.keycode, 2, &[keysym, keysym])?;
        }
        Ok(Some(lent.keycode))
    }

    /// Presses what gives `keysym` and returns the key that is now down.
    fn press(&mut self, physical: u16, keysym: u32) -> Result<Option<(u8, Mods)>, InjectError> {
        let (state, locked_group) = self.sync()?;
        let Some(plan) = self.choose(physical, keysym, state)? else {
            tracing::trace!(physical, keysym, "no key for this");
            return Ok(None);
        };
        let mut around: Vec<(u8, bool)> = self
            .held
            .iter()
            .filter(|held| held.mods & plan.release != 0)
            .map(|held| (held.keycode, false))
            .collect();
        around.extend(self.map.shifters_for(plan.press).map(|keycode| (keycode, true)));
        if let Some(group) = plan.group {
            self.lock_group(group)?;
        }
        for &(keycode, down) in &around {
            self.fake_key(keycode, down)?;
        }
        if self.held.iter().any(|held| held.keycode == plan.keycode) {
            // Another of the viewer's keys leads to the same key here.
            self.fake_key(plan.keycode, false)?;
        }
        self.fake_key(plan.keycode, true)?;
        for &(keycode, down) in around.iter().rev() {
            self.fake_key(keycode, !down)?;
        }
        if plan.group.is_some() {
            self.lock_group(locked_group)?;
        }
        self.spares.touch(plan.keycode, Instant::now());
        let meant = if keysym == 0 { self.map.plain(plan.keycode, state.group) } else { keysym };
        let mods =
            if Kind::of(meant) == Kind::Modifier { self.map.modifiers_of(plan.keycode, meant) } else { 0 };
        Ok(Some((plan.keycode, mods)))
    }

    fn lock_group(&self, group: u8) -> Result<(), InjectError> {
        let none = ModMask::from(0u16);
        let device = xkb::ID::USE_CORE_KBD.into();
        self.conn.xkb_latch_lock_state(device, none, none, true, group.into(), none, false, 0)?;
        Ok(())
    }

    fn key_down(&mut self, id: KeyId, physical: u16, keysym: u32) -> Result<(), InjectError> {
        if self.held.iter().any(|held| held.id == id) || self.held.len() >= MAX_KEYS_DOWN {
            return Ok(());
        }
        if let Some((keycode, mods)) = self.press(physical, keysym)? {
            self.held.push(Held { id, keycode, mods });
        }
        Ok(())
    }

    fn release_where(&mut self, unwanted: impl Fn(&Held) -> bool) -> Result<(), InjectError> {
        // Last pressed, first released: modifiers outlive what they modify.
        for i in (0..self.held.len()).rev() {
            if !unwanted(&self.held[i]) {
                continue;
            }
            let gone = self.held.remove(i);
            if self.held.iter().all(|held| held.keycode != gone.keycode) {
                self.fake_key(gone.keycode, false)?;
            }
        }
        Ok(())
    }

    fn type_text(&mut self, text: &str) -> Result<(), InjectError> {
        for c in text.chars() {
            let keysym = match c {
                '\n' => key::Return,
                _ => Keysym::from_char(c).raw(),
            };
            if keysym == 0 || keysym == key::NoSymbol {
                continue;
            }
            let Some((keycode, _)) = self.press(0, keysym)? else { continue };
            // A key that the person holds down stays down.
            if self.held.iter().all(|held| held.keycode != keycode) {
                self.fake_key(keycode, false)?;
            }
        }
        Ok(())
    }
}

impl Injector for XtestInjector {
    fn inject(&mut self, event: &InputEvent) -> Result<(), InjectError> {
        match event {
            InputEvent::Pointer { position } => self.fake(xproto::MOTION_NOTIFY_EVENT, 0, *position)?,
            InputEvent::Button { button, down } => self.button(*button, *down)?,
            InputEvent::Scroll { dx, dy } => self.scroll(*dx, *dy)?,
            InputEvent::Key { physical, keysym, down, text } => {
                let id = if *physical != 0 { KeyId::Physical(*physical) } else { KeyId::Keysym(*keysym) };
                if *down {
                    let keysym = if *keysym != 0 { *keysym } else { only_character(text) };
                    self.key_down(id, *physical, keysym)?;
                } else {
                    self.release_where(|held| held.id == id)?;
                }
            }
            InputEvent::KeysDown { keys } => {
                self.release_where(|held| !matches!(held.id, KeyId::Physical(k) if keys.contains(&k)))?;
            }
            InputEvent::Text { text } => self.type_text(text)?,
        }
        self.conn.flush()?;
        Ok(())
    }

    fn release_all(&mut self) -> Result<(), InjectError> {
        self.release_where(|_| true)?;
        for button in std::mem::take(&mut self.buttons) {
            self.fake_button(button, false)?;
        }
        self.scroll = (0, 0);
        self.conn.flush()?;
        Ok(())
    }
}

impl Drop for XtestInjector {
    fn drop(&mut self) {
        // A server that is gone holds no keys.
        let _ = self.release_all();
        for keycode in self.spares.take_all() {
            if let Ok(cookie) = self.conn.change_keyboard_mapping(1, keycode, 1, &[0]) {
                cookie.ignore_error();
            }
        }
        // Wait until the server has read all of it; closing may overtake what is sent.
        let _ = self.conn.get_input_focus().map(|cookie| cookie.reply());
    }
}

/// Adds `turned` to what is left of earlier turning, takes whole notches out and returns them.
fn clicks(left: &mut i64, turned: i32) -> i64 {
    let turned = i64::from(turned);
    if *left * turned < 0 {
        // Turning back starts anew: half a notch of the other way must not swallow it.
        *left = 0;
    }
    let sum = *left + turned;
    let clicks = (sum / NOTCH).clamp(-MAX_CLICKS, MAX_CLICKS);
    *left = sum % NOTCH;
    clicks
}

/// The keysym of a text that is one character, else 0.
fn only_character(text: &str) -> u32 {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Keysym::from_char(c).raw(),
        _ => 0,
    }
}

/// Keysyms that choose a level or a group and do nothing by themselves.
fn is_layout_shift(keysym: u32) -> bool {
    (key::ISO_Lock..=key::ISO_Level5_Lock).contains(&keysym) || keysym == key::Mode_switch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notches_add_up() {
        let mut left = 0;
        let turns = [50, 50, 50, -10, 120, 30, i32::MAX, i32::MIN];
        let clicks: Vec<i64> = turns.iter().map(|&t| clicks(&mut left, t)).collect();
        assert_eq!(clicks, [0, 0, 1, 0, 1, 0, 64, -64]);
        assert!(left.abs() < NOTCH);
    }

    #[test]
    fn one_character_is_a_keysym() {
        assert_eq!(only_character("é"), key::eacute);
        assert_eq!(only_character("ab"), 0);
        assert_eq!(only_character(""), 0);
    }
}
