//! Values as they are typed.

use std::time::Duration;

use panto_protocol::geometry::Size;
use panto_protocol::message::{Depth, Scale};

use super::view::Zoom;

pub(super) fn size(text: &str) -> Result<Size, String> {
    let error = || format!("'{text}' is no size; it looks like 1280x800, with sides from 16 to 16384");
    let (width, height) = text.split_once(['x', 'X', '×']).ok_or_else(error)?;
    let side = |s: &str| s.trim().parse::<u32>().ok().filter(|n| (16..=16_384).contains(n)).ok_or_else(error);
    Ok(Size::new(side(width)?, side(height)?))
}

pub(super) fn depth(text: &str) -> Result<Depth, String> {
    text.parse()
        .ok()
        .and_then(Depth::from_bits)
        .ok_or_else(|| format!("no depth '{text}'; it is 24, 16, 8, 4 or 1"))
}

pub(super) fn scale(text: &str) -> Result<Scale, String> {
    match text {
        "1" | "1/1" => Ok(Scale::Full),
        "2" | "1/2" | "0.5" => Ok(Scale::Half),
        "4" | "1/4" | "0.25" => Ok(Scale::Quarter),
        _ => Err(format!("no scale '{text}'; it is 1, 1/2 or 1/4")),
    }
}

pub(super) fn zoom(text: &str) -> Result<Zoom, String> {
    match text {
        "fit" => Ok(Zoom::Fit),
        "sharp" => Ok(Zoom::Sharp),
        n => match n.parse() {
            Ok(factor @ 1..=16) => Ok(Zoom::Factor(factor)),
            _ => Err(format!("no zoom '{text}'; it is fit, sharp, or 1 to 16")),
        },
    }
}

pub(super) fn speed(text: &str) -> Result<f64, String> {
    let factor = text.strip_suffix('x').unwrap_or(text).parse().ok();
    factor
        .filter(|speed| (0.01..=1000.0).contains(speed))
        .ok_or_else(|| format!("'{text}' is no speed; it is a factor from 0.01 to 1000, such as 2 or 0.5"))
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let error = || format!("'{text}' is no time; it looks like 10s, 500ms or 2m");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| error())?;
    let seconds = match unit {
        "" | "s" => number,
        "ms" => number / 1e3,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(error()),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_times_and_scales() {
        assert_eq!(size("1280x800"), Ok(Size::new(1280, 800)));
        assert!(size("1280").is_err() && size("0x5").is_err() && size("99999x99999").is_err());
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert!(duration("5 parsecs").is_err() && duration("").is_err() && duration("-1s").is_err());
        assert_eq!(scale("1/2"), Ok(Scale::Half));
        assert!(scale("3").is_err());
        assert_eq!(speed("2"), Ok(2.0));
        assert!(["0", "-1", "NaN", "inf", "fast"].into_iter().all(|text| speed(text).is_err()));
    }
}
