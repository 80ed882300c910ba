//! Who serves viewers: so far the native protocol. Each front end turns one
//! kind of connection into planners reading the shared scene.

mod held;
mod registry;
mod server;
mod session;

pub use registry::{Order, ViewerInfo};
pub use server::{AuthPolicy, Server, ServerConfig};
