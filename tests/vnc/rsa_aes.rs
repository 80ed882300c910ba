//! RSA-AES between Panto's viewer and Panto's server, with someone in between who leaves one type to choose.

use panto_tests::harness::Served;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};

use super::*;

const NAME: &str = "a desk with a name";
const SECRET: &str = "correct horse battery staple";

/// A way to a VNC server on which all types but one get lost. What goes by is written down.
struct Narrow {
    port: u16,
    /// What was said to the server, and what it said, on all connections.
    said: Arc<Mutex<[Vec<u8>; 2]>>,
}

impl Narrow {
    async fn to(server: u16, number: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let narrow = Self { port: listener.local_addr().unwrap().port(), said: Arc::default() };
        let said = Arc::clone(&narrow.said);
        tokio::spawn(async move {
            loop {
                let (viewer, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                // However it ends, it is over.
                tokio::spawn(between(viewer, server, number, Arc::clone(&said)));
            }
        });
        narrow
    }
}

async fn between(
    viewer: TcpStream,
    server: TcpStream,
    number: u8,
    said: Arc<Mutex<[Vec<u8>; 2]>>,
) -> std::io::Result<()> {
    let ((mut from_viewer, mut to_viewer), (mut from_server, mut to_server)) =
        (viewer.into_split(), server.into_split());
    let mut version = [0; 12];
    from_server.read_exact(&mut version).await?;
    to_viewer.write_all(&version).await?;
    from_viewer.read_exact(&mut version).await?;
    to_server.write_all(&version).await?;
    let mut types = vec![0; from_server.read_u8().await?.into()];
    from_server.read_exact(&mut types).await?;
    assert!(types.contains(&number), "{types:?}");
    to_viewer.write_all(&[1, number]).await?;
    let _ = tokio::join!(
        pass(from_viewer, to_server, 0, Arc::clone(&said)),
        pass(from_server, to_viewer, 1, Arc::clone(&said))
    );
    Ok(())
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: OwnedWriteHalf,
    way: usize,
    said: Arc<Mutex<[Vec<u8>; 2]>>,
) -> std::io::Result<()> {
    let mut buf = vec![0; 16 << 10];
    loop {
        let n = from.read(&mut buf).await?;
        if n == 0 {
            return to.shutdown().await;
        }
        said.lock().unwrap()[way].extend_from_slice(&buf[..n]);
        to.write_all(&buf[..n]).await?;
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn serve(home: &Panto) -> (Served, u16) {
    crate::security::passwd(home, &["me"], SECRET);
    let served = home.serve(&["127.0.0.1:0", "--rfb=127.0.0.1:0", "--name", NAME, "--demo"]);
    let address = crate::rfb::address(&served);
    (served, address.rsplit(':').next().unwrap().parse().unwrap())
}

/// A viewer that was let in and sees something.
async fn looks(home: &Panto, port: u16) {
    let watcher = Watcher::start_with(options(home, port), Knows::one(SECRET));
    watcher.until("the demo is there", |p| p.data().iter().any(|c| *c != 0)).await;
    watcher.quit().await.1.expect("a good end");
}

async fn fails(home: &Panto, port: u16, password: &'static str) -> ViewError {
    let watcher = Watcher::start_with(options(home, port), Knows::one(password));
    watcher.ended().await.1.expect_err("not let in")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_lets_in_who_knows_the_password() {
    let home = panto();
    let (_served, server) = serve(&home);
    for (number, label, sealed) in [
        (129, "RA2-SHA256:", true),
        (5, "RA2-SHA256:", true),
        (130, "RA2ne-SHA256:", false),
        (6, "RA2ne-SHA256:", false),
    ] {
        let narrow = Narrow::to(server, number).await;
        looks(&home, narrow.port).await;
        let [up, down] = std::mem::take(&mut *narrow.said.lock().unwrap());
        assert_eq!(up[0], number);
        assert!(!contains(&up, SECRET), "type {number}: the password is to be read");
        assert_eq!(contains(&down, NAME), !sealed, "type {number}: what follows");
        let hosts = std::fs::read_to_string(home.path("known_hosts")).unwrap();
        let line = format!("127.0.0.1:{} {label}", narrow.port);
        assert_eq!(hosts.lines().filter(|l| l.starts_with(&line)).count(), 1, "type {number}: {hosts}");
        let error = fails(&home, narrow.port, "wrong horse").await;
        let refused = matches!(&error, ViewError::Auth { reason } if reason.contains("wrong password"));
        assert!(refused, "type {number}: {error}");
        // The server is known by now, and nobody need be asked.
        let strict = ClientOptions { trust: TrustPolicy::Strict, ..options(&home, narrow.port) };
        let watcher = Watcher::start_with(strict, Knows::one(SECRET));
        watcher.until("the demo is there", |p| p.data().iter().any(|c| *c != 0)).await;
        watcher.quit().await.1.expect("a good end");
    }
    // All four are one key.
    let hosts = std::fs::read_to_string(home.path("known_hosts")).unwrap();
    let mut keys: Vec<&str> = hosts.lines().map(|line| line.rsplit(':').next().unwrap()).collect();
    keys.dedup();
    assert_eq!(keys.len(), 1, "{hosts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_known_or_has_encrypted_before_gets_no_password() {
    let home = panto();
    let (_served, server) = serve(&home);
    let narrow = Narrow::to(server, 129).await;
    let knows = || Knows::one(SECRET);
    for (trust, said) in
        [(TrustPolicy::Strict, "was never seen before"), (TrustPolicy::Ask, "was not accepted")]
    {
        let asked = ClientOptions { trust, ..options(&home, narrow.port) };
        let error = Watcher::start_with(asked, knows()).ended().await.1.expect_err("not trusted").to_string();
        assert!(error.contains(said), "{error}");
    }
    // Nothing but the choice was sent, and the name above all not.
    assert_eq!(narrow.said.lock().unwrap()[0], [129, 129]);
    looks(&home, narrow.port).await;

    // Another key behind the same address.
    let other = panto();
    let (_other_served, other_server) = serve(&other);
    let known = std::fs::read_to_string(home.path("known_hosts")).unwrap();
    let moved = Narrow::to(other_server, 129).await;
    let at = |port: u16| known.replace(&narrow.port.to_string(), &port.to_string());
    std::fs::write(home.path("known_hosts"), at(moved.port)).unwrap();
    let error = fails(&home, moved.port, SECRET).await.to_string();
    assert!(error.contains("has changed: it was RA2-SHA256:"), "{error}");
    assert_eq!(moved.said.lock().unwrap()[0], [129]);

    // The same key, but someone wants to read along.
    for number in [6, 130] {
        let downgrade = Narrow::to(server, number).await;
        std::fs::write(home.path("known_hosts"), at(downgrade.port)).unwrap();
        let error = fails(&home, downgrade.port, SECRET).await.to_string();
        assert!(error.contains("of which none can be used here") && error.contains("RA2_256"), "{error}");
        assert!(downgrade.said.lock().unwrap()[0].is_empty(), "something was sent");
    }
}
