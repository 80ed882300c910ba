//! Numbers as people read them: three significant figures, never with an exponent.

/// `0.0123`, `1.23`, `12.3`, `123`, `12,300`; at most four decimals. `-` when it is no number.
pub fn significant(value: f64) -> String {
    if !value.is_finite() {
        return "-".into();
    }
    let magnitude = value.abs();
    if magnitude == 0.0 {
        return "0".into();
    }
    if magnitude < 0.00005 {
        return if value < 0.0 { ">-0.0001".into() } else { "<0.0001".into() };
    }
    // The exponent after rounding: 9.996 has the exponent of 10.0.
    let rounded = format!("{magnitude:.2e}");
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = if exponent <= 2 {
        format!("{magnitude:.*}", (2 - exponent).min(4) as usize)
    } else {
        let mut digits = mantissa.replace('.', "");
        digits.extend(std::iter::repeat_n('0', exponent as usize - 2));
        grouped(&digits)
    };
    if value < 0.0 { format!("-{digits}") } else { digits }
}

/// As [`significant`], without zeros at the end: `0.5`, `20`.
pub fn short(value: f64) -> String {
    let digits = significant(value);
    if !digits.contains('.') {
        return digits;
    }
    digits.trim_end_matches('0').trim_end_matches('.').into()
}

/// A count in full: `1,234,567`.
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// Thousands of bytes.
pub fn kilobytes(bytes: u64) -> String {
    significant(bytes as f64 / 1e3)
}

/// Bytes with the unit that suits them: `512 B`, `12.3 kB`, `4.56 MB`.
pub fn bytes(value: f64) -> String {
    let (scaled, unit) = byte_unit(value);
    if unit == "B" {
        format!("{} B", short(scaled.round()))
    } else {
        format!("{} {unit}", significant(scaled))
    }
}

/// As [`bytes`] for the marks of an axis: `0`, `500 kB`, `2 MB`.
pub fn bytes_tick(value: f64) -> String {
    let (scaled, unit) = byte_unit(value);
    if value == 0.0 { "0".into() } else { format!("{} {unit}", short(scaled)) }
}

/// A share of the whole, 0 to 1, as per cent: `54 %`, `0.5 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", short(if share < 0.1 { share * 100.0 } else { (share * 100.0).round() }))
}

/// Bits a second with the unit that suits them: `56 kbit/s`, `20 Mbit/s`.
pub fn rate(bps: u64) -> String {
    let bps = bps as f64;
    match bps {
        1e9.. => format!("{} Gbit/s", short(bps / 1e9)),
        1e6.. => format!("{} Mbit/s", short(bps / 1e6)),
        1e3.. => format!("{} kbit/s", short(bps / 1e3)),
        _ => format!("{} bit/s", short(bps)),
    }
}

/// The unit changes at 999.5 of the smaller one, where three figures would round up to 1,000.
fn byte_unit(value: f64) -> (f64, &'static str) {
    match value {
        999.5e6.. => (value / 1e9, "GB"),
        999.5e3.. => (value / 1e6, "MB"),
        999.5.. => (value / 1e3, "kB"),
        _ => (value, "B"),
    }
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_figures_without_exponents() {
        for (value, expected) in [
            (0.0, "0"),
            (1.0, "1.00"),
            (9.996, "10.0"),
            (99.95, "100"),
            (12.34, "12.3"),
            (999.6, "1,000"),
            (123_456.0, "123,000"),
            (1.5e9, "1,500,000,000"),
            (0.01234, "0.0123"),
            (0.00012, "0.0001"),
            (1e-9, "<0.0001"),
            (-2.5, "-2.50"),
            (f64::NAN, "-"),
            (f64::INFINITY, "-"),
        ] {
            assert_eq!(significant(value), expected, "{value}");
        }
    }

    #[test]
    fn units_suit_the_number() {
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!(bytes(999.0), "999 B");
        assert_eq!(bytes(999_700.0), "1.00 MB");
        assert_eq!(bytes_tick(20_000.0), "20 kB");
        assert_eq!(percent(0.005), "0.5 %");
        assert_eq!(percent(0.541), "54 %");
        assert_eq!(rate(56_000), "56 kbit/s");
        assert_eq!(rate(20_000_000), "20 Mbit/s");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(short(0.50), "0.5");
    }
}
