//! A client's side of RFB: a viewer, or a gateway whose source is a VNC server. No I/O.
//!
//! ```text
//!   bytes ─► Handshake ─► ServerInit ─► Connection ─► Event: pixels, copies, pointer, clipboard
//!        ◄── take_output ──────────────────┘ ◄── keys, pointer, clipboard, sizes
//! ```
//!
//! [`Handshake`] comes to terms with a server and says when a secret, TLS or RSA-AES is needed.
//! [`Connection`] reads what follows a rectangle at a time, however the bytes are cut, and asks for
//! the next update as soon as one has begun to come. [`Hands`] says in its words what a person does.

mod config;
mod connection;
mod hands;
mod handshake;
mod message;
mod pseudo;
mod say;
#[cfg(test)]
mod tests;

pub use super::{AesBits, Security};
pub use config::Config;
pub use connection::{Connection, ConnectionError};
pub use hands::Hands;
pub use handshake::{Handshake, HandshakeError, HandshakeEvent, ServerInit};
pub use message::Event;

/// A peer's text for people: UTF-8 or else Latin-1, without control characters, which terminals
/// would act on.
fn plain_text(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&b| char::from(b)).collect(),
    };
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
