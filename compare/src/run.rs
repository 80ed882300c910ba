//! One workload sent in one way.

use std::collections::BTreeMap;
use std::time::Instant;

use panto_protocol::canvas::{PaintError, digest};
use panto_protocol::connection::{Channel, Mux};
use panto_protocol::message::{Mode, Settings};
use panto_protocol::pixel::Picture;
use panto_protocol::time::Micros;
use panto_server::plan::{Budget, Planner};
use panto_viewer::core::{FrameError, Screen};
use serde::Serialize;
use thiserror::Error;

use crate::Workload;

/// A viewer looks sixty times a second, as a display does.
const FRAME: Micros = Micros(16_667);

/// Figures of one run; names are METRICS.md's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// `pixels`, `commands`, `hybrid` or `auto`.
    pub mode: String,
    /// Bits a pixel.
    pub depth: u8,
    /// Divisor of the transmitted size.
    pub scale: u8,
    /// Whether `pixels` could send copies.
    pub copy_rect: bool,
    /// Bytes of the first picture, framing included.
    pub first_picture_bytes: u64,
    /// Bytes of everything after the first picture, framing included.
    pub bytes_down: u64,
    /// Frames after the first picture.
    pub frames: u64,
    /// Draw commands after the first picture.
    pub updates: u64,
    /// Bytes of draw commands by kind, first picture included.
    pub payload_bytes_by_kind: BTreeMap<String, u64>,
    /// Seconds of the workload's own time.
    pub duration_s: f64,
    /// Wall-clock seconds that planning and encoding took, in all.
    pub server_s: f64,
    /// Wall-clock seconds that decoding and painting took, in all.
    pub viewer_s: f64,
    /// Whether these settings are lossless.
    pub lossless: bool,
    /// Digest of the final picture.
    pub digest: String,
}

/// Why a run has no figures.
#[derive(Debug, Error)]
pub enum RunError {
    /// The planner could not describe the picture.
    #[error("the picture cannot be described: {0}")]
    Plan(#[from] PaintError),
    /// The viewer could not paint what the planner sent.
    #[error("the viewer cannot paint: {0}")]
    Paint(#[from] FrameError),
    /// The viewer's picture is not the server's: a bug, never a matter of settings.
    #[error("after {frames} frames in {mode} at depth {depth} the viewer's picture is not the server's")]
    Different {
        /// Mode of the run.
        mode: &'static str,
        /// Depth of the run.
        depth: u8,
        /// Frames until then.
        frames: u64,
    },
}

/// Sends a workload to one viewer over a link without limits. Returns the figures
/// and the viewer's final picture. The pictures of both ends are compared after every frame.
pub fn run(mut workload: Workload, settings: Settings) -> Result<(Run, Picture), RunError> {
    let mut planner = Planner::new(settings);
    let mut screen = Screen::new();
    let mut picture = Picture::default();
    let mut run = Run {
        mode: settings.mode.name().into(),
        depth: settings.depth.bits(),
        scale: settings.scale.divisor() as u8,
        copy_rect: settings.copy_rect,
        first_picture_bytes: 0,
        bytes_down: 0,
        frames: 0,
        updates: 0,
        payload_bytes_by_kind: BTreeMap::new(),
        duration_s: 0.0,
        server_s: 0.0,
        viewer_s: 0.0,
        lossless: settings.is_lossless(),
        digest: String::new(),
    };
    run.first_picture_bytes = send(&mut workload, &mut planner, &mut screen, &mut picture, &mut run)?;
    (run.frames, run.updates) = (0, 0);
    let mut now = Micros::ZERO;
    while let Some(at) = workload.next_at() {
        // The next look at or after what happens.
        now = Micros(at.0.max(now.0 + 1).div_ceil(FRAME.0) * FRAME.0);
        workload.advance(now);
        run.bytes_down += send(&mut workload, &mut planner, &mut screen, &mut picture, &mut run)?;
    }
    run.duration_s = now.0 as f64 / 1e6;
    run.payload_bytes_by_kind =
        screen.bytes_by_kind().iter().map(|(kind, bytes)| ((*kind).to_owned(), *bytes)).collect();
    run.digest = digest(picture.view()).to_string();
    if run.lossless && picture != workload.scene().canvas().screen() {
        return Err(different(&settings, run.frames));
    }
    Ok((run, picture))
}

fn different(settings: &Settings, frames: u64) -> RunError {
    RunError::Different { mode: settings.mode.name(), depth: settings.depth.bits(), frames }
}

/// Sends what changed; returns the bytes on the wire.
fn send(
    workload: &mut Workload,
    planner: &mut Planner,
    screen: &mut Screen,
    picture: &mut Picture,
    run: &mut Run,
) -> Result<u64, RunError> {
    let mut bytes = 0;
    while planner.is_due(workload.scene()) {
        let started = Instant::now();
        let frame = planner.plan(workload.scene(), Budget::UNLIMITED)?;
        run.server_s += started.elapsed().as_secs_f64();
        let Some(frame) = frame else { continue };
        let message = frame.message(panto_protocol::message::FrameHeader::default());
        let started = Instant::now();
        screen.paint(&message)?;
        screen.show(picture);
        run.viewer_s += started.elapsed().as_secs_f64();
        run.frames += 1;
        run.updates += frame.count as u64;
        let mut mux = Mux::default();
        mux.push(Channel::Draw, message);
        let mut wire = Vec::new();
        while mux.poll_chunk(&mut wire) {}
        bytes += wire.len() as u64;
        let shadow = planner.shadow().screen();
        if *picture != shadow {
            return Err(different(&planner.settings(), run.frames));
        }
    }
    Ok(bytes)
}

/// The ways of sending that the demo's table compares.
pub fn demo_settings() -> Vec<Settings> {
    use panto_protocol::message::Depth;
    let pixels = |depth| Settings { mode: Mode::Pixels, depth, ..Settings::default() };
    let mut all: Vec<Settings> = Depth::ALL.into_iter().map(pixels).collect();
    all.insert(1, Settings { copy_rect: true, ..pixels(Depth::D24) });
    all.extend(
        [Mode::Commands, Mode::Hybrid, Mode::Auto].map(|mode| Settings { mode, ..Settings::default() }),
    );
    all
}
