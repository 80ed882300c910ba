//! Tables as GitHub shows them.

use std::fmt::Write;

use super::escape::markdown as escape;
use super::table::{Extent, Table};
use super::{order, words};
use crate::figures::Comparison;

/// One table for each link beneath a heading, errors in full beneath it.
pub fn markdown(comparison: &Comparison) -> String {
    let mut out = String::new();
    for link in order::links(comparison) {
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "### {}: {}\n", escape(&link.name), words::link(comparison, &link));
        table(&mut out, &Table::of(comparison, &link, Extent::Short));
    }
    if let Some(sentence) = words::interrupted(comparison) {
        let _ = writeln!(out, "{}{sentence}", if out.is_empty() { "" } else { "\n" });
    }
    out
}

fn table(out: &mut String, table: &Table) {
    let headings: String = table.headings.iter().map(|h| format!(" {} |", h.line())).collect();
    let _ = writeln!(out, "| workload | way |{headings}");
    let _ = writeln!(out, "|---|---|{}", "--:|".repeat(table.headings.len()));
    for l in &table.lines {
        let mark = if l.error.is_some() { " \\*" } else { "" };
        let cells: String = l.cells.iter().map(|c| format!(" {} |", escape(c))).collect();
        let _ = writeln!(out, "| {} | {}{mark} |{cells}", escape(&l.workload), escape(&l.way));
    }
    for l in &table.lines {
        if let Some(error) = &l.error {
            let _ = writeln!(out, "\n\\* {}, {}: {}", escape(&l.workload), escape(&l.way), escape(error));
        }
    }
}
