//! Rates over time, from figures that only grow.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::core::Means;
use crate::stats::Stats;

/// Time between two samples, and between two redraws of the overlay.
pub(super) const PERIOD: Duration = Duration::from_millis(500);

/// Samples kept: one minute.
const SAMPLES: usize = 121;

/// Samples that a momentary rate is the mean of: one second.
const WINDOW: usize = 2;

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    bytes: u64,
    /// In the order of [`Means::ALL`].
    means: [u64; Means::ALL.len()],
    frames: u64,
    server_cpu: Option<f64>,
    viewer_cpu: f64,
}

/// The last minute of a viewing.
#[derive(Debug, Default)]
pub(super) struct Meter {
    samples: VecDeque<Sample>,
    peak: f64,
}

impl Meter {
    /// Adds a sample, if the last one is old enough.
    pub(super) fn sample(&mut self, stats: &Stats, now: Instant) {
        if self.due().is_some_and(|due| now < due) {
            return;
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            at: now,
            bytes: stats.bytes_down,
            means: Means::ALL.map(|m| stats.payload_bytes_by_means.get(m.name()).copied().unwrap_or(0)),
            frames: stats.frames,
            server_cpu: stats.server_cpu_s,
            viewer_cpu: stats.viewer_cpu_s,
        });
        self.peak = self.peak.max(self.bits_per_second());
    }

    /// When the next sample is to be taken; `None`: at once.
    pub(super) fn due(&self) -> Option<Instant> {
        self.samples.back().map(|s| s.at + PERIOD)
    }

    /// Forgets everything, for there will be a gap.
    pub(super) fn clear(&mut self) {
        self.samples.clear();
    }

    /// Bits received in the last second.
    pub(super) fn bits_per_second(&self) -> f64 {
        self.rate(|a, b| b.bytes.saturating_sub(a.bytes) as f64 * 8.0)
    }

    /// The largest of [`Meter::bits_per_second`] so far.
    pub(super) fn peak(&self) -> f64 {
        self.peak
    }

    /// Bytes of commands of one kind received in the last second.
    pub(super) fn bytes_per_second(&self, means: Means) -> u64 {
        let Some(i) = Means::ALL.iter().position(|m| *m == means) else { return 0 };
        // Rounded; never negative.
        (self.rate(|a, b| b.means[i].saturating_sub(a.means[i]) as f64) + 0.5) as u64
    }

    /// Frames painted in the last second.
    pub(super) fn frames_per_second(&self) -> f64 {
        self.rate(|a, b| b.frames.saturating_sub(a.frames) as f64)
    }

    /// Percent of one core that the server used lately: between the first and the last
    /// of its words on it in this minute, as it speaks more seldom than samples are taken.
    pub(super) fn server_cpu(&self) -> Option<f64> {
        let mut told = self.samples.iter().filter_map(|s| Some((s.at, s.server_cpu?)));
        let first = told.next()?;
        let mut last = first;
        for (at, cpu) in told {
            if cpu != last.1 {
                last = (at, cpu);
            }
        }
        let seconds = last.0.duration_since(first.0).as_secs_f64();
        (seconds > 0.0).then(|| (last.1 - first.1).max(0.0) * 100.0 / seconds)
    }

    /// Percent of one core that this process used in the last second.
    pub(super) fn viewer_cpu(&self) -> f64 {
        self.rate(|a, b| (b.viewer_cpu - a.viewer_cpu).max(0.0) * 100.0)
    }

    /// Bytes received in each period, oldest first.
    pub(super) fn history(&self) -> impl Iterator<Item = u64> {
        self.samples.iter().zip(self.samples.iter().skip(1)).map(|(a, b)| b.bytes.saturating_sub(a.bytes))
    }

    fn rate(&self, difference: impl Fn(&Sample, &Sample) -> f64) -> f64 {
        let Some(last) = self.samples.back() else { return 0.0 };
        let first = &self.samples[self.samples.len().saturating_sub(WINDOW + 1)];
        let seconds = (last.at - first.at).as_secs_f64();
        if seconds > 0.0 { difference(first, last) / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_last_second() {
        let mut meter = Meter::default();
        let start = Instant::now();
        for i in 0..300u32 {
            // 1,000 bytes a period, then silence.
            let bytes_down = u64::from(i.min(100)) * 1000;
            let payload_bytes_by_means = [("fill".to_owned(), u64::from(i) * 40)].into();
            let stats = Stats { bytes_down, frames: i.into(), payload_bytes_by_means, ..Stats::default() };
            meter.sample(&stats, start + PERIOD * i);
            meter.sample(&Stats::default(), start + PERIOD * i + PERIOD / 2);
        }
        assert_eq!(meter.bits_per_second(), 0.0);
        assert_eq!(meter.frames_per_second(), 2.0);
        assert_eq!(meter.bytes_per_second(Means::Fill), 80);
        assert_eq!(meter.bytes_per_second(Means::Copy), 0);
        assert_eq!(meter.peak(), 16_000.0);
        assert_eq!(meter.history().count(), SAMPLES - 1);
        assert_eq!(meter.server_cpu(), None);
    }

    #[test]
    fn a_counter_that_starts_again_is_no_panic() {
        let mut meter = Meter::default();
        let start = Instant::now();
        meter.sample(&Stats { bytes_down: 500, ..Stats::default() }, start);
        meter.sample(&Stats::default(), start + PERIOD);
        assert_eq!(meter.bits_per_second(), 0.0);
    }
}
