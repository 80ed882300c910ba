//! Logs go to stderr; results go to stdout.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::cli::{LogFormat, Logging};

/// Starts logging. `PANTO_LOG` and `RUST_LOG` (a filter such as `panto_server=debug`)
/// win over `-v` and `-q`.
pub fn start(options: &Logging) {
    let level = match (options.quiet, options.verbose) {
        (true, _) => "error",
        (false, 0) => "warn,winit=error,panto=info,panto_server=info,panto_viewer=info,panto_transport=info",
        (false, 1) => "info,panto=debug,panto_server=debug,panto_viewer=debug,panto_transport=debug",
        (false, _) => "debug,panto=trace,panto_server=trace,panto_viewer=trace,panto_transport=trace",
    };
    let filter = ["PANTO_LOG", "RUST_LOG"]
        .iter()
        .find_map(|name| EnvFilter::try_from_env(name).ok())
        .unwrap_or_else(|| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    match options.log_format {
        LogFormat::Text => builder.with_target(false).init(),
        LogFormat::Json => builder.json().init(),
    }
}
