//! Windows as surfaces: each top-level window's pixels by themselves, also where others
//! cover it.
//!
//! ```text
//!   events ─► tree (stacking, geometry) ─► layout ─► commands ─► scene
//!               │                                                  ▲
//!               ├─► backing (named pixmap, damage, shape) ─────────┤ pixels
//!               └─► background (the root, where it shows) ─────────┘
//! ```
//!
//! The X server goes on putting the screen together (COMPOSITE's automatic redirection),
//! so other clients notice nothing. Geometry and pixels are read at different moments;
//! what has changed in between is told by events, and the next grab puts it right.

mod background;
mod backing;
mod layout;
mod pixels;
mod state;
mod tree;

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use panto_protocol::geometry::{Point, Rect, Region, Size};
use panto_protocol::pixel::Color;
use panto_protocol::wire::{MAX_CANVAS_PIXELS, MAX_SURFACES, MAX_WINDOWS};
use x11rb::connection::SequenceNumber;
use x11rb::protocol::Event;
use x11rb::protocol::composite::{ConnectionExt as _, Redirect};
use x11rb::protocol::xproto::{ConnectionExt as _, MapState, Visualid, Window, WindowClass};

use super::images::Images;
use super::pending::Pending;
use super::server::Server;
use super::{CaptureError, CaptureSink};
use background::Background;
use backing::{Backing, Naming, known};
use layout::{Layout, Wanted};
use pixels::Owner;
use tree::{Child, Tree};

pub use state::{Reason, Windows, WindowsState};

/// Pixels of all surfaces beyond which windows that are not mapped lose theirs: four
/// screens of 4K.
const KEEP_PIXELS: u64 = MAX_CANVAS_PIXELS / 4;

/// Pixels of all surfaces beyond which the screen is captured flat; the rest of what a
/// canvas holds is for tiles and for what a viewer adds.
const MOST_PIXELS: u64 = MAX_CANVAS_PIXELS / 4 * 3;

/// Windows beyond which those that are not mapped are dropped, and the most there may be.
const KEEP_WINDOWS: usize = 256;
const MOST_WINDOWS: usize = if MAX_WINDOWS < MAX_SURFACES { MAX_WINDOWS } else { MAX_SURFACES } - 1;

/// Times in a row that a mapped window's pixmap may be refused: once is a window that was
/// unmapped and mapped in the meantime.
const MOST_REFUSALS: u32 = 3;

/// A window that comes back is blank until its program has painted it anew. What it showed
/// before stands in for so long: mostly it will look the same, and costs nothing. Not so
/// menus and tooltips, which come back with another text.
const HOLD: Duration = Duration::from_millis(50);

/// Captures the windows of one screen.
#[derive(Debug, Default)]
pub(super) struct WindowCapture {
    /// Whether windows are redirected.
    active: bool,
    tree: Tree,
    backings: BTreeMap<Window, Backing>,
    background: Background,
    layout: Layout,
    visuals: HashSet<Visualid>,
    band: Vec<Color>,
}

impl WindowCapture {
    pub(super) fn is_active(&self) -> bool {
        self.active
    }

    /// Whether [`Self::grab`] has something to do.
    pub(super) fn is_pending(&self) -> bool {
        self.active
            && (self.tree.is_changed()
                || !self.background.is_known()
                || self.backings.values().any(Backing::is_due))
    }

    /// When there will be something to do that no event tells of.
    pub(super) fn due(&self) -> Option<Instant> {
        let held = self.backings.values().filter(|_| self.active).filter_map(|b| b.held);
        held.filter(|at| *at > Instant::now()).min()
    }

