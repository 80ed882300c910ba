//! What follows from the person's keys, buttons and pointer: input, menu, shortcuts.

use std::time::Instant;

use panto_protocol::geometry::Point;
use panto_protocol::message::Settings;
use winit::event::{ElementState, KeyEvent, MouseButton};
use winit::event_loop::ActiveEventLoop;
use winit::keyboard::{Key, NamedKey};
use winit::window::Fullscreen;

use super::app::App;
use super::input::KeyChange;
use super::keymap;
use super::overlay::{Detail, Overlay};
use super::panels::MenuState;
use super::save::save;
use super::shortcuts::{self, Action, SHORTCUTS};
use crate::core::{Command, Connection};

impl App {
    pub(super) fn key(&mut self, event_loop: &ActiveEventLoop, event: &KeyEvent, synthetic: bool) {
        let down = event.state == ElementState::Pressed;
        let fresh = down && !synthetic && !event.repeat;
        if fresh && matches!(self.seen.connection, Connection::Closed { .. }) {
            let leaves = matches!(event.logical_key, Key::Named(NamedKey::Escape | NamedKey::Enter));
            if leaves || plain_char(event).is_some_and(|c| c.eq_ignore_ascii_case(&'q')) {
                return self.quit(event_loop);
            }
        }
        let change = KeyChange {
            physical: keymap::physical(event.physical_key),
            keysym: keymap::keysym(&event.logical_key, event.location),
            text: keymap::text(event.text.as_deref()),
            plain: plain_char(event),
            down,
            stale: down && !fresh,
        };
        match self.input.key(change) {
            Some(action) => self.perform(event_loop, action),
            None if down && !synthetic && self.overlay.menu_is_open() => {
                self.menu_key(event_loop, event, change, fresh);
            }
            None => {}
        }
    }

    fn menu_key(
        &mut self,
        event_loop: &ActiveEventLoop,
        event: &KeyEvent,
        change: KeyChange<'_>,
        fresh: bool,
    ) {
        match event.logical_key {
            Key::Named(NamedKey::ArrowUp) => self.overlay.menu_step(-1),
            Key::Named(NamedKey::ArrowDown | NamedKey::Tab) => self.overlay.menu_step(1),
            Key::Named(NamedKey::Escape) => self.overlay.close_menu(),
            Key::Named(NamedKey::Enter | NamedKey::Space) if fresh => {
                if let Some(i) = self.overlay.menu_chosen() {
                    self.perform(event_loop, SHORTCUTS[i].action);
                }
            }
            _ if fresh => {
                if let Some(action) = shortcuts::action(change.plain, change.physical) {
                    self.perform(event_loop, action);
                }
            }
            _ => {}
        }
    }

    pub(super) fn button(&mut self, event_loop: &ActiveEventLoop, button: MouseButton, down: bool) {
        if self.overlay.menu_is_open() {
            if down && self.overlay.menu_contains(self.pointer) {
                if let Some(i) = self.overlay.menu_point(self.pointer) {
                    self.perform(event_loop, SHORTCUTS[i].action);
                }
            } else if down {
                self.overlay.close_menu();
            }
            return;
        }
        let number = match button {
            MouseButton::Left => 1,
            MouseButton::Middle => 2,
            MouseButton::Right => 3,
            MouseButton::Back => 8,
            MouseButton::Forward => 9,
            // 4 to 7 are the wheel.
            MouseButton::Other(n) => match u8::try_from(n) {
                Ok(n @ 10..) => n,
                _ => return,
            },
        };
        if !down || self.scene.layout().place().contains(self.pointer) {
            self.input.button(number, down);
        }
    }

    pub(super) fn moved(&mut self, pointer: Point) {
        self.pointer = pointer;
        self.hovers = true;
        if self.overlay.menu_is_open() {
            self.overlay.menu_point(pointer);
            return;
        }
        self.stale |= self.scene.pan(pointer);
        // Beside the picture the pointer stays at its edge, where panels hide.
        if !self.scene.layout().place().is_empty() {
            self.input.pointer(self.scene.layout().to_screen(pointer));
        }
    }

    fn perform(&mut self, event_loop: &ActiveEventLoop, action: Action) {
        let now = Instant::now();
        let was_open = self.overlay.menu_is_open();
        self.overlay.close_menu();
        let say = |overlay: &mut Overlay, text: &str| {
            if self.options.hints {
                overlay.notice(text, now);
            }
        };
        match action {
            Action::Mode(mode) => {
                self.handle.send(Command::Settings(Settings { mode, ..self.seen.settings }));
            }
            Action::Statistics => self.overlay.next_detail(),
            Action::Explain => {
                self.handle.send(Command::Explain(!self.seen.explained));
                let text = match self.seen.explained {
                    false => "Tinted by how each area is sent from now on",
                    true => "The picture as it is",
                };
                say(&mut self.overlay, text);
            }
            Action::FullScreen => {
                if let Some(view) = &self.view {
                    let full = view.window.fullscreen().is_some();
                    view.window.set_fullscreen((!full).then_some(Fullscreen::Borderless(None)));
                }
            }
            Action::Grab => self.overlay.notice(
                "The keyboard cannot be grabbed here: keys that the local desktop takes, such as Alt+Tab, \
                 stay with it.",
                now,
            ),
            Action::Refresh => {
                self.handle.send(Command::Refresh);
                say(&mut self.overlay, "Asked for the whole picture, exactly");
            }
            Action::ViewOnly => {
                self.view_only = !self.view_only;
                say(
                    &mut self.overlay,
                    match (self.view_only, self.seen.may_control) {
                        (true, _) => "View only: nothing you do is sent",
                        (false, true) => "Your keyboard and pointer work again",
                        (false, false) => "The server lets you view only",
                    },
                );
            }
            Action::SavePicture => self.save_picture(),
            Action::Reconnect => self.handle.send(Command::Reconnect),
            Action::Menu if was_open => {}
            Action::Menu => self.overlay.open_menu(MenuState {
                server: self.seen.server.clone(),
                mode: self.seen.settings.mode,
                statistics: self.overlay.detail() != Detail::Off,
                explained: self.seen.explained,
                full_screen: self.view.as_ref().is_some_and(|v| v.window.fullscreen().is_some()),
                view_only: self.only_views(),
                chosen: None,
            }),
            Action::Quit => return self.quit(event_loop),
        }
        self.update_live();
    }

    /// Saves beside the loop, for compressing a large picture takes longer than a frame.
    fn save_picture(&self) {
        let picture = self.handle.shown().picture.clone();
        let (done, proxy) = (self.saved.0.clone(), self.proxy.clone());
        std::thread::spawn(move || {
            let text = match std::env::current_dir().and_then(|folder| save(&picture, &folder)) {
                Ok(path) => format!("Saved as {}", path.display()),
                Err(e) => format!("The picture could not be saved: {e}"),
            };
            if done.send(text).is_ok() {
                let _ = proxy.send_event(());
            }
        });
    }
}

/// What the key types without modifiers.
fn plain_char(event: &KeyEvent) -> Option<char> {
    #[cfg(target_os = "linux")]
    let key = {
        use winit::platform::modifier_supplement::KeyEventExtModifierSupplement;
        event.key_without_modifiers()
    };
    #[cfg(not(target_os = "linux"))]
    let key = event.logical_key.clone();
    match key {
        Key::Character(text) => text.chars().next(),
        _ => None,
    }
}
