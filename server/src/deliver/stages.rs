//! Where the time between an input's arrival and its frame's leaving goes.

use panto_protocol::time::Micros;
use serde::{Deserialize, Serialize};

/// Means over the frames that answered an input, ms (METRICS.md, "Latency").
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ServerStages {
    /// Frames that answered an input.
    pub answers: u64,
    /// From the input's arrival until the screen had changed.
    pub capture: f64,
    /// Planning and encoding.
    pub encode: f64,
    /// Waiting: for the pacer, and for the socket to take the frame.
    pub queue: f64,
}

/// Follows inputs through the server.
#[derive(Debug, Default)]
pub(super) struct StageClock {
    /// The last input since the last frame.
    arrived: Option<Micros>,
    /// When the scene was first seen to differ from what the viewer has.
    changed: Option<Micros>,
    /// An answer that is being encoded: when its planning began.
    encoding: Option<Micros>,
    /// An answer that the socket has not taken yet: when it was encoded.
    writing: Option<Micros>,
    answers: u64,
    capture: u64,
    encode: u64,
    queue: u64,
}

impl StageClock {
    pub(super) fn input(&mut self, now: Micros) {
        self.arrived = Some(now);
    }

    pub(super) fn changed(&mut self, now: Micros) {
        self.changed.get_or_insert(now);
    }

    /// What had changed looks as before: no frame.
    pub(super) fn unchanged(&mut self) {
        self.changed = None;
    }

    /// A frame was planned, beginning at `now`.
    pub(super) fn planned(&mut self, now: Micros, answers: bool) {
        let changed = self.changed.take().unwrap_or(now);
        if let Some(arrived) = self.arrived.take().filter(|_| answers) {
            let changed = changed.max(arrived);
            self.answers += 1;
            self.capture += changed.since(arrived).0;
            self.queue += now.since(changed).0;
            self.encoding = Some(now);
        }
    }

    pub(super) fn encoded(&mut self, now: Micros) {
        if let Some(began) = self.encoding.take() {
            self.encode += now.since(began).0;
            // Of two answers that wait for the socket the later one counts twice as long: rare,
            // as the pacer keeps little in flight.
            self.writing = Some(self.writing.map_or(now, |earlier| {
                self.queue += now.since(earlier).0;
                now
            }));
        }
    }

    pub(super) fn written(&mut self, now: Micros) {
        if let Some(encoded) = self.writing.take() {
            self.queue += now.since(encoded).0;
        }
    }

    pub(super) fn means(&self) -> ServerStages {
        let mean = |sum: u64| sum as f64 / 1e3 / self.answers.max(1) as f64;
        ServerStages {
            answers: self.answers,
            capture: mean(self.capture),
            encode: mean(self.encode),
            queue: mean(self.queue),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_belongs_to_one_stage() {
        let mut clock = StageClock::default();
        clock.input(Micros(1_000));
        clock.changed(Micros(4_000));
        clock.changed(Micros(5_000));
        clock.planned(Micros(6_000), true);
        clock.encoded(Micros(6_500));
        clock.written(Micros(8_500));
        // A frame that answers nothing leaves no trace.
        clock.changed(Micros(20_000));
        clock.planned(Micros(30_000), false);
        clock.encoded(Micros(31_000));
        clock.written(Micros(32_000));
        assert_eq!(clock.means(), ServerStages { answers: 1, capture: 3.0, encode: 0.5, queue: 4.0 });
    }

    #[test]
    fn a_change_before_the_input_costs_the_input_nothing() {
        let mut clock = StageClock::default();
        clock.changed(Micros(1_000));
        clock.input(Micros(2_000));
        clock.planned(Micros(5_000), true);
        assert_eq!(clock.means(), ServerStages { answers: 1, capture: 0.0, encode: 0.0, queue: 3.0 });
    }
}
