//! The asynchronous runtime, and how people end a program.

use anyhow::Context;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Four workers even on small machines: planning a frame keeps one busy for some
/// milliseconds, and others must answer meanwhile.
pub fn start() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(4, |n| n.get().clamp(4, 16)))
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// SIGINT and SIGTERM, heard from the moment this exists.
pub struct Interruptions {
    interrupt: Signal,
    terminate: Signal,
}

impl Interruptions {
    /// Begins to listen: before anything is started that a signal should end tidily.
    /// Call inside the runtime.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the first of them.
    pub async fn first(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
