//! Who serves viewers: Panto's own protocol, and RFB for VNC viewers. Each front end turns one
//! kind of connection into readers of the shared scene.

mod held;
mod registry;
mod rfb;
mod server;
mod session;

pub use registry::{Order, ViewerInfo};
pub use server::{AuthPolicy, Server, ServerConfig};
