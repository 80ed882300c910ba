//! Counts and times of one run.

use std::collections::VecDeque;

use panto_protocol::time::Micros;

use super::server::ServerSide;
use super::viewer::ViewerSide;
use crate::figures::{Distribution, Figures};
use crate::link::{Direction, Link};

/// Points of `bytes_over_time` at most.
const MAX_POINTS: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Gauge {
    began: Option<Micros>,
    bytes_down: u64,
    first_picture_bytes: Option<u64>,
    points: Vec<(Micros, u64)>,
    /// Shortest time between two points; doubles when there are too many.
    spacing: Micros,
    last_byte: Micros,
    /// Times of changes that no whole picture has shown yet.
    unseen: VecDeque<Micros>,
    changes: u64,
    last_change: Option<Micros>,
    first_frame: Option<Micros>,
    /// Of each frame on its way: how many changes it and those before it contain, if it
    /// makes the picture whole.
    on_way: VecDeque<Option<u64>>,
    shown: u64,
    delivered: u64,
    freshness: Vec<f64>,
    frames_of_work: u64,
    last_frame: Option<Micros>,
    lossless_at: Option<Micros>,
    finished: bool,
}

impl Gauge {
    /// The first picture is whole: the work begins.
    pub(super) fn began(&mut self, now: Micros) {
        self.began = Some(now);
        self.first_picture_bytes = Some(self.bytes_down);
    }

    /// The screen changed.
    pub(super) fn changed(&mut self, now: Micros) {
        // What happens at one moment is one event.
        if self.last_change != Some(now) {
            self.changes += 1;
            self.unseen.push_back(now);
            self.last_change = Some(now);
        }
    }

    /// The server gave a frame to the connection.
    pub(super) fn sent(&mut self, settled: bool) {
        self.on_way.push_back(settled.then_some(self.changes));
    }

    /// The viewer painted the next frame.
    pub(super) fn painted(&mut self, settled: bool, now: Micros) {
        let contains = self.on_way.pop_front().flatten().filter(|_| settled);
        if self.began.is_some() {
            self.frames_of_work += 1;
            self.first_frame.get_or_insert(now);
            self.last_frame = Some(now);
        }
        let Some(changes) = contains else { return };
        if changes > self.shown {
            self.delivered += 1;
        }
        while self.shown < changes
            && let Some(at) = self.unseen.pop_front()
        {
            self.shown += 1;
            self.freshness.push(now.since(at).as_millis_f64());
        }
        self.lossless_at = Some(now);
    }

    pub(super) fn down(&mut self, bytes: usize, now: Micros) {
        self.bytes_down += bytes as u64;
        self.last_byte = now;
        match self.points.last_mut() {
            Some((at, total)) if now.since(*at) < self.spacing || now == *at => *total = self.bytes_down,
            _ => self.points.push((now, self.bytes_down)),
        }
        if self.points.len() > MAX_POINTS {
            self.spacing = Micros((2 * self.spacing.0).max(10_000));
            let mut kept: Vec<(Micros, u64)> = Vec::new();
            for point in std::mem::take(&mut self.points) {
                match kept.last_mut() {
                    Some((at, total)) if point.0.since(*at) < self.spacing => *total = point.1,
                    _ => kept.push(point),
                }
            }
            self.points = kept;
        }
    }

    /// The run came to its end with the right picture.
    pub(super) fn finished(&mut self) {
        self.finished = true;
    }

    pub(super) fn figures(self, server: &ServerSide, viewer: &ViewerSide, link: &Link) -> Figures {
        let painting = viewer.painting();
        let seconds = |at: Micros| at.0 as f64 / 1e6;
        let latencies = painting.latencies().samples().map(Micros::as_millis_f64).collect();
        let span = self.first_frame.zip(self.last_frame).map(|(a, b)| seconds(b.since(a)));
        let told = server.delivery().map(|d| d.stages());
        let stages = told.and_then(|s| painting.stages(s.capture, s.encode, s.queue));
        let last_change = self.last_change.or(self.began);
        Figures {
            duration_s: seconds(self.last_byte),
            bytes_down: server.bytes(),
            bytes_up: viewer.bytes(),
            packets_down: Some(link.packets(Direction::Down)),
            packets_up: Some(link.packets(Direction::Up)),
            first_picture_bytes: self.first_picture_bytes,
            payload_bytes_by_kind: painting
                .screen()
                .bytes_by_kind()
                .iter()
                .map(|(kind, bytes)| ((*kind).to_owned(), *bytes))
                .collect(),
            bytes_over_time: self.points.iter().map(|(at, bytes)| (seconds(*at), *bytes)).collect(),
            frames: Some(painting.frames()),
            updates: Some(painting.commands()),
            events: Some(self.changes),
            events_delivered: Some(self.delivered),
            delivered_fps: span.filter(|s| *s > 0.0).map(|s| (self.frames_of_work - 1) as f64 / s),
            input_to_pixel_ms: Distribution::new(latencies),
            latency_stages_ms: stages,
            freshness_ms: Distribution::new(self.freshness),
            first_picture_ms: painting.first_picture().map(Micros::as_millis_f64),
            time_to_lossless_ms: self
                .lossless_at
                .zip(last_change)
                .filter(|_| self.finished)
                .map(|(at, change)| at.since(change).as_millis_f64()),
            server_cpu_s: Some(server.cpu()),
            viewer_cpu_s: Some(viewer.cpu()),
            digest: Some(painting.screen().digest().to_string()),
            exact: self.finished.then_some(true),
            ..Figures::default()
        }
    }
}
