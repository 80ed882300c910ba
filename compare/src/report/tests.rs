//! What all reports have in common.

use super::sample::sample;
use super::{csv, html, json, markdown, text};
use crate::figures::Comparison;

#[test]
fn text_has_the_figures_aligned() {
    let text = text(&sample());
    assert!(text.starts_with("cable: 20 Mbit/s down, 5 Mbit/s up, 30 ms round trip, 1 % loss\n"), "{text}");
    let words = |name: &str| -> Vec<String> {
        let line = text.lines().find(|l| l.starts_with("typing") && l.contains(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(words("pixels")[2..], ["1,230", "1.00", "4.32", "30.0", "100", "0.250", "yes"]);
    assert_eq!(words("commands")[2..], ["12.3", "100", "4.32", "30.0", "100", "0.250", "yes"]);
    let ends: Vec<usize> =
        text.lines().filter(|l| l.starts_with("typing")).map(|l| l.find("4.32").unwrap()).collect();
    assert_eq!(ends[0], ends[1], "{text}");
    assert!(!text.contains("freshness") && !text.contains("memory"), "columns without figures: {text}");
}

#[test]
fn partial_rows_are_marked_and_explained() {
    let c = Comparison { interrupted: true, ..sample() };
    let text = text(&c);
    let line = text.lines().find(|l| l.contains("commands *")).unwrap();
    assert!(line.contains(" NO"), "{line}");
    assert_eq!(line.split_whitespace().nth(4), Some("-"), "no ratio of work that was not done: {line}");
    let note = "* <script>alert(1)</script>, commands: the viewer ended:\n  said \"no\", <b>and</b> more\n";
    assert!(text.contains(note), "{text}");
    assert!(text.ends_with(
        "This comparison was interrupted: 4 rows were measured until then, the others are missing.\n"
    ));

    let markdown = markdown(&c);
    assert!(markdown.contains("commands \\* |"), "{markdown}");
    assert!(markdown.contains("the viewer ended: said \"no\", &lt;b>and&lt;/b> more"), "{markdown}");
    assert!(markdown.contains("was interrupted"));

    let html = html(&c);
    assert!(html.contains(">commands *</th>") && html.contains("said &quot;no&quot;, &lt;b&gt;and"));
    assert!(html.contains("1 row ended before the end") && html.contains("was interrupted"));
    assert!(html.contains("<td class=\"no\">NO</td>"));
    assert!(!super::html(&Comparison::default()).contains("class=\"partial\""));
}

#[test]
fn markdown_is_a_table_for_each_link() {
    let mut c = sample();
    c.rows[0].link = "nowhere".into();
    let out = markdown(&c);
    assert!(out.contains("### cable: 20 Mbit/s down"), "{out}");
    assert!(out.contains("### nowhere: a link that this comparison does not describe"), "{out}");
    assert!(out.contains("| workload | way | bytes down, kB | ratio |"), "{out}");
    assert!(out.contains("| typing | pixels | 1,230 | 1.00 | 4.32 |"), "{out}");
    let bars = |l: &str| l.replace("\\|", "").matches('|').count();
    let rows: Vec<&str> = out.lines().filter(|l| l.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 * 2 + 4);
    assert!(rows.iter().all(|l| bars(l) == bars(rows[0])), "{out}");
}

#[test]
fn csv_has_a_line_for_each_row() {
    let out = csv(&sample());
    let lines: Vec<&str> = out.split("\r\n").collect();
    let names: Vec<&str> = lines[0].split(',').collect();
    let first: Vec<&str> = lines[1].split(',').collect();
    assert_eq!(lines.len(), 6, "a line of names, four rows, an end");
    assert_eq!(names.len(), first.len());
    let value = |name: &str| first[names.iter().position(|n| *n == name).unwrap()];
    assert_eq!(value("bytes_down"), "1234567");
    assert_eq!(value("input_to_pixel_ms_p50"), "30");
    assert_eq!(value("input_to_pixel_ms_max"), "100");
    assert_eq!(value("latency_stages_ms_encode"), "12.5");
    assert_eq!(value("payload_bytes_Fill"), "300");
    assert_eq!(value("payload_bytes_Put<commands>"), "", "this row has none");
    assert_eq!(value("freshness_ms_p95"), "");
    assert_eq!(value("exact"), "true");
    assert!(lines[4].contains("\"the viewer ended:\nsaid \"\"no\"\", <b>and</b> more\""), "{}", lines[4]);
}

#[test]
fn json_is_read_again() {
    let out = json(&sample());
    assert!(out.ends_with("}\n"));
    assert_eq!(serde_json::from_str::<Comparison>(&out).unwrap(), sample());
}

#[test]
fn html_stands_alone() {
    let out = html(&sample());
    assert!(!out.contains("<script") && out.contains("&lt;script&gt;alert(1)"));
    assert!(!out.contains("http:") && !out.contains("https:") && !out.contains("//"), "an address");
    for element in ["<link", "<img", "@import", "url(", "src="] {
        assert!(!out.contains(element), "{element} loads something");
    }
    assert!(out.contains("<pre class=\"scroll\">panto compare --link cable</pre>"));
}

#[test]
fn html_leaves_out_plots_without_data() {
    let titles = |c: &Comparison| -> Vec<String> {
        let out = html(c);
        let titles = out.lines().filter_map(|l| l.strip_prefix("<h3><span>Figure ")).map(|l| {
            let (_, title) = l.split_once("</span> ").unwrap();
            title.strip_suffix("</h3>").unwrap().to_owned()
        });
        titles.collect()
    };
    let all = titles(&sample());
    assert_eq!(all.len(), 6, "no freshness: {all:?}");
    let mut c = sample();
    for row in &mut c.rows {
        (row.input_to_pixel_ms, row.latency_stages_ms, row.server_cpu_s) = (None, None, None);
        row.payload_bytes_by_kind.clear();
    }
    assert_eq!(titles(&c), ["Bytes to the viewer", "Bytes over time"]);
    assert_eq!(titles(&Comparison::default()), Vec::<String>::new());
}

#[test]
fn every_element_is_closed() {
    let out = html(&sample());
    for element in ["svg", "figure", "section", "table", "div", "ul", "dl", "text", "p", "h3", "h4"] {
        let opened =
            out.matches(&format!("<{element}>")).count() + out.matches(&format!("<{element} ")).count();
        assert_eq!(opened, out.matches(&format!("</{element}>")).count(), "{element}");
        assert!(opened > 0 || element == "ul", "{element}");
    }
}

#[test]
fn the_same_comparison_gives_the_same_bytes() {
    let again = serde_json::from_str::<Comparison>(&json(&sample())).unwrap();
    for report in [text, markdown, csv, json, html] {
        assert_eq!(report(&sample()), report(&again));
    }
}

#[test]
fn figures_beyond_reason_are_drawn_all_the_same() {
    let mut c = sample();
    c.rows[0].bytes_down = u64::MAX;
    c.rows[1].bytes_down = 0;
    c.rows[0].bytes_over_time = vec![(f64::NAN, 0), (f64::INFINITY, u64::MAX), (-1.0, 7)];
    c.rows[0].server_cpu_s = Some(f64::NAN);
    c.rows[1].server_cpu_s = Some(f64::INFINITY);
    c.rows[0].payload_bytes_by_kind.insert("Fill".into(), u64::MAX);
    c.rows[0].latency_stages_ms =
        Some(crate::figures::Stages { network: -1.0, paint: f64::NAN, ..Default::default() });
    for report in [text, markdown, csv, html] {
        assert!(!report(&c).is_empty());
    }
    let out = html(&c);
    assert!(
        !out.contains("\"NaN") && !out.contains("\"inf") && !out.contains("Hinf") && !out.contains("VNaN")
    );
}
