//! CPU seconds of both sides.

use super::bars::{self, Bar, Group, Part, Range};
use super::figure::Figure;
use super::{Page, legend};
use crate::figures::Figures;
use crate::report::number;

/// A pair of bars of `server_cpu_s` and `viewer_cpu_s`.
pub fn figure(page: &Page<'_>, link: &str) -> Option<Figure> {
    let rows = page.by_workload(link, |r| r.server_cpu_s.is_some() || r.viewer_cpu_s.is_some());
    let all = rows.iter().flat_map(|(_, rows)| rows).flat_map(|r| [r.server_cpu_s, r.viewer_cpu_s]);
    let max = all.flatten().reduce(f64::max)?;
    let groups: Vec<(String, Vec<Group>)> = rows
        .iter()
        .map(|(workload, rows)| (workload.clone(), rows.iter().map(|r| group(r)).collect()))
        .collect();
    let margins = bars::margins(groups.iter().flat_map(|(_, g)| g));
    let plot = |(workload, groups): (String, Vec<Group>)| {
        let label = format!("CPU seconds of {workload} by side, two bars for each way");
        let svg = bars::plot(&label, &groups, Range::Linear(max), margins, seconds);
        (workload, svg)
    };
    Some(Figure {
        title: "CPU time by side",
        reading: "Shorter is better. Seconds of one core that each side was busy for the whole workload. \
                  They depend on the machine: compare them only side by side. All plots have the same scale."
            .into(),
        legend: legend::parts([(0, "server"), (1, "viewer")].into_iter()),
        plots: groups.into_iter().map(plot).collect(),
    })
}

fn group(row: &Figures) -> Group {
    let bar = |(i, (side, value)): (usize, (&str, Option<f64>))| {
        let text = value.map_or_else(|| "-".into(), |s| format!("{} s", number::significant(s)));
        let part = |s: f64| Part {
            length: s.max(0.0),
            class: format!("p{i}"),
            labels: Vec::new(),
            title: format!("{}, {side}: {text}", row.way()),
        };
        Bar { parts: value.map(part).into_iter().collect(), value: text }
    };
    let sides = [("server", row.server_cpu_s), ("viewer", row.viewer_cpu_s)];
    Group::of(row, sides.into_iter().enumerate().map(bar).collect())
}

fn seconds(value: f64) -> String {
    if value == 0.0 { "0".into() } else { format!("{} s", number::short(value)) }
}
