//! A moving chart.

use panto_protocol::geometry::{Point, Rect, Size};
use panto_protocol::pixel::{Color, rgb};
use panto_protocol::time::Micros;

use super::font::Face;
use super::pen::Pen;

const EVERY: Micros = Micros(100_000);
const STEP: i32 = 4;
const HEADER: i32 = 30;
const PAPER: Color = rgb(28, 31, 42);
const GRID: Color = rgb(50, 54, 70);
const SERIES: [(Color, &str); 2] = [(rgb(98, 196, 255), "frames"), (rgb(255, 170, 90), "bytes")];

/// How long it moves after it was started.
const RUNS_FOR: Micros = Micros(20_000_000);

pub(super) struct Chart {
    size: Size,
    phase: u32,
    state: u32,
    values: [i32; 2],
    next: Option<Micros>,
    until: Micros,
}

impl Chart {
    pub(super) fn new(size: Size) -> Self {
        Self { size, phase: 0, state: 77, values: [60, 30], next: None, until: Micros::ZERO }
    }

    fn plot(&self) -> Rect {
        Rect::from_corners(10, HEADER, self.size.width as i32 - 10, self.size.height as i32 - 10)
    }

    pub(super) fn draw(&mut self, pen: &mut Pen<'_>) {
        pen.fill(Rect::of_size(self.size), PAPER);
        let mut x = 12;
        for (color, name) in SERIES {
            pen.fill(Rect::new(x, 13, 12, 4), color);
            x += 18 + pen.text(Face::Sans, Point::new(x + 18, 6), rgb(190, 194, 208), name) + 22;
        }
        let hint = "click to start and stop";
        let at = self.size.width as i32 - 12 - pen.fonts.width(Face::Sans, hint);
        pen.text(Face::Sans, Point::new(at, 6), rgb(120, 126, 146), hint);
        let plot = self.plot();
        pen.fills(self.grid(plot), GRID);
        pen.frame(plot, GRID);
        // Something to see before it moves.
        let (phase, state, values) = (self.phase, self.state, self.values);
        (self.phase, self.state, self.values) = (0, 77, [60, 30]);
        for _ in 0..(plot.width() as i32 / STEP).min(phase.max(60) as i32) {
            self.advance(pen);
        }
        if phase > 0 {
            (self.phase, self.state, self.values) = (phase, state, values);
        }
    }

    /// Horizontal grid lines, and vertical ones that scroll with the curves.
    fn grid(&self, area: Rect) -> Vec<Rect> {
        let plot = self.plot();
        (1..4)
            .map(|i| {
                let y = plot.top + plot.height() as i32 * i / 4;
                Rect::from_corners(area.left, y, area.right, y + 1)
            })
            .collect()
    }

    fn advance(&mut self, pen: &mut Pen<'_>) {
        let inner = self.plot();
        let inner = Rect::from_corners(inner.left + 1, inner.top + 1, inner.right - 1, inner.bottom - 1);
        pen.shift(Rect { left: inner.left + STEP, ..inner }, inner.origin());
        let fresh = Rect { left: inner.right - STEP, ..inner };
        pen.fill(fresh, PAPER);
        pen.fills(self.grid(fresh), GRID);
        self.phase += 1;
        if self.phase.is_multiple_of(12) {
            pen.fill(Rect { left: fresh.right - 1, ..fresh }, GRID);
        }
        for (i, (color, _)) in SERIES.into_iter().enumerate() {
            self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let step = (self.state >> 16) as i32 % 23 - 11;
            let before = self.values[i];
            // Pulled back to the middle, so that it stays on the plot.
            self.values[i] = (before + step + (50 - before) / 12).clamp(3, 97);
            let y = |v: i32| inner.bottom - 1 - (inner.height() as i32 - 1) * v / 100;
            pen.lines(
                vec![Point::new(fresh.left - 1, y(before)), Point::new(fresh.right - 1, y(self.values[i]))],
                color,
            );
        }
    }

    pub(super) fn start(&mut self, now: Micros) {
        self.next = Some(now + EVERY);
        self.until = now + RUNS_FOR;
    }

    pub(super) fn click(&mut self, now: Micros) {
        match self.next {
            Some(_) => self.next = None,
            None => self.start(now),
        }
    }

    pub(super) fn tick(&mut self, pen: &mut Pen<'_>, now: Micros) {
        while let Some(at) = self.next.filter(|at| *at <= now) {
            self.advance(pen);
            self.next = (at < self.until).then_some(at + EVERY);
        }
    }

    pub(super) fn next_tick(&self) -> Option<Micros> {
        self.next
    }
}
