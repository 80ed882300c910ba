//! Ports and display numbers that are free, and whether somebody listens.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// The port of an X server's display 0.
const X11_PORT: u16 = 6000;

/// A port of 127.0.0.1 that nobody listens on.
pub(super) fn free() -> io::Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr().map(|a| a.port())
}

/// Whether somebody listens on a port. Found out without connecting: some servers take
/// one connection only, and that is the viewer's.
pub(super) fn listens(port: u16) -> bool {
    ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().any(|table| {
        let table = std::fs::read_to_string(table).unwrap_or_default();
        table.lines().skip(1).any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let local = fields.next().and_then(|address| address.rsplit_once(':')).map(|(_, port)| port);
            local.and_then(|hex| u16::from_str_radix(hex, 16).ok()) == Some(port)
                && fields.nth(1) == Some(LISTEN)
        })
    })
}

/// Where display `number` listens for TCP, on 127.0.0.1.
pub(super) fn of_display(number: u32) -> Option<SocketAddr> {
    let port = u16::try_from(number).ok()?.checked_add(X11_PORT)?;
    Some((Ipv4Addr::LOCALHOST, port).into())
}

/// The number of the display that listens at `address`.
pub(super) fn display_at(address: SocketAddr) -> u16 {
    address.port().saturating_sub(X11_PORT)
}

/// Display numbers that no X server has, neither as a socket nor as a port. Runs at the
/// same time begin at different ones.
pub(super) fn free_displays() -> impl Iterator<Item = u32> {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = std::process::id().wrapping_mul(16).wrapping_add(RUNS.fetch_add(1, Ordering::Relaxed));
    let first = 100 + run % 1000;
    (first..first + 1000).filter(|number| {
        !Path::new(&format!("/tmp/.X11-unix/X{number}")).exists()
            && !Path::new(&format!("/tmp/.X{number}-lock")).exists()
            && of_display(*number).is_some_and(|address| TcpListener::bind(address).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_seen_to_listen() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(listens(port));
        drop(listener);
        assert!(!listens(port));
    }
}
