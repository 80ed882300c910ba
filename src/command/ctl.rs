//! `panto ctl`.

use anyhow::bail;
use panto_protocol::message::{Mode, Wire};
use panto_server::control::{Change, Request, Response, ask};
use panto_server::frontend::ViewerInfo;

use super::runtime;
use crate::cli::{Ctl, CtlCommand, Switch};
use crate::exit::{Exit, NoControl};
use crate::paths;

pub fn run(options: Ctl) -> anyhow::Result<Exit> {
    let path = options.socket.unwrap_or_else(paths::control_socket);
    let request = request(&options.command);
    let response =
        runtime::start()?.block_on(ask(&path, &request)).map_err(|source| NoControl { path, source })?;
    if options.json {
        println!("{}", serde_json::to_string(&response)?);
    }
    match response {
        Response::Error(reason) => bail!(reason),
        _ if options.json => {}
        Response::Status(s) => {
            println!("{} (panto {}), up {:.0} s, CPU {:.2} s", s.name, s.version, s.uptime_s, s.server_cpu_s);
            println!("screen {}x{}, {} windows known, {} viewers", s.width, s.height, s.windows, s.viewers);
            println!("windows {}", s.windows_as);
            if let Some(failure) = s.failure {
                println!("no picture: {failure}");
            }
            if let Some(trouble) = s.trouble {
                println!("no new picture: {trouble}");
            }
        }
        Response::Viewers(viewers) => table(&viewers),
        Response::Reached(0) => println!("0 viewers; those of VNC choose for themselves"),
        Response::Reached(n) => println!("{n} viewer{}", if n == 1 { "" } else { "s" }),
    }
    Ok(Exit::Ok)
}

fn request(command: &CtlCommand) -> Request {
    let set = |viewer: &Option<u64>, change| Request::Set { viewer: *viewer, change };
    match command {
        CtlCommand::Status => Request::Status,
        CtlCommand::Viewers => Request::Viewers,
        CtlCommand::Mode { mode, viewer } => {
            let name = Mode::from(*mode).name().to_owned();
            set(viewer, Change { mode: Some(name), ..Change::default() })
        }
        CtlCommand::Depth { depth, viewer } => {
            set(viewer, Change { depth: Some(depth.bits()), ..Change::default() })
        }
        CtlCommand::Scale { scale, viewer } => {
            set(viewer, Change { scale: Some(scale.divisor() as u8), ..Change::default() })
        }
        CtlCommand::Dither { state, viewer } => {
            set(viewer, Change { dither: Some(*state == Switch::On), ..Change::default() })
        }
        CtlCommand::CopyRect { state, viewer } => {
            set(viewer, Change { copy_rect: Some(*state == Switch::On), ..Change::default() })
        }
        CtlCommand::Exact { state, viewer } => {
            set(viewer, Change { exact: Some(*state == Switch::On), ..Change::default() })
        }
        CtlCommand::Wire { wire, viewer } => {
            let name = Wire::from(*wire).name().to_owned();
            set(viewer, Change { wire: Some(name), ..Change::default() })
        }
        CtlCommand::Kick { viewer } => Request::Kick { viewer: *viewer },
    }
}

fn table(viewers: &[ViewerInfo]) {
    println!(
        "{:>4}  {:<24} {:<22} {:<8} {:<14} {:>5} {:>5} {:>12} {:>9} {:>8}",
        "id", "name", "from", "rights", "mode", "depth", "scale", "bytes down", "frames", "rtt ms"
    );
    for v in viewers {
        println!(
            "{:>4}  {:<24} {:<22} {:<8} {:<14} {:>5} {:>5} {:>12} {:>9} {:>8}",
            v.id,
            v.name,
            v.peer,
            v.rights,
            if v.wire == "plain" { format!("{}+plain", v.mode) } else { v.mode.clone() },
            v.depth,
            format!("1/{}", v.scale),
            v.bytes_down,
            v.frames,
            v.rtt_ms.map_or_else(|| "-".into(), |ms| format!("{ms:.1}")),
        );
    }
}
