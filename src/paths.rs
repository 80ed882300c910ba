//! Where sockets live.

use std::path::PathBuf;

/// `$XDG_RUNTIME_DIR/panto`, or a directory of this user's in the temporary one.
pub fn runtime_dir() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|d| !d.is_empty()) {
        Some(dir) => PathBuf::from(dir).join("panto"),
        None => {
            let user = rustix::process::getuid().as_raw();
            std::env::temp_dir().join(format!("panto-{user}"))
        }
    }
}

/// The control socket of the first server of this user.
pub fn control_socket() -> PathBuf {
    runtime_dir().join("ctl.sock")
}
