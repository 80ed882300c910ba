//! What was measured: one [`Figures`] for one way of sending one workload over one
//! link, a [`Comparison`] for all of them. Names and units are METRICS.md's.

mod distribution;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use distribution::Distribution;
pub use panto_viewer::stats::Stages;

/// Version of the JSON that [`Comparison`] is written as.
pub const VERSION: u32 = 1;

/// A whole comparison: every workload in every way over every link.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// [`VERSION`].
    pub version: u32,
    /// `panto` and its version.
    pub generator: String,
    /// The command that makes this again.
    pub command: String,
    /// Workloads, in the order of the table.
    pub workloads: Vec<WorkloadInfo>,
    /// Links, in the order of the table.
    pub links: Vec<LinkInfo>,
    /// One row each.
    pub rows: Vec<Figures>,
    /// Whether it was ended before all rows were measured.
    pub interrupted: bool,
}

/// What was done on the screen.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct WorkloadInfo {
    /// Name in the table.
    pub name: String,
    /// A sentence for people.
    pub description: String,
    /// Width of the screen, pixels.
    pub width: u32,
    /// Height of the screen, pixels.
    pub height: u32,
    /// Seconds that it takes by itself.
    pub duration_s: f64,
    /// Changes of the screen at different times.
    pub events: u64,
    /// Inputs of the person.
    pub inputs: u64,
}

/// The link between server and viewer. Rates count IP packets, headers included.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LinkInfo {
    /// Name in the table.
    pub name: String,
    /// Towards the viewer, bit/s; 0 is without limit.
    pub down_bps: u64,
    /// Towards the server, bit/s; 0 is without limit.
    pub up_bps: u64,
    /// Shortest round trip, ms.
    pub rtt_ms: f64,
    /// Largest additional delay of a packet, one way, ms.
    pub jitter_ms: f64,
    /// Share of packets lost, 0 to 1.
    pub loss: f64,
    /// Bytes that wait at the narrowest place at most, each way; 0 is without limit.
    pub queue_bytes: u64,
}

/// One row of the table. `None` is "not measured", never 0.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Name of the workload.
    pub workload: String,
    /// Name of the link.
    pub link: String,
    /// `panto`, or the peer: `tigervnc`, `x11`, `nx`, `rdp`, `xpra`.
    pub system: String,
    /// How the picture was sent: `pixels`, `commands`, `hybrid`, `auto`; of a peer, its setting.
    pub mode: String,
    /// Bits a pixel.
    pub depth: u8,
    /// Divisor of the transmitted size.
    pub scale: u8,
    /// Whether `pixels` could send copies.
    pub copy_rect: bool,
    /// Whether nothing was to be shown roughly first.
    pub exact_only: bool,
    /// Form of the draw commands: `coded` or `plain`; empty for peers.
    pub wire: String,
    /// Whether the viewer had what it could keep of the same work from an earlier session.
    pub warm: bool,
    /// Whether these settings are lossless.
    pub lossless: bool,
    /// `virtual` (simulated link and time: exact) or `live` (real programs, wall clock).
    pub time: String,

    /// Why the row is only partial; `None` when the workload ran to its end.
    pub error: Option<String>,
    /// Seconds from the first byte of the connection until the last picture rested.
    pub duration_s: f64,

    /// Bytes on the wire to the viewer: framing, handshake, everything.
    pub bytes_down: u64,
    /// Bytes on the wire to the server.
    pub bytes_up: u64,
    /// TCP segments to the viewer, those sent again included.
    pub packets_down: Option<u64>,
    /// TCP segments to the server that carried data.
    pub packets_up: Option<u64>,
    /// `bytes_down` when the first whole picture was painted.
    pub first_picture_bytes: Option<u64>,
    /// Bytes of draw commands by kind.
    pub payload_bytes_by_kind: BTreeMap<String, u64>,
    /// Bytes to the viewer so far, at times in seconds; both grow.
    pub bytes_over_time: Vec<(f64, u64)>,

    /// Frames painted.
    pub frames: Option<u64>,
    /// Draw commands painted.
    pub updates: Option<u64>,
    /// Changes of the screen in the workload.
    pub events: Option<u64>,
    /// Of these, how many were on the viewer's screen before the next one replaced them.
    pub events_delivered: Option<u64>,
    /// Pictures a second that the viewer painted, from the first of the work to the last.
    pub delivered_fps: Option<f64>,

    /// From an input to the painting of the first frame that answers it.
    pub input_to_pixel_ms: Option<Distribution>,
    /// Means of the parts of `input_to_pixel_ms`; they add up to its mean.
    pub latency_stages_ms: Option<Stages>,
    /// From a change of the screen to the painting of a picture at least as new.
    pub freshness_ms: Option<Distribution>,
    /// From the connection's beginning to the first whole picture.
    pub first_picture_ms: Option<f64>,
    /// From the connection's beginning to a picture of 25 dB against the screen.
    pub recognisable_ms: Option<f64>,
    /// From the connection's beginning to the first exact picture.
    pub exact_ms: Option<f64>,
    /// From the last change of the screen to the exact picture.
    pub exact_after_rest_ms: Option<f64>,

    /// PSNR of luma of a film while it plays, dB.
    pub psnr_luma_db: Option<f64>,
    /// Different pictures of the film that were shown, a second.
    pub frames_played: Option<f64>,
    /// Pictures that the film has, a second.
    pub frames_offered: Option<f64>,
    /// Mean share of the picture that was not exact after a frame, 0 to 1.
    pub lossy_share: Option<f64>,

    /// CPU seconds of the server's side.
    pub server_cpu_s: Option<f64>,
    /// CPU seconds of the viewer's side.
    pub viewer_cpu_s: Option<f64>,
    /// Largest resident memory of the server's side.
    pub server_memory_bytes: Option<u64>,
    /// Largest resident memory of the viewer's side.
    pub viewer_memory_bytes: Option<u64>,

    /// Digest of the viewer's final picture, hexadecimal.
    pub digest: Option<String>,
    /// Whether the final picture is the expected one, pixel for pixel.
    pub exact: Option<bool>,
}

impl Figures {
    /// How the row is called among those of its workload and link: `pixels`,
    /// `pixels+copyrect`, `pixels 8 bit`, `hybrid 1/2`, `tigervnc tight`.
    pub fn way(&self) -> String {
        let mut name = if self.system == "panto" {
            self.mode.clone()
        } else if self.mode.is_empty() {
            self.system.clone()
        } else {
            format!("{} {}", self.system, self.mode)
        };
        if self.copy_rect && self.mode == "pixels" {
            name.push_str("+copyrect");
        }
        if self.exact_only {
            name.push_str("+exact");
        }
        if self.wire == "plain" {
            name.push_str("+plain");
        }
        if self.warm {
            name.push_str("+warm");
        }
        if self.depth != 0 && self.depth != 24 {
            name.push_str(&format!(" {} bit", self.depth));
        }
        if self.scale > 1 {
            name.push_str(&format!(" 1/{}", self.scale));
        }
        name
    }
}

impl Comparison {
    /// Rows of one workload over one link, in order.
    pub fn rows_of<'a>(&'a self, workload: &'a str, link: &'a str) -> impl Iterator<Item = &'a Figures> {
        self.rows.iter().filter(move |r| r.workload == workload && r.link == link)
    }
}
