//! Step lines, with no more points than can be seen.

use super::pixel;

/// A line that goes right, then up or down, and never aslant.
#[derive(Default)]
pub struct Path {
    steps: Vec<(f64, f64)>,
}

impl Path {
    /// Goes right to `x`, then to `y`. What happens within half a pixel is one step.
    pub fn step(&mut self, x: f64, y: f64) {
        let x = (x * 2.0).round() / 2.0;
        match self.steps.as_mut_slice() {
            // The first point is where the line begins.
            [_, .., last] if last.0 == x => last.1 = y,
            _ => self.steps.push((x, y)),
        }
    }

    /// The attribute `d`.
    pub(super) fn data(&self) -> String {
        let mut steps = self.steps.iter().map(|&(x, y)| (pixel(x), pixel(y)));
        let Some((mut x, mut y)) = steps.next() else { return String::new() };
        let mut out = format!("M{x} {y}");
        let mut right = |to: &str, out: &mut String| {
            if x != to {
                out.push_str(&format!("H{to}"));
                x = to.into();
            }
        };
        let mut last = None;
        for (next_x, next_y) in steps {
            if next_y != y {
                right(&next_x, &mut out);
                out.push_str(&format!("V{next_y}"));
                y = next_y;
            }
            last = Some(next_x);
        }
        // The last steps may have stayed level.
        if let Some(last) = last {
            right(&last, &mut out);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_within_a_pixel_are_one() {
        let mut path = Path::default();
        for (x, y) in [(0.0, 10.0), (0.0, 9.0), (5.1, 8.0), (5.2, 7.0), (6.0, 7.0), (9.0, 7.0)] {
            path.step(x, y);
        }
        assert_eq!(path.data(), "M0 10V9H5V7H9");
        assert_eq!(Path::default().data(), "");
    }
}
