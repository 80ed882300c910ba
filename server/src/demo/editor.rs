//! A text editor that can be typed into.

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Color, rgb};
use panto_protocol::time::Micros;

use super::app::Key;
use super::font::{CELL, Face};
use super::pen::Pen;

/// What the editor opens with.
pub(super) const NOTES: &str = "\
The pantelegraph, 1865

Giovanni Caselli's machine sent pictures down a
telegraph wire between Paris and Lyon: a stylus
swept the original line by line, and a second one,
swinging in step, drew it again at the far end.

The telautograph, 1888

Elisha Gray's sent the strokes of the pen instead.
Far fewer signals, but only for what a pen had
drawn.

Pixels, or commands. Panto does both, and lets you
turn the dial while it runs.

";

const GUTTER: i32 = 44;
const TOP: i32 = 6;
const PAPER: Color = rgb(252, 252, 248);
const GUTTER_PAPER: Color = rgb(242, 242, 236);
const INK: Color = rgb(40, 42, 54);
const NUMBER: Color = rgb(168, 168, 160);
const CARET: Color = rgb(214, 80, 40);

/// Half a blink.
const BLINK: Micros = Micros(530_000);

/// A caret that nobody types at stops blinking, so that the desktop comes to rest.
const BLINK_FOR: Micros = Micros(10_000_000);

/// Longest line and most lines.
const MAX_COLUMNS: usize = 400;
const MAX_LINES: usize = 2000;

/// The editor's state.
pub(super) struct Editor {
    size: Size,
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// First line shown.
    top: usize,
    focused: bool,
    caret_shown: bool,
    blink_at: Option<Micros>,
    touched: Micros,
}

impl Editor {
    pub(super) fn new(size: Size) -> Self {
        let lines: Vec<Vec<char>> = NOTES.lines().map(|l| l.chars().collect()).collect();
        let row = lines.len() - 1;
        Self {
            size,
            lines,
            row,
            column: 0,
            top: 0,
            focused: false,
            caret_shown: false,
            blink_at: None,
            touched: Micros::ZERO,
        }
    }

    fn visible(&self) -> usize {
        ((self.size.height as i32 - TOP) / CELL.height as i32).max(1) as usize
    }

    fn y(&self, row: usize) -> i32 {
        TOP + (row - self.top) as i32 * CELL.height as i32
    }

    fn x(&self, column: usize) -> i32 {
        GUTTER + 6 + column as i32 * CELL.width as i32
    }

    pub(super) fn draw(&mut self, pen: &mut Pen<'_>) {
        let size = self.size;
        pen.fill(Rect::new(0, 0, GUTTER as u32, size.height), GUTTER_PAPER);
        pen.fill(Rect::from_corners(GUTTER, 0, size.width as i32, size.height as i32), PAPER);
        for row in self.top..(self.top + self.visible()).min(self.lines.len()) {
            self.draw_number(pen, row);
            self.draw_from(pen, row, 0);
        }
        if self.caret_shown {
            self.paint_caret(pen);
        }
    }

    fn draw_number(&self, pen: &mut Pen<'_>, row: usize) {
        let y = self.y(row);
        pen.fill(Rect::new(0, y, GUTTER as u32, CELL.height), GUTTER_PAPER);
        if row < self.lines.len() {
            pen.text(Face::Mono, Point::new(4, y), NUMBER, &format!("{:>4}", row + 1));
        }
    }

    /// Redraws a line from a column to its end.
    fn draw_from(&self, pen: &mut Pen<'_>, row: usize, column: usize) {
        let (x, y) = (self.x(column) - 1, self.y(row));
        pen.fill(Rect::from_corners(x, y, self.size.width as i32, y + CELL.height as i32), PAPER);
        let Some(line) = self.lines.get(row) else { return };
        let text: String = line.iter().skip(column).collect();
        // Headings are lines with a comma and a year.
        let face_color = if is_heading(line) { rgb(176, 58, 46) } else { INK };
        pen.text(Face::Mono, Point::new(x + 1, y), face_color, &text);
    }

    fn paint_caret(&self, pen: &mut Pen<'_>) {
        pen.fill(Rect::new(self.x(self.column) - 1, self.y(self.row) + 1, 2, CELL.height - 2), CARET);
    }

    fn hide_caret(&mut self, pen: &mut Pen<'_>) {
        if std::mem::take(&mut self.caret_shown) {
            let (x, y) = (self.x(self.column) - 1, self.y(self.row));
            pen.fill(Rect::new(x, y, 2, CELL.height), PAPER);
            // The caret may have covered edges of the letters beside it.
            let from = self.column.saturating_sub(1);
            let letters: String = self.lines[self.row].iter().skip(from).take(2).collect();
            if !letters.trim().is_empty() {
                let rect = Rect::new(self.x(from), y, CELL.width * 2, CELL.height);
                pen.fill(rect, PAPER);
                let color = if is_heading(&self.lines[self.row]) { rgb(176, 58, 46) } else { INK };
                pen.text(Face::Mono, Point::new(self.x(from), y), color, &letters);
            }
        }
    }

