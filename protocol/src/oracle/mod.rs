//! What must hold for any bytes at all.
//!
//! Each oracle takes the bytes of a fuzzer and panics when a promise of this
//! crate is broken. Fuzz targets (`fuzz/`) call them, and so do ordinary tests
//! over the stored corpus (`assets/corpus/`), so that a finding stays found.

mod choices;
mod client;
mod demux;
mod draw;
mod message;
mod output;
mod reader;
mod rfb;
mod server;

pub use crate::encoding::oracle as encoding;
pub use client::client;
pub use demux::demux;
pub use draw::{draw, furnished};
pub use message::message;
pub use reader::reader;
pub use rfb::{rfb_client, rfb_clipboard, rfb_decoders, rfb_round_trip, rfb_server_messages};
pub use server::server;

/// Takes any bytes.
///
/// # Panics
/// If a promise is broken.
pub type Oracle = fn(&[u8]);

/// All oracles by the names of their fuzz targets and corpus folders.
pub const ALL: [(&str, Oracle); 12] = [
    ("reader", reader),
    ("encoding", encoding),
    ("draw", draw),
    ("message", message),
    ("demux", demux),
    ("server", server),
    ("client", client),
    ("rfb_server_messages", rfb_server_messages),
    ("rfb_client", rfb_client),
    ("rfb_decoders", rfb_decoders),
    ("rfb_round_trip", rfb_round_trip),
    ("rfb_clipboard", rfb_clipboard),
];
