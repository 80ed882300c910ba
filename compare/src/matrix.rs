//! Every workload in every way over every link: the table.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use panto_protocol::message::{Depth, Mode, Settings, Wire};
use panto_protocol::time::Micros;
use panto_viewer::core::Library;

use crate::figures::{Comparison, Figures, VERSION};
use crate::link::Profile;
use crate::run::{Pace, RunOptions, run};
use crate::workload::Workload;

/// What is to be compared.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    /// Rows of the table, first order.
    pub workloads: Vec<Workload>,
    /// Second order.
    pub links: Vec<Profile>,
    /// Third order: ways of sending.
    pub ways: Vec<Settings>,
    /// How time passes.
    pub pace: Pace,
    /// Whether each row is done a second time, by a viewer that has kept what it could of the first.
    pub warm: bool,
    /// For jitter and loss.
    pub seed: u64,
    /// Virtual time that one run may take.
    pub limit: Micros,
}

/// A way of sending that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no mode '{0}'; it is pixels, pixels+copyrect, commands, hybrid or auto, with +exact where nothing is to be shown roughly first, and +plain for plain frames"
)]
pub struct UnknownWay(String);

/// The way that a name means: a mode or `pixels+copyrect`, and behind it `+exact` where nothing is
/// to be shown roughly first, and `+plain` for plain frames.
///
/// # Errors
///
/// If there is none of this name.
pub fn way(name: &str, depth: Depth) -> Result<Settings, UnknownWay> {
    let (way, wire) = match name.strip_suffix("+plain") {
        Some(way) => (way, Wire::Plain),
        None => (name, Wire::Coded),
    };
    let (way, exact) = match way.strip_suffix("+exact") {
        Some(way) => (way, true),
        None => (way, false),
    };
    let (mode, copy_rect) = match way.strip_suffix("+copyrect") {
        Some("pixels") => ("pixels", true),
        Some(_) => return Err(UnknownWay(name.into())),
        None => (way, false),
    };
    let mode = Mode::ALL.into_iter().find(|m| m.name() == mode).ok_or_else(|| UnknownWay(name.into()))?;
    Ok(Settings { mode, depth, copy_rect, wire, exact, ..Settings::default() })
}

/// How far a comparison is.
#[derive(Debug, Clone)]
pub struct Progress<'a> {
    /// Rows that are done.
    pub done: usize,
    /// Rows in all.
    pub rows: usize,
    /// What a run that goes on is called.
    pub name: &'a str,
    /// How much of it is done, 0 to 1.
    pub part: f64,
}

impl Matrix {
    /// Rows that there will be.
    pub fn rows(&self) -> usize {
        self.workloads.len() * self.links.len() * self.ways.len() * self.sessions()
    }

    /// Rows for each workload, link and way.
    fn sessions(&self) -> usize {
        if self.warm { 2 } else { 1 }
    }

    /// Runs everything, on as many threads as there are processors. When `stop` is set, what goes on is ended and
    /// kept as partial rows, and what has not begun is left out.
    pub fn compare(&self, stop: &AtomicBool, progress: &(dyn Fn(Progress<'_>) + Sync)) -> Comparison {
        let jobs: VecDeque<_> = (self.workloads.iter())
            .flat_map(|w| self.links.iter().map(move |l| (w, l)))
            .flat_map(|(w, l)| self.ways.iter().map(move |s| (w, l, *s)))
            .enumerate()
            .collect();
        let total = self.rows();
        let jobs_left = jobs.len();
        let jobs = Mutex::new(jobs);
        let rows: Mutex<Vec<Option<Figures>>> = Mutex::new(vec![None; total]);
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(jobs_left.max(1));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some((index, (workload, link, settings))) = next(&jobs, stop) {
                        let done = || lock(&rows).iter().filter(|r| r.is_some()).count();
                        let name = format!("{} {} {}", workload.name(), link.name, settings.mode.name());
                        let mut options = RunOptions {
                            settings,
                            link: link.clone(),
                            pace: self.pace,
                            seed: self.seed,
                            limit: self.limit,
                            library: self.warm.then(Library::default),
                            ..RunOptions::default()
                        };
                        for session in 0..self.sessions() {
                            if session > 0 && stop.load(Ordering::Relaxed) {
                                break;
                            }
                            let mut outcome = run(workload, &options, &mut |part| {
                                progress(Progress { done: done(), rows: total, name: &name, part });
                                !stop.load(Ordering::Relaxed)
                            });
                            outcome.figures.warm = session > 0;
                            options.library = outcome.library;
                            lock(&rows)[index * self.sessions() + session] = Some(outcome.figures);
                            progress(Progress { done: done(), rows: total, name: &name, part: 1.0 });
                        }
                    }
                });
            }
        });
        let rows: Vec<Figures> =
            rows.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect();
        Comparison {
            version: VERSION,
            generator: concat!("panto ", env!("CARGO_PKG_VERSION")).into(),
            command: String::new(),
            workloads: self.workloads.iter().map(Workload::info).collect(),
            links: self.links.iter().map(Profile::info).collect(),
            interrupted: stop.load(Ordering::Relaxed),
            rows,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn next<T>(jobs: &Mutex<VecDeque<T>>, stop: &AtomicBool) -> Option<T> {
    if stop.load(Ordering::Relaxed) { None } else { lock(jobs).pop_front() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warm_row_follows_each_cold_one() {
        let matrix = Matrix {
            workloads: vec![Workload::demo(panto_protocol::geometry::Size::new(640, 480))],
            links: vec![Profile::default()],
            ways: vec![way("pixels", Depth::D24).unwrap(), way("commands", Depth::D24).unwrap()],
            limit: Micros::from_millis(3_600_000),
            warm: true,
            ..Matrix::default()
        };
        let comparison = matrix.compare(&AtomicBool::new(false), &|_| {});
        let ways: Vec<String> = comparison.rows.iter().map(Figures::way).collect();
        assert_eq!(ways, ["pixels", "pixels+warm", "commands", "commands+warm"]);
        assert_eq!(matrix.rows(), 4);
        assert!(comparison.rows.iter().all(|r| r.exact == Some(true) && r.error.is_none()));
    }

    #[test]
    fn ways_have_the_names_of_the_table() {
        for name in [
            "pixels",
            "pixels+copyrect+plain",
            "pixels+copyrect",
            "commands+plain",
            "commands",
            "hybrid",
            "auto",
        ] {
            let settings = way(name, Depth::D24).unwrap();
            let figures = Figures {
                system: "panto".into(),
                mode: settings.mode.name().into(),
                copy_rect: settings.copy_rect,
                wire: settings.wire.name().into(),
                depth: 24,
                ..Figures::default()
            };
            assert_eq!(figures.way(), name);
        }
        let warm =
            Figures { system: "panto".into(), mode: "commands".into(), warm: true, ..Figures::default() };
        assert_eq!(warm.way(), "commands+warm");
        assert!(way("commands+copyrect", Depth::D24).is_err());
        assert!(way("vnc", Depth::D24).unwrap_err().to_string().contains("hybrid"));
    }
}
