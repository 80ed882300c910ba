//! Physical keys by the codes that QEMU's extension has for them: those of the PC/XT keyboard, with
//! 0x80 added where 0xe0 went before (rfbproto, QEMU Extended Key Event).

/// The XT code of a key by Linux's evdev code; `None` if the keyboard of the XT and its successors
/// have none.
pub fn xt_code(evdev: u16) -> Option<u32> {
    // The first 83 are the XT's own; those of the AT's main block have followed.
    if let 1..=83 | 86..=88 = evdev {
        return Some(evdev.into());
    }
    let found = CODES.binary_search_by_key(&evdev, |&(code, _)| code).ok()?;
    Some(CODES[found].1.into())
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
        let mut codes: Vec<u32> = (0..768).filter_map(xt_code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert_eq!(
            [30, 97, 103, 0, 84, 767].map(xt_code),
            [Some(30), Some(0x9d), Some(0xc8), None, None, None]
        );
    }
}
