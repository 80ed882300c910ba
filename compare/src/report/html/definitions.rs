//! What the figures mean, and what was measured over what.

use std::fmt::Write;

use super::Page;
use crate::figures::{Figures, LinkInfo, WorkloadInfo};
use crate::report::escape::html as escape;
use crate::report::number::{count, short};
use crate::report::{order, words};

/// Name in the JSON and CSV, unit, and what it is.
const FIGURES: &[(&str, &str, &str)] = &[
    ("duration_s", "s", "From the first byte of the connection until the last picture rested."),
    ("bytes_down", "bytes", "Bytes on the wire to the viewer: handshake, framing and everything else."),
    ("bytes_up", "bytes", "Bytes on the wire to the server."),
    ("packets_down", "", "TCP segments to the viewer, those sent again included."),
    ("packets_up", "", "TCP segments to the server that carried data."),
    ("payload_bytes_by_kind", "bytes", "Bytes of draw commands, by kind of command, without framing."),
    ("bytes_over_time", "s, bytes", "Bytes to the viewer so far, at times since the connection began."),
    ("frames", "", "Frames that the viewer painted."),
    ("updates", "", "Draw commands that the viewer painted."),
    (
        "events_delivered",
        "",
        "Changes of the screen that were on the viewer's screen before the next one replaced them.",
    ),
    (
        "delivered_fps",
        "frames/s",
        "Pictures a second that the viewer painted, from the first change to the last.",
    ),
    ("input_to_pixel_ms", "ms", "From an input to the painting of the first frame that answers it."),
    (
        "latency_stages_ms",
        "ms",
        "Means of the parts of input_to_pixel_ms: network is the wire both ways, capture the time until the screen had \
         changed, encode planning and encoding, queue waiting at the server, decode and paint the viewer's work.",
    ),
    ("freshness_ms", "ms", "From a change of the screen to the painting of a picture at least as new."),
    ("first_picture_ms", "ms", "From the connection's beginning to the first whole picture."),
    ("first_picture_bytes", "bytes", "The bytes_down until the first whole picture was painted."),
    (
        "recognisable_ms",
        "ms",
        "From the connection's beginning to the first picture of 25 dB PSNR against the screen.",
    ),
    ("exact_ms", "ms", "From the connection's beginning to the first exact picture."),
    ("exact_after_rest_ms", "ms", "From the last change of the screen to the exact picture."),
    (
        "psnr_luma_db",
        "dB",
        "PSNR of luma of a film while it plays, by the mean squared error over its pictures that were shown.",
    ),
    (
        "frames_played",
        "frames/s",
        "Different pictures of the film that were shown, a second; frames_offered is what it has.",
    ),
    ("lossy_share", "", "Mean share of the picture that was not exact after a frame."),
    ("server_cpu_s, viewer_cpu_s", "s", "CPU seconds of each side."),
    ("server_memory_bytes, viewer_memory_bytes", "bytes", "Largest resident memory of each side."),
    ("exact", "", "Whether the viewer's final picture is the expected one, pixel for pixel."),
    ("p50, p95, max", "", "Median, 95th percentile (nearest rank) and largest of all samples."),
    ("kB, MB, GB", "", "1,000, 1,000,000 and 1,000,000,000 bytes."),
];

/// The last section of the page.
pub fn html(page: &Page<'_>, links: &[LinkInfo]) -> String {
    let mut out = String::from("<section id=\"definitions\">\n<h2>Definitions</h2>\n");
    let workloads = order::workloads(page.comparison);
    list(&mut out, "Workloads", workloads.iter().map(|w| (escape(&w.name), workload(w))));
    list(&mut out, "Ways", page.ways.iter().map(|way| (escape(way), settings(page, way))));
    let link = |l: &LinkInfo| (escape(&l.name), format!("{}.", escape(&words::link(page.comparison, l))));
    list(&mut out, "Links", links.iter().map(link));
    out.push_str("<p>Rates of links count IP packets with their headers.</p>\n");
    list(
        &mut out,
        "Figures",
        FIGURES.iter().map(|&(name, unit, meaning)| {
            let unit = if unit.is_empty() { String::new() } else { format!(" <small>{unit}</small>") };
            (format!("<code>{name}</code>{unit}"), meaning.into())
        }),
    );
    out.push_str(
        "<p>In virtual time the link and the clock are simulated, so that bytes and latencies are exact and \
         every run repeats them. Live rows are real programs by the wall clock: they vary from run to run.</p>\n",
    );
    out.push_str("</section>\n");
    out
}

/// Names and meanings are HTML.
fn list(out: &mut String, title: &str, entries: impl Iterator<Item = (String, String)>) {
    let _ = writeln!(out, "<h3>{title}</h3>\n<dl>");
    for (name, meaning) in entries {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{meaning}</dd></div>");
    }
    out.push_str("</dl>\n");
}

fn workload(w: &WorkloadInfo) -> String {
    if w.width == 0 {
        return "A workload that this comparison does not describe.".into();
    }
    format!(
        "{} {} × {} pixels, {} s, {}, {}.",
        escape(&w.description),
        w.width,
        w.height,
        short(w.duration_s),
        counted(w.events, "change", "changes"),
        counted(w.inputs, "input", "inputs"),
    )
}

/// The settings of the first row of a way, and whether its rows are virtual or live.
fn settings(page: &Page<'_>, way: &str) -> String {
    let rows = || page.comparison.rows.iter().filter(|r| r.way() == way);
    let Some(row) = rows().next() else { return String::new() };
    let mut parts = vec![system(row)];
    if row.depth > 0 {
        parts.push(format!("{} bits a pixel", row.depth));
    }
    if row.scale > 1 {
        parts.push(format!("sides divided by {}", row.scale));
    }
    if row.copy_rect {
        parts.push("may copy rectangles".into());
    }
    if row.exact_only {
        parts.push("nothing shown roughly first".into());
    }
    if row.wire == "plain" {
        parts.push("frames not entropy-coded".into());
    }
    if row.warm {
        parts.push("the viewer had kept glyphs and tiles of the same work".into());
    }
    parts.push(if row.lossless { "lossless" } else { "not lossless" }.into());
    let mut times: Vec<&str> = rows().map(|r| r.time.as_str()).filter(|t| !t.is_empty()).collect();
    times.sort_unstable();
    times.dedup();
    if !times.is_empty() {
        parts.push(format!("{} time", escape(&times.join(" and "))));
    }
    format!("{}.", parts.join(", "))
}

fn system(row: &Figures) -> String {
    match (row.system.as_str(), row.mode.as_str()) {
        ("panto", "pixels") => "Panto sends pixels only".into(),
        ("panto", "commands") => "Panto sends the drawing commands of the source".into(),
        ("panto", "hybrid") => "Panto sends pixels or commands, whichever is smaller".into(),
        ("panto", "auto") => "Panto sends hybrid, with every setting chosen from the link".into(),
        (system, "") => escape(system),
        (system, mode) => format!("{}, setting {}", escape(system), escape(mode)),
    }
}

fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}
