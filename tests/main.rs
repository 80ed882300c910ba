//! The whole of Panto, tested from outside.

mod bytes;
mod control;
mod demo;
mod desktop;
mod errors;
mod hostile;
mod idle;
mod peers;
mod relay;
mod report;
mod resume;
mod scenes;
mod security;
mod tidy;
