//! Tables for a terminal.

use std::fmt::Write;

use super::escape::{line, plain};
use super::table::{Extent, Table};
use super::{order, words};
use crate::figures::Comparison;

/// One aligned table for each link, errors in full beneath it.
pub fn text(comparison: &Comparison) -> String {
    let mut out = String::new();
    for link in order::links(comparison) {
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "{}: {}\n", line(&link.name), words::link(comparison, &link));
        table(&mut out, &Table::of(comparison, &link, Extent::Short));
    }
    if let Some(sentence) = words::interrupted(comparison) {
        let _ = writeln!(out, "{}{sentence}", if out.is_empty() { "" } else { "\n" });
    }
    out
}

fn table(out: &mut String, table: &Table) {
    let mut lines: Vec<Vec<String>> = heading_lines(table);
    let headings = lines.len();
    lines.extend(table.lines.iter().map(|l| {
        let mark = if l.error.is_some() { " *" } else { "" };
        let names = [line(&l.workload), format!("{}{mark}", line(&l.way))];
        names.into_iter().chain(l.cells.iter().cloned()).collect()
    }));
    let columns = table.headings.len() + 2;
    let widths: Vec<usize> = (0..columns)
        .map(|c| lines.iter().filter_map(|l| l.get(c)).map(|s| s.chars().count()).max().unwrap_or(0))
        .collect();
    for (i, cells) in lines.iter().enumerate() {
        if i == headings {
            let rules: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
            let _ = writeln!(out, "{}", rules.join("  "));
        }
        let aligned: Vec<String> = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(c, (s, &w))| if c < 2 { format!("{s:<w$}") } else { format!("{s:>w$}") })
            .collect();
        let _ = writeln!(out, "{}", aligned.join("  ").trim_end());
    }
    if table.lines.iter().any(|l| l.error.is_some()) {
        out.push('\n');
    }
    for l in &table.lines {
        if let Some(error) = &l.error {
            let error = plain(error).replace('\n', "\n  ");
            let _ = writeln!(out, "* {}, {}: {error}", line(&l.workload), line(&l.way));
        }
    }
}

/// Names broken into lines that end together, units on the last one.
fn heading_lines(table: &Table) -> Vec<Vec<String>> {
    let mut columns: Vec<Vec<&str>> = vec![vec!["workload", ""], vec!["way", ""]];
    columns.extend(table.headings.iter().map(|h| h.name.split('\n').chain([h.unit]).collect()));
    let height = columns.iter().map(Vec::len).max().unwrap_or(0);
    (0..height)
        .map(|i| {
            let cell = |c: &Vec<&str>| (i + c.len()).checked_sub(height).map_or("", |at| c[at]).to_owned();
            columns.iter().map(cell).collect()
        })
        .collect()
}
