//! `panto compare`.

use std::collections::{HashMap, HashSet};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use panto_compare::expression::Expression;
use panto_compare::figures::{Comparison, Figures, VERSION};
use panto_compare::link::{Profile, ProfileError};
use panto_compare::matrix::{Matrix, way};
use panto_compare::peer::{self, Options, Setting};
use panto_compare::quality::Marks;
use panto_compare::record::{Ending, RecordOptions, Subject, record};
use panto_compare::report;
use panto_compare::run::Pace;
use panto_compare::script::Script;
use panto_compare::work::Work;
use panto_compare::workload::{Synthetic, UnknownSynthetic, Workload};
use panto_protocol::message::{Depth, Mode, Settings};
use panto_server::capture::Windows;
use panto_server::trace::Header;
use panto_server::virtual_display::CommandExit;
use tempfile::TempDir;

use super::progress;
use super::record::{read_script, stop_on_signals};
use crate::cli::Compare;
use crate::exit::{Exit, Usage};

pub fn run(options: Compare) -> anyhow::Result<Exit> {
    // Everything that was typed is checked before anything takes time.
    let conditions = options.fail_if.iter().map(|text| condition(text)).collect::<Result<Vec<_>, _>>()?;
    let links = options.link.iter().map(|l| l.parse()).collect::<Result<Vec<Profile>, ProfileError>>();
    let mut links = links.map_err(|e| Usage(e.to_string()))?;
    let mut seen = HashSet::new();
    links.retain(|link| seen.insert(link.name.clone()));
    check_outputs(&options)?;
    for path in [&options.json, &options.csv, &options.markdown, &options.html].into_iter().flatten() {
        super::report::check_output(path)?;
    }
    let ways = ways(&options)?;
    let inputs = Inputs::find(&options)?;
    let peers = peers(&options, &inputs)?;
    let stop = stop_on_signals()?;

    let mut comparison = if peers.is_empty() {
        simulated(&options, inputs, links, ways, &stop)?
    } else {
        live(&inputs, &links, &ways, &peers, &stop)
    };
    comparison.command = progress::command_line();
    write(&options, &comparison)?;
    verdict(&conditions, &comparison, stop.load(Ordering::Relaxed))
}

/// Every output has a place of its own, and none is an input's.
fn check_outputs(options: &Compare) -> Result<(), Usage> {
    let outputs = [&options.json, &options.csv, &options.markdown, &options.html];
    let mut seen: HashSet<&Path> = options.workloads.iter().map(PathBuf::as_path).collect();
    for path in outputs.into_iter().flatten() {
        if !seen.insert(path) {
            let path = path.display();
            return Err(Usage(format!("{path} is given twice: each output needs a place of its own")));
        }
    }
    Ok(())
}

fn condition(text: &str) -> Result<Expression, Usage> {
    Expression::parse(text).map_err(|e| Usage(format!("--fail-if: {e}")))
}

fn ways(options: &Compare) -> anyhow::Result<Vec<Settings>> {
    let pairs = options.mode.iter().flat_map(|mode| options.depth.iter().map(move |depth| (mode, *depth)));
    let ways = pairs.map(|(mode, depth)| way(mode, depth)).collect::<Result<_, _>>();
    Ok(ways.map_err(|e| Usage(e.to_string()))?)
}

/// What was named on the command line.
#[derive(Default)]
struct Inputs {
    traces: Vec<PathBuf>,
    works: Vec<Work>,
    demo: bool,
    synthetic: Vec<Synthetic>,
}

impl Inputs {
    fn find(options: &Compare) -> anyhow::Result<Self> {
        let synthetic =
            options.synthetic.iter().map(|name| name.parse()).collect::<Result<_, UnknownSynthetic>>();
        let synthetic = synthetic.map_err(|e| Usage(e.to_string()))?;
        let mut inputs = Self { demo: options.demo, synthetic, ..Self::default() };
        for path in &options.workloads {
            if path.is_dir() {
                let mut found = with_extension(path, "trace")?;
                if found.is_empty() {
                    bail!("there is no trace in {}; make one with: panto record", path.display());
                }
                found.sort();
                inputs.traces.append(&mut found);
            } else if path.extension().is_some_and(|e| e == "work") {
                inputs.works.push(Work::open(path)?);
            } else {
                inputs.traces.push(path.clone());
            }
        }
        if !options.command.is_empty() {
            let script = options.script.as_deref().map(read_script).transpose()?;
            inputs.works.push(command_as_work(options, script));
        }
        if inputs.traces.is_empty() && inputs.works.is_empty() && inputs.synthetic.is_empty() {
            inputs.demo = true;
        }
        Ok(inputs)
    }
}

fn with_extension(directory: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let read =
        std::fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let paths = read.filter_map(|entry| entry.ok().map(|e| e.path()));
    Ok(paths.filter(|p| p.extension().is_some_and(|e| e == extension)).collect())
}

