//! Who serves viewers: Panto's own protocol, RFB for VNC viewers, and RFB inside HTTP for browsers.
//! Each front end turns one kind of connection into readers of the shared scene.

mod held;
mod registry;
mod rfb;
mod server;
mod session;
mod web;

pub use registry::{Order, ViewerInfo};
pub use server::{AuthPolicy, Server, ServerConfig};
pub use web::Web;
