//! `panto demo`.

use std::sync::atomic::Ordering;

use panto_compare::link::Profile;
use panto_compare::matrix::Matrix;
use panto_compare::run::RunOptions;
use panto_compare::workload::Workload;
use panto_protocol::message::{Depth, Mode, Settings};
use panto_protocol::time::Micros;

use super::record::stop_on_signals;
use super::{progress, report};
use crate::cli::Demo;
use crate::exit::Exit;

pub fn run(options: Demo) -> anyhow::Result<Exit> {
    if options.headless {
        return headless(&options);
    }
    if std::env::var_os("DISPLAY").is_none() && std::env::var_os("WAYLAND_DISPLAY").is_none() {
        eprintln!("There is no display to open a window on, so the demo runs without one (--headless).");
        return headless(&options);
    }
    windowed(options)
}

/// The ways of sending that the demo's table compares: depths of `pixels`, then the modes.
fn ways() -> Vec<Settings> {
    let pixels = |depth| Settings { mode: Mode::Pixels, depth, ..Settings::default() };
    let mut all: Vec<Settings> = Depth::ALL.into_iter().map(pixels).collect();
    all.insert(1, Settings { copy_rect: true, ..pixels(Depth::D24) });
    all.extend(
        [Mode::Commands, Mode::Hybrid, Mode::Auto].map(|mode| Settings { mode, ..Settings::default() }),
    );
    all
}

/// Plays the script in every way, in virtual time: `panto compare --demo` and a picture.
fn headless(options: &Demo) -> anyhow::Result<Exit> {
    let size = options.size;
    println!(
        "Demo desktop, {}x{}: its script, played once for each way of sending it.\n",
        size.width, size.height
    );
    let lan = Profile::named("lan").unwrap_or_default();
    let matrix = Matrix {
        workloads: vec![Workload::demo(size)],
        links: vec![lan.clone()],
        ways: ways(),
        seed: 1,
        limit: Micros::from_millis(3_600_000),
        ..Matrix::default()
    };
    let stop = stop_on_signals()?;
    let bar = progress::bar(matrix.rows() as u64);
    let mut comparison = matrix.compare(&stop, &|p| progress::show(&bar, &p));
    bar.finish_and_clear();
    comparison.command = progress::command_line();
    print!("{}", panto_compare::report::text(&comparison));
    if stop.load(Ordering::Relaxed) {
        return Ok(Exit::Interrupted);
    }
    if let Some(error) = comparison.rows.iter().find_map(|r| r.error.as_ref()) {
        anyhow::bail!("{error}");
    }
    let explain = options.window.explain;
    // The same in every lossless way; only tints tell how it was sent.
    let settings = if explain { options.picture.settings() } else { Settings::default() };
    let run_options = RunOptions { settings, link: lan, explain, ..RunOptions::default() };
    let outcome = panto_compare::run::run(&matrix.workloads[0], &run_options, &mut |_| true);
    if let Some(error) = outcome.error {
        return Err(error.into());
    }
    let (picture, digest) = (outcome.picture, outcome.figures.digest);
    let mut lossless = comparison.rows.iter().filter(|r| r.lossless);
    anyhow::ensure!(
        !settings.is_lossless() || lossless.all(|r| r.digest == digest),
        "two lossless ways gave different pictures: a bug"
    );
    report::save_picture(&picture, &options.screenshot)?;
    let which = match explain {
        true => format!("tinted by how {} sent each area", settings.mode.name()),
        false => "the same in every lossless way".into(),
    };
    println!("\nThe last picture, {which}: {}", options.screenshot.display());
    if let Some(path) = &options.stats {
        report::save_json(&comparison, path)?;
    }
    Ok(Exit::Ok)
}

#[cfg(not(feature = "window"))]
fn windowed(options: Demo) -> anyhow::Result<Exit> {
    eprintln!("This panto was built without its window, so the demo runs without one (--headless).");
    headless(&options)
}

/// Serves the desktop on a socket of its own and shows it.
#[cfg(feature = "window")]
fn windowed(options: Demo) -> anyhow::Result<Exit> {
    use std::sync::Arc;

    use panto_protocol::message::Rights;
    use panto_server::control::Control;
    use panto_server::frontend::{AuthPolicy, Server, ServerConfig};
    use panto_server::source::DemoSource;
    use panto_transport::{KnownHosts, ListenAddress, Listener, Target, TrustPolicy};
    use panto_viewer::core::{Client, ClientOptions, Command, View};

    use super::{runtime, view};
    use crate::cli::YesNo;
    use crate::paths;
    use crate::prompt::Terminal;

    let runtime = runtime::start()?;
    let socket = paths::runtime_dir().join(format!("demo-{}.sock", std::process::id()));
    let control = paths::runtime_dir().join(format!("demo-ctl-{}.sock", std::process::id()));
    let (server, _control, interruptions) = runtime.block_on(async {
        let interruptions = runtime::Interruptions::listen()?;
        let listener = Listener::bind(&[ListenAddress::Unix(socket.clone())]).await?;
        let (source, scene) = DemoSource::start(options.size);
        let config = ServerConfig {
            name: "Demo desktop".into(),
            auth: AuthPolicy::None,
            rsa_aes: None,
            vnc_password: None,
            tls: None,
            rights: Rights::Control,
        };
        let server = Server::new(config, scene, Arc::new(source));
        tokio::spawn(Arc::clone(&server).run(listener));
        let control = Control::start(Arc::clone(&server), control.clone()).await?;
        anyhow::Ok((server, control, interruptions))
    })?;
    println!("another viewer:  panto view unix:{}", socket.display());
    println!("steer it with:   panto ctl --socket {} mode pixels|commands|hybrid|auto", control.display());

    let state = View::new();
    let handle = state.handle();
    let client = ClientOptions {
        target: Target::unix(&socket),
        trust: TrustPolicy::Strict,
        known_hosts: KnownHosts::of_user()?,
        tls: true,
        name: "demo".into(),
        settings: options.picture.settings(),
        view_only: options.window.view_only,
        local_moves: options.window.local_moves == YesNo::Yes,
        explain: options.window.explain,
        disk_cache: None,
        vnc: Default::default(),
        reconnect: false,
        duration: None,
    };
    let task = runtime.spawn(Client::new(client, Arc::new(Terminal::new(None, None)?), state).run());
    runtime.spawn({
        let handle = handle.clone();
        async move {
            interruptions.first().await;
            handle.send(Command::Quit);
        }
    });
    let mut window = view::window_options(&options.window, "Panto");
    window.statistics = true;
    let shown = panto_viewer::ui::run(handle.clone(), window);
    handle.send(Command::Quit);
    let (_, ended) = runtime.block_on(task)?;
    server.close();
    shown?;
    ended?;
    Ok(Exit::Ok)
}
