//! A wire between viewers and a server that a test can cut, hold up and count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use panto_transport::{ListenAddress, Listener, Stream, Target, connect};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A Unix socket whose connections lead to a server, wherever that listens.
pub struct Relay {
    /// Where viewers connect.
    pub target: Target,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
    _dir: TempDir,
}

struct Shared {
    line: watch::Sender<Line>,
    down: AtomicU64,
    up: AtomicU64,
    /// `down` never grows beyond this.
    limit: AtomicU64,
}

/// What is true of the wire now. Connections are numbered from 1.
#[derive(Clone)]
struct Line {
    upstream: Target,
    /// New connections end at once.
    refuses: bool,
    accepted: u64,
    /// Connections up to this one are cut.
    cut: u64,
    /// Connections up to this one carry nothing any more, and nobody is told.
    stuck: u64,
}

impl Relay {
    /// Leads to `upstream`.
    pub async fn to(upstream: &Target) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let path = dir.path().join("s/relay.sock");
        let listener = Listener::bind(&[ListenAddress::Unix(path.clone())]).await.expect("a socket");
        let line = Line { upstream: upstream.clone(), refuses: false, accepted: 0, cut: 0, stuck: 0 };
        let shared = Arc::new(Shared {
            line: watch::Sender::new(line),
            down: AtomicU64::new(0),
            up: AtomicU64::new(0),
            limit: AtomicU64::new(u64::MAX),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { target: Target::unix(path), shared, task, _dir: dir }
    }

    /// Ends all connections, and every new one, until [`Relay::restore`].
    pub fn cut(&self) {
        self.shared.line.send_modify(|l| (l.cut, l.refuses) = (l.accepted, true));
    }

    /// Lets so many more bytes come down, and ends all connections then, wherever that
    /// is in a message, and every new one, until [`Relay::restore`].
    pub fn cut_after(&self, bytes: u64) {
        self.shared.limit.store(self.down() + bytes, Ordering::SeqCst);
        self.shared.line.send_modify(|l| l.refuses = false);
    }

    /// Whether all bytes that [`Relay::cut_after`] granted have come down.
    pub fn is_spent(&self) -> bool {
        self.down() >= self.shared.limit.load(Ordering::SeqCst)
    }

    /// Lets new connections through again.
    pub fn restore(&self) {
        self.shared.limit.store(u64::MAX, Ordering::SeqCst);
        self.shared.line.send_modify(|l| l.refuses = false);
    }

    /// New connections lead to another server.
    pub fn lead_to(&self, upstream: &Target) {
        self.shared.line.send_modify(|l| l.upstream = upstream.clone());
    }

    /// Holds up all connections of now for ever, without closing them. New ones work.
    pub fn swallow(&self) {
        self.shared.line.send_modify(|l| l.stuck = l.accepted);
    }

    /// Bytes carried to viewers so far.
    pub fn down(&self) -> u64 {
        self.shared.down.load(Ordering::SeqCst)
    }

    /// Bytes carried to the server so far.
    pub fn up(&self) -> u64 {
        self.shared.up.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

async fn accept(listener: Listener, shared: Arc<Shared>) {
    loop {
        let (viewer, _) = listener.accept().await;
        let mut number = 0;
        let mut line = None;
        shared.line.send_modify(|l| {
            l.accepted += 1;
            number = l.accepted;
            line = (!l.refuses).then(|| l.clone());
        });
        if let Some(line) = line {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                if let Ok(server) = connect(&line.upstream, Duration::from_secs(5)).await {
                    carry(viewer, server, number, &shared).await;
                }
            });
        }
    }
}

/// Carries bytes until either end closes or the wire is cut, and closes both then.
async fn carry(viewer: Stream, server: Stream, number: u64, shared: &Shared) {
    let (from_viewer, to_viewer) = tokio::io::split(viewer);
    let (from_server, to_server) = tokio::io::split(server);
    let mut line = shared.line.subscribe();
    let mut also = shared.line.subscribe();
    let cut = async {
        let _ = line.wait_for(|l| l.cut >= number).await;
    };
    let stuck = async {
        let _ = also.wait_for(|l| l.stuck >= number).await;
    };
    let carried = async {
        tokio::select! {
            biased;
            () = stuck => {}
            () = pump(from_viewer, to_server, &shared.up, &NO_LIMIT) => return,
            () = pump(from_server, to_viewer, &shared.down, &shared.limit) => return,
        }
        // Both sockets stay open, and nobody reads or writes.
        std::future::pending().await
    };
    tokio::select! {
        () = cut => {}
        () = carried => {}
    }
}

static NO_LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);

/// Carries bytes one way, up to the limit of the count.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    count: &AtomicU64,
    limit: &AtomicU64,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let rest = limit.load(Ordering::SeqCst).saturating_sub(count.load(Ordering::SeqCst));
        let carried = n.min(usize::try_from(rest).unwrap_or(usize::MAX));
        if to.write_all(&buffer[..carried]).await.is_err() || to.flush().await.is_err() {
            return;
        }
        count.fetch_add(carried as u64, Ordering::SeqCst);
        if carried < n {
            return;
        }
    }
}
