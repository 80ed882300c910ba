//! A window that the person drags, shown where the pointer is at once.
//!
//! Whether a drag moves a window is the window manager's decision, and it is far away. So
//! it is recognised by what it does: as long as a button is held down, a window that moves
//! exactly as the pointer did, in two frames, is being dragged, and is shown at the
//! pointer's newest place until the server's word differs. Only what is shown is changed.
//! No I/O, and time is an argument.

use std::collections::VecDeque;

use panto_protocol::canvas::Canvas;
use panto_protocol::draw::WindowId;
use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::message::InputEvent;
use panto_protocol::time::Micros;

/// Frames in which a window must move as the pointer did before it is believed to follow it.
const CONVINCING: u32 = 2;

/// How long a window may stay behind the pointer that the server has already seen. A window
/// manager needs a moment, and the frame that takes the motion in may leave before it moved.
const LAG: Micros = Micros::from_millis(150);

/// What an answer may take beyond twice the quickest one of this drag before the window is
/// believed to stand still: a motion that changes nothing is answered with whatever changes
/// next, or never.
const PATIENCE: Micros = Micros::from_millis(250);

/// Windows dragged together at most: a frame, its content and what is attached to them.
const MAX_TOGETHER: usize = 16;

/// Answered places of the pointer that a window may still be at.
const MAX_BEHIND: usize = 64;

/// Places of the pointer kept in all. A link this far behind is not worth running ahead of.
const MAX_TRAIL: usize = 4096;

/// A window shown elsewhere than the server has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MovedWindow {
    /// Which.
    pub id: WindowId,
    /// Where its first pixel is shown on the screen.
    pub position: Point,
}

/// Recognises drags and runs ahead of them.
#[derive(Debug)]
pub struct Dragging {
    enabled: bool,
    /// Input events sent on this connection, and those of them that frames have taken
    /// into account. `answered <= sent`.
    sent: u64,
    answered: u64,
    pointer: Option<Point>,
    hold: Option<Hold>,
    /// A drag that was ended by its release, and whose last answers come while the next one
    /// has begun.
    ending: Option<Hold>,
    moved: Vec<MovedWindow>,
}

/// A button held down, and what has moved since.
#[derive(Debug)]
struct Hold {
    button: u8,
    /// Where the pointer was when it was pressed.
    grip: Point,
    released: bool,
    /// Where the pointer was after which event, oldest first; the first is the press or the
    /// oldest place that a window may still be at. Ends with the release.
    trail: VecDeque<Step>,
    /// The quickest answer so far.
    answer: Option<Micros>,
    /// Where the server had the windows when it saw the press.
    home: Vec<(WindowId, Rect)>,
    /// Where it had them when the newest frame was painted.
    known: Vec<(WindowId, Rect)>,
    tracks: Vec<Track>,
    /// Since when a followed window has stayed behind what the server has seen.
    behind: Option<Micros>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    /// Events sent until then, this one included.
    number: u64,
    at: Micros,
    pointer: Point,
}

/// A window that has moved since the press.
#[derive(Debug)]
struct Track {
    id: WindowId,
    /// From the pointer when it was pressed to the window: what most window managers keep.
    held: Point,
    /// From the pointer to the window, as the last move would have it.
    offset: Point,
    /// Moves in a row with this offset.
    moves: u32,
    /// The event after which the pointer was where the window is now.
    number: u64,
}

impl Track {
    fn is_followed(&self) -> bool {
        self.moves >= CONVINCING
    }

    /// Where the window is when it follows the pointer to `step`.
    fn place(&self, step: Step) -> Point {
        step.pointer.offset(self.offset.x, self.offset.y)
    }
}

impl Default for Dragging {
    fn default() -> Self {
        Self {
            enabled: true,
            sent: 0,
            answered: 0,
            pointer: None,
            hold: None,
            ending: None,
            moved: Vec::new(),
        }
    }
}

