//! Makes sure that pointer and keys arrive at the far display before anything is
//! measured: some programs lose the first ones.

use std::time::{Duration, Instant};

use panto_protocol::geometry::Point;

use super::PeerError;
use super::screen::Hands;

/// How often the far display is asked.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How far from its place the pointer is moved, pixels.
const ASIDE: i32 = 40;

/// Someone at both displays.
pub(super) struct Probe {
    pub near: Hands,
    /// `None` where the near display is the programs' own.
    pub far: Option<Hands>,
    /// Whether the viewer sends the pointer only after a click.
    pub needs_click: bool,
    /// Whether it sends keys only once it was given the keyboard.
    pub needs_focus: bool,
    /// How long an input may go unanswered before it is tried again.
    pub attempt: Duration,
    /// How long all attempts together may take.
    pub patience: Duration,
}

impl Probe {
    /// Moves the pointer and presses Shift, which writes nothing, until both have an effect
    /// far away; leaves the pointer at `place`. `go_on` is asked all the time.
    pub(super) fn run(
        &self,
        place: Point,
        go_on: impl Fn() -> Result<(), PeerError>,
    ) -> Result<(), PeerError> {
        let Some(far) = &self.far else { return Ok(self.near.point(place)?) };
        let deadline = Instant::now() + self.patience;
        // Whether it is so within one attempt.
        let soon = |is: &dyn Fn() -> Result<bool, PeerError>| -> Result<bool, PeerError> {
            let end = Instant::now() + self.attempt;
            while !is()? {
                go_on()?;
                if Instant::now() > end {
                    return Ok(false);
                }
                std::thread::sleep(LOOK_EVERY);
            }
            Ok(true)
        };
        let too_late = |what| {
            let late = PeerError::TooLate { what, within: self.patience, words: String::new() };
            if Instant::now() > deadline { Err(late) } else { Ok(()) }
        };

        let mut clicked = !self.needs_click;
        for to in [Point::new(place.x - ASIDE, place.y), Point::new(place.x, place.y - ASIDE), place] {
            self.near.point(to)?;
            while !soon(&|| Ok(far.pointer()?.0 == to))? {
                too_late("the pointer's movement on the far display")?;
                if !clicked {
                    self.near.click()?;
                    clicked = true;
                }
                // A pointer that is there already does not move.
                self.near.point(place)?;
                self.near.point(to)?;
            }
        }
        if self.needs_focus {
            self.near.focus_top()?;
        }
        for down in [true, false] {
            self.near.shift(down)?;
            while !soon(&|| Ok(far.pointer()?.1 == down))? {
                too_late("the pressing of a key on the far display")?;
                self.near.shift(!down)?;
                self.near.shift(down)?;
            }
        }
        Ok(())
    }
}
