//! A [`Comparison`] as people and programs read it: a table for a terminal, Markdown,
//! CSV, JSON, and a page of HTML with plots.
//!
//! All of them are functions of the comparison alone: the same comparison gives the same bytes.

mod csv;
mod escape;
mod html;
mod markdown;
mod number;
mod order;
#[cfg(test)]
mod sample;
mod svg;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod words;

pub use csv::csv;
pub use html::html;
pub use markdown::markdown;
pub use text::text;
pub use words::link_in_words;

use crate::figures::Comparison;

/// All of the comparison as JSON, indented, with a newline at the end.
/// Names and units are those of [`crate::figures`].
pub fn json(comparison: &Comparison) -> String {
    let mut out = serde_json::to_string_pretty(comparison)
        .expect("keys are strings, and numbers that JSON has no form for become null");
    out.push('\n');
    out
}
