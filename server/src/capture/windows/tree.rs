//! Top-level windows as events tell of them: stacking and geometry. Knows no connection.

use panto_protocol::geometry::{Point, Rect, Region, Size};
use x11rb::connection::SequenceNumber;
use x11rb::protocol::Event;
use x11rb::protocol::shape::SK;
use x11rb::protocol::xproto::{Place, Window};

use super::backing::Named;

/// A child of the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Child {
    pub window: Window,
    /// Where it is on the screen, with its border.
    pub place: Rect,
    /// Width of its border in pixels.
    pub border: i32,
    pub mapped: bool,
    /// Whether it can show anything at all.
    pub input_only: bool,
    /// Whether its pixmap is not the one that was named last, or none was.
    pub stale: bool,
    /// Request that its pixmap was named with: what the server did before is in it.
    named_at: SequenceNumber,
}

/// All children of the root.
#[derive(Debug, Default)]
pub(super) struct Tree {
    root: Window,
    /// From the lowest to the highest.
    children: Vec<Child>,
    /// Request that the children were asked for with: events before it are old news.
    since: SequenceNumber,
    /// Where coverage of the root may have changed since it was last taken.
    disturbed: Region,
    changed: bool,
}

impl Child {
    /// A window just made: unmapped.
    pub(super) fn new(window: Window, at: Point, inner: Size, border: u16) -> Self {
        let mut child = Self {
            window,
            place: Rect::default(),
            border: 0,
            mapped: false,
            input_only: false,
            stale: true,
            named_at: 0,
        };
        child.configure(at, inner, border);
        child
    }

    /// Whether it hides what is below it.
    pub(super) fn covers(&self) -> bool {
        self.mapped && !self.input_only
    }

    fn configure(&mut self, at: Point, inner: Size, border: u16) {
        let both = 2 * u32::from(border);
        self.place = Rect::at(at, Size::new(inner.width + both, inner.height + both));
        self.border = border.into();
    }
}

impl Tree {
    /// The children of `root` from the lowest to the highest, asked for with request `since`.
    pub(super) fn new(root: Window, children: Vec<Child>, since: SequenceNumber) -> Self {
        Self { root, children, since, disturbed: Region::new(), changed: true }
    }

    /// From the lowest to the highest.
    pub(super) fn children(&self) -> &[Child] {
        &self.children
    }

    pub(super) fn child(&self, window: Window) -> Option<&Child> {
        self.children.iter().find(|c| c.window == window)
    }

    /// Where the root may have been covered or uncovered since the last call.
    pub(super) fn take_disturbed(&mut self) -> Region {
        std::mem::take(&mut self.disturbed)
    }