fn command_as_work(options: &Compare, script: Option<Script>) -> Work {
    let program = Path::new(&options.command[0]).file_name().unwrap_or_default();
    let words: Vec<_> = options.command.iter().map(|w| w.to_string_lossy()).collect();
    Work {
        name: program.to_string_lossy().into_owned(),
        description: words.join(" "),
        size: options.size,
        packages: Vec::new(),
        command: options.command.clone(),
        script: script.unwrap_or_default(),
        marks: Marks::default(),
        connects_late: false,
    }
}

/// Runs in virtual time; live programs are recorded first.
fn simulated(
    options: &Compare,
    inputs: Inputs,
    links: Vec<Profile>,
    ways: Vec<Settings>,
    stop: &AtomicBool,
) -> anyhow::Result<Comparison> {
    let recordings = TempDir::new().context("there is no place for recordings")?;
    let mut workloads = Vec::new();
    let mut notes = Vec::new();
    if inputs.demo {
        workloads.push(Workload::demo(options.size));
    }
    workloads.extend(inputs.synthetic.iter().map(|what| Workload::synthetic(*what)));
    let mut broken = Vec::new();
    for path in &inputs.traces {
        match Workload::trace(path) {
            Ok(workload) => workloads.push(workload),
            // The others are compared all the same.
            Err(error) if inputs.traces.len() > 1 => broken.push((path.display().to_string(), error)),
            Err(error) => return Err(error.into()),
        }
    }
    for (n, work) in inputs.works.iter().enumerate() {
        let path = recordings.path().join(format!("{n}.trace"));
        if let Some(note) = record_work(work, &path, options.duration, stop)? {
            notes.push((work.name.clone(), note));
        }
        let mut workload = Workload::trace(&path)?;
        workload.mark_clip(work.marks.clip);
        workloads.push(workload);
    }
    for workload in &workloads {
        if let Some(cut) = workload.cut() {
            notes.push((workload.name().to_owned(), cut.to_owned()));
        }
    }
    distinguish(&mut workloads);
    let matrix = Matrix {
        workloads,
        links,
        ways,
        warm: options.warm,
        pace: if options.slow_motion { Pace::SlowMotion } else { Pace::Recorded },
        seed: options.seed,
        limit: options.limit.into(),
    };
    let bar = progress::bar(matrix.rows() as u64);
    let mut comparison = matrix.compare(stop, &|p| progress::show(&bar, &p));
    bar.finish_and_clear();
    for (name, error) in broken {
        comparison.rows.push(Figures {
            workload: name,
            error: Some(error.to_string()),
            ..Figures::default()
        });
    }
    for (name, note) in notes {
        for row in comparison.rows.iter_mut().filter(|r| r.workload == name) {
            row.error.get_or_insert_with(|| note.clone());
        }
    }
    Ok(comparison)
}

/// Gives workloads of the same name a number.
fn distinguish(workloads: &mut [Workload]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for workload in workloads {
        let times = seen.entry(workload.name().to_owned()).or_default();
        *times += 1;
        if *times > 1 {
            workload.rename(format!("{} ({times})", workload.name()));
        }
    }
}

/// Records a program's work; returns why the recording is only a part, if it is.
fn record_work(
    work: &Work,
    path: &Path,
    limit: Duration,
    stop: &AtomicBool,
) -> anyhow::Result<Option<String>> {
    let bar = progress::spinner(format!("recording {} …", work.name));
    let has_script = !work.script.steps.is_empty();
    let how = RecordOptions {
        header: Header {
            title: work.name.clone(),
            description: work.description.clone(),
            ..Header::default()
        },
        script: has_script.then(|| work.script.clone()),
        limit: Some(limit),
        level: 3,
        windows: Windows::Auto,
    };
    let subject = Subject::Virtual { size: work.size, command: work.command.clone() };
    let ending = record(path, subject, &how, stop);
    bar.finish_and_clear();
    match ending {
        Ok(Ending::Command(exit)) if exit != CommandExit::Code(0) => {
            Ok(Some(format!("the command ended with {exit}, and what it showed until then was compared")))
        }
        Ok(Ending::Script | Ending::Command(_)) => {
            warn_of_deaf_program(work, path);
            Ok(None)
        }
        Ok(Ending::Stopped) => Ok(Some("stopped while it was recorded".into())),
        Ok(Ending::Limit) => Ok(Some(format!(
            "did not end within {:.0} s (--for), so only so much of it was recorded",
            limit.as_secs_f64()
        ))),
        // A part that can be played is compared, and marked.
        Err(error) if Workload::trace(path).is_ok() => Ok(Some(error.to_string())),
        Err(error) => {
            let packages = work.packages.join(" ");
            let hint =
                if packages.is_empty() { String::new() } else { format!(" (needs: apt install {packages})") };
            Err(error).with_context(|| format!("{} cannot be recorded{hint}", work.name))
        }
    }
}

/// Says so if nothing that the script did changed the screen.
fn warn_of_deaf_program(work: &Work, path: &Path) {
    let Ok(recorded) = Workload::trace(path) else { return };
    let info = recorded.info();
    if info.inputs > 0 && info.events == 0 {
        eprintln!(
            "panto: none of the script's {} inputs changed the screen of {}. Without a window manager keys go to the \
             window under the pointer: let the script point at it first (move X Y, or click X Y).",
            info.inputs, work.name
        );
    }
}

