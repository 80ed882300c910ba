//! Connecting to the server that is meant, and to no other.

use std::sync::Arc;
use std::time::Duration;

use panto_transport::{
    Endpoint, Fingerprint, KnownHosts, Stream, Target, TlsError, TrustPolicy, Verdict, connect, start_tls,
};

use super::{ClientOptions, Prompt, ServerIdentity, ViewError};

/// How long one attempt to connect may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to the server that is meant.
pub(super) struct Trusted {
    pub stream: Stream,
    /// Bytes read and written by an attempt at TLS that was given up for this connection.
    pub given_up: (u64, u64),
    /// Who it is.
    pub identity: ServerIdentity,
}

/// Connects, and makes sure of the server's identity.
pub(super) async fn connect_trusted(
    options: &ClientOptions,
    prompt: &Arc<dyn Prompt>,
) -> Result<Trusted, ViewError> {
    let target = &options.target;
    let is_unix = matches!(target.endpoint, Endpoint::Unix(_));
    if !options.tls && !is_unix && !may_be_plain(options) {
        let reason =
            "without TLS only servers on this machine are viewed, and none that has shown a key before";
        return Err(ViewError::NeedsTls { target: target.to_string(), reason });
    }
    let stream = connect(target, CONNECT_TIMEOUT).await?;
    let address = || ServerIdentity::Address(target.to_string());
    if is_unix || !options.tls {
        return Ok(Trusted { stream, given_up: (0, 0), identity: address() });
    }
    let counters = stream.counters();
    match start_tls(stream).await {
        Ok(untrusted) => {
            let fingerprint = untrusted.fingerprint();
            judge(target, &options.known_hosts, options.trust, prompt, fingerprint).await?;
            let identity = ServerIdentity::Key(fingerprint);
            Ok(Trusted { stream: untrusted.into_trusted(), given_up: (0, 0), identity })
        }
        // A server with `--auth none` speaks plainly, on loopback only. Nothing secret is
        // sent to it: one that asks for a secret all the same is left (`Client::prove`).
        Err(TlsError::NotTls | TlsError::Closed) if may_be_plain(options) => {
            let given_up = (counters.read(), counters.written());
            let stream = connect(target, CONNECT_TIMEOUT).await?;
            Ok(Trusted { stream, given_up, identity: address() })
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes sure that this key is the server's: by the known servers, or by asking.
pub(super) async fn judge(
    target: &Target,
    known_hosts: &KnownHosts,
    trust: TrustPolicy,
    prompt: &Arc<dyn Prompt>,
    fingerprint: Fingerprint,
) -> Result<(), ViewError> {
    match known_hosts.judge(target, fingerprint, trust)? {
        Verdict::Trusted => {}
        Verdict::TrustedAndNew => {
            known_hosts.remember(target, fingerprint)?;
            tracing::info!(%target, %fingerprint, "server is new and trusted from now on");
        }
        Verdict::AskUser => {
            let (prompt, asked) = (Arc::clone(prompt), target.clone());
            let trusted = tokio::task::spawn_blocking(move || prompt.trust(&asked, fingerprint)).await;
            if !trusted.unwrap_or(false) {
                return Err(ViewError::NotTrusted);
            }
            known_hosts.remember(target, fingerprint)?;
        }
    }
    Ok(())
}

/// Whether the server has encrypted with a key before, or is to have one. Where that cannot be told, it has.
pub(super) fn has_key(target: &Target, known_hosts: &KnownHosts) -> bool {
    target.fingerprint.is_some_and(|pinned| pinned.kind().is_encrypted())
        || known_hosts.is_encrypted(target).unwrap_or(true)
}

/// Plain connections only to this machine, and never to a server that is known to have a key.
fn may_be_plain(options: &ClientOptions) -> bool {
    options.target.is_loopback() && !has_key(&options.target, &options.known_hosts)
}
