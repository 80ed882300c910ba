//! Which line or colour is what.

use crate::report::escape::html as escape;

/// Colours in `style.css` for ways; further ways take them again with another dash.
const COLOURS: usize = 8;
/// Dashes in `style.css`.
const DASHES: usize = 8;
/// Colours in `style.css` for parts of a whole, and the one after them for the rest.
pub const PARTS: usize = 8;

/// Classes of a way's colour.
pub fn colour(way: usize) -> String {
    format!("w{}", way % COLOURS)
}

/// Classes of a way's line: its colour, and a dash that no other way of this colour has.
pub fn stroke(way: usize) -> String {
    format!("curve w{} d{}", way % COLOURS, (way + way / COLOURS) % DASHES)
}

/// A legend of lines, for these ways.
pub fn lines(ways: &[String], shown: &[usize]) -> String {
    let sample = |way: usize| {
        format!(
            "<svg class=\"key\" width=\"34\" height=\"12\" aria-hidden=\"true\"><path class=\"{}\" d=\"M1 6H33\"/></svg>",
            stroke(way)
        )
    };
    list(shown.iter().filter_map(|&w| Some((sample(w), ways.get(w)?.as_str()))))
}

/// A legend of colours, for the parts of a whole in order.
pub fn parts<'a>(names: impl Iterator<Item = (usize, &'a str)>) -> String {
    list(names.map(|(part, name)| {
        let sample = format!(
            "<svg class=\"key\" width=\"12\" height=\"12\" aria-hidden=\"true\"><rect class=\"bar p{part}\" width=\"12\" height=\"12\"/></svg>"
        );
        (sample, name)
    }))
}

fn list<'a>(entries: impl Iterator<Item = (String, &'a str)>) -> String {
    let entries: String =
        entries.map(|(sample, name)| format!("<li>{sample}{}</li>\n", escape(name))).collect();
    format!("<ul class=\"legend\">\n{entries}</ul>\n")
}
