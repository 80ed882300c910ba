//! Figures of a viewing: the server's, the viewer's, and where the front sees them (METRICS.md).

use panto_protocol::canvas::digest;
use panto_protocol::time::Micros;
use panto_transport::{Protocol, WireCounters, cpu_seconds, peak_memory_bytes};
use serde::Deserialize;

use super::Client;
use super::link::Link;

/// Figures that the server tells (METRICS.md).
#[derive(Deserialize)]
struct ServerFigures {
    server_cpu_s: f64,
    frames: u64,
    #[serde(default)]
    server_memory_bytes: Option<u64>,
    #[serde(default)]
    stages_ms: Option<ServerStages>,
}

/// The server's part of the latencies, means in ms.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ServerStages {
    capture: f64,
    encode: f64,
    queue: f64,
}

impl Client {
    /// Takes in what the server tells. What cannot be read is only figures, and is left out.
    pub(super) fn server_figures(&mut self, json: &str, link: &mut Link) {
        let Ok(figures) = serde_json::from_str::<ServerFigures>(json) else { return };
        self.stats.server_cpu_s = Some(figures.server_cpu_s);
        self.stats.server_memory_bytes = figures.server_memory_bytes;
        self.server_stages = figures.stages_ms;
        link.last_frame = Some(figures.frames);
    }

    /// Puts the figures where the front sees them.
    pub(super) fn publish(&mut self, counters: &WireCounters) {
        self.stats.bytes_down = self.bytes_before.0 + counters.read();
        self.stats.bytes_up = self.bytes_before.1 + counters.written();
        self.update_stats();
        let stats = self.stats.clone();
        // Without waking: whatever changed the picture wakes the front itself.
        self.view.handle().shown().stats = stats;
    }

    fn update_stats(&mut self) {
        let settings = self.options.settings;
        let stats = &mut self.stats;
        stats.duration_s = self.connected_at.map_or(0.0, |at| at.elapsed().as_secs_f64());
        stats.viewer_cpu_s = cpu_seconds() - self.cpu_at_start;
        if self.options.target.protocol == Protocol::Vnc {
            return self.vnc.figures(&self.options, stats);
        }
        stats.mode = settings.mode.name().into();
        stats.depth = settings.depth.bits();
        stats.scale = settings.scale.divisor() as u8;
        stats.lossless = settings.is_lossless();
        stats.exact_share = self.painting.screen().exact_share();
        let painting = &self.painting;
        stats.frames = painting.frames();
        stats.updates = painting.commands();
        stats.input_to_pixel_ms = painting.latencies().summary();
        stats.first_picture_ms = painting.first_picture().map(Micros::as_millis_f64);
        stats.latency_stages_ms =
            self.server_stages.and_then(|s| painting.stages(s.capture, s.encode, s.queue));
        stats.payload_bytes_by_kind =
            painting.screen().bytes_by_kind().iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
        stats.payload_bytes_by_means =
            painting.screen().explanation().bytes().map(|(m, n)| (m.name().to_owned(), n)).collect();
    }

    /// Brings the figures to their last state, after the last connection.
    pub(super) fn finish_stats(&mut self) {
        self.stats.bytes_down = self.bytes_before.0;
        self.stats.bytes_up = self.bytes_before.1;
        self.update_stats();
        self.stats.viewer_memory_bytes = peak_memory_bytes();
        self.stats.digest = match self.options.target.protocol {
            Protocol::Panto => self.painting.screen().digest(),
            Protocol::Vnc => digest(self.view.handle().shown().picture.view()),
        }
        .to_string();
    }
}
