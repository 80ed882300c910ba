//! What a viewer holds, and what the server's shadow of it holds: surfaces,
//! windows in stacking order, caches, and the picture they make.
//!
//! Both ends paint with this one implementation; `draw/` calls it.

mod compose;
mod cursor;
mod digest;
mod error;
mod library;
mod store;

pub use compose::Presentation;
pub use cursor::CursorImage;
pub use digest::{Digest, digest};
pub use error::PaintError;
pub use library::{ContentHash, Library, glyph_hash, tile_hash};
pub use store::{Canvas, Glyph, Surface, Target, Window};
