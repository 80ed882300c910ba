//! The whole of Panto, tested from outside.

mod control;
mod desktop;
mod errors;
mod hostile;
mod security;
mod relay;
mod scenes;
