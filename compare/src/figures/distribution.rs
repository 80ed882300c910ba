//! Many measurements of one thing.

use panto_viewer::stats::Latency;
use serde::{Deserialize, Serialize};

/// All samples of a latency, ms, in the order in which they were taken.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(into = "Written", from = "Written")]
pub struct Distribution {
    samples: Vec<f64>,
}

/// In JSON: the percentiles first, for those who want nothing else.
#[derive(Serialize, Deserialize)]
struct Written {
    p50: f64,
    p95: f64,
    max: f64,
    mean: f64,
    samples: Vec<f64>,
}

impl Distribution {
    /// A distribution of these samples; `None` without any.
    pub fn new(samples: Vec<f64>) -> Option<Self> {
        (!samples.is_empty()).then_some(Self { samples })
    }

    /// The samples, ms, as they were taken.
    pub fn samples(&self) -> &[f64] {
        &self.samples
    }

    /// The samples from the smallest to the largest.
    pub fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// Nearest-rank percentiles.
    pub fn percentiles(&self) -> Latency {
        // Never without samples.
        Latency::of_sorted(&self.sorted()).unwrap_or_default()
    }

    /// Arithmetic mean, ms.
    pub fn mean(&self) -> f64 {
        self.samples.iter().sum::<f64>() / self.samples.len().max(1) as f64
    }
}

impl From<Distribution> for Written {
    fn from(d: Distribution) -> Self {
        let Latency { p50, p95, max } = d.percentiles();
        Self { p50, p95, max, mean: d.mean(), samples: d.samples }
    }
}

impl From<Written> for Distribution {
    fn from(w: Written) -> Self {
        Self { samples: w.samples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_by_nearest_rank() {
        let d = Distribution::new((1..=100).rev().map(f64::from).collect()).unwrap();
        assert_eq!(d.percentiles(), Latency { p50: 50.0, p95: 95.0, max: 100.0 });
        assert_eq!(d.mean(), 50.5);
        assert_eq!(Distribution::new(Vec::new()), None);
    }
}
