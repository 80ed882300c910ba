//! Counts and times of one run.

use std::collections::VecDeque;
use std::sync::Arc;

use panto_protocol::geometry::{Rect, Region};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_server::scene::{Scene, Since};

use super::server::ServerSide;
use super::viewer::ViewerSide;
use crate::figures::{Distribution, Figures};
use crate::link::{Direction, Link};
use crate::quality::{Echoes, FilmFigures, Marks, RECOGNISABLE_DB, Tape, different, psnr_rgb};

/// Points of `bytes_over_time` at most.
const MAX_POINTS: usize = 1000;

/// So many changes at once are looked at together: a region of all of them would take longer.
const MANY_CHANGES: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Gauge {
    marks: Marks,
    /// Whether the picture shall come to be the screen's, pixel for pixel.
    lossless: bool,
    /// The screen, as of `position` in its journal.
    screen: Arc<Picture>,
    position: Option<u64>,
    recognisable: Option<Micros>,
    exact: Option<Micros>,
    /// When the viewer's picture last became exact, and how many changes were in it.
    exact_again: Option<(Micros, u64)>,
    /// Sum of the shares of pixels that were not exact, over the frames of the work.
    not_exact: f64,
    /// The film, as the source shows it and as the viewer does.
    film: Option<(Tape, Tape)>,
    echoes: Option<Echoes>,
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
    on_way: VecDeque<Sent>,
    shown: u64,
    delivered: u64,
    freshness: Vec<f64>,
    frames_of_work: u64,
    last_frame: Option<Micros>,
    lossless_at: Option<Micros>,
    finished: bool,
}

/// A frame on its way.
#[derive(Debug)]
struct Sent {
    /// How many changes there had been.
    changes: u64,
    /// Whether it makes the picture whole.
    settled: bool,
    /// The screen that it was made of.
    screen: Arc<Picture>,
}

impl Gauge {
    pub(super) fn new(marks: Marks, lossless: bool) -> Self {
        Self { marks, lossless, ..Self::default() }
    }

    /// The first picture is whole: the work begins.
    pub(super) fn began(&mut self, scene: &Scene, shown: &Picture, now: Micros) {
        self.began = Some(now);
        self.first_picture_bytes = Some(self.bytes_down);
        self.follow(scene);
        if let Some(clip) = self.marks.clip {
            let (mut source, mut viewer) = (Tape::new(clip), Tape::of_display(clip));
            source.look(&self.screen, now);
            viewer.look(shown, now);
            self.film = Some((source, viewer));
        }
        self.echoes = self.marks.echo.map(|cells| Echoes::new(cells, shown));
    }

    /// The person presses a key.
    pub(super) fn typed(&mut self, now: Micros) {
        if let Some(echoes) = &mut self.echoes {
            echoes.typed(now);
        }
    }

    /// Brings the picture of the screen up to date. (The scene's own flat one is the server's:
    /// what it costs is a part of the server's processor time.)
    fn follow(&mut self, scene: &Scene) {
        let position = scene.position();
        let before = self.position.replace(position);
        if before == Some(position) {
            return;
        }
        let size = scene.size();
        let screen = Arc::make_mut(&mut self.screen);
        let whole = Region::from(Rect::of_size(size));
        let damage = match before.map(|before| scene.since(before)) {
            _ if screen.size() != size => {
                *screen = Picture::new(size, 0);
                whole
            }
            Some(Since::Changes(changes)) if changes.len() <= MANY_CHANGES => {
                let mut damage = Region::default();
                changes.for_each(|change| damage.add_region(&change.screen));
                damage
            }
            Some(Since::Changes(changes)) => {
                changes.fold(Rect::default(), |all, change| all.union(&change.screen.bounds())).into()
            }
            Some(Since::Lost) | None => whole,
        };
        scene.canvas().compose(&damage, screen);
    }

    /// The screen changed.
    pub(super) fn changed(&mut self, scene: &Scene, now: Micros) {
        if self.film.is_some() {
            self.follow(scene);
            if let Some((source, _)) = &mut self.film {
                source.look(&self.screen, now);
            }
        }
        // What happens at one moment is one event.
        if self.last_change != Some(now) {
            self.changes += 1;
            self.unseen.push_back(now);
            self.last_change = Some(now);
        }
    }

    /// The server gave a frame to the connection.
    pub(super) fn sent(&mut self, settled: bool, scene: &Scene) {
        self.follow(scene);
        self.on_way.push_back(Sent { changes: self.changes, settled, screen: Arc::clone(&self.screen) });
    }

    /// The viewer painted the next frame.
    pub(super) fn painted(&mut self, settled: bool, shown: &Picture, now: Micros) {
        let sent = self.on_way.pop_front();
        let contains = sent.as_ref().filter(|sent| sent.settled && settled).map(|sent| sent.changes);
        if let Some(sent) = sent {
            self.judge(&sent, shown, now);
        }
        if let Some((_, viewer)) = &mut self.film {
            viewer.look(shown, now);
        }
        if let Some(echoes) = &mut self.echoes {
            echoes.look(shown, now);
        }
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

    /// Compares what is shown with what the frame was made of.
    fn judge(&mut self, sent: &Sent, shown: &Picture, now: Micros) {
        if self.recognisable.is_none()
            && psnr_rgb(shown.view(), sent.screen.view()).is_some_and(|db| db >= RECOGNISABLE_DB)
        {
            self.recognisable = Some(now);
        }
        let different = different(shown.view(), sent.screen.view());
        if different > 0 {
            self.exact_again = None;
        } else {
            self.exact.get_or_insert(now);
            if self.exact_again.is_none_or(|(_, changes)| changes < sent.changes) {
                self.exact_again = Some((now, sent.changes));
            }
        }
        if self.began.is_some() {
            self.not_exact += different as f64 / sent.screen.size().area().max(1) as f64;
        }
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
        let film =
            self.film.as_ref().zip(self.began).and_then(|((source, viewer), at)| source.judge(viewer, at));
        let echoed = self.echoes.as_ref().map(|echoes| echoes.samples().to_vec());
        // Where all the parts of the picture are moved by the viewer itself, no frame makes it exact.
        let exact_again = self.exact_again.map(|(at, _)| at).filter(|_| self.lossless).or(self.lossless_at);
        let frames = self.frames_of_work;
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
            latency_stages_ms: stages.filter(|_| echoed.is_none()),
            input_to_pixel_ms: Distribution::new(echoed.unwrap_or(latencies)),
            freshness_ms: Distribution::new(self.freshness),
            first_picture_ms: painting.first_picture().map(Micros::as_millis_f64),
            recognisable_ms: self.recognisable.map(Micros::as_millis_f64),
            exact_ms: self.exact.map(Micros::as_millis_f64),
            psnr_luma_db: film.and_then(|film: FilmFigures| film.psnr_luma_db),
            frames_played: film.map(|film| film.frames_played),
            frames_offered: film.map(|film| film.frames_offered),
            lossy_share: (self.lossless && frames > 0).then(|| self.not_exact / frames as f64),
            exact_after_rest_ms: exact_again
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
