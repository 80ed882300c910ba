//! How the window looks and behaves.

use super::layout::Scaling;
use super::present::Renderer;

/// How the window looks and behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowOptions {
    /// Title; the server's name comes before it when it is known.
    pub title: String,
    /// Whether to begin in full screen.
    pub fullscreen: bool,
    /// Whether to begin without sending any input.
    pub view_only: bool,
    /// Which library shows the pixels.
    pub renderer: Renderer,
    /// How the remote screen fills the window.
    pub scaling: Scaling,
    /// Whether to begin with the statistics shown.
    pub statistics: bool,
    /// Whether the window has a title bar and borders.
    pub decorations: bool,
    /// Whether the server's screen follows the window's size, where the server can.
    pub remote_resize: bool,
    /// Whether to show the hint on connecting and to confirm shortcuts. Without, and
    /// as long as the connection is well, only the remote screen's pixels are shown.
    pub hints: bool,
    /// Whether what is copied here is told to the server, and the other way round, while the window
    /// has the focus and may type.
    pub clipboard: bool,
    /// Whether the window stays, with the reason, after the connection ended for
    /// good. It never does before the first picture, nor when the reason is empty.
    pub linger: bool,
}

impl Default for WindowOptions {
    fn default() -> Self {
        Self {
            title: "Panto".to_owned(),
            fullscreen: false,
            view_only: false,
            renderer: Renderer::Auto,
            scaling: Scaling::Fit,
            statistics: false,
            decorations: true,
            remote_resize: false,
            hints: true,
            clipboard: false,
            linger: true,
        }
    }
}
