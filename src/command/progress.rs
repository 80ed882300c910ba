//! How far long commands are.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use panto_compare::matrix::Progress;

/// A bar over the rows of a comparison; nothing where stderr is no terminal.
pub fn bar(rows: u64) -> ProgressBar {
    let bar = ProgressBar::new(rows);
    // A template that is a constant can be read.
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {elapsed} · {msg}") {
        bar.set_style(style);
    }
    bar
}

/// Brings the bar up to date.
pub fn show(bar: &ProgressBar, progress: &Progress<'_>) {
    bar.set_position(progress.done as u64);
    bar.set_message(format!("{} {:.0} %", progress.name, progress.part * 100.0));
}

/// Shown while something takes a while that nobody can foretell.
pub fn spinner(message: String) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(message);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// The command that makes the comparison again.
pub fn command_line() -> String {
    let quote = |word: String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+%@".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    let words = std::env::args_os().skip(1).map(|word| quote(word.to_string_lossy().into_owned()));
    std::iter::once("panto".into()).chain(words).collect::<Vec<_>>().join(" ")
}
