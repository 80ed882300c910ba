//! What the integration tests share: programs started and ended, X displays
//! looked at and typed into, a server and viewers inside one process.

pub mod harness;
