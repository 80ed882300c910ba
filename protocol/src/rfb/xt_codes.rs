//! Keys by the codes of the PC/XT keyboard and its successors, with 0x80 added where 0xe0 goes
//! before (rfbproto, QEMU Extended Key Event).

/// The XT code of a key by Linux's evdev code; `None` if those keyboards have no such key.
pub fn xt_code(evdev: u16) -> Option<u32> {
    // The first 83 are the XT's own; those of the AT's main block have followed.
    if let 1..=83 | 86..=88 = evdev {
        return Some(evdev.into());
    }
    let found = CODES.binary_search_by_key(&evdev, |&(code, _)| code).ok()?;
    Some(CODES[found].1.into())
}

/// The evdev code of a key by its XT code; 0 if nobody knows it.
pub fn evdev_code(xt: u32) -> u16 {
    let Ok(xt) = u16::try_from(xt) else { return 0 };
    // Some write 0xe0 out. And Print Screen has a code for Alt, and one for all else.
    match if xt >> 8 == 0xe0 { (xt & 0x7f) | 0x80 } else { xt } {
        0xb7 => 99,
        xt @ (1..=83 | 86..=88) => xt,
        xt => CODES.iter().find(|(_, code)| u16::from(*code) == xt).map_or(0, |(evdev, _)| *evdev),
    }
}

/// Evdev codes in ascending order, and XT's.
#[rustfmt::skip]
const CODES: &[(u16, u8)] = &[
    (85, 0x76), (89, 0x73), (90, 0x78), (91, 0x77), (92, 0x79), (93, 0x70), (94, 0x7b), (96, 0x9c),
    (97, 0x9d), (98, 0xb5), (99, 0x54), (100, 0xb8), (102, 0xc7), (103, 0xc8), (104, 0xc9), (105, 0xcb),
    (106, 0xcd), (107, 0xcf), (108, 0xd0), (109, 0xd1), (110, 0xd2), (111, 0xd3), (113, 0xa0), (114, 0xae),
    (115, 0xb0), (116, 0xde), (117, 0x59), (119, 0xc6), (121, 0x7e), (122, 0x72), (123, 0x71), (124, 0x7d),
    (125, 0xdb), (126, 0xdc), (127, 0xdd), (140, 0xa1), (142, 0xdf), (143, 0xe3), (155, 0xec), (156, 0xe6),
    (157, 0xeb), (158, 0xea), (159, 0xe9), (163, 0x99), (164, 0xa2), (165, 0x90), (166, 0xa4), (172, 0xb2),
    (173, 0xe7), (183, 0x5d), (184, 0x5e), (185, 0x5f), (217, 0xe5),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_of_one_key_each() {
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for key in 0..768 {
            if let Some(code) = xt_code(key) {
                assert_eq!(evdev_code(code), key, "{code:#x}");
            }
        }
        assert_eq!(
            [30, 97, 103, 0, 84, 767].map(xt_code),
            [Some(30), Some(0x9d), Some(0xc8), None, None, None]
        );
        // Return, the same of the keypad, right Control, up, Print Screen.
        assert_eq!([0x1c, 0x9c, 0x9d, 0xc8, 0xb7, 0xe01c].map(evdev_code), [28, 96, 97, 103, 99, 96]);
        assert_eq!([0, 0x100, u32::MAX].map(evdev_code), [0, 0, 0]);
    }
}
