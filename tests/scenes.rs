//! Exactness: scenes, each in every mode and at every depth, and afterwards every
//! viewer's picture is the server's as its settings reduce it, pixel for pixel,
//! and by the digest that the server sent.
//!
//! Four viewers look at once, one in each mode, and change modes while the picture
//! moves. What they should see is computed here from what the source shows; where
//! that is an X display, from the X server's own answer and not from our capture.
//!
//! Needs the Debian packages xvfb, openbox, xterm and gtk-3-examples.

mod desk;
mod drawn;
mod real;
mod stage;

pub use drawn::{Dice, open_window, scribble};
pub use stage::{Stage, every_mode, expected};
