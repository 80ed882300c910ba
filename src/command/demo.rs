//! `panto demo`.

use panto_compare::{Run, demo_settings, markdown};
use panto_protocol::pixel::Picture;
use serde::Serialize;

use super::report;
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

/// What a headless run leaves behind.
#[derive(Serialize)]
struct Figures {
    width: u32,
    height: u32,
    runs: Vec<Run>,
}

/// Plays the script in every way, in virtual time.
fn headless(options: &Demo) -> anyhow::Result<Exit> {
    let size = options.size;
    println!(
        "Demo desktop, {}x{}: its script, played once for each way of sending it.\n",
        size.width, size.height
    );
    let mut runs = Vec::new();
    let mut last: Option<Picture> = None;
    for settings in demo_settings() {
        let copies = if settings.copy_rect { " with CopyRect" } else { "" };
        eprint!("  {}{copies} at depth {} … ", settings.mode.name(), settings.depth.bits());
        let (run, picture) = panto_compare::run(panto_compare::demo(size), settings)?;
        eprintln!("{} bytes", run.first_picture_bytes + run.bytes_down);
        if run.lossless {
            if let Some(other) = &last {
                anyhow::ensure!(*other == picture, "two lossless ways gave different pictures: a bug");
            }
            last = Some(picture);
        }
        runs.push(run);
    }
    eprintln!();
    print!("{}", markdown(&runs));
    println!(
        "\nkB are 1,000 bytes, framing included; ratio: the first line's bytes afterwards against this line's."
    );
    if let Some(picture) = &last {
        report::save_picture(picture, &options.screenshot)?;
        println!("The last picture, the same in every lossless way: {}", options.screenshot.display());
    }
    if let Some(path) = &options.stats {
        report::save_json(&Figures { width: size.width, height: size.height, runs }, path)?;
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
        name: "demo".into(),
        settings: options.picture.settings(),
        view_only: options.window.view_only,
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
