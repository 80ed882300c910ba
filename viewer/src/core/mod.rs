//! The viewer without a window: what any front (window, headless, tests) shares.

mod shared;

pub use shared::{Command, Connection, Handle, Notice, Shown, View};
