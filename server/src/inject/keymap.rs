//! The server's keyboard map, and how to make it produce a keysym.
//!
//! A copy of what XKB has: each key has groups (layouts), each group a type, and
//! the type says which modifiers lead to which of the group's levels (XKB
//! protocol, sections 5 and 15.3).

use std::collections::HashMap;

use x11rb::protocol::xkb::{self, ConnectionExt as _, GetMapReply, MapPart, VMod};
use x11rb::protocol::xproto::ModMask;
use x11rb::rust_connection::RustConnection;
use xkeysym::{Keysym, key};

use super::InjectError;

/// A set of modifiers, as X numbers its bits.
pub(super) type Mods = u8;

/// Control, Alt and Super where every common layout has them: with one of these
/// held, a key is a command rather than text.
pub(super) const COMMAND: Mods = 4 | 8 | 64;

/// What modifiers a key type looks at, and where they lead.
#[derive(Debug, Clone, Default)]
struct KeyType {
    mask: Mods,
    /// (modifiers, level); any other modifiers mean level 0.
    map: Vec<(Mods, u8)>,
}

/// One key.
#[derive(Debug, Clone, Default)]
struct Key {
    group_info: u8,
    types: [u8; 4],
    /// Levels of the widest group: `syms[group * width + level]`.
    width: u8,
    syms: Vec<u32>,
}

/// Where a keysym lies.
#[derive(Debug, Clone, Copy)]
struct Position {
    keycode: u8,
    group: u8,
    level: u8,
}

/// The modifiers and the group in force.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct State {
    /// Effective modifiers.
    pub mods: Mods,
    /// Effective group.
    pub group: u8,
    /// Modifiers that may be switched off: held by us and by nothing else.
    pub releasable: Mods,
}

/// What to do to get a keysym.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// The key to press.
    pub keycode: u8,
    /// The group to lock around the press.
    pub group: Option<u8>,
    /// Modifiers to press around it.
    pub press: Mods,
    /// Modifiers to release around it.
    pub release: Mods,
}

/// A modifier that can be pressed around a key.
#[derive(Debug, Clone, Copy)]
struct Shifter {
    mods: Mods,
    keycode: u8,
}

/// The server's keyboard map.
#[derive(Debug, Default)]
pub(super) struct KeyMap {
    first: u8,
    keys: Vec<Key>,
    types: Vec<KeyType>,
    modifier_map: HashMap<u8, Mods>,
    positions: HashMap<u32, Vec<Position>>,
    /// Shift, level 3 and level 5, as far as the layout has them.
    shifters: Vec<Shifter>,
}

impl KeyMap {
    /// Asks the server.
    pub(super) fn fetch(conn: &RustConnection) -> Result<Self, InjectError> {
        let parts = MapPart::KEY_TYPES | MapPart::KEY_SYMS | MapPart::MODIFIER_MAP;
        let none = MapPart::from(0u16);
        let device = xkb::ID::USE_CORE_KBD.into();
        let vmods = VMod::from(0u16);
        let reply = conn
            .xkb_get_map(device, parts, none, 0, 0, 0, 0, 0, 0, 0, 0, vmods, 0, 0, 0, 0, 0, 0)?
            .reply()?;
        Ok(Self::from_reply(reply))
    }

    fn from_reply(reply: GetMapReply) -> Self {
        let bits = |mask: ModMask| u16::from(mask) as Mods;
        let types = reply.map.types_rtrn.unwrap_or_default().into_iter().map(|t| KeyType {
            mask: bits(t.mods_mask),
            map: t.map.iter().filter(|e| e.active).map(|e| (bits(e.mods_mask), e.level)).collect(),
        });
        let keys = reply.map.syms_rtrn.unwrap_or_default().into_iter().map(|k| Key {
            group_info: k.group_info,
            types: k.kt_index,
            width: k.width,
            syms: k.syms,
        });
        let modifiers = reply.map.modmap_rtrn.unwrap_or_default();
        let modifiers = modifiers.into_iter().map(|m| (m.keycode, bits(m.mods))).collect();
        Self::new(reply.first_key_sym, keys.collect(), types.collect(), modifiers)
    }

