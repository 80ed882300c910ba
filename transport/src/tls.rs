//! TLS 1.3 with a self-signed key on the server's side. No certificate authority is asked: the viewer learns the
//! key's fingerprint in the handshake, and [`crate::KnownHosts`] decides whether it is the right one.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::aws_lc_rs::digest::{SHA256, digest};
use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client};
use zeroize::Zeroizing;

use crate::files::{self, FileError};
use crate::stream::Counted;
use crate::{Fingerprint, HANDSHAKE_DEADLINE, Stream};

/// Named in the handshake (RFC 7301), so that a viewer and, say, a web server notice at once that they are not for
/// each other.
const ALPN: &[u8] = b"panto";

/// What browsers call HTTP/1.1 there (RFC 7301, section 6).
const HTTP_ALPN: &[u8] = b"http/1.1";

/// The name in the certificate and in the handshake. Nobody checks it, as the key alone counts.
const SERVER_NAME: &str = "panto";

/// How long a peer without TLS may take to close.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Bytes that it may send meanwhile: a greeting and an error, of whatever protocol.
const MAX_LAST_WORDS: u64 = 64 << 10;

const KEY_FILE: &str = "server.key";
const CERTIFICATE_FILE: &str = "server.crt";

/// A P-256 key is 241 bytes of PEM, its certificate about 600; an RSA key that someone put in its place 3 to 6 KiB.
const MAX_PEM: u64 = 64 << 10;

/// What went wrong in TLS or with the server's key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The key's or certificate's file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The key file holds no usable key.
    #[error(
        "{path} holds no usable private key; restore it from a copy, or remove it to get a new one, which every \
         viewer will have to accept"
    )]
    BadKey {
        /// The file.
        path: String,
    },
    /// No key could be made.
    #[error("cannot make a key and certificate")]
    Generate(#[source] rcgen::Error),
    /// The settings do not fit together.
    #[error("cannot set up TLS")]
    Setup(#[source] rustls::Error),
    /// The peer does not speak TLS.
    #[error(
        "the other side does not speak TLS: is it a Panto server, and one that asks for a password? (a VNC server is \
         viewed as vnc://HOST)"
    )]
    NotTls,
    /// The peer speaks TLS, but not Panto in it.
    #[error("the other side speaks TLS but is no Panto server or viewer")]
    NotPanto,
    /// The peer ended the connection in the handshake.
    #[error("the other side closed the connection during the TLS handshake")]
    Closed,
    /// The handshake took longer than [`HANDSHAKE_DEADLINE`].
    #[error("no TLS handshake within {} s", HANDSHAKE_DEADLINE.as_secs())]
    TimedOut,
    /// The handshake failed otherwise.
    #[error("the TLS handshake failed")]
    Handshake(#[source] io::Error),
    /// There is TLS on the stream already.
    #[error("the stream is in TLS already")]
    AlreadyTls,
}

/// A server's key and a certificate made from it.
pub struct Identity {
    key: PrivateKeyDer<'static>,
    certificate: CertificateDer<'static>,
    fingerprint: Fingerprint,
}

impl Identity {
    /// A new one, kept in memory only.
    pub fn generate() -> Result<Self, TlsError> {
        Self::from_pair(&KeyPair::generate().map_err(TlsError::Generate)?)
    }

