//! A terminal that scrolls: a few commands, and a build that prints its log.

use std::collections::VecDeque;

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Color, rgb};
use panto_protocol::time::Micros;

use super::app::Key;
use super::font::{CELL, Face};
use super::pen::Pen;

const MARGIN: i32 = 6;
const PAPER: Color = rgb(22, 24, 32);
const INK: Color = rgb(208, 212, 222);
const GREEN: Color = rgb(126, 211, 133);
const BLUE: Color = rgb(122, 170, 255);
const YELLOW: Color = rgb(240, 200, 110);
const RED: Color = rgb(240, 120, 120);
const GREY: Color = rgb(132, 138, 156);

/// Between two lines of a running command.
const LINE_EVERY: Micros = Micros(40_000);

/// Longest line that can be typed.
const MAX_INPUT: usize = 200;

/// Most lines that one command prints.
const MAX_OUTPUT: u32 = 5000;

type Line = Vec<(Color, String)>;

/// The terminal's state. What is on the surface follows from it by scrolling.
pub(super) struct Terminal {
    size: Size,
    lines: VecDeque<Line>,
    input: String,
    /// Lines that a running command has yet to print.
    output: VecDeque<Line>,
    next: Option<Micros>,
}

impl Terminal {
    pub(super) fn new(size: Size) -> Self {
        let mut lines = VecDeque::new();
        lines.push_back(vec![(GREY, "Panto demo shell. Type help, or build.".to_owned())]);
        Self { size, lines, input: String::new(), output: VecDeque::new(), next: None }
    }

    fn rows(&self) -> usize {
        ((self.size.height as i32 - 2 * MARGIN) / CELL.height as i32).max(2) as usize
    }

    fn columns(&self) -> usize {
        ((self.size.width as i32 - 2 * MARGIN) / CELL.width as i32).max(10) as usize
    }

    fn row(&self, row: usize) -> Point {
        Point::new(MARGIN, MARGIN + row as i32 * CELL.height as i32)
    }

    pub(super) fn draw(&mut self, pen: &mut Pen<'_>) {
        pen.fill(Rect::of_size(self.size), PAPER);
        while self.lines.len() >= self.rows() {
            self.lines.pop_front();
        }
        for (row, line) in self.lines.iter().enumerate() {
            self.draw_line(pen, self.row(row), line);
        }
        self.draw_prompt(pen);
    }

    fn draw_line(&self, pen: &mut Pen<'_>, mut at: Point, line: &Line) {
        let mut left = self.columns();
        for (color, text) in line {
            let shown: String = text.chars().take(left).collect();
            left -= shown.chars().count();
            at.x += pen.text(Face::Mono, at, *color, &shown);
        }
    }

    /// The last row: prompt, what is typed, the cursor. While a command runs there is none.
    fn draw_prompt(&self, pen: &mut Pen<'_>) {
        let at = self.row(self.lines.len());
        pen.fill(Rect::new(0, at.y, self.size.width, CELL.height), PAPER);
        if self.next.is_some() {
            return;
        }
        let mut x = at.x + pen.text(Face::Mono, at, GREEN, "demo@panto");
        x += pen.text(Face::Mono, Point::new(x, at.y), INK, ":");
        x += pen.text(Face::Mono, Point::new(x, at.y), BLUE, "~");
        x += pen.text(Face::Mono, Point::new(x, at.y), INK, "$ ");
        let shown = self.shown();
        x += pen.text(Face::Mono, Point::new(x, at.y), INK, &shown);
        pen.fill(Rect::new(x, at.y + 1, CELL.width, CELL.height - 3), INK);
    }

    /// As much of the input's end as fits behind the prompt.
    fn shown(&self) -> String {
        let fits = self.columns().saturating_sub(16);
        let skip = self.input.chars().count().saturating_sub(fits);
        self.input.chars().skip(skip).collect()
    }

    /// Adds a line above the prompt, scrolling by one row when the screen is full.
    fn print(&mut self, pen: &mut Pen<'_>, line: Line) {
        let row = self.lines.len();
        if row + 1 < self.rows() {
            let at = self.row(row);
            pen.fill(Rect::new(0, at.y, self.size.width, CELL.height), PAPER);
            self.draw_line(pen, at, &line);
            self.lines.push_back(line);
            return;
        }
        self.lines.pop_front();
        let (first, height) = (self.row(0), CELL.height as i32);
        let all = Rect::from_corners(0, first.y + height, self.size.width as i32, self.row(row).y);
        pen.shift(all, Point::new(0, first.y));
        let at = self.row(row - 1);
        pen.fill(Rect::new(0, at.y, self.size.width, CELL.height), PAPER);
        self.draw_line(pen, at, &line);
        self.lines.push_back(line);
    }

    pub(super) fn key(&mut self, key: &Key, pen: &mut Pen<'_>, now: Micros) {
        if self.next.is_some() {
            // Ctrl+C would be the way; any Escape will do here.
            if *key == Key::Escape {
                self.output.clear();
            }
            return;
        }
        match key {
            Key::Text(text) => {
                for c in text.chars().filter(|c| !c.is_control()) {
                    self.type_char(c, pen);
                }
            }
            Key::Backspace if self.input.pop().is_some() => self.draw_prompt(pen),
            Key::Enter => self.enter(pen, now),
            _ => {}
        }
    }

