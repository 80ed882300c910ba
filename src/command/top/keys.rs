//! What keys do.

use panto_protocol::message::Mode;
use panto_server::control::{Change, Request, Response};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::screen::Screen;

const HELP: &str = "q quit   up/down select   p pixels   c commands   h hybrid   a auto   k kick";

/// What a key asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    Quit,
    Ask(Request),
}

impl Screen {
    /// Does what a key says here, or returns what others have to do.
    pub(super) fn key(&mut self, key: KeyEvent) -> Option<Action> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Some(Action::Quit);
        }
        if let Some(viewer) = self.question.take() {
            self.message.clear();
            return (key.code == KeyCode::Char('y')).then_some(Action::Ask(Request::Kick { viewer }));
        }
        let mode = match key.code {
            KeyCode::Char('q') => return Some(Action::Quit),
            KeyCode::Up | KeyCode::Down => {
                let step = if key.code == KeyCode::Up { -1 } else { 1 };
                let next = self.position().and_then(|at| at.checked_add_signed(step));
                let next = next.and_then(|at| self.refresh.each_viewer.get(at));
                self.selected = next.map(|viewer| viewer.info.id).or(self.selected);
                return None;
            }
            KeyCode::Char('k') => {
                self.question = self.selected;
                return None;
            }
            KeyCode::Char('p') => Mode::Pixels,
            KeyCode::Char('c') => Mode::Commands,
            KeyCode::Char('h') => Mode::Hybrid,
            KeyCode::Char('a') => Mode::Auto,
            _ => return None,
        };
        let viewer = Some(self.selected?);
        let change = Change { mode: Some(mode.name().to_owned()), ..Change::default() };
        Some(Action::Ask(Request::Set { viewer, change }))
    }

    /// Takes in what the server said to an order.
    pub(super) fn answered(&mut self, request: &Request, response: Response) {
        self.message = match (request, response) {
            (_, Response::Error(reason)) => reason,
            (Request::Kick { viewer }, _) => format!("viewer {viewer} was kicked"),
            (Request::Set { viewer: Some(viewer), change: Change { mode: Some(mode), .. } }, _) => {
                format!("viewer {viewer} gets {mode} from now on")
            }
            _ => String::new(),
        };
    }

    /// The line at the foot: a question, or what became of an order and the keys.
    pub(super) fn footer(&self) -> String {
        match self.question {
            Some(viewer) => format!("end the connection of viewer {viewer}? y/n"),
            None if self.message.is_empty() => HELP.to_owned(),
            None => format!("{}   ({HELP})", self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::example::refresh;
    use super::super::rates::Refresh;
    use super::*;

    fn press(screen: &mut Screen, code: KeyCode) -> Option<Action> {
        screen.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn keys_steer_the_selected_viewer() {
        let mut screen = Screen::default();
        assert_eq!(press(&mut screen, KeyCode::Char('p')), None, "there is nobody to steer");
        screen.show(refresh());
        let mode = |viewer, mode: &str| {
            let change = Change { mode: Some(mode.into()), ..Change::default() };
            Some(Action::Ask(Request::Set { viewer: Some(viewer), change }))
        };
        assert_eq!(press(&mut screen, KeyCode::Char('p')), mode(2, "pixels"));
        for _ in 0..3 {
            assert_eq!(press(&mut screen, KeyCode::Down), None);
        }
        assert_eq!(press(&mut screen, KeyCode::Char('c')), mode(3, "commands"));
        assert_eq!(press(&mut screen, KeyCode::Char('h')), mode(3, "hybrid"));
        press(&mut screen, KeyCode::Up);
        assert_eq!(press(&mut screen, KeyCode::Char('a')), mode(2, "auto"));
        assert_eq!(press(&mut screen, KeyCode::Char('q')), Some(Action::Quit));
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(screen.key(interrupt), Some(Action::Quit));
    }

    #[test]
    fn kicking_asks_first() {
        let mut screen = Screen::default();
        screen.show(refresh());
        assert_eq!(press(&mut screen, KeyCode::Char('k')), None);
        assert_eq!(screen.footer(), "end the connection of viewer 2? y/n");
        assert_eq!(press(&mut screen, KeyCode::Char('n')), None);
        assert_eq!(press(&mut screen, KeyCode::Char('y')), None, "the question was answered");
        press(&mut screen, KeyCode::Char('k'));
        let kick = Request::Kick { viewer: 2 };
        assert_eq!(press(&mut screen, KeyCode::Char('y')), Some(Action::Ask(kick.clone())));
        screen.answered(&kick, Response::Reached(1));
        assert!(screen.footer().starts_with("viewer 2 was kicked   (q quit"));
        // A viewer that goes takes the question with it.
        press(&mut screen, KeyCode::Char('k'));
        screen.show(Refresh::default());
        assert_eq!((screen.question, screen.selected), (None, None));
    }
}
