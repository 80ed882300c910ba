//! The Panto viewer: a core without a window, and a window behind the feature `window`.

pub mod core;
pub mod stats;
#[cfg(feature = "window")]
pub mod ui;
