//! Keys: from winit's names to Linux evdev codes, X11 keysyms and text.

use winit::keyboard::{Key, KeyCode as K, KeyLocation, NamedKey as N, NativeKey, NativeKeyCode, PhysicalKey};
use xkeysym::{Keysym, key as sym};

/// The evdev code of a physical key, 0 when unknown (`linux/input-event-codes.h`).
pub(super) fn physical(key: PhysicalKey) -> u16 {
    match key {
        PhysicalKey::Code(code) => PHYSICAL.iter().find(|(k, _)| *k == code).map_or(0, |&(_, c)| c),
        // winit hands on what it has no name for; 240 is KEY_UNKNOWN.
        PhysicalKey::Unidentified(NativeKeyCode::Xkb(code)) => {
            u16::try_from(code).ok().filter(|&c| c != 240).unwrap_or(0)
        }
        PhysicalKey::Unidentified(_) => 0,
    }
}

/// The X11 keysym that a key has in the viewer's layout, 0 when unknown.
///
/// A dead key gives its `dead_…` keysym. winit composes, so the key after it comes
/// with the composed character as keysym and text.
pub(super) fn keysym(key: &Key, location: KeyLocation) -> u32 {
    match key {
        Key::Named(named) => named_keysym(*named, location),
        Key::Character(text) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => keypad_character(c, location).unwrap_or(Keysym::from_char(c).raw()),
                _ => 0,
            }
        }
        Key::Dead(Some(c)) => DEAD.iter().find(|(d, _)| d == c).map_or(0, |&(_, s)| s),
        Key::Dead(None) => 0,
        Key::Unidentified(NativeKey::Xkb(keysym)) => *keysym,
        Key::Unidentified(_) => 0,
    }
}

/// The text that a press typed: printable characters only, for Return and its like are keysyms.
pub(super) fn text(text: Option<&str>) -> &str {
    text.filter(|t| !t.chars().any(char::is_control)).unwrap_or_default()
}

fn keypad_character(c: char, location: KeyLocation) -> Option<u32> {
    if location != KeyLocation::Numpad {
        return None;
    }
    Some(match c {
        '0'..='9' => sym::KP_0 + (c as u32 - '0' as u32),
        '+' => sym::KP_Add,
        '-' => sym::KP_Subtract,
        '*' => sym::KP_Multiply,
        '/' => sym::KP_Divide,
        '.' => sym::KP_Decimal,
        ',' => sym::KP_Separator,
        '=' => sym::KP_Equal,
        _ => return None,
    })
}

fn named_keysym(key: N, location: KeyLocation) -> u32 {
    let sided = |left, right| if location == KeyLocation::Right { right } else { left };
    let padded = |plain, keypad| if location == KeyLocation::Numpad { keypad } else { plain };
    match key {
        N::Shift => sided(sym::Shift_L, sym::Shift_R),
        N::Control => sided(sym::Control_L, sym::Control_R),
        N::Alt => sided(sym::Alt_L, sym::Alt_R),
        N::Super => sided(sym::Super_L, sym::Super_R),
        N::Meta => sided(sym::Meta_L, sym::Meta_R),
        N::Hyper => sided(sym::Hyper_L, sym::Hyper_R),
        N::Enter => padded(sym::Return, sym::KP_Enter),
        N::Tab => padded(sym::Tab, sym::KP_Tab),
        N::Space => padded(sym::space, sym::KP_Space),
        N::Home => padded(sym::Home, sym::KP_Home),
        N::End => padded(sym::End, sym::KP_End),
        N::PageUp => padded(sym::Page_Up, sym::KP_Page_Up),
        N::PageDown => padded(sym::Page_Down, sym::KP_Page_Down),
        N::ArrowLeft => padded(sym::Left, sym::KP_Left),
        N::ArrowRight => padded(sym::Right, sym::KP_Right),
        N::ArrowUp => padded(sym::Up, sym::KP_Up),
        N::ArrowDown => padded(sym::Down, sym::KP_Down),
        N::Insert => padded(sym::Insert, sym::KP_Insert),
        N::Delete => padded(sym::Delete, sym::KP_Delete),
        _ => NAMED.iter().find(|(k, _)| *k == key).map_or(0, |&(_, s)| s),
    }
}

