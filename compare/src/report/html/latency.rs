//! How latencies are distributed.

use super::figure::Figure;
use super::lines::{self, Curve, Side};
use super::over_time::shown;
use super::{Page, legend};
use crate::figures::{Distribution, Figures};
use crate::report::number;
use crate::report::svg::{round_down, round_up};

/// Nobody sees less, and a logarithmic scale has no 0.
const SHORTEST_MS: f64 = 0.01;

/// `input_to_pixel_ms`.
pub fn input_to_pixel(page: &Page<'_>, link: &str) -> Option<Figure> {
    figure(
        page,
        link,
        "Latency from input to pixel",
        "Further left is better. Each line tells what share of the inputs was answered on the viewer's screen within that time",
        |r| r.input_to_pixel_ms.as_ref(),
        |r| r.input_to_pixel_ms.is_some(),
    )
}

/// `freshness_ms`.
pub fn freshness(page: &Page<'_>, link: &str) -> Option<Figure> {
    figure(
        page,
        link,
        "Freshness of the picture",
        "Further left is better. Each line tells what share of the screen's changes was on the viewer's screen within that time",
        |r| r.freshness_ms.as_ref(),
        |r| r.freshness_ms.is_some(),
    )
}

fn figure(
    page: &Page<'_>,
    link: &str,
    title: &'static str,
    reading: &str,
    of: fn(&Figures) -> Option<&Distribution>,
    has: fn(&Figures) -> bool,
) -> Option<Figure> {
    let rows = page.by_workload(link, has);
    let samples = || {
        let all = rows.iter().flat_map(|(_, rows)| rows).filter_map(|r| of(r)).flat_map(|d| d.samples());
        all.copied().filter(|v| v.is_finite()).map(|v| v.max(SHORTEST_MS))
    };
    let (min, max) = (samples().reduce(f64::min)?, samples().reduce(f64::max)?);
    let x = Side { log_from: Some(round_down(min)), to: round_up(max), ticks: None, label: milliseconds };
    let y = Side { log_from: None, to: 1.0, ticks: Some(&[0.0, 0.5, 0.95]), label: number::percent };
    let plot = |(workload, rows): &(String, Vec<&Figures>)| {
        let curves: Vec<Curve> =
            rows.iter().filter_map(|r| Some(curve(page.way(r), r.way(), of(r)?))).collect();
        (
            workload.clone(),
            lines::plot(&format!("{title} of {workload}, one line for each way"), &curves, &x, &y),
        )
    };
    Some(Figure {
        title,
        reading: format!(
            "{reading}; the lines across are the median and the 95th percentile. \
             The scale of time is logarithmic and the same in all plots."
        ),
        legend: legend::lines(&page.ways, &shown(page, &rows)),
        plots: rows.iter().map(plot).collect(),
    })
}

/// The empirical distribution: at each sample, the share of samples up to it.
fn curve(way: usize, name: String, d: &Distribution) -> Curve {
    let sorted = d.sorted();
    let count = sorted.len() as f64;
    let steps = sorted.iter().enumerate().map(|(i, &v)| (v, (i + 1) as f64 / count)).collect();
    Curve { way, title: format!("{name}, {} samples", number::count(sorted.len() as u64)), steps }
}

fn milliseconds(value: f64) -> String {
    if value >= 1000.0 {
        format!("{} s", number::short(value / 1e3))
    } else {
        format!("{} ms", number::short(value))
    }
}
