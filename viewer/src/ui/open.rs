//! Opening the event loop without ending the process when something is missing.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;

use winit::event_loop::EventLoop;

use super::error::{WindowError, from_winit};

/// The event loop, or why there is none.
pub(super) fn event_loop() -> Result<EventLoop<()>, WindowError> {
    // winit's own order: Wayland first, empty variables count as unset.
    let display =
        ["WAYLAND_DISPLAY", "DISPLAY"].iter().find_map(|v| std::env::var(v).ok().filter(|d| !d.is_empty()));
    let has_socket = std::env::var_os("WAYLAND_SOCKET").is_some_and(|s| !s.is_empty());
    if cfg!(target_os = "linux") && display.is_none() && !has_socket {
        return Err(WindowError::NoDisplay);
    }
    let built = quietly(|| EventLoop::with_user_event().build());
    let built = match built {
        Ok(built) => built.map_err(|e| e.to_string()),
        Err(message) => Err(message),
    };
    built.map_err(|message| from_winit(&message, display.as_deref().or(Some("of the desktop"))))
}

/// Runs `f`; a panic in it becomes its message and prints nothing.
///
/// winit panics when libxkbcommon-x11 is missing or the X server lacks an extension.
fn quietly<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    let before = Arc::new(panic::take_hook());
    let me = thread::current().id();
    let others = Arc::clone(&before);
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() != me {
            others(info);
        }
    }));
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    drop(panic::take_hook());
    match Arc::try_unwrap(before) {
        Ok(hook) => panic::set_hook(hook),
        // Another thread is panicking this very moment.
        Err(shared) => panic::set_hook(Box::new(move |info| shared(info))),
    }
    result.map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("an unknown error").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(quietly(|| 7), Ok(7));
        assert_eq!(quietly(|| panic!("no {}", "libx")), Err::<(), _>("no libx".to_owned()));
        assert_eq!(quietly(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
    }
}
