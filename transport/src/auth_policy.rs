//! Where a server may go without authentication.

use crate::ListenAddress;

/// `--auth none` on an address that others can reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "--auth none is refused on {address}, which other machines can reach: anyone there could watch and type; set a \
     password with `panto passwd` and leave out --auth none, or listen on localhost or unix:PATH and reach it \
     through ssh"
)]
pub struct AuthNoneRefused {
    /// The first address that is neither loopback nor a Unix socket.
    pub address: ListenAddress,
}

/// Whether `--auth none` is allowed on all of these addresses: on loopback and Unix sockets only.
pub fn check_auth_none(addresses: &[ListenAddress]) -> Result<(), AuthNoneRefused> {
    match addresses.iter().find(|address| !address.is_loopback()) {
        Some(address) => Err(AuthNoneRefused { address: address.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(addresses: &[&str]) -> Result<(), AuthNoneRefused> {
        let parsed: Vec<ListenAddress> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        check_auth_none(&parsed)
    }

    #[test]
    fn loopback_and_unix_sockets_only() {
        assert!(check(&[]).is_ok());
        assert!(check(&["4920", "localhost", "127.0.0.1", "[::1]:5000", "unix:/tmp/s"]).is_ok());
        for address in ["0.0.0.0:4920", "*:4920", "[::]:4920", "192.168.1.5:4920", "desk:4920"] {
            let said = check(&["localhost", address]).unwrap_err().to_string();
            assert!(said.contains(address) && said.contains("panto passwd"), "{said}");
        }
    }
}
