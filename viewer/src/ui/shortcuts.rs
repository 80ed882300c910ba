//! The viewer's own keys: Ctrl+Alt+Shift and one more.

use panto_protocol::message::Mode;

/// What a shortcut does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Mode(Mode),
    Statistics,
    Explain,
    FullScreen,
    Grab,
    Refresh,
    ViewOnly,
    SavePicture,
    Reconnect,
    Menu,
    Quit,
}

/// One line of the menu.
#[derive(Debug)]
pub(super) struct Shortcut {
    /// The key, as a capital letter or digit.
    pub(super) key: char,
    pub(super) action: Action,
    pub(super) label: &'static str,
}

/// How the prefix is written for people.
pub(super) const PREFIX: &str = "Ctrl+Alt+Shift";

/// Every shortcut, in the menu's order.
pub(super) const SHORTCUTS: &[Shortcut] = &[
    shortcut('1', Action::Mode(Mode::Pixels), "Send pixels"),
    shortcut('2', Action::Mode(Mode::Commands), "Send draw commands"),
    shortcut('3', Action::Mode(Mode::Hybrid), "Send the cheaper of both"),
    shortcut('0', Action::Mode(Mode::Auto), "Let the link decide"),
    shortcut('S', Action::Statistics, "Statistics"),
    shortcut('E', Action::Explain, "Explain how it is sent"),
    shortcut('F', Action::FullScreen, "Full screen"),
    shortcut('G', Action::Grab, "Grab the keyboard"),
    shortcut('V', Action::ViewOnly, "View only"),
    shortcut('L', Action::Refresh, "Lossless refresh"),
    shortcut('P', Action::SavePicture, "Save picture"),
    shortcut('R', Action::Reconnect, "Connect again now"),
    shortcut('M', Action::Menu, "Close this menu"),
    shortcut('Q', Action::Quit, "Quit"),
];

const fn shortcut(key: char, action: Action, label: &'static str) -> Shortcut {
    Shortcut { key, action, label }
}

/// `KEY_F8`, which opens the menu as `M` does.
const F8: u16 = 66;

/// The shortcut of a key: by the character that it types without modifiers, so
/// that letters are found where the layout has them, else by its place on the keyboard
/// (digits on a French layout, every key on a Cyrillic one).
pub(super) fn action(plain: Option<char>, physical: u16) -> Option<Action> {
    if physical == F8 {
        return Some(Action::Menu);
    }
    let key = match plain.map(|c| c.to_ascii_uppercase()) {
        Some(c @ ('A'..='Z' | '0'..='9')) => c,
        _ => us_layout(physical)?,
    };
    SHORTCUTS.iter().find(|s| s.key == key).map(|s| s.action)
}

/// The letter or digit that a key of this evdev code has on a US keyboard.
fn us_layout(physical: u16) -> Option<char> {
    let row = |keys: &'static [u8], first: u16| {
        keys.get(usize::from(physical.checked_sub(first)?)).map(|&k| char::from(k))
    };
    row(b"1234567890", 2)
        .or_else(|| row(b"QWERTYUIOP", 16))
        .or_else(|| row(b"ASDFGHJKL", 30))
        .or_else(|| row(b"ZXCVBNM", 44))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_by_letter_then_by_place() {
        assert_eq!(action(Some('s'), 31), Some(Action::Statistics));
        // Dvorak: the key typing s is where ; is.
        assert_eq!(action(Some('s'), 39), Some(Action::Statistics));
        assert_eq!(action(Some('o'), 31), None);
        // French digits want Shift, Cyrillic has no Latin letters.
        assert_eq!(action(Some('&'), 2), Some(Action::Mode(Mode::Pixels)));
        assert_eq!(action(Some('ы'), 31), Some(Action::Statistics));
        assert_eq!(action(None, 11), Some(Action::Mode(Mode::Auto)));
        assert_eq!(action(None, 66), Some(Action::Menu));
        assert_eq!(action(Some('x'), 45), None);
        assert_eq!(action(None, 0), None);
        assert_eq!(action(None, 1), None);
    }

    #[test]
    fn every_key_once() {
        let keys: std::collections::BTreeSet<_> = SHORTCUTS.iter().map(|s| s.key).collect();
        assert_eq!(keys.len(), SHORTCUTS.len());
    }
}
