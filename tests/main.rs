//! The whole of Panto, tested from outside.

mod control;
mod desktop;
mod errors;
mod hostile;
mod idle;
mod relay;
mod resume;
mod scenes;
mod security;
