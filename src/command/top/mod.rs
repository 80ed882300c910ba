//! `panto top`: live figures of a running server, from two samples of its control socket.

#[cfg(test)]
mod example;
mod keys;
mod live;
mod plain;
mod rates;
mod sample;
mod screen;
mod table;
mod view;

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::bail;

use super::runtime;
use crate::cli::Top;
use crate::exit::{Exit, NoControl, Usage};
use crate::paths;
use sample::sample;

/// Shortest interval: more often, the asking itself would show in the server's CPU.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

pub fn run(options: Top) -> anyhow::Result<Exit> {
    if options.interval < MIN_INTERVAL {
        bail!(Usage(format!("an interval of {:?} is too short; it is 100ms at least", options.interval)));
    }
    let path = options.socket.clone().unwrap_or_else(paths::control_socket);
    let runtime = runtime::start()?;
    let ended = runtime.block_on(async {
        // Signals are heard before the terminal is changed.
        let interruptions = runtime::Interruptions::listen()?;
        let first = sample(&path).await.map_err(|source| NoControl { path: path.clone(), source })?;
        let is_plain = options.once || options.json || !std::io::stdout().is_terminal();
        if is_plain {
            tokio::select! {
                ended = plain::print(&path, &options, first) => ended,
                () = interruptions.first() => Ok(Ended::Interrupted),
            }
        } else {
            live::run(&path, options.interval, first, interruptions).await
        }
    });
    // A thread still waits for keys.
    runtime.shutdown_background();
    match ended? {
        Ended::Done => Ok(Exit::Ok),
        Ended::Interrupted => Ok(Exit::Interrupted),
        Ended::ServerGone(error) => {
            eprintln!("panto: the server at {} has gone away: {error}", path.display());
            Ok(Exit::ConnectionLost)
        }
    }
}

/// How it ended, when nothing is wrong here.
enum Ended {
    Done,
    Interrupted,
    ServerGone(std::io::Error),
}
