//! The asynchronous runtime, and how people end a program.

use anyhow::Context;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Four workers even on small machines: planning a frame keeps one busy for some
/// milliseconds, and others must answer meanwhile.
pub fn start() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(4, |n| n.get().clamp(4, 16)))
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// Waits for SIGINT or SIGTERM.
pub async fn interrupted() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
