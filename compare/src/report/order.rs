//! The order of workloads, links and ways, the same in every part of a report.

use crate::figures::{Comparison, LinkInfo, WorkloadInfo};

/// Links as listed, then those that only rows name: no row may be missing from a report.
pub fn links(comparison: &Comparison) -> Vec<LinkInfo> {
    let mut links = comparison.links.clone();
    for row in &comparison.rows {
        if !links.iter().any(|l| l.name == row.link) {
            links.push(LinkInfo { name: row.link.clone(), ..LinkInfo::default() });
        }
    }
    links.retain(|l| comparison.rows.iter().any(|r| r.link == l.name));
    links
}

/// Workloads as listed, then those that only rows name.
pub fn workloads(comparison: &Comparison) -> Vec<WorkloadInfo> {
    let mut workloads = comparison.workloads.clone();
    for row in &comparison.rows {
        if !workloads.iter().any(|w| w.name == row.workload) {
            workloads.push(WorkloadInfo { name: row.workload.clone(), ..WorkloadInfo::default() });
        }
    }
    workloads
}

/// Ways, in the order in which rows first name them.
pub fn ways(comparison: &Comparison) -> Vec<String> {
    let mut ways = Vec::new();
    for row in &comparison.rows {
        let way = row.way();
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    ways
}
