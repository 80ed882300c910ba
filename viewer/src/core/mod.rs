//! The viewer without a window: what any front (window, headless, tests) shares.
//!
//! ```text
//!   transport ─► ClientConnection ─► Screen (canvas) ─► Shown ─► front
//!        ▲──────────── input, settings ◄── Command ◄──────────┘
//! ```

mod client;
mod dragging;
mod error;
mod explain;
mod latency;
mod library;
mod painting;
mod roughness;
mod screen;
mod shared;
mod trust;

pub use client::{Client, ClientOptions, Prompt, VncConnector, VncOpened, VncOptions, VncServer};
pub use dragging::{Dragging, MovedWindow};
pub use error::ViewError;
pub use explain::{Explanation, Means};
pub use latency::Latencies;
pub use library::{Library, LibraryFile, LibraryStore, Loaded, ServerIdentity};
pub use painting::{PaintedFrame, Painting, Verdict};
pub use screen::{FrameError, Painted, Screen};
pub use shared::{Clipboard, Command, Connection, Handle, Notice, Shown, View};
