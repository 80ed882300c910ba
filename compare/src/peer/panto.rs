//! Panto as its users run it: `panto serve` and the window of `panto view`.

use super::way::{FarScreen, Place, Program, Way};

pub(super) struct Panto;

impl Way for Panto {
    fn far_screen(&self, _: &Place) -> FarScreen {
        FarScreen::Xvfb
    }

    fn server(&self, place: &Place) -> Option<Program> {
        let server = Program::new(&place.panto)
            .arg("serve")
            .arg(format!("127.0.0.1:{}", place.port))
            // Without TLS, as all the others.
            .args(["--auth", "none", "--display", &place.far]);
        Some(server)
    }

    fn viewer(&self, place: &Place) -> Option<Program> {
        let (mode, flag) = super::mode_and_flag(place.mode);
        let flags = match flag {
            "copyrect" => &["--copy-rect"][..],
            "exact" => &["--exact"],
            _ => &[],
        };
        let viewer = Program::new(&place.panto)
            .arg("view")
            .arg(format!("127.0.0.1:{}", place.relay))
            // Not --fullscreen, which takes a window manager. By itself the window becomes as large
            // as the remote screen, and so covers this one.
            .args(["--no-tls", "--mode", mode, "--no-hints", "--renderer", "cpu", "--no-reconnect"])
            .args(flags)
            .on(&place.near);
        Some(viewer)
    }

    fn needs_focus(&self) -> bool {
        true
    }
}
