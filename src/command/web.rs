//! What `panto serve --web` adds: a listener for browsers, and links that people open.

use std::io::{self, Write};
use std::net::SocketAddr;

use panto_server::frontend::Web;
use panto_transport::{FileError, Identity, Listener, LocalAddr, ServerTls, TlsError, data_dir};

use crate::cli::Serving;

/// Browsers' way in.
pub(super) struct Browsers {
    pub listener: Listener,
    pub web: Web,
    /// SHA-256 of the certificate as browsers show it; `None` for plain HTTP.
    certificate: Option<String>,
}

impl Browsers {
    /// HTTPS with the server's key, unless only this machine can connect.
    pub(super) fn new(
        options: &Serving,
        listener: Listener,
        identity: Option<&Identity>,
    ) -> Result<Self, BrowsersError> {
        let novnc = match &options.web_assets {
            Some(dir) => dir.clone(),
            None => data_dir()?.join("web"),
        };
        let identity = identity.filter(|_| !listener.local_addrs().iter().all(LocalAddr::is_loopback));
        let tls = identity.map(ServerTls::for_http).transpose()?;
        let certificate = identity.map(Identity::certificate_fingerprint);
        Ok(Self { listener, web: Web::new(novnc, tls), certificate })
    }

    /// What a person opens, one for each address; `ticket` goes behind `#`, which browsers keep to
    /// themselves.
    pub(super) fn links(&self, machine: &str, ticket: Option<&str>) -> Vec<String> {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        let fragment = ticket.map(|ticket| format!("#ticket={ticket}")).unwrap_or_default();
        let mut links = Vec::new();
        for address in self.listener.local_addrs() {
            let host = match address {
                LocalAddr::Tcp(tcp) if tcp.ip().is_unspecified() => format!("{machine}:{}", tcp.port()),
                // The IPv4 loopback stands for both.
                LocalAddr::Tcp(tcp) if tcp.ip().is_loopback() && tcp.is_ipv6() && !links.is_empty() => {
                    continue;
                }
                LocalAddr::Tcp(tcp) => SocketAddr::new(tcp.ip(), tcp.port()).to_string(),
                LocalAddr::Unix(_) => continue,
            };
            let link = format!("{scheme}://{host}/{fragment}");
            if !links.contains(&link) {
                links.push(link);
            }
        }
        links
    }

    /// What stands in a browser's warning, if there will be one.
    pub(super) fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Says what to open.
    pub(super) fn announce(&self, out: &mut impl Write, machine: &str, links: &[String]) -> io::Result<()> {
        for link in links {
            let once = if link.contains('#') { "   (good once, for 15 minutes)" } else { "" };
            writeln!(out, "open it in a browser:  {link}{once}")?;
        }
        match (&self.certificate, self.listener.local_addrs().iter().find_map(LocalAddr::port)) {
            (Some(certificate), _) => {
                writeln!(
                    out,
                    "the browser will not know this server; its certificate's SHA-256:  {certificate}"
                )?;
            }
            (None, Some(port)) => {
                writeln!(
                    out,
                    "from elsewhere:  ssh -L {port}:localhost:{port} {machine}   and the same there"
                )?;
            }
            (None, None) => {}
        }
        if let Err(missing) = self.web.check() {
            writeln!(out, "browsers will show nothing yet: {missing}")?;
        }
        Ok(())
    }
}

/// Why browsers cannot be served.
#[derive(Debug, thiserror::Error)]
pub(super) enum BrowsersError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}
