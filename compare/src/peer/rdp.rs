//! RDP by FreeRDP: a server that shadows a display, and its client.

use super::way::{FarScreen, Place, Program, Way};

pub(super) struct Rdp;

impl Way for Rdp {
    fn far_screen(&self, _: &Place) -> FarScreen {
        FarScreen::Xvfb
    }

    fn server(&self, place: &Place) -> Option<Program> {
        let server = Program::new("freerdp-shadow-cli")
            .arg(format!("/port:{}", place.port))
            // Security of RDP's own kind, which here means none: the others have no TLS either.
            .args(["/bind-address:127.0.0.1", "/sec:rdp", "-auth"])
            .on(&place.far);
        Some(server)
    }

    fn viewer(&self, place: &Place) -> Option<Program> {
        let mut viewer = Program::new("xfreerdp")
            .arg(format!("/v:127.0.0.1:{}", place.relay))
            .args(["/u:a", "/p:", "/sec:rdp", "/cert:ignore", "/bpp:32"])
            // Not /f: full screen has a bar across the picture. This window covers the screen as well.
            .args([&format!("/size:{}", place.geometry()), "-decorations", "-grab-keyboard"])
            .on(&place.near);
        if place.mode == "uncompressed" {
            viewer = viewer.arg("-compression");
        }
        Some(viewer)
    }
}