/// Spacing (or combining) form of a dead key, as winit names it, and its keysym.
const DEAD: &[(char, u32)] = &[
    ('`', sym::dead_grave),
    ('´', sym::dead_acute),
    ('\'', sym::dead_acute),
    ('^', sym::dead_circumflex),
    ('~', sym::dead_tilde),
    ('¯', sym::dead_macron),
    ('˘', sym::dead_breve),
    ('˙', sym::dead_abovedot),
    ('¨', sym::dead_diaeresis),
    ('"', sym::dead_diaeresis),
    ('°', sym::dead_abovering),
    ('˚', sym::dead_abovering),
    ('˝', sym::dead_doubleacute),
    ('ˇ', sym::dead_caron),
    ('¸', sym::dead_cedilla),
    ('˛', sym::dead_ogonek),
    ('ͺ', sym::dead_iota),
    ('゛', sym::dead_voiced_sound),
    ('゜', sym::dead_semivoiced_sound),
    ('\u{323}', sym::dead_belowdot),
    ('\u{309}', sym::dead_hook),
    ('\u{31b}', sym::dead_horn),
];

/// Keys that have a name and one keysym.
#[rustfmt::skip]
const NAMED: &[(N, u32)] = &[
    (N::Backspace, sym::BackSpace), (N::Escape, sym::Escape), (N::Pause, sym::Pause), (N::Clear, sym::Clear),
    (N::AltGraph, sym::ISO_Level3_Shift), (N::CapsLock, sym::Caps_Lock), (N::NumLock, sym::Num_Lock),
    (N::ScrollLock, sym::Scroll_Lock), (N::ModeChange, sym::Mode_switch), (N::Compose, sym::Multi_key),
    (N::PrintScreen, sym::Print), (N::ContextMenu, sym::Menu), (N::Select, sym::Select),
    (N::Execute, sym::Execute), (N::Undo, sym::Undo), (N::Redo, sym::Redo), (N::Find, sym::Find),
    (N::Cancel, sym::Cancel), (N::Help, sym::Help), (N::Copy, sym::XF86_Copy), (N::Cut, sym::XF86_Cut),
    (N::Paste, sym::XF86_Paste), (N::Open, sym::XF86_Open), (N::Save, sym::XF86_Save), (N::New, sym::XF86_New),
    (N::Close, sym::XF86_Close), (N::GroupFirst, sym::ISO_First_Group), (N::GroupLast, sym::ISO_Last_Group),
    (N::GroupNext, sym::ISO_Next_Group), (N::GroupPrevious, sym::ISO_Prev_Group),
    (N::F1, sym::F1), (N::F2, sym::F2), (N::F3, sym::F3), (N::F4, sym::F4), (N::F5, sym::F5), (N::F6, sym::F6),
    (N::F7, sym::F7), (N::F8, sym::F8), (N::F9, sym::F9), (N::F10, sym::F10), (N::F11, sym::F11),
    (N::F12, sym::F12), (N::F13, sym::F13), (N::F14, sym::F14), (N::F15, sym::F15), (N::F16, sym::F16),
    (N::F17, sym::F17), (N::F18, sym::F18), (N::F19, sym::F19), (N::F20, sym::F20), (N::F21, sym::F21),
    (N::F22, sym::F22), (N::F23, sym::F23), (N::F24, sym::F24), (N::F25, sym::F25), (N::F26, sym::F26),
    (N::F27, sym::F27), (N::F28, sym::F28), (N::F29, sym::F29), (N::F30, sym::F30), (N::F31, sym::F31),
    (N::F32, sym::F32), (N::F33, sym::F33), (N::F34, sym::F34), (N::F35, sym::F35),
    (N::KanjiMode, sym::Kanji), (N::NonConvert, sym::Muhenkan), (N::Convert, sym::Henkan_Mode),
    (N::Romaji, sym::Romaji), (N::Hiragana, sym::Hiragana), (N::Katakana, sym::Katakana),
    (N::HiraganaKatakana, sym::Hiragana_Katakana), (N::Zenkaku, sym::Zenkaku), (N::Hankaku, sym::Hankaku),
    (N::ZenkakuHankaku, sym::Zenkaku_Hankaku), (N::KanaMode, sym::Kana_Lock), (N::Alphanumeric, sym::Eisu_toggle),
    (N::Eisu, sym::Eisu_toggle), (N::HangulMode, sym::Hangul), (N::HanjaMode, sym::Hangul_Hanja),
    (N::CodeInput, sym::Codeinput), (N::SingleCandidate, sym::SingleCandidate),
    (N::AllCandidates, sym::MultipleCandidate), (N::PreviousCandidate, sym::PreviousCandidate),
    (N::AudioVolumeMute, sym::XF86_AudioMute), (N::AudioVolumeDown, sym::XF86_AudioLowerVolume),
    (N::AudioVolumeUp, sym::XF86_AudioRaiseVolume), (N::MicrophoneVolumeMute, sym::XF86_AudioMicMute),
    (N::MediaPlay, sym::XF86_AudioPlay), (N::MediaPlayPause, sym::XF86_AudioPlay),
    (N::MediaPause, sym::XF86_AudioPause), (N::MediaStop, sym::XF86_AudioStop),
    (N::MediaTrackNext, sym::XF86_AudioNext), (N::MediaTrackPrevious, sym::XF86_AudioPrev),
    (N::MediaRecord, sym::XF86_AudioRecord), (N::MediaRewind, sym::XF86_AudioRewind),
    (N::MediaFastForward, sym::XF86_AudioForward), (N::BrightnessUp, sym::XF86_MonBrightnessUp),
    (N::BrightnessDown, sym::XF86_MonBrightnessDown), (N::BrowserBack, sym::XF86_Back),
    (N::BrowserForward, sym::XF86_Forward), (N::BrowserRefresh, sym::XF86_Refresh),
    (N::BrowserHome, sym::XF86_HomePage), (N::BrowserSearch, sym::XF86_Search),
    (N::BrowserFavorites, sym::XF86_Favorites), (N::LaunchMail, sym::XF86_Mail),
    (N::LaunchApplication1, sym::XF86_MyComputer), (N::LaunchApplication2, sym::XF86_Calculator),
    (N::Eject, sym::XF86_Eject), (N::Power, sym::XF86_PowerOff), (N::Standby, sym::XF86_Sleep),
    (N::WakeUp, sym::XF86_WakeUp), (N::Hibernate, sym::XF86_Hibernate), (N::ZoomIn, sym::XF86_ZoomIn),
    (N::ZoomOut, sym::XF86_ZoomOut),
];

