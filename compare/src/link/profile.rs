//! What a link is like. The named ones stand in METRICS.md with their sources.

use std::str::FromStr;

use panto_protocol::time::Micros;

use crate::figures::LinkInfo;

/// One direction of a link, as its narrowest place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Path {
    /// Bits a second of IP packets, headers included; 0 is without limit.
    pub rate_bps: u64,
    /// Propagation, without any waiting.
    pub delay: Micros,
    /// A packet is late by up to this much more; packets never overtake.
    pub jitter: Micros,
    /// Packets lost of a million.
    pub loss_ppm: u32,
    /// Bytes that may wait; more are dropped. 0 is without limit.
    pub queue_bytes: u64,
}

/// Times in which nothing gets through in either direction (a tunnel).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// From the beginning of one to that of the next; the first comes after this time.
    pub every: Micros,
    /// How long one lasts.
    pub length: Micros,
}

/// A link between a server and a viewer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// Name for tables.
    pub name: String,
    /// Towards the viewer.
    pub down: Path,
    /// Towards the server.
    pub up: Path,
    /// Blackouts.
    pub outage: Option<Outage>,
}

/// A profile that is neither known nor well spelt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// No such name.
    #[error(
        "no link '{name}'; there are {names}, or one of your own such as \
         down=2mbit,up=500kbit,rtt=80ms,jitter=10ms,loss=1%,queue=64kB",
        names = Profile::NAMES.join(", ")
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A part of a link of one's own cannot be read.
    #[error("'{part}' is no part of a link: {expected}")]
    Part {
        /// The part.
        part: String,
        /// What was expected.
        expected: &'static str,
    },
}

const MBIT: u64 = 1_000_000;
const KBIT: u64 = 1_000;

impl Profile {
    /// The named links, from the best to the worst.
    pub const NAMES: [&'static str; 11] =
        ["none", "lan", "fibre", "cable", "4g", "satellite", "2mbit", "dsl", "train", "256kbit", "modem"];

    /// A named link.
    pub fn named(name: &str) -> Option<Self> {
        // down and up in bit/s, round trip in ms, jitter in ms, loss in ppm, queue in ms of the rate.
        let (down, up, rtt_us, jitter_ms, loss_ppm, queue_ms) = match name {
            "none" => (0, 0, 0, 0, 0, 0),
            "lan" => (1000 * MBIT, 1000 * MBIT, 500, 0, 0, 10),
            "fibre" => (20 * MBIT, 5 * MBIT, 4_000, 0, 0, 100),
            "cable" => (5 * MBIT, MBIT, 28_000, 0, 0, 150),
            "4g" => (9 * MBIT, 9 * MBIT, 170_000, 15, 0, 300),
            "satellite" => (25 * MBIT, 3 * MBIT, 600_000, 0, 100, 300),
            "2mbit" => (2 * MBIT, 2 * MBIT, 80_000, 0, 0, 200),
            "256kbit" => (256 * KBIT, 256 * KBIT, 150_000, 0, 0, 400),
            "dsl" => (1_500 * KBIT, 384 * KBIT, 50_000, 0, 0, 200),
            "train" => (4 * MBIT, MBIT, 80_000, 30, 10_000, 400),
            "modem" => (49 * KBIT, 30 * KBIT, 120_000, 0, 0, 1_000),
            _ => return None,
        };
        let path = |rate_bps: u64| Path {
            rate_bps,
            delay: Micros(rtt_us / 2),
            jitter: Micros::from_millis(jitter_ms),
            loss_ppm,
            // Never less than a few packets, or nothing would get through at all.
            queue_bytes: if rate_bps == 0 { 0 } else { (rate_bps / 8 * queue_ms / 1000).max(8 * 1500) },
        };
        let outage = (name == "train")
            .then_some(Outage { every: Micros::from_millis(20_000), length: Micros::from_millis(2_000) });
        Some(Self { name: name.into(), down: path(down), up: path(up), outage })
    }

    /// Its numbers, for reports.
    pub fn info(&self) -> LinkInfo {
        LinkInfo {
            name: self.name.clone(),
            down_bps: self.down.rate_bps,
            up_bps: self.up.rate_bps,
            rtt_ms: (self.down.delay + self.up.delay).as_millis_f64(),
            jitter_ms: self.down.jitter.as_millis_f64(),
            loss: f64::from(self.down.loss_ppm) / 1e6,
            queue_bytes: self.down.queue_bytes,
        }
    }
}

impl FromStr for Profile {
    type Err = ProfileError;

