//! Connections without I/O: bytes and the time go in, messages come out.
//!
//! ```text
//!   socket ── feed(bytes, now) ──► machine ── poll() ──► events
//!   socket ◄─ poll_transmit(out) ─ machine ◄─ send_…() ─ the application
//!   clock  ── handle_timeout(now) ► machine ── poll_timeout() ► when to call it
//! ```
//!
//! After `feed` and `handle_timeout`, poll events until `None`, then transmit
//! until nothing is left. `poll_timeout` may change after any call.

mod client;
mod error;
mod mux;
mod server;

pub use client::{ClientConfig, ClientConnection, ClientEvent};
pub use error::ConnectionError;
pub use mux::{Channel, Demux, Mux};
pub use server::{Acked, ServerConnection, ServerEvent, Unpainted};

use crate::time::Micros;

/// A handshake must be over within this time.
pub const HANDSHAKE_TIMEOUT: Micros = Micros::from_millis(20_000);

/// A viewer that is shown a password prompt may take this long for its proof.
pub const AUTH_TIMEOUT: Micros = Micros::from_millis(60_000);

/// After this long without a word from the peer it is asked for one.
pub const KEEPALIVE: Micros = Micros::from_millis(15_000);

/// After this long without a word the peer is gone.
pub const PEER_TIMEOUT: Micros = Micros::from_millis(40_000);

/// A frame must be acknowledged within this time, or the viewer is given up:
/// the slowest link thought of (9,600 bit/s) carries 36 kB meanwhile.
pub const ACK_TIMEOUT: Micros = Micros::from_millis(30_000);
