//! Two samples for the tests.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use panto_server::control::Status;
use panto_server::frontend::ViewerInfo;

use super::rates::Refresh;
use super::sample::Sample;

fn viewer(id: u64, bytes_down: u64) -> ViewerInfo {
    ViewerInfo {
        id,
        name: format!("viewer {id}"),
        peer: "127.0.0.1:5000".into(),
        mode: "hybrid".into(),
        depth: 24,
        scale: 1,
        bytes_down,
        bytes_up: bytes_down / 100,
        frames: bytes_down / 1000,
        updates: bytes_down / 100,
        payload_bytes_by_kind: BTreeMap::from([
            ("Fill".into(), bytes_down / 4),
            ("PutPixels".into(), bytes_down / 2),
            ("GlyphRun".into(), 7),
        ]),
        rtt_ms: Some(12.34),
        rate_bps: None,
        ..ViewerInfo::default()
    }
}

/// Samples at 0 s and 2 s: viewer 1 goes, viewer 2 stays and viewer 3 comes.
pub(super) fn samples() -> [Sample; 2] {
    let at = Instant::now();
    let status = |uptime_s, server_cpu_s| Status {
        name: "here".into(),
        version: "1.2.3".into(),
        uptime_s,
        server_cpu_s,
        width: 1280,
        height: 800,
        viewers: 2,
        ..Status::default()
    };
    [
        Sample { at, status: status(100.0, 1.0), viewers: vec![viewer(1, 500), viewer(2, 1000)] },
        Sample {
            at: at + Duration::from_secs(2),
            status: status(102.0, 1.5),
            viewers: vec![viewer(2, 9000), viewer(3, 4000)],
        },
    ]
}

/// What is between the two.
pub(super) fn refresh() -> Refresh {
    let [earlier, later] = samples();
    Refresh::between(Some(&earlier), &later)
}
