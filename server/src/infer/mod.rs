//! Meaning found in pixels: scrolls, solid areas, repeated rectangles. Whatever
//! is found here is verified pixel by pixel before it is used.

mod motion;
mod repeat;
mod solid;

pub use motion::{Moved, scrolls};
pub use repeat::Repeats;
pub use solid::solid_areas;
