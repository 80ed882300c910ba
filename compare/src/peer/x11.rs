//! Plain X: the near display is the X server, and the programs' requests cross the link.

use super::way::{FarScreen, Place, Program, Way};

pub(super) struct X11;

impl Way for X11 {
    fn far_screen(&self, _: &Place) -> FarScreen {
        FarScreen::Near
    }

    fn viewer(&self, _: &Place) -> Option<Program> {
        None
    }
}
