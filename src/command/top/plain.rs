//! Figures for files and pipes: a table, or JSON a line.

use std::io::Write;
use std::path::Path;

use anyhow::Context;

use super::Ended;
use super::rates::Refresh;
use super::sample::{Sample, sample, ticks};
use super::table::{COLUMNS, Column, GAP, padded, summary};
use crate::cli::Top;

/// Prints tables or JSON, once or until ended.
pub(super) async fn print(path: &Path, options: &Top, mut earlier: Sample) -> anyhow::Result<Ended> {
    let mut ticks = ticks(options.interval);
    loop {
        ticks.tick().await;
        let later = match sample(path).await {
            Ok(later) => later,
            Err(error) => return Ok(Ended::ServerGone(error)),
        };
        let refresh = Refresh::between(Some(&earlier), &later);
        let text = if options.json { serde_json::to_string(&refresh)? + "\n" } else { plain_table(&refresh) };
        let mut stdout = std::io::stdout();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => {}
            // Whoever read it has read enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Ended::Done),
            Err(error) => return Err(error).context("cannot write to stdout"),
        }
        if options.once || !options.json {
            return Ok(Ended::Done);
        }
        earlier = later;
    }
}

/// The whole table, for files and pipes.
fn plain_table(refresh: &Refresh) -> String {
    let line = |cell: &dyn Fn(&Column) -> String| {
        let cells: Vec<String> = COLUMNS.iter().map(|column| padded(column, &cell(column))).collect();
        format!("{}\n", cells.join(&" ".repeat(GAP)).trim_end())
    };
    let mut text = summary(refresh) + "\n";
    if let Some(failure) = &refresh.status.failure {
        text += &format!("no picture: {failure}\n");
    }
    text += &line(&|column| column.name.to_owned());
    for viewer in &refresh.each_viewer {
        text += &line(&|column| (column.cell)(viewer));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::example::refresh;
    use super::*;

    #[test]
    fn plain_output() {
        let mut refresh = refresh();
        refresh.each_viewer[1].info.name = "\x1b[31mred\u{9b} and far too long".into();
        let text = plain_table(&refresh);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "here (panto 1.2.3)   up 1 min 42 s   screen 1280x800   server cpu 25.0 %   viewers 2"
        );
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
        assert_eq!(
            words(lines[1]),
            "id name peer mode depth scale kbit/s down kbit/s up MB down frames/s updates/s rtt_ms rate_bps kinds"
        );
        assert_eq!(
            words(lines[2]),
            "2 viewer 2 127.0.0.1:5000 hybrid 24 1/1 32.0 0.3 0.01 4.0 40.0 12.3 - PutPixels 67% Fill 33%"
        );
        assert_eq!(words(lines[3]), "3 ?[31mred? and f… 127.0.0.1:5000 hybrid 24 1/1 - - 0.00 - - 12.3 - -");
        let json = serde_json::to_value(&refresh).unwrap();
        assert_eq!(json["each_viewer"][0]["down_bps"], 32_000.0);
        assert_eq!(json["each_viewer"][0]["bytes_down"], 9000);
        assert_eq!(json["server_cpu_percent"], 25.0);
        let written = serde_json::to_string(&refresh).unwrap();
        assert_eq!(written.matches("\"viewers\"").count(), 1, "{written}");
    }
}
