//! Bytes to the viewer so far.

use super::bytes::WIDE;
use super::figure::Figure;
use super::lines::{self, Curve, Side};
use super::{Page, legend};
use crate::figures::Figures;
use crate::report::number;
use crate::report::svg::{round_down, round_up};

/// Step lines of `bytes_over_time`.
pub fn figure(page: &Page<'_>, link: &str) -> Option<Figure> {
    let rows = page.by_workload(link, |r| r.bytes_over_time.iter().any(|(_, bytes)| *bytes > 0));
    if rows.is_empty() {
        return None;
    }
    let log = rows.iter().any(|(_, rows)| {
        let (min, max) = ends(rows.iter().filter_map(|r| r.bytes_over_time.last()).map(|(_, b)| *b));
        max / min > WIDE
    });
    let plot = |(workload, rows): &(String, Vec<&Figures>)| {
        let (min, max) = ends(rows.iter().flat_map(|r| &r.bytes_over_time).map(|(_, b)| *b));
        let times = rows.iter().flat_map(|r| &r.bytes_over_time).map(|(t, _)| *t);
        let x = Side { log_from: None, to: times.fold(0.0, f64::max), ticks: None, label: seconds };
        let (log_from, to) = if log { (Some(round_down(min)), round_up(max)) } else { (None, max) };
        let y = Side { log_from, to, ticks: None, label: number::bytes_tick };
        let curves: Vec<Curve> = rows.iter().map(|r| curve(page, r)).collect();
        let label = format!("Bytes to the viewer of {workload} over time, one line for each way");
        (workload.clone(), lines::plot(&label, &curves, &x, &y))
    };
    let scale = if log { "Bytes are on a logarithmic scale. " } else { "" };
    Some(Figure {
        title: "Bytes over time",
        reading: format!(
            "Lower is better. A step is a burst of bytes, a slope is a steady stream, and level is silence. {scale}\
             Every plot has scales of its own."
        ),
        legend: legend::lines(&page.ways, &shown(page, &rows)),
        plots: rows.iter().map(plot).collect(),
    })
}

/// Places of the ways that a figure shows, once each.
pub fn shown(page: &Page<'_>, rows: &[(String, Vec<&Figures>)]) -> Vec<usize> {
    let mut ways: Vec<usize> = rows.iter().flat_map(|(_, rows)| rows).map(|r| page.way(r)).collect();
    ways.sort_unstable();
    ways.dedup();
    ways
}

fn curve(page: &Page<'_>, row: &Figures) -> Curve {
    let steps = row.bytes_over_time.iter().map(|&(t, bytes)| (t, bytes as f64)).collect();
    Curve { way: page.way(row), title: row.way(), steps }
}

/// Smallest and largest above 0.
fn ends(bytes: impl Iterator<Item = u64>) -> (f64, f64) {
    let (min, max) = bytes.filter(|b| *b > 0).fold((u64::MAX, 1), |(min, max), b| (min.min(b), max.max(b)));
    (min.min(max) as f64, max as f64)
}

fn seconds(value: f64) -> String {
    if value == 0.0 { "0".into() } else { format!("{} s", number::short(value)) }
}