    /// Whether anything changed since the last call.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    pub(super) fn is_changed(&self) -> bool {
        self.changed
    }

    /// The window shows nothing, ever.
    pub(super) fn set_input_only(&mut self, window: Window) {
        self.change(window, |c| c.input_only = true);
    }

    /// The window's pixmap was named, and this is how the window is.
    pub(super) fn set_named(&mut self, window: Window, named: &Named) {
        let Some(i) = self.index(window) else { return };
        let child = &mut self.children[i];
        child.stale = false;
        child.named_at = named.sequence;
        // Events that tell of it already are on their way, and those of what comes after
        // them; the last one is right.
        let place = child.place;
        child.configure(named.at, named.inner, named.border);
        if child.place != place {
            self.disturbed.add(place);
            self.disturbed.add(self.children[i].place);
        }
    }

    /// Where the root may have been covered or uncovered since [`Self::take_disturbed`].
    pub(super) fn disturbed(&self) -> &Region {
        &self.disturbed
    }

    /// Something is to be tried again.
    pub(super) fn set_changed(&mut self) {
        self.changed = true;
    }

    /// Takes in an event that came after the reply or event to request `sequence`.
    pub(super) fn apply(&mut self, event: &Event, sequence: SequenceNumber) {
        // What was done before the children were asked for is in the answer already, and the
        // order of windows cannot be mended by doing it again. What clients send
        // (ICCCM 4.1.4: a false UnmapNotify to the root) is no news of windows either.
        if sequence < self.since || is_sent(event) {
            return;
        }
        match event {
            Event::CreateNotify(e) if e.parent == self.root => {
                let inner = Size::new(e.width.into(), e.height.into());
                let child = Child::new(e.window, Point::new(e.x.into(), e.y.into()), inner, e.border_width);
                self.add(child);
            }
            Event::DestroyNotify(e) => self.remove(e.window),
            Event::ReparentNotify(e) if e.parent == self.root => {
                // Its size comes with its pixmap; it is not mapped yet.
                let at = Point::new(e.x.into(), e.y.into());
                let inner = self.child(e.window).map_or(Size::default(), |c| c.place.size());
                self.remove(e.window);
                self.add(Child::new(e.window, at, inner, 0));
            }
            Event::ReparentNotify(e) => self.remove(e.window),
            Event::MapNotify(e) => self.change(e.window, |c| {
                c.mapped = true;
                c.stale |= sequence >= c.named_at;
            }),
            Event::UnmapNotify(e) => self.change(e.window, |c| {
                c.mapped = false;
                c.stale |= sequence >= c.named_at;
            }),
            Event::ConfigureNotify(e) if e.window != self.root => {
                self.change(e.window, |c| {
                    let (size, border) = (c.place.size(), c.border);
                    let inner = Size::new(e.width.into(), e.height.into());
                    c.configure(Point::new(e.x.into(), e.y.into()), inner, e.border_width);
                    let resized = (size, border) != (c.place.size(), c.border);
                    c.stale |= resized && sequence >= c.named_at;
                });
                let above = (e.above_sibling != x11rb::NONE).then_some(e.above_sibling);
                self.stack(e.window, above);
            }
            Event::GravityNotify(e) => self.change(e.window, |c| {
                c.place = Rect::at(Point::new(e.x.into(), e.y.into()), c.place.size());
            }),
            Event::ShapeNotify(e) if e.shape_kind == SK::BOUNDING => {
                self.change(e.affected_window, |c| c.stale |= sequence >= c.named_at);
            }
            Event::CirculateNotify(e) => {
                let top = self.children.iter().map(|c| c.window).rfind(|&w| w != e.window);
                self.stack(e.window, top.filter(|_| e.place == Place::ON_TOP));
            }
            _ => {}
        }
    }

    fn index(&self, window: Window) -> Option<usize> {
        self.children.iter().position(|c| c.window == window)
    }

    fn add(&mut self, child: Child) {
        self.remove(child.window);
        self.children.push(child);
        self.changed = true;
    }

    fn remove(&mut self, window: Window) {
        if let Some(i) = self.index(window) {
            let child = self.children.remove(i);
            if child.covers() {
                self.disturbed.add(child.place);
            }
            self.changed = true;
        }
    }

    fn change(&mut self, window: Window, change: impl FnOnce(&mut Child)) {
        let Some(i) = self.index(window) else { return };
        let before = self.children[i].clone();
        change(&mut self.children[i]);
        let child = &self.children[i];
        if *child == before {
            return;
        }
        self.changed = true;
        for child in [&before, child] {
            if child.covers() {
                self.disturbed.add(child.place);
            }
        }
    }

    /// Puts a window just above another one, or below all.
    fn stack(&mut self, window: Window, above: Option<Window>) {
        let Some(from) = self.index(window) else { return };
        let child = self.children.remove(from);
        let to = match above {
            None => 0,
            // Above a window that is not known it stays where it was.
            Some(sibling) => self.index(sibling).map_or(from, |i| i + 1),
        };
        self.changed |= to != from;
        self.children.insert(to, child);
    }
}

/// Whether a client made the event up (`SendEvent`).
fn is_sent(event: &Event) -> bool {
    let response_type = match event {
        Event::CreateNotify(e) => e.response_type,
        Event::DestroyNotify(e) => e.response_type,
        Event::ReparentNotify(e) => e.response_type,
        Event::MapNotify(e) => e.response_type,
        Event::UnmapNotify(e) => e.response_type,
        Event::ConfigureNotify(e) => e.response_type,
        Event::GravityNotify(e) => e.response_type,
        Event::CirculateNotify(e) => e.response_type,
        _ => 0,
    };
    response_type & 0x80 != 0
}

#[cfg(test)]
mod tests;
