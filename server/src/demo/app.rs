//! What runs in a window.

use panto_protocol::geometry::{Point, Size};
use panto_protocol::message::InputEvent;
use panto_protocol::time::Micros;

use super::chart::Chart;
use super::editor::Editor;
use super::pen::Pen;
use super::pictures::Pictures;
use super::terminal::Terminal;

/// A key press as programs want it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Text(String),
    Enter,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    Escape,
}

impl Key {
    /// The key of an event; `None` for modifiers and for keys that mean nothing here.
    pub(super) fn of(event: &InputEvent) -> Option<Self> {
        match event {
            InputEvent::Text { text } => Some(Self::Text(text.clone())),
            InputEvent::Key { keysym, text, down: true, .. } => Some(match keysym {
                0xff0d | 0xff8d => Self::Enter,
                0xff08 => Self::Backspace,
                0xffff => Self::Delete,
                0xff51 => Self::Left,
                0xff53 => Self::Right,
                0xff52 => Self::Up,
                0xff54 => Self::Down,
                0xff50 => Self::Home,
                0xff57 => Self::End,
                0xff1b => Self::Escape,
                _ if !text.is_empty() => Self::Text(text.clone()),
                // A viewer that sends no text still sends what the key means.
                0x20..=0x7e | 0xa0..=0xff => Self::Text(char::from(*keysym as u8).to_string()),
                _ => return None,
            }),
            _ => None,
        }
    }
}

/// One program.
pub(super) enum App {
    Terminal(Terminal),
    Editor(Editor),
    Pictures(Pictures),
    Chart(Chart),
}

impl App {
    pub(super) fn title(&self) -> &'static str {
        match self {
            Self::Terminal(_) => "Terminal",
            Self::Editor(_) => "notes.txt – Editor",
            Self::Pictures(_) => "Pictures",
            Self::Chart(_) => "Activity",
        }
    }

    pub(super) fn draw(&mut self, pen: &mut Pen<'_>) {
        match self {
            Self::Terminal(a) => a.draw(pen),
            Self::Editor(a) => a.draw(pen),
            Self::Pictures(a) => a.draw(pen),
            Self::Chart(a) => a.draw(pen),
        }
    }

    pub(super) fn key(&mut self, key: &Key, pen: &mut Pen<'_>, now: Micros) {
        match self {
            Self::Terminal(a) => a.key(key, pen, now),
            Self::Editor(a) => a.key(key, pen, now),
            Self::Pictures(_) | Self::Chart(_) => {}
        }
    }

    pub(super) fn click(&mut self, at: Point, pen: &mut Pen<'_>, now: Micros) {
        match self {
            Self::Terminal(_) => {}
            Self::Editor(a) => a.click(at, pen, now),
            Self::Pictures(a) => a.click(pen),
            Self::Chart(a) => a.click(now),
        }
    }

    pub(super) fn focus(&mut self, focused: bool, pen: &mut Pen<'_>, now: Micros) {
        if let Self::Editor(a) = self {
            a.focus(focused, pen, now);
        }
    }

    pub(super) fn tick(&mut self, pen: &mut Pen<'_>, now: Micros) {
        match self {
            Self::Terminal(a) => a.tick(pen, now),
            Self::Editor(a) => a.tick(pen, now),
            Self::Pictures(_) => {}
            Self::Chart(a) => a.tick(pen, now),
        }
    }

    pub(super) fn next_tick(&self) -> Option<Micros> {
        match self {
            Self::Terminal(a) => a.next_tick(),
            Self::Editor(a) => a.next_tick(),
            Self::Pictures(_) => None,
            Self::Chart(a) => a.next_tick(),
        }
    }
}

/// Sizes of the programs' insides on a large screen.
pub(super) const TERMINAL: Size = Size::new(660, 420);
pub(super) const EDITOR: Size = Size::new(500, 330);
pub(super) const CHART: Size = Size::new(460, 210);
