//! From a figure to a place on the plot, and the round figures that are marked.

/// A straight or logarithmic scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    log: bool,
    /// `from < to`; both above 0 when logarithmic.
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

/// Where no figure is above 0, any end will do.
const NOTHING: f64 = 1.0;

impl Scale {
    /// From 0 to `max`, at the pixels `start` to `end`.
    pub fn linear(max: f64, (start, end): (f64, f64)) -> Self {
        let to = if max.is_finite() && max > 0.0 { max } else { NOTHING };
        Self { log: false, from: 0.0, to, start, end }
    }

    /// From `from` to `to`; figures below `from` are drawn at it.
    pub fn log(from: f64, to: f64, (start, end): (f64, f64)) -> Self {
        let to = if to.is_finite() && to > 0.0 { to } else { NOTHING };
        // Twelve decades are more than a plot can show.
        let from = if from.is_finite() { from.max(to / 1e12) } else { to / 10.0 };
        Self { log: true, from: if from < to { from } else { to / 10.0 }, to, start, end }
    }

    /// Where a figure is, pixels; at an end if it is beyond it.
    pub fn at(&self, value: f64) -> f64 {
        let value = if value.is_nan() { self.from } else { value.clamp(self.from, self.to) };
        let share = if self.log {
            (value / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        self.start + share * (self.end - self.start)
    }

    /// The last pixel.
    pub fn end(&self) -> f64 {
        self.end
    }

    /// Round figures to be marked, growing, about `most` at most.
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        if self.log { self.log_ticks(most) } else { self.linear_ticks(most) }
    }

    /// The powers of ten of a logarithmic scale: each is a line, even where there is no room to write it.
    pub fn decades(&self) -> Vec<f64> {
        if self.log { self.marks(&[1.0], 1) } else { Vec::new() }
    }

    fn linear_ticks(&self, most: usize) -> Vec<f64> {
        let raw = (self.to - self.from) / most.max(1) as f64;
        let decade = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|s| *s >= raw * 0.999);
        let step = step.unwrap_or(10.0 * decade);
        let first = (self.from / step).ceil() as i64;
        (first..).map(|i| i as f64 * step).take_while(|v| *v <= self.to * 1.000_001).take(most + 1).collect()
    }

    /// 1, 2 and 5 of each decade, only 1, or 1 of every other decade, whichever is not too many.
    fn log_ticks(&self, most: usize) -> Vec<f64> {
        let mut found = self.marks(&[1.0, 2.0, 5.0], 1);
        let mut stride = 1;
        while found.len() > most.max(1) && stride < 16 {
            found = self.marks(&[1.0], stride);
            stride += 1;
        }
        // Within one step of 1, 2, 5 there is nothing to choose from.
        if found.len() < 2 { self.linear_ticks(most) } else { found }
    }

    /// These multiples of every decade, or of every second, third … one.
    fn marks(&self, multiples: &[f64], stride: i32) -> Vec<f64> {
        let decades = self.from.log10().floor() as i32..=self.to.log10().ceil() as i32;
        decades
            .filter(|d| d.rem_euclid(stride) == 0)
            .flat_map(|d| multiples.iter().map(move |m| decimal(*m, d)))
            .filter(|v| self.from * 0.999_999 <= *v && *v <= self.to * 1.000_001)
            .collect()
    }
}

/// The next 1, 2 or 5 times a power of ten at or below.
pub fn round_down(value: f64) -> f64 {
    round(value, |mark, value| mark <= value * 1.000_001, true)
}

/// The next 1, 2 or 5 times a power of ten at or above.
pub fn round_up(value: f64) -> f64 {
    round(value, |mark, value| mark >= value * 0.999_999, false)
}

fn round(value: f64, fits: fn(f64, f64) -> bool, last: bool) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return NOTHING;
    }
    let decade = value.log10().floor() as i32;
    let mut marks = [1.0, 2.0, 5.0, 10.0].map(|m| decimal(m, decade)).into_iter().filter(|m| fits(*m, value));
    let found = if last { marks.next_back() } else { marks.next() };
    found.unwrap_or(value)
}

/// Division is exact where multiplication by a negative power of ten is not.
fn decimal(multiple: f64, decade: i32) -> f64 {
    if decade < 0 { multiple / 10f64.powi(-decade) } else { multiple * 10f64.powi(decade) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ticks_are_round() {
        let ticks = |max, most| Scale::linear(max, (0.0, 100.0)).ticks(most);
        assert_eq!(ticks(10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(37.0, 4), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(ticks(0.0, 2), [0.0, 0.5, 1.0]);
    }

    #[test]
    fn log_ticks_thin_out() {
        let ticks = |from, to, most| Scale::log(from, to, (0.0, 100.0)).ticks(most);
        assert_eq!(ticks(1.0, 10.0, 5), [1.0, 2.0, 5.0, 10.0]);
        assert_eq!(ticks(0.1, 1000.0, 6), [0.1, 1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(ticks(1.0, 1e6, 4), [1.0, 100.0, 10_000.0, 1_000_000.0]);
        assert_eq!(ticks(2.5, 4.5, 3), [3.0, 4.0]);
        assert_eq!(Scale::log(1.0, 2e3, (0.0, 1.0)).decades(), [1.0, 10.0, 100.0, 1000.0]);
    }

    #[test]
    fn values_are_placed() {
        let log = Scale::log(1.0, 100.0, (10.0, 30.0));
        assert_eq!([0.0, 1.0, 10.0, 100.0, 1e9].map(|v| log.at(v)), [10.0, 10.0, 20.0, 30.0, 30.0]);
        let linear = Scale::linear(4.0, (100.0, 0.0));
        assert_eq!([0.0, 1.0, 4.0].map(|v| linear.at(v)), [100.0, 75.0, 0.0]);
        for odd in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            assert!(Scale::linear(odd, (0.0, 1.0)).at(odd).is_finite());
            assert!(Scale::log(odd, odd, (0.0, 1.0)).at(odd).is_finite());
            assert!(Scale::log(odd, odd, (0.0, 1.0)).ticks(5).len() < 10);
        }
    }

    #[test]
    fn ends_are_round() {
        assert_eq!([0.03, 1.0, 7.0, 50.0].map(round_down), [0.02, 1.0, 5.0, 50.0]);
        assert_eq!([0.03, 1.0, 7.0, 51.0].map(round_up), [0.05, 1.0, 10.0, 100.0]);
    }
}