    /// The one in `dir/server.key` and `dir/server.crt`, made on first use. `dir` is normally [`crate::data_dir`].
    /// Two servers started at once end up with the same. The key is the identity: a certificate that is missing or
    /// belongs to another key is made anew.
    pub fn load_or_create(dir: &Path) -> Result<Self, TlsError> {
        let (key_path, certificate_path) = (dir.join(KEY_FILE), dir.join(CERTIFICATE_FILE));
        files::create_private_dir(dir)?;
        let pem = match files::read_private(&key_path, MAX_PEM)? {
            Some(pem) => pem,
            None => {
                let pair = KeyPair::generate().map_err(TlsError::Generate)?;
                let pem = Zeroizing::new(pair.serialize_pem());
                if files::create_private(&key_path, pem.as_bytes())? {
                    tracing::info!(path = %key_path.display(), "made this server's key");
                }
                // Another server's, if it was quicker.
                files::read_private(&key_path, MAX_PEM)?.unwrap_or_default()
            }
        };
        let bad_key = || TlsError::BadKey { path: key_path.display().to_string() };
        let text = std::str::from_utf8(&pem).map_err(|_| bad_key())?;
        let pair = KeyPair::from_pem(text).map_err(|_| bad_key())?;
        let mut identity = Self::from_pair(&pair)?;
        match read_certificate(&certificate_path)? {
            Some((certificate, fingerprint)) if fingerprint == identity.fingerprint => {
                identity.certificate = certificate;
            }
            _ => {
                let pem = files::pem("CERTIFICATE", &identity.certificate);
                files::replace_private(&certificate_path, pem.as_bytes())?;
            }
        }
        Ok(identity)
    }

