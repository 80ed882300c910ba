//! Points, sizes, rectangles and regions, in whole pixels.
//!
//! There is one rectangle type and it is half-open; peers that want inclusive
//! corners or 16-bit sides are converted at their own edge.

mod rect;
mod region;

pub use rect::{Point, Rect, Size};
pub use region::Region;
