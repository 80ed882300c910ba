//! Two samples to the figures of the interval between them.

use panto_server::control::Status;
use panto_server::frontend::ViewerInfo;
use serde::Serialize;

use super::sample::Sample;

/// Figures of one interval, under METRICS.md's names.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Refresh {
    #[serde(flatten)]
    pub(super) status: Status,
    /// Length of the interval; `None` for the first sample.
    pub(super) interval_s: Option<f64>,
    /// CPU of the server's process in the interval, % of one core.
    pub(super) server_cpu_percent: Option<f64>,
    /// What the control socket says of each viewer, with its rates.
    pub(super) each_viewer: Vec<Viewer>,
}

/// One viewer in one interval. Rates are `None` for one that has come during it.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Viewer {
    #[serde(flatten)]
    pub(super) info: ViewerInfo,
    #[serde(flatten)]
    pub(super) rates: Option<Rates>,
}

/// Changes of a viewer's counters, a second.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(super) struct Rates {
    /// Mean of `bytes_down`, bit/s.
    pub(super) down_bps: f64,
    /// Mean of `bytes_up`, bit/s.
    pub(super) up_bps: f64,
    pub(super) frames_per_s: f64,
    pub(super) updates_per_s: f64,
    /// Share of each kind in the bytes of draw commands, 0 to 1, the largest first.
    pub(super) payload_shares_by_kind: Vec<(String, f64)>,
}

impl Refresh {
    /// The figures between two samples. After a restart of the server the earlier one says nothing.
    pub(super) fn between(earlier: Option<&Sample>, later: &Sample) -> Self {
        let earlier = earlier.filter(|earlier| earlier.status.uptime_s <= later.status.uptime_s);
        let seconds = earlier.map(|earlier| later.at.duration_since(earlier.at).as_secs_f64());
        let seconds = seconds.filter(|seconds| *seconds > 0.0);
        let cpu = earlier.zip(seconds).map(|(earlier, seconds)| {
            (later.status.server_cpu_s - earlier.status.server_cpu_s).max(0.0) / seconds * 100.0
        });
        let viewers = later.viewers.iter().map(|info| {
            let before = earlier.and_then(|earlier| earlier.viewers.iter().find(|v| v.id == info.id));
            let rates = before.zip(seconds).map(|(before, seconds)| Rates::between(before, info, seconds));
            Viewer { info: info.clone(), rates }
        });
        Self {
            status: later.status.clone(),
            interval_s: seconds,
            server_cpu_percent: cpu,
            each_viewer: viewers.collect(),
        }
    }
}

impl Rates {
    fn between(earlier: &ViewerInfo, later: &ViewerInfo, seconds: f64) -> Self {
        let rate = |earlier: u64, later: u64| later.saturating_sub(earlier) as f64 / seconds;
        let bytes = later.payload_bytes_by_kind.iter().map(|(kind, bytes)| {
            let before = earlier.payload_bytes_by_kind.get(kind).copied().unwrap_or(0);
            (kind.clone(), bytes.saturating_sub(before) as f64)
        });
        let mut shares: Vec<(String, f64)> = bytes.filter(|(_, bytes)| *bytes > 0.0).collect();
        let all: f64 = shares.iter().map(|(_, bytes)| bytes).sum();
        shares.iter_mut().for_each(|(_, bytes)| *bytes /= all);
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        Self {
            down_bps: 8.0 * rate(earlier.bytes_down, later.bytes_down),
            up_bps: 8.0 * rate(earlier.bytes_up, later.bytes_up),
            frames_per_s: rate(earlier.frames, later.frames),
            updates_per_s: rate(earlier.updates, later.updates),
            payload_shares_by_kind: shares,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::{refresh, samples};
    use super::*;

    #[test]
    fn rates_are_differences_over_time() {
        let refresh = refresh();
        assert_eq!((refresh.interval_s, refresh.server_cpu_percent), (Some(2.0), Some(25.0)));
        let [stayed, came] = &refresh.each_viewer[..] else { panic!("{refresh:?}") };
        let expected = Rates {
            down_bps: 32_000.0,
            up_bps: 320.0,
            frames_per_s: 4.0,
            updates_per_s: 40.0,
            payload_shares_by_kind: vec![
                ("PutPixels".into(), 4000.0 / 6000.0),
                ("Fill".into(), 2000.0 / 6000.0),
            ],
        };
        assert_eq!(stayed.rates.as_ref(), Some(&expected));
        assert_eq!(came.rates, None, "nothing is known of the time before it came");
    }

    #[test]
    fn a_restarted_server_has_no_rates_yet() {
        let [mut earlier, later] = samples();
        earlier.status.uptime_s = 5000.0;
        let refresh = Refresh::between(Some(&earlier), &later);
        assert_eq!((refresh.interval_s, refresh.server_cpu_percent), (None, None));
        assert!(refresh.each_viewer.iter().all(|viewer| viewer.rates.is_none()));
    }
}
