//! Why there is no window, and what to do about it.

use thiserror::Error;

/// Why the window could not be shown.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WindowError {
    /// Neither X11 nor Wayland is named by the environment.
    #[error(
        "no display to open a window on: neither DISPLAY nor WAYLAND_DISPLAY is set; \
         run it inside a desktop session, or without a window: --no-window"
    )]
    NoDisplay,
    /// The display that the environment names does not answer.
    #[error(
        "cannot open the display {display}: {reason}; check that it runs and that you may use it \
         (xauth), or go without a window: --no-window"
    )]
    Display {
        /// `DISPLAY` or `WAYLAND_DISPLAY`.
        display: String,
        /// What the window system said.
        reason: String,
    },
    /// A library that is loaded when the window opens is not installed.
    #[error(
        "the window needs the library {library}, which cannot be loaded; install it \
         (Debian: apt install {package}), or go without a window: --no-window"
    )]
    MissingLibrary {
        /// File name of the library.
        library: String,
        /// Debian packages that together hold all the libraries of the window.
        package: &'static str,
    },
    /// The window system refused.
    #[error("cannot open a window: {0}; without a window: --no-window")]
    Window(String),
    /// There is a window but no way to show pixels in it.
    #[error("cannot show pixels in the window: {reasons}; without a window: --no-window")]
    Present {
        /// Every way tried, and why it failed.
        reasons: String,
    },
}

/// What winit loads at run time, as Debian packages.
const X11_PACKAGES: &str =
    "libx11-6 libx11-xcb1 libxcursor1 libxi6 libxrandr2 libxkbcommon0 libxkbcommon-x11-0";
const WAYLAND_PACKAGES: &str = "libwayland-client0 libxkbcommon0";

/// From winit's words (or its panic's) on opening the event loop.
pub(super) fn from_winit(message: &str, display: Option<&str>) -> WindowError {
    if let Some(library) = library_in(message) {
        let package = if library.contains("wayland") { WAYLAND_PACKAGES } else { X11_PACKAGES };
        return WindowError::MissingLibrary { library, package };
    }
    let Some(display) = display else {
        return WindowError::NoDisplay;
    };
    // "os error at FILE:LINE: MESSAGE"; the file is winit's own business.
    let reason = match message.strip_prefix("os error at ").and_then(|m| m.split_once(": ")) {
        Some((_, reason)) => reason,
        None => message,
    };
    WindowError::Display { display: display.to_owned(), reason: plain(reason) }
}

/// A message as it stands inside another: no capital, no full stop, one line.
pub(super) fn plain(message: &str) -> String {
    let text = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        // Not if the first word is an abbreviation.
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().collect::<String>() + &text[first.len_utf8()..]
        }
        _ => text.to_owned(),
    }
}

/// The first word that is a shared library's name.
fn library_in(message: &str) -> Option<String> {
    message
        .split(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '(' | ')' | ',' | ';'))
        .map(|w| w.trim_end_matches([':', '.']))
        .find(|w| w.starts_with("lib") && w.contains(".so"))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_library_is_missing() {
        for (message, name) in [
            ("Library libxkbcommon-x11.so could not be loaded.", "libxkbcommon-x11.so"),
            (
                "os error at a.rs:1: opening library failed (libX11.so.6: cannot open shared object file)",
                "libX11.so.6",
            ),
        ] {
            match from_winit(message, Some(":0")) {
                WindowError::MissingLibrary { library, package } => {
                    assert_eq!(library, name);
                    assert!(package.contains("libxkbcommon-x11-0"));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn says_which_display_does_not_answer() {
        let error =
            from_winit("os error at src/a.rs:765: Failed to open connection to X server", Some(":99"));
        let text = error.to_string();
        assert!(
            text.starts_with("cannot open the display :99: failed to open connection to X server;"),
            "{text}"
        );
        assert!(from_winit("whatever", None).to_string().contains("--no-window"));
    }

    #[test]
    fn plain_messages_chain() {
        assert_eq!(plain("No such\n thing."), "no such thing");
        assert_eq!(plain("GPU is gone"), "GPU is gone");
        assert_eq!(plain(""), "");
        assert_eq!(plain("X"), "X");
    }
}