    fn new(first: u8, keys: Vec<Key>, types: Vec<KeyType>, modifier_map: HashMap<u8, Mods>) -> Self {
        let mut map = Self { first, keys, types, modifier_map, ..Self::default() };
        for (i, key) in map.keys.iter().enumerate() {
            let Ok(keycode) = u8::try_from(usize::from(first) + i) else { break };
            for (at, &sym) in key.syms.iter().enumerate().filter(|(_, sym)| **sym != 0) {
                let (group, level) = (at / usize::from(key.width), at % usize::from(key.width));
                let position = Position { keycode, group: group as u8, level: level as u8 };
                map.positions.entry(canonical(sym)).or_default().push(position);
            }
        }
        let names = [&[key::Shift_L, key::Shift_R][..], &[key::ISO_Level3_Shift], &[key::ISO_Level5_Shift]];
        map.shifters = names.into_iter().filter_map(|names| map.shifter(names)).collect();
        map
    }

    /// The key that switches a modifier on. Several keys may have the keysym; the
    /// one to press is one whose modifier is known.
    fn shifter(&self, names: &[u32]) -> Option<Shifter> {
        let positions = names.iter().filter_map(|name| self.positions.get(name)).flatten();
        positions.filter(|p| p.level == 0).find_map(|p| {
            let mods = *self.modifier_map.get(&p.keycode).filter(|mods| **mods != 0)?;
            Some(Shifter { mods, keycode: p.keycode })
        })
    }

    /// The key that switches on exactly these modifiers, one bit each of what
    /// [`Plan::press`] may hold.
    pub(super) fn shifters_for(&self, mods: Mods) -> impl Iterator<Item = u8> {
        self.shifters.iter().filter(move |s| s.mods & mods != 0).map(|s| s.keycode)
    }

    /// The modifiers that `keycode` switches on when it was pressed for `keysym`.
    pub(super) fn modifiers_of(&self, keycode: u8, keysym: u32) -> Mods {
        if let Some(&mods) = self.modifier_map.get(&keycode).filter(|mods| **mods != 0) {
            return mods;
        }
        // German AltGr is ISO_Level3_Shift by its action, not by the modifier map.
        let names: &[u32] = match keysym {
            key::Shift_L | key::Shift_R => &[key::Shift_L, key::Shift_R],
            key::ISO_Level3_Shift => &[key::ISO_Level3_Shift],
            key::ISO_Level5_Shift => &[key::ISO_Level5_Shift],
            _ => return 0,
        };
        self.shifter(names).map_or(0, |s| s.mods)
    }

    /// Keycodes that mean nothing.
    pub(super) fn unused(&self) -> Vec<u8> {
        let keys = (usize::from(self.first)..=255).zip(&self.keys);
        keys.filter(|(_, key)| key.syms.iter().all(|&s| s == 0)).map(|(code, _)| code as u8).collect()
    }

    /// Whether `keycode` has `keysym` at its first level.
    pub(super) fn has(&self, keycode: u8, keysym: u32) -> bool {
        self.key(keycode)
            .is_some_and(|key| key.syms.first().is_some_and(|&s| canonical(s) == canonical(keysym)))
    }

    /// The keysym that `keycode` has at the first level of `group`.
    pub(super) fn plain(&self, keycode: u8, group: u8) -> u32 {
        let Some(key) = self.key(keycode) else { return 0 };
        let at = usize::from(key.effective_group(group)) * usize::from(key.width);
        key.syms.get(at).copied().unwrap_or(0)
    }

    fn key(&self, keycode: u8) -> Option<&Key> {
        self.keys.get(usize::from(keycode.checked_sub(self.first)?))
    }

    fn level(&self, key: &Key, group: u8, mods: Mods) -> u8 {
        let index = key.types.get(usize::from(group)).copied().unwrap_or(0);
        let Some(kind) = self.types.get(usize::from(index)) else { return 0 };
        kind.map.iter().find(|(m, _)| *m == mods & kind.mask).map_or(0, |(_, level)| *level)
    }