    fn show_caret(&mut self, pen: &mut Pen<'_>, now: Micros) {
        self.caret_shown = true;
        self.paint_caret(pen);
        self.touched = now;
        self.blink_at = Some(now + BLINK);
    }

    pub(super) fn focus(&mut self, focused: bool, pen: &mut Pen<'_>, now: Micros) {
        self.focused = focused;
        self.hide_caret(pen);
        self.blink_at = None;
        if focused {
            self.show_caret(pen, now);
        }
    }

    pub(super) fn click(&mut self, at: Point, pen: &mut Pen<'_>, now: Micros) {
        self.hide_caret(pen);
        let row = self.top + ((at.y - TOP).max(0) / CELL.height as i32) as usize;
        self.row = row.min(self.lines.len() - 1);
        let column = ((at.x - GUTTER - 6).max(0) + CELL.width as i32 / 2) / CELL.width as i32;
        self.column = (column as usize).min(self.lines[self.row].len());
        self.show_caret(pen, now);
    }

    pub(super) fn key(&mut self, key: &Key, pen: &mut Pen<'_>, now: Micros) {
        self.hide_caret(pen);
        match key {
            Key::Text(text) => {
                for c in text.chars().filter(|c| !c.is_control()) {
                    if self.lines[self.row].len() < MAX_COLUMNS {
                        self.lines[self.row].insert(self.column, c);
                        self.draw_from(pen, self.row, self.column);
                        self.column += 1;
                    }
                }
            }
            Key::Enter if self.lines.len() < MAX_LINES => {
                let rest = self.lines[self.row].split_off(self.column);
                self.lines.insert(self.row + 1, rest);
                self.draw_from(pen, self.row, self.column);
                self.row += 1;
                self.column = 0;
                self.open_row(pen);
            }
            Key::Backspace if self.column > 0 => {
                self.column -= 1;
                self.lines[self.row].remove(self.column);
                self.draw_from(pen, self.row, self.column);
            }
            Key::Backspace if self.row > 0 => {
                let rest = self.lines.remove(self.row);
                self.row -= 1;
                self.column = self.lines[self.row].len();
                self.lines[self.row].extend(rest);
                self.keep_in_view();
                self.draw(pen);
            }
            Key::Delete if self.column < self.lines[self.row].len() => {
                self.lines[self.row].remove(self.column);
                self.draw_from(pen, self.row, self.column);
            }
            Key::Left if self.column > 0 => self.column -= 1,
            Key::Right if self.column < self.lines[self.row].len() => self.column += 1,
            Key::Up if self.row > 0 => self.row -= 1,
            Key::Down if self.row + 1 < self.lines.len() => self.row += 1,
            Key::Home => self.column = 0,
            Key::End => self.column = self.lines[self.row].len(),
            _ => {}
        }
        self.column = self.column.min(self.lines[self.row].len());
        if self.keep_in_view() {
            self.draw(pen);
        }
        self.show_caret(pen, now);
    }

    /// A line was inserted at the caret's row: everything below it moves down.
    fn open_row(&mut self, pen: &mut Pen<'_>) {
        if self.keep_in_view() {
            self.draw(pen);
            return;
        }
        let (y, height) = (self.y(self.row), CELL.height as i32);
        let bottom = TOP + self.visible() as i32 * height;
        if y + height < bottom {
            let below = Rect::from_corners(GUTTER, y, self.size.width as i32, bottom - height);
            pen.shift(below, Point::new(GUTTER, y + height));
        }
        self.draw_from(pen, self.row, 0);
        let last = self.lines.len() - 1;
        if last < self.top + self.visible() {
            self.draw_number(pen, last);
        }
    }

    /// Scrolls so that the caret is visible; whether that was needed.
    fn keep_in_view(&mut self) -> bool {
        let top = self.top;
        if self.row < self.top {
            self.top = self.row;
        } else if self.row >= self.top + self.visible() {
            self.top = self.row + 1 - self.visible();
        }
        top != self.top
    }

    pub(super) fn tick(&mut self, pen: &mut Pen<'_>, now: Micros) {
        while let Some(at) = self.blink_at.filter(|at| *at <= now) {
            if now.since(self.touched) >= BLINK_FOR {
                if !self.caret_shown {
                    self.caret_shown = true;
                    self.paint_caret(pen);
                }
                self.blink_at = None;
                return;
            }
            if self.caret_shown {
                self.hide_caret(pen);
            } else {
                self.caret_shown = true;
                self.paint_caret(pen);
            }
            self.blink_at = Some(at + BLINK);
        }
    }

    pub(super) fn next_tick(&self) -> Option<Micros> {
        self.blink_at
    }

    /// What is written in it.
    pub(super) fn text(&self) -> String {
        self.lines.iter().map(|l| l.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
    }
}

fn is_heading(line: &[char]) -> bool {
    line.len() > 4
        && line[line.len() - 4..].iter().all(char::is_ascii_digit)
        && line.starts_with(&['T', 'h', 'e'])
}
