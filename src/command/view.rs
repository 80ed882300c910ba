//! `panto view`.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use panto_transport::{KnownHosts, Target, TrustPolicy};
use panto_viewer::core::{
    Client, ClientOptions, Command, Handle, LibraryStore, Means, View as ViewState, VncOptions,
};
use panto_viewer::stats::Stats;
#[cfg(feature = "window")]
use panto_viewer::ui::WindowOptions;

use super::{report, runtime};
use crate::cli::{Trust, View, YesNo};
use crate::exit::Exit;
use crate::prompt::Terminal;

pub fn run(options: View) -> anyhow::Result<Exit> {
    let target: Target = options.target.parse()?;
    for path in [&options.stats, &options.screenshot].into_iter().flatten() {
        report::check_output(path)?;
    }
    let prompt = Terminal::new(options.password_file.as_ref(), options.password_fd)?;
    let client = ClientOptions {
        target,
        trust: trust(options.trust),
        known_hosts: match &options.known_hosts {
            Some(path) => KnownHosts::at(path),
            None => KnownHosts::of_user()?,
        },
        tls: !options.no_tls,
        name: options.name.clone().unwrap_or_else(viewer_name),
        settings: options.picture.settings(),
        view_only: options.window.view_only,
        local_moves: options.window.local_moves == YesNo::Yes,
        explain: options.window.explain,
        disk_cache: disk_cache(options.disk_cache),
        vnc: VncOptions {
            encoding: options.vnc.encoding.map(Into::into),
            jpeg: options.vnc.jpeg,
            user: options.vnc.user.clone(),
        },
        reconnect: !options.no_reconnect,
        duration: options.duration,
    };
    let terminal = rustix::termios::tcgetattr(std::io::stdin()).ok();
    let runtime = runtime::start()?;
    let state = ViewState::new();
    let handle = state.handle();
    let interruptions = {
        let _inside = runtime.enter();
        runtime::Interruptions::listen()?
    };
    let task = runtime.spawn(Client::new(client, Arc::new(prompt), state).run());
    let interrupted = Arc::new(AtomicBool::new(false));
    {
        let (handle, interrupted) = (handle.clone(), Arc::clone(&interrupted));
        runtime.spawn(async move {
            interruptions.first().await;
            // Before the end that it brings about.
            interrupted.store(true, Ordering::Release);
            handle.dismiss();
        });
    }

    let window = show(&options, &handle);
    if window.is_err() {
        handle.send(Command::Quit);
    }
    let (stats, ended) = runtime.block_on(task)?;
    let interrupted = interrupted.load(Ordering::Acquire);
    // A prompt that still waits for its answer must not hold up the end.
    runtime.shutdown_background();
    if let Some(terminal) = terminal {
        restore_echo(&terminal);
    }
    save(&options, &handle, &stats)?;
    window?;
    ended?;
    Ok(if interrupted { Exit::Interrupted } else { Exit::Ok })
}

/// What to do about servers that are not known.
pub(super) fn trust(wanted: Option<Trust>) -> TrustPolicy {
    match wanted {
        Some(Trust::Ask) => TrustPolicy::Ask,
        Some(Trust::New) => TrustPolicy::New,
        Some(Trust::Strict) => TrustPolicy::Strict,
        None if std::io::stdin().is_terminal() => TrustPolicy::Ask,
        None => TrustPolicy::Strict,
    }
}

/// Where glyphs and tiles are kept, if they are to be. Without such a place there is
/// nothing to be gained, and nothing lost.
fn disk_cache(wanted: YesNo) -> Option<LibraryStore> {
    if wanted == YesNo::No {
        return None;
    }
    LibraryStore::of_user()
        .inspect_err(|error| tracing::warn!(%error, "nothing is kept for the next session"))
        .ok()
}

/// A password prompt that is interrupted leaves the terminal without echo. Only then is
/// anything done: a job in the background would be stopped for touching its terminal.
pub(super) fn restore_echo(before: &rustix::termios::Termios) {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let echo = |t: &rustix::termios::Termios| t.local_modes.contains(LocalModes::ECHO);
    if echo(before) && tcgetattr(std::io::stdin()).is_ok_and(|now| !echo(&now)) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
    }
}

