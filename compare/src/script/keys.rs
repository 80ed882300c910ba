//! Keys by name: `Ctrl+Shift+Return` to X keysyms.

use std::collections::HashMap;
use std::sync::OnceLock;

use xkeysym::{Keysym, key};

/// The keysyms of a combination, in the order in which they go down.
pub(super) fn combination(names: &str) -> Result<Vec<u32>, String> {
    key_names(names).map(named_key).collect()
}

/// The keysym that types a character, `None` if none does.
pub(super) fn keysym_of(c: char) -> Option<u32> {
    match c {
        '\n' => Some(key::Return),
        '\t' => Some(key::Tab),
        c if c.is_control() => None,
        c => Some(Keysym::from_char(c).raw()).filter(|&keysym| keysym != key::NoSymbol),
    }
}

/// The names in `Ctrl+Shift+Return`; a `+` at the end is the key of that name.
fn key_names(combination: &str) -> impl Iterator<Item = &str> {
    let (others, plus) = match combination.strip_suffix('+') {
        Some("") => (None, Some("+")),
        Some(others) if others.ends_with('+') => (others.strip_suffix('+'), Some("+")),
        _ => (Some(combination), None),
    };
    others.into_iter().flat_map(|others| others.split('+')).chain(plus)
}

fn named_key(name: &str) -> Result<u32, String> {
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next())
        && let Some(keysym) = keysym_of(c)
    {
        return Ok(keysym);
    }
    let keysym = match name {
        "Ctrl" => key::Control_L,
        "Alt" => key::Alt_L,
        "Shift" => key::Shift_L,
        "Super" => key::Super_L,
        // The table has one name for each keysym, and has these two by their older ones.
        "Page_Up" => key::Page_Up,
        "Page_Down" => key::Page_Down,
        _ => match keysyms().get(name) {
            Some(&keysym) => keysym,
            None => return Err(unknown_key(name)),
        },
    };
    Ok(keysym)
}

fn unknown_key(name: &str) -> String {
    let usual = ["Ctrl", "Alt", "Shift", "Super", "Page_Up", "Page_Down"];
    let all = usual.into_iter().chain(keysyms().keys().map(String::as_str));
    // Several names may differ in case only; the first in order, so that errors do not change.
    match all.filter(|known| known.eq_ignore_ascii_case(name)).min() {
        Some(known) => format!("there is no key `{name}`; there is `{known}`"),
        None => format!(
            "there is no key `{name}`; keys are single characters, Ctrl, Alt, Shift, Super and the names of X \
             keysyms, such as Return, Escape, BackSpace, Left, Page_Up or F5"
        ),
    }
}

/// All names of keysyms, without `XK_`: the crate knows only the way from a number to its name.
fn keysyms() -> &'static HashMap<String, u32> {
    static KEYSYMS: OnceLock<HashMap<String, u32>> = OnceLock::new();
    KEYSYMS.get_or_init(|| {
        // Where X.Org's headers have keysyms: its own, those of Unicode, of vendors, and XFree86's.
        let ranges = [1..=0xffff, 0x0100_0000..=0x0100_2fff, 0x1000_0000..=0x1008_ffff];
        let named = ranges.into_iter().flatten().filter_map(|keysym| {
            let name = Keysym::new(keysym).name()?;
            Some((name.replacen("XK_", "", 1), keysym))
        });
        named.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_is_a_key_too() {
        let names = |combination| key_names(combination).collect::<Vec<_>>();
        assert_eq!(names("Ctrl+Shift+Return"), ["Ctrl", "Shift", "Return"]);
        assert_eq!(names("+"), ["+"]);
        assert_eq!(names("Ctrl++"), ["Ctrl", "+"]);
    }

    #[test]
    fn names_of_keys() {
        for (name, keysym) in [
            ("Page_Up", key::Prior),
            ("Next", key::Page_Down),
            ("F5", key::F5),
            ("XF86AudioMute", key::XF86_AudioMute),
            ("EuroSign", key::EuroSign),
            ("Control_R", key::Control_R),
            ("KP_Enter", key::KP_Enter),
            ("ISO_Level3_Shift", key::ISO_Level3_Shift),
        ] {
            assert_eq!(combination(name), Ok(vec![keysym]));
        }
    }

    #[test]
    fn characters_by_keysym() {
        for (c, keysym) in [('a', key::a), ('A', key::A), ('\n', key::Return), ('é', key::eacute)] {
            assert_eq!(keysym_of(c), Some(keysym));
        }
        assert_eq!(keysym_of('\u{7}'), None);
    }

    #[test]
    fn unknown_keys_are_told_of_a_known_one() {
        assert_eq!(combination("Ctrl+return"), Err("there is no key `return`; there is `Return`".into()));
        assert_eq!(combination("page_up"), Err("there is no key `page_up`; there is `Page_Up`".into()));
        let error = combination("Ctrl+nothing").unwrap_err();
        assert!(error.starts_with("there is no key `nothing`; keys are single characters, Ctrl,"), "{error}");
    }
}
