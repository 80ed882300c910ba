//! Lossy pixels: how macroblocks become pixels (`PROTOCOL.md` section 14).
//!
//! A macroblock of 16 × 16 pixels is predicted, from the surface as it was or from
//! neighbours that are decoded already, and corrected by quantised blocks, transformed or not. All
//! arithmetic is of integers, so the sender's search, its shadow and every viewer run
//! these very functions.
//!
//! ```text
//!   surface ─► Planes ─► prediction (inter · intra) ─► + residual (quantizer, transform) ─► deblocking ─► colour
//! ```

mod color;
mod context;
mod deblock;
mod inter;
mod intra;
mod macroblock;
mod paint;
mod planes;
mod quantizer;
mod transform;

pub use context::{POSITION_CLASSES, POSITIONS, RANKS, SCAN, SURROUNDINGS, Surroundings};
pub use inter::{FILTERS, predict_motion};
pub use intra::{INTRA_MODES, IntraMode, predict_intra};
pub use macroblock::{BLOCKS, Macroblock, Prediction, Vector, block_place, predict_vector};
pub use paint::{Reconstruction, columns_and_rows};
pub use planes::{Plane, Planes};
pub use quantizer::{PLACE_SCALES, Quantizer, chroma_step};
pub use transform::{forward, inverse};

/// Side of a macroblock in pixels.
pub const MACROBLOCK: usize = 16;

/// Largest component of a motion vector, in quarters of a pixel: 63 pixels.
pub const MAX_VECTOR: i16 = 252;
