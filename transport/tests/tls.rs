//! TLS and trust between two ends on loopback, with a relay between them that counts and meddles.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::time::Duration;

use panto_transport::{
    Fingerprint, HANDSHAKE_DEADLINE, Identity, KnownHosts, ListenAddress, Listener, LocalAddr, ServerTls,
    Stream, Target, TlsError, Trust, TrustError, TrustPolicy, UntrustedStream, Verdict, connect, start_tls,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex, split};
use tokio::net::{TcpListener, TcpStream};

const SOON: Duration = Duration::from_secs(20);

/// Both ends over `near` and `far`.
async fn handshake(
    identity: &Identity,
    near: Stream,
    far: Stream,
) -> (Result<UntrustedStream, TlsError>, Result<Stream, TlsError>) {
    let tls = ServerTls::new(identity).unwrap();
    tokio::join!(start_tls(near), tls.accept(far))
}

async fn copy_and_count(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> u64 {
    let mut count = 0;
    let mut buf = [0; 777];
    loop {
        let n = from.read(&mut buf).await.unwrap();
        if n == 0 {
            to.shutdown().await.unwrap();
            return count;
        }
        count += n as u64;
        to.write_all(&buf[..n]).await.unwrap();
    }
}

#[tokio::test]
async fn round_trip_with_every_byte_counted() {
    let identity = Identity::generate().unwrap();
    let listener = Listener::bind(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
    let LocalAddr::Tcp(server) = listener.local_addrs()[0].clone() else { panic!() };

    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::tcp("127.0.0.1", relay.local_addr().unwrap().port());
    let relay = tokio::spawn(async move {
        let (near, _) = relay.accept().await.unwrap();
        let far = TcpStream::connect(server).await.unwrap();
        let ((near_read, near_write), (far_read, far_write)) = (split(near), split(far));
        tokio::join!(copy_and_count(near_read, far_write), copy_and_count(far_read, near_write))
    });

    let (near, (far, peer)) = tokio::join!(connect(&target, SOON), listener.accept());
    assert!(peer.ip().is_loopback());
    let (near, far) = handshake(&identity, near.unwrap(), far).await;
    let near = near.unwrap();
    assert_eq!(near.fingerprint(), identity.fingerprint());
    let (mut near, mut far) = (near.into_trusted(), far.unwrap());
    assert!(near.is_encrypted() && far.is_encrypted());

    let picture: Vec<u8> = (0..300_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
    let send = async {
        far.write_all(&picture).await.unwrap();
        far.flush().await.unwrap();
        let mut key = [0; 3];
        far.read_exact(&mut key).await.unwrap();
        assert_eq!(&key, b"key");
        far.shutdown().await.unwrap();
        // The viewer's own farewell counts too.
        assert_eq!(far.read(&mut key).await.unwrap(), 0);
    };
    let receive = async {
        let mut got = vec![0; picture.len()];
        near.read_exact(&mut got).await.unwrap();
        assert!(got == picture);
        near.write_all(b"key").await.unwrap();
        near.flush().await.unwrap();
        assert_eq!(near.read(&mut [0]).await.unwrap(), 0);
        near.shutdown().await.unwrap();
    };
    tokio::join!(send, receive);
    let (up, down) = relay.await.unwrap();
    assert_eq!((near.counters().written(), near.counters().read()), (up, down));
    assert_eq!((far.counters().read(), far.counters().written()), (up, down));
    assert!(down > 300_000 && down < 302_000, "{down}");
}

#[tokio::test]
async fn a_changed_key_is_noticed_before_anything_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let hosts = KnownHosts::at(dir.path().join("known_hosts"));
    let target = Target::tcp("desk", 4920);
    let show = async |identity: &Identity| {
        let (near, far) = duplex(4096);
        let (near, far) = handshake(identity, Stream::from_io(near), Stream::from_io(far)).await;
        far.unwrap();
        near.unwrap().fingerprint()
    };
    let (first, second) = (Identity::generate().unwrap(), Identity::generate().unwrap());

    let seen = show(&first).await;
    assert_eq!(hosts.judge(&target, seen, TrustPolicy::Ask).unwrap(), Verdict::AskUser);
    hosts.remember(&target, seen).unwrap();
    assert_eq!(hosts.check(&target, show(&first).await).unwrap(), Trust::Known);
    let err = hosts.judge(&target, show(&second).await, TrustPolicy::New).unwrap_err();
    assert!(matches!(err, TrustError::IdentityChanged { line: 1, .. }), "{err}");
    let pinned = target.with_fingerprint(second.fingerprint());
    assert_eq!(hosts.judge(&pinned, show(&second).await, TrustPolicy::Strict).unwrap(), Verdict::Trusted);
}

#[test]
fn the_key_is_made_once_and_kept_private() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("panto");
    let first = Identity::load_or_create(&dir).unwrap();
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().mode() & 0o777;
    assert_eq!((mode(""), mode("server.key"), mode("server.crt")), (0o700, 0o600, 0o600));
    let certificate = fs::read(dir.join("server.crt")).unwrap();
    assert_eq!(Identity::load_or_create(&dir).unwrap().fingerprint(), first.fingerprint());
    assert_eq!(fs::read(dir.join("server.crt")).unwrap(), certificate);

    // The key is the identity: a lost, damaged or foreign certificate changes nothing.
    let other = tempfile::tempdir().unwrap();
    Identity::load_or_create(other.path()).unwrap();
    for foreign in
        [None, Some(b"nonsense".to_vec()), Some(fs::read(other.path().join("server.crt")).unwrap())]
    {
        match foreign {
            None => fs::remove_file(dir.join("server.crt")).unwrap(),
            Some(bytes) => fs::write(dir.join("server.crt"), bytes).unwrap(),
        }
        let again = Identity::load_or_create(&dir).unwrap();
        assert_eq!(again.fingerprint(), first.fingerprint());
        ServerTls::new(&again).unwrap();
    }

    fs::set_permissions(dir.join("server.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = Identity::load_or_create(&dir).unwrap_err().to_string();
    assert!(said.contains("chmod 600"), "{said}");
    fs::set_permissions(dir.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(dir.join("server.key"), "nonsense").unwrap();
    let err = Identity::load_or_create(&dir).unwrap_err();
    assert!(matches!(err, TlsError::BadKey { .. }), "{err}");
    // A damaged key is for a person to decide about.
    assert_eq!(fs::read(dir.join("server.key")).unwrap(), b"nonsense");
}

#[test]
fn servers_started_at_once_agree_on_one_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut fingerprints: Vec<Fingerprint> = std::thread::scope(|s| {
        let servers: Vec<_> =
            (0..8).map(|_| s.spawn(|| Identity::load_or_create(dir.path()).unwrap().fingerprint())).collect();
        servers.into_iter().map(|server| server.join().unwrap()).collect()
    });
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), 1);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn peers_that_speak_something_else() {
    let identity = Identity::generate().unwrap();
    let tls = ServerTls::new(&identity).unwrap();

    // A plain server, to a viewer that wants TLS; and the other way round.
    for greeting in [&b"RFB 003.008\n"[..], b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let (near, mut far) = duplex(4096);
        far.write_all(greeting).await.unwrap();
        let err = start_tls(Stream::from_io(near)).await.unwrap_err();
        assert!(matches!(err, TlsError::NotTls), "{err:?}");
        let (mut near, far) = duplex(4096);
        near.write_all(greeting).await.unwrap();
        let err = tls.accept(Stream::from_io(far)).await.unwrap_err();
        assert!(matches!(err, TlsError::NotTls), "{err:?}");
    }

    // One that goes away.
    let (near, far) = duplex(4096);
    drop(far);
    let err = start_tls(Stream::from_io(near)).await.unwrap_err();
    assert!(matches!(err, TlsError::Closed), "{err:?}");

    // A TLS server without Panto in it, such as a web server.
    for alpn in [vec![], vec![b"http/1.1".to_vec()]] {
        let (near, far) = duplex(65536);
        let (near, _) = tokio::join!(start_tls(Stream::from_io(near)), web_server(alpn).accept(far));
        let err = near.unwrap_err();
        assert!(matches!(err, TlsError::NotPanto), "{err:?}");
    }
}

fn web_server(alpn: Vec<Vec<u8>>) -> tokio_rustls::TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    config.alpn_protocols = alpn;
    Arc::new(config).into()
}

// Where the change makes a record longer, both wait for the rest of it until the deadline.
#[tokio::test(start_paused = true)]
async fn someone_in_between_who_changes_a_byte() {
    let identity = Identity::generate().unwrap();
    // Trying every byte of the server's first flight would take long; every 37th meets each of its messages.
    let mut places = 0;
    for place in (0..).step_by(37) {
        let (near, relay_near) = duplex(65536);
        let (relay_far, far) = duplex(65536);
        let meddle = tokio::spawn(async move {
            let ((mut near_read, mut near_write), (mut far_read, mut far_write)) =
                (split(relay_near), split(relay_far));
            let up = async move {
                let _ = tokio::io::copy(&mut near_read, &mut far_write).await;
                let _ = far_write.shutdown().await;
            };
            let down = async move {
                let (mut seen, mut buf) = (0, [0; 4096]);
                while let Ok(n @ 1..) = far_read.read(&mut buf).await {
                    if (seen..seen + n).contains(&place) {
                        buf[place - seen] ^= 0x10;
                    }
                    seen += n;
                    if near_write.write_all(&buf[..n]).await.is_err() {
                        break;
                    }
                }
                let _ = near_write.shutdown().await;
                place < seen
            };
            tokio::join!(up, down).1
        });
        let (near, far) = handshake(&identity, Stream::from_io(near), Stream::from_io(far)).await;
        let noticed = near.is_err();
        drop((near, far));
        if !meddle.await.unwrap() {
            break;
        }
        assert!(noticed, "byte {place} changed unnoticed");
        places += 1;
    }
    assert!(10 < places);
}

#[tokio::test(start_paused = true)]
async fn who_never_finishes_the_handshake_is_let_go() {
    let tls = ServerTls::new(&Identity::generate().unwrap()).unwrap();
    let (mut near, far) = duplex(4096);
    let start = tokio::time::Instant::now();
    let drip = tokio::spawn(async move {
        // One byte a second of a record that announces 16 KiB.
        let mut bytes = [0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xf0].into_iter().chain(std::iter::repeat(0));
        while near.write_all(&[bytes.next().unwrap_or(0)]).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let err = tls.accept(Stream::from_io(far)).await.unwrap_err();
    assert!(matches!(err, TlsError::TimedOut), "{err:?}");
    assert_eq!(start.elapsed(), HANDSHAKE_DEADLINE);
    drip.await.unwrap();
}

#[tokio::test]
async fn tls_over_a_unix_socket_and_both_families() {
    let dir = tempfile::tempdir().unwrap();
    let identity = Identity::generate().unwrap();
    let unix = dir.path().join("s");
    let listener = Listener::bind(&["0".parse().unwrap(), ListenAddress::Unix(unix)]).await.unwrap();
    for addr in listener.local_addrs() {
        let target: Target = addr.to_string().parse().unwrap();
        let (near, (far, _)) = tokio::join!(connect(&target, SOON), listener.accept());
        let (near, far) = handshake(&identity, near.unwrap(), far).await;
        let (mut near, mut far) = (near.unwrap().into_trusted(), far.unwrap());
        near.write_all(b"dot").await.unwrap();
        near.flush().await.unwrap();
        let mut got = [0; 3];
        far.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"dot");
        let twice = start_tls(near).await.unwrap_err();
        assert!(matches!(twice, TlsError::AlreadyTls), "{twice:?}");
    }
}
