//! What is on the terminal, between two drawings.

use std::collections::{BTreeMap, VecDeque};

use ratatui::widgets::TableState;

use super::rates::Refresh;

/// Rates kept for the sparkline, more than terminals are wide.
const HISTORY: usize = 512;

/// What is on the terminal.
#[derive(Default)]
pub(super) struct Screen {
    pub(super) refresh: Refresh,
    /// Number of the selected viewer, which is among those of `refresh` if there are any.
    pub(super) selected: Option<u64>,
    /// The viewer to kick if the answer is yes.
    pub(super) question: Option<u64>,
    /// What became of the last order.
    pub(super) message: String,
    /// `down_bps` of each viewer, the newest first.
    pub(super) history: BTreeMap<u64, VecDeque<u64>>,
    pub(super) table: TableState,
}

impl Screen {
    /// Takes new figures in.
    pub(super) fn show(&mut self, refresh: Refresh) {
        let is_here = |id: &u64| refresh.each_viewer.iter().any(|viewer| viewer.info.id == *id);
        self.history.retain(|id, _| is_here(id));
        for viewer in &refresh.each_viewer {
            let Some(rates) = &viewer.rates else { continue };
            let history = self.history.entry(viewer.info.id).or_default();
            history.push_front(rates.down_bps as u64);
            history.truncate(HISTORY);
        }
        self.question = self.question.filter(is_here);
        self.selected = self
            .selected
            .filter(is_here)
            .or_else(|| refresh.each_viewer.first().map(|viewer| viewer.info.id));
        self.refresh = refresh;
    }

    /// Place of the selected viewer among those of `refresh`.
    pub(super) fn position(&self) -> Option<usize> {
        self.refresh.each_viewer.iter().position(|viewer| Some(viewer.info.id) == self.selected)
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::refresh;
    use super::*;

    #[test]
    fn what_belongs_to_a_viewer_goes_with_it() {
        let mut screen = Screen::default();
        screen.show(refresh());
        screen.show(refresh());
        assert_eq!(screen.history, BTreeMap::from([(2, VecDeque::from([32_000, 32_000]))]));
        screen.selected = Some(3);
        screen.question = Some(3);
        let mut without = refresh();
        without.each_viewer.retain(|viewer| viewer.info.id == 2);
        screen.show(without);
        assert_eq!((screen.selected, screen.question), (Some(2), None), "the first that is left");
        screen.show(Refresh::default());
        assert_eq!((screen.selected, screen.position()), (None, None));
        assert!(screen.history.is_empty());
    }

    #[test]
    fn old_rates_are_forgotten() {
        let mut screen = Screen::default();
        for _ in 0..HISTORY + 1 {
            screen.show(refresh());
        }
        assert_eq!(screen.history[&2].len(), HISTORY);
    }
}
