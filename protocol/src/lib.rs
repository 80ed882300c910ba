//! What both ends of Panto agree on bit for bit: bytes, geometry, pixels,
//! encodings, draw commands *and how they paint*.
//!
//! No sockets, clocks, threads, floats or `unsafe`: time comes in as an
//! argument ([`time::Micros`]). `PROTOCOL.md` describes every byte.
#![forbid(unsafe_code)]

pub mod canvas;
pub mod connection;
pub mod draw;
pub mod encoding;
pub mod entropy;
pub mod geometry;
pub mod lossy;
pub mod message;
pub mod oracle;
pub mod pixel;
pub mod quantize;
pub mod rfb;
pub mod time;
pub mod wire;
