//! The Panto viewer: a core without a window, and a window.
