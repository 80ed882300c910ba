//! Step lines, one for each way.

use super::figure::WIDTH;
use super::legend;
use crate::report::svg::{Axis, BELOW, CHARACTER, Path, Scale, Svg, bottom, left};

/// One line.
pub struct Curve {
    /// Place of the way.
    pub way: usize,
    /// Said when it is pointed at.
    pub title: String,
    /// x and y in the axes' units; each x begins a level.
    pub steps: Vec<(f64, f64)>,
}

/// One of the two axes.
pub struct Side {
    /// Smallest figure; without one the axis is linear and begins at 0.
    pub log_from: Option<f64>,
    /// Largest figure.
    pub to: f64,
    /// The figures to be marked; without, round ones.
    pub ticks: Option<&'static [f64]>,
    /// How they are written.
    pub label: fn(f64) -> String,
}

impl Side {
    fn scale(&self, pixels: (f64, f64)) -> Scale {
        match self.log_from {
            Some(from) => Scale::log(from, self.to, pixels),
            None => Scale::linear(self.to, pixels),
        }
    }
}

const TOP: f64 = 8.0;
const HEIGHT: f64 = 168.0;
/// Half of a figure beneath the right end.
const RIGHT: f64 = 24.0;

/// The plot.
pub fn plot(label: &str, curves: &[Curve], x: &Side, y: &Side) -> String {
    let floor = TOP + HEIGHT;
    let mut svg = Svg::new(WIDTH, floor + BELOW);
    let up = y.scale((floor, TOP));
    let marks = y.ticks.map_or_else(|| up.ticks((HEIGHT / 32.0) as usize), <[f64]>::to_vec);
    let widest = marks.iter().map(|m| (y.label)(*m).chars().count()).max().unwrap_or(0);
    let from = (widest as f64 * CHARACTER).round() + 8.0;
    let along = x.scale((from, WIDTH - RIGHT));
    left(&mut svg, &Axis { scale: &up, ticks: &marks, label: y.label }, from, along.end());
    let ticks = x.ticks.map_or_else(|| along.ticks(((along.end() - from) / 46.0) as usize), <[f64]>::to_vec);
    bottom(&mut svg, &Axis { scale: &along, ticks: &ticks, label: x.label }, TOP, floor);
    svg.line((from, floor), (along.end(), floor), "axis");
    for curve in curves {
        let mut path = Path::default();
        if let Some(&(first, _)) = curve.steps.first() {
            path.step(along.at(first), floor);
        }
        for &(at, level) in &curve.steps {
            path.step(along.at(at), up.at(level));
        }
        svg.path(&path, &legend::stroke(curve.way), &curve.title);
    }
    svg.finish(label)
}
