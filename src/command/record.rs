//! `panto record`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use panto_compare::record::{Ending, RecordError, RecordOptions, Subject, record};
use panto_compare::script::Script;
use panto_compare::work::Work;
use panto_protocol::geometry::Size;
use panto_server::trace::{Header, Reader, TraceError, summarize};
use serde::Serialize;

use super::runtime;
use crate::cli::Record;
use crate::exit::{Exit, Usage};

/// What was recorded, for `--json`.
#[derive(Serialize)]
struct Recorded {
    path: String,
    title: String,
    width: u32,
    height: u32,
    duration_s: f64,
    events: u64,
    inputs: u64,
    bytes: u64,
}

pub fn run(options: Record) -> anyhow::Result<Exit> {
    check_place(&options.out)?;
    let stop = stop_on_signals()?;
    let work = options.work.as_deref().map(Work::open).transpose()?;
    let (subject, script) = subject(&options, work.as_ref())?;
    let stem = options.out.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let title = options.title.clone().or_else(|| work.as_ref().map(|w| w.name.clone())).unwrap_or(stem);
    let about = options.about.clone().or_else(|| work.map(|w| w.description)).unwrap_or_default();
    let how = RecordOptions {
        header: Header { title, description: about, ..Header::default() },
        script,
        limit: options.duration,
        level: options.compress,
        windows: options.windows.into(),
    };
    let ending = record(&options.out, subject, &how, &stop);
    // A part that can be played is worth telling of, whatever went wrong.
    if let Err(RecordError::Virtual(_) | RecordError::Source(_) | RecordError::Capture(_)) = &ending {
        ending?;
        return Ok(Exit::Other);
    }
    if options.out.exists() {
        tell(&options.out, options.json)?;
    }
    match ending? {
        Ending::Stopped if how.script.is_some() => Ok(Exit::Interrupted),
        Ending::Command(exit) => {
            eprintln!("The command ended ({exit}), and the recording with it.");
            Ok(Exit::Ok)
        }
        Ending::Limit if how.script.is_some() => {
            eprintln!("The time was over before the script was.");
            Ok(Exit::Timeout)
        }
        _ => Ok(Exit::Ok),
    }
}

/// A trace may replace a trace, and nothing else.
fn check_place(out: &Path) -> Result<(), Usage> {
    if out == Path::new("-") {
        return Err(Usage("a trace is written to a file: its index comes last".into()));
    }
    let another_file = out.is_file()
        && out.metadata().is_ok_and(|m| m.len() > 0)
        && matches!(Reader::open(out), Err(TraceError::NotATrace { .. }));
    if another_file || out.exists() && !out.is_file() {
        let out = out.display();
        return Err(Usage(format!(
            "{out} is there and is no trace: choose another name, or remove it first"
        )));
    }
    Ok(())
}

fn subject(options: &Record, work: Option<&Work>) -> anyhow::Result<(Subject, Option<Script>)> {
    let script = options.script.as_deref().map(read_script).transpose()?;
    if let Some(work) = work {
        let subject = Subject::Virtual { size: work.size, command: work.command.clone() };
        return Ok((subject, Some(work.script.clone())));
    }
    if options.demo {
        let size = options.virtual_size.unwrap_or(Size::new(1280, 800));
        return Ok((Subject::Demo(size), None));
    }
    if !options.command.is_empty() || options.virtual_size.is_some() {
        if options.display.is_some() {
            return Err(
                Usage("a command gets a virtual display of its own: leave --display out".into()).into()
            );
        }
        let size = options.virtual_size.unwrap_or(Size::new(1280, 800));
        return Ok((Subject::Virtual { size, command: options.command.clone() }, script));
    }
    let display = options.display.clone().or_else(|| std::env::var("DISPLAY").ok()).ok_or_else(|| {
        Usage("there is nothing to record: give a command behind `--`, or --display, --demo or --work".into())
    })?;
    Ok((Subject::Display(display), script))
}

/// Reads a script, with its name in the error.
pub fn read_script(path: &Path) -> anyhow::Result<Script> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Script::parse(&text).with_context(|| path.display().to_string())
}

/// A flag that SIGINT and SIGTERM set.
pub fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let runtime = runtime::start()?;
    let interruptions = runtime.block_on(async { runtime::Interruptions::listen() })?;
    let flag = Arc::clone(&stop);
    std::thread::spawn(move || {
        runtime.block_on(async {
            interruptions.first().await;
            flag.store(true, Ordering::Relaxed);
            // Whoever asks twice does not want to wait for a tidy end.
            if let Ok(again) = runtime::Interruptions::listen() {
                again.first().await;
                std::process::exit(Exit::Interrupted as i32);
            }
        });
    });
    Ok(stop)
}

fn tell(path: &Path, json: bool) -> anyhow::Result<()> {
    let summary = summarize(path)?;
    let recorded = Recorded {
        path: path.display().to_string(),
        title: summary.header.title,
        width: summary.header.width,
        height: summary.header.height,
        duration_s: summary.duration.0 as f64 / 1e6,
        events: summary.changes,
        inputs: summary.inputs.len() as u64,
        bytes: std::fs::metadata(path)?.len(),
    };
    if json {
        println!("{}", serde_json::to_string(&recorded)?);
    } else {
        let r = &recorded;
        println!(
            "{}: {}x{}, {:.1} s, {} changes of the screen, {} inputs, {:.0} kB",
            r.path,
            r.width,
            r.height,
            r.duration_s,
            r.events,
            r.inputs,
            r.bytes as f64 / 1e3
        );
    }
    Ok(())
}