    /// What viewers know this server by.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The certificate's SHA-256 as browsers show it: `AB:CD:…`. What [`Identity::fingerprint`]
    /// tells is the key's.
    pub fn certificate_fingerprint(&self) -> String {
        let hash = digest(&SHA256, &self.certificate);
        hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    fn from_pair(pair: &KeyPair) -> Result<Self, TlsError> {
        let mut params = CertificateParams::new([SERVER_NAME.to_owned()]).map_err(TlsError::Generate)?;
        params.distinguished_name.push(DnType::CommonName, "Panto server");
        let certificate = params.self_signed(pair).map_err(TlsError::Generate)?;
        Ok(Self {
            key: PrivatePkcs8KeyDer::from(pair.serialize_der()).into(),
            certificate: certificate.der().clone(),
            fingerprint: Fingerprint::of_spki(&pair.subject_public_key_info()),
        })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// The server's side of TLS; cheap to clone.
#[derive(Clone)]
pub struct ServerTls {
    acceptor: TlsAcceptor,
}

impl ServerTls {
    /// For all connections of a server.
    pub fn new(identity: &Identity) -> Result<Self, TlsError> {
        Self::speaking(identity, ALPN)
    }

    /// The same key, for browsers.
    pub fn for_http(identity: &Identity) -> Result<Self, TlsError> {
        Self::speaking(identity, HTTP_ALPN)
    }

    fn speaking(identity: &Identity, protocol: &[u8]) -> Result<Self, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
            .map_err(TlsError::Setup)?;
        config.alpn_protocols = vec![protocol.to_vec()];
        // Panto resumes sessions by its own tickets; TLS's would be bytes for nothing.
        config.send_tls13_tickets = 0;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Does the handshake on an accepted stream, within [`HANDSHAKE_DEADLINE`].
    pub async fn accept(&self, stream: Stream) -> Result<Stream, TlsError> {
        let tls = self.shake(stream).await?;
        if tls.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(TlsError::NotPanto);
        }
        Ok(Stream::server_tls(tls))
    }

    /// The same for a peer that speaks another protocol inside.
    pub async fn accept_any(&self, stream: Stream) -> Result<Stream, TlsError> {
        Ok(Stream::server_tls(self.shake(stream).await?))
    }

    async fn shake(&self, stream: Stream) -> Result<TlsStream<Counted>, TlsError> {
        let counted = stream.into_counted().ok_or(TlsError::AlreadyTls)?;
        timeout(HANDSHAKE_DEADLINE, self.acceptor.accept(counted))
            .await
            .map_err(|_| TlsError::TimedOut)?
            .map_err(handshake_error)
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

/// A connection whose server has proved that it holds a key, but not yet that it is the right one. No byte can be
/// sent before someone says so.
#[derive(Debug)]
pub struct UntrustedStream {
    stream: Stream,
    fingerprint: Fingerprint,
}

impl UntrustedStream {
    /// The server's key.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The stream, when the fingerprint is found to be right.
    pub fn into_trusted(self) -> Stream {
        self.stream
    }
}

/// Does the viewer's side of the handshake, within [`HANDSHAKE_DEADLINE`].
pub async fn start_tls(stream: Stream) -> Result<UntrustedStream, TlsError> {
    let tls = shake_hands(stream, &[&TLS13], Some(ALPN)).await?;
    if tls.get_ref().1.alpn_protocol() != Some(ALPN) {
        return Err(TlsError::NotPanto);
    }
    untrusted(tls)
}

/// The same with a server that speaks another protocol inside, and perhaps TLS 1.2.
pub async fn start_tls_any(stream: Stream) -> Result<UntrustedStream, TlsError> {
    untrusted(shake_hands(stream, &[&TLS13, &TLS12], None).await?)
}

async fn shake_hands(
    stream: Stream,
    versions: &[&'static SupportedProtocolVersion],
    alpn: Option<&[u8]>,
) -> Result<client::TlsStream<Counted>, TlsError> {
    let counted = stream.into_counted().ok_or(TlsError::AlreadyTls)?;
    let provider = provider();
    let verifier = AnyKey { algorithms: provider.signature_verification_algorithms };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(TlsError::Setup)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
    // A resumed session shows no certificate. And the name in it would tell everyone on the way where we connect to.
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    let name = ServerName::try_from(SERVER_NAME).map_err(|_| TlsError::NotPanto)?;
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, counted).into_fallible();
    match timeout(HANDSHAKE_DEADLINE, handshake).await.map_err(|_| TlsError::TimedOut)? {
        Ok(tls) => Ok(tls),
        Err((error, counted)) => {
            // What the peer says in plain text is not read, but it came over the wire and counts.
            let _ = timeout(LAST_WORDS, close(counted)).await;
            Err(handshake_error(error))
        }
    }
}

fn untrusted(tls: client::TlsStream<Counted>) -> Result<UntrustedStream, TlsError> {
    let chain = tls.get_ref().1.peer_certificates();
    let certificate = chain.and_then(|chain| chain.first()).ok_or(TlsError::NotPanto)?;
    let fingerprint = certificate_fingerprint(certificate).map_err(TlsError::Setup)?;
    Ok(UntrustedStream { stream: Stream::client_tls(tls), fingerprint })
}

/// Closes this side and reads until the peer has closed its own, or says too much.
async fn close(mut counted: Counted) -> io::Result<()> {
    counted.shutdown().await?;
    tokio::io::copy(&mut counted.take(MAX_LAST_WORDS), &mut tokio::io::sink()).await?;
    Ok(())
}

/// Takes any certificate, and checks that the server holds its key.
#[derive(Debug)]
struct AnyKey {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyKey {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // Which key it is, is decided after the handshake and before anything is sent: see `UntrustedStream`.
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn certificate_fingerprint(certificate: &CertificateDer<'_>) -> Result<Fingerprint, rustls::Error> {
    Ok(Fingerprint::of_spki(&ParsedCertificate::try_from(certificate)?.subject_public_key_info()))
}

/// `None` for a file that is missing or holds no certificate.
fn read_certificate(path: &Path) -> Result<Option<(CertificateDer<'static>, Fingerprint)>, FileError> {
    let Some(pem) = files::read_bounded(path, MAX_PEM)? else { return Ok(None) };
    let Ok(certificate) = CertificateDer::from_pem_slice(&pem) else { return Ok(None) };
    let fingerprint = certificate_fingerprint(&certificate).ok();
    Ok(fingerprint.map(|fingerprint| (certificate, fingerprint)))
}

fn handshake_error(err: io::Error) -> TlsError {
    match err.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidMessage(_)) => TlsError::NotTls,
        Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol))
        | Some(rustls::Error::NoApplicationProtocol) => TlsError::NotPanto,
        _ => match err.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                TlsError::Closed
            }
            _ => TlsError::Handshake(err),
        },
    }
}