    fn type_char(&mut self, c: char, pen: &mut Pen<'_>) {
        if self.input.len() >= MAX_INPUT {
            return;
        }
        self.input.push(c);
        let column = 14 + self.shown().chars().count() as i32 - 1;
        if self.shown().chars().count() < self.input.chars().count() {
            self.draw_prompt(pen);
            return;
        }
        // The cursor becomes the letter, and moves on.
        let at = self.row(self.lines.len());
        let x = at.x + column * CELL.width as i32;
        pen.fill(Rect::new(x, at.y + 1, CELL.width, CELL.height - 3), PAPER);
        pen.text(Face::Mono, Point::new(x, at.y), INK, c.encode_utf8(&mut [0; 4]));
        pen.fill(Rect::new(x + CELL.width as i32, at.y + 1, CELL.width, CELL.height - 3), INK);
    }

    fn enter(&mut self, pen: &mut Pen<'_>, now: Micros) {
        let input = std::mem::take(&mut self.input);
        let prompt = vec![
            (GREEN, "demo@panto".into()),
            (INK, ":".into()),
            (BLUE, "~".into()),
            (INK, format!("$ {input}")),
        ];
        self.print(pen, prompt);
        let mut words = input.split_whitespace();
        let plain = |text: &str| vec![(INK, text.to_owned())];
        match words.next() {
            None => {}
            Some("help") => {
                for text in [
                    "build        a build log, 240 lines",
                    "seq N        the numbers from 1 to N",
                    "ls           files",
                    "cat FILE     one of them",
                    "echo TEXT    the text",
                    "clear        an empty screen",
                ] {
                    self.print(pen, plain(text));
                }
            }
            Some("ls") => self.print(
                pen,
                vec![
                    (BLUE, "pictures".into()),
                    (INK, "  notes.txt  ".into()),
                    (GREEN, "telegraph.sh".into()),
                ],
            ),
            Some("cat") => match words.next() {
                Some("notes.txt") => {
                    for text in super::editor::NOTES.lines().take(12) {
                        self.print(pen, plain(text));
                    }
                }
                Some(name) => self.print(pen, vec![(RED, format!("cat: {name}: no such file"))]),
                None => self.print(pen, vec![(RED, "cat: which file?".into())]),
            },
            Some("echo") => self.print(pen, plain(&words.collect::<Vec<_>>().join(" "))),
            Some("clear") => {
                self.lines.clear();
                self.draw(pen);
            }
            Some("seq") => {
                let n = words.next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(10).min(MAX_OUTPUT);
                self.output.extend((1..=n).map(|i| plain(&i.to_string())));
                self.next = Some(now + LINE_EVERY);
            }
            Some("build") => self.build(now),
            Some(other) => self.print(pen, vec![(RED, format!("{other}: command not found"))]),
        }
        self.draw_prompt(pen);
    }

    /// Starts the build log.
    pub(super) fn build(&mut self, now: Micros) {
        const CRATES: [&str; 12] = [
            "memchr",
            "bitflags",
            "smallvec",
            "quill-core",
            "telautograph",
            "pantelegraph",
            "inkwell",
            "damage",
            "shadow-canvas",
            "glyph-press",
            "relay",
            "panto",
        ];
        let mut state = 0x1865_u32;
        let mut random = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 10) % n
        };
        for i in 1..=240u32 {
            let name = CRATES[random(12) as usize];
            let line = match random(9) {
                0 => vec![
                    (YELLOW, "  warning".to_owned()),
                    (
                        INK,
                        format!(
                            ": unused variable `frame_{}` in {name}/src/lib.rs:{}",
                            random(90),
                            random(900)
                        ),
                    ),
                ],
                1 | 2 => vec![
                    (GREY, format!("{:>9}", format!("{}.{:02} s", random(9), random(100)))),
                    (INK, format!("  linked {name} ({} kB, {} symbols)", 40 + random(4000), random(9000))),
                ],
                3 => vec![
                    (GREEN, "     Fresh".to_owned()),
                    (INK, format!(" {name} v{}.{}.{}", random(3), random(20), random(9))),
                ],
                _ => vec![
                    (GREEN, " Compiling".to_owned()),
                    (INK, format!(" {name} v{}.{}.{} ", random(3), random(20), random(9))),
                    (GREY, format!("[{i}/240] unit {:08x}", random(1 << 20) * 4093)),
                ],
            };
            self.output.push_back(line);
        }
        self.output.push_back(vec![(GREEN, "  Finished".into()), (INK, " in 9.64 s".into())]);
        self.next = Some(now + LINE_EVERY);
    }

    pub(super) fn tick(&mut self, pen: &mut Pen<'_>, now: Micros) {
        while let Some(at) = self.next.filter(|at| *at <= now) {
            match self.output.pop_front() {
                Some(line) => {
                    self.print(pen, line);
                    self.next = Some(at + LINE_EVERY);
                }
                None => {
                    self.next = None;
                    self.draw_prompt(pen);
                }
            }
        }
    }

    pub(super) fn next_tick(&self) -> Option<Micros> {
        self.next
    }
}