impl Dragging {
    /// Whether windows are moved ahead at all.
    pub fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
        if !enabled {
            self.give_up();
        }
    }

    /// A new connection: what was on its way is lost.
    pub fn reset(&mut self) {
        *self = Self { enabled: self.enabled, ..Self::default() };
    }

    /// Windows to be shown elsewhere than the canvas has them.
    pub fn moved(&self) -> &[MovedWindow] {
        &self.moved
    }

    /// An input event was sent, with the canvas as it is.
    pub fn sent(&mut self, event: &InputEvent, canvas: &Canvas, now: Micros) {
        self.sent += 1;
        let number = self.sent;
        match *event {
            InputEvent::Pointer { position } => {
                self.pointer = Some(position);
                if let Some(hold) = self.hold.as_mut().filter(|h| !h.released) {
                    hold.trail.push_back(Step { number, at: now, pointer: position });
                    if hold.trail.len() > MAX_TRAIL {
                        return self.give_up();
                    }
                }
            }
            InputEvent::Button { button, down: true } if self.enabled => {
                // Further buttons during a drag change nothing; another drag begins anew.
                if self.hold.as_ref().is_none_or(|h| h.released)
                    && let Some(pointer) = self.pointer
                {
                    self.ending = self.hold.take();
                    self.hold = Some(Hold {
                        button,
                        grip: pointer,
                        released: false,
                        trail: VecDeque::from([Step { number, at: now, pointer }]),
                        answer: None,
                        home: places(canvas),
                        known: places(canvas),
                        tracks: Vec::new(),
                        behind: None,
                    });
                }
            }
            InputEvent::Button { button, down: false } => {
                if let Some(hold) = self.hold.as_mut().filter(|h| h.button == button) {
                    hold.released = true;
                }
            }
            _ => {}
        }
        self.settle(canvas);
    }

    /// A frame was painted that takes `inputs` more events into account, onto
    /// the canvas as it is now.
    pub fn painted(&mut self, inputs: u64, canvas: &Canvas, now: Micros) {
        let before = self.answered;
        self.answered = before.saturating_add(inputs).min(self.sent);
        for hold in self.hold.iter_mut().chain(&mut self.ending) {
            if hold.painted(before, self.answered, canvas, now).is_err() {
                hold.let_go();
            }
        }
        self.settle(canvas);
    }

    /// When to call [`Dragging::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Micros> {
        self.hold.iter().chain(&self.ending).filter_map(|hold| hold.timeout(self.answered)).min()
    }

    /// Goes back to the server's word if it has been waited for long enough.
    pub fn handle_timeout(&mut self, canvas: &Canvas, now: Micros) {
        let mut is_late = false;
        for hold in self.hold.iter_mut().chain(&mut self.ending) {
            if hold.timeout(self.answered).is_some_and(|at| at <= now) {
                hold.let_go();
                is_late = true;
            }
        }
        if is_late {
            self.settle(canvas);
        }
    }

    /// Forgets all drags: everything is shown as the server has it.
    fn give_up(&mut self) {
        (self.hold, self.ending) = (None, None);
        self.moved.clear();
    }

    /// Ends what is over, and finds where windows are to be shown.
    fn settle(&mut self, canvas: &Canvas) {
        self.moved.clear();
        // A window that is dragged again already goes with the newer drag.
        for drag in [&mut self.hold, &mut self.ending] {
            let Some(hold) = drag else { continue };
            let ahead = hold.ahead(canvas);
            if hold.is_over(ahead.is_empty(), self.answered, self.sent) {
                *drag = None;
                continue;
            }
            for window in ahead {
                if !self.moved.iter().any(|m| m.id == window.id) {
                    self.moved.push(window);
                }
            }
        }
    }
}

/// The server's word on a window that was followed differs.
struct Differs;

impl Hold {
    fn is_followed(&self) -> bool {
        self.tracks.iter().any(Track::is_followed)
    }

    /// Windows that are not yet where the pointer is.
    fn ahead(&self, canvas: &Canvas) -> Vec<MovedWindow> {
        let Some(&last) = self.trail.back() else { return Vec::new() };
        let followed: Vec<_> = self.tracks.iter().filter(|t| t.is_followed()).collect();
        if followed.len() > MAX_TOGETHER {
            return Vec::new();
        }
        let shown = |t: &&Track| MovedWindow { id: t.id, position: t.place(last) };
        let elsewhere = |m: &MovedWindow| {
            let mut windows = canvas.windows().iter().filter(|w| w.mapped);
            windows.any(|w| w.id == m.id && w.position != m.position)
        };
        followed.iter().map(shown).filter(elsewhere).collect()
    }

    /// Whether the drag has ended and the server has said all that it will say of it.
    fn is_over(&self, is_there: bool, answered: u64, sent: u64) -> bool {
        let is_answered = self.trail.back().is_none_or(|last| last.number <= answered);
        self.released && (is_there && is_answered || answered == sent && !self.is_followed())
    }

    /// When the server's word on what is followed has been waited for long enough.
    fn timeout(&self, answered: u64) -> Option<Micros> {
        if !self.is_followed() {
            return None;
        }
        let silent = self.unanswered(answered).map(|step| step.at + self.patience());
        [silent, self.behind.map(|since| since + LAG)].into_iter().flatten().min()
    }