    /// How to get `keysym` in `state`, with as little disturbance as possible.
    /// `hint` is the physical key that the person pressed, preferred among equals.
    pub(super) fn plan(&self, keysym: u32, hint: Option<u8>, state: State) -> Option<Plan> {
        let positions = self.positions.get(&canonical(keysym))?;
        let kind = Kind::of(keysym);
        let mut best: Option<(u32, Plan)> = None;
        for p in positions {
            let key = self.key(p.keycode)?;
            let group = (key.effective_group(state.group) != p.group).then_some(p.group);
            // A modifier or a function key in another layout is the same key.
            if group.is_some() && kind != Kind::Text {
                continue;
            }
            for (press, release) in self.changes(kind, state) {
                let mods = state.mods & !release | press;
                let reached = self.level(key, p.group, mods) == p.level;
                if !reached && kind == Kind::Text {
                    continue;
                }
                let cost = u32::from(!reached) * 10_000
                    + u32::from(group.is_some()) * 1000
                    + (press | release).count_ones() * 100
                    + u32::from(hint != Some(p.keycode)) * 20
                    + u32::from(p.level);
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, Plan { keycode: p.keycode, group, press, release }));
                }
            }
        }
        best.map(|(_, plan)| plan)
    }

    /// Every way in which modifiers may be changed around a press, as (press, release).
    fn changes(&self, kind: Kind, state: State) -> Vec<(Mods, Mods)> {
        let mut ways = vec![(0, 0)];
        if kind == Kind::Modifier {
            return ways;
        }
        for shifter in &self.shifters {
            let on = state.mods & shifter.mods != 0;
            let change = match (on, kind) {
                (false, _) => (shifter.mods, 0),
                // Shift held with Tab or F1 is meant to arrive there.
                (true, Kind::Text) if state.releasable & shifter.mods != 0 => (0, shifter.mods),
                (true, _) => continue,
            };
            let more: Vec<_> = ways.iter().map(|w| (w.0 | change.0, w.1 | change.1)).collect();
            ways.extend(more);
        }
        ways
    }
}

impl Key {
    /// The group in force on this key when the keyboard's is `group` (XKB section 2.2.3.1, `AdjustGroup`).
    fn effective_group(&self, group: u8) -> u8 {
        let count = self.group_info & 0x0f;
        if group < count || count == 0 {
            return if count == 0 { 0 } else { group };
        }
        match self.group_info & 0xc0 {
            0x40 => count - 1,
            0x80 => Some(self.group_info >> 4 & 3).filter(|g| *g < count).unwrap_or(0),
            _ => group % count,
        }
    }
}

/// What a keysym is for, which decides what may be done to get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, dead keys and the keypad: exactly this keysym, by any modifiers.
    Text,
    /// Tab, arrows, F keys, media keys: the key counts more than its level.
    Function,
    /// Shift, Control and their like.
    Modifier,
}

impl Kind {
    pub(super) fn of(keysym: u32) -> Self {
        let sym = Keysym::new(keysym);
        let is_keypad = (key::KP_Home..=key::KP_9).contains(&keysym) && keysym != key::KP_Enter;
        if sym.is_modifier_key() {
            Self::Modifier
        } else if is_keypad
            || (key::dead_grave..=0xfe9f).contains(&keysym)
            || sym.key_char().is_some_and(|c| !c.is_control())
        {
            Self::Text
        } else {
            Self::Function
        }
    }
}

