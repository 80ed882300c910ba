//! What lies over the picture, and for how long.
//!
//! Nothing does, most of the time: then the window's pixels are the remote screen's.

use std::rc::Rc;
use std::time::{Duration, Instant};

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::Picture;

use super::draw::color;
use super::meter::Meter;
use super::panels::{self, Facts, MenuState};
use super::scene::Sprite;
use super::shortcuts::{PREFIX, SHORTCUTS};
use crate::core::Connection;

/// How long a sentence stays.
const NOTICE: Duration = Duration::from_secs(4);

/// How long the hint on connecting stays.
const HINT: Duration = Duration::from_secs(3);

/// Units between the window's edge and a panel.
const MARGIN: i32 = 12;

/// How much of the statistics is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Detail {
    #[default]
    Off,
    Three,
    All,
}

/// Which panels are shown, and their pixels.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    window: Size,
    /// Window pixels a unit.
    unit: u32,
    connection: Connection,
    server: String,
    banner: Option<Rc<Picture>>,
    notice: Option<(Rc<Picture>, Instant)>,
    detail: Detail,
    meter: Meter,
    statistics: Option<Rc<Picture>>,
    explained: bool,
    legend: Option<Rc<Picture>>,
    menu: Option<MenuState>,
    menu_picture: Option<Rc<Picture>>,
}

impl Overlay {
    pub(super) fn new(statistics: bool) -> Self {
        let detail = if statistics { Detail::All } else { Detail::Off };
        let mut overlay = Self { unit: 1, detail, ..Self::default() };
        overlay.draw_banner();
        overlay
    }

    /// The window has this size, and so many pixels to a point of text.
    pub(super) fn resize(&mut self, window: Size, scale_factor: f64) {
        let unit = scale_factor.round().clamp(1.0, 4.0) as u32;
        let redraw = window.width != self.window.width || unit != self.unit;
        (self.window, self.unit) = (window, unit);
        if redraw {
            self.draw_banner();
            self.draw_menu();
        }
    }

    /// The connection's state, and the server's name.
    pub(super) fn set_connection(&mut self, connection: &Connection, server: &str) {
        if *connection != self.connection || *server != self.server {
            self.connection = connection.clone();
            self.server = server.to_owned();
            self.draw_banner();
        }
    }

    /// Shows a sentence for a while, in place of the one before.
    pub(super) fn notice(&mut self, text: &str, now: Instant) {
        self.notice = Some((Rc::new(panels::notice(text, self.columns(), self.unit)), now + NOTICE));
    }

    /// Shows for three seconds how to find everything else.
    pub(super) fn hint(&mut self, now: Instant) {
        let text = format!("{PREFIX} + M menu, S statistics, E explain, F full screen, Q quit");
        self.notice = Some((Rc::new(panels::notice(&text, self.columns(), self.unit)), now + HINT));
    }

    /// From no statistics to three lines, to all, to none.
    pub(super) fn next_detail(&mut self) {
        self.detail = match self.detail {
            Detail::Off => Detail::Three,
            Detail::Three => Detail::All,
            Detail::All => Detail::Off,
        };
        self.statistics = None;
        self.rest_meter();
    }

    /// Whether the picture is tinted, so that a legend must say what the tints mean.
    pub(super) fn set_explained(&mut self, explained: bool) {
        if explained != self.explained {
            self.explained = explained;
            self.legend = None;
            self.rest_meter();
        }
    }

    /// Without anything to show there is nothing to measure.
    fn rest_meter(&mut self) {
        if !self.has_figures() {
            self.meter.clear();
        }
    }

    fn has_figures(&self) -> bool {
        self.explained || self.detail != Detail::Off
    }

    pub(super) fn detail(&self) -> Detail {
        self.detail
    }

    /// Whether statistics or legend want new figures now.
    pub(super) fn wants_figures(&self, now: Instant) -> bool {
        let missing = self.detail != Detail::Off && self.statistics.is_none()
            || self.explained && self.legend.is_none();
        missing || self.has_figures() && self.meter.due().is_none_or(|due| due <= now)
    }

