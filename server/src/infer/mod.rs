//! Meaning found in pixels: moves, solid and patterned areas, repeated rectangles, text. Whatever
//! is found here is verified pixel by pixel before it is used.

mod anchors;
mod motion;
mod nature;
mod repeat;
mod solid;
mod stipple;
pub mod text;
mod uniform;

pub use motion::{Motion, Moved};
pub use nature::{Nature, colors, nature, sharp_cells};
pub use repeat::Repeats;
pub use solid::solid_areas;
pub use stipple::stippled_areas;
