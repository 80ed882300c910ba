//! The viewer without a window: what any front (window, headless, tests) shares.
//!
//! ```text
//!   transport ─► ClientConnection ─► Screen (canvas) ─► Shown ─► front
//!        ▲──────────── input, settings ◄── Command ◄──────────┘
//! ```

mod client;
mod error;
mod latency;
mod screen;
mod shared;

pub use client::{Client, ClientOptions, Prompt};
pub use error::ViewError;
pub use latency::Latencies;
pub use screen::{FrameError, Painted, Screen};
pub use shared::{Command, Connection, Handle, Notice, Shown, View};
