//! One page that stands alone: no script, no address, no font but the reader's own.

mod bars;
mod bytes;
mod cpu;
mod definitions;
mod figure;
mod kinds;
mod latency;
mod legend;
mod lines;
mod over_time;
mod stages;
mod table;

use std::fmt::Write;

use super::escape::html as escape;
use super::{order, words};
use crate::figures::{Comparison, Figures, LinkInfo};

const STYLE: &str = include_str!("style.css");

/// The browser itself holds the page to its word: inline style and nothing else, whatever a name may say.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The report as a page of HTML, to be read in a browser or on paper.
pub fn html(comparison: &Comparison) -> String {
    let page = Page { comparison, ways: order::ways(comparison) };
    let links = order::links(comparison);
    let mut body = head(&page, &links);
    let mut number = 0;
    for (i, link) in links.iter().enumerate() {
        section(&mut body, &page, i, link, &mut number);
    }
    body.push_str(&definitions::html(&page, &links));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Panto comparison</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// What every part of the page needs.
pub struct Page<'a> {
    comparison: &'a Comparison,
    /// A way's place is its colour.
    ways: Vec<String>,
}

impl Page<'_> {
    /// The row's place in `ways`.
    fn way(&self, row: &Figures) -> usize {
        let way = row.way();
        self.ways.iter().position(|w| *w == way).unwrap_or_default()
    }

    /// Rows over a link by workload; workloads without any are left out.
    fn by_workload(&self, link: &str, has: fn(&Figures) -> bool) -> Vec<(String, Vec<&Figures>)> {
        let rows = |workload: &str| -> Vec<&Figures> {
            let of = |r: &&Figures| r.workload == workload && r.link == link && has(r);
            self.comparison.rows.iter().filter(of).collect()
        };
        let workloads = order::workloads(self.comparison).into_iter();
        workloads
            .map(|w| (rows(&w.name), w.name))
            .map(|(r, w)| (w, r))
            .filter(|(_, r)| !r.is_empty())
            .collect()
    }
}

fn head(page: &Page<'_>, links: &[LinkInfo]) -> String {
    let c = page.comparison;
    let mut out = String::from("<header>\n<h1>Ways of sending a screen, compared</h1>\n");
    let _ = writeln!(
        out,
        "<p class=\"lead\">{} sent in {} over {}. Measured by {}.</p>",
        words::count(order::workloads(c).len(), "workload", "workloads"),
        words::count(page.ways.len(), "way", "ways"),
        words::count(links.len(), "link", "links"),
        escape(if c.generator.is_empty() { "an unnamed program" } else { &c.generator })
    );
    if !c.command.is_empty() {
        let _ = writeln!(
            out,
            "<p class=\"again\">This command makes it again:</p>\n<pre class=\"scroll\">{}</pre>",
            escape(&c.command)
        );
    }
    for sentence in warnings(c) {
        let _ = writeln!(out, "<p class=\"partial\" role=\"note\"><strong>Partial.</strong> {sentence}</p>");
    }
    if links.len() > 1 {
        out.push_str("<nav><ul>\n");
        for (i, link) in links.iter().enumerate() {
            let _ = writeln!(
                out,
                "<li><a href=\"#link-{}\">{}</a> <span>{}</span></li>",
                i + 1,
                escape(&link.name),
                escape(&words::link(c, link))
            );
        }
        out.push_str("<li><a href=\"#definitions\">Definitions</a></li>\n</ul></nav>\n");
    }
    out.push_str("</header>\n");
    out
}

fn warnings(c: &Comparison) -> Vec<String> {
    let failed = c.rows.iter().filter(|r| r.error.is_some()).count();
    let mut out: Vec<String> = words::interrupted(c).into_iter().collect();
    if failed > 0 {
        out.push(format!(
            "{} before the end of the workload; figures until then are marked with * and drawn pale, \
             and the reason stands beneath the table.",
            words::count(failed, "row ended", "rows ended")
        ));
    }
    out
}

/// Everything about one link. Figures and tables are numbered through the page.
fn section(out: &mut String, page: &Page<'_>, index: usize, link: &LinkInfo, number: &mut usize) {
    let _ = writeln!(
        out,
        "<section id=\"link-{}\">\n<h2>{}</h2>\n<p class=\"lead\">{}.</p>",
        index + 1,
        escape(&link.name),
        escape(&words::link(page.comparison, link))
    );
    let figures = [
        bytes::figure(page, &link.name),
        over_time::figure(page, &link.name),
        latency::input_to_pixel(page, &link.name),
        latency::freshness(page, &link.name),
        stages::figure(page, &link.name),
        kinds::figure(page, &link.name),
        cpu::figure(page, &link.name),
    ];
    for figure in figures.into_iter().flatten() {
        *number += 1;
        out.push_str(&figure.html(*number));
    }
    out.push_str(&table::html(page, link, index + 1));
    out.push_str("</section>\n");
}
