//! Where the bytes went, by kind of draw command.

use std::collections::BTreeMap;

use super::bars::{self, Bar, Group, Part, Range};
use super::figure::Figure;
use super::legend::PARTS;
use super::{Page, legend};
use crate::figures::Figures;
use crate::report::number;

/// Stacked bars of `payload_bytes_by_kind`, all equally long.
pub fn figure(page: &Page<'_>, link: &str) -> Option<Figure> {
    let rows = page.by_workload(link, |r| total(r) > 0);
    if rows.is_empty() {
        return None;
    }
    let (kinds, rest) = largest(page);
    let groups: Vec<(String, Vec<Group>)> = rows
        .iter()
        .map(|(workload, rows)| (workload.clone(), rows.iter().map(|r| group(r, &kinds)).collect()))
        .collect();
    let margins = bars::margins(groups.iter().flat_map(|(_, g)| g));
    let plot = |(workload, groups): (String, Vec<Group>)| {
        let label = format!("Bytes of {workload} by kind of draw command, one bar for each way");
        let svg = bars::plot(&label, &groups, Range::Linear(1.0), margins, number::percent);
        (workload, svg)
    };
    let names = kinds.iter().map(String::as_str).chain(rest.then_some("other"));
    Some(Figure {
        title: "Where the bytes went",
        reading: "The bytes of draw commands, split by kind of command. Every bar is the whole of its row; \
                  how many bytes that is stands at its end."
            .into(),
        legend: legend::parts(
            names.enumerate().map(|(i, name)| (if i < kinds.len() { i } else { PARTS }, name)),
        ),
        plots: groups.into_iter().map(plot).collect(),
    })
}

/// The kinds with most bytes in all rows, most first, and whether there are others:
/// the same in all figures of the page.
fn largest(page: &Page<'_>) -> (Vec<String>, bool) {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, bytes) in page.comparison.rows.iter().flat_map(|r| &r.payload_bytes_by_kind) {
        let sum = sums.entry(kind).or_default();
        *sum = sum.saturating_add(*bytes);
    }
    let mut kinds: Vec<(&str, u64)> = sums.into_iter().filter(|(_, bytes)| *bytes > 0).collect();
    kinds.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let rest = kinds.len() > PARTS;
    (kinds.into_iter().take(PARTS).map(|(kind, _)| kind.to_owned()).collect(), rest)
}

fn group(row: &Figures, kinds: &[String]) -> Group {
    let total = total(row);
    let part = |class: usize, name: &str, bytes: u64| {
        let share = bytes as f64 / total as f64;
        let (share_text, bytes_text) = (number::percent(share), number::bytes(bytes as f64));
        Part {
            length: share,
            class: format!("p{class}"),
            labels: vec![format!("{share_text}, {bytes_text}"), share_text.clone()],
            title: format!("{}, {name}: {share_text}, {bytes_text}", row.way()),
        }
    };
    let bytes_of = |kind: &String| row.payload_bytes_by_kind.get(kind).copied().unwrap_or(0);
    let mut parts: Vec<Part> =
        kinds.iter().enumerate().map(|(i, kind)| part(i, kind, bytes_of(kind))).collect();
    let shown: u64 = kinds.iter().map(bytes_of).fold(0, u64::saturating_add);
    parts.push(part(PARTS, "other", total.saturating_sub(shown)));
    parts.retain(|p| p.length > 0.0);
    Group::of(row, vec![Bar { parts, value: number::bytes(total as f64) }])
}

fn total(row: &Figures) -> u64 {
    row.payload_bytes_by_kind.values().fold(0, |sum, b| sum.saturating_add(*b))
}
