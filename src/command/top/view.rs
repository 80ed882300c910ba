//! Draws the screen: the table, and a sparkline for each viewer.

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, RenderDirection, Row, Sparkline, Table};

use super::screen::Screen;
use super::table::{COLUMNS, Column, GAP, columns_for, padded, summary};

impl Screen {
    /// Draws all of it; in a small terminal, what there is room for.
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>) {
        let failure = self.refresh.status.failure.as_ref().map(|failure| format!("no picture: {failure}"));
        let heights = [
            Constraint::Length(1),
            Constraint::Length(u16::from(failure.is_some())),
            Constraint::Length(1),
            // The table's head and lines; half of the rest if there are more.
            Constraint::Max(
                u16::try_from(self.refresh.each_viewer.len()).unwrap_or(u16::MAX).saturating_add(1),
            ),
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(1),
        ];
        let [head, problem, _, table, _, rates, foot] = Layout::vertical(heights).areas(frame.area());
        frame.render_widget(Line::styled(summary(&self.refresh), Modifier::BOLD), head);
        if let Some(failure) = failure {
            frame.render_widget(Line::raw(failure), problem);
        }
        self.draw_table(frame, table);
        if self.refresh.each_viewer.is_empty() {
            frame.render_widget(Paragraph::new("no viewer is connected"), rates);
        }
        self.draw_rates(frame, rates);
        frame.render_widget(Line::styled(self.footer(), Modifier::DIM), foot);
    }

    fn draw_table(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let columns = columns_for(area.width.into());
        let row = |cell: &dyn Fn(&Column) -> String| {
            Row::new(columns.iter().map(|column| padded(column, &cell(column))).collect::<Vec<_>>())
        };
        let rows: Vec<Row<'_>> =
            self.refresh.each_viewer.iter().map(|viewer| row(&|column| (column.cell)(viewer))).collect();
        let widths = columns.iter().map(|column| Constraint::Length(column.width as u16));
        let table = Table::new(rows, widths)
            .header(row(&|column| column.name.to_owned()).style(Modifier::UNDERLINED))
            .column_spacing(GAP as u16)
            .row_highlight_style(Modifier::REVERSED);
        self.table.select(self.position());
        frame.render_stateful_widget(table, area, &mut self.table);
    }

    /// A line for each viewer: its rates so far, the newest at the right.
    fn draw_rates(&self, frame: &mut Frame<'_>, area: Rect) {
        // As many as there is room for, the selected one among them.
        let skipped = self.position().unwrap_or(0).saturating_sub(usize::from(area.height).saturating_sub(1));
        for (viewer, y) in self.refresh.each_viewer.iter().skip(skipped).zip(area.top()..area.bottom()) {
            let line = Rect { y, height: 1, ..area };
            let widths = [Constraint::Length(24), Constraint::Fill(1), Constraint::Length(22)];
            let [name, graph, peak] = Layout::horizontal(widths).areas(line);
            let empty = VecDeque::new();
            let history = self.history.get(&viewer.info.id).unwrap_or(&empty);
            let shown = history.iter().take(graph.width.into());
            let largest = shown.clone().max().copied().unwrap_or(0);
            let label = [&COLUMNS[0], &COLUMNS[1]].map(|column| padded(column, &(column.cell)(viewer)));
            frame.render_widget(Line::raw(label.join(" ")), name);
            let sparkline = Sparkline::default()
                .data(shown)
                .direction(RenderDirection::RightToLeft)
                .style(Style::default())
                .max(largest.max(1));
            frame.render_widget(sparkline, graph);
            let scale = format!(" max {:.1} kbit/s", largest as f64 / 1e3);
            frame.render_widget(Line::raw(scale), peak);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::refresh;
    use super::super::rates::Refresh;
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn drawn(screen: &mut Screen, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(|y| row(y).trim_end().to_owned()).collect()
    }

    #[test]
    fn the_screen_shows_viewers_and_their_rates() {
        let mut screen = Screen::default();
        screen.show(refresh());
        screen.show(refresh());
        let lines = drawn(&mut screen, 200, 14);
        assert!(lines[0].starts_with("here (panto 1.2.3)   up 1 min 42 s"), "{lines:#?}");
        assert!(lines[2].contains("kbit/s down"), "{lines:#?}");
        assert!(lines[3].contains("PutPixels 67% Fill 33%"), "{lines:#?}");
        assert!(
            lines[6].starts_with("   2 viewer 2") && lines[6].contains("██ max 32.0 kbit/s"),
            "{lines:#?}"
        );
        assert!(lines[13].starts_with("q quit"), "{lines:#?}");
        screen.show(Refresh::default());
        assert!(drawn(&mut screen, 200, 14).contains(&"no viewer is connected".to_owned()));
        // A terminal of any size is drawn without a panic.
        for (width, height) in [(1, 1), (5, 3), (30, 4)] {
            screen.show(refresh());
            assert_eq!(drawn(&mut screen, width, height).len(), usize::from(height));
        }
    }
}
