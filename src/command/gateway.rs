//! `panto serve --source`: a VNC server is what is served.

use std::sync::Arc;

use panto_server::source::{VncConnect, VncOpened, VncSource, VncSourceError};
use panto_transport::{KnownHosts, Protocol, Target};
use panto_viewer::core::{ViewError, VncConnector, VncServer};

use super::serve::Started;
use super::view;
use crate::cli::Gateway;
use crate::exit::Usage;
use crate::prompt::{Terminal, private_password};

/// Connects to the server at this address, and serves it.
pub(super) async fn start(options: &Gateway, address: &str) -> anyhow::Result<Started> {
    let target = target(address)?;
    let secret = options.source_password_file.as_deref().map(|path| private_password(path, "for --source"));
    let secret = match secret.transpose()? {
        Some(bytes) => match std::str::from_utf8(&bytes) {
            Ok(text) => Some(text.to_owned()),
            Err(_) => return Err(Usage("the password for --source is no UTF-8 text".into()).into()),
        },
        None => None,
    };
    let prompt = Arc::new(Terminal::given(secret, "--source-password-file"));
    let server = VncServer {
        trust: view::trust(options.source_trust),
        known_hosts: KnownHosts::of_user()?,
        tls: true,
        user: options.source_user.clone(),
        target,
    };
    let name = server.target.to_string();
    let connector = Connector { connector: VncConnector::new(server, Arc::clone(&prompt) as _), prompt };
    let (source, scene) = VncSource::start(connector).await.map_err(|error| match error {
        VncSourceError::Connect(error) => error.into(),
        VncSourceError::Protocol(error) => ViewError::Rfb(error).into(),
        error @ VncSourceError::System(_) => anyhow::Error::from(error),
    })?;
    let name = if source.name().is_empty() { name } else { source.name().to_owned() };
    Ok(Started::new((source, scene)).named(name))
}

/// Where the server is.
fn target(address: &str) -> anyhow::Result<Target> {
    let target: Target = address.parse()?;
    if target.protocol != Protocol::Vnc {
        let said =
            format!("--source serves what a VNC server shows, and {address} is none: write vnc://HOST");
        return Err(Usage(said).into());
    }
    Ok(target)
}

/// Connects as `panto view` does.
struct Connector {
    connector: VncConnector,
    prompt: Arc<Terminal>,
}

impl VncConnect for Connector {
    type Error = ViewError;

    async fn connect(&mut self) -> Result<VncOpened, ViewError> {
        let panto_viewer::core::VncOpened { stream, init, said } = self.connector.connect().await?;
        if !stream.is_encrypted() && !self.connector.server().target.is_loopback() {
            tracing::warn!(
                "the way to the VNC server is not encrypted: what is shown and typed can be read there; \
                 through ssh it cannot (ssh -L 5900:localhost:5900 HOST, and --source vnc://localhost)"
            );
        }
        // From now on nobody sits there waiting for questions.
        self.prompt.stop_asking();
        Ok(VncOpened { stream, init, said })
    }

    fn is_retryable(error: &ViewError) -> bool {
        error.is_retryable()
    }
}
