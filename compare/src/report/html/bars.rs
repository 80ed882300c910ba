//! Horizontal bars, one or more for each way, each of one or more parts.

use super::figure::WIDTH;
use crate::figures::Figures;
use crate::report::svg::{Anchor, Axis, BELOW, CHARACTER, Scale, Svg, bottom};

/// All bars of one way.
pub struct Group {
    /// Name of the way.
    pub name: String,
    /// Drawn from above.
    pub bars: Vec<Bar>,
    /// Whether the row is only partial.
    pub partial: bool,
}

/// One bar.
pub struct Bar {
    /// From the left, one after the other.
    pub parts: Vec<Part>,
    /// Written at its end.
    pub value: String,
}

/// A part of a bar.
pub struct Part {
    /// Its length, in the scale's unit.
    pub length: f64,
    /// Class of its colour.
    pub class: String,
    /// Written into it, the first that has room.
    pub labels: Vec<String>,
    /// Said when it is pointed at.
    pub title: String,
}

/// The range that bars of one figure share.
#[derive(Clone, Copy)]
pub enum Range {
    /// From 0 to this.
    Linear(f64),
    /// From the first to the second.
    Log(f64, f64),
}

impl Group {
    /// A group of this row's bars.
    pub fn of(row: &Figures, bars: Vec<Bar>) -> Self {
        Self { name: row.way(), bars, partial: row.error.is_some() }
    }
}

/// Names longer than this are cut; the whole name is said when the bar is pointed at.
const NAME: usize = 22;
/// Room for names at most, pixels: more would leave too little for bars.
const NAME_WIDTH: f64 = 150.0;
const TOP: f64 = 4.0;
const GAP: f64 = 7.0;

/// The plot. `margins` are the characters of the longest name and value of all plots of the
/// figure, so that their edges agree.
pub fn plot(
    label: &str,
    groups: &[Group],
    range: Range,
    margins: (usize, usize),
    tick: fn(f64) -> String,
) -> String {
    let left = (margins.0 as f64 * CHARACTER).min(NAME_WIDTH).round() + 10.0;
    let right = WIDTH - (margins.1 as f64 * CHARACTER).round() - 8.0;
    let scale = match range {
        Range::Linear(max) => Scale::linear(max, (left, right)),
        Range::Log(from, to) => Scale::log(from, to, (left, right)),
    };
    let thick = |g: &Group| if g.bars.len() > 1 { 13.0 } else { 17.0 };
    let height: f64 = groups.iter().map(|g| g.bars.len() as f64 * thick(g) + GAP).sum();
    let floor = TOP + height;
    let mut svg = Svg::new(WIDTH, floor + BELOW);
    let ticks = scale.ticks(((right - left) / 50.0) as usize);
    bottom(&mut svg, &Axis { scale: &scale, ticks: &ticks, label: tick }, TOP, floor);
    let mut y = TOP + GAP / 2.0;
    for group in groups {
        let thick = thick(group);
        let middle = y + group.bars.len() as f64 * thick / 2.0;
        svg.text(0.0, middle, Anchor::Start, "name", &cut(&group.name));
        for bar in &group.bars {
            draw(&mut svg, bar, &scale, (y, thick), group.partial);
            y += thick;
        }
        y += GAP;
    }
    svg.line((left, TOP), (left, floor), "axis");
    svg.finish(label)
}

/// Characters of the longest name and value.
pub fn margins<'a>(groups: impl Iterator<Item = &'a Group>) -> (usize, usize) {
    groups.fold((0, 0), |(name, value), g| {
        let widest = g.bars.iter().map(|b| b.value.chars().count()).max().unwrap_or(0);
        (name.max(g.name.chars().count()), value.max(widest + 2 * usize::from(g.partial)))
    })
}

fn draw(svg: &mut Svg, bar: &Bar, scale: &Scale, (y, thick): (f64, f64), partial: bool) {
    let pale = if partial { " pale" } else { "" };
    let mut sum = 0.0;
    for part in &bar.parts {
        let x = scale.at(sum);
        sum += part.length;
        let width = scale.at(sum) - x;
        // A hair of paper between parts; a part too small for one is at least to be seen.
        let shown = if bar.parts.len() > 1 && width > 2.0 { width - 1.0 } else { width };
        svg.rect(x, y + 0.5, shown, thick - 1.0, &format!("bar {}{pale}", part.class), &part.title);
        let fits = |l: &&String| (l.chars().count() as f64 + 0.6) * CHARACTER <= width;
        if let Some(label) = part.labels.iter().find(fits) {
            svg.text(x + shown / 2.0, y + thick / 2.0, Anchor::Middle, "inside", label);
        }
    }
    let star = if partial { " *" } else { "" };
    let end = scale.at(sum);
    svg.text(end + 5.0, y + thick / 2.0, Anchor::Start, "value", &format!("{}{star}", bar.value));
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.into();
    }
    name.chars().take(NAME - 1).chain(['…']).collect()
}
