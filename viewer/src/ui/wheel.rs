//! The wheel, told once.
//!
//! winit 0.30 on X11 reports a wheel that has buttons instead of an axis (XTEST,
//! nested X servers, VNC) on pressing *and* on releasing; mended after 0.30.13
//! (winit pull request 4386). The raw release that precedes the second report gives it away.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a raw release waits for its report; they come together.
const TOGETHER: Duration = Duration::from_millis(100);

/// More releases than this at once are not somebody's wheel.
const MOST: usize = 64;

/// Takes out the second report of each notch.
#[derive(Debug, Default)]
pub(super) struct Wheel {
    /// Reports to be dropped, as winit gives them, and since when.
    echoes: VecDeque<((f32, f32), Instant)>,
}

impl Wheel {
    /// A button of the pointing device was released, by X11's number.
    pub(super) fn raw_release(&mut self, button: u32, now: Instant) {
        let report = match button {
            4 => (0.0, 1.0),
            5 => (0.0, -1.0),
            6 => (1.0, 0.0),
            7 => (-1.0, 0.0),
            _ => return,
        };
        if self.echoes.len() < MOST {
            self.echoes.push_back((report, now));
        }
    }

    /// Whether this report is the second one of its notch.
    pub(super) fn is_echo(&mut self, report: (f32, f32), now: Instant) -> bool {
        while self.echoes.front().is_some_and(|e| now > e.1 + TOGETHER) {
            self.echoes.pop_front();
        }
        let found = self.echoes.iter().position(|e| e.0 == report);
        found.is_some_and(|i| self.echoes.remove(i).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_report_after_a_release() {
        let mut wheel = Wheel::default();
        let now = Instant::now();
        let down = (0.0, -1.0);
        assert!(!wheel.is_echo(down, now));
        wheel.raw_release(5, now);
        assert!(!wheel.is_echo((0.0, 1.0), now));
        assert!(wheel.is_echo(down, now));
        assert!(!wheel.is_echo(down, now));
    }

    #[test]
    fn a_release_elsewhere_is_forgotten() {
        let mut wheel = Wheel::default();
        let now = Instant::now();
        wheel.raw_release(1, now);
        wheel.raw_release(4, now);
        assert!(!wheel.is_echo((0.0, 1.0), now + TOGETHER * 2));
    }
}
