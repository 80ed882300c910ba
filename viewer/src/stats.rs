//! Figures of one viewing, under the names that METRICS.md defines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// 50th and 95th percentile and maximum of a latency, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Largest.
    pub max: f64,
}

impl Latency {
    /// Nearest-rank percentiles of samples from the smallest to the largest, ms; `None`
    /// without any.
    pub fn of_sorted(sorted: &[f64]) -> Option<Self> {
        let at = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied();
        Some(Self { p50: at(50)?, p95: at(95)?, max: at(100)? })
    }
}

/// Where the time between an input and its picture went: means, ms, that add up to the
/// mean of `input_to_pixel_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Stages {
    /// On the wire, both ways.
    pub network: f64,
    /// From the input's arrival at the server until the screen had changed.
    pub capture: f64,
    /// Planning and encoding.
    pub encode: f64,
    /// Waiting at the server: for the pacer, and for the socket to take it.
    pub queue: f64,
    /// Decoding, and painting onto the surfaces.
    pub decode: f64,
    /// Composing what is shown.
    pub paint: f64,
}

/// Figures of one viewing since it began.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Stats {
    /// Mode in force.
    pub mode: String,
    /// Depth in force, bits a pixel.
    pub depth: u8,
    /// Divisor of the transmitted picture's size.
    pub scale: u8,
    /// Seconds since the connection was made.
    pub duration_s: f64,
    /// Bytes received on the wire, TLS included.
    pub bytes_down: u64,
    /// Bytes sent on the wire, TLS included.
    pub bytes_up: u64,
    /// Bytes of draw commands received, by kind of command.
    pub payload_bytes_by_kind: BTreeMap<String, u64>,
    /// The same bytes by how areas of the screen were sent ([`crate::core::Means`]).
    pub payload_bytes_by_means: BTreeMap<String, u64>,
    /// Frames painted.
    pub frames: u64,
    /// Draw commands painted.
    pub updates: u64,
    /// Attempts to come back after a lost connection.
    pub reconnects: u64,
    /// CPU seconds of the server since this viewer connected; `None` until it told.
    pub server_cpu_s: Option<f64>,
    /// CPU seconds of this process since it began viewing.
    pub viewer_cpu_s: f64,
    /// Largest resident memory of the server's process; `None` until it told.
    pub server_memory_bytes: Option<u64>,
    /// Largest resident memory of this process.
    pub viewer_memory_bytes: Option<u64>,
    /// From an input's sending to the painting of the first frame that answers it.
    pub input_to_pixel_ms: Option<Latency>,
    /// Its parts; `None` until the server told its own.
    pub latency_stages_ms: Option<Stages>,
    /// From the beginning of viewing to the first whole picture, milliseconds.
    pub first_picture_ms: Option<f64>,
    /// Round trip measured by pings, milliseconds.
    pub rtt_ms: Option<f64>,
    /// Whether the settings in force are lossless.
    pub lossless: bool,
    /// Share of the shown picture in which nothing is rough, 0 to 1; `None` before the first
    /// picture.
    pub exact_share: Option<f64>,
    /// Digests from the server that the picture agreed with.
    pub digests_ok: u64,
    /// Digests that did not agree; anything but 0 is a bug.
    pub digests_wrong: u64,
    /// Digest of the final picture, hexadecimal.
    pub digest: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_share_is_printed_beside_lossless() {
        let print = |exact_share| {
            let stats = Stats { lossless: true, exact_share, ..Stats::default() };
            let json = serde_json::to_value(stats).unwrap();
            (json["lossless"].clone(), json["exact_share"].clone())
        };
        assert_eq!(print(None), (true.into(), serde_json::Value::Null));
        assert_eq!(print(Some(0.975)), (true.into(), 0.975.into()));
    }
}
