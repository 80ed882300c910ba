//! Axes: fine lines across the plot at round figures, and the figures beside it.

use super::{Anchor, Scale, Svg};

/// What is marked, and how it is written.
pub struct Axis<'a> {
    /// Places.
    pub scale: &'a Scale,
    /// Figures that are marked.
    pub ticks: &'a [f64],
    /// How a figure is written.
    pub label: fn(f64) -> String,
}

/// Room beneath a plot for the figures of its axis, pixels.
pub const BELOW: f64 = 20.0;

/// Figures beneath the plot between `top` and `bottom`.
pub fn bottom(svg: &mut Svg, axis: &Axis<'_>, top: f64, bottom: f64) {
    for line in lines(axis) {
        let x = axis.scale.at(line);
        svg.line((x, top), (x, bottom), "grid");
    }
    for &tick in axis.ticks {
        let x = axis.scale.at(tick);
        svg.text(x, bottom + BELOW - 8.0, Anchor::Middle, "tick", &(axis.label)(tick));
    }
}

/// Figures left of the plot between `from` and `to`.
pub fn left(svg: &mut Svg, axis: &Axis<'_>, from: f64, to: f64) {
    for line in lines(axis) {
        let y = axis.scale.at(line);
        svg.line((from, y), (to, y), "grid");
    }
    for &tick in axis.ticks {
        let y = axis.scale.at(tick);
        svg.text(from - 6.0, y, Anchor::End, "tick", &(axis.label)(tick));
    }
}

/// What has a line: all that is written, and what there is no room to write.
fn lines(axis: &Axis<'_>) -> Vec<f64> {
    let mut lines = [axis.ticks, &axis.scale.decades()].concat();
    lines.sort_by(f64::total_cmp);
    lines.dedup();
    lines
}
