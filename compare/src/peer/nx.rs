//! NX: an X server that sends its programs' drawing on, and the proxy that repeats it.

use super::way::{FarScreen, Place, Program, Way, with_path};

pub(super) struct Nx;

impl Way for Nx {
    fn far_screen(&self, place: &Place) -> FarScreen {
        // 16m-png-9 loses nothing at 24 bits; `adaptive`, the default, does.
        let pack = if place.mode == "nopack" { "nopack" } else { "16m-png-9" };
        let geometry = place.geometry();
        let mut options = with_path("nx/nx,root=", &place.far_home);
        options.push(format!(
            ",link=adsl,pack={pack},listen={port},loopback=1,session=far,type=desktop,\
             geometry={geometry}+0+0,resize=0,fullscreen=1:{free}",
            port = place.port,
            free = place.free
        ));
        let agent = Program::new("nxagent")
            // A click at the top right corner would shrink the window to an icon.
            // It lets nobody in by `localuser`, and the person's eye has no cookie: so open to
            // this machine, as its port is.
            .args(["-ac", "-D", "-nomagicpixel", "-nolisten", "tcp", "-noreset", "-name", "far"])
            .args(["-geometry", &format!("{geometry}+0+0")])
            .arg(format!(":{}", place.free))
            .env("NX_ROOT", &place.far_home)
            .env("DISPLAY", options);
        FarScreen::Agent(agent)
    }

    fn viewer(&self, place: &Place) -> Option<Program> {
        let mut options = with_path("nx/nx,root=", &place.near_home);
        options.push(format!(",connect=127.0.0.1,port={},retry=1:{}", place.relay, place.free));
        let proxy = Program::new("nxproxy").arg("-S").arg(options);
        Some(proxy.env("NX_ROOT", &place.near_home).on(&place.near))
    }
}