/// Runs real programs in real time, Panto's own among them, one after the other.
fn live(
    inputs: &Inputs,
    links: &[Profile],
    ways: &[Settings],
    peers: &[Setting],
    stop: &AtomicBool,
) -> Comparison {
    let mut settings: Vec<Setting> = ways.iter().filter_map(as_peer).collect();
    settings.extend(peers);
    // Ways that a viewer has no option for are one here, and a peer may be named twice.
    let mut seen = HashSet::new();
    settings.retain(|setting| seen.insert(*setting));
    let mut comparison = Comparison {
        version: VERSION,
        generator: concat!("panto ", env!("CARGO_PKG_VERSION")).into(),
        workloads: inputs.works.iter().map(Work::info).collect(),
        links: links.iter().map(Profile::info).collect(),
        ..Comparison::default()
    };
    let bar = progress::bar((inputs.works.len() * links.len() * settings.len()) as u64);
    for work in &inputs.works {
        for link in links {
            for setting in &settings {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let options = Options::new(link.clone());
                let result = peer::run(setting, work, &options, stop, &mut |what| {
                    bar.set_message(format!("{} {} {setting}: {what}", work.name, link.name));
                });
                // What could not be measured has its row all the same, with the reason.
                comparison.rows.push(result.unwrap_or_else(|error| Figures {
                    workload: work.name.clone(),
                    link: link.name.clone(),
                    system: setting.peer.name().into(),
                    mode: setting.mode.into(),
                    time: "live".into(),
                    error: Some(error.to_string()),
                    ..Figures::default()
                }));
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    comparison.interrupted = stop.load(Ordering::Relaxed);
    comparison
}

/// A way of sending as a setting of real programs.
fn as_peer(way: &Settings) -> Option<Setting> {
    let flag = match way {
        Settings { exact: true, .. } => "+exact",
        Settings { mode: Mode::Pixels, copy_rect: true, .. } => "+copyrect",
        _ => "",
    };
    let setting = Setting::parse(&format!("panto:{}{flag}", way.mode.name()));
    setting.or_else(|_| Setting::parse(&format!("panto:{}", way.mode.name()))).ok()
}

/// The peers that were named, and that real programs can be driven through them at all.
fn peers(options: &Compare, inputs: &Inputs) -> anyhow::Result<Vec<Setting>> {
    let peers = options.peer.iter().map(|p| Setting::parse(p)).collect::<Result<Vec<_>, _>>();
    let peers = peers.map_err(|e| Usage(e.to_string()))?;
    let usage = |text: &str| Err(Usage(text.into()).into());
    if peers.is_empty() {
        return Ok(peers);
    }
    if !inputs.traces.is_empty() || inputs.demo || !inputs.synthetic.is_empty() {
        return usage(
            "peers do real work, not recordings: give work files (.work), or a command behind `--`",
        );
    }
    if options.depth != [Depth::D24] {
        return usage("peers are compared at depth 24 only");
    }
    Ok(peers)
}

/// Writes what was asked for; the table goes to stdout unless something else does.
fn write(options: &Compare, comparison: &Comparison) -> anyhow::Result<()> {
    let mut silent = false;
    let files = [
        (&options.json, report::json as fn(&Comparison) -> String),
        (&options.csv, report::csv),
        (&options.markdown, report::markdown),
        (&options.html, report::html),
    ];
    for (path, form) in files {
        let Some(path) = path else { continue };
        let text = form(comparison);
        if path == Path::new("-") {
            silent = true;
            std::io::stdout().write_all(text.as_bytes()).context("cannot write to stdout")?;
        } else {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    if !silent {
        let mut stdout = std::io::stdout();
        stdout.write_all(report::text(comparison).as_bytes()).context("cannot write to stdout")?;
        stdout.flush().context("cannot write to stdout")?;
    }
    if std::io::stderr().is_terminal()
        && let Some(html) = &options.html
    {
        eprintln!("The report: {}", html.display());
    }
    Ok(())
}

/// How it ended: thresholds first, as scripts ask for those; then what went wrong.
fn verdict(conditions: &[Expression], comparison: &Comparison, stopped: bool) -> anyhow::Result<Exit> {
    let mut violated = false;
    for condition in conditions {
        for violation in condition.check(comparison)? {
            eprintln!("panto: --fail-if is true: {violation}");
            violated = true;
        }
    }
    if stopped {
        return Ok(Exit::Interrupted);
    }
    if violated {
        return Ok(Exit::Threshold);
    }
    let failed = comparison.rows.iter().filter(|r| r.error.is_some()).count();
    if failed > 0 {
        let rows = comparison.rows.len();
        bail!("{failed} of {rows} rows are only partial: see the notes under the table");
    }
    if comparison.rows.iter().any(|r| r.lossless && r.exact == Some(false)) {
        bail!("a final picture is not what it should be: see the table");
    }
    Ok(Exit::Ok)
}