/// Evdev codes in ascending order.
#[rustfmt::skip]
const PHYSICAL: &[(K, u16)] = &[
    (K::Escape, 1), (K::Digit1, 2), (K::Digit2, 3), (K::Digit3, 4), (K::Digit4, 5), (K::Digit5, 6),
    (K::Digit6, 7), (K::Digit7, 8), (K::Digit8, 9), (K::Digit9, 10), (K::Digit0, 11), (K::Minus, 12),
    (K::Equal, 13), (K::Backspace, 14), (K::Tab, 15), (K::KeyQ, 16), (K::KeyW, 17), (K::KeyE, 18),
    (K::KeyR, 19), (K::KeyT, 20), (K::KeyY, 21), (K::KeyU, 22), (K::KeyI, 23), (K::KeyO, 24), (K::KeyP, 25),
    (K::BracketLeft, 26), (K::BracketRight, 27), (K::Enter, 28), (K::ControlLeft, 29), (K::KeyA, 30),
    (K::KeyS, 31), (K::KeyD, 32), (K::KeyF, 33), (K::KeyG, 34), (K::KeyH, 35), (K::KeyJ, 36), (K::KeyK, 37),
    (K::KeyL, 38), (K::Semicolon, 39), (K::Quote, 40), (K::Backquote, 41), (K::ShiftLeft, 42),
    (K::Backslash, 43), (K::KeyZ, 44), (K::KeyX, 45), (K::KeyC, 46), (K::KeyV, 47), (K::KeyB, 48),
    (K::KeyN, 49), (K::KeyM, 50), (K::Comma, 51), (K::Period, 52), (K::Slash, 53), (K::ShiftRight, 54),
    (K::NumpadMultiply, 55), (K::AltLeft, 56), (K::Space, 57), (K::CapsLock, 58), (K::F1, 59), (K::F2, 60),
    (K::F3, 61), (K::F4, 62), (K::F5, 63), (K::F6, 64), (K::F7, 65), (K::F8, 66), (K::F9, 67), (K::F10, 68),
    (K::NumLock, 69), (K::ScrollLock, 70), (K::Numpad7, 71), (K::Numpad8, 72), (K::Numpad9, 73),
    (K::NumpadSubtract, 74), (K::Numpad4, 75), (K::Numpad5, 76), (K::Numpad6, 77), (K::NumpadAdd, 78),
    (K::Numpad1, 79), (K::Numpad2, 80), (K::Numpad3, 81), (K::Numpad0, 82), (K::NumpadDecimal, 83),
    (K::Lang5, 85), (K::IntlBackslash, 86), (K::F11, 87), (K::F12, 88), (K::IntlRo, 89), (K::Lang3, 90),
    (K::Lang4, 91), (K::Convert, 92), (K::KanaMode, 93), (K::NonConvert, 94), (K::NumpadEnter, 96),
    (K::ControlRight, 97), (K::NumpadDivide, 98), (K::PrintScreen, 99), (K::AltRight, 100), (K::Home, 102),
    (K::ArrowUp, 103), (K::PageUp, 104), (K::ArrowLeft, 105), (K::ArrowRight, 106), (K::End, 107),
    (K::ArrowDown, 108), (K::PageDown, 109), (K::Insert, 110), (K::Delete, 111), (K::AudioVolumeMute, 113),
    (K::AudioVolumeDown, 114), (K::AudioVolumeUp, 115), (K::Power, 116), (K::NumpadEqual, 117),
    (K::Pause, 119), (K::NumpadComma, 121), (K::Lang1, 122), (K::Lang2, 123), (K::IntlYen, 124),
    (K::SuperLeft, 125), (K::SuperRight, 126), (K::ContextMenu, 127), (K::Again, 129), (K::Props, 130),
    (K::Undo, 131), (K::Copy, 133), (K::Open, 134), (K::Paste, 135), (K::Find, 136), (K::Cut, 137),
    (K::Help, 138), (K::LaunchApp2, 140), (K::Sleep, 142), (K::WakeUp, 143), (K::LaunchMail, 155),
    (K::BrowserFavorites, 156), (K::LaunchApp1, 157), (K::BrowserBack, 158), (K::BrowserForward, 159),
    (K::Eject, 161), (K::MediaTrackNext, 163), (K::MediaPlayPause, 164), (K::MediaTrackPrevious, 165),
    (K::MediaStop, 166), (K::BrowserHome, 172), (K::BrowserRefresh, 173), (K::NumpadParenLeft, 179),
    (K::NumpadParenRight, 180), (K::F13, 183), (K::F14, 184), (K::F15, 185), (K::F16, 186), (K::F17, 187),
    (K::F18, 188), (K::F19, 189), (K::F20, 190), (K::F21, 191), (K::F22, 192), (K::F23, 193), (K::F24, 194),
    (K::BrowserSearch, 217), (K::MediaSelect, 226),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn character(c: &str) -> Key {
        Key::Character(c.into())
    }

    #[test]
    fn physical_codes_are_the_kernels() {
        for (key, code) in [
            (K::Escape, 1),
            (K::KeyA, 30),
            (K::ShiftRight, 54),
            (K::IntlBackslash, 86),
            (K::NumpadEnter, 96),
            (K::F24, 194),
        ] {
            assert_eq!(physical(PhysicalKey::Code(key)), code);
        }
        assert_eq!(physical(PhysicalKey::Unidentified(NativeKeyCode::Xkb(248))), 248);
        assert_eq!(physical(PhysicalKey::Unidentified(NativeKeyCode::Unidentified)), 0);
        assert_eq!(physical(PhysicalKey::Code(K::Fn)), 0);
    }

    #[test]
    fn no_code_stands_for_two_keys() {
        for pair in PHYSICAL.windows(2) {
            assert!(pair[0].1 < pair[1].1, "{pair:?}");
        }
    }

    #[test]
    fn keysyms_of_characters() {
        let standard = KeyLocation::Standard;
        assert_eq!(keysym(&character("a"), standard), 0x61);
        assert_eq!(keysym(&character("Ä"), standard), 0xc4);
        assert_eq!(keysym(&character("€"), standard), 0x20ac);
        assert_eq!(keysym(&character("ж"), standard), 0x06d6);
        assert_eq!(keysym(&character("😀"), standard), 0x0101_f600);
        assert_eq!(keysym(&character("ab"), standard), 0);
        assert_eq!(keysym(&character("7"), KeyLocation::Numpad), 0xffb7);
        assert_eq!(keysym(&character("7"), standard), 0x37);
        assert_eq!(keysym(&Key::Unidentified(NativeKey::Xkb(0xffe7)), standard), 0xffe7);
    }

    #[test]
    fn keysyms_of_named_keys_know_their_side() {
        let named = |n, l| keysym(&Key::Named(n), l);
        assert_eq!(named(N::Shift, KeyLocation::Left), 0xffe1);
        assert_eq!(named(N::Shift, KeyLocation::Right), 0xffe2);
        assert_eq!(named(N::Control, KeyLocation::Right), 0xffe4);
        assert_eq!(named(N::AltGraph, KeyLocation::Standard), 0xfe03);
        assert_eq!(named(N::Enter, KeyLocation::Standard), 0xff0d);
        assert_eq!(named(N::Enter, KeyLocation::Numpad), 0xff8d);
        assert_eq!(named(N::Home, KeyLocation::Numpad), 0xff95);
        assert_eq!(named(N::F12, KeyLocation::Standard), 0xffc9);
        assert_eq!(named(N::Space, KeyLocation::Standard), 0x20);
        assert_eq!(named(N::Dimmer, KeyLocation::Standard), 0);
    }

    #[test]
    fn dead_keys() {
        assert_eq!(keysym(&Key::Dead(Some('´')), KeyLocation::Standard), 0xfe51);
        assert_eq!(keysym(&Key::Dead(Some('¨')), KeyLocation::Standard), 0xfe57);
        assert_eq!(keysym(&Key::Dead(None), KeyLocation::Standard), 0);
    }

    #[test]
    fn text_is_printable() {
        assert_eq!(text(Some("é")), "é");
        assert_eq!(text(Some("\r")), "");
        assert_eq!(text(None), "");
    }
}
