//! Where the latency goes.

use super::bars::{self, Bar, Group, Part, Range};
use super::figure::Figure;
use super::{Page, legend};
use crate::figures::{Figures, Stages};
use crate::report::number;

/// Stacked bars of `latency_stages_ms`.
pub fn figure(page: &Page<'_>, link: &str) -> Option<Figure> {
    let rows = page.by_workload(link, |r| r.latency_stages_ms.is_some());
    if rows.is_empty() {
        return None;
    }
    let groups: Vec<(String, Vec<Group>)> = rows
        .iter()
        .map(|(workload, rows)| (workload.clone(), rows.iter().filter_map(|r| group(r)).collect()))
        .collect();
    let margins = bars::margins(groups.iter().flat_map(|(_, g)| g));
    let plot = |(workload, groups): (String, Vec<Group>)| {
        let label = format!("Mean latency of {workload} by stage, one bar for each way");
        let bars = groups.iter().flat_map(|g| &g.bars);
        let max = bars.map(|b| b.parts.iter().map(|p| p.length).sum()).fold(0.0, f64::max);
        let svg = bars::plot(&label, &groups, Range::Linear(max), margins, milliseconds);
        (workload, svg)
    };
    let names: Vec<&str> = stages(&Stages::default()).into_iter().map(|(name, _)| name).collect();
    Some(Figure {
        title: "Where the latency goes",
        reading:
            "Shorter is better. The mean latency from input to pixel, split into the stages that it passes; \
                  the mean itself stands at the end of the bar. Every plot has a scale of its own."
                .into(),
        legend: legend::parts(names.into_iter().enumerate()),
        plots: groups.into_iter().map(plot).collect(),
    })
}

fn group(row: &Figures) -> Option<Group> {
    let means = row.latency_stages_ms?;
    let total = sum(&means);
    let part = |(i, (name, ms)): (usize, (&str, f64))| Part {
        length: ms.max(0.0),
        class: format!("p{i}"),
        labels: vec![number::significant(ms)],
        title: format!("{}, {name}: {} ms", row.way(), number::significant(ms)),
    };
    let parts = stages(&means).into_iter().enumerate().map(part).collect();
    Some(Group::of(row, vec![Bar { parts, value: format!("{} ms", number::significant(total)) }]))
}

/// In the order in which an input and its picture pass them, the network taken as one.
fn stages(s: &Stages) -> [(&'static str, f64); 6] {
    [
        ("network", s.network),
        ("capture", s.capture),
        ("encode", s.encode),
        ("queue", s.queue),
        ("decode", s.decode),
        ("paint", s.paint),
    ]
}

fn sum(s: &Stages) -> f64 {
    stages(s).into_iter().map(|(_, ms)| ms.max(0.0)).sum()
}

fn milliseconds(value: f64) -> String {
    if value == 0.0 { "0".into() } else { format!("{} ms", number::short(value)) }
}
