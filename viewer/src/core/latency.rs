//! From an input to the first picture that answers it.

use std::collections::VecDeque;

use panto_protocol::time::Micros;

use crate::stats::Latency;

/// A picture that comes later than this after an input is no answer to it but a
/// change of its own (a clock, a log): it is not counted (METRICS.md).
const LONGEST: Micros = Micros::from_millis(2_000);

/// Samples kept; later ones replace the oldest.
const MAX_SAMPLES: usize = 100_000;

/// Input events on their way kept in mind.
const MAX_WAITING: usize = 10_000;

/// Measures input-to-pixel latency.
#[derive(Debug, Default)]
pub struct Latencies {
    /// When each input was sent that no frame has answered yet, oldest first.
    waiting: VecDeque<Micros>,
    samples: VecDeque<Micros>,
}

impl Latencies {
    /// An input event was sent.
    pub fn sent(&mut self, now: Micros) {
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(now);
    }

    /// A frame was painted that takes `inputs` more events into account. Returns whether
    /// that made a sample.
    pub fn painted(&mut self, inputs: u64, now: Micros) -> bool {
        let n = usize::try_from(inputs).unwrap_or(usize::MAX).min(self.waiting.len());
        let Some(last) = self.waiting.drain(..n).next_back().filter(|last| now.since(*last) <= LONGEST)
        else {
            return false;
        };
        if self.samples.len() == MAX_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(now.since(last));
        true
    }

    /// A picture was shown that answers whatever waits. Returns whether that made a sample.
    pub fn answered(&mut self, now: Micros) -> bool {
        self.painted(u64::MAX, now)
    }

    /// Whether an input waits for its answer.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Samples, oldest first.
    pub fn samples(&self) -> impl Iterator<Item = Micros> {
        self.samples.iter().copied()
    }

    /// Arithmetic mean, ms; `None` without samples.
    pub fn mean_ms(&self) -> Option<f64> {
        let n = self.samples.len();
        (n > 0).then(|| self.samples.iter().map(|m| m.as_millis_f64()).sum::<f64>() / n as f64)
    }

    /// A new connection: what was on its way is lost.
    pub fn reset(&mut self) {
        self.waiting.clear();
    }

    /// Median, 95th percentile and maximum; `None` without samples.
    pub fn summary(&self) -> Option<Latency> {
        let mut sorted: Vec<Micros> = self.samples.iter().copied().collect();
        sorted.sort_unstable();
        let sorted: Vec<f64> = sorted.into_iter().map(Micros::as_millis_f64).collect();
        Latency::of_sorted(&sorted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank_percentiles() {
        let mut l = Latencies::default();
        for ms in 1..=100 {
            l.sent(Micros::ZERO);
            l.painted(1, Micros::from_millis(ms));
        }
        assert_eq!(l.summary(), Some(Latency { p50: 50.0, p95: 95.0, max: 100.0 }));
        assert_eq!(Latencies::default().summary(), None);
    }

    #[test]
    fn one_frame_answers_the_last_of_several_inputs() {
        let mut l = Latencies::default();
        l.sent(Micros::from_millis(0));
        l.sent(Micros::from_millis(5));
        l.painted(0, Micros::from_millis(6));
        l.painted(2, Micros::from_millis(8));
        assert_eq!(l.summary().map(|s| s.max), Some(3.0));
    }

    #[test]
    fn late_changes_are_no_answers() {
        let mut l = Latencies::default();
        l.sent(Micros::ZERO);
        l.painted(1, Micros::from_millis(2_001));
        assert_eq!(l.summary(), None);
    }
}
