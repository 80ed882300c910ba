//! TigerVNC: an X server that speaks RFB, and its viewer.

use super::way::{FarScreen, Place, Program, Way};

pub(super) struct TigerVnc;

impl Way for TigerVnc {
    fn far_screen(&self, place: &Place) -> FarScreen {
        let server = Program::new("Xtigervnc")
            .args(["-geometry", &place.geometry(), "-depth", "24", "-rfbport", &place.port.to_string()])
            .args(["-SecurityTypes", "None", "-localhost", "-AlwaysShared", "-nolisten", "tcp"]);
        FarScreen::Own(server)
    }

    fn viewer(&self, place: &Place) -> Option<Program> {
        let encoding = if place.mode == "zrle" { "ZRLE" } else { "Tight" };
        // What rests for a while is sent anew with quality 9: good, and still not exact.
        let jpeg = match place.mode.strip_prefix("jpeg") {
            Some(quality) => format!("-QualityLevel={quality}"),
            None => "-NoJPEG".into(),
        };
        let viewer = Program::new("xtigervncviewer")
            // Without full screen the window leaves room for panels that are not there.
            .args(["-FullScreen", "-RemoteResize=0", "-AutoSelect=0", "-FullColor", "-CompressLevel=6"])
            .args([jpeg, format!("-PreferredEncoding={encoding}")])
            // With a menu key a hint covers the picture for some seconds.
            .args(["-MenuKey=", "-ReconnectOnError=0", "-AlertOnFatalError=0"])
            .arg(format!("127.0.0.1::{}", place.relay))
            .on(&place.near);
        Some(viewer)
    }

    fn needs_click(&self) -> bool {
        true
    }
}