    /// New figures for statistics and legend.
    pub(super) fn set_figures(&mut self, facts: Facts<'_>, now: Instant) {
        self.meter.sample(facts.stats, now);
        let full = self.detail == Detail::All;
        self.statistics = Some(Rc::new(panels::statistics(facts, &self.meter, full, self.unit)));
        self.legend = self.explained.then(|| Rc::new(panels::legend(facts.stats, &self.meter, self.unit)));
    }

    pub(super) fn menu_is_open(&self) -> bool {
        self.menu.is_some()
    }

    pub(super) fn open_menu(&mut self, state: MenuState) {
        self.menu = Some(state);
        self.notice = None;
        self.draw_menu();
    }

    pub(super) fn close_menu(&mut self) {
        self.menu = None;
        self.menu_picture = None;
    }

    /// Moves the chosen item by `step`, round the ends.
    pub(super) fn menu_step(&mut self, step: isize) {
        if let Some(menu) = &mut self.menu {
            let n = SHORTCUTS.len() as isize;
            let from = menu.chosen.map_or(if step > 0 { -1 } else { n }, |i| i as isize);
            menu.chosen = Some((from + step).rem_euclid(n) as usize);
            self.draw_menu();
        }
    }

    /// Chooses the item under a window position; returns it.
    pub(super) fn menu_point(&mut self, p: Point) -> Option<usize> {
        let place = self.menu_place()?;
        let unit = self.unit.max(1) as i32;
        let item =
            panels::menu_item_at((p.x - place.left).div_euclid(unit), (p.y - place.top).div_euclid(unit));
        if let Some(menu) = &mut self.menu
            && menu.chosen != item
        {
            menu.chosen = item;
            self.draw_menu();
        }
        item
    }

    pub(super) fn menu_contains(&self, p: Point) -> bool {
        self.menu_place().is_some_and(|r| r.contains(p))
    }

    pub(super) fn menu_chosen(&self) -> Option<usize> {
        self.menu.as_ref()?.chosen
    }