    /// Redirects windows and asks which there are. Events of the root's children must be
    /// selected already. Surfaces that an earlier time has left are used again.
    pub(super) fn start(&mut self, server: &Server) -> Result<Result<(), Reason>, CaptureError> {
        let conn = &server.conn;
        if !server.has_composite()? {
            return Ok(Err(Reason::NoComposite));
        }
        let redirect = conn.composite_redirect_subwindows(server.root, Redirect::AUTOMATIC)?;
        if known(redirect.check())?.is_none() {
            return Ok(Err(Reason::Refused));
        }
        self.active = true;
        self.visuals = backing::visuals(x11rb::connection::Connection::setup(conn), server.screen);
        let query = conn.query_tree(server.root)?;
        let since = query.sequence_number();
        let mut asked = Vec::new();
        for window in query.reply()?.children {
            asked.push((window, conn.get_geometry(window)?, conn.get_window_attributes(window)?));
        }
        let mut children = Vec::with_capacity(asked.len());
        for (window, geometry, attributes) in asked {
            // Either fails only where the window is gone, which an event will tell.
            let (Some(g), Some(a)) = (known(geometry.reply())?, known(attributes.reply())?) else { continue };
            let (at, inner) =
                (Point::new(g.x.into(), g.y.into()), Size::new(g.width.into(), g.height.into()));
            let mut child = Child::new(window, at, inner, g.border_width);
            child.mapped = a.map_state != MapState::UNMAPPED;
            child.input_only = a.class == WindowClass::INPUT_ONLY;
            children.push(child);
        }
        self.tree = Tree::new(server.root, children, since);
        Ok(Ok(()))
    }

    /// Ends redirection; the scene keeps what it has.
    pub(super) fn stop(&mut self, server: &Server) -> Result<(), CaptureError> {
        if !std::mem::take(&mut self.active) {
            return Ok(());
        }
        for (&window, backing) in &mut self.backings {
            backing.release(server, window)?;
        }
        server.conn.composite_unredirect_subwindows(server.root, Redirect::AUTOMATIC)?.ignore_error();
        Ok(())
    }

    /// Takes windows and their surfaces out of the scene.
    pub(super) fn clear(&mut self, sink: &mut dyn CaptureSink) {
        for command in self.layout.bring(&[]) {
            // Taking away exceeds no limit.
            let _ = sink.draw(command);
        }
        self.backings.clear();
    }

    /// Everything is to be read: all windows, and the root wherever it shows.
    pub(super) fn doubt_everything(&mut self, screen: Size) {
        self.background.doubt_rect(Rect::of_size(screen));
        for backing in self.backings.values_mut() {
            backing.whole = backing.pixmap.is_some();
        }
    }

    /// Takes in an event that came after the reply or event to request `sequence`.
    pub(super) fn note(&mut self, event: &Event, sequence: SequenceNumber) {
        if !self.active {
            return;
        }
        if let Event::DamageNotify(e) = event {
            if let Some(backing) = self.backings.values_mut().find(|b| b.damage == Some(e.damage)) {
                backing.damaged = true;
            }
            return;
        }
        self.tree.apply(event, sequence);
    }

    /// Takes in every event that has arrived.
    pub(super) fn drain(&mut self, server: &Server, pending: &mut Pending) -> Result<(), CaptureError> {
        use x11rb::connection::Connection as _;
        while let Some((event, sequence)) = server.conn.poll_for_event_with_sequence()? {
            pending.note(&event, server.root);
            self.note(&event, sequence);
        }
        Ok(())
    }

    /// Reads what changed and gives it to `sink`. After a [`Reason`] windows can be
    /// captured no longer. Events must be taken in already.
    pub(super) fn grab(
        &mut self,
        server: &Server,
        screen: Size,
        pending: &mut Pending,
        images: &mut Images,
        sink: &mut dyn CaptureSink,
    ) -> Result<Result<(), Reason>, CaptureError> {
        let screen = Rect::of_size(screen);
        let changed = self.tree.take_changed();
        if changed {
            self.forget_windows(server)?;
            if let Err(reason) = self.name_pixmaps(server, screen)? {
                return Ok(Err(reason));
            }
        }
        let mut parts = self.damaged_parts(server, screen.size(), pending)?;
        if changed && let Err(reason) = self.place(sink) {
            return Ok(Err(reason));
        }
        self.background.doubt(&self.tree.take_disturbed());
        if !self.background.is_known() {
            let open = self.background.take(&self.covered(), screen);
            parts.extend(open.rects().iter().map(|r| (Owner::Root, *r)));
        }
        self.read(server, &parts, pending, images, sink)?;
        Ok(Ok(()))
    }

    /// Gives up what is held of windows that are gone or show nothing.
    fn forget_windows(&mut self, server: &Server) -> Result<(), CaptureError> {
        let mut gone = Vec::new();
        for (&window, backing) in &mut self.backings {
            match self.tree.child(window) {
                None => {
                    backing.release(server, window)?;
                    gone.push(window);
                }
                Some(child) if !child.covers() => {
                    backing.release_pixmap(server)?;
                    backing.damaged = false;
                    backing.whole = false;
                    backing.hidden = true;
                }
                Some(_) => {}
            }
        }
        for window in gone {
            self.backings.remove(&window);
        }
        Ok(())
    }

