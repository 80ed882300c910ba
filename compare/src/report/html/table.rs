//! The full table of a link.

use std::fmt::Write;

use super::Page;
use crate::figures::LinkInfo;
use crate::report::escape::html as escape;
use crate::report::table::{Extent, Table};

/// In a box of its own that scrolls, with the errors beneath it.
pub fn html(page: &Page<'_>, link: &LinkInfo, number: usize) -> String {
    let table = Table::of(page.comparison, link, Extent::Full);
    let mut out = format!(
        "<div class=\"full\">\n<h3><span>Table {number}</span> All figures over {}</h3>\n\
         <p>Ratio is the bytes of the first row of the same workload, divided by those of the row. \
         A dash is a figure that was not measured.</p>\n\
         <div class=\"scroll\" role=\"region\" aria-label=\"All figures\" tabindex=\"0\">\n<table>\n<thead>\n<tr>\
         <th scope=\"col\">way</th>",
        escape(&link.name)
    );
    for heading in &table.headings {
        let name = heading.name.replace('\n', "<br>");
        let _ = write!(out, "<th scope=\"col\">{name}<small>{}</small></th>", heading.unit);
    }
    out.push_str("</tr>\n</thead>\n");
    let mut last = None;
    for line in &table.lines {
        if last.replace(&line.workload) != Some(&line.workload) {
            let _ = writeln!(
                out,
                "<tbody>\n<tr><th class=\"group\" scope=\"rowgroup\" colspan=\"{}\"><span>{}</span></th></tr>",
                table.headings.len() + 1,
                escape(&line.workload)
            );
        }
        let mark = if line.error.is_some() { " *" } else { "" };
        let _ = write!(out, "<tr><th scope=\"row\">{}{mark}</th>", escape(&line.way));
        for cell in &line.cells {
            let class = if cell == "NO" { " class=\"no\"" } else { "" };
            let _ = write!(out, "<td{class}>{}</td>", escape(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n</div>\n");
    for line in &table.lines {
        if let Some(error) = &line.error {
            let _ = writeln!(
                out,
                "<p class=\"error\">* <strong>{}, {}</strong>: {}</p>",
                escape(&line.workload),
                escape(&line.way),
                escape(error)
            );
        }
    }
    out.push_str("</div>\n");
    out
}