    /// When something changes by itself.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let figures = self.meter.due().filter(|_| self.has_figures());
        let notice = self.notice.as_ref().map(|n| n.1);
        [figures, notice].into_iter().flatten().min()
    }

    /// Takes away what has been there long enough.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.notice.as_ref().is_some_and(|n| n.1 <= now) {
            self.notice = None;
        }
    }

    /// The panels as they lie in the window now, lowest first.
    pub(super) fn sprites(&self) -> Vec<Sprite> {
        let mut out = Vec::new();
        let margin = MARGIN * self.unit as i32;
        let (width, height) = (self.window.width as i32, self.window.height as i32);
        let mut put = |picture: &Rc<Picture>, x: i32, y: i32| {
            out.push(Sprite { at: Point::new(x, y), picture: Rc::clone(picture) });
        };
        let side = |p: &Picture| (p.size().width as i32, p.size().height as i32);
        if let Some(p) = &self.statistics
            && self.detail != Detail::Off
        {
            put(p, margin, margin);
        }
        if let Some(p) = &self.legend {
            // Out of the way of the statistics.
            put(p, (width - side(p).0 - margin).max(0), margin);
        }
        if let Some(p) = &self.banner {
            put(p, (width - side(p).0) / 2, (height - side(p).1) / 2);
        }
        if let Some((p, _)) = &self.notice {
            put(p, (width - side(p).0) / 2, height - side(p).1 - 2 * margin);
        }
        if let (Some(p), Some(place)) = (&self.menu_picture, self.menu_place()) {
            put(p, place.left, place.top);
        }
        out
    }

    /// In the middle; its first lines stay visible in a window too small for it.
    fn menu_place(&self) -> Option<Rect> {
        let size = self.menu_picture.as_ref()?.size();
        let left = (self.window.width as i32 - size.width as i32) / 2;
        let top = (self.window.height as i32 - size.height as i32) / 2;
        Some(Rect::at(Point::new(left.max(0), top.max(0)), size))
    }

    fn draw_menu(&mut self) {
        self.menu_picture = self.menu.as_ref().map(|m| Rc::new(panels::menu(m, self.unit)));
    }

    fn draw_banner(&mut self) {
        let server = if self.server.is_empty() { "the server" } else { &self.server };
        let columns = self.columns();
        let draw = |title: &str, c, reason: &str, help: &str| {
            Some(Rc::new(panels::banner(title, c, reason, help, columns, self.unit)))
        };
        self.banner = match &self.connection {
            Connection::Connected => None,
            Connection::Connecting => draw(&format!("Connecting to {server} ..."), color::TEXT, "", ""),
            Connection::Reconnecting { reason, attempt } => draw(
                &format!("Reconnecting ... (try {attempt})"),
                color::WARN,
                reason,
                &format!("{PREFIX} + R tries again now, Q quits"),
            ),
            Connection::Closed { reason } => {
                draw("The connection has ended", color::BAD, reason, "Escape or Q closes this window")
            }
        };
    }

    /// Characters that fit beside each other, with some air.
    fn columns(&self) -> usize {
        (self.window.width as usize / (8 * self.unit.max(1) as usize)).saturating_sub(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay() -> Overlay {
        let mut o = Overlay::new(false);
        o.resize(Size::new(800, 600), 1.0);
        o.set_connection(&Connection::Connected, "host");
        o
    }

    #[test]
    fn nothing_lies_over_a_quiet_connection() {
        let o = overlay();
        assert!(o.sprites().is_empty());
        assert_eq!(o.deadline(), None);
    }

    #[test]
    fn notices_go_by_themselves() {
        let mut o = overlay();
        let now = Instant::now();
        o.notice("hello", now);
        assert_eq!(o.sprites().len(), 1);
        o.expire(now + NOTICE / 2);
        assert_eq!(o.sprites().len(), 1);
        o.expire(o.deadline().unwrap());
        assert!(o.sprites().is_empty());
    }

    #[test]
    fn a_lost_connection_says_so_and_stays_said() {
        let mut o = overlay();
        o.set_connection(&Connection::Reconnecting { reason: "timed out".into(), attempt: 2 }, "host");
        o.expire(Instant::now() + Duration::from_secs(3600));
        assert_eq!(o.sprites().len(), 1);
    }

    #[test]
    fn the_legend_is_there_as_long_as_the_tints() {
        let mut o = overlay();
        let now = Instant::now();
        o.set_explained(true);
        assert!(o.wants_figures(now));
        let (stats, settings) = (Default::default(), Default::default());
        let facts = Facts { settings, screen: Size::new(8, 8), stats: &stats, renderer: "" };
        o.set_figures(facts, now);
        assert_eq!(o.sprites().len(), 1);
        assert!(!o.wants_figures(now));
        assert!(o.wants_figures(o.deadline().unwrap()));
        o.set_explained(false);
        assert!(o.sprites().is_empty());
        assert_eq!(o.deadline(), None);
    }

    #[test]
    fn the_menu_answers_arrows_and_pointer() {
        let mut o = overlay();
        o.open_menu(MenuState {
            server: "host".into(),
            mode: Default::default(),
            statistics: false,
            explained: false,
            full_screen: false,
            view_only: false,
            chosen: None,
        });
        o.menu_step(-1);
        assert_eq!(o.menu_chosen(), Some(SHORTCUTS.len() - 1));
        o.menu_step(1);
        assert_eq!(o.menu_chosen(), Some(0));
        let place = o.menu_place().unwrap();
        assert!(o.menu_contains(place.origin()));
        assert_eq!(o.menu_point(Point::new(place.left + 20, place.top + 60)), Some(0));
        assert_eq!(o.menu_point(Point::default()), None);
        o.close_menu();
        assert!(o.sprites().is_empty());
    }
}
