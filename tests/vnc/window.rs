//! The viewer's window on a VNC server.