    /// Names the pixmaps of windows that were mapped or resized.
    fn name_pixmaps(&mut self, server: &Server, screen: Rect) -> Result<Result<(), Reason>, CaptureError> {
        let shown = |window| self.backings.get(&window).is_some_and(|b| b.pixmap.is_some());
        let stale: Vec<_> = self
            .tree
            .children()
            .iter()
            .filter(|c| c.stale && c.covers())
            // What was never on the screen costs nothing.
            .filter(|c| c.place.intersects(&screen) || shown(c.window))
            .map(|c| (c.window, self.backings.get(&c.window).and_then(|b| b.damage)))
            .collect();
        let mut result = Ok(());
        for (window, naming) in backing::name(server, &stale, &self.visuals)? {
            match naming {
                Naming::Named(named) => {
                    let backing = self.backings.entry(window).or_default();
                    let shaped = backing.shape.is_some() || named.shape.is_some();
                    let hidden = std::mem::take(&mut backing.hidden);
                    let comes_back = hidden
                        && !shaped
                        && !named.override_redirect
                        && backing.size == named.size
                        && self.layout.surface(window).is_some();
                    backing.held = comes_back.then(|| Instant::now() + HOLD);
                    backing.take(server, &named)?;
                    self.tree.set_named(window, &named);
                    if let Some(child) = self.tree.child(window).filter(|_| shaped) {
                        self.background.doubt_rect(child.place);
                    }
                }
                Naming::InputOnly => self.tree.set_input_only(window),
                Naming::OtherFormat => result = Err(Reason::Format),
                Naming::Refused => {
                    let backing = self.backings.entry(window).or_default();
                    backing.damage = None;
                    backing.refusals += 1;
                    if backing.refusals > MOST_REFUSALS {
                        result = Err(Reason::Unnamed);
                    }
                    // If it was not unmapped, the next grab tries again.
                    self.tree.set_changed();
                }
                Naming::Gone => {
                    // The event that tells it is on its way.
                    if let Some(mut backing) = self.backings.remove(&window) {
                        backing.release_pixmap(server)?;
                    }
                }
            }
        }
        Ok(result)
    }

    /// Brings the scene's surfaces and windows to what is known of the real ones.
    fn place(&mut self, sink: &mut dyn CaptureSink) -> Result<(), Reason> {
        let area = |b: &Backing| b.size.area();
        let children =
            || self.tree.children().iter().filter_map(|c| Some((c, self.backings.get(&c.window)?)));
        let pixels: u64 = children().map(|(_, b)| area(b)).sum();
        let keep = pixels <= KEEP_PIXELS && children().count() <= KEEP_WINDOWS;
        let wanted: Vec<Wanted> = children()
            .filter(|(c, b)| !b.size.is_empty() && (keep || c.covers()))
            .map(|(c, b)| {
                // Size and position change together, once the new pixmap is there.
                let before = self.layout.position(c.window).filter(|_| c.stale && c.covers());
                Wanted {
                    window: c.window,
                    position: before.unwrap_or(c.place.origin()),
                    size: b.size,
                    alpha: b.shape.is_some(),
                    mapped: b.pixmap.is_some(),
                }
            })
            .collect();
        let pixels: u64 = wanted.iter().map(|w| w.size.area()).sum();
        if pixels > MOST_PIXELS || wanted.len() > MOST_WINDOWS {
            return Err(Reason::TooMuch);
        }
        for command in self.layout.bring(&wanted) {
            sink.draw(command).map_err(|_| Reason::TooMuch)?;
        }
        Ok(())
    }

    /// What of the root windows hide.
    fn covered(&self) -> Region {
        let mut covered = Region::new();
        for child in self.tree.children().iter().filter(|c| c.covers()) {
            let shape = self.backings.get(&child.window).and_then(|b| b.shape.as_ref());
            match shape.filter(|_| !child.stale) {
                Some(shape) => covered.add_region(&shape.offset(child.place.left, child.place.top)),
                None => covered.add(child.place),
            }
        }
        covered
    }
}