/// One number for each meaning: X has `EuroSign` and `U20AC`, and layouts use both.
pub(super) fn canonical(keysym: u32) -> u32 {
    let is_legacy_text = (0x100..0xfd00).contains(&keysym);
    if !is_legacy_text && keysym & 0xff00_0000 != 0x0100_0000 {
        return keysym;
    }
    match Keysym::new(keysym).key_char().map(Keysym::from_char) {
        Some(sym) if sym != Keysym::NoSymbol => sym.raw(),
        _ => keysym,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIFT: Mods = 1;
    const LEVEL3: Mods = 128;

    /// Keycodes: 8 a/A, 9 e/E/€, 10 Tab, 11 Shift, 12 AltGr, 13 nothing, 14 c in both
    /// of two layouts' groups: Latin c and Cyrillic es, 15 keypad 1.
    fn map() -> KeyMap {
        let types = vec![
            KeyType::default(),
            KeyType { mask: SHIFT, map: vec![(SHIFT, 1)] },
            // ALPHABETIC: Caps Lock counts as Shift, both together as neither.
            KeyType { mask: SHIFT | 2, map: vec![(SHIFT, 1), (2, 1)] },
            KeyType { mask: SHIFT | LEVEL3, map: vec![(SHIFT, 1), (LEVEL3, 2), (SHIFT | LEVEL3, 3)] },
            KeyType { mask: SHIFT | 16, map: vec![(SHIFT, 1), (16, 1)] },
        ];
        let key = |kind: u8, syms: &[u32]| Key {
            group_info: 1,
            types: [kind; 4],
            width: syms.len() as u8,
            syms: syms.to_vec(),
        };
        let two_groups = Key {
            group_info: 2,
            types: [2; 4],
            width: 2,
            syms: vec![key::c, key::C, key::Cyrillic_es, key::Cyrillic_ES],
        };
        let keys = vec![
            key(2, &[key::a, key::A]),
            key(3, &[key::e, key::E, key::EuroSign, 0]),
            key(1, &[key::Tab, key::ISO_Left_Tab]),
            key(0, &[key::Shift_L]),
            key(0, &[key::ISO_Level3_Shift]),
            Key::default(),
            two_groups,
            key(4, &[key::KP_End, key::KP_1]),
        ];
        KeyMap::new(8, keys, types, HashMap::from([(11, SHIFT), (12, LEVEL3)]))
    }

    fn check(keysym: u32, mods: Mods, releasable: Mods, expected: Option<(u8, Mods, Mods)>) {
        let plan = map().plan(keysym, None, State { mods, group: 0, releasable });
        let plan = plan.map(|p| (p.keycode, p.press, p.release));
        assert_eq!(plan, expected, "keysym {keysym:#x} with modifiers {mods:#x}");
    }

    #[test]
    fn text_gets_the_modifiers_it_needs() {
        check(key::a, 0, 0, Some((8, 0, 0)));
        check(key::A, 0, 0, Some((8, SHIFT, 0)));
        check(key::A, SHIFT, SHIFT, Some((8, 0, 0)));
        check(key::a, SHIFT, SHIFT, Some((8, 0, SHIFT)));
        // Somebody else holds Shift: it cannot be released.
        check(key::a, SHIFT, 0, None);
        // Caps Lock is on.
        check(key::a, 2, 0, Some((8, SHIFT, 0)));
        check(key::EuroSign, 0, 0, Some((9, LEVEL3, 0)));
        check(0x0100_20ac, SHIFT, SHIFT, Some((9, LEVEL3, SHIFT)));
        check(key::KP_1, 16, 0, Some((15, 0, 0)));
        check(key::KP_1, 0, 0, Some((15, SHIFT, 0)));
        check(key::eacute, 0, 0, None);
    }

    #[test]
    fn function_keys_keep_the_modifiers() {
        check(key::Tab, SHIFT, SHIFT, Some((10, 0, 0)));
        check(key::ISO_Left_Tab, 0, 0, Some((10, SHIFT, 0)));
        check(key::Shift_L, LEVEL3, LEVEL3, Some((11, 0, 0)));
    }

    #[test]
    fn other_group_is_locked() {
        let plan = map().plan(key::Cyrillic_ES, None, State::default()).unwrap();
        assert_eq!(plan, Plan { keycode: 14, group: Some(1), press: SHIFT, release: 0 });
        let russian = State { group: 1, ..State::default() };
        assert_eq!(map().plan(key::Cyrillic_es, None, russian).unwrap().group, None);
        // Keys with one group have it in any layout.
        assert_eq!(map().plan(key::a, None, russian).unwrap().group, None);
    }

    #[test]
    fn kinds_and_names() {
        assert_eq!(canonical(0x0100_0416), key::Cyrillic_ZHE);
        assert_eq!(canonical(0x0101_f600), 0x0101_f600);
        assert_eq!(Kind::of(key::Return), Kind::Function);
        assert_eq!(Kind::of(key::dead_acute), Kind::Text);
        assert_eq!(Kind::of(key::ISO_Level3_Shift), Kind::Modifier);
        assert_eq!(Kind::of(key::space), Kind::Text);
        assert_eq!(Kind::of(key::ISO_Left_Tab), Kind::Function);
        assert_eq!(map().unused(), [13]);
    }
}
