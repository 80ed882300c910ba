//! A VNC server as a source, which makes this server a gateway to it.
//!
//! ```text
//!   VNC server ─► Connection ─► Updates ─► scene
//!        ▲───────── Hands ◄── input, clipboard, size ◄── viewers
//! ```
//!
//! A thread of its own talks with it ([`link`]), so that large updates hold up nobody's session, and
//! what is held down there is let go however this server ends.

mod link;
#[cfg(test)]
mod tests;
mod updates;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread::JoinHandle;

use panto_protocol::geometry::Size;
use panto_protocol::message::InputEvent;
use panto_protocol::rfb::client::{ConnectionError, ServerInit};
use panto_transport::Stream;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use self::link::Gateway;
use super::Source;
use crate::desk::Desk;
use crate::scene::SharedScene;

/// Input that waits for the server at most. One that is further behind takes none.
const MAX_WAITING: usize = 4096;

/// What makes connections to the VNC server, and knows whom to trust and what to prove.
pub trait VncConnect: Send + 'static {
    /// Why there is none, in a sentence for people.
    type Error: std::error::Error + Send + 'static;

    /// Connects and is let in. Dropping the future gives up the attempt.
    fn connect(&mut self) -> impl Future<Output = Result<VncOpened, Self::Error>>;

    /// Whether another attempt makes sense.
    fn is_retryable(error: &Self::Error) -> bool;
}

/// A VNC server that has let this one in.
#[derive(Debug)]
pub struct VncOpened {
    /// The connection.
    pub stream: Stream,
    /// What the server has told of itself.
    pub init: ServerInit,
    /// Bytes that it has said since.
    pub said: Vec<u8>,
}

/// Why a VNC server cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum VncSourceError<E> {
    /// It does not let this server in.
    #[error(transparent)]
    Connect(E),
    /// It does not speak its protocol.
    #[error(transparent)]
    Protocol(ConnectionError),
    /// The system refuses a thread.
    #[error("no thread for the VNC server: {0}")]
    System(#[from] std::io::Error),
}

/// A VNC server's screen.
pub struct VncSource {
    shared: Arc<Shared>,
    input: mpsc::Sender<InputEvent>,
    name: String,
    desk: Arc<Desk>,
    /// Taken by the end.
    thread: Option<JoinHandle<()>>,
}

/// What the source and its thread tell each other.
struct Shared {
    orders: Mutex<Orders>,
    /// There are new orders.
    ordered: Notify,
    stop: watch::Sender<bool>,
    can_resize: AtomicBool,
    failure: OnceLock<String>,
    /// Why the server is lost, while it is.
    lost: Mutex<Option<String>>,
}

/// What was asked for and is not done yet; the newest of each.
#[derive(Debug, Default)]
struct Orders {
    size: Option<Size>,
    clipboard: Option<Arc<str>>,
    /// Input was thrown away, because too much waits already.
    stuck: bool,
}

/// The first connection, as its thread hands it over.
struct Begun {
    scene: Arc<SharedScene>,
    name: String,
}

impl VncSource {
    /// Connects, and serves the screen of whoever is there into a new scene. Comes back after every
    /// later loss, until it is refused.
    ///
    /// # Errors
    ///
    /// If the first connection cannot be made, whether or not another attempt would make sense.
    pub async fn start<C: VncConnect>(
        connect: C,
    ) -> Result<(Self, Arc<SharedScene>), VncSourceError<C::Error>> {
        let shared = Arc::new(Shared {
            orders: Mutex::default(),
            ordered: Notify::new(),
            stop: watch::Sender::new(false),
            can_resize: AtomicBool::new(false),
            failure: OnceLock::new(),
            lost: Mutex::default(),
        });
        let desk = Arc::new(Desk::new({
            let shared = Arc::clone(&shared);
            move |text| shared.order(|orders| orders.clipboard = Some(text))
        }));
        let (input, events) = mpsc::channel(MAX_WAITING);
        let (begun, beginning) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let gateway = Gateway::new(Arc::clone(&shared), Arc::clone(&desk), events);
        let thread = std::thread::Builder::new().name("vnc source".into()).spawn(move || {
            runtime.block_on(gateway.run(connect, begun));
            // A question that nobody has answered must not hold up the end.
            runtime.shutdown_background();
        })?;
        // From here on dropping this ends the thread.
        let mut source = Self { shared, input, name: String::new(), desk, thread: Some(thread) };
        match beginning.await {
            Ok(Ok(Begun { scene, name })) => {
                source.name = name;
                Ok((source, scene))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(std::io::Error::other("it has ended").into()),
        }
    }

    /// What the server called itself at first; empty if it has no name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Shared {
    fn lost(&self) -> MutexGuard<'_, Option<String>> {
        self.lost.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.orders());
        self.ordered.notify_one();
    }
}

impl Source for VncSource {
    fn input(&self, event: &InputEvent) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.input.try_send(event.clone()) {
            self.shared.order(|orders| orders.stuck = true);
        }
    }

    fn unhandled(&self) -> usize {
        self.input.max_capacity() - self.input.capacity()
    }

    fn can_resize(&self) -> bool {
        self.shared.can_resize.load(Ordering::Acquire)
    }

    fn resize(&self, size: Size) -> Result<(), String> {
        if !self.can_resize() {
            return Err(
                "this VNC server does not change its screen's size; the picture is scaled instead".into()
            );
        }
        self.shared.order(|orders| orders.size = Some(size));
        Ok(())
    }

    fn failure(&self) -> Option<String> {
        self.shared.failure.get().cloned()
    }

    fn trouble(&self) -> Option<String> {
        self.shared.lost().clone()
    }

    fn desk(&self) -> Option<&Arc<Desk>> {
        Some(&self.desk)
    }
}

impl Drop for VncSource {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
