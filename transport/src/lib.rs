//! Sockets, TLS and trust for Panto connections.
//!
//! Nothing here knows a Panto message: those are `panto-protocol`'s, which knows no sockets. A server calls
//! [`Listener::bind`], admits each [`Stream`] through [`HandshakeLimits`], wraps it with [`ServerTls`] (or, for VNC
//! viewers that know no TLS, [`ServerRsaAes`]) and asks
//! [`CredentialStore`], [`Ticket`] and [`PasswordThrottle`] about who is there. A viewer calls [`connect`], then
//! [`start_tls`], shows the fingerprint to [`KnownHosts::judge`] and only then speaks.

mod address;
mod auth_policy;
mod connect;
mod credentials;
mod files;
mod fingerprint;
mod known_hosts;
mod listen;
mod pipe;
mod process;
mod returns;
mod rsa_aes;
mod stream;
mod throttle;
mod ticket;
mod tls;
mod websocket;

pub use address::{AddressError, DEFAULT_PORT, Endpoint, ListenAddress, Protocol, Target};
pub use auth_policy::{AuthNoneRefused, check_auth_none};
pub use connect::{BACKOFF, ConnectError, connect};
pub use credentials::{Credential, CredentialError, CredentialStore, HashCost, Rights, UnknownRights};
pub use files::{
    FileError, cache_dir, config_dir, create_private_dir, data_dir, read_private, replace_private,
};
pub use fingerprint::{Fingerprint, FingerprintError, FingerprintKind};
pub use known_hosts::{KnownHosts, Trust, TrustError, TrustPolicy, UnknownPolicy, Verdict};
pub use listen::{ListenError, Listener, LocalAddr, Peer};
pub use pipe::{Pipe, Turn};
pub use process::{cpu_seconds, peak_memory_bytes};
pub use returns::{ReturnPass, Returns};
pub use rsa_aes::{RsaAesError, ServerRsaAes, UnsealedStream, start_rsa_aes};
pub use stream::{Stream, WireCounters};
pub use throttle::{
    HANDSHAKE_DEADLINE, HandshakeLimits, HandshakePermit, MAX_UNAUTHENTICATED, MAX_UNAUTHENTICATED_PER_IP,
    PasswordThrottle, TooManyHandshakes,
};
pub use ticket::Ticket;
pub use tls::{Identity, ServerTls, TlsError, UntrustedStream, start_tls, start_tls_any};
pub use websocket::websocket_accept_key;
