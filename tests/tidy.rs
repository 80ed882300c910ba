//! What the documents promise of the code, checked.

use std::path::{Path, PathBuf};

use panto_compare::figures::{Comparison, Figures, LinkInfo, Stages, WorkloadInfo};
use panto_compare::link::RelayCounts;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn protocol_touches_no_socket_clock_or_thread() {
    let mut files = Vec::new();
    sources(&root().join("protocol/src"), &mut files);
    assert!(files.len() > 40);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for word in [
            "std::net",
            "std::fs",
            "std::thread",
            "std::time::Instant",
            "SystemTime",
            "tokio",
            "unsafe {",
            "f32",
            "async ",
        ] {
            assert!(!text.contains(word), "{} has {word}", file.display());
        }
    }
}

#[test]
fn dependencies_run_one_way() {
    for (krate, never) in [
        ("protocol", &["panto-transport", "panto-server", "panto-viewer", "tokio", "winit"][..]),
        ("transport", &["panto-server", "panto-viewer", "winit", "x11rb"]),
        ("server", &["panto-viewer", "winit", "pixels", "softbuffer"]),
        ("viewer", &["panto-server", "panto-compare"]),
    ] {
        let manifest = std::fs::read_to_string(root().join(krate).join("Cargo.toml")).unwrap();
        let used = manifest.split("[dev-dependencies]").next().unwrap();
        for name in never {
            assert!(!used.contains(&format!("\n{name}.workspace")), "{krate} uses {name}");
        }
    }
}

#[test]
fn the_window_stays_out_of_the_viewers_core() {
    let mut files = Vec::new();
    sources(&root().join("viewer/src/core"), &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for word in ["winit", "softbuffer", "crate::ui"] {
            assert!(!text.contains(word), "{} has {word}", file.display());
        }
    }
}

#[test]
fn every_draw_command_and_limit_stands_in_the_specification() {
    let text = std::fs::read_to_string(root().join("PROTOCOL.md")).unwrap();
    for kind in panto_protocol::draw::DrawCommand::KINDS {
        assert!(text.contains(kind), "PROTOCOL.md does not mention {kind}");
    }
    let limits = std::fs::read_to_string(root().join("protocol/src/wire/limits.rs")).unwrap();
    for line in limits.lines().filter_map(|l| l.strip_prefix("pub const ")) {
        let name = line.split(':').next().unwrap();
        assert!(text.contains(name), "PROTOCOL.md does not mention {name}");
    }
}

#[test]
fn every_figure_is_defined() {
    let metrics = std::fs::read_to_string(root().join("METRICS.md")).unwrap();
    let stats = serde_json::to_value(panto_viewer::stats::Stats::default()).unwrap();
    let viewers = serde_json::to_value(panto_server::frontend::ViewerInfo::default()).unwrap();
    let status = serde_json::to_value(panto_server::control::Status::default()).unwrap();
    let word = serde_json::to_value(panto_server::stats::ServerStats::default()).unwrap();
    let comparison = serde_json::to_value(Comparison::default()).unwrap();
    let row = serde_json::to_value(Figures::default()).unwrap();
    let stages = serde_json::to_value(Stages::default()).unwrap();
    let workload = serde_json::to_value(WorkloadInfo::default()).unwrap();
    let link = serde_json::to_value(LinkInfo::default()).unwrap();
    let relay = serde_json::to_value(RelayCounts::default()).unwrap();
    for object in [stats, viewers, status, word, comparison, row, stages, workload, link, relay] {
        for name in object.as_object().unwrap().keys() {
            assert!(metrics.contains(&format!("`{name}`")), "METRICS.md does not define {name}");
        }
    }
}
