//! Figures of a viewing of a VNC server (METRICS.md).

use panto_protocol::rfb::client::Connection;
use panto_protocol::time::Micros;

use super::{Viewing, possible};
use crate::core::ClientOptions;
use crate::stats::Stats;

impl Viewing {
    /// Bytes by encoding, those of this connection too.
    pub(super) fn encodings(&self, connection: &Connection, stats: &mut Stats) {
        let mut all = self.bytes.clone();
        for (name, bytes) in connection.bytes_by_encoding() {
            *all.entry(name).or_default() += bytes;
        }
        stats.payload_bytes_by_kind = all.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    }

    /// Puts in what there is; VNC servers tell no figures of their own.
    pub(in crate::core::client) fn figures(&self, options: &ClientOptions, stats: &mut Stats) {
        let (settings, painter) = (possible(options.settings), &self.painter);
        let exact = options.vnc.jpeg.is_none();
        stats.mode = "rfb".into();
        stats.depth = settings.depth.bits();
        stats.scale = 1;
        stats.lossless = settings.is_lossless() && exact;
        // What was sent as JPEG cannot be told from what was made exact since.
        stats.exact_share = (exact && painter.is_whole()).then_some(1.0);
        stats.frames = painter.updates();
        stats.updates = painter.rects();
        stats.input_to_pixel_ms = painter.latencies().summary();
        stats.first_picture_ms = painter.first_picture().map(Micros::as_millis_f64);
    }
}
