//! Listening and connecting on loopback of both families and on Unix sockets.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use panto_transport::{ConnectError, ListenAddress, ListenError, Listener, LocalAddr, Peer, Target, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

async fn bind(address: &str) -> Result<Listener, ListenError> {
    Listener::bind(&[address.parse().unwrap()]).await
}

async fn exchange(listener: &Listener, target: &Target) -> Peer {
    let (near, accepted) = tokio::join!(connect(target, SOON), timeout(SOON, listener.accept()));
    let (mut near, (mut far, peer)) = (near.unwrap(), accepted.unwrap());
    near.write_all(b"dot by dot").await.unwrap();
    let mut got = [0; 10];
    far.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"dot by dot");
    assert_eq!(near.counters().written(), 10);
    assert_eq!(far.counters().read(), 10);
    peer
}

#[tokio::test]
async fn loopback_of_both_families() {
    let listener = bind("0").await.unwrap();
    let addrs = listener.local_addrs();
    let port = addrs[0].port().unwrap();
    for addr in &addrs {
        let LocalAddr::Tcp(addr) = addr else { panic!("{addr}") };
        assert!(addr.ip().is_loopback() && addr.port() == port);
        let target = format!("panto://{addr}").parse().unwrap();
        let peer = exchange(&listener, &target).await;
        assert_eq!(peer.ip(), addr.ip());
    }
    exchange(&listener, &Target::tcp("localhost", port)).await;
    // A machine without IPv6 has one address; the v4 one at least is always there.
    assert_eq!(addrs[0].to_string(), format!("127.0.0.1:{port}"));
    assert!((1..=2).contains(&addrs.len()));
}

#[tokio::test]
async fn no_connection_of_several_sockets_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let unix = ListenAddress::Unix(dir.path().join("s"));
    let listener = Listener::bind(&["127.0.0.1:0".parse().unwrap(), unix]).await.unwrap();
    let tcp = Target::tcp("127.0.0.1", listener.local_addrs()[0].port().unwrap());
    let unix = Target::unix(dir.path().join("s"));
    let mut clients = Vec::new();
    for i in 0..20 {
        clients.push(connect(if i % 2 == 0 { &tcp } else { &unix }, SOON).await.unwrap());
    }
    let mut unix_peers = 0;
    for _ in 0..20 {
        let (_, peer) = timeout(SOON, listener.accept()).await.unwrap();
        unix_peers += usize::from(matches!(peer, Peer::Unix { .. }));
    }
    assert_eq!(unix_peers, 10);
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_try() {
    let first = bind("127.0.0.1:0").await.unwrap();
    let port = first.local_addrs()[0].port().unwrap();
    for address in [format!("127.0.0.1:{port}"), port.to_string()] {
        let err = bind(&address).await.unwrap_err();
        let said = err.to_string();
        assert!(matches!(err, ListenError::InUse { .. }), "{said}");
        assert!(said.contains(&format!("127.0.0.1:{port} is already in use")), "{said}");
        assert!(said.contains("choose another port"), "{said}");
    }
    // And nothing of the failed attempt stays behind.
    drop(first);
    bind(&port.to_string()).await.unwrap();
}

#[tokio::test]
async fn addresses_that_are_not_ours() {
    // TEST-NET-1 (RFC 5737) is nobody's.
    let err = bind("192.0.2.1:0").await.unwrap_err();
    assert!(matches!(err, ListenError::NotOurs { .. }), "{err}");
    assert!(matches!(Listener::bind(&[]).await, Err(ListenError::NoAddress)));
}

#[tokio::test]
async fn unix_socket_is_private_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made/for/it");
    let address = ListenAddress::Unix(path.clone());
    let listener = Listener::bind(std::slice::from_ref(&address)).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let peer = exchange(&listener, &Target::unix(&path)).await;
    assert_eq!(
        peer,
        Peer::Unix { uid: Some(rustix::process::geteuid().as_raw()), pid: Some(std::process::id() as i32) }
    );

    let err = Listener::bind(std::slice::from_ref(&address)).await.unwrap_err();
    assert!(matches!(err, ListenError::InUse { .. }), "{err}");
    // The second server's look at whether the first is alive.
    listener.accept().await;
    exchange(&listener, &Target::unix(&path)).await;
    drop(listener);
    assert!(!path.exists());
}

#[tokio::test]
async fn only_dead_sockets_make_way() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    // As a killed server leaves it: the file without a listener.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let err = connect(&Target::unix(&path), SOON).await.unwrap_err();
    assert!(matches!(err, ConnectError::NoServer { .. }), "{err}");
    let listener = Listener::bind(&[ListenAddress::Unix(path.clone())]).await.unwrap();
    exchange(&listener, &Target::unix(&path)).await;
    // A file that took our place is not ours to remove.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    drop(listener);
    let err = Listener::bind(&[ListenAddress::Unix(path.clone())]).await.unwrap_err();
    assert!(matches!(err, ListenError::NotASocket { .. }), "{err}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[tokio::test]
async fn refused_and_silent_servers() {
    let listener = bind("127.0.0.1:0").await.unwrap();
    let target = Target::tcp("127.0.0.1", listener.local_addrs()[0].port().unwrap());
    drop(listener);
    let err = connect(&target, SOON).await.unwrap_err();
    assert!(matches!(err, ConnectError::Refused { .. }), "{err}");

    // Linux answers no more connections than the backlog holds.
    let silent = TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let silent = silent.listen(1).unwrap();
    let target = Target::tcp("127.0.0.1", silent.local_addr().unwrap().port());
    let mut held = Vec::new();
    let err = loop {
        match connect(&target, Duration::from_millis(200)).await {
            Ok(stream) => held.push(stream),
            Err(err) => break err,
        }
        assert!(held.len() < 100);
    };
    assert!(matches!(err, ConnectError::TimedOut { .. }), "{err}");
    assert!(err.to_string().contains("does not answer within 0.2 s"), "{err}");

    let err = connect(&Target::unix("/nonexistent/s"), SOON).await.unwrap_err();
    assert!(matches!(err, ConnectError::NoServer { .. }), "{err}");
}
