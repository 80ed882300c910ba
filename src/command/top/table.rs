//! The table's columns and cells as text, and what fits into a line.

use panto_server::control::Status;

use super::rates::{Rates, Refresh, Viewer};

/// Kinds of commands named in a line.
const KINDS: usize = 3;

/// A column of the table.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) width: usize,
    /// Whether it stands at the left of its place, as texts do.
    pub(super) is_text: bool,
    /// Columns with the largest are left out first where the terminal is narrow.
    pub(super) rank: u8,
    pub(super) cell: fn(&Viewer) -> String,
}

/// Columns in order. `rate_bps` and `rtt_ms` are METRICS.md's; rates and totals say their unit.
pub(super) const COLUMNS: [Column; 14] = [
    Column { name: "id", width: 4, is_text: false, rank: 0, cell: |v| v.info.id.to_string() },
    Column { name: "name", width: 16, is_text: true, rank: 0, cell: |v| v.info.name.clone() },
    Column { name: "peer", width: 21, is_text: true, rank: 6, cell: |v| v.info.peer.clone() },
    Column { name: "mode", width: 8, is_text: true, rank: 0, cell: |v| v.info.mode.clone() },
    Column { name: "depth", width: 5, is_text: false, rank: 5, cell: |v| v.info.depth.to_string() },
    Column { name: "scale", width: 5, is_text: false, rank: 5, cell: |v| format!("1/{}", v.info.scale) },
    Column {
        name: "kbit/s down",
        width: 11,
        is_text: false,
        rank: 0,
        cell: |v| rate(v, |r| r.down_bps / 1e3),
    },
    Column { name: "kbit/s up", width: 9, is_text: false, rank: 2, cell: |v| rate(v, |r| r.up_bps / 1e3) },
    Column { name: "MB down", width: 8, is_text: false, rank: 2, cell: |v| megabytes(v.info.bytes_down) },
    Column { name: "frames/s", width: 8, is_text: false, rank: 1, cell: |v| rate(v, |r| r.frames_per_s) },
    Column { name: "updates/s", width: 9, is_text: false, rank: 3, cell: |v| rate(v, |r| r.updates_per_s) },
    Column { name: "rtt_ms", width: 7, is_text: false, rank: 1, cell: |v| number(v.info.rtt_ms) },
    Column { name: "rate_bps", width: 11, is_text: false, rank: 4, cell: |v| count(v.info.rate_bps) },
    Column { name: "kinds", width: 30, is_text: true, rank: 3, cell: kinds },
];

/// Spaces between columns.
pub(super) const GAP: usize = 2;

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.1}"))
}

fn count(value: Option<u64>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

fn rate(viewer: &Viewer, of: fn(&Rates) -> f64) -> String {
    number(viewer.rates.as_ref().map(of))
}

fn megabytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}

/// The largest kinds of commands in the interval.
fn kinds(viewer: &Viewer) -> String {
    let shares = viewer.rates.iter().flat_map(|rates| &rates.payload_shares_by_kind);
    let named: Vec<String> =
        shares.take(KINDS).map(|(kind, share)| format!("{kind} {:.0}%", share * 100.0)).collect();
    if named.is_empty() { "-".into() } else { named.join(" ") }
}

/// The columns that fit into so many letters.
pub(super) fn columns_for(width: usize) -> Vec<&'static Column> {
    let mut columns: Vec<&Column> = COLUMNS.iter().collect();
    while columns.iter().map(|c| c.width + GAP).sum::<usize>() > width + GAP {
        // The last of the least important ones.
        let Some(rank) = columns.iter().map(|c| c.rank).max().filter(|rank| *rank > 0) else { break };
        let Some(at) = columns.iter().rposition(|c| c.rank == rank) else { break };
        columns.remove(at);
    }
    columns
}

/// A cell of exactly its column's width. Names come from viewers: nothing in them may steer the terminal.
pub(super) fn padded(column: &Column, text: &str) -> String {
    let width = column.width;
    let mut text: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    if let Some((end, _)) = text.char_indices().nth(width - 1).filter(|_| text.chars().count() > width) {
        text.truncate(end);
        text.push('…');
    }
    if column.is_text { format!("{text:<width$}") } else { format!("{text:>width$}") }
}

/// The server in a line.
pub(super) fn summary(refresh: &Refresh) -> String {
    let Status { name, version, width, height, uptime_s, .. } = &refresh.status;
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    format!(
        "{name} (panto {version})   up {}   screen {width}x{height}   server cpu {} %   viewers {}",
        uptime(*uptime_s),
        number(refresh.server_cpu_percent),
        refresh.each_viewer.len()
    )
}

fn uptime(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {:02} s", seconds % 60),
        (1..24, _) => format!("{hours} h {minutes:02} min"),
        _ => format!("{} d {:02} h", hours / 24, hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::refresh;
    use super::*;

    #[test]
    fn narrow_terminals_show_what_matters_most() {
        let names = |width| columns_for(width).iter().map(|column| column.name).collect::<Vec<_>>();
        assert_eq!(names(400).len(), COLUMNS.len());
        assert_eq!(names(80), ["id", "name", "mode", "kbit/s down", "kbit/s up", "frames/s", "rtt_ms"]);
        assert_eq!(names(10), ["id", "name", "mode", "kbit/s down"]);
        for width in 47..400 {
            let used: usize = columns_for(width).iter().map(|column| column.width + GAP).sum();
            assert!(used <= width + GAP, "{used} letters do not fit into {width}");
        }
    }

    #[test]
    fn cells_are_as_wide_as_their_column() {
        let [id, name] = [&COLUMNS[0], &COLUMNS[1]];
        assert_eq!(padded(id, "7"), "   7");
        assert_eq!(padded(name, "here"), "here            ");
        assert_eq!(padded(name, "sixteen letters!"), "sixteen letters!");
        assert_eq!(padded(name, "more than sixteen"), "more than sixte…");
        assert_eq!(padded(id, "\u{1b}é\n"), " ?é?");
    }

    #[test]
    fn the_largest_kinds_come_first() {
        let refresh = refresh();
        assert_eq!(kinds(&refresh.each_viewer[0]), "PutPixels 67% Fill 33%");
        assert_eq!(kinds(&refresh.each_viewer[1]), "-");
    }

    #[test]
    fn uptimes() {
        let texts = [5.9, 65.0, 3600.0 * 2.5, 3600.0 * 50.0].map(uptime);
        assert_eq!(texts, ["5 s", "1 min 05 s", "2 h 30 min", "2 d 02 h"]);
    }
}
