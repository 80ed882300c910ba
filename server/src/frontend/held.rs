//! What one viewer holds down, so that nothing stays stuck when it goes.

use std::collections::{BTreeMap, BTreeSet};

use panto_protocol::message::InputEvent;

/// Keys and buttons that a viewer pressed and did not release.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Keysyms by key: its physical code, or its keysym where that is unknown (0).
    keys: BTreeMap<(u16, u32), u32>,
    buttons: BTreeSet<u8>,
}

impl Held {
    /// Takes note of an event that was injected.
    pub(super) fn note(&mut self, event: &InputEvent) {
        match event {
            InputEvent::Key { physical, keysym, down: true, .. } => {
                self.keys.insert(identity(*physical, *keysym), *keysym);
            }
            InputEvent::Key { physical, keysym, down: false, .. } => {
                self.keys.remove(&identity(*physical, *keysym));
            }
            InputEvent::KeysDown { keys } => self.keys.retain(|(physical, _), _| keys.contains(physical)),
            InputEvent::Button { button, down: true } => {
                self.buttons.insert(*button);
            }
            InputEvent::Button { button, down: false } => {
                self.buttons.remove(button);
            }
            _ => {}
        }
    }

    /// Events that release everything; nothing is held afterwards.
    pub(super) fn release(&mut self) -> Vec<InputEvent> {
        let keys = std::mem::take(&mut self.keys).into_iter().map(|((physical, _), keysym)| {
            InputEvent::Key { physical, keysym, down: false, text: String::new() }
        });
        let buttons = std::mem::take(&mut self.buttons)
            .into_iter()
            .map(|button| InputEvent::Button { button, down: false });
        keys.chain(buttons).collect()
    }
}

const fn identity(physical: u16, keysym: u32) -> (u16, u32) {
    (physical, if physical == 0 { keysym } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(physical: u16, down: bool) -> InputEvent {
        InputEvent::Key { physical, keysym: 0, down, text: String::new() }
    }

    proptest! {
        #[test]
        fn after_release_the_remote_set_is_empty(
            events in prop::collection::vec((0..4u8, 0..6u16, any::<bool>()), 0..50),
        ) {
            let mut held = Held::default();
            let mut remote: BTreeSet<(bool, u16)> = BTreeSet::new();
            let mut play = |event: &InputEvent| match event {
                InputEvent::Key { physical, down: true, .. } => { remote.insert((true, *physical)); }
                InputEvent::Key { physical, .. } => { remote.remove(&(true, *physical)); }
                InputEvent::Button { button, down: true } => { remote.insert((false, u16::from(*button))); }
                InputEvent::Button { button, .. } => { remote.remove(&(false, u16::from(*button))); }
                InputEvent::KeysDown { keys } => remote.retain(|(k, n)| !k || keys.contains(n)),
                _ => {}
            };
            for (kind, n, down) in events {
                let event = match kind {
                    0 | 1 => key(n, down),
                    2 => InputEvent::Button { button: n as u8 + 1, down },
                    _ => InputEvent::KeysDown { keys: vec![n] },
                };
                play(&event);
                held.note(&event);
            }
            for event in held.release() {
                play(&event);
            }
            prop_assert!(remote.is_empty());
            prop_assert!(held.release().is_empty());
        }
    }
}
