//! Sockets, TLS and trust for Panto connections.
