//! Runs as a table that people read.

use std::fmt::Write;

use crate::Run;

/// A Markdown table, one line a run; ratios against the first.
pub fn markdown(runs: &[Run]) -> String {
    let mut out = String::from(
        "| mode | depth | first picture, kB | afterwards, kB | ratio | frames | commands | server, s | viewer, s |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let base = runs.first().map_or(0, |r| r.bytes_down) as f64;
    for r in runs {
        let mode = if r.copy_rect && r.mode == "pixels" { "pixels + CopyRect" } else { &r.mode };
        let ratio = base / r.bytes_down.max(1) as f64;
        let _ = writeln!(
            out,
            "| {mode} | {} | {:.1} | {:.1} | {ratio:.1} | {} | {} | {:.2} | {:.2} |",
            r.depth,
            r.first_picture_bytes as f64 / 1e3,
            r.bytes_down as f64 / 1e3,
            r.frames,
            r.updates,
            r.server_s,
            r.viewer_s,
        );
    }
    out
}