    /// A name, or parts with commas between: `down`, `up`, `rtt`, `jitter`, `loss`,
    /// `queue`. A name may come first and be changed by the parts behind it.
    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let mut parts = text.split(',').map(str::trim).peekable();
        let first = parts.peek().copied().unwrap_or_default();
        let mut profile = if first.contains('=') {
            Self { name: text.into(), ..Self::default() }
        } else {
            parts.next();
            Self::named(first).ok_or_else(|| ProfileError::Unknown { name: first.into() })?
        };
        for part in parts {
            profile.name = text.into();
            let wrong = |expected| ProfileError::Part { part: part.into(), expected };
            let (key, value) = part.split_once('=').ok_or_else(|| {
                wrong("it looks like rtt=80ms (for several links give --link several times)")
            })?;
            let both = [&mut profile.down, &mut profile.up];
            match key {
                "down" => profile.down.rate_bps = rate(value).ok_or_else(|| wrong(RATE))?,
                "up" => profile.up.rate_bps = rate(value).ok_or_else(|| wrong(RATE))?,
                "rtt" => {
                    let rtt = time(value).ok_or_else(|| wrong(TIME))?;
                    both.into_iter().for_each(|p| p.delay = Micros(rtt.0 / 2));
                }
                "jitter" => {
                    let jitter = time(value).ok_or_else(|| wrong(TIME))?;
                    both.into_iter().for_each(|p| p.jitter = jitter);
                }
                "loss" => {
                    let loss = value.strip_suffix('%').and_then(number).filter(|l| *l < 100.0);
                    let ppm = (loss.ok_or_else(|| wrong("a share such as 0.5%, below 100%"))? * 1e4) as u32;
                    both.into_iter().for_each(|p| p.loss_ppm = ppm);
                }
                "queue" => {
                    let bytes = size(value).ok_or_else(|| wrong("bytes such as 64kB"))?;
                    both.into_iter().for_each(|p| p.queue_bytes = bytes.max(2 * 1500));
                }
                _ => return Err(wrong("parts are down, up, rtt, jitter, loss and queue")),
            }
        }
        Ok(profile)
    }
}

const RATE: &str = "a rate with its unit, such as 2mbit or 500kbit, of 1kbit to 1000gbit";
const TIME: &str = "a time with its unit, such as 80ms or 1s, of a minute at most";

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0)
}

fn scaled(text: &str, units: &[(&str, f64)], limit: f64) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (n, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name))?.1;
    Some(number(n)? * factor).filter(|n| *n <= limit).map(|n| n as u64)
}

fn rate(text: &str) -> Option<u64> {
    scaled(text, &[("bit", 1.0), ("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9)], 1e12).filter(|r| *r >= 1000)
}

fn time(text: &str) -> Option<Micros> {
    scaled(text, &[("us", 1.0), ("ms", 1e3), ("s", 1e6)], 60e6).map(Micros)
}

fn size(text: &str) -> Option<u64> {
    scaled(text, &[("", 1.0), ("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("KiB", 1024.0), ("MiB", 1048576.0)], 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_link() {
        for name in Profile::NAMES {
            assert_eq!(name.parse::<Profile>().unwrap().name, name);
        }
    }

    #[test]
    fn a_link_of_ones_own() {
        let p: Profile = "down=2mbit,up=500kbit,rtt=80ms,jitter=5ms,loss=1%,queue=64kB".parse().unwrap();
        assert_eq!((p.down.rate_bps, p.up.rate_bps), (2_000_000, 500_000));
        assert_eq!(p.down.delay + p.up.delay, Micros::from_millis(80));
        assert_eq!((p.up.loss_ppm, p.down.queue_bytes), (10_000, 64_000));
        let p: Profile = "cable,rtt=100ms".parse().unwrap();
        assert_eq!((p.down.rate_bps, p.down.delay), (5_000_000, Micros::from_millis(50)));
    }

    #[test]
    fn nonsense_is_explained() {
        for wrong in ["wifi", "lan,rtt", "rtt=fast", "loss=100%", "down=1", "cable,speed=3", "", "rtt=1e9s"] {
            let error = wrong.parse::<Profile>().unwrap_err().to_string();
            assert!(
                error.contains("such as") || error.contains("looks like") || error.contains("parts"),
                "{error}"
            );
        }
    }
}
