//! Logarithms to the base 2 in whole numbers, for tables of what decisions cost.

/// `log2(n) · 2^digits`, rounded down. `n` must not be 0, `digits` be at most 16.
pub const fn log2(n: u32, digits: u32) -> u32 {
    let whole = n.ilog2();
    // 2^30 · n / 2^whole: at least 1 and below 2. Its square tells the next binary digit.
    let mut m = ((n as u64) << 30) >> whole;
    let mut log = whole;
    let mut digit = 0;
    while digit < digits {
        m = (m * m) >> 30;
        log <<= 1;
        if m >= 1 << 31 {
            m >>= 1;
            log |= 1;
        }
        digit += 1;
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_logarithms() {
        for (n, digits, expected) in [
            (1, 12, 0),
            (2, 12, 4096),
            (3, 12, 6492),
            (10, 8, 850),
            (64, 8, 6 * 256),
            (127, 8, 1789),
            (255, 12, 32744),
            (u32::MAX, 16, (32 << 16) - 1),
            (5, 0, 2),
        ] {
            assert_eq!(log2(n, digits), expected, "{n} {digits}");
        }
    }
}
