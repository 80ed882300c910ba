//! A small comparison that the tests read.

use crate::figures::{Comparison, Distribution, Figures, LinkInfo, Stages, VERSION, WorkloadInfo};

/// Two ways of two workloads over one link; one row is partial, and names are hostile.
pub fn sample() -> Comparison {
    let workload = |name: &str| WorkloadInfo {
        name: name.into(),
        description: "Somebody types.".into(),
        width: 640,
        height: 480,
        duration_s: 10.0,
        events: 100,
        inputs: 20,
    };
    Comparison {
        version: VERSION,
        generator: "panto 0.1.0".into(),
        command: "panto compare --link cable".into(),
        workloads: vec![workload("typing"), workload("<script>alert(1)</script>")],
        links: vec![LinkInfo {
            name: "cable".into(),
            down_bps: 20_000_000,
            up_bps: 5_000_000,
            rtt_ms: 30.0,
            loss: 0.01,
            ..LinkInfo::default()
        }],
        rows: vec![
            row("typing", "pixels", 1_234_567),
            row("typing", "commands", 12_345),
            row("<script>alert(1)</script>", "pixels", 500_000),
            Figures {
                error: Some("the viewer ended:\nsaid \"no\", <b>and</b> more".into()),
                exact: Some(false),
                ..row("<script>alert(1)</script>", "commands", 999)
            },
        ],
        interrupted: false,
    }
}

fn row(workload: &str, mode: &str, bytes_down: u64) -> Figures {
    Figures {
        workload: workload.into(),
        link: "cable".into(),
        system: "panto".into(),
        mode: mode.into(),
        depth: 24,
        scale: 1,
        lossless: true,
        time: "virtual".into(),
        duration_s: 10.5,
        bytes_down,
        bytes_up: 4_321,
        bytes_over_time: vec![(0.1, bytes_down / 3), (5.0, bytes_down)],
        payload_bytes_by_kind: [("Fill".to_owned(), 300), (format!("Put<{mode}>"), 700)].into(),
        input_to_pixel_ms: Distribution::new(vec![40.0, 20.0, 30.0, 100.0]),
        latency_stages_ms: Some(Stages { network: 30.0, encode: 12.5, paint: 5.0, ..Stages::default() }),
        server_cpu_s: Some(0.25),
        exact: Some(true),
        ..Figures::default()
    }
}