    /// How long an answer may take.
    fn patience(&self) -> Micros {
        let answer = self.answer.unwrap_or_default();
        answer + answer + PATIENCE
    }

    /// The oldest motion that no frame has taken into account.
    fn unanswered(&self, answered: u64) -> Option<&Step> {
        self.trail.iter().find(|step| step.number > answered)
    }

    /// Follows nothing, until windows move as the pointer does again.
    fn let_go(&mut self) {
        self.tracks.clear();
        self.behind = None;
    }

    fn painted(
        &mut self,
        answered_before: u64,
        answered: u64,
        canvas: &Canvas,
        now: Micros,
    ) -> Result<(), Differs> {
        let known = std::mem::replace(&mut self.known, places(canvas));
        let seen = self.trail.iter().take_while(|step| step.number <= answered).count();
        let Some(newest) = seen.checked_sub(1).map(|i| self.trail[i]) else {
            // Whatever moved was not for the press.
            self.home.clone_from(&self.known);
            return Ok(());
        };
        if newest.number > answered_before {
            let answer = now.since(newest.at);
            self.answer = Some(self.answer.map_or(answer, |quickest| quickest.min(answer)));
        }
        // A followed window that is gone takes the others with it: this is no plain drag.
        let gone = |t: &Track| t.is_followed() && place_of(&self.known, t.id).is_none();
        if self.tracks.iter().any(gone) {
            return Err(Differs);
        }
        let (mut behind, mut advanced) = (false, false);
        for &(id, place) in &self.known {
            let Some(before) = place_of(&known, id) else { continue };
            let tracked = self.tracks.iter().position(|t| t.id == id);
            let followed = tracked.is_some_and(|i| self.tracks[i].is_followed());
            if place.size() != before.size() {
                // An edge is dragged, not the window.
                if followed {
                    return Err(Differs);
                }
                self.tracks.retain(|t| t.id != id);
                continue;
            }
            let position = place.origin();
            if place == before {
                // Standing still is right as long as the pointer is where it was, and
                // forgivable for a moment.
                if let Some(track) = tracked.filter(|_| followed).map(|i| &mut self.tracks[i]) {
                    if track.place(newest) == position {
                        track.number = newest.number;
                    } else {
                        behind = true;
                    }
                }
                continue;
            }
            let i = tracked.unwrap_or_else(|| {
                let held = between(self.grip, place_of(&self.home, id).unwrap_or(before).origin());
                self.tracks.push(Track { id, held, offset: held, moves: 0, number: self.trail[0].number });
                self.tracks.len() - 1
            });
            let track = &mut self.tracks[i];
            // Where the pointer was when the window manager moved the window: now, or
            // somewhat earlier, but never earlier than at its last move.
            let at = |offset: Point| {
                let later = self.trail.range(..seen).rev().take_while(|s| s.number > track.number);
                let mut there = later.filter(|s| s.pointer.offset(offset.x, offset.y) == position);
                there.next().map(|s| s.number)
            };
            let (offset, number) = match (at(track.offset), at(track.held)) {
                (Some(number), _) => (track.offset, number),
                _ if followed => return Err(Differs),
                (None, Some(number)) => (track.held, number),
                (None, None) => (between(newest.pointer, position), newest.number),
            };
            let goes_on = offset == track.offset && number > track.number;
            track.moves = if goes_on { track.moves + 1 } else { 1 };
            (track.offset, track.number) = (offset, number);
            advanced |= track.is_followed();
            behind |= track.is_followed() && track.place(newest) != position;
        }
        self.behind = match (behind, self.behind) {
            (false, _) => None,
            (true, Some(since)) if !advanced => Some(since),
            (true, _) => Some(now),
        };
        // Of what was answered, only as much as a window may still be at.
        self.trail.drain(..seen.saturating_sub(MAX_BEHIND));
        Ok(())
    }
}

fn between(from: Point, to: Point) -> Point {
    Point::new(to.x.wrapping_sub(from.x), to.y.wrapping_sub(from.y))
}

/// Places of the windows that can be seen.
fn places(canvas: &Canvas) -> Vec<(WindowId, Rect)> {
    let mapped = canvas.windows().iter().filter(|w| w.mapped);
    let size = |surface| canvas.surface(surface).map_or(Size::default(), |s| s.picture.size());
    mapped.map(|w| (w.id, Rect::at(w.position, size(w.surface)))).collect()
}

fn place_of(places: &[(WindowId, Rect)], id: WindowId) -> Option<Rect> {
    places.iter().find(|p| p.0 == id).map(|p| p.1)
}

#[cfg(test)]
mod tests;
