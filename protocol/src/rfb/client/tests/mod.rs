//! A client against bytes that servers have sent, and against any others.

mod connection;
mod handshake;
