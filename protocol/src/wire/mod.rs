//! Bytes of one message: a reader that cannot panic, a writer that cannot fail,
//! and every limit on what a peer may ask for.

mod limits;
mod reader;
mod writer;

pub use limits::*;
pub use reader::{DecodeError, Reader};
pub use writer::Writer;
