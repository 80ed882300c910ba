//! The same link between real programs: a TCP relay that carries every connection
//! over one [`Link`] in real time, and counts.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use panto_protocol::time::Micros;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::{ConnectionId, Direction, Link, Profile};

/// What the system may buffer before the relay reads it. Its default of megabytes
/// would be a second queue before the link's own.
const RECEIVE_BUFFER: u32 = 32 << 10;

/// Bytes read at once.
const READ: usize = 16 << 10;

/// What a relay has carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RelayCounts {
    /// Connections so far.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// Bytes that the viewer's side was given.
    pub bytes_down: u64,
    /// Bytes that the server's side was given.
    pub bytes_up: u64,
    /// Packets that the link carried to the viewer, as it models them.
    pub packets_down: u64,
    /// The same to the server.
    pub packets_up: u64,
}

/// A relay at work. Dropping it ends all its connections.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
    clock: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    state: Mutex<State>,
    /// Wakes the clock: what happens next may have changed.
    planned: Condvar,
    /// Wakes the connections: bytes may have arrived, or there may be room.
    moved: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    link: Link,
    counts: RelayCounts,
    /// Why the last connection to the target failed.
    failure: Option<String>,
    stop: bool,
}

impl Relay {
    /// Listens and leads every connection to `target`, whose side is the server's.
    /// Call inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// What the system says of the address.
    pub fn start(listen: SocketAddr, target: SocketAddr, profile: &Profile) -> io::Result<Self> {
        Self::start_turned(listen, target, profile, false)
    }

    /// The same; with `turned`, the side that connects is the server's and the target
    /// the viewer's, as in X11.
    ///
    /// # Errors
    ///
    /// What the system says of the address.
    pub fn start_turned(
        listen: SocketAddr,
        target: SocketAddr,
        profile: &Profile,
        turned: bool,
    ) -> io::Result<Self> {
        let socket = socket_for(listen)?;
        socket.set_reuseaddr(true)?;
        socket.bind(listen)?;
        let listener = socket.listen(64)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            started: Instant::now(),
            state: Mutex::new(State {
                link: Link::new(profile, 1),
                counts: RelayCounts::default(),
                failure: None,
                stop: false,
            }),
            planned: Condvar::new(),
            moved: watch::Sender::new(()),
        });
        // A thread, as timers of the runtime are no finer than a millisecond.
        let clock = std::thread::Builder::new().name("link".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.run_clock()
        })?;
        let accepting = tokio::spawn(accept(listener, target, turned, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting, clock: Some(clock) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has carried so far.
    pub fn counts(&self) -> RelayCounts {
        self.shared.state().counts
    }

    /// Why the last connection to the target failed, if one did.
    pub fn failure(&self) -> Option<String> {
        self.shared.state().failure.clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.state().stop = true;
        self.shared.planned.notify_all();
        // Every connection looks and leaves.
        self.shared.moved.send_replace(());
        if let Some(clock) = self.clock.take() {
            let _ = clock.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Micros {
        self.started.elapsed().into()
    }

    fn run_clock(&self) {
        let mut state = self.state();
        while !state.stop {
            let now = self.now();
            state.link.advance(now);
            let counts = (state.link.packets(Direction::Down), state.link.packets(Direction::Up));
            (state.counts.packets_down, state.counts.packets_up) = counts;
            self.moved.send_replace(());
            let wait = match state.link.next_event() {
                Some(at) => Duration::from(at.since(self.now())).max(Duration::from_micros(20)),
                None => Duration::from_secs(3600),
            };
            (state, _) = self.planned.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until `ready` gives something, or the relay stops.
    async fn wait<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut moved = self.moved.subscribe();
        loop {
            {
                let mut state = self.state();
                if state.stop {
                    return None;
                }
                if let Some(found) = ready(&mut state) {
                    return Some(found);
                }
            }
            moved.changed().await.ok()?;
        }
    }
}

fn socket_for(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    Ok(socket)
}

async fn accept(listener: TcpListener, target: SocketAddr, turned: bool, shared: Arc<Shared>) {
    loop {
        let Ok((near, _)) = listener.accept().await else {
            // Out of descriptors, for instance: that passes.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        tokio::spawn(carry(near, target, turned, Arc::clone(&shared)));
    }
}

async fn carry(near: TcpStream, target: SocketAddr, turned: bool, shared: Arc<Shared>) {
    let far = match connect(target).await {
        Ok(far) => far,
        Err(error) => {
            shared.state().failure = Some(format!("{target} cannot be reached: {error}"));
            return;
        }
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let id = {
        let mut state = shared.state();
        state.counts.connections += 1;
        state.counts.open += 1;
        state.link.open(shared.now())
    };
    let (viewer, server) = if turned { (far, near) } else { (near, far) };
    let (from_viewer, to_viewer) = viewer.into_split();
    let (from_server, to_server) = server.into_split();
    let down = stream(from_server, to_viewer, id, Direction::Down, &shared);
    let up = stream(from_viewer, to_server, id, Direction::Up, &shared);
    // One half may close before the other; an error ends both.
    let _ = tokio::try_join!(down, up);
    let mut state = shared.state();
    state.link.close(id);
    state.counts.open -= 1;
}

async fn connect(target: SocketAddr) -> io::Result<TcpStream> {
    socket_for(target)?.connect(target).await
}

/// Carries one direction to its end.
async fn stream(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    id: ConnectionId,
    direction: Direction,
    shared: &Shared,
) -> io::Result<()> {
    let ended = watch::Sender::new(false);
    tokio::try_join!(
        take_in(from, id, direction, shared, &ended),
        give_out(to, id, direction, shared, ended.subscribe())
    )?;
    Ok(())
}

async fn take_in(
    mut from: OwnedReadHalf,
    id: ConnectionId,
    direction: Direction,
    shared: &Shared,
    ended: &watch::Sender<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; READ];
    loop {
        let room = shared.wait(|s| Some(s.link.room(id, direction)).filter(|r| *r > 0)).await;
        let room = room.ok_or(io::ErrorKind::ConnectionAborted)?.min(READ);
        let n = from.read(&mut buffer[..room]).await?;
        if n == 0 {
            ended.send_replace(true);
            shared.moved.send_replace(());
            return Ok(());
        }
        shared.state().link.write(id, direction, &buffer[..n], shared.now());
        shared.planned.notify_one();
    }
}

async fn give_out(
    mut to: OwnedWriteHalf,
    id: ConnectionId,
    direction: Direction,
    shared: &Shared,
    ended: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let more = shared
            .wait(|s| {
                if s.link.read(id, direction, &mut buffer) > 0 {
                    let counts = &mut s.counts;
                    match direction {
                        Direction::Down => counts.bytes_down += buffer.len() as u64,
                        Direction::Up => counts.bytes_up += buffer.len() as u64,
                    }
                    return Some(true);
                }
                (*ended.borrow() && s.link.is_drained(id, direction)).then_some(false)
            })
            .await;
        match more {
            Some(true) => to.write_all(&buffer).await?,
            Some(false) => return to.shutdown().await,
            None => return Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }
}
