//! `panto doctor`.

use std::path::Path;

use panto_server::capture::X11Capture;
use panto_server::inject::XtestInjector;
use panto_transport::{CredentialStore, DEFAULT_PORT, ListenAddress, Listener, data_dir};
use serde::Serialize;

use super::runtime;
use crate::cli::Doctor;
use crate::exit::Exit;

/// One thing looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    /// What was found, or what to do.
    detail: String,
}

pub fn run(options: &Doctor) -> anyhow::Result<Exit> {
    let mut findings = Vec::new();
    let mut note = |what, result: Result<String, String>| {
        let ok = result.is_ok();
        let detail = result.unwrap_or_else(|e| e);
        findings.push(Finding { what, ok, detail });
    };
    note("serve: X display", display(options.display.as_deref()));
    note(
        "serve: input (XTEST)",
        match XtestInjector::open(options.display.as_deref()) {
            Ok(_) => Ok("keyboard and pointer can be driven".into()),
            Err(error) => Err(error.to_string()),
        },
    );
    note("serve: virtual display", program("Xvfb", "xvfb"));
    note("serve: port", port());
    note(
        "serve: key directory",
        match data_dir() {
            Ok(dir) => Ok(dir.display().to_string()),
            Err(error) => Err(error.to_string()),
        },
    );
    note(
        "serve: passwords",
        match CredentialStore::of_user().map(|s| s.list()) {
            Ok(Ok(list)) if list.is_empty() => {
                Ok("none set; `serve` prints a one-time ticket (panto passwd sets one)".into())
            }
            Ok(Ok(list)) => Ok(format!("{} set", list.len())),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        },
    );
    note("view: window", window());
    if options.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for f in &findings {
            println!("{}  {:<24} {}", if f.ok { "ok     " } else { "missing" }, f.what, f.detail);
        }
    }
    Ok(Exit::Ok)
}

fn display(display: Option<&str>) -> Result<String, String> {
    let capture = X11Capture::open(display).map_err(|e| e.to_string())?;
    let size = capture.size();
    let shared = if capture.is_shared() { "shared memory" } else { "no shared memory: slower" };
    let resize = match capture.can_resize() {
        Ok(true) => "can change its size",
        _ => "cannot change its size",
    };
    Ok(format!("{}x{}, {shared}, {resize}", size.width, size.height))
}

fn program(name: &str, package: &str) -> Result<String, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|p| p.exists())
        .map(|p| p.display().to_string())
        .ok_or_else(|| {
            format!("{name} is not installed (Debian: apt install {package}); needed for --virtual")
        })
}

fn port() -> Result<String, String> {
    let runtime = runtime::start().map_err(|e| e.to_string())?;
    runtime
        .block_on(Listener::bind(&[ListenAddress::default()]))
        .map(|l| l.local_addrs().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ") + " free")
        .map_err(|e| format!("port {DEFAULT_PORT}: {e}"))
}

fn window() -> Result<String, String> {
    if cfg!(not(feature = "window")) {
        return Err("built without the window (feature `window`); --no-window works".into());
    }
    let (x, wayland) = (std::env::var_os("DISPLAY"), std::env::var_os("WAYLAND_DISPLAY"));
    if x.is_none() && wayland.is_none() {
        return Err("neither DISPLAY nor WAYLAND_DISPLAY is set; --no-window works".into());
    }
    // What winit loads when a window opens.
    let dirs = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib"];
    let missing: Vec<_> = ["libX11.so.6", "libxkbcommon-x11.so.0", "libXcursor.so.1", "libXi.so.6"]
        .into_iter()
        .filter(|lib| !dirs.iter().any(|d| Path::new(d).join(lib).exists()))
        .collect();
    if missing.is_empty() || wayland.is_some() {
        Ok("a window can be opened".into())
    } else {
        Err(format!(
            "{} not found (Debian: apt install libx11-6 libx11-xcb1 libxcursor1 libxi6 libxrandr2 libxkbcommon-x11-0)",
            missing.join(", ")
        ))
    }
}
