//! One line a row, for programs (RFC 4180).

use std::collections::BTreeSet;

use crate::figures::{Comparison, Distribution, Figures, Stages};

/// A line of names, then one line for each row. Names are those of the JSON, and `way`; of a
/// distribution `_p50`, `_p95` and `_max`, of the stages and kinds one column each.
/// What was not measured is empty. `bytes_over_time` is in the JSON only.
pub fn csv(comparison: &Comparison) -> String {
    let kinds: BTreeSet<&str> =
        comparison.rows.iter().flat_map(|r| r.payload_bytes_by_kind.keys().map(String::as_str)).collect();
    let mut out = String::new();
    line(&mut out, columns(&Figures::default(), &kinds).into_iter().map(|(name, _)| name));
    for row in &comparison.rows {
        line(&mut out, columns(row, &kinds).into_iter().map(|(_, value)| value));
    }
    out
}

/// Name and value of every column, in the order of the JSON.
fn columns(r: &Figures, kinds: &BTreeSet<&str>) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    let mut column = |name: &str, value: String| out.push((name.into(), value));
    column("workload", r.workload.clone());
    column("link", r.link.clone());
    column("way", r.way());
    column("system", r.system.clone());
    column("mode", r.mode.clone());
    column("depth", r.depth.to_string());
    column("scale", r.scale.to_string());
    column("copy_rect", r.copy_rect.to_string());
    column("exact_only", r.exact_only.to_string());
    column("wire", r.wire.clone());
    column("warm", r.warm.to_string());
    column("lossless", r.lossless.to_string());
    column("time", r.time.clone());
    column("error", optional(r.error.as_ref()));
    column("duration_s", r.duration_s.to_string());
    column("bytes_down", r.bytes_down.to_string());
    column("bytes_up", r.bytes_up.to_string());
    column("packets_down", optional(r.packets_down));
    column("packets_up", optional(r.packets_up));
    column("first_picture_bytes", optional(r.first_picture_bytes));
    for kind in kinds {
        column(&format!("payload_bytes_{kind}"), optional(r.payload_bytes_by_kind.get(*kind)));
    }
    column("frames", optional(r.frames));
    column("updates", optional(r.updates));
    column("events", optional(r.events));
    column("events_delivered", optional(r.events_delivered));
    column("delivered_fps", optional(r.delivered_fps));
    distribution("input_to_pixel_ms", &r.input_to_pixel_ms, &mut column);
    stages(r.latency_stages_ms, &mut column);
    distribution("freshness_ms", &r.freshness_ms, &mut column);
    column("first_picture_ms", optional(r.first_picture_ms));
    column("recognisable_ms", optional(r.recognisable_ms));
    column("exact_ms", optional(r.exact_ms));
    column("exact_after_rest_ms", optional(r.exact_after_rest_ms));
    column("psnr_luma_db", optional(r.psnr_luma_db));
    column("frames_played", optional(r.frames_played));
    column("frames_offered", optional(r.frames_offered));
    column("lossy_share", optional(r.lossy_share));
    column("server_cpu_s", optional(r.server_cpu_s));
    column("viewer_cpu_s", optional(r.viewer_cpu_s));
    column("server_memory_bytes", optional(r.server_memory_bytes));
    column("viewer_memory_bytes", optional(r.viewer_memory_bytes));
    column("digest", optional(r.digest.as_ref()));
    column("exact", optional(r.exact));
    out
}

fn distribution(name: &str, d: &Option<Distribution>, column: &mut impl FnMut(&str, String)) {
    let p = d.as_ref().map(Distribution::percentiles);
    column(&format!("{name}_p50"), optional(p.map(|p| p.p50)));
    column(&format!("{name}_p95"), optional(p.map(|p| p.p95)));
    column(&format!("{name}_max"), optional(p.map(|p| p.max)));
}

fn stages(s: Option<Stages>, column: &mut impl FnMut(&str, String)) {
    column("latency_stages_ms_network", optional(s.map(|s| s.network)));
    column("latency_stages_ms_capture", optional(s.map(|s| s.capture)));
    column("latency_stages_ms_encode", optional(s.map(|s| s.encode)));
    column("latency_stages_ms_queue", optional(s.map(|s| s.queue)));
    column("latency_stages_ms_decode", optional(s.map(|s| s.decode)));
    column("latency_stages_ms_paint", optional(s.map(|s| s.paint)));
}

fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |v| v.to_string())
}

fn line(out: &mut String, cells: impl Iterator<Item = String>) {
    let quoted: Vec<String> = cells.map(quoted).collect();
    out.push_str(&quoted.join(","));
    out.push_str("\r\n");
}

fn quoted(cell: String) -> String {
    if cell.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_json_has_its_columns() {
        let json = serde_json::to_value(Figures::default()).unwrap();
        let names: Vec<String> = columns(&Figures::default(), &BTreeSet::from(["Fill"]))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        for field in json.as_object().unwrap().keys() {
            let prefix = match field.as_str() {
                "bytes_over_time" => continue,
                "payload_bytes_by_kind" => "payload_bytes_",
                field => field,
            };
            assert!(names.iter().any(|n| n.starts_with(prefix)), "{field}");
        }
        let stages = serde_json::to_value(Stages::default()).unwrap();
        for stage in stages.as_object().unwrap().keys() {
            assert!(names.contains(&format!("latency_stages_ms_{stage}")), "{stage}");
        }
    }

    #[test]
    fn cells_are_quoted_when_they_must_be() {
        let check = |cell: &str, expected: &str| assert_eq!(quoted(cell.into()), expected);
        check("plain", "plain");
        check("a,b", "\"a,b\"");
        check("say \"no\"", "\"say \"\"no\"\"\"");
        check("two\nlines", "\"two\nlines\"");
    }
}
