//! Reaching an X display, and saying plainly why it cannot be reached.

use x11rb::errors::ConnectError;
use x11rb::reexports::x11rb_protocol::parse_display::parse_display;
use x11rb::rust_connection::RustConnection;

/// Why an X display cannot be used, with the next thing to try.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// Neither an argument nor `$DISPLAY` names a display.
    #[error(
        "no display is named and $DISPLAY is not set; name one with --display :0, \
         or start a new one with --virtual 1280x800 -- COMMAND"
    )]
    Unset,
    /// A Wayland session without Xwayland.
    #[error(
        "this is a Wayland session ({wayland}) without X: $DISPLAY is not set and a Wayland screen cannot be \
         captured; log in to an X11 session, name an X display with --display, \
         or start one with --virtual 1280x800 -- COMMAND"
    )]
    Wayland {
        /// The value of `$WAYLAND_DISPLAY`.
        wayland: String,
    },
    /// The name is not a display name.
    #[error("`{display}` is not the name of an X display; these look like :0 or host:0")]
    BadName {
        /// What was given.
        display: String,
    },
    /// Nothing answers there.
    #[error("no X server answers at display {display} ({source}); {hint}")]
    NoAnswer {
        /// The display that was tried.
        display: String,
        /// What connecting to its socket said.
        source: std::io::Error,
        /// The displays that exist.
        hint: String,
    },
    /// The server is there and does not let us in.
    #[error(
        "display {display} refused the connection: {reason}; run this as the user who owns the session, \
         or set XAUTHORITY to the path of that user's authority file"
    )]
    Refused {
        /// The display that was tried.
        display: String,
        /// The server's own words.
        reason: String,
    },
    /// The server is there and something else is wrong.
    #[error("display {display} cannot be used: {reason}")]
    Failed {
        /// The display that was tried.
        display: String,
        /// What went wrong.
        reason: String,
    },
}

/// Connects to `display`, or to `$DISPLAY` without one. Returns the connection
/// and the number of its screen.
pub fn connect(display: Option<&str>) -> Result<(RustConnection, usize), DisplayError> {
    let var = |name| std::env::var(name).ok().filter(|v| !v.is_empty());
    let display = choose(display, var("DISPLAY"), var("WAYLAND_DISPLAY"))?;
    // x11rb 0.13 adds 6000 to the number for the TCP port without looking.
    if parse_display(Some(&display)).is_ok_and(|parsed| parsed.display > u16::MAX - 6000) {
        return Err(DisplayError::BadName { display });
    }
    RustConnection::connect(Some(&display)).map_err(|error| explain(display, error))
}

fn choose(
    named: Option<&str>,
    display: Option<String>,
    wayland: Option<String>,
) -> Result<String, DisplayError> {
    match (named.map(str::to_owned).or(display), wayland) {
        (Some(display), _) => Ok(display),
        (None, Some(wayland)) => Err(DisplayError::Wayland { wayland }),
        (None, None) => Err(DisplayError::Unset),
    }
}

fn explain(display: String, error: ConnectError) -> DisplayError {
    match error {
        ConnectError::DisplayParsingError(_) => DisplayError::BadName { display },
        ConnectError::IoError(source) => DisplayError::NoAnswer { display, source, hint: running_displays() },
        ConnectError::SetupAuthenticate(e) => DisplayError::Refused { display, reason: words(&e.reason) },
        ConnectError::SetupFailed(e) => {
            let reason = words(&e.reason);
            // "Authorization required, but no authorization protocol specified" and
            // "Invalid MIT-MAGIC-COOKIE-1 key"; "Maximum number of clients reached" is not about us.
            if reason.contains("uthoriz") || reason.contains("COOKIE") || reason.contains("No protocol") {
                DisplayError::Refused { display, reason }
            } else {
                DisplayError::Failed { display, reason }
            }
        }
        other => DisplayError::Failed { display, reason: other.to_string() },
    }
}

fn words(reason: &[u8]) -> String {
    String::from_utf8_lossy(reason).trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()
}

/// Which displays this machine has, as the end of a sentence.
fn running_displays() -> String {
    let mut numbers: Vec<u32> = std::fs::read_dir("/tmp/.X11-unix")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix('X')?.parse().ok())
        .collect();
    numbers.sort_unstable();
    if numbers.is_empty() {
        return "this machine has no display; start one with --virtual 1280x800 -- COMMAND".to_owned();
    }
    let names: Vec<String> = numbers.iter().map(|n| format!(":{n}")).collect();
    format!("displays on this machine: {}", names.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_display_wins() {
        assert_eq!(choose(Some(":3"), Some(":0".into()), Some("w".into())).unwrap(), ":3");
        assert_eq!(choose(None, Some(":0".into()), Some("w".into())).unwrap(), ":0");
    }

    #[test]
    fn wayland_without_x_is_named() {
        let error = choose(None, None, Some("wayland-0".into())).unwrap_err().to_string();
        assert!(error.contains("Wayland session (wayland-0) without X"), "{error}");
        assert!(matches!(choose(None, None, None), Err(DisplayError::Unset)));
    }

    #[test]
    fn nobody_there() {
        let Err(error) = connect(Some(":59123")) else { panic!("a display :59123 exists") };
        assert!(error.to_string().starts_with("no X server answers at display :59123 ("), "{error}");
        for nonsense in ["nonsense", ":60000", ":99999"] {
            let Err(error) = connect(Some(nonsense)) else { panic!("connected to {nonsense}") };
            assert!(matches!(error, DisplayError::BadName { .. }), "{error}");
        }
    }
}
