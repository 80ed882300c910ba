//! A small writer of SVG for plots inside a page: colours and fonts are the page's,
//! by class, so that they follow its dark and its printed form.

mod axis;
mod path;
mod scale;

use std::fmt::Write;

pub use axis::{Axis, BELOW, bottom, left};
pub use path::Path;
pub use scale::{Scale, round_down, round_up};

use super::escape;

/// Width of a character of [`Svg::text`], pixels: that of words in DejaVu Sans, the
/// widest of the usual fonts. In others a little room is left.
pub const CHARACTER: f64 = 7.7;

/// Where text begins at its x.
#[derive(Debug, Clone, Copy)]
pub enum Anchor {
    /// Right of it.
    Start,
    /// Around it.
    Middle,
    /// Left of it.
    End,
}

/// A plot being drawn; y grows downwards.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    /// An empty one, pixels wide and high.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// A filled rectangle; `title` is said when it is pointed at.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, class: &str, title: &str) {
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title></rect>",
            pixel(x),
            pixel(y),
            pixel(width.max(0.0)),
            pixel(height),
            escape::html(title)
        );
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let _ = write!(
            self.body,
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
            pixel(from.0),
            pixel(from.1),
            pixel(to.0),
            pixel(to.1)
        );
    }

    /// One line of text whose middle is at `y`.
    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        // Digits and capitals are as high as 0.7 of the font's 12 pixels.
        let baseline = pixel(y + 4.2);
        let _ = write!(
            self.body,
            "<text class=\"{class}\" x=\"{}\" y=\"{baseline}\" text-anchor=\"{anchor}\">{}</text>",
            pixel(x),
            escape::html(text)
        );
    }

    /// A line through many points; `title` is said when it is pointed at.
    pub fn path(&mut self, path: &Path, class: &str, title: &str) {
        let _ = write!(
            self.body,
            "<path class=\"{class}\" d=\"{}\"><title>{}</title></path>",
            path.data(),
            escape::html(title)
        );
    }

    /// The element; `label` says what it shows to those who do not see it.
    pub fn finish(self, label: &str) -> String {
        let (width, height) = (pixel(self.width), pixel(self.height));
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">{}</svg>",
            escape::html(label),
            self.body
        )
    }
}

/// Tenths of a pixel are enough.
fn pixel(value: f64) -> String {
    if !value.is_finite() {
        return "0".into();
    }
    let rounded = format!("{value:.1}");
    let short = rounded.strip_suffix(".0").unwrap_or(&rounded);
    if short == "-0" { "0".into() } else { short.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_text() {
        let mut svg = Svg::new(10.0, 20.5);
        svg.text(1.0, 2.0, Anchor::Start, "t", "</text><script>");
        svg.rect(0.0, f64::NAN, -1.0, 1.25, "r", "<b>");
        let out = svg.finish("\"><i>");
        assert!(
            out.starts_with("<svg viewBox=\"0 0 10 20.5\" role=\"img\" aria-label=\"&quot;&gt;&lt;i&gt;\">")
        );
        assert!(out.contains("&lt;/text&gt;&lt;script&gt;") && out.contains("<title>&lt;b&gt;"));
        assert!(out.contains("y=\"0\" width=\"0\" height=\"1.2\""), "{out}");
    }
}
