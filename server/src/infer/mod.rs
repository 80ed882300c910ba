//! Meaning found in pixels: moves, solid areas, repeated rectangles, text. Whatever
//! is found here is verified pixel by pixel before it is used.

mod anchors;
mod motion;
mod repeat;
mod solid;
pub mod text;

pub use motion::{Motion, Moved};
pub use repeat::Repeats;
pub use solid::solid_areas;
