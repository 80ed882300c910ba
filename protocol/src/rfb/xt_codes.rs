//! Keys by the codes of PC keyboards, as QEMU's extended key events have them (rfbproto): set 1,
//! with the prefix 0xe0 as bit 7.

/// Codes that are the same in evdev: the keys of the first keyboards, and F11 and F12.
const SAME: std::ops::RangeInclusive<u16> = 1..=83;

/// The others: code of set 1, code of evdev.
const OTHERS: [(u16, u16); 56] = [
    (0x54, 99),  // SysRq, with Alt
    (0x56, 86),  // the key beside the left Shift of 102 keys
    (0x57, 87),  // F11
    (0x58, 88),  // F12
    (0x59, 117), // = of the keypad
    (0x5d, 183), // F13
    (0x5e, 184), // F14
    (0x5f, 185), // F15
    (0x64, 183), // F13 of others
    (0x65, 184),
    (0x66, 185),
    (0x67, 186), // F16 to F23
    (0x68, 187),
    (0x69, 188),
    (0x6a, 189),
    (0x6b, 190),
    (0x6c, 191),
    (0x6d, 192),
    (0x6e, 193),
    (0x70, 93),  // Katakana and Hiragana
    (0x73, 89),  // Ro
    (0x76, 194), // F24
    (0x79, 92),  // Henkan
    (0x7b, 94),  // Muhenkan
    (0x7d, 124), // Yen
    (0x7e, 121), // , of the keypad
    (0x90, 165), // previous piece
    (0x99, 163), // next piece
    (0x9c, 96),  // Enter of the keypad
    (0x9d, 97),  // right Control
    (0xa0, 113), // silence
    (0xa1, 140), // calculator
    (0xa2, 164), // play and pause
    (0xa4, 166), // stop
    (0xae, 114), // softer
    (0xb0, 115), // louder
    (0xb2, 172), // home page
    (0xb5, 98),  // / of the keypad
    (0xb7, 99),  // Print Screen
    (0xb8, 100), // right Alt
    (0xc6, 119), // Pause, with Control
    (0xc7, 102), // Home
    (0xc8, 103), // up
    (0xc9, 104), // Page Up
    (0xcb, 105), // left
    (0xcd, 106), // right
    (0xcf, 107), // End
    (0xd0, 108), // down
    (0xd1, 109), // Page Down
    (0xd2, 110), // Insert
    (0xd3, 111), // Delete
    (0xdb, 125), // left Super
    (0xdc, 126), // right Super
    (0xdd, 127), // menu
    (0xde, 116), // power
    (0xe5, 217), // search
];

/// The key of evdev with this code; 0 if nobody knows it.
pub fn evdev_of_xt(code: u32) -> u16 {
    let Ok(code) = u16::try_from(code) else { return 0 };
    // Some write the prefix out.
    let code = if code >> 8 == 0xe0 { (code & 0x7f) | 0x80 } else { code };
    if SAME.contains(&code) {
        return code;
    }
    OTHERS.iter().find(|(xt, _)| *xt == code).map_or(0, |(_, evdev)| *evdev)
}

/// The code of a key of evdev; 0 if it has none.
pub fn xt_of_evdev(key: u16) -> u32 {
    if SAME.contains(&key) {
        return key.into();
    }
    // 0x54 is what Print Screen sends with Alt only, and 0x64 and the next are of few keyboards.
    let usual = |xt: u16| xt != 0x54 && !(0x64..=0x66).contains(&xt);
    let found = OTHERS.iter().find(|(xt, evdev)| *evdev == key && usual(*xt));
    found.map_or(0, |(xt, _)| u32::from(*xt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_one_code_and_come_back() {
        for key in 0..256 {
            let code = xt_of_evdev(key);
            if code != 0 {
                assert_eq!(evdev_of_xt(code), key, "{key} as {code:#x}");
            }
        }
        // Enter, the same of the keypad, right Control, up: linux/input-event-codes.h.
        assert_eq!([0x1c, 0x9c, 0x9d, 0xc8].map(evdev_of_xt), [28, 96, 97, 103]);
        assert_eq!(evdev_of_xt(0xe01c), 96);
        assert_eq!([0, 0x100, u32::MAX].map(evdev_of_xt), [0, 0, 0]);
    }
}
