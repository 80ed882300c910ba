//! xpra: a server that shadows a display, and its client.

use super::way::{FarScreen, Place, Program, Way};

/// xpra runs `env python3`, which must be Debian's own.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Everything that is not the picture, off on both sides.
const QUIET: [&str; 10] = [
    // Shared memory would lead the pixels past the relay.
    "--mmap=no",
    "--speaker=off",
    "--microphone=off",
    "--webcam=no",
    "--notifications=no",
    "--clipboard=no",
    "--printing=no",
    "--file-transfer=off",
    "--mdns=no",
    "--tray=no",
];

pub(super) struct Xpra;

impl Way for Xpra {
    fn far_screen(&self, _: &Place) -> FarScreen {
        FarScreen::Xvfb
    }

    fn server(&self, place: &Place) -> Option<Program> {
        let server = Program::new("xpra")
            .args(["shadow", &place.far, "--daemon=no", "--bind=none", "--html=off", "--pulseaudio=no"])
            .arg(format!("--bind-tcp=127.0.0.1:{}", place.port))
            .args(["--dbus-launch=no", "--dbus-proxy=no", "--dbus-control=no", "--systemd-run=no"])
            .args(["--start-new-commands=no", "--cursors=no", "--bell=no"])
            .args(QUIET)
            .arg(format!("--encoding={}", place.mode))
            .env("PATH", PATH);
        Some(server)
    }

    fn viewer(&self, place: &Place) -> Option<Program> {
        let viewer = Program::new("xpra")
            .arg("attach")
            .arg(format!("tcp://127.0.0.1:{}/", place.relay))
            .args(QUIET)
            .args(["--opengl=no", "--border=none", "--desktop-scaling=off", "--cursors=no", "--bell=no"])
            .args(["--system-tray=no", "--compress=0", "--quality=100", "--min-quality=100"])
            .arg(format!("--encoding={}", place.mode))
            .env("PATH", PATH)
            .on(&place.near);
        Some(viewer)
    }
}
