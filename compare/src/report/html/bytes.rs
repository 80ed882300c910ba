//! Bytes to the viewer, by workload and way.

use super::Page;
use super::bars::{self, Bar, Group, Part, Range};
use super::figure::Figure;
use super::legend::colour;
use crate::report::number;

/// Beyond this a linear scale would show nothing of the smallest.
pub const WIDE: f64 = 50.0;

/// Bars of `bytes_down`.
pub fn figure(page: &Page<'_>, link: &str) -> Option<Figure> {
    let rows = page.by_workload(link, |_| true);
    let all = || rows.iter().flat_map(|(_, rows)| rows).map(|r| r.bytes_down as f64).filter(|b| *b > 0.0);
    let max = all().reduce(f64::max)?;
    let min = all().reduce(f64::min)?;
    let log = max / min > WIDE;
    // The smallest bar is long enough to be seen.
    let range =
        if log { Range::Log(10f64.powf((min / 1.5).log10().floor()), max) } else { Range::Linear(max) };
    let groups: Vec<(String, Vec<Group>)> = rows
        .iter()
        .map(|(workload, rows)| {
            let group = |r: &&crate::figures::Figures| {
                let value = number::bytes(r.bytes_down as f64);
                let part = Part {
                    length: r.bytes_down as f64,
                    class: colour(page.way(r)),
                    labels: Vec::new(),
                    title: format!("{}: {} bytes", r.way(), number::count(r.bytes_down)),
                };
                Group::of(r, vec![Bar { parts: vec![part], value }])
            };
            (workload.clone(), rows.iter().map(group).collect())
        })
        .collect();
    let margins = bars::margins(groups.iter().flat_map(|(_, g)| g));
    let scale = if log {
        "The scale is logarithmic: each line is a fixed multiple of the one before it, and lengths are no ratios."
    } else {
        "All plots have the same scale."
    };
    let plot = |(workload, groups): (String, Vec<Group>)| {
        let label = format!("Bytes to the viewer of {workload}, one bar for each way");
        let svg = bars::plot(&label, &groups, range, margins, number::bytes_tick);
        (workload, svg)
    };
    Some(Figure {
        title: "Bytes to the viewer",
        reading: format!(
            "Shorter is better. All bytes on the wire to the viewer, from the handshake to the last picture. {scale}"
        ),
        legend: String::new(),
        plots: groups.into_iter().map(plot).collect(),
    })
}
