//! RFB between Panto and TigerVNC: either one's server with the other's viewer.

use super::tigervnc::TigerVnc;
use super::way::{FarScreen, Place, Program, Way};

/// Panto's server and TigerVNC's viewer.
pub(super) struct PantoRfb;

impl Way for PantoRfb {
    fn far_screen(&self, _: &Place) -> FarScreen {
        FarScreen::Xvfb
    }

    fn server(&self, place: &Place) -> Option<Program> {
        let socket = place.far_home.join("panto.sock");
        let server = Program::new(&place.panto)
            .arg("serve")
            // Panto's own viewers are not expected, but `serve` listens for them.
            .arg(super::way::with_path("unix:", &socket))
            .arg(format!("--rfb=127.0.0.1:{}", place.port))
            .args(["--auth", "none", "--display", &place.far]);
        Some(server)
    }

    fn viewer(&self, place: &Place) -> Option<Program> {
        TigerVnc.viewer(place)
    }

    fn needs_click(&self) -> bool {
        TigerVnc.needs_click()
    }
}

/// TigerVNC's server and the window of Panto's viewer.
pub(super) struct PantoVnc;

impl Way for PantoVnc {
    fn far_screen(&self, place: &Place) -> FarScreen {
        TigerVnc.far_screen(place)
    }

    fn viewer(&self, place: &Place) -> Option<Program> {
        let viewer = Program::new(&place.panto)
            .arg("view")
            .arg(format!("vnc://127.0.0.1:{}", place.relay))
            .args(["--encoding", place.mode, "--no-hints", "--renderer", "cpu", "--no-reconnect"])
            .on(&place.near);
        Some(viewer)
    }

    fn needs_focus(&self) -> bool {
        true
    }
}
