//! The table of one link, before it is text, Markdown or HTML.

use super::number::{count, kilobytes, significant};
use super::order;
use crate::figures::{Comparison, Distribution, Figures, LinkInfo};

/// How much of a row is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What fits a terminal.
    Short,
    /// Every figure that is one number.
    Full,
}

/// One link's rows by workload and way.
pub struct Table {
    /// After `workload` and `way`.
    pub headings: Vec<Heading>,
    /// Rows by workload, in the order of the comparison.
    pub lines: Vec<Line>,
}

/// What a column holds; its cells are aligned right.
#[derive(Clone, Copy)]
pub struct Heading {
    /// Name in words; a newline where a narrow column may break it.
    pub name: &'static str,
    /// Unit, or nothing.
    pub unit: &'static str,
}

/// One row.
pub struct Line {
    /// Name of the workload.
    pub workload: String,
    /// [`Figures::way`].
    pub way: String,
    /// One for each heading; `-` where nothing was measured.
    pub cells: Vec<String>,
    /// Why the row is only partial.
    pub error: Option<String>,
}

type Cell = fn(&Figures, &Figures) -> Option<String>;

/// Name, unit, whether only the full table has it, and the cell of a row beside the first row of its kind.
const COLUMNS: &[(&str, &str, Extent, Cell)] = &[
    ("duration", "s", Extent::Full, |r, _| Some(significant(r.duration_s))),
    ("bytes\ndown", "kB", Extent::Short, |r, _| Some(kilobytes(r.bytes_down))),
    ("ratio", "", Extent::Short, ratio),
    ("bytes\nup", "kB", Extent::Short, |r, _| Some(kilobytes(r.bytes_up))),
    ("packets\ndown", "", Extent::Full, |r, _| r.packets_down.map(count)),
    ("packets\nup", "", Extent::Full, |r, _| r.packets_up.map(count)),
    ("frames", "", Extent::Full, |r, _| r.frames.map(count)),
    ("updates", "", Extent::Full, |r, _| r.updates.map(count)),
    ("input to\npixel p50", "ms", Extent::Short, |r, _| p50(&r.input_to_pixel_ms)),
    ("input to\npixel p95", "ms", Extent::Short, |r, _| p95(&r.input_to_pixel_ms)),
    ("input to\npixel max", "ms", Extent::Full, |r, _| max(&r.input_to_pixel_ms)),
    ("freshness\np50", "ms", Extent::Short, |r, _| p50(&r.freshness_ms)),
    ("freshness\np95", "ms", Extent::Full, |r, _| p95(&r.freshness_ms)),
    ("delivered", "frames/s", Extent::Short, |r, _| r.delivered_fps.map(significant)),
    ("events\ndelivered", "", Extent::Full, events),
    ("first\npicture", "ms", Extent::Full, |r, _| r.first_picture_ms.map(significant)),
    ("first\npicture", "kB", Extent::Full, |r, _| r.first_picture_bytes.map(kilobytes)),
    ("recog-\nnisable", "ms", Extent::Short, |r, _| r.recognisable_ms.map(significant)),
    ("first\nexact", "ms", Extent::Short, |r, _| r.exact_ms.map(significant)),
    ("exact\nafter rest", "ms", Extent::Short, |r, _| r.exact_after_rest_ms.map(significant)),
    ("film\nPSNR", "dB", Extent::Short, |r, _| r.psnr_luma_db.map(significant)),
    ("film\nplayed", "frames/s", Extent::Short, |r, _| r.frames_played.map(significant)),
    ("film\noffered", "frames/s", Extent::Full, |r, _| r.frames_offered.map(significant)),
    ("not\nexact", "%", Extent::Full, |r, _| r.lossy_share.map(|share| significant(100.0 * share))),
    ("server\nCPU", "s", Extent::Short, |r, _| r.server_cpu_s.map(significant)),
    ("viewer\nCPU", "s", Extent::Short, |r, _| r.viewer_cpu_s.map(significant)),
    ("server\nmemory", "MB", Extent::Short, |r, _| r.server_memory_bytes.map(megabytes)),
    ("viewer\nmemory", "MB", Extent::Short, |r, _| r.viewer_memory_bytes.map(megabytes)),
    ("exact", "", Extent::Short, |r, _| r.exact.map(|exact| if exact { "yes" } else { "NO" }.into())),
];

impl Table {
    /// The rows of a link. Columns that no row has are left out.
    pub fn of(comparison: &Comparison, link: &LinkInfo, extent: Extent) -> Self {
        let mut rows: Vec<(&Figures, &Figures)> = Vec::new();
        let workloads = order::workloads(comparison);
        for workload in &workloads {
            let of: Vec<&Figures> = comparison
                .rows
                .iter()
                .filter(|r| r.workload == workload.name && r.link == link.name)
                .collect();
            if let Some(&first) = of.first() {
                rows.extend(of.into_iter().map(|row| (row, first)));
            }
        }
        let columns: Vec<_> = COLUMNS
            .iter()
            .filter(|(_, _, of, _)| *of == Extent::Short || extent == Extent::Full)
            .filter(|(_, _, _, cell)| rows.iter().any(|(row, first)| cell(row, first).is_some()))
            .collect();
        let line = |(row, first): &(&Figures, &Figures)| Line {
            workload: row.workload.clone(),
            way: row.way(),
            cells: columns
                .iter()
                .map(|(_, _, _, cell)| cell(row, first).unwrap_or_else(|| "-".into()))
                .collect(),
            error: row.error.clone(),
        };
        Self {
            headings: columns.iter().map(|&&(name, unit, _, _)| Heading { name, unit }).collect(),
            lines: rows.iter().map(line).collect(),
        }
    }
}

impl Heading {
    /// On one line, with its unit: `bytes down, kB`.
    pub fn line(&self) -> String {
        let name = self.name.replace('\n', " ");
        if self.unit.is_empty() { name } else { format!("{name}, {}", self.unit) }
    }
}

/// How many times fewer bytes than the first row. Bytes of a row that did not end
/// stand for less work, so such a row has none.
fn ratio(row: &Figures, first: &Figures) -> Option<String> {
    let whole = row.error.is_none() && first.error.is_none() && row.bytes_down > 0;
    whole.then(|| significant(first.bytes_down as f64 / row.bytes_down as f64))
}

fn events(row: &Figures, _: &Figures) -> Option<String> {
    let delivered = count(row.events_delivered?);
    Some(match row.events {
        Some(events) => format!("{delivered} of {}", count(events)),
        None => delivered,
    })
}

fn p50(d: &Option<Distribution>) -> Option<String> {
    d.as_ref().map(|d| significant(d.percentiles().p50))
}

fn p95(d: &Option<Distribution>) -> Option<String> {
    d.as_ref().map(|d| significant(d.percentiles().p95))
}

fn max(d: &Option<Distribution>) -> Option<String> {
    d.as_ref().map(|d| significant(d.percentiles().max))
}

fn megabytes(bytes: u64) -> String {
    significant(bytes as f64 / 1e6)
}