/// Shows the window until it is closed; without a window, returns at once.
#[cfg(feature = "window")]
fn show(options: &View, handle: &Handle) -> anyhow::Result<()> {
    if options.no_window {
        return Ok(());
    }
    // The window ends when the person quits or the connection has ended for good.
    let window = WindowOptions {
        // Who said for how long does not wait for a person.
        linger: options.duration.is_none(),
        // Panto's own protocol has none yet.
        clipboard: is_vnc(&options.target),
        ..window_options(&options.window, title(&options.target))
    };
    panto_viewer::ui::run(handle.clone(), window)?;
    handle.send(Command::Quit);
    Ok(())
}

#[cfg(not(feature = "window"))]
fn show(options: &View, _: &Handle) -> anyhow::Result<()> {
    if options.no_window {
        return Ok(());
    }
    Err(crate::exit::Usage(
        "this panto was built without its window (feature `window`); use --no-window".into(),
    )
    .into())
}

/// Whether a VNC server is to be viewed.
#[cfg(feature = "window")]
fn is_vnc(target: &str) -> bool {
    use panto_transport::Protocol;
    target.parse::<Target>().is_ok_and(|target| target.protocol == Protocol::Vnc)
}

/// The target as people say it: without scheme and fingerprint.
#[cfg(feature = "window")]
fn title(target: &str) -> &str {
    let target = ["panto://", "vnc://"].into_iter().find_map(|s| target.strip_prefix(s)).unwrap_or(target);
    target.split(['/', '?']).next().filter(|host| !host.is_empty() && *host != "unix:").unwrap_or(target)
}

/// The window's options from the command line's.
#[cfg(feature = "window")]
pub fn window_options(options: &crate::cli::Window, title: &str) -> WindowOptions {
    use crate::cli::{RendererArg, Zoom};
    use panto_viewer::ui::{Renderer, Scaling};
    WindowOptions {
        title: title.to_owned(),
        fullscreen: options.fullscreen,
        view_only: options.view_only,
        renderer: match options.renderer {
            RendererArg::Auto => Renderer::Auto,
            RendererArg::Gpu => Renderer::Gpu,
            RendererArg::Cpu => Renderer::Cpu,
        },
        scaling: match options.zoom {
            Zoom::Fit => Scaling::Fit,
            Zoom::Sharp => Scaling::Sharp,
            Zoom::Factor(n) => Scaling::Whole(n),
        },
        statistics: options.statistics,
        remote_resize: options.resize_remote,
        hints: !options.no_hints,
        ..WindowOptions::default()
    }
}

fn save(options: &View, handle: &Handle, stats: &Stats) -> anyhow::Result<()> {
    if options.window.explain {
        // The figures' JSON has stdout for itself.
        match options.stats.as_deref() {
            Some(path) if path == Path::new("-") => eprint!("{}", legend(stats)),
            _ => print!("{}", legend(stats)),
        }
    }
    if let Some(path) = &options.stats {
        report::save_json(stats, path)?;
    }
    if let Some(path) = &options.screenshot
        && handle.shown().generation > 0
    {
        report::save_picture(&handle.shown().picture, path)?;
    }
    Ok(())
}

/// What the tints of `--explain` mean, and what each way of sending has cost.
fn legend(stats: &Stats) -> String {
    let mut out = format!("{:<8} {:<9} {:>12}  what\n", "sent as", "tint", "bytes");
    for means in Means::ALL {
        let tint = means.color().map_or("-".to_owned(), |c| format!("#{c:06x}"));
        let bytes = stats.payload_bytes_by_means.get(means.name()).copied().unwrap_or(0);
        out += &format!("{:<8} {tint:<9} {bytes:>12}  {}\n", means.name(), means.about());
    }
    out
}

/// `user@host`, as the server's list of viewers shows it.
fn viewer_name() -> String {
    let user = std::env::var("USER").unwrap_or_else(|_| "viewer".into());
    format!("{user}@{}", rustix::system::uname().nodename().to_string_lossy())
}
